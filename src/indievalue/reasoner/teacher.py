"""Targets of a training set: a mix of the person's own answer and the probabilities of a teacher.

The teacher is a statistical predictor. By default it is given all of a person's answers that the recipe allows to be
shown beside the probe; with ``teacher_shown: example`` only the statements that the example shows, so that its
probabilities can be learned from the prompt alone. It is cross-fitted: the people who can be drawn are divided into
:data:`FOLDS` groups, and each group is predicted by a teacher that has learned from the others. Its probabilities are
then those for people it has not seen, as a reasoner's have to be, and do not repeat the person's own answer.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from indievalue.benchmark.model import NOBODY, Task
from indievalue.benchmark.questions import columns_of
from indievalue.choices import FORMS, FormName
from indievalue.errors import IndievalueError
from indievalue.people.people import People
from indievalue.predictors.protocol import Predictor
from indievalue.predictors.registry import make_predictor
from indievalue.reasoner.draw import DrawnExamples, hidden_beside
from indievalue.reasoner.recipe import Recipe
from indievalue.seeded import keys

FOLDS = 2
"""Groups of people, each of which is taught by a teacher that has learned from the others."""

_DECIMALS = 5
"""Decimals of a target, which is written as text."""

_PEOPLE = 1000
"""People predicted at once, so that the arrays made for them stay small."""

Integers = NDArray[np.int64]


def targets_of(
    people: People, recipe: Recipe, drawn: DrawnExamples, make: Callable[[], Predictor] | None = None
) -> NDArray[np.float64]:
    """Return what is to be learned of each answer (examples × turns × most options), in the survey's order of options.

    ``make`` makes the teacher; by default the recipe's. Raises IndievalueError if it gives no probabilities, or there
    are too few people to learn from.
    """
    asked = _Asked.of(people, recipe, drawn)
    own = np.arange(asked.most(people, recipe)) == asked.answers(people, recipe)[:, None]
    taught = _teach(people, recipe, drawn, asked, make or (lambda: make_predictor(str(recipe.teacher))))
    weight = recipe.teacher_weight
    targets = np.zeros((*drawn.probes.shape, own.shape[1]))
    targets[asked.example, asked.turn] = np.round((1 - weight) * own + weight * taught, _DECIMALS)
    return targets


@dataclass(frozen=True)
class _Asked:
    """The answers of a part, one after the other: where they are, whose, to which probe, and in which forms."""

    example: Integers
    turn: Integers
    row: Integers
    probe: Integers
    form: Integers
    shown_form: Integers

    @classmethod
    def of(cls, people: People, recipe: Recipe, drawn: DrawnExamples) -> "_Asked":
        example, turn = np.nonzero(drawn.probes != NOBODY)
        columns = drawn.rows[example], drawn.probes[example, turn], drawn.form[example], drawn.shown_form[example]
        return cls(example, turn, *(column.astype(np.int64) for column in columns))

    def answers(self, people: People, recipe: Recipe) -> NDArray[np.int8]:
        """Return the option that each person chose."""
        options = np.stack([people.options(form) for form in recipe.forms])
        return np.asarray(options[self.form, self.row, self.probe])

    def forms(self, recipe: Recipe, answers: Integers) -> tuple[FormName, FormName]:
        """Return the form of the probe and of the statements of some answers in which they are the same."""
        return recipe.forms[self.form[answers[0]]], FORMS[self.shown_form[answers[0]]]

    def most(self, people: People, recipe: Recipe) -> int:
        """Return the greatest number of options of a question."""
        return max(int(people.survey.form(form).counts.max()) for form in recipe.forms)


def _teach(
    people: People, recipe: Recipe, drawn: DrawnExamples, asked: _Asked, make: Callable[[], Predictor]
) -> NDArray[np.float64]:
    """Return the teacher's probabilities for each answer (answers × most options)."""
    taught = np.zeros((len(asked.row), asked.most(people, recipe)))
    fold = _folds(people, recipe, drawn.pool)
    for form, shown_form in np.unique([asked.form, asked.shown_form], axis=1).T.tolist():
        of_forms = (asked.form == form) & (asked.shown_form == shown_form)
        for number in range(FOLDS):
            answers = np.flatnonzero(of_forms & (fold[asked.row] == number))
            others = drawn.pool[fold[drawn.pool] != number]
            if not len(answers):
                continue
            if not len(others):
                raise IndievalueError("recipe: a teacher needs at least two people to train on")
            teacher = make().fit(people.take(others), recipe.forms[form], FORMS[shown_form])
            tasks = (
                _tasks_of_all(people, recipe, asked, answers)
                if recipe.teacher_shown == "all"
                else _tasks_of_examples(people, recipe, drawn, asked, answers)
            )
            for some, task, place in tasks:
                probabilities = teacher.predict(task).probabilities
                if probabilities is None or np.isnan(probabilities).any():
                    raise IndievalueError(f"recipe: teacher: {recipe.teacher} gives no probabilities; choose another")
                taught[some, : probabilities.shape[2]] = probabilities[place]
    return taught


