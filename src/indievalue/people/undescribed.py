"""Surveys that nobody has described: their columns are the questions, and the answers in them the options."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import polars as pl

from indievalue.errors import IndievalueError, did_you_mean
from indievalue.survey.model import Demographic, Group, Option, Question, Sampling
from indievalue.survey.survey import Survey

MOST_OPTIONS = 20
"""Options of a question at most: a column of more distinct answers is an id, a number or free text."""

_WHOLE = re.compile(r"[+-]?\d{1,18}")

_MISSING = -1
"""Code of an empty cell; the options of a question have the codes 0, 1, 2 and so on."""


@dataclass(frozen=True)
class Columns:
    """What a user says of the columns of such a survey.

    Attributes:
        questions: columns that are questions; empty for all that can be.
        nominal: questions whose answers are no steps of a scale.
        missing: answers that stand for no answer, such as ``8`` or ``DON'T KNOW``, in any letter case.
        by: columns that are demographics.
    """

    questions: tuple[str, ...] = ()
    nominal: tuple[str, ...] = ()
    missing: tuple[str, ...] = ()
    by: tuple[str, ...] = ()


@dataclass(frozen=True)
class _Levels:
    """The distinct answers in a column, in the order of the scale if ``ordered``."""

    answers: tuple[str, ...]
    ordered: bool


def describe(
    tables: Sequence[pl.DataFrame], columns: Columns, apart: Sequence[str], source: str
) -> tuple[Survey, list[pl.DataFrame], dict[str, str]]:
    """Return a survey of the columns of ``tables``, the tables with its codes, and why columns are no question of it.

    Numbers and levels of a factor are taken as steps of a scale in their order, other texts as answers without one.
    Columns ``apart``, such as ids, are left as they are. Polar and refined options are the same: each answer is one.
    Raises IndievalueError where a column that is named is not there or cannot be used.
    """
    names = list(dict.fromkeys(name for table in tables for name in table.columns if name not in apart))
    for name in (*columns.questions, *columns.by, *columns.nominal):
        if name not in names:
            raise IndievalueError(f"{source} has no column {name!r}{did_you_mean(name, names)}")
    candidates = columns.questions or [name for name in names if name not in columns.by]
    missing = frozenset(answer.strip().casefold() for answer in columns.missing)
    used = list(dict.fromkeys([*candidates, *columns.by]))
    keys = [_keys(table, [name for name in used if name in table.columns], missing) for table in tables]
    held = _held(keys)
    levels = {name: _levels(held[name], _order(tables, name)) for name in used}
    wrong = {name: reason for name, found in levels.items() if (reason := _unusable(found))}
    for name in (*columns.questions, *columns.by):
        if name in wrong:
            raise IndievalueError(f"{source}: column {name} {wrong[name]}; name other columns")
    asked = [name for name in candidates if name not in wrong]
    if not asked:
        raise IndievalueError(
            f"{source} has no column that can be a question, with 2 to {MOST_OPTIONS} distinct answers that are whole "
            "numbers or labels; name the columns with --questions"
        )
    survey = _survey(asked, levels, columns)
    kept = {name: levels[name] for name in [*asked, *columns.by]}
    coded = [table.with_columns(_coded(key, kept).get_columns()) for table, key in zip(tables, keys, strict=True)]
    return survey, coded, {name: wrong[name] for name in candidates if name in wrong}


def _keys(table: pl.DataFrame, names: Sequence[str], missing: frozenset[str]) -> pl.DataFrame:
    """Return the answers as text, whole numbers without a decimal point, null where there is none."""
    none = ["", ".", "nan", *missing]
    texts = [
        pl.col(name).cast(pl.String).str.strip_chars().str.replace(r"^([+-]?\d+)\.0+$", "$1").alias(name)
        for name in names
    ]
    answers = table.select(texts)
    return answers.select(pl.when(~pl.col(name).str.to_lowercase().is_in(none)).then(name) for name in names)


def _held(keys: Sequence[pl.DataFrame]) -> dict[str, set[str]]:
    """Return the distinct answers in each column, over all tables."""
    held: dict[str, set[str]] = {}
    for table in keys:
        distinct = table.select(pl.all().drop_nulls().unique().implode())
        for name, answers in zip(distinct.columns, distinct.row(0), strict=True):
            held.setdefault(name, set()).update(answers)
    return held


def _order(tables: Sequence[pl.DataFrame], name: str) -> list[str]:
    """Return the levels of a factor, in the order of the first table in which it is one; empty for no factor."""
    for table in tables:
        dtype = table[name].dtype if name in table.columns else None  # making a schema of many factors is slow
        if isinstance(dtype, pl.Enum):
            return [level.strip() for level in dtype.categories.to_list()]
    return []


def _levels(held: set[str], order: Sequence[str]) -> _Levels:
    if all(_WHOLE.fullmatch(answer) for answer in held):
        return _Levels(tuple(sorted(held, key=int)), True)
    if held <= set(order):
        return _Levels(tuple(level for level in order if level in held), True)
    return _Levels(tuple(sorted(held)), False)


def _unusable(levels: _Levels) -> str:
    """Return why a column is no question, to follow its name; empty if it is one."""
    if len(levels.answers) < 2:
        return "holds no two distinct answers"
    if len(levels.answers) > MOST_OPTIONS:
        return f"holds {len(levels.answers):,} distinct answers, more than the {MOST_OPTIONS} a question may have"
    fraction = next((answer for answer in levels.answers if re.fullmatch(r"[+-]?\d+[.,]\d+", answer)), None)
    return f"holds {fraction}, which is no whole number" if fraction else ""


def _survey(asked: Sequence[str], levels: Mapping[str, _Levels], columns: Columns) -> Survey:
    questions = []
    for name in asked:
        options = tuple(Option((code,), answer) for code, answer in enumerate(levels[name].answers))
        ordered = levels[name].ordered and name not in columns.nominal
        questions.append(Question(name, "", "", name, options, options, ordered))
    demographics = tuple(
        Demographic(
            name,
            name,
            name,
            (name,),
            tuple(Group(answer, answer, {name: (code,)}) for code, answer in enumerate(levels[name].answers)),
        )
        for name in columns.by
    )
    return Survey(
        name="undescribed",
        title="a survey without a specification",
        licence="",
        person=(),
        weight=None,
        country=None,
        recognised_by=(),
        missing={_MISSING: "no answer"},
        not_asked=_MISSING,
        blank=_MISSING,
        categories=("",),
        questions=tuple(questions),
        demographics=demographics,
        sampling=Sampling(),
    )


def _coded(keys: pl.DataFrame, levels: Mapping[str, _Levels]) -> pl.DataFrame:
    """Return the codes of the answers of each column in ``levels``."""
    return keys.select(
        pl.col(name).replace_strict(
            list(found.answers), list(range(len(found.answers))), default=None, return_dtype=pl.Int64
        )
        for name, found in levels.items()
        if name in keys.columns
    )
