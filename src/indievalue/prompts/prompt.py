"""Build the prompt that a model reads about a person and probes."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from jinja2 import TemplateError

from indievalue.choices import (
    LANGUAGES,
    OPTION_ORDERS,
    PARAPHRASES,
    SCALE_DIRECTIONS,
    VOICES,
    Language,
    OptionOrder,
    ScaleDirection,
    Voice,
)
from indievalue.errors import IndievalueError
from indievalue.prompts.material import Material
from indievalue.prompts.templates import Reading, Shipped, read_frame, read_template, shipped_template
from indievalue.prompts.voice import all_in_voice
from indievalue.seeded import key_table

if TYPE_CHECKING:  # storage imports polars, which nobody needs to read answers
    from indievalue.benchmark.storage import ProbeText, TaskText

LABELS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"


@dataclass(frozen=True)
class PromptStyle:
    """How a prompt is written.

    Attributes:
        template: one of :data:`indievalue.prompts.templates.TEMPLATES`, such as ``single`` (one probe a call) or
            ``batch`` (all probes of a setup in one call), or the path of a Jinja template of one's own, which is
            rendered with ``voice``, ``demographics``, ``demonstrations`` (statements), ``probes`` (each with
            ``question``, ``asks`` and ``options``, each with ``label`` and ``statement``), ``say`` (the frame of the
            language) and ``wording`` (place of the paraphrase).
        batched: whether a template of one's own asks all probes of a setup at once, and is answered as JSON.
        voice: whether statements are in the first person or the ``third``.
        option_order: ``fixed`` in the survey's order; ``shuffled``, drawn for each person and probe; ``both``: asked
            twice, in the survey's order and in the reverse.
        scale_direction: ``forward``, or ``reversed``: options that are steps of a scale start at its other end.
        paraphrase: which of the shipped wordings of the instruction is used, from 1. language: of all that is said
            around the survey's statements, which stay as they are.
        codebook: file with the wording of questions and answers that the template ``raw`` shows in place of the
            survey's own: a codebook, or a data file with labels.
    """

    template: str = "single"
    batched: bool = False
    voice: Voice = "first"
    option_order: OptionOrder = "fixed"
    scale_direction: ScaleDirection = "forward"
    paraphrase: int = 1
    language: Language = "en"
    codebook: str | None = None

    def __post_init__(self) -> None:
        """Raises IndievalueError where a value is unknown, or the template cannot be read."""
        if self.voice not in VOICES:
            raise IndievalueError(f"there is no voice {self.voice!r}; choose {' or '.join(VOICES)}")
        if self.option_order not in OPTION_ORDERS:
            raise IndievalueError(f"there is no option order {self.option_order!r}; choose {', '.join(OPTION_ORDERS)}")
        if self.scale_direction not in SCALE_DIRECTIONS:
            raise IndievalueError(
                f"there is no scale direction {self.scale_direction!r}; choose {' or '.join(SCALE_DIRECTIONS)}"
            )
        if self.language not in LANGUAGES:
            raise IndievalueError(f"there is no language {self.language!r}; choose {', '.join(LANGUAGES)}")
        if self.paraphrase not in range(1, PARAPHRASES + 1):
            raise IndievalueError(f"there is no paraphrase {self.paraphrase!r}; choose 1 to {PARAPHRASES}")
        if self.codebook is not None and not self.shipped.answers:
            raise IndievalueError("--codebook is for --template raw, the only one that shows questions and answers")
        read_template(self.template)

    @property
    def shipped(self) -> Shipped:
        """What is known of the template."""
        return shipped_template(self.template, batched=self.batched)

    @property
    def together(self) -> bool:
        """Whether all probes of a setup are asked in one call."""
        return self.shipped.together


@dataclass(frozen=True)
class AskedProbe:
    """One probe as it is put: ``order`` holds the survey's option behind each label."""

    question: str
    asks: str
    statements: tuple[str, ...]
    order: tuple[int, ...]

    @property
    def options(self) -> list[dict[str, str]]:
        """Label and statement of each option, in the order shown."""
        return [
            {"label": label, "statement": self.statements[option]}
            for label, option in zip(LABELS, self.order, strict=False)
        ]

    @property
    def labels(self) -> str:
        return LABELS[: len(self.order)]


