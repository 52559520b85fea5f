"""Nobody who was surveyed is on a page that is passed on, unless asked for by name."""

import json
import re
from dataclasses import asdict
from pathlib import Path

import polars as pl
import pytest
from typer.testing import CliRunner

import indievalue as iv
from conftest import GARDEN, garden_answers
from indievalue.benchmark.storage import task_texts
from indievalue.cli import app
from indievalue.errors import IndievalueError
from indievalue.evaluation import Call
from indievalue.people.people import People
from indievalue.report.page import report_html, write_report
from indievalue.runs.examples import example_of
from indievalue.runs.run import Run
from indievalue.runs.storage import load_run
from rundirs import make_run, some_people

SYNTHETIC = {"source": "synthetic", "survey": "wvs7", "fingerprint": "", "rows": 40, "people": 40}


@pytest.fixture(scope="module")
def run(garden_people: People, tmp_path_factory: pytest.TempPathFactory) -> Run:
    """A run on real gardeners, saved and loaded."""
    folder = tmp_path_factory.mktemp("gardeners") / "run"
    benchmark = iv.build_benchmark(
        garden_people, people_tested=list(garden_people.ids[:40]), demonstrations=4, context="both"
    )
    iv.evaluate(garden_people, benchmark, ["majority", "resemble:k=5"], folder)
    return load_run(folder)


def statements(run: Run) -> set[str]:
    """Everything that anybody could have been shown or asked in this survey."""
    return {
        option.statement
        for question in run.survey.questions
        for form in ("polar", "refined")
        for option in question.options(form)
    }


def escaped(text: str) -> str:
    return text.replace("&", "&amp;").replace("'", "&#39;").replace('"', "&#34;")


def test_the_page_of_a_run_on_real_people_has_no_person_statement_or_answer(run: Run) -> None:
    for page in (report_html([run]), (run.benchmark / "report.html").read_text()):
        assert 'id="example"' not in page
        assert "One person" not in page
        assert [id_ for id_ in run.people["person"] if id_ in page] == []
        assert [said for said in statements(run) if escaped(said) in page] == []


def test_a_page_on_synthetic_people_shows_one_marked_as_synthetic(tmp_path: Path) -> None:
    page = report_html([load_run(make_run(tmp_path / "run", "wvs7", data=SYNTHETIC))])
    part = page[page.index('id="example"') :]
    assert "Synthetic person" in part
    assert "real respondent" not in part
    assert "Person p0 in the data" in part


def test_a_page_on_real_and_synthetic_people_shows_the_synthetic_one(tmp_path: Path) -> None:
    real = load_run(make_run(tmp_path / "real", "wvs7", people=some_people(3)))
    made_up = load_run(make_run(tmp_path / "synthetic", "wvs7", form="refined", data=SYNTHETIC))
    part = report_html([real, made_up]).split('id="example"')[1]
    assert "Synthetic person" in part
    assert "in refined form" in part


def test_a_person_who_is_asked_for_is_shown_and_marked_as_real(run: Run, tmp_path: Path) -> None:
    person = run.people["person"][7]
    write_report([run], tmp_path / "report.html", example=person)
    page = (tmp_path / "report.html").read_text()
    part = page[page.index('id="example"') :]
    assert "A real respondent." in part
    assert f"Person {person} in the data" in part
    others = set(run.people["person"]) - {person}
    assert [id_ for id_ in others if id_ in page] == []
    shown = example_of(run, person)
    assert shown.demonstrations
    for said in (*(one.statement for one in shown.demonstrations), *shown.demographics):
        assert escaped(said) in part


def test_anybody_tested_can_be_taken_from_a_saved_run_as_they_were_shown(
    run: Run, garden_people: People, tmp_path: Path
) -> None:
    benchmark = iv.build_benchmark(
        garden_people, people_tested=list(garden_people.ids[:40]), demonstrations=4, context="both"
    )
    texts: dict[str, dict[str, object]] = {}
    for text in task_texts(benchmark):
        texts.setdefault(text["person"], dict(text))
    assert len(texts) == 40
    for person, text in texts.items():
        found = json.loads(json.dumps(asdict(example_of(run, person))))
        assert found == text
    assert example_of(iv.evaluate(garden_people, benchmark, "majority"), person) == example_of(run, person)


