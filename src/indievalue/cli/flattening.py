"""``indievalue flattening``: measure whether predictors make people more alike."""

from dataclasses import replace
from typing import Annotated

import typer

from indievalue.cli.options import Force
from indievalue.cli.run_options import GroupFlags, Runs, RunWeights, TablesOf, TablesOut, report_runs


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
    force: Force = False,
) -> None:
    """Measure whether predictors make people of one group more alike than they are."""
    from indievalue.report.terminal import print_flattening

    report_runs(
        runs,
        lambda run: run.flattening(groups.demographics(run), match, replace(groups.options(), weights=run.weights)),
        print_flattening,
        TablesOf(("table", "groups", "pairs"), "Flattening", directory, force=force),
        weights,
    )
