"""Nearest neighbours: predict the answer of the most similar people ('resemble' in arXiv 2410.03868)."""

from typing import Self

import numpy as np
from numpy.typing import NDArray

from indievalue.benchmark.model import Task
from indievalue.choices import FormName
from indievalue.errors import IndievalueError
from indievalue.people.people import People
from indievalue.predictors.base_rates import base_rates
from indievalue.predictors.protocol import INVALID, Guesses, StatisticalPredictor
from indievalue.threads import in_threads

_BLOCK = 64
"""Tested people whose similarities a thread computes at once; for 100,000 training people they take 26 MB."""


class Resemble(StatisticalPredictor):
    """k-nearest neighbours: a majority vote of the k people who share the most answers with the demonstrations.

    Ties between neighbours go to the lower id. Probabilities are shares of the votes, with the base rates as one
    additional vote, which also breaks ties between options.

    Args:
        k: number of neighbours. Raises IndievalueError if it is below 1.

    Attributes:
        alike_: float32 (people × options of all questions), one-hot in the form of the demonstrations, sorted by id.
        votes_: int8 (people × questions), options in the form of the probes. rates_: base rates.

    >>> from indievalue import Settings, build_benchmark
    >>> from indievalue.testing import made_up_people, small_survey
    >>> people = made_up_people(small_survey(), 100)
    >>> tested, training = people.take(range(4)), people.take(range(4, 100))
    >>> benchmark = build_benchmark(tested, Settings(setups=(0,), demonstrations=5), tested.ids.tolist())
    >>> ((_, task),) = benchmark.tasks()
    >>> Resemble(k=35).fit(training).predict(task).choice.shape  # people × probes
    (4, 6)
    """

    reads = frozenset({"statements"})
    blind = "its neighbours have no answer to it"

    def __init__(self, k: int = 1) -> None:
        if k < 1:
            raise IndievalueError(f"resemble: k must be at least 1, not {k}")
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

        def vote(start: int) -> None:
            similar = wanted[start : start + _BLOCK] @ self.alike_.T
            chosen = answers[nearest(similar, self.k)]  # people × k × probes
            for option in range(most):
                votes[start : start + _BLOCK, :, option] = (chosen == option).sum(axis=1)
            missing[start : start + _BLOCK] = (chosen < 0).sum(axis=1)

        in_threads(vote, range(0, len(wanted), _BLOCK))
        rates = self.rates_[task.probes][:, :most]
        weighted = votes + rates[None]
        guesses = Guesses.most_probable(weighted / weighted.sum(axis=2, keepdims=True))
        if task.missing_votes:
            guesses.choice[missing > votes.max(axis=2)] = INVALID
        return guesses


def nearest(similar: NDArray[np.float32], k: int) -> NDArray[np.int64]:
    """Return the columns of the k largest values of every row (rows × k); ties go to the first column."""
    k = min(k, similar.shape[1])
    least = np.partition(similar, similar.shape[1] - k, axis=1)[:, similar.shape[1] - k]
    chosen = np.empty((len(similar), k), np.int64)
    for row, values in enumerate(similar):
        candidates = np.flatnonzero(values >= least[row])
        above = values[candidates] > least[row]
        equal = candidates[~above][: k - int(above.sum())]
        chosen[row] = np.concatenate([candidates[above], equal])
    return chosen
