"""Report the progress of training on stderr."""

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

from indievalue.safe_text import terminal_text

_BETWEEN_LINES = 30.0
"""Seconds between two lines if stderr is not a terminal."""


Report = Callable[[int, float, float], None]
"""Called after every epoch with the number of epochs done, and validation log loss and accuracy (0 to 1)."""


@contextmanager
def reporting(epochs: int, done: int) -> Iterator[Report]:
    """Show a progress bar on a terminal, else a line every half minute; ``done`` epochs were done before."""
    if sys.stderr.isatty():
        with _bar() as bar:
            task = bar.add_task("", total=epochs, completed=done)

            def advance(done: int, log_loss: float, accuracy: float) -> None:
                bar.update(task, completed=done, description=_words(log_loss, accuracy))

            yield advance
        return
    start = said = time.monotonic()

    def line(now_done: int, log_loss: float, accuracy: float) -> None:
        nonlocal said
        now = time.monotonic()
        if now - said >= _BETWEEN_LINES:
            said = now
            left = (now - start) / (now_done - done) * (epochs - now_done)
            say(f"epoch {now_done} of {epochs}, {_words(log_loss, accuracy)}, about {left:.0f} s left")

    yield line


def say(message: str) -> None:
    """Print one line on stderr."""
    print(terminal_text(f"masked: {message}"), file=sys.stderr, flush=True)


def _words(log_loss: float, accuracy: float) -> str:
    return f"validation log loss {log_loss:.4f}, accuracy {100 * accuracy:.1f} %"


def _bar() -> Progress:
    return Progress(
        TextColumn("masked: epoch {task.completed} of {task.total}"),
        BarColumn(),
        TextColumn("{task.description}"),
        TimeRemainingColumn(),
        console=Console(stderr=True),
        transient=True,
    )
