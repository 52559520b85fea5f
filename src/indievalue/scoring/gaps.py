"""How much of the gaps between groups noise explains: the ceilings of groups beside their accuracies."""

from dataclasses import replace

import numpy as np
import polars as pl
from numpy.typing import NDArray

from indievalue.scoring.ceiling import Ceiling, Ceilings, reached
from indievalue.scoring.groups import CROSS, GroupOptions, group_people
from indievalue.scoring.inequity import Inequity
from indievalue.scoring.spread import spread
from indievalue.scoring.weighting import weighted_rows

GAPS: dict[str, pl.DataType] = {
    "ceiling_sigma_low": pl.Float64(),
    "ceiling_sigma_high": pl.Float64(),
    "noise_low": pl.Float64(),
    "noise_high": pl.Float64(),
}
"""Columns added to the table by demographic."""


def with_ceilings_of_groups(
    found: Inequity,
    ceilings: Ceilings,
    predictions: pl.DataFrame,
    people: pl.DataFrame,
    options: GroupOptions,
) -> Inequity:
    """Return the inequity of accuracy with the ceilings of its groups.

    ``predictions`` (with the column ``form``) and ``people`` are those that ``found`` was measured on with these
    ``options``; a predictor's predictions are all in one form. ``groups`` gains
    the columns of :func:`indievalue.scoring.ceiling.reached`. ``table`` gains ``ceiling_sigma_low`` and
    ``ceiling_sigma_high``, σ of the groups' ceilings, and ``noise_low`` and ``noise_high``, the share of the gap
    between the worst and the best group by which their ceilings differ, in percent: without noise, all ceilings would
    be 100%. Both are computed for the low and for the high end of the ceilings; the smaller result is called low. A
    share below 0 means that the ceiling of the worst group is higher, and one above 100 that the predictor comes
    nearer to it there.
    """
    if options.weights is not None:
        by_person = dict(zip(people["person"].to_list(), options.weights.tolist(), strict=True))
        predictions = weighted_rows(predictions, by_person)
    groups, table = [], []
    asked = {str(name): rows for (name,), rows in predictions.group_by("predictor", maintain_order=True)}
    same = {name: _fingerprint(rows) for name, rows in asked.items()}
    computed: dict[tuple[str, int], dict[str, Ceiling | None]] = {}
    for row in found.table.iter_rows(named=True):
        name, demographic = row["predictor"], row["demographic"]
        values = found.groups.filter(predictor=name, demographic=demographic)
        key = demographic, same[name]
        if key not in computed:
            computed[key] = _ceilings(ceilings, asked[name], people, demographic, options)
        of_groups = computed[key]
        limits = [of_groups.get(label) for label in values["group"]]
        beside = [reached(limit, value) for limit, value in zip(limits, values["value"], strict=True)]
        groups += [{**one, **more} for one, more in zip(values.iter_rows(named=True), beside, strict=True)]
        table.append({**row, **_gaps(row, dict(zip(values["group"], limits, strict=True)))})
    schema = dict.fromkeys(reached(None, 0), pl.Float64())
    return replace(
        found,
        groups=pl.DataFrame(groups, schema={**found.groups.schema, **schema}),
        table=pl.DataFrame(table, schema={**found.table.schema, **GAPS}),
    )


def _fingerprint(rows: pl.DataFrame) -> int:
    """Return a number that is the same for predictors that were asked the same, whatever the order."""
    return int(rows.select("form", "person", "question", "answer").hash_rows().sum())


def _ceilings(
    ceilings: Ceilings,
    rows: pl.DataFrame,
    people: pl.DataFrame,
    demographic: str,
    options: GroupOptions,
) -> dict[str, Ceiling | None]:
    """Return the ceiling of each group of a demographic, by label."""
    kept = people.filter(pl.col("person").is_in(rows["person"].unique().implode()))
    found = group_people(kept, tuple(demographic.split(CROSS)), options.minimum, options.small)
    at = dict(zip(kept["person"].to_list(), found.group.tolist(), strict=True))
    group: NDArray[np.int64] = rows["person"].replace_strict(at, default=-1, return_dtype=pl.Int64).to_numpy()
    return dict(zip(found.labels, ceilings.of(rows, rows["form"][0], group, len(found.labels)), strict=True))


def _gaps(row: dict[str, object], limits: dict[str, Ceiling | None]) -> dict[str, float | None]:
    known = [limit for limit in limits.values() if limit is not None]
    worst, best = (limits.get(str(row[name])) for name in ("worst", "best"))
    if len(known) < 2 or worst is None or best is None:
        return dict.fromkeys(GAPS)
    sigmas = sorted(float(spread(np.array([getattr(limit, end) for limit in known]))) for end in ("low", "high"))
    gap = float(str(row["gap"]))
    apart = sorted(getattr(best, end) - getattr(worst, end) for end in ("low", "high"))
    shares = [100 * each / gap for each in apart] if gap > 0 else [None, None]
    return dict(zip(GAPS, [*sigmas, *shares], strict=True))
