"""Predict by scoring the options of every prompt: what engines that read a local model's prompts have in common."""

import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from copy import copy
from dataclasses import asdict, dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any, ClassVar, Protocol, Self

import numpy as np
from numpy.typing import NDArray

from indievalue.benchmark.model import Task
from indievalue.benchmark.storage import texts_of
from indievalue.choices import FormName
from indievalue.errors import IndievalueError
from indievalue.people.people import People
from indievalue.predictors.grouping import together
from indievalue.predictors.local.asked_with import AskedWith, read_asked_with
from indievalue.predictors.local.cache import Kept, Scores, key_of
from indievalue.predictors.local.once import Once, what_is_read
from indievalue.predictors.local.prior_offset import PriorOffset, offset_of, read_prior_offset
from indievalue.predictors.local.progress import ReadingProgress
from indievalue.predictors.local.source import find_source
from indievalue.predictors.local.temperature import Temperatures, at_temperature, read_temperatures
from indievalue.predictors.local.trained_on import check_not_trained_on, not_held_out, trained_on
from indievalue.predictors.local.tree import Item
from indievalue.predictors.local.wording import Wording
from indievalue.predictors.protocol import EVERY_BLOCK, BasePredictor, Guesses
from indievalue.progress import say
from indievalue.prompts.pool import Pool
from indievalue.prompts.prompt import Prompt, PromptStyle, prompts_of

_LITTLE = 0.5
"""Threshold of the labels' total probability for warning that the model may not answer by label."""


@dataclass(frozen=True)
class Mass:
    """Total probability of a probe's labels: mean and quantiles over ``prompts``."""

    prompts: int
    mean: float
    low: float
    median: float
    high: float

    @classmethod
    def of(cls, masses: Sequence[float]) -> "Mass":
        low, median, high = np.quantile(masses, [0.05, 0.5, 0.95]).tolist()
        return cls(len(masses), float(np.mean(masses)), low, median, high)

    def as_dict(self) -> dict[str, object]:
        """Return plain values, for JSON."""
        return {"mass": asdict(self)}

    def lines(self) -> Iterable[str]:
        """Return no lines: warnings were shown while predicting."""
        return ()


class ScoringOptions(Protocol):
    """Options that every engine has; see :class:`indievalue.predictors.local.options.LocalOptions`."""

    @property
    def adapter(self) -> str | None: ...

    @property
    def chat(self) -> str: ...

    @property
    def order(self) -> str | None: ...

    @property
    def keep(self) -> str: ...

    @property
    def think(self) -> int: ...


