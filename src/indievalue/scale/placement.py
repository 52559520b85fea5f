"""Where predictions are computed, and in how many shards."""

import re
from dataclasses import dataclass

from indievalue.errors import IndievalueError

RAY = "ray"

_ADDRESS = re.compile(r"auto|[\w.-]+:\d{1,5}|\[[0-9A-Fa-f:]+\]:\d{1,5}")

MOST = 10_000
"""Most shards that are made if no number is given."""

PROMPTS, ROWS = 1_000, 200_000
"""Prompts of a language model in a shard, and predictions of a statistical predictor, if no number is given."""


@dataclass(frozen=True)
class Placement:
    """Where predictions are computed, and in how many shards.

    Args:
        on: ``ray`` starts a Ray of this machine alone; ``ray:HOST:PORT`` or ``ray:auto`` uses a cluster that is there;
            None computes in this process, one shard after the other.
        shards: number of shards, of which each is about as many people; by default as many as make shards of 1,000
            prompts of a language model, or of 200,000 predictions of another predictor.

    Raises IndievalueError for an address or a number that cannot be.

    >>> Placement("ray:10.0.0.1:6379").address
    '10.0.0.1:6379'
    """

    on: str | None = None
    shards: int | None = None

    def __post_init__(self) -> None:
        """Check the values."""
        if self.on is not None:
            kind, colon, address = self.on.partition(":")
            if kind != RAY or (colon and not _ADDRESS.fullmatch(address)):
                raise IndievalueError(
                    f"--on is ray, or ray:ADDRESS with the address of a cluster, such as ray:10.0.0.1:6379 or "
                    f"ray:auto, and not {self.on!r}"
                )
        if self.shards is not None and self.shards < 1:
            raise IndievalueError(f"--shards is a number from 1 on, and not {self.shards}")

    @property
    def is_sharded(self) -> bool:
        """Whether predictions are computed in shards at all."""
        return self.on is not None or self.shards is not None

    @property
    def address(self) -> str | None:
        """The address of a cluster that is there; None for one of our own."""
        return (self.on or "").partition(":")[2] or None

    def number(self, people: int, probes: int, *, reads_prompts: bool) -> int:
        """Return the number of shards of so many ``people``, each asked so many ``probes``.

        It does not depend on the machines, so that the same command gives the same shards wherever it continues.

        >>> Placement("ray").number(800, 20, reads_prompts=True), Placement("ray").number(800, 20, reads_prompts=False)
        (16, 1)
        """
        usual = min(MOST, -(-people * probes // (PROMPTS if reads_prompts else ROWS)))
        return max(1, min(people, usual if self.shards is None else self.shards))


HERE = Placement()
"""Everything at once, in this process."""
