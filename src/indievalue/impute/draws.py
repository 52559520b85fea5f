"""Draw all missing answers of people several times."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl
from numpy.typing import NDArray

from indievalue.impute.items import Item, items_of, levels_of
from indievalue.impute.missing import ToFill
from indievalue.impute.sampler import Gaps, Sampler
from indievalue.people.people import People
from indievalue.predictors.columns import demographic_columns, frequent_groups

BURN_IN = 40
"""Sweeps before the first draw."""

BETWEEN = 10
"""Sweeps between draws."""

MOST_GROUPS = 20
"""Demographics with more groups, other than the country, are left out, as in the gaussian predictor."""

_TINY = 1e-3


@dataclass(frozen=True)
class Draws:
    """Draws of missing answers, a cell each.

    Attributes:
        people: int64 (cells,), positions of people. questions: int16 (cells,), positions of questions.
        codes: int16 (draws × cells), the codes drawn. probabilities: float32 (draws × cells), that of each code drawn.
        entropy: float32 (cells,), of the probabilities of all codes, in bits.
    """

    people: NDArray[np.int64]
    questions: NDArray[np.int16]
    codes: NDArray[np.int16]
    probabilities: NDArray[np.float32]
    entropy: NDArray[np.float32]


def draw_missing(
    people: People,
    draws: int = 1,
    fill: ToFill | None = None,
    seed: int = 0,
    cells: NDArray[np.bool_] | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> Draws:
    """Draw the missing answers of ``people``, jointly, from their distribution given all answers that are there.

    ``fill`` says which answers are drawn, and ``cells`` (people × questions) restricts them. ``progress`` is called
    with the number of sweeps made, and of all.
    """
    fill = fill or ToFill()
    order = np.lexsort((people.ids, _country(people)))
    chosen = fill.cells(people) if cells is None else fill.cells(people) & cells
    people, chosen, back = people.take(order), chosen[order], order
    country = _country(people)
    items = items_of(people, fill)
    gaps = [_gaps(item, np.flatnonzero(chosen[:, item.question])) for item in items]
    gaps = [gap for gap in gaps if len(gap.people)]
    levels = levels_of(items, people.codes)
    if not levels.shape[1]:  # no question with two answers: there is nothing to draw
        return _draws(gaps, [[_answers(gap, levels) for gap in gaps]] * draws, back, draws)
    sampler = Sampler(items, levels, _fixed(people, country), country, seed)
    drawn = []
    total = BURN_IN + BETWEEN * draws
    for sweep in range(1, total + 1):
        sampler.sweep(gaps if sweep > BURN_IN else ())
        if progress is not None:
            progress(sweep, total)
        if sweep > BURN_IN and (sweep - BURN_IN) % BETWEEN == 0:
            drawn.append([_answers(gap, sampler.levels) for gap in gaps])
    return _draws(gaps, drawn, back, draws)


def _gaps(item: Item, people: NDArray[np.int64]) -> Gaps:
    return Gaps(item, people, np.zeros((len(people), len(item.codes)), np.float32))


def _answers(gap: Gaps, levels: NDArray[np.int16]) -> NDArray[np.int16]:
    return gap.item.decode(levels[gap.people, gap.item.first : gap.item.first + gap.item.columns])


def _draws(gaps: Sequence[Gaps], drawn: list[list[NDArray[np.int16]]], back: NDArray[np.int64], draws: int) -> Draws:
    codes, probabilities, entropy = [], [], []
    for at, gap in enumerate(gaps):
        answers = np.stack([one[at] for one in drawn])
        shares = gap.sums + 1e-9
        shares /= shares.sum(axis=1, keepdims=True)
        codes.append(np.array(gap.item.codes, np.int16)[answers])
        probabilities.append(shares[np.arange(len(shares))[None, :], answers])
        entropy.append(-(shares * np.log2(shares)).sum(axis=1))
    counts = [len(gap.people) for gap in gaps]
    questions = np.repeat(np.array([gap.item.question for gap in gaps], np.int16), counts)
    people = back[np.concatenate([gap.people for gap in gaps])] if gaps else np.zeros(0, np.int64)
    order = np.lexsort((questions, people))
    return Draws(
        people[order],
        questions[order],
        np.concatenate([np.zeros((draws, 0), np.int16), *codes], axis=1)[:, order],
        np.concatenate([np.zeros((draws, 0)), *probabilities], axis=1)[:, order].astype(np.float32),
        np.concatenate([np.zeros(0), *entropy])[order].astype(np.float32),
    )


def _country(people: People) -> NDArray[np.int64]:
    """The number of each person's country, in alphabetical order; people without one are a group of their own."""
    name = people.survey.country
    if name is None or name not in people.demographics.columns:
        return np.zeros(len(people), np.int64)
    labels = people.demographics[name].fill_null("")
    known = sorted(labels.unique().to_list())
    return labels.replace_strict(known, range(len(known)), return_dtype=pl.Int64).to_numpy()


def _fixed(people: People, country: NDArray[np.int64]) -> NDArray[np.float32]:
    """Demographic groups as columns with mean 0 in each country, and variance 1 over everybody; 0 where missing."""
    groups = {
        name: labels
        for name, labels in frequent_groups(people.demographics).items()
        if name != people.survey.country and 2 <= len(labels) <= MOST_GROUPS
    }
    values, known = demographic_columns(people.demographics, groups, len(people))
    starts = np.cumsum([0, *map(len, groups.values())], dtype=np.int64)[:-1]
    values, known = np.delete(values, starts, axis=1), np.delete(known, starts, axis=1)  # what the others tell
    for at in range(int(country.max(initial=0)) + 1):
        rows = country == at
        total = known[rows].sum(axis=0)
        values[rows] -= np.where(known[rows], values[rows].sum(axis=0) / np.maximum(total, 1), values[rows])
    spread = values.std(axis=0)
    return np.asarray(values[:, spread > _TINY] / spread[spread > _TINY], np.float32)
