"""``indievalue benchmark``: draw and save a benchmark."""

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
    people_of,
    settings_of,
    tested_of,
)


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
