"""Which rater predicts which person: balanced, whoever drops out; and the answers, each of which counts once.

Every person has as many places as it is to have raters. A rater holds a place for the time of a lease, which each
answer renews. When it is over, another rater may take the place; the first to answer everything in it keeps it.
"""

from collections import Counter, defaultdict
from dataclasses import dataclass

from sqlalchemy import func, or_, select, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from indievalue.app.study.raters import lock_rater
from indievalue.app.study.settings import Person, Study
from indievalue.app.study.tables import Answer, Rater, Slot
from indievalue.seeded import keys

OWN, PRACTICE, PROBE, ATTENTION = "own", "practice", "probe", "attention"
"""Kinds of answers."""

NOBODY = -1
"""The person of answers in practice, and of the rater's own."""


@dataclass(frozen=True)
class Given:
    """What a rater has sent: ``person`` is its number, or :data:`NOBODY`."""

    kind: str
    person: int
    place: int
    choice: int
    confidence: int | None
    seconds: float


def claim(session: Session, study: Study, rater: Rater, now: float) -> int | None:
    """Return the number of the person that a rater predicts now; None if no place is free, or they have done theirs.

    That is the one that they have begun, or else one of those who have fewest raters, in an order of the rater's own.
    """
    lock_rater(session, rater.id)
    columns = select(Slot.id, Slot.person, Slot.rater, Slot.lease, Slot.done).where(Slot.study == study.id)
    mine = session.execute(columns.where(Slot.rater == rater.id)).all()
    lease = now + 60 * study.plan.lease
    for slot in mine:
        if slot.done is None:
            if (slot.lease or 0) < (now + lease) / 2:  # answers renew it, too
                session.execute(update(Slot).where(Slot.id == slot.id, Slot.rater == rater.id).values(lease=lease))
            return int(slot.person)
    if len(mine) >= study.plan.people_per_rater:
        return None
    had = {slot.person for slot in mine}
    slots = session.execute(columns).all()
    taken = Counter(slot.person for slot in slots if slot.done is not None or (slot.lease or 0) > now)
    free = [slot for slot in slots if slot.done is None and (slot.lease or 0) <= now and slot.person not in had]
    turn = keys(study.seed, f"rater {rater.name}", [str(slot.person) for slot in free])
    for at in sorted(range(len(free)), key=lambda at: (taken[free[at].person], turn[at])):
        slot = free[at]
        still_free = or_(Slot.lease.is_(None), Slot.lease <= now)
        changed = session.execute(
            update(Slot).where(Slot.id == slot.id, Slot.done.is_(None), still_free).values(rater=rater.id, lease=lease)
        )
        if changed.rowcount == 1:  # type: ignore[attr-defined]
            return int(slot.person)
    return None


def holds(session: Session, rater: Rater, person: int) -> bool:
    """Whether a rater has a place of a person, be it done."""
    return session.scalar(select(Slot.id).where(Slot.rater == rater.id, Slot.person == person)) is not None


def record(
    session: Session, study: Study, rater: Rater, given: Given, now: float, person: Person | None = None
) -> bool:
    """Store an answer, and return whether it counts: False if there is one already, or another rater has the place.

    ``person`` is the one that the answer is about, whose place is done when everything is answered.
    """
    lock_rater(session, rater.id)
    slot = None
    if person is not None:
        slot = session.execute(
            select(Slot).where(Slot.rater == rater.id, Slot.person == person.number).with_for_update()
        ).scalar_one_or_none()
        if slot is None or slot.done is not None:
            return False
        slot.lease = now + 60 * study.plan.lease
    insert = (sqlite if session.get_bind().dialect.name == "sqlite" else postgresql).insert
    values = {
        "rater": rater.id,
        "kind": given.kind,
        "person": given.person,
        "place": given.place,
        "choice": given.choice,
        "confidence": given.confidence,
        "seconds": given.seconds,
        "answered": now,
    }
    stored = session.execute(insert(Answer).values(**values).on_conflict_do_nothing().returning(Answer.id)).scalar()
    if slot is not None and person is not None:
        answered = session.scalar(
            select(func.count()).select_from(Answer).where(Answer.rater == rater.id, Answer.person == person.number)
        )
        if answered == len(person.steps):
            slot.done = now
    return stored is not None


def answers_of(session: Session, rater: Rater, person: int) -> dict[tuple[str, int], Answer]:
    """Return a rater's answers about a person, or with :data:`NOBODY` the others, by kind and place."""
    found = session.scalars(select(Answer).where(Answer.rater == rater.id, Answer.person == person))
    return {(answer.kind, answer.place): answer for answer in found}


@dataclass(frozen=True)
class Progress:
    """How far a study has come.

    Attributes:
        complete: complete raters of each person, by number. working: places that somebody holds now.
        invited, consented, finished, withdrawn: numbers of raters. answers: number of answers about people.
    """

    wanted: int
    complete: dict[int, int]
    working: int
    invited: int
    consented: int
    finished: int
    withdrawn: int
    answers: int

    @property
    def missing(self) -> dict[int, int]:
        """How many complete raters each person lacks, by number; people who lack none are left out."""
        return {person: self.wanted - done for person, done in self.complete.items() if done < self.wanted}

    def lines(self) -> list[str]:
        """Describe the progress in sentences, for the terminal and the page of the administrator."""
        full = len(self.complete) - len(self.missing)
        lines = [
            f"{self.invited:,} raters invited, {self.consented:,} have agreed, {self.finished:,} have finished, "
            f"{self.withdrawn:,} have withdrawn; {self.answers:,} answers",
            f"{full:,} of {len(self.complete):,} people have {self.wanted} complete raters; {self.working:,} places "
            "are being worked on",
        ]
        if self.missing:
            lines.append(
                f"{sum(self.missing.values()):,} complete raters are missing: "
                + ", ".join(f"{count} of person {person + 1}" for person, count in self.missing.items())
            )
        return lines


def progress(session: Session, study: Study, now: float) -> Progress:
    """Return how far a study has come."""
    complete: dict[int, int] = defaultdict(int)
    working = 0
    for slot in session.execute(select(Slot.person, Slot.lease, Slot.done).where(Slot.study == study.id)):
        complete[slot.person] += slot.done is not None
        working += slot.done is None and (slot.lease or 0) > now
    of_raters = select(
        func.count(), func.count(Rater.consented), func.count(Rater.finished), func.count(Rater.withdrawn)
    )
    counts = session.execute(of_raters.where(Rater.study == study.id)).one()
    answers = session.scalar(
        select(func.count()).select_from(Answer).join(Rater).where(Rater.study == study.id, Answer.kind == PROBE)
    )
    return Progress(study.plan.raters_per_person, dict(sorted(complete.items())), working, *counts, answers or 0)
