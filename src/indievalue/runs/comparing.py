"""Compare predictors in pairs, within one run or between runs."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import combinations
from pathlib import Path
from typing import Unpack

import polars as pl

from indievalue.errors import IndievalueError, did_you_mean
from indievalue.runs.names import short_names
from indievalue.runs.run import Run
from indievalue.scoring.groups import GroupFields, GroupOptions
from indievalue.scoring.paired import Comparison, compare, with_holm_over


def compare_runs(
    runs: Sequence[tuple[Path, Run]],
    predictors: Sequence[str] | None = None,
    demographics: Sequence[str | tuple[str, ...]] = (),
    *,
    intersection: bool = False,
    options: GroupOptions | None = None,
    **fields: Unpack[GroupFields],
) -> list[Comparison]:
    """Compare each predictor of a run with each predictor of the later runs, or the predictors of a single run.

    ``runs`` pairs each run with its directory; the first run of a pair weights people (see :meth:`Run.weighted`).
    With ``predictors``, only those are compared. The other parameters are
    those of :func:`indievalue.scoring.paired.compare`. Raises IndievalueError if there are not two predictors.
    """
    known = {name for _, run in runs for name in run.scores}
    for name in predictors or ():
        if name not in known:
            close = did_you_mean(name, known)
            raise IndievalueError(f"no run has a predictor {name!r}; they have {', '.join(sorted(known))}{close}")
    pairs = list(_pairs(runs, predictors))
    if not pairs:
        raise IndievalueError("there is nothing to compare: name two runs, or one run with at least two predictors")
    chosen = replace(options or GroupOptions(), **fields)
    label = short_names(folder for folder, _ in runs)
    compared = []
    for (place_a, a), (place_b, b) in pairs:
        (folder_a, run_a), (folder_b, run_b) = runs[place_a], runs[place_b]
        names = (a, b) if len(runs) == 1 else (f"{a} in {label[folder_a]}", f"{b} in {label[folder_b]}")
        compared.append(
            compare(
                run_a.predictions.filter(predictor=a),
                run_b.predictions.filter(predictor=b),
                run_a.people,
                demographics,
                names=names,
                intersection=intersection,
                options=chosen if run_a.weights is None else replace(chosen, weights=run_a.weights),
            )
        )
    return with_holm_over(compared)


def comparison_table(compared: Sequence[Comparison]) -> pl.DataFrame:
    """Return all comparisons as one table.

    Columns: ``predictor_a``, ``predictor_b``, ``people``, ``probes``, then those of :attr:`Comparison.table`.
    """
    return pl.concat(
        one.table.select(
            pl.lit(one.a).alias("predictor_a"),
            pl.lit(one.b).alias("predictor_b"),
            pl.lit(one.people).alias("people"),
            pl.lit(one.probes).alias("probes"),
            pl.all(),
        )
        for one in compared
    )


def _pairs(
    runs: Sequence[tuple[Path, Run]], predictors: Sequence[str] | None
) -> Iterator[tuple[tuple[int, str], tuple[int, str]]]:
    each = [
        (place, name)
        for place, (_, run) in enumerate(runs)
        for name in run.scores
        if predictors is None or name in predictors
    ]
    for a, b in combinations(each, 2):
        if len(runs) == 1 or a[0] != b[0]:
            yield a, b
