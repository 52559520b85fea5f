"""Gaussian model of all options: predict the conditional mean of the probe's options given what is shown.

Each country has a mean and covariance of its own. Where a person's country is not told, the predictions are a mixture
of those of the countries that the answers make likely, and of a model of everybody.
"""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Self
from zipfile import BadZipFile

import numpy as np
import polars as pl
from numpy.typing import NDArray
from pydantic import TypeAdapter

from indievalue.benchmark.model import Task
from indievalue.choices import FormName
from indievalue.errors import IndievalueError, did_you_mean
from indievalue.files import new_file
from indievalue.parsing import parse_json_as
from indievalue.people.people import People
from indievalue.predictors.calibrated import LogitCalibration
from indievalue.predictors.clues import Clues
from indievalue.predictors.columns import demographic_columns, frequent, stacked
from indievalue.predictors.conditional import Conditional, Forms
from indievalue.predictors.counted import Counts, PairCounts, country_numbers, items_of
from indievalue.predictors.countries import STEP, Countries
from indievalue.predictors.grouping import together
from indievalue.predictors.mixture import UNKNOWN, Expected, Mixture, Shown
from indievalue.predictors.protocol import EVERY_BLOCK, Guesses, StatisticalPredictor
from indievalue.predictors.tally import HELD_OUT, Tally
from indievalue.seeded import key_table
from indievalue.survey.survey import Survey
from indievalue.threads import in_threads

Floats = NDArray[np.float64]

MOST_GROUPS = 20
"""Demographics with more groups, other than the country, are left out: small groups mostly identify the country."""

ENOUGH = 100
"""At most a tenth of all people, and :data:`HELD_OUT`, are held out for calibration. If that is less than this,
:data:`TURNS` parts of them are held out in turn."""

TURNS = 5
"""Number of such parts."""

FEWEST_HELD_OUT = 20
"""With fewer held out, probabilities are not calibrated."""

SHOWN_TO_VALIDATION = ((0, True), (10, False), (50, False), (50, True), (200, False), (200, True))
"""Numbers of demonstrations used to fit the calibration, and whether demographics are shown, too."""

SETTINGS_EACH = 3
"""If people are held out in turn, each is questioned at every third of those, for a model is fitted for each turn."""

ASKED_OF_VALIDATION = 40
"""Questions asked of each validation person at each number of demonstrations."""


MOST_ROWS = 4096
"""Most people, times tasks, that are predicted at once."""


@dataclass(frozen=True)
class _About:
    """What a saved predictor says of itself. ``step`` is the precision of the countries' differences."""

    survey: str
    form: FormName
    shown_form: FormName
    groups: dict[str, list[str]]
    countries: tuple[str, ...] = ()
    step: float = 0.002


