"""Count how often options go together, and compute means and covariances of the columns that stand for them."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from threading import Lock

import numpy as np
import polars as pl
from numpy.typing import NDArray

from indievalue.people.people import People
from indievalue.predictors.columns import demographic_columns
from indievalue.survey.survey import Survey
from indievalue.threads import in_threads

Floats = NDArray[np.float64]

_BLOCK = 2048

_EXACT = 1 << 24
"""Counts below it are exact in float32."""


@dataclass(frozen=True)
class Counts:
    """Counts of people with 1 in both of two columns.

    An item is a question, whose columns are its refined options, or a demographic, whose columns are its groups.

    Attributes:
        items: int64 (items + 1,), where the columns of each item start. together: float64 or, for counts below 2²⁴,
            float32 (columns × columns). people: their number.
    """

    items: NDArray[np.int64]
    together: NDArray[np.floating]
    people: int

    @classmethod
    def by_part(
        cls, people: People, groups: dict[str, list[str]], part: NDArray[np.int64], parts: int
    ) -> "list[Counts]":
        """Count the refined options and the ``groups`` of demographics in each part of ``people``.

        ``part`` (people,) is the number of each person's part, from 0.
        """
        counts = [cls.none(items_of(people.survey, groups)) for _ in range(parts)]
        return cls.with_people(counts, people, groups, part)

    @classmethod
    def none(cls, items: NDArray[np.int64]) -> "Counts":
        """Return the counts of nobody."""
        return cls(items, np.zeros((int(items[-1]),) * 2, np.float32), 0)

    @classmethod
    def with_people(
        cls, counts: "Sequence[Counts]", people: People, groups: dict[str, list[str]], part: NDArray[np.int64]
    ) -> "list[Counts]":
        """Return the ``counts`` of each part with those of further people, which are added in place.

        The other arguments are as in :meth:`by_part`.
        """
        form, options = people.survey.form("refined"), people.options("refined")
        values = demographic_columns(people.demographics, groups, len(people))[0]
        number = np.bincount(part, minlength=len(counts)).tolist()
        total = [one._with_room(few) for one, few in zip(counts, number, strict=True)]
        adding = [Lock() for _ in counts]

        def count(block: tuple[int, NDArray[np.int64]]) -> None:
            at, rows = block
            columns = np.hstack([form.one_hot(options[rows]), values[rows]])
            products = columns.T @ columns  # exact for integers; NumPy computes only half of it
            with adding[at]:
                np.add(total[at].together, products, out=total[at].together)

        order = np.argsort(part, kind="stable")
        of_parts = enumerate(np.split(order, np.cumsum(number)[:-1]))
        in_threads(
            count,
            [(at, rows[start : start + _BLOCK]) for at, rows in of_parts for start in range(0, len(rows), _BLOCK)],
        )
        return total

    def _with_room(self, people: int) -> "Counts":
        """Return the counts, to which those of so many further people can be added without rounding."""
        total = self.people + people
        kind = np.float32 if total < _EXACT else np.float64
        return Counts(self.items, self.together.astype(kind, copy=False), total)

    def __add__(self, other: "Counts") -> "Counts":
        total = self._with_room(other.people)
        return Counts(self.items, total.together + other.together, total.people)

    @classmethod
    def total(cls, parts: "Sequence[Counts]") -> "Counts":
        """Return the counts of all parts together."""
        together = np.zeros(parts[0].together.shape)
        for part in parts:
            together += part.together
        return cls(parts[0].items, together, sum(part.people for part in parts))

    def without(self, some: "Counts") -> "Counts":
        """Return the counts of the other people."""
        return Counts(self.items, self.together - some.together, self.people - some.people)

    def first(self, items: int) -> "Counts":
        """Return the counts of the first items."""
        columns = int(self.items[items])
        return Counts(self.items[: items + 1], self.together[:columns, :columns], self.people)

    def known(self) -> Floats:
        """Return for each column the number of people whose value is known (columns,)."""
        return np.asarray(np.diag(self._known(self._known(self.together))), np.float64)

    def chosen(self) -> Floats:
        """Return for each column the number of people who have 1 in it (columns,)."""
        return np.asarray(np.diag(self.together), np.float64)

    def mean(self) -> Floats:
        """Return the mean of each column over the people whose value is known (columns,)."""
        return np.asarray(self.chosen() / np.maximum(self.known(), 1))

    def products(self, mean: Floats) -> Floats:
        """Return sums of products of centred columns (columns × columns); missing answers count as the mean."""
        crossed = self._known(self.together).astype(np.float64, copy=False)
        both = self._known(crossed)
        crossed *= mean  # in place, as are the others: each of these matrices takes 10 MB and more
        products = self.together - crossed
        products -= crossed.T
        both *= mean
        both *= mean[:, None]
        products += both
        return products

    def _known(self, counts: NDArray[np.floating]) -> NDArray[np.floating]:
        """Return the transposed ``counts`` of people, of those whose value is known instead of those with 1 in it."""
        return np.repeat(np.add.reduceat(counts, self.items[:-1], axis=0).T, np.diff(self.items), axis=1)


def items_of(survey: Survey, groups: dict[str, list[str]]) -> NDArray[np.int64]:
    """Return where the columns of each question and demographic start, and where the last ends (items + 1,)."""
    starts = survey.form("refined").starts
    sizes = [len(labels) for labels in groups.values() if labels]
    return np.concatenate([starts, starts[-1] + np.cumsum(sizes, dtype=np.int64)])


@dataclass(frozen=True)
class PairCounts:
    """The counts of the people of each country that has a model of its own and, last, of all others.

    Those of parts of the people add up to those of all.

    Attributes:
        groups: demographic → groups that have a column. country: name of the demographic; None without one. countries:
            those with a model of their own. parts: one :class:`Counts` for each of them, and one for all others.
    """

    groups: dict[str, list[str]]
    country: str | None
    countries: tuple[str, ...]
    parts: list[Counts]

    @classmethod
    def of(
        cls, blocks: Iterable[People], groups: dict[str, list[str]], country: str | None, countries: Sequence[str]
    ) -> "PairCounts":
        """Count the people of all blocks."""
        parts: list[Counts] = []
        for people in blocks:
            if not parts:
                parts = [Counts.none(items_of(people.survey, groups)) for _ in range(len(countries) + 1)]
            at = country_numbers(people.demographics, country, countries, len(people))
            parts = Counts.with_people(parts, people, groups, np.where(at < 0, len(countries), at))
        return cls(groups, country, tuple(countries), parts)

    def __add__(self, other: "PairCounts") -> "PairCounts":
        parts = [one + another for one, another in zip(self.parts, other.parts, strict=True)]
        return PairCounts(self.groups, self.country, self.countries, parts)

    def without(self, people: People) -> list[Counts]:
        """Return the counts of each part without those of some of its people."""
        some = PairCounts.of([people], self.groups, self.country, self.countries)
        return [part.without(theirs) for part, theirs in zip(self.parts, some.parts, strict=True)]


def country_numbers(
    demographics: pl.DataFrame, name: str | None, countries: Sequence[str], people: int
) -> NDArray[np.int64]:
    """Return the number of each person's country, -1 if it is not known or is none of ``countries`` (people,)."""
    if name not in demographics.columns or not countries:
        return np.full(people, -1)
    places = list(range(len(countries)))
    numbers = demographics[str(name)].replace_strict(list(countries), places, default=-1, return_dtype=pl.Int64)
    return numbers.to_numpy()
