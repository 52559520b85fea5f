"""Gibbs sampler of a Gaussian copula: draws of all answers that are missing, jointly, with the model's parameters.

Every answer is an interval of a latent variable (:mod:`indievalue.impute.items`). The latent variables of a person are
jointly normal, with the thresholds of the person's group (country) and correlations that all groups share. One sweep
draws, in turn,

1. each latent variable given all other latent variables of the person, and the answer where there is one;
2. the correlations given the latent variables, shrunk toward those that a few common factors explain;
3. the thresholds of each group given how often each answer was given or drawn.

After some sweeps the missing answers are a draw from their distribution given all answers that are there, with what is
uncertain about the parameters. People are computed in blocks, each with random numbers of its own, so that results
depend neither on the number of threads nor on the order of the file.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.random import SFC64, Generator, SeedSequence
from numpy.typing import NDArray
from scipy.special import ndtr, ndtri

from indievalue.impute.covariance import draw_precision, low_rank
from indievalue.impute.items import UNKNOWN, Item
from indievalue.impute.margins import Margins
from indievalue.threads import in_threads

Floats = NDArray[np.float64]

BLOCK = 1500
"""Most people computed at once, so that their latent variables stay in the processor's cache."""

ASSUMED = 8.0
"""How many people for each column the correlations that common factors explain count for (see ``covariance``)."""

_RIDGE = 1e-6
"""Added to all variances, so that no column is a sum of others."""

_LEAST = 1e-14
"""Smallest probability that is inverted to a normal quantile."""


@dataclass(frozen=True)
class Gaps:
    """Answers of one item that are to be drawn: whose (positions of people, rising), and sums of probabilities.

    ``sums`` is float32 (gaps × codes of the item).
    """

    item: Item
    people: NDArray[np.int64]
    sums: NDArray[np.float32]


class Sampler:
    """The state of the sampler; people are sorted by group.

    Args:
        items: the questions, of which one at least has a column. known: int16 (people × latent columns), each person's
            levels, -1 where they are not known or not reached. fixed: float32 (people × further columns), what else is
            known of everybody, centred within groups. group: the number of each person's group (people,), rising.
        seed: of all random numbers.

    Attributes:
        levels: int16 (people × latent columns), as ``known``, and drawn where it is -1.
    """

    def __init__(
        self,
        items: Sequence[Item],
        known: NDArray[np.int16],
        fixed: NDArray[np.float32],
        group: NDArray[np.int64],
        seed: int,
    ) -> None:
        self.items, self.known, self.seed, self.sweeps = items, known, seed, 0
        self.columns = known.shape[1]
        self.group, self.blocks = group, _blocks(len(known))
        self.margins = Margins(items, known, group, int(group.max(initial=0)) + 1)
        self.levels = known.copy()
        self.latent = np.zeros((len(known), self.columns + fixed.shape[1]), np.float32)
        self.latent[:, self.columns :] = fixed
        self.margins.draw(self.margins.counts(self.levels), self._random(0))
        self._weights = np.zeros((self.latent.shape[1], self.columns), np.float32)
        self._spread = np.ones(self.columns)
        self.sweep()

    def sweep(self, gaps: Sequence[Gaps] = ()) -> None:
        """Draw everything once; the probabilities of the answers in ``gaps`` are added to their sums."""
        self.sweeps += 1
        in_threads(lambda number: self._draw_block(number, gaps), range(len(self.blocks)))
        self._draw_correlations()
        self.margins.draw(self.margins.counts(self.levels), self._random(0))

    def _random(self, number: int) -> Generator:
        """Random numbers for one part of this sweep; they are the same whatever else is drawn."""
        return Generator(SFC64(SeedSequence((self.seed, self.sweeps, number))))

    def _draw_correlations(self) -> None:
        """Draw the correlations, and with them how each latent variable depends on all others."""

        def products(rows: slice) -> Floats:
            latent = self.latent[rows]
            return np.asarray(latent.T @ latent, np.float64)

        size, people = self.latent.shape[1], len(self.latent)
        total = np.sum(in_threads(products, self.blocks), axis=0) + _RIDGE * people * np.eye(size)
        assumed = ASSUMED * size
        total += assumed * low_rank(total / people, people)
        freedom = people + assumed - size * people / (people + assumed)
        inverse = draw_precision(total, freedom, self._random(1))
        precision = np.diag(inverse)[: self.columns]
        weights = -inverse[:, : self.columns] / precision
        weights[np.arange(self.columns), np.arange(self.columns)] = 0
        self._weights, self._spread = weights.astype(np.float32), 1 / np.sqrt(precision)

    def _draw_block(self, number: int, gaps: Sequence[Gaps]) -> None:
        """Draw the latent variables of a block of people, one column after the other."""
        rows = self.blocks[number]
        random = self._random(2 + number)
        latent = self.latent[rows].copy()
        weights = np.asfortranarray(self._weights)
        known, levels, group = self.known[rows], self.levels[rows], self.group[rows]
        wanted = {gap.item.first: _Wanted.of(gap, rows) for gap in gaps if gap.item.columns}
        add: _Wanted | None = None
        for column in range(self.columns):
            edges = self.margins.edges(column)
            mean, sd = latent @ weights[:, column], float(self._spread[column])
            add = wanted.get(column, add)
            if add is not None:
                add.column(column, mean, sd, edges[group[add.people]])
            level = known[:, column]
            value = _truncated(mean, sd, edges[group, level], edges[group, level + 1], level == UNKNOWN, random)
            latent[:, column] = value
            unknown = np.flatnonzero(level == UNKNOWN)
            if len(unknown):
                levels[unknown, column] = (value[unknown, None] > edges[group[unknown], 1:-1]).sum(axis=1)
        self.latent[rows] = latent


