"""Shared parts of figures: rows of dots, accuracy axes, the theme, and rendering to SVG."""

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any

import altair as alt
import numpy as np
import vl_convert
from altair.utils.schemapi import debug_mode
from markupsafe import escape

from indievalue.report.figures.styles import FONT, GRID, INK, MUTED, PAPER, Style

WIDE = 720
"""Default width in pixels."""

NARROW = 480
"""Width in pixels below which row names are placed above the rows rather than beside them, for phones."""

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
"""The line within a row that holds the row's name, in narrow figures."""

_HEADING = 16
"""Height of that line in pixels."""

_GAP = 0.2
"""Gap between rows, as a share of the row height."""


_TITLE = 56
"""Height in pixels of the title and subtitle."""

Figure = alt.Chart | alt.LayerChart | alt.FacetChart | alt.HConcatChart | alt.VConcatChart
"""Any chart."""


@dataclass(frozen=True)
class Rows:
    """The rows of a dot figure, each divided into ``lines`` of ``height`` pixels.

    Items are placed by their keys ``row`` and ``line``.
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
        """Height of the figure without axis and legend."""
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
        """Return the row names as text above each row, if the figure is narrow."""
        if not self.narrow:
            return []
        text = chart_of([{"row": name, "line": _NAME} for name in self.names])
        text = text.mark_text(align="left", dy=-3, color=INK, fontWeight=600)
        return [text.encode(x=alt.value(0), text="row:N", **self.encoding())]


def chart_of(items: Sequence[Mapping[str, Any]]) -> alt.Chart:
    """Return a chart without marks, with ``items`` as inline data."""
    # As text, because Altair repeatedly copies the contents of a chart.
    text = json.dumps([dict(item) for item in items])
    return alt.Chart(alt.InlineData(values=text, format=alt.JsonDataFormat(type="json")))


def dot_layers(
    items: Sequence[Mapping[str, Any]], rows: Rows, x: alt.X, looks: Mapping[str, Any]
) -> list[alt.Chart | alt.LayerChart]:
    """Return intervals (``accuracy_low`` to ``accuracy_high``) and dots (``accuracy``) described by ``tip``."""
    chart = chart_of(items)
    interval = chart.mark_rule(strokeWidth=2, strokeOpacity=0.55).encode(
        x=alt.X("accuracy_low:Q"), x2="accuracy_high:Q", color=looks["color"], **rows.encoding()
    )
    dot = chart.mark_point(opacity=1, filled=True, size=62, aria=True)
    said = {"description": "tip:N"} if all("tip" in item for item in items) else {}
    return [dot.encode(x=x, **said, **looks, **rows.encoding()), interval]


def dot_figure(layers: Sequence[alt.Chart | alt.LayerChart], rows: Rows) -> alt.LayerChart:
    """Combine layers into one figure whose width, labels included, is that of ``rows``."""
    fit = alt.AutoSizeParams(type="fit-x", contains="padding")
    chart = alt.layer(*rows.headings(), *layers)
    assert isinstance(chart, alt.LayerChart)  # which of two kinds it gives depends on its arguments
    return chart.properties(width=rows.width, height=rows.pixels, autosize=fit, config=CONFIG)


def predictor_looks(
    styles: Mapping[str, Style], predictors: Sequence[str], legend: alt.Legend | None
) -> dict[str, Any]:
    """Return encodings of colour and shape by the key ``predictor``."""
    colours, shapes = [styles[name].colour for name in predictors], [styles[name].shape for name in predictors]
    return {
        "color": alt.Color("predictor:N", scale=alt.Scale(domain=predictors, range=colours), legend=legend),
        "shape": alt.Shape("predictor:N", scale=alt.Scale(domain=predictors, range=shapes), legend=legend),
    }


def accuracy_axis(values: Sequence[float]) -> alt.X:
    """Return an accuracy axis that spans ``values``, without zero so that intervals stay visible."""
    return alt.X("accuracy:Q", scale=spanning(values), axis=alt.Axis(title="Accuracy, %", grid=True, tickCount=6))


def spanning(values: Iterable[float | None]) -> alt.Scale:
    """Return a scale from the multiple of five below the least of ``values`` to the one above the greatest.

    Values that are None or not finite are ignored.
    """
    given = [value for value in values if value is not None and np.isfinite(value)]
    low, high = 5 * np.floor(min(given) / 5), 5 * np.ceil(max(given) / 5)
    return alt.Scale(domain=[float(low), float(max(high, low + 5))], zero=False, nice=False, clamp=True)


def unchecked() -> AbstractContextManager[None]:
    """Disable Altair's validation, which takes as long as drawing."""
    return debug_mode(False)


def prepare() -> None:
    """Draw an empty figure, because the first one takes a third of a second longer than the others."""
    with unchecked():
        figure_svg(dot_figure([], Rows(("",), ("",), WIDE, 10)))


def figure_svg(chart: Figure, title: str | None = None, subtitle: str = "") -> str:
    """Render a chart as SVG, without network access."""
    version = ".".join(alt.SCHEMA_VERSION.removeprefix("v").split(".")[:2])
    # Skip validation, which takes as long as drawing.
    svg = vl_convert.vegalite_to_svg(chart.to_dict(validate=False), vl_version=version, allowed_base_urls=[])
    return svg if title is None else titled_svg(svg, title, subtitle)


def titled_svg(svg: str, title: str, subtitle: str = "") -> str:
    """Return an SVG with a title and subtitle above it, as a standalone file."""
    opening = re.match(r'<svg[^>]*? width="([\d.]+)" height="([\d.]+)"', svg)
    assert opening is not None, svg[:200]
    width, height = float(opening[1]), float(opening[2])
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width:g}" height="{height + _TITLE:g}" '
        f'viewBox="0 0 {width:g} {height + _TITLE:g}" font-family="{FONT}">'
        f'<rect width="100%" height="100%" fill="{PAPER}"/>'
        f'<text x="4" y="19" font-size="15" font-weight="bold" fill="{INK}">{escape(title)}</text>'
        f'<text x="4" y="38" font-size="13" fill="{MUTED}">{escape(subtitle)}</text>'
        f'<g transform="translate(0,{_TITLE})">{svg}</g></svg>'
    )
