"""Facts about countries, shipped as a table with sources (country_facts.yaml), and statements about them."""

from collections.abc import Iterator, Mapping
from functools import cache
from importlib.resources import files
from typing import Literal

import polars as pl
from pydantic import Field

from indievalue.parsing import read_mapping
from indievalue.strict import StrictModel
from indievalue.survey.gazetteer import numeric_code

NUMBERS = ("income", "population")
GROUPS = ("regime", "religion")
FACTS: dict[str, pl.DataType] = dict.fromkeys(NUMBERS, pl.Float64()) | dict.fromkeys(GROUPS, pl.String())
"""Facts: GDP per head in thousands of US dollars, millions of people, form of government, largest religious group."""

Religion = Literal[
    "Catholic", "Protestant", "Orthodox", "Christian", "Muslim", "Hindu", "Buddhist", "Shinto", "folk", "none"
]

_FOLLOWERS: dict[str, str] = {
    "Catholic": "Catholics",
    "Protestant": "Protestants",
    "Orthodox": "Orthodox Christians",
    "Christian": "Christians",
    "Muslim": "Muslims",
    "Hindu": "Hindus",
    "Buddhist": "Buddhists",
    "Shinto": "followers of Shinto",
    "folk": "followers of folk religions",
}
_LARGEST = {name: f"{people} are the largest religious group" for name, people in _FOLLOWERS.items()} | {
    "none": "people without a religion outnumber the followers of any religion"
}


class Source(StrictModel):
    """Where the values of a fact are from."""

    year: int
    source: str
    licence: str


class ValueSource(Source):
    """Where a single value is from that has a source of its own."""

    iso: str
    fact: str


class CountryFacts(StrictModel):
    """What is known of a country; ``code`` is its ISO 3166 numeric code, ``also`` are other names."""

    code: int = Field(ge=1, le=999)
    iso: str = Field(pattern="^[A-Z]{3}$")
    name: str
    also: tuple[str, ...] = ()
    income: float | None = Field(default=None, gt=0)
    population: float | None = Field(default=None, gt=0)
    regime: str | None = None
    religion: Religion | None = None


@cache
def country_facts() -> tuple[CountryFacts, ...]:
    """Return the shipped facts, one item a country."""
    return tuple(CountryFacts.model_validate(item) for item in _content()["countries"])


def fact_sources() -> dict[str, Source]:
    """Return the source of each fact; values with another one are in :func:`other_sources`."""
    return {fact: Source.model_validate(of) for fact, of in _content()["sources"].items() if fact in FACTS}


def other_sources() -> tuple[ValueSource, ...]:
    """Return the sources of single values that are not from the source of their fact."""
    return tuple(ValueSource.model_validate(item) for item in _content()["sources"]["exceptions"])


def facts_about(country: str | None) -> CountryFacts | None:
    """Return the facts about a country by its name or ISO code of two or three letters; None if it is not listed.

    >>> facts_about("New Zealand").religion
    'none'
    """
    if country is None:
        return None
    by_name, by_code = _index()
    return by_name.get(country.strip().casefold()) or by_code.get(numeric_code(country.strip()) or 0)


def fact_statements(facts: Mapping[str, object]) -> Iterator[str]:
    """Yield what a person says of their country, by its :data:`FACTS`; those that are None are left out.

    >>> list(fact_statements({"population": 4.9, "religion": "none"}))[0]
    'I live in a country of about 4.9 million people.'
    """
    if (income := facts.get("income")) is not None:
        dollars = f"{1000 * float(str(income)):,.0f}"
        yield f"I live in a country with a gross domestic product of about {dollars} US dollars per person a year."
    if (population := facts.get("population")) is not None:
        millions = float(str(population))
        people = f"{millions:g} million" if millions >= 1 else f"{1_000_000 * millions:,.0f}"
        yield f"I live in a country of about {people} people."
    if (regime := facts.get("regime")) is not None:
        yield f"I live in a country that is {_with_article(str(regime))}."
    if (religion := facts.get("religion")) is not None:
        yield f"I live in a country where {_LARGEST[str(religion)]}."


def facts_table(countries: pl.Series) -> pl.DataFrame:
    """Return the :data:`FACTS` about each country in a column of names, null where a fact is not known."""
    known = {name: facts_about(name) for name in countries.drop_nulls().unique().to_list()}
    return pl.DataFrame(
        {
            fact: countries.replace_strict(
                {name: getattr(found, fact) for name, found in known.items() if found is not None},
                default=None,
                return_dtype=kind,
            )
            if any(known.values())
            else pl.Series([None] * len(countries), dtype=kind)
            for fact, kind in FACTS.items()
        }
    )


@cache
def _content() -> dict[str, dict[str, dict[str, object]]]:
    file = files(__package__) / "country_facts.yaml"
    content: dict[str, dict[str, dict[str, object]]] = read_mapping(file, "a table of countries", "sources, countries")
    return content


@cache
def _index() -> tuple[dict[str, CountryFacts], dict[int, CountryFacts]]:
    every = country_facts()
    names = {name.casefold(): one for one in every for name in (one.name, *one.also)}
    return names, {one.code: one for one in every}


def _with_article(words: str) -> str:
    return f"{'an' if words[0] in 'aeio' else 'a'} {words}"
