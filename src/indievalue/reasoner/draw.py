"""Draw the examples of a training set: who is asked which questions and shown which answers.

The result is arrays; text is made from them in :mod:`indievalue.reasoner.conversations`. Like a benchmark, a draw
depends only on the seed and on ids.
"""

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from indievalue.benchmark.model import NOBODY, Settings, show_kind
from indievalue.benchmark.questions import columns_of
from indievalue.benchmark.show import arranged, most_relevant
from indievalue.choices import FORMS
from indievalue.errors import IndievalueError
from indievalue.people.people import People
from indievalue.predictors.ranking import rank_statements
from indievalue.reasoner.recipe import Recipe, members
from indievalue.seeded import first_columns, key_table, keys
from indievalue.survey.survey import Survey

TRAIN, VALIDATION = "train", "validation"
UNSEEN_QUESTIONS, UNSEEN_GROUPS = "unseen-questions", "unseen-groups"
VALIDATION_SHARE = 0.05
"""Share of the people who are not tested; at most half of them, and more than this where validation needs more."""

_NEVER = np.iinfo(np.uint64).max
_BLOCK = 8192
"""Examples drawn at once, so that the arrays made for them stay small."""


@dataclass(frozen=True)
class DrawnExamples:
    """Examples of one part of a training set.

    Attributes:
        rows: int64 (examples,), rows of the people.
        probes: int16 (examples × turns), columns of the questions asked; padded with -1.
        shown: int16 (examples × most demonstrations), columns of the demonstrations in the order shown; padded with -1.
        form: int8 (examples,), index of the probes' form in the recipe's forms.
        shown_form: int8 (examples,), index of the demonstrations' form in ``FORMS``.
        context: int8 (examples,), index in the recipe's contexts.
        scarce: ids of the questions that fewer people answered than the recipe wants to ask.
        pool: int64, rows of the people who could be drawn.
    """

    rows: NDArray[np.int64]
    probes: NDArray[np.int16]
    shown: NDArray[np.int16]
    form: NDArray[np.int8]
    shown_form: NDArray[np.int8]
    context: NDArray[np.int8]
    scarce: tuple[str, ...]
    pool: NDArray[np.int64] = field(default_factory=lambda: np.empty(0, np.int64))

    def __len__(self) -> int:
        return len(self.rows)


def draw_parts(people: People, recipe: Recipe, tested: NDArray[np.bool_]) -> dict[str, DrawnExamples]:
    """Draw every part of a training set, by name; people in ``tested`` (people,) are in none of them.

    Raises IndievalueError if no person or no question is left.
    """
    free = members(people, recipe.where) & ~tested
    apart = free & members(people, recipe.unseen_groups) if recipe.unseen_groups else np.zeros(len(people), bool)
    unseen = columns_of(people, recipe.unseen_questions, recipe.seed)
    every = np.arange(len(people.survey.questions))
    asked = columns_of(people, recipe.questions, recipe.seed) if recipe.questions else every
    asked = asked[people.asked[asked] & ~np.isin(asked, unseen)]
    known = np.flatnonzero(free & ~apart)
    validation = _validation_people(people, known, recipe)
    train = known[~np.isin(known, validation)]
    if not len(train):
        raise IndievalueError("nobody is left to train on: test fewer people, or widen `where` in the recipe")
    if not len(asked):
        raise IndievalueError("no question is left to train on: name other `questions` or `unseen_questions`")

    def part(name: str, pool: NDArray[np.int64], questions: NDArray[np.int64], number: int) -> DrawnExamples:
        return _Draw(people, recipe, name, questions, unseen, train).examples(pool, number)

    parts = {TRAIN: part(TRAIN, train, asked, recipe.people_per_question)}
    few = recipe.validation_per_question
    if few and len(validation):
        parts[VALIDATION] = part(VALIDATION, validation, asked, few)
        if len(unseen):
            parts[UNSEEN_QUESTIONS] = part(UNSEEN_QUESTIONS, validation, unseen, few)
    if few and apart.any():
        parts[UNSEEN_GROUPS] = part(UNSEEN_GROUPS, np.flatnonzero(apart), asked, few)
    return {name: drawn for name, drawn in parts.items() if len(drawn)}


