"""Guesses what most people answer."""

from typing import Self

import numpy as np

from indievalue.benchmark.model import Task
from indievalue.choices import FormName
from indievalue.people.people import People
from indievalue.predictors.base_rates import base_rates, option_counts
from indievalue.predictors.protocol import INVALID, Guesses, StatisticalPredictor


class Majority(StatisticalPredictor):
    """Everybody gets each option's share among the people it was fitted on.

    Attributes:
        rates_: float64 (questions × most options). mostly_missing_: bool (questions,), missing beats every option.
    """

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
