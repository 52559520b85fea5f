"""Means and correlations of the scales of a survey, some of them known from answers and others from texts."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from indievalue.people.people import People
from indievalue.predictors.embedding.kernel import Chosen
from indievalue.predictors.embedding.scales import Scales
from indievalue.predictors.embedding.texts import Texts
from indievalue.predictors.joint import Joint
from indievalue.survey.same_as import Match

Floats = NDArray[np.float64]

RIDGE = 0.1
"""Added to the variance of what is shown, which is 1."""

FEWEST_PAIRS = 20
"""People who answered two questions at which their correlation has half of its weight."""

LEAST_DEVIATION = 0.02
"""A scale on which everybody has nearly the same place counts as one with this standard deviation."""


@dataclass(frozen=True)
class Answered:
    """The moments of the scales of a survey, from people's answers.

    Attributes:
        scales: all scales of the survey. known: bool (scales,), those of questions that somebody answered.
        mean, deviation: float64 (scales,), of places; correlation: float64 (scales × scales). 0 where not known.
    """

    scales: Scales
    known: NDArray[np.bool_]
    mean: Floats
    deviation: Floats
    correlation: Floats

    @classmethod
    def of(cls, people: People) -> "Answered":
        """Estimate them; the correlation of two scales is that of the people who answered both questions."""
        scales = Scales.of(people.survey)
        values, given = scales.values(people.options("refined"), "refined")
        number = given.sum(axis=0)
        mean = np.where(given, values, 0).sum(axis=0) / np.maximum(number, 1)
        centred = np.where(given, values - mean, 0)
        deviation = np.sqrt((centred**2).sum(axis=0) / np.maximum(number, 1))
        at_least = np.maximum(deviation, LEAST_DEVIATION)
        centred /= at_least
        as_numbers = given.astype(np.float64)
        both = as_numbers.T @ as_numbers
        correlation = (centred.T @ centred) / (both + FEWEST_PAIRS)
        return cls(scales, number > 0, mean, np.where(number > 0, at_least, 0), _proper(correlation))


def _proper(correlation: Floats) -> Floats:
    """Return the nearest correlations that can be of anything: those without negative eigenvalues."""
    values, vectors = np.linalg.eigh(correlation)
    if values[0] >= 0:
        return correlation
    clipped = (vectors * np.maximum(values, 0)) @ vectors.T
    size = np.sqrt(np.maximum(np.diag(clipped), 1e-12))
    scale = np.sqrt(np.maximum(np.diag(correlation), 0)) / size
    return np.asarray(clipped * scale * scale[:, None])


@dataclass(frozen=True)
class Expected:
    """The moments of the scales of the survey that is asked about.

    Attributes:
        scales: its scales. mean, deviation: float64 (scales,), of places. sign: float64 (scales,), how far the mean is
            above the middle, in standard deviations of what texts usually tell of it. joint: of standardized places.
        onto: float64 (scales × scales), the correlation of each scale with each.
    """

    scales: Scales
    mean: Floats
    deviation: Floats
    sign: Floats
    joint: Joint
    onto: Floats

    @classmethod
    def same(cls, answered: Answered, texts: Texts, chosen: Chosen, unseen: NDArray[np.bool_]) -> "Expected":
        """Return the moments of the same survey, with those of ``unseen`` scales (scales,) from texts."""
        seen = answered.known & ~unseen
        matches = {at: Match(at, reversed=False) for at in np.flatnonzero(seen).tolist()}
        return cls.elsewhere(answered, texts, chosen, answered.scales, texts, matches)

    @classmethod
    def elsewhere(
        cls,
        answered: Answered,
        texts: Texts,
        chosen: Chosen,
        scales: Scales,
        there: Texts,
        matches: dict[int, Match],
    ) -> "Expected":
        """Return the moments of ``scales`` with the texts ``there``, of which some match answered ones.

        ``matches`` has, for each scale that is the same item as an answered one, its position, and whether it runs the
        other way. Only answered scales that match one, or are of no question in ``scales``, are learned from.
        """
        used = answered.known.copy()
        if scales is answered.scales:
            used[:] = False
            used[list(matches)] = True
        known, own = np.flatnonzero(used), texts.take(used)
        place = {int(at): row for row, at in enumerate(known)}
        loading = chosen.correlations.weights(there, own)
        above = chosen.means.weights(there, own) @ (answered.mean - answered.scales.middle)[known]
        usual = np.sqrt(np.mean((answered.mean - answered.scales.middle)[known] ** 2))
        sign = above / (chosen.means.spread(there, own) * usual)
        mean = scales.middle + above
        deviation = _usual_deviations(answered, scales, known)
        matched = np.zeros(len(scales.owner), bool)
        for at, match in matches.items():
            row, turned = place[match.position], -1.0 if match.reversed else 1.0
            loading[at] = 0
            loading[at, row] = turned
            mean[at] = 1 - answered.mean[match.position] if match.reversed else answered.mean[match.position]
            deviation[at], matched[at] = answered.deviation[match.position], True
            sign[at] = (mean[at] - scales.middle[at]) / usual
        onto = loading @ answered.correlation[np.ix_(known, known)] @ loading.T
        if not matched.all() and scales is not answered.scales:
            new = ~matched
            onto[np.ix_(new, new)] += chosen.correlations.left(there.take(new), own)
        # What neither correlates with other scales nor is known: so much that the variance is 1.
        onto /= np.sqrt(np.maximum(1, np.diag(onto)))[:, None] * np.sqrt(np.maximum(1, np.diag(onto)))
        whole = onto + np.diag(1 - np.diag(onto))
        return cls(scales, np.clip(mean, 0.02, 0.98), deviation, sign, Joint(np.zeros(len(mean)), whole, RIDGE), onto)

    def places(self, values: Floats, given: NDArray[np.bool_], wanted: NDArray[np.int64]) -> Floats:
        """Return the expected standardized places on the ``wanted`` scales (people × wanted) of people.

        ``values`` and ``given`` (people × scales) are the places of the answers shown, and whether they are.
        """
        standardized = (values - self.mean) / self.deviation
        told = self.joint.condition(standardized, given, np.zeros_like(given))
        return np.asarray(told.weights @ self.onto[:, wanted])


def _usual_deviations(answered: Answered, scales: Scales, known: NDArray[np.int64]) -> Floats:
    """Return the mean standard deviation of known scales of the same kind (scales,)."""
    usual = np.full(len(scales.owner), 0.3)
    for kind in (True, False):
        of_kind = known[answered.scales.steps[known] == kind]
        if len(of_kind):
            usual[scales.steps == kind] = answered.deviation[of_kind].mean()
    return usual
