"""Options of the commands that read runs."""

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from indievalue.errors import IndievalueError

if TYPE_CHECKING:
    from indievalue.runs.run import Run


Runs = Annotated[list[Path], typer.Argument(metavar="DIR [DIR …]", help="Run directories.")]


DemographicOption = Annotated[
    list[str] | None,
    typer.Option(
        "--demographic",
        help="Name of one, `A*B` to cross two, or all; give it once for each [default: those of the survey's index].",
    ),
]


MinimumOption = Annotated[int, typer.Option("--minimum", min=1, help="People that a group needs to stand by itself.")]


SmallOption = Annotated[
    str, typer.Option("--small", help="Smaller groups: pool them as one, or drop them (1 as --minimum keeps all).")
]


DrawsOption = Annotated[int, typer.Option("--draws", min=1, help="Permutations, and bootstrap draws.")]


def load_runs(runs: list[Path], directory: Path | None, force: bool) -> Iterator[tuple[Path, "Run"]]:
    from indievalue.files import check_directory
    from indievalue.runs.run import load_run

    if directory is not None:
        check_directory(directory, force=force)  # told before the work begins
    for folder in runs:
        yield folder, load_run(folder)


def demographics_of(names: list[str] | None, run: "Run", *, needed: bool = True) -> list[str | tuple[str, ...]]:
    """Those named; else those of the survey's index that the run has. Raises IndievalueError where it has none."""
    known = [column for column in run.people.columns if column not in ("person", "weight")]
    if not known and (needed or names):
        raise IndievalueError("this run knows no demographics of its people, and so there are no groups to compare")
    if names == ["all"]:
        return list(known)
    if not names:
        return [name for name in run.survey.inequity if name in known] or list(known)
    return [parts[0] if len(parts) == 1 else parts for parts in map(crossed, names)]


def crossed(name: str) -> tuple[str, ...]:
    return tuple(part.strip() for part in name.replace("×", "*").split("*"))


TablesOut = Annotated[
    Path | None, typer.Option("--out", help="Directory for the tables as .csv, .md and .tex; it must be new or empty.")
]
