"""Writes a table in every format that is read, and reads damaged ones again with another, plain reader."""

import csv
import gzip
import io
import random
import re
import struct
import warnings
import zipfile
from collections.abc import Callable
from pathlib import Path
from xml.etree import ElementTree
from xml.sax.saxutils import escape

import polars as pl
import pyreadstat

from fuzz.grid import Cell, Grid


class UnwritableError(Exception):
    """Raised where a format cannot hold a table."""


class NotInstalledError(Exception):
    """Raised where the package that writes a format is not installed."""


class UnreadableError(Exception):
    """Raised where the plain reader makes nothing of a file."""


def table_of(grid: Grid) -> pl.DataFrame:
    """The grid as typed columns: whole numbers, numbers, or texts where some cell is one."""
    if len(set(grid.header)) < len(grid.header) or any(len(row) != len(grid.header) for row in grid.rows):
        raise UnwritableError
    if any(mark in str(cell) for cells in (grid.header, *grid.rows) for cell in cells for mark in "\0\ufeff"):
        raise UnwritableError  # the writers end or change such texts
    columns = {}
    for at, name in enumerate(grid.header):
        cells = [row[at] for row in grid.rows]
        if any(isinstance(cell, str) for cell in cells):
            columns[name] = pl.Series(name, [None if cell is None else str(cell) for cell in cells], pl.String)
        elif all(cell is None or (isinstance(cell, int) and abs(cell) < 2**62) for cell in cells):
            columns[name] = pl.Series(name, cells, pl.Int64)
        else:
            columns[name] = pl.Series(name, [None if cell is None else float(cell) for cell in cells], pl.Float64)
    return pl.DataFrame(columns)


def grid_of(table: pl.DataFrame) -> Grid:
    """The cells of typed columns."""
    return Grid(table.columns, [list(row) for row in table.rows()])


def _text(grid: Grid, separator: str, end: str = "\n", quoting: int = csv.QUOTE_MINIMAL) -> str:
    out = io.StringIO()
    writer = csv.writer(out, delimiter=separator, lineterminator=end, quoting=quoting)  # type: ignore[arg-type]
    writer.writerow(grid.header)
    writer.writerows(["" if cell is None else cell for cell in row] for row in grid.rows)
    return out.getvalue()


def _xls(table: pl.DataFrame, path: Path) -> None:
    import xlwt

    book = xlwt.Workbook()
    sheet = book.add_sheet("answers")
    for row, cells in enumerate([table.columns, *table.rows()]):
        for column, cell in enumerate(cells):
            if cell is not None:
                sheet.write(row, column, cell)
    book.save(path)


def _ods(table: pl.DataFrame, path: Path) -> None:
    def cell(value: Cell) -> str:
        if value is None:
            return "<table:table-cell/>"
        if isinstance(value, str):
            return f'<table:table-cell office:value-type="string"><text:p>{escape(value)}</text:p></table:table-cell>'
        return f'<table:table-cell office:value-type="float" office:value="{value}"/>'

    space = "urn:oasis:names:tc:opendocument:xmlns:"
    rows = "".join(
        f"<table:table-row>{''.join(map(cell, row))}</table:table-row>" for row in [tuple(table.columns), *table.rows()]
    )
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("mimetype", "application/vnd.oasis.opendocument.spreadsheet")
        archive.writestr(
            "META-INF/manifest.xml",
            f'<?xml version="1.0"?><manifest:manifest xmlns:manifest="{space}manifest:1.0"/>',
        )
        archive.writestr(
            "content.xml",
            f'<?xml version="1.0"?><office:document-content xmlns:office="{space}office:1.0" '
            f'xmlns:table="{space}table:1.0" xmlns:text="{space}text:1.0"><office:body><office:spreadsheet>'
            f'<table:table table:name="answers">{rows}</table:table>'
            "</office:spreadsheet></office:body></office:document-content>",
        )


def _r(table: pl.DataFrame, path: Path) -> None:
    import pyreadr

    frame = table.to_pandas()
    pyreadr.write_rds(path, frame) if path.suffix == ".rds" else pyreadr.write_rdata(path, frame, df_name="answers")


