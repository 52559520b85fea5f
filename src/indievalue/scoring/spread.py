"""Spread between the groups of a demographic, and its estimate and interval without sampling noise.

Percentiles of bootstrapped σ are not valid: resampling adds as much noise again to the groups' values, so that every
bootstrapped σ is too large, and the interval excludes 0 even if there is no difference at all. Intervals here are
obtained by test inversion instead: they contain every true spread for which the observed one lies within the 2.5th and
97.5th percentiles, when bootstrap noise is added to groups with that true spread.

Throughout, ``values`` has for each demographic the values of its groups (groups,), ``noise`` the deviations of the
bootstrap draws from them (draws × groups), and ``between`` the result of :func:`between_groups`.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

LOW, HIGH = 0.025, 0.975
"""Ends of a 95% interval."""

_STEPS = 40
"""Newton steps toward a root, at most; convergence is quadratic."""

_PRECISE = 1e-12
"""Relative size of the last step toward a root; the error that it leaves is about its square."""

_LEAST = 1e-6
"""Least spread that is solved for, as a share of that of the noise: a root for 0 is lost in rounding."""


def spread(values: Floats) -> Floats:
    """Return σ, the standard deviation (n − 1) of values (… × groups) over groups; NaN for fewer than two groups."""
    if values.shape[-1] < 2:
        return np.full(values.shape[:-1], np.nan)
    return np.asarray(np.std(values, axis=-1, ddof=1))


def between_groups(values: Floats, variances: Floats) -> float:
    """Estimate the variance of the groups' true values: σ² of ``values`` (groups,) minus the mean of ``variances``.

    This is the estimator of Hedges (1983) for a random-effects model (see also Hedges & Olkin 1985). It is unbiased for
    groups of any sizes, and gives every group the same weight, as σ² does; that of DerSimonian and Laird (1986) gives
    large groups more weight and estimates a different quantity. It is negative if the groups differ less than expected
    by chance, and NaN for fewer than two groups.
    """
    return float(spread(values) ** 2 - variances.mean()) if len(values) > 1 else float("nan")


def spread_interval(values: Floats, noise: Floats) -> tuple[float, float]:
    """Return the 95% interval of the spread of one demographic's true values; NaN if no draw is usable."""
    low, _, high = _true_spread([values], [noise], np.ones(1))
    return low, high


