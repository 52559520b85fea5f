"""Decode the columns of a data file into people, and report whatever could not be decoded."""

from collections.abc import Mapping, Sequence

import numpy as np
import polars as pl
from numpy.typing import NDArray

from indievalue.choices import FORMS
from indievalue.errors import IndievalueError
from indievalue.people.findings import CodeCount, Findings
from indievalue.people.people import People
from indievalue.survey.gazetteer import look_up
from indievalue.survey.model import Demographic
from indievalue.survey.survey import Survey

UNKNOWN = "unknown code"


def decode(table: pl.DataFrame, survey: Survey, source: str, fingerprint: str) -> People:
    """People from the raw columns of a file.

    Raises IndievalueError where a cell is a fraction or a text instead of a code, naming its row (the first person is
    row 1) and column, or where no question of the survey is there.
    """
    if not any(question.id in table.columns for question in survey.questions):
        raise IndievalueError(
            f"{source} has none of the {len(survey.questions)} questions of survey {survey.name}; "
            f"its first column is {table.columns[0]!r}"
        )
    if not len(table):
        raise IndievalueError(f"{source} has a header and no people")
    table = _numbers(table, survey, source)
    given = _given_ids(table, survey)
    filled_in = table.select(~pl.all_horizontal(pl.all().is_null())).to_series()
    names = _names(given)
    repeated = _repeated(names.filter(filled_in))
    kept = filled_in & names.is_first_distinct()
    if not kept.any():
        raise IndievalueError(f"{source} has {len(table):,} rows, and all of them are empty")
    rows = len(table)
    table, ids = table.filter(kept), names.filter(kept).to_numpy().astype(np.str_)

    codes = np.full((len(ids), len(survey.questions)), survey.not_asked, np.int16, order="F")
    unknown: list[CodeCount] = []
    left_out: list[CodeCount] = []
    blank = 0
    for position, question in enumerate(survey.questions):
        if question.id not in table.columns:
            continue
        values = table[question.id]
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
        labels, strange, skipped, borrowed = _labels(table, demographic, survey)
        columns[demographic.name] = labels
        unknown += strange
        left_out += skipped
        sources += borrowed
    weights, unweighted = _weights(table, survey)
    findings = Findings(
        source=source,
        survey=survey.name,
        fingerprint=fingerprint,
        rows=rows,
        people=len(ids),
        absent_questions=tuple(q.id for q in survey.questions if q.id not in table.columns),
        absent_demographics=tuple(absent),
        unknown=tuple(unknown),
        left_out=tuple(left_out),
        filled=tuple(sources),
        blank=blank,
        empty_rows=rows - int(filled_in.sum()),
        repeated=repeated,
        row_numbers=given.filter(kept).null_count(),
        unweighted=unweighted,
    )
    return People(survey, ids, codes, pl.DataFrame(columns), weights, findings)


def needed_columns(survey: Survey) -> set[str]:
    """Every data column that :func:`decode` looks at."""
    columns = {question.id for question in survey.questions}
    columns |= {column for demographic in survey.demographics for column in demographic.columns}
    return columns | {name for name in (survey.person, survey.weight) if name}


def integer_codes(column: pl.Series, source: str) -> pl.Series:
    """The column as Int64 codes, null where the cell is empty (or a dot, the missing value of statistics packages).

    Raises IndievalueError naming the first row whose cell is a fraction or a text.
    """
    if column.dtype == pl.Null or (column.dtype.is_integer() and column.dtype != pl.UInt64):
        return column.cast(pl.Int64)
    numbers = _decimals(column, source, "no answer code; export the file with codes instead of labels")
    whole = numbers.round(0)
    _refuse(numbers != whole, column, source, "a fraction and no answer code; codes are whole numbers")
    _refuse(numbers.abs() > 2**53, column, source, "too large for an answer code")
    return whole.cast(pl.Int64)


