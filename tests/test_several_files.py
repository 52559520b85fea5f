"""Several files of one survey, such as rounds or countries, are read as one people."""

import json
from pathlib import Path

import numpy as np
import polars as pl
import pytest
import yaml
from typer.testing import CliRunner

from conftest import GARDEN, garden_answers
from indievalue.cli import app
from indievalue.errors import IndievalueError
from indievalue.experiments.wording import command_line
from indievalue.people.options import ReadOptions
from indievalue.people.people import People
from indievalue.people.read import read_people
from indievalue.runs.repeat import command_of
from indievalue.runs.storage import load_run
from indievalue.synthetic.source import people_from

runner = CliRunner()


@pytest.fixture
def halves(tmp_path: Path) -> list[Path]:
    """The first 40 of 60 gardeners without their answers to N3, and the others without their age."""
    table = garden_answers(60)
    files = [tmp_path / "first.csv", tmp_path / "second.csv"]
    table[:40].drop("N3").write_csv(files[0])
    table[40:].drop("AGEGROUP", "AGE").write_csv(files[1])
    return files


def _read(files: list[Path], *columns: str) -> People:
    return read_people(files, str(GARDEN), ReadOptions(person_columns=columns))


def test_the_people_of_several_files_are_one_people(halves: list[Path], tmp_path: Path) -> None:
    garden_answers(60).write_csv(tmp_path / "all.csv")
    people, whole = _read(halves), _read([tmp_path / "all.csv"])
    assert people.ids.tolist() == whole.ids.tolist()
    assert np.array_equal(people.codes[:, :-1], whole.codes[:, :-1])
    assert people.demographics["region"].equals(whole.demographics["region"])
    assert np.array_equal(people.weights, whole.weights)
    assert people.options("polar")[:40, -1].tolist() == [-1] * 40


def test_the_report_is_of_all_files(halves: list[Path]) -> None:
    findings, first, second = _read(halves).findings, _read(halves[:1]).findings, _read(halves[1:]).findings
    assert findings.source == "first.csv + second.csv"
    assert (findings.rows, findings.people) == (60, 60)
    assert findings.absent_questions == ()
    assert (first.absent_questions, second.absent_demographics) == (("N3",), ("age",))
    assert ("age", 20) in findings.ungrouped
    assert findings.fingerprint not in (first.fingerprint, second.fingerprint)


def test_an_id_in_two_files_is_refused_with_what_to_do(halves: list[Path]) -> None:
    with pytest.raises(IndievalueError, match=r"share 40 ids, first 'g0000': .* with --person-columns"):
        _read([halves[0], halves[0]])


def test_ids_that_several_columns_make_tell_files_apart(tmp_path: Path) -> None:
    files = [tmp_path / "hills.csv", tmp_path / "island.csv"]
    for region, file in zip((2, 3), files, strict=True):
        garden_answers(5).with_columns(REGION=pl.lit(region)).write_csv(file)
    assert _read(files, "REGION", "ID").ids.tolist()[::5] == ["2/g0000", "3/g0000"]


def test_the_file_is_part_of_an_id_where_ids_start_over(tmp_path: Path) -> None:
    files = [tmp_path / "round 7.csv", tmp_path / "round 8.csv"]
    for file in files:
        garden_answers(5).write_csv(file)
        file.write_text(file.read_text() + "," * 16 + "\n")  # a row without any cell filled
    people = _read(files, "file", "ID")
    assert people.ids.tolist()[::5] == ["round 7/g0000", "round 8/g0000"]
    assert people.findings.empty_rows == 2
    assert _read(files[:1], "file", "ID").ids[0] == "round 7/g0000"


def test_people_without_an_id_are_named_by_their_file(halves: list[Path]) -> None:
    for file in halves:
        pl.read_csv(file).drop("ID").write_csv(file)
    ids = _read(halves).ids.tolist()
    assert ids[::40] == ["first.csv row 1", "second.csv row 1"]
    assert _read([halves[0], halves[0]]).ids.tolist()[::40] == ["first.csv (1) row 1", "first.csv (2) row 1"]


def test_made_up_people_are_not_mixed_with_real_ones(halves: list[Path]) -> None:
    with pytest.raises(IndievalueError, match="synthetic people are not read together with others"):
        people_from([str(halves[0]), "synthetic"], str(GARDEN))


def test_evaluate_takes_several_files_and_its_run_repeats_them(halves: list[Path], tmp_path: Path) -> None:
    for file in halves:
        table = pl.read_csv(file)
        table.with_columns(N3=pl.lit(1)).write_csv(file) if "N3" not in table.columns else None
    run = tmp_path / "run"
    options = ["--survey", str(GARDEN), "--predictor", "majority", "--people", "10", "--out", str(run)]
    result = runner.invoke(app, ["evaluate", *map(str, halves), *options])
    assert result.exit_code == 0, result.output
    called = json.loads((run / "run.json").read_text())["arguments"]
    assert [called["data"], *called["further"]] == [str(file) for file in halves]
    assert "indievalue evaluate first.csv second.csv" in str(command_of(load_run(run).record))
    written = yaml.safe_load((run / "evaluate.yaml").read_text())
    assert (written["data"], written["further"]) == ("../first.csv", ["../second.csv"])
    again = runner.invoke(app, ["evaluate", "--config", str(run / "evaluate.yaml"), "--out", str(tmp_path / "again")])
    assert again.exit_code == 0, again.output
    assert (run / "predictions.parquet").read_bytes() == (tmp_path / "again" / "predictions.parquet").read_bytes()


@pytest.mark.parametrize(
    ("command", "options"),
    [
        ("catalog", ["--out", "{out}"]),
        ("benchmark", ["--out", "{out}", "--people", "10"]),
        ("show", ["--person", "g0050"]),
        ("prompts", ["--person", "g0050"]),
        ("short-form", ["--questions", "2"]),
    ],
)
def test_every_command_that_reads_people_takes_several_files(
    halves: list[Path], tmp_path: Path, command: str, options: list[str]
) -> None:
    given = [option.format(out=tmp_path / "made") for option in options]
    result = runner.invoke(app, [command, *map(str, halves), "--survey", str(GARDEN), *given])
    assert result.exit_code == 0, result.output
    if command == "catalog":
        assert len(pl.read_parquet(tmp_path / "made" / "people.parquet")) == 60


def test_the_command_of_an_experiment_names_all_its_files(halves: list[Path]) -> None:
    command = command_line("predictors", [str(file) for file in halves], Path("made"), {"--people": 20})
    assert command == "indievalue experiment predictors first.csv second.csv --people 20 --out made"
