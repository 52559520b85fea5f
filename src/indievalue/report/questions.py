"""The table of questions, with the accuracy of each predictor."""

from dataclasses import dataclass
from typing import Any

import polars as pl

from indievalue.choices import FormName
from indievalue.survey.survey import Survey


@dataclass(frozen=True)
class QuestionRow:
    """One question. ``options`` is their number in the form asked; ``scores`` has a row per predictor."""

    id: str
    asks: str
    category: str
    options: int
    people: int
    scores: dict[str, dict[str, Any]]


def question_rows(table: pl.DataFrame, survey: Survey, form: FormName) -> list[QuestionRow]:
    """Return a row for each question of ``table``, the result of :func:`accuracy_by_question`, in its order."""
    rows: dict[str, dict[str, dict[str, Any]]] = {}
    for item in table.iter_rows(named=True):
        rows.setdefault(item["question"], {})[item["predictor"]] = item
    made = []
    for name, scores in rows.items():
        question = survey.question(name)
        people = max(item["people"] for item in scores.values())
        made.append(QuestionRow(name, question.asks, question.category, len(question.options(form)), people, scores))
    return made
