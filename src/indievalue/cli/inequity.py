"""``indievalue inequity``: measure how evenly predictors perform across groups."""

from dataclasses import replace
from typing import TYPE_CHECKING, Annotated

import typer

from indievalue.choices import Measure
from indievalue.cli.options import Force
from indievalue.cli.run_options import GroupFlags, PageOut, Runs, RunWeights, TablesOf, TablesOut, report_runs

if TYPE_CHECKING:
    from indievalue.runs.run import Run
    from indievalue.scoring.inequity import Inequity


_TABLES = {
    "index": (
        "Value Inequity Index",
        "The mean of σ over demographics. Chance: mean σ when people are assigned to groups at random; p: how often "
        "that gives as large a σ; p holm: corrected for the number of tests. Corrected: σ without sampling noise, with "
        "its 95% interval.",
    ),
    "table": ("σ of each demographic", "The standard deviation of the measure over the groups of a demographic."),
    "groups": ("Groups", "The measure in each group, with its 95% interval from resampling people."),
}


def inequity(
    runs: Runs,
    groups: GroupFlags,
    measure: Annotated[Measure, typer.Option("--measure", help="Measure to compare between groups.")] = "accuracy",
    weights: RunWeights = None,
    directory: TablesOut = None,
    page: PageOut = None,
    force: Force = False,
) -> None:
    """Measure how unevenly predictors perform across groups of people, and how much of that is chance."""
    from indievalue.report.terminal import print_inequity

    def measured(run: "Run") -> "Inequity":
        options = replace(groups.options(), measure=measure, weights=run.weights)
        return run.inequity(groups.demographics(run), options)

    title = f"Inequity of {measure.replace('_', ' ')}"
    tables = TablesOf(_TABLES, title, "Which groups do the predictors fail?", directory, page, force)
    report_runs(runs, measured, print_inequity, tables, weights)
