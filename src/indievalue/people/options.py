"""How a data file is read where its name and its content do not decide it."""

from dataclasses import dataclass


@dataclass(frozen=True)
class ReadOptions:
    """What a user states about a data file.

    Attributes:
        sheet: name or number (the first is 1) of the sheet of a workbook; None for the first.
        header_row: number of the row that holds the column names, the first row of the file being 1; None to find it.
        encoding: of text, such as ``cp1252``; None for what the file states, or UTF-8.
        person_columns: columns that together identify a person, in place of the survey's ``person``; empty for those.
        rows: columns and their values that tell which rows to read, such as ``("A_YEAR", "2017-2019")``, besides
            those of the survey; empty for all.
        surveys: names or folders of surveys that the file may be of, besides those that ship, if none is given.
    """

    sheet: str | int | None = None
    header_row: int | None = None
    encoding: str | None = None
    person_columns: tuple[str, ...] = ()
    rows: tuple[tuple[str, str], ...] = ()
    surveys: tuple[str, ...] = ()
