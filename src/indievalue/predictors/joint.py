"""Joint Gaussian distribution of many columns, and its conditional mean given any subset of them."""

from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from indievalue.predictors.cholesky import Floats, inverse_root
from indievalue.threads import in_threads

_TOGETHER = 50
"""Patterns of known columns that a thread solves at once."""


@dataclass(frozen=True)
class Joint:
    """Mean and covariance of columns, with ``ridge`` added to the variance of every known column.

    Attributes:
        mean: float64 (columns,). covariance: float64 (columns × columns). ridge: in units of variance.
    """

    mean: Floats
    covariance: Floats
    ridge: float

    def first(self, columns: int) -> "Joint":
        """Return the joint distribution of the first columns."""
        return Joint(self.mean[:columns], self.covariance[:columns, :columns], self.ridge)

    @cached_property
    def precision(self) -> Floats:
        """Inverse of covariance + ridge (columns × columns)."""
        return np.asarray(np.linalg.inv(self.covariance + self.ridge * np.eye(len(self.mean))))

    def condition(
        self, values: NDArray[np.floating], known: NDArray[np.bool_], wanted: NDArray[np.bool_]
    ) -> tuple[Floats, Floats]:
        """Return weights and explained shares of variance, both rows × columns, given the known columns of each row.

        The conditional mean of any variable is its mean plus ``weights`` times its covariance with the columns; unknown
        columns have weight 0. Explained shares are computed for the ``wanted`` columns: 1 for known ones, and nan for
        columns that are not wanted. All arguments are rows × columns; values of unknown columns are ignored.

        Rows with the same pattern of known columns share one Cholesky factorization, of the covariance of the known
        columns or of the precision of the unknown ones, whichever is smaller.
        """
        centred = np.where(known, values - self.mean, 0).astype(np.float64)
        weights = np.zeros_like(centred)
        explained = np.where(known, 1.0, np.nan)
        patterns, members = np.unique(np.packbits(known, axis=1), axis=0, return_inverse=True)
        order = np.argsort(members.ravel(), kind="stable")
        bounds = np.searchsorted(members.ravel()[order], np.arange(len(patterns) + 1))
        _ = self.precision  # computed before the threads start: one large matrix is inverted by BLAS threads

        def solve(patterns: list[tuple[int, int]]) -> None:
            for first, last in patterns:
                rows = order[first:last]
                mask = known[rows[0]]
                asked = wanted[rows].any(axis=0) & ~mask
                by = self._by_covariance if mask.sum() <= len(mask) / 2 else self._by_precision
                weights[rows], explained[np.ix_(rows, asked)] = by(centred[rows], mask, asked)

        spans = list(pairwise(bounds.tolist()))
        in_threads(solve, [spans[start : start + _TOGETHER] for start in range(0, len(spans), _TOGETHER)])
        return weights, explained

    def _by_covariance(
        self, centred: Floats, known: NDArray[np.bool_], asked: NDArray[np.bool_]
    ) -> tuple[Floats, Floats]:
        """Return weights (rows × columns), and the explained shares of the unknown columns asked (asked,)."""
        weights = np.zeros_like(centred)
        if not known.any():
            return weights, np.zeros(int(asked.sum()))
        among = self.covariance[np.ix_(known, known)] + self.ridge * np.eye(int(known.sum()))
        inverse = inverse_root(among)
        weights[:, known] = centred[:, known] @ inverse.T @ inverse
        told = ((inverse @ self.covariance[np.ix_(known, asked)]) ** 2).sum(axis=0)
        return weights, told / self._variance[asked]

    def _by_precision(
        self, centred: Floats, known: NDArray[np.bool_], asked: NDArray[np.bool_]
    ) -> tuple[Floats, Floats]:
        """Return the same from the precision Λ: the unknown mean is -Λ_uu⁻¹ Λ_uk x_k, and the weights are Λ times x."""
        filled = centred.copy()
        if known.all():
            return filled @ self.precision, np.zeros(0)
        inverse = inverse_root(self.precision[np.ix_(~known, ~known)])
        pull = (centred @ self.precision)[:, ~known]
        filled[:, ~known] = -pull @ inverse.T @ inverse
        weights = filled @ self.precision
        weights[:, ~known] = 0
        left = (inverse[:, asked[~known]] ** 2).sum(axis=0) - self.ridge
        return weights, 1 - left / self._variance[asked]

    @cached_property
    def _variance(self) -> Floats:
        return np.maximum(np.diag(self.covariance), 1e-12)
