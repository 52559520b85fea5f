"""Figure of inequity: the spread of accuracy over the groups of each demographic."""

from collections.abc import Mapping
from typing import Any

import altair as alt
import polars as pl

from indievalue.report.figures.drawing import WIDE, Rows, chart_of, dot_figure, legend_of, predictor_looks
from indievalue.report.figures.lettering import widest
from indievalue.report.figures.styles import INK, PredictorStyle
from indievalue.report.tips import PART
from indievalue.runs.run import Run

AS_IT_STANDS = "σ with noise"

_PARTING = 24
"""Pixels to either side of a legend."""


def inequity_figure(run: Run, styles: Mapping[str, PredictorStyle], width: int = WIDE) -> alt.LayerChart:
    """Draw σ without noise by demographic and predictor, with 95% intervals, and ticks for the observed σ.

    Demographics are sorted by the σ of the best predictor. Raises ValueError if no demographic has two groups.
    """
    table = None if run.index is None else run.index.table.filter(pl.col("sigma").is_not_null())
    if table is None or table.is_empty():
        raise ValueError("there is no demographic of two groups to draw")
    order = table.filter(pl.col("predictor") == run.best).sort("sigma", descending=True, maintain_order=True)[
        "demographic"
    ]
    items = [_item(row) for row in table.iter_rows(named=True)]
    rows = Rows(tuple(name.replace("_", " ") for name in order), tuple(run.scores), width, height=11)
    greatest = max(float(item[end]) for item in items for end in ("sigma", "high", "corrected"))
    scale = alt.Scale(domain=[0, greatest * 1.04], nice=False)
    axis = alt.Axis(title="Spread of accuracy over groups (σ), points", grid=True, tickCount=6)
    own = (
        widest([AS_IT_STANDS]) + 2 * _PARTING
    )  # of the legend of ticks, which stands beside the other or at the bottom
    legend = legend_of(list(run.scores), rows.across - (0 if rows.narrow else own))
    looks = predictor_looks(styles, list(run.scores), legend)
    chart = chart_of(items)
    x = alt.X("corrected:Q", scale=scale, axis=axis)
    interval = chart.mark_rule(strokeWidth=2, strokeOpacity=0.55).encode(
        x=alt.X("low:Q"), x2="high:Q", color=looks["color"], **rows.encoding()
    )
    ticks = alt.Legend(title=None, symbolType="stroke", orient="bottom" if rows.narrow else "top")
    kind = alt.Stroke("kind:N", scale=alt.Scale(range=[INK]), legend=ticks)
    noisy = chart.mark_tick(opacity=1, thickness=1.6, size=9).encode(x=alt.X("sigma:Q"), stroke=kind, **rows.encoding())
    dot = chart.mark_point(opacity=1, filled=True, size=62, aria=True).encode(
        x=x, description="tip:N", **looks, **rows.encoding()
    )
    return dot_figure([interval, noisy, dot], rows)


def _item(row: Mapping[str, Any]) -> dict[str, Any]:
    name = str(row["demographic"]).replace("_", " ")
    corrected = row["sigma"] if row["corrected"] is None else row["corrected"]
    known = row["sigma_corrected_low"] is not None and row["sigma_corrected_high"] is not None
    return {
        "row": name,
        "line": row["predictor"],
        "predictor": row["predictor"],
        "kind": AS_IT_STANDS,
        "sigma": row["sigma"],
        "corrected": corrected,
        "low": row["sigma_corrected_low"] if known else corrected,
        "high": row["sigma_corrected_high"] if known else corrected,
        "tip": sigma_tip(f"{row['predictor']}, {name}", row),
    }


def sigma_tip(heading: str, row: Mapping[str, Any]) -> str:
    """Return e.g. ``gaussian, country · σ 3.10 points · …``, with groups and people for a single demographic."""
    parts = [heading, f"σ {row['sigma']:.2f} points"]
    if (
        row["corrected"] is not None
        and row["sigma_corrected_low"] is not None
        and row["sigma_corrected_high"] is not None
    ):
        interval = f"95% interval {row['sigma_corrected_low']:.2f}–{row['sigma_corrected_high']:.2f}"
        parts.append(f"without noise {row['corrected']:.2f}, {interval}")
    parts.append(f"by chance {row['chance']:.2f}, p = {row['p']:.3f}")
    if "people" in row:
        parts.append(f"{row['groups']} groups, {row['people']:,} people")
    return PART.join(parts)
