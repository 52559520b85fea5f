"""A Gaussian copula of many ordered items: latent correlations behind coded answers, and the factors behind those."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtri

from indievalue.synthetic.model import LOADING

FACTORS = 32
_TERMS = 4
"""Terms of the Hermite series that ties a polychoric correlation to the covariance of normal scores."""
_ENOUGH = 100
"""Minimum people with answers to both items for a continent-specific correlation."""
_SHRINK = 300
"""Pseudo-count for shrinking a continent's correlation toward that of the whole file, in people."""
_LARGEST_COMMUNALITY = 0.95

Counts = NDArray[np.int64]
Floats = NDArray[np.float64]


def _score_codes(counts: Counts) -> tuple[Floats, Floats]:
    """Mean latent score of those with each code (codes,), and its Hermite coefficients (terms,), in one country."""
    total = max(1, counts.sum())
    cuts = ndtri(np.cumsum([0, *counts]) / total).clip(-30, 30)
    density = np.exp(-(cuts**2) / 2) / np.sqrt(2 * np.pi)
    scores = -np.diff(density) * total / np.maximum(counts, 1)
    before, polynomial = np.zeros_like(cuts), np.ones_like(cuts)  # Hermite polynomials, normed
    coefficients = np.empty(_TERMS)
    for degree in range(1, _TERMS + 1):
        coefficients[degree - 1] = scores @ -np.diff(polynomial * density) / np.sqrt(degree)
        before, polynomial = polynomial, (cuts * polynomial - np.sqrt(degree - 1) * before) / np.sqrt(degree)
    return scores, coefficients


def normal_scores(
    counts: Sequence[Counts], places: NDArray[np.int16], country: NDArray[np.int64]
) -> tuple[NDArray[np.float32], Floats]:
    """Normal scores (people × items), 0 where the answer is missing, and Hermite terms (countries × items × terms)."""
    scores = np.zeros(places.shape, np.float32, order="F")
    terms = np.zeros((country.max() + 1, len(counts), _TERMS))
    for number, of_item in enumerate(counts):
        table = np.zeros((len(of_item), of_item.shape[1] + 1))  # the last column is for -1
        for at, of_country in enumerate(of_item):
            table[at, :-1], terms[at, number] = _score_codes(of_country)
        scores[:, number] = table[country, places[:, number]]
    return scores, terms


def factor_loadings(
    counts: Sequence[Counts], places: NDArray[np.int16], country: NDArray[np.int64], continent: NDArray[np.int64]
) -> NDArray[np.int8]:
    """Loadings of all items (continents × items × factors), in 1/128."""
    scores, terms = normal_scores(counts, places, country)
    size = (continent.max() + 1, places.shape[1], places.shape[1])
    products, people, series = np.zeros(size), np.zeros(size), np.zeros((_TERMS, *size))
    for at, of in enumerate(continent):
        here = scores[country == at]
        answered = (places[country == at] >= 0).astype(np.float32)
        both = answered.T @ answered
        products[of] += here.T @ here
        people[of] += both
        for power in range(_TERMS):
            series[power, of] += both * np.outer(terms[at, :, power], terms[at, :, power])
    world = _polychoric(products.sum(axis=0), people.sum(axis=0), series.sum(axis=1), 0.0)
    world = completed(world, people.sum(axis=0) >= _ENOUGH)
    fitted = []
    for of in range(len(products)):
        own = _polychoric(products[of], people[of], series[:, of], world)
        shrunk = (people[of] * own + _SHRINK * world) / (people[of] + _SHRINK)
        fitted.append(_principal_factors(shrunk))
    return np.rint(np.array(fitted) * LOADING).astype(np.int8)


def _polychoric(products: Floats, people: Floats, series: Floats, otherwise: Floats | float) -> Floats:
    """Latent correlations r that solve products = Σ_k r^k series[k], by Newton's method; ``otherwise`` for few people.

    The covariance of functions a, b of two normal variables that correlate by r is Σ_k r^k a_k b_k, with a_k and b_k
    their coefficients on Hermite polynomials (Mehler's formula).
    """
    first = np.maximum(series[0], 1e-9)
    correlation = (products / first).clip(-0.95, 0.95)
    for _ in range(6):
        value = sum(correlation ** (k + 1) * one for k, one in enumerate(series)) - products
        slope = sum((k + 1) * correlation**k * one for k, one in enumerate(series))
        correlation = (correlation - value / np.maximum(slope, 0.2 * first)).clip(-0.95, 0.95)
    return np.asarray(np.where((people >= _ENOUGH) & (series[0] > 1e-9), correlation, otherwise))


def completed(correlations: Floats, together: NDArray[np.bool_]) -> Floats:
    """``correlations`` with those of items that were never put ``together`` (items × items) filled in.

    Two such items are taken to be independent given the leading principal components (eigenvalues above 1) of all
    items that were put together with both; where there are none, they do not correlate.
    """
    found = correlations.copy()
    alone = together & np.diag(together)[:, None] & np.diag(together)
    patterns, group = np.unique(alone, axis=0, return_inverse=True)
    members = [np.flatnonzero(group == at) for at in range(len(patterns))]
    components: dict[bytes, tuple[Floats, Floats]] = {}
    for one, other in np.argwhere(~patterns[:, [each[0] for each in members]]):
        if not patterns[one].any() or not patterns[other].any():
            continue
        shared = np.flatnonzero(patterns[one] & patterns[other])
        if not len(shared):
            continue
        key = shared.tobytes()
        if key not in components:
            between = np.where(together, correlations, 0)[np.ix_(shared, shared)]
            np.fill_diagonal(between, 1)
            values, vectors = np.linalg.eigh(between)
            leading = np.flatnonzero(values > 1)[-FACTORS:]
            components[key] = values[leading], vectors[:, leading]
        values, vectors = components[key]
        left, right = (found[np.ix_(members[at], shared)] @ vectors for at in (one, other))
        found[np.ix_(members[one], members[other])] = ((left / values) @ right.T).clip(-0.95, 0.95)
    return found


def _principal_factors(correlations: Floats) -> Floats:
    """Loadings (items × factors) by iterated principal factors, with communalities below 1."""
    off_diagonal = correlations - np.diag(np.diag(correlations))
    communality = np.abs(off_diagonal).max(axis=1)
    for _ in range(30):
        values, vectors = np.linalg.eigh(off_diagonal + np.diag(communality))
        loadings: Floats = vectors[:, -FACTORS:] * np.sqrt(np.maximum(values[-FACTORS:], 0))
        communality = np.minimum((loadings**2).sum(axis=1), _LARGEST_COMMUNALITY)
    return np.asarray(loadings * np.sqrt(communality / np.maximum((loadings**2).sum(axis=1), 1e-12))[:, None])
