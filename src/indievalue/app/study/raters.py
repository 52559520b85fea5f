"""Raters: their links, their consent, their end, and their withdrawal, after which nothing of them is left."""

import hashlib
import hmac
import secrets
from collections.abc import Iterator
from dataclasses import dataclass

from sqlalchemy import delete, func, select, update
from sqlalchemy.orm import Session

from indievalue.app.study.settings import Content, Study
from indievalue.app.study.tables import Answer, Rater, Slot, StudyRow
from indievalue.errors import IndievalueError

LONGEST_COMMENT = 2_000
"""Characters of a comment that are kept."""


@dataclass(frozen=True)
class Invite:
    """The link of a rater: its token is not stored, and cannot be shown again."""

    name: str
    token: str


def add_study(session: Session, study: Study, content: Content) -> None:
    """Add a study, with the places of its people, unless the database has it."""
    if session.get(StudyRow, study.id) is not None:
        return
    session.add(StudyRow(id=study.id, name=study.name, created=study.created, expires=study.expires))
    session.flush()
    session.add_all(
        Slot(study=study.id, person=person.number, place=place)
        for person in content.people
        for place in range(study.plan.raters_per_person)
    )


def check_study(session: Session, study: Study, now: float) -> None:
    """Raise IndievalueError if the database does not hold the study, or its answers had to be deleted by now."""
    if session.get(StudyRow, study.id) is None:
        raise IndievalueError(
            f"the database does not hold the study {study.name}: it was deleted, or is in another --database"
        )
    if now >= study.expires:
        raise IndievalueError(
            f"the {study.plan.retention} days for which {study.name} may keep answers are over, and they were deleted; "
            "`indievalue study delete` removes the rest"
        )


def invite(session: Session, study: Study, number: int) -> Iterator[Invite]:
    """Add raters, and yield their links."""
    known = session.scalar(select(func.count()).select_from(Rater).where(Rater.study == study.id)) or 0
    for at in range(known + 1, known + number + 1):
        made = Invite(f"r{at:03d}", secrets.token_urlsafe(32))
        code = secrets.token_hex(5).upper()
        session.add(Rater(study=study.id, name=made.name, token_hash=hash_of(made.token), code=code))
        yield made


def find_rater(session: Session, study: Study, token: str) -> Rater | None:
    """Return the rater whose link has ``token``; None if there is none."""
    if len(token) > 100:
        return None
    return session.scalar(select(Rater).where(Rater.study == study.id, Rater.token_hash == hash_of(token)))


def lock_rater(session: Session, rater: int) -> Rater:
    """Return a rater, and keep other sessions from changing it until this one ends."""
    return session.execute(select(Rater).where(Rater.id == rater).with_for_update()).scalar_one()


def withdraw(session: Session, rater: Rater, now: float) -> None:
    """Delete everything that a rater has given, and free their places; their link then says so."""
    session.execute(delete(Answer).where(Answer.rater == rater.id))
    session.execute(update(Slot).where(Slot.rater == rater.id).values(rater=None, lease=None, done=None))
    rater.withdrawn, rater.comment, rater.consented, rater.finished = now, None, None, None


def delete_study(session: Session, study: Study) -> int:
    """Delete a study with everything in it, and return how many answers it had."""
    mine = select(Rater.id).where(Rater.study == study.id)
    answers = session.scalar(select(func.count()).select_from(Answer).where(Answer.rater.in_(mine))) or 0
    session.execute(delete(Answer).where(Answer.rater.in_(mine)))
    for table in (Slot, Rater):
        session.execute(delete(table).where(table.study == study.id))
    session.execute(delete(StudyRow).where(StudyRow.id == study.id))
    return answers


def delete_expired(session: Session, study: Study, now: float) -> int:
    """Delete what raters gave where the retention period is over, and return how many raters that were."""
    if now < study.expires:
        return 0
    mine = select(Rater.id).where(Rater.study == study.id)
    number = session.scalar(select(func.count()).select_from(Rater).where(Rater.study == study.id)) or 0
    session.execute(delete(Answer).where(Answer.rater.in_(mine)))
    session.execute(update(Slot).where(Slot.study == study.id).values(rater=None, lease=None, done=None))
    session.execute(delete(Rater).where(Rater.study == study.id))
    return number


def hash_of(token: str) -> str:
    """Return what is stored of a token."""
    return hashlib.sha256(token.encode()).hexdigest()


def signature(study: Study, token: str, text: str) -> str:
    """Return what only this server can put beside ``text`` in a form for the rater with ``token``."""
    return hmac.new(study.secret.encode(), f"{token}\0{text}".encode(), hashlib.sha256).hexdigest()


def is_signed(study: Study, token: str, text: str, given: str) -> bool:
    """Whether ``given`` is the :func:`signature` of ``text``."""
    return hmac.compare_digest(signature(study, token, text).encode(), given.encode())
