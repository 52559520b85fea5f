"""Predict the option that a local language model finds most probable."""

import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Self

import numpy as np
from numpy.typing import NDArray

from indievalue.benchmark.model import Task
from indievalue.benchmark.storage import texts_of
from indievalue.choices import FormName
from indievalue.errors import IndievalueError
from indievalue.people.people import People
from indievalue.predictors.grouping import together
from indievalue.predictors.local.cache import Kept, Scores, key_of
from indievalue.predictors.local.load import Loaded, device_of, identity, load
from indievalue.predictors.local.options import LocalOptions
from indievalue.predictors.local.prior_offset import PriorOffset, offset_of, read_prior_offset
from indievalue.predictors.local.progress import ReadingProgress, say
from indievalue.predictors.local.source import find_source
from indievalue.predictors.local.thinking import with_thoughts
from indievalue.predictors.local.trained_on import check_not_trained_on, not_held_out, trained_on
from indievalue.predictors.local.tree import Item
from indievalue.predictors.local.wording import STATEMENT, Wording
from indievalue.predictors.protocol import EVERY_BLOCK, BasePredictor, Guesses
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


class Local(BasePredictor):
    """A causal language model of transformers, prompted with few-shot demonstrations and not trained.

    The probability of an option is that of its label as the next word, with or without a space before it, divided by
    that of all labels; or, for ``score=statement``, exp of the mean log-probability of its statement's tokens, divided
    by the sum of these over the options. Probes asked in two orders are averaged.

    The shared prefix of a person's prompts is read once (see :mod:`indievalue.predictors.local.tree`). Scores are
    cached on disk (see :mod:`indievalue.predictors.local.cache`).

    Args:
        where: directory, GGUF file, id on the model hub, or ``smollm2``. options: see
            :class:`indievalue.predictors.local.options.LocalOptions`. style: how prompts are written.

    Attributes:
        mass_: :class:`Mass` of all prompts so far; None before, and where statements are scored.
    """

    learns = False
    reads = EVERY_BLOCK

    def __repr__(self) -> str:
        """Return the model and the options that are not the defaults."""
        default = asdict(LocalOptions())
        changed = {name: value for name, value in asdict(self.options).items() if value != default[name]}
        return f"Local({', '.join([repr(self.where), *(f'{name}={value!r}' for name, value in changed.items())])})"

    def __init__(self, where: str, options: LocalOptions | None = None, style: PromptStyle | None = None) -> None:
        self.where = where
        self.options = options or LocalOptions()
        self.source = find_source(where, self.options.adapter)
        self.device = device_of(self.options.device)
        self.style = _style(style or PromptStyle(), self.options)
        self.learns = self.style.shipped.solved
        self._pool = Pool(self.style)
        self.mass_: Mass | None = None
        self._masses: list[float] = []
        self._told = False

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
        made_of = identity(self.source, self.device, self.options.dtype)
        kept = self._kept(made_of) if self.options.keep == "yes" else None
        materials = [self._pool.material(task) for task in tasks]
        totals = [np.zeros((len(people), len(task.probes), int(task.counts.max(initial=0)))) for task in tasks]
        places = {
            task.survey.questions[probe].id: (total, place)
            for task, total in zip(tasks, totals, strict=True)
            for place, probe in enumerate(task.probes)
        }
        reading = ReadingProgress(len(people))
        for row, texts in enumerate(zip(*map(texts_of, tasks), strict=True)):
            prompts = [
                prompt
                for text, material in zip(texts, materials, strict=True)
                for prompt in prompts_of(text, self.style, tasks[0].seed, material)
            ]
            reading.begin(len(prompts))
            key = key_of([[prompt.text, prompt.probes[0].statements, prompt.probes[0].order] for prompt in prompts])
            scores = kept.get(key) if kept else None
            if fresh := scores is None:
                loaded = load(self.source, self.device, self.options.dtype, made_of)
                scores = score(prompts, loaded, self.options, reading.read, self._prior)
                if kept:
                    kept.put(key, scores)
            for prompt, logs in zip(prompts, self._with_offsets(tasks[0].form, prompts, scores), strict=True):
                likely = np.exp(logs - np.max(logs))
                total, place = places[prompt.probes[0].question]
                total[row, place, : len(logs)] += likely / likely.sum()
            if self.options.score == "label":
                self._masses += [float(np.exp(logs).sum()) for logs in scores]
            reading.end(known=not fresh)
        reading.stop()
        self._tell()
        yield from (Guesses.most_probable(total / total.sum(axis=2, keepdims=True)) for total in totals)

    @cached_property
    def _prior(self) -> PriorOffset | None:
        """What a reasoner that starts from base rates adds to its scores."""
        if self.options.score == "statement":
            return None
        return read_prior_offset(Path(self.source.adapter or self.source.model))

    def _with_offsets(self, form: FormName, prompts: Sequence[Prompt], scores: Scores) -> list[NDArray[np.float64]]:
        """Return the scores with what a reasoner that starts from base rates adds to them."""
        offsets = self._prior.offsets if self._prior else {}
        asked = [prompt.probes[0].question for prompt in prompts]
        return [
            np.asarray(logs) + offset_of(offsets, (form, question), len(logs))
            for logs, question in zip(scores, asked, strict=True)
        ]

    def _kept(self, made_of: str) -> Kept:
        """Return the cache of scores; those after thoughts depend on how long these may be."""
        think = [self.options.think] if self.style.shipped.reading == "marked" else []
        return Kept(made_of, self.options.score, self.options.chat, *think)

    def identity(self) -> str | None:
        """Return the model's files or its commit on the hub, the compute dtype, the options and the prompt style."""
        made_of = identity(self.source, self.device, self.options.dtype)
        return json.dumps([made_of, asdict(self.options), asdict(self.style)])

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

    def effort(self) -> Mass | None:
        """Return the total probability of the labels; None before predicting, and if statements are scored."""
        return self.mass_

    def _tell(self) -> None:
        if self._masses:
            self.mass_ = Mass.of(self._masses)
            if self.mass_.mean < _LITTLE and not self._told:
                self._told = True
                say(
                    f"only {100 * self.mass_.mean:.1f} % of the probability is on the options' labels; the model may "
                    "not be answering by label: compare score=statement, or another chat="
                )


