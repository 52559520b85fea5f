"""Agreement of people with themselves: tables worked out by hand, and people whose noise is known."""

from collections.abc import Callable

import numpy as np
import pytest
from numpy.typing import NDArray

from indievalue.intervals import wilson
from indievalue.scoring.retest import (
    agreement,
    best_accuracy,
    chance_agreement,
    correlation,
    kappa,
    pairs_of,
    reliability,
    retest,
    unchanged_agreement,
    weighted_kappa,
)


def _two_waves(table: list[list[int]]) -> NDArray[np.int64]:
    """Return answers in two waves (2 × people) that make the table of first and second answers."""
    pairs = [
        (first, second) for first, row in enumerate(table) for second, times in enumerate(row) for _ in range(times)
    ]
    return np.array(pairs).T


def _three_waves(same: int, third: int, first: int, middle: int) -> NDArray[np.int64]:
    """Return answers of 0 and 1 in three waves, of twice as many people as the sum of the numbers.

    ``same`` people answer alike three times; of the others, the ``third``, ``first`` or ``middle`` answer differs. Each
    pattern is there with 0 and 1 interchanged, so that half of the answers of each wave are 1.
    """
    patterns = [(0, 0, 0)] * same + [(0, 0, 1)] * third + [(1, 0, 0)] * first + [(0, 1, 0)] * middle
    answers = np.array(patterns).T
    return np.concatenate([answers, 1 - answers], axis=1)


def test_two_options_by_hand() -> None:
    """Of 50 people 35 give the same answer: .70. Half say 0 first, and 60% say 0 then: chance is .5·.6 + .5·.4 = .50.

    Kappa is (.70 - .50) / (1 - .50) = .40. The correlation of two numbers of 0 and 1 is
    (20·15 - 5·10) / √(25·25·30·20) = 250 / 612.37 = .4082.
    """
    pairs = pairs_of(_two_waves([[20, 5], [10, 15]]))
    table = pairs.table(2)
    assert table.tolist() == [[20, 5], [10, 15]]
    assert agreement(pairs)[0] == pytest.approx(0.70)
    assert chance_agreement(table) == pytest.approx(0.50)
    assert kappa(table) == pytest.approx(0.40)
    assert correlation(pairs)[0] == pytest.approx(250 / 612.3724, abs=1e-6)


def test_three_ordered_options_by_hand() -> None:
    """Of 10 pairs 7 agree, two are one step apart and one is two steps apart; both margins are 3, 3 and 4.

    Chance is (9 + 9 + 16) / 100 = .34, kappa (.70 - .34) / .66 = .5455. Squared steps are .6 on average, and by chance
    (2·9 + 2·12 + 2·4·12) / 100 = 1.38: weighted kappa is 1 - .6 / 1.38 = .5652.
    """
    table = np.array([[2, 1, 0], [0, 2, 1], [1, 0, 3]])
    assert chance_agreement(table) == pytest.approx(0.34)
    assert kappa(table) == pytest.approx(0.36 / 0.66)
    assert weighted_kappa(table) == pytest.approx(1 - 0.6 / 1.38)


def test_kappas_match_an_independent_library() -> None:
    metrics = pytest.importorskip("sklearn.metrics")
    answers = np.random.default_rng(3).integers(0, 5, (2, 200))
    pairs = pairs_of(answers)
    assert kappa(pairs.table(5)) == pytest.approx(metrics.cohen_kappa_score(*answers))
    assert weighted_kappa(pairs.table(5)) == pytest.approx(metrics.cohen_kappa_score(*answers, weights="quadratic"))
    assert correlation(pairs)[0] == pytest.approx(np.corrcoef(answers)[0, 1])


