"""Build the report, a self-contained HTML file."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import polars as pl
from markupsafe import Markup
from threadpoolctl import threadpool_limits

from indievalue.errors import IndievalueError
from indievalue.files import new_file
from indievalue.report import wording
from indievalue.report.answer import answer, standing
from indievalue.report.differences import differences
from indievalue.report.distributions import BETWEEN, DISTANCES, SharesPart, shares_part
from indievalue.report.environment import page_template
from indievalue.report.example import chosen_example, guessed_person, spread
from indievalue.report.figures.curves import DemonstrationsCurve, curve_figure, curves
from indievalue.report.figures.drawing import PHONE, WIDE, figure_svg
from indievalue.report.figures.forest import Forest, Panel, forests
from indievalue.report.figures.inequity import inequity_figure
from indievalue.report.figures.inline import Draw, inline_svg, run_svg
from indievalue.report.figures.lettering import printable
from indievalue.report.figures.of_runs import accuracy_figure, category_figure, people_figure, reliability_figure
from indievalue.report.figures.styles import SPREAD, PredictorStyle, predictor_styles
from indievalue.report.figures.world import WorldMap, map_svg, read_outline, shapes, world_maps
from indievalue.report.numbers import over
from indievalue.report.paper import paper_of
from indievalue.report.questions import QuestionRow, question_rows
from indievalue.report.tables.of_measures import noise_table
from indievalue.report.tables.table import PrintedTable
from indievalue.runs.names import run_names
from indievalue.runs.record import Example
from indievalue.runs.repeat import command_of
from indievalue.runs.run import Run
from indievalue.scoring.accuracy import Score
from indievalue.scoring.calibration import option_scales

PROBES_SHOWN = 6
"""Number of the example person's probes shown unfolded."""


@dataclass(frozen=True)
class Fitting:
    """A figure in two widths, for desktops and phones; the page shows the one that fits.

    Both are drawn in the background; reading them waits until they are finished.
    """

    drawn_wide: "Future[Markup]"
    drawn_narrow: "Future[Markup]"

    @property
    def wide(self) -> Markup:
        """The figure for a desktop."""
        return self.drawn_wide.result()

    @property
    def narrow(self) -> Markup:
        """The figure for a phone."""
        return self.drawn_narrow.result()


@dataclass(frozen=True)
class HeadlineRow:
    """A row of the headline table: a predictor, or a result of the paper, which has no ``score``."""

    name: str
    score: Score | None
    paper: float | None

    @property
    def scored(self) -> dict[str, Any]:
        return {} if self.score is None else asdict(self.score)

    @property
    def difference(self) -> float | None:
        """Accuracy minus that in the paper, in percentage points."""
        return None if self.score is None or self.paper is None else self.score.accuracy - self.paper


@dataclass(frozen=True)
class GroupsPart:
    """Results by group of one run: the index, σ by demographic, and the groups of each demographic.

    ``demographics`` and ``predictors`` are menu entries (value, text); ``best`` is the preselected predictor, and
    ``noise`` the ceilings of its groups.
    """

    index: tuple[dict[str, Any], ...]
    sigmas: tuple[tuple[str, tuple[dict[str, Any], ...]], ...]
    figure: Fitting
    forests: tuple[Forest, ...]
    demographics: tuple[tuple[str, str], ...]
    predictors: tuple[tuple[str, str], ...]
    best: str
    noise: PrintedTable | None


@dataclass(frozen=True)
class Section:
    """The contents of the page for one run."""

    name: str
    anchor: str
    run: Run
    rows: tuple[HeadlineRow, ...]
    accuracy: Fitting
    category: Fitting
    people: Fitting
    reliability: Fitting | None
    categories: tuple[tuple[str, tuple[dict[str, Any], ...]], ...]
    groups: GroupsPart | None
    shares: SharesPart
    worlds: tuple[tuple[WorldMap, Markup], ...]
    questions: tuple[QuestionRow, ...]
    standing: str
    command: str | None

    @property
    def predictors(self) -> tuple[tuple[str, str], ...]:
        """Entries of a menu of the predictors: value and text."""
        return tuple((name, name) for name in self.run.scores)

    @property
    def ordered(self) -> dict[str, int]:
        """The number of each predictor's answers to ordered questions."""
        scales = option_scales(self.run.predictions, self.run.survey)
        names = [name for name, (ordered, options) in scales.items() if ordered and options > 1]
        asked = self.run.predictions.filter(pl.col("question").is_in(names)).group_by("predictor").len()
        return {**dict.fromkeys(self.run.scores, 0), **dict(asked.iter_rows())}

    @property
    def calibrated_over(self) -> str:
        """Which predictors' figures are over some of their answers only, to follow a sentence."""
        scores = self.run.scores.items()
        left = {name: over(score.calibration_rows, score.probes) for name, score in scores}
        return "".join(f" {name}: {text}." for name, text in left.items() if text)

    @property
    def printed(self) -> bool:
        """Whether the paper has comparable results for this run."""
        return any(row.paper is not None for row in self.rows)


