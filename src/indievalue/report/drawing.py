"""What the figures of a report are drawn with: rows of dots, axes of accuracy, one look, and SVG."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import altair as alt
import numpy as np
import vl_convert

from indievalue.report.styles import FONT, GRID, INK, MUTED, Style

WIDE = 720
"""Pixels across, where nothing else is asked for."""

NARROW = 480
"""A figure of fewer pixels puts the name of a row above it and not beside it, so that a phone can show it."""

CONFIG: dict[str, Any] = {
    "background": "white",
    "font": FONT,
    "padding": 4,
    "aria": False,  # only marks that are given a description have one: those with a key ``tip``
    "view": {"stroke": None},
    "axis": {
        "labelColor": INK,
        "labelFontSize": 13,
        "titleColor": MUTED,
        "titleFontSize": 13,
        "titleFontWeight": "normal",
        "gridColor": GRID,
        "domainColor": GRID,
        "tickColor": GRID,
        "labelFlush": False,
    },
    "axisY": {"grid": False},
    "legend": {"orient": "top", "labelColor": INK, "labelFontSize": 13, "labelLimit": 0, "offset": 8},
    "text": {"fontSize": 13},
    "title": {"color": INK, "fontSize": 15, "subtitleColor": MUTED, "subtitleFontSize": 13},
}

_NAME = ""
"""The line of a row that holds the row's name, in a narrow figure."""

_HEADING = 16
"""Height of that line."""

_GAP = 0.2
"""Share of a row's height that parts it from the next."""


Figure = alt.LayerChart | alt.VConcatChart


@dataclass(frozen=True)
class Rows:
    """The rows of a dot figure, each of ``lines`` thinner ones of ``height`` pixels.

    Data are placed by their keys ``row`` and ``line``.
    """

    names: tuple[str, ...]
    lines: tuple[str, ...]
    width: int
    height: int

    @property
    def narrow(self) -> bool:
        return self.width < NARROW

    @property
    def pixels(self) -> int:
        """Height of the whole figure without axis and legend."""
        lines = len(self.lines) + (_HEADING / self.height if self.narrow else 0)
        return round(len(self.names) * lines * self.height / (1 - _GAP))

    def encoding(self) -> dict[str, Any]:
        axis = None if self.narrow else alt.Axis(title=None, labelLimit=320, domain=False, ticks=False, labelPadding=10)
        lines = [_NAME, *self.lines] if self.narrow else list(self.lines)
        return {
            "y": alt.Y("row:N", sort=None, scale=alt.Scale(domain=list(self.names), paddingInner=_GAP), axis=axis),
            "yOffset": alt.YOffset("line:N", sort=None, scale=alt.Scale(domain=lines)),
        }

    def headings(self) -> list[alt.Chart]:
        """The names of the rows as text above each, where the figure is narrow."""
        if not self.narrow:
            return []
        text = chart_of([{"row": name, "line": _NAME} for name in self.names])
        text = text.mark_text(align="left", dy=-3, color=INK, fontWeight=600)
        return [text.encode(x=alt.value(0), text="row:N", **self.encoding())]


def chart_of(items: Sequence[Mapping[str, Any]]) -> alt.Chart:
    """A chart without marks of ``items``, which it holds itself."""
    return alt.Chart(alt.InlineData(values=[dict(item) for item in items]))


def dot_layers(
    items: Sequence[Mapping[str, Any]], rows: Rows, x: alt.X, looks: Mapping[str, Any]
) -> list[alt.Chart | alt.LayerChart]:
    """Intervals (``accuracy_low`` to ``accuracy_high``), and on each a dot (``accuracy``) that says its ``tip``."""
    chart = chart_of(items)
    interval = chart.mark_rule(strokeWidth=2, opacity=0.55).encode(
        x=alt.X("accuracy_low:Q"), x2="accuracy_high:Q", color=looks["color"], **rows.encoding()
    )
    dot = chart.mark_point(filled=True, size=62, opacity=1, aria=True)
    said = {"description": "tip:N"} if all("tip" in item for item in items) else {}
    return [dot.encode(x=x, **said, **looks, **rows.encoding()), interval]


def dot_figure(layers: Sequence[alt.Chart | alt.LayerChart], rows: Rows) -> alt.LayerChart:
    """The layers as one figure, exactly as wide as ``rows`` says, with labels and all."""
    fit = alt.AutoSizeParams(type="fit-x", contains="padding")
    chart = alt.layer(*rows.headings(), *layers)
    assert isinstance(chart, alt.LayerChart)  # which of two kinds it gives depends on its arguments
    return chart.properties(width=rows.width, height=rows.pixels, autosize=fit, config=CONFIG)


def predictor_looks(
    styles: Mapping[str, Style], predictors: Sequence[str], legend: alt.Legend | None
) -> dict[str, Any]:
    """Colour and shape by the key ``predictor``."""
    colours, shapes = [styles[name].colour for name in predictors], [styles[name].shape for name in predictors]
    return {
        "color": alt.Color("predictor:N", scale=alt.Scale(domain=predictors, range=colours), legend=legend),
        "shape": alt.Shape("predictor:N", scale=alt.Scale(domain=predictors, range=shapes), legend=legend),
    }


def accuracy_axis(values: Sequence[float]) -> alt.X:
    """An axis that spans ``values``: dots need no zero, and intervals would be lost beside one."""
    return alt.X("accuracy:Q", scale=spanning(values), axis=alt.Axis(title="Accuracy, %", grid=True, tickCount=6))


def spanning(values: Sequence[float]) -> alt.Scale:
    """A scale from the multiple of five below the least of ``values`` to the one above the greatest."""
    low, high = 5 * np.floor(min(values) / 5), 5 * np.ceil(max(values) / 5)
    return alt.Scale(domain=[float(low), float(max(high, low + 5))], zero=False, nice=False, clamp=True)


def figure_svg(chart: Figure, title: str | None = None, subtitle: str = "") -> str:
    """The chart as SVG text, made without any network."""
    spec = chart.to_dict(validate=False)  # the charts are ours, and checking them takes as long as drawing them
    if title is not None:
        spec["title"] = {"text": title, "subtitle": subtitle, "anchor": "start", "frame": "bounds", "offset": 14}
    return _drawn(json.dumps(spec))


@lru_cache(maxsize=256)
def _drawn(spec: str) -> str:
    """The SVG of a specification; kept, because the page of several runs shows the figures of each again."""
    version = ".".join(alt.SCHEMA_VERSION.removeprefix("v").split(".")[:2])
    return vl_convert.vegalite_to_svg(spec, vl_version=version, allowed_base_urls=[])
