"""The experiment on several surveys: the same measures of each, in one table and one figure."""

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
from indievalue.choices import Context
from indievalue.cli import app
from indievalue.errors import IndievalueError
from indievalue.evaluation import evaluate
from indievalue.experiments.grid import cells
from indievalue.experiments.run import run_experiment
from indievalue.experiments.spec import Experiment, load_experiment, parse_experiment, with_predictors
from indievalue.people.people import People
from indievalue.people.read import read_people
from indievalue.report.tables.of_surveys import surveys_table
from indievalue.scoring.paired import compare
from orchards import orchard_answers, orchard_survey

SHIPPED = load_experiment("across-surveys")


@pytest.fixture(scope="module")
def surveys(tmp_path_factory: pytest.TempPathFactory) -> list[People]:
    folder = tmp_path_factory.mktemp("surveys")
    garden_answers(300).write_csv(folder / "garden.csv")
    orchard_answers(300).write_csv(folder / "orchard.csv")
    gardeners = read_people(folder / "garden.csv", str(GARDEN))
    everywhere = replace(gardeners.survey.sampling, continent=None, religion=None, first=None, per_religion=None)
    gardeners = replace(gardeners, survey=replace(gardeners.survey, sampling=everywhere))
    return [gardeners, read_people(folder / "orchard.csv", str(orchard_survey(folder)))]


@pytest.fixture(scope="module")
def small() -> Experiment:
    """The experiment that ships, with predictors that take no time and small groups."""
    return with_predictors(SHIPPED, ["majority", "resemble:k=35"]).model_copy(update={"minimum": 10})


@pytest.fixture(scope="module")
def ran(small: Experiment, surveys: list[People], tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, list[str]]:
    out = tmp_path_factory.mktemp("across") / "out"
    said: list[str] = []
    assert run_experiment(small, surveys, out, tested=60, say=said.append, command="indievalue experiment …")
    return out, said


@pytest.fixture(scope="module")
def table(ran: tuple[Path, list[str]]) -> pl.DataFrame:
    return pl.read_csv(ran[0] / "table.csv")


def value_of(table: pl.DataFrame, survey: str, measure: str, of: str = "") -> tuple[float, float, float]:
    """A value and the ends of its interval, nan where there is none."""
    found = table.filter(pl.col("survey") == survey, pl.col("measure") == measure, pl.col("of") == of)
    value, low, high = found.select("value", "low", "high").fill_null(np.nan).row(0)
    return value, low, high


# --- the cells ---------------------------------------------------------------------------------------------------


def test_cells_differ_from_one_in_at_most_one_setting(surveys: list[People]) -> None:
    made = [
        (cell.predictor, cell.asked.context, cell.asked.demonstrations) for cell in cells(SHIPPED, surveys[0].survey, 0)
    ]
    centre = ("gaussian", "statements", "all")
    assert centre in made
    assert len(made) == len(set(made)) == 4 + 2 + 4 + 1
    assert all(sum(one != other for one, other in zip(cell, centre, strict=True)) <= 1 for cell in made)


def test_settings_are_varied_with_a_predictor_that_is_there() -> None:
    assert with_predictors(SHIPPED, ["majority", "gaussian", "masked"]).around["predictor"] == "gaussian"
    assert with_predictors(SHIPPED, ["majority", "masked"]).around["predictor"] == "masked"


@pytest.mark.parametrize(
    ("changes", "complaint"),
    [
        ({"around": {"predictor": "gaussian", "context": "statements"}}, "a figure of surveys needs `around` with"),
        ({"around": {"context": "statements"}, "figure": {"kind": "dots"}}, "figure.dots.rows"),
        ({"around": {"form": "polar"}}, "`around` names 'form', which is neither in `grid` nor the predictor"),
    ],
)
def test_what_cannot_be_varied_is_an_error(changes: dict[str, object], complaint: str) -> None:
    text = yaml.safe_dump({**SHIPPED.model_dump(mode="json", by_alias=True, exclude_defaults=True), **changes})
    with pytest.raises(IndievalueError, match=complaint):
        parse_experiment(text, "across", "across.yaml")


def test_values_to_vary_around_must_be_in_the_grid(surveys: list[People]) -> None:
    around = {**SHIPPED.around, "demonstrations": 100}
    with pytest.raises(IndievalueError, match="around demonstrations 100, which is not among 0, 5, 20, 50, all"):
        cells(SHIPPED.model_copy(update={"around": around}), surveys[0].survey, 0)


