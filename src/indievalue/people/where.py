"""Which rows of a file a condition of a specification holds for, such as ``{ROUND: 8}``."""

from collections.abc import Iterable, Mapping

import polars as pl

from indievalue.survey.survey import Survey


def where_columns(survey: Survey) -> set[str]:
    """The columns that the conditions of the survey and of its questions look at."""
    conditions = [survey.where, *(question.where for question in survey.questions)]
    return {column for condition in conditions for column in condition or ()}


def rows_where(table: pl.DataFrame, condition: Mapping[str, Iterable[str]]) -> pl.Series:
    """Which rows hold one of the stated values in each of the columns, which are all there."""
    holds = pl.Series("where", [True]).new_from_index(0, len(table))
    for column, values in condition.items():
        text = table[column].cast(pl.String).str.strip_chars().str.to_lowercase().str.replace(r"^([+-]?\d+)\.0+$", "$1")
        holds &= text.is_in([value.casefold() for value in values]).fill_null(False)
    return holds
