"""``indievalue report``: write a report on runs, share their results, or rank them."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from indievalue.choices import Weights
from indievalue.cli.options import ExamplePerson, Force, notes
from indievalue.cli.run_options import RunWeights, load_weighted
from indievalue.errors import IndievalueError

if TYPE_CHECKING:
    from indievalue.report.leaderboard import Entrant


@dataclass(frozen=True)
class PageFlags:
    """What to write beside the report, or in its place."""

    figures: Annotated[
        Path | None, typer.Option("--figures", help="Directory for figures as .svg, .png, .pdf and .csv.")
    ] = None
    tables: Annotated[Path | None, typer.Option("--tables", help="Directory for tables as .md, .tex and .csv.")] = None
    example: ExamplePerson = None
    share: Annotated[
        Path | None,
        typer.Option("--share", help="Directory for the results of one run to pass on, without anything of a person."),
    ] = None
    leaderboard: Annotated[
        bool, typer.Option("--leaderboard", help="Rank the predictors of all runs, as for shared directories.")
    ] = False

    def refuse_beside(self, option: str) -> None:
        """Raise BadParameter if an option was given that does not go with ``option``."""
        for name, value in (("--figures", self.figures), ("--tables", self.tables), ("--example", self.example)):
            if value is not None:
                raise typer.BadParameter(f"{name} does not go with {option}")


def report(
    runs: Annotated[list[Path], typer.Argument(metavar="DIR [DIR …]", help="Run or shared directories.")],
    flags: PageFlags,
    page: Annotated[Path | None, typer.Option("--out", help="HTML file to write.")] = None,
    weights: RunWeights = None,
    force: Force = False,
) -> None:
    """Write a self-contained HTML report on one or more runs, and optionally their figures and tables as files.

    `--share` writes what can be passed on of a run. Given shared directories, the page ranks their predictors.
    """
    from indievalue.report.share import FILE

    if flags.share is not None:
        flags.refuse_beside("--share")
        if page is not None or flags.leaderboard or len(runs) > 1:
            raise typer.BadParameter("--share takes one run, and neither --out nor --leaderboard")
        _share(runs[0], flags.share, weights, force=force)
        return
    if page is None:
        raise typer.BadParameter("name the HTML file to write with --out, or a directory to pass on with --share")
    if page.exists() and not force:
        raise IndievalueError(f"{page} exists already; choose another --out, or give --force to replace it")
    if flags.leaderboard or any((folder / FILE).exists() for folder in runs):
        from indievalue.report.leaderboard import write_leaderboard

        flags.refuse_beside("a leaderboard")
        write_leaderboard(_entrants(runs, weights), page)
        notes.print(f"Leaderboard: {page}")
        return
    _report(runs, page, flags, weights, force=force)


def _report(runs: Sequence[Path], page: Path, flags: PageFlags, weights: Weights | None, *, force: bool) -> None:
    from indievalue.files import check_directory
    from indievalue.report.figures.files import write_figures
    from indievalue.report.page import write_report
    from indievalue.report.tables.of_runs import write_run_tables

    for directory in (flags.figures, flags.tables):
        if directory is not None:
            check_directory(directory, force=force)
    loaded = [load_weighted(directory, weights) for directory in runs]
    write_report(loaded, page, example=flags.example)
    notes.print(f"Report: {page}")
    if flags.figures is not None:
        notes.print(f"{len(write_figures(loaded, flags.figures))} files of figures: {flags.figures}")
    if flags.tables is not None:
        notes.print(f"{len(write_run_tables(loaded, flags.tables))} files of tables: {flags.tables}")


def _share(run: Path, directory: Path, weights: Weights | None, *, force: bool) -> None:
    from indievalue.files import check_directory
    from indievalue.report.share import share

    check_directory(directory, force=force)
    share(load_weighted(run, weights), directory, force=force)
    notes.print(f"Shared, without people: {directory}")


def _entrants(folders: Sequence[Path], weights: Weights | None) -> "list[Entrant]":
    from indievalue.report.leaderboard import Entrant, entrant
    from indievalue.report.share import FILE, read_shared
    from indievalue.runs.names import short_names

    name = short_names(folders)
    return [
        Entrant(name[folder], *read_shared(folder))
        if (folder / FILE).exists()
        else entrant(name[folder], load_weighted(folder, weights))
        for folder in folders
    ]
