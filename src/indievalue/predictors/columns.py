"""Encode answers and demographics as numeric columns for the fitted predictors."""

from collections.abc import Mapping, Sequence
from typing import TypeVar

import numpy as np
import polars as pl
from numpy.typing import NDArray

from indievalue.choices import FormName
from indievalue.survey.survey import Survey

T = TypeVar("T", bound=np.generic)

FEWEST = 50
"""Minimum number of people for a demographic group to get a column of its own."""


def coarsening(survey: Survey, form: FormName) -> NDArray[np.float32]:
    """Return a matrix (refined options × options of ``form``) that is 1 if the refined option is part of the other.

    Probabilities of refined options multiplied by it are probabilities of the form's options.
    """
    fine, coarse = survey.form("refined"), survey.form(form)
    matrix = np.zeros((int(fine.starts[-1]), int(coarse.starts[-1])), np.float32)
    for at, question in enumerate(survey.questions):
        for option, refined in enumerate(question.refined):
            within = int(coarse.table[at, refined.codes[0] - coarse.lowest])
            matrix[fine.starts[at] + option, coarse.starts[at] + within] = 1
    return matrix


def frequent_groups(demographics: pl.DataFrame) -> dict[str, list[str]]:
    """Return the groups of every demographic with at least :data:`FEWEST` people, in alphabetical order."""
    sizes = {name: demographics[name].drop_nulls().value_counts(sort=False) for name in demographics.columns}
    return frequent({name: dict(counts.iter_rows()) for name, counts in sizes.items()})


def frequent(sizes: Mapping[str, Mapping[str, int]]) -> dict[str, list[str]]:
    """Return :func:`frequent_groups` from the number of people in each group of every demographic."""
    return {
        name: sorted(label for label, people in groups.items() if people >= FEWEST) for name, groups in sizes.items()
    }


def demographic_columns(
    demographics: pl.DataFrame, groups: dict[str, list[str]], people: int | None = None
) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
    """Return one-hot groups, and whether each person's group is known, both people × groups.

    A person whose group is missing, or is none of the ``groups`` of a demographic, has 0 in all of its columns and
    counts as unknown, and so does everybody for a demographic that the table lacks. ``people`` is their number, which a
    table without any demographic does not have.
    """
    values = np.zeros((len(demographics) if people is None else people, sum(map(len, groups.values()))), np.float32)
    known = np.zeros(values.shape, bool)
    start = 0
    for name, labels in groups.items():
        if name not in demographics.columns:
            start += len(labels)
            continue
        at = (
            demographics[name]
            .replace_strict(labels, list(range(len(labels))), default=-1, return_dtype=pl.Int32)
            .to_numpy()
        )
        member = np.flatnonzero(at >= 0)
        values[member, start + at[member]] = 1
        known[member, start : start + len(labels)] = True
        start += len(labels)
    return values, known


def stacked(parts: Sequence[NDArray[T]]) -> NDArray[T]:
    """Stack rows of arrays (rows × options × …), padded with 0 to the most options."""
    most = max(part.shape[1] for part in parts)
    return np.concatenate(
        [np.pad(part, [(0, 0), (0, most - part.shape[1]), *[(0, 0)] * (part.ndim - 2)]) for part in parts]
    )


def padded(flat: NDArray[np.floating], starts: NDArray[np.int64]) -> NDArray[np.float64]:
    """Reshape options of all questions (people × all options) to people × questions × most options, padded with 0.

    ``starts`` (questions + 1,) are the indices at which each question's options start.
    """
    counts = np.diff(starts)
    out = np.zeros((len(flat), len(counts), int(counts.max(initial=1))))
    for at, count in enumerate(counts):
        out[:, at, :count] = flat[:, starts[at] : starts[at] + count]
    return out
