"""Distributions of answers in the report, on the page of ``indievalue distributions``, and in the terminal."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import polars as pl
from rich import box
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from indievalue.report.figures.distributions import exaggeration_figure, represented_figure
from indievalue.report.figures.styles import PredictorStyle, predictor_styles
from indievalue.report.measure_answers import most_accurate, named
from indievalue.report.measure_pages import Measured, listed_notes, measured_page
from indievalue.report.numbers import number, probability, signed, signed_interval
from indievalue.report.tables.of_distributions import (
    DIGITS,
    between_table,
    distances_table,
    exaggeration_interval,
    group_with_value,
    one_reading,
    represented_table,
)
from indievalue.report.tables.of_measures import group_notes, words
from indievalue.report.tables.table import PrintedTable
from indievalue.report.tables_page import Picture, Section, TablesPage, picture
from indievalue.runs.run import Run
from indievalue.scoring.distributions import OVERALL, Distributions
from indievalue.scoring.flattening import MATCHED

REPORT_DRAWS = 200
"""Bootstrap draws behind the report's section, which is made with every run."""

_MOST_LINES = 160
"""Largest number of groups times predictors that a figure shows."""

DISTANCES = (
    "Mean distances, over questions, between the shares of answers as predicted and as given, from 0 to 1; by "
    "sampling: what a predictor that knows the shares exactly would have with so many people. Wasserstein: on ordered "
    "questions, with options equally spaced from 0 to 1; 0.01 moves everybody by a hundredth of the scale. Total "
    "variation: the share of answers that would have to be other ones. Jensen-Shannon: the square root of the "
    "divergence in bits. Entropy: from 0, all give one answer, to 1, all answers are as common. Read as probabilities: "
    "the mean of the probabilities of all people; as choices: how often each option was chosen."
)
BETWEEN = (
    "Exaggeration: the standard deviation of predicted differences between groups divided by that of real ones, both "
    "without sampling noise; 1 is as real, above it groups are stereotyped, below it they are levelled. Rank "
    "correlation: of groups as predicted and as they are, over ordered questions. Nearest and farthest group: those "
    "whose answers predictions resemble most and least."
)
REPRESENTED = (
    "Representativeness: 1 minus the Wasserstein distance from the answers of a group, averaged over questions, "
    "without the noise that small groups have, with its 95% interval from resampling people."
)
TOLD = "These predictors were told something of each person: this is not whose answers a model gives of its own accord."


def told_nothing(run: Run) -> bool:
    """Return whether predictors were told nothing of a person, as in OpinionQA's question."""
    blocks = run.record.context
    return blocks == "none" or (blocks == "statements" and int(run.predictions["demonstrations"].max() or 0) == 0)  # type: ignore[arg-type]


def report_distributions(run: Run) -> Distributions:
    """Return what the report shows, computed once per run: everybody, and groups by a few demographics."""
    names = [name for name in MATCHED if name in run.people.columns] or run.demographics(needed=False)[:1]
    return run.remember("distributions", lambda: run.distributions(names, draws=REPORT_DRAWS))


@dataclass(frozen=True)
class SharesPart:
    """What the report shows of one run: an answer, tables, and a figure if predicted differences can be drawn."""

    answer: str
    distances: PrintedTable
    between: PrintedTable | None
    figure: Picture | None


def shares_part(run: Run, styles: Mapping[str, PredictorStyle], name: str) -> SharesPart:
    """Return the shares of answers of a run for its report."""
    found = report_distributions(run)
    between = between_table([("", found)]) if found.demographics else None
    figure = exaggeration_picture(found, styles, name)
    return SharesPart(distributions_answer(run, found), distances_table([("", found)]), between, figure)


