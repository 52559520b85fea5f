"""A multinomial logit over options: the log odds of an option are linear in its features."""

import numpy as np
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

Floats = NDArray[np.float64]

_PAIRWISE = 8
"""Number of values from which NumPy adds them pairwise along the last axis, but not along the first."""


def fit_logit(
    offset: Floats,
    features: Floats,
    exists: NDArray[np.bool_],
    truth: NDArray[np.integer],
    start: Floats,
    penalty: float,
) -> Floats:
    """Return the weights (features,) that minimize the log loss plus ``penalty`` times their squared length.

    ``offset`` and ``exists`` are probes × options, ``features`` probes × options × features, and ``truth`` (probes,) is
    the option chosen. The search begins at ``start`` (features,).
    """
    row = np.arange(len(truth))
    true, true_offset = features[row, truth], offset[row, truth]

    def loss(weights: Floats) -> tuple[float, Floats]:
        probabilities, log_total = softmax(offset + features @ weights, exists)
        value = np.mean(log_total - true @ weights - true_offset) + penalty * weights @ weights
        expected = np.einsum("nk,nkf->nf", probabilities, features)
        return float(value), (expected - true).mean(axis=0) + 2 * penalty * weights

    from scipy.optimize import minimize  # takes a tenth of a second, which only fitting needs

    with threadpool_limits(1, "blas"):  # products are small: BLAS threads would only spin between them
        return np.asarray(minimize(loss, start, jac=True, method="L-BFGS-B", options={"maxiter": 200}).x)


def softmax(scores: Floats, exists: NDArray[np.bool_]) -> tuple[Floats, Floats]:
    """Return the softmax over the options that exist, and the log of its normalizer."""
    # Options × probes, for NumPy is slow along a short last axis.
    odds = np.ascontiguousarray(np.where(exists, scores, -np.inf).T)
    top = odds.max(axis=0)
    odds -= top
    np.exp(odds, out=odds)
    total = np.add.reduce(np.ascontiguousarray(odds.T), axis=1) if len(odds) >= _PAIRWISE else odds.sum(axis=0)
    odds /= total
    return odds.T, np.log(total) + top