# --- the measures --------------------------------------------------------------------------------------------------


def test_each_survey_has_its_people_and_the_same_measures(table: pl.DataFrame) -> None:
    one, other = (
        set(table.filter(pl.col("survey") == name, ~pl.col("measure").is_in(["share_of_gain"]))["measure"])
        for name in ("garden", "orchard")
    )
    assert one == other
    assert value_of(table, "garden", "people")[0] == 60
    assert value_of(table, "orchard", "learned_from")[0] == 240
    assert value_of(table, "orchard", "questions")[0] == 4
    assert value_of(table, "orchard", "probes")[0] == 2


@pytest.mark.parametrize(
    ("of", "predictor", "context", "demonstrations"),
    [
        ("majority", "majority", "statements", None),
        ("context demographics", "resemble:k=35", "demographics", None),
        ("demonstrations 5", "resemble:k=35", "statements", 5),
        ("demonstrations all", "resemble:k=35", "statements", None),
    ],
)
def test_accuracy_is_what_evaluate_finds(
    table: pl.DataFrame, surveys: list[People], of: str, predictor: str, context: Context, demonstrations: int | None
) -> None:
    for people in surveys:
        settings = Settings(demonstrations=demonstrations, demonstrations_as="refined", context=context)
        benchmark = build_benchmark(people, settings, build_benchmark(people, people_tested=60).people.ids.tolist())
        score = evaluate(people, benchmark, predictor, folds=1).scores[predictor]
        found = value_of(table, people.survey.name, "accuracy", of)
        assert found == pytest.approx((score.accuracy, score.accuracy_low, score.accuracy_high))
        if of == "demonstrations all":
            assert score.ceiling is not None
            assert value_of(table, people.survey.name, "ceiling")[1:] == pytest.approx(
                (score.ceiling.low, score.ceiling.high)
            )
            assert value_of(table, people.survey.name, "way", predictor)[1:] == pytest.approx(
                sorted(score.ceiling.way(score.accuracy)), abs=1e-3
            )


def test_sampling_widens_the_share_of_the_way(table: pl.DataFrame) -> None:
    for survey in ("garden", "orchard"):
        _, low, high = value_of(table, survey, "way", "resemble:k=35")
        _, lowest, highest = value_of(table, survey, "way_sampling", "resemble:k=35")
        assert lowest < low <= high < highest


def test_statements_are_compared_with_demographics_person_by_person(table: pl.DataFrame, surveys: list[People]) -> None:
    gardeners = surveys[0]
    ids = build_benchmark(gardeners, people_tested=60).people.ids.tolist()
    contexts: tuple[Context, ...] = ("statements", "demographics")
    rows = [
        evaluate(
            gardeners,
            build_benchmark(
                gardeners, Settings(demonstrations=None, demonstrations_as="refined", context=context), ids
            ),
            "resemble:k=35",
            folds=1,
        ).predictions
        for context in contexts
    ]
    difference = compare(*rows).table.row(0, named=True)["difference"]
    value, low, high = value_of(table, "garden", "gain", "statements over demographics")
    assert value == pytest.approx(difference)
    assert low < value < high


def test_inequity_is_of_the_demographics_that_all_surveys_have(table: pl.DataFrame) -> None:
    compared = table.filter(pl.col("measure") == "inequity_of")
    assert set(compared["of"]) == {"region"}, "the orchard survey has no other"
    assert set(compared["survey"]) == {"garden", "orchard"}
    own = table.filter(pl.col("measure") == "inequity", pl.col("of") == "majority, all of its own")
    assert len(own) == 2


def test_overconfidence_is_probability_minus_accuracy(table: pl.DataFrame, surveys: list[People]) -> None:
    people = surveys[1]
    ids = build_benchmark(people, people_tested=60).people.ids.tolist()
    settings = Settings(demonstrations=None, demonstrations_as="refined")
    rows = evaluate(people, build_benchmark(people, settings, ids), "majority", folds=1).predictions
    stated = np.mean([given[choice] for given, choice in rows.select("probabilities", "choice").iter_rows()])
    accuracy = (rows["choice"] == rows["answer"]).mean()
    found, low, high = value_of(table, "orchard", "overconfidence", "majority")
    assert found == pytest.approx(100 * (stated - accuracy))
    assert low < found < high


# --- what is written -------------------------------------------------------------------------------------------------


