"""Figures of a report: each function returns an Altair chart.

Widths are in pixels. Figures for phones are narrower than :data:`indievalue.report.figures.drawing.NARROW`.
"""

from collections.abc import Mapping
from typing import Any

import altair as alt
import numpy as np
import polars as pl
from numpy.typing import NDArray

from indievalue.report.figures.drawing import (
    CONFIG,
    NARROW,
    WIDE,
    Rows,
    accuracy_axis,
    chart_of,
    dot_figure,
    dot_layers,
    legend_of,
    predictor_looks,
    spanning,
)
from indievalue.report.figures.lettering import lines_within
from indievalue.report.figures.styles import INK, MUTED, PredictorStyle
from indievalue.report.paper import paper_of
from indievalue.report.tips import accuracy_tip
from indievalue.runs.run import Run

_LABEL = 0.14
"""Share of the axis reserved for the numbers at the right of each row."""

_SQUARE = 520
"""Maximum width in pixels of a figure with two axes of the same kind."""

_TICKS = 50
"""Pixels to the left of a figure with numbers along its vertical axis."""

_FINEST = 4.0
"""Minimum bin width of a distribution, in points of accuracy."""


def accuracy_figure(run: Run, styles: Mapping[str, PredictorStyle], width: int = WIDE) -> alt.LayerChart:
    """Draw the accuracy of each predictor with 95% intervals, best first; results of the paper are hollow."""
    form = run.record.form
    best_first = sorted(run.scores, key=lambda name: -run.scores[name].accuracy)
    measured: list[dict[str, Any]] = [
        {
            "row": name,
            "line": "accuracy",
            "predictor": name,
            "accuracy": run.scores[name].accuracy,
            "accuracy_low": run.scores[name].accuracy_low,
            "accuracy_high": run.scores[name].accuracy_high,
            "tip": accuracy_tip(name, run.scores[name].as_dict()),
        }
        for name in best_first
    ]
    printed: list[dict[str, Any]] = []
    paper = paper_of(run)
    if paper is not None:
        beside = {name: paper.accuracy(name, form) for name in best_first}
        beside |= {f"{figure.label} (paper)": figure.accuracy(form) for figure in paper.landmarks(best_first)}
        printed = [
            {"row": row, "line": "accuracy", "accuracy": value, "kind": f"printed in the paper, {paper.source}"}
            for row, value in beside.items()
            if value is not None
        ]
    rows = Rows(tuple(dict.fromkeys(item["row"] for item in measured + printed)), ("accuracy",), width, height=22)
    labels = _value_labels(measured, printed)
    least = min(item.get("accuracy_low", item["accuracy"]) for item in measured + printed)
    greatest = max(item["end"] for item in labels)
    x = accuracy_axis([least, greatest + _LABEL * (greatest - least)])
    layers = dot_layers(measured, rows, x, predictor_looks(styles, list(run.scores), legend=None))
    if printed:
        # A separate scale for this stroke puts the hollow mark into the legend.
        legend = alt.Legend(title=None, symbolFillColor="transparent", symbolStrokeWidth=1.6)
        kind = alt.Stroke("kind:N", scale=alt.Scale(range=[INK]), legend=legend)
        layers.append(
            chart_of(printed)
            .mark_point(opacity=1, size=110, filled=False, strokeWidth=1.6)
            .encode(x=x, stroke=kind, **rows.encoding())
        )
    layers.append(
        chart_of(labels)
        .mark_text(align="left", dx=10, color=INK)
        .encode(x=alt.X("end:Q"), text="label:N", **rows.encoding())
    )
    return dot_figure(layers, rows)


def category_figure(run: Run, styles: Mapping[str, PredictorStyle], width: int = WIDE) -> alt.LayerChart:
    """Draw accuracy by category and predictor with 95% intervals, sorted by the best predictor's accuracy."""
    table = run.by_category
    of_best = table.filter(pl.col("predictor") == run.best).sort("accuracy", descending=True, maintain_order=True)
    rows = Rows(tuple(of_best["category"]), tuple(run.scores), width, height=11)
    dots = [
        item
        | {
            "row": item["category"],
            "line": item["predictor"],
            "tip": accuracy_tip(f"{item['predictor']}, {item['category']}", item),
        }
        for item in table.to_dicts()
    ]
    x = accuracy_axis([item[end] for item in dots for end in ("accuracy_low", "accuracy_high")])
    legend = legend_of(list(run.scores), rows.across)
    return dot_figure(dot_layers(dots, rows, x, predictor_looks(styles, list(run.scores), legend)), rows)


