"""Parse a chat model's output into options and probabilities."""

import math
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate

from inspect_ai.model import Logprob, ModelOutput, ModelUsage, TopLogprob

from indievalue.prompts.prompt import AskedProbe
from indievalue.prompts.replies import label_in_reply, read_reply
from indievalue.prompts.templates import Reading

_CUT = ("max_tokens", "model_length")
"""Stop reasons of an output that was cut off."""


@dataclass(frozen=True)
class ReadAnswer:
    """The survey's option that an answer names, or None, and the probabilities of the options, if available."""

    choice: int | None
    probabilities: list[float] | None = None


def read_answer(output: ModelOutput, asked: Sequence[AskedProbe], reading: Reading) -> dict[str, ReadAnswer]:
    """Return the answer to each question in ``asked``, read as the template of the prompt is answered."""
    given = read_reply(output.completion, asked, reading, cut=output.stop_reason in _CUT)
    if reading in ("label", "marked"):
        (probe,) = asked
        return {probe.question: ReadAnswer(given[probe.question].choice, label_probabilities(output, probe, reading))}
    return {
        question: ReadAnswer(reply.choice, None if reply.probabilities is None else list(reply.probabilities))
        for question, reply in given.items()
    }


def label_probabilities(output: ModelOutput, probe: AskedProbe, reading: Reading = "label") -> list[float] | None:
    """Return the probability of each option, in the survey's order, from those of the token that names the answer.

    They are normalized over the labels. None if the answer names no label, or the provider reports no log
    probabilities for it.
    """
    token = _answer_token(output, probe, reading)
    if token is None:
        return None
    weights = [0.0] * len(probe.order)
    likely: Sequence[Logprob | TopLogprob] = token.top_logprobs or [token]
    for written, logprob in [(one.token, one.logprob) for one in likely]:
        option = _label(written, probe)
        if option is not None:
            weights[option] += math.exp(logprob)
    total = sum(weights)
    return [weight / total for weight in weights] if total > 0 else None


def _answer_token(output: ModelOutput, probe: AskedProbe, reading: Reading) -> Logprob | None:
    """Return the token that is the label of the answer, rather than a letter of the thoughts before it."""
    logprobs = output.choices[0].logprobs if output.choices else None
    if logprobs is None:
        return None
    written = "".join(token.token for token in logprobs.content)
    start = written.rfind(output.completion)  # thoughts may be among the tokens, but not in the completion
    text = output.completion if start >= 0 else written
    choice = label_in_reply(text, probe, reading, cut=output.stop_reason in _CUT)
    if choice is None or choice.place is None:
        return None
    place = choice.place + max(start, 0)
    ends = accumulate(len(token.token) for token in logprobs.content)
    token = next((token for token, end in zip(logprobs.content, ends, strict=True) if end > place), None)
    return token if token and _label(token.token, probe) == choice.option else None


def tokens_read(usage: ModelUsage) -> int:
    """Return the tokens that a model read: those a provider had in its cache, or put there, are counted apart."""
    return usage.input_tokens + (usage.input_tokens_cache_read or 0) + (usage.input_tokens_cache_write or 0)


def _label(token: str, probe: AskedProbe) -> int | None:
    bare = unicodedata.normalize("NFKC", token).strip(" \t\n*_`\"'()[]{}<>$“”‘’«».,:;!。").upper()
    return probe.order[probe.labels.index(bare)] if len(bare) == 1 and bare in probe.labels else None
