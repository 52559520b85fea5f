"""Scores of predictions whose right score can be counted."""

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import polars as pl
import pytest

from answers import answered, people_of, predictions_of
from indievalue.intervals import wilson
from indievalue.predictors.predictions import SCHEMA
from indievalue.scoring.accuracy import log_loss, score, summarise
from indievalue.scoring.bootstrap import cluster_interval
from indievalue.scoring.breakdown import accuracy_by, accuracy_by_category, accuracy_by_question
from indievalue.scoring.calibration import calibration, reliability
from indievalue.scoring.flattening import flattening
from indievalue.scoring.inequity import inequity
from indievalue.scoring.weighting import weighted_rows
from indievalue.survey.survey import Survey


def _predictions(rows: list[tuple[str, str, int, int, list[float] | None]], setup: int = 0) -> pl.DataFrame:
    """Rows of (predictor, person, answer, choice, probabilities)."""
    return pl.DataFrame(
        [
            {
                "predictor": predictor,
                "form": "polar",
                "protocol": "strict",
                "context": "statements",
                "demonstrations_as": "polar",
                "setup": setup,
                "person": person,
                "question": f"Q{number}",
                "demonstrations": 0,
                "answer": answer,
                "choice": choice,
                "probabilities": probabilities,
            }
            for number, (predictor, person, answer, choice, probabilities) in enumerate(rows)
        ],
        schema=SCHEMA,
    )


def test_accuracy_counts_probes_and_an_invalid_output_is_wrong() -> None:
    said = score(
        _predictions([("p", "a", 0, 0, None), ("p", "a", 1, 0, None), ("p", "b", 1, 1, None), ("p", "b", 0, -1, None)])
    )
    assert said.accuracy == 50
    assert (said.invalid, said.people, said.probes) == (1, 2, 4)
    assert said.log_loss is None


def test_log_loss_is_the_mean_negative_log_probability_of_the_truth() -> None:
    table = _predictions([("p", "a", 0, 0, [0.8, 0.2]), ("p", "a", 1, 0, [0.5, 0.5]), ("p", "b", 0, 1, [0.0, 1.0])])
    assert log_loss(table) == pytest.approx(-(math.log(0.8) + math.log(0.5) + math.log(1e-6)) / 3, rel=1e-6)


def test_a_person_s_probes_belong_together() -> None:
    # 40 people with 50 probes each, half of them always right: the interval is that of 40 coin tosses, not of 2,000.
    right = np.array([50, 0] * 20)
    probes = np.full(40, 50)
    low, high = cluster_interval(right, probes, seed=0)
    half_width = 1.96 * math.sqrt(0.25 / 40)
    assert low == pytest.approx(0.5 - half_width, abs=0.03)
    assert high == pytest.approx(0.5 + half_width, abs=0.03)


def test_the_interval_holds_the_truth_as_often_as_it_says() -> None:
    rng = np.random.default_rng(0)
    held = 0
    for trial in range(200):
        skill = rng.beta(8, 4, 60)
        low, high = cluster_interval(rng.binomial(20, skill), np.full(60, 20), seed=trial, draws=400)
        held += low <= 8 / 12 <= high
    assert 180 <= held <= 199


def test_one_person_has_no_spread() -> None:
    assert cluster_interval(np.array([3]), np.array([4]), seed=0) == (0.75, 0.75)


def test_the_same_seed_gives_the_same_interval_in_any_order() -> None:
    table = _predictions([("p", f"{n % 7}", 0, n % 3 % 2, None) for n in range(50)])
    assert score(table, 1) == score(table.sample(fraction=1, shuffle=True, seed=2), 1)


def test_the_summary_has_every_predictor_and_setup() -> None:
    table = pl.concat(
        [
            _predictions([("one", "a", 0, 0, None), ("two", "a", 0, 1, None)], setup=1),
            _predictions([("one", "b", 0, 1, None), ("two", "b", 0, 1, None)], setup=0),
        ]
    )
    summary = summarise(table)
    assert {name: of_all.accuracy for name, of_all in summary.items()} == {"one": 50, "two": 0}
    assert {setup: part.accuracy for setup, part in summary["one"].setups.items()} == {"0": 0, "1": 100}


def test_nothing_to_score_is_an_error() -> None:
    with pytest.raises(ValueError, match="no predictions"):
        score(_predictions([]))


def _to_questions(table: pl.DataFrame, *names: str) -> pl.DataFrame:
    """``table`` with the questions Q0, Q1, … under other names."""
    return table.with_columns(pl.col("question").replace_strict({f"Q{at}": name for at, name in enumerate(names)}))


def test_the_accuracy_on_a_question_has_wilson_s_interval(garden: Survey) -> None:
    # Of four people, 1 is right on A1, all on P2 and none on N3. Wilson's interval of 1 of 4 is 4.56 to 69.94 %,
    # that of 4 of 4 begins at n / (n + z²), and that of 0 of 4 ends at z² / (n + z²).
    table = predictions_of(np.array([[0, 0, 1], [1, 0, 1], [1, 0, -1], [1, 0, 1]]))
    found = accuracy_by_question(_to_questions(table, "A1", "P2", "N3"), garden)
    assert found["question"].to_list() == ["P2", "A1", "N3"]  # as in the survey
    assert found["accuracy"].to_list() == [100, 25, 0]
    square = 1.959964**2
    assert found["accuracy_low"].to_list() == pytest.approx([100 * 4 / (4 + square), 4.5587, 0], abs=1e-3)
    assert found["accuracy_high"].to_list() == pytest.approx([100, 69.9358, 100 * square / (4 + square)], abs=1e-3)
    assert found.select("people", "probes").unique().rows() == [(4, 4)]


