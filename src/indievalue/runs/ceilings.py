"""Save and load what bounds the accuracy of any predictor in a run: the folder ``ceiling`` of a run directory."""

from pathlib import Path

import polars as pl

from indievalue.errors import IndievalueError
from indievalue.files import refuse_rows
from indievalue.runs.tables import read_table
from indievalue.scoring.ceiling import Ceilings

FOLDER = "ceiling"

_TABLES = ("questions", "people")


def write_ceilings(found: Ceilings, directory: Path) -> None:
    """Write ``ceiling/questions.parquet`` and ``ceiling/people.parquet`` into a run directory."""
    folder = directory / FOLDER
    folder.mkdir(exist_ok=True)
    for name in _TABLES:
        getattr(found, name).write_parquet(folder / f"{name}.parquet")


def read_ceilings(directory: Path, questions: pl.Series) -> Ceilings | None:
    """Return what :func:`write_ceilings` wrote; None if nothing was written, as by earlier versions.

    ``questions`` are those predicted. Raises IndievalueError, naming the file, if one is missing or damaged.
    """
    folder = directory / FOLDER
    if not folder.is_dir():
        return None
    found = Ceilings(
        *(_read(folder / f"{name}.parquet", schema) for name, schema in zip(_TABLES, _SCHEMAS, strict=True))
    )
    file = folder / "questions.parquet"
    absent = set(questions) - set(found.questions["question"])
    if absent:
        raise IndievalueError(f"{file} lacks {len(absent):,} of the questions predicted, such as {min(absent)}")
    for end in ("reliability_low", "reliability_high"):
        refuse_rows(file, found.questions, ~pl.col(end).is_between(0, 1), f"{end} is {{{end}}}, not from 0 to 1")
    for form in ("polar", "refined"):
        options, most = pl.col(f"shares_{form}").list.len(), pl.col(f"most_common_{form}")
        outside = (options < 2) | (options != options.max()) | (most < 0) | (most >= options)
        refuse_rows(file, found.questions, outside, f"most_common_{form} is no option of shares_{form}")
    file = folder / "people.parquet"
    for name in ("distance", "usual_distance"):
        refuse_rows(file, found.people, ~(pl.col(name) >= 0), f"{name} is {{{name}}}, not a number from 0 on")
    return found


def _read(file: Path, schema: pl.Schema) -> pl.DataFrame:
    table = read_table(file, file.parent.parent)
    if table.schema != schema:
        wanted = ", ".join(f"{name} ({kind})" for name, kind in schema.items())
        raise IndievalueError(f"{file} is not a valid run file: its columns must be {wanted}")
    nulls = [name for name in table.columns if name not in _MAY_BE_NULL and table[name].null_count()]
    if nulls or table[table.columns[0]].n_unique() < len(table):
        raise IndievalueError(
            f"{file} is not a valid run file: {nulls[0] if nulls else table.columns[0]} is missing or double"
        )
    return table


_MAY_BE_NULL = ("explained", "explained_limit", "nearest", "nearest_correlation")

_SCHEMAS = (
    pl.Schema(
        {
            "question": pl.String(),
            "ordered": pl.Boolean(),
            "explained": pl.Float64(),
            "explained_limit": pl.Float64(),
            "reliability_low": pl.Float64(),
            "reliability_high": pl.Float64(),
            "nearest": pl.String(),
            "nearest_correlation": pl.Float64(),
            "shares_polar": pl.List(pl.Float64()),
            "shares_refined": pl.List(pl.Float64()),
            "most_common_polar": pl.Int64(),
            "most_common_refined": pl.Int64(),
        }
    ),
    pl.Schema({"person": pl.String(), "answers": pl.Int64(), "distance": pl.Float64(), "usual_distance": pl.Float64()}),
)
