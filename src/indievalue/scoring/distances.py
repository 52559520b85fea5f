"""Distances between distributions of answers, each from 0 to 1, and what sampling alone makes of them.

A distribution is an array whose last axis is the options; options that a question does not have are 0.
"""

import numpy as np
from numpy.typing import NDArray
from scipy.special import gammaln, xlogy

Floats = NDArray[np.float64]

FLOOR_DRAWS = 100
"""Simulations behind the floor of the Jensen-Shannon distance; the other floors are exact."""


def wasserstein(a: Floats, b: Floats, options: NDArray[np.int64]) -> Floats:
    """Return the Wasserstein-1 distance (…,) of distributions over ordered options (… × options).

    Options are equally spaced from 0 to 1, so that the distance is the sum of the absolute differences between the
    cumulative distributions, divided by the number of ``options`` (…,) minus one. It is 1 if everybody is at one end
    instead of the other.

    >>> wasserstein(np.array([0.2, 0.5, 0.3]), np.array([0.5, 0.5, 0.0]), np.array(3)).item()
    0.3
    """
    steps = np.maximum(np.asarray(options) - 1, 1)
    return np.asarray(np.abs(np.cumsum(a - b, axis=-1)[..., :-1]).sum(axis=-1) / steps)


def total_variation(a: Floats, b: Floats) -> Floats:
    """Return the total variation distance (…,): half the sum of absolute differences, the share of misplaced answers.

    >>> total_variation(np.array([0.2, 0.5, 0.3]), np.array([0.5, 0.5, 0.0])).item()
    0.3
    """
    return np.asarray(np.abs(a - b).sum(axis=-1) / 2)


def jensen_shannon(a: Floats, b: Floats) -> Floats:
    """Return the Jensen-Shannon distance (…,): the square root of the divergence in bits.

    >>> jensen_shannon(np.array([1.0, 0.0]), np.array([0.0, 1.0])).item()
    1.0
    """
    middle = (a + b) / 2
    bits = (xlogy(a, a) + xlogy(b, b) - 2 * xlogy(middle, middle)).sum(axis=-1) / (2 * np.log(2))
    return np.asarray(np.sqrt(np.maximum(bits, 0)))


def entropy(shares: Floats, options: NDArray[np.int64]) -> Floats:
    """Return the entropy (…,) as a share of the largest possible: 0 if all give one answer, 1 if all are as common.

    >>> entropy(np.array([0.5, 0.5, 0.0, 0.0]), np.array(4)).item()
    0.5
    """
    return np.asarray(-xlogy(shares, shares).sum(axis=-1) / np.log(np.maximum(options, 2)))


def mean_deviation(share: Floats, people: Floats) -> Floats:
    """Return the mean absolute deviation of the share of ``people`` who choose what a ``share`` of everybody would.

    It is that of a binomial distribution over its size, E|X/n − p| (De Moivre 1730), interpolated between whole
    numbers of people, for weighted samples have an effective size.

    >>> round(mean_deviation(np.array(0.5), np.array(4.0)).item(), 9)  # 0 to 4 people: 1, 4, 6, 4 and 1 in 16 times
    0.1875
    """
    whole = np.maximum(np.floor(people), 1)
    part = np.maximum(people - whole, 0)
    below, above = (_binomial_deviation(share, number) for number in (whole, whole + 1))
    return np.asarray(np.where(people > 0, (1 - part) * below + part * above, np.nan))


def _binomial_deviation(share: Floats, people: Floats) -> Floats:
    """Return E|X/n − p| of a whole number of people: 2 ν C(n, ν) p^ν (1 − p)^(n − ν + 1) / n, where ν = ⌊np⌋ + 1."""
    uncertain = (share > 0) & (share < 1)
    p, n = np.where(uncertain, share, 0.5), people
    above = np.floor(n * p) + 1
    ways = gammaln(n + 1) - gammaln(above + 1) - gammaln(n - above + 1)
    deviation = 2 * above * np.exp(ways + above * np.log(p) + (n - above + 1) * np.log1p(-p)) / n
    return np.asarray(np.where(uncertain, deviation, np.where(np.isnan(share), np.nan, 0.0)))


def wasserstein_floor(shares: Floats, options: NDArray[np.int64], people: Floats) -> Floats:
    """Return the mean Wasserstein distance (…,) of ``shares`` from those of so many ``people`` (…,) drawn from them.

    This is what the best possible predictor of the distribution would score against a sample of that size. It is exact.
    """
    below = np.clip(np.cumsum(shares, axis=-1)[..., :-1], 0, 1)
    steps = np.maximum(np.asarray(options) - 1, 1)
    return np.asarray(mean_deviation(_rounded(below), np.asarray(people)[..., None]).sum(axis=-1) / steps)


def total_variation_floor(shares: Floats, people: Floats) -> Floats:
    """Return the same as :func:`wasserstein_floor` for the total variation distance."""
    return np.asarray(mean_deviation(_rounded(shares), np.asarray(people)[..., None]).sum(axis=-1) / 2)


def jensen_shannon_floor(shares: Floats, people: Floats, seed: int, draws: int = FLOOR_DRAWS) -> Floats:
    """Return the same as :func:`wasserstein_floor` for the Jensen-Shannon distance, from ``draws`` simulated samples.

    An effective number of people is rounded to a whole one.
    """
    known = ~np.isnan(shares).any(axis=-1) & (people > 0)
    floor = np.full(known.shape, np.nan)
    true = shares[known]
    number = np.maximum(np.rint(people[known]), 1).astype(np.int64)
    random = np.random.default_rng(seed)
    total = np.zeros(len(true))
    for _ in range(draws):
        total += jensen_shannon(random.multinomial(number, true) / number[:, None], true)
    floor[known] = total / draws
    return floor


def _rounded(shares: Floats) -> Floats:
    """Return shares without the last digits, in which a sum over all options can miss 1."""
    return np.asarray(np.round(shares, 12))
