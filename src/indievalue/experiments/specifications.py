"""How far results depend on how a model is asked: spread, main effects, answers that flip, and self-agreement."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np
import polars as pl
from numpy.typing import NDArray

from indievalue.errors import IndievalueError
from indievalue.experiments.grid import Cell
from indievalue.experiments.spec import REPEAT
from indievalue.intervals import percentile_ends
from indievalue.report.described import value_words
from indievalue.scoring.bootstrap import DRAWS, times_drawn

_SHUFFLES = 300
"""Draws for the spread that is expected by chance."""

_KEY = ["setup", "person", "question"]


@dataclass(frozen=True)
class Asked:
    """What one model answered to the same probes in each of several cells.

    Attributes:
        cells: the ways of asking, the first of which is the one that others are compared with. repeats: the first
            again, the same way.
        choice: int64 (cells and repeats × items), the option chosen, -1 for none; an item is a person and a probe.
        right: bool, the same shape. person: int64 (items,), the place of each item's person.
    """

    cells: tuple[Cell, ...]
    repeats: tuple[Cell, ...]
    choice: NDArray[np.int64]
    right: NDArray[np.bool_]
    person: NDArray[np.int64]

    @property
    def people(self) -> int:
        """The number of people."""
        return int(self.person.max(initial=-1)) + 1


def align(tables: Sequence[tuple[Cell, pl.DataFrame]]) -> Asked:
    """Return the answers of all cells to the probes that each of them has a prediction of.

    Raises IndievalueError if there is no such probe.
    """
    ordered = sorted(tables, key=lambda pair: pair[0].asked.repeat or 0)
    common = ordered[0][1].select(_KEY)
    for _, table in ordered[1:]:
        common = common.join(table.select(_KEY), on=_KEY, how="semi")
    if common.is_empty():
        raise IndievalueError("no probe was answered in every way of asking, so that they cannot be compared")
    common = common.sort(_KEY)
    joined = [common.join(table, on=_KEY, how="left", maintain_order="left") for _, table in ordered]
    choice = np.stack([table["choice"].to_numpy().astype(np.int64) for table in joined])
    right = np.stack([(table["choice"] == table["answer"]).to_numpy() for table in joined])
    _, person = np.unique(common["person"].to_numpy(), return_inverse=True)
    once = tuple(cell for cell, _ in ordered if not cell.asked.repeat)
    return Asked(once, tuple(cell for cell, _ in ordered if cell.asked.repeat), choice, right, person.astype(np.int64))


def spread(asked: Asked, seed: int) -> pl.DataFrame:
    """Return how far the accuracies of all ways of asking are apart, one row per statistic.

    Columns: ``statistic``, ``value``, ``low``, ``high`` (percent, or points), with 95% intervals from resampling
    people. ``by chance`` is the standard deviation if no setting mattered: the mean over shuffles of each answer's
    correctness over the ways of asking. The intervals of the range and of the deviation include that noise.
    """
    right = asked.right[: len(asked.cells)]
    accuracy, drawn = _accuracies(right, asked, seed)
    random = np.random.default_rng(seed)
    shuffled = [random.permuted(right, axis=0).mean(axis=1).std() * 100 for _ in range(_SHUFFLES)]
    statistics: dict[str, Callable[[NDArray[np.float64]], NDArray[np.float64]]] = {
        "mean": lambda rows: np.asarray(rows.mean(axis=-1)),
        "lowest": lambda rows: np.asarray(rows.min(axis=-1)),
        "highest": lambda rows: np.asarray(rows.max(axis=-1)),
        "range": lambda rows: np.asarray(np.ptp(rows, axis=-1)),
        "standard deviation": lambda rows: np.asarray(rows.std(axis=-1)),
    }
    rows = [(name, float(of(accuracy)), *percentile_ends(of(drawn)).tolist()) for name, of in statistics.items()]
    rows.append(("standard deviation by chance", float(np.mean(shuffled)), *percentile_ends(shuffled).tolist()))
    return pl.DataFrame(rows, schema=("statistic", "value", "low", "high"), orient="row")


def main_effects(asked: Asked, grid: Mapping[str, Sequence[object]], seed: int) -> pl.DataFrame:
    """Return the main effect of every value on accuracy, in points from the first value of its setting.

    Effects are those of a linear model of the accuracies of all ways of asking, without interactions, by least squares;
    intervals are from resampling people. Columns: ``setting``, ``value``, ``effect``, ``low``, ``high``, ``cells``.
    """
    levels = [(axis, value) for axis, values in grid.items() for value in values[1:]]
    columns = np.array([[float(cell.axes[axis] == value) for axis, value in levels] for cell in asked.cells])
    design = np.column_stack([np.ones(len(columns)), columns]) if levels else np.ones((len(asked.cells), 1))
    accuracy, drawn = _accuracies(asked.right[: len(asked.cells)], asked, seed)
    solve = np.linalg.pinv(design)
    effects, of_draws = solve @ accuracy, drawn @ solve.T
    rows = []
    for place, (axis, value) in enumerate(levels, 1):
        low, high = percentile_ends(of_draws[:, place]).tolist()
        cells = int(columns[:, place - 1].sum())
        rows.append((axis, value_words(value), float(effects[place]), low, high, cells))
    schema = ("setting", "value", "effect", "low", "high", "cells")
    return pl.DataFrame(rows, schema=schema, orient="row")


def flips(asked: Asked, grid: Mapping[str, Sequence[object]], seed: int) -> pl.DataFrame:
    """Return how often an answer is another one although the person and the probe are the same.

    One row per setting: the share of answers that change if that setting alone is changed from its first value, a mean
    over its other values; then ``any two ways of asking``; and ``asked again``, if there are repeats. Columns:
    ``changed``, ``flipped``, ``low``, ``high`` (percent), ``pairs`` of cells. Two invalid answers are the same.
    """
    first = asked.cells[0].axes
    places = range(len(asked.cells))
    alone = {axis: [p for p in places if _only_differs(asked.cells[p].axes, first, axis)] for axis in grid}
    compared = {axis: [(0, place) for place in found] for axis, found in alone.items() if found}
    compared["any two ways of asking"] = list(combinations(places, 2))
    again = [0, *range(len(asked.cells), len(asked.choice))]
    compared["asked again"] = list(combinations(again, 2))
    rows = []
    for name, pairs in compared.items():
        if pairs:
            differ = np.mean([asked.choice[one] != asked.choice[other] for one, other in pairs], axis=0)
            value, drawn = _accuracies(differ[None], asked, seed)
            rows.append((name, float(value[0]), *percentile_ends(drawn[:, 0]).tolist(), len(pairs)))
    return pl.DataFrame(rows, schema=("changed", "flipped", "low", "high", "pairs"), orient="row")


def _only_differs(axes: Mapping[str, object], first: Mapping[str, object], axis: str) -> bool:
    return [name for name in first if name != REPEAT and axes.get(name) != first[name]] == [axis]


def _accuracies(
    values: NDArray[np.bool_] | NDArray[np.float64], asked: Asked, seed: int
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return means over items in percent (rows,), and the same when people are resampled (draws × rows)."""
    sums = np.stack([np.bincount(asked.person, row.astype(np.float64), asked.people) for row in values])
    asked_of = np.bincount(asked.person, minlength=asked.people).astype(np.float64)
    times = times_drawn(asked.people, seed, DRAWS).astype(np.float64)
    return 100 * sums.sum(axis=1) / asked_of.sum(), 100 * (times @ sums.T) / (times @ asked_of)[:, None]
