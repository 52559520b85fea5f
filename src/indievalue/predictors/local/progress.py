"""Report progress on stderr."""

from contextlib import ExitStack

from indievalue.progress import Progress, progress
from indievalue.progress import say as say_as


class ReadingProgress:
    """How many of the prompts about ``people`` have been read, counted while those of some are read together.

    ``name`` begins the line that is shown.
    """

    def __init__(self, people: int, name: str = "local") -> None:
        self._people, self._name = people, name
        self._stack = ExitStack()
        self._shown: Progress | None = None
        self._prompts = self._counted = 0
        self._share = 0.0

    def begin(self, prompts: int, people: int = 1) -> None:
        """Begin with the next ``people`` and the ``prompts`` about them; there are as many about others."""
        if self._shown is None:
            total = self._people * prompts // people
            self._shown = self._stack.enter_context(progress(self._name, total, "prompts"))
        self._prompts, self._counted, self._share = prompts, 0, 0.0

    def read(self, share: float) -> None:
        """Count a share (0-1) of these prompts."""
        self._share = min(1.0, self._share + share)
        self._count(int(self._share * self._prompts), known=False)

    def end(self, *, known: bool) -> None:
        """Count the rest of these prompts; they are ``known`` if their scores were cached."""
        self._count(self._prompts, known=known)

    def stop(self) -> None:
        """Stop showing progress."""
        self._stack.close()

    def _count(self, prompts: int, *, known: bool) -> None:
        if self._shown is not None and prompts > self._counted:
            self._shown.advance(prompts - self._counted, known=known)
            self._counted = prompts


def say(message: str, name: str = "local") -> None:
    """Print one line on stderr, which begins with ``name``."""
    say_as(name, message)
