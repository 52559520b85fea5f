"""Whether probabilities can be trusted: on predictions whose calibration is known."""

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from indievalue.predictors.predictions import SCHEMA
from indievalue.scoring.accuracy import score
from indievalue.scoring.calibration import (
    brier,
    calibration,
    equal_mass_bins,
    option_scales,
    ordinal_error,
    reliability,
)
from indievalue.survey.survey import Survey


def _predictions(rows: list[tuple[str, str, int, int, list[float] | None]], predictor: str = "p") -> pl.DataFrame:
    """Rows of (person, question, answer, choice, probabilities)."""
    return pl.DataFrame(
        [
            (predictor, "polar", "strict", "statements", "polar", 0, person, question, 0, answer, choice, probabilities)
            for person, question, answer, choice, probabilities in rows
        ],
        schema=SCHEMA,
        orient="row",
    )


def _sure(stated: np.ndarray, true: np.ndarray, seed: int = 0, predictor: str = "p") -> pl.DataFrame:
    """Two options; the first is chosen with probability ``stated`` and is right with probability ``true``."""
    answers = (np.random.default_rng(seed).random(len(stated)) >= true).astype(int)
    people = np.arange(len(stated)) // 10
    return _predictions(
        [
            (f"{person:04d}", "P1", int(answer), 0, [one, 1 - one])
            for person, answer, one in zip(people.tolist(), answers, stated.tolist(), strict=True)
        ],
        predictor,
    )


def test_the_brier_score_sums_the_squared_errors_of_all_options() -> None:
    table = _predictions(
        [("a", "P1", 0, 0, [0.75, 0.25]), ("a", "P2", 2, 0, [0.5, 0.25, 0.25]), ("b", "P1", 0, 0, None)]
    )
    first = 0.25**2 + 0.25**2
    second = 0.5**2 + 0.25**2 + 0.75**2
    assert brier(table) == pytest.approx((first + second) / 2)
    assert brier(table.filter(person="b")) is None


def test_the_calibration_error_by_hand() -> None:
    # Two bins: four rows at 0.6, of which one is right, and four at 0.9, of which all are.
    rows = [("a", f"P{n}", int(n > 0), 0, [0.6, 0.4]) for n in range(4)]
    rows += [("a", f"A{n}", 0, 0, [0.9, 0.1]) for n in range(4)]
    said = calibration(_predictions(rows), bins=2)
    assert said is not None
    assert said.error == pytest.approx((abs(1 / 4 - 0.6) + abs(1 - 0.9)) / 2, abs=1e-6)


def test_a_calibrated_predictor_has_an_error_by_chance_alone() -> None:
    random = np.random.default_rng(1)
    corrected = []
    for trial in range(10):
        stated = random.uniform(0.5, 1, 3000)
        said = calibration(_sure(stated, stated, seed=trial), seed=trial)
        assert said is not None
        assert said.error > 0.01
        corrected.append(said.corrected)
    assert np.mean(corrected) == pytest.approx(0, abs=0.003)


def test_a_known_miscalibration_is_measured() -> None:
    stated = np.random.default_rng(2).uniform(0.6, 1, 20_000)
    said = calibration(_sure(stated, stated - 0.1))
    assert said is not None
    assert said.error == pytest.approx(0.1, abs=0.01)
    assert said.floor < 0.015
    assert said.corrected == pytest.approx(0.1, abs=0.015)


def test_the_floor_is_the_same_for_the_same_seed_and_grows_as_rows_get_fewer() -> None:
    stated = np.random.default_rng(3).uniform(0.5, 1, 4000)
    many = _sure(stated, stated)
    one, two, few = calibration(many, 5), calibration(many, 5), calibration(many.head(400), 5)
    assert one is not None
    assert few is not None
    assert one == two
    assert few.floor == pytest.approx(one.floor * np.sqrt(10), rel=0.15)


def test_without_probabilities_there_is_nothing_to_trust() -> None:
    said = score(_predictions([("a", "P1", 0, 0, None), ("a", "P2", 1, -1, None)]))
    assert (said.brier, said.ece, said.ece_floor, said.ordinal_error) == (None, None, None, None)
    assert reliability(_predictions([("a", "P1", 0, 0, None)])).is_empty()
    # An invalid output chose nothing that could have a probability.
    assert calibration(_predictions([("a", "P1", 0, -1, [0.5, 0.5])])) is None


