"""``indievalue compare``: compare predictors."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from indievalue.cli.options import Force, Seed, notes, one_of, out
from indievalue.errors import IndievalueError

if TYPE_CHECKING:
    pass
from indievalue.cli.run_options import (
    DemographicOption,
    DrawsOption,
    MinimumOption,
    Runs,
    SmallOption,
    demographics_of,
    load_runs,
)


def compare(
    runs: Runs,
    predictor: Annotated[
        list[str] | None, typer.Option("--predictor", help="Compare only this one; give it once for each.")
    ] = None,
    demographic: DemographicOption = None,
    intersection: Annotated[
        bool, typer.Option("--intersection", help="Compare the people and probes they share, and leave out the others.")
    ] = False,
    minimum: MinimumOption = 30,
    small: SmallOption = "pool",
    draws: DrawsOption = 1000,
    file: Annotated[Path | None, typer.Option("--out", help="The .csv, .md or .tex file to write.")] = None,
    seed: Seed = 0,
    force: Force = False,
) -> None:
    """Differences between predictors on the same people and probes, with intervals.

    Every predictor of a run is compared with every one of the runs after it; in a single run with one another.
    """
    from indievalue.report.frames import TABLE_FILES, write_frame
    from indievalue.report.terminal import print_comparisons
    from indievalue.runs.comparing import compare_runs, comparison_table

    if file is not None and file.suffix not in TABLE_FILES:
        raise typer.BadParameter(f"--out takes a file that ends in {', '.join(TABLE_FILES)}, not {file.name!r}")
    if file is not None and file.exists() and not force:
        raise IndievalueError(f"{file} exists already; choose another --out, or give --force to replace it")
    few = one_of(small, "pool", "drop")
    loaded = list(load_runs(runs, None, force))
    found = compare_runs(
        loaded,
        predictor,
        demographics_of(demographic, loaded[0][1], needed=False),
        intersection=intersection,
        minimum=minimum,
        small=few,
        draws=draws,
        seed=seed,
    )
    print_comparisons(found, out)
    if file is not None:
        write_frame(comparison_table(found), file, "Differences between predictors")
        notes.print(f"Table: {file}")
