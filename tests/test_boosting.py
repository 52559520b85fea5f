"""The predictors that fit one classifier a question, on gardeners whose likes go together."""

import importlib.util
import os
from typing import Any

import numpy as np
import polars as pl
import pytest

from conftest import garden_answers
from indievalue.benchmark.build import build_benchmark
from indievalue.benchmark.model import Benchmark, Settings
from indievalue.errors import IndievalueError
from indievalue.people.decode import decode
from indievalue.people.people import People
from indievalue.predictors.boosting import Boosting, _categorical, _matrix
from indievalue.predictors.logistic import Logistic
from indievalue.predictors.majority import Majority
from indievalue.predictors.per_question import PerQuestion, _as_shown
from indievalue.predictors.predictions import predict
from indievalue.predictors.protocol import Predictor
from indievalue.predictors.registry import make_predictor
from indievalue.scoring.accuracy import score
from indievalue.survey.survey import Survey

SAID = pl.col("choice", "probabilities")


@pytest.fixture(scope="module")
def many(garden: Survey) -> People:
    return decode(garden_answers(700), garden, "garden.csv", "")


@pytest.fixture(scope="module")
def benchmark(many: People) -> Benchmark:
    return build_benchmark(many, Settings(context="both", demonstrations_as="refined"), many.ids[:200].tolist())


def _ask(predictor: Predictor, people: People, benchmark: Benchmark) -> pl.DataFrame:
    settings = benchmark.settings
    training = people.take(~np.isin(people.ids, benchmark.people.ids))
    return predict("p", predictor.fit(training, settings.form, settings.shown_form), benchmark)


@pytest.mark.parametrize("name", ["boosting:trees=30", "logistic"])
def test_it_learns_that_who_likes_roses_likes_hedgehogs(many: People, benchmark: Benchmark, name: str) -> None:
    said, base = score(_ask(make_predictor(name), many, benchmark)), score(_ask(Majority(), many, benchmark))
    assert said.accuracy > base.accuracy + 5
    assert said.log_loss is not None
    assert base.log_loss is not None
    assert said.log_loss < base.log_loss - 0.1


def test_a_classifier_is_fitted_once_for_a_setup_and_anew_for_another(
    many: People, benchmark: Benchmark, monkeypatch: pytest.MonkeyPatch
) -> None:
    fitted: list[int] = []
    train = Boosting._train

    def counted(self: Boosting, *arguments: Any) -> Any:
        fitted.append(1)
        return train(self, *arguments)

    monkeypatch.setattr(Boosting, "_train", counted)
    boosting = Boosting(trees=3).fit(many.take(range(200, 700)), "polar", "refined")
    once = predict("p", boosting, benchmark)
    probes = sum(len(setup.probes) for setup in benchmark.setups)
    assert len(fitted) == probes
    assert predict("p", boosting, benchmark).equals(once)
    assert len(fitted) == probes
    predict("p", boosting, build_benchmark(benchmark.people, Settings(setups=(0,)), benchmark.people.ids.tolist()))
    assert len(fitted) == probes + 3  # no demographics are seen in this one


def test_training_people_are_seen_as_the_tested_are(many: People) -> None:
    hidden = np.array([0, 4])
    options = _as_shown(many, "refined", hidden, 5, seed=0)
    assert ((options >= 0).sum(axis=1) == 5).all()
    assert (options[:, hidden] == -1).all()
    shown = options >= 0
    assert np.array_equal(options[shown], many.options("refined")[shown])
    # Every other question is seen of some 5 / 8 of the people.
    assert shown.mean(axis=0)[[1, 2, 3, 5, 6, 7, 8, 9]] == pytest.approx(np.full(8, 5 / 8), abs=0.06)
    order = np.random.default_rng(0).permutation(len(many))
    assert np.array_equal(_as_shown(many.take(order), "refined", hidden, 5, seed=0), options[order])
    assert (_as_shown(many, "refined", hidden, 0, seed=0) == -1).all()
    assert np.array_equal(_as_shown(many, "refined", hidden, 99, seed=0)[:, 1], many.options("refined")[:, 1])


def test_columns_without_an_order_are_categories(many: People, benchmark: Benchmark) -> None:
    boosting = Boosting().fit(many, "polar", "refined")
    task = next(iter(benchmark.tasks()))[1]
    seen = boosting._seen(task.shown, task.demographics)
    questions = len(many.survey.questions)
    categories = [many.survey.positions["N1"], *range(questions, questions + len(many.survey.demographics))]
    assert _categorical(seen) == categories
    matrix = _matrix(seen)
    assert matrix.shape == (200, questions + len(many.survey.demographics))
    assert np.array_equal(np.isnan(matrix[:, :questions]), task.shown < 0)


@pytest.mark.parametrize("predictor", [Boosting(trees=3), Logistic()])
def test_an_option_that_nobody_chose_keeps_its_base_rate(
    garden: Survey, benchmark: Benchmark, predictor: PerQuestion
) -> None:
    answers = garden_answers(700).with_columns(N1=pl.col("N1").clip(1, 2), N3=pl.lit(1))
    people = decode(answers, garden, "garden.csv", "")
    table = _ask(predictor, people, benchmark)
    never = table.filter(question="N1").select(pl.col("probabilities").list.get(2)).to_series()
    assert never.to_numpy() == pytest.approx(0.5 / 501.5, rel=1e-5)
    same = table.filter(question="N3").select(pl.col("probabilities").list.get(0)).to_series()
    assert same.to_numpy() == pytest.approx(500.5 / 501, rel=1e-5)


def test_the_number_of_threads_makes_no_difference(
    many: People, benchmark: Benchmark, monkeypatch: pytest.MonkeyPatch
) -> None:
    tables = []
    for threads in (1, 3):
        monkeypatch.setattr(os, "cpu_count", lambda threads=threads: threads)
        tables.append(_ask(Boosting(trees=10), many, benchmark))
    assert tables[0].equals(tables[1])


def test_without_lightgbm_it_says_what_to_install(many: People, monkeypatch: pytest.MonkeyPatch) -> None:
    def absent(name: str) -> Any:
        raise ModuleNotFoundError(name, name=name)

    monkeypatch.setattr("indievalue.predictors.boosting.import_module", absent)
    with pytest.raises(IndievalueError, match=r"lightgbm, which is not installed: install .* its extra baselines"):
        Boosting().fit(many, "polar", "polar")
    assert importlib.util.find_spec("lightgbm") is not None
