"""Permutation test of the difference in σ between two predictors: their rows are swapped within people.

Under the null hypothesis that it makes no difference which of the two predictors gave which rows of a person, all ways
of swapping are equally likely, and the test is exact for any number of people and groups. σ does not depend on the
overall accuracy, so the overall value of each predictor is subtracted from its rows first: without this, swapping
predictors of different accuracy would add noise that the observed difference does not have.

The difference is one of σ² without noise, of one demographic or summed over several, and is divided by its standard
error, in the observed and in each swapped sample. Two predictors that are equally uneven, but for other groups, are not
exchangeable: their difference varies more than swapped ones do. So do its standard errors, and the ratio has the right
level in large samples all the same (Janssen 1997; Chung and Romano 2013).
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from indievalue.scoring.exact import fixed
from indievalue.scoring.groups import Groups
from indievalue.scoring.measures import Sums
from indievalue.scoring.spread import Floats, spread


@dataclass(frozen=True)
class Swapped:
    """Differences as observed, in the first row, and after each draw of swaps (1 + draws × demographics).

    Attributes:
        squares: differences of σ² minus the mean sampling variance of the groups. errors: their standard errors.
    """

    squares: Floats
    errors: Floats

    def p(self, demographic: int | None = None) -> float:
        """Return the p-value of the difference of one demographic, or of the sum over all."""
        chosen = slice(None) if demographic is None else slice(demographic, demographic + 1)
        errors = np.sqrt((self.errors[:, chosen] ** 2).sum(axis=1))
        with np.errstate(divide="ignore", invalid="ignore"):
            return two_sided(np.nan_to_num(self.squares[:, chosen].sum(axis=1) / errors))


def swapped_differences(a: Sums, b: Sums, demographics: Sequence[Groups], draws: int, seed: int) -> Swapped:
    """Return the differences in noise-free σ of two predictors with the same people, and as many rows of each."""
    random = np.random.default_rng(seed)
    swap = np.zeros((1 + draws, len(a.people)))
    swap[1:] = random.random((draws, len(a.people))) < 0.5
    ours, theirs = _moments(a), _moments(b)
    size = a.parts[-1]
    product = fixed(ours[0] * theirs[0], len(size))
    squares, errors = np.empty((2, 1 + draws, len(demographics)))
    for at, groups in enumerate(demographics):
        members = groups.membership()
        own = np.stack([size, size**2]) @ members
        moved = np.stack([swap @ ((theirs - ours)[part][:, None] * members) for part in range(3)])
        first, second = (side[:, None] @ members for side in (ours, theirs))
        both = _Moments(first + moved, second - moved, product @ members, own, members.sum(axis=0))
        squares[:, at], errors[:, at] = both.differences()
    return Swapped(squares, errors)


@dataclass(frozen=True)
class _Moments:
    """Sums of both predictors' moments (each 3 × draws × groups) and of their products (groups,).

    ``own`` are sums of rows and of their squares (2 × groups), ``count`` is the number of people in each group.
    """

    first: Floats
    second: Floats
    product: Floats
    own: Floats
    count: NDArray[np.float64]

    def differences(self) -> tuple[Floats, Floats]:
        """Return the differences of σ² without noise, and their standard errors (draws,)."""
        values = [total[0] / self.own[0] for total in (self.first, self.second)]
        squares = [
            total[1] - 2 * value * total[2] + value**2 * self.own[1]
            for total, value in zip((self.first, self.second), values, strict=True)
        ]
        products = self.product - values[0] * self.second[2] - values[1] * self.first[2]
        products += values[0] * values[1] * self.own[1]
        with np.errstate(divide="ignore", invalid="ignore"):
            scale = self.count / (self.count - 1) / self.own[0] ** 2
        variances, covariances = [scale * square for square in squares], scale * products
        between = [spread(value) ** 2 - part.mean(axis=-1) for value, part in zip(values, variances, strict=True)]
        return between[0] - between[1], standard_error(values, variances, covariances)


def standard_error(values: Sequence[Floats], variances: Sequence[Floats], covariances: Floats) -> Floats:
    """Return the standard error of the difference of two variances between groups (draws,), each group's mean normal.

    The variance of a quadratic form m'Qm with means μ and covariances Σ is 4μ'QΣQμ + 2tr(QΣQΣ). With the observed means
    for μ, the first term is too large by 4tr(QΣQΣ) on average, which is subtracted.
    """
    groups = covariances.shape[-1]
    a, b = ((value - value.mean(axis=-1, keepdims=True)) / (groups - 1) for value in values)
    means = (variances[0] * a**2 + variances[1] * b**2 - 2 * covariances * a * b).sum(axis=-1)
    squares = (variances[0] ** 2 + variances[1] ** 2 - 2 * covariances**2).sum(axis=-1)
    of_sums = variances[0].sum(axis=-1) ** 2 + variances[1].sum(axis=-1) ** 2 - 2 * covariances.sum(axis=-1) ** 2
    trace = squares / groups**2 + (of_sums - squares) / (groups * (groups - 1)) ** 2
    return np.asarray(np.sqrt(np.maximum(4 * means - 2 * trace, 2 * trace)))


def two_sided(differences: Floats) -> float:
    """Return p: the share of differences (1 + draws,) as large as the first; equal up to rounding counts as equal."""
    sizes = np.abs(differences)
    return float((sizes >= sizes[0] * (1 - 1e-9) - 1e-12).mean())


def _moments(sums: Sums) -> Floats:
    """Return each person's contribution, its square, and its product with the number of rows (3 × people)."""
    value, rows = sums.parts
    value = value - value.sum() / rows.sum() * rows
    return np.stack([fixed(part, len(rows)) for part in (value, value**2, value * rows)])
