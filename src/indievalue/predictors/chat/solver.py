"""Ask a chat model within Inspect: prompts as samples, and a solver that reuses stored answers."""

import asyncio
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field

from inspect_ai.dataset import Sample
from inspect_ai.model import (
    ChatCompletionChoice,
    ChatMessageAssistant,
    ChatMessageUser,
    GenerateConfig,
    Logprobs,
    Model,
    ModelOutput,
    get_model,
)
from inspect_ai.model._generate_config import active_generate_config  # there is no public API for it
from inspect_ai.solver import Generate, Solver, TaskState, solver

from indievalue.benchmark.model import Task
from indievalue.benchmark.storage import asked_texts
from indievalue.errors import IndievalueError
from indievalue.predictors.asking import TRANSPORT, AskingOptions
from indievalue.predictors.chat.answers import read_answer, tokens_read
from indievalue.predictors.chat.inspect_cache import InspectCache
from indievalue.predictors.chat.store import Store, StoredAnswer, answer_key
from indievalue.prompts.prompt import AskedProbe, Prompt, prompts_of


class HaltedError(RuntimeError):
    """Nothing more may be asked: the budget is spent, or answers cannot be stored."""


@dataclass
class Ledger:
    """What has been spent on new answers, and whether more may be asked.

    Attributes:
        options: price, limit, and what was spent by all predictors that share them.
        broken: reason why answers cannot be stored; None if they can.
    """

    options: AskingOptions
    broken: str | None = None

    @property
    def spent(self) -> float:
        """Dollars spent so far."""
        return self.options.spending.dollars

    @property
    def over_budget(self) -> bool:
        """Whether the limit is reached."""
        return self.options.limit_cost is not None and self.spent >= self.options.limit_cost

    def check(self) -> None:
        """Raise HaltedError if nothing more may be asked."""
        if self.broken:
            raise HaltedError(self.broken)
        if self.over_budget:
            raise HaltedError(f"the limit of ${self.options.limit_cost:,.2f} is reached")


@dataclass
class Asker:
    """Ask through the store: each distinct prompt once, however many samples need its answer.

    Attributes:
        store: where answers are stored. options: price and limit. ledger: whether more may be asked.
    """

    options: AskingOptions
    store: Store
    ledger: Ledger = field(init=False)
    _earlier: InspectCache = field(default_factory=InspectCache, init=False)
    _under_way: dict[str, "asyncio.Future[StoredAnswer]"] = field(default_factory=dict, init=False)

    def __post_init__(self) -> None:
        self.ledger = Ledger(self.options)

    async def answer(self, model: Model, prompt: str, attempt: int) -> tuple[ModelOutput, bool]:
        """Return the model's answer, and whether it was already stored.

        Raises HaltedError if it is not stored and the budget is spent, or it cannot be stored.
        """
        key = keys_of(model)(prompt, attempt)
        if found := self.store.get(key):
            return _output(str(model), found), True
        if waiting := self._under_way.get(key):
            return _output(str(model), await asyncio.shield(waiting)), True
        future: asyncio.Future[StoredAnswer] = asyncio.get_running_loop().create_future()
        self._under_way[key] = future
        try:
            output, stored, earlier = await self._ask(model, prompt, attempt)
            if stored.stop_reason != "content_filter":  # a provider may let it through the next time
                self._put(key, str(model), attempt, stored)
            future.set_result(stored)
        except BaseException as error:
            future.set_exception(error if isinstance(error, Exception) else HaltedError("stopped"))
            future.exception()  # nobody may be waiting for it
            raise
        finally:
            del self._under_way[key]
        return output, earlier

    async def _ask(self, model: Model, prompt: str, attempt: int) -> tuple[ModelOutput, StoredAnswer, bool]:
        """Return the answer in Inspect's and the store's form, and whether an earlier version had received it."""
        if earlier := self._earlier.get(model, prompt, attempt):
            return earlier, self._stored(earlier, priced=False), True
        self.ledger.check()
        output = await model.generate([ChatMessageUser(content=prompt)])
        stored = self._stored(output, priced=True)
        self.options.spending.dollars += stored.dollars or 0.0
        return output, stored, False

    def _stored(self, output: ModelOutput, *, priced: bool) -> StoredAnswer:
        usage, choice = output.usage, output.choices[0] if output.choices else None
        read, written = (tokens_read(usage), usage.output_tokens) if usage else (0, 0)
        return StoredAnswer(
            completion=output.completion,
            stop_reason=choice.stop_reason if choice else None,
            logprobs=choice.logprobs.model_dump(exclude_none=True) if choice and choice.logprobs else None,
            input_tokens=read,
            output_tokens=written,
            dollars=self.options.dollars(read, written) if priced else None,
            seconds=output.time,
        )

    def _put(self, key: str, model: str, attempt: int, answer: StoredAnswer) -> None:
        try:
            self.store.put(key, model, attempt, answer)
        except IndievalueError as error:
            self.ledger.broken = str(error)
            raise HaltedError(str(error)) from None


