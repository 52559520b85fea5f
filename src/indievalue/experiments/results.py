"""Write the results of an experiment: tables, figure and page."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from textwrap import fill

import polars as pl

from indievalue.errors import IndievalueError
from indievalue.experiments.answer import answer_of
from indievalue.experiments.compare import comparisons
from indievalue.experiments.distribution_results import NOTE, shares_of
from indievalue.experiments.engine import CellInputs, Plan, cell_predictions, compared_demographics, people_facts
from indievalue.experiments.folder import Folder, write_json, write_text
from indievalue.experiments.measure import CellResult, accuracy_table, measure, option_column, people_table
from indievalue.experiments.spec import (
    CATEGORY,
    DESIRABILITY,
    PREDICTOR,
    BoxPlotFigure,
    CurveFigure,
    DistributionsFigure,
    DotsFigure,
    Experiment,
    GroupsFigure,
    HeatMapFigure,
    InequityFigure,
    SpecificationsFigure,
)
from indievalue.experiments.specification_results import MoreTable, specifications_of
from indievalue.experiments.tokens import tokens_for_each_probe
from indievalue.experiments.wording import left_out_lines
from indievalue.files import new_file
from indievalue.people.catalog import people_table as table_of_people
from indievalue.report.described import described
from indievalue.report.figures.distributions import experiment_shares_figure
from indievalue.report.figures.drawing import PHONE, WIDE, Figure, figure_svg, titled_svg
from indievalue.report.figures.evenness import experiment_inequity_figure, groups_figure
from indievalue.report.figures.files import write_svg
from indievalue.report.figures.heat_maps import heat_map
from indievalue.report.figures.inline import inline_svg
from indievalue.report.figures.of_experiments import box_plot, curve, dots, without_all
from indievalue.report.figures.specifications import specification_curve
from indievalue.report.paper import PaperFigure, paper_about, paper_figures, read_paper
from indievalue.report.tables.of_experiments import (
    comparison_table,
    inequity_table,
    paper_table,
    pivoted,
    shown_groups,
    shown_inequity,
    with_tokens,
)
from indievalue.report.tables.table import PrintedTable
from indievalue.report.tables_page import Picture, Section, TablesPage
from indievalue.report.wording import weighting
from indievalue.runs.record import installed_versions
from indievalue.scoring.ceiling import estimate_ceilings
from indievalue.scoring.gaps import with_ceilings_of_groups
from indievalue.scoring.groups import GroupOptions
from indievalue.scoring.inequity import inequity
from indievalue.scoring.weighting import effective_size
from indievalue.survey.sensitive import OTHER, SENSITIVE, sensitive_questions


@dataclass(frozen=True)
class Outcome:
    """The results of an experiment.

    ``data`` is the full table, ``shown`` the table for readers, ``draw`` draws the chart at a width (see
    :data:`indievalue.report.figures.drawing.PHONE`), ``legend`` is its caption. ``left_out`` says which cells are not
    among them, and why.
    """

    data: pl.DataFrame
    shown: PrintedTable
    draw: Callable[[int], Figure]
    legend: str
    compared: pl.DataFrame | None = None
    left_out: tuple[str, ...] = ()
    more: tuple[MoreTable, ...] = ()


@dataclass(frozen=True)
class Results:
    """The outcome of an experiment, with the results ``printed`` in the paper to compare it with."""

    outcome: Outcome
    printed: tuple[PaperFigure, ...]


def results_of(planned: Plan, inputs: CellInputs, folder: Folder) -> Results:
    """Compute the results of an experiment from finished cells."""
    experiment = planned.experiment
    countries = inputs.tested.demographics.get_column(str(inputs.people.survey.country), default=None)
    comparable = paper_about(inputs.people.findings, countries) is not None
    figures = paper_figures(experiment.paper, experiment.name) if comparable else []
    outcome = replace(_outcome(planned, inputs, folder, figures), left_out=tuple(left_out_lines(planned)))
    if inputs.weights is not None:
        outcome = replace(outcome, legend=f"{outcome.legend}; weights: {inputs.weighting}")
    return Results(outcome, tuple(figures))


def write_results(
    results: Results, planned: Plan, inputs: CellInputs, folder: Folder, *, survey: str | None, command: str
) -> None:
    """Write ``table.csv``, ``.md`` and ``.tex``, ``comparisons.csv``, further tables, ``run.json``, ``figure.svg``,
    ``.png`` and ``.pdf``, ``results.md`` and ``report.html``. ``command`` is the command to reproduce them.

    Raises IndievalueError if anything cannot be written or drawn; what comes before it in this list is written.
    """
    experiment, path, outcome = planned.experiment, folder.path, results.outcome
    _write_csv(path / "table.csv", outcome.data)
    write_text(path / "table.md", outcome.shown.markdown())
    write_text(path / "table.tex", outcome.shown.latex())
    (path / "comparisons.csv").unlink(missing_ok=True)  # of an earlier run that compared more
    if outcome.compared is not None:
        _write_csv(path / "comparisons.csv", outcome.compared)
    for table in outcome.more:
        _write_csv(path / f"{table.name}.csv", table.data)
    about = {
        "experiment": experiment.name,
        "command": command,
        **people_facts(inputs),
        "survey": survey or inputs.people.survey.name,
        "versions": installed_versions(),
    }
    write_json(path / "run.json", about)
    try:
        _write_drawn(results, experiment, inputs, path, command)
    except Exception as error:  # a defect of a drawing must not cost what was computed
        said = str(error) if isinstance(error, IndievalueError) else f"{type(error).__name__}: {error}"
        raise IndievalueError(
            f"the experiment is finished and the tables are in {path}, but its figure or page could not be written "
            f"({said}); to repeat that alone, run the same command again"
        ) from error


def _write_drawn(results: Results, experiment: Experiment, inputs: CellInputs, path: Path, command: str) -> None:
    outcome, figures = results.outcome, list(results.printed)
    svg = figure_svg(outcome.draw(WIDE))
    write_svg(titled_svg(svg, experiment.title, outcome.legend), path / "figure")
    write_text(path / "results.md", results_page(experiment, outcome, figures, inputs, command))
    html_page(experiment, outcome, _picture(experiment, outcome, svg), figures, inputs, command).write(
        path / "report.html", force=True
    )


def _picture(experiment: Experiment, outcome: Outcome, wide: str) -> Picture:
    """Return the figure, of which ``wide`` is the SVG, also as a phone shows it."""
    drawn = [
        inline_svg(svg, name, experiment.title)
        for svg, name in ((wide, "figure"), (figure_svg(outcome.draw(PHONE)), "phone"))
    ]
    return Picture(drawn[0], drawn[1], f"{outcome.legend}.", f"Figure: {experiment.title}")


def html_page(
    experiment: Experiment,
    outcome: Outcome,
    figure: Picture,
    figures: list[PaperFigure],
    inputs: CellInputs,
    command: str,
) -> TablesPage:
    """Return the same as :func:`results_page` as an HTML page, with the ``figure``."""
    sections = [Section("Results", _note(experiment), outcome.shown, (figure,), ("worst", "best"))]
    if outcome.compared is not None and len(outcome.compared):
        sections.append(Section("Paired differences", _COMPARED, comparison_table(outcome.compared)))
    sections += [Section(one.heading, one.note, one.shown) for one in outcome.more if one.shown]
    if figures:
        table = paper_table(figures, sigma=isinstance(experiment.figure, InequityFigure))
        sections.append(Section("Printed in the paper", _PRINTED.format(read_paper().source), table))
    synthetic = inputs.people.findings.synthetic
    answers = tuple(("", text) for text in [answer_of(experiment, outcome.data, outcome.compared)] if text)
    lead = (facts_line(inputs, experiment), *outcome.left_out)
    return TablesPage(experiment.asks, experiment.title, lead, tuple(sections), command, answers, synthetic)


def _note(experiment: Experiment) -> str:
    """Return what the columns of the table are, and their units."""
    if isinstance(experiment.figure, InequityFigure):
        return "σ in points of accuracy, the worst and the best group in %."
    if isinstance(experiment.figure, GroupsFigure):
        return "A column for each predictor; accuracy in %."
    if isinstance(experiment.figure, DistributionsFigure):
        return NOTE
    if isinstance(experiment.figure, SpecificationsFigure):
        return "A row for each way of asking; accuracy in %."
    across = _across(experiment)
    columns = {"demonstrations": "number of statements shown"}.get(across, across.replace("_", " "))
    counted = (
        " Tokens are the mean of a prompt for each question, at four characters a token." if experiment.tokens else ""
    )
    return f"A column for each {columns}; accuracy in %.{counted}"


_COMPARED = (
    "Paired differences, person by person, with 95% intervals from resampling people; paired t-tests with Holm's "
    "correction over all rows; d_z is the mean difference divided by its standard deviation."
)
_PRINTED = "Results printed in {}, on a different sample of people: a difference is not a significance test."


def results_page(
    experiment: Experiment, outcome: Outcome, figures: list[PaperFigure], inputs: CellInputs, command: str
) -> str:
    """Return the results page in Markdown."""
    lines = [f"# {experiment.title}", "", fill(experiment.asks, 120), "", f"![{experiment.title}](figure.svg)", ""]
    lines += [
        f"{outcome.legend}.",
        "",
        fill(facts_line(inputs, experiment), 120),
        "",
        *(line for text in outcome.left_out for line in (fill(text, 120), "")),
        "```sh",
        command,
        "```",
        "",
        outcome.shown.markdown(),
    ]
    if outcome.compared is not None:
        lines += [fill(_COMPARED, 120), "", comparison_table(outcome.compared).markdown()]
    for one in outcome.more:
        if one.shown:
            lines += [f"## {one.heading}", "", fill(one.note, 120), "", one.shown.markdown()]
    if figures:
        lines += [
            _PRINTED.format(read_paper().source),
            "",
            paper_table(figures, sigma=isinstance(experiment.figure, InequityFigure)).markdown(),
        ]
    return "\n".join(lines).rstrip() + "\n"


def facts_line(inputs: CellInputs, experiment: Experiment) -> str:
    """Say who was tested, and what the figures are."""
    unit = "Distances from 0 to 1" if isinstance(experiment.figure, DistributionsFigure) else "Accuracy in %"
    weighted = (
        "" if inputs.weights is None else f" Results {weighting(inputs.weighting, effective_size(inputs.weights))}."
    )
    return (
        f"{len(inputs.ids):,} people were tested, seed {inputs.seed}; predictors learned from {len(inputs.training):,} "
        f"others. {unit}, with 95% intervals from resampling people.{weighted}"
    )


def _outcome(planned: Plan, inputs: CellInputs, folder: Folder, figures: list[PaperFigure]) -> Outcome:
    experiment = planned.experiment
    if isinstance(experiment.figure, InequityFigure | GroupsFigure):
        return _evenness(planned, inputs, folder, figures)
    if isinstance(experiment.figure, SpecificationsFigure):
        return _specifications(planned, inputs, folder)
    if isinstance(experiment.figure, DistributionsFigure):
        return _shares(planned, inputs, folder)
    survey = inputs.people.survey
    groups = _parts(experiment, inputs)
    ceilings = estimate_ceilings(inputs.people, inputs.ids, inputs.seed)
    measured = [
        measure(cell, predictions, inputs.ids, survey, groups, inputs.weights, ceilings)
        for cell, predictions in cell_predictions(planned, folder)
    ]
    if experiment.tokens:
        style = inputs.asking.style
        measured = [replace(one, tokens=tokens_for_each_probe(inputs.benchmark(one.cell), style)) for one in measured]
    data = accuracy_table(experiment, measured, inputs.seed)
    legend = _legend(experiment, figures)
    axes = [PREDICTOR, *experiment.grid, *([experiment.by] if experiment.by else [])]
    across = _across(experiment)
    down = sorted((axis for axis in axes if axis != across), key=lambda axis: axis == PREDICTOR)
    shown = pivoted(data, down, across)
    if experiment.tokens:
        shown = with_tokens(shown, data, down, across)
    compared = comparisons(experiment, measured, inputs.seed) if experiment.compare else None

    def draw(width: int) -> Figure:
        return _figure(experiment, data, measured, inputs.ids, figures, width)

    return Outcome(data, shown, draw, legend, compared)


def _parts(experiment: Experiment, inputs: CellInputs) -> pl.Series | Mapping[str, str] | None:
    """Return what accuracy is broken down by besides categories: groups of people, or kinds of questions."""
    if experiment.by in (None, CATEGORY):
        return None
    if experiment.by == DESIRABILITY:
        sensitive = sensitive_questions(inputs.people.survey)
        return {one.id: SENSITIVE if one.id in sensitive else OTHER for one in inputs.people.survey.questions}
    return inputs.tested.demographics[str(experiment.by)]


def _specifications(planned: Plan, inputs: CellInputs, folder: Folder) -> Outcome:
    found, grid = specifications_of(planned, inputs, folder), tuple(planned.experiment.grid)

    def draw(width: int) -> Figure:
        return specification_curve(found.data, grid, width=width)

    legend = "Accuracy of each way of asking with 95% intervals, in order; below, its settings"
    return Outcome(found.data, found.shown, draw, legend, more=found.more)


def _shares(planned: Plan, inputs: CellInputs, folder: Folder) -> Outcome:
    found = shares_of(planned, inputs, folder)
    legend = "Predicted differences between groups over real ones, without sampling noise, with 95% intervals"
    return Outcome(
        found.data, found.shown, lambda width: experiment_shares_figure(found.data, width), legend, more=found.more
    )


def _across(experiment: Experiment) -> str:
    return experiment.table.across if experiment.table else PREDICTOR


def _legend(experiment: Experiment, figures: list[PaperFigure]) -> str:
    spec = experiment.figure
    if isinstance(spec, HeatMapFigure):
        return f"Gain in accuracy over {described(spec.above)}, in points" if spec.above else "Accuracy, %"
    if isinstance(spec, BoxPlotFigure):
        hollow = "; hollow: printed in the paper" if figures else ""
        return f"Boxes: quartiles over people; whiskers: 5th to 95th percentile; diamonds: mean{hollow}"
    if isinstance(spec, CurveFigure):
        printed = "; rings: printed in the paper" if figures and spec.x == "demonstrations" else ""
    else:
        printed = "; dashed: printed in the paper" if figures else ""
    return f"Accuracy with 95% intervals{printed}"


def _figure(
    experiment: Experiment,
    data: pl.DataFrame,
    measured: list[CellResult],
    people: list[str],
    figures: list[PaperFigure],
    width: int,
) -> Figure:
    spec = experiment.figure
    columns = spec.model_dump(exclude={"kind"})
    if isinstance(spec, HeatMapFigure):
        return heat_map(data, width=width, **columns)
    if isinstance(spec, BoxPlotFigure):
        return box_plot(people_table(measured, people), figures, width=width, **columns)
    parts = option_column(without_all(data, experiment.by))
    if isinstance(spec, CurveFigure):
        return curve(parts, figures, width=width, **columns)
    assert isinstance(spec, DotsFigure)
    return dots(parts, figures, width=width, **columns)


def _evenness(planned: Plan, inputs: CellInputs, folder: Folder, figures: list[PaperFigure]) -> Outcome:
    experiment = planned.experiment
    grid = len(experiment.grid) > 0
    tables = [
        predictions.drop("probabilities").with_columns(
            pl.lit(described(cell.axes) if grid else cell.predictor).alias(PREDICTOR)
        )
        for cell, predictions in cell_predictions(planned, folder)
    ]
    asked, people = compared_demographics(experiment, inputs), table_of_people(inputs.tested)
    options = GroupOptions(minimum=experiment.minimum, seed=inputs.seed, weights=inputs.weights)
    predictions = pl.concat(tables)
    result = inequity(predictions, people, asked, options)
    ceilings = estimate_ceilings(inputs.people, inputs.ids, inputs.seed)
    result = with_ceilings_of_groups(result, ceilings, predictions, people, options)
    if isinstance(experiment.figure, InequityFigure):
        table = inequity_table(result)
        legend = (
            "Dots: σ without noise, with 95% intervals; hollow: σ as computed in the paper; ticks: σ expected by chance"
        )
        return Outcome(
            table, shown_inequity(table), lambda width: experiment_inequity_figure(table, figures, width), legend
        )
    legend = f"Accuracy, %, with 95% intervals; groups of at least {experiment.minimum} people"
    return Outcome(
        result.groups, shown_groups(result.groups), lambda width: groups_figure(result.groups, width), legend
    )


def _write_csv(path: Path, table: pl.DataFrame) -> None:
    with new_file(path) as beside:
        table.write_csv(beside)
