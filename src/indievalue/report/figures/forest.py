"""Forest plots: the groups of a demographic with their intervals, around a predictor's mean and what chance allows.

Files of figures have them as Altair charts. The HTML page has them as tables with a small plot in every row, written by
its template: such a table can be sorted and copied from, its text wraps on a phone, and a screen reader reads it row by
row, all of which a picture would lose.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import altair as alt
import numpy as np
import polars as pl

from indievalue.report.figures.drawing import CONFIG, chart_of, names_axis
from indievalue.report.figures.lettering import lines_within
from indievalue.report.figures.styles import BAND, INK, MUTED, PredictorStyle
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


_LINE = 22
"""Pixels from one group to the next."""

_PANEL, _BETWEEN = 200, 36
"""Pixels across of a panel, and between two of them."""

_LONGEST = 420
"""Pixels that the name of a group takes at most."""


def forest_figure(forest: Forest, styles: Mapping[str, PredictorStyle]) -> alt.HConcatChart:
    """A panel for each predictor, side by side, over the same groups.

    Groups stand in the order of the last predictor that is no baseline, the best known first.
    """
    labels = {row.group: f"{row.group}  (n = {row.people:,})" for row in forest.panels[-1].rows}
    panels = [
        _drawn(forest, panel, labels, styles[panel.predictor], first=place == 0)
        for place, panel in enumerate(forest.panels)
    ]
    return alt.hconcat(*panels, spacing=_BETWEEN).properties(config=CONFIG)


def _drawn(
    forest: Forest, panel: Panel, labels: Mapping[str, str], style: PredictorStyle, *, first: bool
) -> alt.LayerChart:
    """One panel; the ``first`` names the groups."""
    items = [
        {
            "group": labels[row.group],
            "accuracy": row.accuracy - panel.mean,
            "low": row.low - panel.mean,
            "high": row.high - panel.mean,
            "start": -row.band,
            "end": row.band,
        }
        for row in panel.rows
        if row.group in labels
    ]
    names = list(labels.values())
    axis = names_axis(names, _LONGEST, labelPadding=10) if first else None
    y = alt.Y("group:N", sort=None, scale=alt.Scale(domain=names, padding=0), axis=axis)
    scale = alt.Scale(domain=[-forest.reach, forest.reach], nice=False, clamp=True)
    text = f"datum.value == 0 ? '{panel.mean:.1f}%' : format(datum.value, '+d')"
    ticks = alt.Axis(
        title=None, grid=True, values=forest.ticks(), labelExpr=text, labelColor=MUTED, labelFontSize=12, domain=False
    )
    x = alt.X("accuracy:Q", scale=scale, axis=ticks)
    chart = chart_of(items)
    layered = alt.layer(
        chart.mark_rect(color=BAND).encode(x=alt.X("start:Q", scale=scale), x2="end:Q", y=y),
        chart_of([{"accuracy": 0}]).mark_rule(color=INK).encode(x=x),
        chart.mark_rule(color=style.colour, strokeWidth=2, strokeOpacity=0.6).encode(
            x=alt.X("low:Q", scale=scale), x2="high:Q", y=y
        ),
        chart.mark_point(color=style.colour, shape=style.shape, filled=True, size=62, opacity=1).encode(x=x, y=y),
    )
    assert isinstance(layered, alt.LayerChart)  # which of two kinds it gives depends on its arguments
    heading = alt.TitleParams(lines_within(panel.predictor, _PANEL + _BETWEEN - 16, bold=True), fontSize=13, offset=8)
    return layered.properties(width=_PANEL, height=_LINE * len(names), title=heading)


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
