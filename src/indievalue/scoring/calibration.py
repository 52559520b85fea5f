"""Whether probabilities can be trusted: Brier score, calibration, and how far off in options.

All functions read predictions of one predictor unless they say otherwise, and give the same whatever the order of rows.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import polars as pl
from numpy.typing import NDArray

from indievalue.predictors.protocol import INVALID
from indievalue.scoring.bootstrap import cluster_intervals
from indievalue.survey.survey import Survey

BINS = 15
"""Bins of the calibration error and of the reliability table, as in Guo et al. 2017."""

FLOOR_DRAWS = 200
"""Simulated predictors behind :attr:`Calibration.floor`, which then moves by about 2% from seed to seed."""


@dataclass(frozen=True)
class Calibration:
    """Expected calibration error of the chosen option's probability, and how much of it is noise; both 0-1.

    Attributes:
        error: sum over bins of (share of rows in the bin) × |share right − mean probability|. It is biased upward: a
            bin's share right moves by chance, and its distance from the truth is never negative, so that a perfectly
            calibrated predictor also has an error above 0, and the more so the fewer rows a bin holds (Kumar, Liang &
            Ma 2019; Roelofs et al. 2022).
        floor: the mean error of a perfectly calibrated predictor with these same probabilities, simulated: every row
            is right with the probability given to its choice, independently of the others.
    """

    error: float
    floor: float

    @property
    def corrected(self) -> float:
        """``error`` less ``floor``: about 0 where nothing but chance parts the predictor from a calibrated one.

        It understates a large miscalibration, by ``floor`` at most, because noise adds the less to a distance the
        greater the distance is. Negative values are chance.
        """
        return self.error - self.floor


def brier(predictions: pl.DataFrame) -> float | None:
    """Mean over rows of the sum over options of (probability − truth)², from 0 to 2 (Brier 1950); None without any.

    Rows without probabilities are left out. Less is better; always giving 1/k to k options scores 1 − 1/k.
    """
    given = predictions.filter(pl.col("probabilities").is_not_null())
    if given.is_empty():
        return None
    all_options = pl.col("probabilities").cast(pl.List(pl.Float64))
    squares = all_options.list.eval(pl.element() ** 2).list.sum()
    losses = given.select(squares - 2 * all_options.list.get(pl.col("answer")) + 1).to_series()
    # Sorted, so that the order of rows does not even move the last digit.
    return float(np.sort(losses.to_numpy()).mean())


def calibration(predictions: pl.DataFrame, seed: int = 0, bins: int = BINS) -> Calibration | None:
    """Expected calibration error in ``bins`` bins of about equally many rows; None where no row has a probability.

    Invalid outputs are left out: they choose nothing that could have a probability.
    """
    chosen = _chosen(predictions)
    if chosen.is_empty():
        return None
    chosen = chosen.sort("probability", "right")
    probability = chosen["probability"].to_numpy()
    starts = np.unique(equal_mass_bins(probability, bins), return_index=True)[1]
    expected = np.add.reduceat(probability, starts)
    right = np.add.reduceat(chosen["right"].to_numpy().astype(np.float64), starts)
    random = np.random.default_rng(seed)
    simulated = [
        np.abs(np.add.reduceat((random.random(len(probability)) < probability).astype(np.float64), starts) - expected)
        for _ in range(FLOOR_DRAWS)
    ]
    rows = len(probability)
    return Calibration(
        error=float(np.abs(right - expected).sum() / rows), floor=float(np.mean(simulated) * len(starts) / rows)
    )


def equal_mass_bins(values: NDArray[np.floating], bins: int) -> NDArray[np.int64]:
    """The bin, 0 to ``bins`` − 1, of each of ``values`` (n,), as near as can be to equally many in each.

    Equal values are always in one bin, so that no order of rows decides; bins can therefore be empty.
    """
    _, group, size = np.unique(values, return_inverse=True, return_counts=True)
    middle = np.cumsum(size) - size / 2
    return np.asarray((bins * middle / len(values)).astype(np.int64)[group])


def reliability(predictions: pl.DataFrame, seed: int = 0, bins: int = BINS) -> pl.DataFrame:
    """How often the chosen option is right in bins of its probability; predictors in order of first occurrence.

    Returns ``predictor``, ``bin``, ``probability`` (mean, 0-1), ``accuracy``, ``accuracy_low``, ``accuracy_high``
    (0-100, the 95% interval from resampling people), ``people`` and ``probes``, the least probability first.
    Predictors without probabilities have no rows.
    """
    schema = {
        "predictor": pl.String(),
        "bin": pl.Int64(),
        "probability": pl.Float64(),
        "accuracy": pl.Float64(),
        "accuracy_low": pl.Float64(),
        "accuracy_high": pl.Float64(),
        "people": pl.Int64(),
        "probes": pl.Int64(),
    }
    parts = [pl.DataFrame(schema=schema)]
    for (predictor,), rows in predictions.group_by("predictor", maintain_order=True):
        chosen = _chosen(rows)
        if not chosen.is_empty():
            table = _reliability(chosen, seed, bins).with_columns(predictor=pl.lit(predictor))
            parts.append(table.select(pl.col(column).cast(kind) for column, kind in schema.items()))
    return pl.concat(parts)


def ordinal_error(predictions: pl.DataFrame, scales: Mapping[str, tuple[bool, int]]) -> float | None:
    """Mean distance from the chosen to the true option, as a share of the greatest there is (0-1).

    ``scales`` is question → (whether its options are steps of one scale, how many there are). Of k options the distance
    in options is divided by k − 1. Only ordered questions count; an invalid output counts as 1. None where no row is
    of an ordered question.
    """
    steps = {question: options - 1 for question, (ordered, options) in scales.items() if ordered and options > 1}
    rows = predictions.filter(pl.col("question").is_in(list(steps)))
    if rows.is_empty():
        return None
    step = pl.col("question").replace_strict(steps, return_dtype=pl.Int64)
    distance = (pl.col("choice").cast(pl.Int64) - pl.col("answer")).abs() / step
    errors = rows.select(pl.when(pl.col("choice") == INVALID).then(1.0).otherwise(distance)).to_series()
    return float(np.sort(errors.to_numpy()).mean())


def option_scales(predictions: pl.DataFrame, survey: Survey) -> dict[str, tuple[bool, int]]:
    """What :func:`ordinal_error` needs to know of the questions in ``predictions``, which are all in one form.

    Raises IndievalueError where the survey has no such question or form.
    """
    counts = {form: survey.form(form).counts for form in predictions["form"].unique()}
    asked = predictions.select("question", "form").unique().iter_rows()
    return {
        question: (survey.question(question).ordered, int(counts[form][survey.positions[question]]))
        for question, form in asked
    }


def _chosen(predictions: pl.DataFrame) -> pl.DataFrame:
    """``person``, ``probability`` of the chosen option (Float64) and whether it is ``right``, of rows that have one."""
    valid = predictions.filter(pl.col("probabilities").is_not_null() & (pl.col("choice") != INVALID))
    return valid.select(
        "person",
        pl.col("probabilities").list.get(pl.col("choice")).cast(pl.Float64).alias("probability"),
        (pl.col("choice") == pl.col("answer")).alias("right"),
    )


def _reliability(chosen: pl.DataFrame, seed: int, bins: int) -> pl.DataFrame:
    chosen = chosen.sort("probability", "right", "person")
    at = equal_mass_bins(chosen["probability"].to_numpy(), bins)
    names, person = np.unique(chosen["person"].to_numpy(), return_inverse=True)
    cell = person * bins + at
    right = chosen["right"].to_numpy().astype(np.float64)
    asked_of = np.bincount(cell, minlength=len(names) * bins).reshape(-1, bins)
    right_of = np.bincount(cell, weights=right, minlength=len(names) * bins).reshape(-1, bins).astype(np.int64)
    filled = np.flatnonzero(asked_of.any(axis=0))
    asked_of, right_of = asked_of[:, filled], right_of[:, filled]
    probes = asked_of.sum(axis=0)
    low, high = cluster_intervals(right_of, asked_of, seed)
    summed = np.bincount(at, weights=chosen["probability"].to_numpy(), minlength=bins)[filled]
    return pl.DataFrame(
        {
            "bin": filled,
            "probability": summed / probes,
            "accuracy": 100 * right_of.sum(axis=0) / probes,
            "accuracy_low": 100 * low,
            "accuracy_high": 100 * high,
            "people": (asked_of > 0).sum(axis=0),
            "probes": probes,
        }
    )
