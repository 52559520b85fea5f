"""Weights of people, so that a sample represents the populations of its countries."""

import numpy as np
import polars as pl
from numpy.typing import NDArray

from indievalue.choices import WEIGHTINGS, Weighting
from indievalue.errors import IndievalueError
from indievalue.survey.gazetteer import population
from indievalue.survey.survey import Survey


def person_weights(people: pl.DataFrame, survey: Survey, weighting: Weighting) -> NDArray[np.float64]:
    """Return weights (people,) with a mean of 1: survey weights, rescaled within each country.

    The weights of a country add up to the same total for every country (``equal``), or to a total proportional to its
    ``population``. ``people`` has the columns ``person``, ``weight`` and the survey's country demographic. Raises
    IndievalueError if the survey has no countries, a person's weight or country is missing, or a population is unknown.
    """
    if weighting not in WEIGHTINGS:
        raise IndievalueError(f"there are no {weighting!r} weights; choose {' or '.join(WEIGHTINGS)}")
    country = survey.country
    if country is None or country not in people.columns:
        raise IndievalueError(f"survey {survey.name} has no countries, so its people cannot be weighted by country")
    for column, usable in (
        ("weight", (people["weight"].is_finite() & (people["weight"] > 0)).fill_null(False)),
        (country, people[country].is_not_null()),
    ):
        if not usable.all():
            first = people.filter(~usable)["person"][0]
            raise IndievalueError(
                f"{int((~usable).sum()):,} of {len(people):,} people have no usable {column}, such as {first}; "
                "without it they cannot be weighted"
            )
    totals = people.group_by(country).agg(pl.col("weight").sum().alias("total"))
    if weighting == "equal":
        sizes = dict.fromkeys(totals[country], 1.0)
    else:
        sizes = {label: float(_population(survey, label)) for label in totals[country]}
    weight = people.select(
        pl.col("weight")
        / pl.col("weight").sum().over(country)
        * pl.col(country).replace_strict(sizes, return_dtype=pl.Float64)
    ).to_series()
    weights = weight.to_numpy()
    return np.asarray(weights / weights.mean())


def _population(survey: Survey, label: str) -> int:
    """Look up a population by the country's ISO code if the survey has one, else by its name."""
    codes = [
        code
        for group in survey.demographic(str(survey.country)).groups
        if group.label == label
        for listed in group.codes.values()
        for code in listed
    ]
    known = next(filter(None, map(population, [*codes, label])), None)
    if known is None:
        raise IndievalueError(f"the population of {label} is not known here; weight countries equally, or leave it out")
    return known
