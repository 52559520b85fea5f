"""What a survey's rounds have in other columns: the weight and the year of the interview."""

import numpy as np
import polars as pl
from numpy.typing import NDArray

from indievalue.errors import IndievalueError
from indievalue.people.numbers import weights_of
from indievalue.survey.survey import Survey

YEARS = 1900, 2100
"""Years that an interview can be of; any other number stands for a missing one."""


def round_of(survey: Survey, table: pl.DataFrame) -> str | None:
    """The first round whose telltale columns are all there."""
    rounds = (survey.rounds or {}).items()
    return next((name for name, columns in rounds if set(columns) <= set(table.columns)), None)


def years_of_interviews(people: pl.DataFrame, survey: Survey) -> NDArray[np.int16] | None:
    """The year of each interview, 0 where the cell holds none; None where the file has no column for it."""
    if survey.year_column is None or survey.year_column not in people.columns:
        return None
    years = people[survey.year_column].cast(pl.Float64, strict=False)
    return years.set(~years.is_between(*YEARS).fill_null(False), 0).fill_nan(0).cast(pl.Int16).to_numpy()


def weights_in(table: pl.DataFrame, survey: Survey, source: str) -> tuple[NDArray[np.float64], pl.Series | None]:
    """(weights, whose are absent and were given 1); None for all of them."""
    expected = survey.weight_in(round_of(survey, table))
    present = [column for column in expected if column in table.columns]
    if not present:
        return np.ones(len(table)), None
    if absent := [column for column in expected if column not in present]:
        raise IndievalueError(
            f"{source} has {present[0]} and no column {absent[0]}, and the weight of survey {survey.name} is their "
            "product: add it to the file, or state another `weight` in survey.yaml"
        )
    weights, lacking = weights_of(table[present[0]], source)
    for column in present[1:]:
        factor, without = weights_of(table[column], source)
        weights, lacking = weights * factor, lacking | without
    return np.where(lacking.to_numpy(), 1.0, weights), lacking
