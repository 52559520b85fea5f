"""``indievalue flattening``: measure whether predictors make people more alike."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from indievalue.cli.options import Force, escaped, notes, out
from indievalue.cli.run_options import GroupFlags, Runs, TablesOut, load_runs

if TYPE_CHECKING:
    import polars as pl


def flattening(
    runs: Runs,
    groups: GroupFlags,
    match: Annotated[
        list[str] | None,
        typer.Option(
            "--match",
            help="Demographic that two people of a pair share; repeat for more [default: country, sex, age, "
            "education].",
        ),
    ] = None,
    directory: TablesOut = None,
    force: Force = False,
) -> None:
    """Measure whether predictors make people of one group more alike than they are."""
    from indievalue.report.tables.frames import write_frames
    from indievalue.report.terminal import print_flattening

    frames: dict[str, list[tuple[Path, pl.DataFrame]]] = {"table": [], "groups": [], "pairs": []}
    for folder, run in load_runs(runs, directory, force=force):
        found = run.flattening(groups.demographics(run), match, groups.options())
        if len(runs) > 1:
            out.print(f"\n[bold]{escaped(str(folder))}[/]", highlight=False)
        print_flattening(found, out)
        for name, tables in frames.items():
            tables.append((folder, getattr(found, name)))
    if directory is not None:
        write_frames(frames, directory, "Flattening", force=force)
        notes.print(f"Tables: {directory}")
