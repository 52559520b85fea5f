"""Who is asked what in a training set, and what is shown beside it: arrays, before any text is made.

Like a benchmark, a draw depends on the seed and on ids alone.
"""

from collections import defaultdict
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from indievalue.benchmark.model import NOBODY
from indievalue.errors import IndievalueError
from indievalue.people.people import People
from indievalue.reasoner.recipe import Recipe, columns_of, members
from indievalue.seeded import first_columns, key_table, keys
from indievalue.survey.survey import Survey

TRAIN, VALIDATION = "train", "validation"
UNSEEN_QUESTIONS, UNSEEN_GROUPS = "unseen-questions", "unseen-groups"
VALIDATION_SHARE = 0.05
"""Of the people who are not tested, at most half; more where a question's validation people would not fit."""

_NEVER = np.iinfo(np.uint64).max


@dataclass(frozen=True)
class Drawn:
    """Examples of one part.

    Attributes:
        rows: int64 (examples,), rows of people. probes: int16 (examples × turns), columns of the questions asked; -1
            pads. shown: int16 (examples × most), columns of the demonstrations in the order shown; -1 pads.
        form, shown_form, context: int8 (examples,), places in the recipe's forms, in ``FORMS`` and in its contexts.
        lacking: ids of questions that fewer people than wanted could be asked.
    """

    rows: NDArray[np.int64]
    probes: NDArray[np.int16]
    shown: NDArray[np.int16]
    form: NDArray[np.int8]
    shown_form: NDArray[np.int8]
    context: NDArray[np.int8]
    lacking: tuple[str, ...]

    def __len__(self) -> int:
        return len(self.rows)


def parts_of(people: People, recipe: Recipe, tested: NDArray[np.bool_]) -> dict[str, Drawn]:
    """Every part that the recipe has, by name; nobody in ``tested`` (people,) is in any of them.

    Raises IndievalueError where nobody is left, or no question.
    """
    free = members(people, recipe.where) & ~tested
    apart = free & members(people, recipe.unseen_groups) if recipe.unseen_groups else np.zeros(len(people), bool)
    unseen = columns_of(people, recipe.unseen_questions)
    asked = columns_of(people, recipe.questions) if recipe.questions else np.arange(len(people.survey.questions))
    asked = asked[people.asked[asked] & ~np.isin(asked, unseen)]
    known = np.flatnonzero(free & ~apart)
    validation = _validation(people, known, recipe)
    train = known[~np.isin(known, validation)]
    if not len(train) or not len(asked):
        raise IndievalueError("nobody is left to train on" if not len(train) else "no question is left to train on")
    parts = {TRAIN: _draw(people, train, asked, unseen, recipe, recipe.people_per_question, TRAIN)}
    few = recipe.validation_per_question
    if few and len(validation):
        parts[VALIDATION] = _draw(people, validation, asked, unseen, recipe, few, VALIDATION)
        if len(unseen):
            parts[UNSEEN_QUESTIONS] = _draw(people, validation, unseen, unseen, recipe, few, UNSEEN_QUESTIONS)
    if few and apart.any():
        parts[UNSEEN_GROUPS] = _draw(people, np.flatnonzero(apart), asked, unseen, recipe, few, UNSEEN_GROUPS)
    return {name: part for name, part in parts.items() if len(part)}


