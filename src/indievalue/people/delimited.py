"""Text files of rows and separators (CSV and its kin): found layout, checked widths, columns as they are written."""

import codecs
import csv
import io
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import polars as pl
from numpy.typing import NDArray
from polars.exceptions import PolarsError

from indievalue.errors import IndievalueError
from indievalue.people.options import ReadOptions
from indievalue.people.unpack import gunzip
from indievalue.people.wanted import EMPTY, Choose, Wanted, header_among, refuse_repeated, usual_width

_HEAD = 1 << 22
"""Bytes at the start of a file in which its header is searched for."""

_ROWS = 20
"""Rows at the start of a file that show its separator, and among which the header is found."""

_BLOCK = 1 << 20
"""Bytes whose rows are counted at a time."""

_QUOTE, _RETURN = ord('"'), ord("\r")


@dataclass(frozen=True)
class Layout:
    """How a file is laid out.

    Attributes:
        columns: names in the header. separator: between cells. end: of a line.
        skip: lines before the header. start: byte at which the first row after the header begins.
    """

    columns: list[str]
    separator: str
    end: str
    skip: int
    start: int


def read_delimited(path: Path, choose: Choose, options: ReadOptions) -> pl.DataFrame:
    """Read the columns that ``choose`` picks; all of them as text where some column holds both numbers and text.

    Raises IndievalueError where no header is found, a row has more or fewer cells than the header, or ids hold letters
    in an unknown encoding.
    """
    content = _utf8(path, options.encoding)
    layout = layout_of(path, content, options.header_row)
    wanted = choose(layout.columns)
    _check_widths(path, content, layout)
    return _parsed(path, content, layout, wanted)


def is_streamed(path: Path, options: ReadOptions) -> bool:
    """Whether :func:`delimited_blocks` reads a text file: one that is UTF-8 and not compressed."""
    return isinstance(_utf8(path, options.encoding, whole=False), Path)


def delimited_blocks(path: Path, choose: Choose, options: ReadOptions, rows: int) -> Iterator[pl.DataFrame]:
    """Yield what :func:`read_delimited` returns, about so many rows at a time; raises what it raises.

    The type of a column may differ between blocks, as it is told by the cells of each.
    """
    layout = layout_of(path, path, options.header_row)
    wanted = choose(layout.columns)
    _check_widths(path, path, layout)
    data = np.memmap(path, np.uint8, mode="r")
    header, start = data[: layout.start].tobytes(), layout.start
    size = _bytes_of_row(data, layout) * rows
    while start < len(data):
        ends, _, _ = _measured(data[start : start + size], layout, whole=start + size >= len(data))
        if not len(ends):
            size *= 2  # one row that is longer than a block
            continue
        stop = start + int(ends[-1]) + 1
        yield _parsed(path, header + data[start:stop].tobytes(), layout, wanted)
        start = stop


def _bytes_of_row(data: NDArray[np.uint8], layout: Layout) -> int:
    """Return the mean length of the first rows, in bytes."""
    head = data[layout.start : layout.start + _HEAD]
    return max(1, len(head) // max(1, int((head == ord(layout.end)).sum())))


def _parsed(path: Path, content: Path | bytes, layout: Layout, wanted: Wanted) -> pl.DataFrame:
    """Return the columns of ``content``, which begins with the header."""

    def read(columns: list[str], rows_to_infer_from: int, empty: list[str]) -> pl.DataFrame:
        return pl.read_csv(
            content,
            columns=columns,
            separator=layout.separator,
            eol_char=layout.end,
            skip_lines=layout.skip,
            schema_overrides={name: pl.String for name in wanted.names if name in columns},
            null_values=empty,
            infer_schema_length=rows_to_infer_from,
            encoding="utf8-lossy",
            glob=False,
        )

    try:
        table = read(wanted.columns, 1000, EMPTY)
    except PolarsError:
        # some later cell is of another type than the first thousand: take every cell as text
        table = read(wanted.columns, 0, EMPTY)
    for name in wanted.texts:
        table = table.with_columns(read([name], 0, wanted.empty(name)))
    for name in wanted.names:
        if table[name].str.contains("�").any():
            raise IndievalueError(
                f"{path}: column {name} holds letters that are not UTF-8; save the file as CSV UTF-8, or give its "
                "--encoding (often cp1252)"
            )
    return table


def _utf8(path: Path, encoding: str | None, *, whole: bool = True) -> Path | bytes:
    """Return the file itself, or its content as UTF-8 where it is compressed or in another encoding.

    The content is nothing if the file is not to be read as a ``whole``.
    """
    marks = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
    compressed = path.name.lower().endswith(".gz")
    if not compressed:
        with path.open("rb") as file:
            if file.read(2) not in marks and encoding is None:
                return path
    if not whole:
        return b""
    content = gunzip(path) if compressed else path.read_bytes()
    if content.startswith(marks):
        return content.decode("utf-16").encode()  # what Excel calls Unicode text
    if encoding is None:
        return content
    try:
        return content.decode(encoding).encode()
    except LookupError:
        raise IndievalueError(f"there is no encoding {encoding!r}; common ones are utf-8, cp1252 and latin-1") from None
    except UnicodeDecodeError as error:
        raise IndievalueError(
            f"{path} is not in the encoding {encoding}: byte {error.start:,} does not fit; try another --encoding"
        ) from None


def layout_of(path: Path, content: Path | bytes, header_row: int | None) -> Layout:
    """Find how a file, or its content, is laid out. Raises IndievalueError where no header is found."""
    with content.open("rb") if isinstance(content, Path) else io.BytesIO(content) as file:
        head = file.read(_HEAD)
    if b"\0" in head.partition(b"\n")[0]:
        raise IndievalueError(f"{path} is not a CSV text file: its first line holds bytes that are no text")
    end = "\r" if b"\n" not in head and b"\r" in head else "\n"
    text = head.decode("utf-8-sig", errors="replace")
    stated = re.match(r"sep=(.)\r?\n", text, re.IGNORECASE)  # how Excel notes the separator
    skip = 1 if stated else 0
    body = text[stated.end() :] if stated else text
    separator, rows = (stated[1], _rows(body, stated[1])) if stated else _separated(body)
    found = header_among([row for _, row in rows]) if header_row is None else header_row - skip
    if not 0 < found <= len(rows) or len(rows[found - 1][1]) < 2:
        where = "its first line is" if header_row is None else f"its row {header_row} is"
        raise IndievalueError(
            f"{path} is not a CSV text file: {where} no header of several columns separated by a comma, semicolon or "
            "tab"
        )
    before = rows[found - 2][0] if found > 1 else 0
    last, columns = rows[found - 1]
    refuse_repeated(path, columns)
    lines = head.split(end.encode(), skip + last)
    start = len(head) - len(lines[-1]) if len(lines) > skip + last else len(head)
    return Layout(columns, separator, end, skip + before, start)


def _rows(text: str, separator: str) -> list[tuple[int, list[str]]]:
    """(number of its last line, cells) of each of the first rows."""
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=separator)
    rows: list[tuple[int, list[str]]] = []
    try:
        for row in reader:
            rows.append((reader.line_num, row))
            if len(rows) == _ROWS:
                break
    except csv.Error:
        pass  # a cell of more than 128 KB, or a line end within one: what came before it is enough
    return rows


