"""Offsets that make a reasoner start from the base rates of the answers, kept beside its weights."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from pydantic import TypeAdapter

from indievalue.choices import FormName
from indievalue.predictors.local.beside import read_beside

PRIOR_OFFSET = "prior-offset.json"
"""File beside a reasoner with what is added to the logit of each option."""

Offsets = Mapping[FormName, Mapping[str, Sequence[float]]]
"""Form → question → what is added to the log probability of each option's label, in the survey's order of options."""


@dataclass(frozen=True)
class PriorOffset:
    """What a reasoner adds to the logits of options, and what precedes a label for which that holds.

    Attributes:
        space: what precedes a label when the model is asked for its probability: a space or nothing.
        offsets: see :data:`Offsets`.
    """

    space: str
    offsets: dict[FormName, dict[str, list[float]]]

    def save(self, folder: Path) -> None:
        """Write the file beside a reasoner."""
        (folder / PRIOR_OFFSET).write_text(json.dumps(asdict(self), indent=1), encoding="utf-8")


_PRIOR_OFFSET = TypeAdapter(PriorOffset)


def read_prior_offset(folder: Path) -> PriorOffset | None:
    """Return what is beside a reasoner; None for other models. Raises IndievalueError if it cannot be read."""
    return read_beside(folder / PRIOR_OFFSET, _PRIOR_OFFSET, "does not hold the offsets of a reasoner")


def offset_of(offsets: Offsets, asked: tuple[str, str], number: int) -> NDArray[np.float64]:
    """Return the offset of each of the ``number`` options of a question, ``asked`` (form, question); 0 if unknown."""
    form, question = asked
    found = next((offsets[name].get(question) for name in offsets if name == form), None)
    return np.zeros(number) if found is None or len(found) != number else np.asarray(found, np.float64)