def _validation_people(people: People, known: NDArray[np.int64], recipe: Recipe) -> NDArray[np.int64]:
    """Draw the validation people from those in ``known``; return their rows."""
    if not recipe.validation_per_question:
        return known[:0]
    wanted = max(round(VALIDATION_SHARE * len(known)), 4 * recipe.validation_per_question)
    order = np.argsort(keys(recipe.seed, "validation people", people.ids[known].tolist()), kind="stable")
    return np.sort(known[order[: min(wanted, len(known) // 2)]])


@dataclass(frozen=True)
class _Draw:
    """The draw of one part.

    Attributes:
        part: name of the part, which the random keys depend on.
        asked: columns of the questions that may be probes.
        unseen: columns of the questions that may not be demonstrations.
        learned_from: rows of the people whose answers rank statements.
    """

    people: People
    recipe: Recipe
    part: str
    asked: NDArray[np.int64]
    unseen: NDArray[np.int64]
    learned_from: NDArray[np.int64]

    @cached_property
    def questions(self) -> list[str]:
        """Ids of all questions."""
        return [question.id for question in self.people.survey.questions]

    def examples(self, pool: NDArray[np.int64], number: int) -> DrawnExamples:
        """Draw examples in which ``number`` people of the ``pool`` (rows) are asked each question."""
        recipe, asked = self.recipe, self.asked
        answered = np.logical_and.reduce([self.people.options(form)[pool] >= 0 for form in recipe.forms])
        leads = max(1, round(number / recipe.turns))
        counts = np.minimum(answered[:, asked].sum(axis=0), leads)
        rows = self._people_asked(pool, answered, counts)
        lead = np.repeat(asked, counts)
        ids = self.people.ids[pool].tolist()
        names = [f"{ids[row]} {self.questions[at]}" for row, at in zip(rows.tolist(), lead.tolist(), strict=True)]
        shuffled = np.argsort(keys(recipe.seed, f"order of {self.part}", names), kind="stable")
        rows, lead, names = rows[shuffled], lead[shuffled], [names[at] for at in shuffled]
        probes = self._probes(answered[rows], lead, names)
        form = self._one_of(len(recipe.forms), "form", names)
        shown_form = self._shown_forms(form, names)
        context = self._one_of(len(recipe.contexts), "context", names)
        if show_kind(recipe.show) == "random":
            shown = self._demonstrations(pool[rows], probes, shown_form, names)
        else:
            shown = self._chosen(pool[rows], probes, np.stack([form, shown_form]), names)
        with_statements = [at for at, name in enumerate(recipe.contexts) if name in ("statements", "both")]
        shown[~np.isin(context, with_statements)] = NOBODY
        scarce = tuple(self.questions[at] for at, count in zip(asked.tolist(), counts, strict=True) if count < leads)
        return DrawnExamples(pool[rows], probes, shown, form, shown_form, context, scarce, pool)

    def _people_asked(
        self, pool: NDArray[np.int64], answered: NDArray[np.bool_], counts: NDArray[np.int64]
    ) -> NDArray[np.int64]:
        """Draw as many people as ``counts`` says for each question asked: places in the pool, question by question."""
        names = [self.questions[at] for at in self.asked]
        order = key_table(self.recipe.seed, f"people of {self.part}", self.people.ids[pool].tolist(), names)
        order[~answered[:, self.asked]] = _NEVER
        drawn = [
            np.argpartition(order[:, place], min(count, len(pool) - 1))[:count]
            if count < len(pool)
            else np.arange(count)
            for place, count in enumerate(counts)
        ]
        return np.concatenate(drawn)

    def _probes(self, answered: NDArray[np.bool_], lead: NDArray[np.int64], names: list[str]) -> NDArray[np.int16]:
        """Return each example's probes: ``lead``, then for further turns other questions that the person answered.

        ``answered`` is examples × questions.
        """
        asked, turns = self.asked, self.recipe.turns
        probes = np.full((len(lead), turns), NOBODY, np.int16)
        probes[:, 0] = lead
        if turns == 1:
            return probes
        questions = [self.questions[question] for question in asked]
        for at in _blocks(len(lead)):
            order = key_table(self.recipe.seed, f"turns {self.part}", names[at], questions)
            open_ = answered[at][:, asked] & (asked[None, :] != lead[at, None])
            places = first_columns(order, open_, turns - 1)
            probes[at, 1 : 1 + places.shape[1]] = np.where(places == NOBODY, NOBODY, asked[places])
        return probes

    def _demonstrations(
        self, rows: NDArray[np.int64], probes: NDArray[np.int16], shown_form: NDArray[np.int8], names: list[str]
    ) -> NDArray[np.int16]:
        """Draw each example's demonstrations from the person's answers that the recipe allows to be shown."""
        recipe = self.recipe
        least, most = recipe.demonstrations
        spread = np.uint64(most - least + 1)
        wanted = least + (keys(recipe.seed, f"number {self.part}", names) % spread).astype(np.int64)
        shown = np.full((len(rows), min(most, len(self.questions))), NOBODY, np.int16)
        for at in _blocks(len(rows)):
            available = self._open(rows[at], probes[at], shown_form[at]) >= 0
            order = key_table(recipe.seed, f"demonstrations {self.part}", names[at], self.questions)
            drawn = first_columns(order, available, shown.shape[1])
            drawn[np.arange(drawn.shape[1])[None, :] >= wanted[at, None]] = NOBODY
            shown[at] = drawn
        return shown

    @cached_property
    def _hidden_with(self) -> NDArray[np.bool_]:
        """Which questions may not be shown beside each probe (questions × questions)."""
        return hidden_beside(self.people.survey, self.recipe)

    @cached_property
    def _options(self) -> NDArray[np.int8]:
        """Everybody's options in each of ``FORMS`` (forms × people × questions)."""
        return np.stack([self.people.options(form) for form in FORMS])

    def _open(
        self, rows: NDArray[np.int64], probes: NDArray[np.int16], shown_form: NDArray[np.int8]
    ) -> NDArray[np.int8]:
        """Return the options that may be shown in each example (examples × questions); -1 where there is none."""
        options = self._options[shown_form, rows]
        options[:, self.unseen] = -1
        for turn in range(probes.shape[1]):
            probe = probes[:, turn]
            options[self._hidden_with[probe] & (probe != NOBODY)[:, None]] = -1
        return options

    def _chosen(
        self, rows: NDArray[np.int64], probes: NDArray[np.int16], forms: NDArray[np.int8], names: list[str]
    ) -> NDArray[np.int16]:
        """Return each example's most relevant statements for each of its probes.

        ``forms`` (2 × examples) are those of the probes, in the recipe's, and of the statements, in ``FORMS``.
        """
        recipe, number = self.recipe, min(self.recipe.demonstrations[1], len(self.questions))
        best = np.full((len(rows), number, probes.shape[1]), NOBODY, np.int16)
        for form, shown_form in np.unique(forms, axis=1).T.tolist():
            examples = np.flatnonzero((forms[0] == form) & (forms[1] == shown_form))
            for probe, relevance in self._relevance(probes[examples], form, shown_form):
                for turn in range(probes.shape[1]):
                    at = examples[probes[examples, turn] == probe]
                    mine = self._open(rows[at], probes[at], forms[1, at])
                    starts = self.people.survey.form(FORMS[shown_form]).starts
                    best[at, :, turn] = most_relevant(relevance, mine, starts, number)
        shown = _without_repeats(best.reshape(len(rows), -1))
        purpose = f"order of demonstrations {self.part}"
        return arranged(shown, recipe.show_order, lambda: key_table(recipe.seed, purpose, names, self.questions))

    def _relevance(
        self, probes: NDArray[np.int16], form: int, shown_form: int
    ) -> Iterator[tuple[int, NDArray[np.floating]]]:
        """Yield each of the ``probes``, and how relevant each option of the statements' form is to it."""
        settings = Settings(form=self.recipe.forms[form], demonstrations_as=FORMS[shown_form], show=self.recipe.show)
        asked = np.unique(probes[probes != NOBODY]).astype(np.int64)
        allowed = ~self._hidden_with[asked]
        allowed[:, self.unseen] = False
        ranking = rank_statements(self.people.take(self.learned_from), settings)
        yield from zip(asked.tolist(), ranking.relevance(asked, allowed, self.recipe.demonstrations[1]), strict=True)

    def _shown_forms(self, form: NDArray[np.int8], names: list[str]) -> NDArray[np.int8]:
        """Return the index in ``FORMS`` of the form of each example's demonstrations."""
        recipe = self.recipe
        if not recipe.demonstrations_as:
            return np.array([FORMS.index(name) for name in recipe.forms], np.int8)[form]
        drawn = self._one_of(len(recipe.demonstrations_as), "shown form", names)
        return np.array([FORMS.index(name) for name in recipe.demonstrations_as], np.int8)[drawn]

    def _one_of(self, number: int, purpose: str, names: list[str]) -> NDArray[np.int8]:
        """Draw a number below ``number`` for each example."""
        if number == 1:
            return np.zeros(len(names), np.int8)
        return (keys(self.recipe.seed, f"{purpose} {self.part}", names) % np.uint64(number)).astype(np.int8)


def _without_repeats(columns: NDArray[np.int16]) -> NDArray[np.int16]:
    """Return rows without what was there before in the same row, and without gaps; -1 pads."""
    kept = columns != NOBODY
    for place in range(1, columns.shape[1]):
        kept[:, place] &= (columns[:, :place] != columns[:, place, None]).all(axis=1)
    order = np.argsort(~kept, axis=1, kind="stable")
    rows = np.where(np.take_along_axis(kept, order, axis=1), np.take_along_axis(columns, order, axis=1), NOBODY)
    return rows[:, : int(kept.sum(axis=1).max(initial=0))].astype(np.int16)


def _asked_together(survey: Survey) -> NDArray[np.bool_]:
    """Return which questions the protocol asks in the same setup (questions × questions), given enough setups."""
    block = np.empty(len(survey.questions), np.int64)
    seen: dict[str, int] = defaultdict(int)
    for at, question in enumerate(survey.questions):
        block[at] = seen[question.category] // survey.sampling.per_category
        seen[question.category] += 1
    return np.asarray(block[:, None] == block[None, :])


def _blocks(examples: int) -> list[slice]:
    return [slice(start, start + _BLOCK) for start in range(0, examples, _BLOCK)]


def hidden_beside(survey: Survey, recipe: Recipe) -> NDArray[np.bool_]:
    """Return which questions may not be shown beside each probe (questions × questions)."""
    if recipe.demonstrations_from == "others":
        return _asked_together(survey)
    return np.eye(len(survey.questions), dtype=bool)
