"""Commands that ask: predictors, or you."""

from pathlib import Path
from typing import Annotated, Any

import typer

from indievalue.cli.language import (
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
    one_of,
    out,
    people_of,
    settings_of,
    tested_of,
)


def demo(
    directory: Annotated[Path, typer.Option("--out", help="Directory to write.")] = Path("indievalue-demo"),
    seed: Seed = 0,
    force: Force = False,
) -> None:
    """Try it without any data: synthetic people, a benchmark, three predictors, a report."""
    from indievalue.benchmark.build import build_benchmark
    from indievalue.benchmark.model import Settings
    from indievalue.files import new_directory
    from indievalue.report.page import write_report
    from indievalue.report.runs import load_run
    from indievalue.report.terminal import print_summary
    from indievalue.run import evaluate as run_evaluation
    from indievalue.survey.model import FORMS

    people = people_of("synthetic:5000", None, seed)
    with new_directory(directory, force=force) as folder:
        for form in FORMS:
            benchmark = build_benchmark(people, Settings(form=form, seed=seed), 300)
            arguments = {"command": "demo", "seed": seed}
            predictors = ["random", "majority", "resemble:k=35"]
            summary = run_evaluation(people, benchmark, predictors, folder / form, arguments=arguments)
            print_summary(summary, form, out)
        write_report([load_run(folder / form) for form in FORMS], folder / "report.html")
    notes.print(f"Report: {directory / 'report.html'}")


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
    from indievalue.files import check_directory
    from indievalue.predictors.names import is_chat_model, make_predictor
    from indievalue.prompts.prompt import Style
    from indievalue.report.paper import paper_about
    from indievalue.report.terminal import print_summary
    from indievalue.run import evaluate as run_evaluation

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
    print_summary(summary, drawn.settings.form, out, paper=paper_about(everyone.report))
    notes.print(f"Report: {directory / 'report.html'}")


def elicit(
    data: Annotated[str, typer.Argument(metavar="[DATA]", help="Whose answers to learn from.")] = "synthetic",
    questions: Annotated[int, typer.Option("--questions", min=1, help="How many answers to ask for.")] = 20,
    form: FormOption = "polar",
    answers: Annotated[
        Path, typer.Option("--answers", help="Your answers; an interview that stopped there goes on.")
    ] = Path("my-answers.json"),
    survey: SurveyOption = None,
    seed: Seed = 0,
) -> None:
    """Be interviewed: each time the question that says most about you, then what your answers foretell."""
    from indievalue.elicitation.interview import Interview
    from indievalue.elicitation.session import load_session
    from indievalue.elicitation.terminal import hold, print_reading
    from indievalue.predictors.gaussian import Gaussian

    chosen = one_of(form, "polar", "refined")
    people = people_of(data, survey, seed, quiet=True)
    session = load_session(answers, people.survey)
    with notes.status(f"learning from {len(people):,} people"):
        interview = Interview(Gaussian().fit(people, chosen, "refined"), session)
    if session.turns:
        notes.print(f"Going on from {answers}, where {session.answered} are answered")
    if hold(interview, questions, answers, out):
        print_reading(interview, people, out)
    else:
        notes.print(
            f"Your answers so far ({session.answered}) are kept in {answers}; the same command goes on from there"
        )


def _plain(value: Any) -> Any:
    if isinstance(value, (list, tuple)):
        return [_plain(one) for one in value]
    return str(value) if isinstance(value, Path) else value
