"""Files of R, for which the packages pyreadr and pandas (of the extra ``r``) must be installed."""

from pathlib import Path

import polars as pl

from indievalue.errors import IndievalueError, importing
from indievalue.people.wanted import Choose, refuse_repeated

R_FILES = (".rds", ".rda", ".rdata")
"""Endings of the files that :func:`read_r` reads."""


def read_r(path: Path, choose: Choose) -> pl.DataFrame:
    """Read the columns that ``choose`` picks from the one data frame in the file; factors as their labels.

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
    wanted = choose(columns).columns
    texts = [name for name in wanted if frame[name].dtype.kind not in "iufb"]
    return pl.DataFrame(
        {
            name: pl.Series(
                name,
                [None if cell != cell or cell is None else str(cell) for cell in frame[name]]
                if name in texts
                else frame[name].to_numpy(),
                strict=False,
            )
            for name in wanted
        }
    )
