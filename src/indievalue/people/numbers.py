"""Cells as numbers: whole codes, weights, and which of them are empty. What is neither is refused with its place."""

from collections.abc import Collection

import numpy as np
import polars as pl
from numpy.typing import NDArray

from indievalue.errors import IndievalueError
from indievalue.people.wanted import EMPTY
from indievalue.survey.codes import TAGS

_TRUE_FALSE = {"true": 1, "false": 0}

_THOUSANDS = r"^[+-]?[1-9]\d{0,2}(,\d{3})+$"
"""Texts whose commas may be either decimal or between thousands."""


NO_CODE = "no answer code; export the file with codes instead of labels"
"""What a text is that stands where a code should."""


def integer_codes(column: pl.Series, source: str, known: Collection[int] = (), otherwise: str = NO_CODE) -> pl.Series:
    """The column as Int64 codes, null where the cell is empty (or a dot, the missing value of statistics packages,
    or a text that programs write for an empty cell).

    Stata's extended missing values (``.a`` to ``.z``) become the codes of :data:`indievalue.survey.codes.TAGS`. True
    and false are 1 and 0 where ``known``, the codes of the column's answers, are no others. Raises IndievalueError
    naming the first row whose cell is a fraction or a text, and saying what it is ``otherwise``.
    """
    if column.dtype == pl.Null or (column.dtype.is_integer() and column.dtype not in (pl.UInt64, pl.Int128)):
        return column.cast(pl.Int64)
    coded = column if column.dtype.is_numeric() else _coded_texts(column, known)
    numbers = _decimals(coded, source, otherwise, column)
    whole = numbers.round(0)
    refuse_cells(numbers != whole, column, source, "a fraction and no answer code; codes are whole numbers")
    refuse_cells(numbers.abs() > 2**53, column, source, "too large for an answer code")
    return whole.cast(pl.Int64)


def weights_of(column: pl.Series, source: str) -> tuple[NDArray[np.float64], pl.Series]:
    """(weight of every row, which rows have none and are given 1). A weight of 0 stays 0.

    Raises IndievalueError naming the first row whose weight is negative, infinite or a text.
    """
    numbers = _decimals(column, source, "no weight", column)
    refuse_cells(numbers < 0, column, source, "less than 0 and no weight")
    refuse_cells(numbers.is_infinite(), column, source, "no weight")
    return numbers.fill_null(1.0).to_numpy(), numbers.is_null()


def _coded_texts(column: pl.Series, known: Collection[int]) -> pl.Series:
    """The column as text, with tags and, where that leaves no doubt, true and false written as their codes."""
    text = column.cast(pl.String).str.strip_chars()
    words: dict[str, int] = {f".{letter}": code for letter, code in TAGS.items()}
    if known and set(known) <= {0, 1}:
        words |= _TRUE_FALSE
    lower = text.str.to_lowercase()
    if not lower.is_in(list(words)).any():
        return text
    coded = lower.replace_strict(words, default=None, return_dtype=pl.Int64).cast(pl.String)
    return pl.select(pl.coalesce(coded, text).alias(column.name)).to_series()


def _decimals(column: pl.Series, source: str, otherwise: str, written: pl.Series) -> pl.Series:
    """The column as Float64, null where the cell is empty; raises, with what it is ``otherwise``, for another text.

    An error shows the cell as it was ``written``.
    """
    if column.dtype.is_numeric():
        return column.cast(pl.Float64).fill_nan(None)
    text = column.cast(pl.String).str.strip_chars()
    text = text.set(text.is_in(["", ".", *EMPTY]).fill_null(False), None)
    points = _with_points(text, written, source)
    numbers = points.cast(pl.Float64, strict=False)
    refuse_cells(text.is_not_null() & numbers.is_null(), written, source, otherwise)
    return numbers.fill_nan(None)


def _with_points(text: pl.Series, column: pl.Series, source: str) -> pl.Series:
    """Decimal commas as points. Raises IndievalueError where a comma may as well be one between thousands."""
    commas = text.str.contains(",", literal=True).fill_null(False)
    if not commas.any():
        return text
    refuse_cells(
        text.str.contains(".", literal=True) & commas.any(),
        column,
        source,
        "written with a point, while other cells of the column have commas: write all of them with a decimal point",
    )
    if text.filter(commas).str.contains(_THOUSANDS).all():
        example = text.filter(commas)[0]
        either = f"either {example.replace(',', '.', 1)} or {example.replace(',', '')}"
        refuse_cells(commas, column, source, f"{either}: write it with a decimal point, or without the comma")
    return text.str.replace(",", ".", literal=True)


def refuse_cells(wrong: pl.Series, column: pl.Series, source: str, what: str) -> None:
    """Raise IndievalueError naming the first row of ``column`` that is ``wrong``, what it holds, and what that is."""
    wrong = wrong.fill_null(False)
    if wrong.any():
        row = int(wrong.arg_max() or 0)
        raise IndievalueError(f"{source}: column {column.name}, row {row + 1:,} holds {column[row]!r}, which is {what}")
