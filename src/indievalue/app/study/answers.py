"""The answers of a study as tables: one row an answer, one row a rater."""

import csv
import io
from collections import defaultdict
from collections.abc import Iterable, Mapping

import polars as pl
from sqlalchemy import select
from sqlalchemy.orm import Session

from indievalue.app.study.assignment import ATTENTION, OWN, PRACTICE, PROBE
from indievalue.app.study.settings import CONFIDENCE, Content, Item, Study, attention_check, probability
from indievalue.app.study.tables import Answer, Rater, Slot
from indievalue.benchmark.model import Benchmark

SCHEMA: dict[str, type[pl.DataType]] = {
    "study": pl.String,
    "rater": pl.String,
    "kind": pl.String,
    "person": pl.String,
    "setup": pl.Int64,
    "question": pl.String,
    "asks": pl.String,
    "options": pl.Int64,
    "choice": pl.Int64,
    "statement": pl.String,
    "confidence": pl.Int64,
    "confidence_words": pl.String,
    "probability": pl.Float64,
    "answer": pl.Int64,
    "right": pl.Boolean,
    "own_choice": pl.Int64,
    "person_place": pl.Int64,
    "place": pl.Int64,
    "seconds": pl.Float64,
    "complete": pl.Boolean,
    "checks": pl.Int64,
    "checks_failed": pl.Int64,
}
"""Columns of ``answers.csv``. ``kind``: probe, own, practice or attention; ``person_place``: 1 for the first person of
the rater, ``place``: 1 for the first answer about them; ``complete``: everything about the person was answered.
"""

Truth = Mapping[tuple[int, int, str], int]
"""True option by person's number, setup and question."""


def truth_of(content: Content, benchmark: Benchmark) -> dict[tuple[int, int, str], int]:
    """Return the true answers to what raters are asked about people."""
    rows, at = benchmark.people.rows, benchmark.survey.positions
    options = benchmark.people.options(benchmark.settings.form)
    return {
        (person.number, item.setup, item.question): int(options[rows[person.id], at[item.question]])
        for person in content.people
        for item in person.probes
    }


def read_answers(session: Session, study: Study, content: Content, truth: Truth) -> pl.DataFrame:
    """Return all answers (see :data:`SCHEMA`), in the order in which each rater gave them."""
    names = {rater.id: rater.name for rater in session.scalars(select(Rater).where(Rater.study == study.id))}
    held = select(Slot.rater, Slot.person).where(Slot.study == study.id, Slot.done.is_not(None))
    done = {(rater, person) for rater, person in session.execute(held)}
    found = session.scalars(select(Answer).where(Answer.rater.in_(names)).order_by(Answer.rater, Answer.answered))
    of_rater: dict[int, list[Answer]] = defaultdict(list)
    for answer in found:
        of_rater[answer.rater].append(answer)
    rows: list[dict[str, object]] = []
    for rater, answers in of_rater.items():
        rows += _rows_of(content, answers, truth, {person for holder, person in done if holder == rater}, names[rater])
    return pl.DataFrame([{"study": study.name, **row} for row in rows], schema=SCHEMA)


def _rows_of(
    content: Content, answers: Iterable[Answer], truth: Truth, complete: set[int], name: str
) -> Iterable[dict[str, object]]:
    """Yield the rows of one rater."""
    answers = list(answers)
    own = {content.own[one.place].question: one.choice for one in answers if one.kind == OWN}
    checks = [one.choice == attention_check(one.person).answer for one in answers if one.kind == ATTENTION]
    people: dict[int, int] = {}
    places: dict[tuple[str, int], int] = defaultdict(int)
    for one in answers:
        item = _item(content, one)
        about = one.kind in (PROBE, ATTENTION)
        if about:
            people.setdefault(one.person, len(people) + 1)
        places[one.kind, one.person] += 1
        true = truth.get((one.person, item.setup, item.question)) if one.kind == PROBE else item.answer
        sure = one.confidence
        yield {
            "rater": name,
            "kind": one.kind,
            "person": f"p{one.person + 1:03d}" if about else None,
            "setup": item.setup if one.kind == PROBE else None,
            "question": item.question,
            "asks": item.asks,
            "options": len(item.options),
            "choice": one.choice,
            "statement": item.options[one.choice],
            "confidence": sure,
            "confidence_words": None if sure is None else CONFIDENCE[sure],
            "probability": None if sure is None else max(probability(one.choice, sure, len(item.options))),
            "answer": true,
            "right": None if true is None else true == one.choice,
            "own_choice": own.get(item.question) if one.kind == PROBE else None,
            "person_place": people.get(one.person) if about else None,
            "place": places[one.kind, one.person],
            "seconds": round(one.seconds, 3),
            "complete": one.person in complete if about else None,
            "checks": len(checks),
            "checks_failed": checks.count(False),
        }


def read_raters(session: Session, study: Study) -> pl.DataFrame:
    """Return one row per rater who has agreed: code, people predicted, when they finished, and their comment."""
    done: dict[int, int] = defaultdict(int)
    for rater in session.scalars(select(Slot.rater).where(Slot.study == study.id, Slot.done.is_not(None))):
        done[rater or 0] += 1
    found = session.scalars(
        select(Rater).where(Rater.study == study.id, Rater.consented.is_not(None)).order_by(Rater.id)
    )
    rows = [
        {
            "rater": one.name,
            "code": one.code,
            "people": done[one.id],
            "finished": one.finished is not None,
            "comment": one.comment,
        }
        for one in found
    ]
    schema = {"rater": pl.String, "code": pl.String, "people": pl.Int64, "finished": pl.Boolean, "comment": pl.String}
    return pl.DataFrame(rows, schema=schema)


def csv_text(table: pl.DataFrame) -> str:
    """Return a table as CSV in which no text is a formula to a spreadsheet."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(table.columns)
    writer.writerows([_plain(value) for value in row] for row in table.iter_rows())
    return text.getvalue()


def _plain(value: object) -> object:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, str) and value.lstrip().startswith(("=", "+", "-", "@")):
        return "'" + value
    return value


def _item(content: Content, answer: Answer) -> Item:
    """Return the question that an answer is to."""
    if answer.kind == OWN:
        return content.own[answer.place]
    if answer.kind == PRACTICE and content.practice is not None:
        return content.practice.probes[answer.place]
    if answer.kind == ATTENTION:
        return attention_check(answer.person)
    return content.people[answer.person].probes[answer.place]
