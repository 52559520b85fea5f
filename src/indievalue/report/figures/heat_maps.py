"""The heat maps of experiments: accuracy, or what is gained, in squares."""

from collections.abc import Mapping, Sequence
from typing import Any

import altair as alt
import polars as pl

from indievalue.report.described import value_words
from indievalue.report.figures.drawing import Figure, chart_of, names_axis
from indievalue.report.figures.lettering import label_expression, widest
from indievalue.report.figures.panels import ACROSS, panelled
from indievalue.report.numbers import signed
from indievalue.report.tables.of_experiments import NARROW, is_long, numbered
from indievalue.report.tips import settings_tip

_CELL = 46, 26
"""Pixels of a square of a heat map, across and down."""

_SLANTED = 340
"""Pixels that the name of a column takes at most along its slant."""

_SHADES = ["#f4f7fa", "#0b3c7d"]
"""From hardly blue to dark blue in even steps of perceived lightness, which survive grey print and colour blindness."""

_ON_LIGHT = "#111111"
"""Colour of text on light squares. Unlike ``INK`` it has no counterpart in dark mode, where squares are as light."""

_DARK = 0.62
"""Share of the way along them from which white text is easier to read than black."""

_AXES = {"demonstrations_about": "Shown: statements about", "category": "Predicted: questions about"}

_LONGEST = 400
"""Pixels that the name of a row takes at most."""


def heat_map(
    table: pl.DataFrame,
    *,
    rows: str,
    columns: str,
    panels: str | None = None,
    above: Mapping[str, object] | None = None,
) -> Figure:
    """Draw accuracy, or the points gained over the cells that ``above`` names, in squares: the darker the more.

    ``rows``, ``columns`` and ``panels`` are columns of ``table``; so are ``accuracy`` and, with ``above``, ``gain``.
    Many columns with long names are numbered if rows of the same names can carry the numbers, and else written aslant.
    """
    value = "gain" if above else "accuracy"
    if above:
        table = table.filter(~pl.all_horizontal(pl.col(a).cast(str) == value_words(v) for a, v in above.items()))
    column_values = table[columns].unique(maintain_order=True).to_list()
    many = len(column_values) > NARROW
    number = numbered(column_values, table[rows].unique()) if many else {}
    aslant = many and not number and any(map(is_long, column_values))
    low, high = float(table[value].min()), float(table[value].max())  # type: ignore[arg-type]
    if above:
        low, high = 0.0, max(high, 1.0)  # what is lost has the colour of nothing gained, and its sign
    titled = bool(number) or (rows in _AXES and columns in _AXES)  # which of the two is which is not clear otherwise
    titles = [_AXES.get(axis) for axis in (rows, columns)] if titled else [None, None]
    across = 1 if number or aslant else ACROSS
    heads = {name: number.get(name, name) for name in column_values}
    wide = _CELL[0] if number or aslant else max(_CELL[0], round(widest(column_values, 13)) + 12)
    x = alt.X(
        "column:N",
        sort=None,
        scale=alt.Scale(domain=list(heads.values()), paddingInner=0.03),
        axis=_columns_axis(titles[1], list(heads.values()), aslant=aslant),
    )

    def draw(part: pl.DataFrame, place: int) -> Figure:
        row_values = part[rows].unique(maintain_order=True).to_list()
        names = {row: f"{number[row]}  {row}" if row in number else row for row in row_values}
        items = [
            {
                "tip": settings_tip(item),
                "row": names[item[rows]],
                "column": heads[item[columns]],
                "value": item[value],
                "text": signed(item[value]) if above else f"{item[value]:.1f}",
            }
            for item in part.to_dicts()
        ]
        named = across == 1 or place % ACROSS == 0
        axis = names_axis(list(names.values()), _LONGEST, title=titles[0]) if named else None
        y = alt.Y("row:N", sort=None, scale=alt.Scale(domain=list(names.values()), paddingInner=0.05), axis=axis)
        squares = _squares(items, x, y, (low, high))
        return squares.properties(width=wide * len(column_values), height=_CELL[1] * len(row_values))

    return panelled(table, panels, draw, across=across)


def _columns_axis(title: str | None, names: Sequence[str], *, aslant: bool) -> alt.Axis:
    """Return an axis that names the columns of a heat map, above it."""
    turned = {"labelAngle": -40, "labelAlign": "left", "maxExtent": 2 * _LONGEST} if aslant else {"labelAngle": 0}
    text = label_expression(names, _SLANTED) if aslant else None
    given = turned if text is None else {**turned, "labelExpr": text}
    return alt.Axis(title=title, orient="top", labelLimit=0, domain=False, ticks=False, **given)


def _squares(items: Sequence[Mapping[str, Any]], x: alt.X, y: alt.Y, ends: tuple[float, float]) -> alt.LayerChart:
    """Squares that are the darker the nearer their ``value`` is to the second of ``ends``, each with its ``text``."""
    low, high = ends
    dark = low + _DARK * (high - low)
    shades = alt.Scale(range=_SHADES, interpolate="lab", domain=[low, high], clamp=True, nice=False)
    chart = chart_of(items)
    white = alt.condition(f"datum.value > {dark}", alt.value("#fefefe"), alt.value(_ON_LIGHT))
    layered = alt.layer(
        chart.mark_rect(aria=True).encode(
            x=x, y=y, description="tip:N", color=alt.Color("value:Q", scale=shades, legend=None)
        ),
        chart.mark_text(fontSize=11.5).encode(x=x, y=y, text="text:N", color=white),
    )
    assert isinstance(layered, alt.LayerChart)  # which of two kinds it gives depends on its arguments
    return layered
