"""What is known about the options of a probe, as features of a logit, and questions asked of people held out."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from indievalue.choices import FormName
from indievalue.people.people import People
from indievalue.predictors.embedding.moments import Expected
from indievalue.predictors.embedding.similar_majority import SIMILAR, Wordings, similar_rates
from indievalue.seeded import key_table

Floats = NDArray[np.float64]

FEATURES = 3
MEAN, SHARE, PERSON = range(FEATURES)
"""The features of an option: its place times the mean that texts predict, in standard deviations; the log of its share
in similar questions; and its place times where the person is expected."""

USUAL_WEIGHTS = (0.3, 0.3, 1.0)
"""Weights of the features where too few people, or questions, are there to choose them."""

ASKED = 20
"""Questions asked of each validation person in each part of the questions."""

_LEAST = 0.01
"""A share inside a logarithm is at least this."""


@dataclass(frozen=True)
class SimilarRates:
    """Shares of options in similar questions.

    Attributes:
        wordings: of the survey asked about. known: of the one learned from. rates: float64 (questions × most options),
            its base rates. candidates: int64, positions of its questions that were answered.
    """

    wordings: Wordings
    known: Wordings
    rates: Floats
    candidates: NDArray[np.int64]

    def of(self, probe: int) -> Floats:
        """Return the expected shares of a probe's options (options,), from questions other than the probe."""
        same = self.wordings is self.known
        others = self.candidates[self.candidates != probe] if same else self.candidates
        if not len(others):
            count = len(self.wordings.options(probe))
            return np.full(count, 1 / count)
        return similar_rates(probe, self.wordings, self.known, self.rates, others, SIMILAR)


@dataclass(frozen=True)
class Asked:
    """The survey that is asked about.

    Attributes:
        expected: moments of its scales. similar: shares in similar questions. answered: bool (questions,), which were
            answered by the people learned from. form: of the probes.
    """

    expected: Expected
    similar: SimilarRates
    answered: NDArray[np.bool_]
    form: FormName

    @cached_property
    def _places(self) -> Floats:
        """The place of each option from the middle of its scales (options × scales)."""
        scales = self.expected.scales
        places = scales.places(self.form)
        starts = scales.survey.form(self.form).starts
        for question in range(len(starts) - 1):
            own = np.flatnonzero(scales.owner == question)
            places[starts[question] : starts[question + 1], own] -= scales.middle[own]
        return places

    def features(self, values: Floats, given: NDArray[np.bool_], probes: NDArray[np.int64]) -> Floats:
        """Return the features of the options of each probe (people × probes × most options of any question × features).

        ``values`` and ``given`` (people × scales) are as in :meth:`Expected.places`.
        """
        scales, form = self.expected.scales, self.expected.scales.survey.form(self.form)
        wanted = np.flatnonzero(np.isin(scales.owner, probes))
        person = self.expected.places(values, given, wanted)
        features = np.zeros((len(values), len(probes), int(form.counts.max()), FEATURES))
        for at, probe in enumerate(probes.tolist()):
            own, among = np.flatnonzero(scales.owner == probe), scales.owner[wanted] == probe
            count = int(form.counts[probe])
            places = self._places[form.starts[probe] : form.starts[probe + 1], own]
            features[:, at, :count, MEAN] = places @ self.expected.sign[own]
            features[:, at, :count, SHARE] = np.log(np.maximum(self.similar.of(probe), _LEAST))
            features[:, at, :count, PERSON] = person[:, among] @ places.T
        return features


@dataclass(frozen=True)
class Rows:
    """Answers in rows: ``features`` (rows × options × features), ``exists`` (rows × options), ``truth`` and
    ``question`` (rows,).
    """

    features: Floats
    exists: NDArray[np.bool_]
    truth: NDArray[np.int8]
    question: NDArray[np.int64]

    @classmethod
    def together(cls, parts: "Sequence[Rows]") -> "Rows":
        """Return all rows."""
        names = ("features", "exists", "truth", "question")
        return cls(*(np.concatenate([getattr(part, name) for part in parts]) for name in names))


@dataclass(frozen=True)
class Questioned:
    """People who are asked questions and show some of their other answers.

    Attributes:
        people: they. shown: int8 (people × questions), options in ``shown_form``; -1 where not shown.
        asked: bool (people × questions). form: of the probes.
    """

    people: People
    shown: NDArray[np.int8]
    asked: NDArray[np.bool_]
    shown_form: FormName
    form: FormName

    @classmethod
    def of(
        cls, people: People, hidden: NDArray[np.bool_], number: int, shown_form: FormName, form: FormName
    ) -> "Questioned":
        """Draw ``number`` answers to show of each person, and questions to ask among the ``hidden`` (questions,)."""
        options, truth = people.options(shown_form), people.options(form)
        names = [question.id for question in people.survey.questions]
        order = key_table(0, "embedding", people.ids.tolist(), names)
        shown = _first(order, (options >= 0) & ~hidden, number)
        return cls(
            people, np.where(shown, options, -1).astype(np.int8), _first(order, (truth >= 0) & hidden, ASKED),
            shown_form, form,
        )  # fmt: skip

    def rows(self, there: Asked) -> Rows:
        """Return what is known of each question asked."""
        probes = np.flatnonzero(self.asked.any(axis=0))
        values, given = there.expected.scales.values(self.shown, self.shown_form)
        at = self.asked[:, probes]
        features = there.features(values, given, probes)
        form = self.people.survey.form(self.form)
        exists = np.arange(features.shape[2]) < form.counts[probes][:, None]
        question = np.broadcast_to(probes, at.shape)[at]
        truth = self.people.options(self.form)[:, probes][at]
        return Rows(features[at], np.broadcast_to(exists, (*at.shape, features.shape[2]))[at], truth, question)


def _first(order: NDArray[np.uint64], available: NDArray[np.bool_], number: int) -> NDArray[np.bool_]:
    """Return which are the first ``number`` of those available in each row, by ``order`` (rows × columns)."""
    keyed = np.where(available, order, np.iinfo(np.uint64).max)
    place = keyed.argsort(axis=1, kind="stable").argsort(axis=1, kind="stable")
    return (place < number) & available
