"""How reliable σ is: whether other people of the same groups would give the same result."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from indievalue.scoring.groups import Groups
from indievalue.scoring.measures import Sums
from indievalue.scoring.spread import spread

Floats = NDArray[np.float64]

SPLITS = 200
"""Random halves of the people."""


def half_values(sums: Sums, demographics: Sequence[Groups], seed: int) -> list[Floats]:
    """Return the values of each demographic's groups in random halves of the people (splits × 2 × groups).

    They are NaN for a group that nobody of a half is in.
    """
    rng = np.random.default_rng(seed)
    people = len(sums.people)
    first = rng.permuted(np.tile(np.arange(people) % 2, (SPLITS, 1)), axis=1)  # splits × people
    halves = [sums.parts[:, None, :] * (first == number) for number in range(2)]
    found = []
    for groups in demographics:
        members = groups.membership()
        found.append(np.stack([sums.value(half @ members) for half in halves], axis=1))
    return found


def stepped_up(values: Floats) -> float | None:
    """Return the reliability of a demographic's groups' values: the correlation of halves, for all people.

    ``values`` are splits × 2 × groups. The mean correlation r of two halves, each of half of the people, becomes
    2r / (1 + r) for all of them (Spearman 1910; Brown 1910), at least 0. None for fewer than three groups, or if
    values do not differ.

    >>> values = np.array([[[60.0, 70.0, 80.0], [62.0, 71.0, 78.0]]])
    >>> round(stepped_up(values), 3)
    0.999
    """
    if values.shape[-1] < 3:
        return None
    centred = values - values.mean(axis=-1, keepdims=True)
    length = np.sqrt((centred**2).sum(axis=-1).prod(axis=-1))
    with np.errstate(invalid="ignore", divide="ignore"):
        each = (centred[:, 0] * centred[:, 1]).sum(axis=-1) / length
    each = each[np.isfinite(each)]
    if not len(each):
        return None
    mean = max(float(each.mean()), 0.0)
    return 2 * mean / (1 + mean)


def same_order(values: Sequence[Floats]) -> float | None:
    """Return the mean rank correlation of two halves in how they order demographics by σ.

    ``values`` are those of :func:`half_values`. None for fewer than three demographics, or if all have the same σ.
    """
    if len(values) < 3:
        return None
    sigmas = np.stack([spread(one) for one in values], axis=-1)  # splits × 2 × demographics
    differing = np.isfinite(sigmas).all(axis=(1, 2)) & (np.ptp(sigmas, axis=2) > 0).all(axis=1)
    if not differing.any():
        return None
    return float(np.mean([_rank_correlation(one, other) for one, other in sigmas[differing]]))


def concordance(sigmas: Floats) -> float | None:
    """Return Kendall's W of predictors in how they order demographics by σ: 1 if all agree, 0 if there is no agreement.

    ``sigmas`` are predictors × demographics. None for fewer than two predictors or three demographics.

    >>> concordance(np.array([[1.0, 2.0, 3.0], [2.0, 3.0, 7.0]]))
    1.0
    """
    raters, items = sigmas.shape
    if raters < 2 or items < 3 or not np.isfinite(sigmas).all():
        return None
    totals = np.sum([ranks(row) for row in sigmas], axis=0)
    return float(12 * ((totals - totals.mean()) ** 2).sum() / (raters**2 * (items**3 - items)))


def ranks(values: Floats) -> Floats:
    """Return the ranks of values from 1; equal ones have the mean of their ranks.

    It is :func:`scipy.stats.rankdata`, without the import of all of ``scipy.stats``, a third of a second.

    >>> ranks(np.array([3.0, 1.0, 3.0]))
    array([2.5, 1. , 2.5])
    """
    _, place, count = np.unique(values, return_inverse=True, return_counts=True)
    last = np.cumsum(count)
    return np.asarray((last - (count - 1) / 2)[place])


def _rank_correlation(one: Floats, other: Floats) -> float:
    return float(np.corrcoef(ranks(one), ranks(other))[0, 1])
