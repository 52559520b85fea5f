"""Ask a chat model within Inspect: prompts as samples, and a solver that reuses stored answers."""

import asyncio
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import NoReturn

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
from indievalue.predictors.chat.failures import NoAnswerError, check_output, failure_of, unreadable
from indievalue.predictors.chat.store import Store, StoredAnswer, answer_key
from indievalue.prompts.pool import Pool
from indievalue.prompts.prompt import AskedProbe, Prompt, prompts_of

MOST_FAILED = 20
"""Number of calls that may have no answer before the run stops."""

_SETTLING = 60.0
"""Seconds to wait for the answers to calls that are under way when nothing more may be asked."""


class HaltedError(RuntimeError):
    """Nothing more may be asked: the budget is spent, the server refuses, or answers cannot be stored."""


@dataclass
class Ledger:
    """What has been spent on new answers, and whether more may be asked.

    Attributes:
        options: price, limit, and what was spent by all predictors that share them.
        broken: reason why answers cannot be stored; None if they can.
        refused: the failure after which nothing more is asked. failed: the calls that have no answer.
        skipped: how many prompts the server does not take, which are left out if ``skip_failed``.
        halted: whether something was not asked. received: how many new answers there are. lost: how many of
            them could not be stored.
    """

    options: AskingOptions
    broken: str | None = None
    refused: NoAnswerError | None = None
    failed: list[NoAnswerError] = field(default_factory=list)
    skipped: int = 0
    halted: bool = False
    received: int = 0
    lost: int = 0

    @property
    def spent(self) -> float:
        """Dollars spent so far."""
        return self.options.spending.dollars

    @property
    def over_budget(self) -> bool:
        """Whether the limit is reached."""
        return self.options.limit_cost is not None and self.spent >= self.options.limit_cost

    @property
    def stopped(self) -> str | None:
        """Why nothing more may be asked; None if more may."""
        if self.broken:
            return self.broken
        if self.refused:
            return self.refused.reason
        return f"the limit of ${self.options.limit_cost:,.2f} is reached" if self.over_budget else None

    def check(self) -> None:
        """Raise HaltedError if nothing more may be asked."""
        if reason := self.stopped:
            self.halted = True
            raise HaltedError(reason)

    def note(self, failure: NoAnswerError) -> None:
        """Note a call without an answer: the first that is final, or one too many, stops the run."""
        if failure.about_prompt and self.options.skip_failed:
            self.skipped += 1
            return
        self.failed.append(failure)
        if failure.final or len(self.failed) > MOST_FAILED:
            self.refused = self.refused or failure


@dataclass
class Asker:
    """Ask through the store: each distinct prompt once, however many samples need its answer.

    Attributes:
        store: where answers are stored. options: price and limit. ledger: whether more may be asked.
        prompts: how many there are to be asked. done: how many have been dealt with.
        tolerant: whether a call without an answer leaves the others to be asked, up to a number of them.
    """

    options: AskingOptions
    store: Store
    tolerant: bool = False
    prompts: int = 0
    done: int = field(default=0, init=False)
    _writable: bool = field(default=False, init=False)
    ledger: Ledger = field(init=False)
    _under_way: dict[str, "asyncio.Future[StoredAnswer]"] = field(default_factory=dict, init=False)

    def __post_init__(self) -> None:
        self.ledger = Ledger(self.options)

    async def answer(self, model: Model, prompt: str, attempt: int) -> tuple[ModelOutput, bool]:
        """Return the model's answer, and whether it was already stored.

        Raises HaltedError if it is not stored and the budget is spent, the server refuses, or it cannot be stored, and
        NoAnswerError if the server does not answer.
        """
        key = keys_of(model)(prompt, attempt)
        if found := self._get(key):
            return _output(str(model), found), True
        if waiting := self._under_way.get(key):
            return _output(str(model), await asyncio.shield(waiting)), True
        self.ledger.check()
        self._check_store()
        future: asyncio.Future[StoredAnswer] = asyncio.get_running_loop().create_future()
        self._under_way[key] = future
        try:
            output = await self._ask(model, prompt)
            stored = self._stored(output)
            self.options.spending.dollars += stored.dollars or 0.0
            self.ledger.received += 1
            self._put(key, str(model), attempt, stored)
            future.set_result(stored)
        except BaseException as error:
            future.set_exception(error if isinstance(error, Exception) else HaltedError("stopped"))
            future.exception()  # nobody may be waiting for it
            raise
        finally:
            del self._under_way[key]
        return output, False

    async def settled(self) -> None:
        """Wait for the calls under way, which may be paid for already; their answers are stored."""
        if self._under_way:
            await asyncio.wait(set(self._under_way.values()), timeout=_SETTLING)

    async def _ask(self, model: Model, prompt: str) -> ModelOutput:
        """Return the model's output; what cannot be read is asked for once more.

        Raises NoAnswerError if there is none. No exception keeps another: Inspect's would show the prompt.
        """
        failure = NoAnswerError("")
        for _ in range(2):
            try:
                output = await model.generate([ChatMessageUser(content=prompt)])
                check_output(output, prompt)
            except Exception as error:
                failure = failure_of(error, prompt)
                again = unreadable(error)
            else:
                return output
            if not again or self.ledger.stopped:
                break
        self.ledger.note(failure)
        raise failure

    def _stored(self, output: ModelOutput) -> StoredAnswer:
        usage, choice = output.usage, output.choices[0]
        read, written = (tokens_read(usage), usage.output_tokens) if usage else (0, 0)
        return StoredAnswer(
            completion=output.completion,
            stop_reason=choice.stop_reason,
            logprobs=choice.logprobs.model_dump(exclude_none=True) if choice.logprobs else None,
            input_tokens=read,
            output_tokens=written,
            dollars=self.options.dollars(read, written),
            seconds=output.time,
        )

    def _get(self, key: str) -> StoredAnswer | None:
        try:
            return self.store.get(key)
        except IndievalueError as error:
            self._break(error)

    def _check_store(self) -> None:
        """Check, before the first answer is paid for, that it can be stored."""
        if self._writable:
            return
        try:
            self.store.check_writable()
        except IndievalueError as error:
            self._break(error)
        self._writable = True

    def _put(self, key: str, model: str, attempt: int, answer: StoredAnswer) -> None:
        try:
            self.store.put(key, model, attempt, answer)
        except IndievalueError as error:
            self.ledger.lost += 1
            self._break(error)

    def _break(self, error: IndievalueError) -> NoReturn:
        self.ledger.broken = self.ledger.broken or str(error)
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


