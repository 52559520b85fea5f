"""Completed text files: all bytes stay as they are but those of the cells that are filled."""

import codecs
import gzip
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from indievalue.errors import IndievalueError
from indievalue.impute.copies import Copies
from indievalue.people.delimited import Layout, cell_ends, layout_of
from indievalue.people.unpack import gunzip

_BLOCK = 1 << 22
"""Bytes whose rows are computed at a time."""

_RETURN = ord("\r")

_WIDE = {codecs.BOM_UTF16_LE: "utf-16-le", codecs.BOM_UTF16_BE: "utf-16-be"}
"""Marks of the encodings in which a separator takes two bytes, and the encodings."""


def complete_text(source: Path, target: Path, copies: Copies, rows: int, header_row: int | None = None) -> None:
    """Write ``source`` to ``target`` with ``copies`` made; it must have as many ``rows`` after its header."""
    compressed = source.name.lower().endswith(".gz")
    content = gunzip(source) if compressed else source.read_bytes()
    mark = content[:2]
    if mark in _WIDE:
        content = content[2:].decode(_WIDE[mark]).encode()
    text = _Text(content, layout_of(source, content, header_row))
    if text.count() != rows:
        raise IndievalueError(f"{source}: {text.count():,} rows were found to write, and {rows:,} were read")
    parts = text.with_copies(copies.in_file_order())
    if mark in _WIDE:
        parts = iter([mark, b"".join(parts).decode().encode(_WIDE[mark])])
    if compressed:
        with target.open("wb") as raw, gzip.GzipFile("", "wb", 6, raw, 0) as packed:
            packed.writelines(parts)
    else:
        with target.open("wb") as out:
            out.writelines(parts)


class _Text:
    """The content of a text file, block by block."""

    def __init__(self, content: bytes, layout: Layout) -> None:
        self.content, self.layout = content, layout
        self.data = np.frombuffer(content, np.uint8)

    def count(self) -> int:
        """Number of rows after the header."""
        return sum(len(block.starts) for block in self.blocks())

    def blocks(self) -> "Iterator[_Block]":
        at, size, row = self.layout.start, _BLOCK, 0
        while at < len(self.data):
            part = self.data[at : at + size]
            separators, ends = cell_ends(part, self.layout, whole=at + size >= len(self.data))
            if not len(ends):
                size *= 2
                continue
            starts = np.concatenate([[0], ends[:-1] + 1])
            cut = ends - (part[np.maximum(ends - 1, 0)] == _RETURN) * (ends > starts)
            first = np.searchsorted(separators, starts)
            yield _Block(row, at, starts + at, cut + at, separators + at, first)
            row += len(ends)
            at += int(ends[-1]) + 1

    def with_copies(self, copies: Copies) -> Iterator[bytes]:
        """Yield the content in pieces, with the ``copies`` made, which are in the order of the file."""
        cells = self._cells(copies)
        done = 0
        width = len(self.layout.columns)
        for block in self.blocks():
            first, last = np.searchsorted(copies.rows, [block.row, block.row + len(block.starts)])
            columns, sources = copies.columns[first:last].tolist(), copies.sources[first:last].tolist()
            starts, ends = block.bounds(copies.rows[first:last], copies.columns[first:last], width)
            for column, source, start, end in zip(columns, sources, starts.tolist(), ends.tolist(), strict=True):
                yield self.content[done:start]
                yield cells[source, column]
                done = end
        yield self.content[done:]

    def _cells(self, copies: Copies) -> dict[tuple[int, int], bytes]:
        """The bytes of every cell that is copied, by its row and column."""
        wanted = np.unique(np.stack([copies.sources, copies.columns], axis=1), axis=0)
        found: dict[tuple[int, int], bytes] = {}
        for block in self.blocks():
            first, last = np.searchsorted(wanted[:, 0], [block.row, block.row + len(block.starts)])
            here = wanted[first:last]
            starts, ends = block.bounds(here[:, 0], here[:, 1], len(self.layout.columns))
            for (row, column), start, end in zip(here.tolist(), starts.tolist(), ends.tolist(), strict=True):
                found[row, column] = self.content[start:end]
        return found


class _Block:
    """Rows that lie together: the number of the first, and bytes where rows start and end and cells are separated.

    ``first`` is the index of each row's first separator.
    """

    def __init__(
        self,
        row: int,
        at: int,
        starts: NDArray[np.int64],
        ends: NDArray[np.int64],
        separators: NDArray[np.int64],
        first: NDArray[np.int64],
    ) -> None:
        self.row, self.at, self.starts, self.ends = row, at, starts, ends
        self.separators, self.first = separators, first

    def bounds(
        self, rows: NDArray[np.int64], columns: NDArray[np.int64], width: int
    ) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Where the cells in ``rows`` (of the file) and ``columns`` start and end, in bytes."""
        within = rows - self.row
        before = self.first[within] + columns
        padded = np.concatenate([[0], self.separators, [0]])
        starts = np.where(columns == 0, self.starts[within], padded[np.minimum(before, len(padded) - 1)] + 1)
        ends = np.where(columns == width - 1, self.ends[within], padded[np.minimum(before + 1, len(padded) - 1)])
        return starts, ends
