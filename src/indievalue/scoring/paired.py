"""Paired comparison of two predictors on the same people and probes: accuracy, log loss and inequity."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Unpack

import numpy as np
import polars as pl

from indievalue.choices import MEASURES, Measure
from indievalue.display import html_table
from indievalue.errors import IndievalueError
from indievalue.people.people import People
from indievalue.scoring.families import with_holm
from indievalue.scoring.group_values import GroupValues, Row, measure_groups, people_of, weighted_sums
from indievalue.scoring.groups import CROSS, GroupFields, GroupOptions, Groups, check_demographics, group_people
from indievalue.scoring.inputs import demographics_table, predictions_table
from indievalue.scoring.measures import Sums, person_sums
from indievalue.scoring.spread import HIGH, LOW, Floats, mean_spread_interval, true_spreads
from indievalue.scoring.swapping import swapped_differences

KEY = ["setup", "person", "question"]
"""Columns that identify a row of one predictor."""

_EVERYBODY = "everybody"

COLUMNS: dict[str, pl.DataType] = {
    "measure": pl.String(),
    "demographic": pl.String(),
    "a": pl.Float64(),
    "b": pl.Float64(),
    "difference": pl.Float64(),
    "low": pl.Float64(),
    "high": pl.Float64(),
    "p": pl.Float64(),
    "sigma_a": pl.Float64(),
    "sigma_b": pl.Float64(),
    "p_holm": pl.Float64(),
}


class NotComparableError(IndievalueError):
    """Two predictors whose rows cannot be compared.

    Attributes:
        reason: the message without its ``examples``, which name people; for pages and files that are passed on.
    """

    def __init__(self, message: str, *examples: str) -> None:
        super().__init__(message)
        self.reason = message
        for example in examples:
            self.reason = self.reason.replace(f", such as {example}", "")


@dataclass(frozen=True)
class Comparison:
    """Comparison of predictors ``a`` and ``b``, on ``probes`` rows of ``people`` people.

    Attributes:
        left_out: number of rows of a, and of b, that the other lacks.
        probability_rows: number of rows for which both give probabilities, over which log loss is compared.
        demographics: names of the demographics that inequity is averaged over.
        table: one row per ``measure`` and ``demographic`` (null if not applicable): ``accuracy`` in percentage points;
            ``log_loss`` in nats; ``inequity``, the mean of σ over demographics; and ``sigma`` of each demographic.
            ``difference`` is ``a`` − ``b`` with its 95% interval, ``low`` to ``high``, and two-sided p-value ``p``. In
            rows of inequity and sigma, ``a`` and ``b`` are corrected for noise, ``sigma_a`` and ``sigma_b`` as
            observed. ``p_holm`` is p after Holm's correction over the demographics in rows of ``sigma``, and over all
            pairs compared together in the others (see :func:`with_holm_over`). Values are null without probabilities,
            with fewer than two groups, or with a single person.
    """

    a: str
    b: str
    people: int
    probes: int
    left_out: tuple[int, int]
    demographics: tuple[str, ...]
    table: pl.DataFrame
    probability_rows: int | None = None

    def _repr_html_(self) -> str:
        return html_table(self.table, f"{self.a} − {self.b}, {self.people:,} people, {self.probes:,} probes")


def compare(
    predictions_a: pl.DataFrame,
    predictions_b: pl.DataFrame,
    people: pl.DataFrame | People | None = None,
    demographics: Sequence[str | tuple[str, ...]] = (),
    *,
    names: tuple[str, str] | None = None,
    intersection: bool = False,
    options: GroupOptions | None = None,
    **fields: Unpack[GroupFields],
) -> Comparison:
    """Compare two predictors on the same people and probes, with the same draws of people for both.

    Args:
        predictions_a, predictions_b: predictions of one predictor each.
        people, demographics, options, fields: as in :func:`indievalue.scoring.inequity.inequity`; without people or
            demographics, inequity is left out.
        names: names to show instead of the predictors' own.
        intersection: compare only the rows that both have, instead of requiring the same rows.

    Intervals and p of accuracy and log loss are from percentiles of the draws. For σ, p is from a permutation test that
    swaps the two predictors' rows within people (see :mod:`indievalue.scoring.swapping`), and the interval holds the
    middle 95% of the differences between the true σ for which each draw's noise, the same people for both, gives the
    observed ones (see :func:`indievalue.scoring.spread.true_spreads`). Both remove the noise of each predictor's own
    rows, so that a predictor does not look less even only because its rows are noisier.

    Raises IndievalueError, with counts and an example, if an argument has the wrong type, the forms differ, the rows
    differ (unless ``intersection``), or the true answers differ, which means that the data are not the same.

    >>> a = pl.DataFrame({
    ...     "predictor": "a",
    ...     "form": "polar",
    ...     "setup": 0,
    ...     "person": ["x", "x", "y", "y"],
    ...     "question": ["Q1", "Q2", "Q1", "Q2"],
    ...     "answer": [0, 1, 0, 1],
    ...     "choice": [0, 1, 0, 0],
    ...     "probabilities": [[0.9, 0.1], [0.2, 0.8], [0.7, 0.3], [0.6, 0.4]],
    ... })
    >>> b = a.with_columns(predictor=pl.lit("b"), choice=pl.lit(0))
    >>> compare(a, b).table.filter(measure="accuracy").select("a", "b", "difference").row(0)
    (75.0, 50.0, 25.0)
    """
    options = replace(options or GroupOptions(), **fields)
    columns = ("predictor", "form", *KEY, "probabilities")
    a, b = (_single(predictions_table(table, "compare", *columns)) for table in (predictions_a, predictions_b))
    people = None if people is None else demographics_table(people, "compare")
    names = names or (str(a["predictor"][0]), str(b["predictor"][0]))
    a, b, left_out = shared_rows(a, b, names, intersection=intersection)
    crossed = check_demographics(people, demographics) if people is not None and len(demographics) else []
    if options.weights is not None and people is None:
        raise IndievalueError("compare: weights are one per row of people, so give people, too")
    rows = [_overall(a, b, of, people, options) for of in ("accuracy", "log_loss")]
    if crossed and people is not None:
        rows += _inequity(a, b, people, crossed, options)
    if a["person"].n_unique() < 2:
        rows = [row | dict.fromkeys(("low", "high", "p")) for row in rows]  # resampling one person gives no interval
    table = pl.DataFrame([{column: row.get(column) for column in COLUMNS} for row in rows], schema=COLUMNS)
    return Comparison(
        *names,
        a["person"].n_unique(),
        len(a),
        left_out,
        tuple(CROSS.join(columns) for columns in crossed),
        with_holm(table, "measure"),
        int((a["probabilities"].is_not_null() & b["probabilities"].is_not_null()).sum()),
    )


def with_holm_over(compared: Sequence[Comparison]) -> list[Comparison]:
    """Correct p for the number of pairs compared together: replace ``p_holm`` of each comparison.

    The accuracies of all pairs are one family, and so are their log losses and their indices; the demographics of each
    pair remain a family of their own.
    """
    if not compared:
        return []
    rows = pl.concat([one.table.with_columns(pair=pl.lit(at)) for at, one in enumerate(compared)])
    rows = rows.with_columns(family=pl.when(measure="sigma").then(1 + pl.col("pair")).otherwise(0))
    corrected = with_holm(rows, "measure", "family")
    return [replace(one, table=corrected.filter(pair=at).select(*COLUMNS)) for at, one in enumerate(compared)]


def shared_rows(
    a: pl.DataFrame, b: pl.DataFrame, names: tuple[str, str], *, intersection: bool = False
) -> tuple[pl.DataFrame, pl.DataFrame, tuple[int, int]]:
    """Return the rows of both predictors in the same order, and how many of each were left out.

    Raises IndievalueError as :func:`compare` does.
    """
    forms = [sorted(rows["form"].unique().to_list()) for rows in (a, b)]
    if forms[0] != forms[1]:
        raise NotComparableError(
            f"{names[0]} answered in {' and '.join(forms[0])} form, {names[1]} in {' and '.join(forms[1])} form: "
            "different options cannot be compared"
        )
    for rows, name in ((a, names[0]), (b, names[1])):
        twice = rows.select(KEY).is_duplicated()
        if twice.any():
            example = _row(rows.filter(twice))
            raise NotComparableError(
                f"{name} has {int(twice.sum()):,} rows that occur more than once, such as {example}", example
            )
    only_a, only_b = a.join(b, on=KEY, how="anti"), b.join(a, on=KEY, how="anti")
    common_a, common_b = a.join(b, on=KEY, how="semi").sort(KEY), b.join(a, on=KEY, how="semi").sort(KEY)
    if common_a.is_empty():
        example = f"{_row(a)} and {_row(b)}"
        sizes = f"{len(a):,} and {len(b):,} rows"
        raise NotComparableError(
            f"{names[0]} and {names[1]} were asked nothing in common: {sizes}, such as {example}", example
        )
    if len(only_a) + len(only_b) and not intersection:
        sides = [side for side in ((only_a, *names), (only_b, *names[::-1])) if len(side[0])]
        examples = [_row(only) for only, _, _ in sides]
        lacking = [
            f"{len(only):,} rows of {name}, such as {example}, are not in {other}"
            for (only, name, other), example in zip(sides, examples, strict=True)
        ]
        raise NotComparableError(
            f"these are not the same people and probes: {'; '.join(lacking)}. To compare the {len(common_a):,} "
            "they share, ask for their intersection (--intersection)",
            *examples,
        )
    differ = common_a["answer"] != common_b["answer"]
    if differ.any():
        example = _row(common_a.filter(differ))
        raise NotComparableError(
            f"{names[0]} and {names[1]} are of different data: in {int(differ.sum()):,} of {len(differ):,} shared rows "
            f"the true answers differ, such as {example}",
            example,
        )
    return common_a, common_b, (len(only_a), len(only_b))


def _overall(
    a: pl.DataFrame, b: pl.DataFrame, measure: Measure, people: pl.DataFrame | None, options: GroupOptions
) -> Row:
    measured = _both(a, b, measure, people, options)
    if measured is None:
        return {"measure": measure}
    both = []
    for sums in measured:
        everybody = Groups(_EVERYBODY, (_EVERYBODY,), np.zeros(len(sums.people), np.int64), "")
        both.append(measure_groups(sums, [everybody], options.draws, options.seed)[0])
    values = [float(one.values[0]) for one in both]
    drawn = [one.values[0] + one.noise[:, 0] for one in both]
    return {"measure": measure, "a": values[0], "b": values[1], **_difference(values, drawn[0] - drawn[1])}


def _inequity(
    a: pl.DataFrame,
    b: pl.DataFrame,
    people: pl.DataFrame,
    crossed: Sequence[tuple[str, ...]],
    options: GroupOptions,
) -> list[Row]:
    sums = _both(a, b, options.measure, people, options)
    if sums is None:
        sigmas: list[Row] = [{"measure": "sigma", "demographic": CROSS.join(columns)} for columns in crossed]
        return [{"measure": "inequity"}, *sigmas]
    asked = people_of(sums[0], people)
    groups = [group_people(asked, columns, options.minimum, options.small) for columns in crossed]
    measured = [measure_groups(one, groups, options.draws, options.seed) for one in sums]
    return sigma_differences(sums, measured, options.draws, options.seed)


def sigma_differences(
    sums: tuple[Sums, Sums], measured: Sequence[Sequence[GroupValues]], draws: int, seed: int
) -> list[Row]:
    """Return the row of the index, then that of each demographic; ``measured`` are both predictors' groups."""
    pairs = list(zip(*measured, strict=True))
    kept = [at for at, pair in enumerate(pairs) if all(np.isfinite(one.between) for one in pair)]
    rows: list[Row] = [{"measure": "sigma", "demographic": of_a.groups.name} for of_a, _ in pairs]
    index: Row = {"measure": "inequity"}
    if not kept:
        return [index, *rows]
    swapped = swapped_differences(*sums, [pairs[at][0].groups for at in kept], draws, seed)
    truths = []
    for place, at in enumerate(kept):
        pair = pairs[at]
        values = [float(np.sqrt(max(one.between, 0))) for one in pair]
        truths.append(np.subtract(*(true_spreads(one.values, one.noise) for one in pair)))
        rows[at] |= {"a": values[0], "b": values[1], "sigma_a": pair[0].sigma, "sigma_b": pair[1].sigma}
        rows[at] |= _interval(values, truths[-1]) | {"p": swapped.p(place)}
    sides = [[pairs[at][side] for at in kept] for side in (0, 1)]
    values = [
        mean_spread_interval([one.values for one in of], [one.noise for one in of], [one.between for one in of])[1]
        for of in sides
    ]
    sigma = [float(np.mean([one.sigma for one in of])) for of in sides]
    index |= {"a": values[0], "b": values[1], "sigma_a": sigma[0], "sigma_b": sigma[1]}
    index |= _interval(values, np.mean(truths, axis=0)) | {"p": swapped.p()}
    return [index, *rows]


