"""Thresholds of the latent variables: how often each answer is given in each group, drawn from its posterior."""

from collections.abc import Sequence

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray
from scipy.special import ndtri

from indievalue.impute.items import UNKNOWN, Item

Floats = NDArray[np.float64]

PRIOR = 2.0
"""How many people with everybody's shares are added to each group's answers to a question."""

NEAREST = 3
"""Of so many groups that are most like it, one at a time lends its shares to a group that was not asked a question."""

_LARGEST = 8.0
"""Largest threshold, up or down."""


class Margins:
    """Thresholds of all latent columns in each group.

    Args:
        items: the questions. known: int16 (people × latent columns), levels, -1 where they are not known.
        group: the number of each person's group (people,), rising. groups: their number.
    """

    def __init__(self, items: Sequence[Item], known: NDArray[np.int16], group: NDArray[np.int64], groups: int) -> None:
        self._sizes = np.array([size for item in items for size in item.levels], np.int64)
        self._starts = np.concatenate([[0], np.cumsum(self._sizes)])
        self._stages = [item.first + stage for item in items for stage in range(item.stages)]
        self._group, self._groups = group, groups
        self._known = self.counts(known)
        self._never = np.add.reduceat(self._known, self._starts[:-1], axis=1) == 0
        self._below = np.zeros_like(self._known)

    def counts(self, levels: NDArray[np.int16]) -> Floats:
        """Return how many people of each group are at each level of each column (groups × levels of all columns).

        Levels of a stage that a person does not reach are not counted.
        """
        counts = np.zeros((self._groups, int(self._starts[-1])))
        reached = levels
        if self._stages:
            reached = levels.copy()
            for column in self._stages:
                reached[reached[:, column] != 0, column + 1] = UNKNOWN
        for column, size in enumerate(self._sizes.tolist()):
            at = self._group * (size + 1) + reached[:, column] + 1
            of_column = np.bincount(at, minlength=self._groups * (size + 1)).reshape(self._groups, size + 1)
            counts[:, self._starts[column] : self._starts[column + 1]] = of_column[:, 1:]
        return counts

    def draw(self, counts: Floats, random: Generator) -> None:
        """Draw the shares of all levels given how many people are at each, and with them the thresholds."""
        everybody = self._normed(counts.sum(axis=0, keepdims=True) + 1e-3)
        alpha = counts + PRIOR * everybody
        if self._never.any():
            alpha = self._lent(alpha, random)
        shares = self._normed(random.standard_gamma(alpha) + 1e-12)
        summed = np.cumsum(shares, axis=1)  # columns have sums of 1 each, so that those before add a whole number
        self._below = ndtri((summed - np.repeat(np.arange(len(self._sizes)), self._sizes)).clip(0, 1))

    def edges(self, column: int) -> Floats:
        """Return where the levels of a column begin and end in each group, from -inf to +inf (groups × levels + 1)."""
        edges = np.full((self._groups, int(self._sizes[column]) + 1), np.inf)
        edges[:, 0] = -np.inf
        inner = self._below[:, self._starts[column] : self._starts[column + 1] - 1]
        edges[:, 1:-1] = inner.clip(-_LARGEST, _LARGEST)
        return edges

    def _normed(self, counts: Floats) -> Floats:
        """Shares that sum to 1 over the levels of each column."""
        totals = np.add.reduceat(counts, self._starts[:-1], axis=1)
        return np.asarray(counts / np.repeat(totals, self._sizes, axis=1))

    def _lent(self, alpha: Floats, random: Generator) -> Floats:
        """Give columns that nobody of a group was asked the counts of one of the groups most like it."""
        shares = self._normed(self._known + 1e-9)
        out = alpha.copy()
        for group, column in np.argwhere(self._never):
            both = ~(self._never | self._never[group])
            both[:, column] = False
            others = np.flatnonzero(~self._never[:, column])
            if not len(others):
                continue
            apart = np.abs(shares[others] - shares[group]) * np.repeat(both[others], self._sizes, axis=1)
            distance = apart.sum(axis=1) / np.maximum(both[others].sum(axis=1), 1)
            lender = random.choice(others[np.argsort(distance, kind="stable")[:NEAREST]])
            at = slice(self._starts[column], self._starts[column + 1])
            out[group, at] = alpha[lender, at]
        return out
