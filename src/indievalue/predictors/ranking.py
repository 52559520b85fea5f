"""Which questions tell most about others, by the covariances of many people's answers.

A ranking is greedy: each question is chosen for what it adds to those chosen before it, so that two questions that tell
the same are not both at the top.
"""

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from indievalue.benchmark.model import Settings, chosen_number
from indievalue.benchmark.show import Ranking
from indievalue.choices import FormName
from indievalue.errors import IndievalueError
from indievalue.people.people import People
from indievalue.predictors.beliefs import Beliefs
from indievalue.predictors.conditional import Conditional, Forms
from indievalue.predictors.counted import Counts
from indievalue.predictors.gaussian import Gaussian

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]
Mask = NDArray[np.bool_]

SPARE = 10
"""Questions chosen greedily beyond those wanted, for people who did not answer all of these; others follow in order of
what each would add next."""

MOST_GREEDY = 60
"""Most questions chosen greedily: by then, the order of those that follow makes little difference."""

_TOGETHER = 32
"""Probes ranked at once."""

_DIGITS = 12
"""Decimals of gains that are compared, so that the last bits of a sum decide nothing."""


def best_list(
    gaussian: Gaussian,
    weights: Floats,
    allowed: Mask,
    number: int,
    country: str | None = None,
) -> list[int]:
    """The ``number`` questions to ask of anybody, best first, each chosen for what it adds to those before.

    ``weights`` (questions,) says how much predicting each question is worth, ``allowed`` which may be asked. With a
    ``country``, the list is for the people there.
    """
    beliefs = Beliefs.prior(gaussian, weights, country)
    left = np.flatnonzero(allowed)
    chosen: list[int] = []
    while len(chosen) < number and len(left):
        best = int(left[np.argmax(beliefs.gains(left))])
        chosen.append(best)
        beliefs, left = beliefs.after(best, None), left[left != best]
    return chosen


def rank_statements(people: People, settings: Settings) -> Ranking:
    """Return the ranking that ``settings.show`` asks for; ``relevant`` learns it from ``people``, who are not tested.

    It is given to :func:`indievalue.build_benchmark` as ``ranking``. Raises IndievalueError where there is nobody to
    learn from, or what ``similar`` needs is not installed.

    >>> import indievalue as iv
    >>> people = iv.synthetic_people(300)
    >>> iv.build_benchmark(people, people_tested=20, setups=[0], show="relevant:6", ranking=iv.rank_statements)
    Benchmark: 20 people of wvs7, 39 probes each, 6 relevant demonstrations
      polar form, strict protocol, context statements, seed 0
    """
    if settings.show_by == "similar":
        from indievalue.predictors.similarity import Similarity

        return Similarity(people.survey, settings.form, settings.shown_form)
    if not len(people):
        raise IndievalueError(
            f"show={settings.show!r} learns what is relevant from people who are not tested, and everybody in the data "
            f"is: test fewer, or choose similar:{chosen_number(settings.show)}, which needs no people"
        )
    return Covariances.of(people, settings.form, settings.shown_form)


@dataclass(frozen=True)
class Covariances:
    """Means and covariances of all options, by which questions are ranked for a probe.

    Attributes:
        model: of the options shown, and their covariance with the options of probes.
    """

    model: Conditional
    _columns: Integers = field(init=False, repr=False)
    _exists: Mask = field(init=False, repr=False)

    def __post_init__(self) -> None:
        shown = self.model.forms.survey.form(self.model.forms.shown)
        places = np.arange(int(shown.counts.max()))
        exists = places < shown.counts[:, None]
        object.__setattr__(self, "_columns", np.where(exists, shown.starts[:-1, None] + places, 0))
        object.__setattr__(self, "_exists", exists)

    @classmethod
    def of(cls, people: People, form: FormName, shown_form: FormName) -> "Covariances":
        """Estimate them from the answers of ``people``; a missing answer counts as the mean."""
        (counts,) = Counts.by_part(people, {}, np.zeros(len(people), np.int64), 1)
        mean = counts.mean()
        forms = Forms(people.survey, shown_form, form)
        return cls(forms.conditional(mean, counts.products(mean) / max(1, counts.people)))

    def relevance(self, probes: Integers, allowed: Mask, number: int) -> Floats:
        """Return minus the place of each option's question among those ranked for each probe (probes × options)."""
        place = np.argsort(self.ranked(probes, allowed, number), axis=1).astype(np.float64)
        forms = self.model.forms
        return np.repeat(-place, forms.survey.form(forms.shown).counts, axis=1)

    def ranked(self, probes: Integers, allowed: Mask, number: int) -> NDArray[np.int16]:
        """Return for each probe all questions in order, the one that tells most first (probes × questions).

        ``allowed`` (probes × questions) says which may be shown beside each probe; the others come last. The first
        ``number`` + :data:`SPARE` are chosen for what each adds to those before it.
        """
        blocks = [slice(start, start + _TOGETHER) for start in range(0, len(probes), _TOGETHER)]
        parts = [self._ranked(probes[at], allowed[at], min(number + SPARE, MOST_GREEDY)) for at in blocks]
        return np.concatenate([np.empty((0, allowed.shape[1]), np.int16), *parts])

    def _ranked(self, probes: Integers, allowed: Mask, depth: int) -> NDArray[np.int16]:
        depth = min(depth, int(allowed.sum(axis=1).min()))
        search = _Search.begin(self, probes, depth)
        rows, left = np.arange(len(probes)), allowed.copy()
        place = np.full(allowed.shape, np.inf)
        for step in range(depth):
            best = np.argmax(np.where(left, search.gains(), -np.inf), axis=1)
            place[rows, best], left[rows, best] = step, False
            search.add(best)
        rest = np.where(left, search.gains(), -np.inf)
        return np.lexsort((-rest, place), axis=1).astype(np.int16)


