"""What a context shows of people besides their statements: demographics, the year, and facts about their country."""

from collections.abc import Iterator, Mapping
from contextlib import suppress

import polars as pl

from indievalue.benchmark.country_facts import FACTS, fact_statements, facts_table
from indievalue.context import Blocks, UnusableBlockError
from indievalue.people.people import People
from indievalue.survey.model import Demographic
from indievalue.survey.survey import Survey

YEAR = "year"


def shown_demographics(people: People, blocks: Blocks) -> pl.DataFrame | None:
    """Return the demographics that are shown, in the survey's order; None if there are none.

    Raises IndievalueError for the name of a demographic that the survey does not have, and UnusableBlockError if it
    names no demographic for the region.
    """
    names = named_demographics(people.survey, blocks)
    everything = blocks.demographics == ()
    shown = [name for name in people.demographics.columns if everything or name in names]
    return people.demographics.select(shown) if shown else None


def named_demographics(survey: Survey, blocks: Blocks) -> set[str]:
    """Return the names of the demographics that are shown. Raises as :func:`shown_demographics` does."""
    names = set(survey.demographic_names if blocks.demographics == () else blocks.demographics or ())
    for name in sorted(names):
        survey.demographic(name)
    if blocks.region:
        names.add(_region(survey))
    if blocks.year and survey.year_column is None and (year := _year_demographic(survey)):
        names.add(year)
    return names


def shown_facts(people: People, blocks: Blocks) -> pl.DataFrame | None:
    """Return the year of the interview and the facts about people's countries that are shown, one row a person.

    Columns are ``year`` and those of :data:`indievalue.benchmark.country_facts.FACTS`, of the blocks that the context
    has; a year that is one of the survey's demographics is among these instead. None if nothing is shown. Raises
    UnusableBlockError if the survey or the data have no year or no country.
    """
    columns: list[pl.Series] = []
    if blocks.year and _has_year_column(people):
        assert people.years is not None
        years = pl.Series(YEAR, people.years, dtype=pl.Int64)
        columns.append(years.set(years == 0, None))
    if blocks.country_facts:
        columns += _facts(people).get_columns()
    return pl.DataFrame(columns) if columns else None


def check_blocks(people: People, blocks: Blocks) -> None:
    """Raise if a block cannot be shown of these people, as :func:`shown_demographics` and :func:`shown_facts` do.

    Also raises UnusableBlockError if no fact about any of their countries is known.
    """
    shown_demographics(people, blocks)
    facts = shown_facts(people, blocks)
    if blocks.country_facts and facts is not None and not any(facts[fact].count() for fact in FACTS):
        countries = people.demographics[str(people.survey.country)].drop_nulls()
        example = f", such as {countries[0]!r}" if len(countries) else ""
        raise UnusableBlockError(
            f"the table of country-facts has none of the countries in {people.findings.source}{example}: leave out the "
            "block country-facts"
        )


def circumstance_statements(
    survey: Survey, labels: Mapping[str, str | None], facts: Mapping[str, object]
) -> Iterator[str]:
    """Yield what a person says of their groups (``labels``, by demographic), of the year and of their country.

    A group that the survey has no statement for is left out.
    """
    demographics: dict[str, Demographic] = {demographic.name: demographic for demographic in survey.demographics}
    for name, label in labels.items():
        if label is not None:
            with suppress(KeyError):
                yield demographics[name].statement(label)
    if (year := facts.get(YEAR)) is not None:
        yield f"I am answering these questions in {year}."
    yield from fact_statements(facts)


def _facts(people: People) -> pl.DataFrame:
    name = people.survey.country
    if name is None or name not in people.demographics.columns:
        raise UnusableBlockError(
            f"survey {people.survey.name} names no demographic for the country (`country` in survey.yaml), so facts "
            "about it cannot be shown: leave out the block country-facts"
        )
    return facts_table(people.demographics[name])


def _region(survey: Survey) -> str:
    name = survey.region or ("region" if "region" in survey.demographic_names else None)
    if name is None:
        raise UnusableBlockError(
            f"survey {survey.name} names no demographic for the region (`region` in survey.yaml): leave out the block "
            "region"
        )
    survey.demographic(name)
    return name


def _year_demographic(survey: Survey) -> str | None:
    """The demographic that is the year of the interview, if one is."""
    name = survey.year or YEAR
    return name if name in survey.demographic_names else None


def _has_year_column(people: People) -> bool:
    """Whether the year is in a column, not in a demographic. Raises UnusableBlockError if it is in neither."""
    survey = people.survey
    if survey.year_column is None and _year_demographic(survey):
        return False
    if people.years is None:
        why = (
            f"survey {survey.name} names no column or demographic for the year of the interview (`year` in survey.yaml)"
            if survey.year_column is None
            else f"{people.findings.source} has no column {survey.year_column} with the year of the interview"
        )
        raise UnusableBlockError(f"{why}: leave out the block year")
    return True
