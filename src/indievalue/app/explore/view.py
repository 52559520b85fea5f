"""A run as the explorer reads it: predictions in the order of people, and each person's scores."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import NamedTuple

import numpy as np
import polars as pl
from numpy.typing import NDArray

from indievalue.app.explore.source import Known, Source
from indievalue.benchmark.model import Benchmark
from indievalue.errors import IndievalueError
from indievalue.report.figures.styles import PredictorStyle, predictor_styles
from indievalue.runs.run import Run
from indievalue.runs.storage import load_run
from indievalue.runs.tables import read_table
from indievalue.scoring.accuracy import LEAST_PROBABILITY


class Row(NamedTuple):
    """A prediction: the run's columns, whether it is right, and the probabilities (0-1) of the choice and the truth."""

    predictor: str
    setup: int
    question: str
    answer: int
    choice: int
    probabilities: list[float] | None
    right: bool
    likely: float | None
    true: float | None


@dataclass(frozen=True, eq=False)
class RunView:
    """A run to look at.

    Attributes:
        name: how addresses call it. run: the run. source: the people tested, with what is known of their answers.
        rows: predictions by person, in the order of ``source``; beside the run's columns ``at`` (the person's place),
            ``right``, ``likely`` (probability of the choice) and ``true`` (that of the true answer), null without any.
        starts: where the rows of each person begin in ``rows``, and where the last ends.
    """

    name: str
    run: Run
    source: Source
    rows: pl.DataFrame
    starts: NDArray[np.int64]
    folder: Path | None = None

    @cached_property
    def predictors(self) -> list[str]:
        """Names of the predictors, most accurate first."""
        return sorted(self.run.scores, key=lambda name: -self.run.scores[name].accuracy)

    @cached_property
    def styles(self) -> Mapping[str, PredictorStyle]:
        """Colour of each predictor."""
        return predictor_styles(self.run.scores)

    def of_person(self, row: int) -> list[Row]:
        """Predictions about one person."""
        start, end = int(self.starts[row]), int(self.starts[row + 1])
        return read_rows(self.rows[start:end])

    @cached_property
    def accuracy(self) -> Mapping[str, NDArray[np.float64]]:
        """Accuracy of each predictor about each person, 0-100; nan where it predicted nothing."""
        return self._by_person(100 * pl.col("right").mean())

    @cached_property
    def surprise(self) -> Mapping[str, NDArray[np.float64]]:
        """Mean of −ln of the probability that each predictor gave to a person's true answers; nan without any."""
        return self._by_person(-pl.col("true").clip(LEAST_PROBABILITY, 1).log().mean())

    def _by_person(self, value: pl.Expr) -> Mapping[str, NDArray[np.float64]]:
        table = self.rows.group_by("predictor", "at").agg(value=value)
        found = {name: np.full(len(self.source), np.nan) for name in self.predictors}
        for (name,), part in table.partition_by("predictor", as_dict=True).items():
            found[str(name)][part["at"].to_numpy()] = part["value"].cast(pl.Float64).fill_null(np.nan).to_numpy()
        return found


def read_rows(table: pl.DataFrame) -> list[Row]:
    """Return the predictions in a table with the columns of :attr:`RunView.rows`."""
    return [Row(*values) for values in table.select(Row._fields).iter_rows()]


def surprisal(true: Sequence[float]) -> float | None:
    """Return the mean of −ln of probabilities; None of none."""
    return float(-np.log(np.clip(true, LEAST_PROBABILITY, 1)).mean()) if true else None


def views_of(names: Mapping[Path, str]) -> list[RunView]:
    """Load the runs in some directories, which have names."""
    return [view_of(load_run(folder), name, folder) for folder, name in names.items()]


def view_of(run: Run, name: str, folder: Path | None = None) -> RunView:
    """Return a run as the explorer reads it."""
    ids = run.people["person"].to_list()
    source = Source(
        title=run.survey.title,
        survey=run.survey,
        ids=ids,
        labels=run.people.drop("person", "weight").select(pl.exclude(pl.Null)),
        weights=run.people["weight"].to_numpy(),
        known=_known(run, ids),
        synthetic=run.synthetic,
    )
    place = pl.col("person").replace_strict(ids, list(range(len(ids))), return_dtype=pl.Int32)
    chosen, answer = pl.col("choice").cast(pl.Int32), pl.col("answer").cast(pl.Int32)
    rows = (
        run.predictions.select("predictor", "setup", "person", "question", "answer", "choice", "probabilities")
        .with_columns(
            at=place,
            right=pl.col("choice") == pl.col("answer"),
            likely=pl.when(chosen >= 0).then(pl.col("probabilities").list.get(chosen.clip(0), null_on_oob=True)),
            true=pl.col("probabilities").list.get(answer, null_on_oob=True),
        )
        .sort("at", maintain_order=True)
    )
    starts = np.searchsorted(rows["at"].to_numpy(), np.arange(len(ids) + 1))
    return RunView(name, run, source, rows, starts.astype(np.int64), folder)


def _known(run: Run, ids: Sequence[str]) -> tuple[Known, ...]:
    """Return what is known of people's answers: those they were asked for, and those shown of them."""
    record = run.record
    asked = np.full((len(ids), len(run.survey.questions)), -1, np.int8)
    answers = run.predictions.select("person", "question", option="answer").unique()
    _fill(run, asked, answers, ids)
    shown = _shown(run)
    if shown is None:
        return (Known(record.form, asked),)
    if record.demonstrations_as == record.form:
        _fill(run, asked, shown, ids)
        return (Known(record.form, asked),)
    others = np.full_like(asked, -1)
    _fill(run, others, shown, ids)
    return Known(record.form, asked), Known(record.demonstrations_as, others)


def _fill(run: Run, options: NDArray[np.int8], table: pl.DataFrame, ids: Sequence[str]) -> None:
    places = dict(zip(ids, range(len(ids)), strict=True))
    row = table["person"].replace_strict(places, return_dtype=pl.Int64).to_numpy()
    column = table["question"].replace_strict(run.survey.positions, return_dtype=pl.Int64).to_numpy()
    options[row, column] = table["option"].to_numpy()


def _shown(run: Run) -> pl.DataFrame | None:
    """Return person, question and option of what predictors were shown; None if the run does not hold it."""
    if isinstance(run.benchmark, Benchmark):
        options = run.benchmark.people.options(run.record.demonstrations_as)
        people, questions = np.nonzero(options >= 0)
        ids = np.array([question.id for question in run.survey.questions])
        return pl.DataFrame(
            {
                "person": run.benchmark.people.ids[people].tolist(),
                "question": ids[questions].tolist(),
                "option": options[people, questions],
            }
        )
    file = None if run.benchmark is None else run.benchmark / "benchmark" / "demonstrations.parquet"
    if file is None or not file.is_file():
        return None
    assert run.benchmark is not None
    table = read_table(file, run.benchmark)
    try:
        found = table.select(pl.col("person", "question").cast(pl.String), pl.col("option").cast(pl.Int8)).unique()
        found = found.filter(pl.col("person").is_in(run.people["person"].to_list()))
        if not set(found["question"].unique()) <= set(run.survey.positions):
            raise IndievalueError(f"{file} shows questions that survey {run.survey.name} does not have")
    except pl.exceptions.PolarsError as error:
        raise IndievalueError(f"{file} is not a table of what was shown: {error}") from None
    return found
