"""Survey files as they come from elsewhere: all formats tell of the same people, and a bad file is a clear error."""

import codecs
import gzip
import hashlib
import os
import random
import re
import struct
import subprocess
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import polars as pl
import pyreadr
import pyreadstat
import pytest
import xlsxwriter
import xlwt
from typer.testing import CliRunner

from conftest import GARDEN, garden_answers
from indievalue.cli import app
from indievalue.errors import IndievalueError
from indievalue.people import delimited, tables, unpack
from indievalue.people.options import ReadOptions
from indievalue.people.people import People
from indievalue.people.read import read_people
from indievalue.people.tables import slow_size
from indievalue.survey.codes import TAGS
from indievalue.survey.survey import Survey

FEW = pl.DataFrame(
    {
        "ID": [1001, 1002, 1003],
        "WEIGHT": [0.5, 1.25, None],
        "REGION": [1, 3, -1],
        "AGEGROUP": [2, None, 1],
        "AGE": [50, 18, None],
        "HOME": [276, 250, -4],
        "P1": [1, -1, 9],
        "A1": [10, None, -4],
        "N1": [7, 3, 1],
    }
)


def _csv(separator: str = ",", mark: bytes = b"", end: str = "\n", quotes: str = "necessary") -> Callable[..., None]:
    def write(table: pl.DataFrame, path: Path) -> None:
        text = table.write_csv(separator=separator, line_terminator=end, quote_style=quotes)
        path.write_bytes(mark + text.encode())

    return write


def _gz(table: pl.DataFrame, path: Path) -> None:
    path.write_bytes(gzip.compress(table.write_csv().encode()))


def _floats(table: pl.DataFrame, path: Path) -> None:
    table.cast(pl.Float64).write_csv(path)


def _from_r(table: pl.DataFrame, path: Path) -> None:
    table.write_csv(path, null_value="NA")


def _from_spss(table: pl.DataFrame, path: Path) -> None:
    table.write_csv(path, null_value="#NULL!")


def _utf16(table: pl.DataFrame, path: Path) -> None:
    path.write_bytes(table.write_csv(separator="\t", line_terminator="\r\n").encode("utf-16"))


def _xls(table: pl.DataFrame, path: Path) -> None:
    book = xlwt.Workbook()
    sheet = book.add_sheet("answers")
    for row, cells in enumerate([table.columns, *table.rows()]):
        for column, cell in enumerate(cells):
            if cell is not None:
                sheet.write(row, column, cell)
    book.save(path)


def _book(path: Path, sheets: dict[str, list[list[object]]]) -> Path:
    with xlsxwriter.Workbook(path) as book:
        for name, rows in sheets.items():
            sheet = book.add_worksheet(name)
            for row, cells in enumerate(rows):
                sheet.write_row(row, 0, cells)
    return path


def _zip(path: Path, members: dict[str, str | bytes], **more: int) -> None:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, **more) as archive:
        for name, content in members.items():
            archive.writestr(name, content)


def _zip_of(table: pl.DataFrame, path: Path, name: str) -> None:
    inner = path.with_name(name)
    _sav()(table, inner)
    _zip(path, {"__MACOSX/._answers.sav": b"junk", "licence.pdf": b"%PDF", name: inner.read_bytes()})
    inner.unlink()


def _sav(**more: bool) -> Callable[..., None]:
    def write(table: pl.DataFrame, path: Path) -> None:
        declared = {name: [{"lo": -99, "hi": -1}] for name in ("P1", "A1", "REGION") if name in table.columns}
        labels = {"P1": {1: "very much", -1: "don't know"}} if "P1" in table.columns else {}
        pyreadstat.write_sav(table, path, missing_ranges=declared, variable_value_labels=labels, **more)

    return write


def _dta(version: int = 15) -> Callable[..., None]:
    def write(table: pl.DataFrame, path: Path) -> None:
        labels = {"P1": {1: "very much"}} if "P1" in table.columns else {}
        pyreadstat.write_dta(table, path, version=version, variable_value_labels=labels)

    return write


