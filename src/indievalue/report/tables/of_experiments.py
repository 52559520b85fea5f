"""Tables of experiments."""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Any

import polars as pl

from indievalue.report.described import described
from indievalue.report.numbers import interval, number, probability, signed, signed_interval, with_interval
from indievalue.report.paper import PaperFigure
from indievalue.report.tables.table import PrintedTable
from indievalue.scoring.inequity import Inequity

ALL = "all"
"""Label of all categories together."""

MEAN = "mean of all"
"""The row of the Value Inequity Index: the mean of σ over demographics."""

NARROW = 9
"""Largest number of columns for which intervals are shown."""

_LONGEST = 14
"""Largest number of letters of a heading where there are many columns."""


def pivoted(table: pl.DataFrame, down: Sequence[str], across: str, value: str = "accuracy") -> PrintedTable:
    """Return a table with a row per combination of ``down`` and a column per value of ``across``, in order.

    Cells hold ``value``, with its interval if there are at most :data:`NARROW` columns. In wider tables, columns with
    long names are numbered if there are rows of the same names, which show the numbers.
    """
    columns = table[across].unique(maintain_order=True).to_list()
    interval = len(columns) <= NARROW
    rows: dict[tuple[Any, ...], dict[Any, str]] = {}
    for row in table.iter_rows(named=True):
        text = with_interval(row[value], row[f"{value}_low"], row[f"{value}_high"]) if interval else f"{row[value]:.1f}"
        rows.setdefault(tuple(row[name] for name in down), {})[row[across]] = text
    kept = [place for place in range(len(down)) if len({key[place] for key in rows}) > 1] or list(range(len(down)))[:1]
    number = {} if interval else numbered(columns, [value for key in rows for value in key])
    return PrintedTable(
        "",
        "",
        (*(down[place].replace("_", " ") for place in kept), *(number.get(c, _words(across, c)) for c in columns)),
        tuple(
            (
                *(" ".join(filter(None, [number.get(key[p]), _words(down[p], key[p])])) for p in kept),
                *(row.get(c, "") for c in columns),
            )
            for key, row in rows.items()
        ),
        len(kept),
    )


def with_tokens(table: PrintedTable, data: pl.DataFrame, down: Sequence[str], across: str) -> PrintedTable:
    """Return a table of :func:`pivoted` with further rows: the tokens of a prompt, which no predictor changes."""
    columns = data[across].unique(maintain_order=True).to_list()
    kept = [name for name in down if data[name].n_unique() > 1] or list(down[:1])
    rows: dict[tuple[str, ...], dict[Any, str]] = {}
    for row in data.iter_rows(named=True):
        stub = [_words(name, row[name]) for name in kept if name != "predictor"]
        key = (*stub, _TOKENS) if "predictor" in kept else (*stub[:-1], f"{stub[-1]}: {_TOKENS}")
        rows.setdefault(key, {})[row[across]] = f"{row['tokens']:,.0f}"
    counted = tuple((*key, *(row.get(column, "") for column in columns)) for key, row in rows.items())
    return replace(table, rows=(*table.rows, *counted))


_TOKENS = "tokens"


def numbered(names: Sequence[Any], rows: Iterable[Any]) -> dict[Any, str]:
    """Return numbers from 1 to use in place of column names, if some are long and all are among the names of ``rows``.

    Rows tell what the numbers mean; ``all`` keeps its name.
    """
    if not any(map(is_long, names)) or not set(names) - {ALL} <= set(rows):
        return {}
    return {name: str(place) for place, name in enumerate((n for n in names if n != ALL), start=1)}


def is_long(name: object) -> bool:
    """Return whether a name is too long for the heading of one of many columns."""
    return len(str(name)) > _LONGEST


