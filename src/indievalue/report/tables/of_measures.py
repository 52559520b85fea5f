"""Tables of inequity, flattening and paired differences, for pages: headings in words, an interval in one cell."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any

import polars as pl

from indievalue.choices import Measure
from indievalue.report.numbers import (
    COMPARED_DIGITS,
    MISSING,
    SIGMA_DIGITS,
    interval,
    number,
    over,
    probability,
    share,
    signed,
    signed_interval,
    with_interval,
)
from indievalue.report.tables.table import PrintedTable
from indievalue.scoring.distributions import Distributions
from indievalue.scoring.flattening import ANYBODY, Flattening
from indievalue.scoring.groups import CROSS
from indievalue.scoring.inequity import Inequity
from indievalue.scoring.paired import Comparison

UNITS: Mapping[Measure, str] = {"accuracy": "points", "log_loss": "nats", "calibration": "0–1"}
"""Units of σ, by what is compared between groups."""

_WORDS: Mapping[Measure, str] = {"accuracy": "accuracy", "log_loss": "log loss", "calibration": "calibration error"}

_DIFFERENCE = ("Difference a − b", "95% interval", "p", "p (Holm)")

Row = Mapping[str, Any]


def index_table(parts: Sequence[tuple[str, Inequity]]) -> PrintedTable:
    """Return the Value Inequity Index of each predictor, of one or more named runs."""
    measure = parts[0][1].measure
    headings = ("Predictor", *_sigma_headings(measure), "Demographics")

    def rows(found: Inequity) -> Iterator[tuple[str, ...]]:
        for row in found.index.iter_rows(named=True):
            yield row["predictor"], *_sigma(row, measure), f"{row['demographics']} of {len(found.demographics)}"

    return of_runs(parts, headings, rows, names=1)


def sigma_table(parts: Sequence[tuple[str, Inequity]]) -> PrintedTable:
    """Return σ of each demographic and predictor, with its worst and best group."""
    measure = parts[0][1].measure
    value, digits = ("%, " if measure == "accuracy" else ""), _value_digits(measure)
    last = (f"Worst group, {value}95% interval", f"Best group{value and ', %'}")
    headings = ("Demographic", "Predictor", "Groups", "People", *_sigma_headings(measure), *last)

    def rows(found: Inequity) -> Iterator[tuple[str, ...]]:
        for row in found.table.iter_rows(named=True):
            worst = best = MISSING
            if row["worst"] is not None:
                ends = with_interval(row["worst_value"], row["worst_low"], row["worst_high"], digits)
                worst, best = f"{row['worst']} {ends}", f"{row['best']} {number(row['best_value'], digits)}"
            counts = (number(row["groups"], 0), number(row["people"], 0))
            yield words(row["demographic"]), row["predictor"], *counts, *_sigma(row, measure), worst, best

    return of_runs(parts, headings, rows, names=2)


def noise_table(parts: Sequence[tuple[str, Inequity]], predictor: str | None = None) -> PrintedTable | None:
    """Return σ beside that of the ceilings, the share of gaps that noise explains, and how reliable groups' values are.

    It is of one ``predictor`` or of all; None if the ceilings of the groups were not estimated.
    """
    if any("noise_low" not in found.table.columns for _, found in parts):
        return None
    headings = (
        "Demographic",
        *(() if predictor else ("Predictor",)),
        "σ, points",
        "σ of ceilings, points",
        "Gap, points",
        "Explained by noise, %",
        "Reliability",
    )

    def rows(found: Inequity) -> Iterator[tuple[str, ...]]:
        for row in found.table.filter(pl.lit(predictor is None) | (pl.col("predictor") == predictor)).to_dicts():
            if row["sigma"] is not None:
                yield (
                    words(row["demographic"]),
                    *(() if predictor else (row["predictor"],)),
                    number(row["sigma"], 2),
                    interval(row["ceiling_sigma_low"], row["ceiling_sigma_high"], 2),
                    number(row["gap"], 1),
                    share(row["noise_low"], row["noise_high"]),
                    number(row["split_half"], 2),
                )

    return of_runs(parts, headings, rows, names=1 if predictor else 2)


def values_table(parts: Sequence[tuple[str, Inequity]]) -> PrintedTable:
    """Return the measure in each group, with its 95% interval: a column for each predictor."""
    measure = parts[0][1].measure
    unit = ", %" if measure == "accuracy" else ""
    digits = _value_digits(measure)
    frames = [(name, found.groups) for name, found in parts]

    def cell(row: Row) -> str:
        return with_interval(row["value"], row["low"], row["high"], digits)

    return by_group(frames, cell, unit)


def ratio_table(parts: Sequence[tuple[str, Flattening]]) -> PrintedTable:
    """Return how much people of one group differ, as they are and as predicted."""
    of_variance = ("Variance", "Predicted", "Ratio", "95% interval")
    of_likeness = ("Alike, %", "Predicted, %", "More alike, points", "95% interval")
    headings = ("Demographic", "Predictor", "Groups", "People", *of_variance, *of_likeness)

    def rows(found: Flattening) -> Iterator[tuple[str, ...]]:
        for row in found.table.iter_rows(named=True):
            yield (
                words(row["demographic"]),
                row["predictor"],
                number(row["groups"], 0),
                number(row["people"], 0),
                *(number(row[name], 3) for name in ("variance_true", "variance")),
                number(row["ratio"], 2),
                interval(row["ratio_low"], row["ratio_high"], 2),
                *(number(_percent(row[name]), 1) for name in ("alike_true", "alike")),
                signed(_percent(row["excess"])),
                signed_interval(_percent(row["excess_low"]), _percent(row["excess_high"])),
            )

    return of_runs(parts, headings, rows, names=2)


def ratio_groups_table(parts: Sequence[tuple[str, Flattening]]) -> PrintedTable:
    """Return the ratio of variances in each group, with its 95% interval: a column for each predictor."""
    frames = [(name, found.groups) for name, found in parts]

    def cell(row: Row) -> str:
        return MISSING if row["ratio"] is None else with_interval(row["ratio"], row["ratio_low"], row["ratio_high"], 2)

    return by_group(frames, cell, "")


def pairs_table(parts: Sequence[tuple[str, Flattening]]) -> PrintedTable:
    """Return how often two people who differ are told apart, and how often they are predicted the same."""
    rates = ("Told apart, %", "95% interval", "Given the same, %", "95% interval")
    headings = ("Pairs of people", "Predictor", "Pairs", "Cases", *rates)

    def rows(found: Flattening) -> Iterator[tuple[str, ...]]:
        for row in found.pairs.iter_rows(named=True):
            yield (
                matching(row["matched"]),
                row["predictor"],
                *(number(row[name], 0) for name in ("pairs", "cases")),
                number(row["apart"], 1),
                interval(row["apart_low"], row["apart_high"], 1),
                number(row["same"], 1),
                interval(row["same_low"], row["same_high"], 1),
            )

    return of_runs(parts, headings, rows, names=2)


def matching(names: str) -> str:
    """Describe what the two people of a pair have in common, to follow 'pairs of people'."""
    return "any two" if names == ANYBODY else f"of the same {words(names).replace(CROSS, ', ')}"


def differences_table(found: Sequence[Comparison], measure: str) -> PrintedTable:
    """Return the difference of each pair of predictors in ``accuracy``, ``log_loss`` or ``inequity``."""
    unit = {"accuracy": ", %", "log_loss": ", nats", "inequity": ", points"}[measure]
    headings = ("a", "b", f"Value of a{unit}", f"Value of b{unit}", *_DIFFERENCE, "People", "Answers")
    rows = []
    for one in found:
        used = one.probes
        if measure == "log_loss" and over(one.probability_rows, one.probes):
            used = one.probability_rows or 0
        counts = (f"{one.people:,}", f"{used:,}")
        of_pair = one.table.filter(measure=measure).iter_rows(named=True)
        rows += [(one.a, one.b, *_difference(row, measure), *counts) for row in of_pair]
    return PrintedTable("", "", headings, tuple(rows), 2)


def sigma_differences_table(found: Sequence[Comparison]) -> PrintedTable:
    """Return the difference of each pair of predictors in σ without noise, by demographic."""
    headings = ("a", "b", "Demographic", "σ of a", "σ of b", *_DIFFERENCE)
    rows = tuple(
        (one.a, one.b, words(row["demographic"]), *_difference(row, "inequity"))
        for one in found
        for row in one.table.filter(measure="sigma").iter_rows(named=True)
    )
    return PrintedTable("", "", headings, rows, 3)


def group_notes(found: Inequity | Flattening | Distributions, called: Callable[[str], str] = str) -> list[str]:
    """Return who was pooled or left out, and which predictors that concerns if not all, as sentences.

    ``called`` returns the name of a demographic.
    """
    notes: dict[tuple[str, str], list[str]] = {}
    for row in found.table.iter_rows(named=True):
        if row["note"]:
            of = row["demographic"] if row["groups"] is not None else "probabilities"
            notes.setdefault((of, row["note"]), []).append(row["predictor"])
    everybody = found.table["predictor"].n_unique()
    sentences = []
    for (demographic, note), predictors in notes.items():
        whose = list(dict.fromkeys(predictors))
        of = called(demographic)
        named = of if len(whose) == everybody else f"{', '.join(whose)}, {of}"
        if demographic == "probabilities":
            named = ", ".join(whose)
        sentences.append(f"{named}: {note}.")
    return sentences


def of_runs(
    parts: Sequence[tuple[str, Any]],
    headings: tuple[str, ...],
    rows: Callable[[Any], Iterable[tuple[str, ...]]],
    *,
    names: int,
) -> PrintedTable:
    """Return the rows of all runs, with the runs named in the first column if there are several."""
    if len(parts) == 1:
        return PrintedTable("", "", headings, tuple(rows(parts[0][1])), names)
    stacked = tuple((run, *row) for run, found in parts for row in rows(found))
    return PrintedTable("", "", ("Run", *headings), stacked, names + 1)


def by_group(parts: Sequence[tuple[str, pl.DataFrame]], cell: Callable[[Row], str], unit: str) -> PrintedTable:
    predictors = list(dict.fromkeys(name for _, groups in parts for name in groups["predictor"]))

    def rows(groups: pl.DataFrame) -> Iterator[tuple[str, ...]]:
        cells: dict[tuple[str, str], dict[str, str]] = {}
        people: dict[tuple[str, str], list[int]] = {}
        for row in groups.iter_rows(named=True):
            key = words(row["demographic"]), row["group"]
            cells.setdefault(key, {})[row["predictor"]] = cell(row)
            people.setdefault(key, []).append(row["people"])
        for key, of in cells.items():
            least, most = min(people[key]), max(people[key])
            size = f"{least:,}" if least == most else f"{least:,}–{most:,}"
            yield *key, size, *(of.get(name, MISSING) for name in predictors)

    headings = ("Demographic", "Group", "People", *(f"{name}{unit}" for name in predictors))
    return of_runs(parts, headings, rows, names=2)


def _sigma_headings(measure: Measure) -> tuple[str, ...]:
    return f"σ, {UNITS[measure]}", "Chance", "p", "p (Holm)", "Corrected", "95% interval"


def _sigma(row: Row, measure: Measure) -> tuple[str, ...]:
    digits = SIGMA_DIGITS[measure]
    return (
        number(row["sigma"], digits),
        number(row["chance"], digits),
        probability(row["p"]) or MISSING,
        probability(row["p_holm"]) or MISSING,
        number(row["corrected"], digits),
        interval(row["sigma_corrected_low"], row["sigma_corrected_high"], digits),
    )


def _difference(row: Row, measure: str) -> tuple[str, ...]:
    digits = COMPARED_DIGITS[measure]
    return (
        number(row["a"], digits),
        number(row["b"], digits),
        signed(row["difference"], digits),
        signed_interval(row["low"], row["high"], digits),
        probability(row["p"]) or MISSING,
        probability(row["p_holm"]) or MISSING,
    )


def _value_digits(measure: Measure) -> int:
    return 1 if measure == "accuracy" else 3


def _percent(share: float | None) -> float | None:
    return None if share is None else 100 * share


def measure_words(measure: Measure) -> str:
    """Return what is compared between groups, in words."""
    return _WORDS[measure]


def words(demographic: str) -> str:
    """Return the name of a demographic without underscores."""
    return demographic.replace("_", " ")
