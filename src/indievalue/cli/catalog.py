"""``indievalue catalog``: write all statements."""

from typing import Annotated

import typer

from indievalue.cli.options import Data, Force, Out, SourceFlags, notes


def catalog(
    data: Data,
    directory: Out,
    source: SourceFlags,
    text: Annotated[bool, typer.Option("--text", help="Also write all statements as JSONL.")] = False,
    force: Force = False,
) -> None:
    """Write a catalog: people, their answers as options, the statements, and a dataset card."""
    from indievalue.people.catalog import write_catalog

    people = source.people(data)
    write_catalog(people, directory, text=text, force=force)
    notes.print(f"Catalog of {len(people):,} people: {directory}")
