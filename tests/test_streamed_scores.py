"""Scores of predictions that come in blocks are those of all in memory, and large runs are told how to be scored."""

import json
import shutil
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from polars import selectors
from typer.testing import CliRunner

import indievalue as iv
from indievalue.choices import Measure
from indievalue.cli import app
from indievalue.errors import IndievalueError
from indievalue.predictors.predictions import SCHEMA
from indievalue.runs import storage
from indievalue.runs.run import Run
from indievalue.runs.streamed import PredictionFiles, score_run
from indievalue.scoring import bootstrap, streamed
from indievalue.scoring.accuracy import PredictorScore, summarise
from indievalue.scoring.bootstrap import cluster_intervals, times_drawn
from indievalue.scoring.calibration import calibration
from indievalue.scoring.groups import GroupOptions
from indievalue.scoring.streamed import streamed_scores

EXACT = (
    "accuracy",
    "accuracy_low",
    "accuracy_high",
    "invalid",
    "people",
    "probes",
    "probability_rows",
    "calibration_rows",
)
NEAR = ("log_loss", "brier", "ece", "ordinal_error", "effective_people")


@pytest.fixture(scope="module")
def run() -> Run:
    people = iv.synthetic_people(500)
    benchmark = iv.build_benchmark(people, people_tested=120, setups=[0, 2], demonstrations=10)
    return iv.evaluate(people, benchmark, ["majority", "resemble:k=5", "random"], folds=1)


def _spoilt(run: Run) -> pl.DataFrame:
    """The predictions, some of them invalid, and some without probabilities."""
    row = pl.int_range(pl.len())
    return run.predictions.with_columns(
        choice=pl.when(row % 17 == 0).then(pl.lit(-1, pl.Int8)).otherwise("choice"),
        probabilities=pl.when(row % 13 != 0).then("probabilities"),
    ).select(*SCHEMA)


def _assert_alike(found: object, wanted: object) -> None:
    for name in EXACT:
        assert getattr(found, name) == getattr(wanted, name), name
    for name in NEAR:
        assert getattr(found, name) == pytest.approx(getattr(wanted, name), abs=1e-9), name


def _blocks(table: pl.DataFrame, rows: int) -> Sequence[pl.DataFrame]:
    return list(table.sample(fraction=1, shuffle=True, seed=1).iter_slices(rows))


@pytest.mark.parametrize("weights", ["none", "equal"])
def test_scores_in_blocks_are_those_in_memory(run: Run, weights: str) -> None:
    rows = _spoilt(run)
    each = None if weights == "none" else np.random.default_rng(0).integers(0, 3, len(run.people)).astype(np.float64)
    by_person = None if each is None else dict(zip(run.people["person"], each.tolist(), strict=True))
    in_memory = _in_memory(rows, run, by_person)
    found = streamed_scores(_blocks(rows, 700), run.people, run.survey, 0, each).scores()
    assert set(found) == set(in_memory)
    for name, wanted in in_memory.items():
        _assert_alike(found[name], wanted)
        assert list(found[name].setups) == list(wanted.setups) == ["0", "2"]
        for setup in wanted.setups:
            _assert_alike(found[name].setups[setup], wanted.setups[setup])


def _in_memory(rows: pl.DataFrame, run: Run, weights: dict[str, float] | None) -> dict[str, PredictorScore]:
    return summarise(rows, 0, run.survey, weights)


def test_the_floor_is_the_mean_of_what_is_simulated(run: Run) -> None:
    rows = run.predictions.filter(predictor="resemble:k=5")
    found = streamed_scores([rows], run.people, run.survey).scores()["resemble:k=5"]
    simulated = calibration(rows)
    assert simulated is not None
    assert found.ece_floor == pytest.approx(simulated.floor, rel=0.05)


@pytest.mark.parametrize("measure", ["accuracy", "log_loss"])
def test_inequity_in_blocks_is_that_in_memory(run: Run, measure: Measure) -> None:
    rows = _spoilt(run)
    options = GroupOptions(measure=measure, minimum=10, draws=100)
    found = streamed_scores(_blocks(rows, 900), run.people, run.survey).inequity(["sex", "age"], options)
    wanted = iv.inequity(rows, run.people, ["sex", "age"], options)
    for name in ("index", "table", "groups"):
        one, other = (getattr(each, name).sort(pl.all()) for each in (found, wanted))
        assert one.select(~selectors.float()).equals(other.select(~selectors.float()))
        numbers = [each.select(selectors.float()).to_numpy() for each in (one, other)]
        np.testing.assert_allclose(numbers[0], numbers[1], rtol=1e-9)


