"""A run directory that somebody has changed is refused with the file, the row and the column, in one line."""

import json
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from indievalue.errors import IndievalueError
from indievalue.runs.storage import load_run
from rundirs import make_run, some_people

FIRST = pl.int_range(pl.len()) == 0


def _first(column: str, value: Any) -> pl.Expr:
    """The column with another value in its first row."""
    return pl.when(FIRST).then(pl.lit(value, allow_object=False)).otherwise(pl.col(column)).alias(column)


def _odds(*values: float | None) -> pl.Expr:
    given = pl.Series("probabilities", [list(values)], pl.List(pl.Float32))
    return pl.when(FIRST).then(pl.lit(given)).otherwise(pl.col("probabilities")).alias("probabilities")


@pytest.fixture
def run(tmp_path: Path) -> Path:
    return make_run(tmp_path / "run", "wvs7", people=some_people(3, country=["Chile"]), predictors=["majority"])


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        (_first("choice", 99), r"row 1: the choice is option 99, but Q1 has options 0 to 1"),
        (_first("choice", -2), r"row 1: choice is the option -2"),
        (_first("answer", 99), r"row 1: the answer is option 99"),
        (_first("answer", -1), r"row 1: answer is the option -1"),
        (_first("answer", None), r"row 1: answer is missing"),
        (_first("person", None), r"row 1: person is missing"),
        (_first("person", "nobody"), r"lacks 1 of the people in predictions.parquet, such as nobody"),
        (_first("question", "Q0"), r"row 1: survey wvs7 has no question 'Q0'"),
        (_first("question", "Q2"), r"row 2: majority predicts Q2 of 'p0' in setup 0 a second time"),
        (_first("demonstrations", -1), r"row 1: demonstrations is -1"),
        (_odds(), r"row 1: probabilities are an empty list"),
        (_odds(float("nan"), 1), r"row 1: probabilities are numbers from 0 to 1"),
        (_odds(float("inf"), 0), r"row 1: probabilities are numbers from 0 to 1"),
        (_odds(None, 1), r"row 1: probabilities are numbers from 0 to 1"),
        (_odds(-0.5, 1.5), r"row 1: probabilities are numbers from 0 to 1"),
        (_odds(0.5, 0.4), r"row 1: probabilities do not sum to 1"),
        (_odds(0.5, 0.3, 0.2), r"row 1: Q1 has 2 options, not as many probabilities"),
        (pl.col("choice").cast(pl.String), r"choice holds String, not Int8"),
        (pl.col("choice").cast(pl.Float64), r"choice holds Float64, not Int8"),
        (pl.lit(1000).alias("setup"), r"a value is beyond its column"),
        (pl.lit(1).alias("person"), r"person holds Int32, not String"),
        (pl.lit("x").alias("probabilities"), r"probabilities holds String, not List\(Float32\)"),
    ],
)
def test_predictions_that_cannot_be_are_refused(run: Path, change: pl.Expr, complaint: str) -> None:
    file = run / "predictions.parquet"
    pl.read_parquet(file).with_columns(change).write_parquet(file)
    with pytest.raises(IndievalueError, match=rf"(predictions|people)\.parquet.* ?{complaint}") as told:
        load_run(run)
    assert "\n" not in str(told.value)


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        (_first("weight", float("nan")), r"row 1: weight is nan, not a number from 0 on"),
        (_first("weight", -1.0), r"row 1: weight is -1.0"),
        (_first("weight", None), r"row 1: weight is None"),
        (_first("weight", float("inf")), r"row 1: weight is inf"),
        (pl.lit("much").alias("weight"), r"weight a number"),
        (_first("person", "p1"), r"person \(without duplicates\)"),
        (pl.lit(3).alias("country"), r"the groups of country must be text"),
    ],
)
def test_people_that_cannot_be_are_refused(run: Path, change: pl.Expr, complaint: str) -> None:
    file = run / "people.parquet"
    pl.read_parquet(file).with_columns(change).write_parquet(file)
    with pytest.raises(IndievalueError, match=rf"people\.parquet.*{complaint}") as told:
        load_run(run)
    assert "\n" not in str(told.value)


@pytest.mark.parametrize(
    "change", [{"accuracy": 101}, {"accuracy": float("nan")}, {"probes": -1}, {"accuracy": "much"}, {"people": None}]
)
def test_scores_that_cannot_be_are_refused(run: Path, change: dict[str, Any]) -> None:
    file = run / "summary.json"
    scores = json.loads(file.read_text())
    scores["majority"] |= change
    file.write_text(json.dumps(scores))
    with pytest.raises(IndievalueError, match=r"summary\.json"):
        load_run(run)


def test_a_run_that_is_moved_and_read_from_another_folder_has_its_survey(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from conftest import GARDEN, garden_answers
    from indievalue.benchmark.build import build_benchmark
    from indievalue.evaluation import Call, evaluate
    from indievalue.people.decode import decode
    from indievalue.survey.load import load_survey

    (tmp_path / "here" / "spec").mkdir(parents=True)
    for file in GARDEN.glob("*.yaml"):
        (tmp_path / "here" / "spec" / file.name).write_bytes(file.read_bytes())
    monkeypatch.chdir(tmp_path / "here")
    people = decode(garden_answers(60), load_survey("spec"), "garden.csv", "")
    drawn = build_benchmark(people, people_tested=10)
    evaluate(people, drawn, "majority", "run", call=Call(survey="spec"))
    (tmp_path / "there").mkdir()
    (tmp_path / "here" / "run").rename(tmp_path / "there" / "renamed")
    (tmp_path / "here" / "spec").rename(tmp_path / "gone")
    monkeypatch.chdir(tmp_path / "there")
    load_survey.cache_clear()
    loaded = load_run("renamed")
    assert loaded.survey.name == "garden"
    loaded.report("page.html")
    monkeypatch.chdir(tmp_path)
    loaded.save("again")
    assert (tmp_path / "again" / "survey" / "survey.yaml").exists()
