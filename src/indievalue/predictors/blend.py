"""Blend: a weighted geometric mean of the probabilities of several predictors (a log-linear opinion pool)."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray

from indievalue.benchmark.build import build_benchmark
from indievalue.benchmark.model import Settings, Task
from indievalue.choices import Context, FormName
from indievalue.errors import IndievalueError
from indievalue.people.people import People
from indievalue.predictors.columns import stacked
from indievalue.predictors.logit import fit_logit, softmax
from indievalue.predictors.protocol import READS, Guesses, Predictor, StatisticalPredictor
from indievalue.seeded import keys

Floats = NDArray[np.float64]

VALIDATION = 500
"""Number of people held out to choose the weights; at most a tenth of all people."""

FEWEST_HELD_OUT = 20
"""With fewer held out, all predictors have the same weight."""

NEGLIGIBLE = 0.03
"""If a smaller share of all people is held out, predictors are not fitted again with them."""

SHOWN_TO_VALIDATION: tuple[tuple[int, Context], ...] = (
    (0, "demographics"),
    (10, "statements"),
    (50, "statements"),
    (50, "both"),
    (200, "statements"),
    (200, "both"),
)
"""Numbers of demonstrations with which the weights are chosen, and the context."""

_LEAST = 1e-3
"""Probabilities inside the logarithm are at least this, so that no predictor alone can rule out an option."""

_PENALTY = 1e-4
"""L2 penalty of the weights, which keeps those of similar predictors small."""


class Blend(StatisticalPredictor):
    """Pool the probabilities of other predictors, with weights chosen on held-out people.

    The logit of an option is the sum of each predictor's log probability times its weight. A weight is linear in the
    share of all questions that is shown, so that predictors that do well with few answers count there, and weights need
    not add up to 1, so that the pool is calibrated.

    Args:
        members: predictors that give probabilities, by name. Raises IndievalueError for fewer than two.

    Attributes:
        weights_: float64 (2 × predictors), for nothing shown, and what is added where everything is.

    >>> from indievalue import Settings, build_benchmark
    >>> from indievalue.predictors.gaussian import Gaussian
    >>> from indievalue.predictors.resemble import Resemble
    >>> from indievalue.testing import made_up_people, small_survey
    >>> people = made_up_people(small_survey(), 300)
    >>> tested, training = people.take(range(4)), people.take(range(4, 300))
    >>> benchmark = build_benchmark(tested, Settings(setups=(0,), demonstrations=5), tested.ids.tolist())
    >>> ((_, task),) = benchmark.tasks()
    >>> blend = Blend({"gaussian": Gaussian(), "resemble": Resemble(k=35)})
    >>> blend.fit(training).predict(task).choice.shape  # people × probes
    (4, 6)
    """

    def __init__(self, members: Mapping[str, Predictor]) -> None:
        if len(members) < 2:
            raise IndievalueError("blend pools two or more predictors, such as blend:gaussian+resemble")
        self.members = dict(members)
        self.reads = frozenset().union(*(getattr(member, "reads", READS) for member in members.values()))

    def __repr__(self) -> str:
        """Return the predictors pooled, with their options."""
        return f"Blend({', '.join(map(repr, self.members.values()))})"

    def fit(self, people: People, form: FormName = "polar", shown_form: FormName | None = None) -> Self:
        shown_form = shown_form or form
        chosen = _held_out(people)
        number = int(chosen.sum())
        self.weights_ = np.stack([np.full(len(self.members), 1 / len(self.members)), np.zeros(len(self.members))])
        if number:
            self._fit_members(people.take(~chosen), form, shown_form)
            self._choose_weights(people.take(chosen), form, shown_form)
        if not number or number > NEGLIGIBLE * len(people):
            self._fit_members(people, form, shown_form)
        return self

    def predict(self, task: Task) -> Guesses:
        logs, exists = self._logs(task)
        scores = np.einsum("mpqo,pm->pqo", logs, self._weights(task))
        flat = -1, scores.shape[2]
        return Guesses.most_probable(softmax(scores.reshape(flat), exists.reshape(flat))[0].reshape(scores.shape))

    def _fit_members(self, people: People, form: FormName, shown_form: FormName) -> None:
        for member in self.members.values():
            member.fit(people, form, shown_form)

    def _choose_weights(self, people: People, form: FormName, shown_form: FormName) -> None:
        batches = list(self._batches(people, form, shown_form))
        features = stacked([one.features for one in batches])
        exists = stacked([one.exists for one in batches])
        truth = np.concatenate([one.truth for one in batches])
        offset = np.zeros(exists.shape)
        self.weights_ = fit_logit(offset, features, exists, truth, self.weights_.ravel(), _PENALTY).reshape(2, -1)

    def _batches(self, people: People, form: FormName, shown_form: FormName) -> Iterator["_Batch"]:
        """Yield the features of the probes that held-out people answered, at several numbers of demonstrations."""
        for number, context in SHOWN_TO_VALIDATION:
            settings = Settings(
                form=form, demonstrations_as=shown_form, demonstrations=number, context=context, setups=(0,)
            )
            benchmark = build_benchmark(people, settings, people.ids.tolist())
            for setup, task in benchmark.tasks():
                logs, exists = self._logs(task)
                told = _told(task)[:, None, None, None]
                each = np.moveaxis(logs, 0, 3)
                features = np.concatenate([each, each * told], axis=3)
                truth = benchmark.answers(setup)
                at = truth >= 0
                yield _Batch(features[at], exists[at], truth[at])

    def _logs(self, task: Task) -> tuple[Floats, NDArray[np.bool_]]:
        """Return log probabilities (predictors × people × probes × options), and which options exist (the rest)."""
        shape = len(task.people), len(task.probes), int(task.counts.max(initial=1))
        exists = np.broadcast_to(np.arange(shape[2]) < task.counts[:, None], shape)
        logs = np.zeros((len(self.members), *shape))
        for at, (name, member) in enumerate(self.members.items()):
            probabilities = member.predict(task).probabilities
            if probabilities is None or np.isnan(probabilities).any():
                raise IndievalueError(f"blend: {name} gives no probabilities, which a blend needs")
            logs[at] = np.log(np.maximum(probabilities, _LEAST)) * exists
        return logs, exists

    def _weights(self, task: Task) -> Floats:
        """Return the weights of the predictors for each person (people × predictors)."""
        return np.asarray(self.weights_[0] + _told(task)[:, None] * self.weights_[1])


@dataclass(frozen=True)
class _Batch:
    """Probes in a row: ``features`` (probes × options × 2 · predictors), ``exists`` (probes × options), ``truth``."""

    features: Floats
    exists: NDArray[np.bool_]
    truth: NDArray[np.int8]


def _told(task: Task) -> Floats:
    """Return the share of all questions that is shown (people,)."""
    return np.asarray((task.shown >= 0).mean(axis=1), np.float64)


def _held_out(people: People) -> NDArray[np.bool_]:
    """Draw the people held out (people,), independently of the order of the file."""
    number = min(VALIDATION, len(people) // 10)
    chosen = np.zeros(len(people), bool)
    if number >= FEWEST_HELD_OUT:
        chosen[np.argsort(keys(0, "blend", people.ids.tolist()), kind="stable")[:number]] = True
    return chosen


def parts_of(name: str) -> Sequence[str]:
    """Return the names of the predictors of a blend: those after ``blend:``, else :data:`USUAL`.

    >>> parts_of("blend:gaussian+resemble")
    ('gaussian', 'resemble:k=35')
    """
    written = name.partition(":")[2]
    named = written.split("+") if written else list(USUAL)
    return tuple("resemble:k=35" if one == "resemble" else one for one in named)


USUAL = ("masked", "gaussian", "resemble:k=35")
"""Predictors of the blend that is named without any."""
