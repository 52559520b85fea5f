"""Cache of scores on disk, one line per person, so that a stopped run resumes."""

import hashlib
import json
from collections.abc import Sequence
from pathlib import Path

from pydantic import TypeAdapter

from indievalue.errors import IndievalueError
from indievalue.files import cache_root

FORMAT = 1
"""Increased when the code would give different scores to the same prompts."""

Scores = list[list[float]]
"""For each prompt, a log-probability per option."""

_LINE = TypeAdapter(tuple[str, Scores])


class Kept:
    """Cached scores of one model, in ``local`` in :func:`indievalue.files.cache_root`.

    The file is named by a hash of everything that scores depend on except the prompts. It contains hashes of prompts
    and log-probabilities, but no texts or answers. Incomplete lines of killed processes are skipped.
    """

    def __init__(self, *made_of: object) -> None:
        self.path = cache_root() / "local" / f"{key_of(FORMAT, *made_of)}.jsonl"
        self._scores: dict[str, Scores] | None = None

    def get(self, key: str) -> Scores | None:
        if self._scores is None:
            self._scores = dict(_lines(self.path))
        return self._scores.get(key)

    def put(self, key: str, scores: Scores) -> None:
        """Append scores. Raises IndievalueError if the disk is full or the cache cannot be written."""
        if self._scores is not None:
            self._scores[key] = scores
        line = json.dumps([key, scores], separators=(",", ":"))
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            with self.path.open("ab") as file:
                file.write(f"\n{line}\n".encode())  # starts a new line even after an incomplete one
        except OSError as error:
            raise IndievalueError(f"cannot write {self.path}: {error.strerror or error}") from None


def key_of(*made_of: object) -> str:
    """Return a hash of JSON-serializable values."""
    return hashlib.blake2b(json.dumps(made_of).encode(), digest_size=16).hexdigest()


def _lines(path: Path) -> Sequence[tuple[str, Scores]]:
    found = []
    try:
        for line in path.read_bytes().splitlines():
            try:
                key, scores = _LINE.validate_json(line, strict=True)
            except ValueError:
                continue
            found.append((key, scores))
    except FileNotFoundError:
        pass
    except OSError as error:
        raise IndievalueError(f"cannot read {path}: {error.strerror or error}") from None
    return found
