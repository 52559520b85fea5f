"""Figures of inequity: the spread of a measure over the groups of each demographic."""

from collections.abc import Mapping, Sequence
from typing import Any

import altair as alt
import polars as pl

from indievalue.choices import Measure
from indievalue.report.figures.drawing import WIDE, Rows, chart_of, dot_figure, legend_of, predictor_looks
from indievalue.report.figures.lettering import widest
from indievalue.report.figures.styles import INK, PredictorStyle
from indievalue.report.numbers import SIGMA_DIGITS, interval
from indievalue.report.tables.of_experiments import MEAN, inequity_table
from indievalue.report.tips import PART
from indievalue.runs.run import Run
from indievalue.scoring.inequity import Inequity

AS_IT_STANDS = "σ with noise"
BY_CHANCE = "σ expected by chance"

_PARTING = 24
"""Pixels to either side of a legend."""

_AXES: Mapping[Measure, str] = {
    "accuracy": "Spread of accuracy over groups (σ), points",
    "log_loss": "Spread of log loss over groups (σ), nats",
    "calibration": "Spread of calibration error over groups (σ)",
}


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
    items = [_item(row, AS_IT_STANDS, row["sigma"]) for row in table.iter_rows(named=True)]
    return _spread(items, order.to_list(), {name: styles[name] for name in run.scores}, _AXES["accuracy"], width)


def chance_figure(
    found: Inequity, best: str, styles: Mapping[str, PredictorStyle], width: int = WIDE
) -> alt.LayerChart | None:
    """Draw the index and σ by demographic and predictor, without noise, and ticks for the σ expected by chance.

    Demographics are sorted by the σ of ``best``. Returns None if no demographic has two groups.
    """
    table = inequity_table(found).filter(pl.col("sigma").is_not_null())
    if table.is_empty():
        return None
    predictors = table["predictor"].unique(maintain_order=True).to_list()
    first = best if best in predictors else predictors[0]
    order = table.filter(pl.col("predictor") == first, pl.col("demographic") != MEAN).sort(
        "sigma", descending=True, maintain_order=True
    )
    items = [_item(row, BY_CHANCE, row["chance"], found.measure) for row in table.iter_rows(named=True)]
    # Predictors may have different demographics: those of which only some have groups come last.
    rows = dict.fromkeys([MEAN, *order["demographic"], *table["demographic"]])
    return _spread(items, list(rows), {name: styles[name] for name in predictors}, _AXES[found.measure], width)


def _spread(
    items: Sequence[Mapping[str, Any]],
    demographics: Sequence[str],
    styles: Mapping[str, PredictorStyle],
    title: str,
    width: int,
) -> alt.LayerChart:
    predictors, kinds = list(styles), str(items[0]["kind"])
    rows = Rows(tuple(name.replace("_", " ") for name in demographics), tuple(predictors), width, height=11)
    greatest = max(float(item[end]) for item in items for end in ("tick", "high", "corrected")) or 1.0
    scale = alt.Scale(domain=[0, greatest * 1.04], nice=False)
    axis = alt.Axis(title=title, grid=True, tickCount=6)
    own = widest([kinds]) + 2 * _PARTING  # of the legend of ticks, which stands beside the other or at the bottom
    legend = legend_of(predictors, rows.across - (0 if rows.narrow else own))
    looks = predictor_looks(styles, predictors, legend)
    chart = chart_of(items)
    x = alt.X("corrected:Q", scale=scale, axis=axis)
    ends = chart.mark_rule(strokeWidth=2, strokeOpacity=0.55).encode(
        x=alt.X("low:Q"), x2="high:Q", color=looks["color"], **rows.encoding()
    )
    ticks = alt.Legend(title=None, symbolType="stroke", orient="bottom" if rows.narrow else "top")
    kind = alt.Stroke("kind:N", scale=alt.Scale(range=[INK]), legend=ticks)
    marked = chart.mark_tick(opacity=1, thickness=1.6, size=9).encode(x=alt.X("tick:Q"), stroke=kind, **rows.encoding())
    dot = chart.mark_point(opacity=1, filled=True, size=62, aria=True).encode(
        x=x, description="tip:N", **looks, **rows.encoding()
    )
    return dot_figure([ends, marked, dot], rows)


def _item(row: Mapping[str, Any], kind: str, tick: float, measure: Measure = "accuracy") -> dict[str, Any]:
    name = str(row["demographic"]).replace("_", " ")
    corrected = row["sigma"] if row["corrected"] is None else row["corrected"]
    known = row["sigma_corrected_low"] is not None and row["sigma_corrected_high"] is not None
    return {
        "row": name,
        "line": row["predictor"],
        "predictor": row["predictor"],
        "kind": kind,
        "tick": tick,
        "corrected": corrected,
        "low": row["sigma_corrected_low"] if known else corrected,
        "high": row["sigma_corrected_high"] if known else corrected,
        "tip": sigma_tip(f"{row['predictor']}, {name}", row, measure),
    }


def sigma_tip(heading: str, row: Mapping[str, Any], measure: Measure = "accuracy") -> str:
    """Return e.g. ``gaussian, country · σ 3.10 points · …``, with groups and people for a single demographic."""
    digits, unit = SIGMA_DIGITS[measure], {"accuracy": " points", "log_loss": " nats"}.get(measure, "")
    parts = [heading, f"σ {row['sigma']:.{digits}f}{unit}"]
    if (
        row["corrected"] is not None
        and row["sigma_corrected_low"] is not None
        and row["sigma_corrected_high"] is not None
    ):
        ends = interval(row["sigma_corrected_low"], row["sigma_corrected_high"], digits)
        parts.append(f"without noise {row['corrected']:.{digits}f}, 95% interval {ends}")
    parts.append(f"by chance {row['chance']:.{digits}f}, p = {row['p']:.3f}")
    if row.get("people") is not None:
        parts.append(f"{row['groups']} groups, {row['people']:,} people")
    return PART.join(parts)
