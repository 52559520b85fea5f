"""Accuracy with intervals from resampling people and questions."""

import numpy as np
import polars as pl
import pytest

from indievalue.errors import IndievalueError
from indievalue.scoring.bootstrap import cluster_interval
from indievalue.scoring.crossed import CrossedAccuracies


def rows(right: dict[str, np.ndarray]) -> pl.DataFrame:
    """Rows of predictors that are right where an array (people × questions) is 1."""
    parts = []
    for name, table in right.items():
        person, question = np.indices(table.shape).reshape(2, -1)
        parts.append(
            pl.DataFrame(
                {
                    "predictor": [name] * table.size,
                    "person": [f"p{at}" for at in person],
                    "question": [f"q{at}" for at in question],
                    "answer": np.zeros(table.size, np.int8),
                    "choice": 1 - table.ravel().astype(np.int8),
                }
            )
        )
    return pl.concat(parts)


def test_values_differences_and_shares_of_the_way() -> None:
    found = CrossedAccuracies(
        rows({"low": np.array([[1, 0], [0, 0]]), "one": np.array([[1, 1], [0, 0]]), "high": np.ones((2, 2), int)})
    )
    assert found.accuracy("one").value == 50
    assert found.difference("one", "low").value == 25
    assert found.closed("one", "low", "high").value == pytest.approx(100 / 3)
    with pytest.raises(IndievalueError, match="no predictor is called 'two'; there are low, one, high"):
        found.accuracy("two")


def test_the_whole_way_from_nothing_to_everything_is_the_accuracy() -> None:
    one = (np.random.default_rng(3).random((30, 12)) < 0.4).astype(int)
    found = CrossedAccuracies(rows({"none": np.zeros((30, 12), int), "one": one, "all": np.ones((30, 12), int)}))
    assert found.closed("one", "none", "all") == pytest.approx(found.accuracy("one"))


def test_a_question_that_everybody_gets_right_or_wrong_is_one_of_few() -> None:
    """With 4 questions, of which two are always right, the interval is as wide as that of 4 draws, of any people."""
    table = np.repeat(np.array([[1, 1, 0, 0]]), 400, axis=0)
    low, high = CrossedAccuracies(rows({"one": table})).accuracy("one")[1:]
    assert (low, high) == (0, 100)
    right = table.sum(axis=1)
    assert cluster_interval(right, np.full(400, 4), 0) == (0.5, 0.5), "people alone do not vary"


def test_questions_of_a_battery_are_drawn_together() -> None:
    rng = np.random.default_rng(0)
    of_battery = rng.random(10) < 0.5
    table = np.repeat(np.repeat(of_battery.astype(int), 5)[None], 50, axis=0)
    alone = CrossedAccuracies(rows({"one": table})).accuracy("one")
    together = CrossedAccuracies(rows({"one": table}), {f"q{at}": f"b{at // 5}" for at in range(50)}).accuracy("one")
    assert together.high - together.low > 1.8 * (alone.high - alone.low), "√5 times as wide"


def test_the_interval_covers_the_truth_of_new_people_and_questions() -> None:
    """People are better or worse than others, and so are questions; of 60 samples, 95% of intervals hold the mean."""
    rng = np.random.default_rng(1)
    covered = 0
    for _ in range(60):
        logit = rng.normal(0, 0.5, (40, 1)) + rng.normal(0, 1, (1, 30))
        table = (rng.random((40, 30)) < 1 / (1 + np.exp(-logit))).astype(int)
        low, high = CrossedAccuracies(rows({"one": table}), draws=400).accuracy("one")[1:]
        covered += low <= 50 <= high
    assert 52 <= covered <= 60
