"""Answers of people as arrays, and their shares in groups: what the scores of distributions are computed from."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Literal

import numpy as np
import polars as pl
from numpy.typing import NDArray

from indievalue.scoring.exact import fixed
from indievalue.scoring.groups import Groups

Floats = NDArray[np.float64]

Reading = Literal["probabilities", "choices"]
"""How predictions are read as a distribution: the mean of the probabilities, or the share of the answers chosen."""

_FINE = 2**12
"""Rows of one person and question whose sum stays exact."""


@dataclass(frozen=True)
class Answers:
    """One predictor's rows as arrays of people (sorted) × questions (sorted) × options.

    Attributes:
        weight: of each person (people,), with a mean of 1.
        options: number of options of each question (questions,). ordered: whether they are (questions,).
        true: 1 for the option that the person chose; 0 everywhere if the person was not asked.
        predicted: the same as predicted, by how predictions are read; where a person is asked a question in several
            setups, their mean. 0 everywhere without a valid prediction.
    """

    people: tuple[str, ...]
    questions: tuple[str, ...]
    weight: Floats
    options: NDArray[np.int64]
    ordered: NDArray[np.bool_]
    true: Floats
    predicted: Mapping[Reading, Floats]


def answers_of(rows: pl.DataFrame, scales: Mapping[str, tuple[bool, int]]) -> Answers:
    """Return one predictor's ``rows``, with a column ``weight``, as arrays; ``scales`` as in :func:`distributions`.

    Rows without probabilities are left out of these, and invalid outputs of the choices.
    """
    people = tuple(rows["person"].unique().sort().to_list())
    questions = tuple(rows["question"].unique().sort().to_list())
    person = rows["person"].rank("dense").to_numpy().astype(np.int64) - 1
    question = rows["question"].rank("dense").to_numpy().astype(np.int64) - 1
    options = np.array([scales[name][1] for name in questions], np.int64)
    shape = len(people), len(questions), int(options.max(initial=1))
    weight = np.ones(len(people))
    weight[person] = rows["weight"].to_numpy()
    predicted: dict[Reading, Floats] = {}
    if not rows["probabilities"].is_null().all():
        predicted["probabilities"] = _mean_probabilities(rows["probabilities"], person, question, shape)
    predicted["choices"] = _mean_options(rows["choice"].to_numpy(), person, question, shape)
    return Answers(
        people,
        questions,
        weight / weight.mean(),
        options,
        np.array([scales[name][0] for name in questions], np.bool_) & (options > 1),
        _mean_options(rows["answer"].to_numpy(), person, question, shape),
        predicted,
    )


def _mean_options(
    chosen: NDArray[np.int8], person: NDArray[np.int64], question: NDArray[np.int64], shape: tuple[int, int, int]
) -> Floats:
    """Return 1 for the option that a person chose, or shares if several rows differ; -1 is no option."""
    given = chosen >= 0
    cell = np.ravel_multi_index((person[given], question[given], chosen[given].astype(np.int64)), shape)
    counts = np.bincount(cell, minlength=int(np.prod(shape))).astype(np.float64)
    return _shares(counts.reshape(shape))


def _mean_probabilities(
    given: pl.Series, person: NDArray[np.int64], question: NDArray[np.int64], shape: tuple[int, int, int]
) -> Floats:
    has = given.is_not_null().to_numpy()
    lists = given.drop_nulls()
    length = lists.list.len().to_numpy().astype(np.int64)
    flat = lists.explode().cast(pl.Float64).to_numpy()
    row = np.repeat(np.flatnonzero(has), length)
    option = np.arange(len(flat)) - np.repeat(np.cumsum(length) - length, length)
    cell = np.ravel_multi_index((person[row], question[row], option), shape)
    total = np.bincount(cell, fixed(flat, _FINE), minlength=int(np.prod(shape)))
    return _shares(total.astype(np.float64).reshape(shape))


def _shares(total: Floats) -> Floats:
    """Divide by the sum over options; 0 everywhere where that is 0."""
    whole = total.sum(axis=-1, keepdims=True)
    return np.asarray(np.divide(total, whole, out=np.zeros_like(total), where=whole > 0))


@dataclass(frozen=True)
class Given:
    """Values of people that some of them lack, ready to be averaged over the groups of any demographic.

    Attributes:
        values: people × questions × columns; 0 where a person has none. has: 1 if a person has the values of a question
            (people × questions), else 0.
        weight: of each person (people,).
    """

    values: Floats
    has: Floats
    weight: Floats

    @cached_property
    def weighted(self) -> Floats:
        """Weights of those who have the values (people × questions)."""
        return np.asarray(self.weight[:, None] * self.has)

    @cached_property
    def summands(self) -> Mapping[str, Floats]:
        """What is summed over the members of a group, rounded so that any sum of it is exact."""
        parts = {
            "people": self.has,
            "weights": self.weighted,
            "squares": self.weight[:, None] ** 2 * self.has,
            "values": self.weighted[..., None] * self.values,
        }
        return {name: fixed(part, max(1, len(part))) for name, part in parts.items()}


@dataclass(frozen=True)
class Means:
    """Weighted means of ``given`` over the members of each group.

    Attributes:
        given: values of people × questions × columns. groups: the groups.
        total: sum of weights of those who have the values (groups × questions).
        mean: the means (groups × questions × columns); nan if nobody has the values.
    """

    given: Given
    groups: Groups
    total: Floats
    mean: Floats

    @classmethod
    def of(cls, given: Given, groups: Groups) -> "Means":
        """Compute the means; they are the same in any order of people."""
        total = _group_sums(given.summands["weights"], groups)
        sums = _group_sums(given.summands["values"], groups)
        mean = np.divide(sums, total[..., None], out=np.full_like(sums, np.nan), where=total[..., None] > 0)
        return cls(given, groups, total, mean)

    @cached_property
    def members(self) -> list[NDArray[np.int64]]:
        """Indices of the members of each group."""
        return [np.flatnonzero(self.groups.group == at) for at in range(len(self.groups.labels))]

    @cached_property
    def people(self) -> NDArray[np.int64]:
        """Number of people who have the values (groups × questions)."""
        return np.asarray(np.rint(_group_sums(self.given.summands["people"], self.groups)), np.int64)

    @cached_property
    def effective(self) -> Floats:
        """Effective number of people (groups × questions), as :func:`effective_size` of their weights."""
        squares = _group_sums(self.given.summands["squares"], self.groups)
        return np.asarray(np.divide(self.total**2, squares, out=np.zeros_like(squares), where=squares > 0))

    def influence(self, group: int, questions: slice) -> Floats:
        """Return how much each member of a group adds to its means (members × questions × columns).

        The influences of a group add up to 0, and the sum of their squares is the sampling variance of its means.
        """
        members, total = self.members[group], self.total[group, questions]
        weighted = self.given.weighted[members, questions]
        share = np.divide(weighted, total, out=np.zeros_like(weighted), where=total > 0)
        centre = np.nan_to_num(self.mean[group, questions])
        return np.asarray(share[..., None] * (self.given.values[members, questions] - centre))


def _group_sums(summands: Floats, groups: Groups) -> Floats:
    """Return the sums of ``summands`` (people × …) over the members of each group (groups × …)."""
    flat = summands.reshape(len(summands), -1)
    return np.asarray((groups.membership().T @ flat).reshape(len(groups.labels), *summands.shape[1:]))


def has_values(values: Floats) -> Floats:
    """Return 1 if a person has any share of an option of a question (people × questions), else 0."""
    return np.asarray(values.any(axis=-1), np.float64)
