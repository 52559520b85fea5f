"""Forest plots: the groups of a demographic with their intervals, around a predictor's mean and what chance allows.

Both are written as SVG without Vega. Every saved run has a file for each demographic: an Altair chart of four panels
takes 0.15 seconds of computing, this 0.002. The HTML page has tables with a small plot in every row, written by its
template: they can be sorted, wrap on a phone, and a screen reader reads them row by row, which a picture would lose.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl
from markupsafe import escape

from indievalue.report.figures.lettering import lines_within, widest
from indievalue.report.figures.styles import BAND, FONT, GRID, INK, MUTED, PredictorStyle
from indievalue.report.numbers import signed
from indievalue.report.tips import PART, accuracy_tip
from indievalue.runs.run import Run

CHANCE = 1.96
"""Standard errors to either side of the mean within which chance puts 95% of groups."""

_REACHES = (1, 2, 3, 4, 5, 6, 8, 10, 12, 15, 20, 25, 30, 40, 50)
"""Points to either side of the mean that a plot may show."""


@dataclass(frozen=True)
class GroupRow:
    """A group: accuracy 0-100 with its interval, and the ``band`` to either side of the mean that chance allows it."""

    group: str
    people: int
    accuracy: float
    low: float
    high: float
    band: float
    tip: str


@dataclass(frozen=True)
class Panel:
    """The groups of one predictor, the one it knows best first, around its ``mean``."""

    predictor: str
    mean: float
    rows: tuple[GroupRow, ...]


@dataclass(frozen=True)
class Forest:
    """The plot of one demographic, which shows ``reach`` points to either side of each predictor's mean.

    ``note`` says which groups were too small for a figure of their own.
    """

    demographic: str
    note: str
    reach: float
    panels: tuple[Panel, ...]

    @property
    def title(self) -> str:
        return self.demographic.replace("_", " ").replace("×", "by")

    def at(self, panel: Panel, accuracy: float) -> float:
        """Where an accuracy stands across the panel, 0-100."""
        return float(np.clip(50 + 50 * (accuracy - panel.mean) / self.reach, 0, 100))

    def ticks(self) -> list[int]:
        """Points from the mean that are marked: half of the reach and its whole, to either side."""
        half = max(1, int(self.reach // 2))
        return [-2 * half, -half, 0, half, 2 * half] if 2 * half <= self.reach else [-half, 0, half]


def forests(run: Run) -> tuple[Forest, ...]:
    """Return a plot for every demographic of which at least two groups are large enough; all have the same scale."""
    return run.remember("forests", lambda: _forests(run))


def _forests(run: Run) -> tuple[Forest, ...]:
    found = run.index
    if found is None:
        return ()
    notes = dict(found.table.select("demographic", "note").iter_rows())
    made = [
        (str(demographic), [_panel(run, str(demographic), rows) for _, rows in _by_predictor(groups)])
        for (demographic,), groups in found.groups.group_by("demographic", maintain_order=True)
    ]
    made = [(demographic, panels) for demographic, panels in made if all(len(panel.rows) > 1 for panel in panels)]
    ends = [
        max(abs(row.low - panel.mean), abs(row.high - panel.mean), row.band)
        for _, panels in made
        for panel in panels
        for row in panel.rows
    ]
    furthest = max(ends, default=1.0)
    reach = float(next((step for step in _REACHES if furthest <= step), _REACHES[-1]))
    return tuple(
        Forest(demographic, notes.get(demographic) or "", reach, tuple(panels)) for demographic, panels in made
    )


def _by_predictor(groups: pl.DataFrame) -> list[tuple[str, pl.DataFrame]]:
    return [(str(name), rows) for (name,), rows in groups.group_by("predictor", maintain_order=True)]


def _panel(run: Run, demographic: str, groups: pl.DataFrame) -> Panel:
    predictor = groups["predictor"][0]
    mean = float(np.average(groups["value"].to_numpy(), weights=groups["probes"].to_numpy()))
    spread = float(run.by_person.filter(pl.col("predictor") == predictor)["accuracy"].to_numpy().std())
    everyone = int(groups["people"].sum())
    rows = []
    for item in groups.sort("value", descending=True, maintain_order=True).iter_rows(named=True):
        # The standard error of a group's mean when people are drawn for it without replacement.
        error = spread * np.sqrt((1 / item["people"] - 1 / everyone) * everyone / max(1, everyone - 1))
        band = float(CHANCE * error)
        scored = {"accuracy": item["value"], "accuracy_low": item["low"], "accuracy_high": item["high"]}
        away = item["value"] - mean
        verdict = "more than chance allows" if abs(away) > band else "within what chance allows"
        tip = PART.join(
            [
                accuracy_tip(f"{predictor}, {item['group']}", item | scored),
                f"{signed(away, 1)} points from the mean, {verdict}",
            ]
        )
        rows.append(GroupRow(item["group"], item["people"], item["value"], item["low"], item["high"], band, tip))
    return Panel(predictor, mean, tuple(rows))


_LINE, _NAME = 22, 16
"""Pixels from one group to the next, and from one line of a predictor's name to the next."""

