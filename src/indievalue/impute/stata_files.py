"""Completed Stata files: everything stays as it is but for the cells that are filled, which keep their widths.

Follows `help dta` of Stata: formats 113-115 (Stata 8-12) and 117-119 (since Stata 13).
"""

import struct
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from indievalue.errors import IndievalueError
from indievalue.impute.copies import Copies

_NUMBERS = {65526: 8, 65527: 4, 65528: 4, 65529: 2, 65530: 1, 32768: 8}
"""Widths of the types that are no short text, since Stata 13."""

_OLD_NUMBERS = {251: 1, 252: 2, 253: 4, 254: 4, 255: 8}
"""Widths of numbers before Stata 13."""

_FORMATS = {113: 12, 114: 49, 115: 49}
"""Bytes of a display format, by version of the file format."""


@dataclass(frozen=True)
class _Rows:
    """Where the rows start, how many there are, and how many bytes each column takes."""

    start: int
    rows: int
    widths: NDArray[np.int64]


def complete_stata(source: Path, target: Path, copies: Copies, rows: int) -> None:
    """Write ``source`` to ``target`` with ``copies`` made; it must have as many ``rows``."""
    content = bytearray(source.read_bytes())
    try:
        found = _new(content) if content.startswith(b"<stata_dta>") else _old(content)
    except (struct.error, KeyError, ValueError):
        raise IndievalueError(
            f"{source} is of a version of Stata that is not written: give --out a .parquet or .csv file"
        ) from None
    if found.rows != rows:
        raise IndievalueError(f"{source}: {found.rows:,} rows were found to write, and {rows:,} were read")
    data = np.frombuffer(content, np.uint8)
    starts = np.concatenate([[0], np.cumsum(found.widths)])
    row_width = int(starts[-1])
    table = data[found.start : found.start + rows * row_width].reshape(rows, row_width)
    for column in np.unique(copies.columns).tolist():
        here = copies.columns == column
        cells = table[:, starts[column] : starts[column + 1]]
        cells[copies.rows[here]] = cells[copies.sources[here]]
    target.write_bytes(content)


def _new(content: bytearray) -> _Rows:
    """Of formats 117-119, whose parts have tags."""
    release = int(content[content.index(b"<release>") + 9 :][:3])
    order = "<" if content[content.index(b"<byteorder>") + 11 :][:3] == b"LSF" else ">"
    if release not in (117, 118, 119):
        raise ValueError
    columns = struct.unpack_from(order + ("I" if release == 119 else "H"), content, content.index(b"<K>") + 3)[0]
    rows = struct.unpack_from(order + ("I" if release == 117 else "Q"), content, content.index(b"<N>") + 3)[0]
    places = struct.unpack_from(order + "14Q", content, content.index(b"<map>") + 5)
    types = struct.unpack_from(f"{order}{columns}H", content, places[2] + len(b"<variable_types>"))
    widths = [kind if kind <= 2045 else _NUMBERS[kind] for kind in types]
    return _Rows(places[9] + len(b"<data>"), rows, np.array(widths, np.int64))


def _old(content: bytearray) -> _Rows:
    """Of formats 113-115."""
    release, order = content[0], ">" if content[1] == 1 else "<"
    columns, rows = struct.unpack_from(order + "HI", content, 4)
    at = 10 + 81 + 18
    widths = [kind if kind <= 244 else _OLD_NUMBERS[kind] for kind in content[at : at + columns]]
    at += columns * (1 + 33 + _FORMATS[release] + 33 + 81) + 2 * (columns + 1)
    while True:  # characteristics, up to an empty one
        kind, length = struct.unpack_from(order + "BI", content, at)
        at += 5 + length
        if not kind and not length:
            return _Rows(at, rows, np.array(widths, np.int64))
