"""Table of predictions: one row per predictor, person and probe. All scores and reports are computed from it."""

from pathlib import Path

import numpy as np
import polars as pl

from indievalue.benchmark.model import NOBODY, Benchmark, Setup, Task
from indievalue.errors import IndievalueError
from indievalue.predictors.protocol import UNANSWERED, Guesses, Predictor

SCHEMA: dict[str, pl.DataType] = {
    "predictor": pl.String(),
    "form": pl.String(),
    "protocol": pl.String(),
    "context": pl.String(),
    "demonstrations_as": pl.String(),
    "setup": pl.Int8(),
    "person": pl.String(),
    "question": pl.String(),
    "demonstrations": pl.Int16(),
    "answer": pl.Int8(),
    "choice": pl.Int8(),
    "probabilities": pl.List(pl.Float32()),
}


def predict(name: str, predictor: Predictor, benchmark: Benchmark) -> pl.DataFrame:
    """Predict the whole benchmark with a fitted predictor. Rows with no true answer or no prediction are left out."""
    asked = [(setup, task) for setup, task in benchmark.tasks() if len(setup.probes)]
    guesses = predictor.predict_all([task for _, task in asked])
    return pl.concat(
        _rows(name, benchmark, setup, task, given) for (setup, task), given in zip(asked, guesses, strict=True)
    )


def read_predictions(path: Path) -> pl.DataFrame:
    """Read predictions from a parquet file. Raises IndievalueError if it is not a table of predictions."""
    try:
        table = pl.read_parquet(path)
    except (OSError, pl.exceptions.PolarsError) as error:
        raise IndievalueError(f"cannot read predictions from {path}: {error}") from None
    absent = [column for column in SCHEMA if column not in table.columns]
    if absent:
        raise IndievalueError(f"{path} is not a table of predictions: it has no column {', '.join(absent)}")
    return table.select(pl.col(column).cast(kind) for column, kind in SCHEMA.items())


def _rows(name: str, benchmark: Benchmark, setup: Setup, task: Task, guesses: Guesses) -> pl.DataFrame:
    settings = benchmark.settings
    people, probes = guesses.choice.shape
    questions = [benchmark.survey.questions[probe].id for probe in setup.probes]
    if guesses.probabilities is None:
        probabilities = pl.Series("probabilities", [None] * people * probes, SCHEMA["probabilities"])
    else:
        padded = pl.Series(guesses.probabilities.reshape(people * probes, -1)).arr.to_list()
        counts = pl.Series(np.tile(task.counts, people))
        given = pl.Series(~np.isnan(guesses.probabilities[..., 0]).ravel())
        probabilities = pl.select(padded.alias("all"), counts.alias("count"), given.alias("given")).select(
            pl.when("given").then(pl.col("all").list.head(pl.col("count"))).alias("probabilities")
        )["probabilities"]
    table = pl.DataFrame(
        {
            "setup": np.full(people * probes, setup.number, np.int8),
            "person": np.repeat(task.people, probes).tolist(),
            "question": questions * people,
            "demonstrations": np.repeat((task.order != NOBODY).sum(axis=1).astype(np.int16), probes),
            "answer": benchmark.answers(setup).ravel(),
            "choice": guesses.choice.ravel(),
            "probabilities": probabilities,
        }
    )
    constant = {
        "predictor": name,
        "form": settings.form,
        "protocol": settings.protocol,
        "context": settings.context,
        "demonstrations_as": settings.shown_form,
    }
    table = table.with_columns(pl.lit(value).alias(column) for column, value in constant.items())
    asked = table.filter(pl.col("answer") >= 0, pl.col("choice") != UNANSWERED)
    return asked.select(pl.col(c).cast(kind) for c, kind in SCHEMA.items())
