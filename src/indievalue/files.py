"""Atomic writes: a half-written file never appears under its final name."""

import os
import re
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TextIO

from polars.exceptions import PolarsError

from indievalue.errors import IndievalueError


def cache_root() -> Path:
    """Return the cache directory: ``$INDIEVALUE_CACHE``, or else ``~/.cache/indievalue``."""
    given = os.environ.get("INDIEVALUE_CACHE")
    return Path(given) if given else Path.home() / ".cache" / "indievalue"


@contextmanager
def new_file(path: Path) -> Iterator[Path]:
    """Yield a temporary path beside ``path``; renamed to it if the block succeeds, deleted if it fails."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(prefix=f".{path.name}.", suffix=".partial", dir=path.parent)
        os.close(handle)
    except OSError as error:
        raise _unwritable(path, error) from None
    beside = Path(name)
    try:
        yield beside
        beside.chmod(0o644)
        beside.replace(path)
    except (OSError, PolarsError) as error:
        raise _unwritable(path, error) from None
    finally:
        beside.unlink(missing_ok=True)


def check_directory(path: Path, *, force: bool) -> None:
    """Check ``path`` as :func:`new_directory` does, so that a long job fails before it starts."""
    try:
        if Path.cwd().is_relative_to(path.resolve()):
            raise IndievalueError(f"{path} is the folder you are in, or holds it; name a new one with --out")
        if path.exists() and not path.is_dir():
            raise IndievalueError(f"{path} is a file; --out names a directory")
        if path.exists() and any(path.iterdir()) and not force:
            raise IndievalueError(f"{path} exists already; choose another --out, or give --force to replace it")
    except OSError as error:
        raise _unwritable(path, error) from None


@contextmanager
def new_directory(path: Path, *, force: bool) -> Iterator[Path]:
    """Yield a temporary directory beside ``path`` that replaces it if the block succeeds; otherwise deleted.

    Raises IndievalueError where ``path`` holds anything already and ``force`` is not given, or cannot be written. With
    ``force`` the earlier content is replaced only once the new one is complete.
    """
    check_directory(path, force=force)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        beside = Path(tempfile.mkdtemp(prefix=f".{path.name}.", suffix=".partial", dir=path.parent))
    except OSError as error:
        raise _unwritable(path, error) from None
    try:
        yield beside
        beside.chmod(0o755)
        _take_place(beside, path)
    except (OSError, PolarsError) as error:
        raise _unwritable(path, error) from None
    finally:
        shutil.rmtree(beside, ignore_errors=True)


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """Keep every other process out of the directory ``path`` until the block ends; one that is killed lets go.

    The directory is made where it is not there. Raises IndievalueError where another process is at work in it.
    """
    try:
        path.mkdir(parents=True, exist_ok=True)
        lock = (path / ".lock").open("w")
    except OSError as error:
        raise _unwritable(path, error) from None
    with lock:
        _lock(lock, path)
        yield


def _lock(lock: TextIO, path: Path) -> None:
    try:
        import fcntl
    except ImportError:  # not on Windows
        return
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        raise IndievalueError(f"another process is at work in {path}; wait for it, or choose another --out") from None
    except OSError:
        pass  # a file system without locks


def _take_place(beside: Path, path: Path) -> None:
    if not path.exists():
        beside.replace(path)
        return
    earlier = Path(tempfile.mkdtemp(prefix=f".{path.name}.", suffix=".earlier", dir=path.parent))
    path.replace(earlier)
    try:
        beside.replace(path)
    except BaseException:
        earlier.replace(path)
        raise
    shutil.rmtree(earlier, ignore_errors=True)


def _unwritable(path: Path, error: OSError | PolarsError) -> Exception:
    """Return the error to raise. Polars rewords operating-system errors; its other errors are bugs and stay as is."""
    if isinstance(error, OSError):
        return IndievalueError(f"cannot write {path}: {error.strerror or error}")
    said = re.search(r"([^:]+) \(os error \d+\)", str(error))
    return IndievalueError(f"cannot write {path}: {said[1].strip()}") if said else error
