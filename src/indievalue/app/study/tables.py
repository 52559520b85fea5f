"""Tables of the database of studies. Times are in seconds since 1970."""

from sqlalchemy import BigInteger, Float, ForeignKey, Index, Integer, String, Text, UniqueConstraint
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

Key = BigInteger().with_variant(Integer, "sqlite")
Time = Float(53)


class Base(DeclarativeBase):
    """Base of all tables."""


class StudyRow(Base):
    """A study that has raters in this database."""

    __tablename__ = "study"

    id: Mapped[str] = mapped_column(String(64), primary_key=True)
    name: Mapped[str] = mapped_column(String(64))
    created: Mapped[float] = mapped_column(Time)
    expires: Mapped[float] = mapped_column(Time)


class Rater(Base):
    """A rater: a link that was made, and what its owner has done. Of the token in the link, only a hash is stored."""

    __tablename__ = "rater"
    __table_args__ = (UniqueConstraint("study", "name"),)

    id: Mapped[int] = mapped_column(Key, primary_key=True)
    study: Mapped[str] = mapped_column(ForeignKey("study.id", ondelete="CASCADE"), index=True)
    name: Mapped[str] = mapped_column(String(32))
    token_hash: Mapped[str] = mapped_column(String(64), unique=True)
    code: Mapped[str] = mapped_column(String(32))
    consented: Mapped[float | None] = mapped_column(Time)
    finished: Mapped[float | None] = mapped_column(Time)
    withdrawn: Mapped[float | None] = mapped_column(Time)
    comment: Mapped[str | None] = mapped_column(Text)


class Slot(Base):
    """One of the places that a person has for raters: free, held until ``lease``, or done."""

    __tablename__ = "slot"
    __table_args__ = (UniqueConstraint("study", "person", "place"), UniqueConstraint("study", "person", "rater"))

    id: Mapped[int] = mapped_column(Key, primary_key=True)
    study: Mapped[str] = mapped_column(ForeignKey("study.id", ondelete="CASCADE"))
    person: Mapped[int] = mapped_column(Integer)
    place: Mapped[int] = mapped_column(Integer)
    rater: Mapped[int | None] = mapped_column(ForeignKey("rater.id"))
    lease: Mapped[float | None] = mapped_column(Time)
    done: Mapped[float | None] = mapped_column(Time)


class Answer(Base):
    """An answer of a rater; ``person`` is -1 in practice and for the rater's own answers."""

    __tablename__ = "answer"
    __table_args__ = (
        UniqueConstraint("rater", "kind", "person", "place"),
        Index("ix_answer_rater_person", "rater", "person"),
    )

    id: Mapped[int] = mapped_column(Key, primary_key=True)
    rater: Mapped[int] = mapped_column(ForeignKey("rater.id", ondelete="CASCADE"))
    kind: Mapped[str] = mapped_column(String(16))
    person: Mapped[int] = mapped_column(Integer)
    place: Mapped[int] = mapped_column(Integer)
    choice: Mapped[int] = mapped_column(Integer)
    confidence: Mapped[int | None] = mapped_column(Integer)
    seconds: Mapped[float] = mapped_column(Time)
    answered: Mapped[float] = mapped_column(Time)
