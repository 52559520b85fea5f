"""Save training states and finished models to disk: only weights, no individual answers."""

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
"""Increased when the code would train or read a different network from the same people and options."""


def cache_folder(people: People, shape: Shape, options: MaskedOptions) -> Path:
    """Return the cache folder of the model of these people (sorted by id) and options.

    It is in ``masked`` in :func:`indievalue.files.cache_root`, named by a hash of everything the weights depend on.
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
    """One file of the cache. A file that cannot be read is ignored, and one that cannot be written is not kept."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.writable = True

    def read(self) -> dict[str, Any] | None:
        """Return the saved state, or None if there is none that can be used."""
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
        """Remove the file, and partial files of trainings that were killed while writing it."""
        if self.writable:
            for file in (self.path, *self.path.parent.glob(f".{self.path.name}.*.partial")):
                file.unlink(missing_ok=True)


def write_state(path: Path, state: Mapping[str, object]) -> None:
    """Write tensors, text and numbers to a file. Raises IndievalueError if it cannot be written."""
    with new_file(path) as beside:
        torch.save({"format": FORMAT, **state}, beside)


def read_state(path: Path) -> dict[str, Any]:
    """Read what :func:`write_state` wrote. Raises IndievalueError if the file contains anything else."""
    try:
        # weights_only: the file may come from someone else, and must not be able to run code.
        state = torch.load(path, map_location="cpu", weights_only=True)
    except (OSError, RuntimeError, ValueError, EOFError, KeyError, pickle.UnpicklingError) as error:
        said = error.strerror if isinstance(error, OSError) else str(error)
        reason = said.splitlines()[0] if said else type(error).__name__
        raise IndievalueError(f"cannot read a masked model from {path}: {reason}") from None
    if not isinstance(state, dict) or state.get("format") != FORMAT:
        raise IndievalueError(f"{path} holds no masked model that this version of indievalue can read")
    return state
