"""The command line as a person meets it: what it prints, how it ends, and what it leaves behind."""

import json
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import polars as pl
import pytest
from typer.testing import CliRunner

from commands import PROGRAM, run_apart, run_here
from conftest import GARDEN, garden_answers
from indievalue.cli import app
from indievalue.errors import IndievalueError
from indievalue.predictors.predictions import read_predictions
from rundirs import make_run, some_people


@pytest.fixture
def garden_csv(tmp_path: Path) -> Path:
    garden_answers(60).write_csv(tmp_path / "garden.csv")
    return tmp_path / "garden.csv"


def _evaluate(
    data: Path, out: Path, *more: str, run: Callable[..., subprocess.CompletedProcess[str]] = run_here
) -> subprocess.CompletedProcess[str]:
    return run("evaluate", data, "--survey", GARDEN, "--predictor", "majority", "--out", out, *more)


def test_help_and_version_import_nothing_heavy() -> None:
    code = (
        "import sys; sys.argv = ['indievalue', '--help']\n"
        "from indievalue.cli import main\n"
        "try: main()\n"
        "finally: print(sorted({'numpy', 'polars', 'pydantic', 'altair', 'scipy'} & set(sys.modules)), file=sys.stderr)"
    )
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert said.returncode == 0
    assert "evaluate" in said.stdout
    assert set(eval(said.stderr)) <= {"pydantic"}
    assert run_apart("--version").stdout.startswith("indievalue 0.")


def test_evaluate_writes_a_whole_run(garden_csv: Path, tmp_path: Path) -> None:
    options = ["--predictor", "resemble:k=5", "--people", "20", "--seed", "3"]
    said = _evaluate(garden_csv, tmp_path / "run", *options, run=run_apart)
    assert said.returncode == 0, said.stderr
    assert "60 people of garden in garden.csv" in said.stderr
    run = tmp_path / "run"
    assert sorted(entry.name for entry in run.iterdir()) == [
        "benchmark",
        "ceiling",
        "evaluate.yaml",
        "example.json",
        "people.parquet",
        "predictions.parquet",
        "report.html",
        "run.json",
        "summary.json",
        "survey",
    ]
    assert not list(tmp_path.glob(".run.*")), "what was kept until the run was complete is gone"
    summary = json.loads((run / "summary.json").read_text())
    assert list(summary) == ["majority", "resemble:k=5"]
    predictions = read_predictions(run / "predictions.parquet")
    right = predictions.filter(predictor="majority").select((pl.col("choice") == pl.col("answer")).mean()).item()
    assert summary["majority"]["accuracy"] == pytest.approx(100 * right)
    assert f"{summary['majority']['accuracy']:.1f}" in said.stdout
    about = json.loads((run / "run.json").read_text())
    assert about["arguments"]["predictor"] == ["majority", "resemble:k=5"]
    assert (about["seed"], about["people"], about["training_people"]) == (3, 20, 40)
    assert about["data"]["fingerprint"]


def test_a_saved_benchmark_asks_the_same_rows(garden_csv: Path, tmp_path: Path) -> None:
    assert _evaluate(garden_csv, tmp_path / "one", "--people", "20", "--form", "refined").returncode == 0
    again = _evaluate(garden_csv, tmp_path / "two", "--benchmark", str(tmp_path / "one" / "benchmark"))
    assert again.returncode == 0, again.stderr
    one, two = (read_predictions(tmp_path / run / "predictions.parquet") for run in ("one", "two"))
    assert one.equals(two)


def test_a_finished_run_is_kept_unless_forced(garden_csv: Path, tmp_path: Path) -> None:
    out = tmp_path / "run"
    assert _evaluate(garden_csv, out).returncode == 0
    before = (out / "run.json").read_bytes()
    refused = _evaluate(garden_csv, out)
    assert refused.returncode == 1
    assert "exists already" in refused.stderr
    assert (out / "run.json").read_bytes() == before
    assert _evaluate(garden_csv, out, "--force", "--seed", "1").returncode == 0
    assert json.loads((out / "run.json").read_text())["seed"] == 1


def test_two_runs_are_put_on_one_page(garden_csv: Path, tmp_path: Path) -> None:
    for form in ("polar", "refined"):
        assert _evaluate(garden_csv, tmp_path / form, "--form", form).returncode == 0
    page = tmp_path / "both.html"
    said = run_here("report", tmp_path / "polar", tmp_path / "refined", "--out", page)
    assert said.returncode == 0, said.stderr
    assert page.read_text().count("<html") == 1
    assert run_here("report", tmp_path / "polar", "--out", page).returncode == 1  # not overwritten without --force


