"""The tables of a run, ready for a paper: Markdown, LaTeX (booktabs) and CSV."""

import csv
import io
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import polars as pl

from indievalue.files import new_file
from indievalue.report.wording import called, slug
from indievalue.runs.names import run_names
from indievalue.runs.run import Run

_LONG = 40
"""A LaTeX table of more rows may break over pages."""

_LATEX = {
    "\\": r"\textbackslash{}",
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    "<": r"\textless{}",
    ">": r"\textgreater{}",
    "|": r"\textbar{}",
    '"': r"\textquotedbl{}",
    "–": "--",
    "−": r"$-$",
    "σ": r"$\sigma$",
    "×": r"$\times$",
    "\n": " ",
    **{sign: "\\" + sign for sign in "&%$#_{}"},
}


@dataclass(frozen=True)
class Table:
    """``rows`` of text under ``headings``; the first ``names`` columns hold words, the others numbers."""

    name: str
    caption: str
    headings: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    names: int = 1

    def markdown(self) -> str:
        """A pipe table under its caption; signs that Markdown or HTML would read as their own are escaped."""
        lines = [self.headings, tuple("---" if place < self.names else "--:" for place in range(len(self.headings)))]
        body = [" | ".join(line) for line in lines[1:]]
        escaped = [" | ".join(map(markdown_text, row)) for row in (self.headings, *self.rows)]
        table = "\n".join(f"| {line} |" for line in (escaped[0], *body, *escaped[1:]))
        return f"**{markdown_text(self.caption)}**\n\n{table}\n"

    def latex(self) -> str:
        """A table for ``\\usepackage{booktabs}``, and ``longtable`` where it has more than 40 rows."""
        columns = "l" * self.names + "r" * (len(self.headings) - self.names)
        head, *body = (" & ".join(map(latex_text, row)) + r" \\" for row in (self.headings, *self.rows))
        rows = "\n".join(body)
        caption = rf"\caption{{{latex_text(self.caption)}}}\label{{tab:{self.name}}}"
        if len(self.rows) > _LONG:
            return (
                f"% needs booktabs and longtable\n\\begin{{longtable}}{{{columns}}}\n{caption} \\\\\n\\toprule\n"
                f"{head}\n"
                f"\\midrule\n\\endfirsthead\n\\toprule\n{head}\n\\midrule\n\\endhead\n{rows}\n\\bottomrule\n"
                "\\end{longtable}\n"
            )
        return (
            f"% needs booktabs\n\\begin{{table}}\n\\centering\n{caption}\n\\begin{{tabular}}{{{columns}}}\n\\toprule\n"
            f"{head}\n\\midrule\n{rows}\n\\bottomrule\n\\end{{tabular}}\n\\end{{table}}\n"
        )

    def csv(self) -> str:
        text = io.StringIO()
        csv.writer(text, lineterminator="\n").writerows([self.headings, *self.rows])
        return text.getvalue()


def markdown_text(text: str) -> str:
    """``text`` as Markdown that shows just that."""
    text = text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return "".join("\\" + sign if sign in "\\`*_[]|" else sign for sign in text.replace("\n", " "))


def latex_text(text: str) -> str:
    """``text`` as LaTeX that shows just that."""
    return "".join(_LATEX.get(sign, sign) for sign in text)


def run_tables(run: Run, title: str, ending: str) -> list[Table]:
    """Every table of one run. ``title`` says in captions which run it is, ``ending`` in names of files."""
    tables = [_accuracy(run), _by("category", run.by_category, run), _by_question(run), *_inequity(run)]
    return [
        Table(f"{table.name}-{ending}", f"{table.caption}, {title}", table.headings, table.rows, table.names)
        for table in tables
    ]


