"""Quality of probabilities: Brier score, calibration error, reliability diagrams, and ordinal error.

Functions take the predictions of one predictor unless stated otherwise. Results do not depend on the order of rows.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import polars as pl
from numpy.typing import NDArray

from indievalue.predictors.protocol import INVALID
from indievalue.scoring.bootstrap import cluster_intervals
from indievalue.scoring.exact import fixed
from indievalue.scoring.inputs import predictions_table
from indievalue.survey.survey import Survey

BINS = 15
"""Bins of the calibration error and of the reliability table, as in Guo et al. (2017)."""

FLOOR_DRAWS = 200
"""Simulations behind :attr:`Calibration.floor`, which then varies by about 2% between seeds."""


@dataclass(frozen=True)
class Calibration:
    """Expected calibration error of the chosen option's probability, and how much of it is noise; both 0-1.

    Attributes:
        error: sum over bins of (share of rows in the bin) × |accuracy − mean probability|. It is biased upward: the
            accuracy of a bin varies by chance, and absolute differences are never negative, so that even a perfectly
            calibrated predictor has an error above 0, the more so the fewer rows a bin holds (Kumar, Liang & Ma 2019;
            Roelofs et al. 2022).
        floor: mean error of a perfectly calibrated predictor with the same probabilities, by simulation: each row is
            correct with the probability of its choice, independently of the others.
    """

    error: float
    floor: float

    @property
    def corrected(self) -> float:
        """``error`` − ``floor``: about 0 for a calibrated predictor, and below 0 only by chance.

        It understates a large miscalibration, by at most ``floor``, because noise adds less to large differences than
        to small ones.
        """
        return self.error - self.floor


def brier(predictions: pl.DataFrame) -> float | None:
    """Return the Brier score: the mean over rows of the sum over options of (probability − truth)² (Brier 1950).

    It ranges from 0 (best) to 2; a uniform prediction over k options scores 1 − 1/k. Rows without probabilities are
    left out; None if there are no others.
    """
    given = predictions.filter(pl.col("probabilities").is_not_null())
    if given.is_empty():
        return None
    all_options = pl.col("probabilities").cast(pl.List(pl.Float64))
    squares = all_options.list.eval(pl.element() ** 2).list.sum()
    losses = given.select(squares - 2 * all_options.list.get(pl.col("answer")) + 1).to_series()
    return weighted_mean(losses.to_numpy(), given)


def weighted_mean(values: NDArray[np.float64], rows: pl.DataFrame) -> float:
    """Return the mean of ``values`` (rows,), weighted by the column ``weight`` of ``rows`` if there is one.

    Not even the last digit depends on the order of rows.
    """
    weights = rows["weight"].to_numpy() if "weight" in rows.columns else np.ones(len(values))
    if (weights == 1).all():
        return float(np.sort(values).mean())
    order = np.lexsort((weights, values))
    return float((weights * values)[order].sum() / np.sort(weights).sum())


def calibration(predictions: pl.DataFrame, seed: int = 0, bins: int = BINS) -> Calibration | None:
    """Return the expected calibration error in ``bins`` bins of about equal size; None without probabilities.

    Invalid outputs are left out, because no option was chosen.
    """
    chosen = _chosen(predictions)
    if chosen.is_empty():
        return None
    chosen = chosen.sort("probability", "right", "weight")
    probability, weight = chosen["probability"].to_numpy(), chosen["weight"].to_numpy()
    starts = np.unique(equal_mass_bins(probability, bins), return_index=True)[1]
    expected = np.add.reduceat(weight * probability, starts)
    right = np.add.reduceat(weight * chosen["right"].to_numpy(), starts)
    random = np.random.default_rng(seed)
    simulated = [
        np.abs(np.add.reduceat(weight * (random.random(len(probability)) < probability), starts) - expected)
        for _ in range(FLOOR_DRAWS)
    ]
    rows = float(np.sort(weight).sum())
    return Calibration(
        error=float(np.abs(right - expected).sum() / rows), floor=float(np.mean(simulated) * len(starts) / rows)
    )


def equal_mass_bins(values: NDArray[np.floating], bins: int) -> NDArray[np.int64]:
    """Return the bin, 0 to ``bins`` − 1, of each of ``values`` (n,), with bins of sizes as equal as possible.

    Equal values are always in the same bin, so that the order of rows does not matter; bins can therefore be empty.
    """
    _, group, size = np.unique(values, return_inverse=True, return_counts=True)
    middle = np.cumsum(size) - size / 2
    return np.asarray((bins * middle / len(values)).astype(np.int64)[group])


def reliability(predictions: pl.DataFrame, seed: int = 0, bins: int = BINS) -> pl.DataFrame:
    """Return the data of a reliability diagram: accuracy in bins of the chosen option's probability.

    Columns are ``predictor``, ``bin``, ``probability`` (mean, 0-1), ``accuracy``, ``accuracy_low``, ``accuracy_high``
    (0-100, 95% interval from a bootstrap over people), ``people`` and ``probes``. Predictors are in order of first
    occurrence, bins in ascending order. Predictors without probabilities have no rows.

    Raises IndievalueError if ``predictions`` is not a table of predictions.

    >>> predictions = pl.DataFrame({
    ...     "predictor": "mine",
    ...     "person": ["a", "a", "b", "b"],
    ...     "answer": [0, 1, 0, 1],
    ...     "choice": [0, 1, 0, 0],
    ...     "probabilities": [[0.9, 0.1], [0.2, 0.8], [0.7, 0.3], [0.6, 0.4]],
    ... })
    >>> reliability(predictions, bins=2).select("bin", "accuracy", "probes").rows()
    [(0, 50.0, 2), (1, 100.0, 2)]
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
    predictions = predictions_table(predictions, "reliability", "predictor", "probabilities")
    parts = [pl.DataFrame(schema=schema)]
    for (predictor,), rows in predictions.group_by("predictor", maintain_order=True):
        chosen = _chosen(rows)
        if not chosen.is_empty():
            table = _reliability(chosen, seed, bins).with_columns(predictor=pl.lit(predictor))
            parts.append(table.select(pl.col(column).cast(kind) for column, kind in schema.items()))
    return pl.concat(parts)


