"""Which wave a row or a column of a file is of: a column that tells it, or the ending of a column's name."""

from collections.abc import Iterable, Sequence
from pathlib import Path

import polars as pl

from indievalue.errors import IndievalueError, did_you_mean

_WAVE = "wave"
"""Name of the wave column of a file, in any letter case, if none is stated."""

_MOST_WAVES = 30
"""Values of a wave column at most: one of more is a date or an id."""


def wave_column(columns: Sequence[str], stated: str | None, path: Path) -> str:
    """Return the wave column: the ``stated`` one, or one called ``wave``. Raises IndievalueError if none is there."""
    if stated is not None:
        if stated not in columns:
            raise IndievalueError(f"{path.name} has no column {stated!r}{did_you_mean(stated, columns)}")
        return stated
    found = [column for column in columns if column.strip().casefold() == _WAVE]
    if len(found) != 1:
        raise IndievalueError(
            f"{path.name} does not tell when people were asked: give --wave COLUMN if it has a row for each person and "
            "wave, --suffixes _1,_2 if it has a column for each question and wave, or a second file"
        )
    return found[0]


def wave_labels(column: pl.Series, source: str) -> pl.Series:
    """Return the wave of each row as text. Raises IndievalueError where a row has none, or all have the same."""
    text = column.cast(pl.String).str.strip_chars().str.replace(r"^(-?\d+)\.0+$", "$1")
    empty = text.is_null() | (text == "").fill_null(True) | (text == "NaN").fill_null(True)
    if empty.any():
        raise IndievalueError(
            f"{source}: the wave column {column.name} is empty in {int(empty.sum()):,} rows, first in row "
            f"{int(empty.arg_max() or 0) + 1:,}: fill it, or remove these rows"
        )
    values = text.n_unique()
    if values == 1:
        raise IndievalueError(
            f"{source}: the wave column {column.name} is {text[0]!r} in every row, so that nobody was asked twice: "
            "give another --wave, or a second file"
        )
    if values > _MOST_WAVES:
        raise IndievalueError(
            f"{source}: the column {column.name} has {values:,} distinct values, more than there can be waves: give "
            "another --wave, such as a year"
        )
    return text


def in_order(labels: Sequence[str], column: pl.Series) -> list[str]:
    """Return the waves from the earliest: by number, by the order of the factor's levels, or as words sort."""
    if isinstance(column.dtype, pl.Enum):
        levels = [level.strip() for level in column.dtype.categories.to_list()]
        return sorted(labels, key=levels.index)
    try:
        return sorted(labels, key=float)
    except ValueError:
        return sorted(labels)


def ends_in(column: str, suffix: str) -> bool:
    """Whether a column is of the wave with that suffix."""
    return column.endswith(suffix) and column != suffix


def without_suffix(column: str, suffixes: Iterable[str]) -> str:
    """Return a column's name without the first of the ``suffixes`` that it ends in."""
    return next((column.removesuffix(suffix) for suffix in suffixes if ends_in(column, suffix)), column)
