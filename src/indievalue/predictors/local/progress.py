"""What is said on stderr while a model reads."""

import sys
import time

_BETWEEN_LINES = 30.0
"""Seconds between two lines."""


class ReadingProgress:
    """A line every half minute that says how far it is, and how long it takes still."""

    def __init__(self, people: int, prompts: int) -> None:
        self.people, self.prompts = people, prompts
        self.done = self.read = 0
        self.start = self.said = time.monotonic()

    def person(self, read: bool) -> None:
        """One person more is done; ``read`` unless their scores were kept from before."""
        self.done += 1
        self.read += read
        now = time.monotonic()
        if self.read and self.done < self.people and now - self.said >= _BETWEEN_LINES:
            self.said = now
            each = (now - self.start) / self.read
            left = each * (self.people - self.done)
            say(f"{self.done} of {self.people} people, {self.prompts / each:.1f} prompts/s, about {left:.0f} s left")


def say(message: str) -> None:
    """One line on stderr."""
    print(f"local: {message}", file=sys.stderr, flush=True)