def ordinal_error(predictions: pl.DataFrame, scales: Mapping[str, tuple[bool, int]]) -> float | None:
    """Return the mean distance between the chosen and the true option, as a share of the largest possible (0-1).

    ``scales`` maps each question to (whether its options are ordered, number of options). With k options the distance
    is divided by k − 1. Only ordered questions count; an invalid output has distance 1. None if no question is
    ordered.
    """
    steps = {question: options - 1 for question, (ordered, options) in scales.items() if ordered and options > 1}
    rows = predictions.filter(pl.col("question").is_in(list(steps)))
    if rows.is_empty():
        return None
    step = pl.col("question").replace_strict(steps, return_dtype=pl.Int64)
    distance = (pl.col("choice").cast(pl.Int64) - pl.col("answer")).abs() / step
    errors = rows.select(pl.when(pl.col("choice") == INVALID).then(1.0).otherwise(distance)).to_series()
    return weighted_mean(errors.to_numpy(), rows)


def option_scales(predictions: pl.DataFrame, survey: Survey) -> dict[str, tuple[bool, int]]:
    """Return for each question in ``predictions`` whether its options are ordered, and how many there are.

    All predictions of a question must be in the same form. Raises IndievalueError if the survey lacks a question or
    form.
    """
    counts = {form: survey.form(form).counts for form in predictions["form"].unique()}
    asked = predictions.select("question", "form").unique().iter_rows()
    return {
        question: (survey.question(question).ordered, int(counts[form][survey.positions[question]]))
        for question, form in asked
    }


def _chosen(predictions: pl.DataFrame) -> pl.DataFrame:
    """Return ``person``, ``probability`` of the chosen option and whether it is ``right``, for rows that have one."""
    valid = predictions.filter(pl.col("probabilities").is_not_null() & (pl.col("choice") != INVALID))
    return valid.select(
        "person",
        pl.col("probabilities").list.get(pl.col("choice")).cast(pl.Float64).alias("probability"),
        (pl.col("choice") == pl.col("answer")).alias("right"),
        pl.col("weight") if "weight" in valid.columns else pl.lit(1.0).alias("weight"),
    )


def _reliability(chosen: pl.DataFrame, seed: int, bins: int) -> pl.DataFrame:
    chosen = chosen.sort("probability", "right", "person")
    at = equal_mass_bins(chosen["probability"].to_numpy(), bins)
    names, person = np.unique(chosen["person"].to_numpy(), return_inverse=True)
    cell = person * bins + at
    right, weight = chosen["right"].to_numpy().astype(np.float64), chosen["weight"].to_numpy()
    asked_of = np.bincount(cell, minlength=len(names) * bins).reshape(-1, bins)
    right_of = np.bincount(cell, weights=right, minlength=len(names) * bins).reshape(-1, bins).astype(np.int64)
    filled = np.flatnonzero(asked_of.any(axis=0))
    asked_of, right_of = asked_of[:, filled], right_of[:, filled]
    probes = asked_of.sum(axis=0)
    own = np.zeros(len(names))
    own[person] = weight / weight.mean()
    of = [fixed(own[:, None] * count, len(names)) for count in (right_of, asked_of)]
    low, high = cluster_intervals(of[0], of[1], seed)
    summed = np.bincount(at, weights=weight * chosen["probability"].to_numpy(), minlength=bins)[filled]
    total = np.bincount(at, weights=weight, minlength=bins)[filled]
    return pl.DataFrame(
        {
            "bin": filled,
            "probability": summed / total,
            "accuracy": 100 * of[0].sum(axis=0) / of[1].sum(axis=0),
            "accuracy_low": 100 * low,
            "accuracy_high": 100 * high,
            "people": (asked_of > 0).sum(axis=0),
            "probes": probes,
        }
    )