def test_one_table_one_figure_and_one_page_are_written(ran: tuple[Path, list[str]]) -> None:
    out, said = ran
    written = {file.name for file in out.iterdir() if not file.name.startswith(".")}
    both = {"garden", "orchard", "experiment.yaml", "run.json", "results.md", "report.html"}
    assert written == both | {f"table.{kind}" for kind in ("csv", "md", "tex")} | {
        f"figure.{kind}" for kind in ("svg", "png", "pdf")
    }
    assert said[0] == f"across-surveys: {SHIPPED.title}"
    assert any(
        line.startswith("orchard: 8 cells: majority, resemble:k=35, and other settings of resemble:k=35; 60 people")
        for line in said
    )
    assert "Inequity over region" in said
    page = (out / "results.md").read_text()
    assert "- orchard (An orchard survey of four questions): 60 people tested, 240 learned from." in page
    assert "|  | garden | orchard |" in page
    about = json.loads((out / "run.json").read_text())
    assert {name: facts["people"] for name, facts in about["surveys"].items()} == {"garden": 60, "orchard": 60}
    html = (out / "report.html").read_text()
    assert "The accuracy of resemble:k=35 is" in html
    svg = (out / "figure.svg").read_text()
    assert "NaN" not in svg
    assert "5 statements" in svg


def test_nobody_is_in_what_is_passed_on(ran: tuple[Path, list[str]], surveys: list[People]) -> None:
    for name in ("table.csv", "table.md", "figure.svg", "results.md", "report.html", "run.json"):
        content = (ran[0] / name).read_text()
        assert not [person for people in surveys for person in people.ids.tolist() if f">{person}<" in content], name


def test_finished_cells_are_not_computed_again(
    small: Experiment, surveys: list[People], ran: tuple[Path, list[str]]
) -> None:
    said: list[str] = []
    before = (ran[0] / "table.csv").read_bytes()
    assert run_experiment(small, surveys, ran[0], tested=60, say=said.append)
    assert not [line for line in said if line.startswith("[")]
    assert (ran[0] / "table.csv").read_bytes() == before


def test_files_of_one_survey_are_told_apart_by_their_names(
    small: Experiment, surveys: list[People], tmp_path: Path
) -> None:
    twice = [surveys[1], replace(surveys[1], findings=replace(surveys[1].findings, source="later.csv"))]
    run_experiment(small, twice, tmp_path / "out", tested=40)
    found = pl.read_csv(tmp_path / "out" / "table.csv")
    assert found["survey"].unique(maintain_order=True).to_list() == ["orchard", "later"]


def test_an_experiment_on_one_survey_takes_no_second(surveys: list[People], tmp_path: Path) -> None:
    with pytest.raises(IndievalueError, match="experiment groups is about one survey: give its people alone"):
        run_experiment(load_experiment("groups"), surveys, tmp_path / "out")


def test_the_table_for_readers(table: pl.DataFrame) -> None:
    shown = surveys_table(table, "resemble:k=35")
    assert shown.headings == ("", "garden", "orchard")
    names = [row[0] for row in shown.rows]
    assert len(names) == len(set(names))
    for name in (
        "people tested",
        "accuracy, %: majority",
        "best possible",
        "gain, points: statements over demographics",
    ):
        assert name in names
    assert all(len(row) == 3 for row in shown.rows)


# --- the command --------------------------------------------------------------------------------------------------


def run_command(*arguments: object) -> Result:
    return CliRunner().invoke(app, ["experiment", *map(str, arguments)])


def test_the_command_takes_several_files_of_several_surveys(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    orchard_answers(120).write_csv(tmp_path / "one.csv")
    orchard_answers(150, 1).write_csv(tmp_path / "two.csv")
    orchard_survey(tmp_path)
    options = ["--people", "30", "--predictor", "majority", "--set", "minimum=5", "--out", "out"]
    found = run_command("across-surveys", "one.csv", "two.csv", "--survey", "orchard,wvs7", *options)
    assert found.exit_code == 0, found.output
    assert "| one | two |" in found.output.replace("  ", " ")
    command = json.loads((tmp_path / "out" / "run.json").read_text())["command"]
    assert command.startswith("indievalue experiment across-surveys one.csv two.csv --predictor majority")
    unknown = run_command("across-surveys", "one.csv", *options)
    assert "one.csv is not a file of a survey indievalue knows" in str(unknown.exception)
