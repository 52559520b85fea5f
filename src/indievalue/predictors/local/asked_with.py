"""Record how the prompts of a reasoner's training were written, since it answers others less well."""

import json
from pathlib import Path

from pydantic import TypeAdapter

from indievalue.errors import IndievalueError
from indievalue.parsing import parse_json_as
from indievalue.prompts.prompt import PromptStyle

ASKED_WITH = "asked-with.json"
"""File beside a reasoner with the template and the voice of the prompts that it was trained on."""

_OPTIONS = {"template": "--template", "voice": "--voice"}
"""What is recorded of a style, and the options of `evaluate` that set it."""

_STYLE = TypeAdapter(dict[str, str])


def write_asked_with(folder: Path, style: PromptStyle) -> None:
    """Write how the prompts of a training were written beside its reasoner."""
    (folder / ASKED_WITH).write_text(json.dumps({name: getattr(style, name) for name in _OPTIONS}), encoding="utf-8")


def asked_unlike(folder: Path, style: PromptStyle) -> str | None:
    """Return how prompts of this style differ from those that a reasoner was trained on; None if they do not.

    Nothing is known of a model that is no reasoner, or one of an earlier version. Raises IndievalueError if the file is
    damaged.
    """
    try:
        trained = parse_json_as(_STYLE, (folder / ASKED_WITH).read_text(encoding="utf-8"))
    except FileNotFoundError:
        return None
    except (OSError, ValueError) as error:
        raise IndievalueError(
            f"{folder / ASKED_WITH} does not say how the model was asked in training: {error}; copy the reasoner again"
        ) from None
    unlike = [name for name in _OPTIONS if trained.get(name, getattr(style, name)) != getattr(style, name)]
    if not unlike:
        return None
    wanted = " ".join(f"{_OPTIONS[name]} {trained[name]}" for name in unlike)
    return f"{folder} was trained on prompts of {wanted}, and is asked other ones, which it answers less well"
