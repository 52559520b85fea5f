"""Files of SPSS and Stata."""

import io
import warnings
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import polars as pl
import pyreadstat

from indievalue.errors import IndievalueError
from indievalue.people.options import ReadOptions
from indievalue.people.spss import check_dictionary, ends_within_a_row
from indievalue.people.wanted import Choose, refuse_repeated
from indievalue.survey.codes import TAGS

_READERS: dict[str, Any] = {
    ".sav": pyreadstat.read_sav,
    ".zsav": pyreadstat.read_sav,
    ".por": pyreadstat.read_por,
    ".dta": pyreadstat.read_dta,
}

PACKAGES = tuple(_READERS)
"""Endings of the files that :func:`read_package` reads."""


def read_package(path: Path, kind: str, choose: Choose, options: ReadOptions) -> pl.DataFrame:
    """Read the columns that ``choose`` picks; numbers as Float64, with Stata's ``.a`` to ``.z`` as codes.

    Raises IndievalueError where the file is cut off, or its texts are not in the encoding that it states.
    """
    if kind in (".sav", ".zsav"):
        check_dictionary(path)
    try:
        return _read(path, kind, choose, options)
    except pyreadstat.ReadstatError as error:
        if "byte sequence" not in str(error):
            raise
        stated = f"in the encoding {options.encoding}" if options.encoding else "in the encoding that it states"
        raise IndievalueError(f"{path} holds texts that are not {stated}: give its --encoding (often cp1252)") from None


@dataclass(frozen=True)
class PackageLabels:
    """What a file says of its columns.

    Attributes:
        wordings: column → its label. answers: column → code → label. missing: column → ranges of codes that are
            declared missing. tags: Stata's ``.a`` to ``.z`` → label. texts: column that holds texts → text → label.
    """

    wordings: Mapping[str, str] = field(default_factory=dict)
    answers: Mapping[str, Mapping[int, str]] = field(default_factory=dict)
    missing: Mapping[str, tuple[tuple[float, float], ...]] = field(default_factory=dict)
    tags: Mapping[str, str] = field(default_factory=dict)
    texts: Mapping[str, Mapping[str, str]] = field(default_factory=dict)


def read_package_labels(path: Path, kind: str, options: ReadOptions) -> PackageLabels:
    """Read the labels and missing ranges of a file's columns, without its rows."""
    if kind in (".sav", ".zsav"):
        check_dictionary(path)
    more: dict[str, Any] = {} if kind == ".por" else {"user_missing": True}
    if options.encoding and kind != ".por":
        more["encoding"] = options.encoding
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)
        _, about = _READERS[kind](path.absolute(), metadataonly=True, output_format="dict", **more)
    answers: dict[str, dict[int, str]] = {}
    tags: dict[str, str] = {}
    texts: dict[str, dict[str, str]] = {}
    for name, labels in about.variable_value_labels.items():
        if about.readstat_variable_types.get(name) == "string":
            texts[name] = {str(text).strip(): str(label) for text, label in labels.items()}
            continue
        tags |= {f".{code}": str(label) for code, label in labels.items() if f"{code}" in TAGS}
        numbers = {code: str(label) for code, label in labels.items() if not isinstance(code, str)}
        answers[name] = {int(code): numbers[code] for code in sorted(numbers) if float(code).is_integer()}
    ranges = {
        name: tuple((one["lo"], one["hi"]) for one in found if not isinstance(one["lo"], str))
        for name, found in about.missing_ranges.items()
    }
    wordings = {name: str(label or "").strip() for name, label in about.column_names_to_labels.items()}
    return PackageLabels(wordings, answers, ranges, tags, texts)


def _read(path: Path, kind: str, choose: Choose, options: ReadOptions) -> pl.DataFrame:
    read = _READERS[kind]
    encoding = {"encoding": options.encoding} if options.encoding and kind != ".por" else {}
    path = path.absolute()  # one that began with ~ would be taken for a home directory
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # of columns that occur twice, which it renames
        _, about = read(path, metadataonly=True, output_format="dict", **encoding)
        refuse_repeated(path, [str(name).partition("_duplicated")[0] for name in about.column_names])
        expected = -1 if about.number_rows is None else about.number_rows
        if expected > _most_rows(path):
            raise IndievalueError(f"{path} is damaged: it is too small for the {expected:,} rows its header tells of")
        wanted = choose([str(name) for name in about.column_names])
        columns = wanted.columns
        table, _ = read(
            path,
            usecols=columns,
            disable_datetime_conversion=True,
            output_format="polars",
            **encoding,
            **({} if kind == ".por" else {"user_missing": wanted.declared_missing}),
        )
    if expected >= 0 and len(table) != expected:
        raise IndievalueError(f"{path} is cut off: its header tells of {expected:,} rows, and it holds {len(table):,}")
    if kind == ".dta" and _without_end_mark(path):
        raise IndievalueError(f"{path} is cut off: the mark at its end is missing")
    if kind == ".por" and _without_portable_end(path):
        raise IndievalueError(f"{path} is cut off: the mark at its end is missing")
    if kind in (".sav", ".zsav") and expected < 0 and ends_within_a_row(path):
        raise IndievalueError(f"{path} is cut off: it ends within a row")
    assert isinstance(table, pl.DataFrame)
    numeric = [name for name in columns if about.readstat_variable_types[name] != "string"]
    return table.select(columns).with_columns(
        pl.Series(name, [_untagged(cell) for cell in table[name]], pl.Float64)
        for name in numeric
        if table.schema[name] == pl.Object  # Stata's extended missing values .a to .z come as letters among numbers
    )


def _untagged(cell: float | str | None) -> float | None:
    """A number as it is, and the letter of an extended missing value as its code."""
    return TAGS[cell] if isinstance(cell, str) else cell


def _most_rows(path: Path) -> int:
    """How many rows a file of this size can hold: a cell takes a byte or more, or 1/1032 of one where it is zipped."""
    with path.open("rb") as file:
        return path.stat().st_size * (1032 if file.read(4) == b"$FL3" else 1)


def _without_end_mark(path: Path) -> bool:
    """Whether a Stata file (of version 13 or later, which begin and end with a mark) is cut off after its last row."""
    mark = b"stata_dta>"
    with path.open("rb") as file:
        start = file.read(1 + len(mark))
        file.seek(-len(mark), io.SEEK_END)
        return start == b"<" + mark and file.read() != mark


def _without_portable_end(path: Path) -> bool:
    """Whether a portable file of SPSS, whose last line is filled up with the letter Z, is cut off."""
    with path.open("rb") as file:
        file.seek(-min(100, path.stat().st_size), io.SEEK_END)
        return not file.read().rstrip(b"\r\n").endswith(b"Z")
