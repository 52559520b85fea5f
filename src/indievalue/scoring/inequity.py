"""Inequity: how much a predictor's performance differs between groups of people, and how much of that is chance.

σ of a demographic is the standard deviation of its groups' values, and the Value Inequity Index of arXiv 2410.03868 is
the mean of σ over demographics. Sampling noise alone makes both positive, the more so the smaller the groups are, so
each is reported with its value under chance alone and with a noise-corrected estimate.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Unpack

import numpy as np
import polars as pl

from indievalue.choices import Measure
from indievalue.display import html_table
from indievalue.people.people import People
from indievalue.scoring.bootstrap import shuffled_sums
from indievalue.scoring.families import with_holm
from indievalue.scoring.group_values import GroupValues, Row, measure_groups, or_none, people_of, weighted_sums
from indievalue.scoring.groups import (
    CROSS,
    GroupFields,
    GroupOptions,
    check_demographics,
    group_people,
)
from indievalue.scoring.halves import concordance, half_values, same_order, stepped_up
from indievalue.scoring.inputs import demographics_table, predictions_table
from indievalue.scoring.measures import Sums, person_sums
from indievalue.scoring.spread import Floats, mean_spread_interval, spread

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
        "sigma_corrected_low": or_none(low),
        "sigma_corrected_high": or_none(high),
        "corrected": or_none(middle),
    }


def _chance(sigma: float, chance: Floats) -> dict[str, float]:
    """Summarize chance; values equal up to rounding count as equal, since σ depends on the order of summation."""
    as_large = int((chance >= sigma * (1 - 1e-9)).sum())
    return {
        "chance": float(chance.mean()),
        "chance_high": float(np.quantile(chance, 0.95)),
        "p": (1 + as_large) / (1 + len(chance)),
    }
