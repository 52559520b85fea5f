"""Whether people of one group are made more alike than they are."""

from itertools import combinations

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from polars.testing import assert_frame_equal
from threadpoolctl import threadpool_limits

from answers import people_of, predictions_of
from indievalue.errors import IndievalueError
from indievalue.scoring.flattening import Flattening, flattening

SCALES = {"Q0": (True, 3), "Q1": (True, 3), "Q2": (False, 3), "Q3": (True, 3)}


def _run(seed: int, people: int = 24, probes: int = 4) -> tuple[pl.DataFrame, pl.DataFrame, np.ndarray]:
    """Predictions with three options, a few invalid; people in two groups; and the probabilities."""
    random = np.random.default_rng(seed)
    answer = random.integers(0, 3, (people, probes))
    probabilities = random.dirichlet([1, 1, 1], (people, probes)).astype(np.float32)
    choice = np.where(random.random(answer.shape) < 0.5, answer, random.integers(0, 3, answer.shape))
    choice[random.random(answer.shape) < 0.1] = -1
    table = predictions_of(choice, answer, probabilities)
    return table, people_of(group=random.choice(["x", "y"], people).tolist()), probabilities


def _measure(table: pl.DataFrame, people: pl.DataFrame, **more: object) -> Flattening:
    return flattening(table, people, ["group"], SCALES, minimum=1, **{"matched": ["group"], "draws": 50, **more})  # type: ignore[arg-type]


def _by_hand(table: pl.DataFrame, people: pl.DataFrame, group: str) -> dict[str, float]:
    """The slow way: over all pairs of people."""
    joined = table.join(people, on="person").filter(group=group)
    found: dict[str, list[float]] = {
        name: [] for name in ("true", "said", "alike_true", "alike", "apart", "same", "prob")
    }
    for question in SCALES:
        rows = joined.filter(question=question).select("answer", "choice", "probabilities").rows()
        for (a, c, p), (b, d, q) in combinations(rows, 2):
            if c >= 0 and d >= 0:
                if SCALES[question][0]:
                    found["true"].append(0.5 * ((a - b) / 2) ** 2)
                    found["said"].append(0.5 * ((c - d) / 2) ** 2)
                found["alike_true"].append(a == b)
                found["alike"].append(c == d)
                found["prob"].append(sum(one * other for one, other in zip(p, q, strict=True)))
            if a != b:
                found["apart"].append(c == a and d == b)
                found["same"].append(c == d and c >= 0)
    return {name: float(np.mean(values)) for name, values in found.items()}


