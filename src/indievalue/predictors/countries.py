"""Means and covariances of each country, kept small, and which country an answerer is likely to be from."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from indievalue.predictors.counted import Counts
from indievalue.predictors.joint import RIDGE, Joint
from indievalue.threads import in_threads

Floats = NDArray[np.float64]

OWN = 0.4
"""Weight of a large country's own covariance; the rest is the mean covariance within countries."""

HALF = 100
"""Number of people at which a country's own covariance has half of that weight."""

PSEUDO_PEOPLE = 10
"""People with the mean of all countries that are added to a country's own to compute its mean."""

FEWEST_ANSWERS = 50
"""With fewer answers to a question, a country's covariances of that question follow from those of the others."""

STEP = 0.0005
"""Precision with which differences of covariances are kept.

Rounding moves eigenvalues by about 2 · √columns · STEP / √12, and more in the last column of an item, whose differences
are sums of others; :data:`OWN` times that has to stay well below the ridge, or a covariance is not positive definite.
"""

TEMPERATURE = 2
"""Log densities are divided by it to guess a country: answers are less independent than the model assumes."""

NO_COUNTRY = 0.2
"""Prior probability that somebody is from none of the countries, and is better described by the model of everybody."""

ADVANTAGE = 0.022
"""Nats per answer shown by which the model of a country has to describe answers better than that of everybody.

The more is shown, the surer is the guess, also of somebody whose country is none of those. Chosen on people of
countries that were left out, and on others.
"""

LIKELY = 0.02
"""Countries with a smaller probability are not considered."""

CANDIDATES = 5
"""Number of countries considered for a person."""


@dataclass(frozen=True)
class Countries:
    """Mean and covariance of each country; the covariance is a mixture of its own and the mean one within countries.

    Attributes:
        labels: of the countries (countries,). people: int64 (countries,). means: float64 (countries × columns).
        within: float64 (columns × columns), mean covariance within countries. differences: int16 (countries × pairs),
            of the country's own covariance from it, in :data:`STEP`. Columns of an item add up to a constant, so that
            those of its last column need not be kept. items: where the columns of each item start (items + 1,).
    """

    labels: tuple[str, ...]
    people: NDArray[np.int64]
    means: Floats
    within: Floats
    differences: NDArray[np.int16]
    items: NDArray[np.int64]

    @classmethod
    def none(cls, items: NDArray[np.int64]) -> "Countries":
        """Return the model without any country."""
        columns = int(items[-1])
        nobody = np.zeros(0, np.int64)
        return cls((), nobody, np.zeros((0, columns)), np.zeros((columns,) * 2), np.zeros((0, 0), np.int16), items)

    @classmethod
    def of(cls, labels: Sequence[str], counts: Sequence[Counts], mean: Floats) -> "Countries":
        """Estimate the countries from their ``counts``; ``mean`` (columns,) is that of everybody."""
        people = np.array([part.people for part in counts], np.int64)
        means = np.stack([_towards(mean, part) for part in counts])
        own = in_threads(lambda at: counts[at].products(means[at]).astype(np.float32), range(len(counts)))
        within = np.zeros((len(mean),) * 2)
        for products in own:
            within += products
        within /= max(1, people.sum())
        items = counts[0].items
        pairs = _pairs(items)
        precision = Joint(mean, within, RIDGE).precision

        def difference(at: int) -> NDArray[np.int16]:
            apart = own[at] / max(1, people[at]) - within
            _spread(apart, counts[at].known() >= FEWEST_ANSWERS, precision)
            return np.asarray(np.rint(apart[pairs] / STEP).astype(np.int16))

        differences = np.stack(in_threads(difference, range(len(counts))))
        return cls(tuple(labels), people, means, within, differences, items)

    def covariance(self, country: int) -> Floats:
        """Return the covariance of a country, by its number (columns × columns)."""
        rows, columns = self._kept
        apart = np.zeros_like(self.within)
        apart[rows, columns] = apart[columns, rows] = self.differences[country]
        starts, lasts = self.items[:-1], self.items[1:] - 1
        of_last = -np.add.reduceat(apart, starts, axis=0)
        of_last[:, lasts] = -np.add.reduceat(of_last.T, starts, axis=0)
        apart[lasts], apart[:, lasts] = of_last, of_last.T
        people = self.people[country]
        apart *= STEP * OWN * people / (people + HALF)
        apart += self.within
        return apart

    @cached_property
    def _kept(self) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
        return _pairs(self.items)

    @property
    def share(self) -> Floats:
        """Share of the people of each country (countries,)."""
        return np.asarray(self.people / self.people.sum())


def candidates(likely: Floats) -> NDArray[np.bool_]:
    """Return which countries are considered (people × countries): the most ``likely`` ones."""
    least = np.sort(likely, axis=1)[:, -min(CANDIDATES, likely.shape[1])]
    return np.asarray(likely >= np.maximum(least, LIKELY)[:, None])


def _towards(mean: Floats, counts: Counts) -> Floats:
    return np.asarray((counts.chosen() + PSEUDO_PEOPLE * mean) / (counts.known() + PSEUDO_PEOPLE))


def _spread(apart: Floats, answered: NDArray[np.bool_], precision: Floats) -> None:
    """Set differences of covariances for columns that were not answered to what follows from those that were.

    Given the ``answered`` columns, the others are distributed as in all countries; their regression on the answered
    ones follows from the ``precision``. The covariance remains positive definite.
    """
    if answered.all():
        return
    among = precision[np.ix_(~answered, ~answered)]
    regression = -np.linalg.solve(among, precision[np.ix_(~answered, answered)])
    crossed = regression @ apart[np.ix_(answered, answered)]
    apart[np.ix_(~answered, answered)] = crossed
    apart[np.ix_(answered, ~answered)] = crossed.T
    apart[np.ix_(~answered, ~answered)] = crossed @ regression.T


def _pairs(items: NDArray[np.int64]) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Return the pairs of columns whose covariances are kept: the lower triangle without each item's last column."""
    kept = np.setdiff1d(np.arange(items[-1]), items[1:] - 1)
    rows, columns = np.tril_indices(len(kept))
    return kept[rows], kept[columns]
