"""The text of a training set's examples: conversations in which a user asks and the answer is a label."""

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

from indievalue import prompts
from indievalue.benchmark.model import NOBODY
from indievalue.people.people import People
from indievalue.prompts.prompt import Prompt, prompts_of
from indievalue.reasoner.draw import Drawn
from indievalue.reasoner.recipe import Recipe
from indievalue.survey.model import FORMS, FormName

QUESTION = str(Path(prompts.__file__).parent / "question.jinja")
"""The template of all turns but the first, in which nothing about the person is said again."""

Example = dict[str, Any]


def conversations(people: People, recipe: Recipe, drawn: Drawn) -> Iterator[Example]:
    """Every example of a part, in the order drawn.

    Keys: ``id``; ``person``; ``form``; ``context``; ``demonstrations``, how many are shown; ``questions`` and
    ``labels``, one a turn, the latter with all that could be answered; ``messages``, a list of role and content as
    TRL, axolotl and open-instruct read it, in which an assistant's content is the label of what the person said.
    """
    statements = {form: [[o.statement for o in q.options(form)] for q in people.survey.questions] for form in FORMS}
    truth = {form: people.options(form) for form in FORMS}
    about = _Demographics(people)
    questions = people.survey.questions
    styles = recipe.style, replace(recipe.style, template=QUESTION)
    for at in range(len(drawn)):
        row, form = int(drawn.rows[at]), recipe.forms[drawn.form[at]]
        person, context = str(people.ids[row]), recipe.contexts[drawn.context[at]]
        shown_form: FormName = FORMS[drawn.shown_form[at]]
        shown = drawn.shown[at]
        shown = shown[shown != NOBODY]
        said = statements[shown_form]
        options = truth[shown_form][row, shown].tolist()
        asked = [int(probe) for probe in drawn.probes[at] if probe != NOBODY]
        task = {
            "person": person,
            "setup": 0,
            "demographics": about.statements(row) if context in ("demographics", "both") else [],
            "demonstrations": [
                {"statement": said[question][option]} for question, option in zip(shown.tolist(), options, strict=True)
            ],
        }
        messages, labels = [], []
        for turn, probe in enumerate(asked):
            task["probes"] = [
                {"question": questions[probe].id, "asks": questions[probe].asks, "options": statements[form][probe]}
            ]
            (prompt,) = prompts_of(task, styles[turn > 0], recipe.seed)
            messages += [
                {"role": "user", "content": prompt.text},
                {"role": "assistant", "content": _label(prompt, int(truth[form][row, probe]))},
            ]
            labels.append(prompt.probes[0].labels)
            task["demographics"], task["demonstrations"] = [], []
        yield {
            "id": f"{person}/{questions[asked[0]].id}",
            "person": person,
            "form": form,
            "context": context,
            "demonstrations": len(shown),
            "questions": [questions[probe].id for probe in asked],
            "labels": labels,
            "messages": messages,
        }


def _label(prompt: Prompt, option: int) -> str:
    (probe,) = prompt.probes
    return probe.labels[probe.order.index(option)]


class _Demographics:
    """Statements about a person's circumstances, made once for every group."""

    def __init__(self, people: People) -> None:
        self._columns = []
        for name in people.demographics.columns:
            demographic = people.survey.demographic(name)
            labels = people.demographics[name].to_list()
            made: dict[str | None, str] = {}
            for label in set(labels) - {None}:
                with suppress(KeyError):
                    made[label] = demographic.statement(label)
            self._columns.append((labels, made))

    def statements(self, row: int) -> list[str]:
        found = (made.get(labels[row]) for labels, made in self._columns)
        return [statement for statement in found if statement is not None]
