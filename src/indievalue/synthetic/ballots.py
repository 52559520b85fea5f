"""Which questions were put to which people: blocks of questions, and the ballots that put several of them.

Questions that the same people were not asked are a block: a half of a split ballot, a module that only some were given,
or what follows from a filter; a single question is one if there is another that nobody was asked beside it. A ballot is
a set of blocks that enough people were asked; blocks are put into ballots, those of most questions first, as long as
nearly everybody has a ballot that enough people share. Any further block is never asked with a ballot where nobody with
that ballot was, and is otherwise asked independently of the ballot and of other blocks, as often as in the person's
country.
"""

from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from indievalue.people.where import where_columns
from indievalue.survey.survey import Survey
from indievalue.synthetic.items import Answers, residence_column
from indievalue.synthetic.model import FEWEST, SHARE

_SELDOM = 0.05
"""Questions that fewer were not asked are no block: what is missing there is a missing answer."""
_SAME = 0.005
"""Questions that were asked of the same people but for fewer than these are of one block."""
_WITHIN = 0.95
"""People who must have a ballot that ``FEWEST`` share."""

Mask = NDArray[np.bool_]


def ballot_fields(answers: Answers, places: NDArray[np.int16], survey: Survey) -> tuple[dict[str, Any], Mask]:
    """The fields of the twin that tell who was asked what, none where all were asked; and who was not (people × items).

    ``places`` is -1 where an answer is missing.
    """
    unasked = _unasked(answers, places)
    columns, cells = _cells(answers, survey)
    blocks, masks = _blocks(unasked)
    if not len(masks) and not columns:
        return {}, np.zeros_like(unasked)
    pattern = _ballots(masks, np.bincount(blocks[blocks >= 0], minlength=len(masks)), cells)
    people = np.bincount(pattern)
    kept = np.flatnonzero(people >= min(FEWEST, people.max()))
    first = np.array([np.flatnonzero(pattern == at)[0] for at in kept], np.int64)
    ballots = np.array([[_put(~mask[pattern == at]) for mask in masks] for at in kept], np.uint8)
    ballots = ballots.reshape(len(kept), len(masks))
    of_ballot = np.searchsorted(kept, pattern).clip(max=len(kept) - 1)
    open_to = (ballots == 2)[of_ballot] & np.isin(pattern, kept)[:, None]
    fields = {
        "blocks": blocks,
        "unasked": _most_frequent(answers, unasked),
        "block_shares": _block_shares(masks, open_to, answers.country),
        "ballots": ballots,
        "ballot_shares": _ballot_shares(pattern, kept, answers.country),
        "ballot_columns": np.array(columns, str),
        "ballot_cells": cells[first],
    }
    return fields, unasked & ((blocks >= 0) | _by_other_items(answers, survey))


def _unasked(answers: Answers, places: NDArray[np.int16]) -> Mask:
    """Who was not asked what, in countries where anybody was."""
    unasked = np.zeros(places.shape, bool, order="F")
    for number, item in enumerate(answers.items):
        if item.unasked:
            unasked[:, number] = np.isin(answers.raw[:, number], list(item.unasked))
    for at in range(len(answers.countries)):
        here = answers.country == at
        nobody = ~(places[here] >= 0).any(axis=0)
        unasked[np.ix_(here, nobody)] = False
    return unasked


def _cells(answers: Answers, survey: Survey) -> tuple[list[str], NDArray[np.str_]]:
    """Columns that tell who is asked a question and are no item of their own; and what people have there."""
    taken = {residence_column(survey), *(item.column for item in answers.items), *(survey.where or ())}
    columns = sorted(where_columns(survey) & set(answers.cells.columns) - taken)
    cells = np.zeros((len(answers.cells), len(columns)), "<U64")
    for number, column in enumerate(columns):
        named = {value for question in survey.questions for value in (question.where or {}).get(column, ())}
        text = answers.cells[column].cast(pl.String).str.strip_chars().str.to_lowercase()
        text = text.str.replace(r"^([+-]?\d+)\.0+$", "$1")
        cells[:, number] = text.set(~text.is_in([value.casefold() for value in named]), "").fill_null("").to_numpy()
    return columns, cells


