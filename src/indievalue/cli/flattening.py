"""``indievalue flattening``: measure whether predictors make people more alike."""

from typing import TYPE_CHECKING, Annotated, Any

import typer

from indievalue.cli.options import Force, Seed, escaped, notes, one_of, out

if TYPE_CHECKING:
    pass
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


def flattening(
    runs: Runs,
    demographic: DemographicOption = None,
    match: Annotated[
        list[str] | None,
        typer.Option(
            "--match",
            help="Demographic that two people of a pair share; give it once for each [default: country, sex, age, "
            "education].",
        ),
    ] = None,
    minimum: MinimumOption = 30,
    small: SmallOption = "pool",
    draws: DrawsOption = 1000,
    directory: TablesOut = None,
    seed: Seed = 0,
    force: Force = False,
) -> None:
    """Whether predictors make people of one group more alike than they are."""
    from indievalue.report.frames import write_frames
    from indievalue.report.terminal import print_flattening
    from indievalue.scoring.calibration import option_scales
    from indievalue.scoring.flattening import flattening as measure_flattening

    few = one_of(small, "pool", "drop")
    frames: dict[str, list[Any]] = {"table": [], "groups": [], "pairs": []}
    for folder, run in load_runs(runs, directory, force):
        found = measure_flattening(
            run.predictions,
            run.people,
            demographics_of(demographic, run),
            option_scales(run.predictions, run.survey),
            matched=match,
            minimum=minimum,
            small=few,
            draws=draws,
            seed=seed,
        )
        if len(runs) > 1:
            out.print(f"\n[bold]{escaped(str(folder))}[/]", highlight=False)
        print_flattening(found, out)
        for name, tables in frames.items():
            tables.append((folder, getattr(found, name)))
    if directory is not None:
        write_frames(frames, directory, "Flattening", force=force)
        notes.print(f"Tables: {directory}")
