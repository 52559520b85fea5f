"""Record how a reasoner was asked in its training, since it answers less well where it is asked otherwise."""

import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter

from indievalue.benchmark.model import Task, show_kind
from indievalue.choices import FormName
from indievalue.errors import IndievalueError
from indievalue.parsing import parse_json_as
from indievalue.prompts.prompt import PromptStyle

ASKED_WITH = "asked-with.json"
"""File beside a reasoner with :class:`AskedWith`."""

_OPTIONS = {
    "template": "--template",
    "voice": "--voice",
    "scale_direction": "--scale-direction",
    "paraphrase": "--paraphrase",
    "language": "--language",
}
"""What is recorded of a style, and the options of `evaluate` that set it."""


@dataclass(frozen=True)
class AskedWith:
    """How the prompts of a training were written.

    Attributes:
        template, voice, scale_direction, paraphrase, language: of the prompt style; None where it is not known.
        show: how the statements shown were chosen, such as ``relevant:3``; None where it is not known.
        demonstrations: least and greatest number of them. demonstrations_as: their forms; empty where it is not known.
        chat: whether they were user messages, or plain text; None where it is not known.
        space: what precedes a label. Only this spelling was learned, and others keep what the untuned model makes of
            them, which says nothing of a person. None where it is not known.
    """

    template: str | None = None
    voice: str | None = None
    scale_direction: str | None = None
    paraphrase: int | None = None
    language: str | None = None
    show: str | None = None
    demonstrations: tuple[int, int] | None = None
    demonstrations_as: tuple[FormName, ...] = ()
    chat: bool | None = None
    space: str | None = None

    @classmethod
    def of(cls, style: PromptStyle, **others: Any) -> "AskedWith":
        """Return what is recorded of a training with prompts of this style, and the other fields."""
        return cls(**{name: getattr(style, name) for name in _OPTIONS}, **others)

    def write(self, folder: Path) -> None:
        """Write the file beside a reasoner."""
        (folder / ASKED_WITH).write_text(json.dumps(asdict(self)), encoding="utf-8")

    def unlike(self, style: PromptStyle, task: Task) -> str | None:
        """Return the options that would ask as the training did, if this style or task does not; None if they do."""
        trained = {name: getattr(self, name) for name in _OPTIONS}
        wanted = [name for name, value in trained.items() if value not in (None, getattr(style, name))]
        return " ".join([*self._unlike_shown(task), *(f"{_OPTIONS[name]} {trained[name]}" for name in wanted)]) or None

    def _unlike_shown(self, task: Task) -> Iterator[str]:
        number = task.order.shape[1]
        if self.show is not None and self.demonstrations is not None and task.show is not None:
            least, most = self.demonstrations
            if show_kind(self.show) != task.show or not least <= number <= most:
                at_random = f"--demonstrations {most}" if least == most else f"--demonstrations {least} to {most}"
                yield at_random if self.show == "random" else f"--show {self.show}"
        if number and self.demonstrations_as and task.shown_form not in self.demonstrations_as:
            yield f"--demonstrations-as {' or '.join(self.demonstrations_as)}"


_ASKED_WITH = TypeAdapter(AskedWith)


def read_asked_with(folder: Path) -> AskedWith:
    """Return what is beside a reasoner; nothing is known of other models, or of one of an earlier version.

    Raises IndievalueError if the file is damaged.
    """
    try:
        return parse_json_as(_ASKED_WITH, (folder / ASKED_WITH).read_text(encoding="utf-8"))
    except FileNotFoundError:
        return AskedWith()
    except (OSError, ValueError) as error:
        raise IndievalueError(
            f"{folder / ASKED_WITH} does not say how the model was asked in training: {error}; copy the reasoner again"
        ) from None
