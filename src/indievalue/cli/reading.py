"""Commands that read what predictors answered."""

from pathlib import Path
from typing import Annotated

import typer

from indievalue.cli.options import Force, notes
from indievalue.errors import IndievalueError


def report(
    runs: Annotated[list[Path], typer.Argument(metavar="DIR [DIR …]", help="Run directories.")],
    page: Annotated[Path, typer.Option("--out", help="The HTML file to write.")],
    force: Force = False,
) -> None:
    """Put one or more runs on one self-contained HTML page."""
    from indievalue.report.page import write_report
    from indievalue.report.runs import load_run

    if page.exists() and not force:
        raise IndievalueError(f"{page} exists already; choose another --out, or give --force to replace it")
    write_report([load_run(directory) for directory in runs], page)
    notes.print(f"Report: {page}")
