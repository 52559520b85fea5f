"""``indievalue impute``: write a survey file again with its missing answers drawn."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from indievalue.cli.options import (
    Encoding,
    HeaderRow,
    PersonColumns,
    Rows,
    Sheet,
    SurveyName,
    conditions,
    escaped,
    listed,
    notes,
    out,
    seed_of,
)

if TYPE_CHECKING:
    from indievalue.impute.file import Completed, ImputeOptions
    from indievalue.people.options import ReadOptions


_SURE = 0.9
"""Probability above which a filled answer is counted as sure."""


@dataclass(frozen=True)
class FileFlags:
    """How the data file is read."""

    survey: SurveyName = None
    sheet: Sheet = None
    header_row: HeaderRow = None
    encoding: Encoding = None
    person_columns: PersonColumns = None
    rows: Rows = None

    def read_options(self) -> "ReadOptions":
        """Return how the file is read. Raises BadParameter for an invalid condition."""
        from indievalue.people.options import ReadOptions

        person, rows = listed(self.person_columns), conditions(self.rows, "--rows")
        return ReadOptions(self.sheet, self.header_row, self.encoding, person, rows)


@dataclass(frozen=True)
class FillFlags:
    """Which answers are drawn, and how often."""

    draws: Annotated[
        int,
        typer.Option(
            "--draws", min=1, max=1000, help="Number of completed files: --out FILE.csv, FILE.2.csv and so on."
        ),
    ] = 1
    not_asked: Annotated[
        bool, typer.Option("--not-asked", help="Fill questions that were not put to a person, too.")
    ] = False
    keep_dont_know: Annotated[
        bool,
        typer.Option(
            "--keep-dont-know", help="Don't know is an answer: it stays, and other gaps may be filled with it."
        ),
    ] = False
    seed: Annotated[int, seed_of("the answers that are filled")] = 0

    def options(self) -> "ImputeOptions":
        """Return how the file is completed."""
        from indievalue.impute.file import ImputeOptions
        from indievalue.impute.missing import ToFill

        return ImputeOptions(self.draws, ToFill(self.not_asked, self.keep_dont_know), self.seed)


def impute(
    data: Annotated[Path, typer.Argument(metavar="DATA", help="A survey file, of any format that is read.")],
    file: Annotated[
        Path,
        typer.Option(
            "--out", metavar="FILE", help="The completed file: it ends as DATA does (.csv, .sav, .dta), or in .parquet."
        ),
    ],
    fill: FillFlags,
    source: FileFlags,
    force: Annotated[bool, typer.Option("--force", help="Replace files that exist already.")] = False,
) -> None:
    """Fill the missing answers of a survey file: write it again, with every gap drawn from what the person may answer.

    Fills don't know, no answer and empty cells of questions. All other cells stay as they are. A second file says which
    cells were filled, and how sure that is. Use --draws 20 and Rubin's rules for valid intervals (docs: Fill gaps).
    """
    from indievalue.impute.file import impute_file
    from indievalue.people.tables import slow_size

    options, read = fill.options(), source.read_options()
    if (size := slow_size(data)) is not None:
        notes.print(escaped(f"Reading {data} ({size:,.0f} MB)"), soft_wrap=True)
    with notes.status("reading") as status:
        completed = impute_file(
            data,
            file,
            options,
            source.survey,
            read,
            force=force,
            progress=lambda done, total: status.update(f"drawing answers: sweep {done} of {total}"),
        )
    _print(completed)


def _print(completed: "Completed") -> None:
    for line in completed.findings.lines():
        notes.print(escaped(line), soft_wrap=True)
    filled = completed.filled
    people, questions = filled["person"].n_unique(), filled["question"].n_unique()
    out.print(
        escaped(f"Filled {len(filled):,} missing answers of {people:,} people to {questions:,} questions"),
        highlight=False,
        soft_wrap=True,
    )
    if len(filled):
        sure = (filled["probability"].to_numpy() > _SURE).mean()
        entropy = filled["entropy"].to_numpy().mean()
        out.print(
            escaped(f"  {sure:.0%} of them with a probability above {_SURE:.0%}; mean entropy {entropy:.2f} bits"),
            highlight=False,
            soft_wrap=True,
        )
    if completed.left:
        nobody = ", ".join(list(completed.left)[:5])
        out.print(
            escaped(f"Not filled, because nobody answered: {sum(completed.left.values()):,} cells of {nobody}"),
            highlight=False,
            soft_wrap=True,
        )
    several = f" to {completed.files[-1].name}" if len(completed.files) > 1 else ""
    notes.print(escaped(f"Completed: {completed.files[0]}{several}"), soft_wrap=True)
    notes.print(escaped(f"Which cells: {completed.filled_file}"), soft_wrap=True)
    notes.print(
        "Filled answers are draws and not what people said; the files are as private as the data", soft_wrap=True
    )
