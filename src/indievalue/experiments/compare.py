"""Paired comparisons of cells, person by person."""

from collections.abc import Sequence

import numpy as np
import polars as pl
from numpy.typing import NDArray
from scipy.special import stdtr

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
    difference is the same for everybody, t is null, and p is 1 if it is 0 and null otherwise. All of these are weighted
    if the cells are; t is then the mean divided by its linearized standard error (Lumley 2010, section 2.1).
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
    asked = ~np.isnan(differences)
    differences = differences[asked]
    weights = None if before.weights is None else before.weights[asked]
    mean, deviation, error = mean_and_errors(differences, weights)
    spread = deviation > 1e-12
    t = mean / error if spread else None
    low, high = paired_interval(differences, seed, weights)
    varying = {axis: value for axis, value in after.cell.axes.items() if axis not in axes}
    return {
        "where": described(varying),
        "from": described({axis: axis_value(before.cell, axis) for axis in axes}),
        "to": described({axis: axis_value(after.cell, axis) for axis in axes}),
        "people": len(differences),
        "accuracy_from": _mean_over_people(before),
        "accuracy_to": _mean_over_people(after),
        "difference": mean,
        "difference_low": low,
        "difference_high": high,
        "d_z": mean / deviation if spread else None,
        "t": t,
        "p": float(2 * stdtr(len(differences) - 1, -abs(t))) if t is not None else _p_without_spread(mean),
    }


def mean_and_errors(
    values: NDArray[np.float64], weights: NDArray[np.float64] | None = None
) -> tuple[float, float, float]:
    """Return the mean of ``values`` (people,), their standard deviation, and the standard error of the mean.

    With ``weights`` (people,) the error is the linearized one of a ratio of sums; equal weights change nothing. With a
    single person, standard deviation and error are 0.

    >>> mean_and_errors(np.array([1.0, 3.0, 5.0, 7.0]), np.array([2.0, 0.0, 0.0, 2.0]))[0]
    4.0
    """
    share = np.full(len(values), 1 / len(values)) if weights is None else weights / weights.sum()
    mean = float(share @ values) if weights is not None else float(values.mean())
    if len(values) < 2:
        return mean, 0.0, 0.0
    small_sample = len(values) / (len(values) - 1)
    squares = (values - mean) ** 2
    deviation, error = (float(np.sqrt(small_sample * (part @ squares))) for part in (share, share**2))
    return mean, deviation, error


def _mean_over_people(cell: CellResult) -> float:
    asked = ~np.isnan(cell.by_person)
    return mean_and_errors(cell.by_person[asked], None if cell.weights is None else cell.weights[asked])[0]


def _p_without_spread(mean: float) -> float | None:
    return 1.0 if mean == 0 else None
