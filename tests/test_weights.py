"""Scores in which people are weighted."""

import json
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import polars as pl
import pytest

from answers import answered, people_of, predictions_of
from commands import run_here
from indievalue.benchmark.build import build_benchmark
from indievalue.errors import IndievalueError
from indievalue.evaluation import evaluate
from indievalue.runs.run import Run
from indievalue.runs.storage import load_run
from indievalue.scoring.accuracy import Score, score
from indievalue.scoring.flattening import flattening
from indievalue.scoring.inequity import inequity
from indievalue.scoring.paired import compare
from indievalue.scoring.weighting import effective_size, person_weights
from indievalue.synthetic.generate import synthetic_people

FIGURES = ("accuracy", "log_loss", "brier")


def _table(seed: int = 0, people: int = 40, probes: int = 6) -> pl.DataFrame:
    random = np.random.default_rng(seed)
    choice = answered(random.beta(6, 3, people), probes, random)
    first = random.uniform(0.3, 0.95, choice.shape)
    return predictions_of(choice, 0, np.stack([first, 1 - first], axis=2))


def _weights(table: pl.DataFrame, values: np.ndarray) -> dict[str, float]:
    return dict(zip(table["person"].unique().sort().to_list(), values.tolist(), strict=True))


def test_weighted_scores_by_hand() -> None:
    # a has 1 of 2 right, b 2 of 2: with weights 3 and 1, 100 × (3 × 1 + 1 × 2) / (3 × 2 + 1 × 2) = 62.5.
    table = predictions_of(
        np.array([[0, 1], [0, 0]]), 0, np.array([[[0.8, 0.2], [0.4, 0.6]], [[0.5, 0.5], [0.9, 0.1]]])
    )
    said = score(table, weights={"a0000": 3, "a0001": 1}, weighting="equal")
    assert said.accuracy == pytest.approx(62.5)
    losses = -np.log([0.8, 0.4, 0.5, 0.9])
    assert said.log_loss == pytest.approx((3 * losses[:2].sum() + losses[2:].sum()) / 8, abs=1e-6)
    assert said.weights == "equal"
    assert said.effective_people == pytest.approx(16 / 10)  # (3 + 1)² / (9 + 1)


def test_a_person_counts_as_often_as_the_weight_says() -> None:
    table = _table()
    times = np.random.default_rng(1).integers(1, 4, 40).astype(float)
    weights = _weights(table, times)
    copies = pl.concat(
        table.filter(person=person).with_columns(person=pl.lit(f"{person}-{copy}"))
        for person, number in weights.items()
        for copy in range(int(number))
    )
    said, expected = score(table, weights=weights), score(copies)
    for figure in FIGURES:
        assert getattr(said, figure) == pytest.approx(getattr(expected, figure))


def test_equal_weights_change_no_figure() -> None:
    table = _table(2)
    said, expected = score(table, weights=_weights(table, np.full(40, 2.0))), score(table)
    for figure in Score.__dataclass_fields__:
        assert getattr(said, figure) == pytest.approx(getattr(expected, figure)), figure
    assert expected.effective_people == 40


def test_people_of_weight_0_are_in_no_figure_and_no_count() -> None:
    table = _table(3)
    values = np.tile([0.0, 1.0], 20)
    weights = _weights(table, values)
    rest = table.filter(pl.col("person").is_in([name for name, weight in weights.items() if weight]))
    said, expected = score(table, weights=weights), score(rest)
    assert (said.people, said.probes, said.effective_people) == (20, 120, 20)
    for figure in (*FIGURES, "ece", "accuracy_low", "accuracy_high"):
        assert getattr(said, figure) == pytest.approx(getattr(expected, figure))
    people = people_of(group=["none", "one"] * 20, half=["m", "m", "n", "n"] * 10)
    found = inequity(table, people, ["group", "half"], weights=values, minimum=1, draws=20)
    assert found.groups["group"].to_list() == ["one", "m", "n"]  # a group whose weights are all 0 has no figure
    both = compare(table, table.with_columns(choice=1 - pl.col("choice"), predictor=pl.lit("q")), people, ["half"],
                   weights=values, minimum=1, draws=20)  # fmt: skip
    assert both.table["a"][0] == pytest.approx(expected.accuracy)


@pytest.mark.parametrize("value", [0.0, -1.0, float("nan")])
def test_weights_that_cannot_be_used_are_refused(value: float) -> None:
    table = _table(4)
    with pytest.raises(IndievalueError, match="weight"):
        score(table, weights=_weights(table, np.full(40, value)))
    with pytest.raises(IndievalueError, match="weight"):
        inequity(table, people_of(half=["m", "n"] * 20), ["half"], weights=np.full(40, value))


def test_the_effective_number_of_people() -> None:
    assert effective_size(np.array([2.0, 2.0, 2.0])) == 3
    assert effective_size(np.array([1.0, 3.0])) == pytest.approx(1.6)


def test_weighted_intervals_hold_the_truth() -> None:
    held = 0
    for seed in range(150):
        random = np.random.default_rng(seed)
        uneven = random.random(80) < 0.5
        skill = np.where(uneven, 0.8, 0.6)
        table = predictions_of(answered(skill, 10, random))
        # Half of the people have skill 0.8 and three times the weight: the truth is (3 × 0.8 + 0.6) / 4.
        found = score(table, seed, weights=_weights(table, np.where(uneven, 3.0, 1.0)))
        held += found.accuracy_low <= 75 <= found.accuracy_high
    assert 134 <= held <= 150


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> tuple[Run, Path]:
    people = synthetic_people(600)
    folder = tmp_path_factory.mktemp("weighted") / "run"
    benchmark = build_benchmark(people, people_tested=60, setups=[0])
    return evaluate(people, benchmark, ["majority", "random"], folder, weights="equal"), folder


