"""Folders of parquet files, each with some of the people, that are read as one file."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import unquote

import polars as pl

_NOTHING = "__HIVE_DEFAULT_PARTITION__"
"""Stands for a missing value in the name of a folder."""


@dataclass(frozen=True)
class Part:
    """A data file, and the columns that the names of the folders around it have in place of the file.

    Attributes:
        path: of the file. columns: name → the value that everybody in the file has, as text; None if it is missing.
    """

    path: Path
    columns: Mapping[str, str | None] = field(default_factory=dict)

    def with_columns(self, table: pl.DataFrame, wanted: Sequence[str]) -> pl.DataFrame:
        """Return the ``table`` with those of the folders' columns that are ``wanted``."""
        return table.with_columns(
            pl.lit(self.columns[name], dtype=pl.String).alias(name) for name in wanted if name in self.columns
        )


def parts_of(path: Path) -> list[Part]:
    """Return the files of a folder, in the order of their names, with those in folders such as ``country=FR``.

    Any other path is its own only part.
    """
    try:
        files = [file for file in sorted(path.rglob("*.parquet")) if not _is_hidden(file.relative_to(path))]
    except OSError:  # whoever opens the path is told
        files = []
    if not files:
        return [Part(path)]
    return [Part(file, _columns(file.relative_to(path))) for file in files]


def _is_hidden(file: Path) -> bool:
    """Whether the file, or a folder around it, is one that other programs leave beside parts."""
    return any(name.startswith((".", "_")) for name in file.parts)


def _columns(file: Path) -> dict[str, str | None]:
    pairs = [name.partition("=") for name in file.parts[:-1] if "=" in name]
    return {unquote(name): None if value == _NOTHING else unquote(value) for name, _, value in pairs}
