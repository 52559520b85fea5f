"""Calibration of more predictions than fit memory: exact bins of equal size in two passes over the rows.

A first pass counts probabilities by the leading bits of their float32 numbers. That tells in which of these cells a bin
ends, and a second pass counts the numbers in those cells one by one. Bins are then those of
:func:`indievalue.scoring.calibration.equal_mass_bins`.
"""

import math
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from indievalue.scoring.calibration import BINS, Calibration

_SHIFT = 12
"""Trailing bits of a float32 number that the first pass does not look at."""

_CELLS = (int(np.float32(2.0).view(np.uint32)) >> _SHIFT) + 1
"""Cells of the first pass, for probabilities below 2: rounding may take them beyond 1."""

_SUMS = 4
"""Numbers that are added up: rows, weighted rows that are right, probabilities, and the variance of the former."""


@dataclass
class Histogram:
    """Sums over the rows of one predictor, by the probability of the chosen option.

    Attributes:
        cells: float64 (sums × cells): rows, weights of those that are right, weights times probabilities, and squared
            weights times p (1 − p). weight: of all rows. fine: of the cells in which a bin ends, the same sums of each
            number (sums × numbers), once the first pass is over.
    """

    cells: NDArray[np.float64] = field(default_factory=lambda: np.zeros((_SUMS, _CELLS)))
    weight: float = 0.0
    fine: dict[int, NDArray[np.float64]] = field(default_factory=dict)

    def add(
        self, probability: NDArray[np.float32], right: NDArray[np.bool_], weight: NDArray[np.float64] | None = None
    ) -> None:
        """Count rows (rows,) in the first pass."""
        cell = probability.view(np.uint32) >> _SHIFT
        found, place = np.unique(cell, return_inverse=True)
        for at, values in enumerate(_values(probability, right, weight)):
            self.cells[at, found] += np.bincount(place, values, len(found))
        self.weight += float(len(right) if weight is None else weight.sum())

    def begin_second(self) -> None:
        """Find the cells in which a bin ends, whose numbers the second pass counts."""
        rows = self.cells[0]
        before = np.cumsum(rows) - rows
        # A number in the cell has half of its own rows, and those before it, below its middle.
        first = _bin(before + np.minimum(rows, 1) / 2, rows.sum())
        last = _bin(before + rows - np.minimum(rows, 1) / 2, rows.sum())
        self.fine = {int(cell): np.zeros((_SUMS, 1 << _SHIFT)) for cell in np.flatnonzero((first != last) & (rows > 1))}

    def add_again(
        self, probability: NDArray[np.float32], right: NDArray[np.bool_], weight: NDArray[np.float64] | None = None
    ) -> None:
        """Count the same rows (rows,) in the second pass."""
        bits = probability.view(np.uint32)
        cell = bits >> _SHIFT
        for number, sums in self.fine.items():
            rows = np.flatnonzero(cell == number)
            if len(rows):
                place = (bits[rows] & ((1 << _SHIFT) - 1)).astype(np.int64)
                some = None if weight is None else weight[rows]
                for at, values in enumerate(_values(probability[rows], right[rows], some)):
                    sums[at] += np.bincount(place, values, 1 << _SHIFT)

    def __add__(self, other: "Histogram") -> "Histogram":
        """Return the sums of both, of a first pass."""
        return Histogram(self.cells + other.cells, self.weight + other.weight)

    def calibration(self) -> Calibration | None:
        """Return the calibration error after the second pass; None if there are no rows.

        The ``floor`` is the expectation of what :func:`indievalue.scoring.calibration.calibration` simulates, with the
        normal distribution for the number of right rows in a bin.
        """
        filled = np.flatnonzero(self.cells[0])
        if not len(filled):
            return None
        parts = [self.fine.get(int(cell), self.cells[:, cell, None]) for cell in filled]
        sums = np.concatenate(parts, axis=1)
        sums = sums[:, sums[0] > 0]
        at = _bin(np.cumsum(sums[0]) - sums[0] / 2, sums[0].sum())
        _, right, probability, variance = (np.bincount(at, values, BINS) for values in sums)
        floor = math.sqrt(2 / math.pi) * float(np.sqrt(variance).sum())
        return Calibration(float(np.abs(right - probability).sum()) / self.weight, floor / self.weight)


def _values(
    probability: NDArray[np.float32], right: NDArray[np.bool_], weight: NDArray[np.float64] | None
) -> list[NDArray[np.float64]]:
    p = probability.astype(np.float64)
    variance = np.maximum(p * (1 - p), 0)
    hit = right.astype(np.float64)
    if weight is None:
        return [np.ones(len(p)), hit, p, variance]
    return [np.ones(len(p)), weight * hit, weight * p, weight**2 * variance]


def _bin(middle: NDArray[np.float64], rows: float) -> NDArray[np.int64]:
    """Return the bin of each number, of whose rows half come after so many of all ``rows``."""
    return np.asarray((BINS * middle / rows).astype(np.int64))
