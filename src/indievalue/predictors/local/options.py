"""Options of a local model, and their syntax on the command line."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any, TypeVar

from indievalue.errors import IndievalueError

CHOICES: dict[str, tuple[str, ...]] = {
    "score": ("label", "statement"),
    "chat": ("auto", "yes", "no"),
    "order": ("fixed", "shuffled", "both"),
    "dtype": ("auto", "float32", "bfloat16", "float16"),
    "keep": ("yes", "no"),
}
"""Values of the options that are one of a few words."""


_NUMBERS = {"batch": "a number of tokens", "think": "a number of tokens"}

_NUMBER: dict[Any, re.Pattern[str]] = {int: re.compile(r"\d+"), float: re.compile(r"\d*\.?\d+")}

_Options = TypeVar("_Options")


@dataclass(frozen=True)
class LocalOptions:
    """How a local model is loaded and scored.

    Attributes:
        score: whether an option's probability is computed from its ``label`` or its ``statement``.
        adapter: directory of a LoRA adapter to apply to the model.
        device: ``cpu``, ``cuda``, ``cuda:1`` …, or ``auto``, which spreads the model over all devices; by default cuda
            if available.
        dtype: dtype of the weights; ``auto`` is float32 on a CPU, and the dtype of the checkpoint otherwise.
        batch: tokens per forward pass; 0 chooses by device, and on a CPU by what is shared (see
            :func:`indievalue.predictors.local.scorer.pass_after`). Larger values need more memory.
        chat: whether prompts are formatted as a user's message; ``auto``: if the tokenizer has a chat template.
        order: order of options, which overrides that of the prompt style.
        keep: whether scores are cached on disk.
        think: most tokens that the model writes before its answer with the template ``reason``.
    """

    score: str = "label"
    adapter: str | None = None
    device: str | None = None
    dtype: str = "auto"
    batch: int = 0
    chat: str = "auto"
    order: str | None = None
    keep: str = "yes"
    think: int = 160

    def __post_init__(self) -> None:
        """Check the values. Raises IndievalueError that names the option."""
        check_words("local", self)
        if self.batch < 0:
            raise IndievalueError(f"local: batch is a number of tokens, at least 1, and not {self.batch}")
        if self.think < 1:
            raise IndievalueError(f"local: think is a number of tokens, at least 1, and not {self.think}")


def check_words(kind: str, options: object) -> None:
    """Check the options that are one of a few words. Raises IndievalueError that names the option."""
    for name, words in CHOICES.items():
        value = getattr(options, name, None)
        if value is not None and value not in words:
            raise IndievalueError(f"{kind}: {name} is {', '.join(words[:-1])} or {words[-1]}, and not {value!r}")


def split_name(text: str) -> tuple[str, LocalOptions]:
    """Split the text after ``local:`` into the path or name of the model, and options (see :func:`read_name`)."""
    return read_name("local", text, LocalOptions, _NUMBERS)


def read_name(kind: str, text: str, options: type[_Options], numbers: Mapping[str, str]) -> tuple[str, _Options]:
    """Split the text after ``kind:`` into the path or name of the model, and ``options``, a dataclass.

    Options follow the model after a colon, ``smollm2:score=statement,chat=no``: from the first ``:word=`` on, unless
    what stands before a later one is a file or directory, or all of it is. A comma within a value is part of it unless
    ``word=`` follows. ``numbers`` are the options that are numbers, and what each is. Raises IndievalueError if the
    model is missing or an option is unknown.
    """
    where, written = split_where(text)
    if not where:
        raise IndievalueError(f"{kind} needs a model: {kind}:PATH, {kind}:HUB_ID or {kind}:smollm2")
    types: dict[str, Any] = {field.name: field.type for field in fields(options)}  # type: ignore[arg-type]
    arguments: dict[str, Any] = {}
    for part in re.split(r",(?=\w+=)", written) if written else ():
        name, _, value = part.partition("=")
        if name not in types:
            raise IndievalueError(f"{kind} models have no option {name!r}; they have {', '.join(types)}")
        if name in numbers and not _NUMBER[types[name]].fullmatch(value):
            raise IndievalueError(f"{kind}: {name} is {numbers[name]}, and not {value!r}")
        arguments[name] = types[name](value) if name in numbers else value
    return where, options(**arguments)


def split_where(text: str) -> tuple[str, str]:
    """Split the path or name of a model from the options written after it, which are unknown so far."""
    places = [found.start() for found in re.finditer(r":(?=\w+=)", text)]
    if not places or Path(text).exists():
        return text, ""
    place = next((place for place in places if Path(text[:place]).exists()), places[0])
    return text[:place], text[place + 1 :]
