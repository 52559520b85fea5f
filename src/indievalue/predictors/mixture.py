"""A mixture of models of countries and of everybody: a person's country is told, or guessed from what is shown."""

from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from indievalue.predictors.columns import padded
from indievalue.predictors.conditional import Conditional, Forms
from indievalue.predictors.counted import Counts
from indievalue.predictors.countries import ADVANTAGE, NO_COUNTRY, TEMPERATURE, Countries, candidates
from indievalue.predictors.logit import softmax

Floats = NDArray[np.float64]

UNKNOWN = -1
"""Number of the country of somebody whose country is not told, or has no model."""

_LEAST_RATE = 1e-4
"""A country's base rate of an option that nobody there chose is at least this."""


class Expected(NamedTuple):
    """What is expected of probes, before calibration.

    Attributes:
        means, rates: conditional means and base rates of options (people × probes × most options). explained: shares of
            variance (people × probes).
    """

    means: Floats
    rates: Floats
    explained: Floats


class Shown(NamedTuple):
    """What is shown of each person.

    Attributes:
        values: float32 (people × columns), and known: bool (people × columns), whether it is shown. wanted: bool
            (people × columns), whose explained shares are needed. country: int64 (people,), the number of the country
            if it is shown, else :data:`UNKNOWN`. clues: float64 (people × countries), log likelihood of what else is
            shown of the country; None if nothing is.
    """

    values: NDArray[np.float32]
    known: NDArray[np.bool_]
    wanted: NDArray[np.bool_]
    country: NDArray[np.int64]
    clues: Floats | None = None

    def of(self, people: NDArray[np.int64], columns: int) -> "Shown":
        """Return the first ``columns`` of some people."""
        at = np.ix_(people, np.arange(min(columns, self.values.shape[1])))
        clues = None if self.clues is None else self.clues[people]
        return Shown(self.values[at], self.known[at], self.wanted[at], self.country[people], clues)

    @property
    def tells(self) -> NDArray[np.bool_]:
        """Whether anything is shown of each person that tells of their country (people,)."""
        told = self.known.any(axis=1)
        return np.asarray(told if self.clues is None else told | (self.clues != 0).any(axis=1))


