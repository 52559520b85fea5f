"""Predictor that replays answers given by another program."""

from collections.abc import Iterable
from hashlib import blake2b
from pathlib import Path
from typing import Any, Self

import numpy as np
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from indievalue.benchmark.model import Benchmark, Task
from indievalue.choices import FormName, Missing
from indievalue.errors import IndievalueError, problems_of
from indievalue.parsing import parse_json
from indievalue.people.people import People
from indievalue.predictors.protocol import EVERY_BLOCK, INVALID, UNANSWERED, BasePredictor, Guesses
from indievalue.prompts.prompt import AskedProbe
from indievalue.prompts.replies import read_reply
from indievalue.prompts.templates import Reading

TOLERANCE = 0.02
"""How far probabilities that were rounded may be from a sum of 1."""

_CUT = ("length", "max_tokens", "model_length", "MAX_TOKENS", "max_output_tokens")
"""Reasons, in the words of several programs, for which an output ends before the model has finished."""


class _Answer(BaseModel):
    """One line: the answer to a probe, or, with ``id`` and ``text``, what a model wrote to an exported prompt."""

    model_config = ConfigDict(extra="forbid", strict=True)

    person: str | None = None
    setup: int | None = None
    question: str | None = None
    choice: int | None = None
    probabilities: list[float] | None = Field(default=None, min_length=2)
    id: str | None = None
    text: str | None = None
    finish_reason: str | None = None


class _PromptProbe(BaseModel):
    """A probe of an exported prompt."""

    model_config = ConfigDict(strict=True)

    question: str
    asks: str
    statements: list[str] = Field(min_length=1)
    options: list[int]


class _Prompt(BaseModel):
    """One line of an exported ``prompts.jsonl``."""

    model_config = ConfigDict(strict=True)

    id: str
    person: str
    setup: int
    probes: list[_PromptProbe]
    reading: Reading | None = None


_Known = dict[str, tuple[str, int, tuple[AskedProbe, ...], Reading]]
"""By the id of an exported prompt: its person and setup, what it asks, and how the reply is read."""


class Answered(BasePredictor):
    """Predictor that returns the predictions in a file (see docs: Evaluate your model).

    Each line is a JSON object: ``person``, ``setup``, ``question`` and ``choice`` (the survey's option, -1 for none) or
    ``probabilities`` (one per option, in the survey's order), or both; or the ``id`` of an exported prompt and the
    ``text`` that a model wrote to it, which needs the file of ``prompts``; with the ``finish_reason``, if it is known:
    ``length`` says that the text was cut off.

    Raises IndievalueError, with the line, where a line is no such object, names a probe that is not in the benchmark, a
    probe is answered twice, probabilities do not fit, or, with ``missing="refuse"``, a probe has no answer. With
    ``invalid`` it then counts as wrong; with ``omit`` it is no prediction, and is left out.
    """

    learns = False
    reads = EVERY_BLOCK

    def __init__(
        self, file: str | Path, benchmark: Benchmark, prompts: str | Path | None = None, missing: Missing = "refuse"
    ) -> None:
        self._counts = {
            (setup.number, benchmark.survey.questions[probe].id): int(count)
            for setup, task in benchmark.tasks()
            for probe, count in zip(setup.probes, task.counts, strict=True)
        }
        self._absent = UNANSWERED if missing == "omit" else INVALID
        self._people = set(benchmark.people.ids.tolist())
        self._given: dict[tuple[int, str, str], tuple[int, list[float] | None]] = {}
        known = _prompts(Path(prompts)) if prompts else {}
        for where, line in _lines(Path(file)):
            for person, setup, question, choice, probabilities in _read(where, line, known):
                self._add(where, person, setup, question, choice, probabilities)
        self._check(benchmark, Path(file), missing)

    def fit(self, people: People, form: FormName = "polar", shown_form: FormName | None = None) -> Self:
        """Do nothing: there is nothing to learn."""
        return self

    def identity(self) -> str | None:
        """Return a hash of all answers."""
        answers = blake2b(repr(sorted(self._given.items())).encode(), digest_size=16).hexdigest()
        return f"answers {answers}" + (" and no others" if self._absent == UNANSWERED else "")

    def predict(self, task: Task) -> Guesses:
        questions = [task.survey.questions[probe].id for probe in task.probes]
        choice = np.full((len(task.people), len(questions)), INVALID, np.int8)
        probabilities = np.zeros((*choice.shape, int(task.counts.max(initial=1))), np.float32)
        for row, person in enumerate(task.people.tolist()):
            for place, question in enumerate(questions):
                option, likely = self._given.get((task.setup, person, question), (self._absent, None))
                choice[row, place] = option
                if likely is None:
                    probabilities[row, place] = np.nan  # none for this row
                else:
                    probabilities[row, place, : len(likely)] = likely
        return Guesses(choice, None if np.isnan(probabilities).any(axis=2).all() else probabilities)

    def _add(
        self, where: str, person: str, setup: int, question: str, choice: int | None, likely: list[float] | None
    ) -> None:
        if person not in self._people or (setup, question) not in self._counts:
            raise IndievalueError(f"{where}: the benchmark does not ask {person!r} {question!r} in setup {setup}")
        if (setup, person, question) in self._given:
            raise IndievalueError(f"{where}: {person!r} is answered for {question!r} of setup {setup} a second time")
        count = self._counts[setup, question]
        if choice is not None and not INVALID <= choice < count:
            raise IndievalueError(f"{where}: {question} has options 0 to {count - 1} (-1 is none), not {choice}")
        if likely is not None:
            total = sum(likely)
            if len(likely) != count or min(likely) < 0 or not abs(total - 1) <= TOLERANCE:  # also of NaN
                raise IndievalueError(f"{where}: {question} needs {count} probabilities from 0 on that sum to 1")
            likely = [value / total for value in likely]
        option = int(np.argmax(likely)) if choice is None and likely is not None else choice
        self._given[setup, person, question] = (INVALID if option is None else option, likely)

    def _check(self, benchmark: Benchmark, file: Path, missing: Missing) -> None:
        absent = [
            (setup.number, person, benchmark.survey.questions[probe].id)
            for setup in benchmark.setups
            for row, person in enumerate(benchmark.people.ids.tolist())
            for probe, answer in zip(setup.probes.tolist(), benchmark.answers(setup)[row].tolist(), strict=True)
            if answer >= 0 and (setup.number, person, benchmark.survey.questions[probe].id) not in self._given
        ]
        if absent and missing == "refuse":
            setup, person, question = absent[0]
            raise IndievalueError(
                f"{file} has no answer to {len(absent):,} probes, first {question} of {person!r} in setup {setup}; "
                "--missing invalid counts them as wrong, --missing omit leaves them out"
            )


