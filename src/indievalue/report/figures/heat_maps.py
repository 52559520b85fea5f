"""The heat maps of experiments: accuracy, or what is gained, in squares."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from math import cos, radians
from typing import Any

import altair as alt
import polars as pl

from indievalue.report.described import value_words
from indievalue.report.figures.drawing import WIDE, Figure, chart_of, names_axis
from indievalue.report.figures.lettering import label_expression, text_width, widest
from indievalue.report.figures.panels import ACROSS, is_narrow, panelled
from indievalue.report.numbers import signed
from indievalue.report.tables.of_experiments import NARROW, is_long, numbered
from indievalue.report.tips import settings_tip

_CELL = 46, 26
"""Pixels of a square of a heat map, across and down."""

_NUMBER = 34
"""Pixels across of the smallest square that holds a number."""

_SLANT = 40
"""Degrees by which names of columns are turned."""

_NAMED = 0.4, 0.33
"""Share of a phone's figure that a name takes at most, beside squares with numbers and beside others."""

_BESIDE, _TITLE = 20, 18
"""Pixels beside the squares, and of the title of the rows."""

_SMALL, _SMALLER = 10.5, 9.5
"""Sizes of names beside small squares, and above them."""

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


@dataclass(frozen=True)
class _Layout:
    """How squares and names are placed: pixels of a square, and those that names take at most.

    ``named`` is for the name of a row, ``slanted`` for that of a column that is written ``aslant``. Squares that are
    too small have no number in them; ``across`` panels are side by side.
    """

    cell: int
    named: float
    slanted: float
    aslant: bool
    across: int

    @property
    def numbers(self) -> bool:
        return self.cell >= _NUMBER

    @property
    def size(self) -> float:
        """Size of the names of rows: those of small squares are near each other."""
        return 13 if self.numbers else _SMALL

    @property
    def heading(self) -> float:
        """Size of the names of columns, which are nearer still."""
        return self.size if self.numbers or self.aslant else _SMALLER


def heat_map(
    table: pl.DataFrame,
    *,
    rows: str,
    columns: str,
    panels: str | None = None,
    above: Mapping[str, object] | None = None,
    width: int = WIDE,
) -> Figure:
    """Draw accuracy, or the points gained over the cells that ``above`` names, in squares: the darker the more.

    ``rows``, ``columns`` and ``panels`` are columns of ``table``; so are ``accuracy`` and, with ``above``, ``gain``.
    Many columns with long names are numbered if rows of the same names can carry the numbers, and else written aslant.
    A phone is as wide as a few squares with numbers; where there are more, they are small, and their tooltips say it.
    """
    value = "gain" if above else "accuracy"
    if above:
        table = table.filter(~pl.all_horizontal(pl.col(a).cast(str) == value_words(v) for a, v in above.items()))
    column_values = table[columns].unique(maintain_order=True).to_list()
    many = len(column_values) > NARROW
    number = numbered(column_values, table[rows].unique()) if many else {}
    low, high = float(table[value].min()), float(table[value].max())  # type: ignore[arg-type]
    if above:
        low, high = 0.0, max(high, 1.0)  # what is lost has the colour of nothing gained, and its sign
    titled = bool(number) or (rows in _AXES and columns in _AXES)  # which of the two is which is not clear otherwise
    titles = [_AXES.get(axis) for axis in (rows, columns)] if titled else [None, None]
    heads = {name: number.get(name, name) for name in column_values}
    row_names = {
        row: f"{number[row]}  {row}" if row in number else row for row in table[rows].unique(maintain_order=True)
    }
    if is_narrow(width):
        layout = _on_a_phone(list(row_names.values()), list(heads.values()), width, titled=titled)
    else:
        layout = _on_a_desktop(column_values, aslant=many and not number and any(map(is_long, column_values)))
        layout = replace(layout, cell=_CELL[0], across=1) if number else layout
    domain = alt.Scale(domain=list(heads.values()), paddingInner=0.03)
    x = alt.X("column:N", sort=None, scale=domain, axis=_columns_axis(titles[1], list(heads.values()), layout))

    def draw(part: pl.DataFrame, place: int) -> Figure:
        names = [row_names[row] for row in part[rows].unique(maintain_order=True)]
        items = [
            {
                "tip": settings_tip(item),
                "row": row_names[item[rows]],
                "column": heads[item[columns]],
                "value": item[value],
                "text": signed(item[value]) if above else f"{item[value]:.1f}",
            }
            for item in part.to_dicts()
        ]
        named = place % layout.across == 0
        axis = names_axis(names, layout.named, title=titles[0], labelFontSize=layout.size) if named else None
        y = alt.Y("row:N", sort=None, scale=alt.Scale(domain=names, paddingInner=0.05), axis=axis)
        squares = _squares(items, x, y, (low, high), numbers=layout.numbers)
        return squares.properties(width=layout.cell * len(column_values), height=_CELL[1] * len(names))

    return panelled(table, panels, draw, across=layout.across, width=width)


