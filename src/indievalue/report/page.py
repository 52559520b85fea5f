"""The report: one HTML file that needs nothing else."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import polars as pl
from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from indievalue.errors import IndievalueError
from indievalue.files import new_file
from indievalue.report import wording
from indievalue.report.drawing import WIDE, Figure
from indievalue.report.example import guessed_person, spread
from indievalue.report.figures import accuracy_figure, category_figure, people_figure, reliability_figure
from indievalue.report.inline import inline_svg
from indievalue.report.paper import paper_for
from indievalue.report.runs import Run, run_names
from indievalue.report.styles import Style, predictor_styles
from indievalue.scoring.accuracy import Score

PHONE = 326
"""Pixels that a figure can have on a phone of 390."""

PROBES_SHOWN = 6
"""Probes of the example person that are open to see; the others unfold."""


@dataclass(frozen=True)
class Fitting:
    """One figure, as wide as a desktop's column and as narrow as a phone's; the page shows the one that fits."""

    wide: Markup
    narrow: Markup


@dataclass(frozen=True)
class Row:
    """A row of the headline table: a predictor, or a landmark of the paper, which has no ``score``."""

    name: str
    score: Score | None
    paper: float | None

    @property
    def difference(self) -> float | None:
        """Accuracy here less the paper's, in points."""
        return None if self.score is None or self.paper is None else self.score.accuracy - self.paper


@dataclass(frozen=True)
class Section:
    """What the page says of one run."""

    name: str
    anchor: str
    run: Run
    rows: tuple[Row, ...]
    accuracy: Fitting
    category: Fitting
    people: Fitting
    reliability: Fitting | None
    categories: tuple[tuple[str, tuple[dict[str, Any], ...]], ...]

    @property
    def printed(self) -> bool:
        """Whether the paper has anything to set beside this run."""
        return any(row.paper is not None for row in self.rows)


def write_report(runs: Sequence[Run], out: str | Path) -> None:
    """Write one self-contained HTML file about ``runs``, side by side by topic.

    Raises IndievalueError where there is no run or ``out`` cannot be written.
    """
    if not runs:
        raise IndievalueError("a report needs at least one run directory")
    html = report_html(runs)
    with new_file(Path(out)) as beside:
        beside.write_text(html, encoding="utf-8")


def report_html(runs: Sequence[Run]) -> str:
    """The page that :func:`write_report` writes."""
    styles = predictor_styles(name for run in runs for name in run.summary)
    sections = [
        _section(run, name, number, styles)
        for number, (run, name) in enumerate(zip(runs, run_names(runs), strict=True), 1)
    ]
    example_of = next((section for section in sections if section.run.examples), None)
    tested: dict[tuple[tuple[str, ...], tuple[str, ...]], list[str]] = {}
    for section in sections:
        said = (tuple(wording.chosen(section.run)), tuple(section.run.record.data.lines()))
        tested.setdefault(said, []).append(section.name)
    example = guessed_person(example_of.run) if example_of else None
    environment = Environment(
        loader=PackageLoader("indievalue.report", "."),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    return environment.get_template("page.html.jinja").render(
        sections=sections,
        styles=styles,
        example_of=example_of,
        example=example,
        probes=spread(example.probes, PROBES_SHOWN) if example else ([], []),
        wording=wording,
        tested=tested,
        evaluated=wording.evaluated(runs),
        paper_note=wording.paper_note(runs),
        protocols=list(dict.fromkeys(wording.protocol(run) for run in runs)),
        licences=list(dict.fromkeys(run.survey.licence for run in runs if run.survey.licence and not run.synthetic)),
    )


def _section(run: Run, name: Sequence[str], number: int, styles: Mapping[str, Style]) -> Section:
    title = ", ".join([f"{name[0].capitalize()} form", *name[1:]])
    scores = "; ".join(f"{predictor} {_interval(score)}" for predictor, score in run.summary.items())
    by_category = [
        (str(category), tuple(rows.to_dicts()))
        for (category,), rows in run.by_category.group_by("category", maintain_order=True)
    ]
    return Section(
        name=title,
        anchor=f"run-{number}",
        run=run,
        rows=_rows(run),
        accuracy=_figure(
            accuracy_figure, run, styles, f"accuracy-{number}", f"Accuracy by predictor, {title}: {scores}."
        ),
        category=_figure(
            category_figure,
            run,
            styles,
            f"category-{number}",
            f"Accuracy by category of question and predictor, {title}. The same numbers are in the table below.",
        ),
        people=_figure(
            people_figure,
            run,
            styles,
            f"people-{number}",
            f"Share of people by how much of their answers was foreseen, {title}. {_medians(run)}",
        ),
        reliability=None
        if run.reliability.is_empty()
        else _figure(
            reliability_figure,
            run,
            styles,
            f"reliability-{number}",
            f"How often each predictor is right by the probability of its choice, {title}. {_calibrations(run)}",
        ),
        categories=tuple(by_category),
    )


def _rows(run: Run) -> tuple[Row, ...]:
    """Predictors, the best first, then what the paper has beside them."""
    form, paper = run.record.form, paper_for(run)
    ranked = sorted(run.summary.items(), key=lambda item: -item[1].accuracy)
    rows = [Row(name, score, paper.accuracy(name, form) if paper else None) for name, score in ranked]
    if paper:
        rows += [Row(figure.label, None, figure.accuracy[form]) for figure in paper.landmarks(list(run.summary))]
    return tuple(rows)


def _figure(
    draw: Callable[[Run, Mapping[str, Style], int], Figure],
    run: Run,
    styles: Mapping[str, Style],
    name: str,
    label: str,
) -> Fitting:
    charts = [draw(run, styles, width) for width in (WIDE, PHONE)]
    wide, narrow = (inline_svg(chart, f"{name}-{size}", label) for chart, size in zip(charts, "wn", strict=True))
    return Fitting(wide, narrow)


def _interval(score: Score) -> str:
    return f"{score.accuracy:.1f}% ({score.accuracy_low:.1f}–{score.accuracy_high:.1f}%)"


def _medians(run: Run) -> str:
    medians = run.by_person.group_by("predictor", maintain_order=True).agg(pl.col("accuracy").median())
    return "Medians: " + "; ".join(f"{name} {median:.0f}%" for name, median in medians.iter_rows()) + "."


def _calibrations(run: Run) -> str:
    errors = [f"{name} {score.ece:.3f}" for name, score in run.summary.items() if score.ece is not None]
    return f"Calibration errors: {'; '.join(errors)}." if errors else ""
