"""Estimate how long cells will take, by trying predictors on a few people."""

import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from indievalue.benchmark.build import build_benchmark
from indievalue.benchmark.model import Settings
from indievalue.experiments.engine import CellInputs, Plan, fit_of
from indievalue.experiments.grid import Cell
from indievalue.predictors.registry import kind_of, make_predictor
from indievalue.progress import duration

TRAINING = (300, 900)
TESTED = (8, 32)
"""Numbers of people for trial runs: two each, to separate the time per person from the fixed time."""


@dataclass(frozen=True)
class Estimate:
    """A range of seconds, for all predictors except those in ``unknown``, which were not tried."""

    low: float
    high: float
    unknown: tuple[str, ...]

    def __str__(self) -> str:
        apart = f"{' and '.join(self.unknown)} (no estimate before the first cell)" if self.unknown else ""
        if self.high < 1:
            return f"a moment, and {apart}" if apart else "a moment"
        said = f"{duration(self.low)} to {duration(self.high)}"
        return f"roughly {said}" + (f", and {apart}" if apart else "")


def estimate(planned: Plan, inputs: CellInputs) -> Estimate:
    """Estimate how long the remaining cells will take.

    Predictors with finished cells are expected to take as long as they did there. Others that are quick (see
    :mod:`indievalue.predictors.registry`) are tried on a few people, and the time is extrapolated to all, hence the
    wide range.
    """
    known = past_seconds(planned.finished.values())
    names = dict.fromkeys(cell.predictor for cell in planned.left)
    trials = {name: _try_out(name, inputs) for name in names if name not in known and kind_of(name).quick}
    low = high = 0.0
    for cell, fits in _with_fits(planned.left):
        if cell.predictor in known:
            fit, predict = known[cell.predictor]
            seconds = fit * fits + predict
            low, high = low + 0.8 * seconds, high + 1.3 * seconds
        elif cell.predictor in trials:
            fit, predict = trials[cell.predictor]
            seconds = fit * fits + predict * _setups_like_tried(cell, inputs)
            low, high = low + 0.5 * seconds, high + 2 * seconds
    unknown = tuple(name for name in names if name not in known and name not in trials)
    return Estimate(low, high, unknown)


_SHORT = 60
"""Seconds from which no tenths are shown."""


class CellProgress:
    """Progress lines with the time of each finished cell and, if known, the remaining time."""

    def __init__(self, planned: Plan) -> None:
        self.left = list(planned.left)
        self.total = len(planned.left)
        self.about = list(planned.finished.values())
        self.done = 0

    def line(self, cell: Cell, seconds: Mapping[str, float]) -> str:
        """Return e.g. ``[3/16] gaussian, polar probes: 4.0 s; about 1 min left``."""
        self.done += 1
        self.left.remove(cell)
        self.about.append({"predictor": cell.predictor, "seconds": seconds})
        taken = sum(seconds.values())
        said = f"[{self.done}/{self.total}] {cell.label}: {f'{taken:.1f} s' if taken < _SHORT else duration(taken)}"
        known = past_seconds(self.about)
        if not self.left or any(other.predictor not in known for other in self.left):
            return said
        fits = _with_fits([cell, *self.left])[1:]
        rest = sum(fit * known[other.predictor][0] + known[other.predictor][1] for other, fit in fits)
        return f"{said}; about {duration(rest)} left"


def past_seconds(finished: Iterable[Mapping[str, Any]]) -> dict[str, tuple[float, float]]:
    """Return mean seconds to (fit, predict) by predictor, from finished cells."""
    taken: dict[str, list[tuple[float, float]]] = {}
    for about in finished:
        seconds = about.get("seconds", {})
        taken.setdefault(str(about["predictor"]), []).append((seconds.get("fit", 0.0), seconds.get("predict", 0.0)))
    return {
        name: (max(fit for fit, _ in pairs), sum(predict for _, predict in pairs) / len(pairs))
        for name, pairs in taken.items()
    }


def _try_out(name: str, inputs: CellInputs) -> tuple[float, float]:
    """Estimate seconds to (fit on all training people, predict one setup of all tested people), from a few of each."""
    settings = Settings(form="polar", demonstrations_as="refined", setups=(0,), seed=inputs.seed)
    predictor = make_predictor(name)
    learning, asking = [], []
    for number in TRAINING:
        few = inputs.training.take(_spread(len(inputs.training), number))
        start = time.perf_counter()
        predictor.fit(few, settings.form, settings.shown_form)
        learning.append(time.perf_counter() - start)
    for number in TESTED:
        (_, task), *_ = build_benchmark(inputs.people, settings, inputs.ids[:number]).tasks()
        start = time.perf_counter()
        predictor.predict(task)
        asking.append(time.perf_counter() - start)
    return _extended(learning, TRAINING, len(inputs.training)), _extended(asking, TESTED, len(inputs.ids))


def _setups_like_tried(cell: Cell, inputs: CellInputs) -> int:
    """Return how many setups such as those tried take as long as the cell."""
    numbers = len({setup.number for setup in inputs.setups(cell)})
    apart = cell.settings.show_by != "random" or cell.settings.demonstrations_from == "siblings"
    return _APART * numbers if apart else numbers


_APART = 3
"""How many times as long a setup takes if its probes are shown with statements of their own."""


def _spread(of: int, number: int) -> NDArray[np.int64]:
    return np.unique(np.linspace(0, of - 1, min(number, of)).astype(np.int64))


def _extended(seconds: list[float], numbers: tuple[int, int], to: int) -> float:
    """Extrapolate linearly to ``to`` people from two measurements, but not below the second one."""
    each = max(0.0, (seconds[1] - seconds[0]) / (numbers[1] - numbers[0]))
    return seconds[1] + each * max(0, to - numbers[1])


def _with_fits(left: Iterable[Cell]) -> list[tuple[Cell, int]]:
    """Yield each cell with 1 if its predictor has to be fitted, or 0 if the previous cell has the same fit."""
    pairs, before = [], None
    for cell in left:
        pairs.append((cell, int(fit_of(cell) != before)))
        before = fit_of(cell)
    return pairs
