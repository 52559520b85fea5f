"""The test kit for predictors: ours pass it, and each law that one breaks is named."""

import re
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any, Self

import numpy as np
import polars as pl
import pytest

import indievalue
from conftest import GARDEN, ROOT
from indievalue.benchmark.build import build_benchmark
from indievalue.benchmark.model import Settings, Task
from indievalue.choices import FormName
from indievalue.evaluation import Call
from indievalue.people.people import People
from indievalue.predictors.majority import Majority
from indievalue.predictors.protocol import Guesses
from indievalue.predictors.registry import STATISTICAL, make_predictor
from indievalue.survey.survey import Survey
from indievalue.testing import check_predictor, made_up_people, small_survey

QUICK = {
    "boosting": "boosting:trees=5",
    "masked": "masked:epochs=2,hidden=16",
    "embedding": "embedding:model=hashing",
    "similar-majority": "similar-majority:model=hashing",
}
"""The options with which a slow predictor is quick enough here, and one that reads texts needs no model."""


LAWS_OF = [*(QUICK.get(kind.shown, kind.shown) for kind in STATISTICAL), "resemble:k=5"]


@pytest.mark.parametrize("name", [pytest.param(name, marks=[pytest.mark.slow] * (name == "blend")) for name in LAWS_OF])
def test_our_predictors_keep_the_laws(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("INDIEVALUE_CACHE", str(tmp_path))
    if name.startswith("masked"):
        pytest.importorskip("torch", reason="the masked predictor needs torch (extra masked)")
    check_predictor(lambda: make_predictor(name))


@pytest.mark.parametrize("name", ["random", "majority", "resemble:k=5"])
def test_another_survey_can_be_asked(name: str, wvs7: Survey) -> None:
    check_predictor(lambda: make_predictor(name), survey=wvs7)


def test_the_made_up_survey_is_sound_and_its_people_answer_all_of_it() -> None:
    assert small_survey().validate() == []
    people = made_up_people(small_survey(), 200)
    for form in ("polar", "refined"):
        for question, answers in zip(people.survey.questions, people.options(form).T, strict=True):
            assert set(answers.tolist()) == set(range(-1, len(question.options(form))))
    assert made_up_people(small_survey(), 200).codes.tolist() == people.codes.tolist()


class Broken(Majority):
    """The majority predictor with one thing changed in what it says."""

    def __init__(self, change: Callable[[Guesses, Task], Guesses]) -> None:
        self.change = change

    def predict(self, task: Task) -> Guesses:
        return self.change(super().predict(task), task)


def _with(**changes: Callable[[Any, Task], Any]) -> Callable[[Guesses, Task], Guesses]:
    def change(guesses: Guesses, task: Task) -> Guesses:
        parts = {"choice": guesses.choice, "probabilities": guesses.probabilities}
        return Guesses(**{name: changes[name](part, task) if name in changes else part for name, part in parts.items()})

    return change


def _marked(probabilities: np.ndarray, at: Any, value: float) -> np.ndarray:
    changed = probabilities.copy()
    changed[at] = value
    return changed


def _by_row(probabilities: np.ndarray, task: Task) -> np.ndarray:
    """Sure of the first option for the first person, and of nothing for the others."""
    return np.stack([np.eye(probabilities.shape[2])[[0] * len(task.probes)], *probabilities[1:]])


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        (_with(choice=lambda choice, task: choice[:, :1]), r"choice is \(8, 1\)"),
        (_with(choice=lambda choice, task: choice.astype(float)), "holds float64"),
        (_with(choice=lambda choice, task: choice + 9), "is no option and not -1"),
        (_with(choice=lambda choice, task: choice - 2), "choice -2 is no option"),
        (_with(probabilities=lambda given, task: given[..., :-1]), r"not people × probes × options, \(8, 6, 3\)"),
        (_with(probabilities=lambda given, task: given * 0.9), "sum to 0.9"),
        (_with(probabilities=lambda given, task: _marked(given, (0, 0, 0), np.nan)), "not a number"),
        (_with(probabilities=lambda given, task: _marked(given, (0, 0, 0), -0.1)), "less than 0"),
        (_with(probabilities=lambda given, task: np.full_like(given, 1 / given.shape[2])), "after the last option"),
        (_with(probabilities=_by_row), "broken: the order of tested people makes no difference"),
    ],
)
def test_what_is_wrong_with_guesses_is_said(change: Callable[[Guesses, Task], Guesses], complaint: str) -> None:
    with pytest.raises(AssertionError, match=complaint) as broken:
        check_predictor(lambda: Broken(change))
    assert "\n" not in str(broken.value)