class Gaussian(StatisticalPredictor):
    """Gaussian model with one column per option of every question and per large demographic group.

    ``fit`` estimates the mean and covariance of the columns (missing answers count as the mean), for everybody and
    for each country, and calibrates the conditional means on held-out people. ``predict`` solves one linear system per
    person and country considered.

    Attributes:
        mixture_: the models of everybody and of each country. answers_: the former, without demographic groups.
        rates_: base rates (questions × most options).
        calibration_: see :mod:`indievalue.predictors.calibrated`.
        groups_: demographic groups that have a column; those of the country come last.
        clues_: what the year and facts about a country tell of where somebody is from (see
            :class:`indievalue.predictors.clues.Clues`); a saved predictor knows of no years.

    >>> from indievalue import Settings, build_benchmark
    >>> from indievalue.testing import made_up_people, small_survey
    >>> people = made_up_people(small_survey(), 100)
    >>> tested, training = people.take(range(4)), people.take(range(4, 100))
    >>> benchmark = build_benchmark(tested, Settings(setups=(0,), demonstrations=5), tested.ids.tolist())
    >>> ((_, task),) = benchmark.tasks()
    >>> Gaussian().fit(training).predict(task).choice.shape  # people × probes
    (4, 6)
    """

    reads = EVERY_BLOCK
    blind = "it has no mean and no covariances"

    def fit(self, people: People, form: FormName = "polar", shown_form: FormName | None = None) -> Self:
        return self.fit_blocks([people], form, shown_form)

    def fit_blocks(
        self, blocks: Iterable[People], form: FormName = "polar", shown_form: FormName | None = None
    ) -> Self:
        """Learn from people who come in blocks, which are counted one at a time: ``blocks`` is iterated twice.

        The result is that of :meth:`fit` on all people at once. To count blocks elsewhere, add up ``Tally.of(block,
        form)``, then :meth:`pair_counts` of each block with the groups of that sum, and give both sums to
        :meth:`fit_counts`.
        """
        tally = Tally.total(blocks, form)
        return self.fit_counts(tally, self.pair_counts(blocks, tally), shown_form)

    @staticmethod
    def pair_counts(blocks: Iterable[People], tally: Tally) -> PairCounts:
        """Count the pairs of options and groups of some of the people in the ``tally``."""
        country = tally.held_out.survey.country
        groups = _groups(tally)
        return PairCounts.of(blocks, groups, country, _modelled(groups, country))

    def fit_counts(self, tally: Tally, pairs: PairCounts, shown_form: FormName | None = None) -> Self:
        """Learn from what was counted of all people."""
        survey = tally.held_out.survey
        self.survey_, self.form_, self.shown_form_ = survey, tally.form, shown_form or tally.form
        self.groups_, self.rates_ = pairs.groups, tally.rates
        turns = list(_held_out(tally))

        def question(held_out: People) -> _Batch:
            mixture = self._mixture(pairs.without(held_out))
            return self._questioned(mixture, held_out, 1 if len(turns) == 1 else SETTINGS_EACH)

        self.calibration_ = _calibration(in_threads(question, turns))
        self.mixture_ = self._mixture(pairs.parts)
        self.clues_ = Clues.counted(self._country_labels(), tally.years)
        return self

    def save(self, path: str | Path) -> None:
        """Save the fitted predictor as .npz: means, covariances, groups and calibration, but no individual answers."""
        countries = self.mixture_.countries
        about = {
            "survey": self.survey_.name,
            "form": self.form_,
            "shown_form": self.shown_form_,
            "groups": self.groups_,
            "countries": countries.labels,
            "step": STEP,
        }
        with new_file(Path(path)) as beside, beside.open("wb") as out:
            np.savez_compressed(
                out,
                about=np.array(json.dumps(about)),
                mean=self.mixture_.mean,
                covariance=_lower(self.mixture_.covariance),
                rates=self.rates_,
                weights=self.calibration_.weights,
                country_people=countries.people,
                country_means=countries.means.astype(np.float32),
                country_differences=countries.differences,
                within=_lower(countries.within),
            )

    @classmethod
    def load(cls, path: str | Path, survey: Survey) -> Self:
        """Load what :meth:`save` wrote. Raises IndievalueError if the file is invalid or belongs to another survey."""
        fitted = cls()
        try:
            with np.load(path) as stored:
                about = parse_json_as(TypeAdapter(_About), str(stored["about"]))
                moments = stored["mean"], _symmetric(stored["covariance"])
                fitted.rates_, fitted.calibration_ = stored["rates"], LogitCalibration(stored["weights"])
                of_countries = (
                    stored["country_people"],
                    stored["country_means"].astype(np.float64),
                    _symmetric(stored["within"]),
                    stored["country_differences"].astype(np.int16) * round(about.step / STEP),
                )
        except (OSError, ValueError, KeyError, BadZipFile) as error:
            raise IndievalueError(f"{path} is no saved gaussian predictor: {error}") from None
        if about.survey != survey.name:
            raise IndievalueError(f"{path} was fitted on survey {about.survey!r}, not {survey.name!r}")
        fitted.survey_, fitted.form_, fitted.shown_form_ = survey, about.form, about.shown_form
        fitted.groups_ = about.groups
        items = items_of(survey, about.groups)[: fitted._items_of_countries() + 1]
        countries = Countries(about.countries, *of_countries, items)
        fitted.mixture_ = Mixture(fitted._forms, *moments, countries, fitted.rates_)
        fitted.clues_ = Clues.counted(about.countries, {})
        return fitted

    @property
    def answers_(self) -> Conditional:
        """The model of everybody's answers, without demographic groups."""
        return self.mixture_.everybody.first(int(self.survey_.form(self.shown_form_).starts[-1]))

    def answers_in(self, country: str) -> Conditional:
        """Return the model of a country's answers, without demographic groups.

        If everybody is from one country, it is the model of everybody. Raises IndievalueError for a country of which
        too few people, or none, were learned from.
        """
        known = self.groups_.get(str(self.survey_.country), [])
        if country not in known:
            raise IndievalueError(
                f"there is no model of country {country!r}; there are those of {', '.join(known) or 'none'}"
                f"{did_you_mean(country, known)}"
            )
        if country not in self.mixture_.countries.labels:
            return self.answers_
        model = self.mixture_.country(self.mixture_.countries.labels.index(country))
        return model.first(int(self.survey_.form(self.shown_form_).starts[-1]))

    def countries_of(self, people: People) -> list[str | None]:
        """Return each person's country, None where it is missing or has no model of its own."""
        labels = self.mixture_.countries.labels
        numbers = self._country(people.demographics, len(people)).tolist()
        return [labels[number] if number != UNKNOWN else None for number in numbers]

    def predict(self, task: Task) -> Guesses:
        clues = None if task.facts is None else self.clues_.evidence(task.facts)
        expected = self._expected(self.mixture_, task.shown, task.demographics, task.probes, clues=clues)
        return Guesses.most_probable(self.calibration_.apply(*expected))

    def predict_all(self, tasks: Sequence[Task]) -> Iterator[Guesses]:
        """Yield the predictions for each task.

        Tasks of one probe each, about the same people, are predicted several at once: a country's model is made for all
        of them.
        """
        for group in together(tasks, MOST_ROWS):
            yield from self._predict_each(group) if len(group) > 1 else map(self.predict, group)

    def _predict_each(self, tasks: Sequence[Task]) -> Iterator[Guesses]:
        """Yield the predictions for tasks of one probe each, about the same people."""
        people, questions = tasks[0].shown.shape
        probes = np.concatenate([task.probes for task in tasks])
        asked = np.repeat(np.arange(questions) == probes[:, None], people, axis=0)
        told = tasks[0].demographics
        demographics = None if told is None else pl.concat([told] * len(tasks))
        shown = np.concatenate([task.shown for task in tasks])
        expected = self.expected(shown, demographics, probes, asked)
        for at, task in enumerate(tasks):
            rows, options = slice(at * people, (at + 1) * people), int(task.counts[0])
            means, rates = (part[rows, at : at + 1, :options] for part in (expected.means, expected.rates))
            probabilities = self.calibration_.apply(means, rates, expected.explained[rows, at : at + 1])
            yield Guesses.most_probable(probabilities)

    def expected(
        self,
        shown: NDArray[np.int8],
        demographics: pl.DataFrame | None,
        probes: NDArray[np.int64],
        asked: NDArray[np.bool_] | None = None,
    ) -> Expected:
        """Return what is expected of the ``probes`` (question columns) given what is shown.

        ``shown`` (people × questions) has options in the shown form, -1 if not shown. ``asked`` (people × questions)
        restricts whose explained shares are computed; by default those of all.
        """
        return self._expected(self.mixture_, shown, demographics, probes, asked)

    def _expected(
        self,
        mixture: Mixture,
        shown: NDArray[np.int8],
        demographics: pl.DataFrame | None,
        probes: NDArray[np.int64],
        asked: NDArray[np.bool_] | None = None,
        clues: Floats | None = None,
    ) -> Expected:
        form = self.survey_.form(self.shown_form_)
        values, known = form.one_hot(shown), np.repeat(shown >= 0, form.counts, axis=1)
        country = np.full(len(shown), UNKNOWN)
        if demographics is not None:
            groups, named = demographic_columns(demographics, self.groups_, len(shown))
            values, known = np.hstack([values, groups]), np.hstack([known, named])
            country = self._country(demographics, len(shown))
        if asked is None:
            asked = np.isin(np.arange(len(form.counts)), probes)[None, :].repeat(len(shown), axis=0)
        wanted = np.zeros(known.shape, bool)
        wanted[:, : int(form.starts[-1])] = np.repeat(asked, form.counts, axis=1)
        return mixture.expected(Shown(values, known, wanted, country, clues), probes)

    def _country_labels(self) -> list[str]:
        """Return the countries with a model of their own: none if there is only one country."""
        return _modelled(self.groups_, self.survey_.country)

    def _items_of_countries(self) -> int:
        """Return the number of items in the models of countries: all but the country itself."""
        groups = [name for name, labels in self.groups_.items() if labels and name != self.survey_.country]
        return len(self.survey_.questions) + len(groups)

    def _country(self, demographics: pl.DataFrame, people: int) -> NDArray[np.int64]:
        """Return the number of each person's country, -1 if it is not known or has no model (people,)."""
        return country_numbers(demographics, self.survey_.country, self._country_labels(), people)

    def _mixture(self, parts: list[Counts]) -> Mixture:
        return Mixture.of(self._forms, parts, self._country_labels(), self._items_of_countries(), self.rates_)

    @property
    def _forms(self) -> Forms:
        return Forms(self.survey_, self.shown_form_, self.form_)

    def _questioned(self, mixture: Mixture, people: People, every: int) -> "_Batch":
        """Return what is expected of hidden answers of held-out people, at several numbers of demonstrations.

        Each person is questioned at ``every``-th of them, and others at the others.
        """
        truth, shown_options = people.options(self.form_), people.options(self.shown_form_)
        names, questions = people.ids.tolist(), [question.id for question in people.survey.questions]
        order = key_table(0, "calibration", names, questions)
        order[truth < 0] = np.iinfo(np.uint64).max
        place = order.argsort(axis=1, kind="stable").argsort(axis=1)  # 0 for the first question of each person
        answered = (truth >= 0).sum(axis=1)[:, None]
        cut = np.minimum(ASKED_OF_VALIDATION, answered // 2)  # the first are asked, the next are shown
        asked = place < cut
        probes = np.flatnonzero(asked.any(axis=0))
        shown, told, rows = [], [], []
        for setting, (number, demographics_told) in enumerate(SHOWN_TO_VALIDATION):
            some = np.flatnonzero((np.arange(len(people)) + setting) % every == 0)
            given = (place >= cut) & (place < cut + number) & (place < answered)
            shown.append(np.where(given, shown_options, -1)[some].astype(np.int8))
            told.append(np.full(len(some), demographics_told))
            rows.append(some)
        row = np.concatenate(rows)
        known = pl.Series(np.concatenate(told))
        every_one = people.demographics
        demographics = every_one[row].select(pl.when(known).then(pl.all())) if every_one.columns else None
        expected = self._expected(mixture, np.concatenate(shown), demographics, probes, asked[row])
        at = asked[:, probes][row]
        return Expected(*(part[at] for part in expected)), truth[:, probes][row][at]


_Batch = tuple[Expected, NDArray[np.int8]]
"""What was expected of probes, in a row, and the options chosen (probes,)."""


def _calibration(batches: list[_Batch]) -> LogitCalibration:
    """Fit the calibration on batches of held-out answers."""
    if not batches:
        return LogitCalibration.neutral()
    return LogitCalibration.fit(
        stacked([one.means for one, _ in batches]),
        stacked([one.rates for one, _ in batches]),
        np.concatenate([one.explained for one, _ in batches]),
        np.concatenate([truth for _, truth in batches]),
    )


def _groups(tally: Tally) -> dict[str, list[str]]:
    """Return the demographic groups that have a column, those of the country last."""
    country = tally.held_out.survey.country
    groups = frequent(tally.groups)
    few = {name: labels for name, labels in groups.items() if name != country and len(labels) <= MOST_GROUPS}
    return few | {name: labels for name, labels in groups.items() if name == country}


def _modelled(groups: Mapping[str, list[str]], country: str | None) -> list[str]:
    """Return the countries with a model of their own: none if there is only one country."""
    labels = groups.get(str(country), [])
    return labels if len(labels) > 1 else []


def _held_out(tally: Tally) -> Iterator[People]:
    """Yield who is held out for calibration, by id, independently of the order of the file.

    It is a tenth of many people; few are held out in turn, so that enough are.
    """
    size, turns = min(HELD_OUT, tally.people // 10), 1
    if size < ENOUGH:
        size, turns = min(HELD_OUT, tally.people) // TURNS, TURNS
    for turn in range(turns if size * turns >= FEWEST_HELD_OUT else 0):
        chosen = tally.held_out.take(range(turn * size, (turn + 1) * size))
        yield chosen.take(np.argsort(chosen.ids, kind="stable"))


def _lower(matrix: Floats) -> NDArray[np.float32]:
    """Return the lower triangle of a symmetric matrix."""
    return np.asarray(matrix[np.tril_indices(len(matrix))], np.float32)


def _symmetric(lower: NDArray[np.float32]) -> Floats:
    """Return the symmetric matrix with this lower triangle."""
    size = int(np.sqrt(2 * len(lower)))
    matrix = np.zeros((size, size))
    matrix[np.tril_indices(size)] = lower
    return np.asarray(matrix + np.tril(matrix, -1).T)
