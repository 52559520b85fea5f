"""What a training set is made of."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from indievalue.benchmark.build import protocol_probes
from indievalue.benchmark.model import CONTEXTS, SOURCES, Context, DemonstrationsFrom
from indievalue.errors import IndievalueError
from indievalue.people.people import People
from indievalue.prompts.prompt import OptionOrder, Style
from indievalue.prompts.voice import Voice
from indievalue.survey.model import FORMS, FormName

Groups = Mapping[str, Sequence[str]]
"""Demographic → labels of some of its groups."""


@dataclass(frozen=True)
class Recipe:
    """Everything that decides what is in a training set. Where several are given, one is drawn for each example.

    Attributes:
        people_per_question: who are asked each probe question, n of arXiv 2410.03868, section 5.
        validation_per_question: the same for the validation part, whose people are in no other part.
        forms: of the probes. demonstrations_as: forms of the demonstrations; empty for the probe's own.
        demonstrations: the least and the most statements shown; drawn in between for each example.
        demonstrations_from: ``siblings``: all that a person answered but the probe itself, as in the paper; ``others``:
            neither any question that the strict protocol would ask together with it.
        contexts: what is shown of a person.
        turns: probes of an example, asked one after the other in one conversation.
        questions: ids or categories of those that are asked, or ``setup 0``; empty for all.
        where: only people of these groups.
        unseen_questions: questions, named alike, that are nowhere in the training and validation parts, neither asked
            nor shown, and are asked in a part of their own. unseen_groups: whose people are in a part of their own.
        voice, option_order: as in :class:`indievalue.prompts.prompt.Style`.
    """

    people_per_question: int = 800
    validation_per_question: int = 10
    forms: tuple[FormName, ...] = ("polar",)
    demonstrations: tuple[int, int] = (200, 200)
    demonstrations_as: tuple[FormName, ...] = ()
    demonstrations_from: DemonstrationsFrom = "others"
    contexts: tuple[Context, ...] = ("statements",)
    turns: int = 1
    questions: tuple[str, ...] = ()
    where: Groups = field(default_factory=dict)
    unseen_questions: tuple[str, ...] = ()
    unseen_groups: Groups = field(default_factory=dict)
    voice: Voice = "first"
    option_order: OptionOrder = "fixed"
    seed: int = 0

    def __post_init__(self) -> None:
        """Raises IndievalueError for a value that makes no sense."""
        for name, values, known in (
            ("forms", self.forms, FORMS),
            ("demonstrations_as", self.demonstrations_as, FORMS),
            ("demonstrations_from", (self.demonstrations_from,), SOURCES),
            ("contexts", self.contexts, CONTEXTS),
        ):
            unknown = [value for value in values if value not in known]
            if unknown:
                raise IndievalueError(f"recipe: {name} has {unknown[0]!r}, which is none of {', '.join(known)}")
        if not self.forms or not self.contexts:
            raise IndievalueError("recipe: forms and contexts name at least one each")
        least, most = self.demonstrations
        if not 0 <= least <= most:
            raise IndievalueError(
                f"recipe: demonstrations go from one number to a larger one, not from {least} to {most}"
            )
        for name in ("people_per_question", "turns"):
            if getattr(self, name) < 1:
                raise IndievalueError(f"recipe: {name} is at least 1, and not {getattr(self, name)}")
        if self.validation_per_question < 0:
            raise IndievalueError("recipe: validation_per_question is 0 or more")
        if self.option_order == "both":
            raise IndievalueError("recipe: a training example has one order of options: fixed or shuffled")
        _ = self.style

    @property
    def style(self) -> Style:
        return Style(voice=self.voice, option_order=self.option_order)

    def as_dict(self) -> dict[str, Any]:
        """Plain values, as a manifest holds them."""
        return asdict(self)


def columns_of(people: People, named: Sequence[str]) -> NDArray[np.int64]:
    """Columns of the questions whose id or category is in ``named``, or that ``setup 0`` of the protocol asks, in the
    order of the questionnaire.

    Raises IndievalueError for a name that is none of these.
    """
    survey = people.survey
    setups = {f"setup {number}": probes for number, probes in enumerate(protocol_probes(survey, people.asked))}
    wanted = set(named)
    unknown = sorted(wanted - set(survey.positions) - set(survey.categories) - set(setups))
    if unknown:
        raise IndievalueError(
            f"survey {survey.name} has no question, category or setup {unknown[0]!r}; there are "
            f"{'; '.join([*survey.categories, *setups])}"
        )
    of_setups = {int(probe) for name in wanted & set(setups) for probe in setups[name]}
    return np.array(
        [
            at
            for at, question in enumerate(survey.questions)
            if at in of_setups or {question.id, question.category} & wanted
        ],
        np.int64,
    )


def members(people: People, groups: Groups) -> NDArray[np.bool_]:
    """Who is in one of the groups of every demographic named (people,); everybody where none is.

    Raises IndievalueError for a demographic that the survey lacks, or a group that has nobody.
    """
    found = np.ones(len(people), bool)
    for name, labels in groups.items():
        people.survey.demographic(name)
        values = people.demographics[name].fill_null("").to_numpy()
        for label in labels:
            if label not in values:
                known = sorted({value for value in values.tolist() if value})
                raise IndievalueError(f"nobody's {name} is {label!r}; there are {'; '.join(known)}")
        found &= np.isin(values.astype(str), list(labels))
    return found