def test_an_answer_is_compared_with_the_next_that_the_person_gave() -> None:
    pairs = pairs_of(np.array([[0, 1, -1, 2], [-1, 1, 0, -1], [1, 0, -1, -1]]))
    assert sorted(zip(pairs.person.tolist(), pairs.first.tolist(), pairs.second.tolist(), strict=True)) == [
        (0, 0, 1),  # over a wave without an answer
        (1, 1, 0),
        (1, 1, 1),
    ]
    assert (len(pairs), pairs.people) == (3, 2)


def test_the_interval_is_wilsons_where_each_person_has_one_pair() -> None:
    share, ends = agreement(pairs_of(_two_waves([[40, 10], [10, 40]])))
    assert share == pytest.approx(0.8)
    assert ends == pytest.approx(wilson(0.8, 99), abs=1e-9)  # 100 pairs, less one for the mean
    assert ends == pytest.approx((0.7112, 0.8666), abs=1e-3)


def test_pairs_of_one_person_that_say_the_same_count_once() -> None:
    once = _two_waves([[20, 5], [5, 20]])
    again = np.concatenate([once, once[:1]])  # whoever changed changes back: both pairs agree, or neither does
    (share, (low, high)), (_, single) = agreement(pairs_of(again)), agreement(pairs_of(once))
    assert share == pytest.approx(0.8)
    assert (low, high) == pytest.approx(single, abs=1e-9)


def test_everybody_agreeing_leaves_doubt_that_shrinks_with_people() -> None:
    few, many = (agreement(pairs_of(np.zeros((2, people), np.int64)))[1] for people in (10, 1000))
    assert (few[1], many[1]) == pytest.approx((1, 1))
    assert few[0] < 0.75 < 0.99 < many[0]


def test_reliability_and_stability_by_hand() -> None:
    """40 patterns of which 26 are the same three times, 6 differ last, 6 first and 2 in the middle.

    With half of the answers 1, a correlation is agreement less disagreement: r12 = (26 + 6 - 6 - 2) / 40 = .6,
    r23 = .6, r13 = (26 + 2 - 6 - 6) / 40 = .4. Heise: reliability .6 · .6 / .4 = .9, stability of a step
    .4 / √(.6 · .6) = .667. Wiley: the covariances are .15, .15, .10, so that the error variance is
    .25 - .15 · .15 / .10 = .025 and the reliability of each wave (.25 - .025) / .25 = .9 as well.
    Agreement of 80%, 50% by chance, would be .5 + .5 · .6 / .667 = 95% had nobody changed.
    """
    found = reliability(_three_waves(26, 6, 6, 2))
    assert found.triples == 80
    assert found.heise == pytest.approx(0.9)
    assert found.wiley == pytest.approx(0.9)
    assert found.stability == pytest.approx(2 / 3)
    whole = retest(_three_waves(26, 6, 6, 2), 2, ordered=True)
    assert (whole.agreement, whole.kappa, whole.chance) == pytest.approx((0.8, 0.6, 0.5))
    assert whole.unchanged == pytest.approx(0.95)


def test_reliability_is_not_identified_where_the_first_wave_tells_nothing_of_the_last() -> None:
    found = reliability(_three_waves(10, 10, 0, 0))  # r13 = 0
    assert (found.triples, found.heise, found.stability) == (40, None, None)


def test_two_waves_have_no_reliability_and_nominal_answers_no_scale() -> None:
    two = retest(_two_waves([[5, 1, 0], [1, 5, 0], [0, 0, 5]]), 3, ordered=True)
    assert (two.reliability.heise, two.unchanged) == (None, None)
    assert two.correlation is not None
    nominal = retest(_two_waves([[5, 1, 0], [1, 5, 0], [0, 0, 5]]), 3, ordered=False)
    assert (nominal.weighted_kappa, nominal.correlation) == (None, None)
    assert nominal.kappa == two.kappa


def test_where_everybody_says_the_same_there_is_no_kappa() -> None:
    found = retest(np.zeros((3, 40), np.int64), 2, ordered=True)
    assert (found.agreement, found.chance, found.kappa, found.correlation) == (1, 1, None, None)
    assert found.reliability.heise is None


