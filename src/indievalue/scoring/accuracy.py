"""The score of a predictor: accuracy with its interval, how far its probabilities hold, and invalid output."""

from collections.abc import Mapping
from dataclasses import dataclass, field, fields

import numpy as np
import polars as pl

from indievalue.scoring.bootstrap import cluster_interval
from indievalue.scoring.calibration import brier, calibration, option_scales, ordinal_error
from indievalue.survey.survey import Survey

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
        brier: mean squared error of the probabilities, 0-2. ece: expected calibration error of the chosen option's
            probability, 0-1; ece_floor: what chance alone gives a perfectly calibrated predictor, to read it against.
            None where there are no probabilities. See :mod:`indievalue.scoring.calibration` for all three.
        ordinal_error: mean distance between chosen and true option of ordered questions, 0-1; None where the survey
            was not given.
    """

    accuracy: float
    accuracy_low: float
    accuracy_high: float
    log_loss: float | None
    invalid: int
    people: int
    probes: int
    brier: float | None = None
    ece: float | None = None
    ece_floor: float | None = None
    ordinal_error: float | None = None

    def as_dict(self) -> dict[str, float | int | None]:
        """Return the score as plain values, by name."""
        return {one.name: getattr(self, one.name) for one in fields(Score)}


@dataclass(frozen=True)
class PredictorScore(Score):
    """The score of one predictor over all setups, and in each of them: ``setups`` by the setup's number."""

    setups: Mapping[str, Score] = field(default_factory=dict)

    def as_nested_dict(self) -> dict[str, object]:
        """Return the score as ``summary.json`` holds it."""
        return {**self.as_dict(), "setups": {setup: score.as_dict() for setup, score in self.setups.items()}}


def score(predictions: pl.DataFrame, seed: int = 0, survey: Survey | None = None) -> Score:
    """Score the rows of one predictor; only ``survey`` knows which questions are ordered.

    Raises ValueError where there are no rows.
    """
    if predictions.is_empty():
        raise ValueError("no predictions to score")
    by_person = (
        predictions.group_by("person")
        .agg((pl.col("choice") == pl.col("answer")).sum().alias("right"), pl.len().alias("probes"))
        .sort("person")
    )
    right, probes = by_person["right"].to_numpy(), by_person["probes"].to_numpy()
    low, high = cluster_interval(right, probes, seed)
    calibrated = calibration(predictions, seed)
    return Score(
        accuracy=100 * float(right.sum() / probes.sum()),
        accuracy_low=100 * low,
        accuracy_high=100 * high,
        log_loss=log_loss(predictions),
        invalid=int((predictions["choice"] < 0).sum()),
        people=len(by_person),
        probes=len(predictions),
        brier=brier(predictions),
        ece=calibrated.error if calibrated else None,
        ece_floor=calibrated.floor if calibrated else None,
        ordinal_error=ordinal_error(predictions, option_scales(predictions, survey)) if survey else None,
    )


def log_loss(predictions: pl.DataFrame) -> float | None:
    """Mean negative log probability of the true option over rows that have probabilities; None where none has."""
    given = predictions.filter(pl.col("probabilities").is_not_null())
    if given.is_empty():
        return None
    true = given.select(pl.col("probabilities").list.get(pl.col("answer")).clip(LEAST_PROBABILITY, 1)).to_series()
    return float(-np.sort(np.log(true.to_numpy().astype(np.float64))).mean())


def summarise(predictions: pl.DataFrame, seed: int = 0, survey: Survey | None = None) -> dict[str, PredictorScore]:
    """Score each predictor, in the order of first occurrence, over all rows and in each setup."""
    scores: dict[str, PredictorScore] = {}
    for (predictor,), rows in predictions.group_by("predictor", maintain_order=True):
        parts = sorted((int(str(setup)), part) for (setup,), part in rows.group_by("setup", maintain_order=True))
        setups = {str(setup): score(part, seed, survey) for setup, part in parts}
        scores[str(predictor)] = PredictorScore(**score(rows, seed, survey).as_dict(), setups=setups)  # type: ignore[arg-type]
    return scores
