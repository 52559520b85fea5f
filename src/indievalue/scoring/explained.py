"""How much of the answers to each question other answers explain, and how far each person's answers are from it."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from indievalue.people.people import People
from indievalue.scoring.noise import latent_share, normal_scores, probabilities
from indievalue.seeded import keys

Floats = NDArray[np.float64]

RIDGES = (0.02, 0.1, 0.5, 2.0, 10.0)
"""Ridges in units of a score's variance; the one that explains most in people held out is used."""

FEWEST = 100
"""Fewest people who answered both of two questions for their correlation to be used."""

MOST = 0.95
"""Extrapolated shares are at most this."""

_BLOCKS = 4
"""Parts of the questions; half of the questions are two of them."""

_SWEEPS = 3
"""Times that answers are predicted from the others; missing ones count as the mean, then as predicted before."""

_SMALLEST = 0.01
"""Least eigenvalue of a matrix of correlations, each of which may be of other people."""


@dataclass(frozen=True)
class Explained:
    """What other answers explain.

    Attributes:
        share: float64 (questions,), share of the variance of each question's scores explained by all other questions,
            in people held out. limit: the same, extrapolated to more people and questions. Both are shares of the
            normal variable that underlies the steps of a scale; nan where too few answered.
        correlations: float64 (questions × questions), of the scores.
        distance: float64 (people,), sum of squares of the differences between a person's scores and what their other
            answers let expect. usual: the sum expected. answers: int64 (people,), how many.
    """

    share: Floats
    limit: Floats
    correlations: Floats
    distance: Floats
    usual: Floats
    answers: NDArray[np.int64]


@dataclass(frozen=True)
class Scores:
    """Answers as numbers: standardized normal scores of scales; for other questions, whether the most common is chosen.

    Attributes:
        shares: float64 (questions × options), how often each refined option is chosen. table: the score of each.
        ordered: bool (questions,). options: int8 (people × questions), -1 where missing.
    """

    shares: Floats
    table: Floats
    ordered: NDArray[np.bool_]
    options: NDArray[np.int8]

    @classmethod
    def of(cls, people: People) -> "Scores":
        options, most = people.options("refined"), int(people.survey.form("refined").counts.max())
        counts = np.stack([(options == option).sum(axis=0) for option in range(most)], axis=1)
        shares = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
        ordered = np.array([question.ordered for question in people.survey.questions])
        chosen = np.eye(most)[shares.argmax(axis=1)]
        table = np.where(ordered[:, None], normal_scores(shares), chosen - (chosen * shares).sum(axis=1, keepdims=True))
        spread = np.sqrt((shares * table**2).sum(axis=1, keepdims=True))
        return cls(shares, np.divide(table, spread, out=np.zeros(table.shape), where=spread > 0), ordered, options)

    @cached_property
    def known(self) -> NDArray[np.bool_]:
        """Which answers are known (people × questions)."""
        return np.asarray(self.options >= 0)

    @cached_property
    def values(self) -> Floats:
        """The scores (people × questions), 0 where missing, which is their mean."""
        at = np.arange(len(self.table))[None, :], np.maximum(self.options, 0)
        return np.where(self.known, self.table[at], 0.0)

    @cached_property
    def used(self) -> NDArray[np.bool_]:
        """Which questions enough people answered, not all the same (questions,)."""
        return np.asarray((self.known.sum(axis=0) >= FEWEST) & (self.table != 0).any(axis=1))

    def correlations(self, part: NDArray[np.int64], parts: int) -> "list[_Correlated]":
        """Return what the correlations of people in each of ``parts`` are made of; ``part`` (people,) is a number."""
        found = []
        for number in range(parts):
            values, known = self.values[part == number], self.known[part == number].astype(np.float32)
            found.append(_Correlated(values.T @ values, known.T @ known, values, known))
        both = np.sum([one.both for one in found], axis=0)[np.ix_(self.used, self.used)]
        return [replace(one, complete=bool((both >= FEWEST / 4).all())) for one in found]


