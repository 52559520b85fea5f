"""Figures of predicted and actual distributions: differences between groups, and whose answers are resembled."""

from collections.abc import Mapping, Sequence
from typing import Any

import altair as alt
import polars as pl

from indievalue.report.figures.around import around_figure
from indievalue.report.figures.drawing import WIDE, Rows, dot_figure, dot_layers, legend_of, predictor_looks
from indievalue.report.figures.evenness import nothing_to_compare
from indievalue.report.figures.styles import PredictorStyle, predictor_styles
from indievalue.report.numbers import interval, number
from indievalue.report.tables.of_distributions import exaggeration_interval, one_reading
from indievalue.report.tips import PART

_FARTHEST = 2.0
"""Exaggeration at which the axis ends, unless a value is larger: an interval can be without end."""

_MARGIN = 0.04
"""Share of what is shown that is left free at both ends of the axis."""


def exaggeration_figure(
    rows: Sequence[Mapping[str, Any]], styles: Mapping[str, PredictorStyle], width: int = WIDE
) -> alt.LayerChart | None:
    """Draw predicted over real differences between groups, by demographic and predictor, with 95% intervals.

    ``rows`` are those of :attr:`indievalue.scoring.distributions.Distributions.table`, one per predictor and
    demographic. Returns None if no row has a value, or predictions are the same in all groups.
    """
    known = [row for row in rows if row["exaggeration"] is not None]
    if not any(row["exaggeration"] for row in known):
        return None
    end = max(_FARTHEST, *(1.1 * row["exaggeration"] for row in known))
    items = [
        {
            "row": _words(row["demographic"]),
            "line": row["predictor"],
            "predictor": row["predictor"],
            "accuracy": row["exaggeration"],
            "accuracy_low": row["exaggeration_low"] or 0.0,
            "accuracy_high": min(end, end if row["exaggeration_high"] is None else row["exaggeration_high"]),
            "tip": PART.join(
                [
                    f"{row['predictor']}, {_words(row['demographic'])}",
                    f"differences {number(row['exaggeration'], 2)} times as large as real",
                    f"95% interval {exaggeration_interval(row)}",
                    f"{row['groups']} groups, {row['people']:,} people",
                ]
            ),
        }
        for row in known
    ]
    predictors = list(dict.fromkeys(item["predictor"] for item in items))
    placed = Rows(tuple(dict.fromkeys(item["row"] for item in items)), tuple(predictors), width, height=11)
    looks = predictor_looks(styles, predictors, legend_of(predictors, placed.across))
    return around_figure(items, placed, looks, "Predicted / real differences between groups", 1.0, least=0.0)


def experiment_shares_figure(table: pl.DataFrame, width: int = WIDE) -> Any:
    """Draw :func:`exaggeration_figure` of an experiment's table; in words if there is nothing to draw."""
    rows = one_reading(table).to_dicts()
    styles = predictor_styles(table["predictor"].unique(maintain_order=True))
    figure = exaggeration_figure(rows, styles, width)
    return (
        nothing_to_compare("No predicted difference between groups can be compared with a real one.")
        if figure is None
        else figure
    )


def represented_figure(
    groups: pl.DataFrame, styles: Mapping[str, PredictorStyle], width: int = WIDE
) -> alt.LayerChart | None:
    """Draw the representativeness of each group of one demographic with its 95% interval, by predictor.

    ``groups`` are rows of :attr:`indievalue.scoring.distributions.Distributions.groups`, one per predictor and group.
    Groups are in the order of the last predictor, the nearest first. Returns None if no row has a value.
    """
    known = groups.filter(pl.col("Rep_corrected").is_not_null())
    if known.is_empty():
        return None
    predictors = known["predictor"].unique(maintain_order=True).to_list()
    last = known.filter(pl.col("predictor") == predictors[-1]).sort("rank")["group"].to_list()
    names = tuple(dict.fromkeys([*last, *known["group"]]))
    items = [
        {
            "row": row["group"],
            "line": row["predictor"],
            "predictor": row["predictor"],
            "accuracy": row["Rep_corrected"],
            "accuracy_low": row["Rep_corrected_low"],
            "accuracy_high": row["Rep_corrected_high"],
            "tip": PART.join(
                [
                    f"{row['predictor']}, {row['group']}",
                    f"representativeness {number(row['Rep_corrected'], 3)}",
                    f"95% interval {interval(row['Rep_corrected_low'], row['Rep_corrected_high'], 3)}",
                    f"{row['people']:,} people",
                ]
            ),
        }
        for row in known.iter_rows(named=True)
    ]
    placed = Rows(names, tuple(predictors), width, height=11 if len(predictors) > 1 else 20)
    looks = predictor_looks(styles, predictors, legend_of(predictors, placed.across))
    low, high = min(item["accuracy_low"] for item in items), max(item["accuracy_high"] for item in items)
    room = _MARGIN * (high - low) or _MARGIN
    scale = alt.Scale(domain=[low - room, high + room], nice=False, zero=False)
    axis = alt.Axis(title="Representativeness, 1 − distance", grid=True, tickCount=6)
    return dot_figure(dot_layers(items, placed, alt.X("accuracy:Q", scale=scale, axis=axis), looks), placed)


def _words(demographic: str) -> str:
    return demographic.replace("_", " ")
