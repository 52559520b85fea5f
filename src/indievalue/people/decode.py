"""Turns the columns of a data file into people, and reports whatever could not be turned."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence, Set
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import polars as pl
from numpy.typing import NDArray
from polars import selectors

from indievalue.choices import FORMS
from indievalue.errors import IndievalueError, NobodyError
from indievalue.people.findings import CodeCount, Findings
from indievalue.people.ids import FILE, check_repeated, given_ids, id_columns, names_of, repeated_names
from indievalue.people.numbers import NO_CODE, integer_codes
from indievalue.people.people import People
from indievalue.people.rounds import round_of, weights_in, years_of_interviews
from indievalue.people.wanted import EMPTY, answers_among_empty
from indievalue.people.where import rows_where, where_columns
from indievalue.survey.codes import LARGEST_CODE, TAGS, code_text
from indievalue.survey.gazetteer import look_up, numeric_code
from indievalue.survey.model import Demographic, Question
from indievalue.survey.survey import Survey

UNKNOWN = "unknown code"

_TAG_CODES = frozenset(TAGS.values())

_OTHER = LARGEST_CODE + 1
"""What stands for a code beyond those that an option can have, up or down."""


def decode(
    table: pl.DataFrame, survey: Survey, source: str, fingerprint: str, person_columns: Sequence[str] = ()
) -> People:
    """People from the raw columns of a file.

    ``person_columns`` identify a person in place of the survey's. Raises IndievalueError where a cell is a fraction or
    a text instead of a code, naming its row (the first person is row 1) and column, where rows that differ share an
    id, or where no question of the survey is there.
    """
    rows = _rows(table, survey, source, person_columns)
    found = _Found()
    codes = _question_codes(rows.codes, rows.raw, survey, found)
    demographics = _demographics(rows.codes, _demographics_in(rows.raw, survey), survey, found)
    findings = Findings(
        source=source,
        survey=survey.name,
        fingerprint=fingerprint,
        rows=len(table),
        people=len(rows.ids),
        absent_questions=tuple(q.id for q in survey.questions if not present_columns(q, table, survey)),
        absent_demographics=tuple(found.absent),
        unknown=tuple(found.unknown),
        left_out=tuple(found.left_out),
        filled=tuple(found.filled),
        ungrouped=tuple(found.ungrouped),
        blank=found.blank,
        empty_rows=rows.empty,
        repeated=rows.repeated,
        outside=rows.outside,
        row_numbers=rows.row_numbers,
        unweighted=rows.unweighted,
        tags=tuple(
            (code_text(code), reason, cells) for (code, reason), cells in sorted(found.tags.items(), reverse=True)
        ),
    )
    return People(survey, rows.ids, codes, demographics, rows.weights, findings, years_of_interviews(rows.raw, survey))


def coded(
    table: pl.DataFrame, survey: Survey, source: str, person_columns: Sequence[str] = ()
) -> tuple[NDArray[np.int16], pl.DataFrame, pl.DataFrame]:
    """The people of :func:`decode` as codes: (of each question, of each column read, the cells as they are).

    Raises IndievalueError as :func:`decode` does.
    """
    rows = _rows(table, survey, source, person_columns)
    return _question_codes(rows.codes, rows.raw, survey, _Found()), rows.codes, rows.raw


def people_in_rows(
    table: pl.DataFrame, survey: Survey, source: str, person_columns: Sequence[str] = ()
) -> NDArray[np.int64]:
    """The position among the people of :func:`decode` of the one in each row; -1 where a row is nobody's.

    Rows that repeat an id are the same person's. Raises IndievalueError as :func:`decode` does.
    """
    return _rows(table, survey, source, person_columns).person


@dataclass(frozen=True)
class _Rows:
    """The rows that are people: their ids and weights, cells as codes and as they are, and what was dropped."""

    ids: NDArray[np.str_]
    weights: NDArray[np.float64]
    codes: pl.DataFrame
    raw: pl.DataFrame
    empty: int
    outside: int
    repeated: tuple[tuple[str, int], ...]
    row_numbers: int
    unweighted: int
    person: NDArray[np.int64]


def _rows(table: pl.DataFrame, survey: Survey, source: str, person_columns: Sequence[str]) -> _Rows:
    _check_columns(survey, table, source)
    if not len(table):
        raise IndievalueError(f"{source} has a header and no people")
    table = without_levels(table)
    identified_by, given = _identified(table, survey, person_columns, source)
    weights, unweighted = weights_in(table, survey, source)
    codes = code_columns(table, survey, source)
    answers = [name for name in table.columns if name != survey.year_column] or table.columns
    filled_in = table.select(~pl.all_horizontal(_empty(table[name]) for name in answers)).to_series()
    within = filled_in & _of_the_survey(table, survey, source)
    names = names_of(given)
    check_repeated(
        names.filter(within),
        codes.with_columns(pl.Series("\0weight", weights)).filter(within),
        identified_by,
        survey,
        source,
    )
    kept = within & pl.DataFrame([names, within.alias("\0within")]).to_struct().is_first_distinct()
    _check_some(filled_in, within, survey, source)
    return _Rows(
        ids=names.filter(kept).to_numpy().astype(np.str_),
        weights=weights[kept.to_numpy()],
        codes=codes.filter(kept),
        raw=table.filter(kept),
        empty=len(table) - int(filled_in.sum()),
        outside=int((filled_in & ~within).sum()),
        repeated=repeated_names(names.filter(within)),
        row_numbers=given.filter(kept).null_count(),
        unweighted=int(kept.sum()) if unweighted is None else int((unweighted & kept).sum()),
        person=_positions(names, kept, within),
    )


def _positions(names: pl.Series, kept: pl.Series, within: pl.Series) -> NDArray[np.int64]:
    """The position of each row's person among those ``kept``, -1 outside of ``within``."""
    of = names.replace_strict(names.filter(kept), range(int(kept.sum())), default=-1, return_dtype=pl.Int64)
    return np.where(within.to_numpy(), of.to_numpy(), -1)


