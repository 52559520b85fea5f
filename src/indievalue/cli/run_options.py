"""Options of the commands that read runs, and the runs they name."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from indievalue.choices import Small
from indievalue.cli.options import Seed

if TYPE_CHECKING:
    from indievalue.runs.run import Demographics, Run
    from indievalue.scoring.groups import GroupOptions

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


def load_runs(runs: list[Path], directory: Path | None, *, force: bool) -> Iterator[tuple[Path, "Run"]]:
    """Load each run, after checking that ``directory`` can be written."""
    from indievalue.files import check_directory
    from indievalue.runs.storage import load_run

    if directory is not None:
        check_directory(directory, force=force)  # fail fast, before the work begins
    for folder in runs:
        yield folder, load_run(folder)


def _crossed(name: str) -> tuple[str, ...]:
    return tuple(part.strip() for part in name.replace("×", "*").split("*"))
