"""The figure of an experiment on several surveys: accuracy, inequity and overconfidence of each."""

from collections.abc import Mapping, Sequence
from typing import Any

import altair as alt
import polars as pl

from indievalue.report.figures.drawing import CONFIG, WIDE, Figure, chart_of, legend_of, names_axis
from indievalue.report.figures.lettering import widest
from indievalue.report.figures.panels import is_narrow, panel_width
from indievalue.report.figures.styles import INK, MUTED, PALETTE, SHAPES
from indievalue.report.numbers import interval, number, signed, signed_interval
from indievalue.report.tips import PART

SHOWN = {
    "context demographics": "demographics",
    "demonstrations 5": "5 statements",
    "demonstrations 20": "20 statements",
    "demonstrations all": "all statements",
    "context both": "all statements and demographics",
}
"""What is shown in the panel of accuracy, and how it is called there."""

_PANEL = 560
"""Pixels across of a panel, beside the names of the surveys."""

_NAMED, _PADDING = 0.3, 14
"""Share of a phone's figure that names take at most, and pixels between them and the panel."""

_LINE, _ROW = 11, 20
"""Pixels down of each line of a survey with several, and of a survey with one."""

_HALF_TICK = 0.42
"""Half the height of the marks of the most common answer and of the ceiling, in rows."""


def surveys_figure(table: pl.DataFrame, centre: str, width: int = WIDE) -> Figure:
    """Draw three panels with a row per survey.

    Accuracy by what is shown of a person, beside that of the most common answer and the best possible; σ over the
    demographics that all surveys have; and overconfidence. ``centre`` is the predictor of all three.
    """
    surveys = table["survey"].unique(maintain_order=True).to_list()
    named = min(widest(surveys), _NAMED * width if is_narrow(width) else 220)
    rows = _Rows(surveys, named, panel_width(_PANEL, width, named + _PADDING))
    panels = [
        (_accuracy(table, rows, width), "Accuracy, %, by what is shown"),
        (_dots(table, rows, "inequity", centre, "σ over groups, points"), "Inequity, over the same demographics"),
        (_dots(table, rows, "overconfidence", centre, "Stated minus actual accuracy, points"), "Overconfidence"),
    ]
    charts = [
        chart.properties(
            width=rows.across,
            title=alt.TitleParams(text, anchor="start", frame="group", fontSize=13, color=MUTED, offset=8),
        )
        for chart, text in panels
        if chart is not None
    ]
    return alt.vconcat(*charts, spacing=18).properties(config=CONFIG)


class _Rows:
    """The rows of all panels: a survey each."""

    def __init__(self, names: Sequence[str], named: float, across: int) -> None:
        self.names, self.named, self.across = list(names), named, across

    def y(self) -> alt.Y:
        """Return the axis of surveys, which takes the same width beside every panel."""
        axis = names_axis(self.names, self.named, minExtent=self.named + 4, labelPadding=6)
        return alt.Y("row:N", sort=None, scale=alt.Scale(domain=self.names, paddingInner=0.25), axis=axis)


