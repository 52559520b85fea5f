"""Item nonresponse: by item, by kind of missing code, and by a person's reluctance to answer."""

from collections import Counter
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit, log_expit, logit

from indievalue.synthetic.items import Answers
from indievalue.synthetic.model import FEWEST, LOG_ODDS, NEVER, SHARE

_RELUCTANCE = np.linspace(-8, 8, 33)
_STEPS = 60
"""Iterations of the EM algorithm."""


def missing_fields(
    answers: Answers, places: NDArray[np.int16], asked: NDArray[np.bool_], unasked: NDArray[np.bool_], blank: int
) -> dict[str, Any]:
    """The fields of the twin that tell what stays unanswered by those who were asked.

    ``asked`` (countries × items) is where there are shares of answers; ``unasked`` (people × items) who was not asked.
    """
    items, raw, country = answers.items, answers.raw, answers.country
    is_question = np.array([item.is_question for item in items])
    codes = _missing_codes(answers, places)
    own_codes = np.array([[code in item.missing or code == item.blank for code in codes.tolist()] for item in items])
    absent = np.zeros(asked.shape, codes.dtype)
    intercepts = np.full(asked.shape, NEVER, np.int16)
    degrees = np.zeros((len(asked), len(_RELUCTANCE)), np.uint16)
    kinds = np.zeros((*asked.shape, len(codes)), np.uint16)
    for at, is_asked in enumerate(asked):
        here, not_put = raw[country == at], unasked[country == at]
        unanswered = (places[country == at] < 0) & ~not_put
        of_code = np.array([(here == code) & unanswered for code in codes])
        by_item = of_code.sum(axis=1).T
        absent[at] = np.where(is_asked, 0, codes[by_item.argmax(axis=1)])
        intercepts[at, is_asked], degrees[at] = _reluctance(
            unanswered[:, is_asked], not_put[:, is_asked], is_question[is_asked]
        )
        people = of_code[:, :, is_asked].any(axis=2).sum(axis=1)
        overall = np.where(people >= FEWEST, by_item[is_asked].sum(axis=0), 0).astype(np.float64)
        if not overall.any():
            overall[codes == blank] = 1
        usual = own_codes * overall
        usual[~usual.any(axis=1)] = own_codes[~usual.any(axis=1)]
        own = np.where(by_item >= FEWEST, by_item, 0).astype(np.float64)
        rest = by_item.sum(axis=1) - own.sum(axis=1)
        few = np.where((rest >= FEWEST) | ~own.any(axis=1), np.maximum(rest, 1), 0)
        own += few[:, None] * usual / usual.sum(axis=1, keepdims=True)
        kinds[at] = np.rint(SHARE * own / own.sum(axis=1, keepdims=True))
    return {
        "absent": absent,
        "intercepts": intercepts,
        "reluctance": np.rint(_RELUCTANCE * LOG_ODDS).astype(np.int16),
        "reluctance_shares": degrees,
        "missing_codes": codes,
        "missing_shares": kinds,
    }


def _missing_codes(answers: Answers, places: NDArray[np.int16]) -> NDArray[np.int8] | NDArray[np.int32]:
    """Codes that are no answer, from the highest to the lowest: those that the survey lists, and that people have."""
    people: Counter[int] = Counter()
    for number in range(places.shape[1]):
        found, counts = np.unique(answers.raw[places[:, number] < 0, number], return_counts=True)
        people.update(dict(zip(found.tolist(), counts.tolist(), strict=True)))
    met = {code for code, times in people.items() if times >= FEWEST}
    every = met.union(answers.listed, (item.blank for item in answers.items))
    codes = np.array(sorted(every, reverse=True), np.int32)
    return codes.astype(np.int8) if np.abs(codes).max() < 128 else codes


def _reluctance(
    unanswered: NDArray[np.bool_], not_put: NDArray[np.bool_], is_question: NDArray[np.bool_]
) -> tuple[NDArray[np.int16], NDArray[np.uint16]]:
    """Log-odds of every item (items,), in 1/100, and the shares of degrees of reluctance (degrees,), in one country.

    A Rasch model by marginal maximum likelihood (EM); the distribution of reluctance is free (Bock and Aitkin 1981).
    Only questions tell reluctance, and of them those that were put: demographics are also missing where they do not
    apply.
    """
    n, items = unanswered.shape
    times = unanswered.sum(axis=0).astype(np.float64)
    rare = times < FEWEST
    pool = unanswered[:, rare]
    times[rare] = pool.sum() / max(1, rare.sum()) if pool.any(axis=1).sum() >= FEWEST else 0
    put = n - not_put.sum(axis=0)
    times *= n / np.maximum(put, 1)  # as if all had been asked, who would answer as those who were
    some = times > 0
    telling = is_question[some]
    data, times = unanswered[:, some & is_question].astype(np.float64), times[some]
    all_put, was_put = not not_put.any(), (~not_put[:, some & is_question]).astype(np.float64)
    log_odds = logit((times / n).clip(0, 1 - 0.5 / n))
    times = times.clip(0, n - 0.5)
    weights = np.full(len(_RELUCTANCE), n / len(_RELUCTANCE)) if telling.any() else n * (_RELUCTANCE == 0).astype(float)
    for step in range(_STEPS):
        at = log_odds[telling, None] + _RELUCTANCE
        answered = log_expit(-at)
        likelihood = data @ at + (answered.sum(axis=0) if all_put else was_put @ answered)
        posterior = np.exp(likelihood - likelihood.max(axis=1, keepdims=True)) * weights
        weights = (posterior / posterior.sum(axis=1, keepdims=True)).sum(axis=0)
        last = step == _STEPS - 1
        if last:
            weights = _joined(weights)
        for _ in range(50 if last else 2):
            chance = expit(log_odds[:, None] + _RELUCTANCE)
            log_odds += ((times - chance @ weights) / (chance * (1 - chance) @ weights)).clip(-1, 1)
    intercepts = np.full(items, NEVER, np.int16)
    intercepts[some] = np.rint(log_odds * LOG_ODDS).clip(NEVER + 1, -NEVER - 1)
    return intercepts, np.rint(SHARE * weights / weights.sum()).astype(np.uint16)


def _joined(people: NDArray[np.float64]) -> NDArray[np.float64]:
    """``people`` by degree, where degrees of too few people are joined with the next that is not."""
    joined = np.zeros_like(people)
    waiting, last = 0.0, 0
    for degree, number in enumerate(people):
        waiting += number
        if waiting >= FEWEST:
            joined[degree], waiting, last = waiting, 0.0, degree
    joined[last] += waiting
    return joined
