"""Random draws of correlation matrices, given sums of products, and what a few common factors explain of them."""

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray
from scipy.linalg import solve_triangular

Floats = NDArray[np.float64]


def draw_precision(products: Floats, freedom: float, random: Generator) -> Floats:
    """Draw a correlation matrix, and return its inverse (columns × columns).

    The covariance is inverse Wishart with scale matrix ``products``, sums of products of centred columns, and
    ``freedom`` degrees of freedom; it is then scaled to variances of 1. With as many degrees of freedom as people less
    columns, the variance of a column given all others is that of a regression, whose coefficients are paid for.
    """
    size = len(products)
    root = np.linalg.cholesky(products)
    factor = np.tril(random.standard_normal((size, size)), -1)
    factor[np.diag_indices(size)] = np.sqrt(random.chisquare(freedom - np.arange(size)))
    spread = solve_triangular(factor, root.T, lower=True)  # the covariance is spreadᵀ spread
    scale = np.sqrt((spread**2).sum(axis=0))
    inverse = solve_triangular(root.T, factor, lower=False) * scale[:, None]
    return np.asarray(inverse @ inverse.T)


def low_rank(covariance: Floats, people: int) -> Floats:
    """Return the part of a covariance matrix that a few common factors explain, with the rest on the diagonal.

    Factors are those whose eigenvalues exceed the largest that ``people`` without any correlations would have
    (Marchenko and Pastur).
    """
    size = len(covariance)
    scale = np.sqrt(np.diag(covariance))
    correlations = covariance / scale / scale[:, None]
    edge = (1 + np.sqrt(size / people)) ** 2
    values, vectors = np.linalg.eigh(correlations)
    factors = max(1, int((values > edge).sum()))
    noise = values[:-factors].mean() if factors < size else 0.0
    loadings = vectors[:, -factors:] * np.sqrt(np.maximum(values[-factors:] - noise, 0))
    common = loadings @ loadings.T
    common *= np.minimum(1, 0.98 / np.diag(common).max())
    np.fill_diagonal(common, 1)
    return np.asarray(common * scale * scale[:, None])
