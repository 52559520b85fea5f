"""Files of Excel."""

import logging
from pathlib import Path

import fastexcel
import polars as pl

from indievalue.errors import IndievalueError
from indievalue.people.options import ReadOptions
from indievalue.people.wanted import Choose, refuse_repeated


def read_workbook(path: Path, choose: Choose, options: ReadOptions) -> pl.DataFrame:
    logging.getLogger("fastexcel").setLevel(logging.ERROR)  # it warns of every column that is empty
    book = fastexcel.read_excel(path)
    first = book.load_sheet(0, header_row=None, n_rows=1, dtypes="string").to_polars()
    if first.is_empty():
        raise IndievalueError(f"{path}: the first sheet is empty")
    refuse_repeated(path, [name for name in first.row(0) if name])
    sheet = book.load_sheet(0, schema_sample_rows=None)
    return sheet.to_polars().select(choose([column.name for column in sheet.selected_columns]).columns)
