"""Asks a chat model a benchmark through Inspect, where nothing that was answered is asked again."""

import os
import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import polars as pl
from inspect_ai import eval as inspect_eval
from inspect_ai.log import EvalLog, read_eval_log_samples
from inspect_ai.model import GenerateConfig, get_model

from indievalue.benchmark.model import Benchmark
from indievalue.benchmark.storage import task_texts
from indievalue.errors import IndievalueError
from indievalue.files import cache_root
from indievalue.predictors.chat.log import Effort, predictions_of
from indievalue.predictors.chat.task import RETRIES, Budget, task_of
from indievalue.prompts.prompt import Style, prompts_of
from indievalue.prompts.tokens import counter

MOST_FAILED = 20
"""Calls that may fail for good before the others are not tried any more."""

GENERATE = {"temperature": 0.0, "max_retries": 8, "max_connections": 10}
"""What a call is made with unless said otherwise."""


@dataclass(frozen=True)
class Asking:
    """How a chat model is asked.

    Attributes:
        style: how prompts are written. retries: times an invalid answer is asked for again.
        generate: Inspect's generate options, such as ``temperature``, ``max_connections``, ``max_tokens``,
            ``logprobs``, ``top_logprobs``, ``reasoning_effort``, ``batch``. model_args, base_url: for the provider.
        price: dollars per million tokens read and written. limit_cost: dollars after which nothing more is asked.
        display: Inspect's display while it runs: ``rich``, ``plain``, ``none`` …
    """

    style: Style = field(default_factory=Style)
    retries: int = RETRIES
    generate: Mapping[str, Any] = field(default_factory=dict)
    model_args: Mapping[str, Any] = field(default_factory=dict)
    base_url: str | None = None
    price: tuple[float, float] | None = None
    limit_cost: float | None = None
    display: str = "plain"

    def __post_init__(self) -> None:
        """Raises IndievalueError for a limit without a price: nobody could tell when it is reached."""
        if self.limit_cost is not None and self.price is None:
            raise IndievalueError("--limit-cost needs --price, in dollars per million tokens read and written: 2.50,10")


@dataclass(frozen=True)
class Plan:
    """What asking would take at most: calls, tokens read (about), answers' tokens (about), dollars."""

    calls: int
    input_tokens: int
    output_tokens: int
    cost: float | None


def plan(benchmark: Benchmark, asking: Asking) -> Plan:
    """Counts what would be sent, without sending it; retries and answers kept from before are not counted."""
    count, _ = counter(None)
    calls = tokens = answers = 0
    for text in task_texts(benchmark):
        for prompt in prompts_of(text, asking.style, benchmark.settings.seed):
            calls, tokens = calls + 1, tokens + count(prompt.text)
            answers += 8 * len(prompt.probes) if asking.style.together else 2
    cost = (tokens * asking.price[0] + answers * asking.price[1]) / 1e6 if asking.price else None
    return Plan(calls, tokens, answers, cost)


def ask(
    name: str,
    benchmark: Benchmark,
    asking: Asking,
    log_dir: Path,
    say: Callable[[str], None] = lambda message: None,
) -> tuple[pl.DataFrame, Effort]:
    """Predictions of the Inspect model ``name`` (``openai/gpt-4o``), and what they took.

    The log is written to ``log_dir``, for ``inspect view``. Answers are kept in ``$INDIEVALUE_CACHE/calls``, or
    ``~/.cache/indievalue/calls``: the same call asks nothing twice. Raises IndievalueError where the model is unknown,
    calls fail for good, or the budget is spent; and KeyboardInterrupt after Ctrl-C.
    """
    budget = Budget(asking.price, asking.limit_cost)
    try:
        config = GenerateConfig(**{**GENERATE, **asking.generate})
        model = get_model(name, config=config, base_url=asking.base_url, **asking.model_args)
    except Exception as error:  # each provider has its own
        raise IndievalueError(f"{name} cannot be asked: {_plain(error)}") from None
    with _answers_kept():
        (log,) = inspect_eval(
            task_of(benchmark, asking.style, asking.retries, budget),
            model=model,
            log_dir=str(log_dir),
            log_format="eval",
            display=asking.display,  # type: ignore[arg-type]
            fail_on_error=MOST_FAILED,
            retry_on_error=1,
            log_header_only=True,
        )
    if log.status == "cancelled":
        raise KeyboardInterrupt
    failed = _failures(log)
    if budget.limit is not None and budget.spent >= budget.limit and failed:
        raise IndievalueError(
            f"stopped after spending ${budget.spent:,.2f} of --limit-cost; all answers are kept, and the same command "
            "with a higher limit goes on from there"
        )
    if failed or log.status != "success":
        first = failed[0] if failed else str(log.error.message if log.error else log.status)
        raise IndievalueError(
            f"{name}: {len(failed) or 'some'} calls have no answer, the first because of: {_plain(first)}. All "
            "other answers are kept; the same command asks only for those that lack"
        )
    table, effort = predictions_of(name, benchmark, read_eval_log_samples(log.location, all_samples_required=True))
    effort.cost = budget.spent if asking.price else None
    for line in effort_lines(effort):
        say(line)
    return table, effort


def effort_lines(effort: Effort) -> Iterator[str]:
    """What asking took, in sentences."""
    fresh = effort.calls - effort.kept
    cost = "" if effort.cost is None else f", ${effort.cost:,.2f}"
    yield (
        f"{fresh:,} calls ({effort.kept:,} answers were kept from before), {effort.input_tokens:,} tokens read and "
        f"{effort.output_tokens:,} written{cost}; {effort.retries:,} requests repeated, {effort.asked_again:,} times "
        f"asked again after an invalid answer, {effort.invalid:,} probes invalid in the end"
    )
    if effort.consistent is not None:
        yield f"{100 * effort.consistent:.1f}% of probes were answered alike in both orders of options"
    for example in effort.examples:
        yield f"invalid: {example}"


@contextmanager
def _answers_kept() -> Iterator[None]:
    before = os.environ.get("INSPECT_CACHE_DIR")
    os.environ["INSPECT_CACHE_DIR"] = str(cache_root() / "calls")
    try:
        yield
    finally:
        if before is None:
            del os.environ["INSPECT_CACHE_DIR"]
        else:
            os.environ["INSPECT_CACHE_DIR"] = before


def _failures(log: EvalLog) -> list[str]:
    return [
        sample.error.message
        for sample in read_eval_log_samples(
            log.location, all_samples_required=False, exclude_fields={"events", "store"}
        )
        if sample.error
    ]


def _plain(error: object) -> str:
    """An error on one line, without markup for the terminal."""
    text = " ".join(re.sub(r"\[/?[a-z ]+\]", "", str(error)).split()).removeprefix("ERROR: ")
    return (text or type(error).__name__)[:300]
