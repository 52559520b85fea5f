"""How many probes a benchmark of the drafted survey can ask of people who have answered all of them."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import polars as pl
from numpy.typing import NDArray

from indievalue.survey.draft.build import Draft, DraftQuestion

ROUNDS = ((3, 3), (2, 3), (2, 2), (3, 1), (2, 1), (1, 1))
"""(setups, probes of each category in a setup), the most probes first."""

MOST_ROUNDS = 9

ENOUGH = 400
"""People who answered all probes that are enough, or a third of everybody."""


def with_sampling(draft: Draft, codes: pl.DataFrame) -> Draft:
    """The draft with as many probes as enough people have answered, and the questions that most answered first.

    Categories are put together where nobody would have answered a question of each.
    """
    answered = {question.id: _answered(question, codes) for question in draft.questions}
    people = len(codes)
    enough = min(ENOUGH, max(people // 3, 1))
    draft = _asked(draft, answered)
    plain = _eligible(_members(draft), answered, people)
    while True:
        order, eligible = _greedy(draft, answered, people)
        for setups, per_category in ROUNDS:
            last = setups * per_category - 1
            if plain[last] >= max(enough, people // 2):
                return replace(draft, setups=setups, per_category=per_category)
            if eligible[last] >= enough:
                return _ordered(draft, order, setups, per_category, eligible[last], people)
        if len(draft.categories) < 2:
            return _ordered(draft, order, 1, 1, eligible[0], people)
        draft = _merged(draft, answered)
        plain = _eligible(_members(draft), answered, people)


def _answered(question: DraftQuestion, codes: pl.DataFrame) -> NDArray[np.bool_]:
    options = [code for answer in question.scale.answers for code in answer.codes]
    return codes[question.id].is_in(options).fill_null(False).to_numpy()


def _asked(draft: Draft, answered: dict[str, NDArray[np.bool_]]) -> Draft:
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


def _eligible(members: dict[str, list[str]], answered: dict[str, NDArray[np.bool_]], people: int) -> list[int]:
    everybody = np.ones(people, bool)
    counts = []
    for place in range(MOST_ROUNDS):
        for names in members.values():
            if place < len(names):
                everybody = everybody & answered[names[place]]
        counts.append(int(everybody.sum()))
    return counts


def _greedy(
    draft: Draft, answered: dict[str, NDArray[np.bool_]], people: int
) -> tuple[dict[str, list[str]], list[int]]:
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


def _ordered(
    draft: Draft, order: dict[str, list[str]], setups: int, per_category: int, eligible: int, people: int
) -> Draft:
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
    check = f"{eligible:,} of {people:,} people answered every probe; the questions that most answered come first"
    return replace(
        draft,
        questions=tuple(questions),
        setups=setups,
        per_category=per_category,
        checks={**draft.checks, "sampling": check},
    )


def _merged(draft: Draft, answered: dict[str, NDArray[np.bool_]]) -> Draft:
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
