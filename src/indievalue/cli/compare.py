"""``indievalue compare``: compare predictors."""

from pathlib import Path
from typing import Annotated

import typer

from indievalue.cli.options import Force, notes, out
from indievalue.cli.run_options import (
    GroupFlags,
    PageOut,
    Runs,
    RunWeights,
    load_weighted,
    this_command,
    write_page,
)
from indievalue.errors import IndievalueError


def compare(
    runs: Runs,
    groups: GroupFlags,
    predictor: Annotated[
        list[str] | None, typer.Option("--predictor", help="Predictor to compare [default: all]; repeat for more.")
    ] = None,
    intersection: Annotated[
        bool, typer.Option("--intersection", help="Compare only the people and probes they share.")
    ] = False,
    file: Annotated[Path | None, typer.Option("--out", help="Write the table to this .csv, .md or .tex file.")] = None,
    weights: RunWeights = None,
    page: PageOut = None,
    force: Force = False,
) -> None:
    """Compare predictors on the same people and probes, with intervals of the differences.

    The predictors of each run are compared with those of later runs, or those of a single run with each other.
    """
    from indievalue.report.tables.frames import TABLE_FILES, write_frame
    from indievalue.report.tables_page import check_page
    from indievalue.report.terminal import print_comparisons
    from indievalue.runs.comparing import compare_runs, comparison_table

    if file is not None and file.suffix not in TABLE_FILES:
        raise typer.BadParameter(f"--out takes a file that ends in {', '.join(TABLE_FILES)}, not {file.name!r}")
    if file is not None and file.exists() and not force:
        raise IndievalueError(f"{file} exists already; choose another --out, or give --force to replace it")
    check_page(page, force=force)
    loaded = [(folder, load_weighted(folder, weights)) for folder in runs]
    found = compare_runs(
        loaded,
        predictor,
        groups.demographics(loaded[0][1], needed=False),
        intersection=intersection,
        options=groups.options(),
    )
    print_comparisons(found, out)
    if file is not None:
        write_frame(comparison_table(found), file, "Differences between predictors")
        notes.print(f"Table: {file}")
    if page is not None:
        from indievalue.report.measure_pages import compare_page, of_predictors
        from indievalue.runs.names import short_names

        name_of = short_names(folder for folder, _ in loaded)
        compared = [(name_of[folder], of_predictors(run, predictor)) for folder, run in loaded]
        write_page(compare_page(compared, found, this_command()), page, force=force)
