"""Complete a survey file: draw its missing answers, and write the file again with them."""

from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import polars as pl
from numpy.typing import NDArray

from indievalue.errors import IndievalueError
from indievalue.files import new_file
from indievalue.impute.cells import NOWHERE, Cells, find_cells, texts_of
from indievalue.impute.copies import Copies
from indievalue.impute.draws import Draws, draw_missing
from indievalue.impute.missing import ToFill
from indievalue.impute.spss_files import complete_spss
from indievalue.impute.stata_files import complete_stata
from indievalue.impute.tables import complete_converted, complete_parquet
from indievalue.impute.text_files import complete_text
from indievalue.people.findings import Findings
from indievalue.people.options import ReadOptions
from indievalue.people.read import Source, read_source
from indievalue.people.tables import format_of
from indievalue.survey.survey import Survey

_TEXT = (".csv", ".tsv", ".txt", ".csv.gz", ".tsv.gz", ".txt.gz")
_OWN = (*_TEXT, ".sav", ".dta", ".parquet")
"""Formats that are written as they were read."""

_ANY = (".parquet", ".csv")
"""Formats that people of any file can be written in."""

Progress = Callable[[int, int], None]


@dataclass(frozen=True)
class ImputeOptions:
    """How a file is completed.

    Attributes:
        draws: number of completed files. fill: which missing answers are filled. seed: of the random numbers.
    """

    draws: int = 1
    fill: ToFill = field(default_factory=ToFill)
    seed: int = 0


@dataclass(frozen=True)
class Completed:
    """What was written.

    Attributes:
        files: the completed files. filled_file: the file that says which cells were filled. filled: its rows: ``row``
            (the first person of the file is 1), ``person``, ``question``, ``column``, ``old`` and ``new`` code,
            ``probability`` of the new code and ``entropy`` of all codes in bits; ``new_2``, ``probability_2`` and so on
            are of the second and later files. left: missing answers that are not filled: question → cells.
        findings: what was found while reading.
    """

    files: tuple[Path, ...]
    filled_file: Path
    filled: pl.DataFrame
    left: dict[str, int]
    findings: Findings


def impute_file(
    data: str | Path,
    out: str | Path,
    options: ImputeOptions | None = None,
    survey: str | Survey | None = None,
    read: ReadOptions | None = None,
    *,
    force: bool = False,
    progress: Progress | None = None,
) -> Completed:
    """Complete a survey file: write it again with its missing answers drawn, and a file that says which these are.

    Rows, columns, codes, labels and all other cells stay as they are. ``out`` ends as the file itself (.csv, .sav,
    .dta or .parquet) or in .parquet or .csv. With several ``draws``, ``completed.csv`` is followed by
    ``completed.2.csv`` and so on; see :func:`indievalue.pooled` for what to do with them. ``survey`` and ``read`` are
    as in :func:`indievalue.read_people`. Raises IndievalueError where a file exists already, unless ``force`` is given,
    or cannot be read or written.

    >>> from tempfile import TemporaryDirectory
    >>> from indievalue.survey.load import load_survey
    >>> from indievalue.synthetic.generate import draw, load_twin
    >>> with TemporaryDirectory() as folder:
    ...     file = Path(folder) / "answers.csv"
    ...     draw(load_twin("wvs7")[0], load_survey("wvs7"), 60, 0).write_csv(file)
    ...     completed = impute_file(file, Path(folder) / "completed.csv", survey="wvs7")
    >>> completed.filled.columns
    ['row', 'person', 'question', 'column', 'old', 'new', 'probability', 'entropy']
    """
    options, read = options or ImputeOptions(), read or ReadOptions()
    source_path, first = Path(data), Path(out)
    kind, ending = format_of(source_path), ending_of(source_path, first)
    files, filled_file = targets(first, ending, options.draws)
    check_targets(source_path, [*files, filled_file], force=force)
    source = read_source(source_path, survey, read)
    cells = find_cells(source, options.fill)
    drawn = draw_missing(source.people, options.draws, options.fill, options.seed, cells.place != NOWHERE, progress)
    changed = _Changed.of(source, cells, drawn)
    filled = changed.table(source, cells, drawn)
    writer = _Writer(source_path, kind, ending, read, len(source.table))
    with ExitStack() as stack:
        beside = [stack.enter_context(new_file(file)) for file in (*files, filled_file)]
        for number, target in enumerate(beside[:-1]):
            writer.write(target, changed.copies(cells, drawn, number, writer.columns(cells, source)))
        _write_filled(filled, filled_file, beside[-1])
    left = _left(source, cells, drawn)
    return Completed(tuple(files), filled_file, filled, left, source.people.findings)


def ending_of(source: Path, out: Path) -> str:
    """Return the format of ``out``. Raises IndievalueError where it is none that ``source`` can be written in."""
    kind = format_of(source)
    own = [kind] if kind in _OWN else []
    able = list(dict.fromkeys([*own, *_ANY]))
    ending = next((one for one in sorted(able, key=len, reverse=True) if out.name.lower().endswith(one)), None)
    if ending is None or out.name.lower() == ending:
        *others, last = able
        raise IndievalueError(f"--out {out}: name a file that ends in {', '.join(others)} or {last}")
    return ending


