"""How near synthetic people come to people who were held out, and whether they lie nearer to those fitted on.

People are split into two halves. A twin is fitted on one, and synthetic people are drawn from it; the other half is
held out. What holds for that twin holds for one that is fitted on everybody in the same way.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from math import sqrt

import numpy as np
import polars as pl
from numpy.typing import NDArray

from indievalue.errors import IndievalueError
from indievalue.people.decode import decode
from indievalue.people.findings import SYNTHETIC
from indievalue.people.people import People
from indievalue.survey.survey import Survey
from indievalue.synthetic.generate import draw
from indievalue.synthetic.model import FEWEST
from indievalue.synthetic.twin import fit_twin

MOST_FITTED = 10_000
"""People in each half at most."""
MOST_COMPARED = 2_000
"""Synthetic people, and people held out, whose nearest record is looked for, at most."""
_NEAREST = 0.05
"""The share of people held out who are nearest to those fitted on, by whose distance synthetic ones are measured."""
_ENOUGH = 100
"""People with both answers for a correlation."""

Floats = NDArray[np.float64]
Records = NDArray[np.int32]


@dataclass(frozen=True)
class Privacy:
    """Distances to the closest person fitted on: the share of questions and demographics that differ.

    Attributes:
        people: how many synthetic people, and how many held-out ones, were compared.
        synthetic, held_out: median distance of each.
        near_synthetic, near_held_out: share of each who are nearer than all but the nearest 5% of those held out.
        copies_synthetic, copies_held_out: share of each who are equal to a person fitted on.
        drawn_to_fitted: share of synthetic people whose closest person is one of those fitted on and not of as many
            held out; ties count half. It is 1 for copies, and somewhat above 0.5 for people of a twin, whose aggregates
            are those of the people fitted on.
    """

    people: int
    synthetic: float
    held_out: float
    near_synthetic: float
    near_held_out: float
    copies_synthetic: float
    copies_held_out: float
    drawn_to_fitted: float

    @property
    def passed(self) -> bool:
        """Whether no more of the synthetic people are near, or copies, than of those held out, but for chance.

        Chance is three standard errors of the difference of two shares.
        """
        pairs = (self.near_synthetic, self.near_held_out), (self.copies_synthetic, self.copies_held_out)
        return all(one <= other + 3 * sqrt(2 * max(other, 1 / self.people) / self.people) for one, other in pairs)


@dataclass(frozen=True)
class Nearness:
    """How near synthetic people come to those held out; in brackets what people fitted on reach, who are real.

    Attributes:
        marginals, real_marginals: mean total variation of the options of a question, of those that 100 answered.
        correlations, real_correlations: mean absolute difference of the correlations of pairs of questions that 100
            answered.
        questions, pairs: how many there are.
        privacy: see :class:`Privacy`.
    """

    marginals: float
    real_marginals: float
    correlations: float
    real_correlations: float
    questions: int
    pairs: int
    privacy: Privacy


def check_twin(table: pl.DataFrame, survey: Survey, person_columns: Sequence[str] = (), seed: int = 0) -> Nearness:
    """Fit a twin on half of the people in the raw columns of a file, and compare its people with the other half.

    ``person_columns`` are as in :func:`indievalue.people.decode.decode`. Raises IndievalueError where there are too few
    people.
    """
    rng = np.random.default_rng(seed)
    everybody = decode(table.with_row_index("\0row"), survey, "the data", "", ["\0row"])
    rows = rng.permutation(everybody.ids.astype(np.int64))
    half = min(len(rows) // 2, MOST_FITTED)
    if half < 2 * FEWEST:
        raise IndievalueError(f"a twin is checked on two halves of the people, and {len(rows):,} are too few")
    fitted, held_out = table[rows[:half]], table[rows[half : 2 * half]]
    twin = fit_twin(fitted, survey, person_columns)
    drawn = draw(twin, survey, MOST_FITTED, seed)
    real = [decode(one, survey, "the data", "", person_columns) for one in (fitted, held_out)]
    return compare(decode(drawn, survey, SYNTHETIC, ""), real[0], real[1], seed)


def compare(synthetic: People, fitted: People, held_out: People, seed: int = 0) -> Nearness:
    """Compare synthetic people with those that their twin was fitted on, and with as many others."""
    counts = synthetic.survey.form("refined").counts.tolist()
    shares = [_shares(people.options("refined"), counts) for people in (synthetic, fitted, held_out)]
    both = [at for at in range(len(counts)) if all(some[at].size for some in shares)]
    apart = [[0.5 * float(np.abs(some[at] - shares[2][at]).sum()) for at in both] for some in shares[:2]]
    ordered = [at for at, question in enumerate(synthetic.survey.questions) if question.ordered or counts[at] == 2]
    of_pairs = [_correlations(people.options("refined")[:, ordered]) for people in (synthetic, fitted, held_out)]
    known = np.isfinite(of_pairs).all(axis=0)
    synthetic_gap, real_gap = (
        float(np.abs(some - of_pairs[2])[known].mean()) if known.any() else float("nan") for some in of_pairs[:2]
    )
    return Nearness(
        marginals=float(np.mean(apart[0])) if both else float("nan"),
        real_marginals=float(np.mean(apart[1])) if both else float("nan"),
        correlations=synthetic_gap,
        real_correlations=real_gap,
        questions=len(both),
        pairs=int(known.sum()),
        privacy=_privacy_of(synthetic, fitted, held_out, seed),
    )


def _privacy_of(synthetic: People, fitted: People, held_out: People, seed: int) -> Privacy:
    one, two, three = _records(synthetic, fitted, held_out)
    return privacy(one, two, three, seed)


def privacy(synthetic: Records, fitted: Records, held_out: Records, seed: int = 0) -> Privacy:
    """Compare distances to the closest record; records are codes (people × items), and a missing answer is one too.

    ``fitted`` and ``held_out`` are as many.
    """
    rng = np.random.default_rng(seed)
    compared = min(len(synthetic), len(held_out), MOST_COMPARED)
    some = synthetic[rng.permutation(len(synthetic))[:compared]]
    others = held_out[rng.permutation(len(held_out))[:compared]]
    to_fitted, to_held_out = _closest(some, fitted), _closest(some, held_out)
    held_out_to_fitted = _closest(others, fitted)
    limit = np.quantile(held_out_to_fitted, _NEAREST)
    items = synthetic.shape[1]
    return Privacy(
        people=compared,
        synthetic=float(np.median(to_fitted)) / items,
        held_out=float(np.median(held_out_to_fitted)) / items,
        near_synthetic=float((to_fitted < limit).mean()),
        near_held_out=float((held_out_to_fitted < limit).mean()),
        copies_synthetic=float((to_fitted == 0).mean()),
        copies_held_out=float((held_out_to_fitted == 0).mean()),
        drawn_to_fitted=float(((to_fitted < to_held_out) + 0.5 * (to_fitted == to_held_out)).mean()),
    )


def _closest(people: Records, others: Records) -> NDArray[np.int64]:
    """How many items differ between each of ``people`` and the nearest of ``others``."""
    offsets = np.concatenate([[0], np.cumsum(np.maximum(people.max(axis=0), others.max(axis=0)) + 1)])
    those = _one_hot(others, offsets).T
    closest = np.empty(len(people), np.int64)
    for start in range(0, len(people), 256):
        alike = _one_hot(people[start : start + 256], offsets) @ those
        closest[start : start + 256] = people.shape[1] - np.rint(alike.max(axis=1)).astype(np.int64)
    return closest


def _one_hot(records: Records, offsets: NDArray[np.int64]) -> NDArray[np.float32]:
    wide = np.zeros((len(records), int(offsets[-1])), np.float32)
    np.put_along_axis(wide, records + offsets[:-1], 1, axis=1)
    return wide


def _records(*several: People) -> list[Records]:
    """The options and groups of people as whole numbers from 0 on, the same for all; 0 is missing."""
    labels = pl.concat([people.demographics for people in several])
    groups = [labels[name].rank("dense").fill_null(0).cast(pl.Int32).to_numpy() for name in labels.columns]
    options = np.concatenate([people.options("refined") for people in several]).astype(np.int32) + 1
    whole = np.column_stack([options, *groups]).astype(np.int32)
    return np.split(whole, np.cumsum([len(people) for people in several])[:-1])


def _shares(options: NDArray[np.int8], counts: list[int]) -> list[Floats]:
    """Shares of the options of each question, empty where too few answered it."""
    found = []
    for at, number in enumerate(counts):
        answers = options[:, at][options[:, at] >= 0]
        shares = np.bincount(answers, minlength=number) / max(1, len(answers))
        found.append(shares if len(answers) >= _ENOUGH else np.empty(0))
    return found


def _correlations(options: NDArray[np.int8]) -> Floats:
    """Correlations of pairs of questions over people who answered both; NaN where they are too few."""
    answered = (options >= 0).astype(np.float64)
    values = np.where(options >= 0, options, 0).astype(np.float64)
    n = answered.T @ answered
    sums = values.T @ answered
    squares = (values**2).T @ answered
    with np.errstate(invalid="ignore", divide="ignore"):
        spread = squares / n - (sums / n) ** 2
        covariance = values.T @ values / n - (sums / n) * (sums.T / n)
        correlation = covariance / np.sqrt(spread * spread.T)
    correlation[(n < _ENOUGH) | ~np.isfinite(correlation)] = np.nan
    return np.asarray(correlation[np.triu_indices(len(correlation), 1)])
