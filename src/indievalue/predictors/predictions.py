"""Table of predictions: one row per predictor, person and probe. All scores and reports are computed from it."""

from pathlib import Path

import numpy as np
import polars as pl

from indievalue.benchmark.model import NOBODY, Benchmark, Setup, Task
from indievalue.choices import FORMS
from indievalue.errors import IndievalueError
from indievalue.files import refuse_rows
from indievalue.predictors.protocol import UNANSWERED, Guesses, Predictor, refuse_unused
from indievalue.survey.survey import Survey

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
    """Predict the whole benchmark with a fitted predictor. Rows with no true answer or no prediction are left out.

    Raises UnusableBlockError if the predictor cannot use a block of the context.
    """
    refuse_unused(name, predictor, benchmark.settings.blocks)
    asked = [(setup, task) for setup, task in benchmark.tasks() if len(setup.probes)]
    guesses = predictor.predict_all([task for _, task in asked])
    return pl.concat(
        _rows(name, benchmark, setup, task, given) for (setup, task), given in zip(asked, guesses, strict=True)
    )


def read_predictions(path: Path) -> pl.DataFrame:
    """Read predictions from a parquet file. Raises IndievalueError if it is not a table of predictions.

    The message names the first row with a value that no prediction has.
    """
    try:
        table = pl.read_parquet(path)
    except (OSError, pl.exceptions.PolarsError) as error:
        raise IndievalueError(f"cannot read predictions from {path}: {error}") from None
    return checked_rows(path, table)


def checked_rows(path: Path, table: pl.DataFrame) -> pl.DataFrame:
    """Return the columns of predictions in ``table``, some rows of the file ``path``.

    Raises IndievalueError as :func:`read_predictions` does.
    """
    absent = [column for column in SCHEMA if column not in table.columns]
    if absent:
        raise IndievalueError(f"{path} is not a table of predictions: it has no column {', '.join(absent)}")
    for column, kind in SCHEMA.items():
        if not _holds(table.schema[column], kind):
            raise IndievalueError(f"{path}: {column} holds {table.schema[column]}, not {kind}")
    try:
        table = table.select(pl.col(column).cast(kind) for column, kind in SCHEMA.items())
    except pl.exceptions.PolarsError as error:
        raise IndievalueError(f"{path}: a value is beyond its column: {str(error).splitlines()[0]}") from None
    for wrong, complaint in _WRONG:
        refuse_rows(path, table, wrong, complaint)
    return table


def check_predictions(path: Path, table: pl.DataFrame, survey: Survey) -> None:
    """Raise IndievalueError, with the row, if predictions are not of this survey's questions and options, each once."""
    check_options(path, table, survey)
    key = ["predictor", "setup", "person", "question"]
    repeated = ~pl.struct(key).is_first_distinct()
    refuse_rows(path, table, repeated, "{predictor} predicts {question} of {person!r} in setup {setup} a second time")


def check_options(path: Path, table: pl.DataFrame, survey: Survey) -> None:
    """Raise IndievalueError, with the row, if predictions are not of this survey's questions and options."""
    positions = survey.positions
    counts = pl.DataFrame(
        {
            "question": [question for question in positions for _ in FORMS],
            "form": [form for _ in positions for form in FORMS],
            "count": [len(question.options(form)) for question in survey.questions for form in FORMS],
        }
    )
    known = table.join(counts, on=["question", "form"], how="left", maintain_order="left")
    count = pl.col("count")
    for wrong, complaint in (
        (count.is_null(), f"survey {survey.name} has no question {{question!r}} in form {{form!r}}"),
        (pl.col("answer") >= count, "the answer is option {answer}, but {question} has options 0 to {last}"),
        (pl.col("choice") >= count, "the choice is option {choice}, but {question} has options 0 to {last}"),
        (pl.col("probabilities").list.len() != count, "{question} has {count} options, not as many probabilities"),
    ):
        refuse_rows(path, known.with_columns(last=count - 1), wrong, complaint)


def _holds(kind: pl.DataType, wanted: pl.DataType) -> bool:
    """Whether a column of one type can hold what is ``wanted``."""
    if isinstance(wanted, pl.List):
        return kind == pl.Null or (isinstance(kind, pl.List) and (kind.inner.is_float() or kind.inner == pl.Null))
    if wanted.is_integer():
        return kind.is_integer()
    return kind == wanted or isinstance(kind, pl.Categorical | pl.Enum)


_TOLERANCE = 0.02
"""How far the probabilities of a row may be from a sum of 1."""

_GIVEN = pl.col("probabilities")

_WRONG = (
    *((pl.col(column).is_null(), f"{column} is missing") for column in SCHEMA if column != "probabilities"),
    (pl.col("answer") < 0, "answer is the option {answer}; options count from 0"),
    (pl.col("choice") < -1, "choice is the option {choice}; options count from 0, and -1 is none"),
    (pl.col("demonstrations") < 0, "demonstrations is {demonstrations}, not a number from 0 on"),
    (
        _GIVEN.list.eval(~(pl.element() >= 0) | ~pl.element().is_finite() | pl.element().is_null()).list.any(),
        "probabilities are numbers from 0 to 1",
    ),
    (_GIVEN.list.len() == 0, "probabilities are an empty list; null stands for none"),
    ((_GIVEN.list.sum() - 1).abs() > _TOLERANCE, "probabilities do not sum to 1"),
)
"""What is wrong with a row of predictions in any survey."""


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