def score(
    prompts: Sequence[Prompt],
    loaded: Loaded,
    options: LocalOptions,
    read: Callable[[float], None] = lambda share: None,
    prior: PriorOffset | None = None,
) -> Scores:
    """Return for each of one person's prompts the log-probability of each of the survey's options.

    It is that of the label, summed over its spellings, or the mean over the statement's tokens. ``read`` is called with
    the share (0-1) of the text read since its last call. With ``prior``, a label has one spelling alone. Raises
    IndievalueError if a prompt is longer than the model's context.
    """
    wording = Wording.of(loaded.tokenizer, options.chat, options.score)
    if prior is not None:
        wording.spaces = (prior.space,)
    texts = [wording.text(prompt) for prompt in prompts]
    if any(prompt.reading == "marked" for prompt in prompts):
        texts = with_thoughts(texts, loaded, options.think, chat=wording.chat)
    items = wording.items(texts, list(prompts))
    every = [item for probe in items for spellings in probe for item in spellings]
    longest = max(len(item.read) for item in every)
    if loaded.limit is not None and longest > loaded.limit:
        raise IndievalueError(
            f"a prompt about {prompts[0].person} is {longest:,} tokens long, and the model reads {loaded.limit:,}: "
            "show fewer --demonstrations"
        )
    reader = replace(
        loaded.reader,
        batch=options.batch or loaded.reader.batch,
        advanced=lambda items: read(items / len(every)),
    )
    logs = iter(reader.scores(every))
    loaded.reader.shares = reader.shares
    return [[_joined(spellings, [next(logs) for _ in spellings], options) for spellings in probe] for probe in items]


def _joined(spellings: Sequence[Item], logs: Sequence[float], options: LocalOptions) -> float:
    if options.score == "statement":
        return float(logs[0]) / len(spellings[0].continuation)
    return float(np.logaddexp.reduce(logs))


def _style(style: PromptStyle, options: LocalOptions) -> PromptStyle:
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
    if style.shipped.reading == "marked" and options.score == "statement":
        raise IndievalueError("--template reason is answered by a label: leave out score=statement")
    if options.order:
        style = replace(style, option_order=options.order)  # type: ignore[arg-type]
    return replace(style, template=STATEMENT) if options.score == "statement" and style.template == "single" else style
