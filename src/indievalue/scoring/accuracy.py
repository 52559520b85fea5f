"""Accuracy with an interval that respects that one person's probes belong together, log loss, and invalid output."""

from dataclasses import asdict, dataclass
from functools import lru_cache
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

DRAWS = 2000
"""Bootstrap draws. The ends of a 95% interval then move by less than a twentieth of its width from seed to seed."""

LEAST_PROBABILITY = 1e-6
"""No probability is taken to be less, so that one certain error does not make the log loss infinite."""


@dataclass(frozen=True)
class Score:
    """How well one predictor did on one set of rows.

    Attributes:
        accuracy: share of probes answered right, 0-100; an invalid output is wrong. accuracy_low, accuracy_high: 95%
            interval from resampling people.
        log_loss: mean negative log probability of the true option, in nats; None where there are no probabilities.
        invalid: probes with invalid output. people, probes: how many were asked.
    """

    accuracy: float
    accuracy_low: float
    accuracy_high: float
    log_loss: float | None
    invalid: int
    people: int
    probes: int

    def as_dict(self) -> dict[str, Any]:
        return asdict(self)


def score(predictions: pl.DataFrame, seed: int = 0) -> Score:
    """Score the rows of one predictor. Raises ValueError where there are none."""
    if predictions.is_empty():
        raise ValueError("no predictions to score")
    by_person = (
        predictions.group_by("person")
        .agg((pl.col("choice") == pl.col("answer")).sum().alias("right"), pl.len().alias("probes"))
        .sort("person")
    )
    right, probes = by_person["right"].to_numpy(), by_person["probes"].to_numpy()
    low, high = cluster_interval(right, probes, seed)
    return Score(
        accuracy=100 * float(right.sum() / probes.sum()),
        accuracy_low=100 * low,
        accuracy_high=100 * high,
        log_loss=log_loss(predictions),
        invalid=int((predictions["choice"] < 0).sum()),
        people=len(by_person),
        probes=len(predictions),
    )


def cluster_interval(
    right: NDArray[np.integer], probes: NDArray[np.integer], seed: int, draws: int = DRAWS
) -> tuple[float, float]:
    """95% percentile interval of sum(right) / sum(probes), both (people,), when people are drawn with replacement.

    Cluster bootstrap: a person is drawn with all of their probes (Cameron, Gelbach & Miller 2008). With one person
    there is nothing to draw, and both ends are that person's accuracy.
    """
    sums = np.stack([right, probes], axis=1).astype(np.float64)
    times = _times_drawn(len(right), seed, draws)
    drawn = np.concatenate([block.astype(np.float64) @ sums for block in np.array_split(times, max(1, draws // 100))])
    low, high = np.percentile(drawn[:, 0] / drawn[:, 1], [2.5, 97.5])
    return float(low), float(high)


@lru_cache(maxsize=2)
def _times_drawn(people: int, seed: int, draws: int) -> NDArray[np.uint8]:
    """How often each person is drawn (draws × people); kept, because every part of the same people needs the same."""
    random = np.random.default_rng(seed)
    return np.stack([np.bincount(random.integers(0, people, people), minlength=people) for _ in range(draws)]).astype(
        np.uint8
    )


def log_loss(predictions: pl.DataFrame) -> float | None:
    """Mean negative log probability of the true option over rows that have probabilities; None where none has."""
    given = predictions.filter(pl.col("probabilities").is_not_null())
    if given.is_empty():
        return None
    true = given.select(pl.col("probabilities").list.get(pl.col("answer")).clip(LEAST_PROBABILITY, 1)).to_series()
    return float(-np.log(true.to_numpy().astype(np.float64)).mean())


def summarise(predictions: pl.DataFrame, seed: int = 0) -> dict[str, dict[str, Any]]:
    """``summary.json``: predictor → its score, and under ``setups`` its score in each setup."""
    summary: dict[str, dict[str, Any]] = {}
    for (predictor,), rows in predictions.group_by("predictor", maintain_order=True):
        setups = {str(setup): score(part, seed).as_dict() for (setup,), part in sorted(_by_setup(rows))}
        summary[str(predictor)] = {**score(rows, seed).as_dict(), "setups": setups}
    return summary


def _by_setup(rows: pl.DataFrame) -> list[tuple[tuple[Any, ...], pl.DataFrame]]:
    return [(key, part) for key, part in rows.group_by("setup", maintain_order=True)]
