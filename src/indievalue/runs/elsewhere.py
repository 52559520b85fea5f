"""People of other files to learn from, and what of them was learned: ``evaluate --learn-from``."""

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import ClassVar

import numpy as np
import polars as pl
from numpy.typing import NDArray
from pydantic import ConfigDict

from indievalue.errors import IndievalueError
from indievalue.people.people import People
from indievalue.people.shared import as_people_of
from indievalue.strict import NO_OTHER_KEYS, Count
from indievalue.survey.same_as import is_same, shared_questions
from indievalue.survey.survey import Survey

_NAMED = 8
"""Questions that the printed line names."""


@dataclass(frozen=True)
class LearnedFrom:
    """What predictors learned from another file.

    Attributes:
        source: the file. survey: of its people. fingerprint: SHA-256 of the file. people: number learned from.
        left_out: number of its people who have the id of somebody tested, and were not learned from.
        shared: number of questions of the data's survey that the file's people were asked. questions: each of these →
            the same question in the file's survey, followed by ``reversed`` if its scale runs the other way; None for a
            file of the same survey.
    """

    __pydantic_config__: ClassVar[ConfigDict] = NO_OTHER_KEYS

    source: str
    survey: str
    fingerprint: str
    people: Count
    left_out: Count
    shared: Count
    questions: Mapping[str, str] | None = None

    def line(self, survey: Survey) -> str:
        """Return a sentence on what was learned, for people of ``survey``."""
        out = f"; {self.left_out:,} with the id of somebody tested are left out" if self.left_out else ""
        line = f"Learning from {self.source} ({self.survey}): {self.people:,} people{out}"
        every = len(survey.questions)
        if self.questions is None:
            return f"{line}; {self.shared} of {every} questions of the same survey"
        pairs = [f"{own} = {there}" for own, there in self.questions.items()]
        more = f" and {len(pairs) - _NAMED} more" if len(pairs) > _NAMED else ""
        return (
            f"{line}; {self.shared} of {every} questions are the same, and only these are learned: "
            f"{', '.join(pairs[:_NAMED])}{more}"
        )


@dataclass(frozen=True)
class Elsewhere:
    """People of other files, as people of the data's survey.

    Attributes:
        people: those to learn from, nobody of them tested. shared: bool (questions,), which questions they were asked.
        sources: what was learned from which file. own: the same people of each file, as people of its own survey.
    """

    people: People
    shared: NDArray[np.bool_]
    sources: tuple[LearnedFrom, ...]
    own: tuple[People, ...] = ()

    def across_surveys(self, hidden: Sequence[int]) -> People:
        """Return the people as people of their own survey, without answers to the same items as hidden ones.

        ``hidden`` are positions in the data's survey. Raises IndievalueError if the files are of several surveys.
        """
        first = self.own[0].survey
        if not all(is_same(part.survey, first) for part in self.own):
            raise IndievalueError(
                "a predictor that learns from questions of other surveys takes files of one survey: give --learn-from "
                "files of one"
            )
        matches = shared_questions(self.people.survey, first)
        same = [matches[at].position for at in hidden if at in matches]
        return _together([replace(part, survey=first) for part in self.own]).without_answers(same)

    def digest(self) -> bytes:
        """Return a hash of everything that is learned from."""
        found = hashlib.blake2b(np.ascontiguousarray(self.people.codes.T).data, digest_size=8)
        found.update("\0".join(self.people.ids.tolist()).encode())
        return found.digest()


def elsewhere(others: Sequence[People], survey: Survey, tested: Sequence[str]) -> Elsewhere:
    """Return the people of other files to learn from, as people of ``survey``.

    Nobody who is tested is learned from: people with the id of somebody ``tested`` are left out, of whatever file.
    Raises IndievalueError if a file shares no question with ``survey``, or nobody is left of it.
    """
    parts, own, sources = [], [], []
    shared = np.zeros(len(survey.questions), bool)
    for other in others:
        questions = shared_positions(other, survey)
        shared[questions] = True
        is_tested = np.isin(other.ids, np.array([*_names(other, tested)], dtype=np.str_))
        if is_tested.all():
            raise IndievalueError(
                f"everybody in {other.findings.source} has the id of somebody tested, and nobody is left to learn "
                "from: test fewer people with --people, or, if they are other people with the same ids, tell them "
                "apart with --person-columns file,ID"
            )
        own.append(other.take(~is_tested))
        parts.append(as_people_of(own[-1], survey))
        sources.append(_source(other, survey, int(is_tested.sum())))
    return Elsewhere(_together(parts), shared, tuple(sources), tuple(own))


def shared_ids(others: Sequence[People], survey: Survey) -> list[str] | None:
    """Return the ids of the questions of ``survey`` that one of ``others`` was asked; None without others.

    Raises IndievalueError as :func:`shared_positions`.
    """
    if not others:
        return None
    positions = {position for other in others for position in shared_positions(other, survey)}
    return [survey.questions[position].id for position in sorted(positions)]


def shared_positions(other: People, survey: Survey) -> list[int]:
    """Return the positions of the questions of ``survey`` that people of another file were asked.

    Raises IndievalueError if there are none.
    """
    asked = other.asked
    found = [own for own, match in shared_questions(survey, other.survey).items() if asked[match.position]]
    if not found:
        raise IndievalueError(
            f"{other.findings.source} (survey {other.survey.name}) has no question in common with survey "
            f"{survey.name}, so that nothing can be learned from it: name the same items with `same_as` in its "
            "questions.yaml (docs: A survey as YAML)"
        )
    return found


def _names(other: People, tested: Sequence[str]) -> Iterator[str]:
    """Yield the ids of the people tested, also as they are called in a file that is read alone."""
    before = f"{other.findings.source} "
    for person in tested:
        yield person
        if person.startswith(before):
            yield person.removeprefix(before)
            yield person.removeprefix(f"{before}row ")


def _source(other: People, survey: Survey, left_out: int) -> LearnedFrom:
    matches, asked = shared_questions(survey, other.survey), other.asked
    questions = {
        survey.questions[own].id: other.survey.questions[match.position].id + (" reversed" if match.reversed else "")
        for own, match in matches.items()
        if asked[match.position]
    }
    return LearnedFrom(
        source=other.findings.source,
        survey=other.survey.name,
        fingerprint=other.findings.fingerprint,
        people=len(other) - left_out,
        left_out=left_out,
        shared=len(questions),
        questions=None if is_same(other.survey, survey) else questions,
    )


def _together(parts: Sequence[People]) -> People:
    """Everybody in ``parts``; ids begin with the file where two files share some."""
    first = parts[0]
    if len(parts) == 1:
        return first
    every = [part.ids for part in parts]
    if len(np.unique(np.concatenate(every))) < sum(map(len, every)):
        names = [f"{number} {part.findings.source}" for number, part in enumerate(parts, 1)]
        every = [
            np.array([f"{name} {person}" for person in ids.tolist()]) for name, ids in zip(names, every, strict=True)
        ]
    return replace(
        first,
        ids=np.concatenate(every),
        codes=np.asfortranarray(np.concatenate([part.codes for part in parts])),
        demographics=pl.concat([part.demographics for part in parts]),
        weights=np.concatenate([part.weights for part in parts]),
    )
