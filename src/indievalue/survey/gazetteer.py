"""Country names and continents by ISO 3166 numeric code, for codes that a survey spec does not list; populations."""

import re
from functools import cache
from typing import Literal

from countryinfo import CountryInfo
from countryinfo.exceptions import CountryNotFoundError

_AMERICAS = {"South America": "South America", "Central America": "North America", "Caribbean": "North America"}


_TAKES_ARTICLE = re.compile(
    r"^(United|Democratic|Central African|Dominican)\b|Republic$|Islands?$|^Republic of"
    r"|^(Bahamas|Comoros|Gambia|Maldives|Netherlands|Philippines|Seychelles|Vatican City)$"
)


@cache
def look_up(code: int, what: Literal["country", "continent"]) -> str | None:
    """Name or continent of the country with that code; None where there is none.

    The Americas are told apart as in the reference's mapping: Central America and the Caribbean are North America.
    """
    if not 0 < code < 1000:
        return None
    try:
        country = CountryInfo(f"{code:03d}")
        if what == "country":
            return str(country.name())
        about = dict(country.info())
    except CountryNotFoundError:
        return None
    region = about.get("region")
    if region == "Americas":
        return _AMERICAS.get(str(about.get("intermediateregion")), "North America")
    return str(region) if region else None


@cache
def numeric_code(text: str) -> int | None:
    """The ISO 3166 numeric code of a country by its code of two or three letters; None for any other text."""
    if not (text.isascii() and text.isalpha() and len(text) in (2, 3)):
        return None
    try:
        number = CountryInfo(text.upper()).iso().get("numeric")
    except CountryNotFoundError:
        return None
    return int(number) if number else None


@cache
def population(country: int | str) -> int | None:
    """People of the country with that ISO 3166 numeric code or name, mostly of 2014; None where it is not known."""
    try:
        number = CountryInfo(f"{country:03d}" if isinstance(country, int) else country).population()
    except CountryNotFoundError:
        return None
    return int(number) if number else None


def in_a_sentence(country: str) -> str:
    """The country's name as it stands in a sentence, with the article where English has one."""
    return f"the {country}" if _TAKES_ARTICLE.search(country) else country
