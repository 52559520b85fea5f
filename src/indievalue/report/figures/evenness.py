"""Figures of accuracy across groups of people, for experiments."""

from collections.abc import Mapping, Sequence
from typing import Any

import altair as alt
import polars as pl

from indievalue.report.figures.drawing import CONFIG, WIDE, chart_of, names_axis, spanning
from indievalue.report.figures.inequity import sigma_tip
from indievalue.report.figures.lettering import widest
from indievalue.report.figures.panels import is_narrow, looks, panel_width
from indievalue.report.figures.styles import INK, MUTED
from indievalue.report.paper import PaperFigure
from indievalue.report.tables.of_experiments import MEAN
from indievalue.report.tips import accuracy_tip

_WIDTH = 440
"""Pixels across of the figure of σ, without the names of demographics."""

_NAMED, _PADDING = 0.4, 16
"""Share of a phone's figure that names take at most, and pixels between them and the panel."""

_COLUMN, _NAMES, _BETWEEN = 230, 190, 24
"""Pixels across of a column of groups, of the names beside it, and between two columns."""


def experiment_inequity_figure(table: pl.DataFrame, printed: Sequence[PaperFigure], width: int = WIDE) -> Any:
    """Draw σ by demographic and predictor: corrected (dots, intervals), observed (rings) and by chance (ticks)."""
    predictors = table["predictor"].unique(maintain_order=True).to_list()
    best = table.filter((pl.col("predictor") == predictors[-1]) & (pl.col("demographic") != MEAN))
    best = best.filter(pl.col("sigma").is_not_null())  # demographics with one group have none
    order = best.sort("corrected", "sigma", descending=True, nulls_last=True)["demographic"].to_list()
    paper = [{"row": "mean, printed in the paper", "sigma": one.sigma} for one in printed if one.sigma is not None]
    names = [MEAN, *(["mean, printed in the paper"] if paper else []), *map(_words, order)]
    items = [
        {
            **row,
            "row": _words(row["demographic"]),
            "look": row["predictor"],
            "tip": sigma_tip(f"{row['predictor']}, {_words(row['demographic'])}", row),
        }
        for row in table.filter(pl.col("sigma").is_not_null()).to_dicts()
    ]
    if not items:
        return nothing_to_compare()
    longest = _NAMED * width if is_narrow(width) else 300
    across = panel_width(_WIDTH, width, min(widest(names), longest) + _PADDING)
    look = looks("predictor", predictors, across, width)
    y = alt.Y(
        "row:N",
        sort=None,
        scale=alt.Scale(domain=names, paddingInner=0.25),
        axis=names_axis(names, longest, labelPadding=8),
    )
    offset = alt.YOffset("look:N", sort=None, scale=alt.Scale(domain=predictors))
    x = alt.X(
        "corrected:Q", scale=alt.Scale(domainMin=0, nice=True), axis=alt.Axis(title="σ over groups, points", grid=True)
    )
    chart = chart_of(items)
    common = {"y": y, "yOffset": offset}
    layers: list[Any] = [
        chart.mark_rule(strokeWidth=2, opacity=0.5).encode(
            x=alt.X("sigma_corrected_low:Q"), x2="sigma_corrected_high:Q", color=look["color"], **common
        ),
        chart.mark_tick(orient="vertical", size=8, thickness=1.6, color=MUTED).encode(x="chance:Q", **common),
        chart.mark_point(filled=False, size=34, strokeWidth=1.3, opacity=0.9).encode(x="sigma:Q", **look, **common),
        chart.mark_point(filled=True, size=44, opacity=1, aria=True).encode(x=x, description="tip:N", **look, **common),
    ]
    if paper:
        ring = chart_of(paper).mark_point(filled=False, size=70, strokeWidth=1.6, color=INK, opacity=1)
        layers.append(ring.encode(x="sigma:Q", y=y))
    height = len(names) * (9 * len(predictors) + 8)
    return alt.layer(*layers).properties(width=across, height=height, config=CONFIG)


def groups_figure(groups: pl.DataFrame, width: int = WIDE) -> Any:
    """Draw the accuracy of each group with its interval, by demographic, best group first."""
    if not len(groups):
        return nothing_to_compare()
    predictors = groups["predictor"].unique(maintain_order=True).to_list()
    scale = spanning([*groups["low"].to_list(), *groups["high"].to_list()])
    named = _NAMED * width if is_narrow(width) else _NAMES
    column = panel_width(_COLUMN, width, named + _PADDING)
    legend = column if is_narrow(width) else 2 * _COLUMN + _NAMES
    charts = []
    for place, demographic in enumerate(groups["demographic"].unique(maintain_order=True)):
        part = groups.filter(pl.col("demographic") == demographic)
        names = part.filter(pl.col("predictor") == predictors[-1]).sort("value", descending=True)["group"].to_list()
        items = [
            {**row, "row": row["group"], "look": row["predictor"], "tip": _group_tip(row)} for row in part.to_dicts()
        ]
        look = looks("predictor", predictors, None if place else legend, width)
        y = alt.Y(
            "row:N",
            sort=None,
            scale=alt.Scale(domain=names),
            axis=names_axis(names, named, minExtent=named, labelFontSize=11.5),
        )
        x = alt.X("value:Q", scale=scale, axis=alt.Axis(title=None, grid=True, tickCount=5, labelFontSize=11))
        chart = chart_of(items)
        layered = alt.layer(
            chart.mark_rule(strokeWidth=1.8, opacity=0.55).encode(
                x=alt.X("low:Q"), x2="high:Q", y=y, color=look["color"]
            ),
            chart.mark_point(filled=True, size=36, opacity=1, aria=True).encode(x=x, y=y, description="tip:N", **look),
        )
        heading = alt.TitleParams(_words(demographic), anchor="start", frame="bounds", fontSize=12.5, offset=4)
        charts.append((len(names), layered.properties(width=column, height=15 * len(names), title=heading)))
    left, right = ([chart for _, chart in charts], []) if is_narrow(width) else _two_columns(charts)
    return alt.hconcat(
        *(alt.vconcat(*column, spacing=10) for column in (left, right) if column), spacing=_BETWEEN
    ).properties(config=CONFIG)


def _group_tip(row: Mapping[str, Any]) -> str:
    score = {"accuracy": row["value"], "accuracy_low": row["low"], "accuracy_high": row["high"]}
    heading = f"{row['predictor']}, {_words(row['demographic'])}: {row['group']}"
    return accuracy_tip(heading, {**score, "people": row["people"], "probes": row["probes"]})


def nothing_to_compare(words: str = "No demographic has two groups with enough people to compare.") -> Any:
    """Draw a figure of words alone."""
    text = chart_of([{"text": words}])
    placed = text.mark_text(align="left", color=INK).encode(x=alt.value(0), y=alt.value(20), text="text:N")
    return placed.properties(width=_WIDTH, height=30, config=CONFIG)


def _words(demographic: str) -> str:
    return demographic.replace("_", " ")


def _two_columns(charts: list[tuple[int, Any]]) -> tuple[list[Any], list[Any]]:
    """Split the charts, in order, into two columns of about equal length."""
    lengths = [rows + 4 for rows, _ in charts]
    cut = min(range(1, len(charts) + 1), key=lambda at: abs(sum(lengths[:at]) - sum(lengths[at:])))
    return [chart for _, chart in charts[:cut]], [chart for _, chart in charts[cut:]]
