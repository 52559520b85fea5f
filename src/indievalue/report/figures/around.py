"""Figures of values with intervals around one that means no difference: differences, and ratios of variances."""

from collections.abc import Mapping, Sequence
from typing import Any

import altair as alt

from indievalue.report.figures.drawing import WIDE, Rows, chart_of, dot_figure, dot_layers, legend_of, predictor_looks
from indievalue.report.figures.lettering import shortened
from indievalue.report.figures.styles import BASELINES, MUTED, PALETTE, PredictorStyle
from indievalue.report.numbers import interval, number, signed, signed_interval
from indievalue.report.tips import PART

_MARGIN = 0.05
"""Share of what is shown that is left free at both ends of the axis."""

_AROUND = 40
"""Pixels that the minus sign between two names takes, and the margins."""

_SURE = {
    "interval excludes 0": PredictorStyle(*PALETTE[0], "circle"),
    "interval includes 0": PredictorStyle(BASELINES["random"].colour, BASELINES["random"].dark, "diamond"),
}


def ratio_figure(
    rows: Sequence[Mapping[str, Any]], key: str, styles: Mapping[str, PredictorStyle], width: int = WIDE
) -> alt.LayerChart | None:
    """Draw the ratio of the variance as predicted to the true one, by the column ``key`` and predictor.

    ``rows`` are those of :attr:`indievalue.scoring.flattening.Flattening.table` or ``groups``. Returns None if no row
    has a ratio.
    """
    items = [
        {
            "row": str(row[key]).replace("_", " "),
            "line": row["predictor"],
            "predictor": row["predictor"],
            **_between(row["ratio"], row["ratio_low"], row["ratio_high"]),
            "tip": PART.join(
                [
                    f"{row['predictor']}, {str(row[key]).replace('_', ' ')}",
                    f"{number(row['ratio'], 2)} of the variance of answers",
                    f"95% interval {interval(row['ratio_low'], row['ratio_high'], 2)}",
                    f"{row['people']:,} people",
                ]
            ),
        }
        for row in rows
        if row["ratio"] is not None
    ]
    if not items:
        return None
    predictors = list(dict.fromkeys(item["predictor"] for item in items))
    placed = Rows(tuple(dict.fromkeys(item["row"] for item in items)), tuple(predictors), width, height=11)
    looks = predictor_looks(styles, predictors, legend_of(predictors, placed.across))
    title = "Variance of predictions / variance of answers"
    return around_figure(items, placed, looks, title, 1.0, least=0.0)


def difference_figure(
    rows: Sequence[tuple[str, str, Mapping[str, Any]]], title: str, digits: int, width: int = WIDE
) -> alt.LayerChart | None:
    """Draw differences between two predictors each: its names, and a row of :attr:`Comparison.table`.

    A pair of names that is too long for a line has both shortened. Returns None if no row has an interval.
    """
    known = [(a, b, row) for a, b, row in rows if None not in (row["difference"], row["low"], row["high"])]
    if not known:
        return None
    names = _names([(a, b) for a, b, _ in known], width)
    items = [
        {
            "row": name,
            "line": "difference",
            "predictor": list(_SURE)[row["low"] <= 0 <= row["high"]],
            **_between(row["difference"], row["low"], row["high"]),
            "tip": PART.join(
                [
                    f"{a} − {b}" if b else a,
                    f"{number(row['a'], digits)} and {number(row['b'], digits)}, "
                    f"difference {signed(row['difference'], digits)}",
                    f"95% interval {signed_interval(row['low'], row['high'], digits)}",
                    *([] if row["p"] is None else [f"p = {row['p']:.3f}"]),
                ]
            ),
        }
        for name, (a, b, row) in zip(names, known, strict=True)
    ]
    kinds = [kind for kind in _SURE if kind in {item["predictor"] for item in items}]
    placed = Rows(tuple(names), ("difference",), width, height=20, above=any(b for _, b, _ in known))
    looks = predictor_looks(_SURE, kinds, legend_of(kinds, placed.across))
    return around_figure(items, placed, looks, title, 0.0)


def _names(pairs: Sequence[tuple[str, str]], width: int) -> list[str]:
    """Return a name of each pair that is at most as wide as a figure, or the full names if two would look alike."""
    full = [f"{a} − {b}" if b else a for a, b in pairs]
    half = (width - _AROUND) / 2
    short = [
        name
        if shortened(name, width - _AROUND, bold=True) == name
        else f"{shortened(a, half, bold=True)} − {shortened(b, half, bold=True)}"
        for name, (a, b) in zip(full, pairs, strict=True)
    ]
    return short if len(set(short)) == len(set(full)) else full


def _between(value: float, low: float | None, high: float | None) -> dict[str, float]:
    """Return a value and its interval under the keys that :func:`dot_layers` reads."""
    return {
        "accuracy": value,
        "accuracy_low": value if low is None else low,
        "accuracy_high": value if high is None else high,
    }


def around_figure(
    items: Sequence[Mapping[str, Any]],
    rows: Rows,
    looks: Mapping[str, Any],
    title: str,
    reference: float,
    least: float | None = None,
) -> alt.LayerChart:
    """Draw dots with intervals, and an upright line at the ``reference``, which the axis shows in any case."""
    ends = [reference, *(float(item[end]) for item in items for end in _between(0, 0, 0))]
    low, high = min(ends), max(ends)
    room = _MARGIN * (high - low) or 1.0
    scale = alt.Scale(domain=[low - room if least is None else least, high + room], nice=False, zero=False)
    x = alt.X("accuracy:Q", scale=scale, axis=alt.Axis(title=title, grid=True, tickCount=6))
    # Beside the dots alone, for a line from top to bottom would run through names above them.
    marks = [{"row": row, "line": line, "accuracy": reference} for row in rows.names for line in rows.lines]
    line = (
        chart_of(marks)
        .mark_tick(orient="vertical", color=MUTED, thickness=1.4, size=rows.height + 1, opacity=0.8)
        .encode(x=x, **rows.encoding())
    )
    return dot_figure([line, *dot_layers(items, rows, x, looks)], rows)
