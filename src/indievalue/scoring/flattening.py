"""Flattening: whether a predictor makes people of the same group more alike than they are.

There are two views. Within groups: the variance of the predictions for people of a group, compared with the variance of
their answers. Pairs: for two people with the same demographics who answered a question differently, how often the
predictor is right about both, and how often it predicts the same answer for both.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Unpack

import numpy as np
import polars as pl
from numpy.typing import NDArray

from indievalue.display import html_table
from indievalue.errors import IndievalueError
from indievalue.people.people import People
from indievalue.scoring.bootstrap import drawn_sums
from indievalue.scoring.exact import fixed
from indievalue.scoring.group_values import Row
from indievalue.scoring.groups import (
    CROSS,
    NO_GROUP,
    GroupFields,
    GroupOptions,
    Groups,
    check_demographics,
    group_people,
)
from indievalue.scoring.inputs import check_scales, demographics_table, predictions_table
from indievalue.scoring.spread import HIGH, LOW, Floats
from indievalue.scoring.weighting import weighted_rows

OptionNumbers = NDArray[np.int64]

MATCHED = ("country", "sex", "age", "education")
"""Default demographics that the two people of a pair share, of those that the survey has."""

ANYBODY = "anybody"
"""Label of pairs of people who need not share any demographic."""

_NUMBER, _COUNT, _TEXT = pl.Float64(), pl.Int64(), pl.String()
_RATES: dict[str, pl.DataType] = {
    "variance_true": _NUMBER,
    "variance": _NUMBER,
    "ratio": _NUMBER,
    "ratio_low": _NUMBER,
    "ratio_high": _NUMBER,
    "ratio_probable": _NUMBER,
    "alike_true": _NUMBER,
    "alike": _NUMBER,
    "excess": _NUMBER,
    "excess_low": _NUMBER,
    "excess_high": _NUMBER,
    "alike_probable": _NUMBER,
}
TABLE: dict[str, pl.DataType] = {
    "predictor": _TEXT, "demographic": _TEXT, "groups": _COUNT, "people": _COUNT, **_RATES, "note": _TEXT,
}  # fmt: skip
GROUPS: dict[str, pl.DataType] = {
    "predictor": _TEXT, "demographic": _TEXT, "group": _TEXT, "people": _COUNT, **_RATES,
}  # fmt: skip
PAIRS: dict[str, pl.DataType] = {
    "predictor": _TEXT, "matched": _TEXT, "people": _COUNT, "pairs": _COUNT, "cases": _COUNT,
    "apart": _NUMBER, "apart_low": _NUMBER, "apart_high": _NUMBER, "apart_probable": _NUMBER,
    "same": _NUMBER, "same_low": _NUMBER, "same_high": _NUMBER, "same_probable": _NUMBER,
}  # fmt: skip


@dataclass(frozen=True)
class Flattening:
    """Flattening of each predictor.

    Attributes:
        demographics: names, in the order given. matched: demographics that the people of a pair share.
        table: one row per predictor and demographic. ``variance_true`` and ``variance`` are the within-group variances
            of answers and of predictions to ordered questions, with options scaled to 0-1, and ``ratio`` is the second
            divided by the first, with its 95% interval; below 1, people are flattened. ``alike_true`` and ``alike`` are
            the probabilities, over all questions, that two people of a group gave, and are predicted to give, the same
            answer; ``excess`` is the second minus the first, with its interval; above 0, people are flattened.
            ``ratio_probable`` and ``alike_probable`` are for answers drawn from the predictor's probabilities instead
            of its choices. Groups are weighted by their number of people. With weights, a pair counts by the product
            of its two weights, which have a mean of 1, here and in all counts of cases.
        groups: the same for each group.
        pairs: one row per predictor and matching: the demographics in ``matched``, then none (``anybody``). A case is
            a question that the two people of a pair answered differently. ``apart`` is the percentage of cases (0-100)
            in which both are predicted correctly, ``same`` of those in which both get the same prediction, with 95%
            intervals; ``_probable`` is for answers drawn from the probabilities.

    Undefined values are null.
    """

    demographics: tuple[str, ...]
    matched: tuple[str, ...]
    table: pl.DataFrame
    groups: pl.DataFrame
    pairs: pl.DataFrame

    def _repr_html_(self) -> str:
        return html_table(self.table, "Variance and likeness within groups")


def flattening(
    predictions: pl.DataFrame,
    people: pl.DataFrame | People,
    demographics: Sequence[str | tuple[str, ...]],
    scales: Mapping[str, tuple[bool, int]],
    matched: Sequence[str] | None = None,
    options: GroupOptions | None = None,
    **fields: Unpack[GroupFields],
) -> Flattening:
    """Measure how much each predictor flattens the differences between people.

    Args:
        predictions, people, demographics, options, fields: as in :func:`indievalue.scoring.inequity.inequity`.
        scales: question → (whether its options are ordered, number of options), as
            :func:`indievalue.scoring.calibration.option_scales` returns.
        matched: demographics that the people of a pair share; by default those of :data:`MATCHED` that ``people`` has.

    Invalid outputs are left out of the within-group figures, together with the answers to them; in pairs they are wrong
    and equal to no other prediction. Intervals are from a first-order bootstrap over people (the Hájek projection of a
    U-statistic).

    Raises IndievalueError as :func:`indievalue.scoring.inequity.inequity` does, and if a question has no scale.

    >>> predictions = pl.DataFrame({
    ...     "predictor": "mine",
    ...     "setup": 0,
    ...     "person": ["a", "b", "c"],
    ...     "question": "Q1",
    ...     "answer": [0, 1, 1],
    ...     "choice": [1, 1, 1],
    ...     "probabilities": [[0.4, 0.6], [0.4, 0.6], [0.3, 0.7]],
    ... })
    >>> people = pl.DataFrame({"person": ["a", "b", "c"], "sex": "female"})
    >>> found = flattening(predictions, people, ["sex"], {"Q1": (True, 2)}, minimum=2, draws=100)
    >>> found.table["ratio"].item()  # the predictions do not vary at all
    0.0
    """
    options = replace(options or GroupOptions(), **fields)
    predictions = predictions_table(predictions, "flattening", "predictor", "setup", "question", "probabilities")
    people = demographics_table(people, "flattening")
    check_scales(scales, "flattening")
    crossed = check_demographics(people, demographics)
    if matched is None:
        matched = [name for name in MATCHED if name in people.columns]
    elif matched:
        check_demographics(people, matched)
    unknown = sorted(set(predictions["question"].unique()) - set(scales))
    if unknown:
        raise IndievalueError(
            f"scales has no entry for {', '.join(unknown[:3])}; option_scales(predictions, survey) returns all of them"
        )
    table: list[Row] = []
    groups: list[Row] = []
    pairs: list[Row] = []
    each = None if options.weights is None else dict(zip(people["person"].to_list(), options.weights, strict=True))
    predictions = weighted_rows(predictions, each)
    for (predictor,), rows in predictions.group_by("predictor", maintain_order=True):
        name = {"predictor": predictor}
        answers = _answers(rows, scales)
        about = pl.DataFrame({"person": answers.people}).join(people, on="person", how="left", maintain_order="left")
        for columns in crossed:
            parts = group_people(about, columns, options.minimum, options.small)
            pooled, single = _within(answers, parts, options.draws, options.seed)
            table.append({**name, "demographic": parts.name, "note": parts.note, **pooled})
            groups += [{**name, "demographic": parts.name, **row} for row in single]
        cells = [_cells(about, names) for names in dict.fromkeys([tuple(matched), ()])]
        pairs += [{**name, **_told_apart(answers, each, options.draws, options.seed)} for each in cells]
    return Flattening(
        tuple(CROSS.join(columns) for columns in crossed),
        tuple(matched),
        *(
            pl.DataFrame([{column: row.get(column) for column in schema} for row in rows], schema=schema)
            for rows, schema in ((table, TABLE), (groups, GROUPS), (pairs, PAIRS))
        ),
    )


@dataclass(frozen=True)
class _Answers:
    """One predictor's rows as arrays: people (sorted) × probes, where a probe is a question in a setup.

    ``weight`` (people,) has a mean of 1. ``answer`` and ``choice`` (people × probes) are options, -1 for none.
    ``probable`` (people × probes × options) are the probabilities, None if a row lacks them. ``steps`` (probes,) is the
    number of options minus one for ordered questions, 0 for others.
    """

    people: list[str]
    weight: Floats
    answer: OptionNumbers
    choice: OptionNumbers
    probable: Floats | None
    steps: Floats
    options: int


def _answers(rows: pl.DataFrame, scales: Mapping[str, tuple[bool, int]]) -> _Answers:
    people = rows["person"].unique().sort().to_list()
    probes = rows.select("setup", "question").unique().sort("setup", "question")
    person = rows["person"].rank("dense").to_numpy().astype(np.int64) - 1
    probe = rows.join(probes.with_row_index("probe"), on=["setup", "question"], maintain_order="left")
    column = probe["probe"].to_numpy().astype(np.int64)
    shape = (len(people), len(probes))
    answer, choice = np.full(shape, -1, np.int64), np.full(shape, -1, np.int64)
    answer[person, column] = rows["answer"].to_numpy()
    choice[person, column] = rows["choice"].to_numpy()
    asked = [scales[question] for question in probes["question"]]
    options = max(number for _, number in asked)
    probable = None
    if not rows["probabilities"].has_nulls():
        length = rows["probabilities"].list.len().to_numpy().astype(np.int64)
        flat = rows["probabilities"].explode().cast(pl.Float64).to_numpy()
        row = np.repeat(np.arange(len(rows)), length)
        place = np.arange(len(flat)) - np.repeat(np.cumsum(length) - length, length)
        probable = np.zeros((*shape, options))
        probable[person[row], column[row], place] = flat
        probable = fixed(probable, 2 * len(people) * options**2)
    steps = np.array([number - 1 if ordered else 0 for ordered, number in asked], np.float64)
    weight = np.ones(len(people))
    weight[person] = rows["weight"].to_numpy()
    return _Answers(people, weight / weight.mean(), answer, choice, probable, steps, options)


def _one_hot(options: OptionNumbers, number: int) -> Floats:
    return np.asarray(options[..., None] == np.arange(number), np.float64)


def _over_group(values: Floats, group: OptionNumbers) -> Floats:
    """Return for each person the sum of ``values`` (people × …) over everyone in their group."""
    _, own, size = np.unique(group, return_inverse=True, return_counts=True)
    sums = np.add.reduceat(values[np.argsort(own, kind="stable")], np.cumsum(size) - size, axis=0)
    return np.asarray(sums[own])


def _others(values: Floats, weight: Floats, group: OptionNumbers) -> Floats:
    """Return for each person the weighted sum of ``values`` over the others in their group."""
    weighted = weight * values
    return _over_group(weighted, group) - weighted


@dataclass(frozen=True)
class _Pairs:
    """Counts over pairs: ``counted`` out of ``of`` cases (people,), summed over probes and others in the group."""

    counted: Floats
    of: Floats

    def rates(self, groups: Groups) -> Floats:
        """Return the share of cases counted, over all pairs of a group (groups,)."""
        members = groups.membership()
        counted, cases = self.counted @ members, self.of @ members
        return np.asarray(np.divide(counted, cases, out=np.full(len(cases), np.nan), where=cases > 0))

    def drawn(self, groups: Groups, draws: int, seed: int) -> Floats:
        """Return the same for bootstrap draws of people (draws × groups), to first order."""
        rates, members = self.rates(groups), groups.membership()
        known = groups.known
        own = groups.group[known]
        cases = (self.of @ members)[own]
        influence = np.zeros(len(groups.group))
        influence[known] = 2 * np.divide(
            self.counted[known] - self.of[known] * rates[own], cases, out=np.zeros(len(known)), where=cases > 0
        )
        return np.asarray(rates + drawn_sums(fixed(influence, len(influence))[None], members, seed, draws)[0])


def _differences(said: Floats, valid: Floats, answers: _Answers, group: OptionNumbers) -> tuple[_Pairs, _Pairs]:
    """Return half the squared distances on ordered questions, and agreement on all, over pairs within groups.

    ``said`` (people × probes × options) are probabilities, one-hot for single answers, and all 0 if not ``valid``. The
    mean over pairs of half the squared distance is the variance. A pair counts by the product of its weights.
    """
    steps, weight = answers.steps, answers.weight[:, None]
    place = np.arange(said.shape[2])
    scale = np.divide(1.0, steps, out=np.zeros_like(steps), where=steps > 0)
    mean, square = said @ place, said @ place**2
    others = _others(valid, weight, group)
    distances = 0.5 * (square * others + valid * _others(square, weight, group))
    distances = weight * (distances - mean * _others(mean, weight, group))
    alike = weight * (said * _others(said, weight[..., None], group)).sum(axis=2)
    cases = weight * valid * others
    return (
        _Pairs((distances * scale**2).sum(axis=1), (cases * (steps > 0)).sum(axis=1)),
        _Pairs(alike.sum(axis=1), cases.sum(axis=1)),
    )


def _within(answers: _Answers, groups: Groups, draws: int, seed: int) -> tuple[Row, list[Row]]:
    """Return the row of the demographic, and the rows of its groups."""
    sizes = groups.sizes
    if not len(sizes):
        return {"groups": 0, "people": 0}, []
    valid = (answers.choice >= 0).astype(np.float64)
    hard = valid[..., None]
    kinds = [_one_hot(answers.answer, answers.options) * hard, _one_hot(answers.choice, answers.options)]
    if answers.probable is not None:
        kinds.append(answers.probable * hard)
    pairs = [_differences(said, valid, answers, groups.group) for said in kinds]
    variances, alike = ([kind[at].rates(groups) for kind in pairs] for at in (0, 1))
    drawn = [[kind[at].drawn(groups, draws, seed) for kind in pairs[:2]] for at in (0, 1)]
    rows: list[Row] = [
        {
            "group": label,
            "people": int(size),
            **_rates([v[at] for v in variances], [a[at] for a in alike], *([d[:, at] for d in one] for one in drawn)),
        }
        for at, (label, size) in enumerate(zip(groups.labels, sizes, strict=True))
    ]
    share = answers.weight @ groups.membership()
    share /= share.sum()
    rates = _rates(
        [(v * share).sum() for v in variances],
        [(a * share).sum() for a in alike],
        *([(d * share).sum(axis=1) for d in one] for one in drawn),
    )
    return {"groups": len(sizes), "people": int(sizes.sum()), **rates}, rows


def _rates(
    variances: Sequence[float], alike: Sequence[float], drawn_variances: Sequence[Floats], drawn_alike: Sequence[Floats]
) -> dict[str, float | None]:
    """Return the figures of one group; lists are for answers, choices and, if available, probabilities."""
    with np.errstate(divide="ignore", invalid="ignore"):
        ratio = np.divide(variances, variances[0])
        ratio_low, ratio_high = _ends(drawn_variances[1] / drawn_variances[0])
    excess_low, excess_high = _ends(drawn_alike[1] - drawn_alike[0])
    said = {
        "variance_true": variances[0],
        "variance": variances[1],
        "ratio": ratio[1],
        "ratio_low": ratio_low,
        "ratio_high": ratio_high,
        "alike_true": alike[0],
        "alike": alike[1],
        "excess": alike[1] - alike[0],
        "excess_low": excess_low,
        "excess_high": excess_high,
    }
    if len(variances) > 2:
        said |= {"ratio_probable": ratio[2], "alike_probable": alike[2]}
    return {name: float(value) if np.isfinite(value) else None for name, value in said.items()}


def _cells(people: pl.DataFrame, matched: tuple[str, ...]) -> Groups:
    """Return the groups of people who share all of ``matched``; a single group of everyone if it is empty."""
    if matched:
        return group_people(people, matched, 2, "drop")
    return Groups(ANYBODY, (ANYBODY,), np.zeros(len(people), np.int64), "")


def _told_apart(answers: _Answers, cells: Groups, draws: int, seed: int) -> Row:
    """Return how often two people of a cell who differ are told apart, and how often they get the same prediction."""
    in_cell = cells.group >= 0
    everybody = Groups(cells.name, ("all",), np.where(in_cell, 0, NO_GROUP), "")
    sizes = cells.sizes
    said = {"": _one_hot(answers.choice, answers.options)}
    if answers.probable is not None:
        said["_probable"] = answers.probable * (answers.choice >= 0)[..., None]
    row: Row = {
        "matched": cells.name,
        "people": int(in_cell.sum()),
        "pairs": int((sizes * (sizes - 1) // 2).sum()),
    }
    for kind, options in said.items():
        apart, same = _differing(answers, options, cells.group)
        row["cases"] = round(float(apart.of[in_cell].sum()) / 2)
        for name, pairs in (("apart", apart), ("same", same)):
            rate = pairs.rates(everybody)[0]
            row[f"{name}{kind}"] = 100 * float(rate) if np.isfinite(rate) else None
            if not kind and np.isfinite(rate):
                row[f"{name}_low"], row[f"{name}_high"] = _ends(100 * pairs.drawn(everybody, draws, seed)[:, 0])
    return row


def _differing(answers: _Answers, said: Floats, group: OptionNumbers) -> tuple[_Pairs, _Pairs]:
    """Count pairs who answered differently: both predicted correctly, and both with the same prediction."""
    answer, weight = answers.answer, answers.weight[:, None]
    asked = (answer >= 0).astype(np.float64)
    right = np.take_along_axis(said, np.maximum(answer, 0)[..., None], axis=2)[..., 0] * asked
    all_asked, all_right = (_over_group(weight * each, group) for each in (asked, right))
    all_said = _over_group(weight[..., None] * said, group)
    cases, apart, same = (np.zeros(answer.shape) for _ in range(3))
    for option in range(said.shape[2]):
        gave = (answer == option).astype(np.float64)
        gave_said = said * gave[..., None]
        cases += weight * gave * (all_asked - _over_group(weight * gave, group))
        apart += weight * gave * right * (all_right - _over_group(weight * gave * right, group))
        same += weight * (gave_said * (all_said - _over_group(weight[..., None] * gave_said, group))).sum(axis=2)
    of = cases.sum(axis=1)
    return _Pairs(apart.sum(axis=1), of), _Pairs(same.sum(axis=1), of)


def _ends(draws: Floats) -> tuple[float, float]:
    kept = draws[np.isfinite(draws)]
    low, high = np.quantile(kept, [LOW, HIGH]) if len(kept) else (np.nan, np.nan)
    return float(low), float(high)