def _zipped(inner: str) -> Callable[[Grid, Path], None]:
    def write(grid: Grid, path: Path) -> None:
        part = path.with_name(inner)
        write_grid(grid, part)
        with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
            archive.write(part, inner)
        part.unlink()

    return write


TYPED: dict[str, Callable[[pl.DataFrame, Path], object]] = {
    ".sav": pyreadstat.write_sav,
    ".zsav": lambda table, path: pyreadstat.write_sav(table, path, compress=True),
    ".por": pyreadstat.write_por,
    ".dta": pyreadstat.write_dta,
    ".xlsx": pl.DataFrame.write_excel,
    ".xls": _xls,
    ".ods": _ods,
    ".parquet": pl.DataFrame.write_parquet,
    ".rds": _r,
    ".rda": _r,
    ".rdata": _r,
}
SEPARATORS = {".csv": ",", ".tsv": "\t", ".txt": ";", ".csv.gz": ",", ".tsv.gz": "\t", ".txt.gz": ";"}
ZIPPED = {"csv.zip": "answers.csv", "sav.zip": "answers.sav"}
NAMES = (*(f"answers{ending}" for ending in (*SEPARATORS, *TYPED)), *ZIPPED)
"""File names, one for each format."""


def ending_of(name: str) -> str:
    """The ending of a file name that tells its format."""
    return next(ending for ending in sorted((*SEPARATORS, *TYPED, ".zip"), key=len)[::-1] if name.endswith(ending))


def write_grid(grid: Grid, path: Path) -> None:
    """Write the grid in the format of the path. Raises UnwritableError where the format cannot hold it."""
    ending = ending_of(path.name)
    try:
        if ending == ".zip":
            _zipped(ZIPPED[path.name])(grid, path)
        elif ending in SEPARATORS:
            write_text(path, _text(grid, SEPARATORS[ending]).encode())
        else:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                TYPED[ending](table_of(grid), path)
    except (UnwritableError, KeyboardInterrupt):
        raise
    except ImportError as error:
        raise NotInstalledError(str(error)) from None
    except BaseException as error:  # a panic of Polars is no Exception
        raise UnwritableError(str(error)) from None


def write_text(path: Path, content: bytes) -> None:
    """Write a text file, compressed where its name says so."""
    path.write_bytes(gzip.compress(content, 1) if path.name.endswith(".gz") else content)


# Damage to text


def damaged_text(grid: Grid, name: str, rng: random.Random) -> tuple[bytes, str]:
    """The text of a damaged file, and the separator that it was written with."""
    separator = rng.choice(",;\t|") if rng.random() < 0.2 else SEPARATORS[ending_of(name)]
    end = rng.choice(["\n", "\n", "\r\n", "\r"]) if rng.random() < 0.3 else "\n"
    text = _text(grid, separator, end, rng.choice([csv.QUOTE_MINIMAL, csv.QUOTE_MINIMAL, csv.QUOTE_ALL]))
    lines = text.splitlines(keepends=True)
    at = rng.randrange(len(lines))
    other = rng.choice([mark for mark in ",;\t" if mark != separator])
    kind = rng.randrange(16)
    if kind == 0:
        lines[at] = lines[at].replace(separator, other)
    elif kind == 1:
        lines[at] = lines[at].replace(separator, other, rng.randint(1, 3))
    elif kind == 2:
        place = rng.randrange(len(lines[at]))
        lines[at] = lines[at][:place] + rng.choice(['"', '""', "'", "\\", "\0", "\ufffd"]) + lines[at][place:]
    elif kind == 3:
        lines.insert(at, rng.choice(["\n", separator * (len(grid.header) - 1) + end, " \n", "# a comment\n", end * 3]))
    elif kind == 4:
        lines.insert(0, rng.choice(["A title" + end, "A title" + separator * (len(grid.header) - 1) + end, end]))
    elif kind == 5:
        lines = [line.rstrip("\r\n") + separator + end for line in (lines if rng.random() < 0.5 else [*lines[:1]])] + (
            [] if rng.random() < 0.5 else lines[len(lines) :]
        )
    elif kind == 6:
        lines.insert(0, f"sep={separator}{end}")
    elif kind == 7:
        lines[at] = lines[at].rstrip("\r\n") + rng.choice(["\n", "\r\n", "\r", "\x0b", "\u2028", ""])
    elif kind == 8:
        lines += lines[rng.choice([0, 1]) :]
    elif kind == 9:
        lines[at] = lines[at][: rng.randrange(len(lines[at]))] + end
    content = "".join(lines)
    coding = rng.choice(["utf-8-sig", "utf-16", "utf-16-be", "cp1252", "utf-32"]) if rng.random() < 0.15 else "utf-8"
    return content.encode(coding, errors="replace"), separator


