"""Files of R, for which the packages pyreadr and pandas (of the extra ``r``) must be installed."""

from pathlib import Path
from typing import Any

import polars as pl

from indievalue.errors import IndievalueError, importing
from indievalue.people.wanted import Choose, refuse_repeated

R_FILES = (".rds", ".rda", ".rdata")
"""Endings of the files that :func:`read_r` reads."""


def read_r(path: Path, choose: Choose) -> pl.DataFrame:
    """Read the columns that ``choose`` picks from the one data frame in the file; factors as their labels, in
    an Enum that has the order of the levels.

    Raises IndievalueError where one of these is not installed, or the file holds no data frame or several.
    """
    with importing(f"reading {path.name} needs", "r"):
        import pandas  # noqa: F401 - in which pyreadr gives what it reads
        import pyreadr
    try:
        frames = pyreadr.read_r(str(path.absolute()))
    except (pyreadr.LibrdataError, pyreadr.PyreadrError) as error:
        raise ValueError(str(error)) from None
    if len(frames) != 1:
        names = ", ".join(map(str, frames)) or "no data frame"
        raise IndievalueError(f"{path} holds {names}: save the one to read with saveRDS(data, 'data.rds')")
    frame = next(iter(frames.values()))
    columns = [str(column) for column in frame.columns]
    refuse_repeated(path, columns)
    frame.columns = columns
    return pl.DataFrame({name: _column(name, frame[name]) for name in choose(columns).columns})


def _column(name: str, cells: Any) -> pl.Series:
    if cells.dtype.kind in "iufb":
        return pl.Series(name, cells.to_numpy(), strict=False)
    if cells.dtype.name == "category":
        levels = [str(level) for level in cells.cat.categories]
        place = pl.Series(cells.cat.codes.to_numpy().astype("int32")).replace(-1, None)
        return pl.Series(name, levels, pl.Enum(levels)).gather(place)
    texts = [None if cell != cell or cell is None else str(cell) for cell in cells]
    return pl.Series(name, texts, strict=False)
