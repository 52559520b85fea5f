"""What people are called: ids as they were written, of one column or several, and never one for two people."""

from collections.abc import Iterable, Sequence

import polars as pl

from indievalue.errors import IndievalueError
from indievalue.people.numbers import refuse_cells
from indievalue.survey.survey import Survey

FILE = "file"
"""Stands for the name of the file among the columns of an id, where the file has no such column."""

_JOINT = "/"
"""Between the parts of an id that is made of several columns."""


def id_columns(
    stated: Sequence[str], usual: Sequence[str], present: Iterable[str], source: str, background: Iterable[str] = ()
) -> tuple[str, ...]:
    """The columns that together identify a person: those that were ``stated``, or the survey's ``usual`` ones.

    Empty where none of the usual ones is ``present``, or only such as hold ``background`` items too: a file may have
    the country of people without ids. Raises IndievalueError where one that was stated is not, or some but not all of
    the usual ones are.
    """
    held = set(present)
    absent = [name for name in stated or usual if name not in held]
    if absent and (stated or held & set(usual) - set(background)):
        raise IndievalueError(f"{source} has no column {', '.join(absent)}, which is to identify a person")
    return () if absent else tuple(stated or usual)


def given_ids(table: pl.DataFrame, columns: Sequence[str], source: str) -> pl.Series:
    """The id in each row, null where there is none. Raises IndievalueError where an id has lost digits."""
    if not columns:
        return pl.Series("id", [None] * len(table), pl.String)
    parts = [_id_texts(table[name], source) for name in columns]
    if len(parts) == 1:
        return parts[0].alias("id")
    for part in parts:
        refuse_cells(
            part.str.contains(_JOINT, literal=True),
            part,
            source,
            f"an id with {_JOINT!r} in it, which is what joins the columns of an id",
        )
    return pl.select(pl.concat_str(parts, separator=_JOINT).alias("id")).to_series()


def names_of(given: pl.Series) -> pl.Series:
    """What everybody is called: their id, or ``row 7``, or plainly ``7`` where nobody has an id. The first row is 1."""
    word = "" if given.null_count() == len(given) else "row "
    numbers = pl.Series("row", [f"{word}{row}" for row in range(1, len(given) + 1)])
    return given.zip_with(given.is_not_null(), numbers)


def check_repeated(names: pl.Series, table: pl.DataFrame, columns: Sequence[str], survey: Survey, source: str) -> None:
    """Raise IndievalueError where rows share an id and differ, naming the column that would tell them apart.

    As many ids may be shared as the survey says that its published file has.
    """
    if names.is_duplicated().sum() == 0:
        return
    named = table.with_columns(names.alias("\0id"))
    rows = named.filter(names.is_duplicated()).unique(maintain_order=True)
    shared = rows["\0id"].is_duplicated()
    if not shared.any():
        return
    first = rows["\0id"].filter(shared)[0]
    ids = rows["\0id"].filter(shared).n_unique()
    if ids <= survey.repeated_ids:
        return
    others = [column for demographic in survey.demographics for column in demographic.columns]
    remedy = _remedy(rows, columns, [name for name in others if name in table.columns and name not in columns])
    raise IndievalueError(
        f"{source}: {ids:,} {'id is' if ids == 1 else 'ids are'} shared by rows that differ, first {first!r} of row "
        f"{_row(names, first, 1):,} and row {_row(names, first, 2):,}; {remedy}"
    )


def repeated_names(names: pl.Series) -> tuple[tuple[str, int], ...]:
    """Names that occur again, with the number of further rows."""
    counts = names.value_counts(sort=False).filter(pl.col("count") > 1).sort(names.name)
    return tuple((name, times - 1) for name, times in counts.iter_rows())


def _remedy(rows: pl.DataFrame, columns: Sequence[str], others: Sequence[str]) -> str:
    """How to tell the rows apart: the first of ``others`` that, with the id, no two rows have in common."""
    for more in others:
        if not rows.select(more, "\0id").is_duplicated().any():
            together = [more, *columns]
            return (
                f"together with {more} they are unique: give --person-columns {','.join(together)}, or "
                f"`person: [{', '.join(together)}]` in the survey"
            )
    return (
        "no other column of the survey makes them unique: keep one row per person, or name the columns that identify a "
        "person with --person-columns A,B"
    )


def _row(names: pl.Series, name: str, occurrence: int) -> int:
    return int((names == name).arg_true()[occurrence - 1]) + 1


def _id_texts(column: pl.Series, source: str) -> pl.Series:
    """Ids as text, null where there is none. A whole number that was stored as a fraction (1001.0) is written 1001."""
    if column.dtype.is_float():
        column = column.fill_nan(None)
        refuse_cells(
            column.abs() >= 2**53, column, source, "an id of more digits than the file keeps: export it as text"
        )
    text = column.cast(pl.String).str.strip_chars()
    if not column.dtype.is_numeric():
        shortened = text.str.contains(r"^\d+([.,]\d+)?[eE]\+?\d+$")
        refuse_cells(
            shortened, column, source, "an id that a spreadsheet has shortened: export it anew, with ids as text"
        )
        refuse_cells(text.str.contains("\0", literal=True), column, source, "an id with a byte that is no text")
    text = text.str.replace(r"^(-?\d+)\.0+$", "$1")
    return text.set((text == "").fill_null(False), None)