def mean_spread_interval(
    values: Sequence[Floats], noise: Sequence[Floats], between: Sequence[float]
) -> tuple[float, float, float]:
    """Estimate the mean over demographics of the spread of their true values; return (low, estimate, high).

    The estimate is the value under which the observed mean would be the median of the draws. For a single
    demographic it is the square root of the variance between groups. How much noise adds to the mean depends on how the
    true spread is distributed over demographics: most if it is concentrated in a few, least if it is equal in all. The
    low end therefore assumes no spread in the demographics whose own interval includes 0; the estimate and the high end
    assume the observed spreads, shrunk toward their mean (James & Stein 1961). This widens the 95%
    interval. All three are NaN if no draw is usable.
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
    """Estimate the true spread of each demographic, shrunk toward the mean as far as differences are noise."""
    squares = np.array(between)
    variances = []
    for value, draws, square in zip(values, noise, squares, strict=True):
        shown = float(spread(value))
        scale = np.sqrt(max(square, 0)) / shown if shown else 0.0
        variances.append(np.var(spread(scale * (value - value.mean()) + draws) ** 2))
    differences = squares.var(ddof=1)
    kept = max(0.0, 1 - float(np.mean(variances)) / differences) if differences else 0.0
    drawn = np.maximum(max(squares.mean(), 0) + kept * (squares - squares.mean()), 0)
    if drawn.any():
        return np.asarray(np.sqrt(drawn))
    observed = np.array([float(spread(value)) for value in values])
    return observed if observed.any() else np.ones(len(values))


def _usable(noise: Sequence[Floats]) -> NDArray[np.bool_]:
    """Return the draws (draws,) in which no group is empty."""
    return np.asarray(np.all([np.isfinite(draws).all(axis=1) for draws in noise], axis=0))


def true_spreads(values: Floats, noise: Floats) -> Floats:
    """Return for each draw the true spread of one demographic for which its noise gives the observed one (draws,).

    If the noise alone is larger than the observed spread, it is −√(noise² − observed²): a difference between two such
    spreads is then centred on the true one even if either is 0. NaN if a group is empty in the draw.
    """
    drawn = np.full(len(noise), np.nan)
    usable = _usable([noise])
    if usable.any():
        least, _ = _solutions([values], [noise[usable]], np.ones(1))
        missing = spread(noise[usable]) ** 2 - spread(values) ** 2
        drawn[usable] = np.where(missing > 0, -np.sqrt(np.maximum(missing, 0)), least)
    return drawn


def _true_spread(values: Sequence[Floats], noise: Sequence[Floats], share: Floats) -> tuple[float, float, float]:
    """Return (low, estimate, high) of the mean true spread, distributed over demographics as ``share`` is."""
    usable = _usable(noise)
    if not usable.any():
        return (float("nan"),) * 3
    least, root = _solutions(values, [draws[usable] for draws in noise], share)
    return float(np.quantile(least, LOW)), float(np.quantile(least, 0.5)), float(np.quantile(root, HIGH))


def _solutions(values: Sequence[Floats], noise: Sequence[Floats], share: Floats) -> tuple[Floats, Floats]:
    """Return the mean true spread for each usable draw (draws,), distributed over demographics as ``share`` is.

    The first result is 0 for draws whose noise alone is as large as what was observed, the second is not.
    """
    observed = float(np.mean([spread(value) for value in values]))
    # A bias that the bootstrap repeats, such as that of a calibration error, is removed first.
    apart = [value - draws.mean(axis=0) for value, draws in zip(values, noise, strict=True)]
    apart = [value - value.mean() for value in apart]
    noise = [draws - draws.mean(axis=1, keepdims=True) for draws in noise]
    lengths = np.array([float(spread(value)) for value in apart])
    scale = np.divide(share, lengths, out=np.zeros(len(share)), where=lengths > 0)
    if not scale.any():
        return np.zeros(len(noise[0])), np.zeros(len(noise[0]))
    # With truth t × scale × apart, the variance of a demographic's values in a draw is a t² + 2 b t + c.
    a = ((scale * lengths) ** 2)[:, None]
    b = np.stack(
        [
            (one * draws * value).sum(axis=1) / (len(value) - 1)
            for one, value, draws in zip(scale, apart, noise, strict=True)
        ]
    )
    c = np.stack([(draws**2).sum(axis=1) / (draws.shape[1] - 1) for draws in noise])
    root, at_zero = _roots(a, b, c, max(observed, _LEAST * float(np.sqrt(c).mean())))
    unit = float(np.sqrt(a).mean())
    return unit * np.where(at_zero >= observed, 0.0, root), unit * root


def _roots(a: Floats, b: Floats, c: Floats, observed: float) -> tuple[Floats, Floats]:
    """Solve mean over demographics of √(a t² + 2 b t + c) = ``observed`` for the largest t ≥ 0.

    Return that t, 0 if there is none, and the mean at t = 0, both (draws,); the coefficients are (demographics ×
    draws). The mean is convex in t, so that Newton's method from the right converges to the largest root; without a
    root it reaches the minimum of the curve.
    """
    at_zero = np.sqrt(c).mean(axis=0)
    every = (observed + at_zero) / np.sqrt(a).mean()
    moving = np.arange(len(every))
    for _ in range(_STEPS):
        t = every[moving]
        shown = np.sqrt(np.maximum(a * t**2 + 2 * b * t + c, 1e-300))
        slope = ((a * t + b) / shown).mean(axis=0)
        found = slope > 0
        stepped = np.where(found, t - (shown.mean(axis=0) - observed) / np.where(found, slope, 1.0), 0.0)
        every[moving] = np.maximum(stepped, 0.0)
        # Draws that have reached their root, or 0, without one, are left where they are.
        still = np.flatnonzero((stepped > 0) & (np.abs(stepped - t) > _PRECISE * t))
        if not len(still):
            break
        moving, b, c = moving[still], b[:, still], c[:, still]
    return every, at_zero
