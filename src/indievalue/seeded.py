"""Random keys that depend on names alone, never on file order, thread count or platform."""

import hashlib
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

_STEP = np.uint64(0x9E3779B97F4A7C15)


def keys(seed: int, purpose: str, names: Sequence[str]) -> NDArray[np.uint64]:
    """Return one uniform 64-bit key per name (BLAKE2b of seed, purpose and name)."""
    start = hashlib.blake2b(f"{seed}\0{purpose}\0".encode(), digest_size=8)
    out = np.empty(len(names), np.uint64)
    for position, name in enumerate(names):
        one = start.copy()
        one.update(name.encode())
        out[position] = int.from_bytes(one.digest(), "little")
    return out


def key_table(seed: int, purpose: str, rows: Sequence[str], columns: Sequence[str]) -> NDArray[np.uint64]:
    """One uniform 64-bit key per row and column (rows × columns): row and column keys joined by splitmix64's mixer."""
    mixed = keys(seed, purpose, rows)[:, None] + keys(seed, "column", columns)[None, :] * _STEP
    mixed = (mixed ^ (mixed >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    mixed = (mixed ^ (mixed >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return np.asarray(mixed ^ (mixed >> np.uint64(31)))


def first_columns(order: NDArray[np.uint64], open_: NDArray[np.bool_], most: int) -> NDArray[np.int16]:
    """The ``most`` columns of every row (rows × most) that have the smallest keys in ``order``, which is changed in
    place, among those that are ``open_`` (rows × columns); -1 where there are fewer.
    """
    order[~open_] = np.iinfo(np.uint64).max
    drawn = np.argsort(order, axis=1, kind="stable").astype(np.int16)[:, :most]
    drawn[np.arange(drawn.shape[1])[None, :] >= open_.sum(axis=1)[:, None]] = -1
    return drawn
