"""Rubin's rules: one estimate and interval from the same analysis of several completed files."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import stdtrit

from indievalue.errors import IndievalueError

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Pooled:
    """An estimate from several completed files; numbers, or an array each if there are several estimates.

    Attributes:
        estimate: mean of the estimates of all files. within: mean of their variances. between: variance of the
            estimates among files. variance: ``within + (1 + 1/files) × between``; its root is ``standard_error``.
        freedom: degrees of freedom. low, high: the interval. missing_information: share of the information about the
            estimate that is missing, from 0 to 1.
    """

    estimate: Floats
    within: Floats
    between: Floats
    variance: Floats
    standard_error: Floats
    freedom: Floats
    low: Floats
    high: Floats
    missing_information: Floats


def pooled(
    estimates: ArrayLike, variances: ArrayLike, complete_freedom: float | None = None, level: float = 0.95
) -> Pooled:
    """Pool what was estimated from each of several completed files, by Rubin's rules.

    Args:
        estimates: the estimate from each file (files,), or several from each (files × estimates).
        variances: their variances, that is squared standard errors, in the same shape.
        complete_freedom: degrees of freedom that the analysis would have if nothing were missing, such as people less
            coefficients; with it, degrees of freedom are those of Barnard and Rubin (1999), which are never more.
            Without, those of Rubin (1987).
        level: coverage of the interval.

    Raises:
        IndievalueError: for fewer than two files, arrays of different shapes, numbers that are not finite, or
            variances below 0.

    >>> means = pooled([2.0, 2.2, 2.1], [0.04, 0.05, 0.03], complete_freedom=98)
    >>> [round(float(value), 3) for value in (means.estimate, means.variance, means.low, means.high)]
    [2.1, 0.053, 1.621, 2.579]
    """
    found, spread = np.asarray(estimates, np.float64), np.asarray(variances, np.float64)
    _check(found, spread, complete_freedom, level)
    files = len(found)
    within, between = spread.mean(axis=0), found.var(axis=0, ddof=1)
    total = within + (1 + 1 / files) * between
    with np.errstate(divide="ignore", invalid="ignore"):
        added = np.where(total > 0, (1 + 1 / files) * between / total, 0.0)
        freedom = np.where(added > 0, (files - 1) / added**2, np.inf)
        if complete_freedom is not None:
            observed = (complete_freedom + 1) / (complete_freedom + 3) * complete_freedom * (1 - added)
            freedom = 1 / (1 / freedom + 1 / observed)
        increase = np.where(within > 0, (1 + 1 / files) * between / within, np.inf)
        information = np.where(added < 1, (increase + 2 / (freedom + 3)) / (increase + 1), 1.0)
    error = np.sqrt(total)
    reach = stdtrit(freedom, (1 + level) / 2) * error
    estimate = found.mean(axis=0)
    return Pooled(
        estimate, within, between, total, error, freedom, estimate - reach, estimate + reach, np.asarray(information)
    )


def _check(estimates: Floats, variances: Floats, complete_freedom: float | None, level: float) -> None:
    if estimates.shape != variances.shape or estimates.ndim not in (1, 2):
        raise IndievalueError(
            f"pooled takes estimates and variances of one shape, a row each file; they have the shapes "
            f"{estimates.shape} and {variances.shape}"
        )
    if len(estimates) < 2:
        raise IndievalueError("pooled takes the estimates of two completed files or more: see --draws")
    if not np.isfinite(estimates).all() or not np.isfinite(variances).all() or (variances < 0).any():
        raise IndievalueError("pooled takes finite estimates, and finite variances (squared standard errors) from 0 up")
    if complete_freedom is not None and complete_freedom <= 0:
        raise IndievalueError("complete_freedom is the number of people less that of coefficients, and above 0")
    if not 0 < level < 1:
        raise IndievalueError(f"the level of an interval is between 0 and 1, such as 0.95, not {level}")
