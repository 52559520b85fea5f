"""What readers of all formats share: which columns are wanted, where the header is, what an empty cell looks like."""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from indievalue.errors import IndievalueError

EMPTY = ["NA", "#NULL!", "NULL", "#N/A", "N/A"]
"""What R, SPSS, databases and Excel write for an empty cell."""


@dataclass(frozen=True)
class Wanted:
    """Which columns to read, and which of them hold names (ids) that must not be read as numbers.

    ``declared_missing`` says whether to keep the codes that an SPSS or Stata file declares as missing, whose meaning a
    survey knows; otherwise these cells are empty. ``texts`` are answers of a column, which is read as text, that would
    stand for an empty cell elsewhere, such as NA for Namibia.
    """

    columns: list[str]
    names: list[str]
    declared_missing: bool = True
    texts: Mapping[str, frozenset[str]] = field(default_factory=dict)

    def empty(self, column: str) -> list[str]:
        """What stands for an empty cell of the column."""
        return [text for text in EMPTY if text not in self.texts.get(column, ())]


Choose = Callable[[list[str]], Wanted]
"""Given all column names of a file, which of them to read."""


def answers_among_empty(texts: Iterable[str]) -> frozenset[str]:
    """What would stand for an empty cell if it were none of ``texts``, in any letters."""
    lower = {text.casefold() for text in texts}
    return frozenset(text for text in EMPTY if text.casefold() in lower)


def refuse_repeated(path: Path, columns: Iterable[str]) -> None:
    """Raise IndievalueError where a column name occurs more than once; columns without a name may."""
    repeated = [name for name, times in Counter(columns).items() if times > 1 and name]
    if repeated:
        raise IndievalueError(f"{path}: the column {repeated[0]} occurs more than once in the header")


def header_among(rows: Sequence[Sequence[str]]) -> int:
    """Return the number of the header: the first row as wide as most are, that is no title or comment; 0 for none."""
    width, _ = usual_width(rows)
    for number, row in enumerate(rows, 1):
        if len(row) == width and sum(bool(cell.strip()) for cell in row) > 1:
            return number
    return 0


def usual_width(rows: Iterable[Sequence[str]]) -> tuple[int, int]:
    """(number of cells, number of rows that have it) of the most frequent width, the first where several are."""
    widths = Counter(len(row) for row in rows if row)
    return max(widths.items(), key=lambda item: item[1], default=(0, 0))
