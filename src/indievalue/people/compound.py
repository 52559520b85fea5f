"""What the reader of .xls workbooks does not check of the compound file around them: that its tables are sound.

Follows the description of the format that Microsoft publishes (MS-CFB). A file is divided into sectors, which a table
chains; the directory is a chain of entries of 128 bytes, each with the first sector and the size of a stream. Short
streams are in a table of their own.
"""

import mmap
import struct
from collections.abc import Sequence
from pathlib import Path

_SIGNATURE = bytes.fromhex("d0cf11e0a1b11ae1")
_ENTRY = 128
_LAST = 0xFFFFFFFA
"""Sector numbers from here on stand for the end of a chain, or for no sector."""

_NONE, _STORAGE, _STREAM, _ROOT = 0, 1, 2, 5  # kinds of entries
_SHORT = 4096
"""Streams of fewer bytes are in the table of short ones."""


def check_compound(path: Path) -> None:
    """Raise ValueError or struct.error where the tables of a compound file are damaged; other files pass.

    The reader follows a chain that goes round in circles until memory is full, which ends the whole process.
    """
    with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as content:
        if content[: len(_SIGNATURE)] != _SIGNATURE:
            return
        shift = struct.unpack_from("<H", content, 30)[0]
        if shift not in (9, 12):
            raise ValueError(f"its sectors have the impossible size 2^{shift}")
        size = 1 << shift
        if any(struct.unpack_from("<I", content, at)[0] * size > len(content) for at in (44, 64, 72)):
            raise ValueError("its header tells of more sectors than it has")
        listed = [sector for sector in struct.unpack_from("<109I", content, 76) if sector < _LAST]
        table = _numbers(_sectors(content, size, listed))
        directory = _sectors(content, size, _chain(struct.unpack_from("<I", content, 48)[0], table))
        if not directory:
            raise ValueError("its directory is not where its header tells")
        short = _numbers(_sectors(content, size, _chain(struct.unpack_from("<I", content, 60)[0], table)))
        for at in range(0, len(directory) - _ENTRY + 1, _ENTRY):
            kind, start, length = directory[at + 66], *struct.unpack_from("<II", directory, at + 116)
            if kind not in (_NONE, _STORAGE, _STREAM, _ROOT) or (kind in (_STREAM, _ROOT) and length > len(content)):
                raise ValueError("its directory is damaged")
            if kind in (_STREAM, _ROOT):
                _chain(start, short if kind == _STREAM and length < _SHORT else table)


def _sectors(content: mmap.mmap, size: int, numbers: Sequence[int]) -> bytes:
    return b"".join(content[(number + 1) * size : (number + 2) * size] for number in numbers)


def _numbers(table: bytes) -> tuple[int, ...]:
    return struct.unpack(f"<{len(table) // 4}I", table[: len(table) // 4 * 4])


def _chain(start: int, table: Sequence[int]) -> list[int]:
    """The sectors of a chain, as far as the table goes. Raises ValueError where they go round in circles."""
    sectors: list[int] = []
    while start < len(table):
        if len(sectors) > len(table):
            raise ValueError("its sectors go round in circles")
        sectors.append(start)
        start = table[start]
    return sectors
