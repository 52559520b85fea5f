"""The figures of experiments: one function each, from the experiment's table to an Altair chart."""

from collections.abc import Sequence
from typing import Any

import altair as alt
import polars as pl

from indievalue.experiments.drawing import ACROSS, SHAPES, accuracy_scale, look_of, looks, panelled, printed_marks
from indievalue.experiments.grid import described, value_words
from indievalue.experiments.measure import option_column
from indievalue.experiments.printed import Printed
from indievalue.experiments.spec import CATEGORY, OPTION, PREDICTOR, BoxPlot, Curve, Dots, HeatMap
from indievalue.experiments.tables import ALL, NARROW, numbered, signed
from indievalue.report.drawing import chart_of
from indievalue.report.styles import INK, MUTED
from indievalue.report.wording import listed
from indievalue.survey.model import FormName

_CELL = 46, 26
"""Pixels of a square of a heat map, across and down."""


_SHADES = ["#f4f7fa", "#0b3c7d"]
"""From hardly blue to dark blue in even steps of perceived lightness, which survive grey print and colour blindness."""

_DARK = 0.62
"""Share of the way along them from which white text is easier to read than black."""

_AXES = {"demonstrations_about": "Shown: statements about", CATEGORY: "Foreseen: questions about"}


def heat_map(spec: HeatMap, table: pl.DataFrame) -> Any:
    """Accuracy, or points of it above the cells that ``above`` names, in squares: the darker the more.

    Long column names become numbers, which the rows of the same names carry.
    """
    value = "gain" if spec.above else "accuracy"
    if spec.above:
        table = table.filter(~pl.all_horizontal(pl.col(a).cast(str) == value_words(v) for a, v in spec.above.items()))
    columns = table[spec.columns].unique(maintain_order=True).to_list()
    number = numbered(columns) if len(columns) > NARROW else {}
    low, high = float(table[value].min()), float(table[value].max())  # type: ignore[arg-type]
    if spec.above:
        low, high = 0.0, max(high, 1.0)  # what is lost has the colour of nothing gained, and its sign
    dark = low + _DARK * (high - low)

    titles = [_AXES.get(axis) for axis in (spec.rows, spec.columns)] if number else [None, None]

    def draw(part: pl.DataFrame, place: int) -> Any:
        rows = part[spec.rows].unique(maintain_order=True).to_list()
        names = {row: f"{number[row]}  {row}" if row in number else row for row in rows}
        heads = {name: number.get(name, name) for name in columns}
        items = [
            {
                "row": names[item[spec.rows]],
                "column": heads[item[spec.columns]],
                "value": item[value],
                "text": signed(item[value]) if spec.above else f"{item[value]:.1f}",
            }
            for item in part.to_dicts()
        ]
        wide = _CELL[0] if number else max(_CELL[0], 7 * max(map(len, columns)) + 12)
        x = alt.X(
            "column:N",
            sort=None,
            scale=alt.Scale(domain=[heads[c] for c in columns], paddingInner=0.03),
            axis=alt.Axis(title=titles[1], orient="top", labelAngle=0, labelLimit=0, domain=False, ticks=False),
        )
        y = alt.Y(
            "row:N",
            sort=None,
            scale=alt.Scale(domain=[names[r] for r in rows], paddingInner=0.05),
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
        return alt.layer(square, text).properties(width=wide * len(columns), height=_CELL[1] * len(rows))

    return panelled(table, spec.panels, draw, across=1 if number else ACROSS)


def box_plot(spec: BoxPlot, people: pl.DataFrame, printed: Sequence[Printed]) -> Any:
    """How accuracy is spread over people: median and quartiles, whiskers to the 5th and 95th percentile, mean.

    ``people`` has the axes, ``person`` and ``accuracy``; only these summaries of it are in the figure.
    """
    axes = list(dict.fromkeys(["form", spec.x, spec.colour, *(name for name in (spec.panels, spec.rows) if name)]))
    marks = {"low": 0.05, "first": 0.25, "median": 0.5, "third": 0.75, "high": 0.95}
    summary = people.group_by(axes, maintain_order=True).agg(
        *(pl.col("accuracy").quantile(at, "linear").alias(name) for name, at in marks.items()),
        pl.col("accuracy").mean().alias("mean"),
    )
    colours = summary[spec.colour].unique(maintain_order=True).to_list()
    xs = summary[spec.x].unique(maintain_order=True).to_list()
    y_title = "Accuracy in one person's answers, %"

    def draw(part: pl.DataFrame, place: int) -> Any:
        items = [
            {**item, "x": str(item[spec.x]), "look": look_of(spec.colour, item[spec.colour])}
            for item in part.to_dicts()
        ]
        look = looks(spec.colour, colours)
        form = form_of(part)
        rings: list[dict[str, Any]] = [
            {"x": str(one.demonstrations), "look": look_of(spec.colour, context), "mean": value, "label": one.label}
            for one in printed
            if (value := one.accuracy(form)) is not None
            for context in [_as_cell_context(one)]
            if context in colours and str(one.demonstrations) in map(str, xs)
        ]
        alike = summary.filter(pl.col("form") == form)  # panels of one form have one scale
        ends = [*alike["low"].to_list(), *alike["high"].to_list(), *(ring["mean"] for ring in rings)]
        x = alt.X("x:N", sort=None, scale=alt.Scale(domain=list(map(str, xs)), paddingInner=0.25), axis=_x_axis(spec.x))
        offset = alt.XOffset("look:N", sort=None, scale=alt.Scale(domain=[look_of(spec.colour, c) for c in colours]))
        y = alt.Y("mean:Q", scale=accuracy_scale(ends), axis=alt.Axis(title=y_title, grid=True, tickCount=7))
        chart = chart_of(items)
        common = {"x": x, "xOffset": offset}
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

    return _two_way(summary, spec.rows, spec.panels, draw)


def curve(spec: Curve, table: pl.DataFrame, printed: Sequence[Printed]) -> Any:
    """Accuracy by a number, at even steps, with intervals; predictors to which the number does not apply as a level."""
    table = option_column(table)
    everything = table[spec.x].drop_nulls().unique(maintain_order=True).to_list()
    steps = [value_words(value) for value in everything] or [""]  # where there are levels alone
    of_kind = pl.col(PREDICTOR).str.extract(r"^([^:]*)") if spec.x == OPTION else pl.col(spec.colour)
    table = table.with_columns(of_kind.alias("kind"))
    kinds = table["kind"].unique(maintain_order=True).to_list()
    numbered_kinds = table.filter(pl.col(spec.x).is_not_null())["kind"].unique(maintain_order=True).to_list()

    def draw(part: pl.DataFrame, place: int) -> Any:
        form = form_of(part)
        items = [
            {**item, "x": value_words(item[spec.x]), "look": look_of(spec.colour, item["kind"])}
            for item in part.filter(pl.col(spec.x).is_not_null()).to_dicts()
        ]
        levels = [
            {**item, "look": look_of(spec.colour, item["kind"]), "x": steps[-1]}
            for item in part.filter(pl.col(spec.x).is_null()).to_dicts()
        ]
        rings: list[dict[str, Any]] = [
            {"x": at, "accuracy": value, "label": one.label}
            for one in printed
            if (value := one.accuracy(form)) is not None and one.context in ("none", "statements")
            for at in [_printed_at(one, spec.x)]
            if at in steps
        ]
        ends: list[float] = [item[key] for item in items + levels for key in ("accuracy_low", "accuracy_high")]
        scale = accuracy_scale(ends + [ring["accuracy"] for ring in rings])
        x = alt.X(
            "x:N",
            sort=None,
            scale=alt.Scale(type="point", domain=steps, padding=0.4),
            axis=_x_axis(spec.x, numbered_kinds),
        )
        y = alt.Y("accuracy:Q", scale=scale, axis=alt.Axis(title="Accuracy, %", grid=True, tickCount=7))
        look = looks(spec.colour, kinds)
        layers: list[Any] = []
        if levels:
            level = chart_of(levels)
            layers += [
                level.mark_rule(strokeDash=[5, 4], strokeWidth=1.6).encode(y=y, color=look["color"]),
                level.mark_point(filled=True, size=56, opacity=1).encode(x=x, y=y, **look),
            ]
        if items:
            chart = chart_of(items)
            layers += [
                chart.mark_area(opacity=0.2).encode(
                    x=x, y=alt.Y("accuracy_low:Q"), y2="accuracy_high:Q", color=look["color"]
                ),
                chart.mark_line(strokeWidth=1.8, opacity=0.8).encode(x=x, y=y, color=look["color"]),
                chart.mark_point(filled=True, size=56, opacity=1).encode(x=x, y=y, **look),
            ]
        return alt.layer(*layers, *printed_marks(rings, x, y, steps[-2:])).properties(width=330, height=270)

    return panelled(table, spec.panels, draw)


def dots(spec: Dots, table: pl.DataFrame, printed: Sequence[Printed]) -> Any:
    """Accuracy as dots with intervals, a row for each value of ``rows`` and a line in it for each of ``colour``."""
    colours = table[spec.colour].unique(maintain_order=True).to_list()
    rows = table[spec.rows].unique(maintain_order=True).to_list()

    def draw(part: pl.DataFrame, place: int) -> Any:
        form = form_of(part)
        items = [
            {**item, "row": described({spec.rows: item[spec.rows]}), "look": look_of(spec.colour, item[spec.colour])}
            for item in part.to_dicts()
        ]
        levels: list[dict[str, Any]] = [
            {"accuracy": value, "label": f"{one.label} (paper)"}
            for one in printed
            if (value := one.accuracy(form)) is not None
        ]
        ends: list[float] = [item[key] for item in items for key in ("accuracy_low", "accuracy_high")]
        scale = accuracy_scale(ends + [level["accuracy"] for level in levels])
        x = alt.X("accuracy:Q", scale=scale, axis=alt.Axis(title="Accuracy, %", grid=True, tickCount=6))
        names = [described({spec.rows: row}) for row in rows]
        axis = alt.Axis(title=None, labelLimit=320, domain=False, ticks=False) if place % 2 == 0 else None
        y = alt.Y("row:N", sort=None, scale=alt.Scale(domain=names, paddingInner=0.3), axis=axis)
        offset = alt.YOffset("look:N", sort=None, scale=alt.Scale(domain=[look_of(spec.colour, c) for c in colours]))
        look, chart = looks(spec.colour, colours), chart_of(items)
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
        return alt.layer(*layers).properties(width=300, height=len(rows) * (16 * len(colours) + 12))

    return panelled(table, spec.panels, draw)


def form_of(table: pl.DataFrame) -> FormName:
    """The form of the probes in a panel, which is that of its first row."""
    return "refined" if table["form"][0] == "refined" else "polar"


def without_all(table: pl.DataFrame, by: str | None) -> pl.DataFrame:
    """The rows of single parts, where there are such."""
    return table.filter(pl.col(by) != ALL) if by else table


def _two_way(table: pl.DataFrame, down: str | None, across: str | None, draw: Any) -> Any:
    """Panels for every value of ``across``, a row of them for every value of ``down``."""
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
    titles = {"demonstrations": "Statements shown", OPTION: number}
    return alt.Axis(title=titles.get(axis, axis.replace("_", " ")), labelAngle=0, grid=False, labelOverlap=False)


def _as_cell_context(one: Printed) -> str:
    """The context of the cells that a printed figure belongs to; demographics alone are `both` of no statements."""
    return {"none": "statements", "demographics": "both"}.get(one.context, one.context)


def _printed_at(one: Printed, axis: str) -> str:
    return str(one.demonstrations) if axis == "demonstrations" else ""
