"""``indievalue catalog``: write everybody's statements."""

from typing import Annotated

import typer

from indievalue.cli.options import (
    Data,
    Force,
    Out,
    Seed,
    SurveyOption,
    notes,
    people_of,
)


def catalog(
    data: Data,
    directory: Out,
    text: Annotated[bool, typer.Option("--text", help="Also write everybody's statements as JSONL.")] = False,
    survey: SurveyOption = None,
    seed: Seed = 0,
    force: Force = False,
) -> None:
    """Write the catalog: people, their answers as options, the statements, a dataset card."""
    from indievalue.people.catalog import write_catalog

    people = people_of(data, survey, seed)
    write_catalog(people, directory, text=text, force=force)
    notes.print(f"Catalog of {len(people):,} people: {directory}")
