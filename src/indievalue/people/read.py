"""Read people from a survey file of any supported format."""

from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
import polars as pl
from numpy.typing import NDArray

from indievalue.errors import IndievalueError
from indievalue.people.columns import other_names, recognise, renamed
from indievalue.people.decode import decode, needed_columns, people_in_rows, text_answers
from indievalue.people.folders import Part, parts_of
from indievalue.people.join import joined
from indievalue.people.options import ReadOptions
from indievalue.people.people import People
from indievalue.people.tables import fingerprint, format_of, read_columns
from indievalue.people.wanted import Wanted
from indievalue.survey.codes import parse_values
from indievalue.survey.load import load_survey, shipped_surveys
from indievalue.survey.survey import Survey


def read_people(
    file: str | Path | Sequence[str | Path],
    survey: str | Survey | None = None,
    options: ReadOptions | None = None,
) -> People:
    """Read the people of a survey file: CSV or other delimited text, SPSS, Stata, Excel, Parquet or R, also zipped.

    ``file`` is a path, or several of files of one survey, such as rounds or countries, whose people are read as one; a
    folder stands for the parquet files in it.
    ``survey`` is a survey, the name of a shipped survey, or the path of your own survey's folder; if None, the survey
    is recognised by the file's columns. ``options`` state what a file does not tell of itself, such as its encoding
    or the sheet to read. ``People.findings`` reports what was missing, unknown or dropped. Raises
    IndievalueError if the file cannot be read or belongs to no known survey.

    >>> from tempfile import TemporaryDirectory
    >>> from indievalue.synthetic.generate import draw, load_twin
    >>> twin, _ = load_twin("wvs7")
    >>> with TemporaryDirectory() as folder:
    ...     file = Path(folder) / "answers.csv"
    ...     draw(twin, load_survey("wvs7"), 50, 0).write_csv(file)
    ...     people = read_people(file, "wvs7")
    >>> len(people.ids)
    50
    """
    files = [file] if isinstance(file, str | Path) else list(file)
    if not files:
        raise IndievalueError("the list of files to read is empty")
    found = [(Path(path), checked_parts(Path(path))) for path in files]
    return joined([_read_all(path, parts, survey, options or ReadOptions()) for path, parts in found])


def checked_parts(path: Path) -> list[Part]:
    """Return the files of a path, one or those in a folder. Raises IndievalueError if one is of no known format."""
    parts = parts_of(path)
    for part in parts:
        format_of(part.path)
    return parts


def read_table(
    path: Path, survey: str | Survey | None = None, options: ReadOptions | None = None
) -> tuple[pl.DataFrame, Survey]:
    """Read the columns of a file that a survey needs, under the survey's names, and the survey that they are of.

    ``survey`` and ``options`` are as in :func:`read_people`. Raises IndievalueError where the file cannot be read.
    """
    table, chosen, names, _ = _table(Part(path), survey, options or ReadOptions())
    return table.rename(names), chosen


@dataclass(frozen=True)
class Source:
    """A file's people, and the cells that they were read from.

    Attributes:
        people: who was read. table: the columns that were read, under the survey's names, with all rows of the file.
        columns: name of a column in the survey → its name in the file. header: all columns of the file, in order.
        person: the position among ``people`` of the one in each row of the file (rows,), -1 where a row is nobody's.
    """

    people: People
    table: pl.DataFrame
    columns: dict[str, str]
    header: tuple[str, ...]
    person: NDArray[np.int64]


def read_source(path: Path, survey: str | Survey | None = None, options: ReadOptions | None = None) -> Source:
    """Read the people of one file, and tell which of its cells they came from; as :func:`read_people` otherwise."""
    options = options or ReadOptions()
    format_of(path)
    table, chosen, names, header = _table(Part(path), survey, options)
    table = table.rename(names)
    people = decoded(table, chosen, path.name, fingerprint(path), options, names)
    person = people_in_rows(table, _picked(chosen, options.rows), path.name, options.person_columns)
    return Source(people, table, {name: column for column, name in names.items()}, header, person)


