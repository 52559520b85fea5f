"""People of files that do not fit memory, read a block at a time and as often as needed."""

import hashlib
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path

import numpy as np
import polars as pl
from numpy.typing import NDArray

from indievalue.errors import IndievalueError, NobodyError
from indievalue.memory import return_memory
from indievalue.people.findings import Findings
from indievalue.people.folders import Part
from indievalue.people.join import detached, joined_findings, stacked, without_group
from indievalue.people.options import ReadOptions
from indievalue.people.people import People
from indievalue.people.read import Picking, checked_parts, decoded
from indievalue.people.tables import column_blocks, fingerprint, format_of, is_streamed, rows_in
from indievalue.seeded import keys
from indievalue.survey.survey import Survey

ROWS = 50_000
"""Rows in a block: of 300 questions they take about 500 MB while they are decoded."""

IN_MEMORY = 1_000_000
"""Most people that commands hold in memory at once; more are read in blocks."""


@dataclass(frozen=True, eq=False)
class PeopleBlocks:
    """People of one or more files, each block of which is a :class:`People`; iterating reads the files again.

    Ids must be in the files, and no two people may share one. Files of other formats than parquet and plain text are
    read whole, as one block each.

    Args:
        files: paths of files, or of folders of parquet files, as :func:`indievalue.people.read.read_people` takes
            several. survey_given: as ``survey`` there. options: as there. rows: about so many are read at a time.

    >>> from tempfile import TemporaryDirectory
    >>> from indievalue.synthetic.generate import draw, load_twin
    >>> from indievalue.survey.load import load_survey
    >>> with TemporaryDirectory() as folder:
    ...     file = Path(folder) / "answers.parquet"
    ...     draw(load_twin("wvs7")[0], load_survey("wvs7"), 50, 0).write_parquet(file)
    ...     blocks = PeopleBlocks([file], "wvs7", rows=20)
    ...     [len(people) for people in blocks], len(blocks)
    ([20, 20, 10], 50)
    """

    files: Sequence[str | Path]
    survey_given: str | Survey | None = None
    options: ReadOptions = field(default_factory=ReadOptions)
    rows: int = ROWS

    def __iter__(self) -> Iterator[People]:
        for path in map(Path, self.files):
            for part in checked_parts(path):
                yield from self._blocks(part)

    def __len__(self) -> int:
        return self.findings.people

    def __repr__(self) -> str:
        return f"PeopleBlocks: {self._source}"

    @property
    def survey(self) -> Survey:
        """The survey that the people are of."""
        return self._first_pass.survey

    @property
    def findings(self) -> Findings:
        """What was found while reading; computed in a first pass, which also checks that ids are unique."""
        return self._first_pass.findings

    @property
    def asked(self) -> NDArray[np.bool_]:
        """Mask (questions,) of questions that at least one person answered."""
        return self._first_pass.asked

    def without(self, ids: NDArray[np.str_]) -> "Others":
        """Return the people, in blocks, without those with these ids."""
        return Others(self, ids)

    def only(self, ids: Sequence[str]) -> People:
        """Return the people with these ids, of those there are."""
        wanted = np.array([*ids], dtype=np.str_)
        return stacked([detached(people.take(np.isin(people.ids, wanted))) for people in self])

    def _blocks(self, part: Part) -> Iterator[People]:
        picking = Picking(part, self.survey_given, self.options)
        read = 0
        for table in column_blocks(part.path, picking.choose, self.options, self.rows):
            names = picking.names
            table = part.with_columns(table, list(names)).rename(names)
            try:
                people = decoded(table, picking.chosen, part.path.name, "", self.options, names)
            except NobodyError:
                people = None  # a block may hold other people than the survey's alone
            read += len(table)
            del table
            if people is not None:
                yield _with_ids(people, part.path)
            del people
            return_memory()
        if not read:
            raise IndievalueError(f"{part.path} has a header and no people")

    @cached_property
    def _first_pass(self) -> "_Overview":
        found: list[Findings] = []
        groups, asked, hashes = Counter[str](), None, []
        people: People | None = None
        for people in self:
            if found and people.survey.name != found[0].survey:
                raise IndievalueError(
                    f"files of several surveys cannot be read as one: {found[0].source} of {found[0].survey} and "
                    f"{people.findings.source} of {people.survey.name}"
                )
            found.append(people.findings)
            groups.update(without_group(people))
            asked = people.asked if asked is None else asked | people.asked
            hashes.append(_hashes(people.ids))
        if people is None or asked is None:
            raise IndievalueError(f"{self._source} holds nobody of those that the survey is about")
        self._check_distinct(np.sort(np.concatenate(hashes)))
        digest = _together(
            _together(fingerprint(part.path) for part in checked_parts(path)) for path in map(Path, self.files)
        )
        joint = replace(joined_findings(found, groups), source=self._source, fingerprint=digest)
        return _Overview(people.survey, joint, asked)

    @property
    def _source(self) -> str:
        return " + ".join(Path(file).name for file in self.files)

    def _check_distinct(self, ordered: NDArray[np.uint64]) -> None:
        """Raise IndievalueError if two people share an id, of which these are the sorted hashes."""
        twice = np.unique(ordered[1:][ordered[1:] == ordered[:-1]])
        if not len(twice):
            return
        first = next(
            str(people.ids[at[0]]) for people in self if len(at := np.flatnonzero(np.isin(_hashes(people.ids), twice)))
        )
        raise IndievalueError(
            f"{self._source}: {len(twice):,} {'id is' if len(twice) == 1 else 'ids are'} shared by several people, "
            f"first {first!r}: name columns that tell people apart with --person-columns A,B"
        )