def distributions_answer(run: Run, found: Distributions) -> str:
    """State how far shares are off, whether groups are exaggerated, and whose answers are resembled most."""
    rows = one_reading(found.table)
    known = rows.filter(pl.col("TV").is_not_null())
    if known.is_empty():
        return "No predictor has a valid output, so there is nothing to compare."
    best = most_accurate(run, known["predictor"].to_list())
    of_best = known.filter(predictor=best)
    whole = of_best.filter(demographic=OVERALL).row(0, named=True)
    kind, name = ("WD", "Wasserstein") if whole["WD"] is not None else ("TV", "total variation")
    sentences = [
        f"The shares of answers that {named(run, best)} predicts have a mean {name} distance of "
        f"{number(whole[kind], DIGITS)} from the real ones; sampling alone gives "
        f"{number(whole[f'{kind}_floor'], DIGITS)}."
    ]
    groups = of_best.filter(pl.col("exaggeration").is_not_null()).to_dicts()
    if told_nothing(run):
        sentences += _resembled(found, best, of_best)
    elif groups:
        sentences.append(_exaggerated(next((row for row in groups if row["demographic"] == "country"), groups[0])))
    return " ".join(sentences)


def _exaggerated(row: Mapping[str, Any]) -> str:
    ends = exaggeration_interval(row)
    by = words(row["demographic"])
    return (
        f"Its differences between groups by {by} are {number(row['exaggeration'], 2)} times as large as real ones "
        f"(95% interval {ends})."
    )


def _resembled(found: Distributions, best: str, rows: pl.DataFrame) -> list[str]:
    """Return the sentence on the nearest and farthest group of the demographic in which they are farthest apart."""
    known = rows.filter(pl.col("nearest").is_not_null())
    if known.is_empty():
        return []
    row = known.sort(pl.col("nearest_Rep") - pl.col("farthest_Rep"), descending=True).row(0, named=True)
    text = (
        f"Told nothing of a person, it answers most like {row['nearest']} ({number(row['nearest_Rep'], DIGITS)}) and "
        f"least like {row['farthest']} ({number(row['farthest_Rep'], DIGITS)}) by {words(row['demographic'])}"
    )
    pair = one_reading(found.pairs).filter(
        predictor=best, demographic=row["demographic"], group=row["nearest"], other=row["farthest"]
    )
    if len(pair):
        one = pair.row(0, named=True)
        ends = signed_interval(one["difference_low"], one["difference_high"], DIGITS)
        corrected = f", p (Holm) {probability(one['p_holm'])}" if one["p_holm"] is not None else ""
        text += f": a difference of {signed(one['difference'], DIGITS)} ({ends}{corrected})"
    return [f"{text}."]


def distributions_page(measured: Sequence[Measured[Distributions]], command: str) -> TablesPage:
    """Return the page of ``indievalue distributions``."""
    parts = [(one.name, one.found) for one in measured]
    styles = predictor_styles(name for one in measured for name in one.run.scores)
    left_out = listed_notes([(one.name, group_notes(one.found, words)) for one in measured])
    told = "" if all(told_nothing(one.run) for one in measured) else f" {TOLD}"
    between: list[Picture | None] = []
    represented: list[Picture | None] = []
    for number_, one in enumerate(measured, 1):
        title = one.name if len(measured) > 1 else ""
        between.append(exaggeration_picture(one.found, styles, f"exaggeration-{number_}", title))
        represented.append(_represented_picture(one.found, styles, f"represented-{number_}", title))
    sections = [Section("Shares of answers", DISTANCES, distances_table(parts))]
    if any(one.found.demographics for one in measured):
        sections += [
            Section(
                "Differences between groups",
                f"{BETWEEN} {left_out}".strip(),
                between_table(parts),
                tuple(filter(None, between)),
                words=("Nearest group", "Farthest group"),
            ),
            Section(
                "Whose answers?",
                f"{REPRESENTED}{told}",
                represented_table(parts),
                tuple(filter(None, represented)),
            ),
        ]
    answers = [(one.name, distributions_answer(one.run, one.found)) for one in measured]
    title = "Distributions of answers"
    return measured_page("Are the shares of answers right?", title, measured, answers, sections, command)


