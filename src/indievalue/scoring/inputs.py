"""Check the tables that are passed to the scoring functions."""

from collections.abc import Mapping

import polars as pl

from indievalue.errors import IndievalueError
from indievalue.people.catalog import people_table
from indievalue.people.people import People
from indievalue.survey.survey import Survey

ANSWERED = ("person", "choice", "answer")
"""Columns of predictions that every score reads."""


def predictions_table(predictions: object, function: str, *columns: str) -> pl.DataFrame:
    """Return ``predictions`` if it is a table with :data:`ANSWERED` and ``columns``.

    Raises IndievalueError otherwise; the message names the ``function`` that was called.
    """
    if not isinstance(predictions, pl.DataFrame):
        has_them = isinstance(getattr(predictions, "predictions", None), pl.DataFrame)
        raise IndievalueError(
            f"{function}: predictions must be a polars DataFrame, such as run.predictions, not {_kind(predictions)}"
            f"{'; pass its attribute predictions' if has_them else ''}"
        )
    _check_columns(predictions, function, "predictions", (*columns, *ANSWERED))
    return predictions


def demographics_table(people: object, function: str) -> pl.DataFrame:
    """Return a table of ``people`` with a column ``person`` and one column per demographic.

    A People object is converted, a table is returned as it is. Raises IndievalueError for anything else; the message
    names the ``function`` that was called.
    """
    if isinstance(people, People):
        return people_table(people)
    if not isinstance(people, pl.DataFrame):
        has_them = isinstance(getattr(people, "people", None), pl.DataFrame | People)
        raise IndievalueError(
            f"{function}: people must be a People or a polars DataFrame with a column 'person' and one per "
            f"demographic, such as run.people, not {_kind(people)}{'; pass its attribute people' if has_them else ''}"
        )
    _check_columns(people, function, "people", ("person",))
    return people


def check_scales(scales: object, function: str) -> None:
    """Raise IndievalueError unless ``scales`` is a mapping from questions to scales."""
    if not isinstance(scales, Mapping):
        raise IndievalueError(
            f"{function}: scales must map each question to (whether its options are ordered, number of options), as "
            f"option_scales(predictions, survey) returns, not {_kind(scales)}"
        )


def check_survey(survey: object, function: str) -> None:
    """Raise IndievalueError unless ``survey`` is a Survey or None."""
    if survey is not None and not isinstance(survey, Survey):
        raise IndievalueError(
            f"{function}: survey must be a Survey, such as load_survey('wvs7') returns, not {_kind(survey)}"
        )


def _check_columns(table: pl.DataFrame, function: str, name: str, columns: tuple[str, ...]) -> None:
    missing = [column for column in dict.fromkeys(columns) if column not in table.columns]
    if missing:
        raise IndievalueError(
            f"{function}: {name} must have the column{'s' if len(missing) > 1 else ''} {', '.join(missing)}; "
            f"this table has {', '.join(table.columns) or 'no columns'}"
        )


def _kind(value: object) -> str:
    """Name the type of a value, with its module unless that is obvious."""
    kind = type(value)
    module = kind.__module__
    return kind.__name__ if module.split(".")[0] in ("builtins", "indievalue") else f"{module}.{kind.__name__}"
