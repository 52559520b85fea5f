"""Chat models of any provider that Inspect AI supports, as predictors; no answer is paid for twice."""

import os
import time
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Self
from urllib.parse import urlsplit

import inspect_ai
from inspect_ai.dataset import MemoryDataset
from inspect_ai.log import EvalLog, read_eval_log_samples
from inspect_ai.model import GenerateConfig, Model, get_model
from inspect_ai.model._model import RetryDecision  # what ModelAPI.should_retry returns

from indievalue.benchmark.model import Benchmark, Task
from indievalue.choices import FormName
from indievalue.errors import IndievalueError
from indievalue.people.people import People
from indievalue.predictors.asking import AskingOptions
from indievalue.predictors.chat.failures import kind_of, out_of_quota, plain, refused
from indievalue.predictors.chat.log import Given, answers_in, guesses_of, write_scored_log
from indievalue.predictors.chat.quiet import QUIETLY, Scratch, quiet
from indievalue.predictors.chat.solver import Asker, Ledger, ask, keys_of, prompts_in, samples_of
from indievalue.predictors.chat.store import Store
from indievalue.predictors.protocol import EVERY_BLOCK, INVALID, UNANSWERED, BasePredictor, Cost, Effort, Guesses
from indievalue.progress import BETWEEN_LINES, say
from indievalue.prompts.pool import Pool
from indievalue.prompts.tokens import counter

GENERATE = {"temperature": 0.0, "max_retries": 8, "max_connections": 10}
"""Default generate options."""


