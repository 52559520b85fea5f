"""``indievalue inequity``: measure how evenly predictors perform across groups."""

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Annotated

import typer

from indievalue.choices import Measure
from indievalue.cli.options import Force
from indievalue.cli.run_options import GroupFlags, PageOut, Runs, RunWeights, TablesOf, TablesOut, report_runs

if TYPE_CHECKING:
    from indievalue.report.measure_pages import Measured
    from indievalue.report.tables_page import TablesPage
    from indievalue.runs.run import Run
    from indievalue.scoring.inequity import Inequity


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

    def page_of(measured: "Sequence[Measured[Inequity]]", command: str) -> "TablesPage":
        from indievalue.report.measure_pages import inequity_page

        return inequity_page(measured, command)

    def measured(run: "Run") -> "Inequity":
        options = replace(groups.options(), measure=measure, weights=run.weights)
        return run.inequity(groups.demographics(run), options)

    title = f"Inequity of {measure.replace('_', ' ')}"
    tables = TablesOf(("index", "table", "groups"), title, page_of, directory, page, force)
    report_runs(runs, measured, print_inequity, tables, weights)