def _separated(text: str) -> tuple[str, list[tuple[int, list[str]]]]:
    """Return the separator that most rows agree on, and the first rows."""

    def agreement(separator: str) -> tuple[int, int]:
        width, times = usual_width([row for _, row in rows_by[separator]])
        return (times if width > 1 else 0, width)

    rows_by = {separator: _rows(text, separator) for separator in ",;\t"}
    best = max(rows_by, key=agreement)
    return best, rows_by[best]


def _check_widths(path: Path, content: Path | bytes, layout: Layout) -> None:
    """Raise IndievalueError where a row has more or fewer cells than the header, or a quote is never closed."""
    columns = len(layout.columns)
    data = (
        np.memmap(content, np.uint8, mode="r") if isinstance(content, Path) else np.frombuffer(content, dtype=np.uint8)
    )
    start, block = layout.start, _BLOCK
    rows = wrong = first = cells_of_first = 0
    while start < len(data):
        part = data[start : start + block]
        ends, cells, blank = _measured(part, layout, whole=start + block >= len(data))
        if not len(ends):
            block *= 2  # one row that is longer than a block
            continue
        odd = np.flatnonzero((cells != columns) & ~blank)
        if len(odd) and not wrong:
            first, cells_of_first = rows + int(odd[0]) + 1, int(cells[odd[0]])
        wrong += len(odd)
        rows += len(ends)
        start += int(ends[-1]) + 1
    if wrong == 1 and first == rows:
        raise IndievalueError(
            f"{path} is cut off or damaged: its last row has {cells_of_first} cells, and its header {columns} columns"
        )
    if wrong:
        others = f", and {wrong - 1:,} further rows do not fit either" if wrong > 1 else ""
        raise IndievalueError(
            f"{path}: row {first:,} has {cells_of_first} cells, and the header {columns} columns{others}; a separator "
            "inside a cell (a decimal comma, say) shifts the rest of its row: save the file again with such cells in "
            "quotes, or with another separator"
        )


def _measured(
    part: NDArray[np.uint8], layout: Layout, *, whole: bool
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.bool_]]:
    """Where the rows of ``part`` end, how many cells they have, and whether they are empty lines.

    ``part`` begins with a row; it is the rest of the file where it is ``whole``, and else its last row may be cut off.
    """
    separators, ends = cell_ends(part, layout, whole=whole)
    cells = np.diff(np.searchsorted(separators, ends), prepend=0) + 1
    lengths = np.diff(ends, prepend=-1) - 1
    returns = (lengths == 1) & (part[np.maximum(ends - 1, 0)] == _RETURN)
    return ends, cells, (lengths == 0) | returns


def cell_ends(part: NDArray[np.uint8], layout: Layout, *, whole: bool) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Where the separators between cells are in ``part``, and where its rows end, as in :func:`_measured`."""
    separators = part == ord(layout.separator)
    line_ends = part == ord(layout.end)
    quotes = part == _QUOTE
    if quotes.any():
        inside = np.bitwise_xor.accumulate(quotes)
        separators &= ~inside
        line_ends &= ~inside
    ends = np.flatnonzero(line_ends)
    if whole and (not len(ends) or ends[-1] != len(part) - 1):
        ends = np.append(ends, len(part))
    return np.flatnonzero(separators), ends
