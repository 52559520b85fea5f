"""A run is an object: computed in memory, saved, loaded, asked; and nothing that was predicted is lost on the way."""

import json
import re
import shlex
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from polars.testing import assert_frame_equal

import indievalue as iv
from commands import PROGRAM, run_here
from conftest import GARDEN, garden_answers
from indievalue.benchmark.model import Benchmark, Task
from indievalue.benchmark.storage import benchmark_hash
from indievalue.errors import IndievalueError
from indievalue.evaluation import Call
from indievalue.exchange.answers import Answered
from indievalue.people.people import People
from indievalue.predictors.majority import Majority
from indievalue.predictors.protocol import BasePredictor, Guesses
from indievalue.runs.record import FORMAT
from indievalue.runs.run import Run
from rundirs import make_run

NAMED = ["majority", "resemble:k=5"]
SLOW = ["majority", "random", *(f"resemble:k={k}" for k in range(1, 10))]


@pytest.fixture(scope="module")
def benchmark(gardeners: People) -> Benchmark:
    return iv.build_benchmark(gardeners, people_tested=20, demonstrations=4, seed=1)


@pytest.fixture(scope="module")
def run(gardeners: People, benchmark: Benchmark) -> Run:
    return iv.evaluate(gardeners, benchmark, NAMED, call=Call(survey=str(GARDEN)))


# --- in memory --------------------------------------------------------------------------------------------


def test_a_run_is_computed_without_a_file(
    gardeners: People, benchmark: Benchmark, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    run = iv.evaluate(gardeners, benchmark, NAMED)
    assert not list(tmp_path.iterdir())
    assert run.summary["predictor"].to_list() == NAMED
    right = run.predictions.filter(predictor="majority").select((pl.col("choice") == pl.col("answer")).mean()).item()
    assert run.summary.filter(predictor="majority")["accuracy"].item() == pytest.approx(100 * right)
    assert run.summary.columns[:7] == ["predictor", "accuracy", "low", "high", "log_loss", "ece", "invalid"]
    assert run.best == max(run.scores, key=lambda name: run.scores[name].accuracy)


@pytest.mark.parametrize(
    ("given", "named"),
    [
        ("majority", ["majority"]),
        (iv.Resemble(k=5), ["resemble:k=5"]),
        (["majority", iv.Resemble(k=5), iv.Random()], ["majority", "resemble:k=5", "random"]),
        ({"mine": iv.Majority()}, ["mine"]),
    ],
)
def test_predictors_are_given_by_name_as_objects_or_mixed(
    gardeners: People, benchmark: Benchmark, given: object, named: list[str]
) -> None:
    assert list(iv.evaluate(gardeners, benchmark, given).scores) == named  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("given", "complaint"),
    [
        (["majority", "majority"], "a predictor is named twice"),
        ([iv.Resemble(k=5), "resemble:k=5"], "named twice"),
        (
            [iv.Majority(), iv.Majority()],
            r"two predictors are called 'majority': give a mapping from the names",
        ),
        ([], "no predictor was given"),
        ([3], r"3 is not a predictor: it needs the methods fit\(people, form, shown_form\) and predict\(task\)"),
        ("oracle", "there is no predictor 'oracle'"),
    ],
)
def test_predictors_that_cannot_be_asked_are_refused(
    gardeners: People, benchmark: Benchmark, given: object, complaint: str
) -> None:
    with pytest.raises(IndievalueError, match=complaint):
        iv.evaluate(gardeners, benchmark, given)  # type: ignore[arg-type]


def test_your_own_class_needs_fit_and_predict_alone(gardeners: People, benchmark: Benchmark) -> None:
    class Mine:
        def fit(self, people: People, form: str, shown_form: str) -> "Mine":
            self.inner = Majority().fit(people, form, shown_form)  # type: ignore[arg-type]
            return self

        def predict(self, task: Task) -> Guesses:
            return self.inner.predict(task)

    run = iv.evaluate(gardeners, benchmark, [Mine(), "majority"])  # type: ignore[list-item]
    assert list(run.scores) == ["Mine", "majority"]
    assert run.scores["Mine"].accuracy == run.scores["majority"].accuracy


