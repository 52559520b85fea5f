"""``indievalue inequity``: measure how evenly predictors do over groups."""

from typing import TYPE_CHECKING, Annotated, Any

import typer

from indievalue.cli.options import Force, Seed, escaped, notes, one_of, out
from indievalue.errors import IndievalueError

if TYPE_CHECKING:
    from indievalue.runs.run import Run
from indievalue.cli.run_options import (
    DemographicOption,
    DrawsOption,
    MinimumOption,
    Runs,
    SmallOption,
    TablesOut,
    demographics_of,
    load_runs,
)


def inequity(
    runs: Runs,
    demographic: DemographicOption = None,
    measure: Annotated[str, typer.Option("--measure", help="accuracy, log_loss or calibration.")] = "accuracy",
    minimum: MinimumOption = 30,
    small: SmallOption = "pool",
    weights: Annotated[
        str, typer.Option("--weights", help="none; or the survey's, with countries counting equal or by population.")
    ] = "none",
    draws: DrawsOption = 1000,
    directory: TablesOut = None,
    seed: Seed = 0,
    force: Force = False,
) -> None:
    """How evenly predictors do over groups of people, and how much of the unevenness is chance."""
    from indievalue.report.frames import write_frames
    from indievalue.report.terminal import print_inequity
    from indievalue.scoring.inequity import inequity as measure_inequity
    from indievalue.scoring.measures import MEASURES

    chosen, few = one_of(measure, *MEASURES), one_of(small, "pool", "drop")
    weighting = one_of(weights, "none", "equal", "population")
    frames: dict[str, list[Any]] = {"index": [], "table": [], "groups": []}
    for folder, run in load_runs(runs, directory, force):
        found = measure_inequity(
            run.predictions,
            run.people,
            demographics_of(demographic, run),
            measure=chosen,
            minimum=minimum,
            small=few,
            weights=None if weighting == "none" else _weights(run, weighting),
            draws=draws,
            seed=seed,
        )
        if len(runs) > 1:
            out.print(f"\n[bold]{escaped(str(folder))}[/]", highlight=False)
        print_inequity(found, out)
        for name, tables in frames.items():
            tables.append((folder, getattr(found, name)))
    if directory is not None:
        write_frames(frames, directory, f"Inequity of {measure}", force=force)
        notes.print(f"Tables: {directory}")


def _weights(run: "Run", weighting: Any) -> Any:
    from indievalue.scoring.weighting import person_weights

    if run.record.data.unweighted:
        raise IndievalueError(
            f"{run.record.data.unweighted:,} of {run.record.data.people:,} people in {run.record.data.source} have no "
            "survey weight; leave out --weights"
        )
    return person_weights(run.people, run.survey, weighting)