def _on_a_desktop(names: Sequence[str], *, aslant: bool) -> _Layout:
    """Return the layout for columns of these ``names``."""
    cell = _CELL[0] if aslant else max(_CELL[0], round(widest(names, 13)) + 12)
    return _Layout(cell, _LONGEST, _SLANTED, aslant, 1 if aslant else ACROSS)


def _on_a_phone(rows: Sequence[str], columns: Sequence[str], width: int, *, titled: bool) -> _Layout:
    """Return the layout for rows and columns of these names in a figure of ``width`` pixels."""
    layout = _of_names(rows, columns, width, _NAMED[0], titled=titled)
    return layout if layout.numbers else _of_names(rows, columns, width, _NAMED[1], titled=titled)


def _of_names(rows: Sequence[str], columns: Sequence[str], width: int, share: float, *, titled: bool) -> _Layout:
    """Return the layout where names take at most this ``share`` of a phone's figure."""
    named = share * width
    room = width - min(widest(rows, _SMALL), named) - _BESIDE - (_TITLE if titled else 0)
    cell = min(_CELL[0], int(room / len(columns)))
    upright = _Layout(cell, named, named, False, 1)
    across = [text_width(name, upright.heading) for name in columns]
    if all(sum(pair) / 2 < cell for pair in zip(across, [*across[1:], 0], strict=True)):
        return upright
    slanted = min(widest(columns, upright.size), named)
    beyond = slanted * cos(radians(_SLANT))  # of the name of the last column
    return _Layout(min(_CELL[0], int((room - beyond) / len(columns))), named, slanted, True, 1)


def _columns_axis(title: str | None, names: Sequence[str], layout: _Layout) -> alt.Axis:
    """Return an axis that names the columns of a heat map, above it."""
    turned: dict[str, Any] = {"labelAngle": 0}
    if layout.aslant:
        turned = {"labelAngle": -_SLANT, "labelAlign": "left", "maxExtent": 2 * _LONGEST}
        if (text := label_expression(names, layout.slanted, layout.heading)) is not None:
            turned["labelExpr"] = text
    turned["labelFontSize"] = layout.heading
    return alt.Axis(title=title, orient="top", labelLimit=0, domain=False, ticks=False, labelOverlap=False, **turned)


def _squares(
    items: Sequence[Mapping[str, Any]], x: alt.X, y: alt.Y, ends: tuple[float, float], *, numbers: bool
) -> alt.LayerChart:
    """Squares that are the darker the nearer their ``value`` is to the second of ``ends``.

    With ``numbers`` each has its ``text`` in it.
    """
    low, high = ends
    dark = low + _DARK * (high - low)
    shades = alt.Scale(range=_SHADES, interpolate="lab", domain=[low, high], clamp=True, nice=False)
    chart = chart_of(items)
    white = alt.condition(f"datum.value > {dark}", alt.value("#fefefe"), alt.value(_ON_LIGHT))
    layered = alt.layer(
        chart.mark_rect(aria=True).encode(
            x=x, y=y, description="tip:N", color=alt.Color("value:Q", scale=shades, legend=None)
        ),
        *([chart.mark_text(fontSize=11.5).encode(x=x, y=y, text="text:N", color=white)] if numbers else []),
    )
    assert isinstance(layered, alt.LayerChart)  # which of two kinds it gives depends on its arguments
    return layered
