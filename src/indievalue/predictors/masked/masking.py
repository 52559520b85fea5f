"""Masking: which answers are shown, and which are targets, in each training step."""

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from indievalue.predictors.columns import coarsening
from indievalue.predictors.masked.inputs import Shape, spread
from indievalue.predictors.masked.network import Shown
from indievalue.predictors.masked.options import MaskedOptions
from indievalue.survey.survey import Survey

_SHOWN_BESIDE_RUNS = (0.8, 1.0)
"""Range of the share of answers shown outside the hidden runs; the benchmark shows 200 of about 214."""

_SHOWN = (0.65, 0.92)
"""Range of the share of all answers shown if no runs are hidden."""

_NOTHING = 0.05
"""A share of shown answers that is drawn below 0 by this much or less is none at all, so that demographics, or
nothing, are all there is: with u uniform, (1 + 0.05) u² - 0.05 is below 0 for a fifth of the people.
"""

_OF_A_TOPIC = 0.95
"""Share of a topic's answers shown, where whole topics are hidden."""

_DROPPED = 0.1
"""Probability of leaving out each single demographic, if demographics are shown at all."""


@dataclass(frozen=True)
class Answers:
    """Everybody's answers as tensors. ``options`` int8 (people × questions, -1 missing); ``one_hot`` uint8 (people ×
    refined options); ``groups`` uint8 (people × group columns).
    """

    options: Tensor
    one_hot: Tensor
    groups: Tensor

    def __len__(self) -> int:
        return len(self.options)


class Hiding:
    """Draw what is hidden from each person, with torch's global generator.

    For most people it resembles what the benchmark hides: runs of neighbouring questions in every category, and some
    others. For a few people any share of the answers is hidden, so that the network also learns from few answers; or
    all questions of most categories, so that it learns what little one topic tells about another.
    """

    def __init__(self, survey: Survey, shape: Shape, options: MaskedOptions, device: torch.device) -> None:
        self.options = options
        # Converts a refined answer to its polar form and back.
        self.blur = torch.from_numpy(coarsening(survey, "polar") @ spread(survey, "polar")).to(device)
        self.question_of = torch.from_numpy(shape.question_of).to(device)
        self.demographic_of = torch.from_numpy(shape.demographic_of).to(device)
        self.demographics = len(shape.groups)
        self.device = device
        # For every question: its category, and its index within the category.
        category = np.array([survey.categories.index(question.category) for question in survey.questions])
        members = np.bincount(category, minlength=len(survey.categories))
        place = np.zeros(len(category), np.int64)
        for number in range(len(members)):
            place[category == number] = np.arange(members[number])
        self.category, self.members, self.place = (torch.from_numpy(array) for array in (category, members, place))
        self.run = survey.sampling.per_category

    def batch(self, answers: Answers, rows: Tensor) -> tuple[Shown, Tensor]:
        """Return what is shown of the people in ``rows``, and targets (people × questions, int64, -1 for none)."""
        options = answers.options[rows].long()
        answered = options >= 0
        known = self._kept(options.shape).to(self.device) & answered
        shown = answers.one_hot[rows].float() * known[:, self.question_of]
        coarse = (torch.rand(len(rows)) < self.options.coarse).to(self.device)
        shown[coarse] = shown[coarse] @ self.blur
        groups = answers.groups[rows].float() * self._demographics(len(rows))[:, self.demographic_of]
        targets = torch.where(known, -1, options)
        return Shown(shown, known.float(), groups), targets

    def _kept(self, size: torch.Size) -> Tensor:
        """Draw which questions may be shown (people × questions)."""
        people = size[0]
        few = torch.rand(people, 1) < self.options.few
        runs = (torch.rand(people, 1) < self.options.runs) & ~few
        draw = torch.rand(people, 1)
        share = torch.where(runs, _between(_SHOWN_BESIDE_RUNS, draw), _between(_SHOWN, draw))
        share = torch.where(few, (1 + _NOTHING) * draw**2 - _NOTHING, share)
        kept = (torch.rand(size) < share) & ~(runs & self._runs(people))
        by_topic = few & (torch.rand(people, 1) < self.options.topics)
        return torch.where(by_topic, self._topics(people), kept)

    def _topics(self, people: int) -> Tensor:
        """Draw questions of one category, for most people, or more, and of these almost all (people × questions)."""
        draw = torch.rand(people, len(self.members))
        shown = (draw < torch.rand(people, 1) ** 2) | (draw == draw.amin(dim=1, keepdim=True))
        return shown[:, self.category] & (torch.rand(people, len(self.category)) < _OF_A_TOPIC)

    def _runs(self, people: int) -> Tensor:
        """Draw a run of questions in every category, as long as the benchmark's probes, wrapping around.

        Returns people × questions.
        """
        first = (torch.rand(people, len(self.members)) * self.members).long()
        return (self.place - first[:, self.category]) % self.members[self.category] < self.run

    def _demographics(self, people: int) -> Tensor:
        """Draw whether each demographic is shown (people × demographics)."""
        some = torch.rand(people, 1) >= self.options.bare
        return (some & (torch.rand(people, self.demographics) >= _DROPPED)).to(self.device)


def _between(range_: tuple[float, float], draw: Tensor) -> Tensor:
    """Scale numbers from 0-1 to the range."""
    return range_[0] + (range_[1] - range_[0]) * draw
