"""Choose for each probe which of a person's statements are shown, by a ranking of what is relevant to the probe."""

from collections.abc import Callable
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from indievalue.benchmark.model import NOBODY, Settings, Setup
from indievalue.choices import ShowOrder
from indievalue.people.people import People
from indievalue.seeded import key_table


class Ranking(Protocol):
    """Says how relevant statements are to probes."""

    def relevance(self, probes: NDArray[np.int64], allowed: NDArray[np.bool_], number: int) -> NDArray[np.floating]:
        """Return how relevant each option is to each probe (probes × options of all questions, in the form shown).

        Only the order matters. ``allowed`` (probes × questions) says which questions may be shown beside each probe,
        and ``number`` how many are.
        """
        ...


Rank = Callable[[People, Settings], Ranking]
"""Makes the ranking that some settings ask for, from people who are not tested; see
:func:`indievalue.predictors.ranking.rank_statements`."""


def most_relevant(
    relevance: NDArray[np.floating], options: NDArray[np.int8], starts: NDArray[np.int64], number: int
) -> NDArray[np.int16]:
    """Return each person's ``number`` most relevant questions, the most relevant first (people × number; -1 pads).

    ``relevance`` (options,) is that of each option to one probe, those of a question from its place in ``starts`` on.
    ``options`` (people × questions) are the person's own; -1 where there is none, or none that may be shown.
    """
    available = options >= 0
    mine = np.where(available, relevance[starts[:-1] + np.maximum(options, 0)], -np.inf)
    chosen = np.argsort(-mine, axis=1, kind="stable")[:, :number].astype(np.int16)
    chosen[np.arange(chosen.shape[1]) >= available.sum(axis=1)[:, None]] = NOBODY
    return chosen


def arranged(chosen: NDArray[np.int16], order: ShowOrder, keys: Callable[[], NDArray[np.uint64]]) -> NDArray[np.int16]:
    """Return the ``chosen`` questions (people × most; the most relevant first, -1 pads) in the order shown.

    ``keys`` returns the random key of each question (people × questions), by which they are shuffled.
    """
    shown = chosen != NOBODY
    if order == "first":
        return chosen
    if order == "last":
        place = np.where(shown, -np.arange(chosen.shape[1]), 1)
        return np.take_along_axis(chosen, np.argsort(place, axis=1, kind="stable"), axis=1)
    drawn = np.take_along_axis(keys(), np.maximum(chosen, 0).astype(np.int64), axis=1)
    return np.take_along_axis(chosen, np.lexsort((drawn, ~shown), axis=1), axis=1)


def chosen_for_each(
    people: People,
    settings: Settings,
    ranking: Ranking,
    number: int,
    probes: NDArray[np.int64],
    allowed: NDArray[np.bool_],
) -> list[Setup]:
    """Return a Setup for each probe of setup ``number``, with the most relevant of what each person answered.

    ``allowed`` (probes × questions) says which questions may be shown beside each probe.
    """
    options = people.options(settings.shown_form)
    starts = people.survey.form(settings.shown_form).starts
    number_shown = settings.demonstrations or 0
    setups = []
    for probe, may, relevance in zip(probes, allowed, ranking.relevance(probes, allowed, number_shown), strict=True):
        mine = np.where(may, options, np.int8(-1))
        most = min(int((mine >= 0).sum(axis=1).max(initial=0)), number_shown)
        chosen = most_relevant(relevance, mine, starts, most)
        keys = order_keys(people, settings, number, people.survey.questions[probe].id)
        setups.append(Setup(number, probe[None], arranged(chosen, settings.show_order, keys)))
    return setups


def order_keys(people: People, settings: Settings, number: int, probe: str = "") -> Callable[[], NDArray[np.uint64]]:
    """Return a function that draws the keys of questions (people × questions) by which statements are shuffled.

    They are shown beside ``probe``, or all probes of setup ``number``.
    """
    questions = [question.id for question in people.survey.questions]
    return lambda: key_table(settings.seed, f"order {number} {probe}", people.ids.tolist(), questions)