def people_figure(run: Run, styles: Mapping[str, PredictorStyle], width: int = WIDE) -> alt.VConcatChart:
    """Draw the distribution of accuracy over people, by predictor."""
    edges = _band_edges(run.by_person["probes"].to_numpy())
    shares, quartiles = {}, {}
    people = run.by_person["person"].n_unique()
    for predictor in run.scores:
        accuracy = run.by_person.filter(pl.col("predictor") == predictor)["accuracy"].to_numpy()
        shares[predictor] = 100 * np.histogram(accuracy, edges)[0] / len(accuracy)
        quartiles[predictor] = np.percentile(accuracy, [25, 50, 75])
    reached = np.flatnonzero(np.sum(list(shares.values()), axis=0))
    x = spanning([max(0.0, edges[reached[0]]), min(100.0, edges[reached[-1] + 1])])
    y = alt.Scale(domain=[0, float(max(share.max() for share in shares.values()))], nice=False)
    charts = []
    for position, (predictor, share) in enumerate(shares.items()):
        last = position == len(shares) - 1
        bars = [
            {
                "start": low,
                "end": high,
                "share": value,
                "tip": f"{predictor} · {value:.1f}% of people, {round(value * people / 100):,} of {people:,} · "
                f"{max(low, 0):.0f}–{min(high, 100):.0f}% of their answers predicted",
            }
            for low, high, value in zip(edges[:-1].tolist(), edges[1:].tolist(), share.tolist(), strict=True)
            if value > 0
        ]
        low, median, high = quartiles[predictor]
        title = "Accuracy in one person's answers, %" if last else None
        bar = (
            chart_of(bars)
            .mark_bar(color=styles[predictor].colour, stroke="white", strokeWidth=1, clip=True, aria=True)
            .encode(
                description="tip:N",
                x=alt.X("start:Q", scale=x, axis=alt.Axis(title=title, labels=last, ticks=last, tickCount=8)),
                x2="end:Q",
                y=alt.Y("share:Q", scale=y, axis=alt.Axis(title="% of people", tickCount=3)),
                y2=alt.datum(0),
            )
        )
        middle = chart_of([{"median": median}]).encode(x="median:Q")
        line = [
            middle.mark_rule(color=colour, strokeWidth=thickness) for colour, thickness in (("white", 4), (INK, 1.5))
        ]
        heading = alt.TitleParams(
            lines_within(predictor, width - 10, bold=True),
            subtitle=f"median {median:.0f}%, the middle half of people {low:.0f}–{high:.0f}%",
            anchor="start",
            fontSize=13,
            subtitleColor=MUTED,
            subtitleFontSize=13,
            offset=4,
        )
        charts.append(alt.layer(bar, *line).properties(width=width - 60, height=64, title=heading))
    return alt.vconcat(*charts, spacing=10).properties(config=CONFIG)


def reliability_figure(run: Run, styles: Mapping[str, PredictorStyle], width: int = WIDE) -> alt.LayerChart:
    """Draw a reliability diagram: the share of correct choices in bins of predicted probability, with 95% intervals.

    Larger dots stand for more answers; the diagonal is perfect calibration. The chart is as close to a square as
    ``width`` allows. Predictors without probabilities are left out.
    """
    table = run.reliability.with_columns(stated=100 * pl.col("probability"))
    bins = [
        item | {"tip": accuracy_tip(f"{item['predictor']}, {item['stated']:.0f}% sure", item)}
        for item in table.sort("predictor", "stated").to_dicts()
    ]
    given = [name for name in run.scores if name in set(table["predictor"])]
    ends = [item[end] for item in bins for end in ("stated", "accuracy")]
    scale = spanning(ends or [0.0, 100.0])
    looks = predictor_looks(styles, given, legend_of(given, min(width, _SQUARE) - _TICKS, symbolOpacity=1))
    low, high = scale.to_dict()["domain"]
    step = 20 if width < NARROW else 10
    ticks = [tick for tick in range(0, 101, step) if low <= tick <= high]  # the same on axes of different lengths
    x = alt.X("stated:Q", scale=scale, axis=alt.Axis(title="Probability of the choice, %", grid=True, values=ticks))
    y = alt.Y("accuracy:Q", scale=scale, axis=alt.Axis(title="How often it was right, %", grid=True, values=ticks))
    diagonal = (
        chart_of([{"stated": end, "accuracy": end} for end in (low, high)])
        .mark_line(color=MUTED, strokeDash=[4, 4], strokeWidth=1.2)
        .encode(x=x, y=y)
    )
    chart = chart_of(bins)
    line = chart.mark_line(strokeWidth=1.8, strokeOpacity=0.75).encode(x=x, y=y, color=looks["color"])
    interval = chart.mark_rule(strokeWidth=1.4, strokeOpacity=0.5, clip=True).encode(
        x=x, y=alt.Y("accuracy_low:Q"), y2="accuracy_high:Q", color=looks["color"]
    )
    size = alt.Size("probes:Q", scale=alt.Scale(type="linear", domainMin=0, rangeMin=44, rangeMax=190), legend=None)
    dot = chart.mark_point(opacity=1, filled=True, stroke="white", strokeWidth=0.8, aria=True).encode(
        x=x, y=y, size=size, description="tip:N", **looks
    )
    layered = alt.layer(diagonal, interval, line, dot)
    assert isinstance(layered, alt.LayerChart)  # which of two kinds it gives depends on its arguments
    fit = alt.AutoSizeParams(type="fit-x", contains="padding")
    across = min(width, _SQUARE)
    return layered.properties(width=across, height=across - 70, autosize=fit, config=CONFIG)


def _value_labels(measured: list[dict[str, Any]], printed: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return the accuracy of each row as text, at the right of the row."""
    labels = []
    for name in dict.fromkeys(item["row"] for item in measured + printed):
        of_row = [item for item in measured + printed if item["row"] == name]
        end = max(item.get("accuracy_high", item["accuracy"]) for item in of_row)
        labels.append({"row": name, "line": "accuracy", "end": end, "label": f"{of_row[0]['accuracy']:.1f}"})
    return labels


def _band_edges(probes: NDArray[np.integer]) -> NDArray[np.floating]:
    """Return bin edges from 0 to 100 such that each bin holds the same number of possible accuracies.

    With 39 probes, a person's accuracy is 0, 2.6, 5.1, … %; bins of 5 points would hold one or two of these values in
    turn and show a comb pattern that is not in the data.
    """
    step = 100 / float(np.median(probes))
    band = step * max(1, int(np.ceil(_FINEST / step)))
    return np.arange(-step / 2, 100 + band, band)
