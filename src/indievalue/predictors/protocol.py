"""What a predictor is, what it returns, what it costs, and the defaults of all that."""

import inspect
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Protocol, Self

import numpy as np
from numpy.typing import NDArray

from indievalue.benchmark.model import Benchmark, Task
from indievalue.choices import FormName
from indievalue.people.people import People

INVALID = -1
"""Choice of a predictor whose output named no option."""


@dataclass(frozen=True)
class Guesses:
    """A predictor's answer to one task.

    Attributes:
        choice: int8 (people × probes), the option chosen; -1 for invalid output.
        probabilities: float32 (people × probes × most options), each probe's options first, then zeros; nan for all
            options of a probe that was given none; None where the predictor gives no probabilities at all.
    """

    choice: NDArray[np.int8]
    probabilities: NDArray[np.float32] | None

    @classmethod
    def most_probable(cls, probabilities: NDArray[np.floating]) -> "Guesses":
        """Choose the most probable option of every probe, the first of equals."""
        return cls(probabilities.argmax(axis=2).astype(np.int8), probabilities.astype(np.float32))


@dataclass(frozen=True)
class Cost:
    """What asking would take at most, counted before anything is asked.

    Attributes:
        calls: distinct prompts. stored: those whose answer is in the store already, and costs nothing.
        input_tokens, output_tokens: of the others, about. dollars: for these tokens; None without a price.
    """

    calls: int
    stored: int
    input_tokens: int
    output_tokens: int
    dollars: float | None

    def line(self, name: str) -> str:
        """Return the cost of asking the predictor ``name`` in a sentence."""
        stored = f", {self.stored:,} of them answered before" if self.stored else ""
        dollars = "cost unknown without --price" if self.dollars is None else f"about ${self.dollars:,.2f}"
        return (
            f"{name}: {self.calls:,} calls{stored}, about {self.input_tokens:,} input and "
            f"{self.output_tokens:,} to write, {dollars}"
        )


@dataclass
class Effort:
    """What asking took, reported afterwards.

    Attributes:
        calls: answers used, of which ``kept`` were in the store already. asked_again: of them after an invalid answer.
        retries: requests that a provider turned down and that were sent again.
        input_tokens, output_tokens, cost: of calls made now; cost in dollars, None where no price is given.
        invalid: probes without a valid answer. examples: some of the invalid answers.
        consistent: share of probes that were answered alike in both orders of options; None where asked in one.
    """

    calls: int = 0
    kept: int = 0
    asked_again: int = 0
    retries: int = 0
    input_tokens: int = 0
    output_tokens: int = 0
    cost: float | None = None
    invalid: int = 0
    consistent: float | None = None
    examples: list[str] = field(default_factory=list)

    def as_dict(self) -> dict[str, object]:
        """Return plain values, for JSON."""
        return asdict(self)

    def lines(self) -> Iterator[str]:
        """Return the effort in sentences."""
        fresh = self.calls - self.kept
        cost = "" if self.cost is None else f", ${self.cost:,.2f}"
        yield (
            f"{fresh:,} calls ({self.kept:,} answers were in the store), {self.input_tokens:,} tokens read and "
            f"{self.output_tokens:,} written{cost}; {self.retries:,} requests repeated, {self.asked_again:,} times "
            f"asked again after an invalid answer, {self.invalid:,} probes invalid in the end"
        )
        if self.consistent is not None:
            yield f"{100 * self.consistent:.1f}% of probes were answered alike in both orders of options"
        for example in self.examples:
            yield f"invalid: {example}"


class Report(Protocol):
    """Whatever a predictor reports of its work: plain values for ``run.json``, and lines for the terminal."""

    def as_dict(self) -> dict[str, object]: ...

    def lines(self) -> Iterable[str]: ...


class Predictor(Protocol):
    """Anything that predicts a person's answers to probes.

    ``fit`` sees people who are not tested, ``predict`` sees a task. The order of people must make no difference to
    either. A class of your own needs these two; :class:`BasePredictor` has everything else, and
    :func:`indievalue.predictors.registry.adopt` adds it to an object that lacks it.

    Attributes:
        learns: whether ``fit`` uses the people. One that does not can be asked about everybody.
    """

    learns: bool

    def fit(self, people: People, form: FormName = "polar", shown_form: FormName | None = None) -> Self:
        """Learn from ``people`` to predict answers in ``form`` from demonstrations in ``shown_form`` (or ``form``)."""
        ...

    def predict(self, task: Task) -> Guesses:
        """Return a choice, and where it can a probability of every option, for each person and probe."""
        ...

    def predict_all(self, tasks: Sequence[Task]) -> Iterable[Guesses]:
        """Return the guesses of several tasks, in their order; a chat model asks them all at once."""
        ...

    def identity(self) -> str | None:
        """Return everything that decides what the predictor would learn and predict; None where that is unknown.

        What a predictor of the same identity predicted of the same benchmark, before a run was stopped, is taken over.
        """
        ...

    def cost(self, tasks: Iterable[Task]) -> Cost | None:
        """Return what asking these tasks would take at most, before anything is asked; None where it costs nothing."""
        ...

    def effort(self) -> Report | None:
        """Return what the predictions since the last ``fit`` took; None where there is nothing to report."""
        ...

    def write_log(self, benchmark: Benchmark, folder: Path) -> None:
        """Write what the predictor can show of its last predictions into a run directory; usually nothing."""
        ...


class BasePredictor:
    """The defaults of a :class:`Predictor`: it learns, predicts one task after the other, and costs nothing.

    Its repr shows the arguments of ``__init__`` that were given other values than their defaults, by name.
    """

    learns: bool = True

    def fit(self, people: People, form: FormName = "polar", shown_form: FormName | None = None) -> Self:
        """Learn nothing."""
        return self

    def predict(self, task: Task) -> Guesses:
        """Return the guesses of one task."""
        raise NotImplementedError

    def predict_all(self, tasks: Sequence[Task]) -> Iterable[Guesses]:
        """Return the guesses of each task, one after the other."""
        return map(self.predict, tasks)

    def identity(self) -> str | None:
        """Return None: what was predicted before a run was stopped is predicted again."""
        return None

    def cost(self, tasks: Iterable[Task]) -> Cost | None:
        """Return None: asking costs nothing."""
        return None

    def effort(self) -> Report | None:
        """Return None: there is nothing to report."""
        return None

    def write_log(self, benchmark: Benchmark, folder: Path) -> None:
        """Write nothing."""

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


class StatisticalPredictor(BasePredictor):
    """A predictor of ours that is fitted to answers: its repr shows every option that decides what it predicts."""

    def identity(self) -> str | None:
        """Return the class and its options."""
        return repr(self)
