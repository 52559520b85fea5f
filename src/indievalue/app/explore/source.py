"""The people that the explorer shows: who they are, and what they answered, of a run or of a data file."""

from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import TypeVar, cast

import numpy as np
import polars as pl
from numpy.typing import NDArray

from indievalue.choices import FormName
from indievalue.people.people import People
from indievalue.survey.survey import Survey

T = TypeVar("T")

Rows = NDArray[np.int64]
"""Places of people in a source."""

SMALLEST_GROUP = 30
"""People that a group has at least in any number about it."""

_SHARED = 20
"""Questions that two people must both have answered to be compared."""


@dataclass(frozen=True)
class Known:
    """What is known of people's answers in one form: int8 (people × questions), -1 where nothing is known."""

    form: FormName
    options: NDArray[np.int8]


@dataclass(frozen=True)
class Near:
    """A person who answers alike: the place, and on which share of the questions that both answered they agree."""

    row: int
    agree: float
    shared: int


@dataclass(frozen=True, eq=False)
class Source:
    """People to look at.

    Attributes:
        labels: the group of each person in every demographic, null where it is missing. weights: survey weights.
        known: the answers that are known, in one form or in two.
    """

    title: str
    survey: Survey
    ids: Sequence[str]
    labels: pl.DataFrame
    weights: NDArray[np.float64]
    known: tuple[Known, ...]
    synthetic: bool
    _kept: dict[Hashable, object] = field(default_factory=dict, init=False, repr=False)

    def __len__(self) -> int:
        return len(self.ids)

    @cached_property
    def rows(self) -> Mapping[str, int]:
        """Place of each person."""
        return {person: row for row, person in enumerate(self.ids)}

    @cached_property
    def country(self) -> str | None:
        """Name of the demographic that is the country, if people have one."""
        return self.survey.country if self.survey.country in self.labels.columns else None

    @cached_property
    def groups(self) -> Mapping[str, Mapping[str, int]]:
        """Number of people in each group of each demographic, largest group first."""
        return {
            name: dict(self.labels[name].drop_nulls().value_counts(sort=True).iter_rows())
            for name in self.labels.columns
        }

    def group_rows(self, demographic: str, group: str) -> NDArray[np.bool_]:
        """Mask of the people of a group."""
        return (self.labels[demographic] == group).fill_null(value=False).to_numpy()

    def group_of(self, row: int) -> Mapping[str, str]:
        """Group of one person in each demographic that has one."""
        found = self.labels.row(row, named=True) if self.labels.width else {}
        return {name: label for name, label in found.items() if label is not None}

    def about(self, row: int) -> list[str]:
        """What a person says of themselves, one statement for each group that has one."""
        said = []
        labels = self.group_of(row)
        for demographic in self.survey.demographics:
            try:
                said.append(demographic.statement(labels[demographic.name]))
            except KeyError:
                continue
        return said

    def statements(self, row: int) -> list[tuple[str, list[tuple[str, str]]]]:
        """A person's statements by category: (question, statement) of each."""
        found: dict[str, list[tuple[str, str]]] = {category: [] for category in self.survey.categories}
        for at, question in enumerate(self.survey.questions):
            for known in self.known:
                if (option := int(known.options[row, at])) >= 0:
                    found.setdefault(question.category, []).append(
                        (question.id, question.options(known.form)[option].statement)
                    )
                    break
        return [(category, said) for category, said in found.items() if said]

    def nearest(self, row: int, number: int = 8) -> list[Near]:
        """People whose answers agree most with those of one person."""
        agree: NDArray[np.int32] = np.zeros(len(self), np.int32)
        shared: NDArray[np.int32] = np.zeros(len(self), np.int32)
        for known in self.known:
            own = known.options[row]
            for at in np.flatnonzero(own >= 0):
                column = known.options[:, at]
                agree += column == own[at]
                shared += column >= 0
        enough = shared >= _SHARED
        enough[row] = False
        share = np.where(enough, agree / np.maximum(shared, 1), -1)
        best = np.argsort(-share, kind="stable")[:number] if len(self) < 5000 else _largest(share, number)
        return [Near(int(at), float(share[at]), int(shared[at])) for at in best if enough[at]]

    def once(self, key: Hashable, make: Callable[[], T]) -> T:
        """Return the result of ``make``, computed once for each ``key``."""
        if key not in self._kept:
            self._kept[key] = make()
        return cast(T, self._kept[key])


def _largest(values: NDArray[np.float64], number: int) -> NDArray[np.int64]:
    """Places of the largest values, largest first."""
    some = np.argpartition(-values, number)[:number]
    return some[np.argsort(-values[some], kind="stable")]


def source_of(people: People, form: FormName = "refined") -> Source:
    """Return the people of a data file. A don't-know, or a question that was not asked, is no answer."""
    return Source(
        title=people.survey.title,
        survey=people.survey,
        ids=people.ids.tolist(),
        labels=people.demographics,
        weights=people.weights,
        known=(Known(form, people.options(form)),),
        synthetic=people.findings.synthetic,
    )
