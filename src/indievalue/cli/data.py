"""Commands about data: who answered what, and what they could be asked."""

from typing import Annotated

import typer

from indievalue.cli.options import (
    ContextOption,
    Data,
    DemonstrationsAs,
    DemonstrationsFrom,
    DemonstrationsOption,
    Force,
    FormOption,
    Out,
    PeopleFile,
    PeopleOption,
    ProtocolOption,
    Seed,
    SetupOption,
    SurveyOption,
    notes,
    one_of,
    out,
    people_of,
    settings_of,
    tested_of,
)
from indievalue.errors import IndievalueError


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


def benchmark(
    data: Data,
    directory: Out,
    form: FormOption = "polar",
    protocol: ProtocolOption = "strict",
    setup: SetupOption = "all",
    people: PeopleOption = None,
    people_file: PeopleFile = None,
    demonstrations: DemonstrationsOption = "200",
    demonstrations_as: DemonstrationsAs = "same",
    demonstrations_from: DemonstrationsFrom = "others",
    context: ContextOption = "statements",
    survey: SurveyOption = None,
    seed: Seed = 0,
    force: Force = False,
) -> None:
    """Draw a benchmark and save it, with its text, to hand to another program or to `evaluate --benchmark`."""
    from indievalue.benchmark.build import build_benchmark
    from indievalue.benchmark.storage import save_benchmark

    settings = settings_of(form, protocol, setup, demonstrations, demonstrations_as, demonstrations_from, context, seed)
    tested = tested_of(people, people_file)
    drawn = build_benchmark(people_of(data, survey, seed), settings, tested)
    save_benchmark(drawn, directory, force=force)
    notes.print(f"Benchmark of {len(drawn.people):,} people: {directory}")


def survey(
    name: Annotated[str, typer.Argument(metavar="NAME", help="A shipped survey, or the folder of your own.")] = "wvs7",
) -> None:
    """Check a survey spec, and print what it holds."""
    from indievalue.report.show import print_survey
    from indievalue.survey.load import load_survey

    print_survey(load_survey(name), out)
