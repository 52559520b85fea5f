"""Who was asked what: halves of a split ballot as one question, and what an empty cell means."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from difflib import SequenceMatcher

import numpy as np
import polars as pl
from numpy.typing import NDArray

from indievalue.survey.draft.metadata import Column
from indievalue.survey.draft.model import Draft, DraftQuestion
from indievalue.survey.draft.topics import cleaned

_HALF = re.compile(
    r"\b(split ballot|ballot|form|version|split|half|sample|forma|versi[óo]n|mitad|formulaire|moiti[ée])\s*"
    r"([a-f]|[xyz]|\d|one|two)?\b[.)]?|-{2,}"
)

_LEAST_HALF = 0.08
"""Share of people who must have been asked each half."""

_MOST_MORE_WORDS, _FEWEST_WORDS = 4, 4

_SAME = 0.8
"""People whose cells two questions leave empty, of those whose cell one does, for it to be one pattern."""

_FEW, _MANY = 0.08, 0.5
"""Shares of empty cells: fewer are answers that are missing, more are people who were not asked."""

_MOST_ROWS = 5_000
"""People whose empty cells are compared."""


def with_halves_joined(draft: Draft, columns: Mapping[str, Column]) -> Draft:
    """The draft with each question that sits in two columns, for two halves of the people, as one."""
    questions = list(draft.questions)
    if not questions:
        return draft
    answered = {one.id: one.answered for one in questions}
    texts = {one.id: _words(columns[one.id]) for one in questions}
    people = len(answered[questions[0].id])
    half = {one.id for one in questions if _LEAST_HALF * people <= answered[one.id].sum() <= (1 - _LEAST_HALF) * people}
    taken: set[str] = set()
    made = []
    for place, one in enumerate(questions):
        if one.id in taken:
            continue
        other = None
        if one.id in half:
            free = (later for later in questions[place + 1 :] if later.id in half - taken)
            other = next((later for later in free if _halves(one, later, texts)), None)
        if other is not None:
            taken.add(other.id)
            same = texts[one.id] == texts[other.id]
            check = () if same else (f"half were asked {other.id}: is {columns[other.id].label!r} the same question?",)
            one = replace(
                one,
                columns=(one.id, other.id),
                checks=(*one.checks, *check),
                answered=answered[one.id] | answered[other.id],
            )
        made.append(one)
    return replace(draft, questions=tuple(made))


def _halves(one: DraftQuestion, other: DraftQuestion, texts: Mapping[str, tuple[str, ...]]) -> bool:
    """Whether two questions are one, asked of two halves: the same answers and text, and nobody has both."""
    if one.scale.answers != other.scale.answers or (one.answered & other.answered).any():
        return False
    first, second = texts[one.id], texts[other.id]
    if first == second:
        return bool(first)
    topics = _said(one.topic), _said(other.topic)
    if _alike(*topics, most=0):  # what the battery asks of them may differ by more
        return len(topics[0]) >= _FEWEST_WORDS and _alike(first, second, most=_MOST_MORE_WORDS)
    whole = all(len(topic) > 0.8 * len(text) for topic, text in zip(topics, (first, second), strict=True))
    return whole and min(len(first), len(second)) >= 3 * _FEWEST_WORDS and _alike(first, second, most=_MOST_MORE_WORDS)


def _alike(first: Sequence[str], second: Sequence[str], most: int) -> bool:
    """Whether two texts are one, but for ``most`` words that one of them has more, and for words cut off at its end."""
    added: dict[str, int] = {"insert": 0, "delete": 0}
    for kind, start, end, other_start, other_end in SequenceMatcher(None, first, second, autojunk=False).get_opcodes():
        mine, others = first[start:end], second[other_start:other_end]
        if kind == "equal" or (end == len(first) and other_end == len(second) and _cut_off(mine, others)):
            continue
        if kind == "replace":
            return False
        added[kind] += len(mine) + len(others)
    return min(added.values()) == 0 and max(added.values()) <= most


def _cut_off(mine: Sequence[str], others: Sequence[str]) -> bool:
    """Whether the last words of two texts are one, the end of which one of them lacks."""
    if not mine or not others:
        return len(mine) + len(others) == 1
    return mine[0].startswith(others[0]) or others[0].startswith(mine[0])


def _said(text: str) -> tuple[str, ...]:
    return tuple(re.findall(r"\w+", _HALF.sub(" ", text.casefold())))


def _words(column: Column) -> tuple[str, ...]:
    return _said(cleaned(column.label, column.name))


def with_blanks(draft: Draft, cells: pl.DataFrame) -> Draft:
    """The draft with what an empty cell of each question means: not asked where it is a pattern, else no answer."""
    step = max(1, len(cells) // _MOST_ROWS)
    empty = [
        np.logical_and.reduce([_empty(cells[name]) for name in (one.columns or (one.id,))])[::step]
        for one in draft.questions
    ]
    masks = np.stack(empty).astype(np.float32)
    not_asked = _patterned(masks)
    return replace(
        draft,
        questions=tuple(
            replace(one, skipped=bool(skipped)) for one, skipped in zip(draft.questions, not_asked, strict=True)
        ),
    )


def _patterned(masks: NDArray[np.float32]) -> NDArray[np.bool_]:
    """Which questions (questions × people, 1 where empty) were not put to those whose cell is empty."""
    people = masks.shape[1]
    sizes = masks.sum(axis=1)
    both = masks @ masks.T
    np.fill_diagonal(both, 0)
    either = sizes[:, None] + sizes[None, :] - both
    alike = (both >= _SAME * np.maximum(either, 1)).any(axis=1)
    other_half = (both <= 0.02 * people) & (either >= 0.95 * people) & (sizes[None, :] >= _FEW * people)
    share = sizes / max(people, 1)
    skipped: NDArray[np.bool_] = (share >= _FEW) & (alike | other_half.any(axis=1) | (share >= _MANY))
    return skipped


def _empty(cells: pl.Series) -> NDArray[np.bool_]:
    if cells.dtype == pl.String:
        empty = cells.is_null() | cells.str.strip_chars().is_in(["", "."])
    elif cells.dtype.is_float():
        empty = cells.is_null() | cells.is_nan()
    else:
        empty = cells.is_null()
    return empty.fill_null(True).to_numpy()
