"""Make what templates show besides a task from its survey, the user's codebook, and people who are not tested."""

from collections.abc import Mapping
from pathlib import Path

import numpy as np

from indievalue.benchmark.circumstances import circumstance_statements
from indievalue.benchmark.model import Task
from indievalue.choices import FormName
from indievalue.errors import IndievalueError
from indievalue.people.codebook import read_codebook
from indievalue.people.options import ReadOptions
from indievalue.people.packages import PACKAGES, read_package_labels
from indievalue.people.people import People
from indievalue.prompts.material import Material, Solver, Words
from indievalue.prompts.prompt import PromptStyle
from indievalue.seeded import key_table, keys
from indievalue.survey.model import Question

SOLVED = 3
"""Number of other people whose solved probes are shown."""

STATEMENTS = 5
"""Most statements that are shown of each of them."""

Labels = Mapping[str, tuple[str, Mapping[int, str]]]
"""Column, in lower case → its wording, and the label of each code."""


class Pool:
    """What prompts of a style need besides tasks.

    Args:
        style: how prompts are written; its codebook is read once, and held in memory alone.
        people: the people that a predictor learns from; None if nobody is given.
    """

    def __init__(self, style: PromptStyle, people: People | None = None) -> None:
        self.style = style
        self.people = people if style.shipped.solved else None  # held only where they are shown
        self._labels = read_labels(Path(style.codebook)) if style.codebook else {}

    def material(self, task: Task) -> Material:
        """Return what the prompts of ``task`` need. Raises IndievalueError if a tested person would be an example."""
        questions = task.survey.questions
        unordered = frozenset(question.id for question in questions if not question.ordered)
        if self.style.shipped.answers:
            return Material(
                asks={question.id: question.asks for question in questions},
                unordered=unordered,
                words=self._words(questions, task.form),
                shown_words=self._shown_words(questions, task.shown_form),
            )
        if self.style.shipped.solved and self.people is not None:
            return Material(unordered=unordered, solvers=_solvers(self.people, task), most=SOLVED)
        return Material(unordered=unordered)

    def _words(self, questions: tuple[Question, ...], form: FormName) -> dict[str, Words]:
        """Return the wording of each question whose text and whose every option the codebook gives."""
        found = {}
        for question in questions:
            asks, labels = next(
                (self._labels[one.lower()] for one in question.data_columns if one.lower() in self._labels), ("", {})
            )
            answers = [
                " / ".join(dict.fromkeys(labels[code] for code in option.codes if code in labels))
                for option in question.options(form)
            ]
            if asks and all(answers) and len(set(answers)) == len(answers):
                found[question.id] = Words(asks, answers)
        return found

    def _shown_words(self, questions: tuple[Question, ...], form: FormName) -> dict[str, dict[str, str]]:
        words = self._words(questions, form)
        return {
            question.id: {
                option.statement: answer
                for option, answer in zip(question.options(form), words[question.id].answers, strict=True)
            }
            for question in questions
            if question.id in words
        }


def read_labels(path: Path) -> Labels:
    """Read the wording of questions and answers from a codebook, or from the labels of an SPSS or Stata file.

    Raises IndievalueError if the file cannot be read.
    """
    if path.suffix.lower() in PACKAGES:
        try:
            held = read_package_labels(path, path.suffix.lower(), ReadOptions())
        except (OSError, ValueError) as error:
            raise IndievalueError(f"cannot read the labels of {path}: {error}") from None
        return {column.lower(): (wording, held.answers.get(column, {})) for column, wording in held.wordings.items()}
    return {name: (entry.label, entry.answers) for name, entry in read_codebook(path).items()}


def _solvers(people: People, task: Task) -> list[Solver]:
    """Return people who answered probes of ``task``, drawn by its seed and enough for each of its probes.

    They are the same people for every probe that they answered, and no probe is among their statements.
    """
    tested = set(task.people.tolist())
    if not tested.isdisjoint(people.ids.tolist()):
        raise IndievalueError("a person who is tested is among those whose solved probes are to be shown")
    answers, shown = people.options(task.form), people.options(task.shown_form)
    order = np.argsort(keys(task.seed, "solved examples", people.ids.tolist()), kind="stable")
    needed = np.full(len(task.probes), SOLVED)
    chosen = []
    for row in order.tolist():
        answered = answers[row, task.probes] >= 0
        if (answered & (needed > 0)).any():
            chosen.append(row)
            needed[answered] -= 1
        if not (needed > 0).any():
            break
    most = min(STATEMENTS, task.order.shape[1])
    asked = np.isin(np.arange(len(task.survey.questions)), task.probes)
    names = [question.id for question in task.survey.questions]
    drawn = key_table(task.seed, "solved statements", people.ids[chosen].tolist(), names)
    return [
        Solver(
            str(people.ids[row]),
            list(circumstance_statements(task.survey, people.demographics.row(row, named=True), {}))
            if task.demographics is not None and people.demographics.width
            else [],
            [
                task.survey.questions[at].options(task.shown_form)[shown[row, at]].statement
                for at in np.argsort(drawn[place], kind="stable").tolist()
                if shown[row, at] >= 0 and not asked[at]
            ][:most],
            {names[probe]: int(answers[row, probe]) for probe in task.probes if answers[row, probe] >= 0},
        )
        for place, row in enumerate(chosen)
    ]
