"""Parse a chat model's output into options and probabilities."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from inspect_ai.model import Logprob, ModelOutput, ModelUsage, TopLogprob

from indievalue.prompts.answer import chosen_option, chosen_options
from indievalue.prompts.prompt import AskedProbe


@dataclass(frozen=True)
class ReadAnswer:
    """The survey's option that an answer names, or None, and the probabilities of the options, if available."""

    choice: int | None
    probabilities: list[float] | None = None


def read_answer(output: ModelOutput, asked: Sequence[AskedProbe], *, together: bool) -> dict[str, ReadAnswer]:
    """Return the answer to each question in ``asked``; if ``together``, all are in one JSON object."""
    if together:
        return {question: ReadAnswer(choice) for question, choice in chosen_options(output.completion, asked).items()}
    (probe,) = asked
    return {probe.question: ReadAnswer(chosen_option(output.completion, probe), label_probabilities(output, probe))}


def label_probabilities(output: ModelOutput, probe: AskedProbe) -> list[float] | None:
    """Return the probability of each option, in the survey's order, from those of the first token that is a label.

    They are normalized over the labels. None if the provider reports no log probabilities, or none for a label.
    """
    logprobs = output.choices[0].logprobs if output.choices else None
    for token in logprobs.content if logprobs else ():
        if _label(token.token, probe) is None:
            continue
        weights = [0.0] * len(probe.order)
        likely: Sequence[Logprob | TopLogprob] = token.top_logprobs or [token]
        for written, logprob in [(one.token, one.logprob) for one in likely]:
            option = _label(written, probe)
            if option is not None:
                weights[option] += math.exp(logprob)
        total = sum(weights)
        return [weight / total for weight in weights] if total > 0 else None
    return None


def tokens_read(usage: ModelUsage) -> int:
    """Return the tokens that a model read: those a provider had in its cache, or put there, are counted apart."""
    return usage.input_tokens + (usage.input_tokens_cache_read or 0) + (usage.input_tokens_cache_write or 0)


def _label(token: str, probe: AskedProbe) -> int | None:
    bare = token.strip(" \t\n*_`\"'().").upper()
    return probe.order[probe.labels.index(bare)] if len(bare) == 1 and bare in probe.labels else None
