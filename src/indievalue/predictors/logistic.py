"""Multinomial logistic regression for each question on the options shown, a simple learned baseline."""

from collections.abc import Callable
from importlib import import_module
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

from indievalue.errors import IndievalueError, importing
from indievalue.predictors.per_question import PerQuestion, Seen

STRENGTH = 0.01
"""Inverse of the L2 penalty (C in scikit-learn); of 0.001 to 1, it had the lowest log loss on held-out WVS-7 people."""

ITERATIONS = 1000
"""Maximum number of L-BFGS iterations; about 50 are needed."""


class Classifier(Protocol):
    """A fitted classifier of scikit-learn, as far as it is used here."""

    def predict_proba(self, columns: NDArray[np.float32]) -> NDArray[np.floating]: ...


class Logistic(PerQuestion[Classifier]):
    """Logistic regressions, one per probe (see :class:`indievalue.predictors.per_question.PerQuestion`).

    Demonstrations and demographics are one-hot encoded; the year and numbers about a country are standardized.

    Args:
        c: inverse of the L2 penalty, as in scikit-learn. Raises IndievalueError unless it is above 0.

    >>> from indievalue import Settings, build_benchmark
    >>> from indievalue.testing import made_up_people, small_survey
    >>> people = made_up_people(small_survey(), 100)
    >>> tested, training = people.take(range(4)), people.take(range(4, 100))
    >>> benchmark = build_benchmark(tested, Settings(setups=(0,), demonstrations=5), tested.ids.tolist())
    >>> ((_, task),) = benchmark.tasks()
    >>> Logistic(c=0.1).fit(training).predict(task).choice.shape  # people × probes
    (4, 6)
    """

    def __init__(self, c: float = STRENGTH) -> None:
        if not c > 0:
            raise IndievalueError(f"logistic: c must be more than 0, not {c}")
        _regression()  # fail fast if it is not installed
        self.c = c

    def _train(
        self, seen: Seen, labels: NDArray[np.int64], held: Seen, held_labels: NDArray[np.int64], classes: int
    ) -> Classifier:
        # There is no early stopping, so held-out people are used for fitting, too.
        columns, target = np.concatenate([_columns(seen), _columns(held)]), np.concatenate([labels, held_labels])
        # The order of sums depends on the number of threads, and so would the point at which the solver stops.
        with threadpool_limits(1):
            fitted: Classifier = _regression()(C=self.c, max_iter=ITERATIONS, tol=1e-3).fit(columns, target)
        return fitted

    def _probabilities(self, model: Classifier, seen: Seen) -> NDArray[np.floating]:
        with threadpool_limits(1):
            return np.asarray(model.predict_proba(_columns(seen)))


def _regression() -> Callable[..., Any]:
    """Import scikit-learn's regression only when it is needed: it is slow to import, and an extra."""
    with importing("the predictor logistic needs", "baselines"):
        regression: Callable[..., Any] = import_module("sklearn.linear_model").LogisticRegression
    return regression


def _columns(seen: Seen) -> NDArray[np.float32]:
    """Return one-hot options and groups, and facts (people × columns); what is not known is 0."""
    groups = [
        (seen.groups[:, [demographic]] == np.arange(count)).astype(np.float32)
        for demographic, count in enumerate(seen.group_counts)
    ]
    return np.concatenate([seen.form.one_hot(seen.options), *groups, np.nan_to_num(seen.facts)], axis=1)