def test_bins_hold_equally_many_and_never_part_equal_values() -> None:
    assert equal_mass_bins(np.arange(12) / 12, 3).tolist() == [0] * 4 + [1] * 4 + [2] * 4
    assert equal_mass_bins(np.full(9, 0.5), 3).tolist() == [1] * 9
    assert equal_mass_bins(np.array([0.9, 0.5, 0.5, 0.5]), 2).tolist() == [1, 0, 0, 0]


def test_the_reliability_table_counts_bins_and_holds_the_truth() -> None:
    stated = np.random.default_rng(4).uniform(0.5, 1, 3000)
    both = pl.concat([_sure(stated, stated - 0.2, predictor="bold"), _sure(stated, stated, predictor="fair")])
    table = reliability(both)
    assert table["predictor"].unique(maintain_order=True).to_list() == ["bold", "fair"]
    for name, lower in (("bold", 20), ("fair", 0)):
        part = table.filter(predictor=name)
        assert part["probes"].to_list() == [200] * 15
        whose = np.sort(stated).reshape(15, 200)
        inside = [
            np.unique((np.arange(3000) // 10)[(stated >= low) & (stated <= high)]) for low, high in whose[:, [0, -1]]
        ]
        assert part["people"].to_list() == [len(people) for people in inside]
        assert part["probability"].is_sorted()
        held = (part["accuracy_low"] <= 100 * part["probability"] - lower) & (
            100 * part["probability"] - lower <= part["accuracy_high"]
        )
        assert held.sum() >= 12
        said = calibration(both.filter(predictor=name))
        assert said is not None
        gaps = (part["accuracy"] / 100 - part["probability"]).abs() * part["probes"]
        assert gaps.sum() / 3000 == pytest.approx(said.error)


def test_the_distance_on_a_scale_by_hand(garden: Survey) -> None:
    refined = pl.lit("refined").alias("form")
    table = _predictions(
        [
            ("a", "P1", 0, 3, None),  # four options: three steps off of three
            ("a", "A1", 1, 2, None),  # one step off of three
            ("a", "N2", 1, 1, None),  # right
            ("a", "P2", 0, -1, None),  # invalid: as far off as can be
            ("a", "N1", 0, 2, None),  # no scale: not counted
        ]
    ).with_columns(refined)
    assert ordinal_error(table, option_scales(table, garden)) == pytest.approx((1 + 1 / 3 + 0 + 1) / 4)
    assert score(table, 0, garden).ordinal_error == pytest.approx((1 + 1 / 3 + 0 + 1) / 4)
    unordered = table.filter(question="N1")
    assert ordinal_error(unordered, option_scales(unordered, garden)) is None


@given(st.integers(0, 2**32 - 1), st.integers(1, 40))
@settings(deadline=None, max_examples=25)
def test_the_order_of_rows_changes_nothing(seed: int, rows: int) -> None:
    random = np.random.default_rng(seed)
    table = _predictions(
        [
            (
                str(random.integers(5)),
                str(random.choice(["P1", "A1", "N2"])),
                int(random.integers(2)),
                int(random.integers(-1, 2)),
                [one, 1 - one] if random.random() < 0.8 else None,
            )
            for one in random.choice([0.2, 0.5, 0.7, 0.9], rows).tolist()
        ]
    )
    shuffled = table.sample(fraction=1, shuffle=True, seed=seed)
    scales = {"P1": (True, 2), "A1": (True, 2), "N2": (False, 2)}
    assert brier(table) == brier(shuffled)
    assert calibration(table, seed) == calibration(shuffled, seed)
    assert ordinal_error(table, scales) == ordinal_error(shuffled, scales)
    assert reliability(table, seed).equals(reliability(shuffled, seed))


def test_the_floor_is_the_mean_error_of_200_simulations() -> None:
    # Of two rows at 0.5, one is expected to be right: the error is 1/2 if both or none are, and 0 otherwise.
    said = calibration(_predictions([("a", f"P{n}", n, 0, [0.5, 0.5]) for n in range(2)]))
    assert said is not None
    right = (np.random.default_rng(0).random((200, 2)) < 0.5).sum(axis=1)
    assert said.floor == pytest.approx((right != 1).mean() / 2, abs=1e-12)
