"""95% intervals: the one place for the normal quantile, percentile ends and Wilson's interval of a share."""

from typing import TYPE_CHECKING, TypeVar

import numpy as np
from numpy.typing import ArrayLike, NDArray

if TYPE_CHECKING:
    import polars as pl

Share = TypeVar("Share", float, NDArray[np.float64], "pl.Expr")
"""What arithmetic on shares works with alike."""

Z = 1.959964
"""Standard errors to either side of the mean that hold 95% of a normal distribution."""

ENDS = (2.5, 97.5)
"""Percentiles at the ends of a 95% interval."""


def percentile_ends(drawn: ArrayLike, axis: int | None = None) -> NDArray[np.float64]:
    """Return the (low, high) ends of the 95% percentile interval of ``drawn``, ignoring nan, along ``axis``."""
    return np.asarray(np.nanpercentile(np.asarray(drawn), ENDS, axis=axis))


def wilson(share: Share, n: Share) -> tuple[Share, Share]:
    """Return the ends of Wilson's 95% interval (Wilson 1927) of a ``share`` (0-1) among ``n`` independent trials.

    Works on numbers, NumPy arrays and Polars expressions alike. Unlike a bootstrap it holds near 0 and 1, too.

    >>> low, high = wilson(0.5, 100)
    >>> round(low, 4), round(high, 4)
    (0.4038, 0.5962)
    """
    middle = (share + Z**2 / (2 * n)) / (1 + Z**2 / n)
    half = Z / (1 + Z**2 / n) * (share * (1 - share) / n + Z**2 / (4 * n**2)) ** 0.5
    return middle - half, middle + half
