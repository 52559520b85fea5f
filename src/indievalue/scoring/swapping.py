"""Permutation test of the difference in σ between two predictors: their rows are swapped within people.

Under the null hypothesis that it makes no difference which of the two predictors gave which rows of a person, all ways
of swapping are equally likely, and the test is exact for any number of people and groups. σ does not depend on the
overall accuracy, so the overall value of each predictor is subtracted from its rows first: without this, swapping
predictors of different accuracy would add noise that the observed difference does not have.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from indievalue.scoring.exact import fixed
from indievalue.scoring.groups import Groups
from indievalue.scoring.measures import Sums
from indievalue.scoring.spread import Floats, spread


def swapped_differences(a: Sums, b: Sums, demographics: Sequence[Groups], draws: int, seed: int) -> Floats:
    """Return the differences in noise-free σ, as observed in the first row, then swapped (1 + draws × demographics).

    ``a`` and ``b`` have the same people, with the same number of rows of each. The difference is that of the signed
    square roots of σ² minus the mean sampling variance of the groups, both computed anew in each draw.
    """
    random = np.random.default_rng(seed)
    swap = np.zeros((1 + draws, len(a.people)))
    swap[1:] = random.random((draws, len(a.people))) < 0.5
    ours, theirs = _moments(a), _moments(b)
    size = a.parts[-1]
    differences = np.empty((1 + draws, len(demographics)))
    for at, groups in enumerate(demographics):
        members = groups.membership()
        count, own = members.sum(axis=0), np.stack([size, size**2]) @ members
        moved = np.stack([swap @ ((theirs - ours)[part][:, None] * members) for part in range(3)])
        sums = [side[:, None] @ members for side in (ours, theirs)]
        found = [_noiseless(total, own, count) for total in (sums[0] + moved, sums[1] - moved)]
        differences[:, at] = found[0] - found[1]
    return differences if a.measure != "accuracy" else 100 * differences


def two_sided(differences: Floats) -> float:
    """Return p: the share of differences (1 + draws,) as large as the first; equal up to rounding counts as equal."""
    sizes = np.abs(differences)
    return float((sizes >= sizes[0] * (1 - 1e-9) - 1e-12).mean())


def _moments(sums: Sums) -> Floats:
    """Return each person's contribution, its square, and its product with the number of rows (3 × people)."""
    value, rows = sums.parts
    value = value - value.sum() / rows.sum() * rows
    return np.stack([fixed(part, len(rows)) for part in (value, value**2, value * rows)])


def _noiseless(total: Floats, own: Floats, count: NDArray[np.float64]) -> Floats:
    """Return the signed root of σ² minus noise (draws,), from sums of moments (3 × draws × groups).

    ``own`` are sums of rows and of their squares (2 × groups), ``count`` is the number of people in each group.
    """
    value = total[0] / own[0]
    squares = total[1] - 2 * value * total[2] + value**2 * own[1]
    with np.errstate(divide="ignore", invalid="ignore"):
        variances = count / (count - 1) * squares / own[0] ** 2
    between = spread(value) ** 2 - variances.mean(axis=-1)
    return np.asarray(np.sign(between) * np.sqrt(np.abs(between)))
