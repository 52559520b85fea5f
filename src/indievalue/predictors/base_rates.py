"""Base rates of the options, which several predictors use."""

import numpy as np
from numpy.typing import NDArray

from indievalue.survey.model import Form

_SMOOTHING = 0.5
"""Jeffreys prior, added to each option's count: options that nobody chose keep a small probability."""


def base_rates(options: NDArray[np.int8], form: Form) -> NDArray[np.float64]:
    """Return the smoothed share of people who chose each option (questions × most options), padded with zeros."""
    return smoothed_rates(option_counts(options, int(form.counts.max())), form)


def smoothed_rates(counts: NDArray[np.int64], form: Form) -> NDArray[np.float64]:
    """Return :func:`base_rates` from how many people chose each option (questions × most options)."""
    exists = np.arange(counts.shape[1])[None, :] < form.counts[:, None]
    smoothed = np.where(exists, counts + _SMOOTHING, 0)
    return np.asarray(smoothed / smoothed.sum(axis=1, keepdims=True))


def option_counts(options: NDArray[np.int8], most: int) -> NDArray[np.int64]:
    """Return how many people chose each option (questions × most); missing answers are not counted."""
    return np.stack([(options == option).sum(axis=0) for option in range(most)], axis=1)
