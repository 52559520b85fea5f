"""Completed files of columns: Parquet as it is; and what other formats hold, as Parquet or CSV."""

from pathlib import Path

import numpy as np
import polars as pl

from indievalue.impute.copies import Copies
from indievalue.people.options import ReadOptions
from indievalue.people.tables import read_columns
from indievalue.people.wanted import Wanted
from indievalue.survey.codes import TAGS

_WHOLE = 2**53
"""Whole numbers below this are stored exactly as floating-point ones."""


def complete_parquet(source: Path, target: Path, copies: Copies) -> None:
    """Write a Parquet file to ``target`` with ``copies`` made: columns, their types and the file's notes stay."""
    with source.open("rb") as file:
        table = pl.read_parquet(file)
        file.seek(0)
        notes = {key: value for key, value in pl.read_parquet_metadata(file).items() if key != "ARROW:schema"}
    _with_copies(table, copies).write_parquet(target, metadata=notes)


def complete_converted(source: Path, target: Path, kind: str, copies: Copies, options: ReadOptions) -> None:
    """Write a file of any format to ``target`` as Parquet or CSV (``kind``) with ``copies`` made.

    Whole numbers that the format stores as fractions are written as whole numbers, and Stata's ``.a`` to ``.z`` as
    empty cells.
    """

    def everything(columns: list[str]) -> Wanted:
        return Wanted(columns, [])

    table = _with_copies(read_columns(source, everything, options), copies)
    table = table.with_columns(_whole(column) for column in table.get_columns() if column.dtype.is_float())
    if kind == ".parquet":
        table.write_parquet(target)
    else:
        table.write_csv(target)


def _with_copies(table: pl.DataFrame, copies: Copies) -> pl.DataFrame:
    changed = []
    for at in np.unique(copies.columns).tolist():
        here = copies.columns == at
        rows = np.arange(len(table))
        rows[copies.rows[here]] = copies.sources[here]
        changed.append(table.to_series(at).gather(rows))
    return table.with_columns(changed)


def _whole(column: pl.Series) -> pl.Series:
    """The column as whole numbers, where it has no others, and without tags of missing values."""
    column = column.fill_nan(None)
    column = column.set(column.is_in([float(tag) for tag in TAGS.values()]).fill_null(False), None)
    if column.null_count() == len(column) or bool(((column != column.round(0)) | (column.abs() >= _WHOLE)).any()):
        return column
    return column.cast(pl.Int64)