def _folds(people: People, recipe: Recipe, pool: Integers) -> Integers:
    """Return the fold of each person in ``pool`` (people,), independently of the order of the file."""
    fold = np.zeros(len(people), np.int64)
    order = np.argsort(keys(recipe.seed, "teacher", people.ids[pool].tolist()), kind="stable")
    fold[pool[order]] = np.arange(len(pool)) % FOLDS
    return fold


_Tasks = Iterator[tuple[Integers, Task, tuple[Integers, Integers]]]
"""Some answers of one pair of forms, a task that asks for them, and their places among its people and probes."""


def _tasks_of_all(people: People, recipe: Recipe, asked: _Asked, answers: Integers) -> _Tasks:
    """Yield tasks that show all that may be shown; probes beside which the same is hidden are asked together."""
    hidden = hidden_beside(people.survey, recipe)
    hidden[:, columns_of(people, recipe.unseen_questions, recipe.seed)] = True
    _, group = np.unique(hidden, axis=0, return_inverse=True)
    for number in np.unique(group[asked.probe[answers]]):
        of_group = answers[group[asked.probe[answers]] == number]
        rows = np.unique(asked.row[of_group])
        for start in range(0, len(rows), _PEOPLE):
            block = rows[start : start + _PEOPLE]
            some = of_group[np.isin(asked.row[of_group], block)]
            probes, probe = np.unique(asked.probe[some], return_inverse=True)
            task = _task(people, recipe, asked.forms(recipe, some), block, probes, hidden[probes[0]])
            yield some, task, (np.searchsorted(block, asked.row[some]), probe)


def _tasks_of_examples(
    people: People, recipe: Recipe, drawn: DrawnExamples, asked: _Asked, answers: Integers
) -> _Tasks:
    """Yield tasks that show what the examples show: one probe each, and nobody twice."""
    for probe in np.unique(asked.probe[answers]):
        left = answers[asked.probe[answers] == probe]
        while len(left):
            _, first = np.unique(asked.row[left], return_index=True)
            for start in range(0, len(first), _PEOPLE):
                some = left[first[start : start + _PEOPLE]]
                hidden = np.ones((len(some), len(people.survey.questions)), bool)
                shown = drawn.shown[asked.example[some]]
                place, at = np.nonzero(shown != NOBODY)
                hidden[place, shown[place, at]] = False
                task = _task(people, recipe, asked.forms(recipe, some), asked.row[some], np.array([probe]), hidden)
                yield some, task, (np.arange(len(some)), np.zeros(len(some), np.int64))
            left = np.delete(left, first)


def _task(
    people: People,
    recipe: Recipe,
    forms: tuple[FormName, FormName],
    rows: Integers,
    probes: Integers,
    hidden: NDArray[np.bool_],
) -> Task:
    """Return the task that shows the answers of some people except to ``hidden`` questions (of all or each person)."""
    form, shown_form = forms
    chosen = people.take(rows)
    shown = np.where(hidden, np.int8(NOBODY), chosen.options(shown_form)).astype(np.int8)
    known = shown >= 0
    order = np.argsort(~known, axis=1, kind="stable").astype(np.int16)
    order[np.arange(order.shape[1]) >= known.sum(axis=1)[:, None]] = NOBODY
    with_demographics = set(recipe.contexts) & {"demographics", "both"} and chosen.demographics.columns
    return Task(
        survey=people.survey,
        form=form,
        shown_form=shown_form,
        missing_votes=False,
        setup=0,
        seed=recipe.seed,
        people=chosen.ids,
        probes=probes,
        shown=shown,
        order=order[:, : int(known.sum(axis=1).max(initial=0))],
        demographics=chosen.demographics if with_demographics else None,
        asked=chosen.options(form)[:, probes] >= 0,
    )
