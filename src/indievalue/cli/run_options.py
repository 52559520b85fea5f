"""Options and shared code of the commands that read runs."""

import shlex
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, TypeVar

import typer

from indievalue.choices import Small, Weights
from indievalue.cli.options import escaped, notes, out, seed_of

if TYPE_CHECKING:
    import polars as pl
    from rich.console import Console

    from indievalue.report.tables_page import Section
    from indievalue.runs.run import Demographics, Run
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


LAST = ("worst", "best", "note")
"""Columns of text that come last on a page, for they are long."""

PageOut = Annotated[
    Path | None, typer.Option("--page", metavar="FILE.html", help="Also write the tables as an HTML page.")
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

    def demographics(self, run: "Run", *, needed: bool = True) -> list[str | tuple[str, ...]]:
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
class TablesOf:
    """The tables to write.

    Attributes:
        names: of the tables; each has a heading and a note on the page. title: of all of them.
        directory, page: where to write them as files, and as an HTML page; None writes none.
        question: what the page answers.
    """

    names: Mapping[str, tuple[str, str]]
    title: str
    question: str
    directory: Path | None
    page: Path | None
    force: bool

    def check(self) -> None:
        """Raise IndievalueError if a file or directory to write exists already, unless ``force``."""
        from indievalue.files import check_directory
        from indievalue.report.tables_page import check_page

        if self.directory is not None:
            check_directory(self.directory, force=self.force)
        check_page(self.page, force=self.force)

    def write(self, frames: Mapping[str, Sequence[tuple[Path, "pl.DataFrame"]]]) -> None:
        """Write the tables: for each name, that of each run."""
        from indievalue.report.tables.frames import printed, stacked, write_frames
        from indievalue.report.tables_page import Section

        if self.directory is not None:
            write_frames(frames, self.directory, self.title, force=self.force)
            notes.print(f"Tables: {self.directory}")
        if self.page is not None:
            from indievalue.runs.names import short_names

            sections = []
            name_of = short_names(folder for parts in frames.values() for folder, _ in parts)
            for name, (heading, note) in self.names.items():
                parts = frames[name]
                named = [(Path(name_of[folder]), frame) for folder, frame in parts]
                frame = stacked(named) if len(parts) > 1 else parts[0][1]
                shown = [column for column in frame.columns if not frame[column].is_null().all()]
                sections.append(Section(heading, note, printed(frame.select(shown), name, "", LAST), words=LAST))
            write_page(self.page, name_of, (self.question, self.title), sections, force=self.force)


def write_page(
    file: Path, runs: Iterable[Path], titles: tuple[str, str], sections: Sequence["Section"], *, force: bool
) -> None:
    """Write a page of tables of ``runs``: ``titles`` are the question that it answers, and its title."""
    from indievalue.report.tables_page import TablesPage
    from indievalue.runs.names import short_names

    names = list(short_names(runs).values())
    lead = f"Of {'the run' if len(names) == 1 else 'the runs'} {', '.join(names)}."
    TablesPage(*titles, (lead,), tuple(sections), _this_command()).write(file, force=force)
    notes.print(f"Page: {file}")


def _this_command() -> str:
    """Return the command being run, with file names instead of absolute paths."""
    from indievalue.report.command import without_folder

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
    tables: TablesOf,
    weights: Weights | None = None,
) -> None:
    """Measure each run, print the results (under its name if there are several runs), and write all tables.

    ``weights`` are those of :func:`load_weighted`.
    """
    tables.check()  # fail fast, before computing anything
    frames: dict[str, list[tuple[Path, pl.DataFrame]]] = {name: [] for name in tables.names}
    for folder in runs:
        found = measure(load_weighted(folder, weights))
        if len(runs) > 1:
            out.print(f"\n[bold]{escaped(str(folder))}[/]", highlight=False)
        show(found, out)
        for name, collected in frames.items():
            collected.append((folder, getattr(found, name)))
    tables.write(frames)


def _crossed(name: str) -> tuple[str, ...]:
    return tuple(part.strip() for part in name.replace("×", "*").split("*"))
