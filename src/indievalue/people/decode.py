"""Turns the columns of a data file into people, and reports whatever could not be turned."""

from collections.abc import Mapping, Sequence

import numpy as np
import polars as pl
from numpy.typing import NDArray

from indievalue.errors import IndievalueError
from indievalue.people.gazetteer import look_up
from indievalue.people.people import People
from indievalue.people.report import CodeCount, Report
from indievalue.survey.model import FORMS, Demographic
from indievalue.survey.survey import Survey

UNKNOWN = "unknown code"


def decode(table: pl.DataFrame, survey: Survey, source: str, fingerprint: str) -> People:
    """People from the raw columns of a file.

    Raises IndievalueError where a cell is a fraction or a text instead of a code, naming its row (the first person is
    row 1) and column, or where no question of the survey is there.
    """
    present = [question.id for question in survey.questions if question.id in table.columns]
    if not present:
        raise IndievalueError(f"{source} has none of the {len(survey.questions)} questions of survey {survey.name}")
    if not len(table):
        raise IndievalueError(f"{source} has a header and no people")
    ids, repeated, numbered = _ids(table, survey)
    if repeated:
        first = np.sort(np.unique(ids, return_index=True)[1])
        table, ids = table[first], ids[first]

    codes = np.full((len(ids), len(survey.questions)), survey.not_asked, np.int16, order="F")
    unknown: list[CodeCount] = []
    left_out: list[CodeCount] = []
    blank = 0
    for position, question in enumerate(survey.questions):
        if question.id not in table.columns:
            continue
        values = integer_codes(table[question.id], source)
        blank += values.null_count()
        filled = values.fill_null(survey.blank)
        options = {code for form in FORMS for option in question.options(form) for code in option.codes}
        strange, skipped = _explain(filled, question.id, options, question.left_out or {}, survey)
        unknown += strange
        left_out += skipped
        codes[:, position] = filled.clip(-32768, 32767).to_numpy()

    columns: dict[str, pl.Series] = {}
    sources: list[tuple[str, str, int]] = []
    absent: list[str] = []
    for demographic in survey.demographics:
        if not set(demographic.columns) & set(table.columns):
            absent.append(demographic.name)
            columns[demographic.name] = pl.Series(demographic.name, [None] * len(ids), pl.String)
            continue
        labels, strange, skipped, borrowed = _labels(table, demographic, survey, source)
        columns[demographic.name] = labels
        unknown += strange
        left_out += skipped
        sources += borrowed
    weights, unweighted = _weights(table, survey, source)
    report = Report(
        source=source,
        survey=survey.name,
        fingerprint=fingerprint,
        rows=len(ids) + sum(rows for _, rows in repeated),
        people=len(ids),
        absent_questions=tuple(q.id for q in survey.questions if q.id not in table.columns),
        absent_demographics=tuple(absent),
        unknown=tuple(unknown),
        left_out=tuple(left_out),
        filled=tuple(sources),
        blank=blank,
        repeated=repeated,
        row_numbers=numbered,
        unweighted=unweighted,
    )
    return People(survey, ids, codes, pl.DataFrame(columns), weights, report)


def needed_columns(survey: Survey) -> set[str]:
    """Every data column that :func:`decode` looks at."""
    columns = {question.id for question in survey.questions}
    columns |= {column for demographic in survey.demographics for column in demographic.columns}
    return columns | {name for name in (survey.person, survey.weight) if name}


def integer_codes(column: pl.Series, source: str) -> pl.Series:
    """The column as Int64 codes, null where the cell is empty.

    Raises IndievalueError naming the first row whose cell is a fraction or a text. Stata's extended missing values (.a
    to .z), which arrive as single letters, are empty cells.
    """
    if column.dtype.is_integer():
        return column.cast(pl.Int64)
    if column.dtype == pl.Null:
        return column.cast(pl.Int64)
    if column.dtype == pl.Object:
        column = pl.Series(column.name, [None if value is None else str(value) for value in column], pl.String)
    numbers = column
    if not column.dtype.is_float():
        text = column.cast(pl.String).str.strip_chars()
        text = text.set(text.str.contains(r"^[a-z.]?$") & text.is_not_null(), None)
        numbers = text.cast(pl.Float64, strict=False)
        _refuse(text.is_not_null() & numbers.is_null(), column, "a text", source)
    numbers = numbers.cast(pl.Float64).fill_nan(None)
    whole = numbers.round(0)
    _refuse((numbers != whole).fill_null(False), column, "a fraction", source)
    if (numbers.abs() > 2**53).any():
        _refuse((numbers.abs() > 2**53).fill_null(False), column, "too large a number", source)
    return whole.cast(pl.Int64)


def _refuse(wrong: pl.Series, column: pl.Series, what: str, source: str) -> None:
    if not wrong.any():
        return
    row = int(wrong.arg_max() or 0)
    raise IndievalueError(
        f"{source}: column {column.name}, row {row + 1:,} holds {column[row]!r}, which is {what} and no answer code; "
        "export the file with codes instead of labels"
    )


