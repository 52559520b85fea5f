"""The report of run directories: what it shows, that it is safe and self-contained, and how it fails."""

import json
import re
import xml.etree.ElementTree as ElementTree
from dataclasses import replace
from io import StringIO
from itertools import pairwise
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from rich.console import Console

from indievalue.errors import IndievalueError
from indievalue.report import wording
from indievalue.report.example import guessed_person, spread
from indievalue.report.figures.drawing import figure_svg
from indievalue.report.figures.files import write_figures
from indievalue.report.figures.inline import inline_svg
from indievalue.report.figures.of_runs import (
    accuracy_figure,
    category_figure,
    people_figure,
    reliability_figure,
)
from indievalue.report.figures.styles import predictor_styles
from indievalue.report.page import write_report
from indievalue.report.paper import paper_about, read_paper
from indievalue.report.terminal import print_summary
from indievalue.runs.names import run_names
from indievalue.runs.storage import load_run
from indievalue.scoring.accuracy import score
from indievalue.scoring.breakdown import accuracy_by, accuracy_by_category, accuracy_by_person
from indievalue.survey.load import load_survey
from rundirs import HOSTILE, PREDICTORS, QUESTIONS, SURVEY, make_run


@pytest.fixture
def survey_folder(tmp_path: Path) -> Path:
    folder = tmp_path / "survey"
    folder.mkdir()
    (folder / "survey.yaml").write_text(SURVEY)
    (folder / "questions.yaml").write_text(QUESTIONS)
    return folder


@pytest.fixture
def run_folder(tmp_path: Path, survey_folder: Path) -> Path:
    return make_run(tmp_path / "polar", str(survey_folder))


@pytest.fixture
def page(tmp_path: Path, survey_folder: Path, run_folder: Path) -> str:
    refined = make_run(tmp_path / "refined", str(survey_folder), form="refined")
    out = tmp_path / "report.html"
    write_report([load_run(run_folder), load_run(refined)], out)
    return out.read_text(encoding="utf-8")


def cells(page: str, predictor: str) -> list[str]:
    """The text of the cells of the first table row that starts with ``predictor``."""
    row = next(row for row in re.findall(r"<tr.*?</tr>", page, re.S) if f"<span>{predictor}</span>" in row)
    return [" ".join(re.sub(r"<[^>]+>", " ", cell).split()) for cell in re.findall(r"<td.*?</td>", row, re.S)]


# --- breakdown -------------------------------------------------------------------------------------------


def right_and_wrong(*rows: tuple[str, str, str, int, int]) -> pl.DataFrame:
    """Predictions of (predictor, person, question, answer, choice)."""
    return pl.DataFrame(rows, schema=["predictor", "person", "question", "answer", "choice"], orient="row")


def test_accuracy_by_counts_each_combination_and_takes_invalid_as_wrong() -> None:
    table = accuracy_by(
        right_and_wrong(
            ("m", "a", "Q1", 0, 0), ("m", "a", "Q2", 1, -1), ("m", "b", "Q1", 0, 0), ("r", "a", "Q1", 0, 1)
        ),
        "predictor",
    )
    assert table.select("predictor", "people", "probes").rows() == [("m", 2, 3), ("r", 1, 1)]
    assert table["accuracy"].to_list() == pytest.approx([200 / 3, 0])
    assert (table["accuracy_low"] <= table["accuracy"]).all()
    assert (table["accuracy"] <= table["accuracy_high"]).all()


def test_accuracy_by_agrees_with_the_score_of_the_same_rows(run_folder: Path) -> None:
    run = load_run(run_folder)
    for row in accuracy_by(run.predictions, "predictor").iter_rows(named=True):
        assert row["accuracy"] == pytest.approx(score(run.predictions.filter(predictor=row["predictor"])).accuracy)


def test_accuracy_by_category_follows_the_order_of_the_survey(survey_folder: Path) -> None:
    survey = load_survey(str(survey_folder))
    rows = right_and_wrong(("m", "a", "B1", 0, 0), ("m", "a", "A1", 0, 1), ("m", "a", "A2", 0, 0))
    table = accuracy_by_category(rows, survey)
    assert table.select("category", "accuracy").rows() == [("Home & Work", 50), ("Trust <b>", 100)]
    with pytest.raises(IndievalueError, match="no question 'Z9'"):
        accuracy_by_category(right_and_wrong(("m", "a", "Z9", 0, 0)), survey)


