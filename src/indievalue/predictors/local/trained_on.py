"""Record the people a model was trained on, so that it is never tested on them."""

import hashlib
import json
from collections.abc import Iterable
from pathlib import Path
from typing import Annotated

from pydantic import Field, TypeAdapter

from indievalue.errors import IndievalueError
from indievalue.parsing import parse_json_as
from indievalue.predictors.local.beside import read_beside

TRAINED_ON = "trained-on.json"
"""File beside a reasoner with hashes of the ids of the people it was trained on."""

HELD_OUT = "held-out.json"
"""File beside a reasoner with the ids of the questions that its training neither asked nor showed."""

_IDS = TypeAdapter(list[str])

_HASHES = TypeAdapter(list[Annotated[str, Field(pattern="^[0-9a-f]{16}$")]])


def write_trained_on(folder: Path, people: Iterable[str]) -> None:
    """Write the people beside a reasoner, as hashes, so that a shared model identifies nobody."""
    (folder / TRAINED_ON).write_text(json.dumps(sorted(map(_hash, people))), encoding="utf-8")


def check_not_trained_on(folder: Path, people: Iterable[str]) -> None:
    """Raise IndievalueError if a reasoner was trained on a person to be tested."""
    both = trained_on(folder, people)
    if both:
        raise IndievalueError(
            f"{folder} was trained on {len(both):,} of the people to be tested, first {both[0]!r}: what it says of "
            "them is no prediction; test others (--people-file, or the seed or benchmark of its training set)"
        )


def trained_on(folder: Path, people: Iterable[str]) -> list[str]:
    """Return those of the ``people`` that a reasoner was trained on. Raises IndievalueError if its list is damaged."""
    damaged = "does not list the people the model was trained on"
    known = set(read_beside(folder / TRAINED_ON, _HASHES, damaged, again="the reasoner") or ())
    return [person for person in people if _hash(person) in known]


def write_held_out(folder: Path, questions: Iterable[str]) -> None:
    """Write the ids of the questions that were neither asked nor shown in training beside a reasoner."""
    (folder / HELD_OUT).write_text(json.dumps(sorted(questions)), encoding="utf-8")


def not_held_out(folder: Path, questions: Iterable[str]) -> list[str]:
    """Return those of the ``questions`` that a reasoner may have been trained on; none for a model that is no reasoner.

    Raises IndievalueError if its list is damaged.
    """
    if not (folder / TRAINED_ON).exists():
        return []
    try:
        listed = parse_json_as(_IDS, (folder / HELD_OUT).read_text(encoding="utf-8"))
    except FileNotFoundError:  # of an earlier version
        listed = []
    except (OSError, ValueError) as error:
        raise IndievalueError(
            f"{folder / HELD_OUT} does not list the questions held out of training: {error}; copy the reasoner again"
        ) from None
    held_out = set(listed)
    return [question for question in questions if question not in held_out]


def _hash(person: str) -> str:
    return hashlib.blake2b(person.encode(), digest_size=8).hexdigest()
