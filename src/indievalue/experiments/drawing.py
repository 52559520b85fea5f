"""What the figures of experiments share: panels side by side, colours of what is not a predictor, files."""

from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

import altair as alt
import numpy as np
import polars as pl
import vl_convert

from indievalue.experiments.grid import described
from indievalue.experiments.spec import PREDICTOR
from indievalue.files import new_file
from indievalue.report.drawing import CONFIG, chart_of, figure_svg
from indievalue.report.styles import INK, MUTED, predictor_styles

COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#4B2E83", "#6B4A00")
SHAPES = ("circle", "triangle-up", "square", "diamond", "triangle-down", "cross")

ACROSS = 2
"""Panels side by side, before another row of them begins."""


def panelled(
    table: pl.DataFrame, by: str | None, draw: Callable[[pl.DataFrame, int], Any], *, across: int = ACROSS
) -> Any:
    """One chart for each value of the column ``by``, under its name; the second argument of ``draw`` counts them."""
    if by is None or table[by].n_unique() < 2:
        return draw(table, 0).properties(config=CONFIG)
    charts = []
    for place, value in enumerate(table[by].unique(maintain_order=True)):
        heading = alt.TitleParams(
            described({by: value}), anchor="start", frame="group", fontSize=13, color=MUTED, offset=8
        )
        charts.append(draw(table.filter(pl.col(by) == value), place).properties(title=heading))
    rows = [alt.hconcat(*charts[at : at + across], spacing=28) for at in range(0, len(charts), across)]
    return alt.vconcat(*rows, spacing=18).properties(config=CONFIG)


def looks(axis: str, values: Sequence[Any], *, legend: bool = True) -> dict[str, Any]:
    """Colour and shape by the key ``look``, for the values of an axis; predictors look as they do in every report."""
    if axis == PREDICTOR:
        styles = predictor_styles(map(str, values))
        colours, shapes = [styles[v].colour for v in values], [styles[v].shape for v in values]
    else:
        colours = [COLOURS[place % len(COLOURS)] for place in range(len(values))]
        shapes = [SHAPES[place % len(SHAPES)] for place in range(len(values))]
    names = [described({axis: value}) for value in values]
    made = (
        alt.Legend(title=None, orient="top", labelLimit=0, symbolSize=70, symbolOpacity=1, columns=4)
        if legend
        else None
    )
    return {
        "color": alt.Color("look:N", scale=alt.Scale(domain=names, range=colours), legend=made),
        "shape": alt.Shape("look:N", scale=alt.Scale(domain=names, range=shapes), legend=made),
    }


def look_of(axis: str, value: Any) -> str:
    """What :func:`looks` goes by."""
    return described({axis: value})


def accuracy_scale(values: Iterable[float | None]) -> alt.Scale:
    """From the multiple of five below the least of ``values`` to the one above the greatest."""
    given = [value for value in values if value is not None and np.isfinite(value)]
    low, high = 5 * np.floor(min(given) / 5), 5 * np.ceil(max(given) / 5)
    return alt.Scale(domain=[float(low), float(max(high, low + 5))], zero=False, nice=False)


def printed_marks(items: Sequence[dict[str, Any]], x: alt.X, y: alt.Y, last: Sequence[str]) -> list[alt.Chart]:
    """Hollow circles at what the paper printed, each with its ``label``: to the right, or below for the x ``last``."""
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


def save_figure(chart: Any, path: Path, title: str, subtitle: str) -> None:
    """Write ``path`` as .svg, .png (two pixels a point) and .pdf."""
    svg = figure_svg(chart, title, subtitle)
    contents = {
        ".svg": svg.encode(),
        ".png": vl_convert.svg_to_png(svg, scale=2),
        ".pdf": vl_convert.svg_to_pdf(svg),
    }
    for ending, content in contents.items():
        with new_file(path.with_suffix(ending)) as beside:
            beside.write_bytes(content)
