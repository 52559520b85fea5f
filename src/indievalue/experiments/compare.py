"""Paired comparisons of cells, person by person."""

from collections.abc import Sequence

import numpy as np
import polars as pl
from scipy.stats import ttest_1samp

from indievalue.experiments.grid import axis_value, compared_pairs
from indievalue.experiments.measure import CellResult, paired_interval
from indievalue.experiments.spec import Experiment
from indievalue.report.described import described
from indievalue.scoring.families import with_holm

SCHEMA = {
    "where": pl.String(),
    "from": pl.String(),
    "to": pl.String(),
    "people": pl.Int64(),
    "accuracy_from": pl.Float64(),
    "accuracy_to": pl.Float64(),
    "difference": pl.Float64(),
    "difference_low": pl.Float64(),
    "difference_high": pl.Float64(),
    "d_z": pl.Float64(),
    "t": pl.Float64(),
    "p": pl.Float64(),
    "p_holm": pl.Float64(),
}


def comparisons(experiment: Experiment, measured: Sequence[CellResult], seed: int) -> pl.DataFrame:
    """Compare each pair of cells named in ``compare``, one row each.

    ``difference`` is the mean over people of their accuracy in ``to`` minus that in ``from``, in points, with a 95%
    interval from resampling people; ``d_z`` is this mean divided by the standard deviation over people (Cohen 1988);
    ``t`` and ``p`` are of the paired t-test; ``p_holm`` is p after Holm's correction over all rows (Holm 1979). If the
    difference is the same for everybody, t is null, and p is 1 if it is 0 and null otherwise.
    """
    of_cell = {one.cell: one for one in measured}
    rows = [
        _row(of_cell[before], of_cell[after], axes, seed)
        for before, after, axes in compared_pairs(experiment, list(of_cell))
    ]
    table = pl.DataFrame(rows, schema=SCHEMA)
    return with_holm(table)


def _row(before: CellResult, after: CellResult, axes: tuple[str, ...], seed: int) -> dict[str, object]:
    differences = after.by_person - before.by_person
    differences = differences[~np.isnan(differences)]
    deviation = float(differences.std(ddof=1)) if len(differences) > 1 else 0.0
    spread = deviation > 1e-12
    test = ttest_1samp(differences, 0) if spread else None
    low, high = paired_interval(differences, seed)
    varying = {axis: value for axis, value in after.cell.axes.items() if axis not in axes}
    return {
        "where": described(varying),
        "from": described({axis: axis_value(before.cell, axis) for axis in axes}),
        "to": described({axis: axis_value(after.cell, axis) for axis in axes}),
        "people": len(differences),
        "accuracy_from": float(np.nanmean(before.by_person)),
        "accuracy_to": float(np.nanmean(after.by_person)),
        "difference": float(differences.mean()),
        "difference_low": low,
        "difference_high": high,
        "d_z": float(differences.mean()) / deviation if spread else None,
        "t": float(test.statistic) if test is not None else None,
        "p": float(test.pvalue) if test is not None else (1.0 if not differences.any() else None),
    }