@dataclass(frozen=True)
class Prompt:
    """What a model is asked in one call.

    Attributes:
        key: names the call within a benchmark: person, setup, the question where it is one, and the order's number.
        text: the user's message. probes: what it asks, in order. reading: how the reply is read.
        answer: what stands before the answer where a model continues plain text.
    """

    key: str
    person: str
    setup: int
    probes: tuple[AskedProbe, ...]
    text: str
    reading: Reading = "label"
    answer: str = "Answer:"


def prompts_of(
    task: "TaskText", style: PromptStyle, seed: int = 0, material: Material | None = None
) -> Iterator[Prompt]:
    """Every prompt of one person in one setup, the order of options in the innermost loop.

    ``task`` is what :func:`indievalue.benchmark.storage.task_texts` gives for the person and the setup. ``material`` is
    what some templates need besides (see :class:`indievalue.prompts.material.Material`); IndievalueError without it.
    """
    material, shipped, say = material or Material(), style.shipped, read_frame(style.language)
    template = read_template(style.template)
    shown: dict[str, object] = {
        "voice": style.voice,
        "say": say,
        "wording": style.paraphrase - 1,
        "demographics": list(all_in_voice(task["demographics"], style.voice)),
        "demonstrations": list(all_in_voice([item["statement"] for item in task["demonstrations"]], style.voice)),
    }
    if shipped.answers:
        shown["answered"] = material.answered(task["demonstrations"], style.voice)
    probes, person, setup = task["probes"], str(task["person"]), int(task["setup"])
    calls = [probes] if shipped.together else [[probe] for probe in probes]
    for call in calls:
        for number, orders in enumerate(_orders(call, person, style, seed, material)):
            asked = tuple(_asked(probe, order, style, material) for probe, order in zip(call, orders, strict=True))
            key = "/".join([person, str(setup), *([] if shipped.together else [call[0]["question"]]), str(number)])
            if shipped.solved:
                shown["examples"] = material.examples(asked[0], style.voice)
            try:
                text = template.render(**shown, probes=asked)
            except TemplateError as error:
                raise IndievalueError(f"the template {style.template} cannot be filled in: {error}") from None
            yield Prompt(key, person, setup, asked, text.strip(), shipped.reading, str(say["answer"]))


def _asked(probe: "ProbeText", order: tuple[int, ...], style: PromptStyle, material: Material) -> AskedProbe:
    """Return a probe as it is put, in the words of the survey or, for ``raw``, of the user's codebook."""
    question = probe["question"]
    if style.shipped.answers and question in material.words:
        asks, answers = material.words[question]
        return AskedProbe(question, asks, tuple(answers), order)
    statements = all_in_voice(probe["options"], "first" if style.shipped.own_voice else style.voice)
    return AskedProbe(question, probe["asks"], tuple(statements), order)


def _orders(
    probes: Sequence["ProbeText"], person: str, style: PromptStyle, seed: int, material: Material
) -> list[list[tuple[int, ...]]]:
    """For each time the probes are asked, the order of every probe's options."""
    fixed = [tuple(range(len(probe["options"]))) for probe in probes]
    if style.option_order == "shuffled":
        drawn = [
            key_table(seed, "option order", [person], [f"{probe['question']} {place}" for place in order])[0]
            for probe, order in zip(probes, fixed, strict=True)
        ]
        fixed = [tuple(np.argsort(one, kind="stable").tolist()) for one in drawn]
    if style.scale_direction == "reversed":
        fixed = [
            order if probe["question"] in material.unordered else order[::-1]
            for probe, order in zip(probes, fixed, strict=True)
        ]
    return [fixed, [order[::-1] for order in fixed]] if style.option_order == "both" else [fixed]
