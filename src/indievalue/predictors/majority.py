"""Predict the most common answer."""

from collections.abc import Iterable
from typing import Self

import numpy as np

from indievalue.benchmark.model import Task
from indievalue.choices import FormName
from indievalue.errors import IndievalueError
from indievalue.people.people import People
from indievalue.predictors.base_rates import smoothed_rates
from indievalue.predictors.protocol import INVALID, Guesses, StatisticalPredictor
from indievalue.predictors.tally import AnswerTally


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
        return self.fit_blocks([people], form, shown_form)

    def fit_blocks(
        self, blocks: Iterable[People], form: FormName = "polar", shown_form: FormName | None = None
    ) -> Self:
        """Learn from people who come in blocks, all of the same survey."""
        tally: AnswerTally | None = None
        for people in blocks:
            more = AnswerTally.of(people, form)
            tally = more if tally is None else tally + more
        if tally is None:
            raise IndievalueError("there is nobody to learn from")
        self.rates_ = smoothed_rates(tally.options, people.survey.form(form))
        self.mostly_missing_ = tally.missing > tally.options.max(axis=1)
        return self

    def predict(self, task: Task) -> Guesses:
        rates = self.rates_[task.probes][:, : task.counts.max(initial=1)]
        guesses = Guesses.most_probable(np.broadcast_to(rates, (len(task.people), *rates.shape)))
        if task.missing_votes:
            guesses.choice[:, self.mostly_missing_[task.probes]] = INVALID
        return guesses
