"""Processes by their ids, and when each began, so that no other process that has got the same id is ever ended."""

import os
import signal
import time
from contextlib import suppress
from pathlib import Path

_ENDING = 10.0
"""Seconds that processes have to end by themselves."""


def end(processes: dict[int, int], patience: float = _ENDING) -> None:
    """Wait for processes to end, and kill those that do not."""
    deadline = time.monotonic() + patience
    while alive := [process for process, when in processes.items() if began(process) == when]:
        if time.monotonic() >= deadline:
            for process in alive:
                with suppress(OSError):
                    os.kill(process, signal.SIGKILL)
            return
        time.sleep(0.1)


def descendants(process: int) -> dict[int, int]:
    """Return the processes that a process has started, and those that these have, with when each began."""
    children: dict[int, list[int]] = {}
    for folder in Path("/proc").glob("[0-9]*"):  # not on macOS: there, they are left to Ray
        if (status := _status(int(folder.name))) is not None:
            children.setdefault(int(status[1]), []).append(int(folder.name))
    found, waiting = {}, [process]
    while waiting:
        for child in children.get(waiting.pop(), ()):
            if (when := began(child)) is not None:
                found[child] = when
                waiting.append(child)
    return found


def began(process: int) -> int | None:
    """Return when a process began, in ticks since the machine did; None if there is none that runs."""
    status = _status(process)
    return None if status is None or status[0] == "Z" else int(status[19])


def _status(process: int) -> list[str] | None:
    """Return the fields of ``/proc/PID/stat`` that follow the name: state, parent, and so on."""
    try:
        return Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return None