def _truncated(
    mean: NDArray[np.float32], sd: float, low: Floats, high: Floats, free: NDArray[np.bool_], random: Generator
) -> Floats:
    """Draw normal variables that lie between ``low`` and ``high`` where they are not ``free`` (people,)."""
    below, above = (low - mean) / sd, (high - mean) / sd
    flipped = below > 0  # the upper tail is computed as the lower one, which floating point resolves
    below, above = np.where(flipped, -above, below), np.where(flipped, -below, above)
    below[free], above[free] = -np.inf, np.inf
    start = ndtr(below)
    share = start + random.random(len(mean)) * (ndtr(above) - start)
    value = ndtri(share.clip(_LEAST, 1 - _LEAST)).clip(below, above)
    flipped &= ~free
    return np.asarray(mean + sd * np.where(flipped, -value, value))


@dataclass
class _Wanted:
    """Gaps of one item in a block: positions within the block, sums of their probabilities, what no stage took."""

    item: Item
    people: NDArray[np.int64]
    sums: NDArray[np.float32]
    rest: Floats

    @classmethod
    def of(cls, gaps: Gaps, rows: slice) -> "_Wanted":
        start, end = np.searchsorted(gaps.people, [rows.start, rows.stop])
        return cls(gaps.item, gaps.people[start:end] - rows.start, gaps.sums[start:end], np.ones(end - start))

    def column(self, column: int, mean: NDArray[np.float32], sd: float, edges: Floats) -> None:
        """Add what a latent column says of the answers; ``edges`` are those of each gap's group (gaps × levels + 1)."""
        stage = column - self.item.first
        if stage >= self.item.columns or not len(self.people):
            return
        below = ndtr((edges[:, 1:-1] - mean[self.people, None]) / sd)
        if stage < self.item.stages:
            self.sums[:, stage] += self.rest * (1 - below[:, 0])
            self.rest = self.rest * below[:, 0]
        else:
            shares = np.diff(below, axis=1, prepend=0, append=1)
            self.sums[:, self.item.stages :] += self.rest[:, None] * shares


def _blocks(people: int) -> list[slice]:
    """Blocks of people, about equal in size."""
    parts = max(1, -(-people // BLOCK))
    return [slice(start, end) for start, end in pairwise(people * part // parts for part in range(parts + 1))]
