"""The table of questions: what each asks, and how well each predictor predicts the answer."""

from dataclasses import dataclass
from typing import Any

import polars as pl

from indievalue.choices import FormName
from indievalue.survey.survey import Survey


@dataclass(frozen=True)
class QuestionRow:
    """One question. ``options`` it has in the form that was asked; ``scores`` is by predictor (see below)."""

    id: str
    asks: str
    category: str
    options: int
    people: int
    scores: dict[str, dict[str, Any]]


def question_rows(table: pl.DataFrame, survey: Survey, form: FormName) -> list[QuestionRow]:
    """A row for every question of ``table``, which :func:`accuracy_by_question` made, in its order."""
    rows: dict[str, dict[str, dict[str, Any]]] = {}
    for item in table.iter_rows(named=True):
        rows.setdefault(item["question"], {})[item["predictor"]] = item
    made = []
    for name, scores in rows.items():
        question = survey.question(name)
        people = max(item["people"] for item in scores.values())
        made.append(QuestionRow(name, question.asks, question.category, len(question.options(form)), people, scores))
    return made