def test_nobody_asked_twice_is_an_error() -> None:
    with pytest.raises(ValueError, match="nobody answered twice"):
        retest(np.array([[0, -1], [-1, 1]]), 2, ordered=True)


def test_bounds_of_the_best_accuracy_by_hand() -> None:
    """All answering with probability .9 and .1 agree in .81 + .01 = .82, and the best guess is right in .90.

    If 64% are certain and 36% toss a coin, they agree in .64 + .18 = .82 as well, and the best guess is right in .82.
    """
    assert best_accuracy(0.82, 2) == pytest.approx((0.82, 0.90))
    assert best_accuracy(1, 4) == (1, 1)
    assert best_accuracy(0.25, 4) == pytest.approx((0.25, 0.25))
    assert best_accuracy(0.1, 4) == pytest.approx((0.25, 0.25))
    assert best_accuracy(1, 1) == (1, 1)


@pytest.mark.parametrize("options", [2, 3, 5, 8])
@pytest.mark.parametrize("spread", [0.05, 0.3, 1.0, 5.0])
def test_the_bounds_hold_for_any_people(options: int, spread: float) -> None:
    chances = np.random.default_rng(options).dirichlet(np.full(options, spread), 400)
    agree, best = float((chances**2).sum(axis=1).mean()), float(chances.max(axis=1).mean())
    low, high = best_accuracy(agree, options)
    assert low <= best <= high <= np.sqrt(agree) + 1e-12


def test_change_is_no_noise() -> None:
    assert unchanged_agreement(0.8, 0.5, 1.0) == 0.8
    assert unchanged_agreement(0.8, 0.5, 1.3) == 0.8
    assert unchanged_agreement(0.8, 0.5, 0.3) == 1.0
    assert unchanged_agreement(0.4, 0.5, 0.5) == 0.4


def _share_that_holds(truth: float, ends: Callable[[int], tuple[float, float]], times: int = 200) -> float:
    held = [low <= truth <= high for low, high in map(ends, range(times))]
    return float(np.mean(held))


@pytest.mark.parametrize(("options", "waves"), [(2, 2), (4, 2), (4, 3)])
def test_intervals_hold_the_agreement_of_people_with_known_noise(options: int, waves: int) -> None:
    chances = np.random.default_rng(11).dirichlet(np.full(options, 0.4), 5000)
    truth = float((chances**2).sum(axis=1).mean())

    def ends(seed: int) -> tuple[float, float]:
        return agreement(pairs_of(_answer(chances, waves, seed)))[1]

    assert _share_that_holds(truth, ends) >= 0.91


@pytest.mark.parametrize(("options", "spread"), [(2, 0.3), (2, 3.0), (5, 0.2)])
def test_the_band_holds_the_best_accuracy_of_people_with_known_noise(options: int, spread: float) -> None:
    chances = np.random.default_rng(12).dirichlet(np.full(options, spread), 5000)
    truth = float(chances.max(axis=1).mean())

    def ends(seed: int) -> tuple[float, float]:
        found = retest(_answer(chances, 2, seed), options, ordered=True)
        return found.ceiling_low, found.ceiling_high

    assert _share_that_holds(truth, ends) >= 0.95


def _answer(chances: NDArray[np.float64], waves: int, seed: int) -> NDArray[np.int64]:
    """Return answers (waves × 300 people) of people drawn from those with such chances of each option."""
    random = np.random.default_rng(1000 + seed)
    drawn = chances[random.integers(0, len(chances), 300)]
    return (random.random((waves, 300, 1)) > drawn.cumsum(axis=1)[None, :, :-1]).sum(axis=2)


