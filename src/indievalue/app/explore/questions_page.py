"""The pages of a run's questions: all of them, and one."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl
from starlette.datastructures import QueryParams
from starlette.exceptions import HTTPException

from indievalue.app.explore.person_page import Guess, guess_of
from indievalue.app.explore.source import SMALLEST_GROUP, Source
from indievalue.app.explore.telling import telling
from indievalue.app.explore.view import RunView, read_rows
from indievalue.intervals import wilson
from indievalue.report.questions import QuestionRow, question_rows
from indievalue.survey.model import Question

ORDERS = {"": "as in the survey", "hardest": "least accurate first", "easiest": "most accurate first"}
"""Orders of questions."""

_MOST = 8
"""People in the list of those whose answers surprise most."""


@dataclass(frozen=True)
class Option:
    """An option: the share of people (0-1) whose answer it is, and the share that each predictor predicted it for."""

    statement: str
    key: str
    true: float
    predicted: tuple[float, ...]


@dataclass(frozen=True)
class ConfusionRow:
    """The people with one true answer: how many, and the share (0-1) predicted as each option, and as none."""

    statement: str
    people: int
    shares: tuple[float, ...]


@dataclass(frozen=True)
class GroupRow:
    """A group: how many of its people were asked, and accuracy with its 95% interval, 0-100."""

    group: str
    people: int
    value: float
    low: float
    high: float


@dataclass(frozen=True)
class GuessAbout:
    """A predictor's guess about a person."""

    person: str
    guess: Guess


def questions_page(source: Source, view: RunView | None, query: QueryParams) -> Mapping[str, object]:
    """Return what the page of all questions of a run shows."""
    assert view is not None
    run, words = view.run, query.get("q", "")[:200].strip()
    by = query.get("by", "") if query.get("by") in view.predictors else view.predictors[0]
    order = query.get("order", "") if query.get("order") in ORDERS else ""
    category = query.get("category", "")
    rows: list[QuestionRow] = source.once(
        "questions", lambda: question_rows(run.by_question, run.survey, run.record.form)
    )
    categories = list(dict.fromkeys(row.category for row in rows))
    shown = [
        row
        for row in rows
        if category in ("", row.category)
        and all(word in f"{row.id} {row.asks}".casefold() for word in words.casefold().split())
    ]
    if order:
        sign = 1 if order == "hardest" else -1
        shown.sort(key=lambda row: sign * row.scores[by]["accuracy"] if by in row.scores else np.inf)
    return {
        "rows": shown,
        "smallest": SMALLEST_GROUP,
        "categories": categories,
        "category": category if category in categories else "",
        "text": words,
        "by": by,
        "order": order,
        "orders": ORDERS,
    }


def question_in(source: Source, query: QueryParams) -> Question:
    """Return the question that an address names. Raises HTTPException if there is none."""
    id_ = query.get("id", "")
    if id_ not in source.survey.positions:
        raise HTTPException(404, f"The survey has no question {id_!r}.")
    return source.survey.question(id_)


def question_page(source: Source, view: RunView | None, query: QueryParams) -> Mapping[str, object]:
    """Return what the page of one question of a run shows."""
    assert view is not None
    question = question_in(source, query)
    rows = view.rows.filter(pl.col("question") == question.id)
    by = query.get("by", "") if query.get("by") in view.predictors else view.predictors[0]
    names = source.labels.columns
    demographic = query.get("demographic", "") if query.get("demographic") in names else (source.country or "")
    people = rows["at"].n_unique()
    shown: dict[str, object] = {
        "question": question,
        "by": by,
        "demographics": names,
        "demographic": demographic,
        "people": people,
        "smallest": SMALLEST_GROUP,
        "next_questions": _around(source, view, question.id),
    }
    own = rows.filter(pl.col("predictor") == by)
    if people >= SMALLEST_GROUP:
        shown["options"] = _options(view, question, rows)
        shown["confusion"] = _confusion(view, question, own)
        shown["groups"], shown["left_out"] = by_group(source, demographic, own)
        shown["telling"] = telling(source, source.survey.positions[question.id])
    shown["surprising"] = _surprising(source, view, own)
    return shown


def _around(source: Source, view: RunView, id_: str) -> tuple[str | None, str | None]:
    """Return the questions before and after one, of those that were asked."""
    asked = source.once("asked", lambda: set(view.rows["question"].unique()))
    ids = [question.id for question in source.survey.questions if question.id in asked]
    if id_ not in ids:
        return None, None
    at = ids.index(id_)
    return (ids[at - 1] if at else None), (ids[at + 1] if at + 1 < len(ids) else None)


def _options(view: RunView, question: Question, rows: pl.DataFrame) -> list[Option]:
    form = view.run.record.form
    count = len(question.options(form))
    truth = rows.unique(["setup", "at"])["answer"].to_numpy()
    true = np.bincount(truth, minlength=count) / len(truth)
    predicted = []
    for name in view.predictors:
        own = rows.filter(pl.col("predictor") == name)
        chosen = own["choice"].to_numpy()
        predicted.append(np.bincount(chosen[chosen >= 0], minlength=count) / max(1, len(own)))
    return [
        Option(
            option.statement, f"{question.id}:{form}:{at}", float(true[at]), tuple(float(one[at]) for one in predicted)
        )
        for at, option in enumerate(question.options(form))
    ]


def _confusion(view: RunView, question: Question, own: pl.DataFrame) -> list[ConfusionRow]:
    """Return a row for each true answer that 30 people or more gave."""
    options = question.options(view.run.record.form)
    width = len(options) + 1
    pairs = own["answer"].to_numpy().astype(np.int64) * width + own["choice"].to_numpy() % width
    table = np.bincount(pairs, minlength=len(options) * width).reshape(-1, width)
    return [
        ConfusionRow(option.statement, int(counts.sum()), tuple((counts / counts.sum()).tolist()))
        for option, counts in zip(options, table, strict=True)
        if counts.sum() >= SMALLEST_GROUP
    ]


def by_group(source: Source, demographic: str, own: pl.DataFrame) -> tuple[list[GroupRow], int]:
    """Return the accuracy of predictions in each group of 30 people or more, lowest first, and how many are smaller."""
    if not demographic:
        return [], 0
    table = own.select("at", "right", group=source.labels[demographic][own["at"]]).drop_nulls("group")
    counts = table.group_by("group").agg(
        people=pl.col("at").n_unique().cast(pl.Int64), value=pl.col("right").cast(pl.Float64).mean()
    )
    enough = counts.filter(pl.col("people") >= SMALLEST_GROUP).sort("value", "group")
    low, high = wilson(pl.col("value"), pl.col("people").cast(pl.Float64))
    ends = enough.with_columns(low=100 * low, high=100 * high, value=100 * pl.col("value"))
    return [GroupRow(**row) for row in ends.iter_rows(named=True)], len(counts) - len(enough)


def _surprising(source: Source, view: RunView, own: pl.DataFrame) -> list[GuessAbout]:
    """Return the people whose answers a predictor expected least."""
    least = own.filter(pl.col("true").is_not_null()).sort("true").head(_MOST)
    if least.is_empty():
        least = own.filter(~pl.col("right")).head(_MOST)
    return guesses_about(source, view, least)


def guesses_about(source: Source, view: RunView, rows: pl.DataFrame) -> list[GuessAbout]:
    """Return predictions in words, with the person they are about."""
    made: Sequence[int] = rows["at"].to_list()
    return [GuessAbout(source.ids[at], guess_of(view, row)) for at, row in zip(made, read_rows(rows), strict=True)]
