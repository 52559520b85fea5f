"""Gradient-boosted trees for each question, a strong baseline for tabular data (LightGBM; Ke et al. 2017)."""

import os
from importlib import import_module
from types import ModuleType
from typing import Protocol, Self

import numpy as np
from numpy.typing import NDArray

from indievalue.choices import FormName
from indievalue.errors import IndievalueError, importing
from indievalue.people.people import People
from indievalue.predictors.per_question import PerQuestion, Seen

TREES = 250
PATIENCE = 25
"""Fitting stops after this many trees without a better log loss on held-out people."""

FEWEST_HELD = 50
"""Minimum number of held-out people for early stopping; with fewer, all trees are fitted."""

SETTINGS = {
    "num_leaves": 15,
    "learning_rate": 0.06,
    "feature_fraction": 0.3,
    "max_bin": 63,
    "seed": 0,
    "verbosity": -1,
    # The same trees on any number of threads.
    "deterministic": True,
    "force_row_wise": True,
}


class Trees(Protocol):
    """A fitted Booster of LightGBM, as far as it is used here."""

    def predict(self, data: NDArray[np.float32], *, num_threads: int) -> NDArray[np.floating]: ...


class Boosting(PerQuestion[Trees]):
    """LightGBM classifiers, one per probe (see :class:`indievalue.predictors.per_question.PerQuestion`).

    Demonstrations are numeric features if the question's options are ordered, and categorical ones otherwise;
    demographics are categorical; the year and facts about a country are numeric.

    Args:
        trees: maximum number of boosting rounds. Raises IndievalueError if it is below 1.

    >>> from indievalue import Settings, build_benchmark
    >>> from indievalue.testing import made_up_people, small_survey
    >>> people = made_up_people(small_survey(), 100)
    >>> tested, training = people.take(range(4)), people.take(range(4, 100))
    >>> benchmark = build_benchmark(tested, Settings(setups=(0,), demonstrations=5), tested.ids.tolist())
    >>> ((_, task),) = benchmark.tasks()
    >>> Boosting(trees=1).fit(training).predict(task).choice.shape  # people × probes
    (4, 6)
    """

    def __init__(self, trees: int = TREES) -> None:
        if trees < 1:
            raise IndievalueError(f"boosting: trees must be at least 1, not {trees}")
        self.trees = trees

    def fit(self, people: People, form: FormName = "polar", shown_form: FormName | None = None) -> Self:
        _lightgbm()  # fail fast if it is not installed
        return super().fit(people, form, shown_form)

    def _train(
        self, seen: Seen, labels: NDArray[np.int64], held: Seen, held_labels: NDArray[np.int64], classes: int
    ) -> Trees:
        lightgbm = _lightgbm()
        kind = {"objective": "binary"} if classes == 2 else {"objective": "multiclass", "num_class": classes}
        settings = {**SETTINGS, **kind, "num_threads": os.cpu_count() or 1}
        data = lightgbm.Dataset(_matrix(seen), labels, categorical_feature=_categorical(seen))
        fitted: Trees
        if len(held_labels) < FEWEST_HELD:
            fitted = lightgbm.train(settings, data, self.trees)
        else:
            stop = lightgbm.early_stopping(PATIENCE, verbose=False)
            validation = data.create_valid(_matrix(held), held_labels)
            fitted = lightgbm.train(settings, data, self.trees, valid_sets=[validation], callbacks=[stop])
        return fitted

    def _probabilities(self, model: Trees, seen: Seen) -> NDArray[np.floating]:
        given = np.asarray(model.predict(_matrix(seen), num_threads=os.cpu_count() or 1))
        return np.stack([1 - given, given], axis=1) if given.ndim == 1 else given


def _matrix(seen: Seen) -> NDArray[np.float32]:
    """Return the features (people × questions, demographics and facts), NaN for unknown values."""
    matrix = np.concatenate([seen.options, seen.groups], axis=1).astype(np.float32)
    matrix[matrix < 0] = np.nan
    return np.concatenate([matrix, seen.facts], axis=1) if seen.facts.shape[1] else matrix


def _categorical(seen: Seen) -> list[int]:
    questions = seen.survey.questions
    unordered = [column for column, question in enumerate(questions) if not question.ordered]
    return unordered + list(range(len(questions), len(questions) + len(seen.group_counts)))


def _lightgbm() -> ModuleType:
    with importing("the predictor boosting needs", "baselines"):
        return import_module("lightgbm")