def targets(out: Path, ending: str, draws: int) -> tuple[list[Path], Path]:
    """Return the names of the completed files, and of the file that says what was filled."""
    stem = out.name[: -len(ending)]
    files = [out, *(out.with_name(f"{stem}.{number}{ending}") for number in range(2, draws + 1))]
    return files, out.with_name(f"{stem}.filled{'.csv' if ending in _TEXT else '.parquet'}")


def check_targets(source: Path, files: list[Path], *, force: bool) -> None:
    """Raise IndievalueError where a file that is to be written is the data itself, a folder, or there already."""
    for file in files:
        if file.exists() and file.samefile(source):
            raise IndievalueError(f"{file} is the data file itself, which is never changed: choose another --out")
        if file.is_dir():
            raise IndievalueError(f"{file} is a folder; --out names a file")
        if file.exists() and not force:
            raise IndievalueError(f"{file} exists already; choose another --out, or give --force to replace it")


@dataclass(frozen=True)
class _Changed:
    """Cells of the file that change: their rows, and which of the draws' cells each is."""

    rows: NDArray[np.int64]
    cell: NDArray[np.int64]
    place: NDArray[np.int32]

    @classmethod
    def of(cls, source: Source, cells: Cells, drawn: Draws) -> "_Changed":
        """Find the rows of each person, of which there are several where a file repeats a row."""
        order = np.argsort(source.person, kind="stable")
        start = np.searchsorted(source.person[order], np.arange(len(source.people) + 1))
        times = np.diff(start)[drawn.people]
        cell = np.repeat(np.arange(len(drawn.people)), times)
        within = np.arange(len(cell)) - np.repeat(np.cumsum(times) - times, times)
        rows = order[start[drawn.people[cell]] + within]
        place = cells.place[drawn.people[cell], drawn.questions[cell]]
        kept = cells.alike(place, rows, order[start[drawn.people[cell]]])
        by_row = np.lexsort((cell[kept], rows[kept]))
        return cls(rows[kept][by_row], cell[kept][by_row], place[kept][by_row])

    def copies(self, cells: Cells, drawn: Draws, number: int, columns: NDArray[np.int64]) -> Copies:
        """Return what changes in the completed file ``number``; ``columns`` are places in the file of the cells'."""
        codes = drawn.codes[number][self.cell].astype(np.int64)
        sources = np.zeros(len(codes), np.int64)
        for place in np.unique(self.place).tolist():
            here = self.place == place
            sources[here] = cells.donors(place, codes[here])
        return Copies(self.rows, columns[self.place], sources)

    def table(self, source: Source, cells: Cells, drawn: Draws) -> pl.DataFrame:
        """Return a row for every cell that changes."""
        people = source.people
        names = np.array([source.columns[name] for name in cells.names])
        questions = np.array([question.id for question in people.survey.questions])
        texts = texts_of(source.table, cells.names)
        columns: dict[str, object] = {
            "row": self.rows + 1,
            "person": people.ids[drawn.people[self.cell]],
            "question": questions[drawn.questions[self.cell]],
            "column": names[self.place] if len(names) else np.zeros(0, str),
            "old": self._texts(texts, self.rows),
        }
        for number in range(len(drawn.codes)):
            suffix = f"_{number + 1}" if number else ""
            sources = self.copies(cells, drawn, number, np.arange(len(names))).sources
            columns[f"new{suffix}"] = self._texts(texts, sources)
            columns[f"probability{suffix}"] = drawn.probabilities[number][self.cell]
            if not number:
                columns["entropy"] = drawn.entropy[self.cell]
        return pl.DataFrame(columns)

    def _texts(self, texts: list[pl.Series], rows: NDArray[np.int64]) -> pl.Series:
        """The text of the cell of each change in another row of the same column."""
        found = np.full(len(rows), None, object)
        for place in np.unique(self.place).tolist():
            here = self.place == place
            found[here] = texts[place].gather(rows[here]).to_numpy()
        return pl.Series(found.tolist(), dtype=pl.String)


@dataclass(frozen=True)
class _Writer:
    """Writes one file again, in one format."""

    source: Path
    kind: str
    ending: str
    read: ReadOptions
    rows: int

    def columns(self, cells: Cells, source: Source) -> NDArray[np.int64]:
        """Return where the columns of ``cells`` are among all columns of the file."""
        place = {name: at for at, name in enumerate(source.header)}
        return np.array([place[source.columns[name]] for name in cells.names], np.int64)

    def write(self, target: Path, copies: Copies) -> None:
        if self.kind != self.ending:
            complete_converted(self.source, target, self.ending, copies, self.read)
        elif self.kind == ".sav":
            complete_spss(self.source, target, copies, self.rows)
        elif self.kind == ".dta":
            complete_stata(self.source, target, copies, self.rows)
        elif self.kind == ".parquet":
            complete_parquet(self.source, target, copies)
        else:
            complete_text(self.source, target, copies, self.rows, self.read.header_row)


def _write_filled(filled: pl.DataFrame, file: Path, target: Path) -> None:
    if file.suffix == ".csv":
        filled.write_csv(target)
    else:
        filled.write_parquet(target)


def _left(source: Source, cells: Cells, drawn: Draws) -> dict[str, int]:
    """Cells that were to be filled and were not, because nobody answered the question: by question."""
    wanted = (cells.place != NOWHERE).sum(axis=0)
    wanted -= np.bincount(drawn.questions, minlength=len(wanted))
    questions = source.people.survey.questions
    return {questions[at].id: int(wanted[at]) for at in np.flatnonzero(wanted)}
