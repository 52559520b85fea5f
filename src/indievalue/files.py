"""Atomic writes: a half-written file never appears under its final name. And rows of files that are refused.

Output is written beside its final name, as ``.NAME.xxxxxxxx.partial``, and then renamed. A process locks what it is
writing; whoever writes there next removes what killed processes have left, which nobody locks any more.
"""

import errno
import os
import re
import secrets
import shutil
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import TextIO

import polars as pl
from polars.exceptions import PolarsError

from indievalue.errors import IndievalueError

_PARTIAL, _EARLIER = "partial", "earlier"
"""Endings of what is being written, and of what it replaces."""


def cache_root() -> Path:
    """Return the cache directory: ``$INDIEVALUE_CACHE``, or else ``~/.cache/indievalue``."""
    given = os.environ.get("INDIEVALUE_CACHE")
    return Path(given) if given else Path.home() / ".cache" / "indievalue"


@contextmanager
def new_file(path: Path, *, private: bool = False) -> Iterator[Path]:
    """Yield a temporary path beside ``path``; renamed to it if the block succeeds, deleted if it fails.

    The umask decides who may read the file; a ``private`` one nobody but its owner may.
    """

    def make(beside: Path) -> None:
        os.close(os.open(beside, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600 if private else 0o666))

    beside, lock = _made_beside(path, make)
    try:
        yield beside
        beside.replace(path)
    except (OSError, PolarsError) as error:
        raise _unwritable(path, error) from None
    finally:
        beside.unlink(missing_ok=True)
        _release(lock)


def check_directory(path: Path, *, force: bool) -> None:
    """Check ``path`` as :func:`new_directory` does, so that a long job fails before it starts."""
    try:
        if Path.cwd().is_relative_to(path.resolve()):
            raise IndievalueError(f"{path} is the folder you are in, or holds it; name a new one with --out")
        if path.exists() and not path.is_dir():
            raise IndievalueError(f"{path} is a file; --out names a directory")
        if path.exists() and any(path.iterdir()) and not force:
            raise _taken(path)
    except OSError as error:
        raise _unwritable(path, error) from None


@contextmanager
def new_directory(path: Path, *, force: bool) -> Iterator[Path]:
    """Yield a temporary directory beside ``path`` that replaces it if the block succeeds; otherwise deleted.

    Raises IndievalueError where ``path`` holds anything already and ``force`` is not given, or cannot be written. With
    ``force`` the earlier content is replaced only once the new one is complete.
    """
    _remove_stale(path)
    check_directory(path, force=force)
    beside, lock = _made_beside(path, Path.mkdir)
    try:
        yield beside
        _take_place(beside, path, force=force)
    except (OSError, PolarsError) as error:
        raise _unwritable(path, error) from None
    except IndievalueError as error:
        if str(beside) not in str(error):
            raise
        raise IndievalueError(str(error).replace(str(beside), str(path))) from None  # of a file or directory in it
    finally:
        shutil.rmtree(beside, ignore_errors=True)
        _release(lock)


@contextmanager
def reserved(path: Path, *, force: bool) -> Iterator[None]:
    """Keep the directory ``path``, which must be new or empty without ``force``, for this process until the block ends.

    For commands that read and compute before they write: both are found out before, and not after. Raises
    IndievalueError where another process is making it, or as :func:`check_directory` does.
    """
    check_directory(path, force=force)
    with only_writer(path):
        check_directory(path, force=force)  # again: another process may have finished it meanwhile
        yield


@contextmanager
def only_writer(path: Path, option: str = "--out") -> Iterator[None]:
    """Keep every other process from making ``path`` until the block ends; one that is killed lets go.

    Folders made for it are removed if nothing has been written there. Raises IndievalueError where another process is
    making it, with its id, its machine and since when; ``option`` is the one that names another path.
    """
    lock = path.parent / f".{path.name}.lock"
    opened: list[TextIO] = []
    missing = [parent for parent in path.parents if not parent.exists()]
    try:
        _hold_file(lock, path, opened, option)
        _remove_stale(path)
        yield
    finally:
        if not opened:
            with suppress(OSError):
                opened.append(lock.open("r+"))  # an interrupt may come before the new file's handle is known
        for handle in opened:
            with handle, suppress(OSError, IndievalueError):
                _lock(handle, path, option)  # it has it, unless it was interrupted before, or another process has it
                if _is_at(handle.fileno(), lock):
                    lock.unlink()
        for parent in missing:
            with suppress(OSError):  # it holds something
                parent.rmdir()


def _hold_file(lock: Path, path: Path, opened: list[TextIO], option: str) -> None:
    """Open and lock the file ``lock``, and add its handle to ``opened``."""
    while True:
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            opened.append(lock.open("a+", encoding="utf-8"))
        except OSError as error:
            raise _unwritable(path, error) from None
        _lock(opened[-1], path, option)
        if _is_at(opened[-1].fileno(), lock):
            return
        opened.pop().close()  # deleted by the process that held it until now


@contextmanager
def locked(path: Path, option: str = "--out") -> Iterator[None]:
    """Keep every other process out of the directory ``path`` until the block ends; one that is killed lets go.

    The directory is made where it is not there. Raises IndievalueError where another process is at work in it (see
    :func:`only_writer`).
    """
    try:
        path.mkdir(parents=True, exist_ok=True)
        lock = (path / ".lock").open("a+", encoding="utf-8")
    except OSError as error:
        raise _unwritable(path, error) from None
    with lock:
        _lock(lock, path, option)
        try:
            yield
        finally:
            with suppress(OSError):
                lock.truncate(0)  # the directory may be given to others, and the machine's name is in it


