"""People who were asked more than once: a wave column, a file for each wave, or a column for each wave."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path

import numpy as np
import polars as pl
from numpy.typing import NDArray

from indievalue.choices import FormName
from indievalue.errors import IndievalueError, did_you_mean
from indievalue.people.columns import other_names, recognise, renamed
from indievalue.people.decode import code_columns, decode, needed_columns, without_levels
from indievalue.people.ids import given_ids, id_columns
from indievalue.people.options import ReadOptions
from indievalue.people.people import People
from indievalue.people.tables import fingerprint, format_of, read_columns
from indievalue.people.undescribed import Columns, describe
from indievalue.people.wanted import Wanted
from indievalue.people.waves import ends_in, in_order, wave_column, wave_labels, without_suffix
from indievalue.people.where import where_columns
from indievalue.survey.load import load_survey, shipped_surveys
from indievalue.survey.survey import Survey

_ID = "\0id"


@dataclass(frozen=True)
class PanelOptions:
    """How a panel is laid out, and what its files do not tell of themselves.

    Attributes:
        survey: a survey, the name of a shipped one or a folder; None to recognise it by the columns.
        described: whether to look for a survey at all; if not, or if none is recognised, columns are taken as they are.
        wave: the column that says in which wave a row was asked; None for one that is called ``wave``.
        suffixes: endings of the columns of each wave, such as ``("_1", "_2")``, in place of a wave column.
        columns: what is known of the columns of a survey without a specification.
        read: how the files are read; ``person_columns`` identify a person.
    """

    survey: str | Survey | None = None
    described: bool = True
    wave: str | None = None
    suffixes: tuple[str, ...] = ()
    columns: Columns = field(default_factory=Columns)
    read: ReadOptions = field(default_factory=ReadOptions)


@dataclass(frozen=True)
class Panel:
    """People who were asked in several waves.

    Attributes:
        waves: what the waves are called, earliest first.
        people: who was asked in each wave, all of one survey.
        described: whether the survey has a specification; otherwise there is one form, the answers as they stand.
        skipped: columns that are no question of a survey without a specification → why.
    """

    waves: tuple[str, ...]
    people: tuple[People, ...]
    described: bool
    skipped: dict[str, str]

    @property
    def survey(self) -> Survey:
        """The survey of all waves."""
        return self.people[0].survey

    @cached_property
    def ids(self) -> NDArray[np.str_]:
        """Ids of everybody (persons,), in the order of their first wave."""
        return np.array(list(dict.fromkeys(name for wave in self.people for name in wave.ids.tolist())), dtype=np.str_)

    @cached_property
    def _rows(self) -> NDArray[np.int64]:
        """Row of each person in each wave (waves × persons), -1 where they were not asked."""
        return np.array([[wave.rows.get(name, -1) for name in self.ids.tolist()] for wave in self.people])

    @property
    def asked(self) -> NDArray[np.int64]:
        """Number of waves in which each person was asked (persons,)."""
        return np.asarray((self._rows >= 0).sum(axis=0))

    def options(self, form: FormName) -> NDArray[np.int8]:
        """Return everybody's options in ``form`` (waves × persons × questions, int8); -1 where there is none."""
        waves = [
            np.where((rows >= 0)[:, None], wave.options(form)[rows], np.int8(-1))
            for wave, rows in zip(self.people, self._rows, strict=True)
        ]
        return np.stack(waves)

    @cached_property
    def demographics(self) -> pl.DataFrame:
        """``person`` and the label of their group in each demographic, in the first wave that has one."""
        columns = {"person": pl.Series("person", self.ids.tolist(), pl.String)}
        for name in self.people[0].demographics.columns:
            labels = [
                wave.demographics[name].gather(pl.Series(rows).replace(-1, None))
                for wave, rows in zip(self.people, self._rows, strict=True)
            ]
            columns[name] = pl.select(pl.coalesce(labels).alias(name)).to_series()
        return pl.DataFrame(columns)


def read_panel(files: Sequence[str | Path], options: PanelOptions) -> Panel:
    """Read people who were asked in several waves, from one file or from one for each wave.

    Answers, missing codes, ids and groups are read as :func:`indievalue.people.read.read_people` reads them. Raises
    IndievalueError where a file cannot be read, the waves or ids cannot be told, a person stands twice in a wave, or
    nobody was asked twice.
    """
    paths = [Path(file) for file in files]
    source = " and ".join(path.name for path in paths)
    parts, survey, identified_by = _read(paths, options)
    skipped: dict[str, str] = {}
    described = survey is not None
    if survey is None:
        survey, tables, skipped = describe([part.table for part in parts], options.columns, identified_by, source)
        parts = [replace(part, table=table) for part, table in zip(parts, tables, strict=True)]
    people = tuple(_people(part, survey, identified_by) for part in parts)
    panel = Panel(tuple(part.wave for part in parts), people, described, skipped)
    _check_asked_again(panel, source)
    return panel


