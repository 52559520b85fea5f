"""Weights of people, so that a sample represents the populations of its countries."""

from collections.abc import Mapping

import numpy as np
import polars as pl
from numpy.typing import NDArray

from indievalue.choices import WEIGHTINGS, Weighting, Weights
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
        ("weight", (people["weight"].is_finite() & (people["weight"] >= 0)).fill_null(False)),
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
    weights = weight.fill_nan(0.0).to_numpy()  # of a country whose weights are all 0
    if not weights.any():
        raise IndievalueError("all survey weights are 0, so people cannot be weighted")
    return np.asarray(weights / weights.mean())


def named_weights(
    people: pl.DataFrame, survey: Survey, weights: Weights, unweighted: int = 0
) -> NDArray[np.float64] | None:
    """Return the weights of a run's ``people`` by name, None for ``none``; ``unweighted`` people lack a survey weight.

    Raises IndievalueError as :func:`person_weights` does, and if anybody lacks a survey weight.
    """
    if weights == "none":
        return None
    if unweighted:
        raise IndievalueError(
            f"{unweighted:,} people in the data have no survey weight, so {weights!r} weights are not possible; "
            "leave out --weights"
        )
    return person_weights(people, survey, weights)


def effective_size(weights: NDArray[np.float64]) -> float:
    """Return the effective number of people: (sum of weights)² / sum of squared weights (Kish 1965).

    A weighted mean over n people varies about as much as an unweighted one over this many; at most n, if all weights
    are equal.

    >>> effective_size(np.array([1.0, 1.0, 1.0, 0.0]))
    3.0
    """
    return float(weights.sum() ** 2 / (weights**2).sum())


def weighted_rows(predictions: pl.DataFrame, weights: Mapping[str, float] | None) -> pl.DataFrame:
    """Return ``predictions`` with a column ``weight``, that of each row's person, without those of weight 0.

    Without weights, each is 1. Raises IndievalueError if a weight is missing or negative, or all are 0.
    """
    if weights is None:
        return predictions.with_columns(weight=pl.lit(1.0))
    people = predictions["person"].unique().sort().to_list()
    lacking = [name for name in people if not 0 <= weights.get(name, np.nan) < np.inf]
    if lacking:
        raise IndievalueError(
            f"{len(lacking):,} of {len(people):,} people have no usable weight, such as {lacking[0]}; "
            "a weight is a number of 0 or more"
        )
    rows = predictions.with_columns(
        weight=pl.col("person").replace_strict(
            people, [float(weights[name]) for name in people], return_dtype=pl.Float64
        )
    ).filter(pl.col("weight") > 0)
    if rows.is_empty() and len(people):
        raise IndievalueError("all weights are 0, so there is nobody to score")
    return rows


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
