"""Report progress on stderr."""

from contextlib import ExitStack

from indievalue.progress import Progress, progress
from indievalue.progress import say as say_as


class ReadingProgress:
    """How many of the prompts about ``people`` have been read, counted while each person's are read together."""

    def __init__(self, people: int) -> None:
        self._people = people
        self._stack = ExitStack()
        self._shown: Progress | None = None
        self._prompts = self._counted = 0
        self._share = 0.0

    def begin(self, prompts: int) -> None:
        """Begin with the next person. There are so many ``prompts`` about each."""
        if self._shown is None:
            self._shown = self._stack.enter_context(progress("local", self._people * prompts, "prompts"))
        self._prompts, self._counted, self._share = prompts, 0, 0.0

    def read(self, share: float) -> None:
        """Count a share (0-1) of the person's prompts."""
        self._share = min(1.0, self._share + share)
        self._count(int(self._share * self._prompts), known=False)

    def end(self, *, known: bool) -> None:
        """Count the rest of the person's prompts; they are ``known`` if their scores were cached."""
        self._count(self._prompts, known=known)

    def stop(self) -> None:
        """Stop showing progress."""
        self._stack.close()

    def _count(self, prompts: int, *, known: bool) -> None:
        if self._shown is not None and prompts > self._counted:
            self._shown.advance(prompts - self._counted, known=known)
            self._counted = prompts


def say(message: str) -> None:
    """Print one line on stderr."""
    say_as("local", message)
