"""Inequity: how much a predictor's performance differs between groups of people, and how much of that is chance.

σ of a demographic is the standard deviation of its groups' values, and the Value Inequity Index of arXiv 2410.03868 is
the mean of σ over demographics. Sampling noise alone makes both positive, the more so the smaller the groups are, so
each is reported with its value under chance alone and with a noise-corrected estimate.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Unpack

import numpy as np
import polars as pl
from numpy.typing import NDArray

from indievalue.choices import Measure
from indievalue.display import html_table
from indievalue.errors import IndievalueError
from indievalue.people.people import People
from indievalue.scoring.bootstrap import drawn_sums, shuffled_sums
from indievalue.scoring.families import with_holm
from indievalue.scoring.groups import (
    CROSS,
    GroupFields,
    GroupOptions,
    Groups,
    check_demographics,
    group_people,
)
from indievalue.scoring.halves import concordance, half_values, same_order, stepped_up
from indievalue.scoring.inputs import demographics_table, predictions_table
from indievalue.scoring.measures import Sums, person_sums
from indievalue.scoring.spread import HIGH, LOW, Floats, between_groups, mean_spread_interval, spread, spread_interval

Row = dict[str, object]
"""One row of a table: column → value."""

_NUMBER = pl.Float64()
_COUNT = pl.Int64()
TABLE: dict[str, pl.DataType] = {
    "predictor": pl.String(),
    "demographic": pl.String(),
    "groups": _COUNT,
    "people": _COUNT,
    "sigma": _NUMBER,
    "sigma_corrected_low": _NUMBER,
    "sigma_corrected_high": _NUMBER,
    "chance": _NUMBER,
    "chance_high": _NUMBER,
    "p": _NUMBER,
    "corrected": _NUMBER,
    "worst": pl.String(),
    "worst_value": _NUMBER,
    "worst_low": _NUMBER,
    "worst_high": _NUMBER,
    "best": pl.String(),
    "best_value": _NUMBER,
    "gap": _NUMBER,
    "note": pl.String(),
    "p_holm": _NUMBER,
    "split_half": _NUMBER,
}
GROUPS: dict[str, pl.DataType] = {
    "predictor": pl.String(),
    "demographic": pl.String(),
    "group": pl.String(),
    "people": _COUNT,
    "probes": _COUNT,
    "value": _NUMBER,
    "low": _NUMBER,
    "high": _NUMBER,
}
INDEX: dict[str, pl.DataType] = {
    "predictor": pl.String(),
    "demographics": _COUNT,
    "sigma": _NUMBER,
    "sigma_corrected_low": _NUMBER,
    "sigma_corrected_high": _NUMBER,
    "chance": _NUMBER,
    "chance_high": _NUMBER,
    "p": _NUMBER,
    "corrected": _NUMBER,
    "p_holm": _NUMBER,
    "split_half": _NUMBER,
    "agreement": _NUMBER,
}


@dataclass(frozen=True)
class Inequity:
    """Inequity of each predictor. Accuracy is in percentage points, 0-100; log loss in nats; calibration error 0-1.

    Attributes:
        measure: measure of performance. demographics: names, in the order given; crossed ones as ``a × b``.
        table: one row per predictor and demographic: ``predictor``, ``demographic``, ``groups``, ``people``; ``sigma``;
            ``chance`` and ``chance_high``, mean and 95th percentile of σ when people are permuted over groups; ``p``,
            p-value of the permutation test; ``corrected``, σ corrected for noise, and its 95% interval,
            ``sigma_corrected_low`` to ``sigma_corrected_high``; the ``worst`` group with its 95% interval, the
            ``best`` group, and the ``gap`` between them; a ``note`` on who was pooled or left out; ``p_holm``,
            p after Holm's correction over the demographics of one predictor; ``split_half``, the reliability of the
            groups' values: the correlation of their values in random halves of the people, stepped up to all of them
            (0-1; null for fewer than three groups). In a run with ceilings (:mod:`indievalue.scoring.ceiling`) also the
            columns of :func:`indievalue.scoring.gaps.with_ceilings_of_groups`.
        groups: one row per predictor, demographic and group: ``people``, ``probes`` (rows used), ``value`` and its 95%
            interval, ``low`` to ``high``.
        index: one row per predictor: the number of ``demographics`` (with two groups or more), and the mean of σ over
            them; the interval, chance, p and corrected are as in ``table``, but for the mean; ``p_holm`` is corrected
            over the predictors; ``split_half`` is the mean rank correlation of random halves of the people in how they
            order the demographics by σ, and ``agreement`` Kendall's W of the predictors in how they do (null with
            fewer than three demographics or two predictors).

    Undefined values are null: σ of a single group, or probability-based measures of a predictor without probabilities.
    """

    measure: Measure
    demographics: tuple[str, ...]
    table: pl.DataFrame
    groups: pl.DataFrame
    index: pl.DataFrame

    def _repr_html_(self) -> str:
        return html_table(self.index, f"Inequity of {self.measure}: mean of σ over demographics")


def inequity(
    predictions: pl.DataFrame,
    people: pl.DataFrame | People,
    demographics: Sequence[str | tuple[str, ...]],
    options: GroupOptions | None = None,
    **fields: Unpack[GroupFields],
) -> Inequity:
    """Measure how much each predictor's performance differs between the groups of each demographic.

    Args:
        predictions: one row per predictor, person and probe, such as ``run.predictions``.
        people: a :class:`indievalue.People`, or a table such as ``run.people`` with a column ``person`` and one column
            of group labels per demographic, null if missing.
        demographics: names of demographics; a tuple of names crosses them.
        options: how groups are compared. fields: fields of ``options`` to override, such as ``minimum=50``.

    A group's value is its accuracy, its mean log loss, or its calibration error in bins that all groups share (see
    :func:`indievalue.scoring.measures.person_sums`). Groups of fewer than ``minimum`` people are pooled or dropped (see
    :func:`indievalue.scoring.groups.group_people`); ``weights`` has one weight per row of ``people`` (see
    :mod:`indievalue.scoring.weighting`).

    Chance is a permutation test: people, each with all of their rows, are permuted over the groups ``draws`` times, and
    p is (1 + permutations with as large a σ) / (1 + draws). ``corrected`` is the square root of σ² minus the mean
    sampling variance of the groups (see :func:`indievalue.scoring.spread.between_groups`); for a calibration error,
    which noise biases upward in small groups, of σ² minus the mean σ² of the permutations. Intervals are from a
    bootstrap over people with the same number of draws (see :mod:`indievalue.scoring.spread`).

    Raises IndievalueError if an argument has the wrong type, a demographic or the measure is unknown, ``minimum`` is
    below 1, a person is not in ``people``, or a weight is missing.

    >>> predictions = pl.DataFrame({
    ...     "predictor": "mine",
    ...     "person": [name for name in "abcdef" for _ in range(4)],
    ...     "choice": [0, 0, 0, 1] * 3 + [0, 1, 1, 1] * 3,
    ...     "answer": [0] * 24,
    ... })
    >>> people = pl.DataFrame({"person": list("abcdef"), "sex": ["female"] * 3 + ["male"] * 3})
    >>> found = inequity(predictions, people, ["sex"], minimum=2, draws=100)
    >>> found.groups.select("group", "value").rows()
    [('female', 75.0), ('male', 25.0)]
    >>> round(found.table["sigma"].item(), 2)  # the standard deviation of 75 and 25
    35.36
    """
    options = replace(options or GroupOptions(), **fields)
    extra = () if options.measure == "accuracy" else ("probabilities",)
    predictions = predictions_table(predictions, "inequity", "predictor", *extra)
    of_each = {
        str(predictor): (person_sums(rows, options.measure), len(rows))
        for (predictor,), rows in predictions.group_by("predictor", maintain_order=True)
    }
    return inequity_of(of_each, people, demographics, options)


def inequity_of(
    sums: Mapping[str, tuple[Sums | None, int]],
    people: pl.DataFrame | People,
    demographics: Sequence[str | tuple[str, ...]],
    options: GroupOptions,
) -> Inequity:
    """Return :func:`inequity` from the contributions of each person, and the number of rows, of each predictor."""
    people = demographics_table(people, "inequity")
    crossed = check_demographics(people, demographics)
    table: list[Row] = []
    groups: list[Row] = []
    index: list[Row] = []
    for predictor, (each, rows) in sums.items():
        found = _of_predictor(each, rows, people, crossed, options)
        for whole, part in zip((table, groups, index), found, strict=True):
            whole += [{"predictor": predictor, **row} for row in part]
    frames = [
        pl.DataFrame([{column: row.get(column) for column in schema} for row in rows], schema=schema)
        for rows, schema in ((table, TABLE), (groups, GROUPS), (index, INDEX))
    ]
    names = tuple(CROSS.join(columns) for columns in crossed)
    agreement = pl.lit(_agreement(frames[0], names), pl.Float64).alias("agreement")
    return Inequity(
        options.measure,
        names,
        with_holm(frames[0], "predictor"),
        frames[1],
        with_holm(frames[2].with_columns(agreement)),
    )


def _agreement(table: pl.DataFrame, demographics: Sequence[str]) -> float | None:
    """Return how far predictors order the demographics that all of them have σ of alike (see :func:`concordance`)."""
    sigmas = table.pivot("demographic", index="predictor", values="sigma").select(demographics)
    return concordance(sigmas.select(name for name in demographics if not sigmas[name].null_count()).to_numpy())


def _of_predictor(
    sums: Sums | None, rows: int, people: pl.DataFrame, crossed: Sequence[tuple[str, ...]], options: GroupOptions
) -> tuple[list[Row], list[Row], list[Row]]:
    """Return one predictor's rows of the table, of the groups, and of the index."""
    needed = f"{'a valid choice with ' if options.measure == 'calibration' else ''}probabilities"
    if sums is None:
        note = f"gives no {needed.removeprefix('a ')}"
        return [{"demographic": CROSS.join(columns), "note": note} for columns in crossed], [], [{"demographics": 0}]
    over = f"over {rows - sums.unused:,} of {rows:,} rows, {sums.unused:,} rows without {needed} left out"
    left_out = over if sums.unused else ""
    if options.weights is not None:
        sums = weighted_sums(sums, people, options.weights)
    asked = people_of(sums, people)
    parts = [group_people(asked, columns, options.minimum, options.small) for columns in crossed]
    measured = measure_groups(sums, parts, options.draws, options.seed)
    shuffled = shuffled_sums(sums.parts, [part.groups.group for part in measured], options.seed, options.draws)
    by_chance = [spread(sums.value(drawn)) for drawn in shuffled]
    halves = half_values(sums, [part.groups for part in measured], options.seed)
    table = [
        {
            **part.row(),
            **_against_chance(part, chance),
            "note": "; ".join(filter(None, [part.note, left_out])),
            "split_half": stepped_up(half),
        }
        for part, chance, half in zip(measured, by_chance, halves, strict=True)
    ]
    groups = [row for part in measured for row in part.group_rows()]
    order = same_order([half for half in halves if half.shape[-1] > 1])
    return table, groups, [{**_index_row(measured, by_chance), "split_half": order}]


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
            "sigma_corrected_low": _or_none(low),
            "sigma_corrected_high": _or_none(high),
            "worst": self.groups.labels[worst],
            "worst_value": self.values[worst],
            "worst_low": _or_none(ends[0, worst]),
            "worst_high": _or_none(ends[1, worst]),
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
                "low": _or_none(low),
                "high": _or_none(high),
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


