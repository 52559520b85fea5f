"""Fits the statistical twin of a survey's real answers that synthetic people are drawn from.

``indievalue twin DATA --out OUT.npz`` fits one. What is kept is

- of each country: the share of every code; which items were not put; how often each item stays unanswered and as which
  missing code; how reluctance to answer is spread over people (a Rasch model whose distribution is free);
- of each continent: the loadings of every item on common factors, by iterated principal factors of the polychoric
  correlations within countries, which differences between countries, carried by the shares, come on top of;
- of a survey that did not put every question to everybody: who was asked what (see
  :mod:`indievalue.synthetic.ballots`). Questions that nobody was asked together are taken to be independent given what
  was asked together with both (see :func:`indievalue.synthetic.copula.completed`).

No row and no person is in it, and nothing that fewer than ``FEWEST`` people share. A code that fewer people of the file
gave becomes another of its option or group, or on a scale the nearest. A code that fewer people of a country gave has
no share of its own there: a question's such codes are pooled, the pool is split as the whole file splits it, and a pool
of fewer than 20 people counts as at most 10; a demographic's such codes are dropped, as are countries of birth and of
residence. Missing codes that fewer have on an item are split as in the country at large,
items that fewer left unanswered have one common rate, and degrees of reluctance of fewer people join the next one.
Correlations of fewer than 100 people are the whole file's. All shares are rounded to 1/10,000, loadings to 1/128.
"""

import json
import sys
from collections.abc import Sequence
from dataclasses import replace
from importlib.resources import files
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from indievalue.errors import IndievalueError
from indievalue.files import new_directory
from indievalue.people.options import ReadOptions
from indievalue.people.read import read_table
from indievalue.people.rounds import round_of
from indievalue.survey.gazetteer import look_up
from indievalue.survey.survey import Survey
from indievalue.synthetic.ballots import ballot_fields
from indievalue.synthetic.copula import Counts, factor_loadings, normal_scores
from indievalue.synthetic.items import Answers, Item, read_answers, residence_column
from indievalue.synthetic.model import FEWEST, SHARE, Twin
from indievalue.synthetic.nonresponse import missing_fields

_LEADING = 8
"""Principal components by which the answers of a question without a scale are put in order."""


def fit_twin(data: pl.DataFrame | str | Path, survey: Survey, person_columns: Sequence[str] = ()) -> Twin:
    """The twin of the people in a data file, or in the raw columns of one.

    ``person_columns`` identify a person in place of the survey's. Raises IndievalueError where the file cannot be read,
    has no column of the country, or no country of 20 people.
    """
    if isinstance(data, pl.DataFrame):
        return _fit(data, survey, "the data", person_columns)
    options = ReadOptions(person_columns=tuple(person_columns))
    return _fit(read_table(Path(data), survey, options)[0], survey, str(data), person_columns)


def _fit(table: pl.DataFrame, survey: Survey, source: str, person_columns: Sequence[str] = ()) -> Twin:
    answers = read_answers(table, survey, source, person_columns)
    raw, country, countries = answers.raw, answers.country, answers.countries
    continent = np.unique([_continent(survey, int(code)) for code in countries], return_inverse=True)[1]
    items = _order_nominal(answers.items, raw, country)
    places = _places(items, raw)
    ballots, unasked = ballot_fields(answers, places, survey)
    counts = [_count(places[:, number], len(item.codes), country) for number, item in enumerate(items)]
    shares = [_shares(one, item.is_question) for one, item in zip(counts, items, strict=True)]
    asked = np.array([one.any(axis=1) for one in shares]).T
    called = [item.column for item in items]
    return Twin(
        items=np.array([item.name for item in items]),
        codes=np.concatenate([item.codes for item in items]).astype(np.int32),
        starts=np.cumsum([0, *(len(item.codes) for item in items)]).astype(np.int32),
        countries=countries.astype(np.int32),
        continents=continent.astype(np.int8),
        people=np.bincount(country).astype(np.int32),
        country_column=np.array(residence_column(survey)),
        shares=np.concatenate(shares, axis=1),
        loadings=factor_loadings(counts, places, country, continent),
        **missing_fields(answers, places, asked, unasked, survey.blank),
        **_births(answers, survey),
        **ballots,
        **({"columns": np.array(called)} if called != [item.name for item in items] else {}),
        **_same_for_all(answers, survey),
    )


