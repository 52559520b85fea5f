"""Which columns identify a person, and which are the survey weight."""

import re
from collections.abc import Iterator, Sequence
from itertools import combinations

import polars as pl

from indievalue.survey.draft.metadata import Column
from indievalue.survey.draft.roles import Guess

_PART = re.compile(
    r"\b(wave|round|year|sample|cluster|psu|household|hogar|m[ée]nage|vague|oleada|ola|folio|questionnaire|country"
    r"|pa[íi]s|pays|serial)\b"
)
_PART_NAME = re.compile(r"^(wave|round|year|essround|psu|cluster|hhid|hh_?no|household\w*|folio|ea_?\w*|serial\w*)$")
"""Columns that, together with a number that starts over, tell people apart."""

_MOST_PARTS = 3

_MOST_TRIED = 8
"""Columns that are tried together with an id."""

_POPULATION = re.compile(
    r"\bpopulation( size)? weight|^pweight$|must be combined|poids? de population|peso poblacional"
)
_WITHIN = re.compile(r"^pspwght$|post-?stratification|postestratificaci[óo]n|redress")
_DESIGN = re.compile(r"^dweight$|\bdesign weight")

_PREFERRED = ("anweight", "pspwght", "combinwt", "withinwt_hh", "final", "weight", "wtss")


def person_of(guesses: Sequence[Guess], cells: pl.DataFrame) -> tuple[tuple[str, ...], str]:
    """(columns that identify a person, what to check of them); no columns where none do."""
    ids = [guess.column for guess in guesses if guess.role == "id"]
    if not ids:
        return (), "no column of ids was found: people are numbered by their rows"
    countries = [guess.column.name for guess in guesses if guess.role == "country"]
    unique = [column.name for column in ids if _tells_apart([column.name], cells)]
    if unique:
        alone = unique[0]
        one_country = [name for name in countries if cells[name].drop_nulls().n_unique() == 1]
        return ((one_country[0], alone), "") if one_country else ((alone,), "")
    parts = sorted((guess.column for guess in guesses if _is_part(guess.column)), key=lambda one: not _is_named(one))
    others = list(dict.fromkeys([*countries, *(column.name for column in parts)]))[:_MOST_TRIED]
    for together in _candidates([column.name for column in ids[:_MOST_PARTS]], others):
        if _tells_apart(together, cells):
            return tuple(together), ""
    twice = ids[0].name
    return (), f"{twice} repeats, and no other column tells people of one {twice} apart: people are numbered by rows"


def _is_part(column: Column) -> bool:
    said = _is_named(column) or _PART.search(column.label.casefold()) is not None
    return said and column.filled > 0 and column.holds != "fractions"


def _is_named(column: Column) -> bool:
    return _PART_NAME.search(column.name.casefold()) is not None


def _candidates(ids: Sequence[str], others: Sequence[str]) -> Iterator[list[str]]:
    """Ids with ever more columns before them."""
    for number in range(1, _MOST_PARTS):
        for more in combinations(others, number):
            for one in ids:
                if one not in more:
                    yield [*more, one]
    if len(ids) > 1:
        yield list(ids[:_MOST_PARTS])


def _tells_apart(columns: Sequence[str], cells: pl.DataFrame) -> bool:
    held = cells.select(columns).drop_nulls()
    return len(held) > 1 and held.n_unique() == len(held)


def weight_of(guesses: Sequence[Guess]) -> tuple[tuple[str, ...], str]:
    """(columns whose product is the weight, what to check of them); no columns where there is none."""
    columns = [guess.column for guess in guesses if guess.role == "weight"]
    population = next((column for column in columns if _said(_POPULATION, column)), None)
    for part in (_WITHIN, _DESIGN):
        within = next((one for one in columns if one is not population and _said(part, one) and one.distinct > 1), None)
        if population is not None and within is not None:
            return (within.name, population.name), ""
    weights = [column for column in columns if column.distinct > 1]
    if not weights:
        return (), ""

    def rank(column: Column) -> int:
        name = column.name.casefold()
        return next((place for place, start in enumerate(_PREFERRED) if start in name), len(_PREFERRED))

    best = min(weights, key=rank)
    others = [column.name for column in weights if column is not best]
    return (best.name,), f"the file also has {', '.join(others)}" if others else ""


def _said(pattern: re.Pattern[str], column: Column) -> bool:
    return any(pattern.search(text.casefold()) for text in (column.name, column.label))
