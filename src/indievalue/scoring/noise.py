"""How often an answer can be predicted by someone who knows a person's opinion, if answers also have noise.

Two models of noise turn the *reliability* of a question's answers (the share of their variance that a person would
repeat) into the accuracy of the best possible predictor:

- Options that are steps of one scale: an answer is the step in which a normal variable falls, of whose variance the
  opinion is the share ``reliability`` and noise the rest (an ordered probit model).
- Other options: a person names their opinion, or else any option, as often as everybody names it. Then the chance
  that two answers of a person agree, beyond that of two people, is the ``reliability``.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr, ndtri

Floats = NDArray[np.float64]

OPINIONS = 200
"""Number of equally likely opinions over which the means of the ordered model are taken."""

_BLOCK = 512
"""Questions whose probabilities are in memory at a time."""

_CERTAIN = 1 - 1e-9
"""Reliabilities are at most this: noise of no variance has no density."""


@dataclass(frozen=True)
class Reach:
    """What can be reached if a person's opinion is known.

    Attributes:
        accuracy: float64 (…,), share of answers that the best predictor gets right. agreement: float64 (…,), share of
            pairs of answers of one person that are the same.
    """

    accuracy: Floats
    agreement: Floats


def reach(shares: Floats, reliability: Floats, ordered: NDArray[np.bool_] | bool = True) -> Reach:
    """Return what the best predictor reaches.

    ``shares`` (… × options) are how often each option is chosen, padded with 0; ``reliability`` and ``ordered`` (…)
    say how much of the answers is opinion, from 0 to 1, and which model of noise holds.

    >>> halves = np.array([0.5, 0.5])
    >>> found = reach(halves, np.array([0.0, 0.5, 1.0]))
    >>> found.accuracy.round(2), found.agreement.round(2)
    (array([0.5 , 0.75, 1.  ]), array([0.5 , 0.67, 1.  ]))
    """
    shape = np.broadcast_shapes(shares.shape[:-1], np.shape(reliability))
    many = np.broadcast_to(shares, (*shape, shares.shape[-1])).reshape(-1, shares.shape[-1])
    known = np.clip(np.broadcast_to(reliability, shape).ravel(), 0, 1)
    steps = np.broadcast_to(ordered, shape).ravel()
    accuracy, agreement = np.empty(len(many)), np.empty(len(many))
    accuracy[~steps], agreement[~steps] = _of_mixture(many[~steps], known[~steps])
    accuracy[steps], agreement[steps] = _of_probit(many[steps], known[steps])
    return Reach(accuracy.reshape(shape), agreement.reshape(shape))


def explained(shares: Floats, known: Floats) -> Floats:
    """Return the share of the variance of :func:`normal_scores` that is explained, as :func:`latent_share` inverts it.

    ``shares`` is … × options, ``known`` (…) the share of the underlying normal variable's variance that is known.
    """
    scores = normal_scores(shares)
    means = (probabilities(shares, known) @ scores[..., None])[..., 0]
    variance = (shares * scores**2).sum(axis=-1)
    return np.asarray(np.divide(means.var(axis=-1), variance, out=np.zeros(variance.shape), where=variance > 0))


def latent_share(shares: Floats, share: Floats, steps: int = 25) -> Floats:
    """Return how much of the underlying normal variable is known if ``share`` of the scores' variance is explained.

    ``shares`` is questions × options, ``share`` … × questions. Steps are coarser than the variable, and lose part of
    what is known of it; this adds that part again.
    """
    grid = np.linspace(0, _CERTAIN, steps)
    curves = np.stack([explained(shares, np.full(len(shares), at)) for at in grid], axis=1)
    return np.stack([np.interp(share[..., at], curve, grid) for at, curve in enumerate(curves)], axis=-1)


def normal_scores(shares: Floats) -> Floats:
    """Return the mean of the underlying normal variable within each step (… × options); 0 for steps nobody chooses."""
    bounds = _bounds(shares)
    density = np.exp(-(bounds**2) / 2) / np.sqrt(2 * np.pi)
    density = np.concatenate([np.zeros((*density.shape[:-1], 1)), density], axis=-1)
    return np.asarray(
        np.divide(density[..., :-1] - density[..., 1:], shares, out=np.zeros(shares.shape), where=shares > 0)
    )


def _bounds(shares: Floats) -> Floats:
    """Return the upper bound of each step on the underlying normal variable (… × options); the last is infinite."""
    return np.asarray(ndtri(np.minimum(np.cumsum(shares, axis=-1), 1.0)))


def probabilities(shares: Floats, known: Floats) -> Floats:
    """Return the probability of each step for :data:`OPINIONS` equally likely opinions (… × opinions × options).

    ``shares`` (… × options) are how often each step is chosen, ``known`` (…) the share of the underlying variable's
    variance that is opinion. Opinions increase.
    """
    opinions = ndtri((np.arange(OPINIONS) + 0.5) / OPINIONS)
    known = np.minimum(known, _CERTAIN)[..., None, None]
    below = ndtr((_bounds(shares)[..., None, :] - np.sqrt(known) * opinions[:, None]) / np.sqrt(1 - known))
    return np.diff(below, axis=-1, prepend=0)


def _of_probit(shares: Floats, known: Floats) -> tuple[Floats, Floats]:
    accuracy, agreement = np.empty(len(shares)), np.empty(len(shares))
    for start in range(0, len(shares), _BLOCK):
        block = slice(start, start + _BLOCK)
        chance = probabilities(shares[block], known[block])
        accuracy[block] = chance.max(axis=-1).mean(axis=-1)
        agreement[block] = (chance**2).sum(axis=-1).mean(axis=-1)
    return accuracy, agreement


def _of_mixture(shares: Floats, known: Floats) -> tuple[Floats, Floats]:
    opinion = np.sqrt(known)[:, None]
    guessed = (1 - opinion) * shares
    best = np.maximum(opinion + guessed, guessed.max(axis=-1, keepdims=True))
    by_chance = (shares**2).sum(axis=-1)
    return (shares * best).sum(axis=-1), known + (1 - known) * by_chance
