"""Predicted and actual distributions of answers: distances, their floors, and differences between groups."""

import json
from itertools import product
from math import comb, factorial, prod
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from polars.testing import assert_frame_equal
from scipy.spatial.distance import jensenshannon
from scipy.stats import spearmanr, wasserstein_distance
from typer.testing import CliRunner

from answers import people_of, predictions_of
from indievalue.benchmark.build import build_benchmark
from indievalue.benchmark.model import Settings
from indievalue.benchmark.storage import save_benchmark
from indievalue.cli import app
from indievalue.errors import IndievalueError
from indievalue.evaluation import evaluate
from indievalue.exchange.answers import Answered
from indievalue.exchange.export import export_benchmark
from indievalue.experiments.run import run_experiment
from indievalue.experiments.spec import load_experiment
from indievalue.people.catalog import people_table
from indievalue.people.people import People
from indievalue.predictors.predictions import predict
from indievalue.prompts.prompt import PromptStyle
from indievalue.report.distributions import REPORT_DRAWS, distributions_answer, report_distributions
from indievalue.report.tables.of_distributions import one_reading
from indievalue.runs.storage import load_run
from indievalue.scoring import exaggeration
from indievalue.scoring.calibration import option_scales
from indievalue.scoring.distances import (
    entropy,
    jensen_shannon,
    jensen_shannon_floor,
    mean_deviation,
    total_variation,
    total_variation_floor,
    wasserstein,
    wasserstein_floor,
)
from indievalue.scoring.distributions import OVERALL, Distributions, distributions
from indievalue.survey.survey import Survey
from indievalue.synthetic.generate import synthetic_people
from rundirs import make_run, some_people


def _measure(
    table: pl.DataFrame, people: pl.DataFrame, scales: dict[str, tuple[bool, int]], *demographics: str, **more: object
) -> Distributions:
    return distributions(table, people, demographics, scales, **{"minimum": 1, "draws": 50, **more})  # type: ignore[arg-type]


def _answers(counts: dict[str, list[int]]) -> tuple[np.ndarray, list[str]]:
    """Answers (people × 1) of so many people of each group who choose each option, and their groups."""
    answer = [option for each in counts.values() for option, number in enumerate(each) for _ in range(number)]
    groups = [group for group, each in counts.items() for _ in range(sum(each))]
    return np.array(answer)[:, None], groups


def _samples(shares: list[float], people: int) -> list[tuple[float, np.ndarray]]:
    """Every sample of so many people as shares of the options, with its probability."""
    found = []
    for counts in product(range(people + 1), repeat=len(shares)):
        if sum(counts) == people:
            ways = factorial(people) // prod(map(factorial, counts))
            chance = ways * prod(share**count for share, count in zip(shares, counts, strict=True))
            found.append((chance, np.array(counts) / people))
    return found


def test_distances_between_three_options_are_those_computed_by_hand() -> None:
    a, b, options = np.array([0.2, 0.5, 0.3]), np.array([0.5, 0.5, 0.0]), np.array(3)
    # 0.3 of the answers move by two steps of one half each: |0.2 − 0.5| / 2 + |0.7 − 1| / 2
    assert wasserstein(a, b, options).item() == pytest.approx(0.3)
    assert wasserstein(np.eye(3)[0], np.eye(3)[1], options).item() == pytest.approx(0.5)
    assert wasserstein(np.eye(3)[0], np.eye(3)[2], options).item() == pytest.approx(1)
    assert total_variation(a, b).item() == pytest.approx(0.3)
    # middle: 0.35, 0.5, 0.15
    bits = 0.5 * (0.2 * np.log2(0.2 / 0.35) + 0.3 * np.log2(0.3 / 0.15)) + 0.5 * 0.5 * np.log2(0.5 / 0.35)
    assert jensen_shannon(a, b).item() == pytest.approx(np.sqrt(bits))
    assert entropy(np.array([0.5, 0.5]), np.array(2)).item() == pytest.approx(1)
    assert entropy(np.array([1.0]), np.array(1)).item() == 0
    assert entropy(a, options).item() == pytest.approx(
        -(0.2 * np.log(0.2) + 0.5 * np.log(0.5) + 0.3 * np.log(0.3)) / np.log(3)
    )