@dataclass(frozen=True)
class _Overview:
    """What the first pass finds."""

    survey: Survey
    findings: Findings
    asked: NDArray[np.bool_]


@dataclass(frozen=True, eq=False)
class Others:
    """The people of ``blocks`` who have none of some ids; iterating yields them by block."""

    blocks: PeopleBlocks
    ids: NDArray[np.str_]

    def __iter__(self) -> Iterator[People]:
        for people in self.blocks:
            others = people.take(~np.isin(people.ids, self.ids))
            if len(others):
                yield others

    def __len__(self) -> int:
        return len(self.blocks) - len(self.ids)

    @property
    def survey(self) -> Survey:
        """The survey that the people are of."""
        return self.blocks.survey


def sampled(blocks: Iterable[People], number: int, seed: int) -> People:
    """Return ``number`` of the people, or all if they are fewer, drawn by the ``seed`` and their ids alone."""
    return lowest(blocks, number, lambda people: keys(seed, "sample", people.ids.tolist()))


def lowest(blocks: Iterable[People], number: int, key: Callable[[People], NDArray[np.uint64]]) -> People:
    """Return the ``number`` people whose keys are the lowest, in the order of these; all if they are fewer."""
    held: list[People] = []
    found: list[NDArray[np.uint64]] = []
    bound = np.uint64(np.iinfo(np.uint64).max)
    waiting = 0
    for people in blocks:
        each = key(people)
        below = each <= bound
        held.append(detached(people.take(below)))
        found.append(each[below])
        waiting += int(below.sum())
        if waiting > 2 * number:
            held, found = _cut(held, found, number)
            bound, waiting = found[0].max(initial=np.uint64(0)), len(held[0])
    (people,), _ = _cut(held, found, number)
    return people


def _cut(
    held: Sequence[People], found: Sequence[NDArray[np.uint64]], number: int
) -> tuple[list[People], list[NDArray[np.uint64]]]:
    each = np.concatenate(found)
    order = np.argsort(each, kind="stable")[:number]
    return [stacked(held).take(order)], [each[order]]


def in_blocks(
    files: Sequence[str | Path],
    survey: str | Survey | None = None,
    options: ReadOptions | None = None,
    most: int = IN_MEMORY,
) -> PeopleBlocks | None:
    """Return the people of files in blocks if there are more than ``most``; None if there are fewer.

    Only files that are read in blocks count: their rows are counted in parquet, and estimated in text.
    """
    options = options or ReadOptions()
    parts = [part.path for path in map(Path, files) for part in checked_parts(path)]
    streamed = [path for path in parts if path.stat().st_size and is_streamed(path, format_of(path), options)]
    return PeopleBlocks(files, survey, options) if sum(map(rows_in, streamed)) > most else None


def _hashes(ids: NDArray[np.str_]) -> NDArray[np.uint64]:
    return pl.Series(ids).hash().to_numpy()


def _with_ids(people: People, path: Path) -> People:
    """Return the people. Raises IndievalueError if somebody has no id: a row number says nothing in a block."""
    if people.findings.row_numbers:
        raise IndievalueError(
            f"{path} has {people.findings.row_numbers:,} people without an id in its first rows or later ones, and "
            "people who are read in blocks need one: add a column of ids, or name those there are with "
            "--person-columns A,B"
        )
    return people


def _together(digests: Iterable[str]) -> str:
    """Return the fingerprint of files, as that of people who are read together from them."""
    every = list(digests)
    return every[0] if len(every) == 1 else hashlib.sha256("".join(every).encode()).hexdigest()