class OtherReturned(Majority):
    def fit(self, people: People, form: FormName, shown_form: FormName) -> Self:
        return type(self)()


class PeopleChanged(Majority):
    def fit(self, people: People, form: FormName, shown_form: FormName) -> Self:
        people.codes[people.codes < 0] = 1
        return super().fit(people, form, shown_form)


class TaskChanged(Majority):
    def predict(self, task: Task) -> Guesses:
        task.shown[task.shown < 0] = 0
        return super().predict(task)


class LastPerson(Majority):
    """Guesses what the last person in training answered."""

    def fit(self, people: People, form: FormName, shown_form: FormName) -> Self:
        return super().fit(people.take([len(people) - 1]), form, shown_form)


class Unpickled(Majority):
    def fit(self, people: People, form: FormName, shown_form: FormName) -> Self:
        self.helper_ = lambda: None
        return super().fit(people, form, shown_form)


class Talkative(Majority):
    """Needs a demonstration."""

    def predict(self, task: Task) -> Guesses:
        task.order[:, 0]
        return super().predict(task)


class Sociable(Majority):
    """Needs to know everybody's group."""

    def fit(self, people: People, form: FormName, shown_form: FormName) -> Self:
        self.regions_ = {None: 0} | dict.fromkeys(people.demographics["region"].unique(), 1)
        return super().fit(people, form, shown_form)

    def predict(self, task: Task) -> Guesses:
        for region in task.demographics["region"] if task.demographics is not None else []:
            self.regions_[region]
        return super().predict(task)


class Inexperienced(Majority):
    """Knows no option that nobody chose."""

    def fit(self, people: People, form: FormName, shown_form: FormName) -> Self:
        super().fit(people, form, shown_form)
        options = people.options(form)
        self.rates_ = np.stack([(options == option).sum(axis=0) for option in range(self.rates_.shape[1])], axis=1)
        exists = np.arange(self.rates_.shape[1]) < people.survey.form(form).counts[:, None]
        self.rates_ = np.where(exists, np.where(self.rates_ > 0, 1 / self.rates_, np.inf), 0)
        self.rates_ /= self.rates_.sum(axis=1, keepdims=True)
        return self


@pytest.mark.parametrize(
    ("make", "complaint"),
    [
        (OtherReturned, "fit returns the predictor itself: it returned OtherReturned()"),
        (PeopleChanged, "fit leaves the people as they are: codes were changed"),
        (TaskChanged, "predict changed the task's shown"),
        (LastPerson, "the order of training people makes no difference"),
        (Unpickled, "a predictor that was pickled says the same: it raised"),
        (Talkative, "broken: context none gives valid guesses: it raised IndexError"),
        (Sociable, "groups that nobody in training is of give valid guesses: it raised KeyError"),
        (Inexperienced, "options that nobody in training chose give valid guesses: a probability is not a number"),
    ],
)
@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_a_broken_law_is_named(make: type[Majority], complaint: str) -> None:
    with pytest.raises(AssertionError, match=complaint):
        check_predictor(make)


class Silent(Majority):
    def predict(self, task: Task) -> Guesses:
        return Guesses(np.full((len(task.people), len(task.probes)), -1, np.int8), None)


def test_a_predictor_may_give_no_probabilities_and_invalid_output() -> None:
    check_predictor(Silent)


def _examples() -> list[str]:
    return re.findall(r"```python\n(.*?)```", (ROOT / "docs" / "predictors.md").read_text(encoding="utf-8"), re.S)


def test_the_documented_example_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    page = ModuleType("page")  # a module of its own, so that what it defines can be pickled
    monkeypatch.setitem(sys.modules, page.__name__, page)
    monkeypatch.chdir(tmp_path)
    for example in _examples():
        exec(example, page.__dict__)
    table = pl.read_parquet(tmp_path / "out" / "predictions.parquet")
    right = table.group_by("predictor", maintain_order=True).agg((pl.col("choice") == pl.col("answer")).mean())
    assert right["predictor"].to_list() == ["naive-bayes", "majority"]
    assert right["choice"][0] > right["choice"][1]


def test_a_predictor_of_one_s_own_is_evaluated_under_its_name(tmp_path: Path, gardeners: People) -> None:
    benchmark = build_benchmark(gardeners, Settings(), 12)
    own = {"mine": Majority(), "majority": make_predictor("majority")}
    run = indievalue.evaluate(gardeners, benchmark, own, tmp_path / "out", call=Call(survey=str(GARDEN)))
    assert list(run.scores) == ["mine", "majority"]
    assert run.scores["mine"].accuracy == run.scores["majority"].accuracy
    assert run.scores["mine"].ordinal_error is not None