@given(st.integers(2, 7).flatmap(lambda k: st.tuples(*[st.lists(st.integers(0, 9), min_size=k, max_size=k)] * 2)))
@settings(max_examples=60, deadline=None)
def test_distances_are_those_of_scipy(counts: tuple[list[int], list[int]]) -> None:
    if not all(map(sum, counts)):
        return
    a, b = (np.array(each) / sum(each) for each in counts)
    options = np.array(len(a))
    places = np.linspace(0, 1, len(a))
    assert wasserstein(a, b, options).item() == pytest.approx(wasserstein_distance(places, places, a, b), abs=1e-12)
    assert jensen_shannon(a, b).item() == pytest.approx(float(np.nan_to_num(jensenshannon(a, b, 2))), abs=1e-7)
    padded = [np.pad(each, (0, 2)) for each in (a, b)]
    assert wasserstein(*padded, options).item() == pytest.approx(wasserstein(a, b, options).item())


def test_the_mean_deviation_is_that_of_all_samples() -> None:
    for people, share in ((1, 0.5), (4, 0.3), (4, 0.25), (7, 0.9), (30, 0.5)):
        by_hand = sum(
            comb(people, k) * share**k * (1 - share) ** (people - k) * abs(k / people - share)
            for k in range(people + 1)
        )
        assert mean_deviation(np.array(share), np.array(float(people))).item() == pytest.approx(by_hand)
    assert mean_deviation(np.array([0.0, 1.0]), np.array([5.0, 5.0])).tolist() == [0, 0]
    between = mean_deviation(np.array([0.3] * 3), np.array([4.0, 4.5, 5.0]))
    assert between[0] > between[1] > between[2]
    assert np.isnan(mean_deviation(np.array([np.nan, 0.5]), np.array([5.0, 0.0]))).all()


def test_floors_are_the_mean_distances_over_all_samples_of_four_people() -> None:
    shares = [0.5, 0.3, 0.2]
    samples = _samples(shares, 4)
    assert sum(chance for chance, _ in samples) == pytest.approx(1)
    true, people = np.array(shares), np.array(4.0)
    # by hand for two options of 0.5: no difference in 6 of 16 samples, 1/4 in 8, 1/2 in 2
    even = total_variation_floor(np.array([0.5, 0.5]), people).item()
    assert even == pytest.approx((8 * 1 / 4 + 2 * 1 / 2) / 16) == pytest.approx(3 / 16)
    over_all = {
        name: sum(chance * distance(sample, true).item() for chance, sample in samples)
        for name, distance in (
            ("TV", total_variation),
            ("WD", lambda a, b: wasserstein(a, b, np.array(3))),
            ("JS", jensen_shannon),
        )
    }
    assert total_variation_floor(true, people).item() == pytest.approx(over_all["TV"])
    assert wasserstein_floor(true, np.array(3), people).item() == pytest.approx(over_all["WD"])
    one = jensen_shannon(np.array([1.0, 0.0]), np.array([0.5, 0.5]))  # whatever the only person says
    assert jensen_shannon_floor(np.array([[0.5, 0.5]]), np.array([0.4]), 0).item() == pytest.approx(one)
    nobody = jensen_shannon_floor(np.array([[0.5, 0.5], [np.nan, np.nan]]), np.array([0.0, 3.0]), 0)
    assert np.isnan(nobody).all()
    floor = jensen_shannon_floor(np.array([shares] * 400), np.full(400, 4.0), 0)
    assert floor.mean() == pytest.approx(over_all["JS"], rel=0.01)
    assert jensen_shannon_floor(np.array([shares]), np.array([4.0]), 7).tolist() != floor[:1].tolist()


