"""The predictor protocol: its methods, results and costs, and a base class with defaults."""

import inspect
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Protocol, Self, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from indievalue.benchmark.model import Benchmark, Task
from indievalue.choices import FormName
from indievalue.context import Blocks, UnusableBlockError
from indievalue.errors import IndievalueError
from indievalue.people.people import People

INVALID = -1
"""Choice if the output names no option."""

UNANSWERED = -2
"""Choice if there is no output, because the server does not take the prompt; such rows are left out."""


READS = frozenset({"statements", "demographics"})
"""Blocks of a context that a predictor can use, unless it states others."""

EVERY_BLOCK = READS | {"year", "country-facts"}
"""All blocks."""


@dataclass(frozen=True)
class Guesses:
    """Predictions for one task.

    Attributes:
        choice: int8 (people × probes), the option chosen; -1 for invalid output.
        probabilities: float32 (people × probes × most options), padded with zeros after each probe's options; nan for
            probes without probabilities; None if the predictor gives no probabilities at all.
    """

    choice: NDArray[np.int8]
    probabilities: NDArray[np.float32] | None

    @classmethod
    def most_probable(cls, probabilities: NDArray[np.floating]) -> "Guesses":
        """Choose the most probable option of every probe; ties go to the first."""
        return cls(probabilities.argmax(axis=2).astype(np.int8), probabilities.astype(np.float32))


@dataclass(frozen=True)
class Cost:
    """Estimate of the cost of asking, computed before anything is asked.

    Attributes:
        calls: number of distinct prompts. stored: those already answered in the store, which cost nothing.
        input_tokens, output_tokens: approximate tokens of the others. dollars: their cost; None without a price.
        retries: how many times a prompt is asked again after an invalid answer, which is not counted in the others.
    """

    calls: int
    stored: int
    input_tokens: int
    output_tokens: int
    dollars: float | None
    retries: int = 0

    def __add__(self, other: "Cost") -> "Cost":
        """Return the cost of both."""
        unknown = self.dollars is None or other.dollars is None
        return Cost(
            self.calls + other.calls,
            self.stored + other.stored,
            self.input_tokens + other.input_tokens,
            self.output_tokens + other.output_tokens,
            None if unknown else (self.dollars or 0) + (other.dollars or 0),
            max(self.retries, other.retries),
        )

    def line(self, name: str) -> str:
        """Return the cost of asking the predictor ``name`` in a sentence."""
        stored = f", {self.stored:,} of them already answered" if self.stored else ""
        dollars = "cost unknown without --price" if self.dollars is None else f"about ${self.dollars:,.2f}"
        text = (
            f"{name}: {self.calls:,} calls{stored}, about {self.input_tokens:,} input and "
            f"{self.output_tokens:,} output tokens, {dollars}"
        )
        most = (self.calls - self.stored) * (1 + self.retries)
        if self.retries and most:
            at_most = "" if self.dollars is None else f" and ${self.dollars * (1 + self.retries):,.2f}"
            text += f"; at most {most:,} calls{at_most}, if every answer were invalid and asked for again"
        return text


