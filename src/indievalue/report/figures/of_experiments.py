"""The figures of experiments: one function each, from the experiment's table to an Altair chart."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import altair as alt
import numpy as np
import polars as pl

from indievalue.choices import FormName
from indievalue.report.described import described, value_words
from indievalue.report.figures.drawing import WIDE, Figure, chart_of, legend_of, legend_row, names_axis, spanning
from indievalue.report.figures.lettering import widest
from indievalue.report.figures.panels import (
    ACROSS,
    AXIS,
    headroom,
    is_narrow,
    look_of,
    looks,
    panel_width,
    panelled,
    panels_width,
    printed_marks,
)
from indievalue.report.figures.styles import INK, MUTED, SHAPES
from indievalue.report.numbers import interval
from indievalue.report.paper import PaperFigure
from indievalue.report.tables.of_experiments import ALL
from indievalue.report.tips import PART, settings_tip, settings_words
from indievalue.report.wording import listed

_PANEL = 330
"""Pixels across of a panel with axes."""

_SECOND = 260
"""Pixels that a legend beside another one takes at least."""

_DOTS = 300
"""Pixels across of a panel of dots."""

_LONGEST = 400
"""Pixels that the name of a row takes at most."""

_NAMED, _PADDING = 0.4, 12
"""Share of a phone's figure that names of rows take at most, and pixels between them and the panel."""


