"""Experiments whose results weight people: `--weights` changes what is reported, never what is predicted."""

import json
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from scipy.stats import ttest_1samp
from typer.testing import CliRunner

from conftest import GARDEN, garden_answers
from indievalue.cli import app
from indievalue.errors import IndievalueError
from indievalue.experiments.compare import comparisons, mean_and_errors
from indievalue.experiments.engine import CellInputs, cell_predictions, plan, run_cells
from indievalue.experiments.folder import Folder
from indievalue.experiments.measure import accuracy_table, measure, people_table
from indievalue.experiments.run import run_experiment
from indievalue.experiments.spec import Experiment, parse_experiment
from indievalue.people.catalog import people_table as table_of_people
from indievalue.people.decode import decode
from indievalue.people.people import People
from indievalue.report.figures.of_experiments import _summary
from indievalue.scoring.accuracy import score
from indievalue.scoring.groups import GroupOptions
from indievalue.scoring.inequity import inequity
from indievalue.scoring.weighting import effective_size
from indievalue.survey.survey import Survey
from test_experiments import SMALL, computed


@pytest.fixture
def small() -> Experiment:
    return parse_experiment(SMALL, "small", "small.yaml")


def test_each_cell_is_scored_with_the_weights(small: Experiment, gardeners: People, tmp_path: Path) -> None:
    inputs, folder = CellInputs(gardeners, 20, 0, weighting="equal"), Folder(tmp_path)
    assert inputs.weights is not None
    planned = plan(small, inputs, folder)
    run_cells(planned, inputs, folder)
    pairs = list(cell_predictions(planned, folder))
    measured = [measure(cell, rows, inputs.ids, gardeners.survey, None, inputs.weights) for cell, rows in pairs]
    table = accuracy_table(small, measured, 0)
    by_person = dict(zip(inputs.ids, inputs.weights.tolist(), strict=True))
    assert len(table) == len(pairs)
    for row, (_, rows) in zip(table.iter_rows(named=True), pairs, strict=True):
        expected, without = score(rows, 0, weights=by_person), score(rows, 0)
        found = tuple(row[name] for name in ("accuracy", "accuracy_low", "accuracy_high", "log_loss"))
        assert found == pytest.approx(
            (expected.accuracy, expected.accuracy_low, expected.accuracy_high, expected.log_loss)
        )
        assert expected.accuracy != without.accuracy
        assert (row["people"], row["probes"]) == (expected.people, expected.probes)

    one = comparisons(small, measured, 0).row(2, named=True)
    before, after = (
        next(
            cell.by_person
            for cell in measured
            if cell.cell.axes == {"predictor": "resemble:k=5", "form": "polar", "demonstrations": shown}
        )
        for shown in (0, "all")
    )
    shares = inputs.weights / inputs.weights.sum()
    assert one["difference"] == pytest.approx(shares @ (after - before))
    assert one["accuracy_from"] == pytest.approx(shares @ before)
    assert one["difference_low"] < one["difference"] < one["difference_high"]


def test_the_error_of_a_weighted_mean_by_hand() -> None:
    # Weights 1, 1, 2 of values 0, 4, 6: mean (0 + 4 + 12) / 4 = 4; squares 16, 0, 4; shares ¼, ¼, ½.
    mean, deviation, error = mean_and_errors(np.array([0.0, 4.0, 6.0]), np.array([1.0, 1.0, 2.0]))
    assert mean == 4
    assert deviation**2 == pytest.approx(1.5 * (16 / 4 + 4 / 2))  # 9
    assert error**2 == pytest.approx(1.5 * (16 / 16 + 4 / 4))  # 3
    values = np.random.default_rng(0).normal(size=30)
    for weights in (None, np.full(30, 1.0)):
        mean, deviation, error = mean_and_errors(values, weights)
        assert mean / error == pytest.approx(ttest_1samp(values, 0).statistic)
        assert deviation == pytest.approx(values.std(ddof=1))
    assert mean_and_errors(np.array([3.0])) == (3, 0, 0)


