"""What the figures of a report are drawn with: rows of dots, axes of accuracy, one look, and SVG."""

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

from indievalue.report.figures.lettering import label_expression, lines_within, printable, shortened, text_width, widest
from indievalue.report.figures.styles import FONT, GRID, INK, MUTED, PAPER, PredictorStyle

WIDE = 720
"""Pixels across, where nothing else is asked for."""

PHONE = 326
"""Pixels across a figure on a phone with a screen of 390 pixels."""

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

_MARGIN = 4
"""Pixels to the left and right of a title."""

_LABELS = 0.55
"""Share of a figure's width that the names of its rows take at most; longer ones are shortened."""

_PADDING = 20
"""Pixels to the left and right of the names of rows."""

_SYMBOL = 32
"""Pixels across of a symbol in a legend, with what parts it from names."""

Figure = alt.Chart | alt.LayerChart | alt.FacetChart | alt.HConcatChart | alt.VConcatChart
"""Any chart."""


@dataclass(frozen=True)
class Rows:
    """The rows of a dot figure, each of ``lines`` thinner ones of ``height`` pixels.

    Data are placed by their keys ``row`` and ``line``. Names that are ``above`` stand there in every width.
    """

    names: tuple[str, ...]
    lines: tuple[str, ...]
    width: int
    height: int
    above: bool = False

    @property
    def narrow(self) -> bool:
        return self.above or self.width < NARROW

    @property
    def across(self) -> float:
        """About the width of the plot beside the names, which a legend above it has."""
        return self.width if self.narrow else self.width - min(widest(self.names), _LABELS * self.width) - _PADDING

    @property
    def pixels(self) -> int:
        """Height of the whole figure without axis and legend."""
        lines = len(self.lines) + (_HEADING / self.height if self.narrow else 0)
        return round(len(self.names) * lines * self.height / (1 - _GAP))

    def encoding(self) -> dict[str, Any]:
        axis = None if self.narrow else names_axis(self.names, _LABELS * self.width, labelPadding=10)
        lines = [_NAME, *self.lines] if self.narrow else list(self.lines)
        return {
            "y": alt.Y("row:N", sort=None, scale=alt.Scale(domain=list(self.names), paddingInner=_GAP), axis=axis),
            "yOffset": alt.YOffset("line:N", sort=None, scale=alt.Scale(domain=lines)),
        }

    def headings(self) -> list[alt.Chart]:
        """The names of the rows as text above each, where the figure is narrow."""
        if not self.narrow:
            return []
        across = self.width - 4 * _MARGIN
        named = [{"row": name, "line": _NAME, "text": shortened(name, across, bold=True)} for name in self.names]
        text = chart_of(named).mark_text(align="left", dy=-3, color=INK, fontWeight=600)
        return [text.encode(x=alt.value(0), text="text:N", **self.encoding())]


def names_axis(names: Sequence[str], pixels: float, **options: Any) -> alt.Axis:
    """An axis that names rows, without lines. Names of more than ``pixels`` lose their middle."""
    text = label_expression(names, pixels, options.get("labelFontSize", 13))
    given = {"title": None, **options} if text is None else {"title": None, **options, "labelExpr": text}
    # Without an extent of its own an axis puts its title at most 200 pixels away, on top of longer names.
    return alt.Axis(labelLimit=0, domain=False, ticks=False, maxExtent=2 * round(pixels), **given)


def legend_of(names: Sequence[str], width: float, **options: Any) -> alt.Legend:
    """A legend above a figure in as many columns as ``width`` allows. Names that are wider lose their middle."""
    widths = [text_width(name) + _SYMBOL for name in names]
    fitting = (many for many in range(len(names), 1, -1) if sum(max(widths[at::many]) for at in range(many)) <= width)
    columns = next(fitting, 1)
    text = label_expression(names, width - _SYMBOL)
    given = options if text is None else {**options, "labelExpr": text}
    return alt.Legend(title=None, columns=columns, labelLimit=0, symbolSize=70, **{"orient": "top", **given})


def legend_row(names: Sequence[str]) -> float:
    """Pixels that a legend of ``names`` takes in one row."""
    return sum(text_width(name) + _SYMBOL for name in names)


def chart_of(items: Sequence[Mapping[str, Any]]) -> alt.Chart:
    """A chart without marks of ``items``, which it holds itself."""
    # As text, for Altair copies whatever a chart holds again and again.
    text = json.dumps([_printable(dict(item)) for item in items])
    return alt.Chart(alt.InlineData(values=text, format=alt.JsonDataFormat(type="json")))