@dataclass
class _Found:
    """What :class:`Findings` will report of the columns."""

    unknown: list[CodeCount] = field(default_factory=list)
    left_out: list[CodeCount] = field(default_factory=list)
    filled: list[tuple[str, str, int]] = field(default_factory=list)
    ungrouped: list[tuple[str, int]] = field(default_factory=list)
    absent: list[str] = field(default_factory=list)
    tags: Counter[tuple[int, str]] = field(default_factory=Counter)
    blank: int = 0


def _identified(
    table: pl.DataFrame, survey: Survey, person_columns: Sequence[str], source: str
) -> tuple[tuple[str, ...], pl.Series]:
    """(columns of the id, the id in each row), with the name of the file in place of a column ``file``."""
    if FILE in (person_columns or survey.person) and FILE not in table.columns:
        table = table.with_columns(pl.lit(Path(source).stem).alias(FILE))
    background = {column for demographic in survey.demographics for column in demographic.columns}
    identified_by = id_columns(person_columns, survey.person, table.columns, source, background)
    return identified_by, given_ids(table, identified_by, source)


def _check_columns(survey: Survey, table: pl.DataFrame, source: str) -> None:
    """Raise IndievalueError where the file is of no round of the survey, or has none of its questions."""
    if survey.rounds and round_of(survey, table) is None:
        known = "; ".join(f"{name}: {', '.join(columns)}" for name, columns in survey.rounds.items())
        raise IndievalueError(
            f"{source} is of none of the rounds of survey {survey.name}, which are told by their columns ({known})"
        )
    if not any(present_columns(question, table, survey) for question in survey.questions):
        raise IndievalueError(
            f"{source} has none of the {len(survey.questions)} questions of survey {survey.name}; "
            f"its first column is {table.columns[0]!r}"
        )


def present_columns(question: Question, table: pl.DataFrame, survey: Survey) -> list[str]:
    """The question's columns to read, being there; none where those that tell who was asked are not."""
    if not set(question.where or ()) <= set(table.columns):
        return []
    if question.rounds is not None:
        column = question.rounds.get(round_of(survey, table) or "")
        return [column] if column in table.columns else []
    present = [column for column in question.data_columns if column in table.columns]
    return present[:1] if question.one_column else present


def _of_the_survey(table: pl.DataFrame, survey: Survey, source: str) -> pl.Series:
    """Which rows are the survey's people. Raises IndievalueError where the file has not the columns to tell."""
    absent = [column for column in survey.where or () if column not in table.columns]
    if absent:
        raise IndievalueError(
            f"{source} has no column {absent[0]}, by which survey {survey.name} picks its rows (`where` in survey.yaml,"
            " or --rows)"
        )
    return rows_where(table, survey.where or {})