def test_both_readings_of_a_prediction_are_compared_with_the_answers() -> None:
    answer = np.array([[0], [0], [1], [2]])
    given = np.array([[[0.5, 0.3, 0.2]]] * 2 + [[[0.1, 0.3, 0.6]]] * 2)
    table = predictions_of(np.array([[0], [0], [2], [-1]]), answer, given)
    found = _measure(table, people_of(sex=["m"] * 4), {"Q0": (True, 3)})
    probable, chosen = found.questions.iter_rows(named=True)
    assert (probable["reading"], chosen["reading"]) == ("probabilities", "choices")
    assert probable["D_H"] == chosen["D_H"] == [0.5, 0.25, 0.25]
    assert probable["D_M"] == pytest.approx([0.3, 0.3, 0.4])
    assert chosen["D_M"] == pytest.approx([2 / 3, 0, 1 / 3])  # the invalid output is left out
    assert (probable["group"], probable["people"]) == ("overall", 4)
    assert probable["WD"] == pytest.approx((0.2 + 0.15) / 2)
    assert probable["TV"] == pytest.approx(0.2)
    assert chosen["WD"] == pytest.approx((1 / 6 + 1 / 12) / 2)
    assert probable["WD_floor"] == chosen["WD_floor"] == pytest.approx((3 / 16 + mean_deviation(0.75, 4.0)) / 2)  # type: ignore[arg-type]
    assert probable["entropy_true"] == pytest.approx(1.5 * np.log(2) / np.log(3))
    row = found.groups.row(0, named=True)
    assert (row["questions"], row["WD_below"]) == (1, 100)
    assert row["Rep"] == pytest.approx(1 - probable["WD"])
    assert found.table["groups"].to_list() == [1, 1]


def test_without_probabilities_or_order_there_is_less() -> None:
    answer = np.array([[0, 0], [1, 1], [1, 2]])
    table = predictions_of(answer, answer)
    found = _measure(table, people_of(sex=["m"] * 3), {"Q0": (True, 3), "Q1": (False, 3)})
    assert found.questions.select("reading", "question", "WD", "TV").rows() == [
        ("choices", "Q0", 0, 0), ("choices", "Q1", None, 0),
    ]  # fmt: skip
    assert found.groups.select("questions", "Rep").rows() == [(2, 1)]
    unordered = _measure(table, people_of(sex=["m"] * 3), {"Q0": (False, 3), "Q1": (False, 3)})
    assert unordered.groups.select("WD", "Rep", "rank").rows() == [(None, None, None)]
    invalid = _measure(predictions_of(np.full((3, 2), -1), answer), people_of(sex=["m"] * 3), {f"Q{n}": (True, 3) for n in (0, 1)}, "sex")  # fmt: skip  # noqa: E501
    assert invalid.questions.is_empty()
    assert invalid.table["TV"].to_list() == [None, None]


def test_a_person_counts_once_though_asked_in_two_setups() -> None:
    answer = np.array([[0], [1]])
    once = predictions_of(answer, answer, np.array([[[0.8, 0.2]], [[0.4, 0.6]]]))
    again = once.filter(person="a0000").with_columns(setup=pl.lit(1, pl.Int8), probabilities=pl.lit([0.2, 0.8]))
    table = pl.concat([once, again.cast(once.schema)])
    found = _measure(table, people_of(sex=["m", "m"]), {"Q0": (True, 2)}).questions.row(0, named=True)
    assert found["D_H"] == [0.5, 0.5]
    assert found["D_M"] == pytest.approx([(0.5 + 0.4) / 2, (0.5 + 0.6) / 2])
    assert found["people"] == 2


def test_weights_weight_the_shares_and_shorten_the_floor() -> None:
    answer = np.array([[0], [1], [1], [1]])
    table = predictions_of(np.zeros((4, 1), int), answer, np.array([[[0.5, 0.5]]] * 4))
    weights = np.array([3.0, 1, 1, 0])
    found = _measure(table, people_of(sex=["m"] * 4), {"Q0": (True, 2)}, weights=weights).questions.row(0, named=True)
    assert found["D_H"] == pytest.approx([0.6, 0.4])
    assert found["people"] == 3
    assert found["TV"] == pytest.approx(0.1)
    size = (3 + 1 + 1) ** 2 / (9 + 1 + 1)
    assert found["TV_floor"] == pytest.approx(mean_deviation(np.array(0.6), np.array(size)).item())


def _polar(shares: dict[str, float], people: int, times: float = 1.0, questions: int = 1) -> tuple[pl.DataFrame, list]:
    """Exactly a share of each group answer 1; predicted is a probability ``times`` as far from one half."""
    counts = {group: [round(people * (1 - share)), round(people * share)] for group, share in shares.items()}
    answer, groups = _answers(counts)
    second = np.array([0.5 + times * (shares[group] - 0.5) for group in groups])
    given = np.stack([1 - second, second], axis=1)[:, None]
    answer, given = np.repeat(answer, questions, axis=1), np.repeat(given, questions, axis=1)
    return predictions_of((given[..., 1] > 0.5).astype(int), answer, given), groups


