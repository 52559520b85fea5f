"""Options for predicting in shards, on this machine or on many."""

import shlex
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated

import typer

from indievalue.errors import IndievalueError
from indievalue.redact import without_secrets

if TYPE_CHECKING:
    from indievalue.scale.placement import Placement


@dataclass(frozen=True)
class ScaleFlags:
    """Where predictions are computed, and in how many shards."""

    on: Annotated[
        str | None,
        typer.Option(
            "--on",
            metavar="WHERE",
            help="Predict in shards of people, with Ray: ray for this machine alone, or ray:HOST:PORT for a cluster. "
            "Finished shards are kept: the same command continues after any failure (docs: Many machines).",
        ),
    ] = None
    shards: Annotated[
        int | None,
        typer.Option(
            "--shards",
            min=1,
            help="Number of shards; without --on, they are predicted one after the other [default: 1,000 prompts or "
            "200,000 other predictions each].",
        ),
    ] = None
    rate: Annotated[
        float | None,
        typer.Option("--rate", min=0.001, help="For --dry-run: tokens that a worker with a model reads in a second."),
    ] = None

    def placement(self) -> "Placement":
        """Return the placement. Raises BadParameter for an address that cannot be."""
        from indievalue.scale.placement import Placement

        try:
            return Placement(self.on, self.shards)
        except IndievalueError as error:
            raise typer.BadParameter(str(error)) from None


@contextmanager
def repeatable() -> Iterator[None]:
    """Add the command that computes them to an error about shards that failed."""
    from indievalue.scale.work import ShardsFailedError

    try:
        yield
    except ShardsFailedError as error:
        command = shlex.join(["indievalue", *(str(without_secrets(word)) for word in sys.argv[1:])])
        raise IndievalueError(f"{error}. To compute what is missing: {command}") from None