@dataclass
class _Search:
    """What is left to be told about some probes once the questions chosen so far have been answered.

    Conditional covariances are those of the covariances minus the products of ``factors``, as in a Cholesky
    factorization that goes on by one question at a time.

    Attributes:
        own: float64 (probes × questions × options × options), conditional covariance of each question's own options,
            with the ridge. reach: float64 (probes × columns × options probed), that of all columns with the probe's
            options. factors: float64 (probes × rows × columns), the first ``known`` rows of which are in use.
    """

    of: Covariances
    own: Floats
    reach: Floats
    factors: Floats
    known: int = 0

    @classmethod
    def begin(cls, of: Covariances, probes: Integers, depth: int) -> "_Search":
        """Begin with nothing answered, and room for ``depth`` questions."""
        model, columns, exists = of.model, of._columns, of._exists
        target = model.forms.survey.form(model.forms.probed)
        places = np.arange(int(target.counts[probes].max()))
        real = places < target.counts[probes][:, None]
        onto = model.onto[:, np.where(real, target.starts[probes][:, None] + places, 0)]
        own = model.joint.covariance[columns[:, :, None], columns[:, None, :]]
        own = np.where(exists[:, :, None] & exists[:, None, :], own, 0)
        own = own + np.eye(exists.shape[1]) * np.where(exists, model.joint.ridge, 1)[:, None, :]
        reach = np.where(real, onto, 0).transpose(1, 0, 2)
        own = np.broadcast_to(own, (len(probes), *own.shape)).copy()
        return cls(of, own, reach.copy(), np.zeros((len(probes), depth * exists.shape[1], len(onto))))

    def gains(self) -> Floats:
        """Return the reduction of the variance of the probe's options by each question (probes × questions)."""
        reach = np.where(self.of._exists[:, :, None], self.reach[:, self.of._columns], 0)
        return np.asarray(np.round((reach * (np.linalg.inv(self.own) @ reach)).sum(axis=(2, 3)), _DIGITS))

    def add(self, questions: Integers) -> None:
        """Let one question (probes,) of each probe be answered."""
        rows, known = np.arange(len(questions)), self.factors[:, : self.known]
        exists = self.of._exists[questions]
        width = int(exists.sum(axis=1).max())
        columns, exists = self.of._columns[questions, :width], exists[:, :width, None]
        before = np.take_along_axis(known, columns[:, None, :], axis=2)
        across = (self.of.model.joint.covariance[columns] - before.transpose(0, 2, 1) @ known) * exists
        root = np.linalg.cholesky(self.own[rows, questions, :width, :width])
        new = np.linalg.solve(root, across)
        reach = np.take_along_axis(self.reach, columns[:, :, None], axis=1) * exists
        self.reach -= new.transpose(0, 2, 1) @ np.linalg.solve(root, reach)
        told = new[:, :, self.of._columns] * self.of._exists
        self.own -= told.transpose(0, 2, 3, 1) @ told.transpose(0, 2, 1, 3)
        self.factors[:, self.known : self.known + width] = new
        self.known += width
