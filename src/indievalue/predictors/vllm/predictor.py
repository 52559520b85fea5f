"""Predict the option that a language model finds most probable, read by vLLM."""

import json
from collections.abc import Callable, Sequence
from functools import cache
from importlib.metadata import packages_distributions, version

import numpy as np

from indievalue.predictors.local.cache import Scores
from indievalue.predictors.local.load import device_of, identity, memory_of
from indievalue.predictors.local.scored import ScoredModel, check_lengths, items_of
from indievalue.predictors.local.thinking import MARK, before_label
from indievalue.predictors.local.tree import Item
from indievalue.predictors.local.wording import Wording
from indievalue.predictors.vllm.engine import Engine, Tokens, cache_on_a_cpu, load
from indievalue.predictors.vllm.options import VllmOptions
from indievalue.prompts.prompt import Prompt, PromptStyle


class Vllm(ScoredModel):
    """A causal language model that vLLM reads, prompted as ``local:`` does and not trained.

    The probability of an option is that of its label as the next word, with or without a space before it, divided by
    that of all labels: those of ``local:``, up to rounding. It is taken from the distribution of the next token after
    the prompt; a label of several tokens needs one more prompt for each. What prompts have in common is in vLLM's
    prefix cache.

    Args:
        where: directory, GGUF file, id on the model hub, or ``smollm2``. options: see
            :class:`indievalue.predictors.vllm.options.VllmOptions`. style: how prompts are written.

    Attributes:
        mass_: :class:`indievalue.predictors.local.scored.Mass` of all prompts so far; None before.
    """

    kind = "vllm"
    instead = "local: with score=statement"
    at_once = 512
    options: VllmOptions

    def __init__(self, where: str, options: VllmOptions | None = None, style: PromptStyle | None = None) -> None:
        super().__init__(where, options or VllmOptions(), style)

    def _made_of(self) -> str:
        return json.dumps([identity(self.source, "vllm", self.options.dtype), *_vllm()])

    def _score(self, people: list[list[Prompt]], made_of: str, read: Callable[[float], None]) -> list[Scores]:
        engine = load(self.source, self.options, made_of)
        prompts = [prompt for of in people for prompt in of]
        wording = Wording.of(engine.tokenizer, self._chat)
        if self._space is not None:
            wording.spaces = (self._space,)
        think = self.options.think
        items = items_of(
            wording,
            prompts,
            engine.limit,
            lambda texts: _with_thoughts(texts, prompts, engine, think, chat=wording.chat),
        )
        scores = iter(_scores(items, engine))
        return [[next(scores) for _ in of] for of in people]

    def memory(self) -> int | None:
        """Return the bytes that the model takes in memory, with those of the libraries, and on a CPU of its cache."""
        device = str(device_of(None))
        return memory_of(self.source, device, self.options.dtype) + (cache_on_a_cpu() if device == "cpu" else 0)

    def gpus(self) -> int:
        """Return the number of GPUs that the weights are split over."""
        return self.options.tensor_parallel_size


def _scores(items: Sequence[Sequence[Sequence[Item]]], engine: Engine) -> Scores:
    """Return for each prompt and option the log-probability of its label, summed over its spellings."""
    wanted: dict[Tokens, set[int]] = {}
    for probe in items:
        for spellings in probe:
            for item in spellings:
                for text, token in _steps(item):
                    wanted.setdefault(text, set()).add(token)
    logs = engine.next_tokens({text: sorted(tokens) for text, tokens in wanted.items()})
    return [
        [
            float(np.logaddexp.reduce([sum(logs[text][token] for text, token in _steps(item)) for item in spellings]))
            for spellings in probe
        ]
        for probe in items
    ]


def _steps(item: Item) -> list[tuple[Tokens, int]]:
    """Return each token of an item's continuation with the text before it."""
    return [(item.context + item.continuation[:place], token) for place, token in enumerate(item.continuation)]


def _with_thoughts(
    texts: Sequence[str], prompts: Sequence[Prompt], engine: Engine, most: int, *, chat: bool
) -> list[str]:
    """Do the same as :func:`indievalue.predictors.local.thinking.with_thoughts`, for all texts at once."""
    read = [tuple(tokens) for tokens in engine.tokenizer(list(texts), add_special_tokens=not chat)["input_ids"]]
    check_lengths(prompts, [len(tokens) for tokens in read], engine.limit)
    written = engine.written_after(read, most, MARK)
    return [before_label(text, thoughts, chat=chat) for text, thoughts in zip(texts, written, strict=True)]


@cache
def _vllm() -> tuple[str, str]:
    """Return the package that vLLM was installed from, which is another one for CPUs, and its version."""
    package = packages_distributions()["vllm"][0]
    return package, version(package)
