"""Which columns of a data file are read, and what an empty cell looks like in any of the formats."""

from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

from indievalue.errors import IndievalueError

EMPTY = ["NA", "#NULL!", "NULL", "#N/A", "N/A"]
"""What R, SPSS, databases and Excel write for an empty cell."""


@dataclass(frozen=True)
class Wanted:
    """Which columns to read, and which of them hold names (ids) that must not be read as numbers."""

    columns: list[str]
    names: list[str]


Choose = Callable[[list[str]], Wanted]
"""Given all column names of a file, which of them to read."""


def refuse_repeated(path: Path, columns: Iterable[str]) -> None:
    """Raise IndievalueError where a column name occurs more than once; columns without a name may."""
    repeated = [name for name, times in Counter(columns).items() if times > 1 and name]
    if repeated:
        raise IndievalueError(f"{path}: the column {repeated[0]} occurs more than once in the header")