def comparison_table(table: pl.DataFrame) -> PrintedTable:
    """Format the result of :func:`indievalue.experiments.compare.comparisons`."""
    rows = [
        (
            row["where"],
            row["from"],
            row["to"],
            f"{signed(row['difference'])} ({signed_interval(row['difference_low'], row['difference_high'])})",
            "" if row["d_z"] is None else signed(row["d_z"], 2),
            probability(row["p_holm"]),
        )
        for row in table.iter_rows(named=True)
    ]
    headings = ("where", "from", "to", "difference, points", "effect size d_z", "p (Holm)")
    return PrintedTable("", "", headings, tuple(rows), 3)


def paper_table(figures: Iterable[PaperFigure], *, sigma: bool) -> PrintedTable:
    """Format results of the paper, without empty columns, and with σ only if requested."""
    rows = [
        (
            figure.label,
            "nothing" if figure.context == "none" else figure.context,
            str(figure.demonstrations) if figure.context in ("statements", "both") else "",
            *(
                ("≈ " if figure.about and value is not None else "") + ("" if value is None else f"{value:.4g}")
                for value in _values(figure)
            ),
        )
        for figure in figures
    ]
    headings = ("predictor", "shown", "statements", "polar", "refined", "σ")
    wanted = range(6 if sigma else 5)
    kept = [place for place in wanted if place < 3 or any(row[place] for row in rows)]
    return PrintedTable("", "", tuple(headings[p] for p in kept), tuple(tuple(row[p] for p in kept) for row in rows), 2)


def _words(axis: str, value: Any) -> str:
    """Return a value as a heading or row name, in words if it is not clear on its own."""
    return described({axis: value}) if axis in ("context", "form", "demonstrations_as") else str(value)


def _values(figure: PaperFigure) -> tuple[float | None, ...]:
    return figure.polar, figure.refined, figure.sigma


def inequity_table(result: Inequity) -> pl.DataFrame:
    """Return σ of each predictor and demographic, with their mean, as one table."""
    mean = result.index.with_columns(pl.lit(MEAN).alias("demographic")).drop("demographics")
    parts = []
    for predictor in result.index["predictor"]:
        of_it = pl.col("predictor") == predictor
        parts += [mean.filter(of_it), result.table.filter(of_it)]
    return pl.concat(parts, how="diagonal").select(result.table.columns)


def shown_inequity(table: pl.DataFrame) -> PrintedTable:
    rows = [
        (
            row["predictor"],
            row["demographic"].replace("_", " "),
            number(row["groups"], 0, ""),
            number(row["sigma"], 2, ""),
            number(row["chance"], 2, ""),
            number(row["corrected"], 2, "")
            + (
                ""
                if row["sigma_corrected_low"] is None
                else f" ({interval(row['sigma_corrected_low'], row['sigma_corrected_high'], 2)})"
            ),
            probability(row["p"]),
            "" if row["worst"] is None else f"{row['worst']} {row['worst_value']:.1f}",
            "" if row["best"] is None else f"{row['best']} {row['best_value']:.1f}",
            probability(row["p_holm"]),
        )
        for row in table.iter_rows(named=True)
    ]
    headings = (
        "predictor",
        "demographic",
        "groups",
        "σ",
        "σ by chance",
        "σ without noise",
        "p",
        "worst",
        "best",
        "p (Holm)",
    )
    return PrintedTable("", "", headings, tuple(rows), 2)


def shown_groups(groups: pl.DataFrame) -> PrintedTable:
    """Format accuracy by group, with one row per group and one column per predictor."""
    predictors = groups["predictor"].unique(maintain_order=True).to_list()
    rows: dict[tuple[str, str, str], dict[str, str]] = {}
    for row in groups.iter_rows(named=True):
        key = row["demographic"].replace("_", " "), row["group"], f"{row['people']:,}"
        rows.setdefault(key, {})[row["predictor"]] = with_interval(row["value"], row["low"], row["high"])
    return PrintedTable(
        "",
        "",
        ("demographic", "group", "people", *predictors),
        tuple((*key, *(row.get(name, "") for name in predictors)) for key, row in rows.items()),
        2,
    )
