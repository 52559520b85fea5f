"""What a training set contains: the options of its draw, and the people and questions they select."""

import shlex
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Annotated, ClassVar

import numpy as np
from numpy.typing import NDArray
from pydantic import ConfigDict, Field

from indievalue.benchmark.model import chosen_number
from indievalue.choices import (
    CONTEXTS,
    FORMS,
    RECIPE_TEMPLATES,
    SHOW_ORDERS,
    SOURCES,
    TEACHERS_SHOWN,
    Context,
    DemonstrationsFrom,
    FormName,
    OptionOrder,
    RecipeTemplate,
    ShowOrder,
    TeacherShown,
    Voice,
)
from indievalue.errors import IndievalueError
from indievalue.people.people import People
from indievalue.predictors.registry import STATISTICAL, is_statistical
from indievalue.prompts.prompt import PromptStyle

AtLeastOne = Annotated[int, Field(ge=1)]
NotNegative = Annotated[int, Field(ge=0)]

GroupNames = Mapping[str, tuple[str, ...]]
"""Demographic → labels of some of its groups."""


@dataclass(frozen=True)
class Recipe:
    """Everything that decides what a training set contains.

    The keys of ``recipe`` in a training's YAML file have the same names. Where an attribute holds several values, one
    of them is drawn for each example.

    Attributes:
        people_per_question: people asked each probe question in the training part (n in arXiv 2410.03868, section 5).
        validation_per_question: the same for the validation part, whose people are in no other part.
        forms: forms of the probes.
        demonstrations: least and greatest number of statements shown; the number is drawn uniformly between them.
        demonstrations_as: forms of the demonstrations; empty for the form of the probe.
        demonstrations_from: ``siblings`` shows any of a person's answers except the probe itself, as in the paper;
            ``others`` also leaves out the questions that the strict protocol asks together with the probe.
        show, show_order: as in :class:`indievalue.benchmark.model.Settings`. ``relevant:K`` replaces ``demonstrations``
            and is learned from the people of the training part. With several turns, K statements are chosen for each of
            them, and all of these are shown.
        contexts: what is shown of a person.
        turns: probes per example, asked one after the other in one conversation.
        questions: names of the questions to ask (see :func:`indievalue.benchmark.questions.columns_of`); empty for all.
        where: only people in these groups.
        unseen_questions: questions (named in the same way) that are neither asked nor shown in the training and
            validation parts, and are asked in a part of their own.
        unseen_groups: groups whose people are in a part of their own.
        teacher: statistical predictor, such as ``gaussian``, whose probabilities are part of what is learned in the
            training part; it has not learned from the person (see :mod:`indievalue.reasoner.teacher`).
        teacher_weight: weight of the teacher's probabilities; that of the person's own answer is the rest.
        teacher_shown: ``all``: the teacher is given every answer that may be shown beside the probe; ``example``: the
            statements of the example alone, so that what is to be learned can be read in the prompt.
        prior_offset: start from the base rates of the answers instead of the model's own (see
            :mod:`indievalue.reasoner.prior`).
        voice, option_order: as in :class:`indievalue.prompts.prompt.PromptStyle`.
        template: ``single`` or ``brief``, which has no words but the statements and the possible answers.
        seed: seed of every draw.
    """

    __pydantic_config__: ClassVar[ConfigDict] = ConfigDict(extra="forbid")  # unknown keys in YAML are errors

    people_per_question: AtLeastOne = 800
    validation_per_question: NotNegative = 10
    forms: tuple[FormName, ...] = ("polar",)
    demonstrations: tuple[NotNegative, NotNegative] = (200, 200)
    demonstrations_as: tuple[FormName, ...] = ()
    demonstrations_from: DemonstrationsFrom = "others"
    contexts: tuple[Context, ...] = ("statements",)
    turns: AtLeastOne = 1
    questions: tuple[str, ...] = ()
    where: GroupNames = field(default_factory=dict)
    unseen_questions: tuple[str, ...] = ()
    unseen_groups: GroupNames = field(default_factory=dict)
    teacher: str | None = None
    teacher_weight: Annotated[float, Field(gt=0, le=1)] = 0.7
    teacher_shown: TeacherShown = "all"
    prior_offset: bool = False
    voice: Voice = "first"
    option_order: OptionOrder = "fixed"
    template: RecipeTemplate = "single"
    seed: int = 0
    show: str = "random"
    show_order: ShowOrder = "last"

    def __post_init__(self) -> None:
        """Check the values. Raises IndievalueError that names the attribute."""
        if (number := chosen_number(self.show)) is not None:
            if self.demonstrations not in ((number, number), Recipe.demonstrations):
                raise IndievalueError(f"recipe: show={self.show!r} shows {number} statements; leave out demonstrations")
            object.__setattr__(self, "demonstrations", (number, number))
        for name, values, known in (
            ("forms", self.forms, FORMS),
            ("demonstrations_as", self.demonstrations_as, FORMS),
            ("demonstrations_from", (self.demonstrations_from,), SOURCES),
            ("contexts", self.contexts, CONTEXTS),
            ("show_order", (self.show_order,), SHOW_ORDERS),
            ("teacher_shown", (self.teacher_shown,), TEACHERS_SHOWN),
            ("template", (self.template,), RECIPE_TEMPLATES),
        ):
            unknown = [value for value in values if value not in known]
            if unknown:
                raise IndievalueError(f"recipe: {name} has {unknown[0]!r}; choose from {', '.join(known)}")
        if not self.forms or not self.contexts:
            raise IndievalueError("recipe: forms and contexts name at least one value each")
        least, most = self.demonstrations
        if not 0 <= least <= most:
            raise IndievalueError(
                f"recipe: demonstrations is a range from a smaller to a larger number, not from {least} to {most}"
            )
        for name in ("people_per_question", "turns"):
            if getattr(self, name) < 1:
                raise IndievalueError(f"recipe: {name} is at least 1, not {getattr(self, name)}")
        if self.validation_per_question < 0:
            raise IndievalueError(f"recipe: validation_per_question is 0 or more, not {self.validation_per_question}")
        if self.option_order == "both":
            raise IndievalueError("recipe: a training example has one order of options; choose fixed or shuffled")
        self._check_targets()
        _ = self.style

    def _check_targets(self) -> None:
        if self.teacher is not None and not is_statistical(self.teacher):
            known = ", ".join(kind.shown for kind in STATISTICAL)
            raise IndievalueError(f"recipe: teacher has {self.teacher!r}; choose from {known}")
        if not 0 < self.teacher_weight <= 1:
            raise IndievalueError(f"recipe: teacher_weight is above 0 and at most 1, not {self.teacher_weight}")
        if self.prior_offset and self.option_order != "fixed":
            raise IndievalueError("recipe: prior_offset needs option_order: fixed, as each label then has a base rate")

    def stored(self) -> dict[str, object]:
        """Return the recipe to be stored: of keys that earlier versions did not have, only those that change it."""
        content = asdict(self)
        if self.teacher is None:
            del content["teacher"], content["teacher_weight"]
        if self.teacher is None or self.teacher_shown == "all":
            del content["teacher_shown"]
        if self.template == "single":
            del content["template"]
        if not self.prior_offset:
            del content["prior_offset"]
        if self.show == "random":
            del content["show"], content["show_order"]
        return content

    @property
    def style(self) -> PromptStyle:
        """How prompts are written."""
        return PromptStyle(self.template, voice=self.voice, option_order=self.option_order)

    def evaluation(self, predictor: str) -> str:
        """Return the command that evaluates a reasoner, asked as in a training of this recipe.

        >>> Recipe(show="relevant:3", template="brief").evaluation("local:mine")
        'indievalue evaluate DATA --predictor local:mine --show relevant:3 --template brief --out RUN'
        """
        words = ["--predictor", predictor]
        if len(self.forms) == 1 and self.forms != Recipe.forms:
            words += ["--form", *self.forms]
        if self.show != Recipe.show:
            words += ["--show", self.show]
        if len(self.demonstrations_as) == 1:
            words += ["--demonstrations-as", *self.demonstrations_as]
        if self.template != Recipe.template:
            words += ["--template", self.template]
        if self.voice != Recipe.voice:
            words += ["--voice", self.voice]
        return f"indievalue evaluate DATA {shlex.join(words)} --out RUN"


def members(people: People, groups: GroupNames) -> NDArray[np.bool_]:
    """Return who is in one of the given groups of every demographic named, (people,); all people if none is named.

    Raises IndievalueError for a demographic that the survey lacks or a group without people.
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
