"""The pages of a data file without predictions: who answered what, weighted."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from starlette.datastructures import QueryParams

from indievalue.app.explore.person_page import person_page, row_of
from indievalue.app.explore.questions_page import question_in
from indievalue.app.explore.source import SMALLEST_GROUP, Source
from indievalue.app.explore.telling import telling
from indievalue.app.explore.view import RunView
from indievalue.choices import FORMS, FormName
from indievalue.people.catalog import why_missing
from indievalue.people.people import People

Make = Callable[[Source, RunView | None, QueryParams], Mapping[str, object]]
"""Makes what a page shows."""


@dataclass(frozen=True)
class AnsweredQuestion:
    """A question: how many answered it, and how many were not asked or gave no answer that counts."""

    id: str
    asks: str
    category: str
    answered: int
    not_asked: int
    no_answer: int
    usual: str
    usual_share: float | None


@dataclass(frozen=True)
class Marginal:
    """The people of a group who answered a question, and the weighted share (0-1) of each option among them."""

    group: str
    people: int
    shares: tuple[float, ...]


@dataclass(frozen=True)
class Missing:
    """Why some people have no answer, and how many; None where they are too few to be counted."""

    reason: str
    people: int | None


def start_of(people: People) -> Make:
    """Return what makes the first page of a data file."""

    def page(source: Source, view: RunView | None, query: QueryParams) -> Mapping[str, object]:
        country = source.country
        groups = source.groups[country] if country else {}
        return {
            "found": people.findings.lines(),
            "licence": source.survey.licence,
            "countries": {name: size for name, size in groups.items() if size >= SMALLEST_GROUP},
            "questions": int(people.asked.sum()),
        }

    return page


def questions_of(people: People) -> Make:
    """Return what makes the page of all questions of a data file."""

    def page(source: Source, view: RunView | None, query: QueryParams) -> Mapping[str, object]:
        text, category = query.get("q", "")[:200].strip(), query.get("category", "")
        rows = source.once("questions", lambda: _questions(people, source))
        categories = list(dict.fromkeys(row.category for row in rows))
        words = text.casefold().split()
        shown = [
            row
            for row in rows
            if category in ("", row.category) and all(word in f"{row.id} {row.asks}".casefold() for word in words)
        ]
        return {
            "rows": shown,
            "text": text,
            "categories": categories,
            "category": category if category in categories else "",
            "smallest": SMALLEST_GROUP,
        }

    return page


def _questions(people: People, source: Source) -> list[AnsweredQuestion]:
    known = source.known[0]
    rows = []
    for at, question in enumerate(people.survey.questions):
        column = known.options[:, at]
        answered = column >= 0
        number = int(answered.sum())
        not_asked = int((people.codes[:, at] == people.survey.not_asked)[~answered].sum())
        usual, share = "", None
        if number >= SMALLEST_GROUP:
            weights = np.bincount(column[answered], weights=people.weights[answered])
            usual = question.options(known.form)[int(weights.argmax())].statement
            share = float(weights.max() / weights.sum()) if weights.sum() else None
        missing = len(people) - number - not_asked
        rows.append(
            AnsweredQuestion(question.id, question.asks, question.category, number, not_asked, missing, usual, share)
        )
    return rows


def question_of(people: People) -> Make:
    """Return what makes the page of one question of a data file."""

    def page(source: Source, view: RunView | None, query: QueryParams) -> Mapping[str, object]:
        question = question_in(source, query)
        at = source.survey.positions[question.id]
        form: FormName = next((one for one in FORMS if one == query.get("form")), source.known[0].form)
        names = source.labels.columns
        demographic = query.get("demographic", "") if query.get("demographic") in names else (source.country or "")
        column = people.options(form)[:, at]
        answered = int((column >= 0).sum())
        ids = [one.id for one in source.survey.questions]
        shown: dict[str, object] = {
            "question": question,
            "form": form,
            "forms": FORMS,
            "demographics": names,
            "demographic": demographic,
            "answered": answered,
            "smallest": SMALLEST_GROUP,
            "weighted": bool((people.weights != people.weights[0]).any()),
            "missing": _missing(people, at),
            "options": [
                (f"{question.id}:{form}:{place}", one.statement) for place, one in enumerate(question.options(form))
            ],
            "linked": form == source.known[0].form,
            "next_questions": (ids[at - 1] if at else None, ids[at + 1] if at + 1 < len(ids) else None),
        }
        if answered >= SMALLEST_GROUP:
            count = len(question.options(form))
            shown["everybody"] = _marginals(
                column, people.weights, np.zeros(len(people), np.int64), ["everybody"], count
            )[0]
            shown["groups"], shown["left_out"] = _by_group(source, demographic, column, count)
            shown["telling"] = telling(source, at)
        return shown

    return page


def _marginals(
    column: NDArray[np.int8], weights: NDArray[np.float64], group: NDArray[np.int64], names: Sequence[str], count: int
) -> list[Marginal]:
    """Return the marginals of the groups in which 30 people or more answered; ``group`` is -1 for no group."""
    known = (column >= 0) & (group >= 0)
    cell = group[known] * count + column[known]
    size = len(names) * count
    people = np.bincount(cell, minlength=size).reshape(-1, count).sum(axis=1)
    total = np.bincount(cell, weights=weights[known], minlength=size).reshape(-1, count)
    return [
        Marginal(name, int(number), tuple((of / of.sum()).tolist()))
        for name, number, of in zip(names, people, total, strict=True)
        if number >= SMALLEST_GROUP and of.sum() > 0
    ]


def _by_group(source: Source, demographic: str, column: NDArray[np.int8], count: int) -> tuple[list[Marginal], int]:
    """Return the marginals of each group, and how many groups are too small."""
    if not demographic:
        return [], 0
    names = sorted(source.groups[demographic])
    places = {name: at for at, name in enumerate(names)}
    group = source.labels[demographic].replace_strict(places, default=-1).fill_null(-1).to_numpy().astype(np.int64)
    found = _marginals(column, source.weights, group, names, count)
    return found, len(names) - len(found)


def _missing(people: People, at: int) -> list[Missing]:
    """Return why people have no answer to a question, most common first: none of these count as answers."""
    without = np.flatnonzero(people.options("refined")[:, at] < 0)
    codes, first, counts = np.unique(people.codes[without, at], return_index=True, return_counts=True)
    by_reason: dict[str, int] = {}
    for _, row, number in zip(codes, without[first], counts, strict=True):
        reason = why_missing(people, int(row), at)
        by_reason[reason] = by_reason.get(reason, 0) + int(number)
    ordered = sorted(by_reason.items(), key=lambda item: -item[1])
    return [Missing(reason, number if number >= SMALLEST_GROUP else None) for reason, number in ordered]


def person_of(people: People) -> Make:
    """Return what makes the page of a person of a data file."""

    def page(source: Source, view: RunView | None, query: QueryParams) -> Mapping[str, object]:
        row = row_of(source, query)
        missing: dict[str, list[str]] = {}
        for at in np.flatnonzero(people.options("refined")[row] < 0).tolist():
            missing.setdefault(why_missing(people, row, at), []).append(people.survey.questions[at].id)
        return {**person_page(source, view, query), "missing": sorted(missing.items())}

    return page
