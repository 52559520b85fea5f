"""Figures of experiments: each function turns the experiment's table into an Altair chart."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import altair as alt
import polars as pl

from indievalue.choices import FormName
from indievalue.report.described import described, value_words
from indievalue.report.figures.drawing import Figure, chart_of, spanning
from indievalue.report.figures.panels import ACROSS, look_of, looks, panelled, printed_marks
from indievalue.report.figures.styles import INK, MUTED, SHAPES
from indievalue.report.numbers import signed
from indievalue.report.paper import PaperFigure
from indievalue.report.tables.of_experiments import ALL, NARROW, numbered
from indievalue.report.wording import listed

_CELL = 46, 26
"""Width and height of a heat map cell in pixels."""


_SHADES = ["#f4f7fa", "#0b3c7d"]
"""Light to dark blue in even steps of perceived lightness, legible in grey and for colour-blind readers."""

_DARK = 0.62
"""Position in the colour range from which white text is easier to read than black."""

_AXES = {"demonstrations_about": "Shown: statements about", "category": "Predicted: questions about"}


def heat_map(
    table: pl.DataFrame,
    *,
    rows: str,
    columns: str,
    panels: str | None = None,
    above: Mapping[str, object] | None = None,
) -> Figure:
    """Draw a heat map of accuracy, or of the gain over the cells named in ``above``.

    ``rows``, ``columns`` and ``panels`` are columns of ``table``; so are ``accuracy`` and, with ``above``, ``gain``.
    Long column names are replaced by numbers, which are also shown in the rows of the same name.
    """
    value = "gain" if above else "accuracy"
    if above:
        table = table.filter(~pl.all_horizontal(pl.col(a).cast(str) == value_words(v) for a, v in above.items()))
    column_values = table[columns].unique(maintain_order=True).to_list()
    number = numbered(column_values) if len(column_values) > NARROW else {}
    low, high = float(table[value].min()), float(table[value].max())  # type: ignore[arg-type]
    if above:
        low, high = 0.0, max(high, 1.0)  # losses have the colour of no gain, and a minus sign
    dark = low + _DARK * (high - low)

    titles = [_AXES.get(axis) for axis in (rows, columns)] if number else [None, None]

    def draw(part: pl.DataFrame, place: int) -> Figure:
        row_values = part[rows].unique(maintain_order=True).to_list()
        names = {row: f"{number[row]}  {row}" if row in number else row for row in row_values}
        heads = {name: number.get(name, name) for name in column_values}
        items = [
            {
                "row": names[item[rows]],
                "column": heads[item[columns]],
                "value": item[value],
                "text": signed(item[value]) if above else f"{item[value]:.1f}",
            }
            for item in part.to_dicts()
        ]
        wide = _CELL[0] if number else max(_CELL[0], 7 * max(map(len, column_values)) + 12)
        x = alt.X(
            "column:N",
            sort=None,
            scale=alt.Scale(domain=[heads[c] for c in column_values], paddingInner=0.03),
            axis=alt.Axis(title=titles[1], orient="top", labelAngle=0, labelLimit=0, domain=False, ticks=False),
        )
        y = alt.Y(
            "row:N",
            sort=None,
            scale=alt.Scale(domain=[names[r] for r in row_values], paddingInner=0.05),
            axis=alt.Axis(title=titles[0], labelLimit=400, domain=False, ticks=False)
            if number or place % ACROSS == 0
            else None,
        )
        colour = alt.Color(
            "value:Q",
            scale=alt.Scale(range=_SHADES, interpolate="lab", domain=[low, high], clamp=True, nice=False),
            legend=None,
        )
        chart = chart_of(items)
        text = chart.mark_text(fontSize=11.5).encode(
            x=x,
            y=y,
            text="text:N",
            color=alt.condition(f"datum.value > {dark}", alt.value("white"), alt.value(INK)),
        )
        square = chart.mark_rect().encode(x=x, y=y, color=colour)
        return alt.layer(square, text).properties(width=wide * len(column_values), height=_CELL[1] * len(row_values))

    return panelled(table, panels, draw, across=1 if number else ACROSS)


def box_plot(
    people: pl.DataFrame,
    printed: Sequence[PaperFigure],
    *,
    x: str,
    colour: str,
    panels: str | None = None,
    rows: str | None = None,
) -> Figure:
    """Draw the distribution of accuracy over people: median, quartiles, 5th and 95th percentiles, and mean.

    ``people`` has the axes, ``person`` and ``accuracy``; the figure contains only these summary statistics.
    """
    axes = list(dict.fromkeys(["form", x, colour, *(name for name in (panels, rows) if name)]))
    marks = {"low": 0.05, "first": 0.25, "median": 0.5, "third": 0.75, "high": 0.95}
    summary = people.group_by(axes, maintain_order=True).agg(
        *(pl.col("accuracy").quantile(at, "linear").alias(name) for name, at in marks.items()),
        pl.col("accuracy").mean().alias("mean"),
    )
    colours = summary[colour].unique(maintain_order=True).to_list()
    xs = summary[x].unique(maintain_order=True).to_list()
    y_title = "Accuracy in one person's answers, %"

    def draw(part: pl.DataFrame, place: int) -> Figure:
        items = [{**item, "x": str(item[x]), "look": look_of(colour, item[colour])} for item in part.to_dicts()]
        look = looks(colour, colours)
        form = form_of(part)
        rings: list[dict[str, Any]] = [
            {"x": str(one.demonstrations), "look": look_of(colour, context), "mean": value, "label": one.label}
            for one in printed
            if (value := one.accuracy(form)) is not None
            for context in [_as_cell_context(one)]
            if context in colours and str(one.demonstrations) in map(str, xs)
        ]
        alike = summary.filter(pl.col("form") == form)  # panels of the same form share a scale
        ends = [*alike["low"].to_list(), *alike["high"].to_list(), *(ring["mean"] for ring in rings)]
        x_encoding = alt.X(
            "x:N", sort=None, scale=alt.Scale(domain=list(map(str, xs)), paddingInner=0.25), axis=_x_axis(x)
        )
        offset = alt.XOffset("look:N", sort=None, scale=alt.Scale(domain=[look_of(colour, c) for c in colours]))
        y = alt.Y("mean:Q", scale=spanning(ends), axis=alt.Axis(title=y_title, grid=True, tickCount=7))
        chart = chart_of(items)
        common = {"x": x_encoding, "xOffset": offset}
        width = 330
        band = width / len(xs) * 0.75 / len(colours) * 0.72
        layers: list[Any] = [
            chart.mark_bar(size=band, opacity=0.35).encode(y="first:Q", y2="third:Q", color=look["color"], **common),
            chart.mark_rule(strokeWidth=1.2).encode(y=alt.Y("low:Q"), y2="high:Q", color=look["color"], **common),
            chart.mark_tick(size=band, thickness=2, orient="horizontal").encode(
                y="median:Q", color=look["color"], **common
            ),
            chart.mark_point(filled=True, size=34, opacity=1, color=INK, shape="diamond").encode(y=y, **common),
        ]
        if rings:
            legend = alt.Legend(title=None, orient="top", columns=2)
            labels = list(dict.fromkeys(one.label for one in printed))
            shape = alt.Shape("label:N", scale=alt.Scale(domain=labels, range=list(SHAPES)), legend=legend)
            hollow = chart_of(rings).mark_point(size=64, filled=False, color=INK, strokeWidth=1.6, opacity=1)
            layers.append(hollow.encode(y=y, shape=shape, **common))
        return alt.layer(*layers).properties(width=width, height=240)

    return _two_way(summary, rows, panels, draw)


def curve(
    table: pl.DataFrame,
    printed: Sequence[PaperFigure],
    *,
    x: str,
    colour: str = "predictor",
    panels: str | None = None,
) -> Figure:
    """Draw accuracy by a number, with intervals; predictors without that number are drawn as horizontal lines."""
    everything = table[x].drop_nulls().unique(maintain_order=True).to_list()
    steps = [value_words(value) for value in everything] or [""]  # if there are only horizontal lines
    of_kind = pl.col("predictor").str.extract(r"^([^:]*)") if x == "option" else pl.col(colour)
    table = table.with_columns(of_kind.alias("kind"))
    kinds = table["kind"].unique(maintain_order=True).to_list()
    numbered_kinds = table.filter(pl.col(x).is_not_null())["kind"].unique(maintain_order=True).to_list()

    def draw(part: pl.DataFrame, place: int) -> Figure:
        form = form_of(part)
        items = [
            {**item, "x": value_words(item[x]), "look": look_of(colour, item["kind"])}
            for item in part.filter(pl.col(x).is_not_null()).to_dicts()
        ]
        levels = [
            {**item, "look": look_of(colour, item["kind"]), "x": steps[-1]}
            for item in part.filter(pl.col(x).is_null()).to_dicts()
        ]
        rings: list[dict[str, Any]] = [
            {"x": at, "accuracy": value, "label": one.label}
            for one in printed
            if (value := one.accuracy(form)) is not None and one.context in ("none", "statements")
            for at in [_printed_at(one, x)]
            if at in steps
        ]
        ends: list[float] = [item[key] for item in items + levels for key in ("accuracy_low", "accuracy_high")]
        scale = spanning(ends + [ring["accuracy"] for ring in rings])
        x_encoding = alt.X(
            "x:N",
            sort=None,
            scale=alt.Scale(type="point", domain=steps, padding=0.4),
            axis=_x_axis(x, numbered_kinds),
        )
        y = alt.Y("accuracy:Q", scale=scale, axis=alt.Axis(title="Accuracy, %", grid=True, tickCount=7))
        look = looks(colour, kinds)
        layers: list[Any] = []
        if levels:
            level = chart_of(levels)
            layers += [
                level.mark_rule(strokeDash=[5, 4], strokeWidth=1.6).encode(y=y, color=look["color"]),
                level.mark_point(filled=True, size=56, opacity=1).encode(x=x_encoding, y=y, **look),
            ]
        if items:
            chart = chart_of(items)
            layers += [
                chart.mark_area(opacity=0.2).encode(
                    x=x_encoding, y=alt.Y("accuracy_low:Q"), y2="accuracy_high:Q", color=look["color"]
                ),
                chart.mark_line(strokeWidth=1.8, opacity=0.8).encode(x=x_encoding, y=y, color=look["color"]),
                chart.mark_point(filled=True, size=56, opacity=1).encode(x=x_encoding, y=y, **look),
            ]
        return alt.layer(*layers, *printed_marks(rings, x_encoding, y, steps[-2:])).properties(width=330, height=270)

    return panelled(table, panels, draw)


def dots(
    table: pl.DataFrame, printed: Sequence[PaperFigure], *, rows: str, colour: str, panels: str | None = None
) -> Figure:
    """Draw accuracy as dots with intervals, with a row per value of ``rows`` and a line within it per ``colour``."""
    colours = table[colour].unique(maintain_order=True).to_list()
    row_values = table[rows].unique(maintain_order=True).to_list()

    def draw(part: pl.DataFrame, place: int) -> Figure:
        form = form_of(part)
        items = [
            {**item, "row": described({rows: item[rows]}), "look": look_of(colour, item[colour])}
            for item in part.to_dicts()
        ]
        levels: list[dict[str, Any]] = [
            {"accuracy": value, "label": f"{one.label} (paper)"}
            for one in printed
            if (value := one.accuracy(form)) is not None
        ]
        ends: list[float] = [item[key] for item in items for key in ("accuracy_low", "accuracy_high")]
        scale = spanning(ends + [level["accuracy"] for level in levels])
        x = alt.X("accuracy:Q", scale=scale, axis=alt.Axis(title="Accuracy, %", grid=True, tickCount=6))
        names = [described({rows: row}) for row in row_values]
        axis = alt.Axis(title=None, labelLimit=320, domain=False, ticks=False) if place % 2 == 0 else None
        y = alt.Y("row:N", sort=None, scale=alt.Scale(domain=names, paddingInner=0.3), axis=axis)
        offset = alt.YOffset("look:N", sort=None, scale=alt.Scale(domain=[look_of(colour, c) for c in colours]))
        look, chart = looks(colour, colours), chart_of(items)
        layers: list[Any] = []
        if levels:
            level = chart_of(levels)
            layers = [
                level.mark_rule(color=MUTED, strokeDash=[3, 3], strokeWidth=1.2).encode(x=x),
                level.mark_text(color=MUTED, fontSize=11, align="left", dx=4, dy=4, baseline="top", angle=0).encode(
                    x=x, text="label:N", y=alt.value(-14)
                ),
            ]
        layers += [
            chart.mark_rule(strokeWidth=2, opacity=0.6).encode(
                x=alt.X("accuracy_low:Q"), x2="accuracy_high:Q", y=y, yOffset=offset, color=look["color"]
            ),
            chart.mark_point(filled=True, size=62, opacity=1).encode(x=x, y=y, yOffset=offset, **look),
        ]
        return alt.layer(*layers).properties(width=300, height=len(row_values) * (16 * len(colours) + 12))

    return panelled(table, panels, draw)


def form_of(table: pl.DataFrame) -> FormName:
    """Return the form of the probes in a panel, taken from its first row."""
    return "refined" if table["form"][0] == "refined" else "polar"


def without_all(table: pl.DataFrame, by: str | None) -> pl.DataFrame:
    """Return the rows of individual parts, if there are any."""
    return table.filter(pl.col(by) != ALL) if by else table


def _two_way(
    table: pl.DataFrame, down: str | None, across: str | None, draw: Callable[[pl.DataFrame, int], Figure]
) -> Figure:
    """Draw a grid of panels, with a column per value of ``across`` and a row per value of ``down``."""
    if down is None or table[down].n_unique() < 2:
        return panelled(table, across, draw)
    joined = table.with_columns(
        pl.Series(
            "panel",
            [described({down: row[down], **({across: row[across]} if across else {})}) for row in table.to_dicts()],
        )
    )
    columns = 1 if across is None else table[across].n_unique()
    joined = joined.sort(
        *(
            pl.col(name).replace_strict({v: i for i, v in enumerate(table[name].unique(maintain_order=True))})
            for name in (down, across)
            if name
        ),
        maintain_order=True,
    )
    return panelled(joined, "panel", draw, across=columns)


def _x_axis(axis: str, predictors: Sequence[str] = ()) -> alt.Axis:
    number = f"The number in the name of {listed(predictors)}" if predictors else ""
    titles = {"demonstrations": "Statements shown", "option": number}
    return alt.Axis(title=titles.get(axis, axis.replace("_", " ")), labelAngle=0, grid=False, labelOverlap=False)


def _as_cell_context(one: PaperFigure) -> str:
    """Return the context of a result of the paper; demographics alone are `both` with no statements."""
    return {"none": "statements", "demographics": "both"}.get(one.context, one.context)


def _printed_at(one: PaperFigure, axis: str) -> str:
    return str(one.demonstrations) if axis == "demonstrations" else ""