def _decimals(column: pl.Series, source: str, otherwise: str) -> pl.Series:
    """The column as Float64, null where the cell is empty; raises, with what it is ``otherwise``, for another text."""
    if column.dtype.is_numeric():
        return column.cast(pl.Float64).fill_nan(None)
    text = column.cast(pl.String).str.strip_chars()
    text = text.set(text.is_in(["", "."]).fill_null(False), None)
    numbers = text.cast(pl.Float64, strict=False)
    _refuse(text.is_not_null() & numbers.is_null(), column, source, otherwise)
    return numbers.fill_nan(None)


def _refuse(wrong: pl.Series, column: pl.Series, source: str, what: str) -> None:
    wrong = wrong.fill_null(False)
    if wrong.any():
        row = int(wrong.arg_max() or 0)
        raise IndievalueError(f"{source}: column {column.name}, row {row + 1:,} holds {column[row]!r}, which is {what}")


def _numbers(table: pl.DataFrame, survey: Survey, source: str) -> pl.DataFrame:
    """The columns the survey needs: codes as Int64, the weight as Float64, the id as text; null where it is empty."""
    columns: list[pl.Series] = []
    for name in sorted(needed_columns(survey) & set(table.columns)):
        column = table[name]
        if name == survey.person:
            columns.append(_id_texts(column))
        elif name == survey.weight:
            if column.dtype == pl.String:
                column = column.str.replace(",", ".", literal=True)  # a decimal comma
            columns.append(_decimals(column, source, "no weight"))
        else:
            columns.append(integer_codes(column, source))
    return pl.DataFrame(columns)


def _id_texts(column: pl.Series) -> pl.Series:
    """Ids as text, null where there is none. A whole number that was stored as a fraction (1001.0) is written 1001."""
    if column.dtype.is_float():
        column = column.fill_nan(None)
    text = column.cast(pl.String).str.strip_chars().str.replace(r"^(\d+)\.0+$", "$1")
    return text.set((text == "").fill_null(False), None)


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
    table: pl.DataFrame, demographic: Demographic, survey: Survey
) -> tuple[pl.Series, list[CodeCount], list[CodeCount], list[tuple[str, str, int]]]:
    """Group labels of one demographic, with what was unknown, left out, and taken from further columns."""
    labels = pl.Series(demographic.name, [None] * len(table), pl.String)
    unknown: list[CodeCount] = []
    left_out: list[CodeCount] = []
    borrowed: list[tuple[str, str, int]] = []
    for number, column in enumerate(demographic.columns):
        if column not in table.columns:
            continue
        values = table[column]
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


def _given_ids(table: pl.DataFrame, survey: Survey) -> pl.Series:
    """The id in each row, null where there is none."""
    if survey.person is None or survey.person not in table.columns:
        return pl.Series("id", [None] * len(table), pl.String)
    return table[survey.person]


def _names(given: pl.Series) -> pl.Series:
    """What everybody is called: their id, or ``row 7``, or plainly ``7`` where nobody has an id. The first row is 1."""
    word = "" if given.null_count() == len(given) else "row "
    numbers = pl.Series("row", [f"{word}{row}" for row in range(1, len(given) + 1)])
    return given.zip_with(given.is_not_null(), numbers)


def _repeated(names: pl.Series) -> tuple[tuple[str, int], ...]:
    """Names that occur again, with the number of further rows."""
    counts = names.value_counts(sort=False).filter(pl.col("count") > 1).sort(names.name)
    return tuple((name, times - 1) for name, times in counts.iter_rows())


def _weights(table: pl.DataFrame, survey: Survey) -> tuple[NDArray[np.float64], int]:
    """(weights, how many people had none and were given 1)."""
    if survey.weight is None or survey.weight not in table.columns:
        return np.ones(len(table)), len(table)
    given = table[survey.weight]
    usable = (given.is_finite() & (given > 0)).fill_null(False)
    return given.set(~usable, 1.0).to_numpy(), int((~usable).sum())


def recognise(columns: Sequence[str], surveys: Sequence[Survey], source: str) -> Survey:
    """Recognise the survey of a file by its columns: all its identifying columns are there, and most of its questions.

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
