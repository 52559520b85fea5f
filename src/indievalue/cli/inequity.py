"""``indievalue inequity``: measure how evenly predictors perform across groups."""

from dataclasses import replace
from typing import TYPE_CHECKING, Annotated

import typer

from indievalue.choices import Measure
from indievalue.cli.options import Force
from indievalue.cli.run_options import GroupFlags, Runs, RunWeights, TablesOf, TablesOut, report_runs

if TYPE_CHECKING:
    from indievalue.runs.run import Run
    from indievalue.scoring.inequity import Inequity


def inequity(
    runs: Runs,
    groups: GroupFlags,
    measure: Annotated[Measure, typer.Option("--measure", help="Measure to compare between groups.")] = "accuracy",
    weights: RunWeights = None,
    directory: TablesOut = None,
    force: Force = False,
) -> None:
    """Measure how unevenly predictors perform across groups of people, and how much of that is chance."""
    from indievalue.report.terminal import print_inequity

    def measured(run: "Run") -> "Inequity":
        options = replace(groups.options(), measure=measure, weights=run.weights)
        return run.inequity(groups.demographics(run), options)

    tables = TablesOf(("index", "table", "groups"), f"Inequity of {measure}", directory, force=force)
    report_runs(runs, measured, print_inequity, tables, weights)