def _validation(people: People, known: NDArray[np.int64], recipe: Recipe) -> NDArray[np.int64]:
    if not recipe.validation_per_question:
        return known[:0]
    wanted = max(round(VALIDATION_SHARE * len(known)), 4 * recipe.validation_per_question)
    order = np.argsort(keys(recipe.seed, "validation people", people.ids[known].tolist()), kind="stable")
    return np.sort(known[order[: min(wanted, len(known) // 2)]])


def _draw(
    people: People,
    pool: NDArray[np.int64],
    asked: NDArray[np.int64],
    unseen: NDArray[np.int64],
    recipe: Recipe,
    number: int,
    part: str,
) -> Drawn:
    survey = people.survey
    names = [question.id for question in survey.questions]
    ids = people.ids[pool].tolist()
    answered = np.logical_and.reduce([people.options(form)[pool] >= 0 for form in recipe.forms])
    order = key_table(recipe.seed, f"people of {part}", ids, [names[at] for at in asked])
    order[~answered[:, asked]] = _NEVER
    leads = max(1, round(number / recipe.turns))
    counts = np.minimum(answered[:, asked].sum(axis=0), leads)
    rows = np.concatenate(
        [
            np.argpartition(order[:, place], min(count, len(pool) - 1))[:count]
            if count < len(pool)
            else np.arange(count)
            for place, count in enumerate(counts)
        ]
    )
    del order
    lead = np.repeat(asked, counts)
    example = [f"{ids[row]} {names[at]}" for row, at in zip(rows.tolist(), lead.tolist(), strict=True)]
    shuffled = np.argsort(keys(recipe.seed, f"order of {part}", example), kind="stable")
    rows, lead, example = rows[shuffled], lead[shuffled], [example[at] for at in shuffled]
    probes = _probes(answered, rows, lead, asked, recipe, part, example, names)
    form = _one_of(len(recipe.forms), recipe.seed, f"form {part}", example)
    shown_form = _shown_forms(recipe, form, part, example)
    context = _one_of(len(recipe.contexts), recipe.seed, f"context {part}", example)
    shown = _shown(people, pool[rows], probes, shown_form, unseen, recipe, part, example)
    shown[~np.isin(context, [at for at, name in enumerate(recipe.contexts) if name in ("statements", "both")])] = NOBODY
    lacking = tuple(names[at] for at, count in zip(asked.tolist(), counts, strict=True) if count < leads)
    return Drawn(pool[rows], probes, shown, form, shown_form, context, lacking)


def _probes(
    answered: NDArray[np.bool_],
    rows: NDArray[np.int64],
    lead: NDArray[np.int64],
    asked: NDArray[np.int64],
    recipe: Recipe,
    part: str,
    example: list[str],
    names: list[str],
) -> NDArray[np.int16]:
    """The probes of each example: the one it was drawn for and, of several turns, others that the person answered."""
    probes = np.full((len(rows), recipe.turns), NOBODY, np.int16)
    probes[:, 0] = lead
    if recipe.turns == 1:
        return probes
    for at in _blocks(len(rows)):
        order = key_table(recipe.seed, f"turns {part}", example[at], [names[question] for question in asked])
        open_ = answered[rows[at]][:, asked] & (asked[None, :] != lead[at, None])
        places = first_columns(order, open_, recipe.turns - 1)
        probes[at, 1 : 1 + places.shape[1]] = np.where(places == NOBODY, NOBODY, asked[places])
    return probes


def _shown(
    people: People,
    rows: NDArray[np.int64],
    probes: NDArray[np.int16],
    shown_form: NDArray[np.int8],
    unseen: NDArray[np.int64],
    recipe: Recipe,
    part: str,
    example: list[str],
) -> NDArray[np.int16]:
    """Demonstrations of each example, drawn from what the person answered and the recipe lets be shown."""
    least, most = recipe.demonstrations
    names = [question.id for question in people.survey.questions]
    with_it = (
        _asked_together(people.survey) if recipe.demonstrations_from == "others" else np.eye(len(names), dtype=bool)
    )
    wanted = least + (keys(recipe.seed, f"number {part}", example) % np.uint64(most - least + 1)).astype(np.int64)
    shown = np.full((len(rows), min(most, len(names))), NOBODY, np.int16)
    options = np.stack([people.options("polar"), people.options("refined")])
    for at in _blocks(len(rows)):
        available = options[shown_form[at], rows[at]] >= 0
        available[:, unseen] = False
        for turn in range(probes.shape[1]):
            probe = probes[at, turn]
            available &= ~(with_it[probe] & (probe != NOBODY)[:, None])
        order = key_table(recipe.seed, f"demonstrations {part}", example[at], names)
        drawn = first_columns(order, available, shown.shape[1])
        drawn[np.arange(drawn.shape[1])[None, :] >= wanted[at, None]] = NOBODY
        shown[at] = drawn
    return shown


def _asked_together(survey: Survey) -> NDArray[np.bool_]:
    """Which questions the protocol asks in one setup (questions × questions), were there setups enough for all."""
    block = np.empty(len(survey.questions), np.int64)
    seen: dict[str, int] = defaultdict(int)
    for at, question in enumerate(survey.questions):
        block[at] = seen[question.category] // survey.sampling.per_category
        seen[question.category] += 1
    return np.asarray(block[:, None] == block[None, :])


def _shown_forms(recipe: Recipe, form: NDArray[np.int8], part: str, example: list[str]) -> NDArray[np.int8]:
    """Place in (polar, refined) of the form in which each example's demonstrations are shown."""
    place = {"polar": 0, "refined": 1}
    if not recipe.demonstrations_as:
        return np.array([place[name] for name in recipe.forms], np.int8)[form]
    drawn = _one_of(len(recipe.demonstrations_as), recipe.seed, f"shown form {part}", example)
    return np.array([place[name] for name in recipe.demonstrations_as], np.int8)[drawn]


def _one_of(number: int, seed: int, purpose: str, example: list[str]) -> NDArray[np.int8]:
    """A number below ``number`` for each example."""
    if number == 1:
        return np.zeros(len(example), np.int8)
    return (keys(seed, purpose, example) % np.uint64(number)).astype(np.int8)


def _blocks(examples: int, size: int = 8192) -> list[slice]:
    """Slices that keep the arrays made for them small."""
    return [slice(start, start + size) for start in range(0, examples, size)]