def _check_some(filled_in: pl.Series, within: pl.Series, survey: Survey, source: str) -> None:
    if within.any():
        return
    rows = f"{source} has {len(within):,} rows"
    if not filled_in.any():
        raise NobodyError(f"{rows}, and all of them are empty")
    picked = "; ".join(f"{column}: {', '.join(values[:5])}" for column, values in (survey.where or {}).items())
    raise NobodyError(f"{rows}, and none of them has what survey {survey.name} picks its rows by ({picked})")


def _question_codes(people: pl.DataFrame, raw: pl.DataFrame, survey: Survey, found: _Found) -> NDArray[np.int16]:
    """Raw codes (people × questions) of everybody's answers; ``raw`` are their cells as the file has them."""
    codes = np.full((len(people), len(survey.questions)), survey.not_asked, np.int16, order="F")
    for position, question in enumerate(survey.questions):
        present = present_columns(question, raw, survey)
        if not present:
            continue
        options = set(_known_codes(question))
        values = _joined(people, question.id, present, options, found)
        if question.where:
            values = values.set(~rows_where(raw, question.where), survey.not_asked)
        found.blank += values.null_count()
        filled = values.fill_null(survey.blank if question.blank is None else question.blank)
        _explain(filled, present[0], options, question, survey, found)
        within = filled.is_between(-LARGEST_CODE, LARGEST_CODE) | filled.is_in(list(TAGS.values()))
        codes[:, position] = filled.set(~within, _OTHER).to_numpy()
    return codes


def _joined(people: pl.DataFrame, name: str, columns: Sequence[str], known: Set[int], found: _Found) -> pl.Series:
    """Everybody's code in the first of the columns that holds an answer, else in the first that is filled."""
    values = people[columns[0]]
    for column in columns[1:]:
        other = people[column]
        answered = other.is_in(list(known)).fill_null(False) & ~values.is_in(list(known)).fill_null(False)
        values = other.zip_with(answered | values.is_null(), values)
        if answered.any():
            found.filled.append((name, column, int(answered.sum())))
    return values


def _demographics_in(table: pl.DataFrame, survey: Survey) -> list[Demographic]:
    """The demographics as files of the table's round have them."""
    name = round_of(survey, table)
    return [demographic.in_round(name) for demographic in survey.demographics]


def _demographics(
    people: pl.DataFrame, demographics: Sequence[Demographic], survey: Survey, found: _Found
) -> pl.DataFrame:
    """The group of everybody in each demographic, null where it is missing."""
    columns: dict[str, pl.Series] = {}
    for demographic in demographics:
        if set(demographic.columns) & set(people.columns):
            columns[demographic.name] = labels = _labels(people, demographic, survey, found)
            if nobody := labels.null_count():
                found.ungrouped.append((demographic.name, nobody))
        else:
            found.absent.append(demographic.name)
            columns[demographic.name] = pl.Series(demographic.name, [None] * len(people), pl.String)
    return pl.DataFrame(columns)


def needed_columns(survey: Survey) -> set[str]:
    """Every data column that :func:`decode` looks at."""
    columns = {column for question in survey.questions for column in question.data_columns} | where_columns(survey)
    columns |= {column for demographic in survey.demographics for column in demographic.columns}
    columns.update(*(survey.rounds or {}).values(), [survey.year_column] if survey.year_column else [])
    return columns.union(survey.person, survey.weight_columns)


def text_answers(survey: Survey) -> dict[str, frozenset[str]]:
    """Texts that the survey has as answers of a column, though they would stand for an empty cell elsewhere."""
    said: dict[str, set[str]] = {}
    for demographic in survey.demographics:
        texts = {*(demographic.texts or {}), *(group.label for group in demographic.groups)}
        for column in demographic.columns:
            said.setdefault(column, set()).update(texts)
    for condition in (survey.where, *(question.where for question in survey.questions)):
        for column, values in (condition or {}).items():
            said.setdefault(column, set()).update(values)
    return {column: found for column, texts in said.items() if (found := answers_among_empty(texts))}


def without_levels(table: pl.DataFrame) -> pl.DataFrame:
    """The table with factors as plain texts."""
    return table.with_columns(selectors.by_dtype(pl.Enum, pl.Categorical).cast(pl.String))