WRITERS: dict[str, Callable[[pl.DataFrame, Path], object]] = {
    "comma.csv": _csv(),
    "semicolon.csv": _csv(";"),
    "tab.csv": _csv("\t"),
    "bom.csv": _csv(mark=codecs.BOM_UTF8),
    "quoted.csv": _csv(quotes="always"),
    "crlf.csv": _csv(end="\r\n"),
    "floats.csv": _floats,
    "r.csv": _from_r,
    "spss.csv": _from_spss,
    "utf16.csv": _utf16,
    "tab.tsv": _csv("\t"),
    "semicolon.txt": _csv(";"),
    "old-mac.csv": _csv(end="\r"),
    "excel.csv": _csv(";", mark=codecs.BOM_UTF8 + b"sep=;\r\n", end="\r\n"),
    "title.csv": _csv(mark=b"The garden survey, second wave\n\n"),
    "padded-title.csv": _csv(mark=b"The garden survey,,,,,,,,\n"),
    "comments.csv": _csv(mark=b"# exported 2024-05-01\n# by the gardener, with care\n"),
    "tab.tsv.gz": lambda table, path: path.write_bytes(gzip.compress(table.write_csv(separator="\t").encode())),
    "csv.zip": lambda table, path: _zip(path, {"a folder/answers.csv": table.write_csv()}),
    "sav.zip": lambda table, path: _zip_of(table, path, "answers.sav"),
    "zipped.csv.gz": _gz,
    "plain.sav": _sav(),
    "compressed.sav": _sav(row_compress=True),
    "zipped.sav": _sav(compress=True),
    "new.dta": _dta(),
    "old.dta": _dta(8),
    "book.xlsx": pl.DataFrame.write_excel,
    "table.parquet": pl.DataFrame.write_parquet,
    "zipped.zsav": _sav(compress=True),
    "portable.por": lambda table, path: pyreadstat.write_por(table, path),
    "old-book.xls": lambda table, path: _xls(table, path),
    "frame.rds": lambda table, path: pyreadr.write_rds(path, table.to_pandas()),
    "frame.rda": lambda table, path: pyreadr.write_rdata(path, table.to_pandas(), df_name="answers"),
    "CAPITALS.CSV": _csv(),
}
"""File name → how to write a table to it."""

FORMATS = (
    "comma.csv",
    "zipped.csv.gz",
    "plain.sav",
    "compressed.sav",
    "zipped.sav",
    "new.dta",
    "book.xlsx",
    "table.parquet",
    "portable.por",
    "old-book.xls",
    "frame.rds",
)


def _write(name: str, table: pl.DataFrame, folder: Path) -> Path:
    WRITERS[name](table, folder / name)
    return folder / name


def _text(folder: Path, content: str | bytes, name: str = "garden.csv") -> Path:
    path = folder / name
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return path


def _codes(people: People, question: str) -> list[int]:
    return people.codes[:, people.survey.positions[question]].tolist()


def _refused(path: Path, survey: Survey) -> str:
    with pytest.raises(IndievalueError) as told:
        read_people(path, survey)
    message = str(told.value)
    assert "\n" not in message
    assert path.name in message
    return message


# The same people from every format


@pytest.mark.parametrize("name", WRITERS)
def test_every_format_tells_of_the_same_people(name: str, garden: Survey, tmp_path: Path) -> None:
    people = read_people(_write(name, FEW, tmp_path), garden)
    assert people.ids.tolist() == ["1001", "1002", "1003"]
    assert _codes(people, "P1") == [1, -1, 9]
    assert _codes(people, "A1") == [10, -5, -4]
    assert _codes(people, "N1") == [7, 3, 1]
    assert _codes(people, "P2") == [-4, -4, -4]
    assert people.weights.tolist() == [0.5, 1.25, 1.0]
    assert people.demographics.to_dict(as_series=False) == {
        "region": ["Valley", "Island", None],
        "faith": [None, None, None],
        "age": ["40 or more", "under 40", "under 40"],
        "birth_country": ["Germany", "France", None],
    }
    assert people.findings.lines() == [
        f"3 people of garden in {name}",
        "7 questions not in the file: P2, P3, P4, A2, A3 and 2 more",
        "1 demographic not in the file: faith",
        "age of 1 person from AGE",
        "people without a group: region (1), birth_country (1)",
        "1 answer read as missing, being in no option: N1 = 7 (1, another answer)",
        "1 answer read as missing, with codes garden does not know: P1 = 9 (1, unknown code)",
        "1 empty cell read as missing",
        "1 person without a weight: counted with weight 1",
    ]


@pytest.mark.parametrize("name", WRITERS)
def test_every_format_keeps_ids_that_are_texts(name: str, garden: Survey, tmp_path: Path) -> None:
    if name in ("floats.csv", "old.dta", "portable.por"):
        pytest.skip("a text is no float" if name == "floats.csv" else "the format has no UTF-8")
    table = FEW.with_columns(ID=pl.Series(["007", "7", "Zoë"]))
    assert read_people(_write(name, table, tmp_path), garden).ids.tolist() == ["007", "7", "Zoë"]


def test_the_fingerprint_is_of_the_bytes_of_the_file(garden: Survey, tmp_path: Path) -> None:
    path = _text(tmp_path, "ID,P1\na,1\n")
    assert read_people(path, garden).findings.fingerprint == hashlib.sha256(b"ID,P1\na,1\n").hexdigest()


