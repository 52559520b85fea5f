"""The benchmark as an Inspect task: ``inspect eval indievalue/individual_values --model PROVIDER/NAME -T …``."""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from inspect_ai import Task, task
from inspect_ai.dataset import MemoryDataset, Sample
from inspect_ai.event import ModelEvent
from inspect_ai.log import transcript
from inspect_ai.model import CachePolicy, ChatMessageUser, Logprob, ModelOutput, TopLogprob, get_model
from inspect_ai.scorer import Score, Scorer, Target, scorer
from inspect_ai.solver import Generate, Solver, TaskState, solver

from indievalue.benchmark.build import build_benchmark
from indievalue.benchmark.model import Benchmark, Settings
from indievalue.benchmark.storage import task_texts
from indievalue.predictors.chat.metrics import accuracy, by_category, by_group, invalid, stderr
from indievalue.prompts.answer import chosen_option, chosen_options
from indievalue.prompts.prompt import Asked, Prompt, Style, prompts_of
from indievalue.synthetic.source import people_from

RETRIES = 3
"""Times that a prompt is sent again, unchanged, after an answer that names no option."""

GROUPED = ("continent", "sex", "age", "education", "religion")
"""Demographics by whose groups the log tells accuracy, of those that the survey has."""


@dataclass
class Budget:
    """Money spent on answers that were not kept from before, and the most that may be.

    Attributes:
        price: dollars per million tokens read and written. limit, spent: dollars; no limit where it is None.
    """

    price: tuple[float, float] | None = None
    limit: float | None = None
    spent: float = 0.0

    def check(self) -> None:
        """Raises OverBudgetError where the limit is reached."""
        if self.limit is not None and self.spent >= self.limit:
            raise OverBudgetError(f"the limit of ${self.limit:,.2f} is reached")

    def add(self, output: ModelOutput) -> None:
        if self.price and output.usage:
            usage = output.usage
            read = usage.input_tokens + (usage.input_tokens_cache_read or 0) + (usage.input_tokens_cache_write or 0)
            self.spent += (read * self.price[0] + usage.output_tokens * self.price[1]) / 1e6


class OverBudgetError(RuntimeError):
    """No more may be spent."""


@task
def individual_values(
    data: str = "synthetic:3000",
    people: int = 20,
    form: str = "polar",
    setup: str = "0",
    demonstrations: int = 200,
    demonstrations_as: str | None = None,
    context: str = "statements",
    protocol: str = "strict",
    template: str = "single",
    batched: bool = False,
    voice: str = "first",
    option_order: str = "fixed",
    retries: int = RETRIES,
    survey: str | None = None,
    seed: int = 0,
) -> Task:
    """Foresee people's answers; ``setup`` is such as ``0`` or ``0,1,2``, the rest as in ``indievalue evaluate``."""
    everyone = people_from(str(data), survey, seed)
    settings = Settings(
        form=form,  # type: ignore[arg-type]
        protocol=protocol,  # type: ignore[arg-type]
        setups=tuple(int(one) for one in str(setup).split(",")),
        demonstrations=demonstrations,
        demonstrations_as=demonstrations_as,  # type: ignore[arg-type]
        context=context,  # type: ignore[arg-type]
        seed=seed,
    )
    style = Style(template, batched, voice, option_order)  # type: ignore[arg-type]
    return task_of(build_benchmark(everyone, settings, people), style, retries)


def task_of(benchmark: Benchmark, style: Style, retries: int = RETRIES, budget: Budget | None = None) -> Task:
    """The Inspect task of a benchmark: one sample per call, in the order of people."""
    grouped = [name for name in GROUPED if name in benchmark.people.demographics.columns]
    return Task(
        name="individual_values",
        dataset=MemoryDataset(list(samples(benchmark, style)), name=benchmark.survey.name),
        solver=ask(retries, budget or Budget()),
        scorer=foreseen(),
        metrics=[accuracy(), stderr(), invalid(), by_category(), *map(by_group, grouped)],
        metadata={"form": benchmark.settings.form, "protocol": benchmark.settings.protocol},
    )


def samples(benchmark: Benchmark, style: Style) -> Iterable[Sample]:
    """What is asked in each call; ``metadata`` holds the person, their groups, and the probes with the true options."""
    survey, rows = benchmark.survey, benchmark.people.rows
    demographics = benchmark.people.demographics
    for text in task_texts(benchmark):
        truth = {probe["question"]: probe["answer"] for probe in text["probes"]}
        groups = demographics.row(rows[text["person"]], named=True) if demographics.width else {}
        for prompt in prompts_of(text, style, benchmark.settings.seed):
            probes = [
                {
                    "question": probe.question,
                    "asks": probe.asks,
                    "statements": list(probe.statements),
                    "order": list(probe.order),
                    "category": survey.question(probe.question).category,
                    "answer": truth[probe.question],
                }
                for probe in prompt.probes
            ]
            yield Sample(
                id=prompt.key,
                input=prompt.text,
                target=_targets(prompt, truth),
                metadata={
                    "person": prompt.person,
                    "setup": prompt.setup,
                    "together": style.together,
                    "groups": groups,
                    "probes": probes,
                },
            )


