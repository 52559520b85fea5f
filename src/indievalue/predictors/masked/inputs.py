"""Encode people as input columns of the network."""

from dataclasses import dataclass
from typing import Self

import numpy as np
import polars as pl
from numpy.typing import NDArray

from indievalue.choices import FormName
from indievalue.people.people import People
from indievalue.predictors.columns import coarsening, demographic_columns, frequent_groups
from indievalue.survey.survey import Survey


@dataclass(frozen=True)
class Shape:
    """Numbers of columns, which determine the network's shape for a survey.

    Attributes:
        counts: int64 (questions,), refined options of each question.
        groups: groups of each demographic that have a column.
    """

    counts: NDArray[np.int64]
    groups: dict[str, list[str]]

    @classmethod
    def of(cls, people: People) -> Self:
        return cls(people.survey.form("refined").counts, frequent_groups(people.demographics))

    @property
    def question_of(self) -> NDArray[np.int64]:
        """Index of the question of every option column (options,)."""
        return np.repeat(np.arange(len(self.counts)), self.counts)

    @property
    def demographic_of(self) -> NDArray[np.int64]:
        """Index of the demographic of every group column (groups,)."""
        return np.repeat(np.arange(len(self.groups)), [len(labels) for labels in self.groups.values()])

    @property
    def width(self) -> int:
        """Number of input columns: options, questions known, groups, demographics known."""
        return int(self.counts.sum()) + len(self.counts) + len(self.demographic_of) + len(self.groups)

    def demographic_columns(self, demographics: pl.DataFrame | None, people: int) -> NDArray[np.float32]:
        """Return one-hot groups (people × groups); all 0 if demographics are None."""
        if demographics is None or not len(self.demographic_of):
            return np.zeros((people, len(self.demographic_of)), np.float32)
        return demographic_columns(demographics, self.groups, people)[0]


def spread(survey: Survey, form: FormName) -> NDArray[np.float32]:
    """Return a matrix (options of ``form`` × refined options) that divides each option equally among its parts."""
    within = coarsening(survey, form)
    return np.ascontiguousarray((within / np.maximum(within.sum(axis=0), 1)).T)
