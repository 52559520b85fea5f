"""Find questions and statements by their words, and the people who said them."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from indievalue.app.explore.source import Source
from indievalue.choices import FormName
from indievalue.survey.model import Question
from indievalue.survey.survey import Survey


@dataclass(frozen=True)
class Said:
    """A statement: the column of its question, its form and its place among the options of that form."""

    at: int
    form: FormName
    option: int
    question: str
    statement: str

    @property
    def key(self) -> str:
        """How addresses name it."""
        return f"{self.question}:{self.form}:{self.option}"


@dataclass(frozen=True)
class Found:
    """What a search found: questions whose wording, and statements whose words, hold all words searched for."""

    questions: tuple[Question, ...]
    statements: tuple[Said, ...]


def search(survey: Survey, forms: Sequence[FormName], text: str) -> Found:
    """Return the questions and the statements that hold every word of ``text``, in whatever case."""
    words = text.casefold().split()
    if not words:
        return Found((), ())
    questions = tuple(
        question for question in survey.questions if _holds(f"{question.id} {question.asks}".casefold(), words)
    )
    statements = tuple(said for said in _all(survey, forms) if _holds(said.statement.casefold(), words))
    return Found(questions, statements)


def who_said(source: Source, found: Found) -> NDArray[np.bool_]:
    """Mask of the people who said any statement found; without one, of those who answered any question found."""
    mask: NDArray[np.bool_] = np.zeros(len(source), bool)
    for known in source.known:
        for said in found.statements:
            if said.form == known.form:
                mask |= known.options[:, said.at] == said.option
        if not found.statements:
            for question in found.questions:
                mask |= known.options[:, source.survey.positions[question.id]] >= 0
    return mask


def statement(survey: Survey, key: str) -> Said | None:
    """Return the statement with that ``key``; None if there is none."""
    return next((said for form in ("polar", "refined") for said in _all(survey, [form]) if said.key == key), None)


def _all(survey: Survey, forms: Sequence[FormName]) -> list[Said]:
    return [
        Said(at, form, place, question.id, option.statement)
        for at, question in enumerate(survey.questions)
        for form in forms
        for place, option in enumerate(question.options(form))
    ]


def _holds(text: str, words: Sequence[str]) -> bool:
    return all(word in text for word in words)
