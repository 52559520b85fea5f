"""Multinomial logistic regression for each question, on the options shown: the plainest model that learns."""

from importlib import import_module
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from indievalue.errors import IndievalueError
from indievalue.predictors.per_question import PerQuestion, Seen

STRENGTH = 0.01
"""Inverse of the L2 penalty (C of scikit-learn): of 0.001 to 1, the least log loss on held people of WVS-7."""

ITERATIONS = 1000
"""Of L-BFGS, at most; some 50 are needed."""


class Classifier(Protocol):
    """A fitted classifier of scikit-learn, as far as it is used here."""

    def predict_proba(self, columns: NDArray[np.float32]) -> NDArray[np.floating]: ...


class Logistic(PerQuestion[Classifier]):
    """One regression per question asked (see :class:`indievalue.predictors.per_question.PerQuestion`).

    Every option of every demonstration and every demographic group is a column of 0 and 1. ``c`` is the inverse of the
    L2 penalty.
    """

    def __init__(self, c: float = STRENGTH) -> None:
        if not c > 0:
            raise IndievalueError(f"logistic: c is the inverse of a penalty, more than 0, and not {c}")
        self.c = c

    def _train(
        self, seen: Seen, labels: NDArray[np.int64], held: Seen, held_labels: NDArray[np.int64], classes: int
    ) -> Classifier:
        # Nothing is stopped early, so that held people can be learned from too.
        columns, target = np.concatenate([_columns(seen), _columns(held)]), np.concatenate([labels, held_labels])
        # scikit-learn takes a while to import, and nothing else here needs it.
        regression = import_module("sklearn.linear_model").LogisticRegression
        fitted: Classifier = regression(C=self.c, max_iter=ITERATIONS, tol=1e-3).fit(columns, target)
        return fitted

    def _probabilities(self, model: Classifier, seen: Seen) -> NDArray[np.floating]:
        return np.asarray(model.predict_proba(_columns(seen)))


def _columns(seen: Seen) -> NDArray[np.float32]:
    """Options and groups as columns of 0 and 1 (people × all options and groups); what is not known is all 0."""
    groups = [
        (seen.groups[:, [demographic]] == np.arange(count)).astype(np.float32)
        for demographic, count in enumerate(seen.group_counts)
    ]
    return np.concatenate([seen.form.one_hot(seen.options), *groups], axis=1)