def test_a_predictor_that_doubles_the_differences_between_groups_exaggerates_by_two() -> None:
    shares = {"x": 0.4, "y": 0.5, "z": 0.65}
    for times in (1.0, 2.0, 0.5):
        table, groups = _polar(shares, 2000, times)
        row = _measure(table, people_of(group=groups), {"Q0": (True, 2)}, "group").table.row(1 + 1, named=True)
        assert (row["demographic"], row["reading"]) == ("group", "probabilities")
        real = np.var([0.4, 0.5, 0.65], ddof=1)
        noise = np.mean([0.4 * 0.6, 0.25, 0.65 * 0.35]) / (2000 - 1)
        assert row["exaggeration"] == pytest.approx(times * np.sqrt(real / (real - noise)))
        assert row["exaggeration_low"] < row["exaggeration"] < row["exaggeration_high"]
        assert row["rank_correlation"] == pytest.approx(1)


def test_unordered_options_count_like_a_scale_of_two() -> None:
    table, groups = _polar({"x": 0.3, "y": 0.6}, 100, 2.0)
    found = [
        _measure(table, people_of(group=groups), {"Q0": (ordered, 2)}, "group").table.row(2, named=True)
        for ordered in (True, False)
    ]
    assert found[0]["exaggeration"] == pytest.approx(found[1]["exaggeration"])
    assert found[1]["rank_correlation"] is None


def test_noise_in_the_answers_is_no_difference_between_groups() -> None:
    """Groups of 40 people differ more than they really do, by chance; a true predictor exaggerates nothing."""
    random = np.random.default_rng(0)
    share = {"x": 0.35, "y": 0.5, "z": 0.65}
    groups = np.repeat(list(share), 40)
    true = np.array([share[group] for group in groups])[:, None].repeat(60, axis=1)
    found = []
    for _ in range(8):
        answer = (random.random(true.shape) < true).astype(int)
        table = predictions_of(answer, answer, np.stack([1 - true, true], axis=2))
        scales = {f"Q{number}": (True, 2) for number in range(60)}
        measured = _measure(table, people_of(group=groups.tolist()), scales, "group", draws=100)
        found.append(measured.table.filter(demographic="group").to_dicts())
    for reading in (0, 1):  # probabilities of groups, and every single answer, are as true
        ratios = [rows[reading]["exaggeration"] for rows in found]
        assert np.mean(ratios) == pytest.approx(1, abs=0.03)
        assert all(rows[reading]["exaggeration_low"] < 1.05 for rows in found)
        assert all(rows[reading]["exaggeration_high"] > 0.95 for rows in found)


def test_predictions_that_are_the_same_for_all_exaggerate_nothing_for_sure() -> None:
    answer, groups = _answers({"x": [26, 14], "y": [14, 26]})  # which chance alone could give, but hardly
    table = predictions_of(np.zeros_like(answer), answer, np.broadcast_to([0.6, 0.4], (80, 1, 2)))
    people = people_of(group=groups)
    row = _measure(table, people, {"Q0": (True, 2)}, "group", draws=500).table.row(2, named=True)
    assert (row["exaggeration"], row["exaggeration_low"], row["exaggeration_high"]) == (0, 0, 0)


def test_features_in_which_groups_do_not_differ_and_groups_without_a_value_count_for_nothing() -> None:
    real = exaggeration._Ranks.of(np.array([[[1.0, 5.0], [2.0, 5.0], [3.0, 5.0]]]))  # draws × groups × features
    said = exaggeration._Ranks.of(np.array([[[1.0, 1.0], [2.0, 2.0], [3.0, 3.0]]]))
    assert exaggeration._rank_correlations(said, real).tolist() == pytest.approx([1.0])
    assert exaggeration._variances(np.array([[[1.0], [3.0], [np.nan]]])).tolist() == [2.0]


def test_groups_that_do_not_differ_have_no_exaggeration() -> None:
    table, groups = _polar({"x": 0.5, "y": 0.5}, 50)
    row = _measure(table, people_of(group=groups), {"Q0": (True, 2)}, "group").table.row(2, named=True)
    assert row["exaggeration"] is None
    assert row["rank_correlation"] is None


