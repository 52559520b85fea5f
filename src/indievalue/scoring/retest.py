"""How well people agree with themselves when they are asked again, and what that means for accuracy.

Answers are option numbers, int (waves × people), -1 where a person was not asked or gave none. Each answer is
compared with the same person's next one; such a comparison is a *pair*. Intervals are 95% intervals that count a
person with several pairs as one (the linearised variance of a ratio, clustered by person).
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from indievalue.intervals import Z, wilson

Answers = NDArray[np.integer]
Floats = NDArray[np.float64]
Interval = tuple[float, float]


@dataclass(frozen=True)
class Pairs:
    """Answers of the same person on two occasions.

    Attributes:
        person: int (pairs,), the person's column in the answers.
        first, second: int (pairs,), the options on the earlier and the later occasion, 0 or more.
    """

    person: NDArray[np.int64]
    first: NDArray[np.int64]
    second: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.person)

    @property
    def people(self) -> int:
        """Number of people with at least one pair."""
        return len(np.unique(self.person))

    @property
    def same(self) -> NDArray[np.bool_]:
        """Whether both answers are the same (pairs,)."""
        return np.asarray(self.first == self.second)

    def table(self, options: int) -> NDArray[np.int64]:
        """Return the number of pairs with each first and second answer (options × options)."""
        cells = np.bincount(self.first * options + self.second, minlength=options * options)
        return cells.reshape(options, options)


def pairs_of(answers: Answers) -> Pairs:
    """Return each answer with the same person's next one, over waves in which they gave none.

    >>> pairs = pairs_of(np.array([[0, 1, 2], [0, -1, 1], [1, 1, -1]]))  # three waves of three people
    >>> pairs.person.tolist(), pairs.first.tolist(), pairs.second.tolist()
    ([0, 2, 0, 1], [0, 2, 0, 1], [0, 1, 1, 1])
    """
    last = np.full(answers.shape[1], -1, np.int64)
    found: list[tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]] = []
    for wave in np.asarray(answers, np.int64):
        both = np.flatnonzero((last >= 0) & (wave >= 0))
        found.append((both, last[both], wave[both]))
        last = np.where(wave >= 0, wave, last)
    person, first, second = (np.concatenate(parts) for parts in zip(*found, strict=True))
    return Pairs(person, first, second)


def agreement(pairs: Pairs) -> tuple[float, Interval]:
    """Return the share of pairs with the same answer (0-1) and its interval, as :func:`share_interval` has it."""
    who, at = np.unique(pairs.person, return_inverse=True)
    return share_interval(np.bincount(at, weights=pairs.same, minlength=len(who)), np.bincount(at))


def share_interval(same: NDArray[np.generic], asked: NDArray[np.generic]) -> tuple[float, Interval]:
    """Return the share (0-1) of comparisons ``same`` among those ``asked``, both (people,), and its interval.

    The interval is Wilson's, for the number of independent comparisons that would be as precise as these (Korn &
    Graubard 1998, *Survey Methodology* 24:193-201): at least the number of people unless they differ more than chance
    makes them, and at most the number of comparisons.
    """
    kept = np.asarray(asked, np.float64) > 0
    right, of = np.asarray(same, np.float64)[kept], np.asarray(asked, np.float64)[kept]
    share, people = float(right.sum() / of.sum()), len(of)
    size = float(people)
    if 0 < share < 1 and people > 1:
        variance = float(((right - share * of) ** 2).sum() / of.sum() ** 2 * people / (people - 1))
        size = min(share * (1 - share) / variance, float(of.sum())) if variance > 0 else float(of.sum())
    low, high = wilson(share, size)
    return share, (max(0.0, float(low)), min(1.0, float(high)))


def chance_agreement(table: NDArray[np.integer]) -> float:
    """Return the agreement (0-1) of two answers with these margins that have nothing to do with each other."""
    shares = table / table.sum()
    return float(shares.sum(axis=1) @ shares.sum(axis=0))


def kappa(table: NDArray[np.integer]) -> float:
    """Return Cohen's kappa (Cohen 1960): agreement beyond chance as a share of what is possible; at most 1.

    nan where everybody always gives the same answer. ``table`` counts pairs (options × options).

    >>> round(kappa(np.array([[20, 5], [10, 15]])), 3)  # agreement .70, by chance .50
    0.4
    """
    chance = chance_agreement(table)
    observed = float(np.trace(table) / table.sum())
    return (observed - chance) / (1 - chance) if chance < 1 else np.nan


def weighted_kappa(table: NDArray[np.integer]) -> float:
    """Return Cohen's weighted kappa (Cohen 1968) with quadratic weights, for options that are steps of a scale.

    A disagreement counts as the square of its distance in steps. nan where everybody always gives the same answer.
    """
    steps = np.arange(len(table))
    distance = (steps[:, None] - steps) ** 2
    shares = table / table.sum()
    expected = float((distance * np.outer(shares.sum(axis=1), shares.sum(axis=0))).sum())
    return 1 - float((distance * shares).sum()) / expected if expected > 0 else np.nan


def correlation(pairs: Pairs) -> tuple[float, Interval]:
    """Return the test-retest correlation (Pearson's, of option numbers; -1 to 1) and its interval.

    The interval is symmetric in Fisher's z. All are nan where one of the two occasions does not vary.
    """
    r, influence = _correlation(pairs.first, pairs.second)
    if np.isnan(r) or pairs.people < 3:
        return r, (np.nan, np.nan)
    if abs(r) >= 1 - 1e-12:
        return r, (r, r)
    error = np.sqrt(_clustered_variance(influence, pairs.person)) / (1 - r**2)
    low, high = np.tanh(np.arctanh(r) + np.array([-Z, Z]) * error)
    return r, (float(low), float(high))


@dataclass(frozen=True)
class Reliability:
    """What three waves tell of an item that changes as well as errs.

    Attributes:
        triples: number of times a person answered in three waves that follow each other.
        heise: reliability, the share of the variance of answers that is no error; None where it is not identified.
            Because of chance it may be above 1. low, high: its 95% interval.
        wiley: mean of the reliabilities of the three waves if errors, not reliabilities, are equally large in each.
        stability: correlation of people's true positions from one wave to the next (geometric mean of the two steps).
        stability_low: lower end of its 95% interval.
    """

    triples: int
    heise: float | None = None
    low: float | None = None
    high: float | None = None
    wiley: float | None = None
    stability: float | None = None
    stability_low: float | None = None


def reliability(answers: Answers) -> Reliability:
    """Return the reliability and stability of a scale that was answered in three waves or more.

    Test-retest correlation mixes change with error. With correlations r12, r23 and r13 of three waves, Heise (1969,
    *American Sociological Review* 34:93-101) separates them: reliability is r12 · r23 / r13, and the stability of two
    steps r13² / (r12 · r23). He assumes that errors of different waves are independent, that wave 3 depends on wave 1
    only by way of wave 2, and that reliability is the same in all waves. Wiley & Wiley (1970, ibid. 35:112-117) assume
    in place of the last that the error variance is. More than three waves are taken in threes, pooled.
    """
    x, person = _triples(answers)
    if len(person) < 3:
        return Reliability(len(person))
    parts = [_correlation(x[:, a], x[:, b]) for a, b in ((0, 1), (1, 2), (0, 2))]
    (r12, i12), (r23, i23), (r13, i13) = parts
    if not all(r > 0 for r in (r12, r23, r13)):  # nan is not, either
        return Reliability(len(person))
    heise = r12 * r23 / r13
    error = np.sqrt(_clustered_variance(i12 / r12 + i23 / r23 - i13 / r13, person))
    low, high = heise * np.exp(np.array([-Z, Z]) * error)
    covariance = np.cov(x.T, bias=True)
    noise = covariance[1, 1] - covariance[0, 1] * covariance[1, 2] / covariance[0, 2]
    stability = r13 / np.sqrt(r12 * r23)
    spread = np.sqrt(_clustered_variance(i13 / r13 - i12 / r12 / 2 - i23 / r23 / 2, person))
    return Reliability(
        triples=len(person),
        heise=float(heise),
        low=float(low),
        high=float(high),
        wiley=float(np.mean(1 - noise / np.diag(covariance))),
        stability=float(stability),
        stability_low=float(stability * np.exp(-Z * spread)),
    )


def unchanged_agreement(observed: float, chance: float, stability: float) -> float:
    """Return the agreement (0-1) there would be had nobody changed their mind between the two occasions.

    Agreement beyond chance shrinks with the stability of people's positions as a correlation does: for an item of two
    options with the same margins on both occasions kappa is the correlation, for others this is an approximation.
    ``stability`` is that of :class:`Reliability`; 1 or more leaves ``observed`` as it is.
    """
    if chance >= 1 or observed <= chance:
        return observed
    beyond = (observed - chance) / (1 - chance)
    return chance + (1 - chance) * min(1.0, beyond / min(max(stability, 1e-9), 1.0))


def best_accuracy(agreement: float, options: int) -> Interval:
    """Return the lowest and the highest accuracy (0-1) of one who knows everybody's mind but not the moment's noise.

    Say a person gives option k with probability p_k on each occasion, independently. Two answers agree with
    probability a = E Σ p_k², and the best guess, the likeliest option, is right with probability c = E max p_k.

    * Σ p_k² ≤ max p_k · Σ p_k = max p_k, so **c ≥ a**. Some people being certain and others tossing a coin attains it.
    * If the largest is m, the others share 1 - m, and Σ p_k² ≥ m² + (1 - m)² / (K - 1). Solved for m, and with
      Jensen's inequality as the solution is concave in Σ p_k²: **c ≤ (1 + √((K - 1)(K a - 1))) / K**, which everybody
      being equally uncertain attains. It is below √a.

    The floor holds, too, if people change between the occasions (Σ p_k q_k ≤ max p_k); the upper bound does not.
    Neither does if people remember and repeat their first answer. An agreement below 1/K, which only chance can make,
    counts as 1/K.

    >>> low, high = best_accuracy(0.82, 2)
    >>> round(low, 2), round(high, 2)
    (0.82, 0.9)
    """
    if options < 2:
        return 1.0, 1.0
    a = min(1.0, max(agreement, 1 / options))
    return a, min(1.0, float(1 + np.sqrt((options - 1) * max(0.0, options * a - 1))) / options)


@dataclass(frozen=True)
class Retest:
    """What the repeated answers to one question tell. Shares are 0-1; None where a number does not exist.

    Attributes:
        people, pairs: who answered at least twice, and how many comparisons that makes.
        agreement, low, high: see :func:`agreement`. chance: see :func:`chance_agreement`.
        kappa: see :func:`kappa`.
        weighted_kappa, correlation, correlation_low, correlation_high: for ordered options only.
        reliability: see :func:`reliability`, for ordered options only.
        unchanged: see :func:`unchanged_agreement`, where there are three waves.
        ceiling_low, ceiling_high: band of accuracy that the best predictor could reach, see :func:`ceiling`.
    """

    people: int
    pairs: int
    agreement: float
    low: float
    high: float
    chance: float
    kappa: float | None
    weighted_kappa: float | None
    correlation: float | None
    correlation_low: float | None
    correlation_high: float | None
    reliability: Reliability
    unchanged: float | None
    ceiling_low: float
    ceiling_high: float


def retest(answers: Answers, options: int, *, ordered: bool) -> Retest:
    """Return what repeated answers to a question of ``options`` options tell; ``ordered`` ones are steps of a scale.

    Two options always count as ordered. Raises ValueError if nobody answered twice.
    """
    pairs = pairs_of(answers)
    if not len(pairs):
        raise ValueError("nobody answered twice")
    ordered = ordered or options == 2
    table = pairs.table(options)
    share, (low, high) = agreement(pairs)
    chance = chance_agreement(table)
    r, (r_low, r_high) = correlation(pairs) if ordered else (np.nan, (np.nan, np.nan))
    scale = reliability(answers) if ordered else Reliability(len(_triples(answers)[1]))
    unchanged = None if scale.stability is None else unchanged_agreement(share, chance, scale.stability)
    floor, top = ceiling((low, high), chance, _mode_floor(pairs, options), scale, options)
    return Retest(
        people=pairs.people,
        pairs=len(pairs),
        agreement=share,
        low=low,
        high=high,
        chance=chance,
        kappa=_or_none(kappa(table)),
        weighted_kappa=_or_none(weighted_kappa(table)) if ordered else None,
        correlation=_or_none(r),
        correlation_low=_or_none(r_low),
        correlation_high=_or_none(r_high),
        reliability=scale,
        unchanged=unchanged,
        ceiling_low=floor,
        ceiling_high=top,
    )


def ceiling(ends: Interval, chance: float, mode: float, scale: Reliability, options: int) -> Interval:
    """Return a band (0-1) that holds the accuracy of the best predictor, sampling error included.

    The lower end is that of :func:`best_accuracy` at the low end of agreement, or the share of the most common answer
    (``mode``), which knows no mind, if that is higher. The upper end is its upper bound at the high end of agreement;
    where three waves tell how stable people are, change is taken out of that first, with the low end of stability.
    """
    low, high = ends
    if scale.stability_low is not None:
        high = unchanged_agreement(high, chance, scale.stability_low)
    floor, top = max(best_accuracy(low, options)[0], mode), best_accuracy(high, options)[1]
    return min(floor, top), top


def _mode_floor(pairs: Pairs, options: int) -> float:
    """Return the low end of the interval of the share of the most common answer, over both occasions."""
    share = float((np.bincount(pairs.first, minlength=options) + np.bincount(pairs.second, minlength=options)).max())
    return float(wilson(share / (2 * len(pairs)), float(pairs.people))[0])


def _triples(answers: Answers) -> tuple[Floats, NDArray[np.int64]]:
    """Return the answers in three waves that follow each other (triples × 3), and whose they are (triples,)."""
    values, people = [np.empty((0, 3))], [np.empty(0, np.int64)]
    for start in range(len(answers) - 2):
        three = answers[start : start + 3]
        whole = np.flatnonzero((three >= 0).all(axis=0))
        values.append(three[:, whole].T.astype(np.float64))
        people.append(whole)
    return np.concatenate(values), np.concatenate(people)


def _correlation(x: NDArray[np.generic], y: NDArray[np.generic]) -> tuple[float, Floats]:
    """Return Pearson's correlation, nan where one does not vary, and the influence of each row on it."""
    a, b = np.asarray(x, np.float64), np.asarray(y, np.float64)
    if len(a) < 2 or np.ptp(a) == 0 or np.ptp(b) == 0:
        return np.nan, np.zeros(len(a))
    a, b = (a - a.mean()) / a.std(), (b - b.mean()) / b.std()
    r = float(np.clip((a * b).mean(), -1, 1))
    return r, a * b - r * (a**2 + b**2) / 2


def _clustered_variance(influence: Floats, person: NDArray[np.int64]) -> float:
    """Return the variance of a mean-like statistic from the influence of each row, rows of a person kept together."""
    sums = np.bincount(person, weights=influence)[np.unique(person)]
    return float((sums**2).sum() / len(influence) ** 2 * len(sums) / (len(sums) - 1))


def _or_none(value: float) -> float | None:
    return None if np.isnan(value) else float(value)
