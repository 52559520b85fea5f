"""How many probes a benchmark of the drafted survey can ask of people who have answered all of them."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import polars as pl
from numpy.typing import NDArray

from indievalue.survey.draft.model import Draft, DraftQuestion

ROUNDS = ((3, 3), (2, 3), (2, 2), (3, 1), (2, 1), (1, 1))
"""(setups, probes of each category in a setup), the most probes first."""

SEVERAL = 3
"""The first of these have several probes of each category in several setups."""

MOST_ROUNDS = 9

Answered = dict[str, NDArray[np.bool_]]
"""Question → who answered it."""

ENOUGH = 400
"""People who answered all probes that are enough, or a third of everybody."""


def with_sampling(draft: Draft, codes: pl.DataFrame) -> Draft:
    """The draft with as many probes as enough people have answered, and the questions that most answered first.

    Where splits of the sample leave too few, people are tested on the probes that they answered. Where even these are
    few, categories are put together.
    """
    answered = {question.id: question.answered for question in draft.questions}
    people = len(codes)
    enough = min(ENOUGH, max(people // 3, 1))
    draft = _asked(draft, answered)
    if (found := _all_answered(draft, answered, ROUNDS[:SEVERAL], max(enough, people // 2))) is not None:
        return found
    if (found := _some_answered(draft, answered, max(enough, people // 2))) is not None:
        return found
    while (found := _all_answered(draft, answered, ROUNDS, enough)) is None:
        if len(draft.categories) < 2:
            order, eligible = _greedy(draft, answered, people)
            return _ordered(draft, order, 1, 1, _all_of(eligible[0], people))
        draft = _merged(draft, answered)
    return found


def _all_answered(draft: Draft, answered: Answered, rounds: Sequence[tuple[int, int]], enough: int) -> Draft | None:
    """The draft with the first of ``rounds`` whose probes were all answered by enough people; None where none is."""
    people = len(next(iter(answered.values())))
    plain = _eligible(_members(draft), answered, people)
    order, eligible = _greedy(draft, answered, people)
    for setups, per_category in rounds:
        last = setups * per_category - 1
        if plain[last] >= max(enough, people // 2):
            return replace(draft, setups=setups, per_category=per_category)
        if eligible[last] >= enough:
            return _ordered(draft, order, setups, per_category, _all_of(eligible[last], people))
    return None


def _all_of(eligible: int, people: int) -> str:
    return f"{eligible:,} of {people:,} people answered every probe; the questions that most answered come first"


def _some_answered(draft: Draft, answered: Answered, enough: int) -> Draft | None:
    """The draft with people tested on the probes they answered, as many as enough people did; None below two."""
    setups, per_category = ROUNDS[0]
    order = {
        category: sorted(names, key=lambda name: -int(answered[name].sum()))
        for category, names in _members(draft).items()
    }
    least: NDArray[np.int64] | None = None
    for setup in range(setups):
        probes = {
            names[place % len(names)]
            for names in order.values()
            for place in range(setup * per_category, (setup + 1) * per_category)
        }
        held = np.sum([answered[name] for name in probes], axis=0)
        least = held if least is None else np.minimum(least, held)
    assert least is not None
    number = int(np.sort(least)[-enough])
    if number < 2:
        return None
    eligible = int((least >= number).sum())
    check = (
        f"parts of the sample were asked other questions: {eligible:,} of {len(least):,} people answered {number} or "
        "more probes of each setup"
    )
    return replace(_ordered(draft, order, setups, per_category, check), answered_probes=number)


def _asked(draft: Draft, answered: Answered) -> Draft:
    """The draft without questions that hardly anybody answered."""
    least = max(2, len(next(iter(answered.values()))) // 200)
    rare = {name: f"answered by fewer than {least:,} people" for name, who in answered.items() if who.sum() < least}
    if len(rare) == len(answered):
        return draft
    kept = tuple(question for question in draft.questions if question.id not in rare)
    return replace(draft, questions=kept, left_out={**draft.left_out, **rare})


def _members(draft: Draft) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for question in draft.questions:
        found.setdefault(question.category, []).append(question.id)
    return found


def _eligible(members: dict[str, list[str]], answered: Answered, people: int) -> list[int]:
    everybody = np.ones(people, bool)
    counts = []
    for place in range(MOST_ROUNDS):
        for names in members.values():
            if place < len(names):
                everybody = everybody & answered[names[place]]
        counts.append(int(everybody.sum()))
    return counts


def _greedy(draft: Draft, answered: Answered, people: int) -> tuple[dict[str, list[str]], list[int]]:
    """Questions of each category, those first that leave most people who answered all before; and how many are left."""
    members = _members(draft)
    order: dict[str, list[str]] = {category: [] for category in members}
    everybody = np.ones(people, bool)
    for _ in range(MOST_ROUNDS):
        for category, names in members.items():
            left = [name for name in names if name not in order[category]]
            if left:
                best = max(left, key=lambda name: int((everybody & answered[name]).sum()))
                order[category].append(best)
                everybody = everybody & answered[best]
    return order, _eligible(order, answered, people)


def _ordered(draft: Draft, order: dict[str, list[str]], setups: int, per_category: int, check: str) -> Draft:
    """The draft with the probes of each category before its other questions."""
    place: dict[str, int] = {}
    for category, names in order.items():
        for number, name in enumerate(names[: setups * per_category]):
            place[name] = number - 1000
        assert category in draft.categories
    categories = {category: number for number, category in enumerate(draft.categories)}
    questions: Sequence[DraftQuestion] = sorted(
        draft.questions, key=lambda one: (categories[one.category], place.get(one.id, 0))
    )
    return replace(
        draft,
        questions=tuple(questions),
        setups=setups,
        per_category=per_category,
        checks={**draft.checks, "sampling": check},
    )


def _merged(draft: Draft, answered: Answered) -> Draft:
    """The draft with the category that fewest people answered put into another."""
    members = _members(draft)
    most = {category: max(int(answered[name].sum()) for name in names) for category, names in members.items()}
    worst = min(most, key=lambda category: most[category])
    others = [category for category in members if category != worst]
    other = next((category for category in others if ":" not in category), others[0])
    questions = [
        replace(question, category=other) if question.category == worst else question for question in draft.questions
    ]
    return replace(draft, questions=tuple(questions))