def test_a_question_asked_twice_has_as_many_people_as_without(garden: Survey) -> None:
    once = predictions_of(np.array([[0], [1]]))
    again = once.with_columns(setup=pl.lit(1, pl.Int8), choice=pl.lit(0, pl.Int8))
    (row,) = accuracy_by_question(_to_questions(pl.concat([once, again]), "P1"), garden).iter_rows(named=True)
    assert (row["accuracy"], row["people"], row["probes"]) == (75, 2, 4)
    low, high = wilson(0.75, 2)
    assert (row["accuracy_low"], row["accuracy_high"]) == pytest.approx((100 * low, 100 * high))


def test_the_weighted_accuracy_on_a_question_has_the_effective_number_of_people(garden: Survey) -> None:
    # a0000, of weight 3, is right once and wrong once, a0001, of weight 1, is right once: 100 × (3 + 1) / (3 + 3 + 1),
    # of (3 + 1)² / (9 + 1) = 1.6 people.
    first = predictions_of(np.array([[0], [0]])).with_columns(weight=pl.Series([3.0, 1.0]))
    again = first.head(1).with_columns(setup=pl.lit(1, pl.Int8), choice=pl.lit(1, pl.Int8))
    (row,) = accuracy_by_question(_to_questions(pl.concat([again, first]), "P1"), garden).iter_rows(named=True)
    assert row["accuracy"] == pytest.approx(400 / 7)
    assert (row["people"], row["probes"]) == (2, 3)
    low, high = wilson(4 / 7, 1.6)
    assert (row["accuracy_low"], row["accuracy_high"]) == pytest.approx((100 * low, 100 * high))


def test_people_can_be_weighted_in_a_breakdown() -> None:
    # a0000, of weight 3, has 1 of 2 right, a0001, of weight 1, has both: 100 × (3 × 1 + 2) / (3 × 2 + 2) = 62.5. A draw
    # of two people is one of them twice in a quarter of the draws each, which are the ends: 50 and 100.
    table = predictions_of(np.array([[0, 1], [0, 0]])).with_columns(weight=pl.Series([3.0, 3.0, 1.0, 1.0]))
    (row,) = accuracy_by(table, "predictor").iter_rows(named=True)
    assert (row["accuracy"], row["people"], row["probes"]) == (pytest.approx(62.5), 2, 4)
    assert (row["accuracy_low"], row["accuracy_high"]) == (pytest.approx(50), pytest.approx(100))


def test_categories_are_in_the_order_of_the_survey(garden: Survey) -> None:
    table = _to_questions(predictions_of(np.array([[0, 1, 0], [0, 0, 1]])), "N1", "A2", "P3")
    found = accuracy_by_category(table, garden)
    assert found["category"].to_list() == list(garden.categories) == ["Plants", "Animals", "Neighbors"]
    assert found["accuracy"].to_list() == [50, 50, 100]


_RANDOM = np.random.default_rng(7)
_TABLE = predictions_of(
    answered(_RANDOM.uniform(0.3, 0.9, 40), 5, _RANDOM), 0, _RANDOM.dirichlet((2, 1), (40, 5)), predictor="p"
)
_SCALES = {f"Q{probe}": (True, 2) for probe in range(5)}


@pytest.mark.parametrize(
    "figures",
    [
        lambda **seed: repr(score(_TABLE, **seed)),
        lambda **seed: repr(summarise(_TABLE, **seed)),
        lambda **seed: repr(calibration(_TABLE, **seed)),
        lambda **seed: repr(reliability(_TABLE, **seed).rows()),
        lambda **seed: repr(accuracy_by(_TABLE, "predictor", **seed).rows()),
        lambda **seed: repr(
            inequity(_TABLE, people_of(half=["m", "n"] * 20), ["half"], minimum=9, **seed).table.rows()
        ),
        lambda **seed: repr(
            flattening(_TABLE, people_of(half=["m", "n"] * 20), ["half"], _SCALES, minimum=9, **seed).table.rows()
        ),
    ],
)
def test_the_seed_is_0_unless_another_is_given(figures: Callable[..., Any]) -> None:
    assert figures() == figures(seed=0) != figures(seed=1)


def test_rows_with_probabilities_and_rows_with_a_choice_as_well_are_counted() -> None:
    said = score(
        _predictions([("p", "a", 0, 0, [0.8, 0.2]), ("p", "a", 0, -1, [0.8, 0.2]), ("p", "b", 0, 0, [0.7, 0.3]),
                      ("p", "b", 0, 1, None), ("p", "b", 0, -1, None)])
    )  # fmt: skip
    assert (said.probes, said.invalid, said.probability_rows, said.calibration_rows) == (5, 2, 3, 2)


def test_fewer_than_one_probe_by_weight_have_an_interval() -> None:
    assert cluster_interval(np.array([0.25]), np.array([0.5]), seed=0) == (0.5, 0.5)


def test_without_weights_everybody_has_a_weight_of_1() -> None:
    assert weighted_rows(_TABLE, None)["weight"].unique().to_list() == [1.0]


def test_people_without_a_label_are_a_group_of_the_breakdown() -> None:
    table = predictions_of(np.array([[0], [1], [0]])).with_columns(region=pl.Series(["x", None, None]))
    found = accuracy_by(table, "region")
    assert found.select("region", "accuracy", "people").rows() == [("x", 100, 1), (None, 50, 2)]
