"""Adaptive interview: the next best question, and what the answers predict."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl
from numpy.typing import NDArray

from indievalue.benchmark.model import Task
from indievalue.elicitation.session import Session, Turn
from indievalue.people.people import People
from indievalue.predictors.beliefs import Beliefs
from indievalue.predictors.gaussian import Gaussian
from indievalue.predictors.protocol import Predictor
from indievalue.survey.survey import Survey

ALIKE = 0.02
"""Share of people who count as the most alike."""

FEWEST = 30
"""People that a group must have in the survey to be reported."""


@dataclass(frozen=True)
class Predicted:
    """Prediction for a question that was not asked: its statement, its probability, and its share among all."""

    question: str
    statement: str
    probability: float
    among_all: float


@dataclass(frozen=True)
class AlikeGroup:
    """A group that is more frequent among the people most alike than among all: both shares."""

    demographic: str
    group: str
    among_alike: float
    among_all: float


class Interview:
    """Interview that next asks the question whose answer is expected to be most informative about the others.

    ``gaussian`` is fitted with refined demonstrations. If the session has a country, the interview starts from what is
    known of the people there. With ``questions``, a list of ids, these are asked, in this order, and no others.

    Attributes:
        predictor: predicts the other answers; ``gaussian``, unless another is set. It sees the answers and the country.
    """

    def __init__(self, gaussian: Gaussian, session: Session, questions: Sequence[str] | None = None) -> None:
        self.gaussian, self.session = gaussian, session
        self.predictor: Predictor = gaussian
        self.survey: Survey = gaussian.survey_
        self._list = None if questions is None else [self.survey.positions[name] for name in questions]
        counts = gaussian.survey_.form("refined").counts
        self._prior = Beliefs.prior(gaussian, np.ones(len(counts)), session.country)
        self._beliefs = self._prior
        self._replay()

    def next_question(self) -> int | None:
        """Column of the next question; None where all have been asked."""
        asked = {self.survey.positions[turn.question] for turn in self.session.turns}
        if self._list is not None:
            return next((at for at in self._list if at not in asked), None)
        left = np.array([at for at in range(len(self.survey.questions)) if at not in asked], np.int64)
        return int(left[np.argmax(self._beliefs.gains(left))]) if len(left) else None

    def answer(self, question: int, option: int | None) -> None:
        """Record the answer, an index of the refined options, or None for a question that is skipped."""
        about = self.survey.questions[question]
        if option is None:
            self.session.turns.append(Turn(about.id, None, None, None))
            return
        probability = float(self._beliefs.probabilities(question)[option])
        self.session.turns.append(Turn(about.id, option, about.refined[option].statement, probability))
        self._beliefs = self._beliefs.after(question, option)

    def back(self) -> bool:
        """Undo the last turn; False if there is none."""
        if not self.session.turns:
            return False
        self.session.turns.pop()
        self._replay()
        return True

    def predicted(self, most: int = 10) -> list[Predicted]:
        """Return the predictions for questions not asked, those first in which the person is expected to differ most.

        Difference is the Kullback-Leibler divergence of the person's probabilities from everybody's.
        """
        probes = np.flatnonzero(self._shown()[0] < 0)
        probabilities = self.predictor.predict(self._task(probes)).probabilities
        assert probabilities is not None
        said = probabilities[0].astype(np.float64)
        among_all = self.gaussian.rates_[probes][:, : said.shape[1]]
        exists = among_all > 0
        ratio = np.log(np.where(exists, np.maximum(said, 1e-9), 1) / np.where(exists, among_all, 1))
        order = np.argsort(-(said * ratio).sum(axis=1), kind="stable")[:most]
        found = []
        for at in order:
            question = self.survey.questions[probes[at]]
            option = int(said[at].argmax())
            statement = question.options(self.gaussian.form_)[option].statement
            found.append(Predicted(question.id, statement, float(said[at, option]), float(among_all[at, option])))
        return found

    def surprises(self, most: int = 3) -> list[Turn]:
        """The answers that had been given the lowest probability, lowest first."""
        answered = [turn for turn in self.session.turns if turn.probability is not None]
        return sorted(answered, key=lambda turn: turn.probability or 0.0)[:most]

    def alike(self, people: People, most: int = 6) -> list[AlikeGroup]:
        """Groups more frequent among the people whose answers equal the person's most often than among all."""
        shown = self._shown()[0]
        asked = np.flatnonzero(shown >= 0)
        equal = (people.options("refined")[:, asked] == shown[asked]).sum(axis=1)
        number = max(1, int(ALIKE * len(people)))
        nearest = np.lexsort((people.ids, -equal))[:number]
        found = []
        for name in people.demographics.columns:
            everybody, near = people.demographics[name].drop_nulls(), people.demographics[name][nearest].drop_nulls()
            for group, size in everybody.value_counts(sort=False).iter_rows():
                if size >= FEWEST and len(near):
                    found.append(AlikeGroup(name, group, float((near == group).mean() or 0), size / len(everybody)))
        return sorted(found, key=lambda one: (one.among_all - one.among_alike, one.demographic))[:most]

    def _replay(self) -> None:
        self._beliefs = self._prior
        for turn in self.session.turns:
            if turn.option is not None:
                self._beliefs = self._beliefs.after(self.survey.positions[turn.question], turn.option)

    def _shown(self) -> NDArray[np.int8]:
        shown = np.full((1, len(self.survey.questions)), -1, np.int8)
        for turn in self.session.turns:
            if turn.option is not None:
                shown[0, self.survey.positions[turn.question]] = turn.option
        return shown

    def _task(self, probes: NDArray[np.int64]) -> Task:
        shown = self._shown()
        return Task(
            survey=self.survey,
            form=self.gaussian.form_,
            shown_form="refined",
            missing_votes=False,
            setup=0,
            seed=0,
            people=np.array(["you"]),
            probes=probes,
            shown=shown,
            order=np.flatnonzero(shown[0] >= 0)[None].astype(np.int16),
            demographics=self._demographics(),
            asked=np.ones((1, len(probes)), bool),
        )

    def _demographics(self) -> pl.DataFrame | None:
        """Return the person's country, and no other demographic; None if it is not known."""
        if self.session.country is None:
            return None
        return pl.DataFrame(
            {
                name: pl.Series([self.session.country if name == self.survey.country else None], dtype=pl.String)
                for name in self.gaussian.groups_
            }
        )
