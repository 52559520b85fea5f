"""Fits the statistical twin of a survey's real answers that synthetic people are drawn from.

``python -m indievalue.synthetic.twin DATA OUT.npz`` refits it. What is kept is

- of each country: the share of every code; which items were not put; how often each item stays unanswered and as which
  missing code; how reluctance to answer is spread over people (a Rasch model whose distribution is free);
- of each continent: the loadings of every item on common factors, by iterated principal factors of the polychoric
  correlations within countries, which differences between countries, carried by the shares, come on top of.

No row and no person is in it, and nothing that fewer than ``FEWEST`` people share. A code that fewer people of a
country gave has no share of its own there: a question's such codes are pooled, the pool is split as the whole file
splits it, and a pool of fewer than 20 people counts as at most 10; a demographic's such codes are dropped, as are
countries of birth and of residence. Missing codes that fewer have on an item are split as in the country at large,
items that fewer left unanswered have one common rate, and degrees of reluctance of fewer people join the next one.
Correlations of fewer than 100 people are the whole file's. All shares are rounded to 1/10,000, loadings to 1/128.
"""

import sys
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from indievalue.choices import FORMS
from indievalue.errors import IndievalueError
from indievalue.people.decode import needed_columns
from indievalue.people.numbers import integer_codes
from indievalue.people.tables import read_columns
from indievalue.people.wanted import Wanted
from indievalue.survey.gazetteer import look_up
from indievalue.survey.load import load_survey
from indievalue.survey.model import Demographic, Question
from indievalue.survey.survey import Survey
from indievalue.synthetic.copula import Counts, factor_loadings, normal_scores
from indievalue.synthetic.generate import FEWEST, SHARE, Twin
from indievalue.synthetic.nonresponse import missing_fields

BORN = {"Q266": "Q263", "Q267": "Q264", "Q268": "Q265"}
"""Columns of a country of birth → the column that says whether it is another than the country of residence."""
BORN_ABROAD = 2
NOT_APPLICABLE = -3
"""A missing code of questions, and an answer to demographics: who has no partner has no partner's job."""


@dataclass(frozen=True)
class _Item:
    """A data column: its codes along the latent scale, whether that order has still to be found, and what it is of."""

    column: str
    codes: tuple[int, ...]
    nominal: bool
    is_question: bool


def fit_twin(data: pl.DataFrame | str | Path, survey: Survey) -> Twin:
    """The twin of the people in a data file, or in the raw columns of one.

    Raises IndievalueError where the file cannot be read, has no column of the country, or no country of 20 people.
    """
    table = data if isinstance(data, pl.DataFrame) else _read(Path(data), survey)
    column = survey.demographic(survey.country or "country").columns[0]
    if column not in table.columns:
        raise IndievalueError(f"a twin is fitted by country, and the data has no column {column}")
    residence = integer_codes(table[column], "the data").fill_null(survey.blank).to_numpy()
    found, people = np.unique(residence, return_counts=True)
    countries = found[(people >= FEWEST) & (found > 0)]
    if not len(countries):
        raise IndievalueError(f"the data has no country of at least {FEWEST} people to fit a twin on")
    kept = np.isin(residence, countries)
    table, country = table.filter(pl.Series(kept)), np.searchsorted(countries, residence[kept])
    continent = np.unique([_continent(survey, int(code)) for code in countries], return_inverse=True)[1]

    items, raw = _columns(table, survey, column)
    items = _order_nominal(items, raw, country)
    places = _places(items, raw)
    counts = [_count(places[:, number], len(item.codes), country) for number, item in enumerate(items)]
    shares = [_shares(one, item.is_question) for one, item in zip(counts, items, strict=True)]
    asked = np.array([one.any(axis=1) for one in shares]).T
    return Twin(
        items=np.array([item.column for item in items]),
        codes=np.concatenate([item.codes for item in items]).astype(np.int32),
        starts=np.cumsum([0, *(len(item.codes) for item in items)]).astype(np.int32),
        countries=countries.astype(np.int32),
        continents=continent.astype(np.int8),
        people=np.bincount(country).astype(np.int32),
        country_column=np.array(column),
        shares=np.concatenate(shares, axis=1),
        loadings=factor_loadings(counts, places, country, continent),
        **missing_fields(raw, places, asked, np.array([item.is_question for item in items]), country, survey),
        **_births(table, country, countries, survey),
    )


def _read(path: Path, survey: Survey) -> pl.DataFrame:
    needed = needed_columns(survey)

    def choose(columns: list[str]) -> Wanted:
        wanted = [name for name in columns if name in needed]
        return Wanted(wanted or columns[:1], [name for name in wanted if name in survey.person])

    return read_columns(path, choose)


def _continent(survey: Survey, code: int) -> str:
    if survey.sampling.continent is None:
        return ""
    demographic = survey.demographic(survey.sampling.continent)
    for group in demographic.groups:
        if code in group.codes.get(demographic.columns[0], ()):
            return group.label
    return look_up(code, "continent") or ""