def _accuracy(table: pl.DataFrame, rows: _Rows, width: int) -> alt.LayerChart:
    named = [of for of in SHOWN if len(table.filter(measure="accuracy", of=of))]
    lines = [SHOWN[of] for of in named]
    items = [
        _item(row, SHOWN[row["of"]])
        for row in table.filter(pl.col("measure") == "accuracy", pl.col("of").is_in(named)).to_dicts()
    ]
    bands = [_band(row) for row in table.filter(measure="ceiling").to_dicts()]
    ticks = [
        {"row": row["survey"], "value": row["value"], "tip": f"{row['survey']}, most common answer{PART}{_right(row)}"}
        for row in table.filter(measure="most_common").to_dicts()
    ]
    least = min([one["low"] for one in items] + [one["value"] for one in ticks])
    scale = alt.Scale(domain=[5 * (least // 5), 100], zero=False, nice=False)
    x = alt.X("value:Q", scale=scale, axis=alt.Axis(title=None, grid=True, tickCount=6))
    legend = legend_of(lines, rows.across + (rows.named if is_narrow(width) else 0), symbolOpacity=1)
    look: dict[str, Any] = {
        "color": alt.Color("line:N", scale=alt.Scale(domain=lines, range=_colours(len(lines))), legend=legend),
        "shape": alt.Shape("line:N", scale=alt.Scale(domain=lines, range=list(SHAPES[: len(lines)])), legend=legend),
    }
    y, chart = rows.y(), chart_of(items)
    offset = alt.YOffset("line:N", sort=None, scale=alt.Scale(domain=lines))
    layers = [
        chart_of(bands)
        .mark_bar(color=MUTED, opacity=0.25, aria=True)
        .encode(x=alt.X("low:Q", scale=scale), x2="high:Q", y=y, description="tip:N"),
        chart_of(ticks)
        .mark_tick(orient="vertical", size=_LINE * len(lines), thickness=1.6, color=MUTED, aria=True)
        .encode(x=x, y=y, description="tip:N"),
        chart.mark_rule(strokeWidth=1.8, opacity=0.6).encode(
            x=alt.X("low:Q"), x2="high:Q", y=y, yOffset=offset, color=look["color"]
        ),
        chart.mark_point(filled=True, size=44, opacity=1, aria=True).encode(
            x=x, y=y, yOffset=offset, description="tip:N", **look
        ),
    ]
    return _layered(layers, len(rows.names) * (_LINE * len(lines) + 10))


def _dots(table: pl.DataFrame, rows: _Rows, measure: str, centre: str, title: str) -> alt.LayerChart | None:
    """Draw a measure of the predictor as a dot with its interval, and for σ what is expected by chance as a tick."""
    found = table.filter(measure=measure, of=centre).drop_nulls("value").to_dicts()
    if not found:
        return None
    by_chance = {
        row["survey"]: row["value"] for row in table.filter(measure="inequity_by_chance", of=centre).to_dicts()
    }
    items = [
        {
            "row": row["survey"],
            **{name: row[name] for name in ("value", "low", "high")},
            "tip": _points(row, by_chance.get(row["survey"]) if measure == "inequity" else None),
        }
        for row in found
    ]
    y, chart = rows.y(), chart_of(items)
    x = alt.X("value:Q", scale=alt.Scale(zero=True, nice=True), axis=alt.Axis(title=title, grid=True, tickCount=6))
    layers = [
        chart.mark_rule(strokeWidth=1.8, opacity=0.6, color=PALETTE[0][0]).encode(x=alt.X("low:Q"), x2="high:Q", y=y),
        chart.mark_point(filled=True, size=44, opacity=1, color=PALETTE[0][0], aria=True).encode(
            x=x, y=y, description="tip:N"
        ),
    ]
    if measure == "inequity":
        ticks = [{"row": name, "value": value} for name, value in by_chance.items() if value is not None]
        tick = chart_of(ticks).mark_tick(orient="vertical", size=12, thickness=1.6, color=MUTED)
        layers.insert(0, tick.encode(x=x, y=y))
    else:
        zero = chart_of([{"value": 0}]).mark_rule(color=INK, strokeWidth=1, opacity=0.6)
        layers.insert(0, zero.encode(x=x))
    return _layered(layers, len(rows.names) * _ROW)


def _layered(layers: Sequence[Any], height: int) -> alt.LayerChart:
    chart = alt.layer(*layers)
    assert isinstance(chart, alt.LayerChart)
    return chart.properties(height=height)


def _colours(number: int) -> list[str]:
    return [PALETTE[place % len(PALETTE)][0] for place in range(number)]


def _item(row: Mapping[str, Any], line: str) -> dict[str, Any]:
    ends = f"95% interval {interval(row['low'], row['high'])}%"
    tip = PART.join([f"{row['survey']}, {line}", _right(row), ends])
    return {"row": row["survey"], "line": line, **{name: row[name] for name in ("value", "low", "high")}, "tip": tip}


def _band(row: Mapping[str, Any]) -> dict[str, Any]:
    tip = f"{row['survey']}, best possible{PART}{interval(row['low'], row['high'], 0)}% right"
    return {"row": row["survey"], "low": row["low"], "high": row["high"], "tip": tip}


def _right(row: Mapping[str, Any]) -> str:
    return f"{number(row['value'])}% right"


def _points(row: Mapping[str, Any], by_chance: float | None) -> str:
    parts = [row["survey"], f"{signed(row['value'], 2)} points"]
    if row["low"] is not None:
        parts.append(f"95% interval {signed_interval(row['low'], row['high'], 2)}")
    if by_chance is not None:
        parts.append(f"{number(by_chance, 2)} expected by chance")
    return PART.join(parts)