def test_accuracy_by_person_has_one_row_per_predictor_and_person() -> None:
    rows = right_and_wrong(("m", "a", "Q1", 0, 0), ("m", "a", "Q2", 1, 0), ("m", "b", "Q1", 0, 0))
    assert accuracy_by_person(rows).rows() == [("m", "a", 50, 2), ("m", "b", 100, 1)]


def test_accuracy_by_needs_a_column() -> None:
    with pytest.raises(ValueError, match="needs a column"):
        accuracy_by(right_and_wrong(("m", "a", "Q1", 0, 0)))


# --- run directories -------------------------------------------------------------------------------------


def test_load_run_reads_what_is_there(run_folder: Path) -> None:
    run = load_run(run_folder)
    assert tuple(run.scores) == PREDICTORS
    assert run.record.data.source == f"{HOSTILE}.csv"
    assert run.examples[0].person == "p0"
    assert not run.synthetic


@pytest.mark.parametrize("name", ["run.json", "summary.json", "example.json", "predictions.parquet", "people.parquet"])
def test_an_absent_file_is_named(run_folder: Path, name: str) -> None:
    (run_folder / name).unlink()
    with pytest.raises(IndievalueError, match=re.escape(name)):
        load_run(run_folder)


@pytest.mark.parametrize("name", ["run.json", "summary.json", "example.json", "predictions.parquet", "people.parquet"])
@pytest.mark.parametrize("content", [b"{", b'{"a": 1}', b"\xff\xfe"])
def test_a_broken_file_is_named(run_folder: Path, name: str, content: bytes) -> None:
    (run_folder / name).write_bytes(content)
    with pytest.raises(IndievalueError, match=re.escape(name)):
        load_run(run_folder)


def test_a_wrong_value_is_named_with_its_place(run_folder: Path) -> None:
    about = json.loads((run_folder / "run.json").read_text())
    (run_folder / "run.json").write_text(json.dumps({**about, "form": "round"}))
    with pytest.raises(IndievalueError, match=r"run\.json .*form"):
        load_run(run_folder)


def test_files_of_two_runs_are_not_mixed(run_folder: Path) -> None:
    summary = json.loads((run_folder / "summary.json").read_text())
    (run_folder / "summary.json").write_text(json.dumps({"random": summary["random"]}))
    with pytest.raises(IndievalueError, match="not from the same run"):
        load_run(run_folder)


def test_no_directory_and_no_run(tmp_path: Path) -> None:
    with pytest.raises(IndievalueError, match="not a run directory"):
        load_run(tmp_path / "nothing")
    with pytest.raises(IndievalueError, match="at least one"):
        write_report([], tmp_path / "report.html")


def test_runs_are_named_by_what_tells_them_apart(tmp_path: Path, survey_folder: Path) -> None:
    survey = str(survey_folder)
    polar = load_run(make_run(tmp_path / "a", survey))
    refined = load_run(make_run(tmp_path / "b", survey, form="refined"))
    paper = load_run(make_run(tmp_path / "c", survey, protocol="paper"))
    assert run_names([polar, refined]) == [("polar",), ("refined",)]
    assert run_names([polar, paper, refined]) == [
        ("polar", "strict protocol"),
        ("polar", "paper protocol"),
        ("refined",),
    ]
    assert run_names([polar, polar]) == [("polar", "run 1"), ("polar", "run 2")]


# --- the paper -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("predictor", "polar", "refined"),
    [
        ("random", 45.37, 27.87),
        ("majority", 64.95, 48.70),
        ("resemble", 73.73, 59.47),
        ("resemble:k=35", 73.73, 59.47),
        ("openai/gpt-4o", 63.46, 35.59),
        ("openai/gpt-4o-mini", None, None),
        ("gaussian", None, None),
    ],
)
def test_the_paper_is_matched_by_predictor(predictor: str, polar: float | None, refined: float | None) -> None:
    assert (read_paper().accuracy(predictor, "polar"), read_paper().accuracy(predictor, "refined")) == (polar, refined)


