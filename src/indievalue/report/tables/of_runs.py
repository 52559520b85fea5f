"""Publication-ready tables of a run: Markdown, LaTeX (booktabs) and CSV."""

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

import polars as pl

from indievalue.files import new_file
from indievalue.report.numbers import MISSING, interval, number, with_interval
from indievalue.report.tables.table import PrintedTable
from indievalue.report.wording import called, slug
from indievalue.runs.names import run_names
from indievalue.runs.run import Run
from indievalue.scoring.accuracy import PredictorScore


def run_tables(run: Run, title: str, ending: str) -> list[PrintedTable]:
    """Return all tables of a run. ``title`` identifies the run in captions, ``ending`` in file names."""
    tables = [_accuracy(run), _by("category", run.by_category, run), _by_question(run), *_inequity(run)]
    weighted = "" if run.record.weights == "none" else f", weights: {run.record.weights}"
    return [
        PrintedTable(
            f"{table.name}-{ending}", f"{table.caption}, {title}{weighted}", table.headings, table.rows, table.names
        )
        for table in tables
    ]


def write_run_tables(runs: Sequence[Run], directory: str | Path) -> list[Path]:
    """Write all tables of all runs as .md, .tex and .csv, and return the paths.

    Raises IndievalueError if ``directory`` cannot be written.
    """
    written = []
    for run, name in zip(runs, run_names(runs), strict=True):
        for table in run_tables(run, called(name), slug(name)):
            for ending, content in (("md", table.markdown()), ("tex", table.latex()), ("csv", table.csv())):
                path = Path(directory) / f"{table.name}.{ending}"
                with new_file(path) as beside:
                    beside.write_text(content, encoding="utf-8")
                written.append(path)
    return written


def _accuracy(run: Run) -> PrintedTable:
    headings: tuple[str, ...]
    headings = ("Predictor", "Accuracy, %", "95% interval", "Log loss", "Brier", "ECE", "Invalid", "People", "Answers")
    ranked = sorted(run.scores.items(), key=lambda item: -item[1].accuracy)
    rows: tuple[tuple[str, ...], ...] = tuple(
        (
            name,
            f"{score.accuracy:.1f}",
            interval(score.accuracy_low, score.accuracy_high, 1),
            *(number(value, 3) for value in (score.log_loss, score.brier, score.ece)),
            *(f"{value:,}" for value in (score.invalid, score.people, score.probes)),
        )
        for name, score in ranked
    )
    for heading, over in _rows_used([score for _, score in ranked]):
        headings = (*headings, heading)
        rows = tuple((*row, used) for row, used in zip(rows, over, strict=True))
    weights = run.record.weights
    if weights != "none":
        headings = (*headings, "Weights", "Effective people")
        effective = [score.effective_people for _, score in ranked]
        rows = tuple((*row, weights, number(size, 0)) for row, size in zip(rows, effective, strict=True))
    return PrintedTable("accuracy", "Accuracy by predictor", headings, rows)


def _rows_used(scores: Sequence[PredictorScore]) -> Iterator[tuple[str, list[str]]]:
    """Yield a column with the number of answers that each figure is over, or that were not given, if not all were."""
    for heading, rows in (
        ("Answers with probabilities (log loss, Brier)", [score.probability_rows for score in scores]),
        ("Answers with probabilities and a choice (ECE)", [score.calibration_rows for score in scores]),
    ):
        if any(used and used < score.probes for used, score in zip(rows, scores, strict=True)):
            yield heading, [number(used, 0) for used in rows]
    if any(score.unanswered for score in scores):
        yield "Not answered", [f"{score.unanswered:,}" for score in scores]


def _by(part: str, table: pl.DataFrame, run: Run) -> PrintedTable:
    headings = (part.capitalize(), *(f"{name}, %" for name in run.scores))
    return PrintedTable(f"accuracy-by-{part}", f"Accuracy by {part}", headings, tuple(_wide(table, [part], run)))


def _by_question(run: Run) -> PrintedTable:
    asked = {question.id: question for question in run.survey.questions}
    rows = tuple(
        (id_, asked[id_].asks, asked[id_].category, *figures)
        for id_, *figures in _wide(run.by_question, ["question"], run)
    )
    headings = ("Question", "Asks", "Category", *(f"{name}, %" for name in run.scores))
    return PrintedTable("accuracy-by-question", "Accuracy by question", headings, rows, names=3)


def _wide(table: pl.DataFrame, keys: list[str], run: Run) -> Iterable[tuple[str, ...]]:
    """Yield rows with ``keys`` and each predictor's accuracy with its interval."""
    for key, rows in table.group_by(keys, maintain_order=True):
        of = {row["predictor"]: row for row in rows.iter_rows(named=True)}
        yield (*map(str, key), *(_with_interval(of.get(name)) for name in run.scores))


def _inequity(run: Run) -> list[PrintedTable]:
    found = run.index
    if found is None:
        return []
    spread = ("σ", "by chance", "p", "without noise", "95% interval of that")
    holm = "p (Holm)"
    headings: tuple[str, ...] = ("Predictor", "Demographics", *spread, holm)
    index: tuple[tuple[str, ...], ...] = tuple(
        (row["predictor"], str(row["demographics"]), *_sigma(row), number(row["p_holm"], 3))
        for row in found.index.iter_rows(named=True)
    )
    tables = [
        PrintedTable("inequity", "Value Inequity Index: spread of accuracy over groups, in points", headings, index)
    ]
    headings = ("Demographic", "Predictor", "Worst group", "Left out", "Groups", *spread, "Worst, %", "Gap", holm)
    rows: tuple[tuple[str, ...], ...] = tuple(
        (
            row["demographic"].replace("_", " "),
            row["predictor"],
            row["worst"] or "–",
            row["note"] or "–",
            f"{row['groups']:,}",
            *_sigma(row),
            number(row["worst_value"], 1),
            number(row["gap"], 1),
            number(row["p_holm"], 3),
        )
        for row in found.table.iter_rows(named=True)
    )
    caption = "Spread of accuracy over the groups of each demographic, in points"
    tables.append(PrintedTable("inequity-by-demographic", caption, headings, rows, names=4))
    groups = found.groups.rename({"value": "accuracy", "low": "accuracy_low", "high": "accuracy_high"})
    keys = ["demographic", "group", "people"]
    rows = tuple(
        (demographic.replace("_", " "), *rest)
        for demographic, *rest in _wide(groups.sort("demographic", maintain_order=True), keys, run)
    )
    headings = ("Demographic", "Group", "People", *(f"{name}, %" for name in run.scores))
    return [*tables, PrintedTable("accuracy-by-group", "Accuracy by group", headings, rows, names=2)]


def _sigma(row: dict[str, Any]) -> tuple[str, ...]:
    return (
        number(row["sigma"], 2),
        number(row["chance"], 2),
        number(row["p"], 3),
        number(row["corrected"], 2),
        interval(row["sigma_corrected_low"], row["sigma_corrected_high"], 2),
    )


def _with_interval(row: dict[str, Any] | None) -> str:
    if row is None:
        return MISSING
    return with_interval(row["accuracy"], row["accuracy_low"], row["accuracy_high"])
