"""What a survey file says of its columns: labels of SPSS and Stata files, or a codebook beside any other file."""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import polars as pl

from indievalue.people.codebook import Entry, read_codebook
from indievalue.people.decode import without_levels
from indievalue.people.options import ReadOptions
from indievalue.people.packages import PACKAGES, PackageLabels, read_package_labels
from indievalue.people.tables import FORMATS, format_of, read_columns
from indievalue.people.unpack import unzipped
from indievalue.people.wanted import Wanted, answers_among_empty
from indievalue.survey.codes import TAGS
from indievalue.survey.draft.metadata import Column, FileMetadata, Holds

MOST_CODES = 250
"""Distinct whole numbers that a column of codes may hold."""


def read_metadata(path: Path, codebook: Path | None = None, options: ReadOptions | None = None) -> FileMetadata:
    """Read what the file says of its columns, and count the codes in each.

    ``codebook`` names the columns' wordings and answers, and is believed before the file. Raises IndievalueError where
    the file or the codebook cannot be read.
    """
    options = options or ReadOptions()
    if format_of(path) == ".zip":
        with unzipped(path, FORMATS) as inner:
            return replace(read_metadata(inner, codebook, options), source=path.name)
    entries = read_codebook(codebook) if codebook else {}
    # The rows come first: a file that is damaged is refused there, with the reason.
    said = {name: answers_among_empty(entry.texts) for name, entry in entries.items()}

    def everything(columns: list[str]) -> Wanted:
        return Wanted(columns, [], texts={name: said[key] for name in columns if said.get(key := name.casefold())})

    table = without_levels(read_columns(path, everything, options))
    labels = PackageLabels()
    if (kind := format_of(path)) in PACKAGES:
        labels = read_package_labels(path, kind, options)
    numbers: dict[str, pl.Series] = {}
    columns = []
    for name in table.columns:
        column, codes = _column(table[name], labels, entries.get(name.casefold(), Entry()))
        columns.append(column)
        if codes is not None:
            numbers[name] = codes
    return FileMetadata(path.name, len(table), tuple(columns), labels.tags, pl.DataFrame(numbers), table)


def _column(cells: pl.Series, labels: PackageLabels, entry: Entry) -> tuple[Column, pl.Series | None]:
    """One column, and its codes where it holds some."""
    name = cells.name
    numbers = _numbers(cells)
    answers: Mapping[int, str] = entry.answers or labels.answers.get(name, {})
    texts_labelled = entry.texts or labels.texts.get(name, {})
    column = Column(name, entry.label or labels.wordings.get(name, ""), answers, texts=texts_labelled)
    if numbers is None:
        texts = cells.cast(pl.String).str.strip_chars().drop_nulls()
        texts = texts.filter(texts != "")
        held: Holds = "text" if len(texts) else "nothing"
        column = replace(column, holds=held, distinct=texts.n_unique(), filled=len(texts))
        if column.distinct > MOST_CODES:
            return column, None
        return replace(column, held=dict(sorted(texts.value_counts(sort=False).iter_rows()))), None
    if not column.answers:
        answers = {int(text): label for text, label in texts_labelled.items() if text.isdecimal()}
        column = replace(column, answers=answers)
    filled = numbers.drop_nulls()
    column = replace(column, distinct=filled.n_unique(), filled=len(filled))
    if not len(filled):
        return column, None
    low, high = filled.min(), filled.max()
    assert isinstance(low, float)
    assert isinstance(high, float)
    column = replace(column, lowest=low, highest=high)
    if (filled != filled.round(0)).any():
        return replace(column, holds="fractions"), None
    codes = numbers.cast(pl.Int64)
    missing = {
        int(code): "missing"
        for code in {*codes.unique().drop_nulls().to_list(), *answers}
        if any(low <= code <= high for low, high in labels.missing.get(name, ()))
    }
    missing = {code: answers.get(code, why) for code, why in missing.items()} | dict(entry.missing)
    if column.distinct > MOST_CODES:
        return replace(column, holds="numbers", missing=missing), codes
    counts = dict(sorted(codes.drop_nulls().value_counts(sort=False).iter_rows()))
    return replace(column, holds="codes", counts=counts, missing=missing), codes


def _numbers(cells: pl.Series) -> pl.Series | None:
    """Cells as Float64 without tags and empty ones; None where some are texts."""
    if cells.dtype == pl.Boolean or cells.dtype.is_numeric():
        numbers = cells.cast(pl.Float64).fill_nan(None)
        return numbers.set(numbers.is_in([float(tag) for tag in TAGS.values()]).fill_null(False), None)
    if cells.dtype not in (pl.String, pl.Null):
        return None
    texts = cells.cast(pl.String).str.strip_chars()
    empty = texts.is_in(["", "."]) | texts.str.contains(r"^\.[a-zA-Z]$")
    texts = texts.set(empty.fill_null(False), None)
    numbers = texts.cast(pl.Float64, strict=False)
    return None if (texts.is_not_null() & numbers.is_null()).any() else numbers.fill_nan(None)
