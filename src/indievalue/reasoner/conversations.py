"""The text of a training set: conversations in which the user asks and the assistant answers with a label."""

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import NotRequired  # before Python 3.12 pydantic validates no other

import numpy as np
from numpy.typing import NDArray
from typing_extensions import TypedDict

from indievalue import prompts
from indievalue.benchmark.model import NOBODY
from indievalue.benchmark.storage import StatementText, TaskText
from indievalue.choices import FORMS, FormName
from indievalue.people.people import People
from indievalue.prompts.prompt import Prompt, prompts_of
from indievalue.reasoner.draw import DrawnExamples
from indievalue.reasoner.recipe import Recipe

LATER = {"single": str(Path(prompts.__file__).parent / "question.jinja"), "brief": "brief"}
"""For each template of the first turn that of every later one, which does not repeat what is shown of the person."""


class Message(TypedDict):
    """A message of a chat, as TRL, axolotl and open-instruct read it."""

    role: str
    content: str


class Conversation(TypedDict):
    """One example: one line of a training set's JSONL files.

    ``demonstrations`` is how many statements are shown. ``questions`` and ``labels`` have one item per turn; ``labels``
    are the labels of all options. The assistant's messages are the label of the person's own answer. ``targets`` is
    there if a teacher had a part in what is to be learned: for each turn, a probability for each of its labels.
    """

    id: str
    person: str
    form: str
    context: str
    demonstrations: int
    questions: list[str]
    labels: list[str]
    messages: list[Message]
    targets: NotRequired[list[list[float]]]


def conversations(
    people: People, recipe: Recipe, drawn: DrawnExamples, targets: NDArray[np.float64] | None = None
) -> Iterator[Conversation]:
    """Yield the examples of a part as text, in the order drawn.

    ``targets`` (examples × turns × most options) are probabilities to be learned, in the survey's order of options.
    """
    statements = {form: [[o.statement for o in q.options(form)] for q in people.survey.questions] for form in FORMS}
    answers = {form: people.options(form) for form in FORMS}
    circumstances = _Circumstances(people)
    questions = people.survey.questions
    styles = recipe.style, replace(recipe.style, template=LATER[recipe.template])
    for at in range(len(drawn)):
        row, form = int(drawn.rows[at]), recipe.forms[drawn.form[at]]
        person, context = str(people.ids[row]), recipe.contexts[drawn.context[at]]
        shown_form: FormName = FORMS[drawn.shown_form[at]]
        shown = drawn.shown[at][drawn.shown[at] != NOBODY]
        options = answers[shown_form][row, shown].tolist()
        probes = [int(probe) for probe in drawn.probes[at] if probe != NOBODY]
        demographics = circumstances.statements(row) if context in ("demographics", "both") else []
        demonstrations: list[StatementText] = [
            {"question": questions[column].id, "statement": statements[shown_form][column][option]}
            for column, option in zip(shown.tolist(), options, strict=True)
        ]
        messages: list[Message] = []
        labels, wanted = [], []
        for turn, probe in enumerate(probes):
            question = questions[probe]
            task: TaskText = {
                "person": person,
                "setup": 0,
                "form": form,
                "demographics": [] if turn else demographics,
                "demonstrations": [] if turn else demonstrations,
                "probes": [{"question": question.id, "asks": question.asks, "options": statements[form][probe]}],
            }
            (prompt,) = prompts_of(task, styles[turn > 0], recipe.seed)
            messages += [
                {"role": "user", "content": prompt.text},
                {"role": "assistant", "content": _label(prompt, int(answers[form][row, probe]))},
            ]
            labels.append(prompt.probes[0].labels)
            if targets is not None:
                wanted.append(targets[at, turn, list(prompt.probes[0].order)].tolist())
        example: Conversation = {
            "id": f"{person}/{questions[probes[0]].id}",
            "person": person,
            "form": form,
            "context": context,
            "demonstrations": len(shown),
            "questions": [questions[probe].id for probe in probes],
            "labels": labels,
            "messages": messages,
        }
        if targets is not None:
            example["targets"] = wanted
        yield example


def _label(prompt: Prompt, option: int) -> str:
    """Return the label of an option of the prompt's only probe."""
    (probe,) = prompt.probes
    return probe.labels[probe.order.index(option)]


class _Circumstances:
    """Statements about people's demographics, made once per group."""

    def __init__(self, people: People) -> None:
        self._columns: list[tuple[list[str | None], dict[str | None, str]]] = []
        for name in people.demographics.columns:
            demographic = people.survey.demographic(name)
            labels = people.demographics[name].to_list()
            statements: dict[str | None, str] = {}
            for label in set(labels) - {None}:
                with suppress(KeyError):
                    statements[label] = demographic.statement(label)
            self._columns.append((labels, statements))

    def statements(self, row: int) -> list[str]:
        """Return the statements about one person; demographics that are missing are left out."""
        found = (statements.get(labels[row]) for labels, statements in self._columns)
        return [statement for statement in found if statement is not None]