def test_a_run_answers_questions(run: Run) -> None:
    found = run.inequity(["region", ("region", "faith")], minimum=2)
    assert found.demographics == ("region", "region × faith")
    assert run.inequity("region", minimum=2).demographics == ("region",)
    compared = run.compare("resemble:k=5", "majority", ["region"], minimum=2)
    accuracy = compared.table.row(by_predicate=pl.col("measure") == "accuracy", named=True)
    difference = run.scores["resemble:k=5"].accuracy - run.scores["majority"].accuracy
    assert accuracy["difference"] == pytest.approx(difference)
    assert run.flattening(["region"], minimum=2).demographics == ("region",)
    with pytest.raises(IndievalueError, match="has no predictor 'gaussian'; it has majority, resemble:k=5"):
        run.compare("gaussian", "majority")
    with pytest.raises(IndievalueError, match="no demographic 'shoes'"):
        run.inequity(["shoes"])


def test_a_run_shows_itself_in_a_few_lines(run: Run) -> None:
    lines = repr(run).splitlines()
    assert lines[0] == "Run: 20 people of garden, polar form, strict protocol, context statements"
    assert re.fullmatch(r"  majority      \d\d\.\d% \(\d\d\.\d–\d\d\.\d\), log loss \d\.\d{3}", lines[1])
    assert len(lines) == 3
    html = run._repr_html_()
    assert html.count("<tr>") == 3
    assert f"{run.scores['majority'].accuracy:.1f}" in html


# --- saved and loaded -------------------------------------------------------------------------------------


def test_a_run_that_is_saved_is_the_same_when_it_is_loaded(run: Run, tmp_path: Path) -> None:
    run.save(tmp_path / "run")
    again = iv.load_run(tmp_path / "run")
    assert_frame_equal(again.predictions, run.predictions)
    assert_frame_equal(again.people, run.people)
    assert_frame_equal(again.summary, run.summary)
    assert again.scores == run.scores
    assert again.examples == run.examples
    assert again.record == run.record
    again.save(tmp_path / "copy")
    for file in ("run.json", "summary.json", "example.json", "benchmark/benchmark.json", "survey/survey.yaml"):
        assert (tmp_path / "copy" / file).read_bytes() == (tmp_path / "run" / file).read_bytes()
    with pytest.raises(IndievalueError, match="exists already"):
        run.save(tmp_path / "run")


def test_figures_are_written_when_they_are_asked_for(run: Run, tmp_path: Path) -> None:
    run.save(tmp_path / "bare")
    assert not (tmp_path / "bare" / "figures").exists()
    run.save(tmp_path / "full", figures=True)
    assert list((tmp_path / "full" / "figures").glob("*.svg"))
    assert list((tmp_path / "full" / "tables").glob("*.tex"))
    run.report(tmp_path / "page.html")
    assert (tmp_path / "page.html").read_text().count("<html") == 1


def test_a_run_of_ones_own_survey_loads_without_the_survey(
    gardeners: People, benchmark: Benchmark, tmp_path: Path
) -> None:
    copy = tmp_path / "spec"
    copy.mkdir()
    for file in GARDEN.glob("*.yaml"):
        (copy / file.name).write_bytes(file.read_bytes())
    iv.evaluate(gardeners, benchmark, "majority", tmp_path / "run", call=Call(survey=str(copy)))
    for file in copy.iterdir():
        file.unlink()
    copy.rmdir()
    assert iv.load_run(tmp_path / "run").survey.name == "garden"


def test_run_json_states_its_format_and_the_benchmark(run: Run, benchmark: Benchmark, tmp_path: Path) -> None:
    run.save(tmp_path / "run")
    about = json.loads((tmp_path / "run" / "run.json").read_text())
    assert about["format"] == FORMAT == 1
    assert about["benchmark"] == benchmark_hash(benchmark)
    assert {"python", "indievalue", "polars", "numpy", "altair"} <= set(about["versions"])


def test_the_hash_of_a_benchmark_depends_on_all_of_it(gardeners: People, benchmark: Benchmark) -> None:
    same = iv.build_benchmark(gardeners, people_tested=20, demonstrations=4, seed=1)
    assert benchmark_hash(same) == benchmark_hash(benchmark)
    others = [
        iv.build_benchmark(gardeners, people_tested=20, demonstrations=4, seed=2),
        iv.build_benchmark(gardeners, people_tested=19, demonstrations=4, seed=1),
        iv.build_benchmark(gardeners, people_tested=20, demonstrations=5, seed=1),
        iv.build_benchmark(gardeners, people_tested=20, demonstrations=4, seed=1, form="refined"),
        iv.build_benchmark(gardeners, people_tested=20, demonstrations=4, seed=1, context="both"),
    ]
    assert len({benchmark_hash(one) for one in [benchmark, *others]}) == 6


