"""Tables of scores: in the order in which predictors come, and a few values that nothing else states."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from answers import answered, people_of, predictions_of
from indievalue.benchmark.build import build_benchmark
from indievalue.benchmark.model import Settings
from indievalue.benchmark.storage import benchmark_hash, save_benchmark
from indievalue.people.people import People
from indievalue.scoring.accuracy import PredictorScore, score, summarise
from indievalue.scoring.breakdown import accuracy_by, accuracy_by_category, accuracy_by_person
from indievalue.scoring.calibration import option_scales, reliability
from indievalue.scoring.flattening import flattening
from indievalue.scoring.group_values import measure_groups
from indievalue.scoring.groups import group_people
from indievalue.scoring.inequity import _between, inequity
from indievalue.scoring.measures import person_sums
from indievalue.scoring.paired import _difference, compare
from indievalue.survey.survey import Survey

NAMES = [f"p{(7 * number) % 23:02d}" for number in range(23)]
"""Names of predictors in no order."""


@pytest.fixture
def table() -> pl.DataFrame:
    """Predictions of 40 people by many predictors, with probabilities of two options."""
    random = np.random.default_rng(0)
    parts = []
    for name in NAMES:
        choice = answered(random.beta(6, 3, 40), 6, random)
        first = random.uniform(0.3, 0.95, choice.shape)
        sure = np.where(choice == 0, np.maximum(first, 1 - first), np.minimum(first, 1 - first))
        rows = predictions_of(choice, 0, np.stack([sure, 1 - sure], axis=2))
        parts.append(rows.with_columns(predictor=pl.lit(name)))
    return pl.concat(parts)


def test_predictors_stay_in_the_order_in_which_they_come(table: pl.DataFrame) -> None:
    people = people_of(half=["m", "n"] * 20)
    assert list(summarise(table)) == NAMES
    assert accuracy_by(table, "predictor")["predictor"].to_list() == NAMES
    assert accuracy_by_person(table)["predictor"].unique(maintain_order=True).to_list() == NAMES
    assert reliability(table)["predictor"].unique(maintain_order=True).to_list() == NAMES
    uneven = inequity(table, people, ["half"], minimum=2, draws=5)
    for found in (uneven.table, uneven.groups, uneven.index):
        assert found["predictor"].unique(maintain_order=True).to_list() == NAMES


def test_flattening_keeps_the_order_of_predictors(garden: Survey, gardeners: People) -> None:
    from indievalue.evaluation import evaluate

    benchmark = build_benchmark(gardeners, Settings(), 20)
    run = evaluate(gardeners, benchmark, "random")
    every = pl.concat(run.predictions.with_columns(predictor=pl.lit(name)) for name in NAMES)
    scales = option_scales(run.predictions, garden)
    found = flattening(every, run.people, ["region"], scales, matched=["region"], draws=3)
    assert found.table["predictor"].unique(maintain_order=True).to_list() == NAMES


def test_categories_have_the_intervals_of_seed_0_by_default(garden: Survey, gardeners: People) -> None:
    from indievalue.evaluation import evaluate

    rows = evaluate(gardeners, build_benchmark(gardeners, Settings(), 20), "random").predictions
    assert accuracy_by_category(rows, garden).equals(accuracy_by_category(rows, garden, 0))
    assert not accuracy_by_category(rows, garden).equals(accuracy_by_category(rows, garden, 1))


def test_what_was_not_answered_is_said_only_where_something_was_not(table: pl.DataFrame) -> None:
    one = PredictorScore(**score(table.filter(predictor=NAMES[0])).as_dict())  # type: ignore[arg-type]
    assert one.probes == 240
    assert one.not_answered is None
    assert replace(one, unanswered=1200).not_answered == "1,200 of 1,440 not answered"


def test_a_comparison_shows_its_table_in_a_notebook(table: pl.DataFrame) -> None:
    found = compare(table.filter(predictor=NAMES[0]), table.filter(predictor=NAMES[1]), draws=20)
    shown = found._repr_html_()
    assert isinstance(shown, str)
    assert f"{NAMES[0]} − {NAMES[1]}, 40 people, 240 probes" in shown


@pytest.mark.parametrize(("minimum", "labels"), [(5, ["a", "other"]), (6, ["a"])])
def test_small_groups_are_pooled_if_together_they_are_large_enough(minimum: int, labels: list[str]) -> None:
    groups = group_people(people_of(group=[*"aaaaaaa", *"bb", *"ccc"]), ("group",), minimum)
    assert len(groups.labels) == len(labels)
    assert groups.sizes.tolist() == [7, 5][: len(labels)]


def test_weights_are_brought_to_a_mean_of_1(table: pl.DataFrame) -> None:
    sums = person_sums(table.filter(predictor=NAMES[0]), "accuracy")
    assert sums is not None
    weights = np.arange(1.0, 41.0)
    assert sums.weighted(weights).parts == pytest.approx(sums.parts * weights / 20.5)
    assert sums.weighted(10 * weights).parts == pytest.approx(sums.weighted(weights).parts)


def test_each_bin_has_the_accuracy_of_its_rows(table: pl.DataFrame) -> None:
    rows = table.filter(predictor=NAMES[0])
    found = reliability(rows, bins=4)
    chosen = np.array([given[choice] for given, choice in rows.select("probabilities", "choice").iter_rows()])
    right = (rows["choice"] == rows["answer"]).to_numpy()
    order = np.argsort(chosen, kind="stable")
    parts = np.split(order, np.cumsum(found["probes"].to_numpy())[:-1])
    assert found["accuracy"].to_list() == pytest.approx([100 * right[part].mean() for part in parts])
    assert found["probability"].to_list() == pytest.approx([chosen[part].mean() for part in parts])


def test_the_interval_of_a_calibration_error_is_reflected_at_its_value(table: pl.DataFrame) -> None:
    sums = person_sums(table.filter(predictor=NAMES[0]), "calibration")
    assert sums is not None
    people = people_of(half=["m", "n"] * 20).filter(pl.col("person").is_in(sums.people.tolist()))
    (part,) = measure_groups(sums, [group_people(people, ("half",), 2)], 200, 0)
    low, high = np.quantile(part.noise, (0.025, 0.975), axis=0)
    assert part.intervals()[0] == pytest.approx(np.maximum(part.values - high, 0))
    assert part.intervals()[1] == pytest.approx(np.maximum(part.values - low, 0))
    chance = np.array([0.01, 0.03])
    assert _between(part, chance) == pytest.approx(part.values.var(ddof=1) - (0.01**2 + 0.03**2) / 2)


def test_a_single_person_can_be_tested(gardeners: People) -> None:
    assert len(build_benchmark(gardeners, Settings(), 1).people) == 1


def test_the_text_of_a_benchmark_is_readable_as_it_is(gardeners: People, tmp_path: Path) -> None:
    benchmark = build_benchmark(gardeners, Settings(), 2)
    questions = tuple(replace(question, asks=f"¿{question.asks}?") for question in benchmark.survey.questions)
    survey = replace(benchmark.survey, questions=questions)
    save_benchmark(replace(benchmark, people=replace(benchmark.people, survey=survey)), tmp_path / "one", text=True)
    text = (tmp_path / "one" / "tasks.jsonl").read_text(encoding="utf-8")
    assert "¿" in text
    assert "\\u" not in text
    assert all(json.loads(line)["probes"] for line in text.splitlines())


def test_without_demographics_a_comparison_has_no_inequity(table: pl.DataFrame) -> None:
    one, other = (table.filter(predictor=name) for name in NAMES[:2])
    people = people_of(half=["m", "n"] * 20)
    assert compare(one, other, people, [], draws=20).table["measure"].to_list() == ["accuracy", "log_loss"]


def test_two_people_are_enough_for_an_interval_and_one_is_not(table: pl.DataFrame) -> None:
    for number, told in ((1, False), (2, True)):
        some = table.filter(pl.col("person").is_in([f"a{at:04d}" for at in range(number)]))
        found = compare(some.filter(predictor=NAMES[0]), some.filter(predictor=NAMES[1]), draws=20).table
        assert (found["low"].null_count() == 0) is told


def test_a_difference_without_a_finite_draw_has_no_interval() -> None:
    assert _difference([3.0, 1.0], np.full(5, np.nan)) == {"difference": 2.0}


def test_a_bin_of_all_rows_has_the_interval_of_the_score(table: pl.DataFrame) -> None:
    rows = table.filter(predictor=NAMES[0])
    (found,) = reliability(rows, bins=1).iter_rows(named=True)
    scored = score(rows)
    assert (found["accuracy_low"], found["accuracy_high"]) == pytest.approx((scored.accuracy_low, scored.accuracy_high))


def test_flattening_over_all_groups_lies_within_its_interval(garden: Survey, gardeners: People) -> None:
    from indievalue.evaluation import evaluate

    run = evaluate(gardeners, build_benchmark(gardeners, Settings(), "all"), "random")
    found = flattening(run.predictions, run.people, ["region"], option_scales(run.predictions, garden), draws=200)
    lows = [column for column in found.table.columns if column.endswith("_low")]
    assert lows
    for low in lows:
        within, high = low.removesuffix("_low"), low.replace("_low", "_high")
        rows = found.table.select(low, within, high).drop_nulls()
        assert all(a <= b <= c for a, b, c in rows.iter_rows())


def test_the_hash_of_a_benchmark_ignores_the_order_of_its_settings(
    gardeners: People, monkeypatch: pytest.MonkeyPatch
) -> None:
    benchmark = build_benchmark(gardeners, Settings(setups=(0,)), 3)
    before, stored = benchmark_hash(benchmark), Settings.stored
    monkeypatch.setattr(Settings, "stored", lambda self: dict(reversed(stored(self).items())))
    assert list(benchmark.settings.stored()) == list(stored(benchmark.settings))[::-1]
    assert benchmark_hash(benchmark) == before
