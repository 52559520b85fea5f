"""Answers of people as arrays, and their shares in groups: what the scores of distributions are computed from."""

from collections.abc import Mapping
from dataclasses import dataclass
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
    counts = np.zeros(shape)
    np.add.at(counts, (person[given], question[given], chosen[given].astype(np.int64)), 1)
    return _shares(counts)


def _mean_probabilities(
    given: pl.Series, person: NDArray[np.int64], question: NDArray[np.int64], shape: tuple[int, int, int]
) -> Floats:
    has = given.is_not_null().to_numpy()
    lists = given.drop_nulls()
    length = lists.list.len().to_numpy().astype(np.int64)
    flat = lists.explode().cast(pl.Float64).to_numpy()
    row = np.repeat(np.flatnonzero(has), length)
    option = np.arange(len(flat)) - np.repeat(np.cumsum(length) - length, length)
    total = np.zeros(shape)
    np.add.at(total, (person[row], question[row], option), fixed(flat, _FINE))
    return _shares(total)


def _shares(total: Floats) -> Floats:
    """Divide by the sum over options; 0 everywhere where that is 0."""
    whole = total.sum(axis=-1, keepdims=True)
    return np.asarray(np.divide(total, whole, out=np.zeros_like(total), where=whole > 0))


@dataclass(frozen=True)
class Means:
    """Weighted means over the members of each group, of values (people × questions × columns) that some people lack.

    Attributes:
        values: as they were given. has: 1 if a person has the values of a question (people × questions), else 0.
        groups: the groups. weight: of each person (people,).
        total: sum of weights of those who have them (groups × questions).
        mean: the means (groups × questions × columns); nan if nobody has them.
    """

    values: Floats
    has: Floats
    groups: Groups
    weight: Floats
    total: Floats
    mean: Floats

    @classmethod
    def of(cls, values: Floats, has: Floats, groups: Groups, weight: Floats) -> "Means":
        """Compute the means; they are the same in any order of people."""
        total = group_sums(weight[:, None] * has, groups)
        sums = group_sums((weight[:, None] * has)[..., None] * values, groups)
        mean = np.divide(sums, total[..., None], out=np.full_like(sums, np.nan), where=total[..., None] > 0)
        return cls(values, has, groups, weight, total, mean)

    @property
    def people(self) -> NDArray[np.int64]:
        """Number of people who have the values (groups × questions)."""
        return np.asarray(np.rint(group_sums(self.has, self.groups)), np.int64)

    @property
    def effective(self) -> Floats:
        """Effective number of people (groups × questions), as :func:`effective_size` of their weights."""
        squares = group_sums(self.weight[:, None] ** 2 * self.has, self.groups)
        return np.asarray(np.divide(self.total**2, squares, out=np.zeros_like(squares), where=squares > 0))

    def influence(self, members: NDArray[np.int64], questions: slice) -> Floats:
        """Return how much each member adds to the means of their own group (members × questions × columns).

        The influences of a group add up to 0, and the sum of their squares is the sampling variance of its means.
        """
        own = self.groups.group[members]
        total = self.total[own, questions]
        share = np.divide(
            self.weight[members, None] * self.has[members, questions],
            total,
            out=np.zeros_like(total),
            where=total > 0,
        )
        return np.asarray(
            share[..., None] * (self.values[members, questions] - np.nan_to_num(self.mean[own, questions]))
        )


def group_sums(values: Floats, groups: Groups) -> Floats:
    """Return the sums of ``values`` (people × …) over the members of each group (groups × …), exact in any order."""
    flat = fixed(values.reshape(len(values), -1), max(1, len(values)))
    return np.asarray((groups.membership().T @ flat).reshape(len(groups.labels), *values.shape[1:]))


def has_values(values: Floats) -> Floats:
    """Return 1 if a person has any share of an option of a question (people × questions), else 0."""
    return np.asarray(values.any(axis=-1), np.float64)