def _by_other_items(answers: Answers, survey: Survey) -> Mask:
    """Which items are put by the answer to another item (items,), as the specification says."""
    columns = {item.column for item in answers.items}
    by_other = {q.id for q in survey.questions if set(q.where or ()) & columns}
    return np.array([item.is_question and item.name in by_other for item in answers.items])


def _blocks(unasked: Mask) -> tuple[NDArray[np.int16], Mask]:
    """(block of each item, -1 for none; who was not asked each block (blocks × people))."""
    n = len(unasked)
    blocks = np.full(unasked.shape[1], -1, np.int16)
    masks: list[Mask] = []
    rates = unasked.mean(axis=0)
    for number in np.flatnonzero((rates >= _SELDOM) & (rates * n >= FEWEST) & ((1 - rates) * n >= FEWEST)):
        one = unasked[:, number]
        apart = [int((one != mask).sum()) for mask in masks]
        if apart and min(apart) <= _SAME * n:
            blocks[number] = int(np.argmin(apart))
        else:
            blocks[number] = len(masks)
            masks.append(one)
    sizes = np.bincount(blocks[blocks >= 0], minlength=len(masks))
    several = [at for at, mask in enumerate(masks) if sizes[at] > 1 or any((mask | other).all() for other in masks)]
    new = np.full(len(masks) + 1, -1, np.int16)
    new[several] = np.arange(len(several))
    return new[blocks], np.array([masks[at] for at in several], bool).reshape(len(several), n)


def _ballots(masks: Mask, sizes: NDArray[np.int64], cells: NDArray[np.str_]) -> NDArray[np.int64]:
    """Everybody's ballot. ``sizes`` are the questions of each block."""
    pattern = np.zeros(masks.shape[1], np.int64)
    if cells.shape[1]:
        pattern = np.unique(cells, axis=0, return_inverse=True)[1].reshape(-1)
    for block in np.argsort(-sizes, kind="stable"):
        finer = np.unique(2 * pattern + masks[block], return_inverse=True)[1]
        people = np.bincount(finer)
        if people[people >= FEWEST].sum() >= _WITHIN * len(finer):
            pattern = finer
    return pattern


def _put(asked: Mask) -> int:
    """1 where nearly all with a ballot were asked a block, 0 where hardly anybody was, 2 where some were."""
    few = FEWEST if len(asked) >= 2 * FEWEST else 1
    return 0 if asked.sum() < few else 1 if (~asked).sum() < few else 2


def _ballot_shares(
    pattern: NDArray[np.int64], kept: NDArray[np.int64], country: NDArray[np.int64]
) -> NDArray[np.uint16]:
    """Share of each ballot (countries × ballots); that of the whole data where no ballot has enough of the country."""
    counts = np.array([[np.sum(pattern[country == at] == one) for one in kept] for at in range(country.max() + 1)])
    own = np.where(counts >= FEWEST, counts, 0).astype(np.float64)
    own = np.where(own.any(axis=1, keepdims=True), own, counts.sum(axis=0))
    return np.asarray(np.rint(SHARE * own / own.sum(axis=1, keepdims=True)), np.uint16)


def _block_shares(masks: Mask, open_to: Mask, country: NDArray[np.int64]) -> NDArray[np.uint16]:
    """Share who were asked each block (countries × blocks); that of the whole data where too few were, or were not.

    ``open_to`` (people × blocks) are those whose ballot leaves it open.
    """
    shares = np.zeros((country.max() + 1, len(masks)), np.uint16)
    for block in np.flatnonzero(open_to.any(axis=0)):
        for at in range(len(shares)):
            here = ~masks[block, open_to[:, block] & (country == at)]
            enough = FEWEST <= here.sum() <= len(here) - FEWEST
            shares[at, block] = round(SHARE * float((here if enough else ~masks[block, open_to[:, block]]).mean()))
    return shares


def _most_frequent(answers: Answers, unasked: Mask) -> NDArray[np.int32]:
    """The code that most of those have who were not asked an item (items,)."""
    codes = np.array([item.blank for item in answers.items], np.int32)
    for number in np.flatnonzero(unasked.any(axis=0)):
        found, people = np.unique(answers.raw[unasked[:, number], number], return_counts=True)
        codes[number] = found[people.argmax()]
    return codes
