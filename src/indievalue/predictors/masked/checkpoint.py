"""The state of a training, and finished models, on disk: only weights, nobody's answers."""

import hashlib
import json
import pickle
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch

from indievalue.errors import IndievalueError
from indievalue.files import cache_root, new_file
from indievalue.people.people import People
from indievalue.predictors.masked.inputs import Shape, spread
from indievalue.predictors.masked.options import MaskedOptions
from indievalue.predictors.masked.progress import say

FORMAT = 1
"""Raised whenever the code would train or read another network from the same people and options."""


def cache_folder(people: People, shape: Shape, options: MaskedOptions) -> Path:
    """Where the model of these people (sorted by id) and options is kept: in :func:`indievalue.files.cache_root`, under
    ``masked`` and a hash of all that decides the weights.
    """
    made = hashlib.blake2b(digest_size=16)
    made.update(json.dumps([FORMAT, options.as_dict(), shape.groups, people.ids.tolist()], sort_keys=True).encode())
    for array in (people.options("refined"), spread(people.survey, "polar")):
        made.update(str(array.shape).encode())
        made.update(np.ascontiguousarray(array).tobytes())
    for column in people.demographics.get_columns():
        made.update(json.dumps([column.name, column.to_list()]).encode())
    return cache_root() / "masked" / made.hexdigest()


class Checkpoint:
    """One file of the cache. What cannot be read is trained anew, and where nothing can be written nothing is kept."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.writable = True

    def read(self) -> dict[str, Any] | None:
        """What was written, or None where there is nothing, or nothing that can be used."""
        if not self.path.exists():
            return None
        try:
            return read_state(self.path)
        except IndievalueError:
            say(f"{self.path} is damaged and is not used")
            return None

    def write(self, state: Mapping[str, object]) -> None:
        if self.writable:
            try:
                write_state(self.path, state)
            except IndievalueError as error:
                self.writable = False
                say(f"the training cannot be resumed should it be stopped: {error}")

    def delete(self) -> None:
        """Remove the file, and what trainings that were killed while they wrote it have left beside it."""
        if self.writable:
            for file in (self.path, *self.path.parent.glob(f".{self.path.name}.*.partial")):
                file.unlink(missing_ok=True)


def write_state(path: Path, state: Mapping[str, object]) -> None:
    """Tensors, text and numbers to a file. Raises IndievalueError where it cannot be written."""
    with new_file(path) as beside:
        torch.save({"format": FORMAT, **state}, beside)


def read_state(path: Path) -> dict[str, Any]:
    """What :func:`write_state` wrote. Raises IndievalueError where the file holds something else."""
    try:
        # weights_only: a file that somebody passed on can hold data, and no code that would run here.
        state = torch.load(path, map_location="cpu", weights_only=True)
    except (OSError, RuntimeError, ValueError, EOFError, KeyError, pickle.UnpicklingError) as error:
        said = error.strerror if isinstance(error, OSError) else str(error)
        reason = said.splitlines()[0] if said else type(error).__name__
        raise IndievalueError(f"cannot read a masked model from {path}: {reason}") from None
    if not isinstance(state, dict) or state.get("format") != FORMAT:
        raise IndievalueError(f"{path} holds no masked model that this version of indievalue can read")
    return state
