"""Reads the columns that a survey needs from a data file, whatever its format, without judging what they hold."""

import csv
import hashlib
import struct
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import fastexcel
import polars as pl
import pyreadstat
from polars.exceptions import PolarsError

from indievalue.errors import IndievalueError
from indievalue.people.delimited import delimited_blocks, read_delimited
from indievalue.people.delimited import is_streamed as is_text_streamed
from indievalue.people.options import ReadOptions
from indievalue.people.packages import PACKAGES, read_package
from indievalue.people.rfiles import R_FILES, read_r
from indievalue.people.unpack import unzipped
from indievalue.people.wanted import Choose
from indievalue.people.workbook import WORKBOOKS, read_workbook

_TEXT = (".csv", ".tsv", ".txt", ".csv.gz", ".tsv.gz", ".txt.gz")

FORMATS = (*_TEXT, *PACKAGES, *WORKBOOKS, ".parquet", *R_FILES)
"""Endings of the files that are read; a .zip archive may hold one of them."""

_SLOW: dict[str, float] = {
    **dict.fromkeys((".csv", ".tsv", ".txt"), 400),
    **dict.fromkeys((".csv.gz", ".tsv.gz", ".txt.gz", ".parquet"), 60),
    **dict.fromkeys(PACKAGES, 50),
    **dict.fromkeys((*WORKBOOKS, *R_FILES, ".zip"), 20),
}
"""Sizes in MB from which reading takes about five seconds, by the file's ending."""

_HEAD = 1 << 22
"""Bytes at the start of a text file that tell how long its rows are."""

_BROKEN_FILE = (
    PolarsError,
    pyreadstat.ReadstatError,
    pyreadstat.PyreadstatError,
    fastexcel.FastExcelError,
    csv.Error,
    struct.error,
    zipfile.BadZipFile,
    zlib.error,
    EOFError,
    OSError,
    ValueError,
    LookupError,
)
"""What the libraries raise for a file that is broken or is not what its name says."""


def format_of(path: Path) -> str:
    """The format that the file name tells. Raises IndievalueError for another, or where the file cannot be opened."""
    try:
        if not path.exists():
            raise IndievalueError(f"there is no file {path}")
        if not path.is_file():
            raise IndievalueError(f"{path} is not a file, and no folder of .parquet files")
        with path.open("rb"):
            pass
    except OSError as error:
        raise IndievalueError(f"cannot open {path}: {error.strerror}") from None
    for suffix in (*FORMATS, ".zip"):
        if path.name.lower().endswith(suffix):
            return suffix
    raise IndievalueError(
        f"{path} is none of the formats indievalue reads: {', '.join(FORMATS)}, or a .zip archive of one of them"
    )


def slow_size(path: Path) -> float | None:
    """Return the size in MB of a file that takes more than about five seconds to read; None for any other path."""
    if not path.is_file():
        return None
    size = path.stat().st_size / 1e6
    return size if size >= _SLOW[format_of(path)] else None


def fingerprint(path: Path) -> str:
    """SHA-256 of the file's bytes, in hex."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def read_columns(path: Path, choose: Choose, options: ReadOptions | None = None) -> pl.DataFrame:
    """The columns of the file that ``choose`` picks from its header.

    Numeric columns come as the numbers they are, text columns as strings (all columns of a text file come as
    strings where some column turns out to hold both); user-missing codes are kept. Raises IndievalueError where the
    file is not what its name says, is cut off, or is empty.
    """
    options = options or ReadOptions()
    kind = format_of(path)
    with _naming(path, kind):
        if path.stat().st_size == 0:
            raise IndievalueError(f"{path} is empty")
        if kind == ".zip":
            return _read_zipped(path, choose, options)
        table = _read(path, kind, choose, options)
    return _checked(path, table)


def column_blocks(path: Path, choose: Choose, options: ReadOptions, rows: int) -> Iterator[pl.DataFrame]:
    """Yield what :func:`read_columns` returns, about so many rows at a time; raises what it raises.

    A file is read whole, as one block, unless it is parquet, or text in UTF-8 that is not compressed.
    """
    kind = format_of(path)
    if path.stat().st_size == 0 or not is_streamed(path, kind, options):
        yield read_columns(path, choose, options)
        return
    blocks = (
        _parquet_blocks(path, choose, rows) if kind == ".parquet" else delimited_blocks(path, choose, options, rows)
    )
    while True:
        with _naming(path, kind):
            table = next(blocks, None)
        if table is None:
            return
        yield _checked(path, table)


def is_streamed(path: Path, kind: str, options: ReadOptions) -> bool:
    """Whether :func:`column_blocks` reads a file, of the format ``kind``, in several blocks."""
    return kind == ".parquet" or (kind in _TEXT and is_text_streamed(path, options))


def rows_in(path: Path) -> int:
    """Return about how many rows a file has that is streamed: those of parquet, or as many lines as text has."""
    if format_of(path) == ".parquet":
        with _naming(path, ".parquet"), path.open("rb") as file:
            return int(pl.scan_parquet(file).select(pl.len()).collect().item())
    with path.open("rb") as file:
        head = file.read(_HEAD)
    return round(head.count(b"\n") / max(1, len(head)) * path.stat().st_size)


def _parquet_blocks(path: Path, choose: Choose, rows: int) -> Iterator[pl.DataFrame]:
    with path.open("rb") as file:
        columns = choose(list(pl.read_parquet_schema(file))).columns
    scanned = pl.scan_parquet(path, glob=False).select(columns)
    yield from scanned.collect_batches(chunk_size=rows, maintain_order=True)


@contextmanager
def _naming(path: Path, kind: str) -> Iterator[None]:
    """Raise IndievalueError, with the file, for what libraries raise if it is broken."""
    try:
        yield
    except BaseException as error:
        if (
            not isinstance(error, _BROKEN_FILE) and type(error).__name__ != "PanicException"
        ):  # each Rust library has one
            raise
        if isinstance(error, OSError) and error.errno is not None:
            raise IndievalueError(f"cannot read {path}: {error.strerror}") from None
        message = " ".join(str(error).split()).partition(" Context:")[0][:200]
        raise IndievalueError(
            f"cannot read {path}: {message or type(error).__name__}; it is cut off, damaged, or no {kind} file"
        ) from error


def _checked(path: Path, table: pl.DataFrame) -> pl.DataFrame:
    """Return the table. Raises IndievalueError if a column holds something else than one code a cell."""
    for column, dtype in table.schema.items():
        if dtype.is_nested() or dtype == pl.Binary:
            raise IndievalueError(f"{path}: column {column} holds {dtype} instead of one code a cell")
    return table


def _read(path: Path, kind: str, choose: Choose, options: ReadOptions) -> pl.DataFrame:
    if kind in _TEXT:
        return read_delimited(path, choose, options)
    if kind in PACKAGES:
        return read_package(path, kind, choose, options)
    if kind in WORKBOOKS:
        return read_workbook(path, choose, options)
    if kind in R_FILES:
        return read_r(path, choose)
    with path.open("rb") as file:  # a path that Polars is given may be read as a pattern
        columns = choose(list(pl.read_parquet_schema(file))).columns
        file.seek(0)
        return pl.read_parquet(file, columns=columns)


def _read_zipped(path: Path, choose: Choose, options: ReadOptions) -> pl.DataFrame:
    with unzipped(path, FORMATS) as inner:
        try:
            return read_columns(inner, choose, options)
        except IndievalueError as error:
            raise IndievalueError(str(error).replace(str(inner), f"{path} ({inner.name})")) from None
