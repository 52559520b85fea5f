"""Beliefs about one person's answers, and how informative each question would be about the others."""

from dataclasses import dataclass, replace
from typing import Self

import numpy as np
from numpy.typing import NDArray

from indievalue.predictors.gaussian import Gaussian
from indievalue.survey.model import Form

Floats = NDArray[np.float64]

_LEAST = 0.01
"""A conditional mean that stands for a probability is taken to be no less."""


@dataclass(frozen=True)
class Beliefs:
    """Conditional mean and covariance of the options of one person, given what they have answered.

    Attributes:
        form: of the options asked, whose columns stand side by side. ridge: as in
            :class:`~indievalue.predictors.joint.Joint`.
        mean: float64 (columns,). covariance: float64 (columns × columns). onto: float64 (columns × target options), the
            covariance with the options to be predicted, times the weight of their question. owner: int64 (target
            options,), the question of each.
    """

    form: Form
    ridge: float
    mean: Floats
    covariance: Floats
    onto: Floats
    owner: NDArray[np.int64]

    @classmethod
    def prior(cls, gaussian: Gaussian, weights: Floats, country: str | None = None) -> Self:
        """Before anything is answered: the beliefs about somebody from ``country`` or, for None, about anybody.

        ``weights`` (questions,) says what predicting each question is worth. Raises IndievalueError for a country
        without a model.
        """
        model = gaussian.answers_ if country is None else gaussian.answers_in(country)
        survey = gaussian.survey_
        joint = model.joint
        target = survey.form(gaussian.form_)
        owner = np.repeat(np.arange(len(target.counts)), target.counts)
        onto = model.onto * np.sqrt(weights)[owner]
        worth = weights[owner] > 0
        form = survey.form(gaussian.shown_form_)
        return cls(form, joint.ridge, joint.mean, joint.covariance, onto[:, worth], owner[worth])

    def after(self, question: int, option: int | None) -> "Beliefs":
        """Beliefs once ``question`` (a column of People.codes) is answered, or, for None, planned but not answered yet.

        What has been asked need not be predicted any more.
        """
        at = slice(self.form.starts[question], self.form.starts[question + 1])
        gain = np.linalg.solve(self._noisy(at), self.covariance[at])  # its options × columns
        mean = self.mean
        if option is not None:
            surprise = -self.mean[at]
            surprise[option] += 1
            mean = self.mean + surprise @ gain
        onto = self.onto - gain.T @ self.onto[at]
        onto[:, self.owner == question] = 0
        return replace(self, mean=mean, covariance=self.covariance - gain.T @ self.covariance[at], onto=onto)

    def probabilities(self, question: int) -> Floats:
        """Rough probabilities of the question's options (options,): its conditional means, made to sum to 1."""
        return _probabilities(self.mean[self.form.starts[question] : self.form.starts[question + 1]])

    def gains(self, questions: NDArray[np.int64]) -> Floats:
        """Expected reduction of the weighted variance of other targets by an answer to each question (questions,).

        The answer is a draw from the question's probabilities, with covariance V = diag(p) - p pᵀ. It moves the means
        of the targets by G (e - p), with G their regression on its options, so that the reduction is tr(G V Gᵀ).
        """
        widest = int(self.form.counts.max())
        columns = self.form.starts[questions][:, None] + np.arange(widest)
        exists = np.arange(widest) < self.form.counts[questions][:, None]
        columns = np.where(exists, columns, 0)
        own = self.covariance[columns[:, :, None], columns[:, None, :]]
        pair = exists[:, :, None] & exists[:, None, :]
        own = np.where(pair, own, 0) + np.eye(widest) * np.where(exists, self.ridge, 1)[:, None, :]
        inverse = np.linalg.inv(own)
        reach = np.where(exists[:, :, None], self.onto[columns], 0)
        reach[self.owner[None, None, :] == questions[:, None, None].repeat(widest, axis=1)] = 0
        spread = reach @ reach.transpose(0, 2, 1)
        p = _probabilities(self.mean[columns], exists)
        answer = p[:, :, None] * np.eye(widest) - p[:, :, None] * p[:, None, :]
        return np.asarray(np.einsum("qij,qji->q", inverse @ spread @ inverse, answer))

    def _noisy(self, at: slice) -> Floats:
        own = self.covariance[at, at]
        return np.asarray(own + self.ridge * np.eye(len(own)))


def _probabilities(means: Floats, exists: NDArray[np.bool_] | bool = True) -> Floats:
    """Conditional means of options that exist (… × options), made to be at least :data:`_LEAST` and to sum to 1."""
    likely = np.where(exists, np.maximum(means, _LEAST), 0)
    return np.asarray(likely / likely.sum(axis=-1, keepdims=True))
