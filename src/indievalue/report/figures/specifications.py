"""The specification curve: accuracies in order, with intervals, above dots that say how each was asked."""

from collections.abc import Mapping, Sequence
from typing import Any

import altair as alt
import polars as pl

from indievalue.report.described import described
from indievalue.report.figures.drawing import CONFIG, WIDE, Figure, chart_of, names_axis, spanning
from indievalue.report.figures.lettering import widest
from indievalue.report.figures.panels import AXIS, is_narrow
from indievalue.report.figures.styles import BAND, INK, MUTED, PALETTE
from indievalue.report.tips import settings_tip

_LONGEST = 0.42
"""Share of the width that the names of settings take at most."""

_EDGE, _ROW, _CURVE = 24, 17, 190
"""Pixels beside the panels, of a row of dots, and of the curve above them."""

_SMALL = 11
"""Size of the names of settings on a phone."""


def specification_curve(table: pl.DataFrame, axes: Sequence[str], *, width: int = WIDE) -> Figure:
    """Draw the rows of ``table`` in the order of their accuracy; settings that do not vary are left out.

    ``table`` has a column for each of ``axes``, and accuracy with its interval. Settings are grouped by axis, in the
    order in which their values occur.
    """
    ordered = table.sort("accuracy", maintain_order=True)
    values = {axis: table[axis].unique(maintain_order=True).to_list() for axis in axes}
    values = {axis: found for axis, found in values.items() if len(found) > 1}
    names = [described({axis: value}) for axis, found in values.items() for value in found]
    size = _SMALL if is_narrow(width) else 13
    beside = max(min(widest(names, size), _LONGEST * width), AXIS) + _EDGE
    across = round(width - beside)
    places = alt.X("place:O", axis=None, scale=alt.Scale(domain=list(range(len(ordered))), paddingOuter=0.6))
    curve = _curve(ordered.to_dicts(), places, across, 14 if is_narrow(width) else 34)
    if not names:
        return curve.properties(config=CONFIG)
    axis = names_axis(names, _LONGEST * width, labelFontSize=size)
    dots = _dots(ordered, values, places, axis, 13 if is_narrow(width) else 26)
    dots = dots.properties(width=across, height=_ROW * len(names))
    both: Figure = alt.vconcat(curve, dots, spacing=10).resolve_scale(x="shared").properties(config=CONFIG)
    return both


def _curve(rows: Sequence[Mapping[str, Any]], x: alt.X, across: int, size: int) -> alt.LayerChart:
    ends = [row[key] for row in rows for key in ("accuracy_low", "accuracy_high")]
    items = [
        {
            **{key: row[key] for key in ("accuracy", "accuracy_low", "accuracy_high")},
            "place": place,
            "tip": settings_tip(row),
        }
        for place, row in enumerate(rows)
    ]
    chart = chart_of(items)
    y = alt.Y("accuracy:Q", scale=spanning(ends), axis=alt.Axis(title="Accuracy, %", grid=True, tickCount=6))
    interval = chart.mark_rule(strokeWidth=1.6, opacity=0.5, color=PALETTE[0][0]).encode(
        x=x, y=alt.Y("accuracy_low:Q"), y2="accuracy_high:Q"
    )
    dot = chart.mark_point(filled=True, size=size, opacity=1, color=PALETTE[0][0], aria=True).encode(
        x=x, y=y, description="tip:N"
    )
    drawn = alt.layer(interval, dot).properties(width=across, height=_CURVE)
    assert isinstance(drawn, alt.LayerChart)
    return drawn


def _dots(
    ordered: pl.DataFrame, values: Mapping[str, Sequence[Any]], x: alt.X, axis: alt.Axis, size: int
) -> alt.LayerChart:
    """Dots of the settings of each cell, on bands that part the axes from each other."""
    names = [described({name: value}) for name, found in values.items() for value in found]
    y = alt.Y("row:N", sort=None, scale=alt.Scale(domain=names), axis=axis)
    bands = [
        {"row": described({name: value})}
        for place, (name, found) in enumerate(values.items())
        if place % 2 == 0
        for value in found
    ]
    items = [
        {"place": place, "row": described({name: row[name]}), "colour": number % 2}
        for place, row in enumerate(ordered.to_dicts())
        for number, name in enumerate(values)
    ]
    ground = chart_of(bands).mark_rect(color=BAND, opacity=0.6).encode(y=y, x=alt.value(0), x2=alt.value("width"))
    colours = alt.Color("colour:O", scale=alt.Scale(domain=[0, 1], range=[INK, MUTED]), legend=None)
    dot = chart_of(items).mark_point(filled=True, size=size, opacity=1).encode(x=x, y=y, color=colours)
    drawn = alt.layer(ground, dot)
    assert isinstance(drawn, alt.LayerChart)
    return drawn
