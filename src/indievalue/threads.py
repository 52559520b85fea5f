"""Compute parts of a result in several threads, with one BLAS thread each."""

import os
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from threadpoolctl import threadpool_limits

T = TypeVar("T")
R = TypeVar("R")

MOST = 8
"""Maximum number of threads, each of which holds arrays of its own."""


def in_threads(compute: Callable[[T], R], parts: Sequence[T]) -> list[R]:
    """Return ``compute(part)`` of each part, in order, computed on all cores.

    Every part is computed by one thread, so that results do not depend on the number of cores. BLAS is limited to one
    thread in the meantime: its own threads would compete for the same cores, and they spin while they have no work.
    """
    with threadpool_limits(1, "blas"):
        threads = min(cores(), MOST, len(parts))
        if threads < 2:
            return [compute(part) for part in parts]
        with ThreadPoolExecutor(threads) as pool:
            return list(pool.map(compute, parts))


def cores() -> int:
    """Return the number of cores that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