class ScoredModel(BasePredictor):
    """A language model on this machine that gives every prompt's options a log-probability, which subclasses compute.

    A prompt that several people share is scored once. Probes asked in two orders are averaged. Scores are cached on
    disk (see :mod:`indievalue.predictors.local.cache`).

    Args:
        where: directory, GGUF file, id on the model hub, or ``smollm2``. options: of the engine. style: how prompts
            are written. score: whether an option's probability is that of its ``label`` or its ``statement``.

    Attributes:
        kind: how names of such predictors begin, for messages. instead: what to try where labels are improbable.
        at_once: people's prompts are given to :meth:`_score` together until they are at least so many.
        mass_: :class:`Mass` of all prompts so far; None before, and where statements are scored.
    """

    learns = False
    reads = EVERY_BLOCK
    kind: ClassVar[str]
    instead: ClassVar[str] = "score=statement"
    at_once: ClassVar[int] = 1

    def __init__(
        self, where: str, options: ScoringOptions, style: PromptStyle | None = None, score: str = "label"
    ) -> None:
        self.where = where
        self.options: Any = options
        self.score = score
        self.source = find_source(where, options.adapter)
        self.style = _style(style or PromptStyle(), options.order)
        self.learns = self.style.shipped.solved
        self._pool = Pool(self.style)
        self.mass_: Mass | None = None
        self._masses: list[float] = []
        self._once = Once()
        self._told = self._told_unlike = False

    def _made_of(self) -> str:
        """Return all that scores depend on besides prompts and options: the model's files, dtype and libraries."""
        raise NotImplementedError

    def _score(self, people: list[list[Prompt]], made_of: str, read: Callable[[float], None]) -> list[Scores]:
        """Return the scores of the prompts of each of these people.

        ``read`` is called with the share (0-1) of the text read since its last call.
        """
        raise NotImplementedError

    def __repr__(self) -> str:
        """Return the model and the options that are not the defaults."""
        default = asdict(type(self.options)())
        changed = {name: value for name, value in asdict(self.options).items() if value != default[name]}
        given = [repr(self.where), *(f"{name}={value!r}" for name, value in changed.items())]
        return f"{type(self).__name__}({', '.join(given)})"

    def fit(self, people: People, form: FormName = "polar", shown_form: FormName | None = None) -> Self:
        """Take the people whose solved probes may be shown, where the template shows any; nothing is learned."""
        self._pool = Pool(self.style, people)
        return self

    def predict(self, task: Task) -> Guesses:
        """Return the predictions for one task (see :meth:`predict_all`)."""
        return next(iter(self.predict_all([task])))

    def predict_all(self, tasks: Sequence[Task]) -> Iterator[Guesses]:
        """Yield the predictions for each task; what the prompts of one person in one setup share is read once.

        Raises IndievalueError if the model cannot be loaded, a prompt exceeds its context, or it was trained on a
        tested person.
        """
        for group in together(tasks):
            yield from self._predict(group)

    def _predict(self, tasks: Sequence[Task]) -> Iterator[Guesses]:
        """Yield the predictions for tasks about the same people."""
        people = tasks[0].people.tolist()
        for folder in filter(None, (self.source.model, self.source.adapter)):
            check_not_trained_on(Path(folder), people)
        if not self._told_unlike and (wanted := self._asked_with.unlike(self.style, tasks[0])):
            self._told_unlike = True
            say(
                self.kind,
                f"{self._folder} was trained on prompts of {wanted}, and is asked other ones, which it answers less "
                "well",
            )
        totals = [np.zeros((len(people), len(task.probes), int(task.counts.max(initial=0)))) for task in tasks]
        places = {
            task.survey.questions[probe].id: (total, place)
            for task, total in zip(tasks, totals, strict=True)
            for place, probe in enumerate(task.probes)
        }
        for row, (prompts, scores) in enumerate(self._scored(self._prompts(tasks), len(people))):
            for prompt, logs in zip(prompts, self._calibrated(tasks[0].form, prompts, scores), strict=True):
                likely = np.exp(logs - np.max(logs))
                total, place = places[prompt.probes[0].question]
                total[row, place, : len(logs)] += likely / likely.sum()
            if self.score == "label":
                self._masses += [float(np.exp(logs).sum()) for logs in scores]
        self._tell()
        yield from (Guesses.most_probable(total / total.sum(axis=2, keepdims=True)) for total in totals)

    def _prompts(self, tasks: Sequence[Task]) -> Iterator[list[Prompt]]:
        """Yield the prompts about each person."""
        materials = [self._pool.material(task) for task in tasks]
        for texts in zip(*map(texts_of, tasks), strict=True):
            yield [
                prompt
                for text, material in zip(texts, materials, strict=True)
                for prompt in prompts_of(text, self.style, tasks[0].seed, material)
            ]

    def _scored(self, asked: Iterable[list[Prompt]], people: int) -> Iterator[tuple[list[Prompt], Scores]]:
        """Yield the prompts about each of so many people with their scores, of which those cached are not computed."""
        made_of = self._made_of()
        kept = self._kept(made_of) if self.options.keep == "yes" else None
        reading = ReadingProgress(people, self.kind)
        for group in _groups(asked, self.at_once):
            keys = [_key(prompts) for prompts in group]
            scores = [kept.get(key) if kept else None for key in keys]
            known = [prompts for prompts, found in zip(group, scores, strict=True) if found is not None]
            if known:
                reading.begin(sum(map(len, known)), len(known))
                reading.end(known=True)
            fresh = [prompts for prompts, found in zip(group, scores, strict=True) if found is None]
            if fresh:
                reading.begin(sum(map(len, fresh)), len(fresh))
            computed = self._once.scores(fresh, lambda new: self._score(new, made_of, reading.read))
            for prompts, key, found in zip(group, keys, scores, strict=True):
                each = next(computed) if found is None else found
                if kept and found is None:
                    kept.put(key, each)
                yield prompts, each
            if fresh:
                reading.end(known=False)
        reading.stop()

    @property
    def _folder(self) -> Path:
        """Where a reasoner's files are."""
        return Path(self.source.adapter or self.source.model)

    @cached_property
    def _asked_with(self) -> AskedWith:
        """How a reasoner was asked in its training."""
        return read_asked_with(self._folder)

    @cached_property
    def _prior(self) -> PriorOffset | None:
        """What a reasoner that starts from base rates adds to its scores."""
        return None if self.score == "statement" else read_prior_offset(self._folder)

    @cached_property
    def _temperatures(self) -> Temperatures:
        """What a reasoner's scores are divided by."""
        return {} if self.score == "statement" else read_temperatures(self._folder)

    @property
    def _chat(self) -> str:
        """Whether prompts are user messages (see ``chat`` of the options): those of a reasoner as in its training."""
        trained = self._asked_with.chat
        if self.options.chat != "auto" or trained is None:
            return str(self.options.chat)
        return "yes" if trained else "no"

    @property
    def _space(self) -> str | None:
        """What precedes a label where only one spelling counts: a reasoner has learned no other."""
        return self._asked_with.space if self._prior is None else self._prior.space

    def _calibrated(self, form: FormName, prompts: Sequence[Prompt], scores: Scores) -> list[NDArray[np.float64]]:
        """Return the scores as a reasoner changes them: with its offsets, and at its temperature."""
        offsets = self._prior.offsets if self._prior else {}
        asked = [prompt.probes[0].question for prompt in prompts]
        return [
            at_temperature(self._temperatures, form, np.asarray(logs) + offset_of(offsets, (form, question), len(logs)))
            for logs, question in zip(scores, asked, strict=True)
        ]

    def _kept(self, made_of: str) -> Kept:
        """Return the cache of scores; those after thoughts depend on how long these may be."""
        think = [self.options.think] if self.style.shipped.reading == "marked" else []
        return Kept(made_of, self.score, self.options.chat, *think)

    def identity(self) -> str | None:
        """Return the model's files or its commit on the hub, the compute dtype, the options and the prompt style."""
        return json.dumps([self._made_of(), asdict(self.options), asdict(self.style)])

    def trained_on(self, people: Sequence[str]) -> list[str]:
        """Return those of the ``people`` that the model was trained on."""
        folders = filter(None, (self.source.model, self.source.adapter))
        return sorted({person for folder in folders for person in trained_on(Path(folder), people)})

    def expect_unseen(self, questions: Sequence[str]) -> None:
        """Raise IndievalueError if the model is a reasoner whose training did not hold out these questions."""
        for folder in filter(None, (self.source.model, self.source.adapter)):
            if learned := not_held_out(Path(folder), questions):
                raise IndievalueError(
                    f"{folder} was trained without holding out {len(learned):,} of the unseen questions, first "
                    f"{learned[0]!r}: write its training set with the same --unseen-questions and --seed"
                )

    def for_shard(self) -> Self:
        """Return a copy whose scores are not cached: the shard's file is kept."""
        fresh = copy(self)
        fresh.options = replace(self.options, keep="no")
        fresh.mass_, fresh._masses, fresh._once = None, [], Once()
        return fresh

    def effort(self) -> Mass | None:
        """Return the total probability of the labels; None before predicting, and if statements are scored."""
        return self.mass_

    def _tell(self) -> None:
        if self._masses:
            self.mass_ = Mass.of(self._masses)
            if self.mass_.mean < _LITTLE and not self._told:
                self._told = True
                say(
                    self.kind,
                    f"only {100 * self.mass_.mean:.1f} % of the probability is on the options' labels; the model may "
                    f"not be answering by label: compare {self.instead}, or another chat=",
                )