@pytest.mark.parametrize("seed", range(3))
def test_it_is_what_all_pairs_say(seed: int) -> None:
    table, people, _ = _run(seed)
    said = _measure(table, people)
    sizes = people.group_by("group").len().sort("group")["len"].to_list()
    hands = [_by_hand(table, people, group) for group in ("x", "y")]
    for hand, row in zip(hands, said.groups.iter_rows(named=True), strict=True):
        assert row["variance_true"] == pytest.approx(hand["true"])
        assert row["variance"] == pytest.approx(hand["said"])
        assert row["ratio"] == pytest.approx(hand["said"] / hand["true"])
        assert row["alike_true"] == pytest.approx(hand["alike_true"])
        assert row["alike"] == pytest.approx(hand["alike"])
        assert row["excess"] == pytest.approx(hand["alike"] - hand["alike_true"])
        assert row["alike_probable"] == pytest.approx(hand["prob"])
    pooled = said.table.row(0, named=True)
    true, predicted = (np.average([hand[name] for hand in hands], weights=sizes) for name in ("true", "said"))
    assert (pooled["groups"], pooled["people"]) == (2, 24)
    assert pooled["ratio"] == pytest.approx(predicted / true)
    everybody = _by_hand(table, people.with_columns(group=pl.lit("all")), "all")
    matched, anybody = said.pairs.iter_rows(named=True)
    assert (matched["matched"], anybody["matched"]) == ("group", "anybody")
    assert anybody["pairs"] == 24 * 23 // 2
    assert matched["pairs"] == sum(size * (size - 1) // 2 for size in sizes)
    assert anybody["apart"] == pytest.approx(100 * everybody["apart"])
    assert anybody["same"] == pytest.approx(100 * everybody["same"])


def test_one_answer_for_all_makes_all_alike_and_the_truth_makes_none() -> None:
    random = np.random.default_rng(0)
    answer = random.integers(0, 3, (60, 4))
    people = people_of(group=["x", "y"] * 30)
    flat, true = (_measure(predictions_of(choice, answer), people) for choice in (np.ones_like(answer), answer))
    row = flat.table.row(0, named=True)
    assert (row["variance"], row["ratio"], row["ratio_high"], row["alike"]) == (0, 0, 0, 1)
    assert row["ratio_probable"] is None
    assert flat.pairs.select("apart", "same").rows() == [(0, 100), (0, 100)]
    row = true.table.row(0, named=True)
    assert (row["ratio"], row["ratio_low"], row["ratio_high"], row["excess"]) == (1, 1, 1, 0)
    assert true.pairs.select("apart", "same").rows() == [(100, 0), (100, 0)]


def test_the_interval_is_that_of_a_bootstrap_of_pairs() -> None:
    table, people, _ = _run(3, people=80)
    said = _measure(table, people.with_columns(group=pl.lit("x")), draws=2000)
    row = said.table.row(0, named=True)
    drawn = []
    by_person = table.partition_by("person", maintain_order=True)
    random = np.random.default_rng(1)
    for _ in range(120):
        rows = [
            by_person[at].with_columns(pl.lit(f"{copy:03d}").alias("person"))
            for copy, at in enumerate(random.integers(0, 80, 80))
        ]
        again = pl.concat(rows)
        whole = pl.DataFrame({"person": again["person"].unique(), "group": "x"})
        drawn.append(_measure(again, whole, draws=1).table["ratio"][0])
    assert row["ratio_high"] - row["ratio_low"] == pytest.approx(4 * np.std(drawn), rel=0.25)
    assert row["ratio_low"] < row["ratio"] < row["ratio_high"]


def test_small_and_missing_groups() -> None:
    table, people, _ = _run(4, people=40)
    few = people.with_columns(
        pl.when(pl.col("person") < "a0003").then(None).when(pl.col("person") < "a0005").then(pl.lit("z"))
        .otherwise("group").alias("group")
    )  # fmt: skip
    said = flattening(table, few, ["group"], SCALES, minimum=5, matched=["group"], draws=20)
    assert said.groups["group"].to_list() == ["x", "y"]
    assert said.table["people"].to_list() == [35]
    assert "3 people without a known group left out" in said.table["note"][0]
    nobody = flattening(table, few, ["group"], SCALES, minimum=100, matched=["group"], draws=20)
    assert nobody.table.select("groups", "ratio").row(0) == (0, None)


def test_one_person_or_nothing_valid_is_null() -> None:
    table, people, _ = _run(5)
    alone = _measure(table.filter(person="a0000"), people)
    assert alone.table.select("variance", "ratio", "alike").row(0) == (None, None, None)
    assert alone.pairs["apart"].to_list() == [None, None]
    invalid = _measure(table.with_columns(pl.lit(-1, pl.Int8).alias("choice")), people)
    assert invalid.table["ratio"].to_list() == [None]
    assert invalid.pairs.select("apart", "same").rows() == [(0, 0), (0, 0)]


def test_what_is_asked_wrongly_is_told() -> None:
    table, people, _ = _run(6)
    with pytest.raises(IndievalueError, match="no demographic 'luck'"):
        _measure(table, people, matched=["luck"])
    with pytest.raises(IndievalueError, match="scales has no entry for Q3"):
        flattening(table, people, ["group"], {name: scale for name, scale in SCALES.items() if name != "Q3"})
    assert flattening(table, people, ["group"], SCALES, minimum=1, draws=5).matched == ()


@given(st.integers(0, 2**32 - 1))
@settings(deadline=None, max_examples=10)
def test_the_order_of_rows_and_people_and_threads_changes_nothing(seed: int) -> None:
    table, people, _ = _run(seed)
    one = _measure(table, people)
    with threadpool_limits(1):
        two = _measure(
            table.sample(fraction=1, shuffle=True, seed=seed), people.sample(fraction=1, shuffle=True, seed=seed)
        )
    for name in ("table", "groups", "pairs"):
        assert_frame_equal(getattr(one, name), getattr(two, name), check_exact=True)


def test_the_interval_follows_how_often_the_person_who_differs_is_drawn() -> None:
    # One of ten people gave another answer, and all are predicted to give the same. Of the answers 36 of 45 pairs are
    # alike. To first order, a draw with k copies of that person has 0.8 + (1 − k) × 8 / 45 alike: each adds 2 × (0 - 9
    # × 0.8) / 90 = −0.16, and each other one 2 × (8 - 9 × 0.8) / 90. 95 % of the draws have 0 to 3 copies.
    table = predictions_of(np.zeros((10, 1), int), np.array([[1]] + [[0]] * 9))
    found = flattening(table, people_of(group=["x"] * 10), ["group"], {"Q0": (True, 2)}, [], minimum=2, draws=2000)
    row = found.groups.row(0, named=True)
    assert (row["alike_true"], row["alike"], row["excess"]) == pytest.approx((0.8, 1, 0.2))
    assert row["excess_low"] == pytest.approx(0.2 - 8 / 45)
    assert row["excess_high"] == pytest.approx(0.2 + 16 / 45)
    # Both answers differ in the nine pairs with that person, who is predicted wrongly, as everybody else.
    pairs = found.pairs.row(0, named=True)
    assert (pairs["people"], pairs["pairs"], pairs["cases"]) == (10, 45, 9)
    assert (pairs["apart"], pairs["apart_low"], pairs["apart_high"]) == (0, 0, 0)
    assert (pairs["same"], pairs["same_low"], pairs["same_high"]) == (100, 100, 100)
    assert pairs["apart_probable"] is None


def test_in_a_notebook_the_rates_of_groups_are_a_table() -> None:
    table, people, _ = _run(5)
    html = _measure(table, people)._repr_html_()
    assert "Variance and likeness within groups" in html
    assert html.count("<tr>") == 2  # the head, and one demographic of one predictor


def test_a_scale_of_two_options_has_a_variance() -> None:
    # Half the squared distance of a pair that differs is 1/2. Of six pairs four differ in their answers: 4 × 1/2 / 6;
    # three differ in their predictions: 3 × 1/2 / 6.
    table = predictions_of(np.array([[0], [1], [1], [1]]), np.array([[0], [0], [1], [1]]))
    found = flattening(table, people_of(group=["x"] * 4), ["group"], {"Q0": (True, 2)}, [], minimum=2, draws=5)
    row = found.groups.row(0, named=True)
    assert (row["variance_true"], row["variance"], row["ratio"]) == pytest.approx((1 / 3, 1 / 4, 3 / 4))


def test_the_probabilities_of_the_first_option_tell_people_apart_like_those_of_others() -> None:
    # Drawn from 0.75 for each one's own answer, both are right in 0.75², and both the same in 2 × 0.75 × 0.25.
    choice = np.array([[0], [1]])
    table = predictions_of(choice, choice, np.array([[[0.75, 0.25]], [[0.25, 0.75]]]))
    found = flattening(table, people_of(group=["x"] * 2), ["group"], {"Q0": (True, 2)}, [], minimum=2, draws=5)
    row = found.pairs.row(0, named=True)
    assert (row["apart_probable"], row["same_probable"]) == pytest.approx((56.25, 37.5))


def test_a_question_that_one_of_two_people_was_not_asked_is_no_case() -> None:
    table = predictions_of(np.array([[0, 1], [1, 1]]), np.array([[0, 0], [1, 1]])).head(3)  # the second: Q0 only
    scales = {"Q0": (True, 2), "Q1": (True, 2)}
    found = flattening(table, people_of(group=["x"] * 2), ["group"], scales, [], minimum=2, draws=5)
    assert found.pairs.select("pairs", "cases", "apart").row(0) == (1, 1, 100)
    assert found.groups.select("alike_true", "alike").row(0) == (0, 0)


def test_a_pair_of_little_weight_is_a_case() -> None:
    # Weights of 0.2 and 1.8 after normalization: a case of both counts 2 × 0.36, which is less than 1.
    table = predictions_of(np.zeros((2, 1), int), np.array([[0], [1]]))
    people = people_of(group=["x"] * 2)
    found = flattening(
        table, people, ["group"], {"Q0": (True, 2)}, [], weights=np.array([1.0, 9.0]), minimum=2, draws=5
    )
    assert found.groups.select("alike_true", "alike", "excess").row(0) == (0, 1, 1)


def test_over_all_groups_each_counts_by_its_people() -> None:
    # The two people of x differ and are predicted to be alike; the six of y are alike. In each draw that is 2 of 8.
    table = predictions_of(np.zeros((8, 1), int), np.array([[0], [1]] + [[0]] * 6))
    people = people_of(group=["x"] * 2 + ["y"] * 6)
    found = flattening(table, people, ["group"], {"Q0": (True, 2)}, [], minimum=2, draws=5).table.row(0, named=True)
    assert (found["excess"], found["excess_low"], found["excess_high"]) == pytest.approx((0.25, 0.25, 0.25))
