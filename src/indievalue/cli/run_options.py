"""Options and shared code of the commands that read runs."""

import shlex
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Generic, TypeVar

import typer

from indievalue.choices import Small, Weights
from indievalue.cli.options import escaped, notes, out, seed_of

if TYPE_CHECKING:
    from rich.console import Console

    from indievalue.report.measure_pages import Measured
    from indievalue.report.tables_page import TablesPage
    from indievalue.runs.run import Demographics, Run
    from indievalue.runs.streamed import StreamedRun
    from indievalue.scoring.groups import GroupOptions

T = TypeVar("T")

RunWeights = Annotated[
    Weights | None,
    typer.Option(
        "--weights",
        help="Survey weights: none, or with countries weighted equally or by population [default: those of the run].",
    ),
]

Runs = Annotated[list[Path], typer.Argument(metavar="DIR [DIR …]", help="Run directories.")]

TablesOut = Annotated[
    Path | None, typer.Option("--out", help="Directory for tables as .csv, .md and .tex; must be new or empty.")
]

PageOut = Annotated[
    Path | None,
    typer.Option("--page", metavar="FILE.html", help="Also write the results, with figures, as an HTML page."),
]


@dataclass(frozen=True)
class GroupFlags:
    """Options for groups and resampling."""

    demographic: Annotated[
        list[str] | None,
        typer.Option(
            "--demographic",
            help="Demographic, `A*B` to cross two, or `all`; repeat for more [default: those of the survey's index].",
        ),
    ] = None
    minimum: Annotated[int, typer.Option("--minimum", min=1, help="Minimum number of people in a group.")] = 30
    small: Annotated[
        Small, typer.Option("--small", help="Pool smaller groups into one, or drop them (--minimum 1 keeps all).")
    ] = "pool"
    draws: Annotated[int, typer.Option("--draws", min=1, help="Number of permutations and bootstrap draws.")] = 1000
    seed: Annotated[int, seed_of("permutations and bootstrap draws")] = 0

    def options(self) -> "GroupOptions":
        """Return the options for scoring functions."""
        from indievalue.scoring.groups import GroupOptions

        return GroupOptions(minimum=self.minimum, small=self.small, draws=self.draws, seed=self.seed)

    def demographics(self, run: "Run | StreamedRun", *, needed: bool = True) -> list[str | tuple[str, ...]]:
        """Return the demographics given, or by default those of the survey's index that the run has.

        Raises IndievalueError if the run has no demographics although they are ``needed`` or given by name.
        """
        names: Demographics | None = None
        if self.demographic == ["all"]:
            names = run.people.columns[2:]
        elif self.demographic:
            names = [parts[0] if len(parts) == 1 else parts for parts in map(_crossed, self.demographic)]
        return run.demographics(names, needed=needed)


@dataclass(frozen=True)
class TablesOf(Generic[T]):
    """The tables to write of what is measured, a T.

    Attributes:
        names: of the tables, which are attributes of a T. title: of all of them.
        page_of: makes the page, of each run with what was measured of it, and of the command.
        directory, page: where to write the tables as files, and the page; None writes none.
        long: names of further tables that are too long for anything but .csv.
    """

    names: Sequence[str]
    title: str
    page_of: Callable[[Sequence["Measured[T]"], str], "TablesPage"]
    directory: Path | None
    page: Path | None
    force: bool
    long: Sequence[str] = ()

    def check(self) -> None:
        """Raise IndievalueError if a file or directory to write exists already, unless ``force``."""
        from indievalue.files import check_directory
        from indievalue.report.tables_page import check_page

        if self.directory is not None:
            check_directory(self.directory, force=self.force)
        check_page(self.page, force=self.force)

    def write(self, measured: Sequence[tuple[Path, "Run", T]]) -> None:
        """Write the tables and the page of all runs."""
        if self.directory is not None:
            from indievalue.report.tables.frames import write_frames

            frames, long = (
                {name: [(folder, getattr(found, name)) for folder, _, found in measured] for name in names}
                for names in (self.names, self.long)
            )
            write_frames(frames, self.directory, self.title, force=self.force, long=long)
            notes.print(f"Tables: {self.directory}")
        if self.page is not None:
            from indievalue.report.measure_pages import Measured
            from indievalue.runs.names import short_names

            name_of = short_names(folder for folder, _, _ in measured)
            shown = [Measured(name_of[folder], run, found) for folder, run, found in measured]
            write_page(self.page_of(shown, this_command()), self.page, force=self.force)


def write_page(page: "TablesPage", file: Path, *, force: bool) -> None:
    """Write a page and say where."""
    page.write(file, force=force)
    notes.print(f"Page: {file}")


def this_command() -> str:
    """Return the command being run, with file names instead of absolute paths."""
    from indievalue.runs.repeat import without_folder

    words = []
    for word in sys.argv[1:]:
        option, equals, value = word.partition("=") if word.startswith("--") else ("", "", word)
        words.append(f"{option}{equals}{without_folder(value)}")
    return shlex.join(["indievalue", *words])


def load_weighted(folder: Path, weights: Weights | None) -> "Run":
    """Load a run, weighted as given; by default as it was evaluated."""
    from indievalue.runs.storage import load_run

    run = load_run(folder)
    return run if weights in (None, run.record.weights) else run.weighted(weights)


def report_runs(
    runs: list[Path],
    measure: Callable[["Run"], T],
    show: Callable[[T, "Console"], None],
    tables: TablesOf[T],
    weights: Weights | None = None,
) -> None:
    """Measure each run, print the results (under its name if there are several runs), and write all tables.

    ``weights`` are those of :func:`load_weighted`.
    """
    tables.check()  # fail fast, before computing anything
    measured = []
    for folder in runs:
        run = load_weighted(folder, weights)
        found = measure(run)
        if len(runs) > 1:
            out.print(f"\n[bold]{escaped(str(folder))}[/]", highlight=False)
        show(found, out)
        measured.append((folder, run, found))
    tables.write(measured)


def _crossed(name: str) -> tuple[str, ...]:
    return tuple(part.strip() for part in name.replace("×", "*").split("*"))