def test_the_order_of_groups_is_that_of_spearman_and_one_prediction_for_all_orders_nothing() -> None:
    random = np.random.default_rng(3)
    groups = np.repeat(list("vwxyz"), 30)
    answer = random.integers(0, 3, (150, 4))
    given = random.dirichlet([1, 1, 1], (5, 4)).repeat(30, axis=0)
    scales = {f"Q{number}": (True, 3) for number in range(4)}
    people = people_of(group=groups.tolist())
    row = _measure(predictions_of(answer, answer, given), people, scales, "group").table.row(2, named=True)
    real = answer.reshape(5, 30, 4).mean(axis=1)
    said = given[::30] @ np.arange(3)
    by_hand = [spearmanr(said[:, number], real[:, number]).statistic for number in range(4)]
    assert row["rank_correlation"] == pytest.approx(np.mean(by_hand))
    flat = predictions_of(answer, answer, np.broadcast_to([0.1, 0.2, 0.7], (150, 4, 3)))
    assert _measure(flat, people, scales, "group").table["rank_correlation"][2] == 0


def test_representativeness_is_one_minus_the_mean_distance() -> None:
    counts = {"x": [60, 30, 10], "y": [20, 30, 50], "z": [55, 35, 10]}
    answer, groups = _answers(counts)
    given = np.broadcast_to([0.6, 0.3, 0.1], (300, 1, 3))
    table = predictions_of(np.zeros_like(answer), answer, given)
    found = _measure(table, people_of(group=groups), {"Q0": (True, 3)}, "group", draws=400)
    rows = found.groups.filter(demographic="group", reading="probabilities").to_dicts()
    assert [row["Rep"] for row in rows] == pytest.approx([1, 0.6, 1 - 0.05 / 2])
    noise = np.sqrt(2 / np.pi) * (np.sqrt(0.6 * 0.4 / 100) + np.sqrt(0.1 * 0.9 / 100)) / 2
    noise_y = np.sqrt(2 / np.pi) * (np.sqrt(0.2 * 0.8 / 100) + np.sqrt(0.5 * 0.5 / 100)) / 2
    assert rows[0]["Rep_corrected"] == 1
    assert rows[1]["Rep_corrected"] == pytest.approx(1 - np.sqrt(0.4**2 - noise_y**2))
    assert noise > 0.025
    assert rows[2]["Rep_corrected"] == 1  # no farther than chance alone
    assert [row["rank"] for row in rows] == [1, 3, 2]
    assert rows[1]["Rep_corrected_low"] < rows[1]["Rep_corrected"] < rows[1]["Rep_corrected_high"]
    whole = found.table.filter(demographic="group", reading="probabilities").row(0, named=True)
    assert (whole["nearest"], whole["farthest"]) == ("x", "y")


def test_the_interval_of_representativeness_is_that_of_the_mean_of_what_each_person_adds() -> None:
    """With two options, the distance of a group is a share minus a constant, whose standard error is known."""
    table, groups = _polar({"x": 0.7}, 400)
    table = table.with_columns(probabilities=pl.lit([0.7, 0.3]).cast(pl.List(pl.Float32)))
    found = _measure(table, people_of(group=groups), {"Q0": (True, 2)}, draws=4000).groups.row(0, named=True)
    error = np.sqrt(0.7 * 0.3 / 400)
    assert found["Rep"] == pytest.approx(0.6)
    assert found["Rep_corrected_high"] - found["Rep_corrected_low"] == pytest.approx(2 * 1.96 * error, rel=0.08)


def test_differences_between_groups_are_corrected_for_their_number() -> None:
    counts = {"x": [60, 40], "y": [40, 60], "z": [10, 90]}
    answer, groups = _answers(counts)
    table = predictions_of(np.zeros_like(answer), answer, np.broadcast_to([0.9, 0.1], (300, 1, 2)))
    found = _measure(table, people_of(group=groups), {"Q0": (True, 2)}, "group", draws=2000)
    pairs = found.pairs.filter(reading="probabilities")
    assert pairs.select("group", "other").rows() == [("x", "y"), ("x", "z"), ("y", "z")]
    first = pairs.row(0, named=True)
    assert first["difference"] == pytest.approx(0.2, abs=0.005)
    assert first["difference_low"] < first["difference"] < first["difference_high"]
    z = 0.2 / np.sqrt(2 * 0.6 * 0.4 / 100)
    assert first["p"] == pytest.approx(0.0039, abs=0.003)
    assert z == pytest.approx(2.89, abs=0.01)
    assert first["p_holm"] == pytest.approx(first["p"])  # the largest of three
    assert pairs["p_holm"][1] == pytest.approx(3 * pairs["p"][1])  # the smallest


