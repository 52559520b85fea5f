"""Options shared by several commands, and their conversion to people, settings and prompt styles."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer
from rich.console import Console, ConsoleOptions, RenderableType
from rich.segment import Segment

from indievalue.choices import (
    CONTEXTS,
    PARAPHRASES,
    USUAL,
    Context,
    DemonstrationsFrom,
    FormName,
    Language,
    OptionOrder,
    Protocol,
    ScaleDirection,
    ShowOrder,
    Voice,
)
from indievalue.errors import IndievalueError
from indievalue.safe_text import terminal_text

if TYPE_CHECKING:
    from indievalue.benchmark.model import Settings
    from indievalue.people.blocks import PeopleBlocks
    from indievalue.people.options import ReadOptions
    from indievalue.people.people import People
    from indievalue.prompts.prompt import PromptStyle


class SafeConsole(Console):
    """A console on which no text that is printed can steer the terminal; Rich's own styles can."""

    def render(self, renderable: RenderableType, options: ConsoleOptions | None = None) -> Iterator[Segment]:
        """Yield the segments of ``renderable`` with text made safe."""
        for segment in super().render(renderable, options):
            yield segment if segment.control else segment._replace(text=terminal_text(segment.text))


out = SafeConsole()
notes = SafeConsole(stderr=True, highlight=False)

DATA_HELP = (
    "A survey file (CSV, SPSS, Stata, Excel, R, Parquet; also zipped), or a folder of Parquet files; or `synthetic`, "
    "or what `indievalue twin` wrote, each also with a number of people: `synthetic:20000`."
)

Data = Annotated[str, typer.Argument(metavar="DATA", help=DATA_HELP)]
Further = Annotated[
    list[str] | None,
    typer.Argument(metavar="[DATA]...", help="Further files of the same survey, whose people are read as well."),
]
InMemory = Annotated[
    int | None,
    typer.Option(
        "--in-memory",
        metavar="PEOPLE",
        min=0,
        help="Most people held in memory; more, of Parquet or uncompressed text, are read in blocks (docs: Scale) "
        "[default: 1000000].",
    ),
]
Out = Annotated[Path, typer.Option("--out", help="Directory to write; must be new or empty.")]
Force = Annotated[bool, typer.Option("--force", help="Replace the contents of --out.")]


def files_of(data: str, further: Sequence[str] | None) -> list[str]:
    """Return the files that a command was given as its data."""
    return [data, *(further or ())]


def seed_of(drawn: str) -> Any:
    """Return the option ``--seed`` of a command that draws ``drawn`` at random."""
    return typer.Option("--seed", help=f"Seed of {drawn}; the result is the same on any machine.")


ExamplePerson = Annotated[
    str | None,
    typer.Option(
        "--example",
        help="Id of a person whose statements and answers the page shows [default: none, or one of synthetic people].",
    ),
]
PeopleCount = Annotated[
    str | None,
    typer.Option("--people", help="Number of people to test, or `all` eligible people [default: up to 800]."),
]
Form = Annotated[FormName, typer.Option("--form", help="How answers group into options.")]

SurveyName = Annotated[
    str | None,
    typer.Option("--survey", help="Name of a survey, or the folder of your own [default: detected from the columns]."),
]
Sheet = Annotated[
    str | None, typer.Option("--sheet", help="Name or number of an Excel file's sheet [default: the first].")
]
HeaderRow = Annotated[
    int | None, typer.Option("--header-row", help="Number of the row with the column names, from 1 [default: found].")
]
Encoding = Annotated[
    str | None, typer.Option("--encoding", help="Encoding of text, such as cp1252 [default: as the file states].")
]
PersonColumns = Annotated[
    str | None,
    typer.Option(
        "--person-columns", help="Columns that together identify a person, separated by commas [default: survey's]."
    ),
]

Rows = Annotated[
    list[str] | None,
    typer.Option(
        "--rows",
        metavar="COLUMN=VALUES",
        help="Read only rows with these values, such as A_YEAR=2017-2019 or CNTRY=EE,LV; repeat for more columns.",
    ),
]

_LISTED = "give a text file with the ids of the people to test, one per line"

Tested = int | Sequence[str] | Literal["all"] | None
"""People to test, as in :func:`indievalue.benchmark.build.build_benchmark`."""