def test_people_of_weight_zero_are_in_no_result(small: Experiment, gardeners: People, tmp_path: Path) -> None:
    inputs, folder = CellInputs(gardeners, 20, 0), Folder(tmp_path)
    planned = plan(small, inputs, folder)
    run_cells(planned, inputs, folder)
    cell, rows = next(cell_predictions(planned, folder))
    half = np.array([0.0, 2.0] * 10)
    kept = inputs.ids[1::2]
    found = measure(cell, rows, inputs.ids, gardeners.survey, None, half)
    expected = measure(cell, rows.filter(pl.col("person").is_in(kept)), kept, gardeners.survey)
    assert accuracy_table(small, [found], 0)["accuracy"].item() == pytest.approx(
        accuracy_table(small, [expected], 0)["accuracy"].item()
    )
    assert accuracy_table(small, [found], 0)["people"].item() == 10
    assert people_table([found], inputs.ids)["person"].to_list() == kept


def test_a_box_of_weighted_people_by_hand() -> None:
    marks = {"first": 0.25, "median": 0.5}
    values = [40.0, 10.0, 30.0, 20.0, 50.0]
    equal = _summary(pl.DataFrame({"accuracy": values, "weight": [1.0] * 5}), marks)
    assert equal == pytest.approx({"first": 20, "median": 30, "mean": 30})
    # Middles of the weights 1, 1, 2 are ½, 3/2, 3, stretched to 0, 0.4 and 1: the median is a sixth of the way.
    uneven = _summary(pl.DataFrame({"accuracy": [10.0, 20.0, 50.0], "weight": [1.0, 1.0, 2.0]}), {"median": 0.5})
    assert uneven == pytest.approx({"median": 25, "mean": 32.5})


def test_results_name_the_weighting_and_reuse_finished_cells(
    small: Experiment, gardeners: People, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    run_experiment(small, gardeners, out, tested=14)
    plain = pl.read_csv(out / "table.csv")
    assert "weight" not in (out / "results.md").read_text()
    lines: list[str] = []
    run_experiment(small, gardeners, out, tested=14, weights="equal", say=lines.append)
    assert computed(lines) == []
    assert pl.read_csv(out / "table.csv")["accuracy"].to_list() != plain["accuracy"].to_list()
    weights = CellInputs(gardeners, 14, 0, weighting="equal").weights
    assert weights is not None
    page = " ".join((out / "results.md").read_text().split())
    assert (
        "Results weight people by survey weight, with the same total for every country (as precise as "
        f"{effective_size(weights):,.0f} people without weights)." in page
    )
    assert "; weights: equal" in page
    assert json.loads((out / "run.json").read_text())["weights"] == "equal"
    assert "weights: equal" in (out / "figure.svg").read_text()


def test_inequity_is_weighted(gardeners: People, tmp_path: Path) -> None:
    text = "title: t\nasks: a\npredictors: ['resemble:k=5']\nfigure: {kind: inequity}\nminimum: 3\n"
    run_experiment(
        parse_experiment(text, "even", "x"), gardeners, tmp_path, tested=20, weights="equal", say=lambda line: None
    )
    inputs = CellInputs(gardeners, 20, 0, weighting="equal")
    rows = pl.read_parquet(next((tmp_path / "cells").glob("*/predictions.parquet")))
    people = table_of_people(inputs.tested)
    names = gardeners.survey.inequity
    assert names
    options = GroupOptions(minimum=3, weights=inputs.weights)
    expected = inequity(rows.with_columns(predictor=pl.lit("resemble:k=5")), people, names, options)
    found = pl.read_csv(tmp_path / "table.csv").filter(pl.col("demographic") != "mean of all")
    assert found["sigma"].to_list() == pytest.approx(expected.table["sigma"].to_list())


def test_people_who_cannot_be_weighted_are_an_error_before_anything_is_computed(
    small: Experiment, garden: Survey, tmp_path: Path
) -> None:
    table = garden_answers(60).with_columns(
        pl.when(pl.col("ID") == "g0003").then(None).otherwise("WEIGHT").alias("WEIGHT")
    )
    people = decode(table, garden, "garden.csv", "fingerprint")
    with pytest.raises(IndievalueError, match="no survey weight"):
        run_experiment(small, people, tmp_path / "out", tested=14, weights="equal")
    assert not list((tmp_path / "out").glob("cells/*"))


def test_the_command_records_the_weighting(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "small.yaml").write_text(SMALL)
    garden_answers(60).write_csv(tmp_path / "garden.csv")
    arguments = ["experiment", "small.yaml", "garden.csv", "--survey", str(GARDEN), "--people", "14"]
    found = CliRunner().invoke(app, [*arguments, "--weights", "equal", "--out", "out"])
    assert found.exit_code == 0, found.output
    assert "--weights equal" in json.loads((tmp_path / "out" / "run.json").read_text())["command"]
