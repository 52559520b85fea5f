"""What a rater does next: agree, answer for themself, practise, predict people one by one, and finish."""

from dataclasses import dataclass

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from indievalue.app.study.assignment import NOBODY, OWN, PRACTICE, answers_of, claim, holds
from indievalue.app.study.settings import Content, Person, Step, Study
from indievalue.app.study.tables import Answer, Rater, Slot

PERSON = "person"


@dataclass(frozen=True)
class Place:
    """A step with where it is: the page's path, what is shown beside it, and how many steps the part has.

    ``person`` is None where the rater answers for themself; ``answer`` is what they gave already.
    """

    path: str
    part: str
    person: Person | None
    step: Step
    number: int
    of: int
    answer: Answer | None


def next_place(session: Session, study: Study, content: Content, rater: Rater, now: float) -> Place | None:
    """Return the first step that a rater has not answered; None if nothing is left for them."""
    before = answers_of(session, rater, NOBODY)
    for part in (OWN, PRACTICE):
        for at, step in enumerate(_steps(content, part)):
            if (step.kind, step.place) not in before:
                return place_at(session, content, rater, part, NOBODY, at)
    number = claim(session, study, rater, now)
    if number is None:
        return None
    steps, given = content.people[number].steps, answers_of(session, rater, number)
    at = next(at for at, step in enumerate(steps) if (step.kind, step.place) not in given)
    return place_at(session, content, rater, PERSON, number, at)


def place_at(session: Session, content: Content, rater: Rater, part: str, number: int, at: int) -> Place | None:
    """Return a step of a part; None if the rater has no such step: the person may be another rater's."""
    if part == PERSON:
        if not 0 <= number < len(content.people) or not holds(session, rater, number):
            return None
        person: Person | None = content.people[number]
        steps = content.people[number].steps
    else:
        number, person, steps = NOBODY, content.practice if part == PRACTICE else None, _steps(content, part)
    if not 0 <= at < len(steps):
        return None
    step = steps[at]
    path = f"/study/{part}/{number}/{at}" if part == PERSON else f"/study/{part}/0/{at}"
    answer = answers_of(session, rater, number).get((step.kind, step.place))
    return Place(path, part, person, step, at + 1, len(steps), answer)


def people_done(session: Session, rater: Rater) -> int:
    """Return how many people a rater has predicted."""
    found = select(func.count()).select_from(Slot).where(Slot.rater == rater.id, Slot.done.is_not(None))
    return session.scalar(found) or 0


def _steps(content: Content, part: str) -> tuple[Step, ...]:
    items = content.own if part == OWN else content.practice.probes if content.practice else ()
    return tuple(Step(part, at, item) for at, item in enumerate(items))
