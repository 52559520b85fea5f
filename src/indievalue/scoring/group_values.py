"""Values of groups of people: how each is measured, how sure it is, and how much values differ."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl
from numpy.typing import NDArray

from indievalue.errors import IndievalueError
from indievalue.scoring.bootstrap import drawn_sums
from indievalue.scoring.groups import Groups
from indievalue.scoring.measures import Sums
from indievalue.scoring.spread import HIGH, LOW, Floats, between_groups, spread, spread_interval

Row = dict[str, object]
"""One row of a table: column → value."""


@dataclass(frozen=True)
class GroupValues:
    """Values of one demographic's groups, with their sampling variances and bootstrap deviations.

    Attributes:
        rows: number of rows used of each group (groups,).
        values, variances: value of each group, and its sampling variance (groups,).
        noise: deviation of each bootstrap draw from the values (draws × groups).
    """

    sums: Sums
    groups: Groups
    rows: NDArray[np.int64]
    values: Floats
    variances: Floats
    noise: Floats

    @property
    def sigma(self) -> float:
        return float(spread(self.values))

    @property
    def between(self) -> float:
        """Variance of the groups' values, corrected for sampling noise."""
        return between_groups(self.values, self.variances)

    @property
    def note(self) -> str:
        few = {0: "no group", 1: "one group only"}.get(len(self.values), "")
        return "; ".join(filter(None, [self.groups.note, few and f"{few}: no spread"]))

    def row(self) -> Row:
        about = {
            "demographic": self.groups.name,
            "groups": len(self.values),
            "people": len(self.groups.known),
        }
        if len(self.values) < 2:
            return about
        low, high = spread_interval(self.values, self.noise)
        ends = self.intervals()
        order = np.argsort(self.values, kind="stable")
        worst, best = (order[0], order[-1]) if self.sums.measure == "accuracy" else (order[-1], order[0])
        return about | {
            "sigma": self.sigma,
            "sigma_corrected_low": or_none(low),
            "sigma_corrected_high": or_none(high),
            "worst": self.groups.labels[worst],
            "worst_value": self.values[worst],
            "worst_low": or_none(ends[0, worst]),
            "worst_high": or_none(ends[1, worst]),
            "best": self.groups.labels[best],
            "best_value": self.values[best],
            "gap": abs(self.values[best] - self.values[worst]),
        }

    def group_rows(self) -> Iterator[Row]:
        for at, (low, high) in enumerate(self.intervals().T):
            yield {
                "demographic": self.groups.name,
                "group": self.groups.labels[at],
                "people": int(self.groups.sizes[at]),
                "probes": int(self.rows[at]),
                "value": self.values[at],
                "low": or_none(low),
                "high": or_none(high),
            }

    def intervals(self) -> Floats:
        """Return 95% intervals of the groups' values (2 × groups), from percentiles of the bootstrap draws.

        A calibration error is biased upward by noise, and twice in a bootstrap draw, so that its interval is the basic
        bootstrap interval (the percentiles reflected at the value), cut off at 0.
        """
        if not len(self.values):
            return np.empty((2, 0))
        ends = np.stack([_quantiles(self.noise[:, at]) for at in range(len(self.values))], axis=1)
        if self.sums.measure == "calibration":
            return np.asarray(np.maximum(self.values - ends[::-1], 0))
        return np.asarray(self.values + ends)


def measure_groups(sums: Sums, demographics: Sequence[Groups], draws: int, seed: int) -> list[GroupValues]:
    """Measure the groups of each demographic, all with the same bootstrap draws of people."""
    members = np.hstack([groups.membership() for groups in demographics])
    drawn = sums.value(drawn_sums(sums.parts, members, seed, draws))
    values = sums.value(sums.parts @ members)
    variances = _sampling_variances(sums, members, drawn)
    rows = np.rint(sums.rows @ members).astype(np.int64)
    measured = []
    start = 0
    for groups in demographics:
        at = slice(start, start := start + len(groups.labels))
        noise = drawn[:, at] - values[at]
        measured.append(GroupValues(sums, groups, rows[at], values[at], variances[at], noise))
    return measured


def people_of(sums: Sums, people: pl.DataFrame) -> pl.DataFrame:
    """Return the rows of ``people`` for those in ``sums``, in their order. Raises IndievalueError if one is missing."""
    asked = pl.DataFrame({"person": sums.people}).join(
        people.with_row_index("row"), on="person", how="left", maintain_order="left"
    )
    absent = asked.filter(pl.col("row").is_null())["person"]
    if len(absent):
        raise IndievalueError(f"{len(absent):,} people with predictions are not in people.parquet, such as {absent[0]}")
    return asked


def weighted_sums(sums: Sums, people: pl.DataFrame, weights: NDArray[np.float64]) -> Sums:
    """Return ``sums`` with each person weighted by ``weights``, one per row of ``people``, without those of weight 0.

    Raises IndievalueError if a weight is missing or negative, or all are 0.
    """
    each = _weights_of(weights, people, people_of(sums, people))
    if not each.any():
        raise IndievalueError("all weights are 0, so there is nobody to measure")
    return sums.take(sums.people[each > 0]).weighted(each[each > 0])


def _weights_of(weights: NDArray[np.float64], people: pl.DataFrame, asked: pl.DataFrame) -> Floats:
    if len(weights) != len(people):
        raise IndievalueError(f"there are {len(weights):,} weights for {len(people):,} people; give one to each")
    chosen = np.asarray(weights, np.float64)[asked["row"].to_numpy()]
    wrong = ~(np.isfinite(chosen) & (chosen >= 0))
    if wrong.any():
        first = asked["person"][int(wrong.argmax())]
        raise IndievalueError(
            f"{int(wrong.sum()):,} of {len(chosen):,} people have no usable weight, such as {first}; "
            "a weight is a number of 0 or more"
        )
    return np.asarray(chosen)


def _sampling_variances(sums: Sums, members: Floats, drawn: Floats) -> Floats:
    """Return the sampling variance of each group's value (groups,), clustered by person.

    For a ratio of sums it is the linearized variance with the factor n / (n − 1); for a calibration error, the variance
    of the bootstrap draws.
    """
    if sums.measure == "calibration":
        return np.asarray(np.nanvar(drawn, axis=0, ddof=1)) if len(drawn) > 1 else np.full(drawn.shape[1], np.nan)
    total = sums.parts @ members
    size = members.sum(axis=0)
    residual = sums.parts[0][:, None] - sums.parts[1][:, None] * (total[0] / total[1])
    squares = (residual**2 * members).sum(axis=0)
    with np.errstate(divide="ignore", invalid="ignore"):
        variances = size / (size - 1) * squares / total[1] ** 2
    return np.asarray(variances * (100**2 if sums.measure == "accuracy" else 1))


def _quantiles(draws: Floats) -> Floats:
    kept = draws[np.isfinite(draws)]
    return np.asarray(np.quantile(kept, [LOW, HIGH])) if len(kept) else np.full(2, np.nan)


def or_none(value: float) -> float | None:
    """Return ``value``; None where it is not a number, or infinite."""
    return float(value) if np.isfinite(value) else None
