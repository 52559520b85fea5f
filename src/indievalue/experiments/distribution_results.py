"""The tables and the figure of an experiment on the shares of answers."""

from dataclasses import dataclass

import polars as pl

from indievalue.experiments.engine import CellInputs, Plan, cell_predictions, compared_demographics
from indievalue.experiments.folder import Folder
from indievalue.experiments.spec import PREDICTOR
from indievalue.experiments.specification_results import MoreTable
from indievalue.people.catalog import people_table
from indievalue.report.described import described
from indievalue.report.distributions import BETWEEN, DISTANCES, REPRESENTED
from indievalue.report.numbers import number
from indievalue.report.tables.of_distributions import (
    DIGITS,
    between_table,
    distances_table,
    one_reading,
    represented_table,
)
from indievalue.report.tables.table import PrintedTable
from indievalue.report.wording import listed
from indievalue.scoring.calibration import option_scales
from indievalue.scoring.distributions import OVERALL, distributions
from indievalue.scoring.groups import GroupOptions

NOTE = DISTANCES
"""What the columns of the table are."""

_MOST = 4
"""Largest number of cells whose distances the answer states."""


@dataclass(frozen=True)
class Shares:
    """The results: a row per cell, reading and demographic in ``data``, and ``more`` tables."""

    data: pl.DataFrame
    shown: PrintedTable
    more: tuple[MoreTable, ...]


def shares_of(planned: Plan, inputs: CellInputs, folder: Folder) -> Shares:
    """Compare predicted with actual shares of answers in the finished cells."""
    experiment = planned.experiment
    tables = [
        predictions.with_columns(pl.lit(described(cell.axes) if experiment.grid else cell.predictor).alias(PREDICTOR))
        for cell, predictions in cell_predictions(planned, folder)
    ]
    predictions = pl.concat(tables)
    options = GroupOptions(minimum=experiment.minimum, seed=inputs.seed, weights=inputs.weights)
    found = distributions(
        predictions,
        people_table(inputs.tested),
        compared_demographics(experiment, inputs),
        option_scales(predictions, inputs.people.survey),
        options,
    )
    parts = [("", found)]
    return Shares(
        found.table,
        distances_table(parts),
        (
            MoreTable("between", "Differences between groups", BETWEEN, one_reading(found.table), between_table(parts)),
            MoreTable("groups", "Whose answers?", REPRESENTED, found.groups, represented_table(parts)),
            MoreTable("pairs", "", "", found.pairs),
        ),
    )


def shares_answer(table: pl.DataFrame) -> str:
    """State the mean distance of each cell beside that of sampling; empty if no question is ordered."""
    rows = one_reading(table).filter(demographic=OVERALL).drop_nulls("WD")
    if rows.is_empty():
        return ""
    said = [f"{number(row['WD'], DIGITS)} for {row['predictor']}" for row in rows.head(_MOST).iter_rows(named=True)]
    more = f" (the table has {len(rows) - _MOST} more)" if len(rows) > _MOST else ""
    floor = number(rows["WD_floor"][0], DIGITS)
    return (
        f"The mean Wasserstein distance of predicted from real shares of answers is {listed(said)}{more}; sampling "
        f"alone gives {floor}."
    )
