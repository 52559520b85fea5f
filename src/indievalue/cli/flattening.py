"""``indievalue flattening``: measure whether predictors make people more alike."""

from dataclasses import replace
from typing import Annotated

import typer

from indievalue.cli.options import Force
from indievalue.cli.run_options import GroupFlags, PageOut, Runs, RunWeights, TablesOf, TablesOut, report_runs

_TABLES = {
    "table": (
        "How much people of one group differ",
        "Variance of answers to ordered questions within groups, with options scaled from 0 to 1, as it is and as "
        "predicted; a ratio below 1 makes people more alike. Alike: probability that two people of a group give the "
        "same answer.",
    ),
    "groups": ("Groups", "The same in each group."),
    "pairs": (
        "Pairs of people with the same demographics",
        "Apart: both predicted correctly, when two people answer a question differently. Same: both given the same "
        "answer.",
    ),
}


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

    report_runs(
        runs,
        lambda run: run.flattening(groups.demographics(run), match, replace(groups.options(), weights=run.weights)),
        print_flattening,
        TablesOf(_TABLES, "Flattening", "Do predictors make people of a group alike?", directory, page, force),
        weights,
    )
