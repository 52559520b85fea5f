"""``indievalue compare``: compare predictors."""

from pathlib import Path
from typing import Annotated

import typer

from indievalue.cli.options import Force, notes, out
from indievalue.cli.run_options import GroupFlags, PageOut, Runs, RunWeights, load_weighted, write_page
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
    from indievalue.report.tables.frames import TABLE_FILES, printed, write_frame
    from indievalue.report.tables_page import Section, check_page
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
        table = printed(comparison_table(found), "differences", "")
        note = (
            "Difference: a − b, with its 95% interval and two-sided p, person by person; p holm: corrected for the "
            "number of tests. Accuracy and σ in points, log loss in nats."
        )
        titles = "Which predictor is better?", "Differences between predictors"
        write_page(page, runs, titles, [Section("Differences", note, table)], force=force)
