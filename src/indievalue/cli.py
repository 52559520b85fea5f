"""The command line: parses, calls, prints. Commands import what they need when they run, so that --help is instant."""

import signal
import sys
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console

from indievalue.errors import IndievalueError

if TYPE_CHECKING:
    from indievalue.people.people import People

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode="markdown",
    help="From survey answers to value-expressing statements to scored predictors.",
)
out = Console()
notes = Console(stderr=True, highlight=False)

SYNTHETIC_PEOPLE = 10_000

Data = Annotated[
    str,
    typer.Argument(
        metavar="DATA",
        help="A survey file (.csv, .csv.gz, .sav, .dta, .xlsx, .parquet), or `synthetic`, or `synthetic:20000`.",
    ),
]
Out = Annotated[Path, typer.Option("--out", help="Directory to write; it must be new or empty.")]
Force = Annotated[bool, typer.Option("--force", help="Replace what --out holds.")]
Seed = Annotated[int, typer.Option("--seed", help="Same seed, same result, on any machine.")]
SurveyOption = Annotated[
    str | None, typer.Option("--survey", help="Name of a survey, or the folder of your own; else the columns tell.")
]
PredictorNames = Annotated[
    list[str],
    typer.Option(
        "--predictor",
        help="random, majority, resemble:k=35, gaussian, masked, boosting or logistic; give it once for each.",
    ),
]
FormOption = Annotated[str, typer.Option("--form", help="polar or refined: how answers group into options.")]
ProtocolOption = Annotated[str, typer.Option("--protocol", help="strict or paper (docs: Protocols).")]
SetupOption = Annotated[str, typer.Option("--setup", help="Which setups, such as 0,1,2, or all.")]
PeopleOption = Annotated[
    str | None, typer.Option("--people", help="How many people to test, or all who are eligible [default: up to 800].")
]
PeopleFile = Annotated[
    Path | None, typer.Option("--people-file", help="Text file with the ids of the people to test, one a line.")
]
DemonstrationsOption = Annotated[
    str, typer.Option("--demonstrations", help="How many statements of a person are shown, or all.")
]
DemonstrationsAs = Annotated[
    str, typer.Option("--demonstrations-as", help="Their form: same as the probes, polar or refined.")
]
DemonstrationsFrom = Annotated[
    str,
    typer.Option(
        "--demonstrations-from", help="others: never a probe of the setup; siblings: all but the probe itself."
    ),
]
ContextOption = Annotated[
    str, typer.Option("--context", help="What is shown of a person: none, demographics, statements or both.")
]


@app.command()
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

    people = _people("synthetic:5000", None, seed)
    with new_directory(directory, force=force) as folder:
        for form in FORMS:
            benchmark = build_benchmark(people, Settings(form=form, seed=seed), 300)
            arguments = {"command": "demo", "seed": seed}
            predictors = ["random", "majority", "resemble:k=35"]
            summary = run_evaluation(people, benchmark, predictors, folder / form, arguments=arguments)
            print_summary(summary, form, out, paper=False)
        write_report([load_run(folder / form) for form in FORMS], folder / "report.html")
    notes.print(f"Report: {directory / 'report.html'}")


@app.command()
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

    people = _people(data, survey, seed)
    write_catalog(people, directory, text=text, force=force)
    notes.print(f"Catalog of {len(people):,} people: {directory}")


@app.command()
def show(
    data: Data,
    person: Annotated[str, typer.Option("--person", help="Id of the person.")],
    form: FormOption = "refined",
    survey: SurveyOption = None,
    seed: Seed = 0,
) -> None:
    """Print one person: demographics, statements by category, and what is missing and why."""
    from indievalue.report.show import print_person

    people = _people(data, survey, seed, quiet=True)
    if person not in people.rows:
        raise IndievalueError(f"{data} has no person {person!r}; its first is {str(people.ids[0])!r}")
    print_person(people, people.rows[person], _one_of(form, "polar", "refined"), out)


@app.command()
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

    settings = _settings(form, protocol, setup, demonstrations, demonstrations_as, demonstrations_from, context, seed)
    tested = _tested(people, people_file)
    drawn = build_benchmark(_people(data, survey, seed), settings, tested)
    save_benchmark(drawn, directory, force=force)
    notes.print(f"Benchmark of {len(drawn.people):,} people: {directory}")


@app.command()
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
    survey: SurveyOption = None,
    seed: Seed = 0,
    force: Force = False,
) -> None:
    """Ask predictors a benchmark; write predictions, scores and a report."""
    from indievalue.benchmark.build import build_benchmark
    from indievalue.benchmark.storage import load_benchmark
    from indievalue.files import check_directory
    from indievalue.predictors.names import make_predictor
    from indievalue.report.terminal import print_summary
    from indievalue.run import evaluate as run_evaluation

    for name in predictor:
        make_predictor(name)  # an unknown name is told before minutes are spent on the data
    check_directory(directory, force=force)
    settings = _settings(form, protocol, setup, demonstrations, demonstrations_as, demonstrations_from, context, seed)
    tested = _tested(people, people_file)
    everyone = _people(data, survey, seed)
    drawn = load_benchmark(saved, everyone) if saved else build_benchmark(everyone, settings, tested)
    if people is None and not people_file and not saved:
        eligibility = drawn.eligibility
        notes.print(f"{len(drawn.people):,} people are tested, of {eligibility.eligible:,} who are eligible")
    arguments = {name: _plain(value) for name, value in context_of_call.params.items()}
    summary = run_evaluation(
        everyone,
        drawn,
        predictor,
        directory,
        arguments=arguments,
        survey=survey,
        force=force,
        say=lambda message: notes.print(message, style="dim"),
    )
    comparable = everyone.survey.name == "wvs7" and not data.startswith("synthetic")
    print_summary(summary, drawn.settings.form, out, paper=comparable)
    notes.print(f"Report: {directory / 'report.html'}")


