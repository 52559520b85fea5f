"""Score a predictor: accuracy with a confidence interval, log loss, calibration, and invalid outputs."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields, replace
from typing import ClassVar

import numpy as np
import polars as pl
from pydantic import ConfigDict

from indievalue.choices import Weights
from indievalue.scoring.bootstrap import cluster_interval
from indievalue.scoring.calibration import brier, calibration, option_scales, ordinal_error, weighted_mean
from indievalue.scoring.ceiling import Ceiling
from indievalue.scoring.exact import fixed
from indievalue.scoring.inputs import check_survey, predictions_table
from indievalue.scoring.weighting import effective_size, weighted_rows
from indievalue.strict import NO_OTHER_KEYS, Amount, Count, Percentage
from indievalue.survey.survey import Survey
from indievalue.threads import in_threads

LEAST_PROBABILITY = 1e-6
"""Lower limit at which probabilities are clipped, so that one certain error does not make the log loss infinite."""


@dataclass(frozen=True)
class Score:
    """Scores of one predictor on one set of predictions.

    Attributes:
        accuracy: percentage of probes predicted correctly (0-100); an invalid output is wrong. accuracy_low,
            accuracy_high: 95% confidence interval, from a bootstrap over people.
        log_loss: mean negative log probability of the true option, in nats; None without probabilities.
        invalid: number of probes with invalid output. people, probes: how many there are.
        brier: Brier score, 0-2. ece: expected calibration error of the chosen option's probability, 0-1. ece_floor:
            mean ece of a perfectly calibrated predictor with the same probabilities, for comparison. All three are
            None without probabilities; see :mod:`indievalue.scoring.calibration`.
        ordinal_error: mean distance between the chosen and the true option of ordered questions, 0-1; None if no
            survey was given.
        weights: how people are weighted in all of these. effective_people: number of people that would give as precise
            a result without weights (see :func:`indievalue.scoring.weighting.effective_size`).
        probability_rows: number of probes with probabilities, over which log_loss and brier are taken.
            calibration_rows: those with a valid choice as well, for ece. Both are None in earlier versions' summaries.

    People of weight 0 are in no figure and no count.
    """

    __pydantic_config__: ClassVar[ConfigDict] = NO_OTHER_KEYS

    accuracy: Percentage
    accuracy_low: Percentage
    accuracy_high: Percentage
    log_loss: Amount | None
    invalid: Count
    people: Count
    probes: Count
    brier: Amount | None = None
    ece: Amount | None = None
    ece_floor: Amount | None = None
    ordinal_error: Amount | None = None
    weights: Weights = "none"
    effective_people: Amount | None = None
    probability_rows: Count | None = None
    calibration_rows: Count | None = None

    def as_dict(self) -> dict[str, float | int | str | None]:
        """Return the scores as a dictionary of plain values."""
        return {one.name: getattr(self, one.name) for one in fields(Score)}


@dataclass(frozen=True)
class PredictorScore(Score):
    """Scores of one predictor over all setups, and in each setup.

    Attributes:
        setups: the setup's number → its scores. unanswered: number of probes that a chat model's server did not take;
            they have no prediction, and are in no score.
        ceiling: accuracy of the best possible predictor of the same answers, and of always predicting the most common
            answer (see :mod:`indievalue.scoring.ceiling`); None if it was not estimated. way_low, way_high: share of
            the way from the most common answer to the high and the low end of the ceiling, in percent; None where the
            most common answer is as good.
    """

    setups: Mapping[str, Score] = field(default_factory=dict)
    unanswered: Count = 0
    ceiling: Ceiling | None = None
    way_low: float | None = None
    way_high: float | None = None

    def beside(self, ceiling: Ceiling) -> "PredictorScore":
        """Return the scores with the ceiling of the same answers."""
        low, high = ceiling.way(self.accuracy)
        return replace(self, ceiling=ceiling, way_low=low, way_high=high)

    @property
    def not_answered(self) -> str | None:
        """What was not answered, as ``3 of 120 not answered``; None if everything was."""
        return f"{self.unanswered:,} of {self.probes + self.unanswered:,} not answered" if self.unanswered else None

    def as_nested_dict(self) -> dict[str, object]:
        """Return the scores in the form of ``summary.json``."""
        left_out = {"unanswered": self.unanswered} if self.unanswered else {}
        reached: dict[str, object] = {}
        if self.ceiling is not None:
            reached = {"ceiling": asdict(self.ceiling), "way_low": self.way_low, "way_high": self.way_high}
        return {
            **self.as_dict(),
            **left_out,
            **reached,
            "setups": {setup: one.as_dict() for setup, one in self.setups.items()},
        }


def score(
    predictions: pl.DataFrame,
    seed: int = 0,
    survey: Survey | None = None,
    weights: Mapping[str, float] | None = None,
    weighting: Weights = "none",
) -> Score:
    """Score the predictions of one predictor.

    Args:
        predictions: one row per person and probe, with at least the columns ``person``, ``answer``, ``choice`` and
            ``probabilities`` (and ``question`` and ``form`` if a survey is given).
        seed: seed of the bootstrap over people.
        survey: survey of the predictions, which specifies the ordered questions; None leaves ``ordinal_error`` out.
        weights: person → weight, 0 or more; by default everybody counts the same.
        weighting: name of the weights, recorded in the score.

    Raises:
        IndievalueError: if ``predictions`` is not such a table, ``survey`` is not a Survey, a weight is missing or
            negative, or all weights are 0.
        ValueError: if there are no rows.

    >>> predictions = pl.DataFrame({
    ...     "person": ["a", "a", "b", "b"],
    ...     "answer": [0, 1, 0, 1],
    ...     "choice": [0, 1, 0, 0],
    ...     "probabilities": [[0.9, 0.1], [0.2, 0.8], [0.7, 0.3], [0.6, 0.4]],
    ... })
    >>> found = score(predictions)
    >>> found.accuracy, found.people, found.probes
    (75.0, 2, 4)
    >>> round(found.log_loss, 2)
    0.4
    """
    predictions = predictions_table(predictions, "score", "probabilities")
    check_survey(survey, "score")
    if predictions.is_empty():
        raise ValueError("no predictions to score")
    predictions = weighted_rows(predictions, weights)
    by_person = (
        predictions.group_by("person")
        .agg(
            (pl.col("choice") == pl.col("answer")).sum().alias("right"),
            pl.len().alias("probes"),
            pl.col("weight").first(),
        )
        .sort("person")
    )
    given = predictions["probabilities"].is_not_null()
    right, probes = by_person["right"].to_numpy(), by_person["probes"].to_numpy()
    each = by_person["weight"].to_numpy()
    if weights is not None:
        right, probes = (fixed(each / each.mean() * part, len(each)) for part in (right, probes))
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
        weights=weighting,
        effective_people=effective_size(each),
        probability_rows=int(given.sum()),
        calibration_rows=int((given & (predictions["choice"] >= 0)).sum()),
    )


def log_loss(predictions: pl.DataFrame) -> float | None:
    """Return the mean negative log probability of the true option (nats) over rows with probabilities, or None."""
    given = predictions.filter(pl.col("probabilities").is_not_null())
    if given.is_empty():
        return None
    true = given.select(pl.col("probabilities").list.get(pl.col("answer")).clip(LEAST_PROBABILITY, 1)).to_series()
    return -weighted_mean(np.log(true.to_numpy().astype(np.float64)), given)


def summarise(
    predictions: pl.DataFrame,
    seed: int = 0,
    survey: Survey | None = None,
    weights: Mapping[str, float] | None = None,
    weighting: Weights = "none",
) -> dict[str, PredictorScore]:
    """Score each predictor, in the order of first occurrence, over all rows and in each setup (see :func:`score`)."""
    parts: dict[tuple[str, str | None], pl.DataFrame] = {}
    for (predictor,), rows in predictions.group_by("predictor", maintain_order=True):
        parts[str(predictor), None] = rows
        of_setup = sorted((int(str(setup)), part) for (setup,), part in rows.group_by("setup", maintain_order=True))
        parts |= {(str(predictor), str(setup)): part for setup, part in of_setup}

    def scored(part: pl.DataFrame) -> Score:
        return score(part, seed, survey, weights, weighting)

    found = dict(zip(parts, in_threads(scored, list(parts.values())), strict=True))
    scores: dict[str, PredictorScore] = {}
    for predictor in dict.fromkeys(name for name, _ in parts):
        setups = {setup: one for (name, setup), one in found.items() if name == predictor and setup is not None}
        scores[predictor] = PredictorScore(**found[predictor, None].as_dict(), setups=setups)  # type: ignore[arg-type]
    return scores