@dataclass(frozen=True)
class _Correlated:
    """Sums of products of scores over people who answered both questions, and the number of these people.

    ``values`` and ``known`` (people × questions) are those of the scores. ``complete`` is False if some questions are
    never asked together, so that the correlations cannot tell what both of them explain.
    """

    products: Floats
    both: NDArray[np.floating]
    values: Floats
    known: NDArray[np.floating]
    complete: bool = True

    def __add__(self, other: "_Correlated") -> "_Correlated":
        values, known = np.vstack([self.values, other.values]), np.vstack([self.known, other.known])
        return _Correlated(self.products + other.products, self.both + other.both, values, known, self.complete)

    @cached_property
    def matrix(self) -> Floats:
        """Correlations (questions × questions), 0 where fewer than a quarter of :data:`FEWEST` answered both."""
        return np.where(self.both >= FEWEST / 4, self.products / np.maximum(self.both, 1), 0.0)

    @cached_property
    def positive(self) -> Floats:
        """The nearest matrix all of whose eigenvalues are positive: each correlation may be of other people."""
        matrix = self.matrix.copy()
        matrix[np.diag_indices(len(matrix))] = 1
        values, vectors = np.linalg.eigh(matrix)
        return np.asarray((vectors * np.maximum(values, _SMALLEST)) @ vectors.T)