def keys_of(model: Model) -> Callable[[str, int], str]:
    """Return the function that gives the key of an answer, by prompt and attempt.

    The answers are those of ``model`` with its generate options, as they are now, inside or outside of an evaluation.
    """
    config = model.config.merge(active_generate_config())
    options = {**_options(config), **{f"model_args.{name}": value for name, value in model.model_args.items()}}
    name, base_url = str(model), model.api.base_url
    return lambda prompt, attempt: answer_key(name, base_url, prompt, options, attempt)


def _options(config: GenerateConfig) -> Mapping[str, object]:
    return config.model_dump(mode="json", exclude=TRANSPORT, exclude_none=True)


def _output(model: str, answer: StoredAnswer) -> ModelOutput:
    """Convert a stored answer to Inspect's form, with no tokens used."""
    choice = ChatCompletionChoice(
        message=ChatMessageAssistant(content=answer.completion, model=model, source="generate")
    )
    if answer.stop_reason:
        choice = choice.model_copy(update={"stop_reason": answer.stop_reason})
    if answer.logprobs:
        choice = choice.model_copy(update={"logprobs": Logprobs.model_validate(answer.logprobs)})
    return ModelOutput(model=model, choices=[choice])


def prompts_in(tasks: Iterable[Task], options: AskingOptions) -> Iterator[Prompt]:
    """Yield every prompt of ``tasks``; a probe that a person did not answer is not asked."""
    for task in tasks:
        for text in asked_texts(task):
            yield from prompts_of(text, options.style, task.seed)


def samples_of(prompts: Iterable[Prompt], *, together: bool) -> Iterator[Sample]:
    """Yield a sample per prompt; ``metadata`` holds the person and the probes, without the true options."""
    seen: dict[str, int] = {}
    for prompt in prompts:
        again = seen[prompt.key] = seen.get(prompt.key, 0) + 1
        yield Sample(
            id=prompt.key if again == 1 else f"{prompt.key}/{again}",
            input=prompt.text,
            metadata={
                "person": prompt.person,
                "setup": prompt.setup,
                "together": together,
                "probes": [
                    {
                        "question": probe.question,
                        "asks": probe.asks,
                        "statements": list(probe.statements),
                        "order": list(probe.order),
                    }
                    for probe in prompt.probes
                ],
            },
        )


@solver
def ask(asker: Asker) -> Solver:
    """Ask, and ask again if an answer names no option, at most ``retries`` times.

    Sets in ``metadata``: ``answered`` (question → choice and probabilities), ``outputs`` (all outputs), and ``stored``
    (how many of these were in the store).
    """

    async def solve(state: TaskState, generate: Generate) -> TaskState:
        probes = probes_of(state.metadata)
        answered: dict[str, dict[str, object]] = {}
        outputs: list[str] = []
        stored = 0
        for attempt in range(asker.options.retries + 1):
            output, before = await asker.answer(get_model(), state.input_text, attempt)
            state.output = output
            outputs.append(output.completion)
            stored += before
            for question, answer in read_answer(output, probes, together=state.metadata["together"]).items():
                if answered.get(question, {}).get("choice") is None:
                    answered[question] = asdict(answer)
            if all(answer["choice"] is not None for answer in answered.values()):
                break
        state.messages = [ChatMessageUser(content=state.input_text)]
        if state.output.choices:
            state.messages.append(state.output.message)
        state.metadata |= {"answered": answered, "outputs": outputs, "stored": stored}
        return state

    return solve


def probes_of(metadata: Mapping[str, Sequence[Mapping[str, Sequence[int]]]]) -> tuple[AskedProbe, ...]:
    """Return the probes of a sample, from its metadata."""
    return tuple(
        AskedProbe(
            str(probe["question"]), str(probe["asks"]), tuple(map(str, probe["statements"])), tuple(probe["order"])
        )
        for probe in metadata["probes"]
    )
