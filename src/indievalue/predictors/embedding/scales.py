"""Answers as places on scales: one number for a question whose options are steps of a scale, else one per option."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from indievalue.choices import FormName
from indievalue.predictors.columns import coarsening
from indievalue.survey.survey import Survey

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Scales:
    """The scales of a survey's questions.

    A question whose options are steps of a scale has one scale, from 0 for its first option to 1 for its last. Any
    other has a scale per refined option, 1 for those who chose it and 0 for others.

    Attributes:
        survey: whose questions they are. owner: int64 (scales,), the position of each scale's question.
        option: int64 (scales,), the refined option that a scale is of; -1 for a scale of steps.
    """

    survey: Survey
    owner: NDArray[np.int64]
    option: NDArray[np.int64]

    @classmethod
    def of(cls, survey: Survey) -> "Scales":
        """Return the scales of all questions, in order."""
        found = [
            (at, option)
            for at, question in enumerate(survey.questions)
            for option in ([-1] if question.ordered else range(len(question.refined)))
        ]
        owner, option = zip(*found, strict=True)
        return cls(survey, np.array(owner, np.int64), np.array(option, np.int64))

    @property
    def steps(self) -> NDArray[np.bool_]:
        """Whether each scale is one of steps (scales,)."""
        return np.asarray(self.option < 0)

    @cached_property
    def middle(self) -> Floats:
        """The place of each scale at which nothing is known: its middle, or an equal share of each option (scales,)."""
        counts = self.survey.form("refined").counts[self.owner]
        return np.where(self.steps, 0.5, 1 / counts)

    def places(self, form: FormName) -> Floats:
        """Return the place on each scale of each option (options of all questions in ``form`` × scales).

        It is 0 for options of other questions. An option that several refined ones are part of has their mean place.
        """
        refined = self.survey.form("refined")
        place = np.zeros((int(refined.starts[-1]), len(self.owner)))
        for at, (question, option) in enumerate(zip(self.owner.tolist(), self.option.tolist(), strict=True)):
            columns = slice(refined.starts[question], refined.starts[question + 1])
            count = int(refined.counts[question])
            place[columns, at] = np.linspace(0, 1, count) if option < 0 else np.arange(count) == option
        if form == "refined":
            return place
        part = coarsening(self.survey, form).astype(np.float64)
        return np.asarray((part.T @ place) / part.sum(axis=0)[:, None])

    def values(self, options: NDArray[np.int8], form: FormName) -> tuple[Floats, NDArray[np.bool_]]:
        """Return the place of each person's answer on each scale, and whether there is one (both people × scales).

        ``options`` (people × questions) are in ``form``; -1 where there is none.
        """
        places = self.survey.form(form).one_hot(options) @ self.places(form)
        return places.astype(np.float64), options[:, self.owner] >= 0
