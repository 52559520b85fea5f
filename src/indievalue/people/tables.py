"""Reads the columns that a survey needs from a data file, whatever its format, without judging what they hold."""

import codecs
import csv
import gzip
import hashlib
import io
import logging
import struct
import warnings
import zlib
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import fastexcel
import polars as pl
import pyreadstat
from polars.exceptions import PanicException, PolarsError

from indievalue.errors import IndievalueError
from indievalue.people.spss import check_dictionary, ends_within_a_row

FORMATS = (".csv", ".csv.gz", ".sav", ".dta", ".xlsx", ".parquet")

_BROKEN_FILE = (
    PolarsError,
    PanicException,
    pyreadstat.ReadstatError,
    pyreadstat.PyreadstatError,
    fastexcel.FastExcelError,
    csv.Error,
    struct.error,
    zlib.error,
    EOFError,
    OSError,
    ValueError,
    LookupError,
)
"""What the libraries raise for a file that is broken or is not what its name says."""

_EMPTY = ["NA", "#NULL!"]
"""What R and SPSS write to a CSV file for an empty cell."""


@dataclass(frozen=True)
class Wanted:
    """Which columns to read, and which of them hold names (ids) that must not be read as numbers."""

    columns: list[str]
    names: list[str]


Choose = Callable[[list[str]], Wanted]
"""Given all column names of a file, which of them to read."""

_TAIL = 1 << 20
"""Bytes at the end of a CSV file that are searched for its last row."""


def format_of(path: Path) -> str:
    """Return the format by file name. Raises IndievalueError if it is unsupported or the file does not exist."""
    try:
        if not path.exists():
            raise IndievalueError(f"there is no file {path}")
        if not path.is_file():
            raise IndievalueError(f"{path} is not a file")
    except OSError as error:
        raise IndievalueError(f"cannot open {path}: {error.strerror}") from None
    for suffix in FORMATS:
        if path.name.lower().endswith(suffix):
            return suffix
    raise IndievalueError(f"{path} is none of the formats indievalue reads: {', '.join(FORMATS)}")