def conditions(given: Sequence[str] | None, option: str) -> tuple[tuple[str, str], ...]:
    """Parse ``COLUMN=VALUES`` for each of ``given``. Raises BadParameter, naming the ``option``, for anything else."""
    found = []
    for text in given or ():
        column, _, values = (part.strip() for part in text.partition("="))
        if not column or not values:
            raise typer.BadParameter(f"{option} takes COLUMN=VALUES, such as A_YEAR=2017-2019, not {text!r}")
        found.append((column, values))
    return tuple(found)


def listed(names: str | None) -> tuple[str, ...]:
    """Return the names in a list that commas separate."""
    return tuple(name.strip() for name in (names or "").split(",") if name.strip())


@dataclass(frozen=True)
class SourceFlags:
    """The survey of a data file, and the seed; a command that draws more than synthetic people says so in its help."""

    survey: SurveyName = None
    seed: Annotated[int, seed_of("synthetic people")] = 0
    sheet: Sheet = None
    header_row: HeaderRow = None
    encoding: Encoding = None
    person_columns: PersonColumns = None
    rows: Rows = None

    def people(self, data: str | Sequence[str], *, quiet: bool = False) -> "People":
        """Read people from ``data``, a file, several or ``synthetic``, and print findings in the data unless ``quiet``.

        A file that takes more than a few seconds to read is announced.
        """
        from indievalue.people.tables import slow_size
        from indievalue.synthetic.source import people_from, twin_named

        options = self.read_options()
        for file in [data] if isinstance(data, str) else data:
            if not quiet and not twin_named(file) and (size := slow_size(Path(file))) is not None:
                notes.print(escaped(f"Reading {file} ({size:,.0f} MB)"), soft_wrap=True)
        people = people_from(data, self.survey, self.seed, options)
        if not quiet:
            for line in people.findings.lines():
                notes.print(escaped(line), soft_wrap=True)
        return people

    def blocks(self, data: Sequence[str], in_memory: int | None) -> "PeopleBlocks | None":
        """Return the people of files in blocks, and print findings in the data; None if they are few enough.

        ``in_memory`` is how many these are.
        """
        from indievalue.people.blocks import IN_MEMORY, in_blocks
        from indievalue.synthetic.source import is_drawn

        if any(is_drawn(file) or not Path(file).exists() for file in data):
            return None
        blocks = in_blocks(data, self.survey, self.read_options(), IN_MEMORY if in_memory is None else in_memory)
        if blocks is not None:
            notes.print(f"More people than are held in memory (--in-memory): read in blocks of {blocks.rows:,}")
            for line in blocks.findings.lines():
                notes.print(escaped(line), soft_wrap=True)
        return blocks

    def surveys(self, files: Sequence[str]) -> "list[People]":
        """Read the people of each file on its own, and print findings.

        Each is of one of the surveys given, separated by commas, or of one that ships, as its columns tell.
        """
        from indievalue.synthetic.source import people_from

        options = replace(self.read_options(), surveys=listed(self.survey))
        found = [people_from(file, None, self.seed, options) for file in files]
        for people in found:
            for line in people.findings.lines():
                notes.print(escaped(line), soft_wrap=True)
        return found

    def read_options(self) -> "ReadOptions":
        """Return how files are read. Raises BadParameter for an invalid condition."""
        from indievalue.people.options import ReadOptions

        person, rows = listed(self.person_columns), conditions(self.rows, "--rows")
        return ReadOptions(self.sheet, self.header_row, self.encoding, person, rows)


def check_show(context: typer.Context, value: str) -> str:
    """Check that ``--show relevant:K``, which has the number of statements, is not given with ``--demonstrations``."""
    _refuse_both(context, value)
    return value


def check_demonstrations(context: typer.Context, value: str) -> str:
    """Check the same, whichever of the two options is read last."""
    _refuse_both(context, str(context.params.get("show", USUAL.show)))
    return value


def _refuse_both(context: typer.Context, show: str) -> None:
    source = context.get_parameter_source("demonstrations")
    if show != USUAL.show and source is not None and source.name != "DEFAULT":
        raise typer.BadParameter(
            f"give --show {show} or --demonstrations, not both: --show has the number of statements"
        )


Show = Annotated[
    str,
    typer.Option(
        "--show",
        metavar="HOW",
        callback=check_show,
        help="Which statements are shown: random, or for each probe the K that tell most about it (relevant:K, learned "
        "from people who are not tested) or whose words are most like its (similar:K). Replaces --demonstrations.",
    ),
]
ShowOrderOption = Annotated[
    ShowOrder,
    typer.Option("--show-order", help="Where --show puts the most relevant statement: last or first; or shuffled."),
]


