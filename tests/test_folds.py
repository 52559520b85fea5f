"""Cross-fitting: everybody is predicted by what was learned from others, and by nobody of their own fold."""

import json
from pathlib import Path
from typing import Self

import numpy as np
import polars as pl
import pytest

import indievalue as iv
from conftest import garden_answers
from indievalue.benchmark.build import build_benchmark
from indievalue.benchmark.model import Benchmark, Settings, Task
from indievalue.choices import FormName
from indievalue.errors import IndievalueError
from indievalue.evaluation import Call, evaluate
from indievalue.people.decode import decode
from indievalue.people.people import People
from indievalue.predictors.gaussian import Gaussian
from indievalue.predictors.majority import Majority
from indievalue.predictors.predictions import predict
from indievalue.predictors.protocol import Guesses
from indievalue.runs.folds import Learning, usual_folds
from indievalue.survey.survey import Survey


class Watched(Majority):
    """Majority that records whom it learned from and whom it was asked about."""

    def __init__(self) -> None:
        self.seen: list[tuple[set[str], set[str]]] = []

    def fit(self, people: People, form: FormName = "polar", shown_form: FormName | None = None) -> Self:
        self.seen.append((set(people.ids.tolist()), set()))
        return super().fit(people, form, shown_form)

    def predict(self, task: Task) -> Guesses:
        self.seen[-1][1].update(task.people.tolist())
        return super().predict(task)


@pytest.fixture
def everybody(gardeners: People) -> Benchmark:
    return build_benchmark(gardeners, Settings(seed=3), "all")


@pytest.mark.parametrize(
    ("tested", "untested", "folds"), [(800, 25_155, 1), (50, 50, 1), (51, 50, 5), (3, 0, 3), (1, 0, 1), (242, 58, 5)]
)
def test_people_are_divided_only_where_most_are_tested(tested: int, untested: int, folds: int) -> None:
    assert usual_folds(tested, untested) == folds


@pytest.mark.parametrize("tested", [45, 60])
def test_nobody_is_predicted_by_a_fit_on_their_own_answers(gardeners: People, tested: int) -> None:
    benchmark = build_benchmark(gardeners, Settings(setups=(0, 1)), gardeners.ids[:tested].tolist())
    watched = Watched()
    run = evaluate(gardeners, benchmark, {"watched": watched})
    everyone, in_test = set(gardeners.ids.tolist()), set(benchmark.people.ids.tolist())
    assert len(watched.seen) == run.record.folds == 5
    for learned_from, asked in watched.seen:
        assert learned_from == everyone - asked
        assert asked <= in_test
    assert sorted(person for _, asked in watched.seen for person in asked) == sorted(in_test)
    assert run.record.training_people == min(len(learned_from) for learned_from, _ in watched.seen)


def test_each_country_is_spread_over_all_folds(gardeners: People, everybody: Benchmark) -> None:
    fold = Learning(gardeners, everybody, 4).fold
    assert np.bincount(fold).tolist() == [15] * 4
    regions = np.array(everybody.people.demographics["region"].to_list())
    for region in np.unique(regions):
        sizes = np.bincount(fold[regions == region], minlength=4)
        assert sizes.max() - sizes.min() <= 1


def test_folds_do_not_depend_on_the_order_of_the_file(garden: Survey, gardeners: People, everybody: Benchmark) -> None:
    shuffled = decode(garden_answers(60).sample(fraction=1, shuffle=True, seed=1), garden, "garden.csv", "fingerprint")
    other = build_benchmark(shuffled, Settings(seed=3), "all")
    one = dict(zip(everybody.people.ids.tolist(), Learning(gardeners, everybody).fold.tolist(), strict=True))
    assert one == dict(zip(other.people.ids.tolist(), Learning(shuffled, other).fold.tolist(), strict=True))
    again = build_benchmark(gardeners, Settings(seed=4), "all")
    assert Learning(gardeners, again).fold.tolist() != Learning(gardeners, everybody).fold.tolist()


