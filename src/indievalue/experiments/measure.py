"""Compute accuracy, intervals from resampling people, and paired differences from the predictions of cells."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import polars as pl
from numpy.typing import NDArray

from indievalue.errors import IndievalueError
from indievalue.experiments.grid import Cell, partner_of
from indievalue.experiments.spec import OPTION, PREDICTOR, Experiment
from indievalue.intervals import percentile_ends
from indievalue.report.described import value_words
from indievalue.report.tables.of_experiments import ALL
from indievalue.scoring.accuracy import log_loss
from indievalue.scoring.bootstrap import DRAWS, Counts, cluster_intervals, times_drawn
from indievalue.scoring.calibration import weighted_mean
from indievalue.scoring.ceiling import Ceiling, Ceilings, reached
from indievalue.scoring.exact import fixed
from indievalue.scoring.weighting import weighted_rows
from indievalue.survey.survey import Survey


@dataclass(frozen=True)
class CellResult:
    """Measures of one cell's predictions.

    Attributes:
        right, probes: int64 (people × parts), counts per tested person; part 0 is all probes, followed by ``parts``:
            categories of probes, or groups of people. People of weight 0 have no counts.
        log_loss: in nats, or None without probabilities. shown: mean number of demonstrations.
        weights: weight of each tested person (people,) with a mean of 1, or None if everybody counts the same.
        ceilings: of all probes and of each part; empty if they were not estimated.
        tokens: mean number of tokens of a prompt for each probe; None if they were not counted.
    """

    cell: Cell
    parts: tuple[str, ...]
    right: NDArray[np.int64]
    probes: NDArray[np.int64]
    log_loss: float | None
    shown: float
    weights: NDArray[np.float64] | None = None
    ceilings: tuple[Ceiling | None, ...] = ()
    tokens: float | None = None

    @cached_property
    def sums(self) -> tuple[Counts, Counts]:
        """Weighted ``right`` and ``probes`` (people × parts); the counts themselves without weights."""
        if self.weights is None:
            return self.right, self.probes
        right, probes = (fixed(self.weights[:, None] * part, len(part)) for part in (self.right, self.probes))
        return right, probes

    @property
    def by_person(self) -> NDArray[np.float64]:
        """Accuracy by person (people,), 0-100; nan for people without probes."""
        with np.errstate(invalid="ignore"):
            return np.asarray(100 * self.right[:, 0] / self.probes[:, 0])


def measure(
    cell: Cell,
    predictions: pl.DataFrame,
    people: Sequence[str],
    survey: Survey,
    groups: pl.Series | Mapping[str, str] | None = None,
    weights: NDArray[np.float64] | None = None,
    ceilings: Ceilings | None = None,
) -> CellResult:
    """Count correct predictions of a cell by person, and by category or by ``groups``.

    ``groups`` are those of ``people``, or a mapping from every question of the survey to its kind.
    ``weights`` are those of ``people``, with a mean of 1. ``ceilings`` bound the accuracy of any predictor. Raises
    IndievalueError if the predictions are of other people.
    """
    row = {person: place for place, person in enumerate(people)}
    unknown = set(predictions["person"].unique()) - set(row)
    if unknown:
        raise IndievalueError(f"cell {cell.name} holds predictions of {min(unknown)!r}, who is not tested")
    if weights is not None:
        predictions = weighted_rows(predictions, dict(zip(people, weights.tolist(), strict=True)))
    at_person = predictions["person"].replace_strict(row, return_dtype=pl.Int64).to_numpy()
    if groups is None:
        groups = {question.id: question.category for question in survey.questions}
    if isinstance(groups, Mapping):
        parts = tuple(dict.fromkeys(groups[question.id] for question in survey.questions))
        part = {name: place for place, name in enumerate(parts, start=1)}
        of_question = {question: part[groups[question]] for question in predictions["question"].unique()}
        at_part = predictions["question"].replace_strict(of_question, return_dtype=pl.Int64).to_numpy()
    else:
        parts = tuple(sorted(groups.drop_nulls().unique().to_list()))
        part = {name: place for place, name in enumerate(parts, start=1)}
        at_part = np.array([part.get(group, 0) for group in groups.to_list()], np.int64)[at_person]
    hit = (predictions["choice"] == predictions["answer"]).to_numpy()
    shape = len(people), len(parts) + 1
    right, probes = np.zeros(shape, np.int64), np.zeros(shape, np.int64)
    np.add.at(probes, (at_person, at_part), 1)
    np.add.at(right, (at_person, at_part), hit)
    right[:, 0], probes[:, 0] = right.sum(axis=1), probes.sum(axis=1)
    shown = weighted_mean(predictions["demonstrations"].to_numpy().astype(np.float64), predictions)
    reached: tuple[Ceiling | None, ...] = ()
    if ceilings is not None:
        of_parts = ceilings.of(predictions, cell.asked.form, at_part, len(parts) + 1)
        reached = (*ceilings.of(predictions, cell.asked.form), *of_parts[1:])
    return CellResult(cell, parts, right, probes, log_loss(predictions), shown, weights, reached)


def accuracy_table(experiment: Experiment, measured: Sequence[CellResult], seed: int) -> pl.DataFrame:
    """Return one row per cell, and per part if the experiment has ``by``, in the order of the grid.

    Columns: the form of the probes, the cell's axes, ``by`` (``all`` for all), ``accuracy``, ``accuracy_low``,
    ``accuracy_high`` (0-100), ``log_loss`` (of all only), ``people``, ``probes``, ``shown`` (mean number of
    demonstrations), and with the figure's ``above`` also ``gain``, ``gain_low``, ``gain_high`` (points, paired). Then,
    in percent, the accuracy of the ``most_common`` answer, the ends of the best possible, ``ceiling_low`` and
    ``ceiling_high``, and the share of the way from one to the other, ``way_low`` to ``way_high``; and ``tokens`` where
    they were counted.
    """
    above = getattr(experiment.figure, "above", None)
    of_cell = {one.cell: one for one in measured}
    rows = []
    for one in measured:
        asked = [place for place in range(one.probes.shape[1]) if one.probes[:, place].any()]
        asked = asked if experiment.by else asked[:1]
        right, probes = one.sums
        low, high = cluster_intervals(right[:, asked], probes[:, asked], seed)
        partner = partner_of(one.cell, list(of_cell), above) if above else None
        for place, part in enumerate(asked):
            row = {
                "form": one.cell.asked.form,
                **one.cell.axes,
                **({experiment.by: one.parts[part - 1] if part else ALL} if experiment.by else {}),
                "accuracy": _share(one, part),
                "accuracy_low": 100 * float(low[place]),
                "accuracy_high": 100 * float(high[place]),
            }
            if partner is not None:
                row |= dict(
                    zip(("gain", "gain_low", "gain_high"), gain_over(one, of_cell[partner], part, seed), strict=True)
                )
            rows.append(
                row
                | {
                    "log_loss": None if part else one.log_loss,
                    "people": int((one.probes[:, part] > 0).sum()),
                    "probes": int(one.probes[:, part].sum()),
                    "shown": one.shown,
                    **(reached(one.ceilings[part], _share(one, part)) if one.ceilings else {}),
                    **({} if one.tokens is None else {"tokens": one.tokens}),
                }
            )
    return pl.DataFrame([_plain(row) for row in rows], infer_schema_length=None)


def people_table(measured: Iterable[CellResult], people: Sequence[str]) -> pl.DataFrame:
    """Return the axes of each cell, ``person``, ``accuracy`` (0-100) and any ``weight``, for box plots."""
    tables = [
        pl.DataFrame(
            {
                **_plain({"form": one.cell.asked.form, **one.cell.axes}),
                "person": pl.Series(list(people)),
                "accuracy": one.by_person,
                **({} if one.weights is None else {"weight": one.weights}),
            },
        )
        for one in measured
    ]
    return pl.concat(tables).filter(pl.col("accuracy").is_not_nan())


def paired_interval(
    differences: NDArray[np.float64], seed: int, weights: NDArray[np.float64] | None = None
) -> tuple[float, float]:
    """Return the 95% percentile bootstrap interval of the mean of ``differences`` (people,), weighted if given."""
    times = times_drawn(len(differences), seed, DRAWS).astype(np.float64)
    if weights is None:
        means = times @ differences / len(differences)
    else:
        drawn = times @ weights
        means = np.divide(times @ (weights * differences), drawn, out=np.full(drawn.shape, np.nan), where=drawn > 0)
    low, high = percentile_ends(means)
    return float(low), float(high)


def gain_over(one: CellResult, other: CellResult, part: int, seed: int) -> tuple[float, float, float]:
    """Return the gain in accuracy of ``one`` over ``other``, in points, with a paired bootstrap interval."""
    times = times_drawn(len(one.right), seed, DRAWS).astype(np.float64)
    with np.errstate(invalid="ignore"):
        drawn = [100 * (times @ right[:, part]) / (times @ probes[:, part]) for right, probes in (one.sums, other.sums)]
    low, high = percentile_ends(drawn[0] - drawn[1])
    return _share(one, part) - _share(other, part), float(low), float(high)


def _share(one: CellResult, part: int) -> float:
    right, probes = one.sums
    return 100 * float(right[:, part].sum() / probes[:, part].sum())


def _plain(row: dict[str, object]) -> dict[str, object]:
    """Convert values to a single type for a column: to text if there are both numbers and ``all``."""
    return {key: value if key in _MEASURES else value_words(value) for key, value in row.items()}


_MEASURES = {
    *("accuracy", "accuracy_low", "accuracy_high", "gain", "gain_low", "gain_high", "log_loss", "shown"),
    *("people", "probes", "tokens"),
    *reached(None, 0),
}


def option_column(table: pl.DataFrame) -> pl.DataFrame:
    """Return the table with a column ``option``, the number in the predictor's name, or null."""
    number = pl.col(PREDICTOR).str.extract(r"=(\d+(?:\.\d+)?)$", 1).cast(pl.Float64)
    return table.with_columns(number.alias(OPTION))
