"""Durations in words, and progress on stderr: one line that is updated on a terminal, elsewhere a line now and then."""

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Self

from rich.console import Console
from rich.status import Status

from indievalue.safe_text import terminal_text

BETWEEN_LINES = 30.0
"""Seconds between two lines where stderr is not a terminal."""

_SILENT = 5.0
"""Seconds of work before anything is shown: what is over sooner needs no progress."""

_REDRAWN = 0.2
"""Seconds between two updates on a terminal."""


def duration(seconds: float) -> str:
    """Format seconds as ``8 s``, ``3 min``, ``1 h 20 min`` or ``2 days 4 h``."""
    if seconds < 90:
        return f"{max(1, round(seconds))} s"
    minutes = round(seconds / 60)
    if minutes < 60:
        return f"{minutes} min"
    hours, minutes = divmod(minutes, 60)
    if hours < 48:
        return f"{hours} h {minutes} min" if minutes else f"{hours} h"
    days, hours = divmod(hours, 24)
    return f"{days} days {hours} h" if hours else f"{days} days"


def time_left(taken: float, done: int, total: int) -> str:
    """Estimate how long the rest takes, if ``done`` steps of ``total`` have ``taken`` so many seconds.

    >>> time_left(60, 10, 50)
    'about 4 min left'
    """
    return f"about {duration(taken / done * (total - done))} left"


class Progress:
    """How far a task of ``total`` steps is, and how long the rest will take.

    Steps whose result was known before, which take no time, do not count in the estimate of the rest. Use
    :func:`progress` to make one.
    """

    def __init__(self, name: str, total: int, what: str, status: Status | None) -> None:
        self.name, self.total, self.what = name, total, what
        self.done = self._known = 0
        self._status = status
        self._start = self._said = time.monotonic()

    def advance(self, steps: int = 1, *, known: bool = False, about: str = "") -> Self:
        """Count ``steps`` more; they are ``known`` if nothing had to be done for them. ``about`` is shown with them."""
        self.done += steps
        self._known += steps if known else 0
        now = time.monotonic()
        between = BETWEEN_LINES if self._status is None else _REDRAWN
        if now - self._start < _SILENT or now - self._said < between or self.done >= self.total:
            return self
        self._said = now
        if self._status is None:
            say(self.name, self.line(about, now))
        else:
            self._status.update(terminal_text(f"{self.name}: {self.line(about, now)}"))
            self._status.start()
        return self

    def line(self, about: str = "", now: float | None = None) -> str:
        """Return the progress in words: ``1,200 of 8,640 prompts, about 12 min left``."""
        parts = [f"{self.done:,} of {self.total:,} {self.what}", *filter(None, [about])]
        worked = self.done - self._known
        if worked > 0:
            taken = (time.monotonic() if now is None else now) - self._start
            parts.append(time_left(taken, worked, self.total - self.done + worked))
        return ", ".join(parts)


@contextmanager
def progress(name: str, total: int, what: str) -> Iterator[Progress]:
    """Show the progress of a task while the block runs, once it has taken five seconds.

    ``name`` begins the line, ``what`` are the steps: ``progress("local", 8640, "prompts")``.
    """
    if not sys.stderr.isatty():
        yield Progress(name, total, what, None)
        return
    status = Console(stderr=True, highlight=False, markup=False).status("")
    try:
        yield Progress(name, total, what, status)
    finally:
        status.stop()


def say(name: str, message: str) -> None:
    """Print one line on stderr."""
    print(terminal_text(f"{name}: {message}"), file=sys.stderr, flush=True)