def exaggeration_picture(
    found: Distributions, styles: Mapping[str, PredictorStyle], name: str, title: str = ""
) -> Picture | None:
    """Return the figure of predicted over real differences between groups."""
    rows = one_reading(found.table).to_dicts()
    caption = (
        "Predicted differences between groups divided by real ones, both without sampling noise, with 95% intervals. "
        "At the upright line they are as large as real; to its right groups are stereotyped."
    )
    label = f"Exaggeration by demographic and predictor{', ' if title else ''}{title}. The table has the same numbers."
    return picture(lambda width: exaggeration_figure(rows, styles, width), name, label, caption=caption, title=title)


def shown_groups(found: Distributions) -> tuple[str, pl.DataFrame]:
    """Return the demographic whose groups a figure shows, the country or else the first of a fitting size, and them."""
    for name in sorted(found.demographics, key=lambda name: name != "country"):
        rows = one_reading(found.groups).filter(demographic=name)
        if rows["group"].n_unique() > 1 and len(rows) <= _MOST_LINES:
            return words(name), rows
    return "", one_reading(found.groups).clear()


def _represented_picture(
    found: Distributions, styles: Mapping[str, PredictorStyle], name: str, title: str
) -> Picture | None:
    shown, groups = shown_groups(found)
    heading = f"{title}, by {shown}".removeprefix(", ").capitalize() if shown else ""
    caption = "1 minus the mean Wasserstein distance from each group’s answers, without noise, with 95% intervals."
    label = f"Representativeness by group and predictor{', ' if title else ''}{title}. The table has the same numbers."
    return picture(lambda width: represented_figure(groups, styles, width), name, label, caption=caption, title=heading)


def _print_distances(found: Distributions, console: Console) -> None:
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, padding=(0, 1, 0, 0))
    table.add_column("Predictor", overflow="fold")
    table.add_column("Read as", no_wrap=True)
    for heading in ("WD", "Floor", "<0.2", "TV", "Floor", "JS", "Entr.", "Real"):
        table.add_column(heading, justify="right", no_wrap=True)
    for row in distances_table([("", found)]).rows:
        table.add_row(escape(row[0]), *row[1:8], *row[9:])  # for want of room, without the floor of JS
    console.print(table)


def print_distributions(found: Distributions, console: Console) -> None:
    """Print the distances, the differences between groups, and who was pooled or left out."""
    console.print("[bold]Shares of answers[/], predicted and actual: mean distances over questions")
    _print_distances(found, console)
    between = one_reading(found.table).filter(pl.col("demographic") != OVERALL)
    for (predictor,), rows in between.group_by("predictor", maintain_order=True):
        table = Table(box=box.SIMPLE_HEAD, pad_edge=False, padding=(0, 1, 0, 0))
        table.add_column("Demographic", overflow="fold")
        for heading in ("", "WD", "Floor", "Exagg.", "95% interval", "Rank"):
            table.add_column(heading, justify="right", no_wrap=True)
        table.add_column("Nearest group", overflow="fold")
        for row in rows.iter_rows(named=True):
            table.add_row(
                escape(words(row["demographic"])),
                str(row["groups"]),
                *(number(row[name], DIGITS) for name in ("WD", "WD_floor")),
                f"[bold]{number(row['exaggeration'], 2)}[/]",
                exaggeration_interval(row),
                number(row["rank_correlation"], 2),
                escape(group_with_value(row, "nearest")),
            )
        console.print(
            f"\n[bold]{escape(str(predictor))}[/]: differences between groups, and whose answers are resembled"
        )
        console.print(table)
    short = "WD: Wasserstein, <0.2: share of questions below 0.2, in %; TV, JS: total variation and Jensen-Shannon."
    of_floor = "Floor: by sampling. Real: the entropy of answers."
    for sentence in [*group_notes(found), f"{DISTANCES} {short} {of_floor}", *([BETWEEN] if len(between) else [])]:
        console.print(sentence, style="dim", highlight=False, markup=False)
