"""Holm's correction: p-values that stay valid when a family of tests is read together."""

import numpy as np
import polars as pl
from numpy.typing import NDArray


def holm(p: NDArray[np.float64]) -> NDArray[np.float64]:
    """Apply Holm's step-down correction: multiply each p by the number of p-values not smaller; nan is ignored.

    If no null hypothesis of the family is false, the chance that any corrected p is below 0.05 is at most 5% (Holm
    1979), however the tests depend on each other.

    >>> holm(np.array([0.01, 0.04, 0.03])).tolist()
    [0.03, 0.06, 0.06]
    """
    corrected = np.full(len(p), np.nan)
    given = np.flatnonzero(~np.isnan(p))
    order = given[np.argsort(p[given], kind="stable")]
    steps = p[order] * np.arange(len(order), 0, -1)
    corrected[order] = np.minimum(1, np.maximum.accumulate(steps)) if len(order) else steps
    return corrected


def with_holm(table: pl.DataFrame, *family: str) -> pl.DataFrame:
    """Return ``table`` with the column ``p_holm``, computed from its column ``p``, replaced or added at the end.

    Rows with the same values in the columns ``family`` are one family; without columns, all rows are.
    """
    p = pl.col("p").map_batches(
        lambda rows: pl.Series(holm(rows.cast(pl.Float64).fill_null(np.nan).to_numpy()), nan_to_null=True),
        return_dtype=pl.Float64,
    )
    return table.with_columns((p.over(*family) if family else p).alias("p_holm"))