def test_the_noise_of_small_groups_is_taken_out() -> None:
    """A model whose shares are off by a normal amount from question to question, tested on 30 people a question."""
    random = np.random.default_rng(1)
    questions, off = 400, 0.06
    true = random.uniform(0.3, 0.7, questions)
    said = true + random.normal(0, off, questions)
    answer = (random.random((30, questions)) < true).astype(int)
    given = np.broadcast_to(np.stack([1 - said, said], axis=1), (30, questions, 2))
    scales = {f"Q{number}": (True, 2) for number in range(questions)}
    found = _measure(predictions_of(answer, answer, given), people_of(sex=["m"] * 30), scales).groups.row(0, named=True)
    expected = np.sqrt(2 / np.pi) * off
    assert found["WD"] > 1.6 * expected
    assert 1 - found["Rep_corrected"] == pytest.approx(expected, rel=0.12)


def test_order_of_rows_and_people_does_not_matter() -> None:
    random = np.random.default_rng(5)
    answer = random.integers(0, 3, (40, 4))
    given = random.dirichlet([1, 1, 1], (40, 4))
    table = predictions_of(np.where(random.random(answer.shape) < 0.1, -1, answer), answer, given)
    people = people_of(group=random.choice(["x", "y", "z"], 40).tolist())
    scales = {f"Q{number}": (number < 3, 3) for number in range(4)}
    weights = random.uniform(0.5, 2, 40)
    order = random.permutation(40)
    one = _measure(table, people, scales, "group", weights=weights)
    other = _measure(
        table.sample(fraction=1, shuffle=True, seed=1), people[order], scales, "group", weights=weights[order]
    )
    for name in ("table", "groups", "pairs", "questions"):
        assert_frame_equal(getattr(one, name), getattr(other, name), abs_tol=1e-12)


def test_small_groups_and_wrong_arguments_are_told() -> None:
    table, groups = _polar({"x": 0.5, "y": 0.5}, 20)
    people, scales = people_of(group=groups), {"Q0": (True, 2)}
    nobody = _measure(table, people, scales, "group", minimum=100)
    assert nobody.table["groups"].to_list() == [1, 1, 0, 0]
    assert "left out" in nobody.table["note"][2]
    with pytest.raises(IndievalueError, match="scales has no entry for Q0"):
        _measure(table, people, {})
    with pytest.raises(IndievalueError, match="no demographic 'luck'"):
        _measure(table, people, scales, "luck")


def test_a_run_has_the_weights_seed_and_scales_of_its_own(garden: Survey, gardeners: People) -> None:
    run = evaluate(gardeners, build_benchmark(gardeners, Settings(form="refined", seed=3), 20), ["majority", "random"])
    found = run.distributions(["region"], minimum=2, draws=20)
    scales = option_scales(run.predictions, garden)
    again = distributions(run.predictions, run.people, ["region"], scales, minimum=2, draws=20, seed=3)
    for name in ("table", "groups", "pairs", "questions"):
        assert_frame_equal(getattr(found, name), getattr(again, name))
    assert found.demographics == ("region",)
    assert found.table["predictor"].unique(maintain_order=True).to_list() == ["majority", "random"]
    weighted = run.weighted("equal").distributions(["region"], minimum=2, draws=20)
    assert not weighted.questions["D_H"].equals(found.questions["D_H"])
    shown = found._repr_html_()
    assert isinstance(shown, str)
    assert "Predicted and actual distributions" in shown


def test_the_mean_of_probabilities_of_a_majority_is_its_base_rate(gardeners: People) -> None:
    """Told nothing, its shares are those of the people it learned from, whoever is asked."""
    run = evaluate(gardeners, build_benchmark(gardeners, Settings(context="none"), 20), "majority")
    rows = run.distributions(["region"], minimum=2, draws=20).questions.filter(reading="probabilities")
    for (question,), of_question in rows.group_by("question"):
        first = run.predictions.filter(question=question)["probabilities"][0].to_list()
        for shares in of_question["D_M"]:
            assert shares.to_list() == pytest.approx(first, abs=1e-6)


