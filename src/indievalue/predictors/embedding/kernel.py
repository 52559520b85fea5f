"""What the texts of scales tell of their means and correlations, learned from the scales that were answered.

A scale that nobody answered is taken to be a weighted sum of those that were, by how alike their texts are: kernel
ridge regression. How alike texts have to be, and how much is smoothed, is chosen by leaving out families of questions.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from indievalue.predictors.embedding.texts import Texts

Floats = NDArray[np.float64]

SHARPNESS = (1.0, 2.0, 3.0, 5.0)
"""How fast scales become less alike with the distance of their topics."""

NOISE = (0.1, 0.3, 1.0, 3.0)
"""Variance of what texts do not tell, in units of what they do."""


@dataclass(frozen=True)
class Smoother:
    """Kernel ridge regression on texts.

    Attributes:
        sharpness: see :meth:`indievalue.predictors.embedding.texts.Texts.alike`. noise: ridge.
    """

    sharpness: float
    noise: float

    def weights(self, new: Texts, known: Texts) -> Floats:
        """Return the weights of the known scales in what is expected of the new ones (new × known)."""
        among = known.alike(known, self.sharpness) + self.noise * np.eye(len(known.topic))
        return np.asarray(np.linalg.solve(among, known.alike(new, self.sharpness)).T)

    def spread(self, new: Texts, known: Texts) -> Floats:
        """Return the standard deviation of what is expected of new scales before the known ones are (new,)."""
        told = (self.weights(new, known) * known.alike(new, self.sharpness).T).sum(axis=1)
        return np.asarray(np.sqrt(np.maximum(told, 1e-6)))

    def left(self, new: Texts, known: Texts) -> Floats:
        """Return the covariance of new scales that the known ones do not tell (new × new), in units of the kernel."""
        return new.alike(new, self.sharpness) - self.weights(new, known) @ known.alike(new, self.sharpness)


@dataclass(frozen=True)
class Chosen:
    """The regressions chosen for correlations and for means."""

    correlations: Smoother
    means: Smoother


def choose(texts: Texts, correlation: Floats, above: Floats, fold: NDArray[np.int64]) -> Chosen:
    """Choose the regressions that predict the scales of each fold best from those of the others.

    What is to be predicted are ``correlation`` (scales × scales) and ``above`` (scales,), the means above the middle of
    each scale.
    """
    every = [Smoother(sharpness, noise) for sharpness in SHARPNESS for noise in NOISE]
    scores = np.zeros((2, len(every)))
    for at, smoother in enumerate(every):
        gains, sizes = np.zeros(2), np.zeros(2)
        for number in np.unique(fold):
            new, known = fold == number, fold != number
            if not known.any():
                continue
            weights = smoother.weights(texts.take(new), texts.take(known))
            expected = weights @ above[known]
            gains += (weights * correlation[np.ix_(new, known)]).sum(), expected @ above[new]
            sizes += ((weights @ correlation[np.ix_(known, known)]) * weights).sum(), expected @ expected
        # The reduction of the squared error if predictions are scaled as fits best; negative if they point away.
        scores[:, at] = np.sign(gains) * gains**2 / np.maximum(sizes, 1e-12)
    return Chosen(*(every[int(best)] for best in scores.argmax(axis=1)))
