"""Predict the most common answer to similar questions: what a question that nobody answered can be compared with."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray

from indievalue.benchmark.model import Task
from indievalue.choices import FormName
from indievalue.errors import IndievalueError
from indievalue.people.people import People
from indievalue.predictors.base_rates import base_rates
from indievalue.predictors.protocol import Guesses, StatisticalPredictor
from indievalue.predictors.similarity import MINILM, Embed, of_length_one, sentence_embedder
from indievalue.survey.same_as import is_same
from indievalue.survey.survey import Survey

Floats = NDArray[np.float64]

SIMILAR = 20
"""Usual number of similar questions."""


@dataclass(frozen=True)
class Wordings:
    """Embeddings of the questions of a survey in one form.

    Attributes:
        survey, form: of the questions. asks: float64 (questions × dimensions), of length 1, what they ask.
        statements: float64 (options × dimensions), of length 1, what their options say.
    """

    survey: Survey
    form: FormName
    asks: Floats
    statements: Floats

    @classmethod
    def of(cls, survey: Survey, form: FormName, embed: Embed) -> "Wordings":
        """Embed the questions of a survey."""
        said = [option.statement for question in survey.questions for option in question.options(form)]
        asks, statements = embed([question.asks for question in survey.questions]), embed(said)
        return cls(survey, form, *(np.asarray(of_length_one(one), np.float64) for one in (asks, statements)))

    def options(self, question: int) -> Floats:
        """Return the embeddings of a question's options (options × dimensions)."""
        starts = self.survey.form(self.form).starts
        return self.statements[starts[question] : starts[question + 1]]


def similar_rates(
    probe: int, of: Wordings, known: Wordings, rates: Floats, candidates: NDArray[np.int64], number: int
) -> Floats:
    """Return the expected shares of a probe's options (options,): the mean over the most similar known questions.

    ``of`` are the wordings of the probe's survey, ``known`` those of the questions with known ``rates`` (questions ×
    most options), ``candidates`` the positions of those that may be used, and ``number`` how many are.
    """
    cosines = known.asks[candidates] @ of.asks[probe]
    nearest = candidates[np.argsort(-cosines, kind="stable")[:number]]
    found = [carried(of, probe, known, int(other), rates[other]) for other in nearest]
    return np.asarray(np.mean(found, axis=0))


def carried(of: Wordings, probe: int, known: Wordings, other: int, shares: Floats) -> Floats:
    """Return the shares of another question's options as those of the probe's (options,).

    Between scales of steps, shares are carried over by their place, in the direction in which the options say what is
    more alike; else each option's share goes to the one that says what is most alike.
    """
    mine, theirs = of.options(probe), known.options(other)
    shares = shares[: len(theirs)]
    both_steps = of.survey.questions[probe].ordered and known.survey.questions[other].ordered
    if both_steps:
        matrix = _overlaps(len(mine), len(theirs))
        alike = mine @ theirs.T
        turned = (alike * matrix[:, ::-1]).sum() > (alike * matrix).sum()
        return np.asarray((matrix[:, ::-1] if turned else matrix) @ shares)
    matrix = np.zeros((len(mine), len(theirs)))
    matrix[np.argmax(mine @ theirs.T, axis=0), np.arange(len(theirs))] = 1
    return np.asarray(matrix @ shares)


def _overlaps(mine: int, theirs: int) -> Floats:
    """Return which share of each step of a scale of ``theirs`` is on each of one of ``mine`` (mine × theirs)."""
    edges, others = np.linspace(0, 1, mine + 1), np.linspace(0, 1, theirs + 1)
    low = np.maximum(edges[:-1, None], others[None, :-1])
    high = np.minimum(edges[1:, None], others[None, 1:])
    return np.asarray(np.maximum(high - low, 0) * theirs)


class SimilarMajority(StatisticalPredictor):
    """Predict for everyone the most common answer to the most similar questions that were answered.

    Questions are similar by the cosine of the embeddings of what they ask. The question itself is not among them, even
    if it was answered: this is a baseline for questions that nobody answered.

    Args:
        k: number of similar questions. model: see :func:`indievalue.predictors.similarity.sentence_embedder`.

    Attributes:
        known_: wordings of the questions learned from. rates_: float64 (questions × most options), their base rates.
        answered_: int64, positions of those that somebody answered.

    >>> from indievalue import Settings, build_benchmark
    >>> from indievalue.testing import made_up_people, small_survey
    >>> people = made_up_people(small_survey(), 100)
    >>> tested, training = people.take(range(4)), people.take(range(4, 100))
    >>> benchmark = build_benchmark(tested, Settings(setups=(0,), demonstrations=5), tested.ids.tolist())
    >>> ((_, task),) = benchmark.tasks()
    >>> SimilarMajority(model="hashing").fit(training).predict(task).choice.shape  # people × probes
    (4, 6)
    """

    reads = frozenset()
    across_surveys = True

    def __init__(self, k: int = SIMILAR, model: str = MINILM) -> None:
        if k < 1:
            raise IndievalueError(f"similar-majority: k must be at least 1, not {k}")
        self.k, self.model = k, model

    def fit(self, people: People, form: FormName = "polar", shown_form: FormName | None = None) -> Self:
        self.known_ = Wordings.of(people.survey, form, self._embedder())
        self.rates_ = base_rates(people.options(form), people.survey.form(form))
        self.answered_ = np.flatnonzero(people.asked)
        self._other: Wordings | None = None
        return self

    def predict(self, task: Task) -> Guesses:
        rates = np.zeros((len(task.probes), int(task.counts.max(initial=1))))
        here = is_same(task.survey, self.known_.survey)
        of = self.known_ if here else self._wordings(task)
        for place, (probe, count) in enumerate(zip(task.probes.tolist(), task.counts.tolist(), strict=True)):
            candidates = self.answered_[self.answered_ != probe] if here else self.answered_
            rates[place, :count] = similar_rates(probe, of, self.known_, self.rates_, candidates, self.k)
        return Guesses.most_probable(np.broadcast_to(rates, (len(task.people), *rates.shape)))

    def predict_all(self, tasks: Sequence[Task]) -> list[Guesses]:
        """Return the predictions for each task."""
        return [self.predict(task) for task in tasks]

    def _wordings(self, task: Task) -> Wordings:
        """Return the wordings of another survey, embedded once."""
        if self._other is None or self._other.survey is not task.survey:
            self._other = Wordings.of(task.survey, task.form, self._embedder())
        return self._other

    def _embedder(self) -> Embed:
        """Load the embedding model, which is not kept: a fitted predictor can be pickled."""
        return sentence_embedder(self.model, "the predictor similar-majority needs")