def refuse_rows(path: Path, table: pl.DataFrame, wrong: pl.Expr, complaint: str) -> None:
    """Raise IndievalueError, with the first row's number and values in ``complaint``, if a row of a file is wrong."""
    found = table.with_row_index("row", 1).filter(wrong)
    if not found.is_empty():
        row = found.row(0, named=True)
        raise IndievalueError(f"{path}, row {row['row']:,}: {complaint.format(**row)}")


def _lock(lock: TextIO, path: Path, option: str) -> None:
    """Lock an open file, and write into it who holds it. Raises IndievalueError if another process has locked it."""
    try:
        import fcntl
    except ImportError:  # not on Windows
        return
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        raise IndievalueError(
            f"another process is at work in {path}{_holder(lock)}; wait for it, or choose another {option}"
        ) from None
    except OSError:
        return  # a file system without locks
    with suppress(OSError):  # a full disk: the lock holds, but does not say whose it is
        lock.truncate(0)
        since = datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC")
        holder = f"process {os.getpid()} on {socket.gethostname()}, since {since}"
        os.write(lock.fileno(), holder.encode())  # at once: what a buffer holds would fail again when it is closed


def _holder(lock: TextIO) -> str:
    """Return who holds a lock, in brackets; nothing where its file does not say."""
    with suppress(OSError, ValueError):
        lock.seek(0)
        said = lock.read(200)
        if re.fullmatch(r"process \d+ on \S+, since [-\d]+ [\d:]+ UTC", said):
            return f" ({said})"
    return ""


def _made_beside(path: Path, make: Callable[[Path], None]) -> tuple[Path, int | None]:
    """Make a temporary path beside ``path`` and lock it; what killed processes have left there is removed first."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        _remove_stale(path)
        while True:
            beside = _name_beside(path, _PARTIAL)
            make(beside)
            try:
                lock = _hold(beside)
            except BlockingIOError:
                continue  # another process is about to remove it, because it was not locked yet
            if lock is None or _is_at(lock, beside):
                return beside, lock
            _release(lock)
    except OSError as error:
        raise _unwritable(path, error) from None


def _name_beside(path: Path, ending: str) -> Path:
    return path.parent / f".{path.name}.{secrets.token_hex(4)}.{ending}"


def _remove_stale(path: Path) -> None:
    """Remove what killed processes have left beside ``path``; an earlier content that lost its name gets it back."""
    beside: list[Path] = []
    left = re.compile(rf"\.{re.escape(path.name)}\.[a-z0-9_]{{8}}\.({_PARTIAL}|{_EARLIER})")
    with suppress(OSError):  # a folder that can be written, but not listed
        beside = list(path.parent.iterdir())
    for found in beside:
        if (match := left.fullmatch(found.name)) is None:
            continue
        with suppress(OSError):  # BlockingIOError: its process is alive
            if (lock := _hold(found)) is None:
                continue
            try:
                if match[1] == _EARLIER and not path.exists():
                    found.replace(path)
                elif found.is_dir():
                    shutil.rmtree(found, ignore_errors=True)
                else:
                    found.unlink()
            finally:
                _release(lock)


def _hold(path: Path) -> int | None:
    """Lock a file or directory; None where the system has no locks. Raises BlockingIOError if it is locked."""
    try:
        import fcntl
    except ImportError:  # not on Windows
        return None
    handle = os.open(path, os.O_RDONLY)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(handle)
        raise
    except OSError:  # a file system without locks
        os.close(handle)
        return None
    return handle


def _release(lock: int | None) -> None:
    if lock is not None:
        os.close(lock)


def _is_at(handle: int, path: Path) -> bool:
    """Whether the open file ``handle`` still has the name ``path``."""
    try:
        return os.path.samestat(os.fstat(handle), path.stat())
    except FileNotFoundError:
        return False


def _take_place(beside: Path, path: Path, *, force: bool) -> None:
    """Rename ``beside`` to ``path``. Without ``force`` nothing that has appeared there meanwhile is replaced."""
    if not path.exists():
        _rename_onto_nothing(beside, path)
        return
    if not force:
        check_directory(path, force=False)
        path.unlink() if path.is_symlink() else path.rmdir()
        _rename_onto_nothing(beside, path)
        return
    earlier = _name_beside(path, _EARLIER)
    lock = None
    with suppress(OSError):
        lock = _hold(path)
    path.replace(earlier)
    try:
        beside.replace(path)
    except BaseException:
        earlier.replace(path)
        raise
    else:
        shutil.rmtree(earlier, ignore_errors=True)
    finally:
        _release(lock)


def _rename_onto_nothing(beside: Path, path: Path) -> None:
    try:
        beside.replace(path)  # fails where another process has made the directory meanwhile, unless it is empty
    except OSError as error:
        if error.errno in (errno.ENOTEMPTY, errno.EEXIST):
            raise _taken(path) from None
        raise


def _taken(path: Path) -> IndievalueError:
    return IndievalueError(f"{path} exists already; choose another --out, or give --force to replace it")


def _unwritable(path: Path, error: OSError | PolarsError) -> Exception:
    """Return the error to raise. Polars rewords operating-system errors; its other errors are bugs and stay as is."""
    if isinstance(error, OSError):
        return IndievalueError(f"cannot write {path}: {error.strerror or error}")
    said = re.search(r"([^:]+) \(os error \d+\)", str(error))
    return IndievalueError(f"cannot write {path}: {said[1].strip()}") if said else error