def test_show_prints_one_person_and_what_is_missing(tmp_path: Path) -> None:
    file = tmp_path / "garden.csv"
    garden_answers(3).with_columns(N3=pl.Series([-1, 1, 2]), N1=pl.Series([7, 1, 2])).write_csv(file)
    said = run_here("show", file, "--survey", GARDEN, "--person", "g0000").stdout
    assert "My garden is" in said
    assert "don't know: N3" in said
    assert "another answer: N1" in said
    refused = run_here("show", file, "--survey", GARDEN, "--person", "g9999")
    assert refused.returncode == 1
    assert "no person 'g9999'; its first is 'g0000'" in refused.stderr


def test_catalog_and_benchmark_write_their_directories(garden_csv: Path, tmp_path: Path) -> None:
    assert run_here("catalog", garden_csv, "--survey", GARDEN, "--out", tmp_path / "catalog", "--text").returncode == 0
    assert (tmp_path / "catalog" / "statements.jsonl").exists()
    assert run_here("benchmark", garden_csv, "--survey", GARDEN, "--out", tmp_path / "benchmark").returncode == 0
    assert (tmp_path / "benchmark" / "tasks.jsonl").exists()


def test_survey_checks_a_spec(tmp_path: Path) -> None:
    assert "10 questions" in run_here("survey", GARDEN).stdout
    refused = run_here("survey", tmp_path)
    assert refused.returncode == 1
    assert "there is no survey" in refused.stderr


@pytest.mark.parametrize(
    ("arguments", "code", "complaint"),
    [
        (["--people", "61"], 1, "61 people were asked for: 60 of 60 people are eligible, 24 of them with at most 4"),
        (["--people", "all", "--folds", "1"], 1, "nobody is left for the predictors to learn from"),
        (["--people", "20", "--folds", "21"], 1, "from 1 to the 20 people tested, not 21"),
        (["--predictor", "oracle"], 1, "no predictor 'oracle'; there are random, majority, resemble"),
        (["--predictor", "majority"], 1, "a predictor is named twice"),
        (["--form", "coarse"], 2, "'coarse' is not one of 'polar', 'refined'"),
        (["--protocol", "loose"], 2, "'loose' is not one of 'strict', 'paper'"),
        (["--context", "all"], 2, "'all' is not one of 'none', 'demographics', 'statements', 'both'"),
        (["--setup", "7"], 1, "the protocol has 0 to 2"),
        (["--setup", "x"], 2, "--setup takes a whole number"),
        (["--demonstrations", "few"], 2, "--demonstrations takes a whole number"),
        (["--demonstrations", "-1"], 2, "from 0 on"),
        (["--people", "5", "--people-file", "x"], 2, "not both"),
        (["--people-file", "nowhere.txt"], 1, "cannot read the list of people nowhere.txt"),
        (["--benchmark", "nowhere"], 1, "holds no benchmark"),
    ],
)
def test_a_wrong_call_is_told_in_one_line_and_leaves_nothing(
    garden_csv: Path, tmp_path: Path, arguments: list[str], code: int, complaint: str
) -> None:
    said = _evaluate(garden_csv, tmp_path / "run", *arguments)
    assert said.returncode == code
    assert complaint in said.stderr
    assert "Traceback" not in said.stderr
    assert said.stderr.count("error:") == 1
    assert not list(tmp_path.glob("*run*"))


