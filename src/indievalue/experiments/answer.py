"""The answer of an experiment in a sentence, from its table."""

from typing import Any

import polars as pl

from indievalue.experiments.distribution_results import shares_answer
from indievalue.experiments.spec import (
    PREDICTOR,
    DistributionsFigure,
    Experiment,
    GroupsFigure,
    InequityFigure,
    SpecificationsFigure,
)
from indievalue.report.described import described
from indievalue.report.numbers import interval, number, signed, signed_interval
from indievalue.report.tables.of_experiments import ALL, MEAN
from indievalue.report.wording import listed

MOST = 6
"""Largest number of predictors whose σ the answer states."""


def answer_of(experiment: Experiment, data: pl.DataFrame, compared: pl.DataFrame | None = None) -> str:
    """State the highest accuracy, or for experiments on groups how far these differ; empty if nothing was compared.

    ``compared`` are the paired differences, the largest of which an experiment can state instead.
    """
    if experiment.answer == "differences" and compared is not None and len(compared):
        return _of_differences(compared)
    if isinstance(experiment.figure, InequityFigure):
        return _of_inequity(data)
    if isinstance(experiment.figure, GroupsFigure):
        return _of_groups(data)
    if isinstance(experiment.figure, DistributionsFigure):
        return shares_answer(data)
    if isinstance(experiment.figure, SpecificationsFigure):
        return _of_specifications(experiment, data)
    whole = data.filter(pl.col(experiment.by) == ALL) if experiment.by else data
    axes = [name for name in (PREDICTOR, *experiment.grid) if whole[name].n_unique() > 1] or [PREDICTOR]
    row = whole.sort("accuracy", descending=True, maintain_order=True).row(0, named=True)
    where = ", ".join(filter(None, (described({name: row[name]}) for name in axes if row[name] is not None)))
    ends = interval(row["accuracy_low"], row["accuracy_high"])
    return f"The highest accuracy is that of {where}: {number(row['accuracy'])}% (95% interval {ends}).{_way(row)}"


def _of_specifications(experiment: Experiment, data: pl.DataFrame) -> str:
    ranked = data.sort("accuracy", maintain_order=True)
    low, high = ranked.row(0, named=True), ranked.row(-1, named=True)
    axes = [axis for axis in experiment.grid if data[axis].n_unique() > 1]
    ends = [f"{number(row['accuracy'])}% ({described({axis: row[axis] for axis in axes})})" for row in (low, high)]
    return (
        f"In {len(data)} ways of asking the same model about the same people, accuracy is between {ends[0]} and "
        f"{ends[1]}."
    )


def _way(row: dict[str, Any]) -> str:
    """Say how far it is from the most common answer to the ceiling; empty if the table does not say."""
    if row.get("way_high") is None:
        return ""
    ceiling = interval(row["ceiling_low"], row["ceiling_high"], 0)
    return (
        f" That is {interval(row['way_low'], row['way_high'], 0)}% of the way from the most common answer "
        f"({number(row['most_common'])}%) to the best possible predictor ({ceiling}%)."
    )


def _of_differences(compared: pl.DataFrame) -> str:
    """State the largest difference from the first cell of each comparison, all else being equal."""
    first = compared.filter(pl.col("from") == compared["from"][0])
    said = []
    for (where,), rows in first.group_by(["where"], maintain_order=True):
        row = rows.sort("difference", descending=True, maintain_order=True).row(0, named=True)
        ends = signed_interval(row["difference_low"], row["difference_high"])
        said.append(f"{row['to']} for {where} ({signed(row['difference'])} points, 95% interval {ends})")
    return f"Compared with predictions {compared['from'][0]}, accuracy changes most {listed(said)}."


def _of_inequity(table: pl.DataFrame) -> str:
    rows = table.filter((pl.col("demographic") == MEAN) & pl.col("sigma").is_not_null())
    if rows.is_empty():
        return ""
    said = [
        f"{number(row['sigma'], 2)} for {row['predictor']} ({number(row['chance'], 2)} by chance alone)"
        for row in rows.head(MOST).iter_rows(named=True)
    ]
    more = f"; the table has {len(rows) - MOST} more" if len(rows) > MOST else ""
    return f"The mean of σ over demographics, in points of accuracy, is {listed(said)}{more}."


def _of_groups(groups: pl.DataFrame) -> str:
    if groups.is_empty():
        return ""
    each = groups.group_by("predictor", maintain_order=True).agg(
        (pl.col("value") * pl.col("probes")).sum() / pl.col("probes").sum()
    )
    best = each.sort("value", descending=True, maintain_order=True)["predictor"][0]
    ranked = groups.filter(pl.col("predictor") == best).sort("value", maintain_order=True)
    ends = [
        f"{number(row['value'])}% ({row['demographic'].replace('_', ' ')}: {row['group']})"
        for row in (ranked.row(0, named=True), ranked.row(-1, named=True))
    ]
    return f"The accuracy of {best}, the most accurate predictor, ranges from {ends[0]} to {ends[1]}."