_PANEL, _BETWEEN = 200, 36
"""Pixels across of a panel, and between two of them."""


def forest_svg(forest: Forest, styles: Mapping[str, PredictorStyle]) -> str:
    """A panel for each predictor, side by side, over the same groups, as SVG.

    Groups stand in the order of the last predictor that is no baseline, the best known first.
    """
    order = [row.group for row in forest.panels[-1].rows]
    labels = [f"{row.group}  (n = {row.people:,})" for row in forest.panels[-1].rows]
    left = round(24 + widest(labels))
    head = 12 + _NAME * max(len(_heading(panel)) for panel in forest.panels)
    bottom = _LINE * len(order)
    width, height = left + len(forest.panels) * (_PANEL + _BETWEEN), head + bottom + 30
    parts = [
        f'<text x="{left - 18}" y="{_LINE * (place + 0.5) + 4.5:.1f}" text-anchor="end" font-size="13" '
        f'fill="{INK}">{escape(label)}</text>'
        for place, label in enumerate(labels)
    ]
    for number, panel in enumerate(forest.panels):
        across = left + number * (_PANEL + _BETWEEN)
        parts.append(f'<g transform="translate({across},0)">{_drawn(forest, panel, order, styles, bottom)}</g>')
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" viewBox="0 0 {width} {height}" '
        f'font-family="{FONT}"><g transform="translate(0,{head})">{"".join(parts)}</g></svg>'
    )


def _heading(panel: Panel) -> list[str]:
    return lines_within(panel.predictor, _PANEL + _BETWEEN - 16, bold=True)


def _drawn(
    forest: Forest, panel: Panel, order: Sequence[str], styles: Mapping[str, PredictorStyle], bottom: int
) -> str:
    """One panel, 200 pixels across."""
    colour = styles[panel.predictor].colour

    def x(accuracy: float) -> float:
        return round(forest.at(panel, accuracy) * _PANEL / 100, 1)

    parts = [
        f'<text x="{_PANEL / 2}" y="{-10 - _NAME * above}" text-anchor="middle" font-size="13" font-weight="bold" '
        f'fill="{INK}">{escape(line)}</text>'
        for above, line in enumerate(reversed(_heading(panel)))
    ]
    for tick in forest.ticks():
        at, text = x(panel.mean + tick), f"{panel.mean:.1f}%" if tick == 0 else f"{tick:+d}".replace("-", "−")
        parts.append(
            f'<path d="M{at} 0V{bottom}" stroke="{INK if tick == 0 else GRID}" stroke-width="1"/>'
            f'<text x="{at}" y="{bottom + 18}" text-anchor="middle" font-size="12" fill="{MUTED}">{text}</text>'
        )
    rows = {row.group: row for row in panel.rows}
    for place, row in ((place, rows[group]) for place, group in enumerate(order) if group in rows):
        top, y = _LINE * place, _LINE * (place + 0.5)
        start, end = x(panel.mean - row.band), x(panel.mean + row.band)
        parts.insert(0, f'<rect x="{start}" y="{top}" width="{round(end - start, 1)}" height="{_LINE}" fill="{BAND}"/>')
        parts.append(
            f'<path d="M{x(row.low)} {y}H{x(row.high)}" stroke="{colour}" stroke-width="2" stroke-opacity=".6"/>'
            f'<circle cx="{x(row.accuracy)}" cy="{y}" r="4.4" fill="{colour}"/>'
        )
    return "".join(parts)


def forest_rows(forest: Forest) -> list[dict[str, Any]]:
    """The numbers behind a plot: a row per predictor and group."""
    return [
        {
            "demographic": forest.demographic,
            "predictor": panel.predictor,
            "group": row.group,
            "people": row.people,
            "accuracy": row.accuracy,
            "accuracy_low": row.low,
            "accuracy_high": row.high,
            "mean": panel.mean,
            "chance_low": panel.mean - row.band,
            "chance_high": panel.mean + row.band,
        }
        for panel in forest.panels
        for row in panel.rows
    ]
