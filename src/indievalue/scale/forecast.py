"""What predicting in shards takes: shards, tokens, memory of a worker, and hours at a rate; nothing is predicted."""

import pickle
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass

import numpy as np

from indievalue.benchmark.model import Benchmark
from indievalue.benchmark.narrow import with_people
from indievalue.benchmark.storage import asked_texts
from indievalue.predictors.protocol import Predictor
from indievalue.predictors.registry import kind_of, reads_prompts
from indievalue.prompts.pool import Pool
from indievalue.prompts.prompt import PromptStyle, prompts_of
from indievalue.prompts.tokens import CHARACTERS
from indievalue.scale.placement import Placement

_SAMPLE = 200
"""Number of people whose prompts are written to estimate those of all."""

_LIBRARIES = 300_000_000
"""Bytes of memory that a worker takes besides a statistical predictor."""


@dataclass(frozen=True)
class Tokens:
    """Estimated prompts of a language model.

    Attributes:
        prompts: their number. all: tokens of all of them. repeated: number of prompts that are those of somebody else,
            word for word. read: tokens that are read if such a prompt, and what one person's prompts have in common,
            are read once.
    """

    prompts: int
    all: int
    repeated: int
    read: int

    def __add__(self, other: "Tokens") -> "Tokens":
        """Return the prompts of both."""
        return Tokens(
            self.prompts + other.prompts,
            self.all + other.all,
            self.repeated + other.repeated,
            self.read + other.read,
        )

    @classmethod
    def of(cls, benchmark: Benchmark, style: PromptStyle, pool: Pool) -> "Tokens":
        """Estimate the prompts of everybody from those of at most 200 people, spread over all.

        Of more people, more prompts are repeated: then ``repeated`` is too low, and ``read`` too high.
        """
        people = len(benchmark.people)
        chosen = np.zeros(people, bool)
        chosen[np.linspace(0, people - 1, min(_SAMPLE, people)).astype(int)] = True
        written: dict[tuple[str, int], list[str]] = {}
        for _, task in with_people(benchmark, chosen).tasks():
            material = pool.material(task)
            for text in asked_texts(task):
                key = text["person"], text["setup"]
                written.setdefault(key, []).extend(one.text for one in prompts_of(text, style, task.seed, material))
        share = people / max(1, int(chosen.sum()))
        prompts = sum(map(len, written.values()))
        characters = sum(len(text) for texts in written.values() for text in texts)
        known: set[str] = set()
        read = 0
        for texts in written.values():
            new = set(texts) - known
            known |= new
            if new:
                read += sum(map(len, new)) - (len(new) - 1) * _in_common(new)
        return cls(
            round(prompts * share),
            round(characters * share / CHARACTERS),
            round((prompts - len(known)) * share),
            round(read * share / CHARACTERS),
        )


def _in_common(texts: Collection[str]) -> int:
    """Return the number of characters with which all texts begin."""
    first, last = min(texts), max(texts)
    return next(
        (place for place, (one, other) in enumerate(zip(first, last, strict=False)) if one != other), len(first)
    )


@dataclass(frozen=True)
class Forecast:
    """What predicting in shards takes.

    Attributes:
        shards: their number. people: number of people tested. rows: number of predictions. memory: bytes of a worker;
            None if that is unknown. tokens: of a language model; None for another predictor.
    """

    shards: int
    people: int
    rows: int
    memory: int | None = None
    tokens: Tokens | None = None

    def __add__(self, other: "Forecast") -> "Forecast":
        """Return what both take, one after the other."""
        memory = None if self.memory is None or other.memory is None else max(self.memory, other.memory)
        tokens = self.tokens + other.tokens if self.tokens and other.tokens else self.tokens or other.tokens
        people = self.people + other.people
        return Forecast(self.shards + other.shards, people, self.rows + other.rows, memory, tokens)

    def lines(self, name: str, rate: float | None = None) -> Iterator[str]:
        """Yield it in sentences; ``rate`` is the number of tokens that a worker reads in a second."""
        each = f"about {self.people / self.shards:,.0f} people and {self.rows / self.shards:,.0f} predictions each"
        size = "known only once it is fitted" if self.memory is None else f"about {self.memory / 1e9:,.1f} GB"
        yield f"{name}: {self.shards:,} shards, {each}; memory of a worker: {size}"
        if self.tokens is None:
            return
        share = self.tokens.repeated / max(1, self.tokens.prompts)
        yield (
            f"{name}: {self.tokens.prompts:,} prompts, about {self.tokens.all:,} tokens; at most about "
            f"{self.tokens.read:,} are read if what one person's prompts have in common is read once"
            + (f", and so are prompts that several people share (here about {share:.0%})" if share >= 0.005 else "")
        )
        if rate is None:
            yield f"{name}: for the hours, give --rate with the tokens that a worker reads in a second"
        else:
            hours = f"{self.tokens.read / rate / 3600:,.2f} hours"
            yield f"{name}: about {hours} of one worker at {rate:,.0f} tokens a second; divide by their number for more"


def forecast(
    name: str,
    predictor: Predictor,
    benchmark: Benchmark,
    placement: Placement,
    fit: Callable[[], Predictor] | None = None,
) -> Forecast:
    """Return what predicting in shards takes. ``fit`` returns the fitted predictor; it is called if that is quick."""
    people, probes = len(benchmark.people), sum(len(setup.probes) for setup in benchmark.setups)
    asks = reads_prompts(name)
    memory = predictor.memory()
    if memory is None and fit is not None and kind_of(name).quick:
        memory = len(pickle.dumps(fit())) + _LIBRARIES
    style, tokens = getattr(predictor, "style", None), None
    if asks and isinstance(style, PromptStyle):
        tokens = Tokens.of(benchmark, style, getattr(predictor, "_pool", None) or Pool(style))
    return Forecast(placement.number(people, probes, reads_prompts=asks), people, people * probes, memory, tokens)