def _context(value: str) -> str:
    """Return a context with its blocks in the usual order. Raises BadParameter if it is no context."""
    if value in CONTEXTS:
        return value
    from indievalue.context import parse_context

    try:
        return parse_context(value).name
    except IndievalueError as error:
        known = ", ".join(map(repr, CONTEXTS))
        raise typer.BadParameter(f"{value!r} is not one of {known}; {str(error).partition('; ')[2]}") from None


@dataclass(frozen=True)
class ShownFlags:
    """The probes, and the context shown for each person."""

    form: Form = USUAL.form
    setup: Annotated[str, typer.Option("--setup", help="Which setups, such as `0,1,2`, or `all`.")] = USUAL.setup
    demonstrations: Annotated[
        str,
        typer.Option(
            "--demonstrations",
            callback=check_demonstrations,
            help="Number of statements shown for each person, or `all`.",
        ),
    ] = USUAL.demonstrations
    show: Show = USUAL.show
    show_order: ShowOrderOption = USUAL.show_order
    demonstrations_as: Annotated[
        Literal["same", "polar", "refined"],
        typer.Option("--demonstrations-as", help="Form of the demonstrations; `same` means that of the probes."),
    ] = USUAL.demonstrations_as
    context: Annotated[
        Context,
        typer.Option(
            "--context",
            metavar="BLOCKS",
            help="Context shown for each person: none, both, or blocks joined by +: statements, demographics, "
            "demographics:NAME+NAME, region, year, country-facts.",
            callback=_context,
        ),
    ] = USUAL.context

    def settings(self, seed: int) -> "Settings":
        """Return the benchmark settings. Raises BadParameter for an invalid number."""
        from indievalue.benchmark.model import Settings

        return Settings(
            form=self.form,
            setups=None
            if self.setup == "all"
            else tuple(dict.fromkeys(whole(number, "--setup") for number in self.setup.split(","))),
            demonstrations=None if self.demonstrations == "all" else whole(self.demonstrations, "--demonstrations"),
            demonstrations_as=None if self.demonstrations_as == "same" else self.demonstrations_as,
            context=self.context,
            seed=seed,
            show=self.show,
            show_order=self.show_order,
        )


@dataclass(frozen=True)
class BenchmarkFlags(ShownFlags):
    """All benchmark options, including the people to test."""

    protocol: Annotated[Protocol, typer.Option("--protocol", help="How probes are drawn (docs: Protocols).")] = (
        USUAL.protocol
    )
    demonstrations_from: Annotated[
        DemonstrationsFrom,
        typer.Option(
            "--demonstrations-from",
            help="others: statements outside the setup's probes; siblings: all but the probe itself.",
        ),
    ] = USUAL.demonstrations_from
    people: PeopleCount = None
    people_file: Annotated[
        Path | None, typer.Option("--people-file", help="Text file with the ids of the people to test, one per line.")
    ] = None
    unseen_questions: Annotated[
        list[str] | None,
        typer.Option(
            "--unseen-questions",
            metavar="NAME",
            help="Questions to ask instead of the protocol's, about which nothing is learned from anybody: ids, "
            "categories, `battery NAME`, `setup 0`, or the first of five parts of the questionnaire, `batteries 1/5` "
            "or `questions 1/5`; repeat for more.",
        ),
    ] = None

    def settings(self, seed: int) -> "Settings":
        """Return the benchmark settings (see :meth:`ShownFlags.settings`)."""
        return replace(
            super().settings(seed),
            protocol=self.protocol,
            demonstrations_from=self.demonstrations_from,
            unseen_questions=tuple(self.unseen_questions or ()),
        )

    def tested(self) -> Tested:
        """Return the people to test. Raises BadParameter if both options are given or the number is invalid."""
        if self.people is not None and self.people_file is not None:
            raise typer.BadParameter("give --people or --people-file, not both")
        return tested_people(self.people) if self.people_file is None else read_ids(self.people_file)

    def check_tested(self, tested: Tested, people: "People | PeopleBlocks") -> None:
        """Raise IndievalueError, naming the file of the list, if a person listed in it is not in the data."""
        from indievalue.people.people import People

        if self.people_file is None or not isinstance(tested, Sequence):
            return
        example = (people if isinstance(people, People) else next(iter(people))).ids[0]
        if not isinstance(people, People):
            people = people.only(tested)
        unknown = [person for person in tested if person not in people.rows]
        if unknown:
            raise IndievalueError(
                f"{self.people_file} lists {len(unknown):,} of {len(tested):,} people who are not in the data, first "
                f"{unknown[0]!r}; ids are those that `indievalue catalog` writes, such as {str(example)!r}"
            )