def test_the_weighting_is_in_the_run_and_its_scores(run: tuple[Run, Path]) -> None:
    made, folder = run
    assert json.loads((folder / "run.json").read_text())["weights"] == "equal"
    stored = json.loads((folder / "summary.json").read_text())["majority"]
    assert stored["weights"] == "equal"
    assert stored["effective_people"] == pytest.approx(effective_size(made.weights))
    loaded = load_run(folder)
    assert loaded.scores == made.scores
    plain = loaded.weighted("none")
    assert plain.scores["majority"].weights == "none"
    assert plain.scores["majority"].accuracy != loaded.scores["majority"].accuracy
    assert plain.weighted("equal").scores == made.scores
    assert "Results weight people by survey weight" in (folder / "report.html").read_text()
    assert made.by_category["accuracy"].to_list() != plain.by_category["accuracy"].to_list()
    right = made.predictions.filter(predictor="majority", question=made.by_question["question"][0]).join(
        made.people.select("person").with_columns(w=made.weights), on="person"
    )
    expected = 100 * np.average((right["choice"] == right["answer"]).to_numpy(), weights=right["w"].to_numpy())
    assert made.by_question.filter(predictor="majority")["accuracy"][0] == pytest.approx(expected)


def test_runs_are_weighted_on_the_command_line(run: tuple[Run, Path], tmp_path: Path) -> None:
    made, folder = run
    compared = run_here("compare", folder, "--weights", "population", "--draws", "20", "--out", tmp_path / "c.csv")
    assert compared.returncode == 0, compared.stderr
    accuracy = pl.read_csv(tmp_path / "c.csv").filter(measure="accuracy")["a"][0]
    assert accuracy == pytest.approx(made.weighted("population").scores["majority"].accuracy)
    page = run_here("report", folder, "--out", tmp_path / "r.html", "--weights", "population")
    assert page.returncode == 0, page.stderr
    assert "with totals by population" in (tmp_path / "r.html").read_text()
    refused = run_here("report", folder, "--out", tmp_path / "s.html", "--weights", "luck")
    assert refused.returncode == 2


def test_people_of_weight_0_can_be_weighted_with_the_others() -> None:
    people = pl.DataFrame({"person": list("abcd"), "weight": [1.0, 3.0, 0.0, 0.0], "region": ["N", "N", "N", "S"]})
    survey = SimpleNamespace(country="region", name="garden")
    assert person_weights(people, survey, "equal").tolist() == [1.0, 3.0, 0.0, 0.0]  # type: ignore[arg-type]
    with pytest.raises(IndievalueError, match="all survey weights are 0"):
        person_weights(people.with_columns(weight=0.0), survey, "equal")  # type: ignore[arg-type]


def test_in_flattening_a_pair_counts_by_the_product_of_its_weights() -> None:
    random = np.random.default_rng(3)
    answer, choice = random.integers(0, 3, (2, 8, 5))
    people, weights = people_of(half=["m", "n"] * 4), random.integers(1, 5, 8).astype(float)
    table = predictions_of(choice, answer)
    scales = {f"Q{probe}": (True, 3) for probe in range(5)}
    found = flattening(table, people, ["half"], scales, [], weights=weights, minimum=1, draws=20)
    for group, members in {"m": range(0, 8, 2), "n": range(1, 8, 2)}.items():
        pairs = [(a, b) for a in members for b in members if a != b]
        total = sum(weights[a] * weights[b] * 5 for a, b in pairs)
        row = found.groups.row(by_predicate=pl.col("group") == group, named=True)
        for name, given in {"variance_true": answer, "variance": choice}.items():
            squares = sum(weights[a] * weights[b] * ((given[a] - given[b]) ** 2 / 4).sum() for a, b in pairs)
            assert row[name] == pytest.approx(0.5 * squares / total)
        alike = sum(weights[a] * weights[b] * (choice[a] == choice[b]).sum() for a, b in pairs)
        assert row["alike"] == pytest.approx(alike / total)
    anybody = found.pairs.row(by_predicate=pl.col("matched") == "anybody", named=True)
    differ = [
        (a, b, q) for a in range(8) for b in range(8) for q in range(5) if a != b and answer[a, q] != answer[b, q]
    ]
    right = sum(
        weights[a] * weights[b] for a, b, q in differ if choice[a, q] == answer[a, q] and choice[b, q] == answer[b, q]
    )
    assert anybody["apart"] == pytest.approx(100 * right / sum(weights[a] * weights[b] for a, b, _ in differ))


def test_weights_leave_flattening_as_it_is_where_they_are_equal_and_drop_people_of_weight_0() -> None:
    random = np.random.default_rng(4)
    answer, choice = random.integers(0, 2, (2, 12, 4))
    people = people_of(half=["m", "n"] * 6)
    table, scales = predictions_of(choice, answer), {f"Q{probe}": (True, 2) for probe in range(4)}
    plain = flattening(table, people, ["half"], scales, [], minimum=1, draws=20)
    equal = flattening(table, people, ["half"], scales, [], weights=np.full(12, 2.0), minimum=1, draws=20)
    assert plain.groups.equals(equal.groups)
    assert plain.pairs.equals(equal.pairs)
    weights = np.array([0.0] * 4 + [1.0] * 8)
    kept = table.filter(pl.col("person").is_in(people["person"].to_list()[4:]))
    assert flattening(table, people, ["half"], scales, [], weights=weights, minimum=1, draws=20).groups.equals(
        flattening(kept, people, ["half"], scales, [], minimum=1, draws=20).groups
    )
