"""Synthetic people whose answers have a known amount of noise, to test what is said about noise."""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr, ndtri

from indievalue.people.people import People
from indievalue.synthetic.generate import synthetic_people

FACTORS = 12
"""Number of factors that opinions have in common."""

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class KnownNoise:
    """People, and what nobody knows of real people.

    Attributes:
        people: their answers.
        reliability: float64 (questions,), share of opinion in the variable that underlies a question's answers.
        best: float64 (questions,), accuracy of the best possible predictor of the refined form, in percent.
        noise: float64 (people,), factor by which the spread of a person's noise differs from the usual.
    """

    people: People
    reliability: Floats
    best: Floats
    noise: Floats


def people_with_noise(people: int, seed: int = 0, mixed: float = 0.0) -> KnownNoise:
    """Return people of the survey of :func:`synthetic_people` whose answers are opinions and noise.

    Opinions are mixtures of a few factors and of something of the question's own. A normal variable, of which opinions
    are the share ``reliability`` (0.2 to 0.95, mostly 0.5 to 0.8), falls into the steps of each question. Noise is
    drawn for every answer, and its spread differs between people by the factor exp(``mixed`` × a normal variable).

    >>> made = people_with_noise(50)
    >>> len(made.people)
    50
    """
    rng = np.random.default_rng(seed)
    base = synthetic_people(people)
    survey, form = base.survey, base.survey.form("refined")
    questions = len(survey.questions)
    reliability, common = np.clip(rng.beta(6, 3, questions), 0.2, 0.95), rng.uniform(0.3, 0.95, questions)
    loadings = rng.standard_normal((FACTORS, questions)) * (rng.random((FACTORS, questions)) < 0.25)
    loadings[rng.integers(0, FACTORS, questions), np.arange(questions)] += 1.5
    loadings /= np.linalg.norm(loadings, axis=0)
    own = rng.standard_normal((people, questions))
    opinions = np.sqrt(common) * (rng.standard_normal((people, FACTORS)) @ loadings) + np.sqrt(1 - common) * own
    noise = np.exp(mixed * rng.standard_normal(people))
    codes, best = base.codes.copy(), np.zeros(questions)
    for at, question in enumerate(survey.questions):
        bounds = ndtri(np.cumsum(rng.dirichlet(np.full(int(form.counts[at]), 3.0)))[:-1])
        spread = np.sqrt(1 - reliability[at]) * noise[:, None]
        below = ndtr((bounds - np.sqrt(reliability[at]) * opinions[:, at, None]) / spread)
        chance = np.diff(np.concatenate([np.zeros((people, 1)), below, np.ones((people, 1))], axis=1), axis=1)
        best[at] = 100 * chance.max(axis=1).mean()
        first = np.array([option.codes[0] for option in question.refined])
        drawn = (rng.random((2, people, 1))[0] > chance.cumsum(axis=1)).sum(axis=1)  # half, as seeds always drew two
        codes[:, at] = first[np.minimum(drawn, form.counts[at] - 1)]
    return KnownNoise(replace(base, codes=codes), reliability, best, noise)
