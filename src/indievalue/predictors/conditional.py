"""Conditional means of the options of probes, in one form, given options shown in another, under a Gaussian model."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from indievalue.choices import FormName
from indievalue.predictors.columns import coarsening, padded
from indievalue.predictors.joint import RIDGE, Conditioned, Joint
from indievalue.survey.survey import Survey

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Forms:
    """The form in which answers are shown, and the form in which they are predicted.

    Attributes:
        survey: whose questions are asked. shown, probed: the two forms.
    """

    survey: Survey
    shown: FormName
    probed: FormName

    @cached_property
    def coarser(self) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Matrices from refined options to those shown and probed (see :func:`coarsening`)."""
        return coarsening(self.survey, self.shown), coarsening(self.survey, self.probed)

    def means(self, mean: Floats) -> Floats:
        """Return the means of the options probed, from the ``mean`` of refined columns (… × columns)."""
        probed = self.coarser[1]
        return np.asarray(mean[..., : len(probed)] @ probed)

    def seen(self, mean: Floats) -> Floats:
        """Return the means of the columns shown, from the ``mean`` of refined columns (… × columns)."""
        shown = self.coarser[0]
        return np.concatenate([mean[..., : len(shown)] @ shown, mean[..., len(shown) :]], axis=-1)

    def conditional(self, mean: Floats, covariance: Floats) -> "Conditional":
        """Return the model of the columns shown, from the moments of refined columns (demographic groups last)."""
        shown = self.coarser[0]
        onto_shown = np.zeros((len(mean), shown.shape[1] + len(mean) - len(shown)))
        onto_shown[: len(shown), : shown.shape[1]] = shown
        onto_shown[len(shown) :, shown.shape[1] :] = np.eye(len(mean) - len(shown))
        rows = covariance if self.shown == "refined" else onto_shown.T @ covariance
        among = covariance if self.shown == "refined" else rows @ onto_shown
        return Conditional(self, Joint(mean @ onto_shown, among, RIDGE), rows[:, : len(shown)], self.means(mean))


@dataclass(frozen=True)
class Conditional:
    """Joint distribution of the columns shown, and their covariance with the options probed.

    Attributes:
        joint: mean and covariance of the columns shown, demographic groups last. onto_refined: float64 (columns shown ×
            refined options), their covariance. onto_mean: float64 (options probed,).
    """

    forms: Forms
    joint: Joint
    onto_refined: Floats
    onto_mean: Floats

    @cached_property
    def onto(self) -> Floats:
        """The covariance of the columns shown with the options probed (columns shown × options probed)."""
        return self.onto_refined if self.forms.probed == "refined" else self.onto_refined @ self.forms.coarser[1]

    def first(self, columns: int) -> "Conditional":
        """Return the model of the first columns shown."""
        if columns == len(self.joint.mean):
            return self
        return Conditional(self.forms, self.joint.first(columns), self.onto_refined[:columns], self.onto_mean)

    def predict(self, given: Conditioned, probes: NDArray[np.int64]) -> tuple[Floats, Floats]:
        """Return conditional means (people × probes × most options) and explained shares (people × probes)."""
        shown, target = self.forms.survey.form(self.forms.shown), self.forms.survey.form(self.forms.probed)
        columns = np.concatenate([np.arange(target.starts[probe], target.starts[probe + 1]) for probe in probes])
        starts = np.concatenate([[0], np.cumsum(target.counts[probes])])
        if self.forms.probed == "refined":
            apart = given.weights @ self.onto_refined[:, columns]
        else:
            apart = given.weights @ self.onto_refined @ self.forms.coarser[1][:, columns]
        means = self.onto_mean[columns] + apart
        told = [given.explained[:, shown.starts[probe] : shown.starts[probe + 1]].mean(axis=1) for probe in probes]
        return padded(means, starts), np.stack(told, axis=1)
