"""What an experiment on several surveys measures in each: the same numbers, by the same definitions."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import polars as pl
from numpy.typing import NDArray

from indievalue.experiments.engine import CellInputs, Plan
from indievalue.experiments.folder import Folder
from indievalue.experiments.grid import Cell, matching
from indievalue.experiments.measure import CellResult, gain_over, measure
from indievalue.experiments.spec import PREDICTOR
from indievalue.intervals import percentile_ends
from indievalue.people.catalog import people_table
from indievalue.predictors.protocol import INVALID
from indievalue.scoring.bootstrap import DRAWS, cluster_interval, times_drawn
from indievalue.scoring.calibration import calibration
from indievalue.scoring.ceiling import estimate_ceilings
from indievalue.scoring.exact import fixed
from indievalue.scoring.groups import GroupOptions, group_people
from indievalue.scoring.inequity import inequity
from indievalue.scoring.weighting import weighted_rows

MAJORITY = "majority"

SCHEMA: dict[str, pl.DataType] = {
    "survey": pl.String(),
    "measure": pl.String(),
    "of": pl.String(),
    "value": pl.Float64(),
    "low": pl.Float64(),
    "high": pl.Float64(),
}
"""Columns of the table: one row per survey, measure and what it is ``of``; ``low`` to ``high`` is an interval."""

Values = tuple[float | None, float | None, float | None]
"""A value and the ends of its interval."""


@dataclass(frozen=True)
class SurveyResult:
    """The results of one survey: its cells with their predictions.

    Attributes:
        name: of the survey. demographics: those that all surveys have, of which inequity is measured.
    """

    name: str
    planned: Plan
    inputs: CellInputs
    folder: Folder
    demographics: Sequence[str]

    def table(self) -> pl.DataFrame:
        """Return all measures (see :data:`SCHEMA`)."""
        rows = [
            {"survey": self.name, "measure": kind, "of": of, **dict(zip(("value", "low", "high"), values, strict=True))}
            for part in (self._sizes, self._accuracies, self._gains, self._inequities, self._calibrations)
            for kind, of, values in part()
        ]
        return pl.DataFrame(rows, SCHEMA)

    @cached_property
    def around(self) -> Mapping[str, object]:
        """The values around which the cells vary."""
        return self.planned.experiment.around

    @cached_property
    def ladder(self) -> dict[str, Cell]:
        """The cells that differ in the predictor, by its name."""
        same = {axis: value for axis, value in self.around.items() if axis != PREDICTOR}
        return {cell.predictor: cell for cell in matching(self.planned.cells, same)}

    def varied(self, axis: str) -> dict[str, Cell]:
        """The cells that differ in one setting, by its value."""
        same = {name: value for name, value in self.around.items() if name != axis}
        return {str(cell.axes[axis]): cell for cell in matching(self.planned.cells, same)}

    @cached_property
    def predictions(self) -> dict[Cell, pl.DataFrame]:
        return {cell: self.folder.predictions(cell) for cell in self.planned.cells}

    @cached_property
    def results(self) -> dict[Cell, CellResult]:
        """The counts of each cell, with what bounds its accuracy."""
        inputs = self.inputs
        ceilings = estimate_ceilings(inputs.people, inputs.ids, inputs.seed)
        return {
            cell: measure(cell, rows, inputs.ids, inputs.people.survey, None, inputs.weights, ceilings)
            for cell, rows in self.predictions.items()
        }

    @property
    def _centre(self) -> Cell:
        return self.ladder[str(self.around[PREDICTOR])]

    def _sizes(self) -> Iterator[tuple[str, str, Values]]:
        inputs, survey = self.inputs, self.inputs.people.survey
        rows = self.predictions[self._centre]
        asked = rows["question"].unique()
        counts = survey.form(self._centre.asked.form).counts
        options = rows["question"].replace_strict(
            asked, [int(counts[survey.positions[name]]) for name in asked], return_dtype=pl.Int64
        )
        for kind, value in (
            ("people", len(inputs.ids)),
            ("learned_from", len(inputs.training)),
            ("questions", int(inputs.people.asked.sum())),
            ("probes", len(asked)),
            ("options", float(options.to_numpy().mean())),
            ("statements", self.results[self._centre].shown),
        ):
            yield kind, "", (float(value), None, None)

    def _accuracies(self) -> Iterator[tuple[str, str, Values]]:
        for predictor, cell in self.ladder.items():
            yield from self._accuracy(predictor, cell)
        for axis in ("context", "demonstrations"):
            for value, cell in self.varied(axis).items():
                yield from self._accuracy(f"{axis} {value}", cell)
        ceiling = self.results[self._centre].ceilings[0]
        if ceiling is not None:
            yield "most_common", "", (ceiling.most_common, None, None)
            yield "ceiling", "", (None, ceiling.low, ceiling.high)

    def _accuracy(self, of: str, cell: Cell) -> Iterator[tuple[str, str, Values]]:
        result = self.results[cell]
        right, probes = (part[:, 0] for part in result.sums)
        low, high = cluster_interval(right, probes, self.inputs.seed)
        yield "accuracy", of, (100 * float(right.sum() / probes.sum()), 100 * low, 100 * high)
        yield from self._way(of, cell)

    def _way(self, of: str, cell: Cell) -> Iterator[tuple[str, str, Values]]:
        """Yield the share of the way from the most common answer to the ceiling, for both ends of the ceiling.

        ``way_sampling`` adds the interval of the gain over the most common answer, from resampling people.
        """
        result, base = self.results[cell], self.ladder.get(MAJORITY)
        ceiling = result.ceilings[0]
        if ceiling is None or base is None or ceiling.low <= ceiling.most_common:
            return
        gain, low, high = gain_over(result, self.results[base], 0, self.inputs.seed)
        near, far = ceiling.low - ceiling.most_common, ceiling.high - ceiling.most_common
        ends = 100 * gain / far, 100 * gain / near
        yield "way", of, (None, min(ends), max(ends))
        yield (
            "way_sampling",
            of,
            (None, min(100 * low / far, 100 * low / near), max(100 * high / far, 100 * high / near)),
        )

    def _gains(self) -> Iterator[tuple[str, str, Values]]:
        contexts, numbers = self.varied("context"), self.varied("demonstrations")
        if {"demographics", "statements"} <= contexts.keys():
            yield "gain", "statements over demographics", self._gain(contexts["statements"], contexts["demographics"])
        if {"both", "statements"} <= contexts.keys():
            yield "gain", "both over statements", self._gain(contexts["both"], contexts["statements"])
        *fewer, most = numbers
        for number in fewer:
            yield "gain", f"{most} over {number}", self._gain(numbers[most], numbers[number])
        for number in fewer[1:]:
            cells = numbers[fewer[0]], numbers[number], numbers[most]
            yield "share_of_gain", number, self._share_of_gain(*cells)

    def _gain(self, one: Cell, other: Cell) -> Values:
        return gain_over(self.results[one], self.results[other], 0, self.inputs.seed)

    def _share_of_gain(self, none: Cell, some: Cell, most: Cell) -> Values:
        """Return the share of the gain from no statements to the most that some of them reach, in percent."""
        times = times_drawn(len(self.inputs.ids), self.inputs.seed, DRAWS).astype(np.float64)
        whole, drawn = zip(*(self._shares(cell, times) for cell in (none, some, most)), strict=True)
        if whole[2] <= whole[0]:
            return None, None, None
        with np.errstate(invalid="ignore", divide="ignore"):
            low, high = percentile_ends((drawn[1] - drawn[0]) / (drawn[2] - drawn[0]))
        return 100 * (whole[1] - whole[0]) / (whole[2] - whole[0]), 100 * float(low), 100 * float(high)

    def _shares(self, cell: Cell, times: NDArray[np.float64]) -> tuple[float, NDArray[np.float64]]:
        """Return a cell's share of right answers, and that in each bootstrap draw (draws,)."""
        right, probes = (part[:, 0] for part in self.results[cell].sums)
        return float(right.sum() / probes.sum()), np.asarray((times @ right) / (times @ probes))

    def _inequities(self) -> Iterator[tuple[str, str, Values]]:
        """Yield the mean of σ over demographics: for all predictors over those that all surveys have."""
        rows = pl.concat(
            self.predictions[cell].drop("probabilities").with_columns(pl.lit(name).alias(PREDICTOR))
            for name, cell in self.ladder.items()
        )
        experiment, people = self.planned.experiment, people_table(self.inputs.tested)
        options = GroupOptions(minimum=experiment.minimum, seed=self.inputs.seed, weights=self.inputs.weights)
        own = own_demographics(self.inputs, experiment.minimum)
        for scope, demographics in (("", self.demographics), (", all of its own", own)):
            if not demographics:
                continue
            found = inequity(rows, people, list(demographics), options)
            for row in found.index.iter_rows(named=True):
                of = f"{row[PREDICTOR]}{scope}"
                ends = row["sigma_corrected_low"], row["sigma_corrected_high"]
                yield "inequity", of, (row["corrected"], *ends)
                yield "inequity_observed", of, (row["sigma"], None, None)
                yield "inequity_by_chance", of, (row["chance"], None, row["chance_high"])
                yield "inequity_p", of, (row["p"], None, None)
            if not scope:
                centre = found.table.filter(pl.col(PREDICTOR) == self._centre.predictor)
                for row in centre.iter_rows(named=True):
                    ends = row["sigma_corrected_low"], row["sigma_corrected_high"]
                    yield "inequity_of", row["demographic"], (row["corrected"], *ends)

    def _calibrations(self) -> Iterator[tuple[str, str, Values]]:
        weights = self.inputs.weights
        by_person = None if weights is None else dict(zip(self.inputs.ids, weights.tolist(), strict=True))
        for predictor, cell in self.ladder.items():
            rows = self.predictions[cell]
            found = calibration(rows if by_person is None else weighted_rows(rows, by_person), self.inputs.seed)
            if found is not None:
                yield "calibration_error", predictor, (100 * found.error, None, None)
                yield "calibration_floor", predictor, (100 * found.floor, None, None)
                yield "overconfidence", predictor, self._overconfidence(rows)

    def _overconfidence(self, rows: pl.DataFrame) -> Values:
        """Return the mean probability of the chosen option minus accuracy, in points, with its bootstrap interval."""
        given = rows.filter(pl.col("probabilities").is_not_null(), pl.col("choice") != INVALID)
        place = {person: at for at, person in enumerate(self.inputs.ids)}
        at = given["person"].replace_strict(place, return_dtype=pl.Int64).to_numpy()
        chosen = (
            given.select(pl.col("probabilities").list.get(pl.col("choice")).cast(pl.Float64)).to_series().to_numpy()
        )
        excess = chosen - (given["choice"] == given["answer"]).to_numpy()
        weight = np.ones(len(place)) if self.inputs.weights is None else self.inputs.weights
        sums = fixed(weight[:, None] * np.bincount(at, excess, len(place))[:, None], len(place))[:, 0]
        probes = fixed(weight[:, None] * np.bincount(at, minlength=len(place))[:, None], len(place))[:, 0]
        low, high = cluster_interval(sums, probes, self.inputs.seed)
        return 100 * float(sums.sum() / probes.sum()), 100 * low, 100 * high


def own_demographics(inputs: CellInputs, minimum: int) -> list[str]:
    """Return the demographics of the survey's index with two groups or more of at least ``minimum`` people tested."""
    people, survey = people_table(inputs.tested), inputs.people.survey
    named = survey.inequity or tuple(inputs.tested.demographics.columns)
    return [name for name in named if len(group_people(people, (name,), minimum).labels) > 1]


def common_demographics(every: Sequence[CellInputs], minimum: int) -> list[str]:
    """Return the demographics that can be compared in all surveys, in the order of the first."""
    parts = [own_demographics(inputs, minimum) for inputs in every]
    return [name for name in parts[0] if all(name in part for part in parts)]