def box_plot(
    people: pl.DataFrame,
    printed: Sequence[PaperFigure],
    *,
    x: str,
    colour: str,
    panels: str | None = None,
    rows: str | None = None,
    width: int = WIDE,
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
    panel = panel_width(_PANEL, width, AXIS)
    legend_width = panels_width(summary, panels, panel, width)
    offset = alt.XOffset("look:N", sort=None, scale=alt.Scale(domain=[look_of(colour, c) for c in colours]))
    x_encoding = alt.X(
        "x:N", sort=None, scale=alt.Scale(domain=list(map(str, xs)), paddingInner=0.25), axis=_x_axis(x, width)
    )

    def draw(part: pl.DataFrame, place: int) -> Figure:
        items = [
            {**item, "x": str(item[x]), "look": look_of(colour, item[colour]), "tip": _people_tip(item)}
            for item in part.to_dicts()
        ]
        form = form_of(part)
        rings = _printed_means(printed, form, [str(one) for one in xs], colour, colours)
        alike = summary.filter(pl.col("form") == form)  # panels of one form have one scale
        ends = [*alike["low"].to_list(), *alike["high"].to_list(), *(ring["mean"] for ring in rings)]
        title = "Accuracy in one person's answers, %"
        y = alt.Y("mean:Q", scale=spanning(ends), axis=alt.Axis(title=title, grid=True, tickCount=7))
        places = {"x": x_encoding, "xOffset": offset}
        band = panel / len(xs) * 0.75 / len(colours) * 0.72
        layers = _boxes(items, y, places, looks(colour, colours, legend_width, width)["color"], band)
        if rings:
            labels = list(dict.fromkeys(one.label for one in printed))
            beside = legend_width - legend_row([look_of(colour, c) for c in colours])  # both legends are in one row
            legend = legend_of(labels, max(beside, _SECOND), orient="bottom" if is_narrow(width) else "top")
            shape = alt.Shape("label:N", scale=alt.Scale(domain=labels, range=list(SHAPES)), legend=legend)
            hollow = chart_of(rings).mark_point(size=64, filled=False, color=INK, strokeWidth=1.6, opacity=1)
            layers.append(hollow.encode(y=y, shape=shape, **places))
        return alt.layer(*layers, headroom()).properties(width=panel, height=240)

    return _two_way(summary, rows, panels, draw, width)


def _printed_means(
    printed: Sequence[PaperFigure], form: FormName, xs: Sequence[str], colour: str, colours: Sequence[Any]
) -> list[dict[str, Any]]:
    """Return the printed results that have a place beside the boxes of probes in ``form``."""
    return [
        {"x": str(one.demonstrations), "look": look_of(colour, context), "mean": value, "label": one.label}
        for one in printed
        if (value := one.accuracy(form)) is not None
        for context in [_as_cell_context(one)]
        if context in colours and str(one.demonstrations) in xs
    ]


def _people_tip(summary: Mapping[str, Any]) -> str:
    return PART.join(
        [
            settings_words(summary),
            f"mean {summary['mean']:.1f}%, median {summary['median']:.1f}%",
            f"half of the people {interval(summary['first'], summary['third'])}%",
            f"nine in ten {interval(summary['low'], summary['high'])}%",
        ]
    )


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
        chart.mark_bar(size=band, opacity=0.35, aria=True).encode(
            y="first:Q", y2="third:Q", color=colour, description="tip:N", **places
        ),
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
    width: int = WIDE,
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
        axis=_x_axis(x, width, numbered_kinds),
    )
    panel = panel_width(_PANEL, width, AXIS)
    look = looks(colour, kinds, panels_width(table, panels, panel, width), width)

    def draw(part: pl.DataFrame, place: int) -> Figure:
        form = form_of(part)
        items = [
            {**item, "x": value_words(item[x]), "look": look_of(colour, item["kind"]), "tip": settings_tip(item)}
            for item in part.filter(pl.col(x).is_not_null()).to_dicts()
        ]
        levels = [
            {**item, "look": look_of(colour, item["kind"]), "x": steps[-1], "tip": settings_tip(item)}
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
        return alt.layer(*layers, headroom()).properties(width=panel, height=270)

    return panelled(table, panels, draw, width=width)


def _levels(levels: Sequence[Mapping[str, Any]], x: alt.X, y: alt.Y, look: Mapping[str, Any]) -> list[alt.Chart]:
    """Dashed lines across the panel, each with its symbol at the end."""
    chart = chart_of(levels)
    return [
        chart.mark_rule(strokeDash=[5, 4], strokeWidth=1.6).encode(y=y, color=look["color"]),
        chart.mark_point(filled=True, size=56, opacity=1, aria=True).encode(x=x, y=y, description="tip:N", **look),
    ]


def _lines(items: Sequence[Mapping[str, Any]], x: alt.X, y: alt.Y, look: Mapping[str, Any]) -> list[alt.Chart]:
    """Lines with symbols, over their intervals."""
    chart = chart_of(items)
    return [
        chart.mark_area(opacity=0.2).encode(x=x, y=alt.Y("accuracy_low:Q"), y2="accuracy_high:Q", color=look["color"]),
        chart.mark_line(strokeWidth=1.8, opacity=0.8).encode(x=x, y=y, color=look["color"]),
        chart.mark_point(filled=True, size=56, opacity=1, aria=True).encode(x=x, y=y, description="tip:N", **look),
    ]


def dots(
    table: pl.DataFrame,
    printed: Sequence[PaperFigure],
    *,
    rows: str,
    colour: str,
    panels: str | None = None,
    width: int = WIDE,
) -> Figure:
    """Draw accuracy as dots with intervals: a row for each value of ``rows``, a line in it for each of ``colour``."""
    colours = table[colour].unique(maintain_order=True).to_list()
    names = [described({rows: row}) for row in table[rows].unique(maintain_order=True)]
    longest = _NAMED * width if is_narrow(width) else _LONGEST
    across = panel_width(_DOTS, width, min(widest(names), longest) + _PADDING)

    def draw(part: pl.DataFrame, place: int) -> Figure:
        form = form_of(part)
        items = [
            {
                **item,
                "row": described({rows: item[rows]}),
                "look": look_of(colour, item[colour]),
                "tip": settings_tip(item),
            }
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
        axis = names_axis(names, longest) if is_narrow(width) or place % ACROSS == 0 else None
        y = alt.Y("row:N", sort=None, scale=alt.Scale(domain=names, paddingInner=0.3), axis=axis)
        offset = alt.YOffset("look:N", sort=None, scale=alt.Scale(domain=[look_of(colour, c) for c in colours]))
        look, chart = looks(colour, colours, panels_width(table, panels, across, width), width), chart_of(items)
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
            chart.mark_point(filled=True, size=62, opacity=1, aria=True).encode(
                x=x, y=y, yOffset=offset, description="tip:N", **look
            ),
        ]
        return alt.layer(*layers).properties(width=across, height=len(names) * (16 * len(colours) + 12))

    return panelled(table, panels, draw, width=width)


def form_of(table: pl.DataFrame) -> FormName:
    """The form of the probes in a panel, which is that of its first row."""
    return "refined" if table["form"][0] == "refined" else "polar"


def without_all(table: pl.DataFrame, by: str | None) -> pl.DataFrame:
    """The rows of single parts, where there are such."""
    return table.filter(pl.col(by) != ALL) if by else table


def _two_way(
    table: pl.DataFrame,
    down: str | None,
    across: str | None,
    draw: Callable[[pl.DataFrame, int], Figure],
    width: int,
) -> Figure:
    """Panels for every value of ``across``, a row of them for every value of ``down``."""
    if down is None or table[down].n_unique() < 2:
        return panelled(table, across, draw, width=width)
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
    return panelled(joined, "panel", draw, across=columns, width=width)


def _x_axis(axis: str, width: int, predictors: Sequence[str] = ()) -> alt.Axis:
    number = f"The number in the name of {listed(predictors)}" if predictors else ""
    titles = {"demonstrations": "Statements shown", "option": number}
    return alt.Axis(
        title=titles.get(axis, axis.replace("_", " ")), labelAngle=0, grid=False, labelOverlap=is_narrow(width)
    )


def _as_cell_context(one: PaperFigure) -> str:
    """The context of the cells that a printed figure belongs to; demographics alone are `both` of no statements."""
    return {"none": "statements", "demographics": "both"}.get(one.context, one.context)


def _printed_at(one: PaperFigure, axis: str) -> str:
    return str(one.demonstrations) if axis == "demonstrations" else ""