class ChatModel(BasePredictor):
    """A chat model behind an API, prompted with few-shot demonstrations and not trained.

    Its ``fit`` matters only where the template shows other people, who are some of those it is given.

    Every answer is stored (see :mod:`indievalue.predictors.chat.store`), so that the same prompt is only sent once.

    Args:
        name: an Inspect model, such as ``openai/gpt-4o``. options: how it is asked.
        store: where answers are stored; by default the user's own store.
    """

    learns = False
    reads = EVERY_BLOCK

    def __init__(self, name: str, options: AskingOptions | None = None, store: Store | None = None) -> None:
        self.name = name
        self.options = options or AskingOptions()
        self.store = Store() if store is None else store  # an empty store is false
        self._effort: Effort | None = None
        self._logs: Scratch | None = None
        self.learns = self.options.style.shipped.solved
        self._pool = Pool(self.options.style)

    def fit(self, people: People, form: FormName = "polar", shown_form: FormName | None = None) -> Self:
        """Take the people whose solved probes may be shown, where the template shows any."""
        self._pool = Pool(self.options.style, people)
        return self

    def __repr__(self) -> str:
        return f"ChatModel({self.name!r})"

    def identity(self) -> str | None:
        """Return the model and how it is asked."""
        return f"{self.name} {self.options.decisive()!r}"

    def predict(self, task: Task) -> Guesses:
        """Return the guesses of one task (see :meth:`predict_all`)."""
        return next(iter(self.predict_all([task])))

    def predict_all(self, tasks: Sequence[Task]) -> Iterable[Guesses]:
        """Ask all prompts of all tasks at once.

        Raises IndievalueError if the model is unknown, calls fail permanently, answers cannot be stored or the budget
        is spent, and KeyboardInterrupt after Ctrl-C. Answers received before are in the store.
        """
        before = self.options.spending.dollars
        given, self._effort = self._ask(tasks)
        self._effort.cost = self.options.spending.dollars - before if self.options.price else None
        guesses = [guesses_of(task, given) for task in tasks]
        for one, task in zip(guesses, tasks, strict=True):
            self._effort.invalid += int(((one.choice == INVALID) & task.asked).sum())
            self._effort.unanswered += int(((one.choice == UNANSWERED) & task.asked).sum())
        probes = sum(int(task.asked.sum()) for task in tasks)
        if probes and self._effort.unanswered == probes:
            raise IndievalueError(
                f"{self.name}: none of the {probes:,} probes is answered: the server takes none of the prompts; "
                "without --skip-failed the first reason is given"
            )
        return guesses

    def cost(self, tasks: Iterable[Task]) -> Cost:
        """Count the distinct prompts, and the tokens of those that are not in the store; retries are counted apart."""
        count, _ = counter(None)
        key_of = keys_of(self._model())
        seen: set[str] = set()
        stored = tokens = answers = 0
        first = self.options.repeat * (self.options.retries + 1)
        for prompt in prompts_in(tasks, self.options, self._pool):
            key = key_of(prompt.text, first)
            if key in seen:
                continue
            seen.add(key)
            if key in self.store:
                stored += 1
                continue
            tokens += count(prompt.text)
            answers += self.options.style.shipped.tokens * len(prompt.probes)
        dollars = self.options.dollars(tokens, answers)
        return Cost(len(seen), stored, tokens, answers, dollars, self.options.retries)

    def effort(self) -> Effort | None:
        """Return the effort of the last predictions."""
        return self._effort

    def write_log(self, benchmark: Benchmark, folder: Path) -> None:
        """Write Inspect's log of the last predictions, with scores, to ``folder/inspect``."""
        for raw in sorted(self._logs.path.glob("*.eval")) if self._logs else ():
            write_scored_log(raw, benchmark, folder / "inspect")

    def __getstate__(self) -> dict[str, object]:
        """Pickle only the arguments."""
        return {**self.__dict__, "_effort": None, "_logs": None}

    def _model(self) -> Model:
        try:
            config = GenerateConfig(**{**GENERATE, **self.options.generate})
            # Without a model of its own, what is set on this one (see _watch_retries) would be another's as well.
            arguments = {
                "base_url": self.options.base_url,
                "memoize": False,
                **self._dialect(),
                **self.options.model_args,
            }
            return get_model(self.name, config=config, **arguments)
        except Exception as error:  # providers raise exceptions of their own
            raise IndievalueError(f"{self.name} cannot be asked: {plain(error)}") from None

    def _dialect(self) -> dict[str, bool]:
        """Return what to tell Inspect about a server that is not OpenAI's own and is asked as ``openai/NAME``.

        Few such servers know the Responses API, which Inspect prefers for all but some older names.
        """
        url = self.options.base_url or os.environ.get("OPENAI_BASE_URL", "")
        elsewhere = self.name.startswith("openai/") and url and urlsplit(url).hostname != "api.openai.com"
        return {"responses_api": False} if elsewhere else {}

    def _ask(self, tasks: Sequence[Task]) -> tuple[Given, Effort]:
        model, asker = self._model(), Asker(self.options, self.store, tolerant=True)
        asked = prompts_in(tasks, self.options, self._pool)
        samples = list(samples_of(asked, together=self.options.style.together))
        if not samples:
            return {}, Effort()
        asker.prompts = len(samples)
        _watch_retries(model, asker.ledger)
        self._logs = Scratch()
        with quiet(self._logs.path):
            logs = inspect_ai.eval(
                inspect_ai.Task(
                    name="individual_values",
                    dataset=MemoryDataset(samples, name=tasks[0].survey.name),
                    solver=ask(asker),
                    metadata={"form": tasks[0].form},
                ),
                model=model,
                log_dir=str(self._logs.path),
                log_format="eval",
                display=self.options.display,  # type: ignore[arg-type]
                fail_on_error=True,
                log_header_only=True,
                **QUIETLY,
            )
        if not logs:  # Inspect was interrupted before it had a log
            raise KeyboardInterrupt
        (log,) = logs
        self._check(log, asker.ledger)
        return answers_in(read_eval_log_samples(log.location, all_samples_required=True))

    def _check(self, log: EvalLog, ledger: Ledger) -> None:
        """Raise the reason if the evaluation ended before it was complete."""
        if log.status == "cancelled":
            raise KeyboardInterrupt
        resume = f"{ledger.received:,} new answers are stored; the same command asks only for those that are missing"
        if ledger.broken:
            lost = f"; {ledger.lost:,} answers that had arrived could not be stored" if ledger.lost else ""
            raise IndievalueError(f"{ledger.broken}{lost}. Nothing more was asked")
        if ledger.over_budget and ledger.halted:
            raise IndievalueError(
                f"stopped after spending ${ledger.spent:,.2f} of --limit-cost; all answers are stored, and the "
                "same command with a higher limit resumes from there"
            )
        if ledger.refused and ledger.refused.final:
            raise IndievalueError(f"{self.name}: {ledger.refused.sentence()}. Stopped; {resume}")
        if ledger.failed:
            raise IndievalueError(
                f"{self.name}: {len(ledger.failed):,} calls have no answer, the first because of: "
                f"{ledger.failed[0].sentence()}. {resume}"
            )
        if log.status != "success":
            raise IndievalueError(f"{self.name}: {plain(log.error.message if log.error else log.status)}. {resume}")


def _watch_retries(model: Model, ledger: Ledger) -> None:
    """Do not let Inspect send a request again that will not be answered, or after the run has stopped.

    What is sent again is told now and then, for a server that fails each time looks like a slow one.
    """
    usual, failures, said = model.api.should_retry, 0, time.monotonic()

    def tell(error: Exception) -> None:
        nonlocal failures, said
        failures += 1
        if time.monotonic() - said >= BETWEEN_LINES:
            said = time.monotonic()
            say(str(model), f"requests that failed and are sent again: {failures:,}; the last: {kind_of(error)}")

    def should_retry(error: Exception) -> bool | RetryDecision:
        unreachable = refused(error) and not ledger.received
        if ledger.stopped or unreachable or out_of_quota(error):
            return False
        again = usual(error)
        if again:
            tell(error)
        return again

    model.api.should_retry = should_retry  # type: ignore[assignment, method-assign]