def described(twin: Twin, survey: Survey) -> Twin:
    """The twin with a note of what it is of."""
    facts = {
        "survey": survey.name if survey.folder is None else "",
        "title": survey.title,
        "licence": " ".join(survey.licence.split()),
        "people": int(twin.people.sum()),
    }
    return replace(twin, about=np.array(json.dumps(facts, ensure_ascii=False)))


def write_folder(twin: Twin, survey: Survey, folder: Path, licence: str, *, force: bool) -> None:
    """Write the twin, the survey's specification, and the line that states the ``licence``.

    Raises IndievalueError where ``folder`` holds anything already and ``force`` is not given.
    """
    source = Path(survey.folder) if survey.folder else files("indievalue") / "surveys" / survey.name
    with new_directory(folder, force=force) as beside:
        for name in ("survey.yaml", "questions.yaml", "demographics.yaml"):
            if (source / name).is_file():
                (beside / name).write_bytes((source / name).read_bytes())
        twin.save(beside / "twin.npz")
        (beside / "LICENCE.txt").write_text(licence + "\n", encoding="utf-8")


def _same_for_all(answers: Answers, survey: Survey) -> dict[str, Any]:
    """Columns that a file of the survey is recognised by, with what everybody has in them."""
    drawn = {residence_column(survey), *(item.column for item in answers.items)}
    cells = {column: values[0] for column, values in (survey.where or {}).items() if column not in drawn}
    of_round = round_of(survey, answers.cells)
    for column in (survey.rounds or {}).get(of_round or "", ()):
        if column not in drawn:
            cells.setdefault(column, "")
    return {"cells": np.array(list(cells.items()), str)} if cells else {}


def _continent(survey: Survey, code: int) -> str:
    if survey.sampling.continent is None:
        return ""
    demographic = survey.demographic(survey.sampling.continent)
    for group in demographic.groups:
        if code in group.codes.get(demographic.columns[0], ()):
            return group.label
    return look_up(code, "continent") or ""


def _places(items: Sequence[Item], raw: NDArray[np.int32]) -> NDArray[np.int16]:
    """Place of every code along its item's latent scale (people × items), -1 where it is missing."""
    places = np.full(raw.shape, -1, np.int16, order="F")
    for number, item in enumerate(items):
        for place, code in enumerate(item.codes):
            places[raw[:, number] == code, number] = place
    return places


def _count(place: NDArray[np.int16], codes: int, country: NDArray[np.int64]) -> Counts:
    """People by country and code (countries × codes)."""
    counts = np.bincount(country * (codes + 1) + place + 1, minlength=(country.max() + 1) * (codes + 1))
    return counts.reshape(-1, codes + 1)[:, 1:]


def _shares(counts: Counts, is_question: bool) -> NDArray[np.uint16]:
    """Share of every code in 1/10,000 (countries × codes), small cells treated as the module says; 0 where none is."""
    own = np.where(counts >= FEWEST, counts, 0).astype(np.float64)
    if is_question:
        world = counts.sum(axis=0) * (counts.sum(axis=0) >= FEWEST)
        split = np.where(counts < FEWEST, world, 0) / max(1, world.sum())
        rest = np.where(counts < FEWEST, counts, 0).sum(axis=1)
        few = np.minimum(FEWEST / 2, split.sum(axis=1) * counts.sum(axis=1))
        pool = np.where(rest >= FEWEST, rest, few)
        own += np.where(own.any(axis=1), pool / np.maximum(split.sum(axis=1), 1e-12), 0)[:, None] * split
    total = own.sum(axis=1, keepdims=True)
    return np.asarray(np.rint(SHARE * own / np.maximum(total, 1)), np.uint16)


