"""Read the tables of a run directory."""

from pathlib import Path

import polars as pl

from indievalue.errors import IndievalueError


def read_table(file: Path, run: Path) -> pl.DataFrame:
    """Return a parquet file of the directory ``run``. Raises IndievalueError, naming it, if missing or damaged."""
    try:
        return pl.read_parquet(file)
    except FileNotFoundError:
        raise IndievalueError(f"{run} is not a complete run directory: {file.relative_to(run)} is missing") from None
    except (OSError, pl.exceptions.PolarsError) as error:
        raise IndievalueError(f"cannot read {file}: {error}") from None