def _against_chance(part: GroupValues, chance: Floats) -> Row:
    if len(part.values) < 2:
        return {}
    between = _between(part, chance)
    corrected = float(np.sqrt(max(between, 0))) if np.isfinite(between) else None
    return {**_chance(part.sigma, chance), "corrected": corrected}


def _between(part: GroupValues, chance: Floats) -> float:
    if part.sums.measure == "calibration":
        return float(part.sigma**2 - np.mean(chance**2))
    return part.between


def _index_row(measured: Sequence[GroupValues], by_chance: Sequence[Floats]) -> Row:
    kept = [at for at, part in enumerate(measured) if len(part.values) > 1]
    if not kept:
        return {"demographics": 0}
    parts = [measured[at] for at in kept]
    chance = np.mean([by_chance[at] for at in kept], axis=0)
    sigma = float(np.mean([part.sigma for part in parts]))
    between = [_between(measured[at], by_chance[at]) for at in kept]
    row: Row = {"demographics": len(kept), "sigma": sigma, **_chance(sigma, chance)}
    if not np.isfinite(between).all():
        return row
    low, middle, high = mean_spread_interval([part.values for part in parts], [part.noise for part in parts], between)
    return row | {
        "sigma_corrected_low": _or_none(low),
        "sigma_corrected_high": _or_none(high),
        "corrected": _or_none(middle),
    }


def _chance(sigma: float, chance: Floats) -> dict[str, float]:
    """Summarize chance; values equal up to rounding count as equal, since σ depends on the order of summation."""
    as_large = int((chance >= sigma * (1 - 1e-9)).sum())
    return {
        "chance": float(chance.mean()),
        "chance_high": float(np.quantile(chance, 0.95)),
        "p": (1 + as_large) / (1 + len(chance)),
    }


def _quantiles(draws: Floats) -> Floats:
    kept = draws[np.isfinite(draws)]
    return np.asarray(np.quantile(kept, [LOW, HIGH])) if len(kept) else np.full(2, np.nan)


def _or_none(value: float) -> float | None:
    return float(value) if np.isfinite(value) else None
