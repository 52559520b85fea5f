"""Build the prompt that a model reads about a person and probes."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from jinja2 import Environment, FileSystemLoader, PackageLoader, StrictUndefined, Template, TemplateError

from indievalue.choices import OPTION_ORDERS, VOICES, OptionOrder, Voice
from indievalue.errors import IndievalueError
from indievalue.prompts.voice import all_in_voice
from indievalue.seeded import key_table

if TYPE_CHECKING:  # storage imports polars, which nobody needs to read answers
    from indievalue.benchmark.storage import ProbeText, TaskText

TEMPLATES = ("single", "batch")
LABELS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"


@dataclass(frozen=True)
class PromptStyle:
    """How a prompt is written.

    Attributes:
        template: ``single`` (one probe a call), ``batch`` (all probes of a setup in one call), or the path of a Jinja
            template of one's own, which is rendered with ``voice``, ``demographics``, ``demonstrations`` (statements)
            and ``probes`` (each with ``question``, ``asks`` and ``options``, each with ``label`` and ``statement``).
        batched: whether a template of one's own asks all probes of a setup at once, and is answered as JSON.
        voice: whether statements are in the first person or the ``third``.
        option_order: ``fixed`` in the survey's order; ``shuffled``, drawn for each person and probe; ``both``: asked
            twice, in the survey's order and in the reverse.
    """

    template: str = "single"
    batched: bool = False
    voice: Voice = "first"
    option_order: OptionOrder = "fixed"

    def __post_init__(self) -> None:
        """Raises IndievalueError where the voice or the order is unknown, or the template cannot be read."""
        if self.voice not in VOICES:
            raise IndievalueError(f"there is no voice {self.voice!r}; choose {' or '.join(VOICES)}")
        if self.option_order not in OPTION_ORDERS:
            raise IndievalueError(f"there is no option order {self.option_order!r}; choose {', '.join(OPTION_ORDERS)}")
        read_template(self.template)

    @property
    def together(self) -> bool:
        """Whether all probes of a setup are asked in one call."""
        return self.template == "batch" or (self.batched and self.template not in TEMPLATES)


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
        text: the user's message. probes: what it asks, in order.
    """

    key: str
    person: str
    setup: int
    probes: tuple[AskedProbe, ...]
    text: str


def prompts_of(task: "TaskText", style: PromptStyle, seed: int = 0) -> Iterator[Prompt]:
    """Every prompt of one person in one setup, the order of options in the innermost loop.

    ``task`` is what :func:`indievalue.benchmark.storage.task_texts` gives for the person and the setup.
    """
    template = read_template(style.template)
    shown = {
        "voice": style.voice,
        "demographics": all_in_voice(task["demographics"], style.voice),
        "demonstrations": all_in_voice([item["statement"] for item in task["demonstrations"]], style.voice),
    }
    probes, person, setup = task["probes"], str(task["person"]), int(task["setup"])
    calls = [probes] if style.together else [[probe] for probe in probes]
    for call in calls:
        for number, orders in enumerate(_orders(call, person, style, seed)):
            asked = tuple(
                AskedProbe(
                    probe["question"],
                    probe["asks"],
                    tuple(all_in_voice(probe["options"], style.voice)),
                    order,
                )
                for probe, order in zip(call, orders, strict=True)
            )
            key = "/".join([person, str(setup), *([] if style.together else [call[0]["question"]]), str(number)])
            try:
                text = template.render(**shown, probes=asked)
            except TemplateError as error:
                raise IndievalueError(f"the template {style.template} cannot be filled in: {error}") from None
            yield Prompt(key, person, setup, asked, text.strip())


@cache
def read_template(name: str) -> Template:
    """A shipped template by name, or a user's by path. Raises IndievalueError where it is absent or no template."""
    options: dict[str, Any] = {
        "undefined": StrictUndefined,
        "trim_blocks": True,
        "lstrip_blocks": True,
        "auto_reload": False,
    }
    path = Path(name)
    try:
        if name in TEMPLATES:
            return Environment(loader=PackageLoader("indievalue.prompts", "."), **options).get_template(f"{name}.jinja")
        if not path.is_file():
            raise IndievalueError(
                f"there is no template {name!r}: give {' or '.join(TEMPLATES)}, or the path of a file"
            )
        loader = FileSystemLoader([path.parent, Path(__file__).parent])  # one's own may include what is shipped
        return Environment(loader=loader, **options).get_template(path.name)
    except (TemplateError, UnicodeDecodeError, OSError) as error:
        raise IndievalueError(f"{name} is no Jinja template: {error}") from None


def _orders(probes: Sequence["ProbeText"], person: str, style: PromptStyle, seed: int) -> list[list[tuple[int, ...]]]:
    """For each time the probes are asked, the order of every probe's options."""
    fixed = [tuple(range(len(probe["options"]))) for probe in probes]
    if style.option_order == "both":
        return [fixed, [order[::-1] for order in fixed]]
    if style.option_order == "shuffled":
        drawn = [
            key_table(seed, "option order", [person], [f"{probe['question']} {place}" for place in order])[0]
            for probe, order in zip(probes, fixed, strict=True)
        ]
        return [[tuple(np.argsort(one, kind="stable").tolist()) for one in drawn]]
    return [fixed]