@solver
def ask(retries: int, budget: Budget) -> Solver:
    """Ask, and ask the same again where an answer names no option, at most ``retries`` times.

    Every answer is kept in Inspect's cache under its prompt, model, options and attempt, so that a run that was stopped
    asks nothing twice.
    """

    async def solve(state: TaskState, generate: Generate) -> TaskState:
        asked = asked_of(state.metadata)
        answered: dict[str, dict[str, Any]] = {}
        said: list[str] = []
        for attempt in range(retries + 1):
            budget.check()
            state.messages = [ChatMessageUser(content=state.input_text)]
            output = await get_model().generate(
                state.messages, cache=CachePolicy(expiry=None, scopes={"attempt": str(attempt)})
            )
            if not _was_kept():
                budget.add(output)
            state.output = output
            said.append(output.completion)
            for question, answer in read_answer(output, asked, together=state.metadata["together"]).items():
                if answered.get(question, {}).get("choice") is None:
                    answered[question] = answer
            if all(answer["choice"] is not None for answer in answered.values()):
                break
        state.messages = [*state.messages, state.output.message] if state.output.choices else state.messages
        state.metadata["answered"], state.metadata["said"] = answered, said
        return state

    return solve


@scorer(metrics=[accuracy(), stderr(), invalid(), by_category()])
def foreseen() -> Scorer:
    """Whether each probe was answered as the person did."""

    async def score(state: TaskState, target: Target) -> Score:
        about, answered = state.metadata, state.metadata["answered"]
        probes = []
        for probe in about["probes"]:
            choice = answered[probe["question"]]["choice"]
            probes.append(
                {
                    "question": probe["question"],
                    "category": probe["category"],
                    "right": choice == probe["answer"],
                    "valid": choice is not None,
                }
            )
        return Score(
            value=sum(probe["right"] for probe in probes) / len(probes),
            answer=state.output.completion,
            metadata={"person": about["person"], "groups": about["groups"], "probes": probes},
        )

    return score


def asked_of(metadata: Mapping[str, Any]) -> tuple[Asked, ...]:
    """The probes of a sample, from its metadata."""
    return tuple(
        Asked(probe["question"], probe["asks"], tuple(probe["statements"]), tuple(probe["order"]))
        for probe in metadata["probes"]
    )


def read_answer(output: ModelOutput, asked: Sequence[Asked], *, together: bool) -> dict[str, dict[str, Any]]:
    """Question → ``choice`` (the survey's option, None where invalid) and ``probabilities`` (None where not given)."""
    if together:
        return {
            question: {"choice": choice, "probabilities": None}
            for question, choice in chosen_options(output.completion, asked).items()
        }
    (probe,) = asked
    choice = chosen_option(output.completion, probe)
    return {probe.question: {"choice": choice, "probabilities": label_probabilities(output, probe)}}


def label_probabilities(output: ModelOutput, probe: Asked) -> list[float] | None:
    """Probability of each option, in the survey's order, from those of the first token that is a label.

    What the model gave to anything but a label is shared out in proportion. None where the provider tells no log
    probabilities, or none of a label.
    """
    logprobs = output.choices[0].logprobs if output.choices else None
    for token in logprobs.content if logprobs else ():
        if _label(token.token, probe) is None:
            continue
        weights = [0.0] * len(probe.order)
        likely: Sequence[Logprob | TopLogprob] = token.top_logprobs or [token]
        for said, logprob in [(one.token, one.logprob) for one in likely]:
            option = _label(said, probe)
            if option is not None:
                weights[option] += math.exp(logprob)
        total = sum(weights)
        return [weight / total for weight in weights] if total > 0 else None
    return None


def _label(token: str, probe: Asked) -> int | None:
    bare = token.strip(" \t\n*_`\"'().").upper()
    return probe.order[probe.labels.index(bare)] if len(bare) == 1 and bare in probe.labels else None


def _targets(prompt: Prompt, truth: Mapping[str, int]) -> list[str]:
    """The right label of each probe, for those who read the log."""
    labels = [probe.labels[probe.order.index(truth[probe.question])] for probe in prompt.probes]
    if len(labels) == 1:
        return labels
    return [f"{probe.question}: {label}" for probe, label in zip(prompt.probes, labels, strict=True)]


def _was_kept() -> bool:
    """Whether the last answer is one that was kept from before."""
    event = transcript().history.find_last(lambda event: event.event == "model")
    return isinstance(event, ModelEvent) and event.cache == "read"