def items_of(
    wording: Wording,
    prompts: Sequence[Prompt],
    limit: int | None,
    with_thoughts: Callable[[Sequence[str]], list[str]],
) -> list[list[list[Item]]]:
    """Return for each prompt, and each of the survey's options, the items that its score is computed from.

    Templates that let a model think are continued by ``with_thoughts``. Raises IndievalueError if a prompt is longer
    than ``limit``, the model's context.
    """
    texts = [wording.text(prompt) for prompt in prompts]
    if any(prompt.reading == "marked" for prompt in prompts):
        texts = with_thoughts(texts)
    items = wording.items(texts, list(prompts))
    check_lengths(prompts, [max(len(item.read) for ways in probe for item in ways) for probe in items], limit)
    return items


def check_lengths(prompts: Sequence[Prompt], lengths: Sequence[int], limit: int | None) -> None:
    """Raise IndievalueError if one of the prompts is longer than ``limit``; ``lengths`` and it are in tokens."""
    longest = int(np.argmax(lengths))
    if limit is not None and lengths[longest] > limit:
        raise IndievalueError(
            f"a prompt about {prompts[longest].person} is {lengths[longest]:,} tokens long, and the model reads "
            f"{limit:,}: show fewer --demonstrations"
        )


def _groups(asked: Iterable[list[Prompt]], least: int) -> Iterator[list[list[Prompt]]]:
    """Yield consecutive people's prompts, each time as many people as have ``least`` prompts together."""
    group: list[list[Prompt]] = []
    for prompts in asked:
        group.append(prompts)
        if sum(map(len, group)) >= least:
            yield group
            group = []
    if group:
        yield group


def _key(prompts: Sequence[Prompt]) -> str:
    return key_of([what_is_read(prompt) for prompt in prompts])


def _style(style: PromptStyle, order: str | None) -> PromptStyle:
    if style.template == "batch" or (style.together and style.batched):
        raise IndievalueError(
            "local models are scored probe by probe, so that a template that asks all probes at once makes no sense: "
            "leave out --template batch and --batched"
        )
    if not style.shipped.local:
        raise IndievalueError(
            f"--template {style.template} is for chat models alone: local models are scored probe by probe, and give "
            "the probability of every option with any template"
        )
    return replace(style, option_order=order) if order else style  # type: ignore[arg-type]
