"""Ways to choose what a person is asked, and the benchmark in which they compete."""

from collections.abc import Callable
from dataclasses import replace
from typing import Literal, get_args

import numpy as np
from numpy.typing import NDArray

from indievalue.benchmark.model import NOBODY, Benchmark, Setup
from indievalue.elicitation.beliefs import Beliefs
from indievalue.predictors.gaussian import Gaussian
from indievalue.seeded import key_table

Strategy = Literal["random", "questionnaire", "fixed", "adaptive"]
STRATEGIES: tuple[Strategy, ...] = get_args(Strategy)

SPARE = 40
"""Questions that a fixed list goes on for, beyond those wanted, for people who did not answer all of it."""


def best_list(gaussian: Gaussian, weights: NDArray[np.float64], allowed: NDArray[np.bool_], number: int) -> list[int]:
    """The ``number`` questions to ask of anybody, best first, each chosen for what it adds to those before.

    ``weights`` (questions,) says how much predicting each question is worth, ``allowed`` which may be asked.
    """
    beliefs = Beliefs.prior(gaussian, weights)
    left = np.flatnonzero(allowed)
    chosen: list[int] = []
    while len(chosen) < number and len(left):
        best = int(left[np.argmax(beliefs.gains(left))])
        chosen.append(best)
        beliefs, left = beliefs.after(best, None), left[left != best]
    return chosen


def asked(benchmark: Benchmark, setup: Setup, gaussian: Gaussian, strategy: Strategy, number: int) -> NDArray[np.int16]:
    """The ``number`` questions each person is asked (people × number, in order; -1 where they run out).

    Probes of the setup are never asked, and predicting them is what a question is chosen for; a question that the
    person did not answer is passed over.
    """
    answered = benchmark.people.options(gaussian.shown_form_) >= 0
    allowed = np.ones(answered.shape[1], bool)
    allowed[setup.probes] = False
    if strategy == "adaptive":
        orders = _adaptive(benchmark, setup, gaussian, allowed, number)
    else:
        orders = _orders(benchmark, setup, gaussian, strategy, allowed, number)
    out = np.full((len(orders), number), NOBODY, np.int16)
    for row, order in enumerate(orders):
        mine = order[answered[row, order]][:number]
        out[row, : len(mine)] = mine
    return out


def elicited(
    benchmark: Benchmark, gaussian: Gaussian, strategy: Strategy, number: int, say: Callable[[str], None] = print
) -> Benchmark:
    """The benchmark with, as demonstrations, the answers to ``number`` questions chosen by ``strategy``."""
    setups = []
    for setup in benchmark.setups:
        say(f"{strategy}: setup {setup.number}")
        setups.append(replace(setup, demonstrations=asked(benchmark, setup, gaussian, strategy, number)))
    return replace(benchmark, setups=tuple(setups))


def _orders(
    benchmark: Benchmark,
    setup: Setup,
    gaussian: Gaussian,
    strategy: Strategy,
    allowed: NDArray[np.bool_],
    number: int,
) -> list[NDArray[np.int64]]:
    people, places = benchmark.people.ids.tolist(), np.flatnonzero(allowed)
    if strategy == "random":
        names = [benchmark.survey.questions[place].id for place in places]
        table = key_table(benchmark.settings.seed, f"elicit {setup.number}", people, names)
        return list(places[np.argsort(table, axis=1, kind="stable")])
    if strategy == "fixed":
        places = np.array(best_list(gaussian, _worth(setup, len(allowed)), allowed, number + SPARE))
    return [places] * len(people)


def _adaptive(
    benchmark: Benchmark, setup: Setup, gaussian: Gaussian, allowed: NDArray[np.bool_], number: int
) -> list[NDArray[np.int64]]:
    prior = Beliefs.prior(gaussian, _worth(setup, len(allowed)))
    orders = []
    for options in benchmark.people.options(gaussian.shown_form_):
        beliefs, left = prior, np.flatnonzero(allowed & (options >= 0))
        order: list[int] = []
        while len(order) < number and len(left):
            best = int(left[np.argmax(beliefs.gains(left))])
            order.append(best)
            beliefs, left = beliefs.after(best, int(options[best])), left[left != best]
        orders.append(np.array(order, np.int64))
    return orders


def _worth(setup: Setup, questions: int) -> NDArray[np.float64]:
    worth = np.zeros(questions)
    worth[setup.probes] = 1
    return worth
