"""Countries by their names in the data."""

from indievalue.errors import IndievalueError, did_you_mean
from indievalue.people.people import People
from indievalue.predictors.columns import FEWEST, frequent_groups

_NAMED = 12
"""Number of countries up to which an error lists them all."""


def countries_in(people: People) -> list[str]:
    """Return the countries with enough people for a model of their own, in alphabetical order.

    Raises IndievalueError if the survey has no country.
    """
    name = people.survey.country
    if name is None or name not in people.demographics.columns:
        raise IndievalueError(
            f"survey {people.survey.name} does not say which demographic is the country (`country:` in survey.yaml); "
            "leave the country out"
        )
    return frequent_groups(people.demographics.select(name))[name]


def country_named(people: People, name: str) -> str:
    """Return the country called ``name``, in lower or upper case, as the data has it.

    Raises IndievalueError if the survey has no country, or if none or too few of the people are from there.
    """
    known = countries_in(people)
    everywhere = people.demographics[str(people.survey.country)].drop_nulls()
    found: list[str] = [label for label in everywhere.unique().to_list() if label.casefold() == name.strip().casefold()]
    if not found:
        close = did_you_mean(name, known)
        listed = f"; there are {', '.join(known)}" if len(known) <= _NAMED or not close else ""
        raise IndievalueError(
            f"nobody in the data is from {name!r}{listed or f'; there are {len(known)} countries'}{close}"
        )
    if found[0] not in known:
        number = int((everywhere == found[0]).sum())
        raise IndievalueError(
            f"the data has {number} {'person' if number == 1 else 'people'} from {found[0]}, and what people of a "
            f"country answer is learned from {FEWEST} or more; leave the country out"
        )
    return found[0]