def damaged_bytes(content: bytes, rng: random.Random) -> bytes:
    """The bytes of a file with some of them changed, inserted, deleted, or cut off."""
    if not content:
        return content
    made = bytearray(content)
    for _ in range(rng.choice([1, 1, 1, 2, 5, 30])):
        at = rng.randrange(len(made) or 1)
        kind = rng.randrange(8)
        size = rng.choice([1, 1, 4, 8, 100])
        if kind <= 2:
            made[at : at + 1] = bytes([made[at] ^ (1 << rng.randrange(8))]) if made else b""
        elif kind == 3:
            made[at:at] = rng.randbytes(size)
        elif kind == 4:
            del made[at : at + size]
        elif kind == 5:
            made[at : at + size] = bytes(min(size, len(made) - at))
        elif kind == 6:
            made[at : at + size] = rng.choice([b"\xff", b"0", b",", b'"', b"\n", b"1"]) * min(size, len(made) - at)
        elif kind == 7:
            made[at:at] = made[at : at + size]
    if rng.random() < 0.15:
        del made[rng.randrange(len(made) + 1) :]
    return bytes(made)


# Plain readers


def plain(path: Path, separator: str, known: list[str]) -> Grid | None:
    """What another reader reads in the file; None where there is no other. Raises UnreadableError where it fails."""
    ending = ending_of(path.name)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            if ending == ".zip":
                return _plain_zip(path, separator, known)
            if ending in SEPARATORS:
                content = path.read_bytes()
                return plain_text(gzip.decompress(content) if ending.endswith(".gz") else content, separator, known)
            reader = _PLAIN.get(ending)
            return reader(path) if reader else None
    except UnreadableError:
        raise
    except Exception as error:
        raise UnreadableError(f"{type(error).__name__}: {error}") from None


def plain_text(content: bytes, separator: str, known: list[str]) -> Grid:
    """The rows of a text after its header, which is the first row with half of the ``known`` names."""
    for mark, coding in ((b"\xff\xfe", "utf-16"), (b"\xfe\xff", "utf-16")):
        if content.startswith(mark):
            text = content.decode(coding)
            break
    else:
        text = content.decode("utf-8-sig", errors="replace")
    if stated := re.match(r"sep=(.)\r?\n", text, re.IGNORECASE):
        separator, text = stated[1], text[stated.end() :]
    if "\n" in text:
        text = text.replace("\r\n", "\n").replace("\r", " ")  # one that ends no line is white space in a cell
    rows = list(csv.reader(io.StringIO(text, newline=""), delimiter=separator, strict=True))
    names = {name.casefold() for name in known}
    for at, row in enumerate(rows[:20]):
        if sum(cell.strip().casefold() in names for cell in row) >= len(names) / 2:
            after = [other or [""] * len(row) for other in rows[at + 1 :]]
            if any(len(other) != len(row) for other in after):
                raise UnreadableError("ragged rows")
            return Grid(row, [list(other) for other in after])
    raise UnreadableError("no header")


def _plain_zip(path: Path, separator: str, known: list[str]) -> Grid | None:
    with zipfile.ZipFile(path) as archive:
        found = [name for name in archive.namelist() if not name.endswith("/")]
        if len(found) != 1:
            raise UnreadableError(f"{len(found)} files")
        content = archive.read(found[0])
    if found[0].lower().endswith(".csv"):
        return plain_text(content, separator, known)
    if found[0].lower().endswith(".sav"):
        return plain_sav(content)
    return None


