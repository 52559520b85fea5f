"""Shared parts of experiment figures: panels, colours and shapes."""

from collections.abc import Callable, Sequence
from typing import Any

import altair as alt
import polars as pl

from indievalue.report.described import described
from indievalue.report.figures.drawing import CONFIG, NARROW, WIDE, Figure, chart_of, legend_of
from indievalue.report.figures.lettering import shortened
from indievalue.report.figures.styles import INK, MUTED, PALETTE, SHAPES, predictor_styles

ACROSS = 2
"""Number of panels per row."""

_BETWEEN = 28
"""Pixels between panels side by side."""


AXIS = 50
"""Pixels that an upright axis of percentages and its title take beside a panel."""

_EDGES = 12
"""Pixels to the left and right of everything in a figure."""

_HEADROOM = 8
"""Pixels by which the label of a tick at the top of an axis stands out above the panel, at most."""

_LEGEND = 430
"""Pixels that a legend may take above the narrowest panel, which the heading of the figure takes too."""


def is_narrow(width: int) -> bool:
    """Whether a figure is for a phone: panels are below each other, and as wide as it is."""
    return width < NARROW


def panel_width(wide: int, width: int, beside: float) -> int:
    """Pixels across of a panel: ``wide``, or on a phone what is left of ``width`` by what is ``beside`` the panel."""
    return round(width - beside - _EDGES) if is_narrow(width) else wide


def panelled(
    table: pl.DataFrame,
    by: str | None,
    draw: Callable[[pl.DataFrame, int], Figure],
    *,
    across: int = ACROSS,
    width: int = WIDE,
) -> Figure:
    """Draw one chart per value of the column ``by``; the second argument of ``draw`` is its index."""
    across = 1 if is_narrow(width) else across
    if by is None or table[by].n_unique() < 2:
        return draw(table, 0).properties(config=CONFIG)
    charts = []
    for place, value in enumerate(table[by].unique(maintain_order=True)):
        text = described({by: value})
        heading = alt.TitleParams(
            shortened(text, width - _EDGES, bold=True) if is_narrow(width) else text,
            anchor="start",
            frame="group",
            fontSize=13,
            color=MUTED,
            offset=8,
        )
        charts.append(draw(table.filter(pl.col(by) == value), place).properties(title=heading))
    rows = [alt.hconcat(*charts[at : at + across], spacing=_BETWEEN) for at in range(0, len(charts), across)]
    return alt.vconcat(*rows, spacing=18).properties(config=CONFIG)


def headroom() -> alt.Chart:
    """Return an invisible layer as high as a label at the top of an axis.

    Headings are placed above all of a panel, and would otherwise be higher where the topmost tick has a label.
    """
    rule = chart_of([{}]).mark_rule(opacity=0)
    layer: alt.Chart = rule.encode(x=alt.value(0), y=alt.value(-_HEADROOM), y2=alt.value(0))
    return layer


def panels_width(table: pl.DataFrame, by: str | None, each: float, width: int) -> float:
    """Pixels that a row of panels takes, of ``each`` for one, without the names to the left of it."""
    side_by_side = 1 if by is None or is_narrow(width) else max(1, min(ACROSS, table[by].n_unique()))
    return side_by_side * each + (side_by_side - 1) * _BETWEEN


def looks(axis: str, values: Sequence[Any], legend_width: float | None, width: int = WIDE) -> dict[str, Any]:
    """Return encodings of colour and shape by the key ``look``; predictors look as they do in reports.

    The legend, which begins where a panel does, keeps to ``legend_width``, or to what a heading takes at least where
    the ``width`` of the figure is not that of a phone; with None there is no legend.
    """
    if axis == "predictor":
        styles = predictor_styles(map(str, values))
        colours, shapes = [styles[v].colour for v in values], [styles[v].shape for v in values]
    else:
        colours = [PALETTE[place % len(PALETTE)][0] for place in range(len(values))]
        shapes = [SHAPES[place % len(SHAPES)] for place in range(len(values))]
    names = [described({axis: value}) for value in values]
    made = None
    if legend_width is not None:
        least = 0 if is_narrow(width) else _LEGEND
        made = legend_of(names, max(legend_width, least), symbolOpacity=1)
    return {
        "color": alt.Color("look:N", scale=alt.Scale(domain=names, range=colours), legend=made),
        "shape": alt.Shape("look:N", scale=alt.Scale(domain=names, range=shapes), legend=made),
    }


def look_of(axis: str, value: Any) -> str:
    """Return a value in words, as encoded by :func:`looks`."""
    return described({axis: value})


def printed_marks(items: Sequence[dict[str, Any]], x: alt.X, y: alt.Y, last: Sequence[str]) -> list[alt.Chart]:
    """Draw results of the paper as hollow circles, labelled on the right, or below at the x ``last``."""
    if not items:
        return []
    marks = [chart_of(items).mark_point(size=90, filled=False, strokeWidth=1.6, opacity=1, color=INK).encode(x=x, y=y)]
    for item in items:
        text, below = chart_of([item]), item["x"] in last
        placed = text.mark_text(
            color=MUTED, fontSize=11, align="right" if below else "left", dx=10 if below else 9, dy=15 if below else -1
        )
        marks.append(placed.encode(x=x, y=y, text="label:N"))
    return marks
