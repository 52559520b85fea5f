"""Report the progress of training on stderr."""

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

from indievalue.progress import BETWEEN_LINES, duration, time_left
from indievalue.progress import say as say_as

_LONG = 60
"""Seconds of training about which users are told beforehand."""

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
        if now - said >= BETWEEN_LINES:
            said = now
            left = time_left(now - start, now_done - done, epochs - done)
            say(f"epoch {now_done} of {epochs}, {_words(log_loss, accuracy)}, {left}")

    yield line


def say_how_long(epochs: int, seconds: float) -> None:
    """Say how long ``epochs`` will take at so many seconds each, if that is more than a minute."""
    if epochs * seconds > _LONG:
        text = f"training {epochs} epochs will take about {duration(epochs * seconds)} on this data and machine"
        say(f"{text}, or less if it stops improving; `gaussian` takes seconds and predicts nearly as well")


def say(message: str) -> None:
    """Print one line on stderr."""
    say_as("masked", message)


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
