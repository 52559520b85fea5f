"""Files of spreadsheets."""

import logging
import re
import zipfile
from pathlib import Path

import fastexcel
import polars as pl

from indievalue.errors import IndievalueError
from indievalue.people.compound import check_compound
from indievalue.people.options import ReadOptions
from indievalue.people.unpack import check_archive
from indievalue.people.wanted import Choose, header_among, refuse_repeated

WORKBOOKS = (".xlsx", ".xls", ".ods")
"""Endings of the files that :func:`read_workbook` reads."""

_ROWS = 20
"""Rows at the top of a sheet among which the header is found."""

_LARGEST = 20_000_000
"""Cells from the first to the last of a sheet that any file may span."""

_EXACT = 10**15
"""Excel keeps 15 digits of a number."""


def read_workbook(path: Path, choose: Choose, options: ReadOptions) -> pl.DataFrame:
    """Read the columns that ``choose`` picks from one sheet, the first unless ``options`` name another.

    Raises IndievalueError where there is no such sheet, it is empty, spans far more cells than it holds, or an id is a
    number of more digits than a spreadsheet keeps.
    """
    logging.getLogger("fastexcel").setLevel(logging.ERROR)  # it warns of every column that is empty
    if zipfile.is_zipfile(path):
        check_archive(path)
        _check_extent(path)
    else:
        check_compound(path)
    book = fastexcel.read_excel(path)
    name = _sheet(path, book.sheet_names, options.sheet)
    top = book.load_sheet(name, header_row=None, n_rows=max(_ROWS, options.header_row or 0), dtypes="string")
    rows = [["" if cell is None else str(cell) for cell in row] for row in top.to_polars().rows()]
    if not any(cell for row in rows for cell in row):
        raise IndievalueError(f"{path}: the sheet {name} is empty")
    header = options.header_row or header_among(rows) or 1
    if header > len(rows):
        raise IndievalueError(f"{path}: the sheet {name} has {len(rows)} rows, and no row {header}")
    refuse_repeated(path, [cell for cell in rows[header - 1] if cell])
    sheet = book.load_sheet(name, header_row=header - 1, schema_sample_rows=None)
    wanted = choose([column.name for column in sheet.selected_columns])
    table = sheet.to_polars().select(wanted.columns)
    for column in wanted.names:
        cells = table[column]
        if cells.dtype.is_numeric() and (cells.abs() >= _EXACT).any():
            raise IndievalueError(
                f"{path}: column {column} holds {cells.filter(cells.abs() >= _EXACT)[0]!r}, of which Excel keeps 15 "
                "digits: write the ids as text before they come to Excel"
            )
    texts = [name for name, dtype in table.schema.items() if dtype == pl.String]
    return table.with_columns(pl.col(name).replace(dict.fromkeys(wanted.empty(name))) for name in texts)


def _sheet(path: Path, names: list[str], wanted: str | int | None) -> str:
    if wanted is None:
        return names[0]
    if str(wanted) in names:
        return str(wanted)
    if str(wanted).isdecimal() and 0 < int(wanted) <= len(names):
        return names[int(wanted) - 1]
    raise IndievalueError(f"{path} has no sheet {wanted!r}; it has {', '.join(names)}")


def _check_extent(path: Path) -> None:
    """Raise IndievalueError where a sheet spans far more cells than it holds: the reader makes room for all of them.

    Raises BadZipFile where a sheet or the table of its texts is damaged.
    """
    with zipfile.ZipFile(path) as archive:
        for item in archive.namelist():
            if not re.fullmatch(r"xl/(worksheets/[^/]+|sharedStrings)\.xml|content\.xml", item):
                continue
            content = archive.read(item)  # which checks its checksum: the reader stops at the last cell and does not
            if not item.startswith("xl/worksheets/"):
                continue
            rows, columns = _extent(content)
            if rows * columns > max(_LARGEST, 10 * content.count(b' r="')):
                raise IndievalueError(
                    f"{path} has a sheet that reaches to row {rows:,} and column {columns:,}, and is nearly empty: "
                    "delete the cells far off, or save it as CSV"
                )


def _extent(content: bytes) -> tuple[int, int]:
    """(last row, last column) of a sheet that has a cell, counted from 1."""
    rows = columns = start = 0
    for end in re.finditer(rb"</(?:\w+:)?row>", content):
        last = content.rfind(b' r="', start, end.start())
        start = end.end()
        place = re.match(rb' r="([A-Z]{1,3})(\d{1,7})"', content[last : last + 20]) if last >= 0 else None
        if place:
            number = 0
            for letter in place[1]:
                number = number * 26 + letter - 64
            rows, columns = max(rows, int(place[2])), max(columns, number)
    return rows, columns
