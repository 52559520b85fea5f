"""Gaussian model of all options: predict the conditional mean of the probe's options given what is shown."""

import json
from dataclasses import dataclass
from pathlib import Path
from threading import Lock
from typing import Self
from zipfile import BadZipFile

import numpy as np
import polars as pl
from numpy.typing import NDArray
from pydantic import TypeAdapter
from scipy.linalg import block_diag

from indievalue.benchmark.model import Task
from indievalue.choices import FormName
from indievalue.errors import IndievalueError
from indievalue.files import new_file
from indievalue.parsing import parse_json_as
from indievalue.people.people import People
from indievalue.predictors.base_rates import base_rates
from indievalue.predictors.calibrated import LogitCalibration
from indievalue.predictors.columns import coarsening, demographic_columns, frequent_groups, padded
from indievalue.predictors.joint import Joint
from indievalue.predictors.protocol import Guesses, StatisticalPredictor
from indievalue.seeded import key_table, keys
from indievalue.survey.survey import Survey
from indievalue.threads import in_threads

RIDGE = 0.02
"""Ridge added to the variance of known columns; columns are 0 or 1, so their variance is at most 0.25."""

MOST_GROUPS = 20
"""Demographics with more groups, other than the country, are left out: small groups mostly identify the country."""

VALIDATION = 250
"""Number of people held out for calibration; at most a tenth of all people."""

SHOWN_TO_VALIDATION = (0, 10, 50, 200)
"""Numbers of demonstrations used to fit the calibration."""

WITH_DEMOGRAPHICS = (0, 50)
"""Those of them for which demographics are shown, too."""

ASKED_OF_VALIDATION = 40
"""Questions asked of each validation person at each number of demonstrations."""

_BLOCK = 2048


@dataclass(frozen=True)
class _About:
    """What a saved predictor says of itself."""

    survey: str
    form: FormName
    shown_form: FormName
    groups: dict[str, list[str]]


