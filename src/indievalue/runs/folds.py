"""The people that predictors learn from: those who are not tested, or in cross-fitting all outside a person's fold."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from hashlib import blake2b

import numpy as np
from numpy.typing import NDArray

from indievalue.benchmark.model import Benchmark
from indievalue.benchmark.narrow import with_people
from indievalue.errors import IndievalueError
from indievalue.people.findings import Findings
from indievalue.people.people import People
from indievalue.predictors.protocol import Predictor
from indievalue.predictors.shared_only import SharedOnly
from indievalue.runs.elsewhere import Elsewhere
from indievalue.seeded import keys

FOLDS = 5
"""Usual number of folds."""


def usual_folds(tested: int, untested: int) -> int:
    """Return the number of folds that is used if none is given: 1, which is none, unless most people are tested.

    >>> usual_folds(800, 25_155), usual_folds(242, 58), usual_folds(3, 0)
    (1, 5, 3)
    """
    return min(FOLDS, tested) if untested < tested and tested > 1 else 1


@dataclass(frozen=True)
class Learning:
    """The people that predictors learn from.

    With one fold these are the people who are not tested. With more (cross-fitting), the people tested are divided
    into folds of about equal size, drawn by the benchmark's seed, with each country spread over all folds; each person
    is predicted by what was learned from everybody outside their own fold.

    With ``elsewhere`` they are people of other files, and nobody of this one.

    Nobody's answers to the benchmark's unseen questions are among what is learned from, unless ``knowing``.

    Args:
        people: everybody in the data. elsewhere: people of other files to learn from.
        folds: number of folds, or None for the usual number. Raises IndievalueError if
            there are more folds than people tested. knowing: whether answers to unseen questions are learned from,
            too, as by a predictor that others are compared with.
    """

    people: People
    benchmark: Benchmark
    folds: int | None = None
    elsewhere: Elsewhere | None = None
    knowing: bool = False

    def __post_init__(self) -> None:
        tested = len(self.benchmark.people)
        if self.elsewhere is not None and self.folds not in (None, 1):
            raise IndievalueError(
                "folds (--folds) divide the people of the data, and predictors learn from other files (--learn-from): "
                "give one of the two"
            )
        if self.folds is not None and not 1 <= self.folds <= tested:
            raise IndievalueError(
                f"folds (--folds) is a number from 1 to the {tested:,} people tested, not {self.folds}"
            )

    @property
    def number(self) -> int:
        """The number of folds; 1 if the people tested are not divided."""
        if self.elsewhere is not None:
            return 1
        return usual_folds(len(self.benchmark.people), len(self.untested)) if self.folds is None else self.folds

    @property
    def findings(self) -> Findings:
        """What was found while reading the data."""
        return self.people.findings

    @cached_property
    def untested(self) -> People:
        """The people who are not tested, or those of other files."""
        if self.elsewhere is not None:
            return self.elsewhere.people.without_answers(self.hidden)
        return self._known.take(~np.isin(self.people.ids, self.benchmark.people.ids))

    @cached_property
    def hidden(self) -> NDArray[np.int64]:
        """The questions (positions) whose answers nothing is learned from."""
        names = () if self.knowing else self.benchmark.settings.unseen_questions
        return np.array([self.people.survey.positions[name] for name in names], np.int64)

    @cached_property
    def _known(self) -> People:
        return self.people.without_answers(self.hidden)

    @cached_property
    def fold(self) -> NDArray[np.int64]:
        """The fold of each person tested (people,), from 0."""
        tested, country = self.benchmark.people, self.people.survey.country
        drawn = keys(self.benchmark.settings.seed, "folds", tested.ids.tolist())
        order = np.argsort(drawn, kind="stable")
        if country in tested.demographics.columns:
            labels = np.array(tested.demographics[str(country)].fill_null("").to_list(), dtype=np.str_)
            order = order[np.argsort(labels[order], kind="stable")]
        fold = np.empty(len(tested), np.int64)
        fold[order] = np.arange(len(tested)) % self.number
        return fold

    @property
    def fewest(self) -> int:
        """The least number of people that anybody's predictor learned from."""
        return len(self.untested) if self.number == 1 else len(self.people) - int(np.bincount(self.fold).max())

    def parts(self) -> Iterator[tuple[People, Benchmark]]:
        """Yield the people to learn from and the benchmark of each fold."""
        if self.number == 1:
            yield self.untested, self.benchmark
            return
        tested = self.benchmark.people.ids
        for number in range(self.number):
            inside = self.fold == number
            yield self._known.take(~np.isin(self.people.ids, tested[inside])), with_people(self.benchmark, inside)

    def training(self, predictor: Predictor, people: People) -> People:
        """Return the ``people`` to learn from as the predictor takes them: some take people of another survey."""
        if self.elsewhere is None or not getattr(predictor, "across_surveys", False):
            return people
        return self.elsewhere.across_surveys(self.hidden.tolist())

    def expecting(self, predictor: Predictor) -> Predictor:
        """Tell a predictor which questions are unseen, so that it is prepared, or refuses. Returns the predictor."""
        if len(self.hidden):
            predictor.expect_unseen(tuple(self.benchmark.settings.unseen_questions))
        return predictor

    def fitted(self, name: str, predictor: Predictor, training: People) -> Predictor:
        """Return the predictor called ``name``, fitted on the people for ``training``."""
        settings = self.benchmark.settings
        return predictor.fit(training, settings.form, settings.shown_form)

    def sample_of(self, predictor: Predictor) -> int | None:
        """Return how many people the predictor learns from, if that is a sample of those there are: None."""
        return None

    def digest(self) -> str:
        """Return a hash of everything that is learned from."""
        found = blake2b(np.ascontiguousarray(self.people.codes.T).data, digest_size=8)  # stored by column
        found.update("\0".join(self.people.ids.tolist()).encode())
        found.update(self.people.findings.fingerprint.encode())
        if self.elsewhere is not None:
            found.update(self.elsewhere.digest())
        return found.hexdigest()

    def limited(self, fitted: Predictor) -> Predictor:
        """Return a fitted predictor that guesses the questions at random that nobody learned from was asked.

        Where questions are unseen, all predictors are prepared to predict what nobody was asked.
        """
        if self.elsewhere is None or self.elsewhere.shared.all() or not fitted.learns:
            return fitted
        if len(self.hidden) or getattr(fitted, "across_surveys", False):
            return fitted
        return SharedOnly(fitted, self.elsewhere.shared)

    def explained(self) -> list[str]:
        """Explain cross-fitting, or what is learned from other files, in sentences; empty if nothing is unusual."""
        if self.elsewhere is not None:
            return [source.line(self.people.survey) for source in self.elsewhere.sources]
        if self.number == 1:
            return []
        untested = len(self.untested)
        others = f"the {untested:,} people who are not tested and " if untested else ""
        return [
            f"Cross-fitting in {self.number} folds: each person is predicted by what was learned from {others}the "
            f"tested people outside their fold, at least {self.fewest:,} in all"
            + (f" (--folds 1: only from the {untested:,})" if untested else "")
        ]
