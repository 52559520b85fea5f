"""Predict from the answers to a list of questions that is known beforehand: a network trained on exactly these."""

from collections.abc import Sequence
from typing import Self

import numpy as np
from numpy.typing import NDArray

from indievalue.benchmark.model import Task
from indievalue.choices import FormName
from indievalue.errors import IndievalueError
from indievalue.people.people import People
from indievalue.predictors.base_rates import base_rates
from indievalue.predictors.perceptron import Floats, Perceptron, PerceptronOptions
from indievalue.predictors.protocol import Guesses, StatisticalPredictor


class ListNetwork(StatisticalPredictor):
    """A small network that predicts all other answers from those to a list of questions.

    It learns what goes with what where the list is fixed and nothing else is known of a person: a country need not be
    told. A question on the list that a person did not answer counts as missing, as it does in training.

    Args:
        questions: ids of the questions on the list. Raises IndievalueError if there are none, or one is there twice.
        options: see :class:`indievalue.predictors.perceptron.PerceptronOptions`.

    Attributes:
        network_: the trained network. listed_: int64, columns of the questions on the list. predicted_: int64, those of
            the others. rates_: base rates (questions × most options), the prediction for questions on the list.

    >>> from dataclasses import replace
    >>> from indievalue import Settings, build_benchmark
    >>> from indievalue.benchmark.model import Setup
    >>> from indievalue.testing import made_up_people, small_survey
    >>> people = made_up_people(small_survey(), 100)
    >>> tested, training = people.take(range(4)), people.take(range(4, 100))
    >>> setup = Setup(0, probes=np.array([4, 5, 6]), demonstrations=np.tile(np.int16([0, 1]), (4, 1)))
    >>> benchmark = replace(build_benchmark(tested, Settings(setups=(0,)), tested.ids.tolist()), setups=(setup,))
    >>> ((_, task),) = benchmark.tasks()
    >>> listed = [people.survey.questions[at].id for at in (0, 1)]
    >>> ListNetwork(listed).fit(training).predict(task).choice.shape  # people × probes
    (4, 3)
    """

    def __init__(self, questions: Sequence[str], options: PerceptronOptions | None = None) -> None:
        self.questions, self.options = tuple(questions), options or PerceptronOptions()
        if not self.questions or len(set(self.questions)) < len(self.questions):
            raise IndievalueError("a list names one question or more, and none of them twice")

    def __repr__(self) -> str:
        return f"ListNetwork({', '.join(self.questions)})"

    def fit(self, people: People, form: FormName = "polar", shown_form: FormName | None = None) -> Self:
        """Train on ``people``. Raises IndievalueError for a question that their survey does not have."""
        people = people.take(np.argsort(people.ids, kind="stable"))
        self.survey_, self.form_, self.shown_form_ = people.survey, form, shown_form or form
        positions = [people.survey.positions[people.survey.question(name).id] for name in self.questions]
        self.listed_ = np.array(positions, np.int64)
        self.predicted_ = np.setdiff1d(np.arange(len(people.survey.questions)), self.listed_)
        answers, target = people.options(form), people.survey.form(form)
        self.rates_ = base_rates(answers, target)
        self.network_ = Perceptron(self.options)
        if len(self.predicted_):
            inputs = self._inputs(people.options(self.shown_form_))
            self.network_.fit(inputs, answers[:, self.predicted_], target.counts[self.predicted_])
        return self

    def predict(self, task: Task) -> Guesses:
        """Return the predictions. Raises IndievalueError if answers to questions outside the list are shown."""
        others = np.flatnonzero((task.shown >= 0).any(axis=0))
        others = others[~np.isin(others, self.listed_)]
        if len(others):
            name = task.survey.questions[others[0]].id
            raise IndievalueError(f"this network knows the answers to a list of questions, and {name} is not on it")
        most = int(task.counts.max(initial=1))
        probabilities = np.repeat(self.rates_[None, task.probes, :most], len(task.people), axis=0)
        at = np.isin(task.probes, self.predicted_)
        if at.any():
            given = self.network_.probabilities(self._inputs(task.shown))
            given = given[:, np.searchsorted(self.predicted_, task.probes[at]), :most]
            probabilities[:, at, : given.shape[2]] = given
        return Guesses.most_probable(probabilities)

    def _inputs(self, options: NDArray[np.int8]) -> Floats:
        """Return the options of the questions on the list, one-hot (people × columns)."""
        form = self.survey_.form(self.shown_form_)
        columns = [np.arange(form.starts[place], form.starts[place + 1]) for place in self.listed_]
        return np.ascontiguousarray(form.one_hot(options)[:, np.concatenate(columns)])