def _both(
    a: pl.DataFrame, b: pl.DataFrame, measure: Measure, people: pl.DataFrame | None, options: GroupOptions
) -> tuple[Sums, Sums] | None:
    """Return the sums of both on the same rows, weighted if people are; None if they share no usable row."""
    if measure not in MEASURES[:2]:
        raise IndievalueError(f"predictors are compared in {' or '.join(MEASURES[:2])}, not in {measure}")
    if measure == "log_loss":
        given = a["probabilities"].is_not_null() & b["probabilities"].is_not_null()
        a, b = a.filter(given), b.filter(given)
    of_a, of_b = person_sums(a, measure), person_sums(b, measure)
    if of_a is None or of_b is None:
        return None
    if options.weights is None or people is None:
        return of_a, of_b
    return weighted_sums(of_a, people, options.weights), weighted_sums(of_b, people, options.weights)


def _difference(values: Sequence[float], drawn: Floats) -> dict[str, float | None]:
    row = _interval(values, drawn)
    drawn = drawn[np.isfinite(drawn)]
    if not len(drawn):
        return row
    tail = min(int((drawn <= 0).sum()), int((drawn >= 0).sum()))
    return row | {"p": min(1.0, 2 * (1 + tail) / (1 + len(drawn)))}


def _interval(values: Sequence[float], drawn: Floats) -> dict[str, float | None]:
    drawn = drawn[np.isfinite(drawn)]
    if not len(drawn):
        return {"difference": values[0] - values[1]}
    low, high = np.quantile(drawn, [LOW, HIGH])
    return {"difference": values[0] - values[1], "low": float(low), "high": float(high)}


def _single(predictions: pl.DataFrame) -> pl.DataFrame:
    named = predictions["predictor"].unique().sort().to_list()
    if len(named) != 1:
        raise IndievalueError(f"compare: each table must be of one predictor, not of {', '.join(named) or 'none'}")
    return predictions


def _row(rows: pl.DataFrame) -> str:
    first = rows.sort(KEY).row(0, named=True)
    return f"person {first['person']}, question {first['question']} in setup {first['setup']}"
