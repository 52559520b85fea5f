"""A balanced fraction of a grid that is too large to run whole."""

from collections.abc import Mapping, Sequence
from itertools import combinations, product

import numpy as np
from numpy.typing import NDArray

from indievalue.errors import IndievalueError
from indievalue.seeded import keys


def fraction(grid: Mapping[str, Sequence[object]], most: int | None) -> list[dict[str, object]]:
    """Return all combinations of the values of ``grid``, or if there are more than ``most``, a fraction of that size.

    It begins with the first value of everything, followed by every combination that differs from it in one value, so
    that the effect of each can be seen on its own. The rest are chosen one by one: the combination whose pairs of
    values are in the fewest of those before, as in a design of pairwise balance. The same grid gives the same fraction.

    Raises IndievalueError if ``most`` is too small for the first part.

    >>> grid = {"voice": ["first", "third"], "paraphrase": [1, 2, 3]}
    >>> [tuple(cell.values()) for cell in fraction(grid, 5)]
    [('first', 1), ('third', 1), ('first', 2), ('first', 3), ('third', 3)]
    >>> len(fraction(grid, None))
    6
    """
    every = list(product(*(range(len(values)) for values in grid.values())))
    if most is None or len(every) <= most:
        chosen = every
    else:
        levels = np.array(every, np.int64)
        changed = np.count_nonzero(levels, axis=1)
        first = [0, *np.flatnonzero(changed == 1)[_by_axis(levels[changed == 1])].tolist()]
        if len(first) > most:
            raise IndievalueError(
                f"most_cells: {most} is too few for this grid: the first setting and those that differ from it in one "
                f"value are {len(first)}; give more cells or fewer values"
            )
        chosen = [every[place] for place in _filled(levels, first, most)]
    return [{axis: values[place] for (axis, values), place in zip(grid.items(), cell, strict=True)} for cell in chosen]


def _by_axis(levels: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return the order of cells that differ from the first in one value: by axis, then by value."""
    axis = (levels > 0).argmax(axis=1)
    return np.asarray(np.lexsort((levels.max(axis=1), axis)))


def _filled(levels: NDArray[np.int64], first: Sequence[int], most: int) -> list[int]:
    """Return ``first`` and more rows of ``levels`` (combinations × axes), ``most`` in all."""
    sizes = levels.max(axis=0) + 1
    pairs = list(combinations(range(len(sizes)), 2)) or [(0, 0)]
    counts = {pair: np.zeros((sizes[pair[0]], sizes[pair[1]])) for pair in pairs}
    chosen: list[int] = []

    def choose(place: int) -> None:
        chosen.append(place)
        for one, other in pairs:
            counts[one, other][levels[place, one], levels[place, other]] += sizes[one] * sizes[other]

    for place in first:
        choose(place)
    names = [",".join(map(str, row)) for row in levels.tolist()]
    tie = keys(0, "design", names).astype(np.float64) / 2.0**64
    while len(chosen) < most:
        seen = sum(counts[one, other][levels[:, one], levels[:, other]] for one, other in pairs) + tie
        seen[chosen] = np.inf
        choose(int(np.argmin(seen)))
    return chosen
