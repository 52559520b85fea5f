"""Distributions of answers: how near what is predicted of a group is to what its members answered.

The same predictions as everywhere, read as pollsters and work on alignment do: per question and group, the shares of
the options as predicted and as answered. :mod:`indievalue.scoring.distances` has the distances, with what sampling
alone gives, :mod:`indievalue.scoring.exaggeration` the differences between groups, and
:mod:`indievalue.scoring.representativeness` whose answers are resembled most.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Unpack

import numpy as np
import polars as pl
from numpy.typing import NDArray

from indievalue.display import html_table
from indievalue.errors import IndievalueError
from indievalue.people.people import People
from indievalue.scoring.answer_shares import Answers, Floats, Given, Means, Reading, answers_of, has_values
from indievalue.scoring.distances import (
    entropy,
    jensen_shannon,
    jensen_shannon_floor,
    total_variation,
    total_variation_floor,
    wasserstein,
    wasserstein_floor,
)
from indievalue.scoring.exaggeration import Features, Real, differences
from indievalue.scoring.families import with_holm
from indievalue.scoring.groups import CROSS, GroupFields, GroupOptions, Groups, check_demographics, group_people
from indievalue.scoring.inputs import check_scales, demographics_table, predictions_table
from indievalue.scoring.representativeness import Representativeness, Row, plain, representativeness
from indievalue.scoring.weighting import weighted_rows

OVERALL = "overall"
"""Name of the demographic whose only group is everybody, and of that group."""

NEAR = 0.2
"""Wasserstein distance below which WorldValuesBench counts a question as one whose answers a model is aware of."""

_NUMBER, _COUNT, _TEXT = pl.Float64(), pl.Int64(), pl.String()
_KEY: dict[str, pl.DataType] = {"predictor": _TEXT, "reading": _TEXT, "demographic": _TEXT}
_DISTANCES: dict[str, pl.DataType] = {
    "WD": _NUMBER, "WD_floor": _NUMBER, "JS": _NUMBER, "JS_floor": _NUMBER, "TV": _NUMBER, "TV_floor": _NUMBER,
    "entropy": _NUMBER, "entropy_true": _NUMBER,
}  # fmt: skip
QUESTIONS: dict[str, pl.DataType] = {
    **_KEY, "group": _TEXT, "question": _TEXT, "people": _COUNT, **_DISTANCES,
    "D_M": pl.List(_NUMBER), "D_H": pl.List(_NUMBER),
}  # fmt: skip
GROUPS: dict[str, pl.DataType] = {
    **_KEY, "group": _TEXT, "people": _COUNT, "questions": _COUNT, **_DISTANCES, "WD_below": _NUMBER,
    "Rep": _NUMBER, "Rep_corrected": _NUMBER, "Rep_corrected_low": _NUMBER, "Rep_corrected_high": _NUMBER,
    "rank": _COUNT,
}  # fmt: skip
TABLE: dict[str, pl.DataType] = {
    **_KEY, "groups": _COUNT, "people": _COUNT, **_DISTANCES,
    "exaggeration": _NUMBER, "exaggeration_low": _NUMBER, "exaggeration_high": _NUMBER,
    "rank_correlation": _NUMBER, "rank_correlation_low": _NUMBER, "rank_correlation_high": _NUMBER,
    "nearest": _TEXT, "nearest_Rep": _NUMBER, "farthest": _TEXT, "farthest_Rep": _NUMBER, "note": _TEXT,
}  # fmt: skip
PAIRS: dict[str, pl.DataType] = {
    **_KEY, "group": _TEXT, "other": _TEXT, "difference": _NUMBER, "difference_low": _NUMBER,
    "difference_high": _NUMBER, "p": _NUMBER, "p_holm": _NUMBER,
}  # fmt: skip


@dataclass(frozen=True)
class Distributions:
    """Predicted and actual distributions of answers. All distances are from 0 (the same) to 1.

    In all tables, ``reading`` says how predictions are read as a distribution: ``probabilities``, the mean of the
    probabilities of all people of a group, or ``choices``, the share of the answers chosen. Predictors without
    probabilities have rows of ``choices`` alone. The demographic ``overall`` has one group, everybody.

    Attributes:
        demographics: names, in the order given, without ``overall``.
        questions: one row per predictor, reading, demographic, group and question: ``WD``, the Wasserstein distance
            between predicted and actual answers (null if options are not ordered), ``JS``, the Jensen-Shannon distance
            (square root of the divergence in bits), and ``TV``, the total variation; each with its ``_floor``, the
            mean distance that a predictor which knows the distribution exactly has from a sample of so many
            ``people``; ``entropy`` and ``entropy_true``, of predicted and of actual answers, as a share of the largest
            possible; ``D_M`` and ``D_H``, the shares of the options as predicted and as answered.
        groups: the means of these over questions, in one row per predictor, reading, demographic and group;
            ``WD_below``, the share of questions with ``WD`` below 0.2, in percent; ``Rep``, representativeness:
            1 − ``WD``; ``Rep_corrected``, the same without sampling noise, with its 95% interval from resampling
            people; ``rank``, 1 for the group of the demographic that is represented best.
        table: the means of these over groups, in one row per predictor, reading and demographic; ``exaggeration``,
            the standard deviation of predicted differences between groups over that of real ones, without sampling
            noise; ``rank_correlation`` of predicted and real differences; both with 95% intervals; the ``nearest`` and
            ``farthest`` group with their ``Rep_corrected``; a ``note`` on who was pooled or left out.
        pairs: the difference in ``Rep_corrected`` of each pair of groups, the nearer ``group`` minus the ``other``,
            with its interval, p and ``p_holm``, corrected over the pairs of a predictor, reading and demographic.

    Undefined values are null.
    """

    demographics: tuple[str, ...]
    table: pl.DataFrame
    groups: pl.DataFrame
    pairs: pl.DataFrame
    questions: pl.DataFrame

    def _repr_html_(self) -> str:
        return html_table(self.table, "Predicted and actual distributions of answers")


def distributions(
    predictions: pl.DataFrame,
    people: pl.DataFrame | People,
    demographics: Sequence[str | tuple[str, ...]],
    scales: Mapping[str, tuple[bool, int]],
    options: GroupOptions | None = None,
    **fields: Unpack[GroupFields],
) -> Distributions:
    """Compare predicted with actual distributions of answers, in everybody and in the groups of each demographic.

    Args:
        predictions, people, demographics, options, fields: as in :func:`indievalue.scoring.inequity.inequity`; with no
            demographics, only everybody. ``measure`` is not used.
        scales: question → (whether its options are ordered, number of options), as
            :func:`indievalue.scoring.calibration.option_scales` returns.

    Everybody who was asked counts once per question. Invalid outputs are left out of what is predicted, not of what was
    answered. With weights, shares are weighted, and floors are those of the effective number of people.

    Raises IndievalueError as :func:`indievalue.scoring.inequity.inequity` does, and if a question has no scale.

    >>> predictions = pl.DataFrame({
    ...     "predictor": "mine",
    ...     "person": ["a", "b", "c", "d"],
    ...     "question": "Q1",
    ...     "answer": [0, 0, 1, 1],
    ...     "choice": [0, 0, 0, 1],
    ...     "probabilities": [[0.7, 0.3], [0.7, 0.3], [0.7, 0.3], [0.3, 0.7]],
    ... })
    >>> people = pl.DataFrame({"person": ["a", "b", "c", "d"]})
    >>> found = distributions(predictions, people, [], {"Q1": (True, 2)}, draws=20)
    >>> found.groups.select("reading", pl.col("WD", "WD_floor", "Rep").round(4)).rows()
    [('probabilities', 0.1, 0.1875, 0.9), ('choices', 0.25, 0.1875, 0.75)]
    """
    options = replace(options or GroupOptions(), **fields)
    predictions = predictions_table(predictions, "distributions", "predictor", "question", "probabilities")
    people = demographics_table(people, "distributions")
    check_scales(scales, "distributions")
    nobody = isinstance(demographics, Sequence) and not demographics
    crossed = [] if nobody else check_demographics(people, demographics)
    unknown = sorted(set(predictions["question"].unique()) - set(scales))
    if unknown:
        raise IndievalueError(
            f"scales has no entry for {', '.join(unknown[:3])}; option_scales(predictions, survey) returns all of them"
        )
    weights = None if options.weights is None else dict(zip(people["person"].to_list(), options.weights, strict=True))
    rows: dict[str, list[Row]] = {"table": [], "groups": [], "pairs": []}
    questions = [pl.DataFrame(schema=QUESTIONS)]
    truths: dict[int, list[_Truth]] = {}
    for (predictor,), asked in weighted_rows(predictions, weights).group_by("predictor", maintain_order=True):
        answers = answers_of(asked, scales)
        same = int(asked.select("person", "question", "answer", "weight").hash_rows().sum())
        if same not in truths:
            truths[same] = _truths(answers, people, [(), *crossed], options)
        compared = {
            reading: [_compared(predicted, truth) for truth in truths[same]]
            for reading, predicted in ((reading, _Predicted.of(answers, reading)) for reading in answers.predicted)
        }
        found = [
            (reading, truth.groups, *compared[reading][at])
            for at, truth in enumerate(truths[same])
            for reading in answers.predicted
        ]
        for reading, groups, by_table, _ in found:
            about = {"predictor": predictor, "reading": reading, "demographic": groups.name}
            for name, more in by_table.items():
                rows[name] += [{**about, **row} for row in more]
        questions.append(_by_question(str(predictor), answers, [(*one[:2], one[3]) for one in found]))
    schemas = {"table": TABLE, "groups": GROUPS, "pairs": PAIRS}
    frames = {
        name: pl.DataFrame([{column: row.get(column) for column in schema} for row in rows[name]], schema=schema)
        for name, schema in schemas.items()
    }
    frames["pairs"] = with_holm(frames["pairs"], *_KEY)
    return Distributions(tuple(map(CROSS.join, crossed)), **frames, questions=pl.concat(questions))


def _groups(answers: Answers, people: pl.DataFrame, columns: tuple[str, ...], options: GroupOptions) -> Groups:
    """Return the groups of the people asked; without columns, everybody as one group."""
    if not columns:
        return Groups(OVERALL, (OVERALL,), np.zeros(len(answers.people), np.int64), "")
    about = pl.DataFrame({"person": answers.people}).join(people, on="person", how="left", maintain_order="left")
    return group_people(about, columns, options.minimum, options.small)


@dataclass(frozen=True)
class _Truth:
    """The actual answers of the groups of a demographic, and the distances of a perfect predictor from them.

    Arrays are groups × questions.
    """

    groups: Groups
    means: Means
    floors: Mapping[str, Floats]
    real: Real


def _truths(
    answers: Answers, people: pl.DataFrame, demographics: Sequence[tuple[str, ...]], options: GroupOptions
) -> list[_Truth]:
    """Return the actual answers by each demographic."""
    given = Given(answers.true, has_values(answers.true), answers.weight)
    features = Features.of(answers)
    of_features = features.given(answers.true, answers.weight)
    found = []
    for columns in demographics:
        groups = _groups(answers, people, columns, options)
        means = Means.of(given, groups)
        shares, size = means.mean, means.effective
        floors = {
            "WD_floor": wasserstein_floor(shares, answers.options, size),
            "JS_floor": jensen_shannon_floor(shares, size, options.seed),
            "TV_floor": total_variation_floor(shares, size),
            "entropy_true": entropy(shares, answers.options),
        }
        real = Real(Means.of(of_features, groups), features.ordered, options.draws, options.seed)
        found.append(_Truth(groups, means, floors, real))
    return found


@dataclass(frozen=True)
class _Predicted:
    """What one predictor says of each person, in one reading, and the features of that."""

    answers: Answers
    given: Given
    features: Given

    @classmethod
    def of(cls, answers: Answers, reading: Reading) -> "_Predicted":
        given = answers.predicted[reading]
        features = Features.of(answers).given(given, answers.weight)
        return cls(answers, Given(given, has_values(given), answers.weight), features)


@dataclass(frozen=True)
class _Values:
    """All values of the groups of a demographic (groups × questions), the shares and how many people were asked."""

    values: Mapping[str, Floats]
    predicted: Floats
    true: Floats
    people: NDArray[np.int64]


def _compared(predicted: _Predicted, truth: _Truth) -> tuple[dict[str, list[Row]], _Values | None]:
    """Return the rows of each table for one predictor, reading and demographic, and the values by question."""
    groups, real = truth.groups, truth.real
    if not len(groups.labels):
        return {"table": [{"groups": 0, "people": 0, "note": groups.note}]}, None
    means = Means.of(predicted.given, groups)
    values = _distances(predicted.answers, truth, means)
    near = representativeness(values["WD"], truth.means, means, predicted.answers.options, real.draws, real.seed)
    by_group = [
        {"group": label, "people": int(size), "questions": int(number), **row, **rep}
        for label, size, number, row, rep in zip(
            groups.labels,
            groups.sizes,
            (~np.isnan(values["TV"])).sum(axis=1),
            _means_over_questions(values),
            near.rows(),
            strict=True,
        )
    ]
    pooled = {
        "groups": len(groups.labels),
        "people": len(groups.known),
        **{name: _mean([row[name] for row in by_group]) for name in _DISTANCES},
        **vars(differences(real, Means.of(predicted.features, groups))),
        **(_ends(near) if len(groups.labels) > 1 else {}),
        "note": groups.note,
    }
    rows = {"table": [pooled], "groups": by_group, "pairs": near.pairs()}
    return rows, _Values(values, means.mean, truth.means.mean, truth.means.people)


def _distances(answers: Answers, truth: _Truth, predicted: Means) -> dict[str, Floats]:
    """Return all values of groups × questions; nan where nothing is known, or the Wasserstein distance undefined."""
    true, shares = truth.means.mean, predicted.mean
    values = {
        "WD": wasserstein(shares, true, answers.options),
        "JS": jensen_shannon(shares, true),
        "TV": total_variation(shares, true),
        "entropy": entropy(shares, answers.options),
        **truth.floors,
    }
    lacking = np.isnan(values["TV"])
    return {
        name: np.where(lacking | ~answers.ordered if name.startswith("WD") else lacking, np.nan, value)
        for name, value in values.items()
    }


def _means_over_questions(values: Mapping[str, Floats]) -> list[Row]:
    """Return the means over the questions of each group."""
    distance = values["WD"]
    known = (~np.isnan(distance)).sum(axis=1)
    near = np.divide(100.0 * (distance < NEAR).sum(axis=1), known, out=np.full(len(known), np.nan), where=known > 0)
    means = {name: [_mean(row) for row in each] for name, each in values.items()}
    return [
        {**{name: each[at] for name, each in means.items()}, "WD_below": plain(near[at])} for at in range(len(distance))
    ]


def _by_question(
    predictor: str, answers: Answers, found: Sequence[tuple[Reading, Groups, _Values | None]]
) -> pl.DataFrame:
    """Return a row per reading, demographic, group and question of which anything is known."""
    columns: dict[str, list[NDArray[Any]]] = {name: [] for name in [*QUESTIONS, "options"]}
    for reading, groups, found_values in found:
        if found_values is None:
            continue
        group, at = np.nonzero(~np.isnan(found_values.values["TV"]))
        more: dict[str, NDArray[Any]] = {
            "predictor": np.full(len(at), predictor, object),
            "reading": np.full(len(at), reading, object),
            "demographic": np.full(len(at), groups.name, object),
            "group": np.array(groups.labels, object)[group],
            "question": np.array(answers.questions, object)[at],
            "people": found_values.people[group, at],
            **{name: each[group, at] for name, each in found_values.values.items()},
            "D_M": found_values.predicted[group, at],
            "D_H": found_values.true[group, at],
            "options": answers.options[at],
        }
        for name, values in more.items():
            columns[name].append(values)
    if not columns["options"]:
        return pl.DataFrame(schema=QUESTIONS)
    joined = {name: np.concatenate(parts) for name, parts in columns.items()}
    table = pl.DataFrame(
        {
            name: each.tolist() if QUESTIONS.get(name) == _TEXT else pl.Series(each, nan_to_null=True)
            for name, each in joined.items()
        }
    )
    shares = pl.col("D_M", "D_H").arr.to_list().list.head(pl.col("options"))
    return table.with_columns(shares).select(pl.col(name).cast(kind) for name, kind in QUESTIONS.items())


def _ends(near: Representativeness) -> Row:
    """Return the groups that are represented best and worst."""
    order = near.order
    if not order:
        return {}
    found: Row = {}
    for name, at in (("nearest", order[0]), ("farthest", order[-1])):
        found |= {name: near.labels[at], f"{name}_Rep": plain(near.corrected[at])}
    return found


def _mean(values: Sequence[object] | Floats) -> float | None:
    """Return the mean of the numbers among ``values``; None without any."""
    numbers = np.array(values, np.float64)  # None becomes nan
    known = numbers[np.isfinite(numbers)]
    return float(known.mean()) if len(known) else None
