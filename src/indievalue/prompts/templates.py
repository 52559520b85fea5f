"""The prompt templates that ship: what each asks for, and how it is filled in."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from json import dumps
from pathlib import Path
from typing import Any, Literal

from jinja2 import Environment, FileSystemLoader, PackageLoader, StrictUndefined, Template, TemplateError

from indievalue.choices import Language
from indievalue.errors import IndievalueError, did_you_mean
from indievalue.parsing import mapping_of

Reading = Literal["label", "json", "groups", "marked", "distribution"]
"""How a reply is read: a label; JSON by question, or by groups of statements; a label between tags; probabilities."""


@dataclass(frozen=True)
class Shipped:
    """A template that ships.

    Attributes:
        reading: how replies are read. together: whether all probes of a setup are asked in one call.
        local: whether a local model can be asked with it. tokens: about how many a reply has for each probe.
        own_voice: whether options are in the first person whatever the voice.
        solved: whether it shows other people's solved probes. answers: whether it shows questions and answers.
    """

    reading: Reading = "label"
    together: bool = False
    local: bool = True
    tokens: int = 2
    own_voice: bool = False
    solved: bool = False
    answers: bool = False


TEMPLATES: Mapping[str, Shipped] = {
    "single": Shipped(),
    "batch": Shipped("json", together=True, local=False, tokens=8),
    "paper": Shipped("groups", together=True, local=False, tokens=16, own_voice=True),
    "reason": Shipped("marked", tokens=200),
    "role": Shipped(own_voice=True),
    "brief": Shipped(),
    "predict-distribution": Shipped("distribution", local=False, tokens=24),
    "solved-examples": Shipped(solved=True),
    "raw": Shipped(answers=True),
}
"""Every shipped template by name; a file of one's own is asked like ``single``, or like ``batch`` if it is batched."""


def shipped_template(name: str, *, batched: bool = False) -> Shipped:
    """Return what is known of the template ``name``, shipped or a file."""
    return TEMPLATES.get(name, TEMPLATES["batch" if batched else "single"])


@cache
def read_template(name: str) -> Template:
    """Return a shipped template by name, or a user's by path.

    Raises IndievalueError if there is no such template, or it is not a Jinja template.
    """
    options: dict[str, Any] = {
        "undefined": StrictUndefined,
        "trim_blocks": True,
        "lstrip_blocks": True,
        "auto_reload": False,
    }
    path = Path(name)
    try:
        if name in TEMPLATES:
            return _environment(PackageLoader("indievalue.prompts", "."), options).get_template(f"{name}.jinja")
        if not path.is_file():
            raise IndievalueError(
                f"there is no template {name!r}: give single or batch, or the path of a file, or one of "
                f"{', '.join(list(TEMPLATES)[2:])}{did_you_mean(name, TEMPLATES)}"
            )
        loader = FileSystemLoader([path.parent, Path(__file__).parent])  # one's own may include what is shipped
        return _environment(loader, options).get_template(path.name)
    except (TemplateError, UnicodeDecodeError, OSError) as error:
        raise IndievalueError(f"{name} is no Jinja template: {error}") from None


@cache
def read_frame(language: Language) -> Mapping[str, Any]:
    """Return what prompts say around the survey's statements in a language."""
    file = files(__package__) / "frames" / f"{language}.yaml"
    return mapping_of(file.read_text(encoding="utf-8"), file.name, "a frame", "asked and which")


def _environment(loader: Any, options: Mapping[str, Any]) -> Environment:
    made = Environment(loader=loader, **options)
    made.filters["quoted"] = lambda text: dumps(text, ensure_ascii=False)
    return made
