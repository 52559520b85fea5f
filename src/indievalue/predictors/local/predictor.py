"""Predict the option that a local language model finds most probable."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Self

import numpy as np

from indievalue.errors import IndievalueError
from indievalue.predictors.local.cache import Scores
from indievalue.predictors.local.load import Loaded, device_of, identity, load, memory_of
from indievalue.predictors.local.options import LocalOptions
from indievalue.predictors.local.scored import ScoredModel, items_of
from indievalue.predictors.local.thinking import with_thoughts
from indievalue.predictors.local.tree import Item
from indievalue.predictors.local.wording import STATEMENT, Wording
from indievalue.prompts.prompt import Prompt, PromptStyle


class Local(ScoredModel):
    """A causal language model of transformers, prompted with few-shot demonstrations and not trained.

    The probability of an option is that of its label as the next word, with or without a space before it, divided by
    that of all labels; or, for ``score=statement``, exp of the mean log-probability of its statement's tokens, divided
    by the sum of these over the options. Probes asked in two orders are averaged.

    The shared prefix of a person's prompts is read once (see :mod:`indievalue.predictors.local.tree`). Scores are
    cached on disk (see :mod:`indievalue.predictors.local.cache`).

    Args:
        where: directory, GGUF file, id on the model hub, or ``smollm2``. options: see
            :class:`indievalue.predictors.local.options.LocalOptions`. style: how prompts are written.

    Attributes:
        mass_: :class:`Mass` of all prompts so far; None before, and where statements are scored.
    """

    kind = "local"
    options: LocalOptions

    def __init__(self, where: str, options: LocalOptions | None = None, style: PromptStyle | None = None) -> None:
        options = options or LocalOptions()
        super().__init__(where, options, style, options.score)
        self.device = device_of(options.device)
        if options.score == "statement":
            self.style = _style_of_statements(self.style)

    def _made_of(self) -> str:
        return identity(self.source, self.device, self.options.dtype)

    def _score(self, people: list[list[Prompt]], made_of: str, read: Callable[[float], None]) -> list[Scores]:
        loaded = load(self.source, self.device, self.options.dtype, made_of)
        options = replace(self.options, chat=self._chat)
        return [score(prompts, loaded, options, read, self._space) for prompts in people]

    def for_shard(self) -> Self:
        """Return a copy for the device of this machine, whose scores are not cached: the shard's file is kept."""
        fresh = super().for_shard()
        fresh.device = device_of(self.options.device)
        return fresh

    def memory(self) -> int | None:
        """Return the bytes that the model takes in memory, with those of the libraries."""
        return memory_of(self.source, self.device, self.options.dtype)


def score(
    prompts: Sequence[Prompt],
    loaded: Loaded,
    options: LocalOptions,
    read: Callable[[float], None] = lambda share: None,
    space: str | None = None,
) -> Scores:
    """Return for each of one person's prompts the log-probability of each of the survey's options.

    It is that of the label, summed over its spellings, or the mean over the statement's tokens. ``read`` is called with
    the share (0-1) of the text read since its last call. With ``space``, a label has one spelling alone, after it.
    Raises IndievalueError if a prompt is longer than the model's context.
    """
    wording = Wording.of(loaded.tokenizer, options.chat, options.score)
    if space is not None:
        wording.spaces = (space,)
    items = items_of(
        wording, prompts, loaded.limit, lambda texts: with_thoughts(texts, loaded, options.think, chat=wording.chat)
    )
    every = [item for probe in items for spellings in probe for item in spellings]
    reader = replace(
        loaded.reader,
        batch=options.batch or loaded.reader.batch,
        advanced=lambda items: read(items / len(every)),
    )
    logs = iter(reader.scores(every))
    loaded.reader.shares, loaded.reader.computed = reader.shares, reader.computed
    return [[_joined(spellings, [next(logs) for _ in spellings], options) for spellings in probe] for probe in items]


def _joined(spellings: Sequence[Item], logs: Sequence[float], options: LocalOptions) -> float:
    if options.score == "statement":
        return float(logs[0]) / len(spellings[0].continuation)
    return float(np.logaddexp.reduce(logs))


def _style_of_statements(style: PromptStyle) -> PromptStyle:
    if style.shipped.reading == "marked":
        raise IndievalueError("--template reason is answered by a label: leave out score=statement")
    return replace(style, template=STATEMENT) if style.template == "single" else style