class Gaussian(StatisticalPredictor):
    """Gaussian model with one column per option of every question and per large demographic group.

    ``fit`` estimates the mean and covariance of the columns (missing answers count as the mean), and calibrates the
    conditional means on held-out people. ``predict`` solves one linear system per person.

    Attributes:
        joint_: mean and covariance of all columns in the form shown, demographic groups last. answers_: the same
            without demographic groups.
        onto_: float64 (columns shown × options of the form probed), their covariance. onto_mean_: mean of the latter.
        moments_: mean and covariance of all columns in the refined form, from which the others are computed.
        rates_: base rates (questions × most options). calibration_: see :mod:`indievalue.predictors.calibrated`.

    >>> from indievalue import Settings, build_benchmark
    >>> from indievalue.testing import made_up_people, small_survey
    >>> people = made_up_people(small_survey(), 100)
    >>> tested, training = people.take(range(4)), people.take(range(4, 100))
    >>> benchmark = build_benchmark(tested, Settings(setups=(0,), demonstrations=5), tested.ids.tolist())
    >>> ((_, task),) = benchmark.tasks()
    >>> Gaussian().fit(training).predict(task).choice.shape  # people × probes
    (4, 6)
    """

    def fit(self, people: People, form: FormName = "polar", shown_form: FormName | None = None) -> Self:
        shown_form = shown_form or form
        people = people.take(np.argsort(people.ids, kind="stable"))
        self.survey_, self.form_, self.shown_form_ = people.survey, form, shown_form
        self.groups_ = self._groups(people)
        self.rates_ = base_rates(people.options(form), people.survey.form(form))
        held_out = people.take(_validation(people))
        together, of_held_out = self._together(people), self._together(held_out)
        mean = self._mean(together)
        kept = self._products(together - of_held_out, mean)
        self._set_joint(mean, kept / max(1, len(people) - len(held_out)))
        self.calibration_ = self._calibrate(held_out)
        self._set_joint(mean, (kept + self._products(of_held_out, mean)) / len(people))
        return self

    def save(self, path: str | Path) -> None:
        """Save the fitted predictor as .npz: mean, covariance, groups and calibration, but no individual answers."""
        mean, covariance = self.moments_
        about = {
            "survey": self.survey_.name,
            "form": self.form_,
            "shown_form": self.shown_form_,
            "groups": self.groups_,
        }
        with new_file(Path(path)) as beside, beside.open("wb") as out:
            np.savez_compressed(
                out,
                about=np.array(json.dumps(about)),
                mean=mean,
                covariance=covariance[np.tril_indices(len(mean))].astype(np.float32),
                rates=self.rates_,
                weights=self.calibration_.weights,
            )

    @classmethod
    def load(cls, path: str | Path, survey: Survey) -> Self:
        """Load what :meth:`save` wrote. Raises IndievalueError if the file is invalid or belongs to another survey."""
        fitted = cls()
        try:
            with np.load(path) as stored:
                about = parse_json_as(TypeAdapter(_About), str(stored["about"]))
                mean, lower = stored["mean"], stored["covariance"].astype(np.float64)
                fitted.rates_, fitted.calibration_ = stored["rates"], LogitCalibration(stored["weights"])
        except (OSError, ValueError, KeyError, BadZipFile) as error:
            raise IndievalueError(f"{path} is no saved gaussian predictor: {error}") from None
        if about.survey != survey.name:
            raise IndievalueError(f"{path} was fitted on survey {about.survey!r}, not {survey.name!r}")
        fitted.survey_, fitted.form_, fitted.shown_form_ = survey, about.form, about.shown_form
        fitted.groups_ = about.groups
        covariance = np.zeros((len(mean), len(mean)))
        covariance[np.tril_indices(len(mean))] = lower
        fitted._set_joint(mean, covariance + np.tril(covariance, -1).T)
        return fitted

    def predict(self, task: Task) -> Guesses:
        means, explained = self.means(task.shown, task.demographics, task.probes)
        probabilities = self.calibration_.apply(means, self._rates_of(task.probes, len(means)), explained)
        return Guesses.most_probable(probabilities)

    def means(
        self,
        shown: NDArray[np.int8],
        demographics: pl.DataFrame | None,
        probes: NDArray[np.int64],
        asked: NDArray[np.bool_] | None = None,
    ) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Return conditional means (people × probes × most options) and explained shares (people × probes).

        ``shown`` (people × questions) has options in the shown form, -1 if not shown; ``probes`` are question columns.
        ``asked`` (people × questions) restricts whose explained shares are computed; by default those of all.
        """
        form, target = self.survey_.form(self.shown_form_), self.survey_.form(self.form_)
        values, known = form.one_hot(shown), np.repeat(shown >= 0, form.counts, axis=1)
        joint = self.answers_
        if demographics is not None:
            groups, named = demographic_columns(demographics, self.groups_, len(shown))
            joint, values, known = self.joint_, np.hstack([values, groups]), np.hstack([known, named])
        if asked is None:
            asked = np.isin(np.arange(len(form.counts)), probes)[None, :].repeat(len(shown), axis=0)
        wanted = np.zeros(known.shape, bool)
        wanted[:, : int(form.starts[-1])] = np.repeat(asked, form.counts, axis=1)
        weights, explained = joint.condition(values, known, wanted)
        columns = np.concatenate([np.arange(target.starts[probe], target.starts[probe + 1]) for probe in probes])
        starts = np.concatenate([[0], np.cumsum(target.counts[probes])])
        means = self.onto_mean_[columns] + weights @ self.onto_[: len(joint.mean), columns]
        told = [explained[:, form.starts[probe] : form.starts[probe + 1]].mean(axis=1) for probe in probes]
        return padded(means, starts), np.stack(told, axis=1)

    def _groups(self, people: People) -> dict[str, list[str]]:
        return {
            name: labels
            for name, labels in frequent_groups(people.demographics).items()
            if name == people.survey.country or len(labels) <= MOST_GROUPS
        }

    def _together(self, people: People) -> NDArray[np.float64]:
        """Count people with 1 in both of two columns: refined options and demographic groups (columns × columns)."""
        form, options = people.survey.form("refined"), people.options("refined")
        groups = demographic_columns(people.demographics, self.groups_, len(people))[0]
        counts = np.zeros((int(form.starts[-1]) + groups.shape[1],) * 2)

        def count(start: int) -> None:
            rows = slice(start, start + _BLOCK)
            columns = np.hstack([form.one_hot(options[rows]), groups[rows]])
            products = columns.T @ columns  # exact for integers; NumPy computes only half of it
            with adding:
                np.add(counts, products, out=counts)

        adding = Lock()
        in_threads(count, range(0, len(people), _BLOCK))
        return counts

    def _items(self) -> NDArray[np.int64]:
        """Return where the columns of each question and demographic start, and where the last ends (items + 1,)."""
        starts = self.survey_.form("refined").starts
        return np.concatenate([starts, starts[-1] + np.cumsum([len(g) for g in self.groups_.values() if g], dtype=int)])

    def _known(self, together: NDArray[np.float64]) -> NDArray[np.float64]:
        """Count people with 1 in one column and a known value in the other (columns × columns)."""
        items = self._items()
        return np.repeat(np.add.reduceat(together, items[:-1], axis=1), np.diff(items), axis=1)

    def _mean(self, together: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the mean of each column over the people whose value is known (columns,)."""
        return np.asarray(np.diag(together) / np.maximum(np.diag(self._known(self._known(together).T)), 1))

    def _products(self, together: NDArray[np.float64], mean: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return sums of products of centred columns (columns × columns); missing answers count as the mean."""
        crossed = self._known(together)
        both = self._known(crossed.T)
        crossed *= mean  # in place, as are the others: each of these matrices takes 10 MB and more
        products = together - crossed
        products -= crossed.T
        both *= mean
        both *= mean[:, None]
        products += both
        return products

    def _set_joint(self, mean: NDArray[np.float64], covariance: NDArray[np.float64]) -> None:
        """Set the columns in the shown form, and their covariance with the options probed."""
        self.moments_ = mean, covariance
        groups = np.eye(len(mean) - int(self.survey_.form("refined").starts[-1]))
        shown = block_diag(coarsening(self.survey_, self.shown_form_), groups)
        probed = coarsening(self.survey_, self.form_)
        target = np.vstack([probed, np.zeros((len(groups), probed.shape[1]))])
        rows = covariance if self.shown_form_ == "refined" else shown.T @ covariance
        among = covariance if self.shown_form_ == "refined" else rows @ shown
        self.joint_ = Joint(mean @ shown, among, RIDGE)
        self.answers_ = self.joint_.first(int(self.survey_.form(self.shown_form_).starts[-1]))
        self.onto_ = rows[:, : len(probed)] if self.form_ == "refined" else rows @ target
        self.onto_mean_ = mean @ target

    def _rates_of(self, probes: NDArray[np.int64], people: int) -> NDArray[np.float64]:
        rates = self.rates_[probes][:, : int(self.survey_.form(self.form_).counts[probes].max(initial=1))]
        return np.broadcast_to(rates, (people, *rates.shape))

    def _calibrate(self, people: People) -> LogitCalibration:
        """Fit the calibration on hidden answers of held-out people, at several numbers of demonstrations."""
        if len(people) < 20:
            return LogitCalibration.neutral()
        truth, shown_options = people.options(self.form_), people.options(self.shown_form_)
        names, questions = people.ids.tolist(), [question.id for question in people.survey.questions]
        order = key_table(0, "calibration", names, questions)
        order[truth < 0] = np.iinfo(np.uint64).max
        place = order.argsort(axis=1, kind="stable").argsort(axis=1)  # 0 for the first question of each person
        answered = (truth >= 0).sum(axis=1)[:, None]
        cut = np.minimum(ASKED_OF_VALIDATION, answered // 2)  # the first are asked, the next are shown
        asked = place < cut
        batches = []
        for number in SHOWN_TO_VALIDATION:
            given = (place >= cut) & (place < cut + number) & (place < answered)
            demographics = people.demographics if number in WITH_DEMOGRAPHICS else None
            probes = np.flatnonzero(asked.any(axis=0))
            shown = np.where(given, shown_options, -1).astype(np.int8)
            means, explained = self.means(shown, demographics, probes, asked)
            at = asked[:, probes]
            batches.append((means[at], self._rates_of(probes, len(people))[at], explained[at], truth[:, probes][at]))
        widest = max(part[0].shape[1] for part in batches)
        parts = [
            [np.pad(p, [(0, 0), (0, widest - p.shape[1])]) if p.ndim == 2 else p for p in part] for part in batches
        ]
        return LogitCalibration.fit(*(np.concatenate(part) for part in zip(*parts, strict=True)))


def _validation(people: People) -> NDArray[np.bool_]:
    """Draw the people held out for calibration (people,), independently of the order of the file."""
    drawn = keys(0, "validation", people.ids.tolist())
    number = min(VALIDATION, len(people) // 10)
    chosen = np.zeros(len(people), bool)
    chosen[np.argsort(drawn, kind="stable")[:number]] = True
    return chosen
