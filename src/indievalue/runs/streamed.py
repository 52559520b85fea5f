"""Score runs whose predictions do not fit memory: read from one file or many, some rows at a time."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Unpack

import polars as pl

from indievalue.choices import Weights
from indievalue.errors import IndievalueError
from indievalue.predictors.predictions import SCHEMA, check_options, checked_rows
from indievalue.runs.record import Record
from indievalue.runs.run import Demographics, chosen_demographics
from indievalue.runs.storage import read_people, read_record, survey_of
from indievalue.scoring.groups import GroupFields, GroupOptions
from indievalue.scoring.inequity import Inequity
from indievalue.scoring.streamed import StreamedScores, streamed_scores
from indievalue.scoring.weighting import named_weights
from indievalue.survey.survey import Survey

ROWS = 1_000_000
"""Rows of predictions in a block: they take about 300 MB."""

PREDICTIONS = "predictions"
"""Folder of a run directory that holds parquet files with predictions, in place of one file."""


@dataclass(frozen=True)
class PredictionFiles:
    """Predictions in parquet files; iterating yields a table of some rows at a time, which is checked.

    Args:
        paths: of the files. survey: of the predictions. rows: about so many are read at a time.

    Iterating raises IndievalueError, with the file, if one is damaged or holds rows that are no predictions.
    """

    paths: Sequence[Path]
    survey: Survey
    rows: int = ROWS

    def __iter__(self) -> Iterator[pl.DataFrame]:
        for path in self.paths:
            try:
                scanned = pl.scan_parquet(path, glob=False)
                columns = [name for name in SCHEMA if name in scanned.collect_schema()]
                yield from self._checked(path, scanned.select(columns))
            except (OSError, pl.exceptions.PolarsError) as error:
                raise IndievalueError(f"cannot read predictions from {path}: {error}") from None

    def _checked(self, path: Path, scanned: pl.LazyFrame) -> Iterator[pl.DataFrame]:
        for block in scanned.collect_batches(chunk_size=self.rows, maintain_order=True):
            table = checked_rows(path, block)
            check_options(path, table, self.survey)
            yield table


@dataclass(frozen=True)
class StreamedRun:
    """A run that was scored without being loaded.

    Attributes:
        record: settings and provenance. survey: the survey. people: one row a person, as in
            :class:`indievalue.runs.run.Run`. scored: the sums that all scores are computed from.
    """

    record: Record
    survey: Survey
    people: pl.DataFrame
    scored: StreamedScores

    def demographics(self, names: Demographics | None = None, *, needed: bool = True) -> list[str | tuple[str, ...]]:
        """Return ``names`` or, by default, those of the index (see :meth:`indievalue.runs.run.Run.demographics`)."""
        return chosen_demographics(self.people, self.survey, names, needed=needed)

    def inequity(
        self,
        demographics: Demographics | None = None,
        options: GroupOptions | None = None,
        **fields: Unpack[GroupFields],
    ) -> Inequity:
        """Measure how evenly each predictor performs across groups (see :meth:`indievalue.runs.run.Run.inequity`).

        Raises IndievalueError as there, and for the calibration error.
        """
        chosen = replace(options or GroupOptions(weights=self.scored.weights, seed=self.record.seed), **fields)
        return self.scored.inequity(self.demographics(demographics), chosen)


def prediction_files(folder: Path) -> list[Path]:
    """Return the files with the predictions of a run: one, or those in its folder ``predictions``, by name.

    Raises IndievalueError if there are none.
    """
    parts = sorted((folder / PREDICTIONS).rglob("*.parquet"))
    one = folder / f"{PREDICTIONS}.parquet"
    if parts and one.exists():
        raise IndievalueError(f"{folder} has {one.name} and a folder {PREDICTIONS}: remove one of the two")
    if not parts and not one.exists():
        raise IndievalueError(f"{folder} is not a complete run directory: {one.name} is missing")
    return parts or [one]


def score_run(directory: str | Path, weights: Weights | None = None) -> StreamedRun:
    """Score a run directory in a stream, in memory that grows with its people and not with its predictions.

    Scores are those of :func:`indievalue.load_run`, but for ``ece_floor``, which is computed instead of simulated.
    ``weights`` are, by default, those of the run. Raises IndievalueError, naming the file, if one is missing or
    damaged.
    """
    folder = Path(directory)
    record = read_record(folder)
    record = record if weights is None else replace(record, weights=weights)
    survey = survey_of(folder, record)
    people = read_people(folder / "people.parquet")
    each = named_weights(people, survey, record.weights, record.data.unweighted)
    files = PredictionFiles(prediction_files(folder), survey)
    return StreamedRun(
        record, survey, people, streamed_scores(files, people, survey, record.seed, each, record.weights)
    )
