"""``indievalue inequity``: measure how evenly predictors perform across groups."""

from dataclasses import replace
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from indievalue.choices import Measure, Weighting
from indievalue.cli.options import Force
from indievalue.cli.run_options import GroupFlags, Runs, TablesOf, TablesOut, report_runs
from indievalue.errors import IndievalueError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from indievalue.runs.run import Run
    from indievalue.scoring.inequity import Inequity


def inequity(
    runs: Runs,
    groups: GroupFlags,
    measure: Annotated[Measure, typer.Option("--measure", help="Measure to compare between groups.")] = "accuracy",
    weights: Annotated[
        Literal["none", "equal", "population"],
        typer.Option("--weights", help="Survey weights: none, or with countries weighted equally or by population."),
    ] = "none",
    directory: TablesOut = None,
    force: Force = False,
) -> None:
    """Measure how unevenly predictors perform across groups of people, and how much of that is chance."""
    from indievalue.report.terminal import print_inequity

    def measured(run: "Run") -> "Inequity":
        options = replace(
            groups.options(), measure=measure, weights=None if weights == "none" else _weights(run, weights)
        )
        return run.inequity(groups.demographics(run), options)

    tables = TablesOf(("index", "table", "groups"), f"Inequity of {measure}", directory, force=force)
    report_runs(runs, measured, print_inequity, tables)


def _weights(run: "Run", weighting: Weighting) -> "NDArray[np.float64]":
    from indievalue.scoring.weighting import person_weights

    if run.record.data.unweighted:
        raise IndievalueError(
            f"{run.record.data.unweighted:,} of {run.record.data.people:,} people in {run.record.data.source} have no "
            "survey weight; leave out --weights"
        )
    return person_weights(run.people, run.survey, weighting)
