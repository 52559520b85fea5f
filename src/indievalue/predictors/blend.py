"""Blend: a weighted geometric mean of the probabilities of several predictors (a log-linear opinion pool)."""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from copy import copy
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol, Self, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from indievalue.benchmark.build import build_benchmark
from indievalue.benchmark.model import Settings, Task
from indievalue.benchmark.questions import drawn_parts
from indievalue.benchmark.storage import texts_of
from indievalue.choices import Context, FormName
from indievalue.errors import IndievalueError
from indievalue.people.people import People
from indievalue.predictors.columns import stacked
from indievalue.predictors.local.options import split_where
from indievalue.predictors.logit import fit_logit, softmax
from indievalue.predictors.protocol import READS, Cost, Guesses, Predictor, StatisticalPredictor, gpus_of
from indievalue.progress import say
from indievalue.prompts.prompt import PromptStyle, prompts_of
from indievalue.prompts.tokens import counter
from indievalue.seeded import keys

Floats = NDArray[np.float64]

VALIDATION = 500
"""Number of people held out to choose the weights; at most a tenth of all people."""

FEWEST_HELD_OUT = 20
"""With fewer held out, all predictors have the same weight."""

HIDDEN_PARTS = 5
"""Where questions are unseen, one of so many parts of the others is hidden to choose the weights."""

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

ASKED = 50
"""Number of people held out if one of the predictors is a language model, which takes long to answer."""

SHOWN_TO_MODEL: tuple[tuple[int, Context], ...] = ((5, "statements"), (20, "statements"), (50, "statements"))
"""What the weights are chosen with in this case."""

_LEAST = 1e-3
"""Probabilities inside the logarithm are at least this, so that no predictor alone can rule out an option."""

_PENALTY = 1e-4
"""L2 penalty of the weights, which keeps those of similar predictors small."""