@dataclass
class Effort:
    """Calls, tokens and cost of the predictions made.

    Attributes:
        calls: number of answers used. kept: those already in the store. asked_again: those after an invalid answer.
        retries: requests that failed and were sent again.
        input_tokens, output_tokens, cost: of new calls; cost in dollars, None without a price.
        invalid: number of probes without a valid answer. unanswered: number of probes whose prompt the server does not
            take, which have no prediction. examples: some of the invalid answers.
        consistent: share of probes with the same answer in both orders of options; None if asked in one order.
    """

    calls: int = 0
    kept: int = 0
    asked_again: int = 0
    retries: int = 0
    input_tokens: int = 0
    output_tokens: int = 0
    cost: float | None = None
    invalid: int = 0
    unanswered: int = 0
    consistent: float | None = None
    examples: list[str] = field(default_factory=list)

    def as_dict(self) -> dict[str, object]:
        """Return plain values, for JSON."""
        return asdict(self)

    def lines(self) -> Iterator[str]:
        """Yield the effort as lines of text."""
        fresh = self.calls - self.kept
        cost = "" if self.cost is None else f", ${self.cost:,.2f}"
        yield (
            f"{fresh:,} calls ({self.kept:,} answers were in the store), {self.input_tokens:,} tokens read and "
            f"{self.output_tokens:,} written{cost}; {self.retries:,} requests repeated, {self.asked_again:,} times "
            f"asked again after an invalid answer, {self.invalid:,} probes invalid in the end"
        )
        if self.unanswered:
            yield f"{self.unanswered:,} probes not answered, and not scored: the server does not take their prompts"
        if self.consistent is not None:
            yield f"{100 * self.consistent:.1f}% of probes were answered alike in both orders of options"
        for example in self.examples:
            yield f"invalid: {example}"


class Report(Protocol):
    """A predictor's report: plain values for ``run.json``, and lines for the terminal."""

    def as_dict(self) -> dict[str, object]: ...

    def lines(self) -> Iterable[str]: ...


class Predictor(Protocol):
    """Anything that predicts a person's answers to probes.

    ``fit`` gets people who are not tested, ``predict`` gets a task. Neither may depend on the order of people. A class
    of your own only needs these two; :class:`BasePredictor` provides defaults for the rest, and
    :func:`indievalue.predictors.registry.adopt` adds them to an object that lacks them.

    Attributes:
        learns: whether ``fit`` uses the people. A predictor that does not learn can be tested on everyone.
    """

    learns: bool

    def fit(self, people: People, form: FormName = "polar", shown_form: FormName | None = None) -> Self:
        """Learn from ``people`` to predict answers in ``form`` from demonstrations in ``shown_form`` (or ``form``)."""
        ...

    def predict(self, task: Task) -> Guesses:
        """Return a choice and, if available, the probability of every option, for each person and probe."""
        ...

    def predict_all(self, tasks: Sequence[Task]) -> Iterable[Guesses]:
        """Return the predictions for several tasks, in order; a chat model sends all of their prompts at once."""
        ...

    def identity(self) -> str | None:
        """Return a string with everything that predictions depend on; None if that is unknown.

        When a stopped run resumes, predictions of a predictor with the same identity are reused.
        """
        ...

    def cost(self, tasks: Iterable[Task]) -> Cost | None:
        """Estimate the cost of these tasks before anything is asked; None if predictions are free."""
        ...

    def effort(self) -> Report | None:
        """Report on the predictions since the last ``fit``; None if there is nothing to report."""
        ...

    def write_log(self, benchmark: Benchmark, folder: Path) -> None:
        """Write a log of the last predictions into a run directory; most predictors write nothing."""
        ...

    def expect_unseen(self, questions: Sequence[str]) -> None:
        """Prepare for probes of these questions, of which the people given to ``fit`` have no answers.

        Raises IndievalueError if the predictor cannot predict a question that nobody answered.
        """

    def for_shard(self) -> Self:
        """Return the fitted predictor as it predicts some of the people on a worker, with nothing to report yet."""
        ...

    def memory(self) -> int | None:
        """Return the bytes of memory that a process needs that predicts, about; None if that is unknown."""
        ...


@runtime_checkable
class LearnsInBlocks(Protocol):
    """A predictor that can learn from more people than fit memory."""

    def fit_blocks(
        self, blocks: Iterable[People], form: FormName = "polar", shown_form: FormName | None = None
    ) -> "Predictor":
        """Learn from people who come in blocks; ``blocks`` may be iterated several times."""
        ...


@runtime_checkable
class TakesGPUs(Protocol):
    """A predictor that may need several GPUs of one machine, if it has any."""

    def gpus(self) -> int:
        """Return the number of GPUs that a process needs that predicts."""
        ...


