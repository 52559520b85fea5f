"""Bootstrap confidence intervals, clustered by person."""

from collections.abc import Iterator, Sequence
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from indievalue.intervals import percentile_ends

DRAWS = 2000
"""Bootstrap draws; the ends of a 95% interval then vary by less than a twentieth of its width between seeds."""

_BLOCK = 2_000_000
"""Numbers held in memory at once while sums are drawn: 16 MB."""


_CACHED = 500_000_000
"""Most bytes of draws that are held in memory for the next part."""

Counts = NDArray[np.integer] | NDArray[np.float64]
"""Numbers of rows, or their weighted sums."""


def cluster_interval(right: Counts, probes: Counts, seed: int, draws: int = DRAWS) -> tuple[float, float]:
    """Return the 95% percentile interval of sum(right) / sum(probes), both (people,), resampling people.

    This is the cluster bootstrap of Cameron, Gelbach & Miller (2008): each person is drawn with all of their probes.
    With a single person both ends are that person's accuracy.
    """
    low, high = cluster_intervals(right[:, None], probes[:, None], seed, draws)
    return float(low[0]), float(high[0])


def cluster_intervals(
    right: Counts, probes: Counts, seed: int, draws: int = DRAWS
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return :func:`cluster_interval` for many parts at once: the ends (parts,) for counts (people × parts).

    A person may have no probe in a part; draws in which nobody has one are ignored for that part.
    """
    parts = right.shape[1]
    sums = np.concatenate([right, probes], axis=1).astype(np.float64)
    drawn = np.concatenate([times.astype(np.float64) @ sums for _, times in _drawn(len(right), seed, draws)])
    asked = drawn[:, parts:]
    shares = np.divide(drawn[:, :parts], asked, out=np.full_like(asked, np.nan), where=asked > 0)
    low, high = percentile_ends(shares, axis=0)
    return low, high


@lru_cache(maxsize=2)
def times_drawn(people: int, seed: int, draws: int) -> NDArray[np.uint8]:
    """Return how often each person is drawn (draws × people); cached, because all parts share the same draws."""
    every = np.empty((draws, people), np.uint8)
    for rows, times in _newly_drawn(people, seed, draws):
        every[rows] = times
    return every


def _drawn(people: int, seed: int, draws: int) -> Iterator[tuple[slice, NDArray[np.uint8]]]:
    """Yield :func:`times_drawn` a few rows at a time, with the rows; of many people they are drawn again each time."""
    if draws * people > _CACHED:
        yield from _newly_drawn(people, seed, draws)
        return
    times = times_drawn(people, seed, draws)
    for rows in _blocks(draws, people):
        yield rows, times[rows]


def _newly_drawn(people: int, seed: int, draws: int) -> Iterator[tuple[slice, NDArray[np.uint8]]]:
    random = np.random.default_rng(seed)
    for rows in _blocks(draws, people):
        number = len(range(*rows.indices(draws)))
        drawn = [np.bincount(random.integers(0, people, people), minlength=people) for _ in range(number)]
        yield rows, np.stack(drawn).astype(np.uint8)


def drawn_sums(
    parts: NDArray[np.float64], membership: NDArray[np.float64], seed: int, draws: int
) -> NDArray[np.float64]:
    """Return sums over groups (parts × draws × groups) when people are drawn with replacement.

    ``parts`` (parts × people) are the contributions of each person; ``membership`` (people × groups) is 1 for the
    members of a group.
    """
    people, groups = membership.shape
    sums = np.empty((len(parts), draws, groups))
    for rows, times in _drawn(people, seed, draws):
        drawn = times.astype(np.float64)
        for at, part in enumerate(parts):
            sums[at, rows] = drawn @ (part[:, None] * membership)
    return sums


def shuffled_sums(
    parts: NDArray[np.float64], groups: Sequence[NDArray[np.int64]], seed: int, draws: int
) -> list[NDArray[np.float64]]:
    """Return sums over groups (parts × draws × groups) when people are permuted over the groups of each demographic.

    ``groups`` has for each demographic the group of each person (people,), -1 for none; people without a group keep
    none, and only the others are permuted. Each draw is one permutation of all people, the same for every demographic,
    so that the association between demographics is preserved.
    """
    sums = [np.empty((len(parts), draws, int(group.max(initial=-1)) + 1)) for group in groups]
    alike: dict[bytes, list[int]] = {}
    for at, group in enumerate(groups):
        alike.setdefault((group >= 0).tobytes(), []).append(at)
    people = parts.shape[1]
    random = np.random.default_rng(seed)
    for rows in _blocks(draws, people * len(parts)):
        orders = np.stack([random.permutation(people) for _ in range(*rows.indices(draws))])
        for places in alike.values():
            known = groups[places[0]] >= 0
            widths = [sums[at].shape[2] for at in places]
            members = np.hstack(
                [
                    (groups[at][known, None] == np.arange(width)).astype(np.float64)
                    for at, width in zip(places, widths, strict=True)
                ]
            )
            # Dropping the people without a group from a random order leaves a random order of the others.
            shuffled = np.take(parts, orders[known[orders]].reshape(len(orders), -1), axis=1) @ members
            for at, part in zip(places, np.split(shuffled, np.cumsum(widths)[:-1], axis=2), strict=True):
                sums[at][:, rows] = part
    return sums


def _blocks(draws: int, width: int) -> Iterator[slice]:
    """Yield slices of the draws, small enough to hold ``width`` numbers per draw in memory."""
    step = max(1, _BLOCK // max(1, width))
    for start in range(0, draws, step):
        yield slice(start, min(start + step, draws))