def test_a_run_of_an_earlier_version_loads_and_one_of_a_later_is_refused(tmp_path: Path) -> None:
    folder = make_run(tmp_path / "earlier", "wvs7")
    about = json.loads((folder / "run.json").read_text())
    assert "format" not in about
    earlier = iv.load_run(folder)
    assert (earlier.record.format, earlier.record.benchmark) == (0, None)
    earlier.save(tmp_path / "again")
    assert iv.load_run(tmp_path / "again").scores == earlier.scores
    (folder / "run.json").write_text(json.dumps({**about, "format": FORMAT + 1}))
    with pytest.raises(IndievalueError, match=r"written by a later version .*format 2; this one reads 1"):
        iv.load_run(folder)


# --- nothing is lost --------------------------------------------------------------------------------------

COMMAND = [*PROGRAM, "evaluate"]


class Counted(BasePredictor):
    """Majority, which counts how often it was fitted."""

    fitted = 0

    def __init__(self, name: str) -> None:
        self.name = name

    def identity(self) -> str | None:
        return f"counted {self.name}"

    def fit(self, people: People, form: str = "polar", shown_form: str | None = None) -> "Counted":
        type(self).fitted += 1
        self.inner = Majority().fit(people, form)  # type: ignore[arg-type]
        return self

    def predict(self, task: Task) -> Guesses:
        return self.inner.predict(task)


class Failing(Counted):
    """One that fails as long as it is told to."""

    fails = True

    def predict(self, task: Task) -> Guesses:
        if self.fails:
            raise RuntimeError("the power went out")
        return super().predict(task)


def test_the_rows_of_a_predictor_outlive_the_failure_of_the_next(
    gardeners: People, benchmark: Benchmark, tmp_path: Path
) -> None:
    Counted.fitted = 0
    asked = {"first": Counted("first"), "second": Failing("second")}
    lines: list[str] = []
    with pytest.raises(RuntimeError, match="power"):
        iv.evaluate(gardeners, benchmark, asked, tmp_path / "run", call=Call(progress=lines.append))
    (left,) = tmp_path.glob(".run.*.unfinished")
    assert lines[-1] == f"the predictions of 1 finished predictor are kept in {left}; the same command continues there"
    assert not (tmp_path / "run").exists()
    with pytest.raises(IndievalueError, match="is not a run directory"):
        iv.load_run(tmp_path / "run")
    (kept,) = tmp_path.glob(".run.*/[!.]*/predictions.parquet")
    assert pl.read_parquet(kept)["predictor"].unique().to_list() == ["first"]
    lines.clear()
    asked["second"].fails = False  # type: ignore[attr-defined]
    run = iv.evaluate(gardeners, benchmark, asked, tmp_path / "run", call=Call(progress=lines.append))
    assert Counted.fitted == 1, "the first is not asked again"
    assert lines[:2] == ["first: finished before", "second …"]
    whole = iv.evaluate(gardeners, benchmark, asked)
    assert_frame_equal(run.predictions, whole.predictions)
    assert_frame_equal(iv.load_run(tmp_path / "run").predictions, whole.predictions)
    assert [path.name for path in tmp_path.iterdir()] == ["run"]