def _read_all(path: Path, parts: Sequence[Part], survey: str | Survey | None, options: ReadOptions) -> People:
    """The people of all parts of a path, which is what they are from."""
    people = joined([_read(part, survey, options) for part in parts])
    if parts[0].path == path:
        return people
    return replace(people, findings=replace(people.findings, source=path.name))


def _read(part: Part, survey: str | Survey | None, options: ReadOptions) -> People:
    with ThreadPoolExecutor(1) as side:
        digest = side.submit(fingerprint, part.path)
        table, chosen, names, _ = _table(part, survey, options)
        return decoded(table.rename(names), chosen, part.path.name, digest.result(), options, names)


def decoded(
    table: pl.DataFrame, survey: Survey, source: str, digest: str, options: ReadOptions, names: Mapping[str, str]
) -> People:
    """People from the columns that a survey needs, with the conditions and columns of ids that were stated.

    ``names`` maps the names of columns in the file to those in the survey. Raises IndievalueError as
    :func:`indievalue.people.decode.decode` does.
    """
    people = decode(table, _picked(survey, options.rows), source, digest, options.person_columns)
    findings = replace(people.findings, renamed=other_names(dict(names)))
    if options.rows:
        findings = replace(findings, outside=0, unpicked=findings.outside)
    return replace(people, survey=survey, findings=findings)


def _table(
    part: Part, survey: str | Survey | None, options: ReadOptions
) -> tuple[pl.DataFrame, Survey, dict[str, str], tuple[str, ...]]:
    """(columns as the file names them, the survey, names in the file → names in the survey, all the file's columns)."""
    picking = Picking(part, survey, options)
    table = read_columns(part.path, picking.choose, options)
    return part.with_columns(table, list(picking.names)), picking.chosen, picking.names, tuple(picking.header)


@dataclass
class Picking:
    """Which columns of a file are read, and of which survey they are, once :meth:`choose` has seen its header.

    Attributes:
        names: name in the file → name in the survey. header: all columns of the file, in order.
    """

    part: Part
    survey: str | Survey | None
    options: ReadOptions
    names: dict[str, str] = field(default_factory=dict)
    header: list[str] = field(default_factory=list)
    _chosen: list[Survey] = field(default_factory=list)

    @property
    def chosen(self) -> Survey:
        """The survey."""
        return self._chosen[0]

    def choose(self, columns: list[str]) -> Wanted:
        """Return the columns to read. Raises IndievalueError if they are of no known survey."""
        path, own = self.part.path, set(columns)
        self.header.extend(columns)
        columns = [*columns, *(name for name in self.part.columns if name not in own)]
        if self.survey is None:
            known = [load_survey(name) for name in dict.fromkeys([*self.options.surveys, *shipped_surveys()])]
            chosen = recognise(columns, known, str(path))
        else:
            chosen = load_survey(self.survey) if isinstance(self.survey, str) else self.survey
        identified_by = self.options.person_columns or chosen.person
        needed = needed_columns(chosen) | set(identified_by) | {column for column, _ in self.options.rows}
        self._chosen.append(chosen)
        self.names.update(renamed(columns, needed, path.name))
        # A file with none of the questions is read for its first column, so that decode can say what is wrong.
        texts = text_answers(chosen)
        return Wanted(
            [name for name in self.names if name in own] or columns[:1],
            [column for column, name in self.names.items() if name in identified_by and column in own],
            texts={column: texts[name] for column, name in self.names.items() if name in texts and column in own},
        )


def _picked(survey: Survey, rows: Sequence[tuple[str, str]]) -> Survey:
    """The survey of those of its rows only that hold one of the values in each column of ``rows``."""
    where = dict(survey.where or {})
    for column, text in rows:
        values = parse_values(text)
        where[column] = tuple(value for value in values if value in where.get(column, values))
    return replace(survey, where=where)
