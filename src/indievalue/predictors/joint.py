"""Joint Gaussian distribution of many columns, and its conditional mean given any subset of them."""

from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from indievalue.predictors.cholesky import Floats, inverse_root
from indievalue.threads import in_threads

RIDGE = 0.02
"""Ridge usually added to the variance of known columns; columns are 0 or 1, so their variance is at most 0.25."""

_ROWS = 256
"""Rows that a thread multiplies at once."""

_TOGETHER = 50
"""Patterns of known columns that a thread solves at once."""


@dataclass(frozen=True)
class Conditioned:
    """What the known columns of each row tell.

    Attributes:
        weights: float64 (rows × columns). The conditional mean of any variable is its mean plus its covariance with the
            columns times ``weights``; unknown columns have weight 0.
        explained: float64 (rows × columns), explained shares of variance: 1 for known columns, nan for those that are
            not wanted. density: float64 (rows × means), log density of the known columns around each mean, up to a
            constant that depends on their number.
    """

    weights: Floats
    explained: Floats
    density: Floats


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
        return np.asarray(self._inverse_root.T @ self._inverse_root)

    @cached_property
    def _inverse_root(self) -> Floats:
        return inverse_root(self.covariance + self.ridge * np.eye(len(self.mean)))

    def condition(
        self,
        values: NDArray[np.floating],
        known: NDArray[np.bool_],
        wanted: NDArray[np.bool_],
        means: Floats | None = None,
    ) -> Conditioned:
        """Condition on the known columns of each row.

        ``values``, ``known`` and ``wanted`` are rows × columns; values of unknown columns are ignored. Explained shares
        are computed for the ``wanted`` columns. ``means`` (means × columns), by default :attr:`mean` alone, are those
        around which densities are computed.

        Rows with the same pattern of known columns share one Cholesky factorization, of the covariance of the known
        columns or of the precision of the unknown ones, whichever is smaller.
        """
        centred = np.where(known, values - self.mean, 0).astype(np.float64)
        shifts = np.zeros((1, len(self.mean))) if means is None else means - self.mean
        weights = np.zeros_like(centred)
        explained = np.where(known, 1.0, np.nan)
        distance = np.zeros(
            (len(centred), len(shifts))
        )  # of the means around which densities are computed, and log |Σ|
        patterns, members = np.unique(np.packbits(known, axis=1), axis=0, return_inverse=True)
        order = np.argsort(members.ravel(), kind="stable")
        bounds = np.searchsorted(members.ravel()[order], np.arange(len(patterns) + 1))
        precise = self._precise(known[order[bounds[:-1]]].sum(axis=1))
        by_precision = np.flatnonzero(precise[members.ravel()])
        pulls = self._times_precision(centred, by_precision)
        of_shifts = shifts @ self.precision if len(by_precision) else shifts

        def solve(patterns: list[tuple[int, int, bool]]) -> None:
            for first, last, precise in patterns:
                rows = order[first:last]
                mask = known[rows[0]]
                asked = wanted[rows].any(axis=0) & ~mask
                if precise:
                    solved = self._by_precision(pulls[rows], shifts, of_shifts, mask, asked)
                    at = np.ix_(rows, ~mask)
                else:
                    solved = self._by_covariance(centred[rows], shifts, mask, asked)
                    at = np.ix_(rows, mask)
                weights[at], explained[np.ix_(rows, asked)], distance[rows] = solved

        spans = [(first, last, bool(by)) for (first, last), by in zip(pairwise(bounds.tolist()), precise, strict=True)]
        in_threads(solve, [spans[start : start + _TOGETHER] for start in range(0, len(spans), _TOGETHER)])
        filled = weights[by_precision] + centred[by_precision]
        weights[by_precision] = np.where(known[by_precision], self._times_precision(filled, np.arange(len(filled))), 0)
        distance += (centred * weights).sum(axis=1)[:, None] - 2 * weights @ shifts.T
        return Conditioned(weights, explained, -0.5 * distance)

    def _precise(self, known: NDArray[np.int64]) -> NDArray[np.bool_]:
        """Return which patterns of ``known`` columns (patterns,) to solve by the precision of their unknown columns.

        These are those with more known than unknown columns, where that saves more than inverting the matrix costs.
        """
        columns = len(self.mean)
        most = known > columns / 2
        saved = known[most].astype(np.float64) ** 3 - (columns - known[most]) ** 3.0
        worth = "precision" in self.__dict__ or saved.sum() > 3.0 * columns**3
        return np.asarray(most & worth)

    def _times_precision(self, values: Floats, rows: NDArray[np.int64]) -> Floats:
        """Return ``rows`` of ``values`` times the precision; other rows are 0."""
        out = np.zeros_like(values)
        if len(rows):
            precision = (
                self.precision
            )  # computed before the threads start: one large matrix is inverted by BLAS threads

            def multiply(some: NDArray[np.int64]) -> None:
                out[some] = values[some] @ precision

            in_threads(multiply, [rows[start : start + _ROWS] for start in range(0, len(rows), _ROWS)])
        return out

    def _by_covariance(
        self, centred: Floats, shifts: Floats, known: NDArray[np.bool_], asked: NDArray[np.bool_]
    ) -> tuple[Floats, Floats, Floats]:
        """Return weights of known columns (rows × known), explained shares of those asked (asked,), and distances.

        The latter (shifts,) are the squared distances of the shifts, plus the log determinant of the known covariance.
        """
        if not known.any():
            return np.zeros((len(centred), 0)), np.zeros(int(asked.sum())), np.zeros(len(shifts))
        inverse = inverse_root(self.covariance[np.ix_(known, known)] + self.ridge * np.eye(int(known.sum())))
        told = ((inverse @ self.covariance[np.ix_(known, asked)]) ** 2).sum(axis=0)
        distance = ((shifts[:, known] @ inverse.T) ** 2).sum(axis=1)
        weights = centred[:, known] @ inverse.T @ inverse
        return weights, told / self._variance[asked], distance - _log_det(inverse)

    def _by_precision(
        self, pulls: Floats, shifts: Floats, of_shifts: Floats, known: NDArray[np.bool_], asked: NDArray[np.bool_]
    ) -> tuple[Floats, Floats, Floats]:
        """Return the mean of unknown columns (rows × unknown) instead of weights, and the rest as above.

        From the precision Λ, the unknown mean is -Λ_uu⁻¹ Λ_uk x_k, of which ``pulls`` are Λ x, with 0 for the unknown;
        the weights are then Λ times all columns. ``of_shifts`` are Λ times the shifts.
        """
        unknown = ~known
        if not unknown.any():
            none = np.zeros((len(pulls), 0)), np.zeros(0)
            return *none, (shifts * of_shifts).sum(axis=1) - _log_det(self._inverse_root)
        among = self.precision[np.ix_(unknown, unknown)]
        inverse = inverse_root(among)
        left = (inverse[:, asked[unknown]] ** 2).sum(axis=0) - self.ridge
        away, pulled = shifts[:, unknown], of_shifts[:, unknown]
        own = away @ among
        distance = (shifts * of_shifts).sum(axis=1) - (away * (2 * pulled - own)).sum(axis=1)
        distance -= (((pulled - own) @ inverse.T) ** 2).sum(axis=1)
        log_det = _log_det(inverse) + _log_det(self._inverse_root)
        return -pulls[:, unknown] @ inverse.T @ inverse, 1 - left / self._variance[asked], distance - log_det

    @cached_property
    def _variance(self) -> Floats:
        return np.maximum(np.diag(self.covariance), 1e-12)


def _log_det(inverse_root: Floats) -> float:
    """Return the log determinant of the inverse of the matrix whose inverse Cholesky factor this is."""
    return 2 * float(np.log(np.diag(inverse_root)).sum())