def _plain_parquet(path: Path) -> Grid:
    import pyarrow.parquet

    table = pyarrow.parquet.read_table(path, page_checksum_verification=False)
    return Grid(table.column_names, [list(row.values()) for row in table.to_pylist()])


def _plain_dta(path: Path) -> Grid:
    import pandas as pd

    frame = pd.read_stata(path, convert_categoricals=False, convert_dates=False, convert_missing=False)
    rows = [[None if cell != cell else cell for cell in row] for row in frame.astype(object).to_numpy().tolist()]
    return Grid(list(frame.columns), rows)


def plain_sav(content: bytes) -> Grid:
    """The cells of an SPSS file that is not compressed, by the description in the PSPP developers' guide."""
    if content[:4] != b"$FL2" or struct.unpack_from("<i", content, 72)[0] != 0:
        raise UnreadableError("compressed")
    at, names, widths = 176, [], []
    long_names: dict[str, str] = {}
    while (kind := struct.unpack_from("<i", content, at)[0]) != 999:
        if kind == 2:
            width, has_label, missing = struct.unpack_from("<3i", content, at + 4)
            name = content[at + 24 : at + 32].decode("latin-1").strip()
            at += 32
            if has_label:
                at += 4 + -(-struct.unpack_from("<i", content, at)[0] // 4) * 4
            at += 8 * abs(missing)
            if width != -1:  # which continues the text before it
                names.append(name)
                widths.append(width)
        elif kind == 7:
            subtype, size, count = struct.unpack_from("<3i", content, at + 4)
            data = content[at + 16 : at + 16 + size * count]
            if subtype == 13:
                long_names = dict(pair.split("=", 1) for pair in data.decode().split("\t"))
            at += 16 + size * count
        else:
            raise UnreadableError(f"a record of the kind {kind}")
    return Grid([long_names.get(name, name) for name in names], _sav_rows(content[at + 8 :], widths))


def _sav_rows(data: bytes, widths: list[int]) -> list[list[Cell]]:
    cells = sum(-(-width // 8) or 1 for width in widths)
    if len(data) % (8 * cells):
        raise UnreadableError("ends within a row")
    missing = struct.unpack("<d", b"\xff" * 7 + b"\xff")[0]
    rows: list[list[Cell]] = []
    for start in range(0, len(data), 8 * cells):
        at, row = start, []
        for width in widths:
            if width:
                row.append(data[at : at + width].decode().rstrip(" \0"))
                at += -(-width // 8) * 8
            else:
                number = struct.unpack_from("<d", data, at)[0]
                row.append(None if number in (missing, -1.7976931348623157e308) else number)
                at += 8
        rows.append(row)
    return rows


def _plain_xlsx(path: Path) -> Grid:
    space = "{http://schemas.openxmlformats.org/spreadsheetml/2006/main}"
    with zipfile.ZipFile(path) as archive:
        texts = []
        if "xl/sharedStrings.xml" in archive.namelist():
            items = ElementTree.fromstring(archive.read("xl/sharedStrings.xml"))
            texts = ["".join(part.text or "" for part in item.iter(f"{space}t")) for item in items]
        sheet = ElementTree.fromstring(archive.read("xl/worksheets/sheet1.xml"))
    rows: list[dict[int, Cell]] = []
    for row in sheet.iter(f"{space}row"):
        rows.append({})
        for cell in row.iter(f"{space}c"):
            place = 0
            for letter in re.match(r"[A-Z]+", cell.attrib["r"])[0]:  # type: ignore[index]
                place = place * 26 + ord(letter) - 64
            value = cell.find(f"{space}v")
            if value is not None and value.text is not None:
                rows[-1][place] = texts[int(value.text)] if cell.attrib.get("t") == "s" else float(value.text)
    wide = max(rows[0])
    grid = [[row.get(place) for place in range(1, wide + 1)] for row in rows]
    return Grid([str(cell or "") for cell in grid[0]], grid[1:])


_PLAIN: dict[str, Callable[[Path], Grid]] = {
    ".parquet": _plain_parquet,
    ".dta": _plain_dta,
    ".sav": lambda path: plain_sav(path.read_bytes()),
    ".xlsx": _plain_xlsx,
}
