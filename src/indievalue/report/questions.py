"""The table of questions: what each asks, and how well each predictor foresees the answer."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl

from indievalue.scoring.bootstrap import cluster_intervals
from indievalue.survey.model import FormName
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


def accuracy_by_question(predictions: pl.DataFrame, survey: Survey, seed: int = 0) -> pl.DataFrame:
    """Accuracy of every predictor in every question, questions in the order of the survey.

    Returns ``predictor``, ``question``, ``accuracy``, ``accuracy_low``, ``accuracy_high`` (0-100, the 95% interval from
    resampling people), ``people`` and ``probes``; an invalid output is wrong. The hundreds of parts share their draws.
    """
    counted = predictions.group_by("predictor", "question", "person", maintain_order=True).agg(
        (pl.col("choice") == pl.col("answer")).sum().cast(pl.Int64).alias("right"),
        pl.len().cast(pl.Int64).alias("probes"),
    )
    place = {name: at for at, name in enumerate(dict.fromkeys(predictions["predictor"]))}
    parts = counted.select("predictor", "question").unique(maintain_order=True)
    parts = parts.sort(
        pl.col("question").replace_strict(survey.positions, return_dtype=pl.Int64),
        pl.col("predictor").replace_strict(place, return_dtype=pl.Int64),
    )
    people = counted["person"].unique().sort()
    at = counted.join(parts.with_row_index("part"), on=["predictor", "question"], maintain_order="left")
    row, column = people.search_sorted(at["person"]).to_numpy(), at["part"].to_numpy()
    right, probes = (np.zeros((len(people), len(parts)), np.int64) for _ in range(2))
    right[row, column], probes[row, column] = at["right"].to_numpy(), at["probes"].to_numpy()
    low, high = cluster_intervals(right, probes, seed)
    return parts.with_columns(
        accuracy=100 * right.sum(axis=0) / probes.sum(axis=0),
        accuracy_low=100 * low,
        accuracy_high=100 * high,
        people=(probes > 0).sum(axis=0),
        probes=probes.sum(axis=0),
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
