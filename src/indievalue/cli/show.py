"""``indievalue show``: print one person."""

from typing import Annotated

import typer

from indievalue.cli.options import (
    Data,
    FormOption,
    Seed,
    SurveyOption,
    one_of,
    out,
    people_of,
)
from indievalue.errors import IndievalueError


def show(
    data: Data,
    person: Annotated[str, typer.Option("--person", help="Id of the person.")],
    form: FormOption = "refined",
    survey: SurveyOption = None,
    seed: Seed = 0,
) -> None:
    """Print one person: demographics, statements by category, and what is missing and why."""
    from indievalue.report.show import print_person

    people = people_of(data, survey, seed, quiet=True)
    if person not in people.rows:
        raise IndievalueError(f"{data} has no person {person!r}; its first is {str(people.ids[0])!r}")
    print_person(people, people.rows[person], one_of(form, "polar", "refined"), out)