def dot_layers(
    items: Sequence[Mapping[str, Any]], rows: Rows, x: alt.X, looks: Mapping[str, Any]
) -> list[alt.Chart | alt.LayerChart]:
    """Intervals (``accuracy_low`` to ``accuracy_high``), and on each a dot (``accuracy``) that says its ``tip``."""
    chart = chart_of(items)
    interval = chart.mark_rule(strokeWidth=2, strokeOpacity=0.55).encode(
        x=alt.X("accuracy_low:Q"), x2="accuracy_high:Q", color=looks["color"], **rows.encoding()
    )
    dot = chart.mark_point(opacity=1, filled=True, size=62, aria=True)
    said = {"description": "tip:N"} if all("tip" in item for item in items) else {}
    return [dot.encode(x=x, **said, **looks, **rows.encoding()), interval]


def dot_figure(layers: Sequence[alt.Chart | alt.LayerChart], rows: Rows) -> alt.LayerChart:
    """The layers as one figure, exactly as wide as ``rows`` says, with labels and all."""
    fit = alt.AutoSizeParams(type="fit-x", contains="padding")
    chart = alt.layer(*rows.headings(), *layers)
    assert isinstance(chart, alt.LayerChart)  # which of two kinds it gives depends on its arguments
    return chart.properties(width=rows.width, height=rows.pixels, autosize=fit, config=CONFIG)


def predictor_looks(
    styles: Mapping[str, PredictorStyle], predictors: Sequence[str], legend: alt.Legend | None
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


def spanning(values: Iterable[float | None]) -> alt.Scale:
    """Return a scale from the multiple of five below the least of ``values`` to the one above the greatest.

    Values that are None or not finite are passed over.
    """
    given = [value for value in values if value is not None and np.isfinite(value)]
    low, high = 5 * np.floor(min(given) / 5), 5 * np.ceil(max(given) / 5)
    return alt.Scale(domain=[float(low), float(max(high, low + 5))], zero=False, nice=False, clamp=True)


def unchecked() -> AbstractContextManager[None]:
    """Build charts without Altair checking every part of them, which takes as long as drawing them."""
    return debug_mode(False)


def figure_svg(chart: Figure, title: str | None = None, subtitle: str = "") -> str:
    """The chart as SVG text, made without any network."""
    version = ".".join(alt.SCHEMA_VERSION.removeprefix("v").split(".")[:2])
    # The charts are ours, and checking them takes as long as drawing them.
    drawn = _printable(chart.to_dict(validate=False))
    svg = vl_convert.vegalite_to_svg(drawn, vl_version=version, allowed_base_urls=[])
    return svg if title is None else titled_svg(svg, title, subtitle)


def _printable(value: Any) -> Any:
    """Return ``value`` without control characters in any text: at one of these the drawing library ends the process."""
    if isinstance(value, str):
        return printable(value)
    if isinstance(value, dict):
        return {key: _printable(one) for key, one in value.items()}
    return [_printable(one) for one in value] if isinstance(value, list) else value


def titled_svg(svg: str, title: str, subtitle: str = "") -> str:
    """An SVG with a heading above it, as a file of its own.

    A heading that is wider than the figure goes on in further lines; a narrow figure gets a margin to its right first.
    """
    opening = re.match(r'<svg[^>]*? width="([\d.]+)" height="([\d.]+)"', svg)
    assert opening is not None, svg[:200]
    across, down = float(opening[1]), float(opening[2])
    within = max(across, NARROW) - 2 * _MARGIN
    heading: list[str] = []
    used, baseline = across, 0.0
    for text, size, bold in ((title, 15, True), (subtitle, 13, False)):
        for line in lines_within(text, within, size, bold=bold):
            baseline += 19
            used = max(used, text_width(line, size, bold=bold) + 2 * _MARGIN)
            weight, fill = ("bold", INK) if bold else ("normal", MUTED)
            heading.append(
                f'<text x="{_MARGIN}" y="{baseline:g}" font-size="{size}" font-weight="{weight}" fill="{fill}">'
                f"{escape(line)}</text>"
            )
    top, width = baseline + 18, float(np.ceil(used))
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width:g}" height="{down + top:g}" '
        f'viewBox="0 0 {width:g} {down + top:g}" font-family="{FONT}">'
        f'<rect width="100%" height="100%" fill="{PAPER}"/>{"".join(heading)}'
        f'<g transform="translate(0,{top:g})">{svg}</g></svg>'
    )
