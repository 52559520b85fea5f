"""The page that lists people."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from starlette.datastructures import QueryParams

from indievalue.app.explore.choosing import ORDERS, Choice, choice_of
from indievalue.app.explore.search import Said
from indievalue.app.explore.source import SMALLEST_GROUP, Source
from indievalue.app.explore.view import RunView

_PAGE = 50
"""People on one page."""

_FOUND = 12
"""Statements and questions that a search lists."""


@dataclass(frozen=True)
class PersonRow:
    """A person in a list: the first groups, and accuracy and surprise where there are predictions."""

    person: str
    groups: tuple[str, ...]
    accuracy: float | None
    surprise: float | None


@dataclass(frozen=True)
class FoundStatement:
    """A statement found, and how many people said it; None where they are too few to be counted."""

    said: Said
    people: int | None


def people_page(source: Source, view: RunView | None, query: QueryParams) -> Mapping[str, object]:
    """Return what the page of people shows."""
    choice = choice_of(query, source, view)
    total = len(choice.rows)
    pages = max(1, -(-total // _PAGE))
    page = min(max(1, _whole(query.get("page"))), pages)
    shown = choice.rows[(page - 1) * _PAGE : page * _PAGE]
    columns = shown_groups(source)
    return {
        "choice": choice,
        "total": total,
        "page": page,
        "pages": pages,
        "columns": columns,
        "people": [_row(source, view, choice, int(row), columns) for row in shown],
        "countries": source.groups[source.country] if source.country else {},
        "groups": {name: source.groups[name] for name in source.labels.columns if name != source.country},
        "orders": ORDERS if view else {},
        "statements": _statements(source, choice.found.statements[:_FOUND]),
        "more_statements": max(0, len(choice.found.statements) - _FOUND),
        "questions": choice.found.questions[:_FOUND],
        "more_questions": max(0, len(choice.found.questions) - _FOUND),
    }


def shown_groups(source: Source) -> list[str]:
    """Demographics that lists of people have: the country, sex, age and education, or else the first ones."""
    names = source.labels.columns
    usual = [name for name in (source.country, "sex", "age", "education") if name in names]
    return [str(name) for name in usual] or names[:4]


def _row(source: Source, view: RunView | None, choice: Choice, row: int, columns: Sequence[str]) -> PersonRow:
    groups = source.group_of(row)
    scores = (view.accuracy[choice.by][row], view.surprise[choice.by][row]) if view else (np.nan, np.nan)
    accuracy, surprise = (None if np.isnan(score) else float(score) for score in scores)
    return PersonRow(source.ids[row], tuple(groups.get(name, "–") for name in columns), accuracy, surprise)


def _statements(source: Source, statements: Sequence[Said]) -> list[FoundStatement]:
    found = []
    for said in statements:
        for known in source.known:
            if known.form == said.form:
                people = int((known.options[:, said.at] == said.option).sum())
                found.append(FoundStatement(said, people if people >= SMALLEST_GROUP else None))
    return found


def _whole(text: str | None) -> int:
    return int(text) if text and text.isascii() and text.isdigit() and len(text) < 9 else 1