@dataclass(frozen=True)
class PromptFlags:
    """Options for the prompts of language models."""

    template: Annotated[
        str,
        typer.Option(
            "--template",
            help="single: one probe per call; batch: all probes of a setup, answered as JSON; paper, reason, role, "
            "predict-distribution, solved-examples or raw (docs: Evaluate your model); or a Jinja file.",
        ),
    ] = USUAL.template
    batched: Annotated[
        bool,
        typer.Option("--batched", help="Use the Jinja file given as --template for all probes of a setup at once."),
    ] = False
    voice: Annotated[
        Voice, typer.Option("--voice", help="first: statements as the person says them; third: about the person.")
    ] = USUAL.voice
    option_order: Annotated[OptionOrder, typer.Option("--option-order", help="both: average over two orders.")] = (
        USUAL.option_order
    )
    scale_direction: Annotated[
        ScaleDirection,
        typer.Option("--scale-direction", help="reversed: options that are steps of a scale start at its other end."),
    ] = USUAL.scale_direction
    paraphrase: Annotated[
        int,
        typer.Option("--paraphrase", min=1, max=PARAPHRASES, help="Which wording of the instruction is used."),
    ] = USUAL.paraphrase
    language: Annotated[
        Language,
        typer.Option("--language", help="Language of the prompt around the statements, which stay as they are."),
    ] = USUAL.language
    codebook: Annotated[
        Path | None,
        typer.Option(
            "--codebook",
            help="For --template raw: codebook, or SPSS or Stata file, with the wording of questions and answers.",
        ),
    ] = None

    def style(self) -> "PromptStyle":
        """Return the prompt style. Raises IndievalueError if the template cannot be read."""
        from indievalue.prompts.prompt import PromptStyle

        return PromptStyle(
            template=self.template,
            batched=self.batched,
            voice=self.voice,
            option_order=self.option_order,
            scale_direction=self.scale_direction,
            paraphrase=self.paraphrase,
            language=self.language,
            codebook=None if self.codebook is None else str(self.codebook),
        )


def tested_people(people: str | None) -> Tested:
    """Parse ``--people`` into a number, ``all`` or None. Raises BadParameter for anything else."""
    if people is None:
        return None
    return "all" if people == "all" else whole(people, "--people")


def whole(text: str, option: str) -> int:
    """Parse a non-negative whole number. Raises BadParameter, naming ``option``, for anything else."""
    try:
        number = int(text)
    except ValueError:
        raise typer.BadParameter(f"{option} takes a whole number, not {text!r}") from None
    if number < 0:
        raise typer.BadParameter(f"{option} takes a number from 0 on, not {text}")
    return number


@dataclass(frozen=True)
class Failures:
    """What could not be drawn of a run that is saved all the same."""

    found: list[str] = field(default_factory=list)

    def end(self, directory: Path) -> None:
        """Print where the report is, or, with exit code 1, what failed."""
        for text in self.found:
            notes.print(f"[bold red]error:[/] {escaped(text)}", soft_wrap=True)
        if self.found:
            raise typer.Exit(1)
        notes.print(f"Report: {directory / 'report.html'}")


def escaped(text: str) -> str:
    """Escape text for Rich."""
    return text.replace("[", r"\[")


def read_ids(file: Path) -> list[str]:
    """Read ids, one per line. Raises IndievalueError for a file that holds none, the same one twice, or no text."""
    try:
        lines = file.read_text(encoding="utf-8-sig").splitlines()
    except OSError as error:
        raise IndievalueError(f"cannot read the list of people {file}: {error.strerror or error}") from None
    except UnicodeDecodeError:
        raise IndievalueError(f"cannot read the list of people {file}: it is not text in UTF-8, {_LISTED}") from None
    first: dict[str, int] = {}
    for number, line in enumerate(lines, 1):
        person = line.strip()
        if terminal_text(person) != person:
            raise IndievalueError(f"{file}, line {number:,} is no id, but holds control characters: {_LISTED}")
        if person and first.setdefault(person, number) != number:
            raise IndievalueError(
                f"{file}, line {number:,}: {person!r} is on line {first[person]:,} already; delete one of the two"
            )
    if not first:
        raise IndievalueError(f"{file} lists nobody: {_LISTED}")
    return list(first)
