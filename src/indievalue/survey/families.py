"""Families of questions: those of one battery, and batteries worded alike.

Who knows the answers to one question of a family knows much about the others: they are asked in one list, on one scale,
often with one word changed. To test what is predicted of a question that nobody was asked, a whole family is held out.
"""

import re

import numpy as np
from numpy.typing import NDArray

from indievalue.survey.model import Question
from indievalue.survey.survey import Survey

ALIKE = 0.5
"""Batteries are of one family if two of their questions share at least this share of their words."""

_WORDS = re.compile(r"\w+")


def families(survey: Survey) -> NDArray[np.int64]:
    """Return the family of each question (questions,): the position of the first question that belongs to it.

    Two questions are of one family if they are in one battery, or if at least half of the words that either of them
    uses, in what it asks and what its options say, are used by both; or if a third question links them.

    >>> from indievalue.survey.load import load_survey
    >>> survey = load_survey("wvs7")
    >>> of_family = families(survey)
    >>> bool(of_family[survey.positions["Q7"]] == of_family[survey.positions["Q17"]])  # qualities of children
    True
    """
    first: dict[str, int] = {}
    family = np.arange(len(survey.questions))
    for at, question in enumerate(survey.questions):
        family[at] = first.setdefault(question.battery or f" {question.id}", at)
    for one, other in zip(*np.nonzero(np.tril(_overlaps(survey) >= ALIKE, -1)), strict=True):
        low, high = sorted((family[one], family[other]))
        family[family == high] = low
    return family


def _overlaps(survey: Survey) -> NDArray[np.float64]:
    """Return the share of words that two questions have in common (questions × questions)."""
    words = [_words(question) for question in survey.questions]
    number = {word: at for at, word in enumerate(sorted(set().union(*words)))}
    used = np.zeros((len(words), len(number)))
    for at, some in enumerate(words):
        used[at, [number[word] for word in some]] = 1
    both, each = used @ used.T, used.sum(axis=1)
    return np.asarray(both / np.maximum(each[:, None] + each - both, 1))


def _words(question: Question) -> set[str]:
    """Return the words of what a question asks and its options say."""
    texts = [question.asks, *(option.statement for option in question.refined)]
    return set(_WORDS.findall(" ".join(texts).lower()))
