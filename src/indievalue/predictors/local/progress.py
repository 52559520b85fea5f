"""Report progress on stderr."""

import sys
import time

from indievalue.safe_text import terminal_text

_BETWEEN_LINES = 30.0
"""Seconds between two lines."""


class ReadingProgress:
    """Print the progress and the remaining time every half minute."""

    def __init__(self, people: int, prompts: int) -> None:
        self.people, self.prompts = people, prompts
        self.done = self.read = 0
        self.start = self.said = time.monotonic()

    def person(self, read: bool) -> None:
        """Count one more person; ``read`` is False if their scores were cached."""
        self.done += 1
        self.read += read
        now = time.monotonic()
        if self.read and self.done < self.people and now - self.said >= _BETWEEN_LINES:
            self.said = now
            each = (now - self.start) / self.read
            left = each * (self.people - self.done)
            say(f"{self.done} of {self.people} people, {self.prompts / each:.1f} prompts/s, about {left:.0f} s left")


def say(message: str) -> None:
    """Print one line on stderr."""
    print(terminal_text(f"local: {message}"), file=sys.stderr, flush=True)