@dataclass(frozen=True)
class Mixture:
    """Models of everybody and of each country.

    Attributes:
        forms: of the options shown and probed. mean: float64 (columns,) and covariance: float64 (columns × columns), of
            everybody, in the refined form, groups of the country last. countries: without the latter. rates: float64
            (questions × most options), base rates of everybody, in the form probed.
    """

    forms: Forms
    mean: Floats
    covariance: Floats
    countries: Countries
    rates: Floats

    @classmethod
    def of(cls, forms: Forms, parts: list[Counts], labels: list[str], items: int, rates: Floats) -> "Mixture":
        """Estimate it from the counts of each country in ``labels`` and, last, of all other people.

        ``items`` is the number of items that the models of countries have, the first ones.
        """
        whole = Counts.total(parts)
        mean = whole.mean()
        apart = [part.first(items) for part in parts]
        columns = int(apart[0].items[-1])
        countries = Countries.of(labels, apart[:-1], mean[:columns]) if labels else Countries.none(apart[0].items)
        return cls(forms, mean, whole.products(mean) / max(1, whole.people), countries, rates)

    @cached_property
    def everybody(self) -> Conditional:
        """The model of everybody."""
        return self.forms.conditional(self.mean, self.covariance)

    @cached_property
    def within(self) -> Conditional:
        """The model with the mean covariance within countries."""
        return self.forms.conditional(self.mean[: len(self.countries.within)], self.countries.within)

    def country(self, number: int) -> Conditional:
        """Return the model of a country; it is not kept, for it takes 10 MB and more."""
        return self.forms.conditional(self.countries.means[number], self.countries.covariance(number))

    def expected(self, shown: Shown, probes: NDArray[np.int64]) -> Expected:
        """Return what is expected of the ``probes`` (question columns)."""
        guessed = (shown.country < 0) & shown.tells & bool(self.countries.labels)
        prior, densities = self._prior(shown, np.flatnonzero(guessed))
        needed = prior > 0
        needed[guessed, -1] = True
        parts = [
            self._part(number, np.flatnonzero(needed[:, number]), shown, probes)
            for number in np.flatnonzero(needed.any(axis=0)).tolist()
        ]
        answers = shown.known[:, self.forms.survey.form(self.forms.shown).starts[:-1]].sum(axis=1)
        weight = np.where(guessed[:, None], self._posterior(parts, prior, densities, answers, shown.clues), prior)
        most = int(self.forms.survey.form(self.forms.probed).counts[probes].max(initial=1))
        shape = len(shown.values), len(probes), most
        total = Expected(np.zeros(shape), np.zeros(shape), np.zeros(shape[:2]))
        for part in parts:
            share = weight[part.people, part.number]
            total.means[part.people] += share[:, None, None] * part.means
            total.rates[part.people] += share[:, None, None] * part.rates
            total.explained[part.people] += share[:, None] * part.explained
        return total

    def _prior(self, shown: Shown, guessed: NDArray[np.int64]) -> tuple[Floats, Floats]:
        """Return the weights of countries and, last, of everybody, before anything is solved in a country's own model.

        ``guessed`` are rows of people whose country is guessed. Also returns log densities of what is shown (people ×
        countries), with the covariance that countries share on average. The weight of everybody is what the countries
        that are no candidates have.
        """
        number = len(self.countries.labels)
        weight = np.zeros((len(shown.values), number + 1))
        densities = np.zeros((len(shown.values), number))
        told = np.flatnonzero(shown.country >= 0)
        weight[told, shown.country[told]] = 1
        if len(guessed):
            width = self._width(shown)
            given = shown.of(guessed, width)
            means = self.forms.seen(self.countries.means)[:, :width]
            joint = self._first(self.within, width).joint
            nothing = np.zeros_like(given.wanted)
            densities[guessed] = joint.condition(given.values, given.known, nothing, means).density
            logits = densities[guessed] / TEMPERATURE + np.log(self.countries.share)
            if given.clues is not None:
                logits += given.clues
            likely = softmax(logits, np.isfinite(logits))[0]
            weight[guessed, :-1] = np.where(candidates(likely), likely, 0)
        weight[:, -1] = 1 - weight[:, :-1].sum(axis=1)
        return weight, densities

    def _part(self, number: int, people: NDArray[np.int64], shown: Shown, probes: NDArray[np.int64]) -> "_Part":
        """Return what is expected of some people, in the model of a country or, for the last number, of everybody."""
        of_everybody = number == len(self.countries.labels)
        width = shown.values.shape[1] if of_everybody else self._width(shown)
        given = shown.of(people, width)
        model = self._first(self.everybody, width) if of_everybody else self.country(number).first(width)
        conditioned = model.joint.condition(given.values, given.known, given.wanted)
        means, explained = model.predict(conditioned, probes)
        rates = self.rates[probes] if of_everybody else self._rates(number)[probes]
        rates = np.broadcast_to(rates[:, : means.shape[2]], means.shape)
        return _Part(number, people, conditioned.density[:, 0], means, rates, explained)

    def _posterior(
        self,
        parts: list["_Part"],
        prior: Floats,
        densities: Floats,
        answers: NDArray[np.int64],
        clues: Floats | None = None,
    ) -> Floats:
        """Return the weights of countries and, last, of everybody (people × countries + 1), of people to guess.

        ``answers`` (people,) is the number of answers shown; ``clues`` are as in :class:`Shown`.
        """
        logits = np.full(prior.shape, -np.inf)
        logits[:, -1] = 0
        for part in parts:
            if part.number == len(self.countries.labels):
                advantage = ADVANTAGE * answers[part.people]
                logits[part.people, -1] = part.density / TEMPERATURE + np.log(NO_COUNTRY) + advantage
            else:
                density = (densities[part.people, part.number] + part.density) / 2
                share = self.countries.share[part.number] * (1 - NO_COUNTRY)
                logits[part.people, part.number] = density / TEMPERATURE + np.log(share)
        if clues is not None:  # of everybody, they are as likely as in all countries together
            logits[:, :-1] += clues
            logits[:, -1] += np.log(np.exp(clues) @ self.countries.share)
        weight = softmax(logits, np.isfinite(logits))[0] * (1 - prior[:, -1:])
        weight[:, -1] += prior[:, -1]
        return weight

    def _rates(self, number: int) -> Floats:
        """Return the base rates of a country (questions × most options)."""
        form = self.forms.survey.form(self.forms.probed)
        rates = np.maximum(padded(self.forms.means(self.countries.means[None, number]), form.starts)[0], _LEAST_RATE)
        rates = np.where(self.rates > 0, rates, 0)
        return np.asarray(rates / rates.sum(axis=1, keepdims=True))

    def _width(self, shown: Shown) -> int:
        """Return the number of columns shown that the models of countries have."""
        form = self.forms.survey.form(self.forms.shown)
        groups = len(self.countries.within) - int(self.forms.survey.form("refined").starts[-1])
        return int(min(shown.values.shape[1], form.starts[-1] + groups))

    def _first(self, model: Conditional, columns: int) -> Conditional:
        """Return the first columns of a model that is kept, and keep what it computes."""
        key = id(model), columns
        return self._kept.setdefault(key, model.first(columns))

    @cached_property
    def _kept(self) -> dict[tuple[int, int], Conditional]:
        return {}


class _Part(NamedTuple):
    """What is expected of some ``people`` in model ``number``, and the log density of what is shown (people,).

    The rest is as in :class:`Expected`.
    """

    number: int
    people: NDArray[np.int64]
    density: Floats
    means: Floats
    rates: Floats
    explained: Floats
