"""Predict questions that nobody answered, from the embeddings of what they ask and their options say."""

from collections.abc import Iterator, Sequence
from typing import Self

import numpy as np
from numpy.typing import NDArray

from indievalue.benchmark.model import Task
from indievalue.benchmark.questions import drawn_parts
from indievalue.choices import FormName
from indievalue.people.people import People
from indievalue.predictors.base_rates import base_rates
from indievalue.predictors.embedding.features import PERSON, USUAL_WEIGHTS, Asked, Questioned, Rows, SimilarRates
from indievalue.predictors.embedding.kernel import Chosen, choose
from indievalue.predictors.embedding.moments import Answered, Expected
from indievalue.predictors.embedding.scales import Scales
from indievalue.predictors.embedding.similar_majority import Wordings
from indievalue.predictors.embedding.texts import Texts
from indievalue.predictors.logit import fit_logit, softmax
from indievalue.predictors.protocol import Guesses, StatisticalPredictor
from indievalue.predictors.similarity import MINILM, Embed, sentence_embedder
from indievalue.seeded import keys
from indievalue.survey.families import families
from indievalue.survey.same_as import Match, is_same, shared_questions
from indievalue.survey.survey import Survey

Floats = NDArray[np.float64]

VALIDATION = 400
"""Number of people held out to choose the weights; at most a tenth of all people."""

FEWEST_HELD_OUT = 20
"""With fewer held out, the weights are the usual ones."""

FOLDS = 5
"""Parts of the questions that are held out from each other, families undivided."""

SHOWN_TO_VALIDATION = (10, 50, 200)
"""Numbers of demonstrations with which the weights are chosen."""

_PENALTY = 1e-3