def write_run_tables(runs: Sequence[Run], directory: str | Path) -> list[Path]:
    """Write every table of every run as .md, .tex and .csv, and return the paths.

    Raises IndievalueError where ``directory`` cannot be written.
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


def _accuracy(run: Run) -> Table:
    headings = ("Predictor", "Accuracy, %", "95% interval", "Log loss", "Brier", "ECE", "Invalid", "People", "Answers")
    ranked = sorted(run.scores.items(), key=lambda item: -item[1].accuracy)
    rows = tuple(
        (
            name,
            f"{score.accuracy:.1f}",
            _range(score.accuracy_low, score.accuracy_high, 1),
            *(number(value, 3) for value in (score.log_loss, score.brier, score.ece)),
            *(f"{value:,}" for value in (score.invalid, score.people, score.probes)),
        )
        for name, score in ranked
    )
    return Table("accuracy", "Accuracy by predictor", headings, rows)


def _by(part: str, table: pl.DataFrame, run: Run) -> Table:
    headings = (part.capitalize(), *(f"{name}, %" for name in run.scores))
    return Table(f"accuracy-by-{part}", f"Accuracy by {part}", headings, tuple(_wide(table, [part], run)))


def _by_question(run: Run) -> Table:
    asked = {question.id: question for question in run.survey.questions}
    rows = tuple(
        (id_, asked[id_].asks, asked[id_].category, *figures)
        for id_, *figures in _wide(run.by_question, ["question"], run)
    )
    headings = ("Question", "Asks", "Category", *(f"{name}, %" for name in run.scores))
    return Table("accuracy-by-question", "Accuracy by question", headings, rows, names=3)


def _wide(table: pl.DataFrame, keys: list[str], run: Run) -> Iterable[tuple[str, ...]]:
    """Rows of ``keys`` and of the accuracy of each predictor with its interval."""
    for key, rows in table.group_by(keys, maintain_order=True):
        of = {row["predictor"]: row for row in rows.iter_rows(named=True)}
        yield (*map(str, key), *(_with_interval(of.get(name)) for name in run.scores))


def _inequity(run: Run) -> list[Table]:
    found = run.index
    if found is None:
        return []
    spread = ("σ", "by chance", "p", "without noise", "95% interval of that")
    headings: tuple[str, ...] = ("Predictor", "Demographics", *spread)
    index: tuple[tuple[str, ...], ...] = tuple(
        (row["predictor"], str(row["demographics"]), *_sigma(row)) for row in found.index.iter_rows(named=True)
    )
    tables = [Table("inequity", "Value Inequity Index: spread of accuracy over groups, in points", headings, index)]
    headings = ("Demographic", "Predictor", "Worst group", "Left out", "Groups", *spread, "Worst, %", "Gap")
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
        )
        for row in found.table.iter_rows(named=True)
    )
    caption = "Spread of accuracy over the groups of each demographic, in points"
    tables.append(Table("inequity-by-demographic", caption, headings, rows, names=4))
    groups = found.groups.rename({"value": "accuracy", "low": "accuracy_low", "high": "accuracy_high"})
    keys = ["demographic", "group", "people"]
    rows = tuple(
        (demographic.replace("_", " "), *rest)
        for demographic, *rest in _wide(groups.sort("demographic", maintain_order=True), keys, run)
    )
    headings = ("Demographic", "Group", "People", *(f"{name}, %" for name in run.scores))
    return [*tables, Table("accuracy-by-group", "Accuracy by group", headings, rows, names=2)]


def _sigma(row: dict[str, Any]) -> tuple[str, ...]:
    return (
        number(row["sigma"], 2),
        number(row["chance"], 2),
        number(row["p"], 3),
        number(row["corrected"], 2),
        _range(row["sigma_low"], row["sigma_high"], 2),
    )


def number(value: float | None, digits: int) -> str:
    """A number with so many digits after the point, – where there is none."""
    return "–" if value is None or value != value else f"{value:.{digits}f}"


def _range(low: float | None, high: float | None, digits: int) -> str:
    return "–" if low is None or high is None else f"{number(low, digits)}–{number(high, digits)}"


def _with_interval(row: dict[str, Any] | None) -> str:
    if row is None:
        return "–"
    return f"{row['accuracy']:.1f} ({_range(row['accuracy_low'], row['accuracy_high'], 1)})"