def prompts_in(tasks: Iterable[Task], options: AskingOptions, pool: Pool | None = None) -> Iterator[Prompt]:
    """Yield every prompt of ``tasks``; a probe that a person did not answer is not asked.

    ``pool`` holds what some templates show besides, such as other people.
    """
    pool = pool or Pool(options.style)
    for task in tasks:
        material = pool.material(task)
        for text in asked_texts(task):
            yield from prompts_of(text, options.style, task.seed, material)


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
                "reading": prompt.reading,
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

    What a content filter has cut off is not asked for again, unless ``retry_filtered``. Sets in ``metadata``:
    ``answered`` (question → choice and probabilities), ``outputs`` (all outputs), and ``stored`` (how many of these
    were in the store). A prompt that the server does not take has ``answered`` nothing. Raises HaltedError, once the
    calls under way have ended, if nothing more may be asked.
    """

    async def solve(state: TaskState, generate: Generate) -> TaskState:
        answered: dict[str, dict[str, object]] = {}
        outputs: list[str] = []
        state.metadata |= {"answered": answered, "outputs": outputs, "stored": 0}
        state.messages = [ChatMessageUser(content=state.input_text)]
        try:
            await _attempts(asker, state, answered, outputs)
        except NoAnswerError as failure:
            answered.clear()
            if not asker.tolerant and not (failure.about_prompt and asker.options.skip_failed):
                await asker.settled()
                raise
            if asker.ledger.stopped:
                await _halt(asker)
        except HaltedError:
            await _halt(asker)
        asker.done += 1
        asker.options.progress(asker.done, max(asker.done, asker.prompts))
        if answered and state.output.choices:
            state.messages.append(state.output.message)
        return state

    return solve


async def _attempts(asker: Asker, state: TaskState, answered: dict[str, dict[str, object]], outputs: list[str]) -> None:
    """Ask until every probe has an answer."""
    probes = probes_of(state.metadata)
    attempts = asker.options.retries + 1
    for attempt in range(asker.options.repeat * attempts, (asker.options.repeat + 1) * attempts):
        output, before = await asker.answer(get_model(), state.input_text, attempt)
        state.output = output
        outputs.append(output.completion)
        state.metadata["stored"] += before
        for question, answer in read_answer(output, probes, state.metadata["reading"]).items():
            if answered.get(question, {}).get("choice") is None:
                answered[question] = asdict(answer)
        if all(answer["choice"] is not None for answer in answered.values()):
            break
        if output.stop_reason == "content_filter" and not asker.options.retry_filtered:
            break


async def _halt(asker: Asker) -> NoReturn:
    await asker.settled()
    raise HaltedError(asker.ledger.stopped or "stopped") from None


def probes_of(metadata: Mapping[str, Sequence[Mapping[str, Sequence[int]]]]) -> tuple[AskedProbe, ...]:
    """Return the probes of a sample, from its metadata."""
    return tuple(
        AskedProbe(
            str(probe["question"]), str(probe["asks"]), tuple(map(str, probe["statements"])), tuple(probe["order"])
        )
        for probe in metadata["probes"]
    )
