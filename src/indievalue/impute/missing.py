"""Which answers are missing, and why: no answer, don't know, never asked, or a question that does not apply."""

import re
from dataclasses import dataclass
from enum import IntEnum
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from indievalue.people.people import People
from indievalue.survey.model import Question
from indievalue.survey.reasons import does_not_apply, is_no_answer, was_not_put
from indievalue.survey.survey import Survey

_DO_NOT_KNOW = re.compile(
    r"\b(don'?t know|do not know|doesn'?t know|dk|not sure|can'?t (choose|say)|no sabe|ns|ne sai[ts] pas|nsp)\b"
)

_NOTHING = re.compile(r"\b(empty|blank|(did not|didn'?t) understand)\b")


class Missing(IntEnum):
    """Why an answer is missing."""

    NO_ANSWER = 1
    """Refused, left blank, or lost."""

    DO_NOT_KNOW = 2
    """The person said that they do not know."""

    NOT_ASKED = 3
    """The question was not put to the person."""

    DOES_NOT_APPLY = 4
    """The question does not apply to the person, or the code says something else of them: there is nothing to fill."""


def reason_of(text: str) -> Missing:
    """Return the kind of missing answer that a survey's ``text`` for a code describes.

    >>> [reason_of(text).name for text in ("don't know", "refused", "not asked in this country", "not applicable")]
    ['DO_NOT_KNOW', 'NO_ANSWER', 'NOT_ASKED', 'DOES_NOT_APPLY']
    """
    if does_not_apply(text):
        return Missing.DOES_NOT_APPLY
    if was_not_put(text):
        return Missing.NOT_ASKED
    lower = text.lower().replace("’", "'")
    if _DO_NOT_KNOW.search(lower):
        return Missing.DO_NOT_KNOW
    return Missing.NO_ANSWER if is_no_answer(text) or _NOTHING.search(lower) else Missing.DOES_NOT_APPLY


def missing_codes(survey: Survey, question: Question) -> dict[int, Missing]:
    """Return the missing codes of a question, and what kind each is; a code of one of its options is none."""
    answers = {code for option in question.refined for code in option.codes}
    kinds = {code: reason_of(text) for code, text in {**survey.missing, **(question.missing or {})}.items()}
    kinds[survey.not_asked] = Missing.NOT_ASKED
    return {code: kind for code, kind in kinds.items() if code not in answers}


@dataclass(frozen=True)
class ToFill:
    """Which missing answers are filled: no answer and don't know always, unless it is kept, as an answer.

    Attributes:
        not_asked: fill questions that were not put to a person. keep_do_not_know: don't know is an answer like others:
            it stays, and other gaps may be filled with it.
    """

    not_asked: bool = False
    keep_do_not_know: bool = False

    @cached_property
    def kinds(self) -> frozenset[Missing]:
        """The kinds that are filled."""
        kinds = {Missing.NO_ANSWER}
        kinds |= {Missing.NOT_ASKED} if self.not_asked else set()
        return frozenset(kinds if self.keep_do_not_know else kinds | {Missing.DO_NOT_KNOW})

    def cells(self, people: People) -> NDArray[np.bool_]:
        """Return which answers are filled (people × questions)."""
        chosen = np.zeros(people.codes.shape, bool)
        for at, question in enumerate(people.survey.questions):
            codes = [code for code, kind in missing_codes(people.survey, question).items() if kind in self.kinds]
            chosen[:, at] = np.isin(people.codes[:, at], codes)
        return chosen