def test_the_survey_is_told_from_the_columns(tmp_path: Path) -> None:
    people = read_people(_text(tmp_path, "D_INTERVIEW,B_COUNTRY,Q1,Q2\n1,554,1,2\n"))
    assert people.survey.name == "wvs7"
    assert people.demographics["country"].to_list() == ["New Zealand"]


def test_the_survey_may_be_a_folder_of_ones_own(tmp_path: Path) -> None:
    assert read_people(_text(tmp_path, "ID,P1\na,1\n"), str(GARDEN)).survey.name == "garden"


def test_columns_that_no_survey_needs_do_not_matter(garden: Survey, tmp_path: Path) -> None:
    path = _text(tmp_path, "ID;Straße;P1;note\na;Ä;2;x\nb;Ö;3;\n".encode("latin-1"))
    assert _codes(read_people(path, garden), "P1") == [2, 3]


@pytest.mark.parametrize("name", ["comma.csv", "book.xlsx", "table.parquet", "plain.sav"])
def test_columns_under_another_name_are_read_and_reported(name: str, garden: Survey, tmp_path: Path) -> None:
    table = FEW.rename({"P1": "p1", "ID": "id", "A1": "a1"})
    people = read_people(_write(name, table, tmp_path), garden)
    assert people.ids.tolist() == ["1001", "1002", "1003"]
    assert _codes(people, "P1") == [1, -1, 9]
    assert sorted(people.findings.renamed) == [("a1", "A1"), ("id", "ID"), ("p1", "P1")]
    assert "3 columns read under another name: 'id' as ID, 'p1' as P1, 'a1' as A1" in people.findings.lines()


def test_a_quoted_cell_may_hold_separators_and_lines(garden: Survey, tmp_path: Path) -> None:
    path = _text(tmp_path, 'ID,P1,note\na,2,"yes, often"\nb,3,"two\nlines, ""quoted"""\n')
    assert _codes(read_people(path, garden), "P1") == [2, 3]


def test_lines_without_any_cell_are_nobody(garden: Survey, tmp_path: Path) -> None:
    people = read_people(_text(tmp_path, "ID,P1,P2\na,1,2\n,,\nb,2,2\n\n\n"), garden)
    assert people.ids.tolist() == ["a", "b"]


def test_a_column_may_turn_from_numbers_to_texts_after_thousands_of_rows(garden: Survey, tmp_path: Path) -> None:
    rows = "".join(f"{row},1\n" for row in range(3000))
    people = read_people(_text(tmp_path, f"ID,P1\n{rows}last, 2.0\n"), garden)
    assert _codes(people, "P1")[-2:] == [1, 2]


def test_extended_missing_values_of_stata_are_told_apart(garden: Survey, tmp_path: Path) -> None:
    table = pl.DataFrame(
        {"ID": ["a", "b", "c"], "P1": pl.Series([1, "a", None], dtype=pl.Object), "P2": [1, 2, 3]}
    ).to_pandas()
    pyreadstat.write_dta(table, tmp_path / "garden.dta", missing_user_values={"P1": ["a"]})
    people = read_people(tmp_path / "garden.dta", garden)
    assert _codes(people, "P1") == [1, TAGS["a"], garden.blank]
    assert people.options("polar")[:, 0].tolist() == [0, -1, -1]
    assert people.findings.blank == 1
    assert people.findings.tags == ((".a", "", 1),)


def test_of_a_workbook_the_first_sheet_is_read(garden: Survey, tmp_path: Path) -> None:
    with xlsxwriter.Workbook(tmp_path / "garden.xlsx") as book:
        for title, code in (("data", 2), ("more", 3)):
            sheet = book.add_worksheet(title)
            sheet.write_row(0, 0, ["ID", "P1", "P2"])
            sheet.write_row(1, 0, ["a", code])
    people = read_people(tmp_path / "garden.xlsx", garden)
    assert (_codes(people, "P1"), _codes(people, "P2")) == ([2], [-5])


# What is refused, and what is said


def test_a_fraction_and_a_text_are_refused_with_their_place(garden: Survey, tmp_path: Path) -> None:
    place = r"^garden.csv: column P2, row 2 holds "
    assert re.match(place + r"1\.5, which is a fraction", _refused(_text(tmp_path, "ID,P2\na,1\nb,1.5\n"), garden))
    assert re.match(place + r"'often', .* codes instead", _refused(_text(tmp_path, "ID,P2\na,1\nb,often\n"), garden))


