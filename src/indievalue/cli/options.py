"""What commands share: their options, and from the words of a call to people, settings and whom to test."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console

from indievalue.errors import IndievalueError

if TYPE_CHECKING:
    from indievalue.people.people import People

out = Console()
notes = Console(stderr=True, highlight=False)

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


def people_of(data: str, survey: str | None, seed: int, *, quiet: bool = False) -> "People":
    """People of ``data``, a file or ``synthetic``; what was found while reading them is printed unless ``quiet``."""
    from indievalue.synthetic.source import people_from

    people = people_from(data, survey, seed)
    if not quiet:
        for line in people.findings.lines():
            notes.print(escaped(line), soft_wrap=True)
    return people


def settings_of(
    form: str,
    protocol: str,
    setup: str,
    demonstrations: str,
    demonstrations_as: str,
    demonstrations_from: str,
    context: str,
    seed: int,
) -> Any:
    """Settings out of the words of a call. Raises BadParameter for a word that is none of those known."""
    from indievalue.benchmark.model import CONTEXTS, PROTOCOLS, SOURCES, Settings

    shown = one_of(demonstrations_as, "same", "polar", "refined")
    settings: dict[str, Any] = {
        "form": one_of(form, "polar", "refined"),
        "protocol": one_of(protocol, *PROTOCOLS),
        "setups": None
        if setup == "all"
        else tuple(dict.fromkeys(whole(number, "--setup") for number in setup.split(","))),
        "demonstrations": None if demonstrations == "all" else whole(demonstrations, "--demonstrations"),
        "demonstrations_as": None if shown == "same" else shown,
        "demonstrations_from": one_of(demonstrations_from, *SOURCES),
        "context": one_of(context, *CONTEXTS),
        "seed": seed,
    }
    return Settings(**settings)


def tested_of(people: str | None, file: Path | None) -> Any:
    """Whom to test, as :func:`indievalue.benchmark.build.build_benchmark` takes it."""
    if people is not None and file is not None:
        raise typer.BadParameter("give --people or --people-file, not both")
    if file is not None:
        try:
            return [line.strip() for line in file.read_text(encoding="utf-8-sig").splitlines() if line.strip()]
        except (OSError, UnicodeDecodeError) as error:
            raise IndievalueError(f"cannot read the list of people {file}: {error}") from None
    return people if people in (None, "all") else whole(people or "", "--people")


def one_of(value: str, *known: str) -> Any:
    """``value``, which must be one of ``known``; else raises BadParameter."""
    if value not in known:
        raise typer.BadParameter(f"{value!r} is none of {', '.join(known)}")
    return value


def whole(text: str, option: str) -> int:
    """The whole number from 0 on that ``text`` is; else raises BadParameter naming ``option``."""
    try:
        number = int(text)
    except ValueError:
        raise typer.BadParameter(f"{option} takes a whole number, not {text!r}") from None
    if number < 0:
        raise typer.BadParameter(f"{option} takes a number from 0 on, not {text}")
    return number


def escaped(text: str) -> str:
    """Text that Rich prints as it is."""
    return text.replace("[", r"\[")
