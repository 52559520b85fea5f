"""The tables and the figure of an experiment on how a model is asked."""

from collections.abc import Sequence
from dataclasses import dataclass

import polars as pl

from indievalue.experiments.engine import CellInputs, Plan, cell_predictions
from indievalue.experiments.folder import Folder
from indievalue.experiments.marginals import known_marginals, marginals_of
from indievalue.experiments.measure import accuracy_table, measure
from indievalue.experiments.spec import REPEAT
from indievalue.experiments.specifications import align, flips, main_effects, spread
from indievalue.report.described import described
from indievalue.report.numbers import interval, number, signed, signed_interval, with_interval
from indievalue.report.tables.table import PrintedTable
from indievalue.scoring.ceiling import estimate_ceilings


@dataclass(frozen=True)
class MoreTable:
    """A further table of results: its file's name, its heading and note on the page, in full and as shown."""

    name: str
    heading: str
    note: str
    data: pl.DataFrame
    shown: PrintedTable | None = None


@dataclass(frozen=True)
class Specifications:
    """The results: a row per way of asking in ``data``, the same for readers in ``shown``, and ``more`` tables."""

    data: pl.DataFrame
    shown: PrintedTable
    more: tuple[MoreTable, ...]


def specifications_of(planned: Plan, inputs: CellInputs, folder: Folder) -> Specifications:
    """Compute the results from finished cells, and ask the model about countries if the experiment wants that."""
    experiment, seed = planned.experiment, inputs.seed
    tables = list(cell_predictions(planned, folder))
    ceilings = estimate_ceilings(inputs.people, inputs.ids, seed)
    measured = [
        measure(cell, predictions, inputs.ids, inputs.people.survey, None, inputs.weights, ceilings)
        for cell, predictions in tables
        if REPEAT not in cell.axes
    ]
    data = accuracy_table(experiment, measured, seed)
    asked = align(tables)
    more = [
        _spread_table(spread(asked, seed)),
        _effects_table(main_effects(asked, experiment.grid, seed)),
        _flips_table(flips(asked, experiment.grid, seed)),
    ]
    if experiment.marginals:
        marginals = marginals_of(planned.cells[0], inputs)
        if len(marginals):
            more += [_known_table(known_marginals(marginals, seed)), MoreTable("marginals", "", "", marginals)]
    return Specifications(data, _ways_table(data, tuple(experiment.grid)), tuple(more))


def _ways_table(data: pl.DataFrame, axes: Sequence[str]) -> PrintedTable:
    kept = [axis for axis in axes if data[axis].n_unique() > 1] or list(axes)[:1]
    rows = [
        (
            *(described({axis: row[axis]}) for axis in kept),
            with_interval(row["accuracy"], row["accuracy_low"], row["accuracy_high"]),
        )
        for row in data.sort("accuracy", descending=True, maintain_order=True).iter_rows(named=True)
    ]
    headings = (*(axis.replace("_", " ") for axis in kept), "accuracy")
    return PrintedTable("", "", headings, tuple(rows), len(kept))


def _spread_table(table: pl.DataFrame) -> MoreTable:
    rows = [
        (row["statistic"], number(row["value"]), interval(row["low"], row["high"]))
        for row in table.iter_rows(named=True)
    ]
    note = (
        "Of the accuracies of all ways of asking, in % and points. By chance: if no setting mattered, and answers were "
        "right as often in each way of asking."
    )
    return MoreTable("spread", "Spread", note, table, PrintedTable("", "", ("", "value", "95% interval"), tuple(rows)))


def _effects_table(table: pl.DataFrame) -> MoreTable:
    rows = [
        (
            row["setting"].replace("_", " "),
            described({row["setting"]: row["value"]}),
            f"{signed(row['effect'])} ({signed_interval(row['low'], row['high'])})",
            str(row["cells"]),
        )
        for row in table.iter_rows(named=True)
    ]
    note = (
        "Points of accuracy gained over the first value of each setting, all else being equal: a linear model without "
        "interactions, with 95% intervals from resampling people."
    )
    headings = ("setting", "value", "effect, points", "ways of asking")
    return MoreTable("effects", "Main effects", note, table, PrintedTable("", "", headings, tuple(rows), 2))


def _flips_table(table: pl.DataFrame) -> MoreTable:
    rows = [
        (
            row["changed"].replace("_", " "),
            with_interval(row["flipped"], row["low"], row["high"]),
            str(row["pairs"]),
        )
        for row in table.iter_rows(named=True)
    ]
    note = (
        "How many answers in a hundred are other ones, about the same person and probe, if this setting alone is "
        "changed from its first value; with 95% intervals from resampling people."
    )
    headings = ("changed", "answers that change, %", "pairs")
    return MoreTable("flips", "Answers that change", note, table, PrintedTable("", "", headings, tuple(rows)))


def _known_table(table: pl.DataFrame) -> MoreTable:
    rows = [
        (
            {"difference": "difference of these two", "everybody": "everybody, from the country"}.get(
                row["from"], f"the model, from {row['from']}"
            ),
            f"{signed(row['distance'])} ({signed_interval(row['distance_low'], row['distance_high'])})"
            if row["from"] == "difference"
            else with_interval(row["distance"], row["distance_low"], row["distance_high"]),
            f"{row['countries']} × {row['questions']}",
        )
        for row in table.iter_rows(named=True)
    ]
    note = (
        "The model is asked about a person with nothing known but the country. Distances from how people answered: "
        "half the sum of absolute differences, in %, a mean over countries and questions, with 95% intervals from "
        "resampling questions. A difference below 0 says that the model knows what is particular to a country."
    )
    headings = ("distance of", "%", "countries × questions")
    shown = PrintedTable("", "", headings, tuple(rows))
    return MoreTable("knowledge", "What the model knows of countries", note, table, shown)
