"""Which cells of a file hold the missing answers that are filled, and which cells their new codes are copied from."""

from dataclasses import dataclass

import numpy as np
import polars as pl
from numpy.typing import NDArray

from indievalue.impute.missing import ToFill
from indievalue.people.decode import code_columns, present_columns, without_levels
from indievalue.people.read import Source
from indievalue.survey.codes import TAGS, code_text

NOWHERE = -1


@dataclass(frozen=True)
class Cells:
    """Where answers stand in a file.

    Attributes:
        names: columns of the file that hold questions. place: int32 (people × questions), which of them holds the
            missing answer that is filled; -1 where none is. codes: int64 (rows of the file,) of each of the columns.
    """

    names: list[str]
    place: NDArray[np.int32]
    codes: list[NDArray[np.int64]]

    def alike(self, place: NDArray[np.int32], rows: NDArray[np.int64], others: NDArray[np.int64]) -> NDArray[np.bool_]:
        """Whether the cells of ``rows`` in the columns ``place`` hold the same codes as those of ``others``."""
        same = np.zeros(len(rows), bool)
        for at in np.unique(place).tolist():
            here = place == at
            same[here] = self.codes[at][rows[here]] == self.codes[at][others[here]]
        return same

    def donors(self, place: int, wanted: NDArray[np.int64]) -> NDArray[np.int64]:
        """Return a row of the file for each of the ``wanted`` codes in a column, which holds all of them."""
        codes, first = np.unique(self.codes[place], return_index=True)
        return np.asarray(first[np.searchsorted(codes, wanted)])


_EMPTY = np.iinfo(np.int64).min


def find_cells(source: Source, fill: ToFill) -> Cells:
    """Find the cells that are filled.

    A cell is one only if it holds the missing code itself: where another question has its answer in the same column,
    it is left as it is.
    """
    people, survey = source.people, source.people.survey
    table = code_columns(without_levels(source.table), survey, people.findings.source)
    names = [name for name in source.table.columns if name in table.columns]
    places = {name: at for at, name in enumerate(names)}
    codes = [table[name].fill_null(_EMPTY).to_numpy() for name in names]
    rows = np.full(len(people), NOWHERE, np.int64)
    known = np.flatnonzero(source.person >= 0)
    rows[source.person[known][::-1]] = known[::-1]
    chosen = fill.cells(people)
    place = np.full(chosen.shape, NOWHERE, np.int32)
    for at, question in enumerate(survey.questions):
        wanted = people.codes[:, at].astype(np.int64)
        blank = survey.blank if question.blank is None else question.blank
        answers = np.unique(wanted)[np.isin(np.unique(wanted), [c for o in question.refined for c in o.codes])]
        for column in reversed(present_columns(question, source.table, survey)):
            held = codes[places[column]][rows]
            if not np.isin(answers, codes[places[column]]).all():
                continue  # an answer that is drawn could not be copied from it
            here = chosen[:, at] & ((held == wanted) | ((held == _EMPTY) & (wanted == blank)))
            place[here, at] = places[column]
    return Cells(names, place, codes)


def texts_of(table: pl.DataFrame, names: list[str]) -> list[pl.Series]:
    """The cells of columns as texts, whole numbers without a fraction; null where they are empty."""
    return [_texts(table[name]) for name in names]


def _texts(column: pl.Series) -> pl.Series:
    if column.dtype.is_float():
        column = column.fill_nan(None)
        if bool((column == column.round(0)).all()) and bool((column.abs() < 2**53).all()):
            column = column.cast(pl.Int64)
    tags = {code: code_text(code) for code in TAGS.values()}
    if column.dtype == pl.Int64 and column.is_in(list(tags)).any():
        return column.replace_strict(tags, default=column.cast(pl.String), return_dtype=pl.String)
    return column.cast(pl.String)