def code_columns(table: pl.DataFrame, survey: Survey, source: str) -> pl.DataFrame:
    """The columns of questions and demographics as Int64 codes, null where they are empty.

    Raises IndievalueError where a cell is a fraction or a text instead of a code, naming its row and column.
    """
    known: dict[str, set[int]] = {}
    for question in survey.questions:
        for column in question.data_columns:
            known.setdefault(column, set()).update(_known_codes(question))
    labels: dict[str, dict[str, int]] = {}
    otherwise: dict[str, str] = {}
    for demographic in _demographics_in(table, survey):
        for column in demographic.columns:
            known[column] = {code for group in demographic.groups for code in group.codes.get(column, ())}
            labels[column] = _codes_by_label(demographic, column) | dict(demographic.texts or {})
            if demographic.texts:
                otherwise[column] = f"in no group of {demographic.name}: add it to one, or to left_out with a reason"
            if demographic.otherwise and column in table.columns:
                labels[column] = _country_codes(table[column]) | labels[column]
    columns = [
        integer_codes(
            _without_labels(table[name], labels.get(name, {})), source, known[name], otherwise.get(name, NO_CODE)
        )
        for name in sorted(known.keys() & set(table.columns))
    ]
    return pl.DataFrame(columns)


def _country_codes(column: pl.Series) -> dict[str, int]:
    """ISO 3166 numeric codes of the codes of two or three letters that the column holds, in lower case.

    NA is Namibia's, but an empty cell in a column of numbers.
    """
    if column.dtype != pl.String:
        return {}
    letters = column.str.strip_chars().str.to_lowercase().drop_nulls().unique().to_list()
    codes = {text: code for text in letters if (code := numeric_code(text)) is not None}
    numbers = any(text.lstrip("+-").replace(".", "", 1).isdigit() for text in letters)
    return {text: code for text, code in codes.items() if not (numbers and text.upper() in EMPTY)}


def _known_codes(question: Question) -> Iterator[int]:
    return (code for form in FORMS for option in question.options(form) for code in option.codes)


def _codes_by_label(demographic: Demographic, column: str) -> dict[str, int]:
    """A code for each group label, in lower case, that a file may hold in place of it."""
    return {group.label.casefold(): group.codes[column][0] for group in demographic.groups if group.codes.get(column)}


def _without_labels(column: pl.Series, codes: Mapping[str, int]) -> pl.Series:
    """The column with group labels replaced by their codes, where some cells hold one."""
    if column.dtype != pl.String or not codes:
        return column
    labels = column.str.strip_chars().str.to_lowercase()
    if not labels.is_in(list(codes)).any():
        return column
    found = labels.replace_strict(codes, default=None, return_dtype=pl.Int64).cast(pl.String)
    return pl.select(pl.coalesce(found, column).alias(column.name)).to_series()


def _empty(column: pl.Series) -> pl.Series:
    """Which cells hold nothing, whatever the program that wrote the file put there."""
    if column.dtype.is_float():
        return column.is_null() | column.is_nan()
    if column.dtype == pl.String:
        return column.is_null() | column.str.strip_chars().is_in(["", "."])
    return column.is_null()


def _explain(
    values: pl.Series,
    column: str,
    known: Set[int],
    item: Question | Demographic,
    survey: Survey,
    found: _Found,
) -> None:
    """Note the codes in ``values`` that are no option: unknown ones, ones the spec leaves out, and Stata's tags."""
    missing, reasons = {**survey.missing, **(item.missing or {})}, item.left_out or {}
    for code, people in sorted(values.drop_nulls().value_counts(sort=False).iter_rows()):
        if code in _TAG_CODES:
            found.tags[code, missing.get(code, "")] += people
        elif code in known or code in missing:
            continue
        elif code in reasons:
            found.left_out.append(CodeCount(column, code, people, reasons[code]))
        else:
            found.unknown.append(CodeCount(column, code, people, UNKNOWN))


def _labels(table: pl.DataFrame, demographic: Demographic, survey: Survey, found: _Found) -> pl.Series:
    """Group labels of one demographic."""
    labels = pl.Series(demographic.name, [None] * len(table), pl.String)
    for number, column in enumerate(demographic.columns):
        if column not in table.columns:
            continue
        values = table[column]
        label_of = {code: group.label for group in demographic.groups for code in group.codes.get(column, ())}
        if demographic.otherwise:
            missing = {**survey.missing, **(demographic.missing or {})}
            for code in values.drop_nulls().unique().to_list():
                name = None if code in label_of or code in missing else look_up(code, demographic.otherwise)
                if name is not None:
                    label_of[code] = name
        _explain(values, column, label_of.keys(), demographic, survey, found)
        here = values.replace_strict(label_of, default=None, return_dtype=pl.String)
        before = labels.null_count()
        labels = pl.select(pl.coalesce(labels, here).alias(demographic.name)).to_series()
        if number and before > labels.null_count():
            found.filled.append((demographic.name, column, before - labels.null_count()))
    return labels