@pytest.mark.parametrize(
    ("name", "content", "complaint"),
    [
        ("none.csv", None, "there is no file"),
        ("empty.csv", b"", "is empty"),
        ("photo.csv", b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR\x00\x00", "is not a CSV text file"),
        ("other.csv", b"a,b\n1,2\n", "is not a file of a survey indievalue knows"),
        ("other.sav", b"$FL2 not really", "cannot read"),
        ("notes.doc", b"hello", "none of the formats"),
        ("notes.txt", b"hello", "is not a CSV text file"),
    ],
)
def test_a_file_that_is_no_survey_is_told(tmp_path: Path, name: str, content: bytes | None, complaint: str) -> None:
    if content is not None:
        (tmp_path / name).write_bytes(content)
    said = run_here("catalog", tmp_path / name, "--out", tmp_path / "catalog")
    assert said.returncode == 1
    assert complaint in " ".join(said.stderr.split())
    assert "Traceback" not in said.stderr
    assert not (tmp_path / "catalog").exists()


def test_one_region_and_three_people_are_evaluated_or_refused_clearly(tmp_path: Path) -> None:
    file = tmp_path / "garden.csv"
    garden_answers(40).with_columns(REGION=pl.lit(1)).write_csv(file)
    assert _evaluate(file, tmp_path / "one-region", "--people", "10").returncode == 0
    garden_answers(3).write_csv(file)
    assert _evaluate(file, tmp_path / "three", "--people", "2").returncode == 0
    every = _evaluate(file, tmp_path / "all-three")
    assert every.returncode == 0
    assert "Cross-fitting in 3 folds" in every.stderr
    refused = _evaluate(file, tmp_path / "alone", "--folds", "1")
    assert refused.returncode == 1
    assert "nobody is left" in refused.stderr


def test_an_unwritable_directory_is_told(garden_csv: Path, tmp_path: Path) -> None:
    said = _evaluate(garden_csv, garden_csv / "run", run=run_apart)
    assert said.returncode == 1
    assert "cannot write" in said.stderr or "is a file" in said.stderr
    assert "Traceback" not in said.stderr


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_a_stopped_run_leaves_nothing_under_its_name(tmp_path: Path, how: signal.Signals) -> None:
    arguments = [
        "evaluate",
        "synthetic:3000",
        "--predictor",
        "resemble:k=35",
        "--people",
        "50",
        "--out",
        tmp_path / "run",
    ]
    process = subprocess.Popen([*PROGRAM, *map(str, arguments)], stderr=subprocess.PIPE, text=True)
    deadline = time.monotonic() + 60
    while not list(tmp_path.glob(".run.*")) and process.poll() is None and time.monotonic() < deadline:
        time.sleep(0.005)
    process.send_signal(how)
    _, said = process.communicate(timeout=60)
    assert process.returncode == (-signal.SIGKILL if how == signal.SIGKILL else 1)
    assert not (tmp_path / "run").exists()
    if how != signal.SIGKILL:
        assert "interrupted; no partial files were left behind" in said
        assert not list(tmp_path.iterdir())


def test_without_a_command_the_help_is_printed() -> None:
    bare, asked = run_apart(), run_apart("-h")
    assert (bare.returncode, bare.stderr) == (0, "")
    assert bare.stdout.strip() == asked.stdout.strip()
    assert "evaluate" in bare.stdout


@pytest.mark.parametrize(
    ("words", "nearest"),
    [
        (["evaluate", "synthetic:60", "--model", "gausian", "--out", "x"], "gaussian"),
        (["experiment", "modelsbycategory", "synthetic:60"], "models-by-category"),
        (["evaluat"], "evaluate"),
    ],
)
def test_a_misspelt_name_is_answered_with_the_nearest(words: list[str], nearest: str, tmp_path: Path) -> None:
    said = run_here(*words)
    assert said.returncode in (1, 2)
    assert f"did you mean '{nearest}'?" in " ".join(said.stderr.split()).lower()


@pytest.mark.parametrize(
    ("arguments", "meant"),
    [
        (["inequity", "RUN", "--demographic", "agee"], "'age'"),
        (["flattening", "RUN", "--demographic", "region*agee"], "'age'"),
        (["compare", "RUN", "--predictor", "majorty"], "'majority'"),
        (["evaluate", "RUN", "--predictor", "gausian", "--out", "x"], "'gaussian'"),
        (["evaluate", "synthetik:50", "--predictor", "majority", "--out", "x"], "'synthetic'"),
        (["evaluate", "synthetic:50", "--survey", "wvs", "--predictor", "majority", "--out", "x"], "'wvs7'"),
        (["survey", "wvs"], "'wvs7'"),
        (["experiment", "inequty", "synthetic:50", "--out", "x"], "'inequity'"),
        (["train", "smolm2/laptop"], "'smollm2/laptop'"),
        (["train", "smollm2/laptop", "--set", "dta=x"], "'data'"),
    ],
)
def test_a_misspelt_name_is_answered_with_the_one_that_was_meant(
    arguments: list[str], meant: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    make_run(tmp_path / "RUN", "wvs7", people=some_people(8, age=["25-34", "35-44"], region=["a", "b"]))
    found = CliRunner().invoke(app, arguments)
    assert isinstance(found.exception, IndievalueError), found.output
    assert str(found.exception).endswith(f"; did you mean {meant}?")


def test_a_value_that_is_none_of_the_choices_is_answered_with_these() -> None:
    said = run_apart("export", "b", "--to", "lmeval", "--out", "x").stderr
    assert said.strip() == (
        "error: Invalid value for '--to': 'lmeval' is not one of 'jsonl', 'inspect', 'lm-eval', 'hf'; see --help"
    )