def fingerprint(path: Path) -> str:
    """SHA-256 of the file's bytes, in hex."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def read_columns(path: Path, choose: Choose) -> pl.DataFrame:
    """The columns of the file that ``choose`` picks from its header.

    Numeric columns come as the numbers they are, text columns as strings (all columns of a CSV file come as
    strings where some column turns out to hold both); user-missing codes are kept. Of an Excel file the first sheet is
    read. Raises IndievalueError where the file is not what its name says, is cut off, or is empty.
    """
    kind = format_of(path)
    try:
        if path.stat().st_size == 0:
            raise IndievalueError(f"{path} is empty")
        if kind in (".csv", ".csv.gz"):
            table = _read_csv(path, choose)
        elif kind in (".sav", ".dta"):
            table = _read_statistics_package(path, kind, choose)
        elif kind == ".xlsx":
            table = _read_excel(path, choose)
        else:
            table = pl.read_parquet(path, columns=choose(list(pl.read_parquet_schema(path))).columns)
    except _BROKEN_FILE as error:
        message = " ".join(str(error).split()).partition(" Context:")[0][:200]
        raise IndievalueError(
            f"cannot read {path}: {message or type(error).__name__}; it is cut off, damaged, or no {kind} file"
        ) from error
    for column, dtype in table.schema.items():
        if dtype.is_nested() or dtype == pl.Binary:
            raise IndievalueError(f"{path}: column {column} holds {dtype} instead of one code a cell")
    return table


def _read_excel(path: Path, choose: Choose) -> pl.DataFrame:
    logging.getLogger("fastexcel").setLevel(logging.ERROR)  # it warns of every column that is empty
    book = fastexcel.read_excel(path)
    first = book.load_sheet(0, header_row=None, n_rows=1, dtypes="string").to_polars()
    if first.is_empty():
        raise IndievalueError(f"{path}: the first sheet is empty")
    _refuse_repeated(path, [name for name in first.row(0) if name])
    sheet = book.load_sheet(0, schema_sample_rows=None)
    return sheet.to_polars().select(choose([column.name for column in sheet.selected_columns]).columns)


def _read_statistics_package(path: Path, kind: str, choose: Choose) -> pl.DataFrame:
    read = pyreadstat.read_sav if kind == ".sav" else pyreadstat.read_dta
    if kind == ".sav":
        check_dictionary(path)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # of columns that occur twice, which it renames
        _, about = read(path, metadataonly=True)
        _refuse_repeated(path, [str(name).partition("_duplicated")[0] for name in about.column_names])
        expected = -1 if about.number_rows is None else about.number_rows
        if expected > _most_rows(path):
            raise IndievalueError(f"{path} is damaged: it is too small for the {expected:,} rows its header tells of")
        columns = choose([str(name) for name in about.column_names]).columns
        table, _ = read(
            path, usecols=columns, user_missing=True, disable_datetime_conversion=True, output_format="polars"
        )
    if expected >= 0 and len(table) != expected:
        raise IndievalueError(f"{path} is cut off: its header tells of {expected:,} rows, and it holds {len(table):,}")
    if kind == ".dta" and _without_end_mark(path):
        raise IndievalueError(f"{path} is cut off: the mark at its end is missing")
    if kind == ".sav" and expected < 0 and ends_within_a_row(path):
        raise IndievalueError(f"{path} is cut off: it ends within a row")
    numeric = [name for name in columns if about.readstat_variable_types[name] != "string"]
    return table.select(columns).with_columns(
        pl.Series(name, [None if isinstance(cell, str) else cell for cell in table[name]], pl.Float64)
        for name in numeric
        if table.schema[name] == pl.Object  # Stata's extended missing values .a to .z come as letters among numbers
    )


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


def _read_csv(path: Path, choose: Choose) -> pl.DataFrame:
    content = _utf8_content(path)
    header, separator = _header(path, content)
    wanted = choose(header)
    _check_last_row(path, content, separator, len(header))

    def read(rows_to_infer_from: int) -> pl.DataFrame:
        return pl.read_csv(
            content,
            columns=wanted.columns,
            separator=separator,
            schema_overrides=dict.fromkeys(wanted.names, pl.String),
            null_values=_EMPTY,
            infer_schema_length=rows_to_infer_from,
            encoding="utf8-lossy",
        )

    try:
        table = read(1000)
    except PolarsError:
        table = read(0)  # some later cell is of another type than the first thousand: take every cell as text
    for name in wanted.names:
        if table[name].str.contains("�").any():
            raise IndievalueError(f"{path}: column {name} holds letters that are not UTF-8; save the file as CSV UTF-8")
    return table


def _utf8_content(path: Path) -> Path | bytes:
    """The file itself, or its content where that must be unzipped or is UTF-16 (what Excel calls Unicode text)."""
    marks = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
    if path.name.lower().endswith(".gz"):
        try:
            content = gzip.decompress(path.read_bytes())
        except (OSError, EOFError, zlib.error) as error:
            raise IndievalueError(f"{path} is not a whole gzip file: {error}") from None
    else:
        with path.open("rb") as file:
            if file.read(2) not in marks:
                return path
        content = path.read_bytes()
    return content.decode("utf-16").encode() if content.startswith(marks) else content


def _header(path: Path, content: Path | bytes) -> tuple[list[str], str]:
    """(column names, separator)"""
    with content.open("rb") if isinstance(content, Path) else io.BytesIO(content) as file:
        line = file.readline(1 << 22).decode("utf-8-sig", errors="replace")
    if "\0" in line:
        raise IndievalueError(f"{path} is not a CSV text file: its first line holds bytes that are no text")
    separator = max(",;\t", key=line.count)
    header = next(csv.reader([line], delimiter=separator), [])
    if len(header) < 2:
        raise IndievalueError(
            f"{path} is not a CSV text file: "
            "its first line is no header of several columns separated by a comma, semicolon or tab"
        )
    _refuse_repeated(path, header)
    return header, separator


def _refuse_repeated(path: Path, columns: list[str]) -> None:
    repeated = [name for name, times in Counter(columns).items() if times > 1 and name]
    if repeated:
        raise IndievalueError(f"{path}: the column {repeated[0]} occurs more than once in the header")


def _check_last_row(path: Path, content: Path | bytes, separator: str, columns: int) -> None:
    if isinstance(content, bytes):
        tail = content[-_TAIL:]
    else:
        with content.open("rb") as file:
            file.seek(max(0, path.stat().st_size - _TAIL))
            tail = file.read()
    cells = len(_last_row(tail, separator))
    if cells != columns:
        raise IndievalueError(
            f"{path} is cut off or damaged: its last row has {cells} cells, and its header {columns} columns"
        )


def _last_row(tail: bytes, separator: str) -> list[str]:
    """The cells of the last row, which is several lines long where a quoted cell is."""
    lines = tail.rstrip(b"\r\n").split(b"\n")
    quotes = 0
    for start in range(len(lines) - 1, -1, -1):
        quotes += lines[start].count(b'"')
        if quotes % 2 == 0:
            break
    else:
        start = len(lines) - 1
    text = b"\n".join(lines[start:]).decode("utf-8", errors="replace")
    rows = list(csv.reader(io.StringIO(text, newline=""), delimiter=separator))
    return rows[-1] if rows else []
