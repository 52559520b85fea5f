"""Benchmarks that show less of the same people: fewer demonstrations, or those of one category; or of fewer people."""

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from indievalue.benchmark.model import NOBODY, Benchmark, Setup
from indievalue.errors import IndievalueError


def with_people(benchmark: Benchmark, chosen: NDArray[np.bool_]) -> Benchmark:
    """The benchmark with those of its people only who are ``chosen`` (people,)."""
    setups = (replace(setup, demonstrations=setup.demonstrations[chosen]) for setup in benchmark.setups)
    return replace(benchmark, people=benchmark.people.take(chosen), setups=tuple(setups))


def with_first_demonstrations(benchmark: Benchmark, number: int) -> Benchmark:
    """The benchmark with the first ``number`` demonstrations only."""
    setups = (replace(setup, demonstrations=setup.demonstrations[:, :number]) for setup in benchmark.setups)
    return replace(benchmark, setups=tuple(setups))


def with_demonstrations_about(benchmark: Benchmark, category: str) -> Benchmark:
    """The benchmark with those demonstrations only that are of questions of ``category``, in the same order.

    Probes stay what they are, so where they are of that category too, what is shown is its other questions. Raises
    IndievalueError for a category that the survey does not have.
    """
    survey = benchmark.survey
    if category not in survey.categories:
        raise IndievalueError(
            f"survey {survey.name} has no category {category!r}; it has {'; '.join(survey.categories)}"
        )
    wanted = np.array([question.category == category for question in survey.questions])
    return replace(benchmark, setups=tuple(_keeping(setup, wanted) for setup in benchmark.setups))


def _keeping(setup: Setup, wanted: NDArray[np.bool_]) -> Setup:
    drawn = setup.demonstrations
    keep = (drawn != NOBODY) & wanted[drawn]
    order = np.argsort(~keep, axis=1, kind="stable")  # those kept come first, in the order in which they were drawn
    kept = np.where(np.take_along_axis(keep, order, axis=1), np.take_along_axis(drawn, order, axis=1), NOBODY)
    return replace(setup, demonstrations=kept[:, : int(keep.sum(axis=1).max(initial=0))].astype(np.int16))