def _changing(seed: int, waves: int, change: float, error: float) -> NDArray[np.int64]:
    """Return answers of people who change their mind between waves, and err, with known probabilities."""
    random = np.random.default_rng(2000 + seed)
    mind = [random.integers(0, 2, 1500)]
    for _ in range(waves - 1):
        mind.append(mind[-1] ^ (random.random(1500) < change))
    return np.array(mind) ^ (random.random((waves, 1500)) < error)


def test_reliability_is_told_apart_from_change() -> None:
    """With an error of .1 reliability is (1 - .2)² = .64; with a change of .1 the stability of a step is 1 - .2 = .8.

    Correlations are .64 · .8 = .512 between neighbouring waves, and .64 · .8² = .41 between the first and the last.
    """
    found = reliability(_changing(0, 3, 0.1, 0.1))
    assert found.heise == pytest.approx(0.64, abs=0.08)
    assert found.stability == pytest.approx(0.8, abs=0.08)

    def ends(seed: int) -> tuple[float, float]:
        one = reliability(_changing(seed, 3, 0.1, 0.1))
        assert one.low is not None
        assert one.high is not None
        return one.low, one.high

    assert _share_that_holds(0.64, ends) >= 0.91


def test_with_three_waves_the_ceiling_is_that_of_people_who_do_not_change() -> None:
    """One who knows everybody's mind is right in 1 - .1 = 90%; two waves alone would say 84% at most."""

    def ends(waves: int, seed: int) -> tuple[float, float]:
        found = retest(_changing(seed, waves, 0.1, 0.1), 2, ordered=True)
        return found.ceiling_low, found.ceiling_high

    assert _share_that_holds(0.9, lambda seed: ends(3, seed)) >= 0.95
    assert _share_that_holds(0.9, lambda seed: ends(2, seed), 20) == 0
    assert all(ends(2, seed)[0] < 0.9 for seed in range(20))  # the floor holds nevertheless


def test_three_people_have_an_interval_and_two_have_none() -> None:
    answers = np.array([[0, 1, 2], [0, 2, 1]])
    r, (low, high) = correlation(pairs_of(answers))
    assert r == pytest.approx(0.5)
    # In standard deviations -√1.5 0 √1.5 and -√1.5 √1.5 0: influences ab - r (a² + b²) / 2 are .75 -.375 -.375, with a
    # sum of squares of .84375; the variance of their mean is .84375 / 9 · 3 / 2, .375², and .375 / (1 - r²) = .5.
    assert (low, high) == pytest.approx(tuple(np.tanh(np.arctanh(0.5) + np.array([-0.98, 0.98]))), abs=1e-4)
    assert np.isnan(correlation(pairs_of(answers[:, 1:]))[1]).all()


def test_the_interval_of_a_correlation_is_that_of_fisher() -> None:
    first = np.random.default_rng(2).normal(size=(2, 4000))
    answers = np.round(10 + 3 * np.stack([first[0], 0.6 * first[0] + 0.8 * first[1]])).astype(int)
    r, (low, high) = correlation(pairs_of(answers))
    by_fisher = np.tanh(np.arctanh(r) + np.array([-1, 1]) * 1.96 / np.sqrt(4000 - 3))
    assert (low, high) == pytest.approx(by_fisher.tolist(), abs=0.004)


def test_the_most_common_answer_is_known_without_knowing_a_mind() -> None:
    """Two answers of chance alone: the most common is given by 60% the first and 70% the second time, of 100 people."""
    table = np.outer([6, 1, 1, 1, 1], [7, 1, 1, 1]).astype(int)
    found = retest(_two_waves(table.tolist()), 5, ordered=False)
    assert found.ceiling_low == pytest.approx(wilson(0.65, 100)[0])


def test_four_waves_are_taken_in_threes() -> None:
    found = reliability(_changing(1, 4, 0.1, 0.1))
    assert found.triples == 3000
    assert found.stability is not None
    assert 0.9 * found.stability < found.stability_low < found.stability
    assert found.heise == pytest.approx(0.64, abs=0.08)
