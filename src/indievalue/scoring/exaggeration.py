"""Whether predicted differences between groups are as large as the real ones, and in the same order.

The answers of a group are summarised by the mean position on the scale, 0 to 1, of an ordered question, and by the
share of each option of another question. Means of few people differ by chance alone; that is taken out.
"""

from dataclasses import dataclass, field, replace
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from indievalue.scoring.answer_shares import Answers, Floats, Given, Means, has_values
from indievalue.scoring.bootstrap import times_drawn
from indievalue.scoring.spread import HIGH, LOW

RANK_DRAWS = 200
"""Bootstrap draws of the rank correlation, at most: ranks are slow."""

_LEAST = 3
"""Number of groups from which their order means anything."""

_FEW = 40
"""Number of groups up to which comparing each two of them is faster than sorting."""

_DIGITS = 9
"""Decimals of a mean that count in its rank: predictions that are the same for all may differ in the last digits."""


@dataclass(frozen=True)
class Features:
    """What the answers of a group are summarised by.

    Attributes:
        question: index of the question of each feature (features,). values: of its options (features × options).
        ordered: whether the question is ordered (features,).
    """

    question: NDArray[np.int64]
    values: Floats
    ordered: NDArray[np.bool_]

    @classmethod
    def of(cls, answers: Answers) -> "Features":
        """Return the features of all questions.

        Those of an unordered question are halved in variance, so that two options count as on a scale.
        """
        question: list[int] = []
        values: list[Floats] = []
        width = answers.true.shape[2]
        for place, (number, ordered) in enumerate(zip(answers.options, answers.ordered, strict=True)):
            scale = np.arange(width) / max(int(number) - 1, 1)
            rows = scale[None] if ordered else np.eye(width)[: int(number)] / np.sqrt(2)
            question += [place] * len(rows)
            values += list(rows)
        at = np.array(question, np.int64)
        return cls(at, np.array(values).reshape(len(at), width), answers.ordered[at])

    def given(self, given: Floats, weight: Floats) -> Given:
        """Return the features of each person, of answers ``given`` (people × questions × options)."""
        values = (given[:, self.question] * self.values).sum(axis=-1, keepdims=True)
        return Given(values, has_values(given)[:, self.question], weight)


@dataclass(frozen=True)
class Differences:
    """How the differences between the groups of a demographic are predicted; None where it is undefined.

    Attributes:
        exaggeration: predicted standard deviation between groups over the real one, both without sampling noise and
            pooled over questions: 1 is as large as real, above it groups are stereotyped, below it they are levelled.
        rank: Spearman's correlation, over groups, of predicted and real mean positions, averaged over ordered
            questions; a question that is predicted to be the same in all groups counts as 0.
    """

    exaggeration: float | None = None
    exaggeration_low: float | None = None
    exaggeration_high: float | None = None
    rank_correlation: float | None = None
    rank_correlation_low: float | None = None
    rank_correlation_high: float | None = None


@dataclass(frozen=True)
class Real:
    """The real differences between the groups of a demographic, with which those of any predictor are compared.

    Attributes:
        means: of the features. ordered: whether a feature is the position on an ordered question (features,).
        draws: number of bootstrap draws of people. seed: of the draws.
    """

    means: Means
    ordered: NDArray[np.bool_]
    draws: int
    seed: int
    _sides: dict[bytes, "_Side"] = field(default_factory=dict, repr=False, compare=False)

    def side(self, known: NDArray[np.bool_]) -> "_Side":
        """Return the differences in what is ``known`` (groups × features); most predictors share them."""
        key = np.packbits(known).tobytes()
        if key not in self._sides:
            self._sides.clear()  # ranks of many draws are large
            self._sides[key] = self.compared(self.means, known)
        return self._sides[key]

    def compared(self, means: Means, known: NDArray[np.bool_]) -> "_Side":
        """Return the differences between the groups in ``means``, real or predicted, of what is known."""
        own = np.where(known, means.mean[..., 0], np.nan)
        drawn = np.where(known, drawn_means(means, self.draws, self.seed), np.nan)
        noise = _noise(means, known)
        complete = self.ordered & known.all(axis=0)
        ranks = [
            _Ranks.of(each[:RANK_DRAWS, :, complete]) if len(known) >= _LEAST else None for each in (own[None], drawn)
        ]
        # A bootstrap draw has the noise of the sample and its own.
        return _Side(_variances(own[None])[0] - noise, _variances(drawn) - 2 * noise, *ranks)


def differences(real: Real, predicted: Means) -> Differences:
    """Compare predicted with real differences between groups, with 95% intervals from resampling people."""
    if len(predicted.groups.labels) < 2:
        return Differences()
    known = (real.means.total > 0) & (predicted.total > 0)
    true, said = real.side(known), real.compared(predicted, known)
    ratio = _ratio(said.variance, true.variance)
    found = Differences()
    if ratio is not None:
        low, high = _ends(np.array([_drawn_ratio(*pair) for pair in zip(said.drawn, true.drawn, strict=True)]))
        found = Differences(ratio, low, high)
    if true.ranks is None or said.ranks is None or true.drawn_ranks is None or said.drawn_ranks is None:
        return found
    value = _rank_correlations(said.ranks, true.ranks)[0]
    if np.isnan(value):
        return found
    ranks = _rank_correlations(said.drawn_ranks, true.drawn_ranks)
    # Noise lowers the correlations of draws twice, so that they are moved to be around that of the sample.
    known_ranks = ranks[~np.isnan(ranks)]
    shift = value - known_ranks.mean() if len(known_ranks) else 0.0
    low, high = (None if end is None else float(np.clip(end + shift, -1, 1)) for end in _ends(known_ranks))
    return replace(found, rank_correlation=float(value), rank_correlation_low=low, rank_correlation_high=high)