@pytest.mark.parametrize("name", FORMATS)
def test_a_file_with_no_question_of_the_survey_is_refused(name: str, garden: Survey, tmp_path: Path) -> None:
    path = _write(name, pl.DataFrame({"colour": [1, 2], "size": [3, 4]}), tmp_path)
    assert "has none of the 10 questions of survey garden" in _refused(path, garden)
    with pytest.raises(
        IndievalueError, match=r"not a file of a survey indievalue knows, which are .*wvs7 \(B_COUNTRY, Q1 …\)"
    ):
        read_people(path)


@pytest.mark.parametrize("name", FORMATS)
def test_a_file_without_people_is_refused(name: str, garden: Survey, tmp_path: Path) -> None:
    assert "has a header and no people" in _refused(_write(name, FEW.clear(), tmp_path), garden)


@pytest.mark.parametrize("name", FORMATS)
def test_an_empty_file_is_refused(name: str, garden: Survey, tmp_path: Path) -> None:
    assert "is empty" in _refused(_text(tmp_path, b"", name), garden)


@pytest.mark.parametrize("name", FORMATS)
def test_a_picture_under_the_name_of_a_table_is_refused(name: str, garden: Survey, tmp_path: Path) -> None:
    picture = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\1\0\0\0\1\0\x08\6\0\0\0\\r\xa8f" + bytes(range(256))
    assert re.search("header|gzip|it is cut off, damaged, or no", _refused(_text(tmp_path, picture, name), garden))


@pytest.mark.parametrize("name", FORMATS)
@pytest.mark.parametrize("share", [0.1, 0.5, 0.9, 0.999])
def test_a_file_that_was_cut_off_is_refused(name: str, share: float, garden: Survey, tmp_path: Path) -> None:
    path = _write(name, garden_answers(300).with_columns(Z=pl.lit(123456)), tmp_path)
    whole = path.read_bytes()
    end = int(len(whole) * share)
    if name == "comma.csv":
        end = whole.rindex(b",", 0, end)
    people = read_people(path, garden)
    path.write_bytes(whole[:end])
    if share > 0.99 and name == "portable.por":  # it ends in letters that only fill its last line
        assert np.array_equal(read_people(path, garden).codes, people.codes)
    else:
        assert re.search("cut off|not a whole gzip", _refused(path, garden))


@pytest.mark.parametrize("name", ["plain.sav", "compressed.sav"])
@pytest.mark.parametrize("cut", [3, 8, 16, 24, 40, 64, 80, 104, 120])
def test_an_spss_file_that_tells_no_number_of_rows_and_was_cut_off_is_refused(
    name: str, cut: int, garden: Survey, tmp_path: Path
) -> None:
    """Unless it was cut exactly between two rows, of 136 or here 48 bytes: nothing in the file tells of that."""
    path = _write(name, garden_answers(40), tmp_path)
    untold = bytearray(path.read_bytes())
    untold[80:84] = struct.pack("<i", -1)
    path.write_bytes(untold)
    assert len(read_people(path, garden)) == 40
    path.write_bytes(untold[:-cut])
    assert "cut off" in _refused(path, garden)


def test_an_spss_file_whose_header_tells_of_impossibly_many_rows_is_refused_at_once(
    garden: Survey, tmp_path: Path
) -> None:
    path = _write("plain.sav", FEW, tmp_path)
    content = bytearray(path.read_bytes())
    content[80:84] = struct.pack("<i", 10**8)
    path.write_bytes(content)
    assert "too small for the 100,000,000 rows" in _refused(path, garden)


def test_an_spss_variable_of_an_impossible_width_is_refused(garden: Survey, tmp_path: Path) -> None:
    path = _write("plain.sav", FEW, tmp_path)
    content = bytearray(path.read_bytes())
    content[180:184] = struct.pack("<i", 200)
    path.write_bytes(content)
    assert "damaged" in _refused(path, garden)


@pytest.mark.parametrize("width", [1, 8, 9, 255, 256, 700])
@pytest.mark.parametrize("name", ["plain.sav", "compressed.sav", "zipped.sav"])
def test_spss_texts_of_any_length_are_sound(name: str, width: int, garden: Survey, tmp_path: Path) -> None:
    path = _write(name, FEW.with_columns(NOTE=pl.Series(["x" * width, "", "y"])), tmp_path)
    content = bytearray(path.read_bytes())
    content[80:84] = struct.pack("<i", -1)
    path.write_bytes(content)
    assert len(read_people(path, garden)) == 3


def test_a_column_that_occurs_twice_is_refused(garden: Survey, tmp_path: Path) -> None:
    text = "ID,P1,P1\na,1,2\n"
    with xlsxwriter.Workbook(tmp_path / "twice.xlsx") as book:
        sheet = book.add_worksheet()
        for row, line in enumerate(text.split()):
            sheet.write_row(row, 0, line.split(","))
    spss = _write("plain.sav", pl.DataFrame({"ID": [1], "P1": [1], "P2": [2]}), tmp_path)
    spss.write_bytes(spss.read_bytes().replace(b"P2", b"P1"))
    for path in (_text(tmp_path, text), tmp_path / "twice.xlsx", spss):
        assert "the column P1 occurs more than once in the header" in _refused(path, garden)


