"""Guesses what the people who answered most alike have answered (arXiv 2410.03868, 'resemble')."""

from typing import Self

import numpy as np
from numpy.typing import NDArray

from indievalue.benchmark.model import Task
from indievalue.choices import FormName
from indievalue.errors import IndievalueError
from indievalue.people.people import People
from indievalue.predictors.base_rates import base_rates
from indievalue.predictors.protocol import INVALID, Guesses, StatisticalPredictor

_BLOCK = 128
"""Tested people whose similarities to everyone are held at once: 128 × 100,000 float32 are 51 MB."""


class Resemble(StatisticalPredictor):
    """The k people with the greatest number of answers equal to the demonstrations vote; of equals, the lower id
    counts.

    A probability is the share of votes, with the base rate of the option as one vote more, which also breaks ties.
    Similarity is a matrix product of one-hot answers, exact in float32.

    Attributes:
        alike_: float32 (people × options of all questions), one-hot in the form of the demonstrations, sorted by id.
        votes_: int8 (people × questions), options in the form of the probes. rates_: base rates.
    """

    def __init__(self, k: int = 1) -> None:
        if k < 1:
            raise IndievalueError(f"resemble: k is a number of people, at least 1, and not {k}")
        self.k = k

    def fit(self, people: People, form: FormName = "polar", shown_form: FormName | None = None) -> Self:
        shown_form = shown_form or form
        order = np.argsort(people.ids, kind="stable")
        votes = people.options(form)[order]
        self.alike_ = people.survey.form(shown_form).one_hot(people.options(shown_form)[order])
        self.votes_ = np.ascontiguousarray(votes)
        self.rates_ = base_rates(votes, people.survey.form(form))
        return self

    def predict(self, task: Task) -> Guesses:
        most = int(task.counts.max(initial=1))
        wanted = task.survey.form(task.shown_form).one_hot(task.shown)
        votes = np.empty((len(task.people), len(task.probes), most), np.float32)
        missing = np.empty((len(task.people), len(task.probes)), np.float32)
        answers = np.ascontiguousarray(self.votes_[:, task.probes])
        for start in range(0, len(wanted), _BLOCK):
            similar = wanted[start : start + _BLOCK] @ self.alike_.T
            chosen = answers[nearest(similar, self.k)]  # people × k × probes
            for option in range(most):
                votes[start : start + _BLOCK, :, option] = (chosen == option).sum(axis=1)
            missing[start : start + _BLOCK] = (chosen < 0).sum(axis=1)
        rates = self.rates_[task.probes][:, :most]
        weighted = votes + rates[None]
        guesses = Guesses.most_probable(weighted / weighted.sum(axis=2, keepdims=True))
        if task.missing_votes:
            guesses.choice[missing > votes.max(axis=2)] = INVALID
        return guesses


def nearest(similar: NDArray[np.float32], k: int) -> NDArray[np.int64]:
    """Columns of the k greatest values of every row (rows × k), the first column of equals."""
    k = min(k, similar.shape[1])
    least = np.partition(similar, similar.shape[1] - k, axis=1)[:, similar.shape[1] - k]
    chosen = np.empty((len(similar), k), np.int64)
    for row, values in enumerate(similar):
        above = np.flatnonzero(values > least[row])
        equal = np.flatnonzero(values == least[row])[: k - len(above)]
        chosen[row] = np.concatenate([above, equal])
    return chosen