def write_report(runs: Sequence[Run], out: str | Path, *, example: str | None = None) -> None:
    """Write a self-contained HTML report on one or more runs.

    A real respondent is shown only if named as ``example``; without it, a report on synthetic people shows one of them.
    Raises IndievalueError if there is no run, no run has the person, or ``out`` cannot be written.
    """
    if not runs:
        raise IndievalueError("a report needs at least one run directory")
    html = report_html(runs, example)
    with new_file(Path(out)) as beside:
        beside.write_text(html, encoding="utf-8")


def report_html(runs: Sequence[Run], example: str | None = None) -> str:
    """Return the HTML of :func:`write_report`."""
    shown = chosen_example(runs, example)
    # Figures are rendered outside Python; the page's numbers are computed in the meantime.
    # BLAS threads would not make those faster, and spin on the cores that the figures need.
    with threadpool_limits(1, "blas"), ThreadPoolExecutor(1) as background:
        return printable(_page(runs, shown, background))


def _page(runs: Sequence[Run], shown: tuple[int, Example] | None, background: Executor) -> str:
    styles = predictor_styles(name for run in runs for name in run.scores)
    sections = [
        _section(run, name, number, styles, background)
        for number, (run, name) in enumerate(zip(runs, run_names(runs), strict=True), 1)
    ]
    example_of = sections[shown[0]] if shown else None
    example = guessed_person(runs[shown[0]], shown[1]) if shown else None
    tested: dict[tuple[tuple[str, ...], tuple[str, ...]], list[str]] = {}
    for section in sections:
        said = (tuple(wording.chosen(section.run)), tuple(section.run.record.data.lines(ids=False)))
        tested.setdefault(said, []).append(section.name)
    drawn = [_curve(curve, number, styles, background) for number, curve in enumerate(curves(runs), 1)]
    compared = differences(runs, run_names(runs))
    has_map = any(section.worlds for section in sections)
    return page_template("page.html.jinja", place=_place, extent=_extent).render(
        sections=sections,
        contents=list(_contents(has_map, bool(drawn), bool(compared), example is not None)),
        differences=compared,
        styles=styles,
        dark_fellows=list(_dark_fellows(styles)),
        curves=drawn,
        shares_notes={"distances": DISTANCES, "between": BETWEEN},
        shapes=shapes() if has_map else "",
        attribution=read_outline().attribution,
        example_of=example_of,
        example=example,
        probes=spread(example.probes, PROBES_SHOWN) if example else ([], []),
        wording=wording,
        tested=tested,
        answer=answer(runs, run_names(runs)),
        synthetic=all(run.synthetic for run in runs),
        evaluated=wording.evaluated(runs),
        paper_note=wording.paper_note(runs),
        protocols=list(dict.fromkeys(wording.protocol(run) for run in runs)),
        licences=list(dict.fromkeys(run.survey.licence for run in runs if run.survey.licence and not run.synthetic)),
    )


def _contents(world: bool, curve: bool, compared: bool, person: bool) -> Iterator[tuple[str, str]]:
    """Yield the anchor of each section and its name in the navigation."""
    yield "accuracy", "Accuracy"
    if compared:
        yield "differences", "Differences"
    yield "categories", "Categories"
    yield "trust", "Calibration"
    yield "people", "People"
    yield "groups", "Groups"
    if world:
        yield "world", "World"
    yield "shares", "Shares"
    if curve:
        yield "curve", "Demonstrations"
    yield "questions", "Questions"
    if person:
        yield "example", "One person"
    yield "chosen", "Who was tested"
    yield "reproduce", "Again"


def _dark_fellows(styles: Mapping[str, PredictorStyle]) -> Iterator[tuple[str, str]]:
    """Yield the colours of figures with their counterparts in dark mode."""
    yield from dict.fromkeys((style.colour, style.dark) for style in styles.values())
    yield from SPREAD


