"""Questions that are the same item in two surveys, such as happiness: ``same_as`` of a specification.

Options are matched by their position on the scale from 0 to 1: each of n options stands for a stretch of 1 / n of it.
Of a reversed item, the scale runs the other way.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from indievalue.errors import did_you_mean
from indievalue.survey.model import Question, SameAs
from indievalue.survey.survey import Survey

_WRITTEN = re.compile(r"(?P<survey>[^\s.]+)\.(?P<question>\S+)(?P<reversed>\s+reversed)?")


def parse_same_as(text: str) -> SameAs:
    """Parse ``wvs7.Q46``, or ``wvs7.Q46 reversed``. Raises ValueError for anything else.

    >>> parse_same_as("wvs7.Q46 reversed")
    SameAs(survey='wvs7', question='Q46', reversed=True)
    """
    found = _WRITTEN.fullmatch(text.strip())
    if found is None:
        raise ValueError(f"same_as is SURVEY.QUESTION, such as wvs7.Q46 or wvs7.Q46 reversed, not {text!r}")
    return SameAs(found["survey"], found["question"], found["reversed"] is not None)


@dataclass(frozen=True)
class Match:
    """A question that another survey has as well: its ``position`` there, and whether its scale is ``reversed``."""

    position: int
    reversed: bool


def shared_questions(survey: Survey, other: Survey) -> dict[int, Match]:
    """Return the questions of ``survey`` that ``other`` has, by position.

    Two questions are the same if one names the other, or both name the same question of a third survey. Of several, the
    first in the order of ``other`` is taken. Surveys with the same questions share all of them.

    >>> from indievalue.survey.load import load_survey
    >>> len(shared_questions(load_survey("wvs7"), load_survey("wvs7")))
    253
    """
    if is_same(survey, other):
        return {position: Match(position, reversed=False) for position in range(len(survey.questions))}
    named: dict[tuple[str, str], tuple[int, bool]] = {}
    for position, question in enumerate(other.questions):
        for item, turned in _items(other, question):
            named.setdefault(item, (position, turned))
    shared: dict[int, Match] = {}
    for position, question in enumerate(survey.questions):
        found = [(*named[item], turned) for item, turned in _items(survey, question) if item in named]
        if found:
            there, theirs, ours = min(found)
            shared[position] = Match(there, theirs != ours)
    return shared


def is_same(survey: Survey, other: Survey) -> bool:
    """Return whether two surveys have the same name and questions, as those of two files of one survey do."""
    return survey is other or (survey.name == other.name and survey.questions == other.questions)


def _items(survey: Survey, question: Question) -> Iterator[tuple[tuple[str, str], bool]]:
    """Yield the items that a question is: itself, and those that it names, with whether the scale is reversed."""
    yield (survey.name, question.id), False
    for same in question.same_as:
        yield (same.survey, same.question), same.reversed


def options_at(
    chosen: NDArray[np.integer], draws: NDArray[np.uint64], of: int, options: int, *, turned: bool = False
) -> NDArray[np.int64]:
    """Return the option, of so many ``options``, that each person has by the one ``chosen`` on a scale ``of`` so many.

    A person's place in the stretch of their option is drawn at random (``draws`` are uniform), and they have the option
    in whose stretch it is. With as many options, it is the same one; otherwise shares of options carry over as if
    people were spread evenly over each stretch.

    >>> draws = np.array([0, 2**63, 2**64 - 1], np.uint64)  # at the start, in the middle and at the end of the stretch
    >>> options_at(np.array([1, 1, 1]), draws, 3, 4).tolist()  # from a third to two thirds of the scale
    [1, 2, 2]
    """
    steps = 1 << _BITS
    place = chosen.astype(np.int64) * steps + (draws >> np.uint64(64 - _BITS)).astype(np.int64)  # of · steps in all
    if turned:
        place = of * steps - 1 - place
    return np.asarray(place * options // (of * steps))


_BITS = 24
"""Places in a stretch are whole numbers of so many bits, so that as many options match exactly."""


def same_as_problems(survey: Survey, others: Mapping[str, Survey | None]) -> list[str]:
    """Return what is wrong with the ``same_as`` of a survey, one line each.

    ``others`` are the surveys that they name, None for one that does not exist.
    """
    found = []
    for question in survey.questions:
        for same in question.same_as:
            problem = _problem(survey, question, same, others.get(same.survey))
            found += [f"{question.id}: same_as names {same}, {problem}"] if problem else []
    return found


def _problem(survey: Survey, question: Question, same: SameAs, other: Survey | None) -> str | None:
    if same.survey == survey.name:
        return "which is a question of this survey; name one of another survey"
    if other is None:
        return f"and there is no survey {same.survey!r}: name one that ships, or the folder of one beside this one"
    if same.question not in other.positions:
        return (
            f"and survey {same.survey} has no question {same.question!r}{did_you_mean(same.question, other.positions)}"
        )
    there = other.question(same.question)
    counts = len(question.refined), len(there.refined)
    if counts[0] != counts[1] and not (question.ordered and there.ordered):
        return (
            f"but one of the two is no scale (ordered: false), and they have {counts[0]} and {counts[1]} options: such "
            "questions can be the same only with as many options"
        )
    return None
