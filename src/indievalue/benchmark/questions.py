"""Questions by name: ids, categories, setups, batteries, and parts of the questionnaire that are drawn."""

import re
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from indievalue.benchmark.protocol import protocol_probes
from indievalue.errors import IndievalueError, did_you_mean
from indievalue.people.people import People
from indievalue.seeded import keys
from indievalue.survey.families import families
from indievalue.survey.survey import Survey

_PART = re.compile(r"(batteries|questions) ([1-9][0-9]?)/([1-9][0-9]?)")

_BATTERY = "battery "


def columns_of(people: People, names: Sequence[str], seed: int = 0) -> NDArray[np.int64]:
    """Return the columns of the named questions, in the order of the questionnaire.

    A name is the id of a question, a category, a setup of the protocol such as ``setup 0``, ``battery NAME``, or a part
    of the questionnaire that is drawn by the ``seed``: ``batteries 1/5`` is the first of five parts of which each has
    whole batteries (see :func:`indievalue.survey.families.families`), ``questions 1/5`` the same of single questions.
    Raises IndievalueError for any other name.

    >>> import indievalue as iv
    >>> people = iv.synthetic_people(20)
    >>> [people.survey.questions[at].id for at in columns_of(people, ["battery satisfaction", "Q1"])]
    ['Q1', 'Q49', 'Q50']
    """
    survey = people.survey
    chosen = np.zeros(len(survey.questions), bool)
    for name in dict.fromkeys(names):
        chosen |= _named(people, name, seed)
    return np.flatnonzero(chosen)


def _named(people: People, name: str, seed: int) -> NDArray[np.bool_]:
    """Return which questions a name stands for (questions,)."""
    survey = people.survey
    if name in survey.positions:
        return np.asarray(np.arange(len(survey.questions)) == survey.positions[name])
    if name in survey.categories:
        return np.array([question.category == name for question in survey.questions])
    if part := _PART.fullmatch(name):
        kind, number, parts = part.group(1), int(part.group(2)), int(part.group(3))
        if number > parts:
            raise IndievalueError(f"{name!r}: there are {parts} parts; choose {kind} 1/{parts} to {parts}/{parts}")
        return np.asarray(drawn_parts(survey, people.asked, parts, seed, whole_batteries=kind == "batteries") == number)
    if name.startswith(_BATTERY):
        return _in_battery(survey, name.removeprefix(_BATTERY))
    setups = {f"setup {number}": probes for number, probes in enumerate(protocol_probes(survey, people.asked))}
    if name not in setups:
        raise IndievalueError(
            f"survey {survey.name} has no question, category or setup {name!r}; give the id of a question, `battery "
            f"NAME`, `batteries 1/5`, `questions 1/5`, or one of {'; '.join([*survey.categories, *setups])}"
        )
    return np.isin(np.arange(len(survey.questions)), setups[name])


def _in_battery(survey: Survey, name: str) -> NDArray[np.bool_]:
    """Return which questions are in a battery (questions,). Raises IndievalueError if there is none of that name."""
    found = np.array([question.battery == name for question in survey.questions])
    if not found.any():
        known = sorted({question.battery for question in survey.questions if question.battery})
        close = did_you_mean(name, known)
        raise IndievalueError(
            f"survey {survey.name} has no battery {name!r}; it has {', '.join(known) or 'none'}{close}"
        )
    return found


def drawn_parts(
    survey: Survey, asked: NDArray[np.bool_], parts: int, seed: int, *, whole_batteries: bool
) -> NDArray[np.int64]:
    """Return the part of each question (questions,), from 1; 0 for questions that are not ``asked`` (questions,).

    Families, or questions, come in the order of their keys, and each goes to the part with the fewest questions so far.
    """
    unit = families(survey) if whole_batteries else np.arange(len(survey.questions))
    units = np.unique(unit[asked])
    names = [survey.questions[at].id for at in units.tolist()]
    order = np.argsort(keys(seed, "unseen batteries" if whole_batteries else "unseen questions", names), kind="stable")
    part, sizes = np.zeros(len(unit), np.int64), np.zeros(parts, np.int64)
    for at in units[order].tolist():
        members = (unit == at) & asked
        smallest = int(np.argmin(sizes))
        part[members] = smallest + 1
        sizes[smallest] += members.sum()
    return part
