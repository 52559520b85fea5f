"""Questions as latent columns: each answer is an interval of one or several normally distributed variables.

The answers of an ordered question are consecutive intervals of one variable. Those of an unordered question are stages:
is it the most frequent answer? If not, is it the next? And so on; each stage is a variable of its own, which matters
only for people who reach it. Don't know, where it is kept as an answer, is the first stage of its question.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from indievalue.impute.missing import Missing, ToFill, missing_codes
from indievalue.people.people import People
from indievalue.survey.model import Question

UNKNOWN = -1
"""Answer, or level, that is not known."""


@dataclass(frozen=True)
class Item:
    """A question in latent columns.

    Attributes:
        question: its position in the survey. codes: those that somebody gave, in the order of the scale or, unordered,
            the most frequent first. first: the first of its latent columns. stages: how many of its codes have a column
            of their own, in which the code is level 1 and all later ones are level 0.
    """

    question: int
    codes: tuple[int, ...]
    first: int
    stages: int

    @property
    def columns(self) -> int:
        """Number of latent columns; none where there is only one code."""
        return self.stages + 1 if len(self.codes) > 1 else 0

    @property
    def levels(self) -> list[int]:
        """Number of levels of each column."""
        return [2] * self.stages + [len(self.codes) - self.stages] if self.columns else []

    def answers(self, codes: NDArray[np.int16]) -> NDArray[np.int16]:
        """Return the position of each code among the item's, -1 for any other."""
        found = np.full(len(codes), UNKNOWN, np.int16)
        for at, code in enumerate(self.codes):
            found[codes == code] = at
        return found

    def encode(self, answers: NDArray[np.int16]) -> NDArray[np.int16]:
        """Return the levels (people × columns) of ``answers``, -1 where a stage is not reached or nothing is known."""
        at = np.arange(self.columns)
        stage = np.where(answers[:, None] == at, 1, np.where(answers[:, None] > at, 0, UNKNOWN))
        if self.columns:
            stage[:, -1] = np.where(answers >= self.stages, answers - self.stages, UNKNOWN)
        return stage.astype(np.int16)

    def decode(self, levels: NDArray[np.int16]) -> NDArray[np.int16]:
        """Return the answers (people,) of known ``levels`` (people × columns)."""
        if not self.columns:
            return np.zeros(len(levels), np.int16)
        answers = levels[:, -1] + self.stages
        for stage in range(self.stages - 1, -1, -1):
            answers = np.where(levels[:, stage] == 1, stage, answers)
        return answers.astype(np.int16)


def items_of(people: People, fill: ToFill) -> list[Item]:
    """Return an item for every question that somebody answered, in the order of the survey."""
    found: list[Item] = []
    first = 0
    for at, question in enumerate(people.survey.questions):
        codes, times = np.unique(people.codes[:, at], return_counts=True)
        count = dict(zip(codes.tolist(), times.tolist(), strict=True))
        scale = [code for code in _in_order(question) if code in count]
        if not scale:
            continue
        stages = 0
        if not question.ordered and len(scale) > 2:
            scale.sort(key=lambda code: -count[code])
            stages = len(scale) - 2
        if fill.keep_do_not_know:
            kinds = missing_codes(people.survey, question)
            unsure = [code for code, kind in kinds.items() if kind == Missing.DO_NOT_KNOW and code in count]
            scale, stages = [*unsure, *scale], stages + len(unsure)
        if stages and stages == len(scale) - 1:
            stages -= 1  # one code of an answer, which needs no column beside don't know
        found.append(Item(at, tuple(scale), first, stages))
        first += found[-1].columns
    return found


def levels_of(items: Sequence[Item], codes: NDArray[np.int16]) -> NDArray[np.int16]:
    """Return the levels (people × columns of all items) of ``codes`` (people × questions)."""
    parts = [item.encode(item.answers(codes[:, item.question])) for item in items]
    return np.hstack([np.zeros((len(codes), 0), np.int16), *parts])


def _in_order(question: Question) -> list[int]:
    """The codes of a question's options, from one end of its scale to the other."""
    groups = [option.codes for option in question.refined]
    falls = question.ordered and groups[0][0] > groups[-1][0]
    if question.ordered and question.codes_in_order:
        groups = [tuple(sorted(codes, reverse=falls)) for codes in groups]
    return [code for codes in groups for code in codes]