@pytest.mark.parametrize("text", ["P1\n1\n2\n", "ID|P1\n1|1\n", "hello world\n", "\n"])
def test_a_csv_file_needs_several_columns(text: str, garden: Survey, tmp_path: Path) -> None:
    said = _refused(_text(tmp_path, text), garden)
    assert "no header of several columns separated by a comma, semicolon or tab" in said


def test_one_column_is_enough_where_the_format_leaves_no_doubt(garden: Survey, tmp_path: Path) -> None:
    people = read_people(_write("table.parquet", pl.DataFrame({"P1": [1, 2]}), tmp_path), garden)
    assert _codes(people, "P1") == [1, 2]


def test_ids_in_another_encoding_are_refused_rather_than_merged(garden: Survey, tmp_path: Path) -> None:
    said = _refused(_text(tmp_path, "ID,P1\nä,1\nö,2\n".encode("latin-1")), garden)
    assert "column ID holds letters that are not UTF-8; save the file as CSV UTF-8" in said


def test_utf16_without_a_mark_is_refused(garden: Survey, tmp_path: Path) -> None:
    assert "bytes that are no text" in _refused(_text(tmp_path, "ID,P1\na,1\n".encode("utf-16-le")), garden)


@pytest.mark.parametrize("column", ["ID", "P1", "WEIGHT"])
def test_lists_in_cells_are_refused(column: str, garden: Survey, tmp_path: Path) -> None:
    table = pl.DataFrame({"ID": [1], "P1": [1], "WEIGHT": [1.0]}).with_columns(pl.lit([1]).alias(column))
    said = _refused(_write("table.parquet", table, tmp_path), garden)
    assert f"column {column} holds List(" in said
    assert "instead of one code a cell" in said


def test_what_is_no_file_of_a_known_format_is_refused(garden: Survey, tmp_path: Path) -> None:
    (tmp_path / "folder.csv").mkdir()
    (tmp_path / "garden.doc").write_text("ID,P1\n")
    for name, said in {
        "none.csv": "there is no file",
        "folder.csv": "is not a file",
        "garden.doc": "none of the formats indievalue reads: .csv, .tsv, .txt, .csv.gz, .tsv.gz, .txt.gz, .sav",
        "garden.doc/x.csv": "there is no file",
        "x" * 300 + ".csv": "File name too long",
    }.items():
        assert said in _refused(tmp_path / name, garden)


# Rows that do not fit


def _wide(rows: int = 200) -> list[str]:
    return garden_answers(rows).write_csv().splitlines()


@pytest.mark.parametrize("row", [1, 100, 199])
@pytest.mark.parametrize("change", ["one more", "one fewer", "a decimal comma"])
def test_a_row_of_another_width_is_refused_with_its_place(
    row: int, change: str, garden: Survey, tmp_path: Path
) -> None:
    lines = _wide()
    cells = lines[row].split(",")
    changed = {"one more": [*cells, "1"], "one fewer": cells[:-1], "a decimal comma": [cells[0], "0,98", *cells[2:]]}
    lines[row] = ",".join(changed[change])
    width = len(lines[row].split(","))
    said = _refused(_text(tmp_path, "\n".join(lines)), garden)
    assert f"row {row} has {width} cells, and the header {len(cells)} columns; a separator inside a cell" in said


def test_all_rows_that_do_not_fit_are_counted(garden: Survey, tmp_path: Path) -> None:
    lines = _wide()
    for row in (3, 50, 51, 120):
        lines[row] += ","
    said = _refused(_text(tmp_path, "\r\n".join(lines)), garden)
    assert "row 3 has" in said
    assert "and 3 further rows do not fit either" in said


