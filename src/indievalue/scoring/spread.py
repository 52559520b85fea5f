"""How far the groups of a demographic lie apart, and how far they would without the noise of who was asked.

Bootstrapped σ has no honest percentiles: a bootstrap adds to the noise in the groups' values as much again, so that
all its σ are too large, and an interval from them is far from 0 where there is no difference at all. Intervals here
invert a test instead: they hold every true spread that would show one as large as the observed in 2.5 to 97.5% of the
draws, when a draw's noise is added to groups that truly lie that far apart.

Throughout, ``values`` holds for each demographic the values of its groups (groups,), ``noise`` what chance adds to
them, as the bootstrap draws it (draws × groups), and ``between`` what :func:`between_groups` says of it.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

LOW, HIGH = 0.025, 0.975
"""Ends of a 95% interval."""

_STEPS = 40
"""Newton steps towards a root; once it is near, each doubles the digits."""


def spread(values: Floats) -> Floats:
    """σ, the standard deviation (n − 1) over the last axis, of values (… × groups); NaN for fewer than two groups."""
    if values.shape[-1] < 2:
        return np.full(values.shape[:-1], np.nan)
    return np.asarray(np.std(values, axis=-1, ddof=1))


def between_groups(values: Floats, variances: Floats) -> float:
    """Variance of the groups' true values: that of ``values`` (groups,) less the mean of their sampling ``variances``.

    The estimator of Hedges (1983) for a random-effects model, with Hedges and Olkin (1985); unbiased whatever the sizes
    of the groups, and of the very thing that σ² estimates, because both give every group the same weight. That of
    DerSimonian and Laird (1986) weights large groups more, which would answer another question. Below 0 where the
    groups lie closer together than chance puts them. NaN for fewer than two groups.
    """
    return float(spread(values) ** 2 - variances.mean()) if len(values) > 1 else float("nan")


def spread_interval(values: Floats, noise: Floats) -> tuple[float, float]:
    """95% interval of the spread of one demographic's true values; NaN where no draw is usable."""
    low, _, high = _true_spread([values], [noise], np.ones(1))
    return low, high


def mean_spread_interval(
    values: Sequence[Floats], noise: Sequence[Floats], between: Sequence[float]
) -> tuple[float, float, float]:
    """(low, middle, high) of the mean over demographics of the spread of their true values: 95% interval and estimate.

    The middle would show a mean as large as the observed in half of the draws; of one demographic it is the root of its
    variance between groups. How much noise adds to a mean of spreads
    depends on how the truth is shared out over demographics: most where a few hold all of it, least where all hold as
    much. So the low end supposes that those whose own interval reaches 0 hold none, and the others all; the middle and
    the high end that each holds what it shows, drawn towards what all show as far as that is noise (James & Stein
    1961). The interval is the longer for it. All NaN where no draw is usable.
    """
    own = np.sqrt(np.maximum(between, 0))
    if len(own) == 1:
        low, high = spread_interval(values[0], noise[0])
        return low, float(own[0]), high
    usable = _usable(noise)
    if not usable.any():
        return (float("nan"),) * 3
    noise = [draws[usable] for draws in noise]
    sure = own * [spread_interval(value, draws)[0] > 0 for value, draws in zip(values, noise, strict=True)]
    _, middle, high = _true_spread(values, noise, even := _shrunk(values, noise, between))
    return _true_spread(values, noise, sure if sure.any() else even)[0], middle, high


def _shrunk(values: Sequence[Floats], noise: Sequence[Floats], between: Sequence[float]) -> Floats:
    """The true spread of each demographic, drawn towards that of all as far as their differences are noise."""
    squares = np.array(between)
    variances = []
    for value, draws, square in zip(values, noise, squares, strict=True):
        shown = float(spread(value))
        scale = np.sqrt(max(square, 0)) / shown if shown else 0.0
        variances.append(np.var(spread(scale * (value - value.mean()) + draws) ** 2))
    differences = squares.var(ddof=1)
    kept = max(0.0, 1 - float(np.mean(variances)) / differences) if differences else 0.0
    drawn = np.maximum(max(squares.mean(), 0) + kept * (squares - squares.mean()), 0)
    return np.sqrt(drawn) if drawn.any() else np.array([float(spread(value)) for value in values])


def _usable(noise: Sequence[Floats]) -> NDArray[np.bool_]:
    """Draws (draws,) in which every group has somebody."""
    return np.asarray(np.all([np.isfinite(draws).all(axis=1) for draws in noise], axis=0))


def _true_spread(values: Sequence[Floats], noise: Sequence[Floats], share: Floats) -> tuple[float, float, float]:
    """(low, middle, high) of the mean true spread, when it is shared out over demographics as ``share`` is."""
    usable = _usable(noise)
    if not usable.any():
        return (float("nan"),) * 3
    observed = float(np.mean([spread(value) for value in values]))
    noise = [draws[usable] for draws in noise]
    # A bias that the bootstrap repeats, as that of a calibration error, is taken off before groups are set apart.
    apart = [value - draws.mean(axis=0) for value, draws in zip(values, noise, strict=True)]
    apart = [value - value.mean() for value in apart]
    noise = [draws - draws.mean(axis=1, keepdims=True) for draws in noise]
    lengths = np.array([float(spread(value)) for value in apart])
    scale = np.divide(share, lengths, out=np.zeros(len(share)), where=lengths > 0)
    if observed == 0 or not scale.any():
        return 0.0, 0.0, 0.0
    # With truth t × scale × apart, the variance of a demographic's values in a draw is a t² + 2 b t + c.
    a = ((scale * lengths) ** 2)[:, None]
    b = np.stack(
        [
            (one * draws * value).sum(axis=1) / (len(value) - 1)
            for one, value, draws in zip(scale, apart, noise, strict=True)
        ]
    )
    c = np.stack([(draws**2).sum(axis=1) / (draws.shape[1] - 1) for draws in noise])
    root, at_zero = _roots(a, b, c, observed)
    least = np.where(at_zero >= observed, 0.0, root)
    unit = float(np.sqrt(a).mean())
    return (
        unit * float(np.quantile(least, LOW)),
        unit * float(np.quantile(least, 0.5)),
        unit * float(np.quantile(root, HIGH)),
    )


def _roots(a: Floats, b: Floats, c: Floats, observed: float) -> tuple[Floats, Floats]:
    """(greatest t ≥ 0 at which the mean over demographics of √(a t² + 2 b t + c) is ``observed``; that mean at t = 0).

    All are (demographics × draws); the results are (draws,), 0 where there is no such t. The mean is convex in t, so
    that Newton's method from the right goes straight to the greatest root; without one it comes to where the curve
    falls no more.
    """
    at_zero = np.sqrt(c).mean(axis=0)
    t = (observed + at_zero) / np.sqrt(a).mean()
    found = np.ones(len(t), bool)
    for _ in range(_STEPS):
        shown = np.sqrt(np.maximum(a * t**2 + 2 * b * t + c, 1e-300))
        slope = ((a * t + b) / shown).mean(axis=0)
        found &= slope > 0
        t = np.where(found, t - (shown.mean(axis=0) - observed) / np.where(found, slope, 1.0), 0.0)
        found &= t > 0
        t = np.maximum(t, 0.0)
    return t, at_zero
