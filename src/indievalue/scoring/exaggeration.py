"""Whether predicted differences between groups are as large as the real ones, and in the same order.

The answers of a group are summarised by the mean position on the scale, 0 to 1, of an ordered question, and by the
share of each option of another question. Means of few people differ by chance alone; that is taken out.
"""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy.stats import rankdata

from indievalue.scoring.answer_shares import Answers, Floats, Means, has_values
from indievalue.scoring.bootstrap import times_drawn
from indievalue.scoring.groups import Groups
from indievalue.scoring.spread import HIGH, LOW

RANK_DRAWS = 200
"""Bootstrap draws of the rank correlation, at most: ranks are slow."""

_LEAST = 3
"""Number of groups from which their order means anything."""

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

    def means(self, given: Floats, groups: Groups, weight: Floats) -> Means:
        """Return the means of the features over the members of each group."""
        values = (given[:, self.question] * self.values).sum(axis=-1, keepdims=True)
        return Means.of(values, has_values(given)[:, self.question], groups, weight)


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


def differences(features: Features, true: Means, predicted: Means, draws: int, seed: int) -> Differences:
    """Compare predicted with real differences between groups, with 95% intervals from resampling people."""
    if len(true.groups.labels) < 2:
        return Differences()
    known = (true.total > 0) & (predicted.total > 0)
    both = [np.where(known, each.mean[..., 0], np.nan) for each in (true, predicted)]
    drawn = [np.where(known, drawn_means(each, draws, seed), np.nan) for each in (true, predicted)]
    noise = [_noise(each, known) for each in (true, predicted)]
    real, said = (_variances(each[None])[0] - one for each, one in zip(both, noise, strict=True))
    # A bootstrap draw has the noise of the sample and its own.
    spreads = [_variances(each) - 2 * one for each, one in zip(drawn, noise, strict=True)]
    ratio = _ratio(said, real)
    found = Differences()
    if ratio is not None:
        low, high = _ends(np.array([_drawn_ratio(*pair) for pair in zip(spreads[1], spreads[0], strict=True)]))
        found = Differences(ratio, low, high)
    if len(true.groups.labels) < _LEAST:
        return found
    complete = features.ordered & known.all(axis=0)
    value = _rank_correlations(both[1][None][:, :, complete], both[0][None][:, :, complete])[0]
    if np.isnan(value):
        return found
    some = [each[:RANK_DRAWS, :, complete] for each in drawn]
    ranks = _rank_correlations(some[1], some[0])
    # Noise lowers the correlations of draws twice, so that they are moved to be around that of the sample.
    known_ranks = ranks[~np.isnan(ranks)]
    shift = value - known_ranks.mean() if len(known_ranks) else 0.0
    low, high = (None if end is None else float(np.clip(end + shift, -1, 1)) for end in _ends(known_ranks))
    return replace(found, rank_correlation=float(value), rank_correlation_low=low, rank_correlation_high=high)


def drawn_means(means: Means, draws: int, seed: int) -> Floats:
    """Return the means of one column (draws × groups × features) when people are drawn with replacement."""
    times = times_drawn(len(means.weight), seed, draws)
    found = np.full((draws, *means.mean.shape[:2]), np.nan)
    weighted = means.weight[:, None] * means.has
    for group in range(len(means.groups.labels)):
        members = np.flatnonzero(means.groups.group == group)
        drawn = times[:, members].astype(np.float64)
        total = drawn @ weighted[members]
        sums = drawn @ (weighted[members] * means.values[members, :, 0])
        found[:, group] = np.divide(sums, total, out=np.full_like(sums, np.nan), where=total > 0)
    return found


def _noise(means: Means, known: NDArray[np.bool_]) -> float:
    """Return the sampling variance of the means, averaged over the groups of a feature and summed over features."""
    members = means.groups.known
    own = means.groups.group[members]
    squares = np.zeros(means.mean.shape[:2])
    np.add.at(squares, own, means.influence(members, slice(None))[..., 0] ** 2)
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


def _rank_correlations(predicted: Floats, real: Floats) -> Floats:
    """Return the mean over features of Spearman's correlation over groups (draws,) of (draws × groups × features)."""
    ranks = []
    for means in (predicted, real):
        rank = rankdata(np.round(means, _DIGITS), axis=1)
        ranks.append(rank - rank.mean(axis=1, keepdims=True))
    lengths = [np.sqrt((rank**2).sum(axis=1)) for rank in ranks]
    size = lengths[0] * lengths[1]
    correlation = np.divide((ranks[0] * ranks[1]).sum(axis=1), size, out=np.zeros_like(size), where=size > 0)
    differ = lengths[1] > 0
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
