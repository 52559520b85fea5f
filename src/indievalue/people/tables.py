"""Reads the columns that a survey needs from a data file, whatever its format, without judging what they hold."""

import csv
import gzip
import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import fastexcel
import polars as pl
import pyreadstat
from polars.exceptions import PanicException, PolarsError

from indievalue.errors import IndievalueError

FORMATS = (".csv", ".csv.gz", ".sav", ".dta", ".xlsx", ".parquet")

_BROKEN_FILE = (
    PolarsError,
    PanicException,
    pyreadstat.ReadstatError,
    pyreadstat.PyreadstatError,
    fastexcel.FastExcelError,
    OSError,
    ValueError,
)
"""What the libraries raise for a file that is broken or is not what its name says."""


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
    """The format that the file name tells. Raises IndievalueError for another, or where there is no such file."""
    if not path.exists():
        raise IndievalueError(f"there is no file {path}")
    if not path.is_file():
        raise IndievalueError(f"{path} is not a file")
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
    strings where some column turns out to hold both); user-missing codes are kept. Raises IndievalueError where the
    file is not what its name says, is cut off, or is empty.
    """
    kind = format_of(path)
    if path.stat().st_size == 0:
        raise IndievalueError(f"{path} is empty")
    try:
        if kind in (".csv", ".csv.gz"):
            return _read_csv(path, choose)
        if kind in (".sav", ".dta"):
            return _read_statistics_package(path, kind, choose)
        if kind == ".xlsx":
            table = pl.read_excel(path, infer_schema_length=None)
            return table.select(choose(table.columns).columns)
        return pl.read_parquet(path, columns=choose(list(pl.read_parquet_schema(path))).columns)
    except _BROKEN_FILE as error:
        message = " ".join(str(error).split())[:200]
        raise IndievalueError(f"cannot read {path} as {kind}: {message or type(error).__name__}") from error


def _read_statistics_package(path: Path, kind: str, choose: Choose) -> pl.DataFrame:
    read = pyreadstat.read_sav if kind == ".sav" else pyreadstat.read_dta
    _, about = read(path, metadataonly=True)
    columns = choose(about.column_names).columns
    table, _ = read(path, usecols=columns, user_missing=True, disable_datetime_conversion=True, output_format="polars")
    if about.number_rows is not None and about.number_rows >= 0 and len(table) != about.number_rows:
        raise IndievalueError(
            f"{path} is cut off: its header tells of {about.number_rows:,} rows, and it holds {len(table):,}"
        )
    frame: pl.DataFrame = table
    return frame.select(columns)


def _read_csv(path: Path, choose: Choose) -> pl.DataFrame:
    header, separator = _header(path)
    wanted = choose(header)
    content: Path | bytes = path
    if path.name.lower().endswith(".gz"):
        content = _unzipped(path)
    _check_last_row(path, content, separator, len(header))

    def read(rows_to_infer_from: int) -> pl.DataFrame:
        return pl.read_csv(
            content,
            columns=wanted.columns,
            separator=separator,
            schema_overrides=dict.fromkeys(wanted.names, pl.String),
            infer_schema_length=rows_to_infer_from,
            encoding="utf8-lossy",
        )

    try:
        return read(1000)
    except PolarsError:
        return read(0)  # some later cell is of another type than the first thousand: take every cell as text


def _header(path: Path) -> tuple[list[str], str]:
    with gzip.open(path, "rb") if path.name.lower().endswith(".gz") else path.open("rb") as file:
        try:
            line = file.readline(1 << 22).decode("utf-8-sig", errors="replace")
        except (OSError, EOFError) as error:
            raise IndievalueError(f"{path} is not a whole gzip file: {error}") from None
    if "\0" in line or "�" in line:
        raise IndievalueError(f"{path} is not a CSV text file: its first line holds bytes that are no text")
    separator = max(",;\t", key=line.count)
    header = next(csv.reader([line], delimiter=separator), [])
    if len(header) < 2:
        raise IndievalueError(f"{path} has no header line of several columns separated by a comma, semicolon or tab")
    repeated = sorted({name for name in header if header.count(name) > 1 and name})
    if repeated:
        raise IndievalueError(f"{path}: the column {repeated[0]} occurs more than once in the header")
    return header, separator


def _unzipped(path: Path) -> bytes:
    try:
        return gzip.decompress(path.read_bytes())
    except (OSError, EOFError, ValueError) as error:
        raise IndievalueError(f"{path} is not a whole gzip file: {error}") from None


def _check_last_row(path: Path, content: Path | bytes, separator: str, columns: int) -> None:
    if isinstance(content, bytes):
        tail = content[-_TAIL:]
    else:
        with content.open("rb") as file:
            file.seek(max(0, path.stat().st_size - _TAIL))
            tail = file.read()
    line = tail.rstrip(b"\r\n").rpartition(b"\n")[2].decode("utf-8", errors="replace").strip("\r")
    cells = len(next(csv.reader([line], delimiter=separator), []))
    if cells != columns:
        raise IndievalueError(f"{path} is cut off: its last row has {cells} of {columns} columns")
