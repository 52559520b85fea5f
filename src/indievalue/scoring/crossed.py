"""Accuracy with intervals from resampling both people and questions, for questions that stand for others."""

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np
import polars as pl
from numpy.typing import NDArray

from indievalue.errors import IndievalueError

Floats = NDArray[np.float64]


class Crossed(NamedTuple):
    """A value in percent, or points, with its 95% interval."""

    value: float
    low: float
    high: float


class CrossedAccuracies:
    """Accuracies of predictors on the same people and questions, resampled together.

    The interval of :func:`indievalue.scoring.accuracy.score` is for these very questions. Questions that nobody was
    asked before are a sample of all that could be asked: here people and clusters of questions, such as batteries, are
    both drawn with replacement, and a row counts as often as its person was drawn times its question.

    Args:
        predictions: rows of all predictors. cluster: the cluster of each question; by default each is its own.
        draws: number of bootstrap draws. seed: of the draws.
    """

    def __init__(
        self,
        predictions: pl.DataFrame,
        cluster: Mapping[str, str] | None = None,
        *,
        draws: int = 2000,
        seed: int = 0,
    ) -> None:
        rows = predictions.unique(["predictor", "person", "question"], maintain_order=True)
        people, questions = (rows[name].unique().sort().to_list() for name in ("person", "question"))
        clusters = sorted({(cluster or {}).get(name, name) for name in questions})
        at = {name: place for place, name in enumerate(clusters)}
        of_question = np.array([at[(cluster or {}).get(name, name)] for name in questions], np.int64)
        random = np.random.default_rng(seed)
        drawn_people = random.multinomial(len(people), np.full(len(people), 1 / len(people)), size=draws)
        drawn_clusters = random.multinomial(len(clusters), np.full(len(clusters), 1 / len(clusters)), size=draws)
        person = {name: place for place, name in enumerate(people)}
        question = {name: place for place, name in enumerate(questions)}
        self.draws_: dict[str, Floats] = {}
        self.value_: dict[str, float] = {}
        for (name,), part in rows.group_by("predictor", maintain_order=True):
            asked = np.zeros((len(people), len(questions)))
            right = np.zeros_like(asked)
            row = part["person"].replace_strict(person, return_dtype=pl.Int64).to_numpy()
            column = part["question"].replace_strict(question, return_dtype=pl.Int64).to_numpy()
            asked[row, column] = 1
            right[row, column] = (part["choice"] == part["answer"]).to_numpy()
            weights = drawn_clusters[:, of_question]
            total = ((drawn_people @ asked) * weights).sum(axis=1)
            of_draws = ((drawn_people @ right) * weights).sum(axis=1) / np.maximum(total, 1e-12)
            self.draws_[str(name)] = 100 * of_draws
            self.value_[str(name)] = 100 * float(right.sum() / asked.sum())

    def accuracy(self, predictor: str) -> Crossed:
        """Return the accuracy of a predictor. Raises IndievalueError if there is none of that name."""
        self._check(predictor)
        return _crossed(self.value_[predictor], self.draws_[predictor])

    def difference(self, predictor: str, other: str) -> Crossed:
        """Return by how many points a predictor is more accurate than another."""
        self._check(predictor, other)
        return _crossed(self.value_[predictor] - self.value_[other], self.draws_[predictor] - self.draws_[other])

    def closed(self, predictor: str, low: str, high: str) -> Crossed:
        """Return how much of the way from the accuracy of ``low`` to that of ``high`` a predictor goes, in percent."""
        self._check(predictor, low, high)
        value, draws = self.value_, self.draws_
        gap = np.where(draws[high] > draws[low], draws[high] - draws[low], np.nan)
        shares = 100 * (draws[predictor] - draws[low]) / gap
        return _crossed(100 * (value[predictor] - value[low]) / (value[high] - value[low]), shares)

    def _check(self, *predictors: str) -> None:
        for name in predictors:
            if name not in self.value_:
                raise IndievalueError(f"no predictor is called {name!r}; there are {', '.join(self.value_)}")


def _crossed(value: float, draws: Floats) -> Crossed:
    low, high = np.nanquantile(draws, [0.025, 0.975]).tolist()
    return Crossed(value, low, high)
