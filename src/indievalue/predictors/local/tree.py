"""Prefix tree of texts, in which every shared prefix occurs once, so that a model reads it only once."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

Tokens = Sequence[int]


@dataclass(frozen=True)
class Item:
    """A ``continuation`` to be scored given its ``context``; neither is empty."""

    context: tuple[int, ...]
    continuation: tuple[int, ...]

    @property
    def read(self) -> tuple[int, ...]:
        """Tokens that a model has to read: all but the last, which is only predicted."""
        return self.context + self.continuation[:-1]


@dataclass(frozen=True)
class Pack:
    """Part of a tree that is read in one pass after the trunk.

    Attributes:
        tokens: int64 (nodes,), one a node. positions: int64 (nodes,), a node's depth below the trunk's end.
        sees: bool (nodes × nodes), whether a node's text goes through another, itself included.
        nodes, following: int64 (targets,): nodes after which a token is to be predicted, and which.
        items: int64 (targets,), the item that each target is part of.
    """

    tokens: NDArray[np.int64]
    positions: NDArray[np.int64]
    sees: NDArray[np.bool_]
    nodes: NDArray[np.int64]
    following: NDArray[np.int64]
    items: NDArray[np.int64]

    @property
    def chain(self) -> bool:
        """Whether the nodes form a chain, as in an ordinary text."""
        return bool(self.positions[-1] == len(self.positions) - 1)


def trunk_of(items: Sequence[Item]) -> tuple[int, ...]:
    """Return the longest common prefix of all contexts that leaves at least one token of each."""
    contexts = [item.context[:-1] for item in items]
    first, last = min(contexts), max(contexts)
    return first[: _shared(first, last)]


def packs_of(items: Sequence[Item], trunk: int, most: int) -> Iterator[Pack]:
    """Yield the tree of ``items`` after their first ``trunk`` tokens, in parts of at most ``most`` nodes.

    A longer text is a part of its own. The tree is split where little is shared, and a prefix shared across a split is
    in both parts.
    """
    paths = [item.read[trunk:] for item in items]
    order = sorted(range(len(items)), key=lambda at: paths[at])
    shared = [0, *(_shared(paths[one], paths[other]) for one, other in pairwise(order))]
    fresh = [len(paths[at]) - alike for at, alike in zip(order, shared, strict=True)]
    first = 0
    while first < len(order):
        last, nodes, best = first + 1, len(paths[order[first]]), first + 1
        while last < len(order) and nodes + fresh[last] <= most:
            nodes += fresh[last]
            last += 1
            if last < len(order) and (2 * nodes <= most or shared[last] <= shared[best]):
                best = last
        end = last if last == len(order) else best
        yield _pack(items, paths, order[first:end], trunk)
        first = end


def distinct(items: Sequence[Item]) -> int:
    """Return the number of tokens in the tree, the minimum that a model has to read."""
    paths = sorted(item.read for item in items)
    return sum(map(len, paths)) - sum(_shared(one, other) for one, other in pairwise(paths))


def _pack(items: Sequence[Item], paths: Sequence[Tokens], chosen: Sequence[int], trunk: int) -> Pack:
    tokens: list[int] = []
    positions: list[int] = []
    spans: list[tuple[int, list[int]]] = []
    targets: list[tuple[int, int, int]] = []
    before: Tokens = ()
    path: list[int] = []
    for at in chosen:
        alike = _shared(before, paths[at])
        new = range(len(tokens), len(tokens) + len(paths[at]) - alike)
        spans.append((len(new), path[:alike]))
        path = [*path[:alike], *new]
        tokens += paths[at][alike:]
        positions += range(alike, len(paths[at]))
        start = len(items[at].context) - trunk - 1
        targets += [(path[start + place], token, at) for place, token in enumerate(items[at].continuation)]
        before = paths[at]
    sees = np.zeros((len(tokens), len(tokens)), bool)
    end = 0
    for count, above in spans:
        rows = slice(end, end + count)
        sees[rows, above] = True
        sees[rows, rows] = np.tri(count, dtype=bool)
        end += count
    nodes, following, of = np.array(targets, np.int64).reshape(-1, 3).T
    return Pack(np.array(tokens, np.int64), np.array(positions, np.int64), sees, nodes, following, of)


def _shared(one: Tokens, other: Tokens) -> int:
    """Return the length of the common prefix."""
    least = min(len(one), len(other))
    if one[:least] == other[:least]:
        return least
    return next(place for place, pair in enumerate(zip(one, other, strict=False)) if pair[0] != pair[1])
