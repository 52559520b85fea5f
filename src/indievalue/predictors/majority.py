"""Predict the most common answer."""

from typing import Self

import numpy as np

from indievalue.benchmark.model import Task
from indievalue.choices import FormName
from indievalue.people.people import People
from indievalue.predictors.base_rates import base_rates, option_counts
from indievalue.predictors.protocol import INVALID, Guesses, StatisticalPredictor


class Majority(StatisticalPredictor):
    """Predict for everyone the most common answer of the training people, with the base rates as probabilities.

    Attributes:
        rates_: float64 (questions × most options), base rates.
        mostly_missing_: bool (questions,), whether missing is more common than every option.

    >>> from indievalue import Settings, build_benchmark
    >>> from indievalue.testing import made_up_people, small_survey
    >>> people = made_up_people(small_survey(), 100)
    >>> tested, training = people.take(range(4)), people.take(range(4, 100))
    >>> benchmark = build_benchmark(tested, Settings(setups=(0,), demonstrations=5), tested.ids.tolist())
    >>> ((_, task),) = benchmark.tasks()
    >>> Majority().fit(training).predict(task).choice.shape  # people × probes
    (4, 6)
    """

    reads = frozenset()
    blind = "it has no most common answer"

    def fit(self, people: People, form: FormName = "polar", shown_form: FormName | None = None) -> Self:
        options = people.options(form)
        self.rates_ = base_rates(options, people.survey.form(form))
        missing = (options < 0).sum(axis=0)
        self.mostly_missing_ = missing > option_counts(options, self.rates_.shape[1]).max(axis=1)
        return self

    def predict(self, task: Task) -> Guesses:
        rates = self.rates_[task.probes][:, : task.counts.max(initial=1)]
        guesses = Guesses.most_probable(np.broadcast_to(rates, (len(task.people), *rates.shape)))
        if task.missing_votes:
            guesses.choice[:, self.mostly_missing_[task.probes]] = INVALID
        return guesses