def _columns(table: pl.DataFrame, survey: Survey, residence: str) -> tuple[list[_Item], NDArray[np.int32]]:
    """The items that the table has, and their raw codes (people × items), unknown ones as blank."""
    found: list[tuple[_Item, pl.Series]] = []
    for question in survey.questions:
        if question.id in table.columns:
            item = _Item(question.id, _question_codes(question), not question.ordered, True)
            found.append((item, integer_codes(table[question.id], "the data")))
    for demographic in survey.demographics:
        if demographic.columns[0] == residence or not set(demographic.columns) & set(table.columns):
            continue
        codes = _demographic_codes(table, demographic)
        known = {code for group in demographic.groups for code in group.codes.get(demographic.columns[0], ())}
        people = Counter(codes.to_list())
        if demographic.otherwise is not None:
            known |= {code for code in people if code and look_up(code, demographic.otherwise)}
        met = tuple(sorted(code for code in known | {NOT_APPLICABLE} if people[code] >= FEWEST))
        if demographic.columns[0] in BORN:
            # Whether it was answered is an item like others; which country it is, is drawn by _fill_births.
            codes, met = codes.set((codes > 0).fill_null(False), 0), (0,)
        found.append((_Item(demographic.columns[0], met, True, False), codes))
    raw = np.empty((len(table), len(found)), np.int32, order="F")
    for number, (item, codes) in enumerate(found):
        strange = ~codes.is_in([*item.codes, *survey.missing])
        raw[:, number] = codes.set(strange.fill_null(True), survey.blank).to_numpy()
    return [item for item, _ in found], raw


def _question_codes(question: Question) -> tuple[int, ...]:
    place = {code: number for number, option in enumerate(question.refined) for code in option.codes}
    known = {code for form in FORMS for option in question.options(form) for code in option.codes}
    return tuple(sorted(known | set(question.left_out or ()), key=lambda code: (place.get(code, len(place)), code)))


def _demographic_codes(table: pl.DataFrame, demographic: Demographic) -> pl.Series:
    """Codes in the demographic's first column; where it is missing, the code there of the group that another tells."""
    first = demographic.columns[0]
    codes = pl.Series(first, [None] * len(table), pl.Int64)
    if first in table.columns:
        codes = integer_codes(table[first], "the data")
    for column in demographic.columns[1:]:
        if column in table.columns and column != first:
            same = {code: g.codes[first][0] for g in demographic.groups for code in g.codes.get(column, ())}
            told = integer_codes(table[column], "the data").replace_strict(same, default=None, return_dtype=pl.Int64)
            fill = (codes.is_null() | (codes < 0)) & told.is_not_null()
            codes = pl.select(pl.when(fill).then(told).otherwise(codes)).to_series()
    return codes


def _places(items: Sequence[_Item], raw: NDArray[np.int32]) -> NDArray[np.int16]:
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


def _order_nominal(items: list[_Item], raw: NDArray[np.int32], country: NDArray[np.int64]) -> list[_Item]:
    """Put the codes of nominal items in the order of their people's means along the line that tells them apart best.

    The line is through the eight leading principal components of the ordered items, within countries.
    """
    ordered = [number for number, item in enumerate(items) if not item.nominal]
    places = _places([items[number] for number in ordered], raw[:, ordered])
    counts = [_count(places[:, at], len(items[number].codes), country) for at, number in enumerate(ordered)]
    scores, _ = normal_scores(counts, places, country)
    leading = scores @ np.linalg.eigh(scores.T @ scores)[1][:, -8:]
    leading /= leading.std(axis=0)
    found = list(items)
    for number, item in enumerate(items):
        if item.nominal and len(item.codes) > 2:
            members = [raw[:, number] == code for code in item.codes]
            sizes = np.array([member.sum() for member in members])
            means = np.array([leading[m].mean(axis=0) if m.sum() >= FEWEST else np.zeros(8) for m in members])
            line = np.linalg.svd(means * np.sqrt(sizes)[:, None])[2][0]
            order = np.argsort(means @ line, kind="stable")
            found[number] = replace(item, codes=tuple(item.codes[at] for at in order))
    return found


def _births(
    table: pl.DataFrame, country: NDArray[np.int64], countries: NDArray[np.int64], survey: Survey
) -> dict[str, Any]:
    """Fields of the twin for the birth countries of people, and of parents, born abroad."""
    born = [(column, abroad) for column, abroad in BORN.items() if {column, abroad} <= set(table.columns)]
    where = np.zeros((len(born), len(table)), np.int64)
    for row, (column, abroad) in enumerate(born):
        codes = integer_codes(table[column], "the data").fill_null(survey.blank).to_numpy()
        told = integer_codes(table[abroad], "the data").fill_null(survey.blank).to_numpy()
        where[row] = np.where((told == BORN_ABROAD) & (codes > 0) & (codes != countries[country]), codes, 0)
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
        "born": np.array(born, str).reshape(-1, 2),
        "born_abroad": np.array(BORN_ABROAD, np.int32),
        "born_codes": codes.astype(np.int32),
        "born_shares": np.rint(SHARE * counts / np.maximum(1, counts.sum(axis=2, keepdims=True))).astype(np.uint16),
        "born_alike": alike,
    }


def main(arguments: Sequence[str]) -> int:
    """``DATA OUT.npz [SURVEY]``: fit a twin and save it."""
    if len(arguments) not in (2, 3):
        print("usage: python -m indievalue.synthetic.twin DATA OUT.npz [SURVEY]", file=sys.stderr)
        return 2
    try:
        fit_twin(arguments[0], load_survey(arguments[2] if len(arguments) == 3 else "wvs7")).save(arguments[1])
    except IndievalueError as error:
        print(error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
