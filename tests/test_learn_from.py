"""Predictors that learn from the people of other files: of another survey, another round, or other rows."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import polars as pl
import pytest
import yaml
from typer.testing import CliRunner, Result

from conftest import GARDEN, garden_answers
from indievalue.benchmark.build import build_benchmark
from indievalue.benchmark.model import Settings
from indievalue.cli import app
from indievalue.errors import IndievalueError
from indievalue.evaluation import evaluate
from indievalue.people.options import ReadOptions
from indievalue.people.people import People
from indievalue.people.read import read_people
from indievalue.predictors.majority import Majority
from indievalue.report.share import share
from indievalue.runs.elsewhere import LearnedFrom, elsewhere
from indievalue.runs.storage import load_run
from indievalue.survey.survey import Survey
from orchards import orchard_answers, orchard_survey


@pytest.fixture(scope="module")
def orchardists(tmp_path_factory: pytest.TempPathFactory) -> People:
    folder = tmp_path_factory.mktemp("orchard")
    orchard_answers(400).write_csv(folder / "orchard.csv")
    return read_people(folder / "orchard.csv", str(orchard_survey(folder)))


def evaluated(*arguments: object) -> Result:
    return CliRunner().invoke(app, ["evaluate", *map(str, arguments)])


def said(found: Result) -> str:
    return str(found.exception) if isinstance(found.exception, IndievalueError) else " ".join(found.output.split())


# --- what is learned ---------------------------------------------------------------------------------------


def test_probes_are_drawn_among_the_questions_asked_for(gardeners: People) -> None:
    benchmark = build_benchmark(gardeners, Settings(), 10, questions=["P2", "A1"])
    asked = {gardeners.survey.questions[at].id for setup in benchmark.setups for at in setup.probes}
    assert asked == {"P2", "A1"}
    with pytest.raises(IndievalueError, match="survey garden has no question 'P9'"):
        build_benchmark(gardeners, questions=["P9"])


def test_fewer_probes_are_to_be_answered_of_fewer(gardeners: People) -> None:
    sampling = replace(
        gardeners.survey.sampling, setups=1, per_category=4, answered=None, probes="answered", answered_probes=5
    )
    codes = gardeners.codes.copy()
    for name in ("P1", "A1"):
        codes[:30, gardeners.survey.positions[name]] = -4
    people = replace(gardeners, survey=replace(gardeners.survey, sampling=sampling), codes=codes)
    assert build_benchmark(people, people_tested="all").eligibility.eligible == 60, "5 of 10 are wanted"
    four = build_benchmark(people, people_tested="all", questions=["P1", "P2", "P3", "A1"])
    assert four.eligibility.eligible == 60, "2 of 4 are wanted"
    three = build_benchmark(people, people_tested="all", questions=["P1", "P2", "A1"])
    assert three.eligibility.excluded["did not answer 2 or more of the probes of every setup"] == 30


def test_what_two_surveys_share_predicts_people_of_the_other(gardeners: People, orchardists: People) -> None:
    benchmark = build_benchmark(
        gardeners, Settings(setups=(0,), demonstrations=None), "all", questions=["P1", "P2", "A1"]
    )
    predictors = ["random", "majority", "resemble:k=35", "gaussian"]
    run = evaluate(gardeners, benchmark, predictors, learn_from=orchardists)
    scores = {name: score.accuracy for name, score in run.scores.items()}
    assert scores["gaussian"] > scores["random"] + 10, "people who love roses love hedgehogs in both surveys"
    assert scores["resemble:k=35"] > scores["random"] + 10
    (learned,) = run.record.learned_from
    assert (learned.source, learned.survey, learned.people, learned.left_out) == ("orchard.csv", "orchard", 400, 0)
    assert learned.questions == {"P1": "ROSES", "P2": "NETTLES", "A1": "HOGS reversed"}
    assert run.record.training_people == 400


def test_nothing_is_learned_from_people_of_the_data(gardeners: People, orchardists: People) -> None:
    benchmark = build_benchmark(gardeners, Settings(setups=(0,)), 10, questions=["P1", "A1"])
    run = evaluate(gardeners, benchmark, "majority", learn_from=orchardists)
    others = gardeners.take(~np.isin(gardeners.ids, benchmark.people.ids))
    changed = others.take(np.zeros(len(others), np.int64))
    changed = People(others.survey, others.ids, changed.codes, others.demographics, others.weights, others.findings)
    assert evaluate(changed, benchmark, "majority", learn_from=orchardists).predictions.equals(run.predictions)


def test_a_question_that_nobody_was_asked_is_guessed_at_random(gardeners: People, orchardists: People) -> None:
    benchmark = build_benchmark(gardeners, Settings(setups=(0, 1)), "all")
    run = evaluate(gardeners, benchmark, ["random", "majority"], learn_from=orchardists)
    unshared = ~pl.col("question").is_in(["P1", "P2", "A1"])
    random, majority = (
        run.predictions.filter(unshared, predictor=name).drop("predictor") for name in ("random", "majority")
    )
    assert len(random) > 100
    assert majority.equals(random)
    shared = run.predictions.filter(~unshared, predictor="majority")
    assert shared.group_by("question").agg(pl.col("choice").n_unique())["choice"].to_list() == [1] * 3


def test_two_files_are_learned_from_together(gardeners: People, orchardists: People) -> None:
    benchmark = build_benchmark(gardeners, Settings(setups=(0,)), 20)
    both = elsewhere([gardeners, orchardists], gardeners.survey, benchmark.people.ids.tolist())
    assert [one.people for one in both.sources] == [40, 400]
    assert len(both.people) == 440
    assert both.shared.all(), "the first is of the same survey"
    twice = elsewhere([orchardists, orchardists], gardeners.survey, [])
    assert len(np.unique(twice.people.ids)) == 800


def test_what_is_passed_on_says_what_was_learned_from(gardeners: People, orchardists: People, tmp_path: Path) -> None:
    benchmark = build_benchmark(gardeners, Settings(setups=(0,)), "all", questions=["P1", "A1"])
    share(evaluate(gardeners, benchmark, "majority", learn_from=orchardists), tmp_path / "shared")
    shared = json.loads((tmp_path / "shared" / "shared.json").read_text())
    assert shared["learned_from"][0]["questions"]["P1"] == "ROSES"


# --- nobody who is tested is learned from --------------------------------------------------------------------


def test_people_with_the_id_of_somebody_tested_are_left_out(gardeners: People) -> None:
    tested = gardeners.ids[:15].tolist()
    found = elsewhere([gardeners], gardeners.survey, tested)
    assert not set(found.people.ids.tolist()) & set(tested)
    (learned,) = found.sources
    assert (learned.people, learned.left_out, learned.questions) == (45, 15, None)
    assert "45 people; 15 with the id of somebody tested are left out" in learned.line(gardeners.survey)


def test_people_without_ids_are_known_by_their_file_and_row(gardeners: People) -> None:
    tested = [f"{gardeners.findings.source} row {person}" for person in gardeners.ids[:15]]  # of several files
    assert elsewhere([gardeners], gardeners.survey, tested).sources[0].left_out == 15


def test_the_same_people_cannot_be_learned_from_if_all_are_tested(gardeners: People) -> None:
    with pytest.raises(IndievalueError, match=r"everybody in .* has the id of somebody tested, and nobody is left"):
        elsewhere([gardeners], gardeners.survey, gardeners.ids.tolist())


def test_a_survey_without_the_same_items_teaches_nothing(gardeners: People, orchardists: People) -> None:
    only_cider = orchardists.codes.copy()
    only_cider[:, :3] = -4
    untaught = People(
        orchardists.survey,
        orchardists.ids,
        only_cider,
        orchardists.demographics,
        orchardists.weights,
        orchardists.findings,
    )
    complaint = r"orchard\.csv \(survey orchard\) has no question in common with survey garden.*`same_as`"
    with pytest.raises(IndievalueError, match=complaint):
        elsewhere([untaught], gardeners.survey, [])


def test_folds_and_other_files_exclude_each_other(gardeners: People, orchardists: People) -> None:
    benchmark = build_benchmark(gardeners, Settings(), "all")
    with pytest.raises(IndievalueError, match=r"--folds.*--learn-from.*give one of the two"):
        evaluate(gardeners, benchmark, Majority(), folds=5, learn_from=orchardists)


# --- the command -----------------------------------------------------------------------------------------------


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    garden_answers(60).with_columns(YEAR=pl.Series([2017, 2018, 2019, 2020] * 15)).write_csv(tmp_path / "garden.csv")
    orchard_answers(80).write_csv(tmp_path / "orchard.csv")
    orchard_survey(tmp_path)
    return tmp_path


def test_evaluate_says_and_records_what_was_learned_from_what(folder: Path) -> None:
    options = ["--survey", GARDEN, "--predictor", "majority", "--people", "20", "--out", "run"]
    found = evaluated("garden.csv", *options, "--learn-from", "orchard.csv", "--learn-survey", "orchard")
    assert found.exit_code == 0, said(found)
    assert (
        "Learning from orchard.csv (orchard): 80 people; 3 of 10 questions are the same, and only these are learned: "
        "P1 = ROSES, P2 = NETTLES, A1 = HOGS reversed"
    ) in said(found)
    run = load_run("run")
    assert set(run.predictions["question"]) == {"P1", "P2", "A1"}
    assert run.record.learned_from[0].questions == {"P1": "ROSES", "P2": "NETTLES", "A1": "HOGS reversed"}
    assert "Learning from orchard.csv (orchard): 80 people" in (folder / "run/report.html").read_text()
    repeated = yaml.safe_load((folder / "run/evaluate.yaml").read_text())
    assert (repeated["learn-from"], repeated["learn-survey"]) == (["../orchard.csv"], ["../orchard"])
    again = evaluated("--config", "run/evaluate.yaml", "--out", "again")
    assert again.exit_code == 0, said(again)
    assert load_run("again").predictions.equals(run.predictions)


def test_rows_of_the_same_file_are_learned_from_or_tested(folder: Path) -> None:
    options = ["--survey", GARDEN, "--predictor", "majority", "--rows", "YEAR=2020", "--people", "all", "--out", "run"]
    found = evaluated("garden.csv", *options, "--learn-from", "garden.csv", "--learn-rows", "YEAR=2017-2018")
    assert found.exit_code == 0, said(found)
    assert "Learning from garden.csv (garden): 30 people; 10 of 10 questions of the same survey" in said(found)
    assert "45 rows left out by --rows" in said(found)
    record = json.loads((folder / "run/run.json").read_text())
    assert record["people"] == 15
    assert (record["learned_from"][0]["people"], record["learned_from"][0]["left_out"]) == (30, 0)
    found = evaluated("garden.csv", *options[:-1], "other", "--learn-from", "garden.csv")
    assert "45 people; 15 with the id of somebody tested are left out" in said(found)


@pytest.mark.parametrize(
    ("options", "complaint"),
    [
        (["--rows", "YEAR"], "--rows takes COLUMN=VALUES, such as A_YEAR=2017-2019, not 'YEAR'"),
        (["--rows", "ROUND=8"], "garden.csv has no column ROUND"),
        (["--learn-rows", "YEAR=2017"], "--learn-survey and --learn-rows are of use with --learn-from FILE"),
        (["--learn-from", "orchard.csv"], "orchard.csv is not a file of a survey indievalue knows"),
    ],
)
def test_what_cannot_be_done_is_said(folder: Path, options: list[str], complaint: str) -> None:
    found = evaluated("garden.csv", "--survey", GARDEN, "--predictor", "majority", "--out", "run", *options)
    assert found.exit_code != 0
    assert complaint in said(found).replace("│ ", "").replace(" │", "")


def test_rows_are_chosen_among_those_of_the_survey(tmp_path: Path, garden: Survey) -> None:
    table = garden_answers(40).with_columns(ROUND=pl.Series([6, 7, 8, 9] * 10))
    table.write_csv(tmp_path / "garden.csv")
    recent = replace(garden, where={"ROUND": ("7", "8")})
    options = ReadOptions(rows=(("ROUND", "8-9"), ("REGION", "1-2")))
    people = read_people(tmp_path / "garden.csv", recent, options)
    expected = table.filter(pl.col("ROUND") == 8, pl.col("REGION") < 3)["ID"].to_list()
    assert people.ids.tolist() == expected
    assert people.survey == recent, "the condition is the user's, not the survey's"


def test_synthetic_people_have_no_rows_to_choose(folder: Path) -> None:
    found = evaluated("synthetic:100", "--predictor", "majority", "--out", "run", "--rows", "A_YEAR=2017")
    assert "synthetic:100 people have no columns to choose rows by: leave out --rows" in said(found)


def test_a_run_that_learned_from_its_own_data_has_no_other_files(gardeners: People) -> None:
    run = evaluate(gardeners, build_benchmark(gardeners, Settings(), 20), "majority")
    assert run.record.learned_from == ()
    assert LearnedFrom("a", "b", "", 1, 0, 2).questions is None
