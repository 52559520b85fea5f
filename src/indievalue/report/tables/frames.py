"""Write data frames as CSV, Markdown and LaTeX tables."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import polars as pl

from indievalue.files import new_directory, new_file
from indievalue.report.tables.table import PrintedTable

TABLE_FILES = (".csv", ".md", ".tex")
"""File extensions of tables."""

_DIGITS = 3


def write_frame(frame: pl.DataFrame, path: Path, caption: str) -> None:
    """Write ``frame`` to ``path`` in the format of its extension: CSV in full precision, others with three decimals.

    In CSV, the numbers of a list are separated by spaces.
    """
    with new_file(path) as beside:
        if path.suffix == ".csv":
            lists = pl.selectors.by_dtype(pl.List(pl.Float64()))
            frame.with_columns(lists.cast(pl.List(pl.String())).list.join(" ")).write_csv(beside)
        else:
            table = printed(frame, path.stem, caption)
            beside.write_text(table.markdown() if path.suffix == ".md" else table.latex(), encoding="utf-8")


def write_frames(
    frames: Mapping[str, Sequence[tuple[Path, pl.DataFrame]]],
    directory: Path,
    caption: str,
    *,
    force: bool,
    long: Mapping[str, Sequence[tuple[Path, pl.DataFrame]]] | None = None,
) -> None:
    """Write each table to ``directory`` in all formats, with the runs stacked and named in the first column.

    Tables that are ``long`` are written as CSV alone.
    """
    with new_directory(directory, force=force) as folder:
        for name, parts in frames.items():
            whole = stacked(parts)
            for ending in TABLE_FILES:
                write_frame(whole, folder / f"{name}{ending}", f"{caption}: {name}")
        for name, parts in (long or {}).items():
            write_frame(stacked(parts), folder / f"{name}.csv", "")


def stacked(parts: Sequence[tuple[Path, pl.DataFrame]]) -> pl.DataFrame:
    """Return the tables of several runs as one, with the runs named in the first column."""
    return pl.concat([frame.select(pl.lit(str(run)).alias("run"), pl.all()) for run, frame in parts])


def printed(frame: pl.DataFrame, name: str, caption: str) -> PrintedTable:
    """Return a table of ``frame``: text columns first, and numbers with three decimals."""
    columns = sorted(frame.columns, key=lambda column: frame.schema[column].is_numeric())
    words = [column for column in columns if not frame.schema[column].is_numeric()]
    rows = tuple(tuple(_text(value) for value in row) for row in frame.select(columns).iter_rows())
    return PrintedTable(name, caption, tuple(column.replace("_", " ") for column in columns), rows, len(words))


def _text(value: object) -> str:
    if value is None:
        return "–"
    return f"{value:.{_DIGITS}f}" if isinstance(value, float) else str(value)
