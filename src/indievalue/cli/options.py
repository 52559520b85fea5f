"""Options shared by several commands, and their conversion to people, settings and prompt styles."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console, ConsoleOptions, RenderableType
from rich.segment import Segment

from indievalue.choices import (
    FormName,
)
from indievalue.errors import IndievalueError
from indievalue.safe_text import terminal_text

if TYPE_CHECKING:
    from indievalue.people.blocks import PeopleBlocks
    from indievalue.people.options import ReadOptions
    from indievalue.people.people import People


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