def test_distributions_that_a_language_model_states_are_scored_like_all_others(
    gardeners: People, tmp_path: Path
) -> None:
    benchmark = build_benchmark(gardeners, Settings(demonstrations=4, setups=(0,), form="refined"), 20)
    save_benchmark(benchmark, tmp_path / "asked")
    export_benchmark(tmp_path / "asked", "jsonl", tmp_path / "prompts", PromptStyle("predict-distribution"))
    file = tmp_path / "prompts" / "prompts.jsonl"
    lines = []
    for line in file.read_text(encoding="utf-8").splitlines():
        asked = json.loads(line)
        options = asked["prompt"].rsplit("The possible answers:")[1].split("Which")[0].strip().split("\n")
        stated = {option[0]: 0.7 if option[0] == "B" else 0.3 / (len(options) - 1) for option in options}
        lines.append(json.dumps({"id": asked["id"], "text": json.dumps(stated)}))
    answers = tmp_path / "answers.jsonl"
    answers.write_text("\n".join(lines), encoding="utf-8")
    table = predict("mine", Answered(answers, benchmark, file), benchmark)
    found = _measure(table, people_table(benchmark.people), option_scales(table, gardeners.survey))
    for row in found.questions.filter(reading="probabilities").iter_rows(named=True):
        assert row["D_M"][1] == pytest.approx(0.7)
        assert row["TV"] == pytest.approx(np.abs(np.array(row["D_M"]) - row["D_H"]).sum() / 2)
    for row in found.questions.filter(reading="choices").iter_rows(named=True):
        assert (row["D_M"][1], row["entropy"]) == (1, 0)