class Blend(StatisticalPredictor):
    """Pool the probabilities of other predictors, with weights chosen on held-out people.

    The logit of an option is the sum of each predictor's log probability times its weight. A weight is linear in the
    share of all questions that is shown, so that predictors that do well with few answers count there, and weights need
    not add up to 1, so that the pool is calibrated.

    One of the predictors may be a language model. Fewer people are then held out, and it was trained on none of them.

    Where questions are unseen, the weights are chosen on other questions that are hidden in the same way: a fifth of
    the batteries.

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
        self._unseen: tuple[str, ...] = ()
        self.reads = frozenset().union(*(getattr(member, "reads", READS) for member in members.values()))

    def __repr__(self) -> str:
        """Return the predictors pooled, with their options."""
        return f"Blend({', '.join(map(repr, self.members.values()))})"

    def fit(self, people: People, form: FormName = "polar", shown_form: FormName | None = None) -> Self:
        shown_form = shown_form or form
        chosen = _held_out(people, self._models)
        number, hidden = int(chosen.sum()), self._hidden(people)
        self.weights_ = np.stack([np.full(len(self.members), 1 / len(self.members)), np.zeros(len(self.members))])
        if number:
            self._fit_members(people.take(~chosen).without_answers(hidden), form, shown_form)
            self._choose_weights(people.take(chosen), form, shown_form, hidden)
        if not number or number > NEGLIGIBLE * len(people) or len(hidden):
            self._fit_members(people, form, shown_form)
        return self

    def predict(self, task: Task) -> Guesses:
        return next(iter(self.predict_all([task])))

    def predict_all(self, tasks: Sequence[Task]) -> Iterable[Guesses]:
        """Yield the predictions for each task."""
        return map(self._pooled, tasks, self._guesses(tasks))

    def for_shard(self) -> Self:
        """Return a copy whose predictors are as they predict some of the people on a worker."""
        fresh = copy(self)
        fresh.members = {name: member.for_shard() for name, member in self.members.items()}
        return fresh

    def memory(self) -> int | None:
        """Return the memory of all predictors, which one process holds; None if that of any is unknown."""
        each = [member.memory() for member in self.members.values()]
        return None if None in each else sum(filter(None, each))

    def gpus(self) -> int:
        """Return the GPUs of the predictor that needs most: they take turns on them."""
        return max(gpus_of(member) for member in self.members.values())

    def identity(self) -> str | None:
        """Return the class and its options; with a language model, what its own predictions depend on, too."""
        models = [model.identity() for model in self._models]
        if None in models:
            return None
        return json.dumps([repr(self), *models]) if models else super().identity()

    def cost(self, tasks: Iterable[Task]) -> Cost | None:
        """Estimate what a language model reads for these tasks, and before them to choose the weights.

        What prompts have in common is counted for each of them. None without a language model.
        """
        if not self._models:
            return None
        calls, tokens = 0, 0.0
        sizes: dict[int, _Size] = {}
        for task in tasks:
            size = sizes.setdefault(task.setup, _Size.of(task, self._models[0].style))
            calls += task.asked.size
            tokens += task.asked.size * size.tokens((task.shown >= 0).sum() / max(1, len(task.people)))
        if sizes:
            first = sizes.get(0, next(iter(sizes.values())))
            for number, _ in SHOWN_TO_MODEL:
                calls += ASKED * first.probes
                tokens += ASKED * first.probes * first.tokens(number)
        models = len(self._models)
        return Cost(models * calls, 0, round(models * tokens), 0, 0.0)

    @property
    def _models(self) -> list["LanguageModel"]:
        return [member for member in self.members.values() if isinstance(member, LanguageModel)]

    def _pooled(self, task: Task, guesses: Sequence[Guesses]) -> Guesses:
        logs, exists = self._logs(task, guesses)
        scores = np.einsum("mpqo,pm->pqo", logs, self._weights(task))
        flat = -1, scores.shape[2]
        return Guesses.most_probable(softmax(scores.reshape(flat), exists.reshape(flat))[0].reshape(scores.shape))

    def expect_unseen(self, questions: Sequence[str]) -> None:
        """Raise IndievalueError if one of the predictors cannot predict a question that nobody answered."""
        for member in self.members.values():
            member.expect_unseen(questions)
        self._unseen = tuple(questions)

    def _hidden(self, people: People) -> NDArray[np.int64]:
        """Return the questions (positions) that are hidden to choose the weights; none if no question is unseen."""
        if not self._unseen:
            return np.zeros(0, np.int64)
        parts = drawn_parts(people.survey, people.asked, HIDDEN_PARTS, 0, whole_batteries=True)
        return np.flatnonzero((parts == 1) & (parts.max(initial=0) > 1))

    def _fit_members(self, people: People, form: FormName, shown_form: FormName) -> None:
        for member in self.members.values():
            member.fit(people, form, shown_form)

    def _choose_weights(self, people: People, form: FormName, shown_form: FormName, hidden: NDArray[np.int64]) -> None:
        batches = list(self._batches(people, form, shown_form, hidden))
        features = stacked([one.features for one in batches])
        exists = stacked([one.exists for one in batches])
        truth = np.concatenate([one.truth for one in batches])
        offset = np.zeros(exists.shape)
        self.weights_ = fit_logit(offset, features, exists, truth, self.weights_.ravel(), _PENALTY).reshape(2, -1)

    def _batches(
        self, people: People, form: FormName, shown_form: FormName, hidden: NDArray[np.int64]
    ) -> Iterator["_Batch"]:
        """Yield the features of the probes that held-out people answered, at several numbers of demonstrations.

        The probes are the ``hidden`` questions, if there are any.
        """
        names = tuple(people.survey.questions[at].id for at in hidden.tolist())
        for number, context in SHOWN_TO_MODEL if self._models else SHOWN_TO_VALIDATION:
            settings = Settings(
                form=form,
                demonstrations_as=shown_form,
                demonstrations=number,
                context=context,
                setups=(0,),
                unseen_questions=names,
            )
            benchmark = build_benchmark(people, settings, people.ids.tolist())
            for setup, task in benchmark.tasks():
                (guesses,) = self._guesses([task])
                logs, exists = self._logs(task, guesses)
                told = _told(task)[:, None, None, None]
                each = np.moveaxis(logs, 0, 3)
                features = np.concatenate([each, each * told], axis=3)
                truth = benchmark.answers(setup)
                at = truth >= 0
                yield _Batch(features[at], exists[at], truth[at])

    def _guesses(self, tasks: Sequence[Task]) -> Iterator[tuple[Guesses, ...]]:
        """Yield what each predictor predicts for each task."""
        return zip(*(member.predict_all(tasks) for member in self.members.values()), strict=True)

    def _logs(self, task: Task, guesses: Sequence[Guesses]) -> tuple[Floats, NDArray[np.bool_]]:
        """Return log probabilities (predictors × people × probes × options), and which options exist (the rest)."""
        shape = len(task.people), len(task.probes), int(task.counts.max(initial=1))
        exists = np.broadcast_to(np.arange(shape[2]) < task.counts[:, None], shape)
        logs = np.zeros((len(self.members), *shape))
        for at, (name, of_member) in enumerate(zip(self.members, guesses, strict=True)):
            probabilities = of_member.probabilities
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


@runtime_checkable
class LanguageModel(Protocol):
    """A predictor that reads prompts, and may have been trained on some people.

    Attributes:
        style: how the prompts are written.
    """

    style: PromptStyle

    def trained_on(self, people: Sequence[str]) -> Sequence[str]: ...

    def identity(self) -> str | None: ...


@dataclass(frozen=True)
class _Size:
    """Estimated tokens of a prompt: those of the ``question``, and of each ``statement``; and the number of probes."""

    question: float
    statement: float
    probes: int

    @classmethod
    def of(cls, task: Task, style: PromptStyle) -> Self:
        """Measure the prompts of the first person."""
        count, _ = counter(None)
        text = next(texts_of(task))
        bare = [count(prompt.text) for prompt in prompts_of({**text, "demonstrations": []}, style, task.seed)]
        lengths = [
            count(option.statement)
            for question in task.survey.questions
            for option in question.options(task.shown_form)
        ]
        return cls(float(np.mean(bare)), float(np.mean(lengths)), len(task.probes))

    def tokens(self, shown: float) -> float:
        """Return the tokens of a prompt with so many statements."""
        return self.question + shown * self.statement


def _held_out(people: People, models: Sequence[LanguageModel] = ()) -> NDArray[np.bool_]:
    """Draw people to hold out (people,), whatever their order in the file, but none that a model was trained on."""
    known = {person for model in models for person in model.trained_on(people.ids.tolist())}
    free = np.flatnonzero(~np.isin(people.ids, sorted(known)))
    number = min(ASKED if models else VALIDATION, len(people) // 10, len(free))
    chosen = np.zeros(len(people), bool)
    if number >= FEWEST_HELD_OUT:
        order = np.argsort(keys(0, "blend", people.ids[free].tolist()), kind="stable")
        chosen[free[order[:number]]] = True
    elif models:
        say(
            "blend",
            f"all predictors have the same weight, because only {len(free):,} people are neither tested nor in "
            "the language model's training set: leave some out of it, with a greater `tested`",
        )
    return chosen


def parts_of(name: str) -> Sequence[str]:
    """Return the names of the predictors of a blend: those after ``blend:``, else :data:`USUAL`.

    A ``+`` in the path of a language model is part of it.

    >>> parts_of("blend:gaussian+resemble")
    ('gaussian', 'resemble:k=35')
    """
    written = name.partition(":")[2]
    named: list[str] = []
    for part in written.split("+") if written else USUAL:
        whole = f"{named[-1]}+{part}" if named else part
        if whole.startswith(ON_THIS_MACHINE) and Path(split_where(whole.partition(":")[2])[0]).exists():
            named[-1] = whole
        else:
            named.append(part)
    return tuple("resemble:k=35" if one == "resemble" else one for one in named)


ON_THIS_MACHINE = ("local:", "reasoner:", "vllm:")
"""How the names of language models that can be part of a blend begin."""

USUAL = ("masked", "gaussian", "resemble:k=35")
"""Predictors of the blend that is named without any."""