def test_widths_are_counted_in_a_file_of_many_blocks(
    garden: Survey, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(delimited, "_BLOCK", 16)
    lines = _wide(50)
    whole = _text(tmp_path, "\n".join(lines))
    assert len(read_people(whole, garden)) == 50
    lines[33] += ',"a, b"'
    assert "row 33 has" in _refused(_text(tmp_path, "\n".join(lines)), garden)


def test_quoted_cells_may_hold_anything_in_any_row(garden: Survey, tmp_path: Path) -> None:
    text = 'ID,P1,NOTE\na,1,"x, ""y"",\n,z"\n"b, c",2,\nd,3,"""\n"""\n'
    people = read_people(_text(tmp_path, text), garden)
    assert people.ids.tolist() == ["a", "b, c", "d"]
    assert _codes(people, "P1") == [1, 2, 3]


def test_a_quote_that_is_never_closed_is_refused(garden: Survey, tmp_path: Path) -> None:
    assert "cells, and" in _refused(_text(tmp_path, 'ID,P1,P2\na,1,1\nb,"2,1\nc,1,1\n'), garden)


# Names of files, and what they hold


@pytest.mark.parametrize("ending", [".csv", ".csv.gz", ".parquet", ".sav", ".dta", ".xlsx", ".zip"])
@pytest.mark.parametrize("name", ["wave[12]", "wave*", "wave?", "~wave", "-wave", "wave 1", "Welle ä", "a\nb", "{a,b}"])
def test_a_file_name_is_no_pattern(name: str, ending: str, garden: Survey, tmp_path: Path) -> None:
    writer = next(writer for known, writer in WRITERS.items() if known.endswith(ending))
    others, asked = FEW.with_columns(P1=pl.lit(2)), FEW.with_columns(P1=pl.lit(3))
    for other in ("wave1", "wave2", "waves", "a", "b"):
        writer(others, tmp_path / f"{other}{ending}")
    writer(asked, tmp_path / f"plain{ending}")
    (tmp_path / f"plain{ending}").rename(tmp_path / f"{name}{ending}")
    people = read_people(tmp_path / f"{name}{ending}", garden)
    assert people.ids.tolist() == ["1001", "1002", "1003"]
    assert _codes(people, "P1") == [3, 3, 3]


def test_the_row_of_the_header_can_be_stated(garden: Survey, tmp_path: Path) -> None:
    file = _text(tmp_path, "a,b,c\nd,e,f\nID,P1,P2\nx,1,2\n")
    assert "has none of the 10 questions" in _refused(file, garden)
    assert _codes(read_people(file, garden, ReadOptions(header_row=3)), "P1") == [1]
    with pytest.raises(IndievalueError, match="its row 9 is no header"):
        read_people(file, garden, ReadOptions(header_row=9))


def test_the_encoding_can_be_stated(garden: Survey, tmp_path: Path) -> None:
    file = _text(tmp_path, "ID,P1\nä,1\nö,2\n".encode("cp1252"))
    assert read_people(file, garden, ReadOptions(encoding="cp1252")).ids.tolist() == ["ä", "ö"]
    for encoding, said in {"utf-8": "is not in the encoding utf-8: byte 6", "klingon": "there is no encoding"}.items():
        with pytest.raises(IndievalueError, match=said):
            read_people(file, garden, ReadOptions(encoding=encoding))


@pytest.mark.parametrize("empty", ["", "NA", "#NULL!", "NULL", "#N/A", ".", " "])
def test_what_programs_write_for_an_empty_cell_is_blank(empty: str, garden: Survey, tmp_path: Path) -> None:
    people = read_people(_text(tmp_path, f"ID,P1,P2\na,{empty},1\nb,2,1\n"), garden)
    assert _codes(people, "P1") == [garden.blank, 2]


# Workbooks


def test_the_sheet_can_be_named_or_numbered(garden: Survey, tmp_path: Path) -> None:
    rows = [["ID", "P1"], ["a", 2]]
    path = _book(
        tmp_path / "book.xlsx", {"notes": [["read me"], ["please"]], "wave 2": rows, "3": [["ID", "P1"], ["a", 3]]}
    )
    for sheet, answer in {"wave 2": 2, "2": 2, 2: 2, "3": 3}.items():
        assert _codes(read_people(path, garden, ReadOptions(sheet=sheet)), "P1") == [answer]
    for sheet in ("wave 1", "4", 0):
        with pytest.raises(IndievalueError, match=f"has no sheet '?{sheet}'?; it has notes, wave 2, 3"):
            read_people(path, garden, ReadOptions(sheet=sheet))


def test_rows_above_the_header_of_a_sheet_are_passed_over(garden: Survey, tmp_path: Path) -> None:
    rows = [["The garden survey"], [], ["ID", "P1", "P2"], ["a", 1, 2], ["b", 3, 4]]
    path = _book(tmp_path / "book.xlsx", {"answers": rows})
    for options in (ReadOptions(), ReadOptions(header_row=3)):
        people = read_people(path, garden, options)
        assert people.ids.tolist() == ["a", "b"]
        assert _codes(people, "P2") == [2, 4]
    with pytest.raises(IndievalueError, match="has 5 rows, and no row 9"):
        read_people(path, garden, ReadOptions(header_row=9))


def test_an_id_of_more_digits_than_excel_keeps_is_refused(garden: Survey, tmp_path: Path) -> None:
    rows = [["ID", "P1"], [1234567890123456789, 1], [1234567890123456788, 2]]
    path = _book(tmp_path / "book.xlsx", {"answers": rows})
    assert "of which Excel keeps 15 digits: write the ids as text" in _refused(path, garden)
    texts = _book(tmp_path / "texts.xlsx", {"answers": [rows[0], *[[str(name), code] for name, code in rows[1:]]]})
    assert read_people(texts, garden).ids.tolist() == ["1234567890123456789", "1234567890123456788"]


def test_a_sheet_with_a_cell_at_its_far_end_is_refused(garden: Survey, tmp_path: Path) -> None:
    with xlsxwriter.Workbook(tmp_path / "far.xlsx") as book:
        sheet = book.add_worksheet()
        sheet.write_row(0, 0, ["ID", "P1"])
        sheet.write_row(1, 0, ["a", 1])
        sheet.write(1_048_575, 16_383, 1)
    assert "reaches to row 1,048,576 and column 16,384, and is nearly empty" in _refused(tmp_path / "far.xlsx", garden)


# Encodings and tags of statistics packages


def test_texts_of_an_spss_file_in_another_encoding_than_it_states(garden: Survey, tmp_path: Path) -> None:
    path = _write("plain.sav", pl.DataFrame({"ID": ["äöü", "b"], "P1": [1, 2]}), tmp_path)
    path.write_bytes(path.read_bytes().replace("äöü".encode(), "äöü   ".encode("cp1252")))
    assert "are not in the encoding that it states: give its --encoding" in _refused(path, garden)
    assert read_people(path, garden, ReadOptions(encoding="cp1252")).ids.tolist() == ["äöü", "b"]


# Archives


def test_a_zip_archive_holds_one_file_of_answers(garden: Survey, tmp_path: Path) -> None:
    _zip(tmp_path / "two.zip", {"a.csv": "ID,P1\n", "b.sav": "x"})
    assert "two.zip holds a.csv, b.sav: unpack it" in _refused(tmp_path / "two.zip", garden)
    _zip(tmp_path / "none.zip", {"readme.md": "hello"})
    assert "holds no data file" in _refused(tmp_path / "none.zip", garden)
    _zip(tmp_path / "bad.zip", {"a.csv": "ID,P1\na,1,2\nb,1\n"})
    assert re.search(r"bad.zip \(a\.csv\): row 1 has 3 cells", _refused(tmp_path / "bad.zip", garden))
    whole = (tmp_path / "bad.zip").read_bytes()
    assert "no whole zip archive" in _refused(_text(tmp_path, whole[:-30], "cut.zip"), garden)


@pytest.mark.parametrize("ending", [".csv.gz", ".zip"])
def test_a_small_file_that_unpacks_to_gigabytes_is_refused(
    ending: str, garden: Survey, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(unpack, "_FREE", 1 << 20)
    content = b"ID,P1\n" + b"a,1\n" * 1_000_000
    file = tmp_path / f"bomb{ending}"
    if ending == ".zip":
        _zip(file, {"a.csv": content})
    else:
        file.write_bytes(gzip.compress(content))
    assert "times its size: no file of survey answers does" in _refused(file, garden)


# Damage at random

_READ_DAMAGED = """
import sys
from pathlib import Path
from indievalue.errors import IndievalueError
from indievalue.people.read import read_people
for path in sorted(Path(sys.argv[2]).iterdir()):
    try:
        people = read_people(path, sys.argv[1])
        assert people.codes.shape == (len(set(people.ids.tolist())), 10)
        print("people")
    except IndievalueError as error:
        assert str(error).count("\\n") == 0
        print("error")
"""


def _damage(content: bytes, rng: random.Random) -> bytes:
    if rng.random() < 1 / 3:
        return content[: rng.randrange(1, len(content))]
    damaged = bytearray(content)
    start_only = rng.random() < 0.5
    for _ in range(rng.choice([1, 3, 20])):
        damaged[rng.randrange(min(len(damaged), 600) if start_only else len(damaged))] = rng.randrange(256)
    return bytes(damaged)


@pytest.mark.parametrize("name", FORMATS)
def test_a_damaged_file_gives_people_or_a_clear_error(name: str, tmp_path: Path) -> None:
    """In a process of its own, so that a reader that hangs or ends the process fails this test alone.

    Two readers can still end the process: polars where a flipped length in a .parquet file makes it ask for more memory
    than there is (2 of 1,000 such files), pyreadstat on a .sav file (1 of 5,000). Nothing in Python can catch that.
    """
    rng = random.Random(1)
    whole = _write(name, garden_answers(60), tmp_path).read_bytes()
    (tmp_path / "damaged").mkdir()
    for number in range(30):
        (tmp_path / "damaged" / f"{number:02}-{name}").write_bytes(_damage(whole, rng))
    said = subprocess.run(
        [sys.executable, "-c", _READ_DAMAGED, str(GARDEN), str(tmp_path / "damaged")],
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert said.returncode == 0, said.stderr[-2000:]
    assert len(said.stdout.split()) == 30
    assert "error" in said.stdout


@pytest.mark.parametrize(
    ("place", "change", "said"),
    [
        (lambda content: content.index("Workbook".encode("utf-16-le")) + 123, b"\x20", "its directory is damaged"),
        (lambda content: content.index(b"\x02\0\0\0\x03\0\0\0"), b"\0", "its sectors go round in circles"),
        (lambda content: content.index("Workbook".encode("utf-16-le")) + 66, b"\x09", "its directory is damaged"),
        (lambda content: 48, b"\xff\xff", "its directory is not where its header tells"),
        (lambda content: 46, b"\xff", "its header tells of more sectors than it has"),
        (lambda content: 30, b"\x1f", r"its sectors have the impossible size 2\^31"),
    ],
)
def test_a_damaged_directory_of_an_old_workbook_is_refused_before_room_is_made_for_it(
    place: Callable[[bytes], int], change: bytes, said: str, garden: Survey, tmp_path: Path
) -> None:
    path = _write("old-book.xls", FEW, tmp_path)
    content = bytearray(path.read_bytes())
    at = place(bytes(content))
    content[at : at + len(change)] = change
    path.write_bytes(content)
    assert re.search(rf"{said}; it is cut off, damaged, or no .xls file", _refused(path, garden))


@pytest.mark.parametrize(("text", "other"), [(b"Zo", b"Zu"), (b"<v>10</v>", b"<v>20</v>")])
def test_a_workbook_whose_cells_are_not_those_that_were_saved_is_refused(
    text: bytes, other: bytes, garden: Survey, tmp_path: Path
) -> None:
    _write("book.xlsx", FEW.with_columns(ID=pl.Series(["007", "7", "Zoë"])), tmp_path)
    with zipfile.ZipFile(tmp_path / "book.xlsx") as book:
        members = {name: book.read(name) for name in book.namelist()}
    with zipfile.ZipFile(tmp_path / "stored.xlsx", "w", zipfile.ZIP_STORED) as stored:
        for name, content in members.items():
            stored.writestr(name, content)
    path = _text(tmp_path, (tmp_path / "stored.xlsx").read_bytes().replace(text, other), "changed.xlsx")
    assert read_people(tmp_path / "stored.xlsx", garden).ids.tolist() == ["007", "7", "Zoë"]
    assert "Bad CRC-32" in _refused(path, garden)


@pytest.mark.parametrize(
    ("name", "size", "slow"),
    [
        ("a.csv", 399, False),
        ("a.csv", 400, True),
        ("a.csv.gz", 59, False),
        ("a.csv.gz", 60, True),
        ("a.SAV", 49, False),
        ("a.SAV", 50, True),
        ("a.dta", 500, True),
        ("a.xlsx", 20, True),
        ("a.zip", 20, True),
    ],
)
def test_files_that_take_seconds_to_read_are_known_by_their_size(
    tmp_path: Path, name: str, size: int, slow: bool
) -> None:
    (tmp_path / name).touch()
    os.truncate(tmp_path / name, size * 1_000_000)  # a hole, which takes no room
    assert slow_size(tmp_path / name) == (size if slow else None)


def test_every_format_has_a_size_and_what_is_no_file_has_none(tmp_path: Path) -> None:
    for ending in (*tables.FORMATS, ".zip"):
        (tmp_path / f"a{ending}").touch()
        assert slow_size(tmp_path / f"a{ending}") is None
    for name in ("synthetic:5000", "absent.csv", str(tmp_path)):
        assert slow_size(Path(name)) is None


def test_a_large_file_is_announced_by_commands_that_print_progress(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    garden_answers(60).write_csv("small [1].csv")
    garden_answers(60_000).write_csv("large [1].csv")
    monkeypatch.setitem(tables._SLOW, ".csv", Path("small [1].csv").stat().st_size / 1e6 + 0.001)
    size = Path("large [1].csv").stat().st_size / 1e6
    announced = f"Reading large [1].csv ({size:.0f} MB)\n60,000 people"
    for name, said in (("small [1].csv", None), ("large [1].csv", announced)):
        found = CliRunner().invoke(app, ["catalog", name, "--survey", str(GARDEN), "--out", f"out-{name[:5]}"])
        assert found.exit_code == 0, found.output
        assert said in found.stderr if said else "Reading" not in found.output
    shown = CliRunner().invoke(app, ["show", "large [1].csv", "--survey", str(GARDEN), "--person", "g0001"])
    assert shown.exit_code == 0, shown.output
    assert "Reading" not in shown.output
