"""Who was asked a question, who is predicted only, and what the predictor may be shown of both."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import polars as pl
from numpy.typing import NDArray

from indievalue.errors import IndievalueError
from indievalue.people.people import People
from indievalue.seeded import keys

Mask = NDArray[np.bool_]

Ask = int | Sequence[str] | None
"""The people whose answers are used: so many, drawn at random; those with these ids; or everybody (None)."""

_BY_CHANCE = 10
"""A country of which nobody was asked is left out if so many people, or more, would be by chance."""

_SHARES_APART = 0.1
"""A question is shown of nobody if the shares of those asked, and of others, who answered it differ by more."""


@dataclass(frozen=True)
class Asked:
    """Who was asked a question.

    Attributes:
        asked: people who were, whether or not they answered (people,). others: people who were not (people,).
        known: answers of others that are hidden, but known (people,).
        notes: who is left out, in sentences.
    """

    asked: Mask
    others: Mask
    known: Mask
    notes: tuple[str, ...] = ()


def asked_of(people: People, question: str, ask: Ask, seed: int, *, weighted: bool) -> Asked:
    """Return who was asked a question: those whose code is not that of a question that was not put, or of no answer.

    With ``ask``, it is asked of those people only, and the others are all who were in fact asked. Raises
    IndievalueError if somebody is not in the data, or there are not that many people.
    """
    survey, at = people.survey, people.survey.positions[question]
    blank = survey.questions[at].blank
    put = ~np.isin(people.codes[:, at], [survey.not_asked, survey.blank if blank is None else blank])
    answered = people.options("refined")[:, at] >= 0
    if ask is None:
        asked, others, known = put, ~put, np.zeros(len(people), bool)
    else:
        asked = put & _chosen(people, put, ask, seed)
        others, known = put & ~asked, answered & put & ~asked
    others, notes = _without_countries(people, question, asked, others, weighted=weighted)
    return Asked(asked, others, known & others, notes)


def _chosen(people: People, put: Mask, ask: int | Sequence[str], seed: int) -> Mask:
    if isinstance(ask, int):
        rows = np.flatnonzero(put)
        if not 0 < ask < len(rows):
            raise IndievalueError(f"--ask {ask:,} is not a number below the {len(rows):,} people who were asked")
        order = np.argsort(keys(seed, "asked", people.ids[rows].tolist()), kind="stable")
        chosen = np.zeros(len(people), bool)
        chosen[rows[order[:ask]]] = True
        return chosen
    unknown = [person for person in ask if person not in people.rows]
    if unknown:
        raise IndievalueError(f"{len(unknown):,} of the people asked are not in the data, first {unknown[0]!r}")
    return np.isin(people.ids, list(ask))


def _without_countries(
    people: People, question: str, asked: Mask, others: Mask, *, weighted: bool
) -> tuple[Mask, tuple[str, ...]]:
    """Return the others without those of countries of which nobody was asked, except by chance, and a sentence on it.

    With weights by country, a country needs somebody who was asked.
    """
    country = people.survey.country
    if country is None or country not in people.demographics.columns or not asked.any():
        return others, ()
    labels = people.demographics[country].fill_null("")
    counts = pl.DataFrame({"country": labels, "asked": asked, "others": others}).group_by("country").agg(pl.all().sum())
    expected = pl.col("others") * (float(asked.sum()) / float((asked | others).sum()))
    never = counts.filter(pl.col("asked") == 0, pl.col("others") > 0, pl.lit(weighted) | (expected >= _BY_CHANCE)).sort(
        "country"
    )
    if never.is_empty():
        return others, ()
    named = ", ".join(f"{name or 'no country'} ({number:,})" for name, _, number in never.head(4).iter_rows())
    more = f" and {len(never) - 4:,} more" if len(never) > 4 else ""
    left_out = labels.is_in(never["country"].to_list()).to_numpy()
    return others & ~left_out, (f"{question} was asked of nobody in {named}{more}: estimates are about the others",)


def some_others(people: People, found: Asked, number: int | None, seed: int) -> Asked:
    """Return who was asked, and ``number`` of the others, drawn at random; all if it is None."""
    rows = np.flatnonzero(found.others)
    if number is None or number >= len(rows):
        return found
    order = np.argsort(keys(seed, "others", people.ids[rows].tolist()), kind="stable")
    others = np.zeros(len(people), bool)
    others[rows[order[:number]]] = True
    return replace(found, others=others, known=found.known & others)


def hidden(people: People, masks: dict[str, Asked]) -> People:
    """Return the people with no answer to a question by those who were not asked it."""
    codes = people.codes.copy()
    for question, one in masks.items():
        codes[~one.asked, people.survey.positions[question]] = people.survey.not_asked
    return replace(people, codes=codes)


def may_be_shown(people: People, question: str, who: Asked) -> tuple[Mask, list[str]]:
    """Return which questions a predictor of ``question`` may be shown (questions,), and which others are left out.

    These are answered by clearly more of those asked than of the others, or the other way round, such as others of the
    same module: predictions about the two would not be alike.
    """
    answered = people.options("refined") >= 0
    shares = answered[who.asked].mean(axis=0), answered[who.others].mean(axis=0)
    chance = 3 * np.sqrt(shares[1] * (1 - shares[1]) / int(who.asked.sum()))
    allowed = np.abs(shares[0] - shares[1]) <= _SHARES_APART + chance
    allowed[people.survey.positions[question]] = True
    unlike = [people.survey.questions[at].id for at in np.flatnonzero(~allowed)]
    allowed[people.survey.positions[question]] = False
    return np.asarray(allowed), unlike