@pytest.mark.parametrize("source", ["others", "siblings"])
def test_predictions_are_those_of_each_fold_s_fit_in_the_usual_order(gardeners: People, source: str) -> None:
    settings = Settings(setups=(0, 1), demonstrations_from=source)  # type: ignore[arg-type]
    benchmark = build_benchmark(gardeners, settings, "all")
    run = evaluate(gardeners, benchmark, "gaussian", folds=3)
    learning = Learning(gardeners, benchmark, 3)
    key = ["setup", "person", "question"]
    by_hand = pl.concat(predict("gaussian", Gaussian().fit(training), part) for training, part in learning.parts())
    assert run.predictions.sort(key).equals(by_hand.sort(key))
    usual = evaluate(gardeners, benchmark, "random").predictions
    assert run.predictions.select("setup", "person").equals(
        usual.sort("setup", "person", maintain_order=True).select("setup", "person")
    )
    assert evaluate(gardeners, benchmark, "gaussian", folds=3).predictions.equals(run.predictions)


def test_with_one_fold_only_people_who_are_not_tested_teach(gardeners: People) -> None:
    benchmark = build_benchmark(gardeners, Settings(), gardeners.ids[:50].tolist())
    watched = Watched()
    run = evaluate(gardeners, benchmark, {"watched": watched}, folds=1)
    assert [learned_from for learned_from, _ in watched.seen] == [set(gardeners.ids[50:].tolist())]
    assert (run.record.folds, run.record.training_people) == (1, 10)


def test_a_predictor_that_does_not_learn_is_asked_once(gardeners: People, everybody: Benchmark) -> None:
    run = evaluate(gardeners, everybody, ["random", "majority"])
    alone = evaluate(gardeners, everybody, "random")
    assert (run.record.folds, alone.record.folds) == (5, 1)
    assert run.predictions.filter(predictor="random").equals(alone.predictions)


def test_more_folds_than_people_and_nobody_to_learn_from_are_refused(gardeners: People, everybody: Benchmark) -> None:
    for folds in (0, 61):
        with pytest.raises(IndievalueError, match=rf"from 1 to the 60 people tested, not {folds}"):
            evaluate(gardeners, everybody, "majority", folds=folds)
    with pytest.raises(IndievalueError, match="leave out --folds 1"):
        evaluate(gardeners, everybody, "majority", folds=1)
    one = gardeners.take([0])
    with pytest.raises(IndievalueError, match=r"nobody is left for the predictors to learn from$"):
        evaluate(one, build_benchmark(one, Settings(), "all"), "majority")


def test_it_is_explained_and_recorded(gardeners: People, everybody: Benchmark, tmp_path: Path) -> None:
    said: list[str] = []
    evaluate(gardeners, everybody, "majority", tmp_path / "run", call=Call(progress=said.append))
    assert said[0] == (
        "Cross-fitting in 5 folds: each person is predicted by what was learned from the tested people outside their "
        "fold, at least 48 in all"
    )
    assert json.loads((tmp_path / "run" / "run.json").read_text())["folds"] == 5
    assert iv.load_run(tmp_path / "run").record.folds == 5
    page = " ".join((tmp_path / "run" / "report.html").read_text().split())
    assert "divided into 5 folds, and each person was predicted by what was learned from at least 48 people" in page


def test_what_a_stopped_run_left_is_used_only_with_as_many_folds(
    gardeners: People, everybody: Benchmark, tmp_path: Path
) -> None:
    def stop(line: str) -> None:
        if line.startswith("resemble"):
            raise KeyboardInterrupt

    predictors = ["majority", "resemble:k=3"]
    with pytest.raises(KeyboardInterrupt):
        evaluate(gardeners, everybody, predictors, tmp_path / "run", call=Call(progress=stop))
    for folds, reused in ((3, False), (None, True)):
        said: list[str] = []
        call = Call(progress=said.append)
        evaluate(gardeners, everybody, predictors, tmp_path / "run", folds=folds, force=True, call=call)
        assert ("majority: finished before" in said) is reused
