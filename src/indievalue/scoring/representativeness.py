"""Whose answers predictions resemble: distances from each group without sampling noise, and differences between groups.

The *representativeness* of a predictor for a group is 1 minus the Wasserstein distance between predicted and actual
answers, averaged over questions (Santurkar et al. 2023, arXiv 2303.17548).
"""

from dataclasses import dataclass
from itertools import combinations

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr

from indievalue.scoring.answer_shares import Floats, Means
from indievalue.scoring.bootstrap import drawn_sums
from indievalue.scoring.spread import HIGH, LOW

Row = dict[str, object]
"""One row of a table: column → value."""

_BLOCK = 4_000_000
"""Numbers held in memory at once while influences are computed: 32 MB."""


@dataclass(frozen=True)
class Representativeness:
    """Representativeness for each group of a demographic.

    Attributes:
        rep: 1 − distance, as observed (groups,). corrected: without sampling noise (groups,).
        drawn: ``corrected`` for bootstrap draws of people (draws × groups).
        labels: of the groups.
    """

    rep: Floats
    corrected: Floats
    drawn: Floats
    labels: tuple[str, ...]

    @property
    def order(self) -> list[int]:
        """The groups from the nearest to the farthest, of those that have a value."""
        known = np.flatnonzero(~np.isnan(self.corrected))
        return [int(at) for at in known[np.argsort(-self.corrected[known], kind="stable")]]

    def rows(self) -> list[Row]:
        """Return the columns of each group: values, 95% interval and rank, 1 for the nearest."""
        ranks = {at: place for place, at in enumerate(self.order, 1)}
        return [
            {"Rep": plain(self.rep[at]), "Rep_corrected": plain(self.corrected[at]), **ends, "rank": ranks.get(at)}
            for at, ends in enumerate(_intervals("Rep_corrected", self.drawn))
        ]

    def pairs(self) -> list[Row]:
        """Return the difference of each pair of groups, the nearer one first, with interval and two-sided p.

        p is from the normal distribution with the standard deviation of the draws.
        """
        one, other = np.array([*combinations(self.order, 2)], np.int64).reshape(-1, 2).T
        difference = self.corrected[one] - self.corrected[other]
        drawn = self.drawn[:, one] - self.drawn[:, other]
        deviation = np.array([np.std(column) for column in drawn.T])
        varies = deviation > 0
        p = np.full(len(one), np.nan)
        p[varies] = 2 * ndtr(-np.abs(difference[varies]) / deviation[varies])
        return [
            {
                "group": self.labels[one[at]],
                "other": self.labels[other[at]],
                "difference": float(difference[at]),
                **ends,
                "p": plain(p[at]),
            }
            for at, ends in enumerate(_intervals("difference", drawn))
        ]


def representativeness(
    distance: Floats, true: Means, predicted: Means, options: NDArray[np.int64], draws: int, seed: int
) -> Representativeness:
    """Return the representativeness for each group, of the Wasserstein ``distance`` (groups × questions); nan is left
    out.

    Sampling noise makes distances larger, the more so the smaller a group is. The corrected distance is the square root
    of distance² − noise², where the noise is the mean distance that chance alone would give; this is exact if the real
    differences between predicted and actual shares are normally distributed over questions. The bootstrap over people
    is of first order: draws add up the influence of each person on the distance.
    """
    known = ~np.isnan(distance)
    number = known.sum(axis=1)
    mean = np.divide(
        np.where(known, distance, 0).sum(axis=1), number, out=np.full(len(number), np.nan), where=number > 0
    )
    influence, noise = _influence_and_noise(known, true, predicted, options)
    drawn = mean + drawn_sums(influence[None], true.groups.membership(), seed, draws)[0]
    corrected, drawn_corrected = (np.sqrt(np.maximum(np.maximum(each, 0) ** 2 - noise**2, 0)) for each in (mean, drawn))
    return Representativeness(1 - mean, 1 - corrected, 1 - drawn_corrected, true.groups.labels)


def _influence_and_noise(
    known: NDArray[np.bool_], true: Means, predicted: Means, options: NDArray[np.int64]
) -> tuple[Floats, Floats]:
    """Return what each person adds to the mean distance of their group (people,), and the noise in it (groups,)."""
    groups = true.groups
    number = np.maximum(known.sum(axis=1), 1)
    step = max(1, _BLOCK // max(1, len(groups.known) * true.mean.shape[2]))
    influence = np.zeros(len(groups.group))
    noise = np.zeros(len(groups.labels))
    for start in range(0, known.shape[1], step):
        at = slice(start, start + step)
        used = known[:, at]
        apart = np.cumsum(predicted.mean[:, at] - true.mean[:, at], axis=-1)[..., :-1]
        side = np.where(used[..., None], np.sign(np.round(np.nan_to_num(apart), 12)), 0)
        scale = np.maximum(options[at] - 1, 1) * number[:, None]
        for group, members in enumerate(true.members):
            each = np.cumsum(predicted.influence(group, at) - true.influence(group, at), axis=-1)[..., :-1]
            influence[members] += ((side[group] * each).sum(axis=-1) / scale[group]).sum(axis=1)
            squares = np.where(used[group][:, None], (each**2).sum(axis=0), 0)
            noise[group] += (np.sqrt(2 / np.pi * squares).sum(axis=-1) / scale[group]).sum()
    return influence, noise


def plain(value: float) -> float | None:
    """Return a number as Python's, None for one that is not finite."""
    return float(value) if np.isfinite(value) else None


def _intervals(name: str, draws: Floats) -> list[Row]:
    """Return the columns of the 95% interval of each column of ``draws`` (draws × columns)."""
    if np.isfinite(draws).all() and len(draws):
        ends = np.quantile(draws, [LOW, HIGH], axis=0).T
    else:
        kept = [column[np.isfinite(column)] for column in draws.T]
        ends = np.array([np.quantile(one, [LOW, HIGH]) if len(one) else (np.nan, np.nan) for one in kept])
    return [{f"{name}_low": plain(low), f"{name}_high": plain(high)} for low, high in ends]