@dataclass(frozen=True)
class _Part:
    """The rows of one wave under the survey's column names, and which columns had another name in the file."""

    wave: str
    table: pl.DataFrame
    source: str
    digest: str
    renamed: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True)
class _File:
    """A file as it was read, with what was decided on its header.

    Attributes:
        names: columns → their names in the survey. wave: the wave column; None if there is none.
    """

    path: Path
    table: pl.DataFrame
    survey: Survey | None
    names: dict[str, str]
    wave: str | None
    identified_by: tuple[str, ...]


def _people(part: _Part, survey: Survey, identified_by: Sequence[str]) -> People:
    people = decode(part.table, survey, part.source, part.digest, identified_by)
    return replace(people, findings=replace(people.findings, renamed=part.renamed))


def _read(paths: Sequence[Path], options: PanelOptions) -> tuple[list[_Part], Survey | None, tuple[str, ...]]:
    read = [_read_file(path, options, alone=len(paths) == 1) for path in paths]
    first = read[0]
    for other in read[1:]:
        if (other.survey and other.survey.name) != (first.survey and first.survey.name):
            kinds = [file.survey.name if file.survey else "no survey that is known" for file in (first, other)]
            raise IndievalueError(
                f"{first.path.name} is of {kinds[0]} and {other.path.name} of {kinds[1]}: give --survey, or "
                "--no-survey to compare their columns as they stand"
            )
    if len(read) > 1:
        names = [file.path.name for file in read]
        labels = names if len(set(names)) == len(names) else [f"{at}: {name}" for at, name in enumerate(names, 1)]
        parts = [
            _Part(
                label,
                file.table.rename(file.names),
                file.path.name,
                fingerprint(file.path),
                other_names(file.names),
            )
            for label, file in zip(labels, read, strict=True)
        ]
        for file, part in zip(read, parts, strict=True):
            _check_ids(part.table, file.identified_by, file.path.name)
    elif options.suffixes:
        parts = _wide(first, options.suffixes, options.columns.by)
    else:
        parts = _long(first)
    return parts, first.survey, first.identified_by


def _read_file(path: Path, options: PanelOptions, *, alone: bool) -> _File:
    format_of(path)
    decided: list[tuple[Survey | None, dict[str, str], str | None, tuple[str, ...]]] = []

    def choose(columns: list[str]) -> Wanted:
        bases = [without_suffix(column, options.suffixes) for column in columns]
        survey = _survey(bases, options, path)
        _check_named(options.columns, survey, bases if alone else (), path)
        usual = survey.person if survey else ()
        ids = renamed(columns, options.read.person_columns or usual, path.name)
        identified_by = id_columns(options.read.person_columns, usual, ids.values(), path.name)
        if not identified_by:
            raise IndievalueError(
                f"{path.name} does not tell who is who: name the column of ids with --person-columns; it has "
                f"{', '.join(columns[:6])}{' …' if len(columns) > 6 else ''}"
            )
        wave = wave_column(columns, options.wave, path) if alone and not options.suffixes else None
        kept = ids | ({wave: wave} if wave else {})
        names = _names(columns, survey, kept, options, path)
        decided.append((survey, names, wave, identified_by))
        return Wanted(list(names), list(ids), declared_missing=survey is not None)

    table = read_columns(path, choose, options.read)
    survey, names, wave, identified_by = decided[0]
    if not len(table):
        raise IndievalueError(f"{path.name} has a header and no people")
    return _File(path, table, survey, names, wave, identified_by)


def _survey(columns: Sequence[str], options: PanelOptions, path: Path) -> Survey | None:
    if not options.described:
        return None
    if options.survey is not None:
        return load_survey(options.survey) if isinstance(options.survey, str) else options.survey
    try:
        return recognise(columns, [load_survey(name) for name in shipped_surveys()], str(path))
    except IndievalueError:
        return None


def _check_named(own: Columns, survey: Survey | None, held: Sequence[str], path: Path) -> None:
    """Raise IndievalueError for a named column that is not ``held``, unless that is empty, or for what surveys say."""
    if survey is not None:
        if own.nominal or own.missing:
            raise IndievalueError(
                f"{path.name} is of {survey.name}, whose specification says which answers are missing and which "
                "questions have no scale: leave out --missing and --nominal, or give --no-survey"
            )
        return
    for name in (*own.questions, *own.by, *own.nominal) if held else ():
        if name not in held:
            raise IndievalueError(f"{path.name} has no column {name!r}{did_you_mean(name, held)}")


