"""Which questions tell most about the answer to another."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from indievalue.app.explore.source import SMALLEST_GROUP, Source

_PEOPLE = 20_000
"""People that are looked at; of more, as many at even distances."""


@dataclass(frozen=True)
class Telling:
    """A question, and the share (0-1) of the uncertainty about another answer that goes once its answer is known."""

    question: str
    asks: str
    share: float
    people: int


def telling(source: Source, at: int, number: int = 10) -> list[Telling]:
    """Return the questions that tell most about the one in column ``at``, most telling first.

    The share is the mutual information, less what chance alone gives on average (Miller 1955), over the entropy.
    Questions that fewer than 30 people answered together with it are left out.
    """
    return source.once(("telling", at, number), lambda: _telling(source, at, number))


def _telling(source: Source, at: int, number: int) -> list[Telling]:
    step = max(1, -(-len(source) // _PEOPLE))
    target = source.known[0].options[::step, at].astype(np.int64)
    answered = np.flatnonzero(target >= 0)
    target = target[answered]
    best: dict[int, Telling] = {}
    for known in source.known:
        options = known.options[::step][answered]
        for other, question in enumerate(source.survey.questions):
            if other == at:
                continue
            share, people = _share(target, options[:, other])
            if share > 0 and (other not in best or share > best[other].share):
                best[other] = Telling(question.id, question.asks, share, people)
    return sorted(best.values(), key=lambda one: -one.share)[:number]


def _share(target: NDArray[np.int64], other: NDArray[np.int8]) -> tuple[float, int]:
    both = other >= 0
    people = int(both.sum())
    if people < SMALLEST_GROUP:
        return 0.0, people
    a, b = target[both], other[both].astype(np.int64)
    width = int(b.max()) + 1
    joint = np.bincount(a * width + b, minlength=(int(a.max()) + 1) * width).reshape(-1, width) / people
    rows, columns = joint.sum(axis=1), joint.sum(axis=0)
    entropy = _entropy(rows)
    if entropy == 0:
        return 0.0, people
    chance = ((rows > 0).sum() - 1) * ((columns > 0).sum() - 1) / (2 * people)
    return float((entropy + _entropy(columns) - _entropy(joint.ravel()) - chance) / entropy), people


def _entropy(shares: NDArray[np.float64]) -> float:
    some = shares[shares > 0]
    return float(-(some * np.log(some)).sum())
