"""Forest plots: accuracy of the groups of a demographic, relative to the mean and to the range expected by chance."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl
from markupsafe import escape

from indievalue.report.figures.styles import BAND, FONT, GRID, INK, MUTED, PAPER, Style
from indievalue.report.numbers import signed
from indievalue.report.tips import PART, accuracy_tip
from indievalue.runs.run import Run

CHANCE = 1.96
"""Standard errors on either side of the mean that contain 95% of groups by chance."""

_REACHES = (1, 2, 3, 4, 5, 6, 8, 10, 12, 15, 20, 25, 30, 40, 50)
"""Possible ranges of a plot, in points on either side of the mean."""


@dataclass(frozen=True)
class Row:
    """A group: its accuracy (0-100) with interval, and the half-width ``band`` of the range expected by chance."""

    group: str
    people: int
    accuracy: float
    low: float
    high: float
    band: float
    tip: str


@dataclass(frozen=True)
class Panel:
    """The groups of one predictor, sorted by accuracy, and its ``mean``."""

    predictor: str
    mean: float
    rows: tuple[Row, ...]


@dataclass(frozen=True)
class Forest:
    """The plot of one demographic, spanning ``reach`` points on either side of each predictor's mean.

    ``note`` lists the groups that were too small.
    """

    demographic: str
    note: str
    reach: float
    panels: tuple[Panel, ...]

    @property
    def title(self) -> str:
        return self.demographic.replace("_", " ").replace("×", "by")

    def at(self, panel: Panel, accuracy: float) -> float:
        """Return the horizontal position of an accuracy in the panel, 0-100."""
        return float(np.clip(50 + 50 * (accuracy - panel.mean) / self.reach, 0, 100))

    def ticks(self) -> list[int]:
        """Return the tick positions, in points from the mean: half and all of the reach on either side."""
        half = max(1, int(self.reach // 2))
        return [-2 * half, -half, 0, half, 2 * half] if 2 * half <= self.reach else [-half, 0, half]


def forests(run: Run) -> tuple[Forest, ...]:
    """Return a plot for each demographic with at least two groups that are large enough, all on the same scale."""
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
        # Standard error of a group's mean when its people are drawn without replacement.
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
        rows.append(Row(item["group"], item["people"], item["value"], item["low"], item["high"], band, tip))
    return Panel(predictor, mean, tuple(rows))


_LINE = 22
_PANEL = 200
_HEAD = 96
_LETTER = 6.9
"""Upper bound on the average width of a letter in pixels."""


def forest_file(forest: Forest, styles: Mapping[str, Style], title: str, subtitle: str) -> str:
    """Draw the plot as a standalone SVG: one panel per predictor, side by side, over the same groups.

    Groups are sorted by the accuracy of the last predictor that is not a baseline.
    """
    order = [row.group for row in forest.panels[-1].rows]
    sizes = {row.group: row.people for row in forest.panels[-1].rows}
    labels = {group: f"{group}  (n = {sizes[group]:,})" for group in order}
    left = 24 + _LETTER * max(len(label) for label in labels.values())
    width = max(left + len(forest.panels) * (_PANEL + 24) + 12, 24 + _LETTER * 1.15 * max(len(title), len(subtitle)))
    bottom = _HEAD + _LINE * len(order)
    parts = [
        f'<text x="12" y="26" font-size="15" font-weight="bold" fill="{INK}">{escape(title)}</text>',
        f'<text x="12" y="46" font-size="13" fill="{MUTED}">{escape(subtitle)}</text>',
    ]
    for place, group in enumerate(order):
        y = _HEAD + _LINE * (place + 0.5)
        parts.append(
            f'<text x="{left - 10:.1f}" y="{y + 4.5:.1f}" text-anchor="end" font-size="13" fill="{INK}">'
            f"{escape(labels[group])}</text>"
        )
    for number, panel in enumerate(forest.panels):
        across = left + number * (_PANEL + 24)
        parts.append(f'<g transform="translate({across:.1f},0)">{_drawn(forest, panel, order, styles, bottom)}</g>')
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width:.0f}" height="{bottom + 44}" '
        f'viewBox="0 0 {width:.0f} {bottom + 44}" font-family="{FONT}">'
        f'<rect width="100%" height="100%" fill="{PAPER}"/>{"".join(parts)}</svg>'
    )


def _drawn(forest: Forest, panel: Panel, order: Sequence[str], styles: Mapping[str, Style], bottom: int) -> str:
    """Draw one panel, 200 pixels wide."""
    colour = styles[panel.predictor].colour

    def x(accuracy: float) -> float:
        return round(forest.at(panel, accuracy) * _PANEL / 100, 1)

    parts = [
        f'<text x="{_PANEL / 2}" y="82" text-anchor="middle" font-size="13" font-weight="bold" fill="{INK}">'
        f"{escape(panel.predictor)}</text>"
    ]
    for tick in forest.ticks():
        at, text = x(panel.mean + tick), f"{panel.mean:.1f}%" if tick == 0 else f"{tick:+d}".replace("-", "−")
        parts.append(
            f'<path d="M{at} {_HEAD}V{bottom}" stroke="{INK if tick == 0 else GRID}" stroke-width="1"/>'
            f'<text x="{at}" y="{bottom + 18}" text-anchor="middle" font-size="12" fill="{MUTED}">{text}</text>'
        )
    rows = {row.group: row for row in panel.rows}
    for place, row in ((place, rows[group]) for place, group in enumerate(order) if group in rows):
        top, y = _HEAD + _LINE * place, _HEAD + _LINE * (place + 0.5)
        start, end = x(panel.mean - row.band), x(panel.mean + row.band)
        parts.insert(0, f'<rect x="{start}" y="{top}" width="{round(end - start, 1)}" height="{_LINE}" fill="{BAND}"/>')
        parts.append(
            f'<path d="M{x(row.low)} {y}H{x(row.high)}" stroke="{colour}" stroke-width="2" stroke-opacity=".6"/>'
            f'<circle cx="{x(row.accuracy)}" cy="{y}" r="4.4" fill="{colour}"/>'
        )
    return "".join(parts)


def forest_rows(forest: Forest) -> list[dict[str, Any]]:
    """Return the data of a plot, with a row per predictor and group."""
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
