"""``indievalue people``: synthetic people as a survey file."""

from pathlib import Path
from typing import Annotated

import typer

from indievalue.cli.options import Force, SurveyName, escaped, notes, seed_of


def people(
    target: Annotated[Path, typer.Option("--out", help="File to write: .csv, .parquet, or .sav with labels.")],
    data: Annotated[
        str,
        typer.Argument(
            metavar="[TWIN]", help="`synthetic`, or what `indievalue twin` wrote; a number may follow: `twin.npz:500`."
        ),
    ] = "synthetic",
    survey: SurveyName = None,
    seed: Annotated[int, seed_of("synthetic people")] = 0,
    force: Force = False,
) -> None:
    """Write synthetic people as a survey file, which is read like one of real people."""
    from indievalue.errors import IndievalueError
    from indievalue.synthetic.source import drawn_table
    from indievalue.synthetic.written import check_ending, write_survey_file

    check_ending(target)
    if target.exists() and not force:
        raise IndievalueError(f"{target} exists already: give another --out, or --force to replace it")
    table, spec = drawn_table(data, survey, seed)
    write_survey_file(table, spec, target)
    notes.print(
        escaped(f"{len(table):,} synthetic people of {spec.name}: {target}; they answer nothing about real people"),
        soft_wrap=True,
    )