def test_a_landmark_is_shown_unless_it_was_run() -> None:
    assert [figure.label for figure in read_paper().landmarks(["random"])] == ["GPT-4o", "best IndieValueReasoner"]
    assert [figure.label for figure in read_paper().landmarks(["openai/gpt-4o"])] == ["best IndieValueReasoner"]


def test_the_paper_says_nothing_of_made_up_people_or_another_survey(tmp_path: Path, survey_folder: Path) -> None:
    data = {"source": "synthetic", "survey": "wvs7", "fingerprint": "", "rows": 1, "people": 1}
    assert paper_about(load_run(make_run(tmp_path / "other", str(survey_folder))).record.data) is None
    assert paper_about(load_run(make_run(tmp_path / "synthetic", "wvs7", data=data)).record.data) is None
    assert paper_about(load_run(make_run(tmp_path / "real", "wvs7")).record.data) is read_paper()


# --- figures ---------------------------------------------------------------------------------------------


def test_figures_are_written_under_names_that_say_what_they_are(tmp_path: Path, run_folder: Path) -> None:
    written = write_figures([load_run(run_folder)], tmp_path / "figures")
    kinds = ("accuracy", "accuracy-by-category", "accuracy-over-people", "reliability")
    endings = {".svg": b"<svg", ".png": b"\x89PNG", ".pdf": b"%PDF", ".csv": b"predictor,"}
    assert {path.name for path in written} == {f"{kind}-polar{ending}" for kind in kinds for ending in endings}
    assert sorted(written) == sorted((tmp_path / "figures").iterdir())
    for path in written:
        assert path.read_bytes().startswith(endings[path.suffix])
        if path.suffix == ".svg":
            assert ElementTree.parse(path).getroot().tag == "{http://www.w3.org/2000/svg}svg"


@pytest.mark.parametrize("draw", [accuracy_figure, category_figure, people_figure, reliability_figure])
@pytest.mark.parametrize("width", [326, 720])
def test_figures_are_valid_and_inline_ones_share_no_id(tmp_path: Path, draw: Any, width: int) -> None:
    run = load_run(make_run(tmp_path / "real", "wvs7"))
    chart = draw(run, predictor_styles(run.scores), width)
    chart.to_dict()  # Altair raises where the chart is not valid Vega-Lite
    one, two = (ElementTree.fromstring(inline_svg(figure_svg(chart), name, HOSTILE)) for name in ("one", "two"))
    ids = [{element.get("id") for element in svg.iter()} - {None} for svg in (one, two)]
    assert not ids[0] & ids[1]
    assert one.get("aria-label") == HOSTILE


def test_styles_tell_predictors_apart() -> None:
    names = [f"model/{number}" for number in range(20)]
    styles = predictor_styles([*names, *names, "random", "majority"])
    assert len(set(styles.values())) == len(styles) == 22


# --- the page --------------------------------------------------------------------------------------------


def test_the_page_loads_nothing(page: str) -> None:
    references = re.findall(r"""(?:src|href|srcset|action|data)\s*=\s*["']?([^"'\s>]+)|url\(([^)]*)\)""", page)
    assert all(reference.startswith("#") for pair in references for reference in pair if reference)
    assert "@import" not in page
    assert not re.search(r"<(link|iframe|object|embed|img)\b", page)
    assert re.findall(r"<script[^>]*>", page) == ["<script>"]
    assert not re.search(r"\b(fetch|XMLHttpRequest|import|WebSocket|sendBeacon)\b", page.split("<script>")[1])


def test_the_page_escapes_what_data_say(page: str) -> None:
    assert page.count("<script") == 1
    assert "Trust <b>" not in page
    assert "Trust &lt;b&gt;" in page
    assert "&lt;script&gt;" in page


def test_the_table_holds_the_numbers_of_the_summary(page: str, run_folder: Path) -> None:
    summary = json.loads((run_folder / "summary.json").read_text())
    for predictor, expected in summary.items():
        accuracy, _, log_loss, invalid = cells(page, predictor)
        low, high = expected["accuracy_low"], expected["accuracy_high"]
        assert accuracy == f"{expected['accuracy']:.1f} {low:.1f}–{high:.1f}"
        used, asked = expected["probability_rows"], expected["probes"]
        assert log_loss == f"{expected['log_loss']:.3f}" + ("" if used == asked else f" over {used} of {asked} rows")
        assert invalid == str(expected["invalid"])