class Embedding(StatisticalPredictor):
    """Means and correlations of questions that nobody answered, from texts; the rest is conditioning, as in gaussian.

    An answer is a place on a scale. Places of answered questions have means and correlations. Those of any other
    question are predicted from the embeddings of its options, by kernel ridge regression on the answered questions. A
    person's place is then expected given those that are shown. The logit of an option is a weighted sum of three
    features: its place times the mean that texts predict; the log of its share in similar questions; and its place
    times where the person is expected. The weights are chosen on questions that were
    answered, by holding out families of them.

    Questions that were answered are predicted from their own base rates and correlations.

    Args:
        model: see :func:`indievalue.predictors.similarity.sentence_embedder`.

    Attributes:
        answered_: moments of the scales that were answered. texts_: of all scales. chosen_: regressions on texts.
        weights_: float64 (3,), of the features. slope_: weight of where a person is expected for answered questions.
        rates_: float64 (questions × most options), base rates. wordings_: embeddings of the questions.

    >>> from indievalue import Settings, build_benchmark
    >>> from indievalue.testing import made_up_people, small_survey
    >>> people = made_up_people(small_survey(), 100)
    >>> tested, training = people.take(range(4)), people.take(range(4, 100))
    >>> benchmark = build_benchmark(tested, Settings(setups=(0,), demonstrations=5), tested.ids.tolist())
    >>> ((_, task),) = benchmark.tasks()
    >>> Embedding(model="hashing").fit(training).predict(task).choice.shape  # people × probes
    (4, 6)
    """

    reads = frozenset({"statements"})
    across_surveys = True

    def __init__(self, model: str = MINILM) -> None:
        self.model = model

    def fit(self, people: People, form: FormName = "polar", shown_form: FormName | None = None) -> Self:
        people = people.take(np.argsort(people.ids, kind="stable"))
        self.survey_, self.form_, self.shown_form_ = people.survey, form, shown_form or form
        held_out = _held_out(people)
        self.answered_ = Answered.of(people.take(~held_out))
        self.rates_ = base_rates(people.options(form), people.survey.form(form))
        embed = self._embedder()
        self.texts_ = Texts.of(self.answered_.scales, embed)
        self.wordings_ = Wordings.of(people.survey, form, embed)
        self.asked_ = people.asked
        fold = _folds(people)
        self.chosen_ = self._chosen(fold)
        self.weights_, self.slope_ = np.array(USUAL_WEIGHTS), 1.0
        if held_out.sum() >= FEWEST_HELD_OUT and len(np.unique(fold[fold >= 0])) > 1:
            self._choose_weights(people.take(held_out), fold)
        self._other: Asked | None = None
        return self

    def predict(self, task: Task) -> Guesses:
        there = self._there(task.survey)
        values, given = there.expected.scales.values(task.shown, task.shown_form)
        features, most = there.features(values, given, task.probes), int(task.counts.max(initial=1))
        scores = features @ self.weights_
        answered = there.answered[task.probes]
        if answered.any():
            of_answered = task.probes[answered]
            scores[:, answered] = self._log_rates(of_answered) + self.slope_ * features[..., PERSON][:, answered]
        scores, exists = scores[:, :, :most], np.arange(most) < task.counts[:, None]
        flat, every = (-1, most), np.broadcast_to(exists, scores.shape)
        return Guesses.most_probable(softmax(scores.reshape(flat), every.reshape(flat))[0].reshape(scores.shape))

    def predict_all(self, tasks: Sequence[Task]) -> Iterator[Guesses]:
        """Yield the predictions for each task."""
        return map(self.predict, tasks)

    def _embedder(self) -> Embed:
        """Load the embedding model, which is not kept: a fitted predictor can be pickled."""
        return sentence_embedder(self.model, "the predictor embedding needs")

    def _chosen(self, fold: NDArray[np.int64]) -> Chosen:
        """Choose the regressions on texts by the answered questions."""
        answered, of_scale = self.answered_, fold[self.answered_.scales.owner]
        known = answered.known & (of_scale >= 0)
        above = (answered.mean - answered.scales.middle)[known]
        return choose(self.texts_.take(known), answered.correlation[np.ix_(known, known)], above, of_scale[known])

    def _there(self, survey: Survey) -> Asked:
        """Return what is known and expected of the survey that is asked about, made once."""
        if self._other is None or self._other.expected.scales.survey is not survey:
            self._other = self._made(survey)
        return self._other

    def _made(self, survey: Survey) -> Asked:
        if is_same(survey, self.survey_):
            return self._hiding(np.zeros(len(self.asked_), bool))
        scales, embed = Scales.of(survey), self._embedder()
        there, wordings = Texts.of(scales, embed), Wordings.of(survey, self.form_, embed)
        matches = _matching_scales(scales, self.answered_)
        expected = Expected.elsewhere(self.answered_, self.texts_, self.chosen_, scales, there, matches)
        rates = SimilarRates(wordings, self.wordings_, self.rates_, np.flatnonzero(self.asked_))
        return Asked(expected, rates, np.zeros(len(survey.questions), bool), self.form_)

    def _hiding(self, hidden: NDArray[np.bool_]) -> Asked:
        """Return what is expected of the survey learned from if ``hidden`` questions had not been answered."""
        unseen = hidden[self.answered_.scales.owner]
        expected = Expected.same(self.answered_, self.texts_, self.chosen_, unseen)
        answered = self.asked_ & ~hidden
        rates = SimilarRates(self.wordings_, self.wordings_, self.rates_, np.flatnonzero(answered))
        return Asked(expected, rates, answered, self.form_)

    def _choose_weights(self, people: People, fold: NDArray[np.int64]) -> None:
        """Choose the weights by held-out answers to questions of each fold, hidden with all of their family."""
        unseen, seen = [], []
        for number in np.unique(fold[fold >= 0]).tolist():
            hidden = fold == number
            as_unseen, as_seen = self._hiding(hidden), self._hiding(np.zeros_like(hidden))
            for turn, shown in enumerate(SHOWN_TO_VALIDATION):
                some = people.take(np.arange(len(people)) % len(SHOWN_TO_VALIDATION) == turn)
                questioned = Questioned.of(some, hidden, shown, self.shown_form_, self.form_)
                unseen.append(questioned.rows(as_unseen))
                seen.append(questioned.rows(as_seen))
        rows = Rows.together(unseen)
        start = np.array(USUAL_WEIGHTS)
        self.weights_ = fit_logit(np.zeros(rows.exists.shape), rows.features, rows.exists, rows.truth, start, _PENALTY)
        rows = Rows.together(seen)
        of_person = rows.features[:, :, PERSON : PERSON + 1]
        slope = fit_logit(self._log_rates(rows.question), of_person, rows.exists, rows.truth, np.ones(1), _PENALTY)
        self.slope_ = float(slope[0])

    def _log_rates(self, questions: NDArray[np.int64]) -> Floats:
        """Return the log base rates of questions (questions × most options)."""
        return np.log(np.maximum(self.rates_[questions], 1e-6))


def _folds(people: People) -> NDArray[np.int64]:
    """Return the fold of each question that is held out to choose the weights (questions,); -1 for unanswered ones.

    Families are not divided between folds, so that questions are held out as those that nobody answered are; unless
    most of these have a relative that was answered.
    """
    asked, family = people.asked, families(people.survey)
    related = np.isin(family[~asked], family[asked])
    apart = not len(related) or related.mean() < 0.5
    return drawn_parts(people.survey, asked, FOLDS, 0, whole_batteries=apart) - 1


def _held_out(people: People) -> NDArray[np.bool_]:
    """Return who is held out to choose the weights (people,), sorted by id as ``people`` are."""
    chosen = np.zeros(len(people), bool)
    order = np.argsort(keys(0, "embedding", people.ids.tolist()), kind="stable")
    chosen[order[: min(VALIDATION, len(people) // 10)]] = True
    return chosen


def _matching_scales(scales: Scales, answered: Answered) -> dict[int, Match]:
    """Return the answered scales that are the same item as one of another survey's, by the position of the latter."""
    there = answered.scales
    found: dict[int, Match] = {}
    for question, match in shared_questions(scales.survey, there.survey).items():
        mine, theirs = np.flatnonzero(scales.owner == question), np.flatnonzero(there.owner == match.position)
        if len(mine) == len(theirs) and scales.steps[mine[0]] == there.steps[theirs[0]]:
            turned = match.reversed and bool(scales.steps[mine[0]])
            found |= {
                int(own): Match(int(other), turned)
                for own, other in zip(mine, theirs, strict=True)
                if answered.known[other]
            }
    return found
