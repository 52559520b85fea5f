"""Intervals that respect that one person's probes belong together."""

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

DRAWS = 2000
"""Bootstrap draws. The ends of a 95% interval then move by less than a twentieth of its width from seed to seed."""


def cluster_interval(
    right: NDArray[np.integer], probes: NDArray[np.integer], seed: int, draws: int = DRAWS
) -> tuple[float, float]:
    """95% percentile interval of sum(right) / sum(probes), both (people,), when people are drawn with replacement.

    Cluster bootstrap: a person is drawn with all of their probes (Cameron, Gelbach & Miller 2008). With one person
    there is nothing to draw, and both ends are that person's accuracy.
    """
    low, high = cluster_intervals(right[:, None], probes[:, None], seed, draws)
    return float(low[0]), float(high[0])


def cluster_intervals(
    right: NDArray[np.integer], probes: NDArray[np.integer], seed: int, draws: int = DRAWS
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """:func:`cluster_interval` of many parts at once: the ends (parts,) for counts (people × parts).

    A person may have no probe in a part; a draw in which nobody has one says nothing of the part.
    """
    parts = right.shape[1]
    sums = np.concatenate([right, probes], axis=1).astype(np.float64)
    times = times_drawn(len(right), seed, draws)
    drawn = np.concatenate([block.astype(np.float64) @ sums for block in np.array_split(times, max(1, draws // 100))])
    asked = drawn[:, parts:]
    shares = np.divide(drawn[:, :parts], asked, out=np.full_like(asked, np.nan), where=asked > 0)
    low, high = np.nanpercentile(shares, [2.5, 97.5], axis=0)
    return low, high


@lru_cache(maxsize=2)
def times_drawn(people: int, seed: int, draws: int) -> NDArray[np.uint8]:
    """How often each person is drawn (draws × people); kept, because every part of the same people needs the same."""
    random = np.random.default_rng(seed)
    return np.stack([np.bincount(random.integers(0, people, people), minlength=people) for _ in range(draws)]).astype(
        np.uint8
    )
