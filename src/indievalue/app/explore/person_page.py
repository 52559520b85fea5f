"""The page of one person."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from starlette.datastructures import QueryParams
from starlette.exceptions import HTTPException

from indievalue.app.explore.choosing import Choice, choice_of
from indievalue.app.explore.outputs import has_outputs
from indievalue.app.explore.people_page import shown_groups
from indievalue.app.explore.source import Source
from indievalue.app.explore.view import Row, RunView, surprisal

_MOST = 5
"""Answers in the lists of the most surprising and the most confidently wrong."""


@dataclass(frozen=True)
class Cell:
    """What one predictor made of one option: its probability (0-1), if it gave any, and whether it chose it."""

    likely: float | None
    chosen: bool


@dataclass(frozen=True)
class OptionRow:
    """An option of a probe, whether it is the person's answer, and a cell for each predictor."""

    statement: str
    true: bool
    cells: tuple[Cell | None, ...]


@dataclass(frozen=True)
class Probe:
    """A question that predictors were asked about a person. ``invalid`` names those that chose no option."""

    question: str
    category: str
    asks: str
    setup: int
    options: tuple[OptionRow, ...]
    invalid: tuple[str, ...]
    wrong: int
    surprise: float | None


@dataclass(frozen=True)
class Guess:
    """A predictor's choice where the person's answer was another, or was not expected."""

    predictor: str
    question: str
    asks: str
    chosen: str
    likely: float | None
    answer: str
    true: float | None


@dataclass(frozen=True)
class Standing:
    """How well a predictor did about one person."""

    predictor: str
    right: int
    asked: int
    surprise: float | None


def person_page(source: Source, view: RunView | None, query: QueryParams) -> Mapping[str, object]:
    """Return what the page of a person shows. Raises HTTPException if there is no such person."""
    row = row_of(source, query)
    choice = choice_of(query, source, view)
    shown: dict[str, object] = {
        "person": source.ids[row],
        "about": source.about(row),
        "groups": source.group_of(row),
        "shown": shown_groups(source),
        "choice": choice,
        **_place(source, choice, row),
        "statements": source.statements(row),
        "nearest": [(near, source.ids[near.row]) for near in source.nearest(row)],
    }
    return {**shown, **_predicted(view, row)} if view else shown


def row_of(source: Source, query: QueryParams) -> int:
    """Return the place of the person that an address names. Raises HTTPException if there is none."""
    person = query.get("id", "")
    if person not in source.rows:
        raise HTTPException(404, f"There is no person {person!r} here.")
    return source.rows[person]


def _place(source: Source, choice: Choice, row: int) -> dict[str, object]:
    """Return the person's place among those chosen, and who comes before and after."""
    at = np.flatnonzero(choice.rows == row)
    if not len(at):
        return {"place": None, "of": len(choice.rows), "previous": None, "next": None}
    place = int(at[0])
    ids = source.ids
    return {
        "place": place + 1,
        "of": len(choice.rows),
        "previous": ids[choice.rows[place - 1]] if place else None,
        "next": ids[choice.rows[place + 1]] if place + 1 < len(choice.rows) else None,
    }


def _predicted(view: RunView, row: int) -> dict[str, object]:
    rows = view.of_person(row)
    probes = _probes(view, rows)
    by_surprise = sorted((probe for probe in probes if probe.surprise), key=lambda probe: -(probe.surprise or 0))
    return {
        "standings": _standings(view, rows),
        "probes": probes,
        "surprising": by_surprise[:_MOST],
        "wrong": wrong_guesses(view, rows, _MOST),
        "has_outputs": has_outputs(view),
    }


def _standings(view: RunView, rows: Sequence[Row]) -> list[Standing]:
    found = []
    for name in view.predictors:
        own = [row for row in rows if row.predictor == name]
        surprise = surprisal([row.true for row in own if row.true is not None])
        if own:
            found.append(Standing(name, sum(row.right for row in own), len(own), surprise))
    return found


def _probes(view: RunView, rows: Sequence[Row]) -> list[Probe]:
    """Return the probes in the order of the survey."""
    by_probe: dict[tuple[int, str], dict[str, Row]] = {}
    for row in rows:
        by_probe.setdefault((row.setup, row.question), {})[row.predictor] = row
    positions = view.run.survey.positions
    ordered = sorted(by_probe.items(), key=lambda item: (positions[item[0][1]], item[0][0]))
    return [_probe(view, setup, question, made) for (setup, question), made in ordered]


def _probe(view: RunView, setup: int, id_: str, made: Mapping[str, Row]) -> Probe:
    question = view.run.survey.question(id_)
    answer = next(iter(made.values())).answer
    options = tuple(
        OptionRow(option.statement, at == answer, tuple(_cell(made.get(name), at) for name in view.predictors))
        for at, option in enumerate(question.options(view.run.record.form))
    )
    return Probe(
        question=id_,
        category=question.category,
        asks=question.asks,
        setup=setup,
        options=options,
        invalid=tuple(name for name in view.predictors if name in made and made[name].choice < 0),
        wrong=sum(not row.right for row in made.values()),
        surprise=surprisal([row.true for row in made.values() if row.true is not None]),
    )


def _cell(row: Row | None, option: int) -> Cell | None:
    if row is None:
        return None
    return Cell(row.probabilities[option] if row.probabilities else None, row.choice == option)


def wrong_guesses(view: RunView, rows: Sequence[Row], number: int) -> list[Guess]:
    """Return the wrong choices that were made with the highest probability."""
    wrong = [(row.likely, row) for row in rows if not row.right and row.likely is not None]
    wrong.sort(key=lambda item: -item[0])
    return [guess_of(view, row) for _, row in wrong[:number]]


def guess_of(view: RunView, row: Row) -> Guess:
    """Return a prediction in words."""
    question = view.run.survey.question(row.question)
    options = [option.statement for option in question.options(view.run.record.form)]
    return Guess(
        predictor=row.predictor,
        question=question.id,
        asks=question.asks,
        chosen=options[row.choice] if row.choice >= 0 else "no option",
        likely=row.likely,
        answer=options[row.answer],
        true=row.true,
    )
