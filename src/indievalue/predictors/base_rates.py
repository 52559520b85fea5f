"""How often each option is chosen: what several predictors fall back on."""

import numpy as np
from numpy.typing import NDArray

from indievalue.survey.model import Form

_SMOOTHING = 0.5
"""Jeffreys prior: added to each option's count, so that an option nobody chose keeps a small probability."""


def base_rates(options: NDArray[np.int8], form: Form) -> NDArray[np.float64]:
    """Share of people who chose each option (questions × most options), smoothed, zeros past a question's options."""
    counts = option_counts(options, int(form.counts.max()))
    exists = np.arange(counts.shape[1])[None, :] < form.counts[:, None]
    smoothed = np.where(exists, counts + _SMOOTHING, 0)
    return np.asarray(smoothed / smoothed.sum(axis=1, keepdims=True))


def option_counts(options: NDArray[np.int8], most: int) -> NDArray[np.int64]:
    """How many people chose each option (questions × most); missing answers are not counted."""
    return np.stack([(options == option).sum(axis=0) for option in range(most)], axis=1)
