"""``indievalue inequity``: measure how evenly predictors do over groups."""

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from indievalue.choices import Measure, Weighting
from indievalue.cli.options import Force, escaped, notes, out
from indievalue.cli.run_options import GroupFlags, Runs, TablesOut, load_runs
from indievalue.errors import IndievalueError

if TYPE_CHECKING:
    import numpy as np
    import polars as pl
    from numpy.typing import NDArray

    from indievalue.runs.run import Run


def inequity(
    runs: Runs,
    groups: GroupFlags,
    measure: Annotated[Measure, typer.Option("--measure", help="What is compared between groups.")] = "accuracy",
    weights: Annotated[
        Literal["none", "equal", "population"],
        typer.Option("--weights", help="none; or the survey's, with countries counting equal or by population."),
    ] = "none",
    directory: TablesOut = None,
    force: Force = False,
) -> None:
    """Measure how unevenly predictors do over groups of people, and how much of that is chance."""
    from indievalue.report.tables.frames import write_frames
    from indievalue.report.terminal import print_inequity

    frames: dict[str, list[tuple[Path, pl.DataFrame]]] = {"index": [], "table": [], "groups": []}
    for folder, run in load_runs(runs, directory, force=force):
        options = replace(
            groups.options(), measure=measure, weights=None if weights == "none" else _weights(run, weights)
        )
        found = run.inequity(groups.demographics(run), options)
        if len(runs) > 1:
            out.print(f"\n[bold]{escaped(str(folder))}[/]", highlight=False)
        print_inequity(found, out)
        for name, tables in frames.items():
            tables.append((folder, getattr(found, name)))
    if directory is not None:
        write_frames(frames, directory, f"Inequity of {measure}", force=force)
        notes.print(f"Tables: {directory}")


def _weights(run: "Run", weighting: Weighting) -> "NDArray[np.float64]":
    from indievalue.scoring.weighting import person_weights

    if run.record.data.unweighted:
        raise IndievalueError(
            f"{run.record.data.unweighted:,} of {run.record.data.people:,} people in {run.record.data.source} have no "
            "survey weight; leave out --weights"
        )
    return person_weights(run.people, run.survey, weighting)