def _explain(
    values: pl.Series, column: str, known: set[int], left_out: Mapping[int, str] | None, survey: Survey
) -> tuple[list[CodeCount], list[CodeCount]]:
    """Codes in ``values`` that are no option: (the unknown ones, the ones the spec leaves out)."""
    reasons = left_out or {}
    unknown: list[CodeCount] = []
    skipped: list[CodeCount] = []
    for code, people in sorted(values.drop_nulls().value_counts(sort=False).iter_rows()):
        if code in known or code in survey.missing:
            continue
        if code in reasons:
            skipped.append(CodeCount(column, code, people, reasons[code]))
        else:
            unknown.append(CodeCount(column, code, people, UNKNOWN))
    return unknown, skipped


def _labels(
    table: pl.DataFrame, demographic: Demographic, survey: Survey, source: str
) -> tuple[pl.Series, list[CodeCount], list[CodeCount], list[tuple[str, str, int]]]:
    """Group labels of one demographic, with what was unknown, left out, and taken from further columns."""
    labels = pl.Series(demographic.name, [None] * len(table), pl.String)
    unknown: list[CodeCount] = []
    left_out: list[CodeCount] = []
    borrowed: list[tuple[str, str, int]] = []
    for number, column in enumerate(demographic.columns):
        if column not in table.columns:
            continue
        values = integer_codes(table[column], source)
        label_of = {code: group.label for group in demographic.groups for code in group.codes.get(column, ())}
        if demographic.otherwise:
            for code in values.drop_nulls().unique().to_list():
                name = None if code in label_of else look_up(code, demographic.otherwise)
                if name is not None:
                    label_of[code] = name
        strange, skipped = _explain(values, column, set(label_of), demographic.left_out, survey)
        unknown += strange
        left_out += skipped
        found = values.replace_strict(label_of, default=None, return_dtype=pl.String)
        before = labels.null_count()
        labels = pl.select(pl.coalesce(labels, found).alias(demographic.name)).to_series()
        if number and before > labels.null_count():
            borrowed.append((demographic.name, column, before - labels.null_count()))
    return labels, unknown, left_out, borrowed


def _ids(table: pl.DataFrame, survey: Survey) -> tuple[NDArray[np.str_], tuple[tuple[str, int], ...], int]:
    """(ids by row, ids that occur again with the number of further rows, how many ids are row numbers)."""
    if survey.person is None or survey.person not in table.columns:
        return np.arange(1, len(table) + 1).astype(np.str_), (), len(table)
    column = table[survey.person]
    if column.dtype.is_float():
        column = column.fill_nan(None).cast(pl.Int64)
    given = column.cast(pl.String).str.strip_chars()
    given = given.set((given == "").fill_null(False), None)
    names = given
    if given.null_count():
        numbers = pl.Series("row", [f"row {row}" for row in range(1, len(table) + 1)])
        names = pl.select(pl.coalesce(given, numbers).alias(given.name)).to_series()
    counts = names.value_counts(sort=False).filter(pl.col("count") > 1).sort(names.name)
    repeated = tuple((name, times - 1) for name, times in counts.iter_rows())
    return names.to_numpy().astype(np.str_), repeated, given.null_count()


def _weights(table: pl.DataFrame, survey: Survey, source: str) -> tuple[NDArray[np.float64], int]:
    """(weights, how many people had none and were given 1)."""
    if survey.weight is None or survey.weight not in table.columns:
        return np.ones(len(table)), len(table)
    column = table[survey.weight]
    if not column.dtype.is_numeric():
        text = column.cast(pl.String).str.strip_chars()
        column = text.cast(pl.Float64, strict=False)
        _refuse(text.is_not_null() & (text != "") & column.is_null(), text, "a text", source)
    numbers = column.cast(pl.Float64).fill_nan(None)
    absent = numbers.is_null() | (numbers <= 0)
    return numbers.set(absent.fill_null(True), 1.0).to_numpy(), int(absent.sum())


def recognise(columns: Sequence[str], surveys: Sequence[Survey], source: str) -> Survey:
    """The survey that a file with these columns is of: all its telltale columns are there, and most of its questions.

    Raises IndievalueError where none fits.
    """
    held = set(columns)
    fits = [(sum(q.id in held for q in survey.questions), survey) for survey in surveys]
    fits = [(n, survey) for n, survey in fits if n and held.issuperset(survey.recognised_by)]
    if not fits:
        known = ", ".join(f"{survey.name} ({', '.join(survey.recognised_by)}, Q1 …)" for survey in surveys)
        shown = ", ".join(list(columns)[:6])
        raise IndievalueError(
            f"{source} is not a file of a survey indievalue knows, which are {known}; its columns are {shown} …; "
            "give --survey FOLDER for a survey of your own"
        )
    return max(fits, key=lambda fit: fit[0])[1]
