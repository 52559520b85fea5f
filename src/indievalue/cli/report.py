"""``indievalue report``: write a report on runs."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from indievalue.cli.options import Force, notes
from indievalue.cli.run_options import RunWeights, load_weighted
from indievalue.errors import IndievalueError

if TYPE_CHECKING:
    pass


def report(
    runs: Annotated[list[Path], typer.Argument(metavar="DIR [DIR …]", help="Run directories.")],
    page: Annotated[Path, typer.Option("--out", help="HTML file to write.")],
    figures: Annotated[
        Path | None, typer.Option("--figures", help="Directory for figures as .svg, .png, .pdf and .csv.")
    ] = None,
    tables: Annotated[Path | None, typer.Option("--tables", help="Directory for tables as .md, .tex and .csv.")] = None,
    weights: RunWeights = None,
    force: Force = False,
) -> None:
    """Write a self-contained HTML report on one or more runs, and optionally their figures and tables as files."""
    from indievalue.files import check_directory
    from indievalue.report.figures.files import write_figures
    from indievalue.report.page import write_report
    from indievalue.report.tables.of_runs import write_run_tables

    if page.exists() and not force:
        raise IndievalueError(f"{page} exists already; choose another --out, or give --force to replace it")
    for directory in (figures, tables):
        if directory is not None:
            check_directory(directory, force=force)
    loaded = [load_weighted(directory, weights) for directory in runs]
    write_report(loaded, page)
    notes.print(f"Report: {page}")
    if figures is not None:
        notes.print(f"{len(write_figures(loaded, figures))} files of figures: {figures}")
    if tables is not None:
        notes.print(f"{len(write_run_tables(loaded, tables))} files of tables: {tables}")