def _order_nominal(items: Sequence[Item], raw: NDArray[np.int32], country: NDArray[np.int64]) -> list[Item]:
    """Put the codes of nominal items in the order of their people's means along the line that tells them apart best.

    The line is through the eight leading principal components of the ordered items, within countries.
    """
    found = list(items)
    ordered = [number for number, item in enumerate(items) if not item.nominal]
    if not ordered:
        return found
    places = _places([items[number] for number in ordered], raw[:, ordered])
    counts = [_count(places[:, at], len(items[number].codes), country) for at, number in enumerate(ordered)]
    scores, _ = normal_scores(counts, places, country)
    leading = scores @ np.linalg.eigh(scores.T @ scores)[1][:, -_LEADING:]
    leading /= np.maximum(leading.std(axis=0), 1e-9)
    for number, item in enumerate(items):
        if item.nominal and len(item.codes) > 2:
            members = [raw[:, number] == code for code in item.codes]
            sizes = np.array([member.sum() for member in members])
            nothing = np.zeros(leading.shape[1])
            means = np.array([leading[m].mean(axis=0) if m.sum() >= FEWEST else nothing for m in members])
            line = np.linalg.svd(means * np.sqrt(sizes)[:, None])[2][0]
            order = np.argsort(means @ line, kind="stable")
            found[number] = replace(item, codes=tuple(item.codes[at] for at in order))
    return found


def _births(answers: Answers, survey: Survey) -> dict[str, Any]:
    """Fields of the twin for the birth countries of people, and of parents, born abroad."""
    table, country, countries = answers.table, answers.country, answers.countries
    abroad_of = {one.columns[0]: one.abroad for one in survey.demographics if one.abroad is not None}
    no_country = {
        one.columns[0]: [*survey.missing, *(one.missing or {}), *(one.left_out or {})] for one in survey.demographics
    }
    born = [(name, *abroad) for name, abroad in abroad_of.items() if {name, abroad[0]} <= set(table.columns)]
    where = np.zeros((len(born), len(table)), np.int64)
    for row, (column, by, abroad) in enumerate(born):
        codes = table[column].fill_null(survey.blank).to_numpy()
        says = table[by].fill_null(survey.blank).to_numpy()
        named = (codes > 0) & ~np.isin(codes, no_country[column]) & (codes != countries[country])
        where[row] = np.where((says == abroad) & named, codes, 0)
    found = np.unique(where[where > 0])
    counts = np.zeros((len(countries) + 1, len(born), len(found)), np.int64)
    for place, code in enumerate(found):
        for row in range(len(born)):
            counts[:-1, row, place] = np.bincount(country[where[row] == code], minlength=len(countries))
    counts[-1] = counts.sum(axis=0)
    counts[counts < FEWEST] = 0
    codes, counts = found[counts.any(axis=(0, 1))], counts[:, :, counts.any(axis=(0, 1))]
    alike = np.zeros(len(born), np.uint16)
    for row in range(1, len(born)):
        both = (where[row] > 0) & (where[row - 1] > 0)
        if both.sum() >= FEWEST:
            alike[row] = round(SHARE * float((where[row] == where[row - 1])[both].mean()))
    return {
        "born": np.array([(column, by) for column, by, _ in born], str).reshape(-1, 2),
        "born_abroad": _one_or_each([abroad for _, _, abroad in born]),
        "born_codes": codes.astype(np.int32),
        "born_shares": np.rint(SHARE * counts / np.maximum(1, counts.sum(axis=2, keepdims=True))).astype(np.uint16),
        "born_alike": alike,
    }


def _one_or_each(codes: Sequence[int]) -> NDArray[np.int32]:
    """The code () where all are the same, else each of them."""
    return np.array(codes[0] if len(set(codes)) == 1 else codes, np.int32)


def main(arguments: Sequence[str]) -> int:
    """``DATA OUT.npz [SURVEY]``: fit a twin and save it."""
    if len(arguments) not in (2, 3):
        print("usage: python -m indievalue.synthetic.twin DATA OUT.npz [SURVEY]", file=sys.stderr)
        return 2
    try:
        table, survey = read_table(Path(arguments[0]), arguments[2] if len(arguments) == 3 else None)
        _fit(table, survey, arguments[0]).save(arguments[1])
    except IndievalueError as error:
        print(error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
