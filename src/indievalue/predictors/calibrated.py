"""Calibrate conditional means: a small multinomial logit, fitted on validation people.

The logit of an option is the log of its base rate plus a weighted sum of features: the difference between its
conditional mean and its base rate, in three scalings, each multiplied by 1, r and r², where r is the share of the
question's variance explained by what is shown; and the log of the rate multiplied by r and r². If nothing is explained,
the probabilities are the base rates.
"""

from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray

from indievalue.predictors.logit import fit_logit, softmax

Floats = NDArray[np.float64]

_LEAST = 1e-3
"""Lower limit of conditional means and base rates inside the logarithm."""

WEIGHTS = 11


@dataclass(frozen=True)
class LogitCalibration:
    """Fitted calibration: weights (11,) of the features."""

    weights: Floats

    @classmethod
    def neutral(cls) -> Self:
        """Return the calibration for too few validation people: probabilities proportional to conditional means."""
        weights = np.zeros(WEIGHTS)
        weights[_LOG_RATIO] = 1
        return cls(weights)

    @classmethod
    def fit(cls, means: Floats, rates: Floats, explained: Floats, truth: NDArray[np.integer]) -> Self:
        """Fit the weights by minimizing the log loss.

        ``means`` and ``rates`` are probes × most options, padded with 0; ``explained`` and ``truth`` are (probes,).
        """
        offset, features, exists = _features(means, rates, explained)
        return cls(fit_logit(offset, features, exists, truth, cls.neutral().weights, _PENALTY))

    def apply(self, means: Floats, rates: Floats, explained: Floats) -> Floats:
        """Return probabilities (… × most options) that sum to 1 over each probe's options, padded with 0."""
        flat = (-1, means.shape[-1])
        offset, features, exists = _features(means.reshape(flat), rates.reshape(flat), explained.ravel())
        return np.asarray(softmax(offset + features @ self.weights, exists)[0].reshape(means.shape))


_PENALTY = 1e-5
"""L2 penalty, which keeps the weights of nearly collinear features small."""


_LOG_RATIO = 6
"""Index of the weight of log(mean / rate)."""


def _features(means: Floats, rates: Floats, explained: Floats) -> tuple[Floats, Floats, NDArray[np.bool_]]:
    """Return log rates, features (× weights) and which options exist, all probes × options."""
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
