"""Scores of predictions whose right score can be counted."""

import math

import numpy as np
import polars as pl
import pytest

from indievalue.predictors.predictions import SCHEMA
from indievalue.scoring.accuracy import log_loss, score, summarise
from indievalue.scoring.bootstrap import cluster_interval


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