def test_the_table_sets_the_paper_beside_where_it_can(tmp_path: Path) -> None:
    folder = make_run(tmp_path / "real", "wvs7")
    write_report([load_run(folder)], tmp_path / "report.html")
    page = (tmp_path / "report.html").read_text(encoding="utf-8")
    accuracy = json.loads((folder / "summary.json").read_text())["random"]["accuracy"]
    *_, paper, difference = cells(page, "random")
    assert paper == "45.37"
    assert difference == f"{accuracy - 45.37:+.1f}".replace("-", "−")
    assert cells(page, r"best IndieValueReasoner (paper)")[-2:] == ["74.74", "–"]


def test_the_page_has_one_of_each_id_and_ordered_headings(page: str) -> None:
    ids = re.findall(r'\sid="([^"]+)"', page)
    assert len(set(ids)) == len(ids)
    levels = [int(level) for level in re.findall(r"<h([1-6])", page)]
    assert levels[0] == 1
    assert levels.count(1) == 1
    assert all(after <= before + 1 for before, after in pairwise(levels))


def test_a_report_of_a_run_without_examples_leaves_the_person_out(tmp_path: Path, run_folder: Path) -> None:
    (run_folder / "example.json").write_text("[]")
    write_report([load_run(run_folder)], tmp_path / "report.html")
    assert "One person" not in (tmp_path / "report.html").read_text(encoding="utf-8")


def test_the_example_marks_each_guess(run_folder: Path) -> None:
    run = load_run(run_folder)
    person = guessed_person(run)
    assert person is not None
    of_person = run.predictions.filter(person="p0")
    for predictor in PREDICTORS:
        rows = of_person.filter(predictor=predictor)
        assert person.right[predictor] == (rows["choice"] == rows["answer"]).sum()
    assert all(probe.invalid == ("openai/gpt-4o",) for probe in person.probes)
    assert {round(g.probability or 0, 3) for p in person.probes for o in p.options for g in o.guesses} == {0.8}


def test_spread_takes_probes_from_the_whole_list(run_folder: Path) -> None:
    person = guessed_person(load_run(run_folder))
    assert person is not None
    first, others = spread(person.probes, 2)
    assert [probe.question for probe in first] == ["A1", "A2"]
    assert [probe.question for probe in others] == ["B1"]
    assert spread(person.probes, 9) == (list(person.probes), [])


def test_what_was_evaluated_is_one_sentence(tmp_path: Path, survey_folder: Path) -> None:
    data = {"source": "synthetic", "survey": "small", "fingerprint": "", "rows": 40, "people": 40}
    runs = [
        load_run(make_run(tmp_path / form, str(survey_folder), form=form, data=data, demonstrations=None))
        for form in ("polar", "refined")
    ]
    assert wording.evaluated(runs) == (
        "Four predictors tried to predict 3 answers of each of 12 synthetic people modelled on A small survey, in "
        "polar and refined form, given all of the person’s other statements, under the strict protocol."
    )


# --- the terminal ----------------------------------------------------------------------------------------


def test_the_summary_fits_eighty_columns(run_folder: Path) -> None:
    summary = dict(load_run(run_folder).scores)
    summary["provider/a-model-with-quite-a-long-name-20250101"] = replace(summary["random"], log_loss=None)
    console = Console(width=80, record=True, file=StringIO())
    print_summary(summary, "polar", console, paper=read_paper())
    text = console.export_text()
    assert max(map(len, text.splitlines())) <= 80
    assert "12 people × 3 probes" in text
    assert f"{summary['majority'].accuracy:.1f}" in text
    assert "64.95" in text


def test_the_summary_of_synthetic_people_leaves_the_paper_out(run_folder: Path) -> None:
    console = Console(width=80, record=True, file=StringIO())
    print_summary(load_run(run_folder).scores, "polar", console)
    assert "aper" not in console.export_text()