def explained(scores: Scores, people: People, wanted: NDArray[np.bool_], seed: int) -> Explained:
    """Return how much other answers explain. ``people`` are those of the scores; ``seed`` draws halves of them.

    Distances are those of the people who are ``wanted`` (people,).
    """
    order = np.argsort(keys(seed, "ceiling", people.ids.tolist()), kind="stable")
    part = np.argsort(order) % 4
    quarters = scores.correlations(part, 4)
    whole = [quarters[0] + quarters[1], quarters[2] + quarters[3]]
    every = scores.used
    ridge = max(RIDGES, key=lambda ridge: float(_held_out(whole, every, ridge)[every].mean())) if every.any() else 1.0
    share = np.maximum(_held_out(whole, every, ridge), (_of_nearest(*whole) + _of_nearest(*reversed(whole))) / 2)
    of_fewer = np.mean([_share(quarters[at], whole[at < 2], every, ridge) for at in range(4)], axis=0)
    of_half = np.mean([_held_out(whole, some, ridge) for some in _halves(every, seed)], axis=0)
    limit = np.maximum(share, 2 * share - of_fewer)
    if every.any():
        limit = np.clip(limit * _growth(float(share[every].mean()), float(of_half[every].mean())), 0, MOST)
    share, limit = _latent(scores, np.clip([share, limit], 0, MOST), every)
    weights = [_weights(each, every, ridge) for each in whole]
    distance, usual = _distances(scores, people, part // 2, weights, share, wanted)
    return Explained(
        share, limit, (whole[0] + whole[1]).matrix, distance, usual, scores.known[wanted][:, every].sum(axis=1)
    )


def _latent(scores: Scores, share: Floats, every: NDArray[np.bool_]) -> Floats:
    """Return shares of the normal variables that underlie scales, from those of scores (… × questions)."""
    of_scales = latent_share(scores.shares, share)
    return np.where(every, np.where(scores.ordered, of_scales, share), np.nan)


def _growth(share: float, half: float) -> float:
    """Return how much more questions would explain, relative to ``share`` by all and ``half`` by half of them.

    It is half of the way to what ever more of them would explain under share = limit · n / (n + c) for n questions, at
    most 1.25. On people who were asked three times, the whole way exceeds the measured reliability of more than a third
    of the questions: answers also share errors, and questions that go together are asked together.
    """
    if not 0 < half < share:
        return 1.0
    return float(1 + min(0.5, 1 / max(2 - share / half, 1e-9) - 1) / 2)


def _halves(every: NDArray[np.bool_], seed: int) -> Iterator[NDArray[np.bool_]]:
    """Yield halves of the questions."""
    names = [str(at) for at in range(len(every))]
    block = np.argsort(np.argsort(keys(seed, "questions", names), kind="stable")) % _BLOCKS
    for some in combinations(range(_BLOCKS), _BLOCKS // 2):
        yield every & np.isin(block, some)


def _held_out(halves: "list[_Correlated]", some: NDArray[np.bool_], ridge: float) -> Floats:
    """Return the share explained by ``some`` questions in the other half of the people, the mean of both ways."""
    one, other = halves
    return np.asarray((_share(one, other, some, ridge) + _share(other, one, some, ridge)) / 2)


def _of_nearest(fitted: _Correlated, tested: _Correlated) -> Floats:
    """Return the share of each question's variance that its nearest question alone explains in the people ``tested``.

    A ridge for all questions takes away from what one that asks nearly the same explains.
    """
    correlations = fitted.matrix.copy()
    np.fill_diagonal(correlations, 0)
    nearest = np.abs(correlations).argmax(axis=1)
    rows = np.arange(len(nearest))
    weight = correlations[rows, nearest]
    return np.asarray(2 * weight * tested.matrix[rows, nearest] - weight**2)


def _share(fitted: _Correlated, tested: _Correlated, some: NDArray[np.bool_], ridge: float) -> Floats:
    """Return the share of each question's variance that ``some`` others explain in the people ``tested``.

    Where questions of a split ballot are never asked together, it is what the answers that each person gave explain:
    correlations alone would add up what no one person's answers tell.
    """
    weights = _weights(fitted, some, ridge)
    if not tested.complete:
        wrong = tested.known * (tested.values - tested.values @ weights)
        whole = (tested.values**2).sum(axis=0)
        return np.asarray(1 - np.divide((wrong**2).sum(axis=0), whole, out=np.ones(len(whole)), where=whole > 0))
    return np.asarray((weights * (2 * tested.matrix - tested.matrix @ weights)).sum(axis=0))


def _weights(fitted: _Correlated, some: NDArray[np.bool_], ridge: float) -> Floats:
    """Return ridge weights of ``some`` questions for every question, without itself (questions × questions).

    A question among ``some`` is predicted from the others of them.
    """
    among = fitted.positive[np.ix_(some, some)]
    inverse = np.linalg.inv(among + ridge * np.eye(len(among)))
    weights = np.zeros(fitted.positive.shape)
    weights[np.ix_(some, ~some)] = inverse @ fitted.positive[np.ix_(some, ~some)]
    own = -inverse / np.diag(inverse)
    own[np.diag_indices(len(own))] = 0
    weights[np.ix_(some, some)] = own
    return weights


def _distances(
    scores: Scores,
    people: People,
    half: NDArray[np.int64],
    weights: list[Floats],
    share: Floats,
    wanted: NDArray[np.bool_],
) -> tuple[Floats, Floats]:
    """Return each person's sum of squared distances from what their other answers let expect, and the usual sum."""
    used, known = scores.used, scores.known
    expected = np.zeros(scores.values.shape)
    for number, of_others in enumerate(reversed(weights)):
        here = half == number
        for _ in range(_SWEEPS):
            filled = np.where(known[here], scores.values[here], expected[here])
            expected[here] = filled @ of_others
    far = np.where(known, scores.values - expected, 0.0)
    far -= np.where(known, _country_means(far, known, people), 0.0)
    at = (known & used)[wanted]
    usual = _usual(scores, expected[wanted], share)
    return (far[wanted] ** 2 * at).sum(axis=1), (usual * at).sum(axis=1)


def _usual(scores: Scores, expected: Floats, share: Floats) -> Floats:
    """Return the variance of each score around what is ``expected``, under the models of noise (people × questions)."""
    usual = np.zeros(expected.shape)
    known = np.nan_to_num(np.maximum(share, 0.01))
    for at in np.flatnonzero(scores.used):
        table = scores.table[at]
        if scores.ordered[at]:
            chance = probabilities(scores.shares[at], known[at])  # opinions × options
            means = chance @ table
            usual[:, at] = np.interp(expected[:, at], means, chance @ table**2 - means**2)
        else:
            low, high = table.min(), table.max()
            within = np.clip(expected[:, at], low + 0.02 * (high - low), high - 0.02 * (high - low))
            usual[:, at] = (within - low) * (high - within)
    return usual


def _country_means(far: Floats, known: NDArray[np.bool_], people: People) -> Floats:
    """Return the mean distance of each person's country, question by question, where enough people have one."""
    means = np.zeros(far.shape)
    name = people.survey.country
    if name is None or name not in people.demographics.columns:
        return means
    labels = people.demographics[name].fill_null("")
    for label in labels.unique().to_list():
        here = (labels == label).to_numpy()
        count = known[here].sum(axis=0)
        means[here] = np.where(count >= FEWEST, far[here].sum(axis=0) / np.maximum(count, 1), 0)
    return means
