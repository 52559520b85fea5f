"""What a first pass over the people learned from counts: their groups, answers and years, and who is held out.

Tallies of parts of the people add up to that of all, whatever the parts and their order, so that people may be counted
by block, or on several machines.
"""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import reduce
from operator import add
from typing import Self

import numpy as np
import polars as pl
from numpy.typing import NDArray

from indievalue.choices import FormName
from indievalue.people.join import detached, stacked
from indievalue.people.people import People
from indievalue.predictors.base_rates import option_counts, smoothed_rates
from indievalue.seeded import keys

HELD_OUT = 250
"""Most people who are held out to calibrate a predictor."""


@dataclass(frozen=True)
class AnswerTally:
    """How often every option is chosen.

    Attributes:
        options: int64 (questions × most options), people who chose an option. missing: int64 (questions,), people who
            chose none.
    """

    options: NDArray[np.int64]
    missing: NDArray[np.int64]

    @classmethod
    def of(cls, people: People, form: FormName) -> Self:
        """Count the answers of some people in ``form``."""
        options = people.options(form)
        most = int(people.survey.form(form).counts.max())
        return cls(option_counts(options, most), (options < 0).sum(axis=0))

    def __add__(self, other: Self) -> Self:
        return type(self)(self.options + other.options, self.missing + other.missing)


@dataclass(frozen=True)
class Tally:
    """What the first pass of a Gaussian model counts.

    Attributes:
        form: of the answers. people: their number. answers: how often each option is chosen. groups: demographic →
            group → people. years: (country, None if it is missing, and year) → people. held_out: at most
            :data:`HELD_OUT` people, those with the lowest ``order``, in that order.
    """

    form: FormName
    people: int
    answers: AnswerTally
    groups: Mapping[str, Mapping[str, int]]
    years: Mapping[tuple[str | None, int], int]
    held_out: People
    order: NDArray[np.uint64]

    @classmethod
    def of(cls, people: People, form: FormName) -> Self:
        """Count some people, with their answers in ``form``."""
        order = keys(0, "validation", people.ids.tolist())
        lowest = np.argsort(order, kind="stable")[:HELD_OUT]
        return cls(
            form=form,
            people=len(people),
            answers=AnswerTally.of(people, form),
            groups={name: _sizes(people.demographics[name]) for name in people.demographics.columns},
            years=_years(people),
            held_out=detached(people.take(lowest)),
            order=order[lowest],
        )

    @classmethod
    def total(cls, blocks: Iterable[People], form: FormName) -> "Tally":
        """Count the people of all blocks."""
        return reduce(add, (cls.of(people, form) for people in blocks))

    def __add__(self, other: Self) -> Self:
        order = np.concatenate([self.order, other.order])
        lowest = np.argsort(order, kind="stable")[:HELD_OUT]
        return type(self)(
            form=self.form,
            people=self.people + other.people,
            answers=self.answers + other.answers,
            groups={name: Counter(sizes) + Counter(other.groups[name]) for name, sizes in self.groups.items()},
            years=Counter(self.years) + Counter(other.years),
            held_out=detached(stacked([self.held_out, other.held_out]).take(lowest)),
            order=order[lowest],
        )

    @property
    def rates(self) -> NDArray[np.float64]:
        """Base rates (questions × most options)."""
        return smoothed_rates(self.answers.options, self.held_out.survey.form(self.form))


def _sizes(labels: pl.Series) -> dict[str, int]:
    return dict(labels.drop_nulls().value_counts(sort=False).iter_rows())


def _years(people: People) -> dict[tuple[str | None, int], int]:
    if people.years is None:
        return {}
    country = people.survey.country
    known = country in people.demographics.columns
    labels = people.demographics[str(country)] if known else pl.Series([None] * len(people), dtype=pl.String)
    table = pl.DataFrame({"country": labels, "year": people.years}).filter(pl.col("year") > 0)
    return {(label, year): size for label, year, size in table.group_by("country", "year").len().iter_rows()}
