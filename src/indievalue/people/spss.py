"""What the SPSS reader does not check of a .sav file: that its dictionary is sound and its last row whole.

Follows the description of the format in the PSPP developers' guide. A cell is 8 bytes; a text of more takes several.
"""

import mmap
import re
import struct
from dataclasses import dataclass
from pathlib import Path

_HEADER = 176
# Kinds of records in the dictionary, which precedes the rows.
_VARIABLE, _LABELS, _LABELLED, _DOCUMENTS, _EXTENSION, _END = 2, 3, 4, 6, 7, 999
_PLAIN, _COMPRESSED = 0, 1
_VERY_LONG = 14
"""Kind of the extension that lists texts of more than 255 bytes, each of which is several variables."""

_SEGMENT = 252
"""Bytes of such a text that a variable holds."""


@dataclass(frozen=True)
class Dictionary:
    """What comes before the rows of a .sav file.

    Attributes:
        order: of bytes, ``<`` or ``>``. start: byte at which the rows start. cells: of a row. variables: the first cell
            of each column, in the order in which a reader gives them.
    """

    order: str
    start: int
    cells: int
    variables: tuple[int, ...]


def check_dictionary(path: Path) -> None:
    """Raises ValueError or struct.error where the dictionary is damaged.

    The width of a variable is what matters: a wrong one makes the reader end the whole process.
    """
    with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as content:
        dictionary_of(content)


def ends_within_a_row(path: Path) -> bool:
    """Whether the last row of the file is not whole; False for a zipped one (.zsav), which the reader checks.

    A file that was cut exactly between two rows, and does not tell how many it had, cannot be told from a whole one.
    """
    with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as content:
        found = dictionary_of(content)
        order, start, cells_of_a_row = found.order, found.start, found.cells
        compression = struct.unpack_from(f"{order}i", content, 72)[0]
        if compression == _PLAIN:
            return (len(content) - start) % (8 * cells_of_a_row) != 0
        return compression == _COMPRESSED and _whole_cells(content, start) % cells_of_a_row != 0


def _byte_order(content: mmap.mmap | bytearray) -> str:
    return "<" if struct.unpack_from("<i", content, 64)[0] in (2, 3) else ">"


def dictionary_of(content: mmap.mmap | bytearray) -> Dictionary:
    """Read the dictionary of a file. Raises ValueError or struct.error where it is damaged."""
    order = _byte_order(content)
    at, cells, continued = _HEADER, 0, 0
    names: list[tuple[str, int]] = []
    segments: dict[str, int] = {}

    def number(offset: int) -> int:
        return int(struct.unpack_from(f"{order}i", content, at + offset)[0])

    while (record := number(0)) != _END:
        if record == _VARIABLE:
            width = number(4)
            if (width == -1) != (continued > 0) or not -1 <= width <= 255:
                raise ValueError(f"cell {cells + 1} of its rows has the impossible width {width}")
            if width != -1:
                names.append((content[at + 24 : at + 32].decode("latin-1").rstrip(), cells))
            continued = continued - 1 if width == -1 else max(-(-width // 8) - 1, 0)
            cells += 1
            label = 4 + -(-_size(number(32)) // 4) * 4 if number(8) else 0
            at += 32 + label + 8 * abs(number(12))
        elif record == _LABELS:
            labels = _size(number(4))
            at += 8
            for _ in range(labels):
                at += 8 + (content[at + 8] // 8 + 1) * 8
        elif record == _LABELLED:
            at += 8 + 4 * _size(number(4))
        elif record == _DOCUMENTS:
            at += 8 + 80 * _size(number(4))
        elif record == _EXTENSION:
            size = _size(number(8)) * _size(number(12))
            if number(4) == _VERY_LONG:
                listed = content[at + 16 : at + 16 + size].decode("latin-1")
                segments = {name: -(-int(width) // _SEGMENT) for name, width in re.findall(r"(\S+?)=(\d+)", listed)}
            at += 16 + size
        else:
            raise ValueError(f"its dictionary holds a record of the unknown kind {record}")
    if cells == 0 or continued:
        raise ValueError("its dictionary is not whole")
    variables: list[int] = []
    further = 0
    for name, cell in names:
        if further:
            further -= 1  # a variable that goes on with the text of the one before
            continue
        variables.append(cell)
        further = segments.get(name, 1) - 1
    return Dictionary(order, at + 8, cells, tuple(variables))


def _size(number: int) -> int:
    if number < 0:
        raise ValueError(f"its dictionary holds a part of the size {number}")
    return number


def _whole_cells(content: mmap.mmap, at: int) -> int:
    """How many cells compressed rows hold from ``at`` on, or -1 where the last is cut.

    Every 8 bytes are commands, one for a cell each, and are followed by the cells that the commands 253 stand for.
    """
    skip, end, written_out = 0, 252, 253
    cells = 0
    while at < len(content):
        commands = content[at : at + 8]
        if end in commands:
            commands = commands[: commands.index(end)]
            return cells + len(commands) - commands.count(skip)
        cells += len(commands) - commands.count(skip)
        at += 8 + 8 * commands.count(written_out)
    return cells if at == len(content) else -1