def gpus_of(predictor: Predictor) -> int:
    """Return the number of GPUs that a process needs in which a predictor predicts, if it uses any."""
    return predictor.gpus() if isinstance(predictor, TakesGPUs) else 1


class BasePredictor:
    """Base class with the defaults of a :class:`Predictor`: it predicts one task at a time, and costs nothing.

    Its repr shows the arguments of ``__init__`` that differ from their defaults.
    """

    learns: bool = True
    reads: frozenset[str] = READS
    """Blocks of a context that the predictor can use (see :data:`indievalue.context.BLOCKS`), of which the region is
    among the demographics. A context with any other block is refused, unless the set is empty: then the predictor is
    a baseline that uses nothing of anybody.
    """
    blind: str | None = None
    """Why it cannot predict a question that nobody it learned from answered; None if it can."""
    across_surveys: bool = False
    """Whether ``fit`` takes people of another survey than the tasks', because it predicts by what questions say."""

    def fit(self, people: People, form: FormName = "polar", shown_form: FormName | None = None) -> Self:
        """Learn nothing."""
        return self

    def predict(self, task: Task) -> Guesses:
        """Return the predictions for one task."""
        raise NotImplementedError

    def predict_all(self, tasks: Sequence[Task]) -> Iterable[Guesses]:
        """Return the predictions for each task, one after the other."""
        return map(self.predict, tasks)

    def identity(self) -> str | None:
        """Return None: a resumed run predicts again."""
        return None

    def cost(self, tasks: Iterable[Task]) -> Cost | None:
        """Return None: predictions are free."""
        return None

    def effort(self) -> Report | None:
        """Return None: there is nothing to report."""
        return None

    def write_log(self, benchmark: Benchmark, folder: Path) -> None:
        """Write nothing."""

    def expect_unseen(self, questions: Sequence[str]) -> None:
        """Raise IndievalueError, with the reason in ``blind``, if there is one."""
        if self.blind is not None:
            raise IndievalueError(
                f"{type(self).__name__.lower()} cannot predict a question that nobody answered: {self.blind}; ask "
                "embedding, similar-majority or a language model, or give it as --reference"
            )

    def for_shard(self) -> Self:
        """Return the predictor itself."""
        return self

    def memory(self) -> int | None:
        """Return None: it is unknown before the predictor is fitted."""
        return None

    def __repr__(self) -> str:
        given = inspect.signature(type(self).__init__).parameters.values()
        options = [
            f"{one.name}={value!r}"
            for one in given
            if one.kind in (one.POSITIONAL_OR_KEYWORD, one.KEYWORD_ONLY)
            and (value := getattr(self, one.name, one.default)) is not one.default
            and value != one.default
        ]
        return f"{type(self).__name__}({', '.join(options)})"


def refuse_unused(name: str, predictor: object, blocks: Blocks) -> None:
    """Raise UnusableBlockError if the context has a block that ``predictor``, called ``name``, would ignore.

    All demographics are shown to any predictor, also to those that use none, such as ``resemble``.
    """
    reads: frozenset[str] = getattr(predictor, "reads", READS)
    wanted = {"demographics": blocks.selects, "year": blocks.year, "country-facts": blocks.country_facts}
    unused = [block for block, is_shown in wanted.items() if is_shown and block not in reads]
    if unused and reads:
        is_built_in = isinstance(predictor, StatisticalPredictor)
        raise UnusableBlockError(
            f"{name} cannot use {' and '.join(unused)} of the context {blocks.name}: ask another predictor, such as "
            f"gaussian or a language model, or leave {'that' if len(unused) == 1 else 'these'} out"
            + ("" if is_built_in else " (a predictor of your own states what it uses in `reads`)")
        )


class StatisticalPredictor(BasePredictor):
    """A built-in predictor whose repr shows every option that its predictions depend on."""

    def identity(self) -> str | None:
        """Return the class and its options."""
        return repr(self)
