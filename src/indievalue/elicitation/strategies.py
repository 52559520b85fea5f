"""Ways to choose what a person is asked, and the benchmark in which they compete."""

from collections.abc import Callable
from dataclasses import replace
from typing import Literal, get_args

import numpy as np
from numpy.typing import NDArray

from indievalue.benchmark.model import NOBODY, Benchmark, Setup
from indievalue.predictors.beliefs import Beliefs
from indievalue.predictors.gaussian import Gaussian
from indievalue.predictors.ranking import best_list
from indievalue.seeded import key_table

Strategy = Literal["random", "questionnaire", "fixed", "adaptive"]
STRATEGIES: tuple[Strategy, ...] = get_args(Strategy)

SPARE = 40
"""Questions that a fixed list goes on for, beyond those wanted, for people who did not answer all of it."""


def asked(
    benchmark: Benchmark,
    setup: Setup,
    gaussian: Gaussian,
    strategy: Strategy,
    number: int,
    *,
    by_country: bool = False,
) -> NDArray[np.int16]:
    """The ``number`` questions each person is asked (people × number, in order; -1 where they run out).

    Probes of the setup are never asked, and predicting them is what a question is chosen for; a question that the
    person did not answer is passed over. With ``by_country``, each person's country is known, and ``fixed`` and
    ``adaptive`` choose by what is known of the people there, where the country has a model.
    """
    answered = benchmark.people.options(gaussian.shown_form_) >= 0
    allowed = np.ones(answered.shape[1], bool)
    allowed[setup.probes] = False
    if strategy in ("fixed", "adaptive"):
        orders = _informative(benchmark, setup, gaussian, strategy, number, by_country)
    else:
        orders = _orders(benchmark, setup, strategy, allowed)
    out = np.full((len(orders), number), NOBODY, np.int16)
    for row, order in enumerate(orders):
        mine = order[answered[row, order]][:number]
        out[row, : len(mine)] = mine
    return out


def elicited(
    benchmark: Benchmark,
    gaussian: Gaussian,
    strategy: Strategy,
    number: int,
    say: Callable[[str], None] = print,
    *,
    by_country: bool = False,
) -> Benchmark:
    """The benchmark with, as demonstrations, the answers to ``number`` questions chosen by ``strategy``.

    ``by_country`` is as in :func:`asked`.
    """
    setups = []
    for setup in benchmark.setups:
        say(f"{strategy}: setup {setup.number}")
        chosen = asked(benchmark, setup, gaussian, strategy, number, by_country=by_country)
        setups.append(replace(setup, demonstrations=chosen))
    return replace(benchmark, setups=tuple(setups))


def _orders(
    benchmark: Benchmark, setup: Setup, strategy: Strategy, allowed: NDArray[np.bool_]
) -> list[NDArray[np.int64]]:
    """Return the order of questions for each person, by chance or as in the questionnaire."""
    people, places = benchmark.people.ids.tolist(), np.flatnonzero(allowed)
    if strategy == "random":
        names = [benchmark.survey.questions[place].id for place in places]
        table = key_table(benchmark.settings.seed, f"elicit {setup.number}", people, names)
        return list(places[np.argsort(table, axis=1, kind="stable")])
    return [places] * len(people)


def _informative(
    benchmark: Benchmark, setup: Setup, gaussian: Gaussian, strategy: Strategy, number: int, by_country: bool
) -> list[NDArray[np.int64]]:
    """Return the order of questions for each person, a list for all of a country or one that follows their answers."""
    options = benchmark.people.options(gaussian.shown_form_)
    worth = np.zeros(options.shape[1])
    worth[setup.probes] = 1
    countries = gaussian.countries_of(benchmark.people) if by_country else [None] * len(options)
    orders: list[NDArray[np.int64]] = [np.zeros(0, np.int64)] * len(options)
    for country in sorted(set(countries), key=str):
        members = [row for row, theirs in enumerate(countries) if theirs == country]
        if strategy == "fixed":
            shared = np.array(best_list(gaussian, worth, worth == 0, number + SPARE, country), np.int64)
            for row in members:
                orders[row] = shared
        else:
            prior = Beliefs.prior(gaussian, worth, country)
            for row in members:
                orders[row] = _adaptive(prior, options[row], worth == 0, number)
    return orders


def _adaptive(
    beliefs: Beliefs, options: NDArray[np.int8], allowed: NDArray[np.bool_], number: int
) -> NDArray[np.int64]:
    """Return the questions asked of a person who answers with ``options`` (questions,)."""
    left = np.flatnonzero(allowed & (options >= 0))
    order: list[int] = []
    while len(order) < number and len(left):
        best = int(left[np.argmax(beliefs.gains(left))])
        order.append(best)
        beliefs, left = beliefs.after(best, int(options[best])), left[left != best]
    return np.array(order, np.int64)
