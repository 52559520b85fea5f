"""What the year of the interview and facts about a country tell of which country a person is from."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np
import polars as pl
from numpy.typing import NDArray

from indievalue.benchmark.circumstances import YEAR
from indievalue.benchmark.country_facts import FACTS, GROUPS, NUMBERS, facts_table
from indievalue.errors import IndievalueError
from indievalue.people.people import People

Floats = NDArray[np.float64]

WIDTH = 0.5
"""Width of the kernel, in standard deviations of facts over countries: countries that are nearer count as alike."""

LEAST = 1e-3
"""Least value of the kernel: what is shared by countries that have little in common with a person's."""

PSEUDO_PEOPLE = 1.0
"""People that are added to each year of a country to compute the share of its people interviewed in a year."""


@dataclass(frozen=True)
class Clues:
    """What is known of the countries learned from.

    Attributes:
        countries: their names. facts: their facts, one row a country. years: int64 (years,), the years known.
        shares: float64 (countries × years), of the people of a country who were interviewed in a year; no columns if no
            year is known.
    """

    countries: tuple[str, ...]
    facts: pl.DataFrame
    years: NDArray[np.int64]
    shares: Floats

    @classmethod
    def of(cls, countries: Sequence[str], numbers: NDArray[np.int64], people: People | None = None) -> Self:
        """Look up the facts, and count the years of ``people``, the numbers of whose countries are given (-1: none)."""
        of_people = np.zeros(0, np.int16) if people is None or people.years is None else people.years
        pairs = zip(numbers.tolist(), of_people.tolist(), strict=False)
        named = Counter((None if number < 0 else countries[number], year) for number, year in pairs if year > 0)
        return cls.counted(countries, named)

    @classmethod
    def counted(cls, countries: Sequence[str], years: Mapping[tuple[str | None, int], int]) -> Self:
        """Look up the facts; ``years`` maps a country, None if it is missing, and a year to the number of people."""
        names = pl.Series(list(countries), dtype=pl.String)
        known = sorted({year for _, year in years})
        counts = np.full((len(names), len(known)), PSEUDO_PEOPLE)
        for row, country in enumerate(countries):
            counts[row] += [years.get((country, year), 0) for year in known]
        shares = counts / np.maximum(PSEUDO_PEOPLE, counts.sum(axis=1))[:, None]
        return cls(tuple(countries), facts_table(names), np.array(known, np.int64), shares)

    def evidence(self, facts: pl.DataFrame) -> Floats:
        """Return the log likelihood of each person's year and facts in each country (people × countries).

        It is 0 where nothing is known. Raises IndievalueError if a year is shown but of no use, because nothing is
        known of the years of the people learned from, or they are not of several countries.
        """
        found = np.zeros((len(facts), len(self.countries)))
        if YEAR in facts.columns:
            found += self._of_years(facts[YEAR])
        if set(FACTS) & set(facts.columns):
            found += self._of_facts(facts)
        return found

    def _of_years(self, years: pl.Series) -> Floats:
        why = "" if len(self.years) else "learned from people whose year of the interview is not known"
        if len(self.countries) < 2:
            why = "uses the year to tell several countries apart, and learned from people of one"
        if why:
            raise IndievalueError(f"gaussian {why}: leave out the block year")
        wanted = years.fill_null(0).to_numpy()
        place = np.minimum(np.searchsorted(self.years, wanted), len(self.years) - 1)
        known = self.years[place] == wanted
        return np.where(known[:, None], np.log(self.shares[:, place]).T, 0.0)

    def _of_facts(self, facts: pl.DataFrame) -> Floats:
        squares = np.zeros((len(facts), len(self.countries)))
        compared = np.zeros(squares.shape)
        for name in NUMBERS:
            theirs, ours = (np.log(table[name].cast(pl.Float64).to_numpy()) for table in (facts, self.facts))
            apart = (theirs[:, None] - ours) / max(float(np.nanstd(ours)) if np.isfinite(ours).any() else 0.0, 1e-9)
            squares += np.nan_to_num(apart**2)
            compared += ~np.isnan(apart)
        for name in GROUPS:
            groups = [np.array(table[name].fill_null("").to_list(), np.str_) for table in (facts, self.facts)]
            both = (groups[0] != "")[:, None] & (groups[1] != "")
            squares += 2.0 * (both & (groups[0][:, None] != groups[1]))  # as far apart as two numbers are on average
            compared += both
        distance = squares / np.maximum(1, compared)
        kernel = np.exp(-distance / (2 * WIDTH**2)) + LEAST
        return np.where(compared > 0, np.log(kernel), 0.0)
