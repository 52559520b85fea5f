"""Contributions of each person to a measure; the value for any set of people is computed from their sums.

Contributions are rounded to multiples of a power of two that is coarse enough for floating-point sums to be exact.
Results then do not depend on the order of rows, people or threads, and one matrix product covers all groups and draws.
"""

from dataclasses import dataclass

import numpy as np
import polars as pl
from numpy.typing import NDArray

from indievalue.choices import Measure
from indievalue.predictors.protocol import INVALID
from indievalue.scoring.accuracy import LEAST_PROBABILITY
from indievalue.scoring.calibration import BINS, equal_mass_bins
from indievalue.scoring.exact import fixed


@dataclass(frozen=True)
class Sums:
    """Contributions of each person to a measure.

    Attributes:
        people: str (people,), sorted: those with at least one row that is used.
        parts: float64 (parts × people); the last part is the number of rows, weighted if people are.
        rows: int64 (people,), the number of rows.
        unused: number of rows that are not used because they have no probabilities.
    """

    measure: Measure
    people: NDArray[np.str_]
    parts: NDArray[np.float64]
    rows: NDArray[np.int64]
    unused: int

    def value(self, sums: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the measure for sets of people whose parts add up to ``sums`` (parts × …); NaN for no rows.

        Accuracy is in percentage points, 0-100; log loss in nats; calibration is the expected calibration error, 0-1.
        """
        total = sums[0] if len(sums) == 2 else np.abs(sums[:-1]).sum(axis=0)
        share = np.divide(total, sums[-1], out=np.full(total.shape, np.nan), where=sums[-1] > 0)
        return np.asarray(100 * share if self.measure == "accuracy" else share)

    def take(self, people: NDArray[np.str_]) -> "Sums":
        """Return the contributions of ``people`` (sorted), all of whom must be present."""
        at = np.searchsorted(self.people, people)
        return Sums(self.measure, people, self.parts[:, at], self.rows[at], self.unused)

    def weighted(self, weights: NDArray[np.float64]) -> "Sums":
        """Return the contributions multiplied by ``weights`` (people,), normalized to a mean of 1."""
        weights = weights / weights.mean()
        parts = np.stack([fixed(part * weights, len(weights)) for part in self.parts])
        return Sums(self.measure, self.people, parts, self.rows, self.unused)


def person_sums(predictions: pl.DataFrame, measure: Measure) -> Sums | None:
    """Return the contributions of each person to a measure of one predictor; None if no row has probabilities.

    Accuracy: number of correct rows; an invalid output is wrong. Log loss: −log probability of the true option, over
    rows with probabilities. Calibration: in each of 15 bins of the chosen option's probability, correct rows minus
    probabilities, over rows with probabilities and a valid choice. The bins have equal numbers of all rows of the
    predictor, so that all groups share them, and the error over everyone is that of
    :func:`indievalue.scoring.calibration.calibration`.
    """
    right = (pl.col("choice") == pl.col("answer")).alias("right")
    if measure == "accuracy":
        rows = predictions.select("person", right)
    else:
        rows = predictions.filter(pl.col("probabilities").is_not_null())
        if measure == "calibration":
            rows = rows.filter(pl.col("choice") != INVALID)
        of = pl.col("answer" if measure == "log_loss" else "choice")
        rows = rows.select("person", right, pl.col("probabilities").list.get(of).cast(pl.Float64).alias("probability"))
    if rows.is_empty():
        return None
    people = rows["person"].unique().sort().to_numpy().astype(np.str_)
    person = rows["person"].rank("dense").to_numpy().astype(np.int64) - 1
    count = np.bincount(person)
    if measure == "accuracy":
        parts = np.bincount(person, rows["right"].to_numpy().astype(np.float64))[None]
    elif measure == "log_loss":
        loss = -np.log(np.clip(rows["probability"].to_numpy(), LEAST_PROBABILITY, 1))
        parts = np.bincount(person, fixed(loss, len(people) * int(count.max())))[None]
    else:
        probability = rows["probability"].to_numpy()
        over = fixed(rows["right"].to_numpy() - probability, len(people) * int(count.max()))
        cell = equal_mass_bins(probability, BINS) * len(people) + person
        parts = np.bincount(cell, over, minlength=BINS * len(people)).reshape(BINS, len(people))
    return Sums(measure, people, np.vstack([parts, count]), count, len(predictions) - len(rows))
