"""``indievalue catalog``: write all statements."""

from typing import Annotated, Literal

import typer

from indievalue.cli.options import Data, Force, Further, InMemory, Out, SourceFlags, files_of, notes


def catalog(
    data: Data,
    directory: Out,
    source: SourceFlags,
    text: Annotated[bool, typer.Option("--text", help="Also write everybody's statements as JSONL.")] = False,
    text_form: Annotated[
        Literal["polar", "refined", "both"], typer.Option("--text-form", help="Form of these statements.")
    ] = "refined",
    gzip: Annotated[bool, typer.Option("--gzip", help="Write these statements as .jsonl.gz.")] = False,
    further: Further = None,
    in_memory: InMemory = None,
    force: Force = False,
) -> None:
    """Write a catalog: people, their answers as options, the statements, and a dataset card."""
    from indievalue.files import reserved
    from indievalue.people.catalog import TextOptions, text_size, write_catalog, write_catalog_in_blocks

    options = TextOptions(text_form, gzip) if text else None
    with reserved(directory, force=force):
        files = files_of(data, further)
        if (blocks := source.blocks(files, in_memory)) is not None:
            write_catalog_in_blocks(blocks, directory, text=options or False, force=force)
            notes.print(f"Catalog of {len(blocks):,} people, in parts: {directory}")
            return
        people = source.people(files)
        if options:
            notes.print(f"{options.file} will take about {_bytes(text_size(people, options))}")
        write_catalog(people, directory, text=options or False, force=force)
    notes.print(f"Catalog of {len(people):,} people: {directory}")


def _bytes(number: int) -> str:
    """Return a size in words, such as ``1.5 GB``."""
    for unit, size in (("GB", 1e9), ("MB", 1e6)):
        if number >= size:
            return f"{number / size:.1f} {unit}" if number < 10 * size else f"{number / size:,.0f} {unit}"
    return f"{max(1, round(number / 1e3))} kB"