def test_a_page_that_fails_loses_no_row(
    gardeners: People, benchmark: Benchmark, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    Counted.fitted = 0
    with monkeypatch.context() as patched:
        patched.setattr("indievalue.report.page.report_html", lambda *given: 1 / 0)
        with pytest.warns(
            UserWarning, match=r"is saved in .*ZeroDivisionError.*: indievalue report .*/run --out"
        ) as told:
            run = iv.evaluate(gardeners, benchmark, {"a": Counted("a")}, tmp_path / "run", call=Call(figures=True))
    assert [path.name for path in tmp_path.iterdir()] == ["run"]
    assert not (tmp_path / "run" / "report.html").exists()
    assert_frame_equal(iv.load_run(tmp_path / "run").predictions, run.predictions)
    command = str(told[0].message).split("indievalue report ")[1]
    again = run_here("report", *command.split())
    assert again.returncode == 0, again.stderr
    assert Counted.fitted == 1
    assert (tmp_path / "run" / "report.html").exists()
    assert list((tmp_path / "run" / "figures").glob("*.svg"))
    assert list((tmp_path / "run" / "tables").glob("*.tex"))


def test_figures_that_fail_leave_the_page_and_half_a_folder_never(
    gardeners: People, benchmark: Benchmark, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("indievalue.report.figures.files.vl_convert.svg_to_pdf", lambda svg: 1 / 0)
    with pytest.warns(UserWarning, match="its report could not be written"):
        iv.evaluate(gardeners, benchmark, "majority", tmp_path / "run", call=Call(figures=True))
    assert (tmp_path / "run" / "report.html").exists()
    assert not (tmp_path / "run" / "figures").exists()


def test_a_command_whose_page_fails_keeps_the_run_and_ends_with_1(tmp_path: Path) -> None:
    garden_answers(60).write_csv(tmp_path / "garden.csv")
    broken = (
        "from indievalue.cli import main; import indievalue.report.page as page; "
        "page.report_html = lambda runs: 1 / 0; main()"
    )
    rest = [str(tmp_path / "garden.csv"), "--survey", str(GARDEN), "--people", "20", "--out", str(tmp_path / "run")]
    said = subprocess.run(
        [sys.executable, "-c", broken, "evaluate", *rest, "--predictor", "majority"], capture_output=True, text=True
    )
    assert said.returncode == 1
    assert "error: the run is saved in" in said.stderr
    assert "Traceback" not in said.stderr
    assert "majority" in said.stdout, "the scores are printed all the same"
    assert iv.load_run(tmp_path / "run").summary["predictor"].to_list() == ["majority"]


@pytest.mark.parametrize("other", ["seed", "options", "data"])
def test_rows_of_another_benchmark_predictor_or_data_are_never_taken(
    gardeners: People, benchmark: Benchmark, tmp_path: Path, other: str
) -> None:
    Counted.fitted = 0
    with pytest.raises(RuntimeError):
        iv.evaluate(gardeners, benchmark, {"a": Counted("a"), "b": Failing("b")}, tmp_path / "run")
    people, asked, one = gardeners, benchmark, Counted("a")
    if other == "seed":
        asked = iv.build_benchmark(gardeners, people_tested=20, demonstrations=4, seed=2)
    elif other == "options":
        one = Counted("another option")
    else:
        people = gardeners.take(range(59, -1, -1))
    iv.evaluate(people, asked, {"a": one}, tmp_path / "run")
    assert Counted.fitted == 3 - 1, "the first is asked again"


def test_a_damaged_part_is_asked_again(gardeners: People, benchmark: Benchmark, tmp_path: Path) -> None:
    Counted.fitted = 0
    with pytest.raises(RuntimeError):
        iv.evaluate(gardeners, benchmark, {"a": Counted("a"), "b": Failing("b")}, tmp_path / "run")
    (kept,) = tmp_path.glob(".run.*/[!.]*/predictions.parquet")
    kept.write_bytes(kept.read_bytes()[:50])
    run = iv.evaluate(gardeners, benchmark, {"a": Counted("a")}, tmp_path / "run")
    assert Counted.fitted == 2
    assert run.predictions.height


def test_a_predictor_that_does_not_state_its_identity_is_always_asked_again(
    gardeners: People, benchmark: Benchmark, tmp_path: Path
) -> None:
    class Constant(BasePredictor):
        """Everybody chooses the same option; its repr does not show which."""

        def __init__(self, option: int) -> None:
            self._option = option

        def predict(self, task: Task) -> Guesses:
            return Guesses(np.full(task.asked.shape, self._option, np.int8), None)

    assert repr(Constant(0)) == repr(Constant(1))
    for option in (0, 1):
        with pytest.raises(RuntimeError):
            iv.evaluate(gardeners, benchmark, {"a": Constant(option), "b": Failing("b")}, tmp_path / "run")
    run = iv.evaluate(gardeners, benchmark, {"a": Constant(1)}, tmp_path / "run")
    assert run.predictions["choice"].unique().to_list() == [1]


def test_the_answers_of_another_file_are_never_taken(gardeners: People, benchmark: Benchmark, tmp_path: Path) -> None:
    survey = gardeners.survey
    for option in (0, 1):
        lines = [
            {
                "person": person,
                "setup": setup.number,
                "question": survey.questions[probe].id,
                "choice": option,
            }
            for setup in benchmark.setups
            for person in benchmark.people.ids.tolist()
            for probe in setup.probes
        ]
        file = tmp_path / f"{option}.jsonl"
        file.write_text("\n".join(map(json.dumps, lines)))
        asked = {"imported": Answered(file, benchmark), "b": Failing("b")}
        with pytest.raises(RuntimeError):
            iv.evaluate(gardeners, benchmark, asked, tmp_path / "run")
    run = iv.evaluate(gardeners, benchmark, {"imported": Answered(tmp_path / "1.jsonl", benchmark)}, tmp_path / "run")
    assert run.predictions["choice"].unique().to_list() == [1]


def test_a_killed_evaluation_goes_on_where_it_was(tmp_path: Path) -> None:
    garden_answers(60).write_csv(tmp_path / "garden.csv")
    out = tmp_path / "run"
    rest = [str(tmp_path / "garden.csv"), "--survey", str(GARDEN), "--people", "20", "--out", str(out)]
    names = ["--predictor", "majority", "--predictor", "resemble:k=5", "--predictor", "random"]
    whole = run_here("evaluate", *rest[:-1], tmp_path / "whole", *names)
    assert whole.returncode == 0, whole.stderr
    process = subprocess.Popen([*COMMAND, *rest, *names], stderr=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
    deadline = time.monotonic() + 120
    while not list(tmp_path.glob(".run.*/[!.]*/part.json")) and process.poll() is None and time.monotonic() < deadline:
        time.sleep(0.01)
    process.send_signal(signal.SIGKILL)
    process.wait(timeout=60)
    if process.returncode == -signal.SIGKILL and not out.exists():
        assert list(tmp_path.glob(".run.*/[!.]*/part.json"))
    if not out.exists():
        again = run_here("evaluate", *rest, *names)
        assert again.returncode == 0, again.stderr
        assert "majority: finished before" in again.stderr
    one, two = (pl.read_parquet(tmp_path / name / "predictions.parquet") for name in ("whole", "run"))
    assert one.equals(two)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["garden.csv", "run", "whole"]


def test_two_processes_keep_out_of_each_others_way(tmp_path: Path) -> None:
    """The second starts while the first is at work: it is refused, and the first is not disturbed."""
    garden_answers(60).write_csv(tmp_path / "garden.csv")
    rest = [str(tmp_path / "garden.csv"), "--survey", str(GARDEN), "--people", "20", "--out", str(tmp_path / "run")]
    first = subprocess.Popen([*COMMAND, *rest, *(word for name in SLOW for word in ("--predictor", name))])
    deadline = time.monotonic() + 120
    while not list(tmp_path.glob(".run.*/[!.]*/part.json")) and first.poll() is None and time.monotonic() < deadline:
        time.sleep(0.01)
    first.send_signal(signal.SIGSTOP)
    second = run_here("evaluate", *rest, "--predictor", "majority")
    first.send_signal(signal.SIGCONT)
    assert first.wait(timeout=120) == 0
    assert second.returncode == 1
    assert "another process is at work" in second.stderr
    assert iv.load_run(tmp_path / "run").summary["predictor"].to_list() == SLOW


def test_two_processes_with_other_benchmarks_never_replace_each_others_run(tmp_path: Path) -> None:
    """Without --force a run that is there is never replaced, however late it has come."""
    garden_answers(60).write_csv(tmp_path / "garden.csv")
    rest = [str(tmp_path / "garden.csv"), "--survey", str(GARDEN), "--out", str(tmp_path / "run")]
    slow = [*rest, "--people", "20", *(word for name in SLOW for word in ("--predictor", name))]
    first = subprocess.Popen([*COMMAND, *slow], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    deadline = time.monotonic() + 120
    while not list(tmp_path.glob(".run.*/[!.]*/part.json")) and first.poll() is None and time.monotonic() < deadline:
        time.sleep(0.01)
    first.send_signal(signal.SIGSTOP)
    other = [*rest, "--people", "19", "--predictor", "majority"]
    second = run_here("evaluate", *other)
    first.send_signal(signal.SIGCONT)
    assert first.wait(timeout=120) == 0
    assert second.returncode == 1
    assert "another process is at work" in second.stderr
    assert iv.load_run(tmp_path / "run").record.people == 20
    assert sorted(path.name for path in tmp_path.iterdir()) == ["garden.csv", "run"]


def test_a_demo_whose_pages_fail_keeps_its_runs_and_says_how_to_repeat_that_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from typer.testing import CliRunner

    from indievalue.cli import app

    with monkeypatch.context() as patched:
        patched.setattr("indievalue.report.page._page", lambda *given, **named: 1 / 0)
        told = CliRunner().invoke(app, ["demo", "synthetic:1200", "--out", str(tmp_path / "demo")])
    assert told.exit_code == 1
    assert told.stderr.count("error:") == 3
    assert "Traceback" not in told.stderr
    for form in ("polar", "refined"):
        assert set(iv.load_run(tmp_path / "demo" / form).scores) == {"random", "majority", "resemble:k=35"}
        assert not (tmp_path / "demo" / form / "report.html").exists()
    *_, last = [line for line in told.stderr.splitlines() if "repeat that alone" in line]
    assert "ZeroDivisionError" in last
    again = shlex.split(last.partition("repeat that alone: ")[2])
    assert CliRunner().invoke(app, again[1:]).exit_code == 0
    assert (tmp_path / "demo" / "report.html").exists()
