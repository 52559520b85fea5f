"""Prediction-powered inference: a regression on few answers and many predictions, with valid intervals.

Every estimate is a coefficient of a regression of answers on a design: a mean has a design of ones, means of groups
have a column for each group, a difference has ones and a column for one of two groups. The estimate is

    classical + λ · (coefficient of the predictions of others − coefficient of the predictions of those asked)

whose bracket is 0 on average, whatever the predictor's bias, if those asked are a random sample. λ is chosen to make
the interval narrow, separately for each coefficient (power tuning: Angelopoulos, Duchi & Zrnic 2023, *PPI++*,
arXiv 2311.01453; Angelopoulos et al. 2023, *Science* 382:669-674).
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import stdtrit

from indievalue.intervals import Z

Floats = NDArray[np.float64]
Mask = NDArray[np.bool_]


@dataclass(frozen=True)
class Sample:
    """People, some of them asked.

    Attributes:
        design: (people × coefficients). answers: (people,), nan for those who were not asked or did not answer.
        predictions: (people,). asked: bool (people,), including people who were asked and did not answer.
        weights: (people,), with a mean of 1 among those asked and among the others; 0 leaves a person out.
    """

    design: Floats
    answers: Floats
    predictions: Floats
    asked: Mask
    weights: Floats

    @property
    def answered(self) -> Mask:
        """People whose answer is known (people,)."""
        return np.asarray(self.asked & np.isfinite(self.answers))


@dataclass(frozen=True)
class Powered:
    """Estimates of each coefficient, all (coefficients,), with the ends of 95% intervals.

    Attributes:
        estimate, low, high: from answers and predictions. classical, classical_low, classical_high: from answers alone.
        predicted: from the predictions of everybody alone, which have the predictor's bias.
        tuning: λ, from 0 on. error, classical_error, untuned_error: standard errors, the last with λ = 1.
        correlation: correlation, over those asked, of what answers and predictions contribute to the coefficient.
        behind, others_behind: effective numbers of answers, and of others' predictions, that the coefficient rests on.
        drift: how many standard errors the predictions of others differ from those of the people asked.
    """

    estimate: Floats
    low: Floats
    high: Floats
    classical: Floats
    classical_low: Floats
    classical_high: Floats
    predicted: Floats
    tuning: Floats
    error: Floats
    classical_error: Floats
    untuned_error: Floats
    correlation: Floats
    behind: Floats
    others_behind: Floats
    drift: Floats

    @property
    def effective(self) -> Floats:
        """Return how many answers alone would be as precise, for each answer that there is; 1 if none varies."""
        return np.where(self.error > 0, (self.classical_error / np.where(self.error > 0, self.error, 1)) ** 2, 1.0)

    def effective_interval(self, size: Floats, ratio: float) -> tuple[Floats, Floats]:
        """Return the ends of a 95% interval of :attr:`effective`, from that of the correlation (Fisher's z).

        ``size`` is the effective number of answers, ``ratio`` how many people were asked for each of the others.
        """
        middle = np.arctanh(np.clip(self.correlation, -0.999999, 0.999999))
        half = Z / np.sqrt(np.maximum(size - 3, 1))
        low, high = (np.maximum(np.tanh(end), 0) for end in (middle - half, middle + half))
        return 1 / (1 - low**2 / (1 + ratio)), 1 / (1 - high**2 / (1 + ratio))


def powered(sample: Sample, tuning: float | None = None) -> Powered:
    """Estimate each coefficient; ``tuning`` is λ for all of them, by default the best for each, from 0 on.

    Standard errors are the heteroskedasticity-consistent ones with leverages taken into account (HC2), with one degree
    of freedom less for a λ that was chosen. Intervals have Student's t with as many degrees of freedom as the people
    who matter for the coefficient (Satterthwaite).

    >>> answers = np.array([1.0, 2.0, 3.0, 4.0, np.nan, np.nan])
    >>> predictions = np.array([1.0, 2.0, 3.0, 4.0, 3.0, 5.0])  # perfect for those asked
    >>> asked = np.arange(6) < 4
    >>> found = powered(Sample(np.ones((6, 1)), answers, predictions, asked, np.ones(6)), tuning=1)
    >>> float(found.classical[0]), float(found.estimate[0])  # the others' predictions are 1.5 higher
    (2.5, 4.0)
    """
    answered, others = sample.answered, ~sample.asked
    truth = _Fit.of(sample, answered, sample.answers)
    inside = _Fit.of(sample, sample.asked, sample.predictions)
    outside = _Fit.of(sample, others, sample.predictions)
    everybody = _Fit.of(sample, np.ones(len(others), bool), sample.predictions)
    of_answers, of_inside = _among(sample, truth.influence()), inside.influence()
    shared = (of_answers * of_inside).sum(axis=0)
    best = _ratio(shared, _variance_apart(inside, outside, everybody.coefficients))
    chosen = np.maximum(best, 0) if tuning is None else np.full_like(best, tuning)

    answers_error, inside_error = _among(sample, truth.influence(leverage=True)), inside.influence(leverage=True)
    outside_variance = (outside.influence(leverage=True) ** 2).sum(axis=0)
    freedom, others_freedom = truth.behind - 1, outside.behind - 1

    def rectified(weight: Floats, spent: Floats) -> Floats:
        left = np.maximum(freedom - spent, 1) / np.maximum(freedom, 1)
        return np.asarray(((answers_error - weight * inside_error) ** 2).sum(axis=0) / left)

    spent = np.where(chosen > 0, 1.0 if tuning is None else 0.0, 0.0)
    parts = rectified(chosen, spent), chosen**2 * outside_variance
    classical_variance = (answers_error**2).sum(axis=0)
    estimate = truth.coefficients + chosen * (outside.coefficients - inside.coefficients)
    error = np.sqrt(parts[0] + parts[1])
    degrees = _satterthwaite(parts, (np.maximum(freedom - spent, 1), np.maximum(others_freedom, 1)))
    half = error * stdtrit(degrees, 0.975)
    classical_half = np.sqrt(classical_variance) * stdtrit(np.maximum(freedom, 1), 0.975)
    apart = np.sqrt((inside_error**2).sum(axis=0) + outside_variance)
    return Powered(
        estimate=estimate,
        low=estimate - half,
        high=estimate + half,
        classical=truth.coefficients,
        classical_low=truth.coefficients - classical_half,
        classical_high=truth.coefficients + classical_half,
        predicted=everybody.coefficients,
        tuning=chosen,
        error=error,
        classical_error=np.sqrt(classical_variance),
        untuned_error=np.sqrt(rectified(np.ones_like(chosen), np.zeros_like(chosen)) + outside_variance),
        correlation=_ratio(shared, np.sqrt((of_answers**2).sum(axis=0) * (of_inside**2).sum(axis=0))),
        behind=truth.behind,
        others_behind=outside.behind,
        drift=_ratio(outside.coefficients - inside.coefficients, apart),
    )


@dataclass(frozen=True)
class _Fit:
    """A weighted least squares fit of some people.

    Attributes:
        coefficients: (coefficients,). pull: (rows × coefficients), what one unit of a residual adds to a coefficient.
    """

    design: Floats
    values: Floats
    coefficients: Floats
    pull: Floats

    @classmethod
    def of(cls, sample: Sample, chosen: Mask, values: Floats) -> "_Fit":
        rows = np.flatnonzero(chosen)
        design, weights = sample.design[rows], sample.weights[rows]
        weighted = design * weights[:, None]
        inverse = np.linalg.inv(design.T @ weighted)
        coefficients = inverse @ (weighted.T @ values[rows])
        return cls(design, values[rows], coefficients, weighted @ inverse)

    def influence(self, coefficients: Floats | None = None, *, leverage: bool = False) -> Floats:
        """Return what each person contributes to each coefficient (rows × coefficients), around ``coefficients``."""
        at = self.coefficients if coefficients is None else coefficients
        residuals = self.values - self.design @ at
        if leverage:
            own = (self.pull * self.design).sum(axis=1)
            residuals = residuals / np.sqrt(np.maximum(1 - own, 1e-9))
        return np.asarray(self.pull * residuals[:, None])

    @property
    def behind(self) -> Floats:
        """Effective number of people that each coefficient rests on: n for a mean, a group's size for its mean."""
        squares = self.pull**2
        return _ratio(squares.sum(axis=0) ** 2, (squares**2).sum(axis=0))


def _among(sample: Sample, influence: Floats) -> Floats:
    """Return the influence of people who answered for all who were asked: 0 for those who gave no answer."""
    whole = np.zeros_like(sample.design)
    whole[sample.answered] = influence
    return whole[sample.asked]


def _variance_apart(inside: _Fit, outside: _Fit, coefficients: Floats) -> Floats:
    """Return the variance of the difference between coefficients of two samples, from the spread in both together."""
    asked, others = inside.behind, outside.behind
    squares = [
        number**2 * (one.influence(coefficients) ** 2).sum(axis=0)
        for number, one in ((asked, inside), (others, outside))
    ]
    return np.asarray((squares[0] + squares[1]) / (asked + others - 1) * (1 / asked + 1 / others))


def _satterthwaite(parts: tuple[Floats, Floats], degrees: tuple[Floats, Floats]) -> Floats:
    """Return the degrees of freedom of a sum of two variances."""
    whole = (parts[0] + parts[1]) ** 2
    each = parts[0] ** 2 / degrees[0] + parts[1] ** 2 / degrees[1]
    return np.where(each > 0, whole / np.where(each > 0, each, 1), degrees[0])


def _ratio(a: Floats, b: Floats) -> Floats:
    """Return a / b, and 0 where b is 0."""
    return np.where(b > 0, a / np.where(b > 0, b, 1), 0.0)