@app.command()
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

    chosen = _one_of(form, "polar", "refined")
    people = _people(data, survey, seed, quiet=True)
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


@app.command()
def report(
    runs: Annotated[list[Path], typer.Argument(metavar="DIR [DIR …]", help="Run directories.")],
    page: Annotated[Path, typer.Option("--out", help="The HTML file to write.")],
    force: Force = False,
) -> None:
    """Put one or more runs on one self-contained HTML page."""
    from indievalue.report.page import write_report
    from indievalue.report.runs import load_run

    if page.exists() and not force:
        raise IndievalueError(f"{page} exists already; choose another --out, or give --force to replace it")
    write_report([load_run(directory) for directory in runs], page)
    notes.print(f"Report: {page}")


@app.command()
def survey(
    name: Annotated[str, typer.Argument(metavar="NAME", help="A shipped survey, or the folder of your own.")] = "wvs7",
) -> None:
    """Check a survey spec, and print what it holds."""
    from indievalue.report.show import print_survey
    from indievalue.survey.load import load_survey

    print_survey(load_survey(name), out)


@app.callback(invoke_without_command=True)
def _version(
    version: Annotated[bool, typer.Option("--version", help="Print the version.")] = False,
) -> None:
    if version:
        from indievalue import __version__

        out.print(f"indievalue {__version__}", highlight=False)
        raise typer.Exit


_INTERRUPTED = 130
"""What Typer returns after Ctrl-C."""


def main() -> None:
    """Run the command line: exit code 0 when it went well, 1 when something was wrong, 2 for a wrong call."""
    signal.signal(signal.SIGTERM, _stop)
    try:
        code = app(standalone_mode=False)
    except IndievalueError as error:
        notes.print(f"[bold red]error:[/] {_escape(str(error))}", soft_wrap=True)
        code = 1
    except typer.TyperException as error:
        notes.print(f"[bold red]error:[/] {_escape(error.format_message())}; --help tells more", soft_wrap=True)
        code = 2
    except BrokenPipeError:
        code = 0  # whoever read the output has seen enough
    if code == _INTERRUPTED:
        notes.print("stopped; nothing half-written was left")
        code = 1
    sys.exit(code or 0)


def _stop(signal_number: int, frame: FrameType | None) -> None:
    raise KeyboardInterrupt


def _people(data: str, survey: str | None, seed: int, *, quiet: bool = False) -> "People":
    kind, _, number = data.partition(":")
    if kind == "synthetic":
        from indievalue.people.synthetic import synthetic_people

        people = synthetic_people(_whole(number, "synthetic:") if number else SYNTHETIC_PEOPLE, seed, survey or "wvs7")
    else:
        from indievalue.people.read import read_people

        people = read_people(data, survey)
    if not quiet:
        for line in people.report.lines():
            notes.print(_escape(line), soft_wrap=True)
    return people


def _settings(
    form: str,
    protocol: str,
    setup: str,
    demonstrations: str,
    demonstrations_as: str,
    demonstrations_from: str,
    context: str,
    seed: int,
) -> Any:
    from indievalue.benchmark.model import CONTEXTS, PROTOCOLS, SOURCES, Settings

    shown = _one_of(demonstrations_as, "same", "polar", "refined")
    settings: dict[str, Any] = {
        "form": _one_of(form, "polar", "refined"),
        "protocol": _one_of(protocol, *PROTOCOLS),
        "setups": None
        if setup == "all"
        else tuple(dict.fromkeys(_whole(number, "--setup") for number in setup.split(","))),
        "demonstrations": None if demonstrations == "all" else _whole(demonstrations, "--demonstrations"),
        "demonstrations_as": None if shown == "same" else shown,
        "demonstrations_from": _one_of(demonstrations_from, *SOURCES),
        "context": _one_of(context, *CONTEXTS),
        "seed": seed,
    }
    return Settings(**settings)


def _tested(people: str | None, file: Path | None) -> Any:
    if people is not None and file is not None:
        raise typer.BadParameter("give --people or --people-file, not both")
    if file is not None:
        try:
            return [line.strip() for line in file.read_text(encoding="utf-8-sig").splitlines() if line.strip()]
        except (OSError, UnicodeDecodeError) as error:
            raise IndievalueError(f"cannot read the list of people {file}: {error}") from None
    return people if people in (None, "all") else _whole(people or "", "--people")


def _one_of(value: str, *known: str) -> Any:
    if value not in known:
        raise typer.BadParameter(f"{value!r} is none of {', '.join(known)}")
    return value


def _whole(text: str, option: str) -> int:
    try:
        number = int(text)
    except ValueError:
        raise typer.BadParameter(f"{option} takes a whole number, not {text!r}") from None
    if number < 0:
        raise typer.BadParameter(f"{option} takes a number from 0 on, not {text}")
    return number


def _plain(value: Any) -> Any:
    if isinstance(value, (list, tuple)):
        return [_plain(one) for one in value]
    return str(value) if isinstance(value, Path) else value


def _escape(text: str) -> str:
    return text.replace("[", r"\[")
