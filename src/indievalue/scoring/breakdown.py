"""Accuracy by category, person, question or any other column."""

from collections.abc import Iterator

import polars as pl

from indievalue.intervals import wilson
from indievalue.scoring.bootstrap import cluster_interval
from indievalue.scoring.exact import fixed
from indievalue.survey.survey import Survey


def accuracy_by(predictions: pl.DataFrame, *columns: str, seed: int = 0) -> pl.DataFrame:
    """Return the accuracy in every combination of ``columns`` that occurs, in order of first occurrence.

    Returns ``columns``, ``accuracy``, ``accuracy_low``, ``accuracy_high`` (0-100, the 95% interval from resampling
    people, as in :func:`indievalue.scoring.accuracy.score`), ``people`` and ``probes``. An invalid output is wrong.
    A column ``weight`` of predictions weights people. Raises ValueError if no column is given.
    """
    if not columns:
        raise ValueError("accuracy_by needs a column to break the predictions down by")
    weight = pl.col("weight").first() if "weight" in predictions.columns else pl.lit(1.0)
    by_person = (
        predictions.group_by(*columns, "person", maintain_order=True)
        .agg((pl.col("choice") == pl.col("answer")).sum().alias("right"), pl.len().alias("probes"), weight=weight)
        .sort("person", maintain_order=True)
    )
    order = predictions.select(columns).unique(maintain_order=True)
    schema = {column: predictions.schema[column] for column in columns} | {
        "accuracy": pl.Float64(),
        "accuracy_low": pl.Float64(),
        "accuracy_high": pl.Float64(),
        "people": pl.Int64(),
        "probes": pl.Int64(),
    }
    parts = pl.DataFrame(list(_parts(by_person, columns, seed)), schema=schema, orient="row")
    return order.join(parts, on=columns, how="left", nulls_equal=True, maintain_order="left")


def accuracy_by_category(predictions: pl.DataFrame, survey: Survey, seed: int = 0) -> pl.DataFrame:
    """Return :func:`accuracy_by` ``predictor`` and ``category``, with categories in the order of the survey.

    Raises IndievalueError if a question of the predictions is not in the survey.
    """
    categories = {question: survey.question(question).category for question in predictions["question"].unique()}
    place = {category: position for position, category in enumerate(survey.categories)}
    by_category = accuracy_by(
        predictions.with_columns(
            pl.col("question").replace_strict(categories, return_dtype=pl.String).alias("category")
        ),
        "predictor",
        "category",
        seed=seed,
    )
    return by_category.sort(
        pl.col("category").replace_strict(place, default=len(place), return_dtype=pl.Int64), maintain_order=True
    )


def accuracy_by_person(predictions: pl.DataFrame) -> pl.DataFrame:
    """Return ``predictor``, ``person``, ``accuracy`` (0-100) and ``probes``, one row per predictor and person."""
    return predictions.group_by("predictor", "person", maintain_order=True).agg(
        (100 * (pl.col("choice") == pl.col("answer")).mean()).alias("accuracy"), pl.len().cast(pl.Int64).alias("probes")
    )


def _parts(by_person: pl.DataFrame, columns: tuple[str, ...], seed: int) -> Iterator[tuple[object, ...]]:
    for key, part in by_person.group_by(*columns):
        right, probes = part["right"].to_numpy(), part["probes"].to_numpy()
        asked, weight = int(probes.sum()), part["weight"].to_numpy()
        if not (weight == 1).all():
            right, probes = (fixed(weight / weight.mean() * count, len(weight)) for count in (right, probes))
        low, high = cluster_interval(right, probes, seed)
        yield *key, 100 * float(right.sum() / probes.sum()), 100 * low, 100 * high, len(part), asked


def _weighted() -> dict[str, pl.Expr]:
    """Return the weighted sums of a question, in an order that does not depend on that of the rows."""
    weight = pl.col("weight").sort_by("person", "setup")
    right = (pl.col("choice") == pl.col("answer")).sort_by("person", "setup")
    once = pl.col("weight").sort_by("person").filter(pl.col("person").sort().is_first_distinct())
    return {
        "weight": weight.sum(),
        "right_weighted": (weight * right).sum(),
        "effective": once.sum() ** 2 / (once**2).sum(),
    }


def accuracy_by_question(predictions: pl.DataFrame, survey: Survey) -> pl.DataFrame:
    """Return the accuracy of every predictor on every question, in the order of the survey.

    Returns ``predictor``, ``question``, ``accuracy``, ``accuracy_low``, ``accuracy_high`` (0-100), ``people`` and
    ``probes``; an invalid output is wrong. The 95% interval is the Wilson (1927) score interval: a person is rarely
    asked a question more than once, so that answers are independent, and unlike the bootstrap it is also valid near 0
    and 100. If a protocol asks a question repeatedly, the sample size is the number of people, not of answers. A column
    ``weight`` of predictions weights people; the sample size is then their effective number.
    """
    place = {name: at for at, name in enumerate(dict.fromkeys(predictions["predictor"]))}
    weighted = "weight" in predictions.columns
    share, people = pl.col("right") / pl.col("probes"), pl.col("people")
    if weighted:
        share, people = pl.col("right_weighted") / pl.col("weight"), pl.col("effective")
    low, high = wilson(share, people)
    return (
        predictions.group_by("predictor", "question")
        .agg(
            right=(pl.col("choice") == pl.col("answer")).sum().cast(pl.Int64),
            people=pl.col("person").n_unique().cast(pl.Int64),
            probes=pl.len().cast(pl.Int64),
            **(_weighted() if weighted else {}),
        )
        .sort(
            pl.col("question").replace_strict(survey.positions, return_dtype=pl.Int64),
            pl.col("predictor").replace_strict(place, return_dtype=pl.Int64),
        )
        .select(
            "predictor",
            "question",
            accuracy=100 * share,
            accuracy_low=100 * low.clip(lower_bound=0),
            accuracy_high=100 * high.clip(upper_bound=1),
            people="people",
            probes="probes",
        )
    )