def _names(
    columns: Sequence[str], survey: Survey | None, kept: dict[str, str], options: PanelOptions, path: Path
) -> dict[str, str]:
    """Return the columns to read, with their names in the survey; those of a wave keep their suffix.

    ``kept`` are the columns of ids and of the wave, with their names.
    """
    own, others = options.columns, [column for column in columns if column not in kept]
    if survey is None:
        named = {*own.questions, *own.by}
        asked = [name for name in others if not own.questions or without_suffix(name, options.suffixes) in named]
        return kept | {column: column for column in asked}
    needed = needed_columns(survey) - set(kept.values())
    if not options.suffixes:
        return kept | renamed(others, needed, path.name)
    names = dict(kept)
    for suffix in options.suffixes:
        stems = {column.removesuffix(suffix): column for column in others if ends_in(column, suffix)}
        names |= {stems[stem]: f"{name}{suffix}" for stem, name in renamed(list(stems), needed, path.name).items()}
    once = needed - {column for question in survey.questions for column in question.data_columns}
    return names | renamed([column for column in others if column not in names], once, path.name)


def _long(file: _File) -> list[_Part]:
    """Return the rows of each wave of a file with a wave column."""
    assert file.wave is not None
    source = file.path.name
    column = file.table[file.wave]
    labels = wave_labels(column, source)
    table = file.table.rename(file.names).with_columns(labels.alias("\0wave"))
    _check_ids(table, file.identified_by, source)
    _check_once_a_wave(table, file, source)
    if file.survey is not None:  # before the rows are parted, so that errors name the row in the file
        coded = code_columns(without_levels(table), file.survey, source)
        coded = coded.drop(where_columns(file.survey), strict=False)  # a condition looks at cells as they are
        table = table.with_columns(coded.get_columns())
    waves = in_order(labels.unique().to_list(), column)
    digest = fingerprint(file.path)
    kept = [name for name in table.columns if name not in ("\0wave", file.wave)]
    return [
        _Part(
            wave,
            table.filter(pl.col("\0wave") == wave).select(kept),
            f"{source}, {file.wave} {wave}",
            digest,
            other_names(file.names),
        )
        for wave in waves
    ]


def _wide(file: _File, suffixes: Sequence[str], by: Sequence[str]) -> list[_Part]:
    """Return the columns of each wave of a file that has a column for each question and wave."""
    source, table = file.path.name, file.table.rename(file.names)
    _check_ids(table, file.identified_by, source)
    once = [name for name in table.columns if without_suffix(name, suffixes) == name or name in file.identified_by]
    if file.survey is None:
        once = [name for name in once if name in {*file.identified_by, *by}]
    digest, parts = fingerprint(file.path), []
    for suffix in suffixes:
        own = [name for name in table.columns if ends_in(name, suffix) and name not in file.identified_by]
        if not own:
            raise IndievalueError(f"{source} has no column that ends in {suffix!r}; give its endings as --suffixes")
        stems = {name: name.removesuffix(suffix) for name in own}
        shared = [name for name in once if name not in stems.values()]
        parts.append(_Part(suffix, table.select(*shared, *own).rename(stems), f"{source}, {suffix}", digest))
    return parts


def _check_ids(table: pl.DataFrame, columns: Sequence[str], source: str) -> None:
    """Raise IndievalueError where a row has no id: it cannot be matched with another."""
    empty = given_ids(table, columns, source).is_null()
    if empty.any():
        raise IndievalueError(
            f"{source}: {int(empty.sum()):,} rows have no id in {', '.join(columns)}, first row "
            f"{int(empty.arg_max() or 0) + 1:,}: answers of one person are matched by id; fill it, remove these "
            "rows, or give other --person-columns"
        )


def _check_once_a_wave(table: pl.DataFrame, file: _File, source: str) -> None:
    """Raise IndievalueError where rows of one wave share an id and differ, naming the rows of the file.

    As many ids may be shared as the survey says that its published file has; equal rows are dropped, and reported.
    """
    keyed = table.with_row_index("\0row", 1).with_columns(given_ids(table, file.identified_by, source).alias(_ID))
    distinct = keyed.unique([name for name in keyed.columns if name != "\0row"], maintain_order=True)
    twice = distinct.filter(distinct.select(_ID, "\0wave").is_duplicated())
    if twice[_ID].n_unique() > (file.survey.repeated_ids if file.survey else 0):
        name, wave = twice[_ID][0], twice["\0wave"][0]
        rows = twice.filter((pl.col(_ID) == name) & (pl.col("\0wave") == wave))["\0row"]
        raise IndievalueError(
            f"{source}: {twice[_ID].n_unique():,} people stand more than once in a wave with different answers, first "
            f"{name!r} with {file.wave} {wave} in row {rows[0]:,} and row {rows[1]:,}: keep one row for each person "
            "and wave, or name more columns that identify a person with --person-columns A,B"
        )


def _check_asked_again(panel: Panel, source: str) -> None:
    if not (panel.asked > 1).any():
        raise IndievalueError(
            f"{source}: none of the {len(panel.ids):,} people was asked twice; each stands in one of the waves "
            f"{', '.join(panel.waves)}: check --person-columns (do ids stay the same over waves?) and the waves"
        )
    if not (np.sum([wave.asked for wave in panel.people], axis=0) > 1).any():
        raise IndievalueError(
            f"{source}: no question was answered in two waves: are the columns called the same in each?"
        )