@dataclass(frozen=True)
class _Ranks:
    """Ranks of the groups minus the mean rank.

    Attributes:
        centred: float32, which holds them exactly (draws × groups × features); nan if a group has no value.
        length: the root of the sum of their squares over groups (draws × features).
    """

    centred: NDArray[np.float32]
    length: Floats

    @classmethod
    def of(cls, means: Floats) -> "_Ranks":
        """Rank the groups in ``means`` (draws × groups × features); equal ones share a rank."""
        means = np.round(means, _DIGITS)
        groups = means.shape[1]
        if groups > _FEW:
            from scipy.stats import rankdata  # takes half a second, which few need

            centred = (rankdata(means, axis=1) - (groups + 1) / 2).astype(np.float32)
        else:  # A group's rank is half the number of those below it minus those above it: faster than sorting.
            twice = np.zeros(means.shape, np.int8)
            for one, other in combinations(range(groups), 2):
                above = (means[:, one] > means[:, other]).view(np.int8)
                above -= (means[:, one] < means[:, other]).view(np.int8)
                twice[:, one] += above
                twice[:, other] -= above
            centred = twice.astype(np.float32) / 2
            centred.swapaxes(1, 2)[np.isnan(means).any(axis=1)] = np.nan
        return cls(centred, np.sqrt((centred.astype(np.float64) ** 2).sum(axis=1)))


@dataclass(frozen=True)
class _Side:
    """Real or predicted differences between groups.

    Attributes:
        variance: over groups, summed over features, without sampling noise. drawn: of each bootstrap draw (draws,).
        ranks, drawn_ranks: of the groups in ordered questions that all groups were asked, in the sample and in the
            first draws; None for too few groups.
    """

    variance: float
    drawn: Floats
    ranks: _Ranks | None
    drawn_ranks: _Ranks | None


def drawn_means(means: Means, draws: int, seed: int) -> Floats:
    """Return the means of one column (draws × groups × features) when people are drawn with replacement."""
    given = means.given
    times = times_drawn(len(given.weight), seed, draws)
    found = np.full((draws, *means.mean.shape[:2]), np.nan)
    for group, members in enumerate(means.members):
        drawn = times[:, members].astype(np.float64)
        total = drawn @ given.weighted[members]
        sums = drawn @ (given.weighted[members] * given.values[members, :, 0])
        found[:, group] = np.divide(sums, total, out=np.full_like(sums, np.nan), where=total > 0)
    return found


def _noise(means: Means, known: NDArray[np.bool_]) -> float:
    """Return the sampling variance of the means, averaged over the groups of a feature and summed over features."""
    squares = np.stack(
        [(means.influence(group, slice(None))[..., 0] ** 2).sum(axis=0) for group in range(len(means.members))]
    )
    people = means.effective
    squares *= np.divide(people, people - 1, out=np.ones_like(people), where=people > 1)
    groups = known.sum(axis=0)
    used = groups > 1
    return float((np.where(known, squares, 0).sum(axis=0)[used] / groups[used]).sum())


def _variances(means: Floats) -> Floats:
    """Return the variance over groups, summed over features, of means (draws × groups × features)."""
    known = np.isfinite(means)
    groups = known.sum(axis=1)
    used = groups > 1
    sums = np.where(known, means, 0).sum(axis=1)
    centre = np.divide(sums, groups, out=np.zeros_like(sums), where=used)
    squares = (np.where(known, means - centre[:, None], 0) ** 2).sum(axis=1)
    return np.asarray(np.divide(squares, groups - 1, out=np.zeros_like(squares), where=used).sum(axis=1))


def _ratio(said: float, real: float) -> float | None:
    """Return the ratio of standard deviations; None if the groups do not really differ."""
    return float(np.sqrt(max(said, 0) / real)) if real > 0 else None


def _drawn_ratio(said: float, real: float) -> float:
    """Return the ratio in a bootstrap draw: 0 without predicted differences, else infinite without real ones."""
    if said <= 0:
        return 0.0
    ratio = _ratio(said, real)
    return np.inf if ratio is None else ratio


def _rank_correlations(predicted: _Ranks, real: _Ranks) -> Floats:
    """Return the mean over features of Spearman's correlation over groups (draws,)."""
    size = predicted.length * real.length
    products = (predicted.centred.astype(np.float64) * real.centred).sum(axis=1)
    correlation = np.divide(products, size, out=np.zeros_like(size), where=size > 0)
    differ = real.length > 0
    count = differ.sum(axis=1)
    sums = np.where(differ, correlation, 0).sum(axis=1)
    return np.asarray(np.divide(sums, count, out=np.full(len(sums), np.nan), where=count > 0))


def _ends(draws: Floats) -> tuple[float | None, float | None]:
    """Return the ends of a 95% interval; None for one that is not finite."""
    kept = draws[~np.isnan(draws)]
    if not len(kept):
        return None, None
    low, high = np.quantile(kept, [LOW, HIGH], method="nearest")
    return (float(low) if np.isfinite(low) else None), (float(high) if np.isfinite(high) else None)
