"""The table of questions: what each asks, and how well each predictor foresees the answer."""

from dataclasses import dataclass
from typing import Any

import polars as pl

from indievalue.survey.model import FormName
from indievalue.survey.survey import Survey

Z = 1.959964
"""Standard errors to either side in a 95% interval."""


@dataclass(frozen=True)
class QuestionRow:
    """One question. ``options`` it has in the form that was asked; ``scores`` is by predictor (see below)."""

    id: str
    asks: str
    category: str
    options: int
    people: int
    scores: dict[str, dict[str, Any]]


def accuracy_by_question(predictions: pl.DataFrame, survey: Survey) -> pl.DataFrame:
    """Accuracy of every predictor in every question, questions in the order of the survey.

    Returns ``predictor``, ``question``, ``accuracy``, ``accuracy_low``, ``accuracy_high`` (0-100), ``people`` and
    ``probes``; an invalid output is wrong. The 95% interval is that of Wilson (1927): hardly anybody is asked a
    question more than once, so answers to it are independent, and unlike a bootstrap it holds near 0 and 100 too.
    Where a protocol does ask again, people count and not answers.
    """
    place = {name: at for at, name in enumerate(dict.fromkeys(predictions["predictor"]))}
    share, people = pl.col("right") / pl.col("probes"), pl.col("people")
    middle = (share + Z**2 / (2 * people)) / (1 + Z**2 / people)
    half = Z / (1 + Z**2 / people) * (share * (1 - share) / people + Z**2 / (4 * people**2)).sqrt()
    return (
        predictions.group_by("predictor", "question")
        .agg(
            right=(pl.col("choice") == pl.col("answer")).sum().cast(pl.Int64),
            people=pl.col("person").n_unique().cast(pl.Int64),
            probes=pl.len().cast(pl.Int64),
        )
        .sort(
            pl.col("question").replace_strict(survey.positions, return_dtype=pl.Int64),
            pl.col("predictor").replace_strict(place, return_dtype=pl.Int64),
        )
        .select(
            "predictor",
            "question",
            accuracy=100 * share,
            accuracy_low=100 * (middle - half).clip(lower_bound=0),
            accuracy_high=100 * (middle + half).clip(upper_bound=1),
            people="people",
            probes="probes",
        )
    )


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
