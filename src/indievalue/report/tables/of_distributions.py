"""Tables of predicted and actual distributions of answers."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import polars as pl

from indievalue.report.numbers import MISSING, interval, number, with_interval
from indievalue.report.tables.of_measures import by_group, of_runs, words
from indievalue.report.tables.table import PrintedTable
from indievalue.scoring.distributions import OVERALL, Distributions

DIGITS = 3
"""Digits of a distance between distributions."""

Row = Mapping[str, Any]


def one_reading(table: pl.DataFrame) -> pl.DataFrame:
    """Return the rows of one reading of each predictor: of its probabilities if it has them, else of its choices."""
    return table.filter(pl.col("reading") == pl.col("reading").first().over("predictor"))


def distances_table(parts: Sequence[tuple[str, Distributions]]) -> PrintedTable:
    """Return the mean distances between predicted and actual answers of everybody, each beside that of sampling."""
    headings = (
        "Predictor",
        "Read as",
        *("Wasserstein", "by sampling", "below 0.2, %"),
        *("Total variation", "by sampling", "Jensen-Shannon", "by sampling", "Entropy", "of answers"),
    )

    def rows(found: Distributions) -> Iterator[tuple[str, ...]]:
        for row in found.groups.filter(demographic=OVERALL).iter_rows(named=True):
            yield (
                row["predictor"],
                row["reading"],
                *(number(row[name], DIGITS) for name in ("WD", "WD_floor")),
                number(row["WD_below"], 0),
                *(number(row[name], DIGITS) for name in ("TV", "TV_floor", "JS", "JS_floor")),
                *(number(row[name], 2) for name in ("entropy", "entropy_true")),
            )

    return of_runs(parts, headings, rows, names=2)


def between_table(parts: Sequence[tuple[str, Distributions]]) -> PrintedTable:
    """Return how the differences between the groups of each demographic are predicted, and the nearest group."""
    headings = (
        *("Demographic", "Predictor", "Groups", "Wasserstein", "by sampling"),
        *("Exaggeration", "95% interval", "Rank correlation", "95% interval", "Nearest group", "Farthest group"),
    )

    def rows(found: Distributions) -> Iterator[tuple[str, ...]]:
        for row in one_reading(found.table).filter(pl.col("demographic") != OVERALL).iter_rows(named=True):
            yield (
                words(row["demographic"]),
                row["predictor"],
                number(row["groups"], 0),
                *(number(row[name], DIGITS) for name in ("WD", "WD_floor")),
                number(row["exaggeration"], 2),
                exaggeration_interval(row),
                number(row["rank_correlation"], 2),
                interval(row["rank_correlation_low"], row["rank_correlation_high"], 2),
                *(group_with_value(row, name) for name in ("nearest", "farthest")),
            )

    return of_runs(parts, headings, rows, names=2)


def represented_table(parts: Sequence[tuple[str, Distributions]]) -> PrintedTable:
    """Return the representativeness of each group without noise, with its 95% interval: a column per predictor."""
    frames = [(name, one_reading(found.groups)) for name, found in parts]

    def cell(row: Row) -> str:
        if row["Rep_corrected"] is None:
            return MISSING
        ends = (row["Rep_corrected_low"], row["Rep_corrected_high"])
        return with_interval(row["Rep_corrected"], *ends, DIGITS)

    return by_group(frames, cell, "")


def exaggeration_interval(row: Row) -> str:
    """Return the 95% interval; it has no upper end where real differences may be none at all."""
    low, high = row["exaggeration_low"], row["exaggeration_high"]
    return f"from {number(low, 2)}" if low is not None and high is None else interval(low, high, 2)


def group_with_value(row: Row, name: str) -> str:
    """Return the ``nearest`` or the ``farthest`` group with its representativeness."""
    return MISSING if row[name] is None else f"{row[name]} {number(row[f'{name}_Rep'], DIGITS)}"
