"""``indievalue short-form``: the most informative questions, as a list for everybody or for a country."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from indievalue.cli.options import Data, Force, Form, Further, SourceFlags, escaped, files_of, notes, out
from indievalue.errors import IndievalueError

if TYPE_CHECKING:
    from indievalue.people.people import People


def short_form(
    data: Data,
    source: SourceFlags,
    questions: Annotated[int, typer.Option("--questions", min=1, help="Number of questions on a list.")] = 20,
    country: Annotated[
        list[str] | None,
        typer.Option("--country", help="Country that the list is for [default: everybody]; repeat for more."),
    ] = None,
    each_country: Annotated[
        bool, typer.Option("--each-country", help="A list for everybody, and one for each country.")
    ] = False,
    form: Form = "polar",
    file: Annotated[
        Path | None, typer.Option("--out", help="Write the lists to this .csv file, for `elicit --list`.")
    ] = None,
    further: Further = None,
    force: Force = False,
) -> None:
    """Choose the questions that tell most about all the others: a short form of the survey.

    `indievalue elicit --list` asks the questions of such a list.
    """
    if country and each_country:
        raise typer.BadParameter("give --country or --each-country, not both")
    if file is not None and file.suffix != ".csv":
        raise typer.BadParameter(f"--out takes a file that ends in .csv, not {file.name!r}")
    if file is not None and file.exists() and not force:
        raise IndievalueError(f"{file} exists already; choose another --out, or give --force to replace it")
    from indievalue.elicitation.lists import short_forms, write_lists
    from indievalue.predictors.gaussian import Gaussian

    people = source.people(files_of(data, further))
    countries = _countries(people, country or [], each_country)
    with notes.status(f"learning from {len(people):,} people"):
        lists = short_forms(Gaussian().fit(people, form, "refined"), people, countries, questions)
    if file is not None:
        write_lists(lists, people.survey, file)
        notes.print(escaped(f"Lists: {file}" if len(lists) > 1 else f"List: {file}"), soft_wrap=True)
    for name, listed in lists.items():
        out.print(f"\n[bold]{escaped(name or 'Everybody')}[/]", highlight=False)
        for place, one in enumerate(listed, 1):
            out.print(escaped(f"{place:3} {one}  {people.survey.question(one).asks}"), highlight=False, soft_wrap=True)


def _countries(people: "People", named: list[str], each: bool) -> list[str | None]:
    """Return the countries to make a list for; None is everybody."""
    from indievalue.elicitation.countries import countries_in, country_named

    if each:
        return [None, *countries_in(people)]
    return list(dict.fromkeys(country_named(people, name) for name in named)) or [None]
