"""The figures of experiments: one function each, from the experiment's table to an Altair chart."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import altair as alt
import numpy as np
import polars as pl

from indievalue.choices import FormName
from indievalue.report.described import described, value_words
from indievalue.report.figures.drawing import Figure, chart_of, legend_of, legend_row, names_axis, spanning
from indievalue.report.figures.lettering import label_expression, widest
from indievalue.report.figures.panels import ACROSS, headroom, look_of, looks, panelled, panels_width, printed_marks
from indievalue.report.figures.styles import INK, MUTED, SHAPES
from indievalue.report.numbers import signed
from indievalue.report.paper import PaperFigure
from indievalue.report.tables.of_experiments import ALL, NARROW, is_long, numbered
from indievalue.report.wording import listed

_CELL = 46, 26
"""Pixels of a square of a heat map, across and down."""


_PANEL = 330
"""Pixels across of a panel with axes."""

_SLANTED = 340
"""Pixels that the name of a column takes at most along its slant."""

_SECOND = 260
"""Pixels that a legend beside another one takes at least."""

_LONGEST = 400
"""Pixels that the name of a row takes at most."""

_SHADES = ["#f4f7fa", "#0b3c7d"]
"""From hardly blue to dark blue in even steps of perceived lightness, which survive grey print and colour blindness."""

_ON_LIGHT = "#111111"
"""Colour of text on light squares. Unlike ``INK`` it has no counterpart in dark mode, where squares are as light."""

_DARK = 0.62
"""Share of the way along them from which white text is easier to read than black."""

_AXES = {"demonstrations_about": "Shown: statements about", "category": "Predicted: questions about"}


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
        chart.mark_rect().encode(x=x, y=y, color=alt.Color("value:Q", scale=shades, legend=None)),
        chart.mark_text(fontSize=11.5).encode(x=x, y=y, text="text:N", color=white),
    )
    assert isinstance(layered, alt.LayerChart)  # which of two kinds it gives depends on its arguments
    return layered


def box_plot(
    people: pl.DataFrame,
    printed: Sequence[PaperFigure],
    *,
    x: str,
    colour: str,
    panels: str | None = None,
    rows: str | None = None,
) -> Figure:
    """Draw how accuracy is spread over people: median and quartiles, whiskers to the 5th and 95th percentile, mean.

    ``people`` has the axes, ``person``, ``accuracy`` and, if people are weighted, ``weight``; only these summaries of
    it are in the figure.
    """
    axes = list(dict.fromkeys(["form", x, colour, *(name for name in (panels, rows) if name)]))
    marks = {"low": 0.05, "first": 0.25, "median": 0.5, "third": 0.75, "high": 0.95}
    summary = pl.DataFrame(
        [
            dict(zip(axes, key, strict=True)) | _summary(part, marks)
            for key, part in people.group_by(axes, maintain_order=True)
        ]
    )
    colours = summary[colour].unique(maintain_order=True).to_list()
    xs = summary[x].unique(maintain_order=True).to_list()
    width = panels_width(summary, panels, _PANEL)
    offset = alt.XOffset("look:N", sort=None, scale=alt.Scale(domain=[look_of(colour, c) for c in colours]))
    x_encoding = alt.X("x:N", sort=None, scale=alt.Scale(domain=list(map(str, xs)), paddingInner=0.25), axis=_x_axis(x))

    def draw(part: pl.DataFrame, place: int) -> Figure:
        items = [{**item, "x": str(item[x]), "look": look_of(colour, item[colour])} for item in part.to_dicts()]
        form = form_of(part)
        rings: list[dict[str, Any]] = [
            {"x": str(one.demonstrations), "look": look_of(colour, context), "mean": value, "label": one.label}
            for one in printed
            if (value := one.accuracy(form)) is not None
            for context in [_as_cell_context(one)]
            if context in colours and str(one.demonstrations) in map(str, xs)
        ]
        alike = summary.filter(pl.col("form") == form)  # panels of one form have one scale
        ends = [*alike["low"].to_list(), *alike["high"].to_list(), *(ring["mean"] for ring in rings)]
        title = "Accuracy in one person's answers, %"
        y = alt.Y("mean:Q", scale=spanning(ends), axis=alt.Axis(title=title, grid=True, tickCount=7))
        places = {"x": x_encoding, "xOffset": offset}
        band = _PANEL / len(xs) * 0.75 / len(colours) * 0.72
        layers = _boxes(items, y, places, looks(colour, colours, width)["color"], band)
        if rings:
            labels = list(dict.fromkeys(one.label for one in printed))
            beside = width - legend_row([look_of(colour, c) for c in colours])  # both legends are in one row
            legend = legend_of(labels, max(beside, _SECOND))
            shape = alt.Shape("label:N", scale=alt.Scale(domain=labels, range=list(SHAPES)), legend=legend)
            hollow = chart_of(rings).mark_point(size=64, filled=False, color=INK, strokeWidth=1.6, opacity=1)
            layers.append(hollow.encode(y=y, shape=shape, **places))
        return alt.layer(*layers, headroom()).properties(width=_PANEL, height=240)

    return _two_way(summary, rows, panels, draw)


def _summary(people: pl.DataFrame, marks: Mapping[str, float]) -> dict[str, float]:
    """Return the mean accuracy, and its quantile at each of ``marks`` (0-1), weighted by ``weight`` if there is one.

    Quantiles interpolate linearly between people at the middle of their weights, stretched to 0 and 1 at the ends;
    without weights this is the usual definition.
    """
    people = people.sort("accuracy")
    values = people["accuracy"].to_numpy()
    weights = people["weight"].to_numpy() if "weight" in people.columns else np.ones(len(values))
    at = np.cumsum(weights) - weights / 2
    at = (at - at[0]) / ((at[-1] - at[0]) or 1)
    quantiles = {name: float(np.interp(share, at, values)) for name, share in marks.items()}
    return {**quantiles, "mean": float(weights @ values / weights.sum())}


def _boxes(
    items: Sequence[Mapping[str, Any]], y: alt.Y, places: Mapping[str, Any], colour: alt.Color, band: float
) -> list[alt.Chart]:
    """Boxes of ``band`` pixels across, whiskers, medians and, on the axis ``y``, means."""
    chart = chart_of(items)
    return [
        chart.mark_bar(size=band, opacity=0.35).encode(y="first:Q", y2="third:Q", color=colour, **places),
        chart.mark_rule(strokeWidth=1.2).encode(y=alt.Y("low:Q"), y2="high:Q", color=colour, **places),
        chart.mark_tick(size=band, thickness=2, orient="horizontal").encode(y="median:Q", color=colour, **places),
        chart.mark_point(filled=True, size=34, opacity=1, color=INK, shape="diamond").encode(y=y, **places),
    ]


def curve(
    table: pl.DataFrame,
    printed: Sequence[PaperFigure],
    *,
    x: str,
    colour: str = "predictor",
    panels: str | None = None,
) -> Figure:
    """Draw accuracy by a number, with intervals; predictors to which the number does not apply are levels."""
    everything = table[x].drop_nulls().unique(maintain_order=True).to_list()
    steps = [value_words(value) for value in everything] or [""]  # where there are levels alone
    of_kind = pl.col("predictor").str.extract(r"^([^:]*)") if x == "option" else pl.col(colour)
    table = table.with_columns(of_kind.alias("kind"))
    kinds = table["kind"].unique(maintain_order=True).to_list()
    numbered_kinds = table.filter(pl.col(x).is_not_null())["kind"].unique(maintain_order=True).to_list()
    x_encoding = alt.X(
        "x:N",
        sort=None,
        scale=alt.Scale(type="point", domain=steps, padding=0.4),
        axis=_x_axis(x, numbered_kinds),
    )
    look = looks(colour, kinds, panels_width(table, panels, _PANEL))

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
        y = alt.Y("accuracy:Q", scale=scale, axis=alt.Axis(title="Accuracy, %", grid=True, tickCount=7))
        layers = [
            *(_levels(levels, x_encoding, y, look) if levels else []),
            *(_lines(items, x_encoding, y, look) if items else []),
            *printed_marks(rings, x_encoding, y, steps[-2:]),
        ]
        return alt.layer(*layers, headroom()).properties(width=_PANEL, height=270)

    return panelled(table, panels, draw)


def _levels(levels: Sequence[Mapping[str, Any]], x: alt.X, y: alt.Y, look: Mapping[str, Any]) -> list[alt.Chart]:
    """Dashed lines across the panel, each with its symbol at the end."""
    chart = chart_of(levels)
    return [
        chart.mark_rule(strokeDash=[5, 4], strokeWidth=1.6).encode(y=y, color=look["color"]),
        chart.mark_point(filled=True, size=56, opacity=1).encode(x=x, y=y, **look),
    ]


def _lines(items: Sequence[Mapping[str, Any]], x: alt.X, y: alt.Y, look: Mapping[str, Any]) -> list[alt.Chart]:
    """Lines with symbols, over their intervals."""
    chart = chart_of(items)
    return [
        chart.mark_area(opacity=0.2).encode(x=x, y=alt.Y("accuracy_low:Q"), y2="accuracy_high:Q", color=look["color"]),
        chart.mark_line(strokeWidth=1.8, opacity=0.8).encode(x=x, y=y, color=look["color"]),
        chart.mark_point(filled=True, size=56, opacity=1).encode(x=x, y=y, **look),
    ]


def dots(
    table: pl.DataFrame, printed: Sequence[PaperFigure], *, rows: str, colour: str, panels: str | None = None
) -> Figure:
    """Draw accuracy as dots with intervals: a row for each value of ``rows``, a line in it for each of ``colour``."""
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
        axis = names_axis(names, _LONGEST) if place % ACROSS == 0 else None
        y = alt.Y("row:N", sort=None, scale=alt.Scale(domain=names, paddingInner=0.3), axis=axis)
        offset = alt.YOffset("look:N", sort=None, scale=alt.Scale(domain=[look_of(colour, c) for c in colours]))
        look, chart = looks(colour, colours, panels_width(table, panels, 300)), chart_of(items)
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
    """The form of the probes in a panel, which is that of its first row."""
    return "refined" if table["form"][0] == "refined" else "polar"


def without_all(table: pl.DataFrame, by: str | None) -> pl.DataFrame:
    """The rows of single parts, where there are such."""
    return table.filter(pl.col(by) != ALL) if by else table


def _two_way(
    table: pl.DataFrame, down: str | None, across: str | None, draw: Callable[[pl.DataFrame, int], Figure]
) -> Figure:
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
    titles = {"demonstrations": "Statements shown", "option": number}
    return alt.Axis(title=titles.get(axis, axis.replace("_", " ")), labelAngle=0, grid=False, labelOverlap=False)


def _as_cell_context(one: PaperFigure) -> str:
    """The context of the cells that a printed figure belongs to; demographics alone are `both` of no statements."""
    return {"none": "statements", "demographics": "both"}.get(one.context, one.context)


def _printed_at(one: PaperFigure, axis: str) -> str:
    return str(one.demonstrations) if axis == "demonstrations" else ""
