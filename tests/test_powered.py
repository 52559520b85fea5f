"""Prediction-powered inference gives the right numbers, and intervals that hold."""

import numpy as np
import pytest
from scipy.stats import t, ttest_ind

from indievalue.estimation.powered import Powered, Sample, powered

ANSWERS = np.array([2.0, 4.0, 6.0, 8.0, np.nan, np.nan, np.nan, np.nan])
PREDICTIONS = np.array([1.0, 5.0, 5.0, 9.0, 3.0, 5.0, 7.0, 13.0])
ASKED = np.arange(8) < 4


def _mean(answers: np.ndarray, predictions: np.ndarray, asked: np.ndarray, tuning: float | None = None) -> Powered:
    number = len(answers)
    return powered(Sample(np.ones((number, 1)), answers, predictions, asked, np.ones(number)), tuning)


def _drawn(seed: int, asked: int = 200, others: int = 1500) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    random = np.random.default_rng(seed)
    x = random.normal(size=asked + others)
    answers = 1 + 0.5 * x + random.normal(size=asked + others)
    predictions = 0.3 + 0.8 * (answers + random.normal(size=asked + others))
    inside = np.arange(asked + others) < asked
    return x, np.where(inside, answers, np.nan), predictions, inside


def test_the_mean_and_its_interval_are_those_computed_by_hand() -> None:
    # Mean answer 5; predictions have a mean of 5 among those asked and 7 among the others, 6 in all. Deviations of
    # answers -3 -1 1 3 and predictions -4 0 0 4 have products 12 0 0 12: a mean of 6. Squares of all predictions around
    # 6 are 25 1 1 9 9 1 1 49, 96 in all, over 7; with as many asked as others λ = 6 / (2 · 96 / 7) = 0.21875.
    found = _mean(ANSWERS, PREDICTIONS, ASKED)
    assert found.tuning[0] == pytest.approx(0.21875)
    assert found.estimate[0] == pytest.approx(5 + 0.21875 * (7 - 5))
    assert found.classical[0] == pytest.approx(5)
    assert found.predicted[0] == pytest.approx(6)
    # Residuals -3 + 4λ, -1, 1, 3 - 4λ: squares 2 · (3 - 0.875)² + 2, over n (n - 2) = 8, as λ was chosen.
    inside = (2 * 2.125**2 + 2) / 8
    # Predictions of the others -4 -2 0 6 around 7: 56, over N (N - 1) = 12.
    outside = 0.21875**2 * 56 / 12
    assert found.error[0] ** 2 == pytest.approx(inside + outside)
    degrees = (inside + outside) ** 2 / (inside**2 / 2 + outside**2 / 3)
    assert found.high[0] - found.estimate[0] == pytest.approx(t.ppf(0.975, degrees) * np.sqrt(inside + outside))
    assert found.classical_error[0] ** 2 == pytest.approx(20 / 3 / 4)
    assert found.classical_high[0] - 5 == pytest.approx(t.ppf(0.975, 3) * np.sqrt(20 / 12))


def test_it_agrees_with_what_ppi_python_once_printed() -> None:
    """ppi_mean_pointestimate and ppi_mean_ci of ppi-python 0.2.3, where its variances divide by n and N."""
    _, answers, predictions, asked = _drawn(7)
    found = _mean(answers, predictions, asked)
    number = int(asked.sum())
    residuals = (answers - found.tuning[0] * predictions)[asked]
    variance = residuals.var() / number + found.tuning[0] ** 2 * predictions[~asked].var() / (~asked).sum()
    assert found.estimate[0] == pytest.approx(PRINTED[0], abs=1e-6)
    assert 1.959964 * np.sqrt(variance) == pytest.approx((PRINTED[2] - PRINTED[1]) / 2, abs=1e-6)
    assert found.error[0] ** 2 == pytest.approx(
        residuals.var() / (number - 2) + found.tuning[0] ** 2 * predictions[~asked].var() / ((~asked).sum() - 1)
    )


PRINTED = (1.00588346, 0.89946155, 1.11230536)
"""Point, low and high."""


def test_means_and_regressions_agree_with_ppi_python() -> None:
    ppi = pytest.importorskip("ppi_py", reason="ppi-python, the peer, is not installed")
    x, answers, predictions, asked = _drawn(3)
    known = answers[asked], predictions[asked], predictions[~asked]
    assert _mean(answers, predictions, asked).estimate == pytest.approx(ppi.ppi_mean_pointestimate(*known), abs=1e-6)
    design = np.column_stack([np.ones_like(x), x])
    found = powered(Sample(design, answers, predictions, asked, np.ones_like(x)))
    for at, tuning in enumerate(found.tuning):  # each coefficient has a λ of its own
        peer = ppi.ppi_ols_pointestimate(design[asked], *known[:2], design[~asked], known[2], lam=tuning)
        assert found.estimate[at] == pytest.approx(peer[at], abs=1e-6)


def test_the_predictors_bias_and_scale_make_no_difference() -> None:
    _, answers, predictions, asked = _drawn(0)
    good, biased = _mean(answers, predictions, asked), _mean(answers, 40 + 0.1 * predictions, asked)
    assert biased.estimate == pytest.approx(good.estimate)
    assert biased.error == pytest.approx(good.error)
    assert biased.predicted[0] > 40


