"""From conditional means to probabilities that can be trusted: a small multinomial logit, fitted on validation people.

The score of an option is the logarithm of its base rate, and a weighted sum of how far its conditional mean is above
that rate, in three scalings, each times 1, r and r², with r the share of the question's variance that is explained by
what is shown; and the logarithm of the rate times r and r². With nothing explained, probabilities are the base rates.
"""

from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize

Floats = NDArray[np.float64]

_LEAST = 1e-3
"""A conditional mean is taken to be no less under the logarithm."""

WEIGHTS = 11


@dataclass(frozen=True)
class LogitCalibration:
    """Weights (11,) of the scores."""

    weights: Floats

    @classmethod
    def neutral(cls) -> Self:
        """Probabilities in proportion to the conditional means: for too few validation people to fit."""
        weights = np.zeros(WEIGHTS)
        weights[_LOG_RATIO] = 1
        return cls(weights)

    @classmethod
    def fit(cls, means: Floats, rates: Floats, explained: Floats, truth: NDArray[np.integer]) -> Self:
        """Weights of the least log loss.

        ``means`` and ``rates`` are probes × most options (0 past a probe's options), ``explained`` and ``truth``
        (probes,).
        """
        offset, features, exists = _features(means, rates, explained)
        row = np.arange(len(truth))
        true, true_offset = features[row, truth], offset[row, truth]

        def loss(weights: Floats) -> tuple[float, Floats]:
            probabilities, log_total = _softmax(offset + features @ weights, exists)
            value = np.mean(log_total - true @ weights - true_offset) + _PENALTY * weights @ weights
            expected = np.einsum("nk,nkf->nf", probabilities, features)
            return float(value), (expected - true).mean(axis=0) + 2 * _PENALTY * weights

        start = cls.neutral().weights
        return cls(minimize(loss, start, jac=True, method="L-BFGS-B", options={"maxiter": 200}).x)

    def apply(self, means: Floats, rates: Floats, explained: Floats) -> Floats:
        """Probabilities (… × most options), summing to 1 over each probe's options, 0 after."""
        flat = (-1, means.shape[-1])
        offset, features, exists = _features(means.reshape(flat), rates.reshape(flat), explained.ravel())
        return np.asarray(_softmax(offset + features @ self.weights, exists)[0].reshape(means.shape))


_PENALTY = 1e-5
"""Keeps weights of features that hardly differ from running against each other."""


_LOG_RATIO = 6
"""Place of the weight of the logarithm of mean over rate."""


def _features(means: Floats, rates: Floats, explained: Floats) -> tuple[Floats, Floats, NDArray[np.bool_]]:
    """(logarithm of the rates, features, which options exist): probes × options, the features × weights."""
    exists = rates > 0
    rates = np.where(exists, rates, 0.5)
    means = np.where(exists, means, 0.5)
    above = means - rates
    told = np.clip(explained, 0, 1)[:, None]
    ratio = np.log(np.maximum(means, _LEAST) / np.maximum(rates, _LEAST))
    kinds = [above / np.sqrt(rates * (1 - rates) + 1e-9), above, ratio]
    columns = [kind * told**power for kind in kinds for power in range(3)]
    columns += [np.log(rates) * told**power for power in (1, 2)]
    return np.log(rates), np.stack(columns, axis=2), exists


def _softmax(scores: Floats, exists: NDArray[np.bool_]) -> tuple[Floats, Floats]:
    """(probabilities, logarithm of the sum), of the options that exist."""
    masked = np.where(exists, scores, -np.inf)
    top = masked.max(axis=1, keepdims=True)
    odds = np.exp(masked - top)
    total = odds.sum(axis=1, keepdims=True)
    return odds / total, (np.log(total) + top)[:, 0]
