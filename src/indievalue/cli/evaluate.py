"""``indievalue evaluate``: ask predictors a benchmark."""

from pathlib import Path
from typing import Annotated, Any

import typer

from indievalue.cli.model_options import (
    BaseUrl,
    BatchedOption,
    DryRun,
    GenerateOptions,
    LimitCost,
    ModelArguments,
    OrderOption,
    Price,
    Retries,
    TemplateOption,
    VoiceOption,
    asking_of,
    print_plan,
)
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
    PredictorNames,
    ProtocolOption,
    Seed,
    SetupOption,
    SurveyOption,
    notes,
    out,
    people_of,
    settings_of,
    tested_of,
)


def evaluate(
    context_of_call: typer.Context,
    data: Data,
    predictor: PredictorNames,
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
    saved: Annotated[
        Path | None, typer.Option("--benchmark", help="A saved benchmark to ask, instead of drawing one.")
    ] = None,
    template: TemplateOption = "single",
    batched: BatchedOption = False,
    voice: VoiceOption = "first",
    option_order: OrderOption = "fixed",
    retries: Retries = 3,
    generate: GenerateOptions = None,
    model_argument: ModelArguments = None,
    base_url: BaseUrl = None,
    price: Price = None,
    limit_cost: LimitCost = None,
    dry_run: DryRun = False,
    survey: SurveyOption = None,
    seed: Seed = 0,
    force: Force = False,
) -> None:
    """Ask predictors a benchmark; write predictions, scores and a report."""
    from indievalue.benchmark.build import build_benchmark
    from indievalue.benchmark.storage import load_benchmark
    from indievalue.evaluation import evaluate as run_evaluation
    from indievalue.files import check_directory
    from indievalue.predictors.registry import is_chat_model, make_predictor
    from indievalue.prompts.prompt import Style
    from indievalue.report.paper import paper_about
    from indievalue.report.terminal import print_summary

    chat = [name for name in predictor if is_chat_model(name)]
    style = Style(template, batched, voice, option_order)  # type: ignore[arg-type]
    for name in predictor:
        if name not in chat:
            make_predictor(name, style)  # an unknown name is told before minutes are spent on the data
    asking = None
    if chat:
        words = template, batched, voice, option_order, retries, generate, model_argument, base_url, price, limit_cost
        asking = asking_of(*words)
    if not dry_run:
        check_directory(directory, force=force)
    settings = settings_of(form, protocol, setup, demonstrations, demonstrations_as, demonstrations_from, context, seed)
    tested = tested_of(people, people_file)
    everyone = people_of(data, survey, seed)
    drawn = load_benchmark(saved, everyone) if saved else build_benchmark(everyone, settings, tested)
    if people is None and not people_file and not saved:
        eligibility = drawn.eligibility
        notes.print(f"{len(drawn.people):,} people are tested, of {eligibility.eligible:,} who are eligible")
    if asking:
        print_plan(chat, drawn, asking)
    if dry_run:
        return
    arguments = {name: _plain(value) for name, value in context_of_call.params.items()}
    summary = run_evaluation(
        everyone,
        drawn,
        predictor,
        directory,
        arguments=arguments,
        survey=survey,
        force=force,
        asking=asking,
        style=style,
        say=lambda message: notes.print(message, style="dim"),
    )
    print_summary(summary, drawn.settings.form, out, paper=paper_about(everyone.findings))
    notes.print(f"Report: {directory / 'report.html'}")


def _plain(value: Any) -> Any:
    if isinstance(value, (list, tuple)):
        return [_plain(one) for one in value]
    return str(value) if isinstance(value, Path) else value
