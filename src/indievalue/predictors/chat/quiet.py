"""Where Inspect writes while it asks, and how it is kept from writing people's statements anywhere else.

Left to itself it keeps a database of every prompt, readable by all users, and a trace in the home directory, opens a
socket on which a run can be controlled, and prints tracebacks that hold prompts.
"""

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from indievalue.environment import variables

PREFIX = "indievalue-asking-"
"""Beginning of the names of folders for Inspect's log, in the folder for temporary files."""

_LOCK = ".lock"

QUIETLY: dict[str, Any] = {
    "log_realtime": False,  # no database of samples
    "log_level": "critical",
    "log_level_transcript": "critical",
    "ctl_server": False,
    "acp_server": False,
    "debug_errors": False,
    "score_display": False,
    "notification": False,
}
"""Arguments of ``inspect_ai.eval``."""


class Scratch:
    """A folder of this process, readable by its user only, for Inspect's log.

    It is deleted with this object or at exit. Those of processes that were killed are deleted when the next is made.
    """

    def __init__(self) -> None:
        remove_stale(Path(tempfile.gettempdir()))
        self._folder = tempfile.TemporaryDirectory(prefix=PREFIX, ignore_cleanup_errors=True)
        self.path = Path(self._folder.name)
        self._lock = (self.path / _LOCK).open("w")
        _locked(self._lock.fileno())


def remove_stale(root: Path) -> None:
    """Delete the user's own folders in ``root`` whose process has ended without doing so."""
    for folder in root.glob(f"{PREFIX}*"):
        with suppress(OSError), (folder / _LOCK).open("r+") as lock:
            if folder.stat().st_uid == os.getuid() and not folder.is_symlink() and _locked(lock.fileno()):
                shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def quiet(folder: Path) -> Iterator[None]:
    """Have Inspect write its trace of nothing but disasters to ``folder``, unless the user has chosen a file."""
    ours = {"INSPECT_TRACE_FILE": str(folder / "trace.log"), "INSPECT_TRACE_LEVEL": "CRITICAL"}
    with variables({} if "INSPECT_TRACE_FILE" in os.environ else ours):
        yield


def _locked(handle: int) -> bool:
    """Lock an open file until it is closed or this process ends. Return False if another process has it."""
    try:
        import fcntl
    except ImportError:  # not on Windows, where nothing is removed
        return False
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    return True