def test_a_person_who_was_not_tested_or_whose_statements_are_not_there_is_refused(run: Run, tmp_path: Path) -> None:
    with pytest.raises(IndievalueError, match="no person 'nobody' was tested"):
        write_report([run], tmp_path / "report.html", example="nobody")
    assert not (tmp_path / "report.html").exists()
    bare = load_run(make_run(tmp_path / "bare", "wvs7"))
    with pytest.raises(IndievalueError, match="no benchmark/, so the statements of 'p3' are not known"):
        example_of(bare, "p3")


def test_evaluate_shows_nobody_unless_it_is_told_whom(garden_people: People, tmp_path: Path) -> None:
    benchmark = iv.build_benchmark(garden_people, people_tested=list(garden_people.ids[:30]))
    person = str(benchmark.people.ids[3])
    for name, call in (("default", Call()), ("asked", Call(example=person))):
        iv.evaluate(garden_people, benchmark, "majority", tmp_path / name, call=call)
    pages = {name: (tmp_path / name / "report.html").read_text() for name in ("default", "asked")}
    assert person not in pages["default"]
    assert f"Person {person} in the data" in pages["asked"]


def test_runs_that_cannot_be_compared_name_nobody_on_the_page(tmp_path: Path) -> None:
    """The error of `compare` gives an example, which names a person; the page gives the reason alone."""
    one = make_run(tmp_path / "one", "wvs7", people=some_people(12))
    other = make_run(tmp_path / "other", "wvs7", people=some_people(9))
    for folder in (one, other):
        for file in ("people", "predictions"):
            table = pl.read_parquet(folder / f"{file}.parquet")
            table.with_columns(person=pl.format("secret-{}", "person")).write_parquet(folder / f"{file}.parquet")
    page = report_html([load_run(one), load_run(other)])
    assert "cannot be compared: these are not the same people and probes: 9 rows of" in page
    assert "secret-" not in page


def test_ids_that_occur_twice_in_the_data_are_counted_on_the_page_and_not_named(tmp_path: Path) -> None:
    data = {"source": "x.csv", "survey": "wvs7", "fingerprint": "", "rows": 9, "people": 7, "repeated": [["id-77", 2]]}
    run = load_run(make_run(tmp_path / "run", "wvs7", data=data))
    page = report_html([run])
    assert "2 rows dropped because the person id occurred before" in page
    assert "id-77" not in page
    assert any("id-77" in line for line in run.record.data.lines())


def test_the_page_of_one_person_asked_for_is_still_one_file(run: Run) -> None:
    page = report_html([run], run.people["person"][0])
    assert re.findall(r"<script[^>]*>", page) == ["<script>"]


def test_the_command_line_shows_who_is_asked_for_and_refuses_who_was_not_tested(tmp_path: Path) -> None:
    garden_answers(60).write_csv(tmp_path / "garden.csv")
    (tmp_path / "ids.txt").write_text("g0001\ng0002\n")
    given = ["evaluate", str(tmp_path / "garden.csv"), "--survey", str(GARDEN), "--predictor", "majority"]
    given += ["--people-file", str(tmp_path / "ids.txt"), "--out", str(tmp_path / "run")]
    refused = CliRunner().invoke(app, [*given, "--example", "g0003"])
    assert refused.exit_code == 1
    assert "--example: 'g0003' is not among the 2 people tested" in str(refused.exception)
    assert not (tmp_path / "run").exists()
    assert CliRunner().invoke(app, [*given, "--example", "g0002"]).exit_code == 0
    assert "Person g0002 in the data" in (tmp_path / "run" / "report.html").read_text()
    page = tmp_path / "page.html"
    assert CliRunner().invoke(app, ["report", str(tmp_path / "run"), "--out", str(page)]).exit_code == 0
    assert not re.search(r"g000\d", page.read_text())
    arguments = ["report", str(tmp_path / "run"), "--out", str(page), "--force", "--example", "g0001"]
    assert CliRunner().invoke(app, arguments).exit_code == 0
    assert "Person g0001 in the data" in page.read_text()


def test_a_page_that_fails_is_repeated_with_the_same_person(
    garden_people: People, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("indievalue.report.page.report_html", lambda runs, example: 1 / 0)
    tested = list(garden_people.ids[:5])
    benchmark = iv.build_benchmark(garden_people, people_tested=tested)
    with pytest.warns(UserWarning, match=f"indievalue report .* --example {tested[0]} --force"):
        iv.evaluate(garden_people, benchmark, "majority", tmp_path / "run", call=Call(example=tested[0]))