def test_useless_predictions_cost_nothing_but_would_if_they_had_their_full_weight() -> None:
    _, answers, _, asked = _drawn(1)
    noise = np.random.default_rng(5).normal(0, 3, len(answers))
    found = _mean(answers, noise, asked)
    assert found.error[0] == pytest.approx(found.classical_error[0], rel=0.02)
    assert found.untuned_error[0] > 2 * found.classical_error[0]
    assert found.tuning[0] < 0.1


def test_predictions_that_run_the_wrong_way_are_not_used() -> None:
    _, answers, predictions, asked = _drawn(2)
    found = _mean(answers, -predictions, asked)
    assert found.tuning[0] == 0
    assert found.estimate == pytest.approx(found.classical)
    assert found.effective[0] == pytest.approx(1)


def test_predictions_that_are_all_alike_are_not_used() -> None:
    _, answers, predictions, asked = _drawn(2)
    found = _mean(answers, np.full_like(predictions, 3.0), asked)
    assert found.estimate == pytest.approx(found.classical)
    assert found.error == pytest.approx(found.classical_error)


def test_a_difference_has_the_error_of_welchs_test() -> None:
    x, answers, predictions, asked = _drawn(4)
    group = (x > 0.5).astype(float)
    found = powered(
        Sample(np.column_stack([np.ones_like(x), group]), answers, predictions, asked, np.ones_like(x)), tuning=0
    )
    a, b = answers[asked & (group == 1)], answers[asked & (group == 0)]
    assert found.classical[1] == pytest.approx(a.mean() - b.mean())
    assert found.classical[1] / found.classical_error[1] == pytest.approx(ttest_ind(a, b, equal_var=False).statistic)
    assert found.estimate[1] == pytest.approx(found.classical[1])


def test_means_of_groups_are_those_of_each_group_on_its_own() -> None:
    x, answers, predictions, asked = _drawn(6)
    groups = np.column_stack([x <= 0, x > 0]).astype(float)
    both = powered(Sample(groups, answers, predictions, asked, np.ones_like(x)))
    for at in (0, 1):
        some = groups[:, at] == 1
        alone = _mean(answers[some], predictions[some], asked[some])
        assert both.classical_error[at] == pytest.approx(alone.classical_error[0])
        assert both.classical_high[at] == pytest.approx(alone.classical_high[0])
        assert both.behind[at] == pytest.approx(alone.behind[0])
        assert both.behind[at] == pytest.approx((asked & some).sum())
        assert both.estimate[at] == pytest.approx(alone.estimate[0], abs=1e-9)
        assert both.error[at] == pytest.approx(alone.error[0])


def test_weights_are_those_of_a_weighted_mean() -> None:
    _, answers, predictions, asked = _drawn(8)
    weights = np.where(np.arange(len(answers)) % 2, 0.5, 1.5)
    found = powered(Sample(np.ones((len(answers), 1)), answers, predictions, asked, weights))
    assert found.classical[0] == pytest.approx(np.average(answers[asked], weights=weights[asked]))
    rectified = np.average((answers - found.tuning[0] * predictions)[asked], weights=weights[asked])
    others = np.average(predictions[~asked], weights=weights[~asked])
    assert found.estimate[0] == pytest.approx(rectified + found.tuning[0] * others)


def test_people_who_were_asked_and_gave_no_answer_still_say_how_predictions_differ() -> None:
    """A fifth decline, more of them with a high answer: the mean is that of people who would answer."""
    held = 0
    for seed in range(300):
        random = np.random.default_rng(seed)
        known = random.normal(size=1300)
        answers = known + random.normal(size=1300)
        says = random.random(1300) < np.where(known > 0, 0.6, 1)
        asked = np.arange(1300) < 300
        found = _mean(np.where(asked & says, answers, np.nan), known, asked)
        held += found.low[0] <= DECLINED <= found.high[0]
    assert 0.92 <= held / 300 <= 0.98


DECLINED = -0.797885 * (0.5 - 0.3) / (0.5 + 0.3)
"""Mean of those who answer: one half of people has a mean of -0.798, and all of it answers; of the other six in ten."""


@pytest.mark.parametrize("kind", ["good", "useless", "biased"])
def test_intervals_hold_in_95_of_100_samples(kind: str) -> None:
    held = 0
    for seed in range(1000):
        random = np.random.default_rng(seed)
        known, unknown = random.normal(size=(2, 600))
        predictions = {"good": known, "useless": random.normal(size=600), "biased": 5 + 0.2 * known**3}[kind]
        asked = np.arange(600) < 100
        found = _mean(np.where(asked, known + unknown, np.nan), predictions, asked)
        held += found.low[0] <= 0 <= found.high[0]
    assert 0.93 <= held / 1000 <= 0.97


def test_the_effective_number_is_what_theory_says_and_within_its_interval() -> None:
    """With a correlation of √½ and ten others for each one asked, 1 / (1 - ½ / 1.1) = 1.83 answers for each."""
    found = []
    for seed in range(100):
        random = np.random.default_rng(seed)
        known, unknown = random.normal(size=(2, 2200))
        asked = np.arange(2200) < 200
        one = _mean(np.where(asked, known + unknown, np.nan), known, asked)
        low, high = one.effective_interval(one.behind, 0.1)
        found.append((one.effective[0], low[0] <= 1 / (1 - 0.5 / 1.1) <= high[0]))
    effective, held = np.mean(np.array(found, float), axis=0)
    assert effective == pytest.approx(1.83, abs=0.06)
    assert held >= 0.9
