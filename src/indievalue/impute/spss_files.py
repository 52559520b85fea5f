"""Completed SPSS files: dictionary, labels and rows stay as they are but for the cells that are filled.

Follows the description of the format in the PSPP developers' guide. A cell is a word of 8 bytes. In compressed files,
8 commands of a byte each stand for 8 cells; the command 253 says that the cell follows in full.
"""

import struct
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from indievalue.errors import IndievalueError
from indievalue.impute.copies import Copies
from indievalue.people.spss import dictionary_of

_SKIP, _END, _IN_FULL = 0, 252, 253
_PLAIN, _COMPRESSED = 0, 1


def complete_spss(source: Path, target: Path, copies: Copies, rows: int) -> None:
    """Write ``source`` to ``target`` with ``copies`` made; it must have as many ``rows``."""
    content = bytearray(source.read_bytes())
    found = dictionary_of(content)
    compression = struct.unpack_from(f"{found.order}i", content, 72)[0]
    cells = np.array(found.variables, np.int64)[copies.columns]
    to, come = copies.rows * found.cells + cells, copies.sources * found.cells + cells
    words = np.frombuffer(content, np.uint64, (len(content) - found.start) // 8, found.start)
    if compression == _PLAIN:
        _check(source, len(words), rows * found.cells)
        words[to] = words[come]
        target.write_bytes(content)
        return
    if compression != _COMPRESSED:
        raise IndievalueError(
            f"{source} is compressed in a way that is not written: give --out a .parquet or .csv file"
        )
    commands, places, ended = _commands(bytes(content), found.start)
    _check(source, len(commands), rows * found.cells)
    commands[to], places[to] = commands[come], places[come]
    with target.open("wb") as out:
        out.write(content[: found.start])
        out.write(_encoded(commands, words, places, ended=ended).tobytes())


def _check(source: Path, found: int, expected: int) -> None:
    if found != expected:
        raise IndievalueError(f"{source}: {found:,} cells were found to write, and {expected:,} were read")


def _commands(content: bytes, start: int) -> tuple[NDArray[np.uint8], NDArray[np.int64], bool]:
    """Command of each cell, the word after ``start`` that holds it in full (0 if none does), and whether an end is
    marked.
    """
    groups = []
    at, ended = start, False
    while at + 8 <= len(content) and not ended:
        commands = content[at : at + 8]
        ended = _END in commands
        groups.append((at - start) // 8)
        at += 8 + 8 * commands.count(_IN_FULL)
    words = np.array(groups, np.int64)
    every = np.frombuffer(content, np.uint8, (len(content) - start) // 8 * 8, start).reshape(-1, 8)[words]
    in_full = every == _IN_FULL
    places = np.where(in_full, words[:, None] + np.cumsum(in_full, axis=1), 0).ravel()
    flat = every.ravel()
    last = int(np.argmax(flat == _END)) if ended else len(flat)
    kept = np.flatnonzero(flat[:last] != _SKIP)
    return flat[kept].copy(), places[kept], ended


def _encoded(
    commands: NDArray[np.uint8], words: NDArray[np.uint64], places: NDArray[np.int64], *, ended: bool
) -> NDArray[np.uint64]:
    """The rows in compressed form: after each 8 commands come the cells that are in full."""
    flat = np.append(commands, np.uint8(_END)) if ended else commands
    flat = np.concatenate([flat, np.full(-len(flat) % 8, _SKIP, np.uint8)])
    in_full = (flat == _IN_FULL).reshape(-1, 8).sum(axis=1)
    at = np.arange(len(in_full)) + np.concatenate([[0], np.cumsum(in_full)[:-1]])
    out = np.empty(len(in_full) + int(in_full.sum()), np.uint64)
    follows = np.ones(len(out), bool)
    follows[at] = False
    out[at] = flat.view(np.uint64)
    out[follows] = words[places[commands == _IN_FULL]]
    return out