def _lines(file: Path) -> Iterable[tuple[str, Any]]:
    try:
        text = file.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise IndievalueError(f"cannot read answers from {file}: {error}") from None
    for number, line in enumerate(text.split("\n"), 1):  # a JSON string may hold U+2028 and its like
        if line.strip():
            where = f"{file}, line {number}"
            try:
                yield where, parse_json(line)
            except ValueError as error:
                raise IndievalueError(f"{where} is no JSON: {error}") from None


def _read(where: str, line: object, prompts: _Known) -> list[tuple[str, int, str, int | None, list[float] | None]]:
    """(person, setup, question, choice, probabilities) of every probe that a line answers."""
    try:
        answer = _Answer.model_validate(line)
    except ValidationError as error:
        raise IndievalueError(f"{where}: {problems_of(error)[0]}") from None
    if answer.id is not None and answer.text is not None:
        if answer.id not in prompts:
            raise IndievalueError(f"{where}: no prompt has the id {answer.id!r}; --prompts names the exported file")
        person, setup, asked, reading = prompts[answer.id]
        replies = read_reply(answer.text, asked, reading, cut=answer.finish_reason in _CUT)
        return [
            (person, setup, question, _or_invalid(reply.choice), _listed(reply.probabilities))
            for question, reply in replies.items()
        ]
    if answer.person is None or answer.setup is None or answer.question is None:
        raise IndievalueError(f"{where}: an answer has person, setup and question, or id and text")
    if answer.choice is None and answer.probabilities is None:
        raise IndievalueError(f"{where}: an answer has a choice, probabilities, or both")
    return [(answer.person, answer.setup, answer.question, answer.choice, answer.probabilities)]


def _listed(probabilities: tuple[float, ...] | None) -> list[float] | None:
    return None if probabilities is None else list(probabilities)


def _prompts(file: Path) -> _Known:
    known: _Known = {}
    for where, line in _lines(file):
        try:
            prompt = _Prompt.model_validate(line)
            asked = tuple(_asked(probe) for probe in prompt.probes)
            if not asked or prompt.id in known:
                raise ValueError
            reading = prompt.reading or ("label" if len(asked) == 1 else "json")
            known[prompt.id] = prompt.person, prompt.setup, asked, reading
        except (KeyError, ValueError):
            raise IndievalueError(f"{where} is no prompt that `indievalue export --to jsonl` wrote") from None
    return known


def _asked(probe: _PromptProbe) -> AskedProbe:
    order = tuple(probe.options)
    shown = dict(zip(order, probe.statements, strict=True))
    return AskedProbe(probe.question, probe.asks, tuple(shown[option] for option in range(len(order))), order)


def _or_invalid(option: int | None) -> int:
    return INVALID if option is None else option
