"""Compressed files, unpacked up to a limit: a small file that unpacks to more than memory holds is refused."""

import gzip
import os
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import IO

from indievalue.errors import IndievalueError

_FREE = 1 << 28
"""Bytes that any file may unpack to."""

_RATIO = 100
"""How many times its own size a file may unpack to beyond that; files of survey answers reach 60."""

_BLOCK = 1 << 20


def gunzip(path: Path) -> bytes:
    """Return the content of a gzip file. Raises IndievalueError where it is damaged, or unpacks to far too much."""
    unpacked = bytearray()
    try:
        with path.open("rb") as packed, gzip.open(packed) as file:
            while part := file.read(_BLOCK):
                unpacked += part
                _check(path, len(unpacked), packed.tell())
    except (OSError, EOFError, zlib.error) as error:
        raise IndievalueError(f"{path} is not a whole gzip file: {error}") from None
    return bytes(unpacked)


@contextmanager
def unzipped(path: Path, endings: tuple[str, ...]) -> Iterator[Path]:
    """Give the path of the one data file in a zip archive, unpacked into a temporary folder for the time of the block.

    ``endings`` are those of data files. Raises IndievalueError where none or several are in the archive, it is
    encrypted or damaged, or unpacks to far too much.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            found = [item for item in archive.infolist() if _is_data(item.filename, endings)]
            if len(found) != 1:
                names = ", ".join(item.filename for item in found[:5]) if found else "no data file"
                raise IndievalueError(f"{path} holds {names}: unpack it, and give the file to read")
            if found[0].flag_bits & 1:
                raise IndievalueError(f"{path} is encrypted: unpack it with its password, and give the file in it")
            with TemporaryDirectory(prefix="indievalue-") as folder:
                inner = Path(folder) / Path(found[0].filename).name
                with archive.open(found[0]) as packed, inner.open("wb") as file:
                    _copy(packed, file, path, found[0].compress_size)
                yield inner
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError) as error:
        raise IndievalueError(f"{path} is no whole zip archive: {error}") from None


def check_archive(path: Path) -> None:
    """Raise IndievalueError where the members of a zip archive (an Excel file is one) unpack to far too much."""
    with zipfile.ZipFile(path) as archive:
        for item in archive.infolist():
            _check(path, item.file_size, item.compress_size)


def _copy(packed: IO[bytes], file: IO[bytes], path: Path, size: int) -> None:
    unpacked = 0
    while part := packed.read(_BLOCK):
        unpacked += len(part)
        _check(path, unpacked, size)
        file.write(part)


def _is_data(name: str, endings: tuple[str, ...]) -> bool:
    base = name.rpartition("/")[2]
    return base.lower().endswith(endings) and not base.startswith(".") and "__MACOSX" not in name


def _check(path: Path, unpacked: int, packed: int) -> None:
    """Raise IndievalueError where ``unpacked`` bytes that came out of ``packed`` are more than any survey would."""
    if unpacked > _FREE and (unpacked > _RATIO * packed or unpacked > _memory() // 2):
        raise IndievalueError(
            f"{path} unpacks to {unpacked / 1e9:,.1f} GB or more, which is {unpacked / max(packed, 1):,.0f} times its "
            "size: no file of survey answers does, or this machine has no room for it"
        )


def _memory() -> int:
    """Bytes of memory of this machine; 8 GB where the system does not tell."""
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") if hasattr(os, "sysconf") else 1 << 33
