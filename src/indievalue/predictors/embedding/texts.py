"""What the words of questions tell, as vectors: what each scale is about, and which way it runs."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from indievalue.predictors.embedding.scales import Scales
from indievalue.predictors.similarity import Embed, of_length_one

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Texts:
    """Embeddings of a survey's scales.

    Attributes:
        topic: float64 (scales × dimensions), of length 1, the mean of what the options of its question say.
        direction: float64 (scales × dimensions), of length 1, how what the options say changes along the scale: its
            sign turns with that of the scale.
        asks: float64 (questions × dimensions), of length 1, what each question asks.
        statements: float64 (refined options × dimensions), of length 1.
    """

    topic: Floats
    direction: Floats
    asks: Floats
    statements: Floats

    @classmethod
    def of(cls, scales: Scales, embed: Embed) -> "Texts":
        """Embed the questions of ``scales``."""
        survey = scales.survey
        statements = [option.statement for question in survey.questions for option in question.refined]
        vectors = np.asarray(of_length_one(embed(statements)), np.float64)
        starts, places = survey.form("refined").starts, scales.places("refined")
        topic, direction = np.zeros((2, len(scales.owner), vectors.shape[1]))
        for at, question in enumerate(scales.owner.tolist()):
            own = slice(starts[question], starts[question + 1])
            topic[at] = vectors[own].mean(axis=0)
            direction[at] = (places[own, at] - places[own, at].mean()) @ vectors[own]
        asks = np.asarray(embed([question.asks for question in survey.questions]), np.float64)
        topic, direction, asks = (np.asarray(of_length_one(one), np.float64) for one in (topic, direction, asks))
        return cls(topic, direction, asks, vectors)

    def alike(self, other: "Texts", sharpness: float) -> Floats:
        """Return how alike scales are to those of ``other`` (scales × other scales): from -1 to 1.

        It is the cosine of their directions, so that scales that run in opposite ways have the opposite sign, times a
        number that falls from 1 with the distance of their topics, by ``sharpness``.
        """
        about = np.exp(sharpness * (self.topic @ other.topic.T - 1))
        return np.asarray((self.direction @ other.direction.T) * about)

    def take(self, scales: NDArray[np.int64] | NDArray[np.bool_]) -> "Texts":
        """Return the texts of some scales."""
        return Texts(self.topic[scales], self.direction[scales], self.asks, self.statements)
