"""Options of the commands that read runs, and what these have in common."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, TypeVar

import typer

from indievalue.choices import Small
from indievalue.cli.options import Seed, escaped, notes, out

if TYPE_CHECKING:
    import polars as pl
    from rich.console import Console

    from indievalue.runs.run import Demographics, Run
    from indievalue.scoring.groups import GroupOptions

T = TypeVar("T")

Runs = Annotated[list[Path], typer.Argument(metavar="DIR [DIR …]", help="Run directories.")]

TablesOut = Annotated[
    Path | None, typer.Option("--out", help="Directory for the tables as .csv, .md and .tex; it must be new or empty.")
]


@dataclass(frozen=True)
class GroupFlags:
    """Which groups are compared, and how chance is estimated."""

    demographic: Annotated[
        list[str] | None,
        typer.Option(
            "--demographic",
            help="A demographic, `A*B` to cross two, or `all`; repeat for more [default: those of the survey's index].",
        ),
    ] = None
    minimum: Annotated[
        int, typer.Option("--minimum", min=1, help="People that a group needs to be reported on its own.")
    ] = 30
    small: Annotated[
        Small, typer.Option("--small", help="Smaller groups: pool them into one, or drop them (--minimum 1 keeps all).")
    ] = "pool"
    draws: Annotated[int, typer.Option("--draws", min=1, help="Number of permutations and of bootstrap draws.")] = 1000
    seed: Seed = 0

    def options(self) -> "GroupOptions":
        """Return the options as scoring functions take them."""
        from indievalue.scoring.groups import GroupOptions

        return GroupOptions(minimum=self.minimum, small=self.small, draws=self.draws, seed=self.seed)

    def demographics(self, run: "Run", *, needed: bool = True) -> list[str | tuple[str, ...]]:
        """Return the demographics asked for, by default those of the survey's index that the run has.

        Raises IndievalueError where the run has no demographics, and they are ``needed`` or asked for by name.
        """
        names: Demographics | None = None
        if self.demographic == ["all"]:
            names = run.people.columns[2:]
        elif self.demographic:
            names = [parts[0] if len(parts) == 1 else parts for parts in map(_crossed, self.demographic)]
        return run.demographics(names, needed=needed)


@dataclass(frozen=True)
class TablesOf:
    """Which tables of what was measured are written, under which title, and where; None for nowhere."""

    names: tuple[str, ...]
    title: str
    directory: Path | None
    force: bool


def report_runs(
    runs: list[Path], measure: Callable[["Run"], T], show: Callable[[T, "Console"], None], tables: TablesOf
) -> None:
    """Print what is measured of each run, under its name where there are several, and write the tables of all."""
    from indievalue.files import check_directory
    from indievalue.report.tables.frames import write_frames
    from indievalue.runs.storage import load_run

    if tables.directory is not None:
        check_directory(tables.directory, force=tables.force)  # fail fast, before the work begins
    frames: dict[str, list[tuple[Path, pl.DataFrame]]] = {name: [] for name in tables.names}
    for folder in runs:
        found = measure(load_run(folder))
        if len(runs) > 1:
            out.print(f"\n[bold]{escaped(str(folder))}[/]", highlight=False)
        show(found, out)
        for name, collected in frames.items():
            collected.append((folder, getattr(found, name)))
    if tables.directory is not None:
        write_frames(frames, tables.directory, tables.title, force=tables.force)
        notes.print(f"Tables: {tables.directory}")


def _crossed(name: str) -> tuple[str, ...]:
    return tuple(part.strip() for part in name.replace("×", "*").split("*"))