def _section(
    run: Run, name: Sequence[str], number: int, styles: Mapping[str, PredictorStyle], background: Executor
) -> Section:
    title = wording.called(name)
    scores = "; ".join(f"{predictor} {_interval(score)}" for predictor, score in run.scores.items())
    by_category = [
        (str(category), tuple(rows.to_dicts()))
        for (category,), rows in run.by_category.group_by("category", maintain_order=True)
    ]

    def draw(make: Draw, kind: str, label: str) -> Fitting:
        return _fitting(background, lambda width: run_svg(make, run, styles, width), f"{kind}-{number}", label)

    return Section(
        name=title,
        anchor=f"run-{number}",
        run=run,
        rows=_rows(run),
        accuracy=draw(accuracy_figure, "accuracy", f"Accuracy by predictor, {title}: {scores}."),
        category=draw(
            category_figure,
            "category",
            f"Accuracy by category of question and predictor, {title}. The same numbers are in the table below.",
        ),
        people=draw(
            people_figure,
            "people",
            f"Distribution of accuracy over people, {title}. {_medians(run)}",
        ),
        reliability=None
        if run.reliability.is_empty()
        else draw(
            reliability_figure,
            "reliability",
            f"Share of correct choices by predicted probability, {title}. {_calibrations(run)}",
        ),
        categories=tuple(by_category),
        groups=_groups(run, title, draw),
        shares=shares_part(run, styles, f"shares-{number}"),
        worlds=tuple(_worlds(run, title)),
        questions=tuple(question_rows(run.by_question, run.survey, run.record.form)),
        standing=standing(run),
        command=command_of(run.record),
    )


def _rows(run: Run) -> tuple[HeadlineRow, ...]:
    """Return the predictors, best first, then the results of the paper."""
    form, paper = run.record.form, paper_of(run)
    ranked = sorted(run.scores.items(), key=lambda item: -item[1].accuracy)
    rows = [HeadlineRow(name, score, paper.accuracy(name, form) if paper else None) for name, score in ranked]
    if paper:
        rows += [HeadlineRow(figure.label, None, figure.accuracy(form)) for figure in paper.landmarks(list(run.scores))]
    return tuple(rows)


def _groups(run: Run, title: str, draw: Callable[..., Fitting]) -> GroupsPart | None:
    """Return the results by group, or None if no demographic has two groups that are large enough."""
    plots, found = forests(run), run.index
    if found is None or not plots:
        return None
    sigmas = [
        (str(demographic).replace("_", " "), tuple(rows.to_dicts()))
        for (demographic,), rows in found.table.group_by("demographic", maintain_order=True)
    ]
    return GroupsPart(
        index=tuple(found.index.sort("sigma", descending=True, nulls_last=True).to_dicts()),
        sigmas=tuple(sigmas),
        figure=draw(
            inequity_figure,
            "inequity",
            f"Spread of accuracy over groups by demographic and predictor, {title}. The same numbers are in the table.",
        ),
        forests=plots,
        demographics=tuple((plot.demographic, plot.title) for plot in plots),
        predictors=tuple((name, name) for name in run.scores),
        best=run.best,
        noise=noise_table([("", found)], run.best),
    )


def _curve(
    curve: DemonstrationsCurve, number: int, styles: Mapping[str, PredictorStyle], background: Executor
) -> tuple[str, Fitting, list[dict[str, object]]]:
    label = f"Accuracy by number of demonstrations, {curve.title}. The same numbers are in the table below."
    svgs = _fitting(background, lambda width: figure_svg(curve_figure(curve, styles, width)), f"curve-{number}", label)
    return curve.title, svgs, curve.rows()


def _worlds(run: Run, title: str) -> Iterator[tuple[WorldMap, Markup]]:
    for world in world_maps(run):
        label = f"Accuracy of {world.predictor} by country, {title}"
        yield world, map_svg(list(world.countries), world.scale, label)


def _fitting(background: Executor, draw: Callable[[int], str], name: str, label: str) -> Fitting:
    def drawn(width: int, size: str) -> Markup:
        return inline_svg(draw(width), f"{name}-{size}", label)

    return Fitting(background.submit(drawn, WIDE, "w"), background.submit(drawn, PHONE, "n"))


def _place(forest: Forest, panel: Panel, accuracy: float) -> float:
    """Return the position of an accuracy in a panel, in percent of its width."""
    return round(forest.at(panel, accuracy), 2)


def _extent(forest: Forest, panel: Panel, low: float, high: float) -> float:
    return round(forest.at(panel, high) - forest.at(panel, low), 2)


def _interval(score: Score) -> str:
    return f"{score.accuracy:.1f}% ({score.accuracy_low:.1f}–{score.accuracy_high:.1f}%)"


def _medians(run: Run) -> str:
    medians = run.by_person.group_by("predictor", maintain_order=True).agg(pl.col("accuracy").median())
    return "Medians: " + "; ".join(f"{name} {median:.0f}%" for name, median in medians.iter_rows()) + "."


def _calibrations(run: Run) -> str:
    errors = [f"{name} {score.ece:.3f}" for name, score in run.scores.items() if score.ece is not None]
    return f"Calibration errors: {'; '.join(errors)}." if errors else ""
