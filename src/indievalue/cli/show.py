"""``indievalue show``: print one person."""

from typing import Annotated

import typer

from indievalue.choices import FormName
from indievalue.cli.options import Data, Further, SourceFlags, files_of, out
from indievalue.errors import IndievalueError


def show(
    data: Data,
    person: Annotated[str, typer.Option("--person", help="Id of the person.")],
    source: SourceFlags,
    form: Annotated[FormName, typer.Option("--form", help="Form in which answers are shown.")] = "refined",
    further: Further = None,
) -> None:
    """Print a person's demographics, statements by category, and missing answers with reasons."""
    from indievalue.report.show import print_person

    people = source.people(files_of(data, further), quiet=True)
    if person not in people.rows:
        raise IndievalueError(f"{data} has no person {person!r}; its first is {str(people.ids[0])!r}")
    print_person(people, people.rows[person], form, out)
