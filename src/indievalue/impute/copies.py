"""What is changed in a file: cells that become copies of other cells of the same column."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class Copies:
    """Cells that become copies of others, so that every code is written as the file itself writes it.

    Attributes:
        rows: int64 (cells,), the row of each, from 0. columns: int64 (cells,), its place among all columns of the file.
        sources: int64 (cells,), the row of the cell that it becomes a copy of, in the same column.
    """

    rows: NDArray[np.int64]
    columns: NDArray[np.int64]
    sources: NDArray[np.int64]

    def in_file_order(self) -> "Copies":
        """The same cells, row after row."""
        order = np.lexsort((self.columns, self.rows))
        return Copies(self.rows[order], self.columns[order], self.sources[order])