def test_rows_that_come_twice_are_refused(run: Run) -> None:
    with pytest.raises(IndievalueError, match=r"rows of majority in setup 0 predict the same question .* second time"):
        streamed_scores([run.predictions, run.predictions[:5]], run.people, run.survey)


def test_people_who_are_not_in_the_run_are_refused(run: Run) -> None:
    with pytest.raises(IndievalueError, match=r"not in people\.parquet"):
        streamed_scores([run.predictions], run.people[1:], run.survey)


def test_calibration_is_not_compared_between_groups(run: Run) -> None:
    options = GroupOptions(measure="calibration")
    with pytest.raises(IndievalueError, match="accuracy or log_loss"):
        streamed_scores([run.predictions], run.people, run.survey).inequity(["sex"], options)


def test_draws_of_many_people_are_made_again_and_are_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    right, probes = np.arange(60)[:, None] % 3, np.full((60, 1), 3)
    kept = cluster_intervals(right, probes, 1, 150)
    monkeypatch.setattr(bootstrap, "_CACHED", 100)
    monkeypatch.setattr(bootstrap, "_BLOCK", 600)
    again = cluster_intervals(right, probes, 1, 150)
    assert [part.tolist() for part in again] == [part.tolist() for part in kept]
    assert int(times_drawn(60, 1, 150).sum()) == 60 * 150


# Runs on disk


@pytest.fixture(scope="module")
def saved(run: Run, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("streamed") / "run"
    storage.write_run(run, folder)
    return folder


def _in_parts(saved: Path, folder: Path) -> Path:
    """A copy of the run, with its predictions in several files."""
    shutil.copytree(saved, folder)
    rows = pl.read_parquet(folder / "predictions.parquet")
    (folder / "predictions").mkdir()
    for part, table in enumerate(rows.iter_slices(1000)):
        table.write_parquet(folder / "predictions" / f"{part}.parquet")
    (folder / "predictions.parquet").unlink()
    return folder


def test_a_run_of_one_file_or_several_is_scored_without_being_loaded(run: Run, saved: Path, tmp_path: Path) -> None:
    for folder in (saved, _in_parts(saved, tmp_path / "parts")):
        found = score_run(folder).scored.scores()
        for name, wanted in run.scores.items():
            _assert_alike(found[name], wanted)


def test_a_damaged_row_is_named(run: Run, tmp_path: Path) -> None:
    file = tmp_path / "part.parquet"
    run.predictions.with_columns(answer=pl.lit(9, pl.Int8)).write_parquet(file)
    with pytest.raises(IndievalueError, match=r"part\.parquet.*the answer is option 9"):
        list(PredictionFiles([file], run.survey))


def test_runs_that_are_too_large_say_what_to_do(saved: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(IndievalueError, match=r"predictions in parts.*indievalue score"):
        iv.load_run(_in_parts(saved, tmp_path / "parts"))
    monkeypatch.setattr(storage, "MOST_ROWS", 1000)
    with pytest.raises(IndievalueError, match=r"more than 1,000.*indievalue score.*indievalue.score_run"):
        iv.load_run(saved)
    found = CliRunner().invoke(app, ["report", str(saved), "--out", str(tmp_path / "report.html")])
    assert "indievalue score" in str(found.exception)


def test_the_command_prints_scores_and_writes_them(run: Run, saved: Path, tmp_path: Path) -> None:
    file = tmp_path / "scores.json"
    command = ["score", str(saved), "--demographic", "sex", "--draws", "100", "--out", str(file)]
    found = CliRunner().invoke(app, command)
    assert found.exit_code == 0, found.output
    assert "resemble:k=5" in found.output
    content = json.loads(file.read_text())
    assert content["scores"]["majority"]["accuracy"] == run.scores["majority"].accuracy
    assert [row["demographic"] for row in content["table"]] == ["sex"] * 3
    assert CliRunner().invoke(app, command).exit_code == 1


def test_what_was_seen_is_noted_as_far_as_memory_allows(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(streamed, "_CHECKED", len(run.people) * len(run.survey.questions))
    found = streamed_scores([run.predictions], run.people, run.survey)
    assert len(found._seen) == 1
    assert found.rows == len(run.predictions)