def test_the_command_prints_and_writes_what_was_measured(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    people = some_people(120, country=["Brazil", "Germany", "Brazil"], sex=["female", "male"])
    folder = make_run(tmp_path / "run", "wvs7", people=people, predictors=("majority", "mine"), skill={"mine": 0.7})
    options = ["--demographic", "country", "--draws", "50"]
    result = CliRunner().invoke(app, ["distributions", "run", *options, "--out", "tables", "--page", "page.html"])
    assert result.exit_code == 0, result.output
    assert "Shares of answers, predicted and actual" in result.output
    assert "differences between groups" in result.output
    found = load_run(folder).distributions(["country"], draws=50, seed=0)
    for name in ("table", "groups", "pairs"):
        written = pl.read_csv(tmp_path / "tables" / f"{name}.csv").drop("run")
        assert written.columns == getattr(found, name).columns
        assert len(written) == len(getattr(found, name))
        assert (tmp_path / "tables" / f"{name}.tex").is_file()
    questions = pl.read_csv(tmp_path / "tables" / "questions.csv")
    assert not (tmp_path / "tables" / "questions.md").exists()
    row, first = questions.row(0, named=True), found.questions.row(0, named=True)
    assert [float(share) for share in row["D_H"].split()] == pytest.approx(first["D_H"])
    assert row["WD"] == pytest.approx(first["WD"])
    page = (tmp_path / "page.html").read_text(encoding="utf-8")
    best = found.table.filter(predictor="mine", reading="probabilities", demographic="overall").row(0, named=True)
    assert f"distance of {best['WD']:.3f} from the real ones; sampling alone gives {best['WD_floor']:.3f}" in page
    assert "this is not whose answers a model gives of its own accord" in page


def test_a_run_without_demographics_has_everybody_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    make_run(tmp_path / "run", "wvs7", people=some_people(40), predictors=("majority",))
    result = CliRunner().invoke(app, ["distributions", "run", "--draws", "20", "--page", "page.html"])
    assert result.exit_code == 0, result.output
    assert "differences between groups" not in result.output
    named = CliRunner().invoke(app, ["distributions", "run", "--demographic", "sex"])
    assert named.exit_code == 1


def test_told_nothing_the_page_says_whose_answers_are_resembled(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    people = some_people(120, country=["Brazil", "Germany"])
    folder = make_run(tmp_path / "run", "wvs7", people=people, predictors=("mine",), context="none")
    run = load_run(folder)
    found = run.distributions(["country"], draws=50)
    said = distributions_answer(run, found)
    row = found.table.filter(demographic="country", reading="probabilities").row(0, named=True)
    assert f"Told nothing of a person, it answers most like {row['nearest']} ({row['nearest_Rep']:.3f})" in said
    assert f"least like {row['farthest']} ({row['farthest_Rep']:.3f}) by country: a difference of" in said
    assert "p (Holm)" in said


def test_the_report_shows_the_numbers_of_the_run(tmp_path: Path) -> None:
    people = some_people(120, country=["Brazil", "Germany", "Brazil"], sex=["female", "male"], town=["a", "b"])
    made = make_run(tmp_path / "run", "wvs7", people=people, predictors=("majority", "mine"), skill={"mine": 0.7})
    run = load_run(made)
    shown = report_distributions(run)
    found = run.distributions(draws=REPORT_DRAWS)
    assert {"country", "sex"} <= set(shown.demographics)
    for name in ("table", "groups", "pairs", "questions"):
        of_shown = pl.col("demographic").is_in([OVERALL, *shown.demographics])
        assert_frame_equal(
            getattr(shown, name).sort(pl.all().exclude("D_M", "D_H")),
            getattr(found, name).filter(of_shown).sort(pl.all().exclude("D_M", "D_H")),
        )


def test_predictors_measured_together_have_the_numbers_of_each_alone() -> None:
    """What is shared between predictors, the real differences, depends on what each of them predicted."""
    random = np.random.default_rng(2)
    answer = random.integers(0, 3, (90, 5))
    people = people_of(group=np.repeat(["x", "y", "z"], 30).tolist())
    scales = {f"Q{number}": (number < 4, 3) for number in range(5)}
    tables = []
    for name in ("all", "some", "others"):
        choice = random.integers(0, 3, answer.shape)
        if name != "all":
            choice[:30, 0 if name == "some" else 2] = -1  # nothing valid of a group in a question
        tables.append(predictions_of(choice, answer).with_columns(predictor=pl.lit(name)))
    together = _measure(pl.concat(tables), people, scales, "group")
    for table in tables:
        alone = _measure(table, people, scales, "group")
        for frame in ("table", "groups", "pairs", "questions"):
            assert_frame_equal(getattr(together, frame).filter(predictor=table["predictor"][0]), getattr(alone, frame))


def test_groups_that_are_too_many_to_compare_in_pairs_have_the_same_ranks(monkeypatch: pytest.MonkeyPatch) -> None:
    random = np.random.default_rng(4)
    answer = random.integers(0, 3, (60, 6))
    table = predictions_of(random.integers(0, 3, answer.shape), answer)
    people = people_of(group=np.repeat(list("vwxyz"), 12).tolist())
    scales = {f"Q{number}": (True, 3) for number in range(6)}
    compared = _measure(table, people, scales, "group").table
    monkeypatch.setattr(exaggeration, "_FEW", 1)
    assert_frame_equal(_measure(table, people, scales, "group").table, compared)


def test_the_experiment_runs_from_end_to_end(tmp_path: Path) -> None:
    experiment = load_experiment("distributions").model_copy(
        update={"predictors": ("majority", "resemble:k=5"), "minimum": 5, "demographics": ("country", "sex")}
    )
    experiment = experiment.model_copy(update={"around": {"predictor": "resemble:k=5", "context": "statements"}})
    said: list[str] = []
    assert run_experiment(experiment, synthetic_people(300), tmp_path / "out", tested=24, say=said.append)
    assert "3 cells" in said[1] or "4 cells" in said[1]
    table = pl.read_csv(tmp_path / "out" / "table.csv")
    assert set(table["demographic"]) == {"overall", "country", "sex"}
    for name in ("between", "groups", "pairs"):
        assert (tmp_path / "out" / f"{name}.csv").is_file()
    page = (tmp_path / "out" / "results.md").read_text(encoding="utf-8")
    assert "Distances from 0 to 1, with 95% intervals" in page
    assert "## Differences between groups" in page
    assert "## Whose answers?" in page
    first = one_reading(table).filter(demographic="overall").row(0, named=True)
    assert f"{first['WD']:.3f} for {first['predictor']}" in (tmp_path / "out" / "report.html").read_text()
    assert "NaN" not in (tmp_path / "out" / "figure.svg").read_text()
    assert (tmp_path / "out" / "figure.png").read_bytes().startswith(b"\x89PNG")
