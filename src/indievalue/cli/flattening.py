"""``indievalue flattening``: measure whether predictors make people more alike."""

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Annotated

import typer

from indievalue.cli.options import Force
from indievalue.cli.run_options import GroupFlags, PageOut, Runs, RunWeights, TablesOf, TablesOut, report_runs

if TYPE_CHECKING:
    from indievalue.report.measure_pages import Measured
    from indievalue.report.tables_page import TablesPage
    from indievalue.scoring.flattening import Flattening


def flattening(
    runs: Runs,
    groups: GroupFlags,
    match: Annotated[
        list[str] | None,
        typer.Option(
            "--match",
            help="Demographic that people of a pair have in common; repeat for more [default: country, sex, age, "
            "education].",
        ),
    ] = None,
    weights: RunWeights = None,
    directory: TablesOut = None,
    page: PageOut = None,
    force: Force = False,
) -> None:
    """Measure whether predictors make people of one group more alike than they are."""
    from indievalue.report.terminal import print_flattening

    def page_of(measured: "Sequence[Measured[Flattening]]", command: str) -> "TablesPage":
        from indievalue.report.measure_pages import flattening_page

        return flattening_page(measured, command)

    report_runs(
        runs,
        lambda run: run.flattening(groups.demographics(run), match, replace(groups.options(), weights=run.weights)),
        print_flattening,
        TablesOf(("table", "groups", "pairs"), "Flattening", page_of, directory, page, force),
        weights,
    )
