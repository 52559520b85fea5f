"""What stands beside a figure: the paper's if it is comparable, and the number of rows if some are left out."""

import csv
import json
import re
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

import indievalue as iv
from indievalue.report.page import report_html
from indievalue.report.paper import COUNTRIES, paper_about, paper_of, read_paper
from indievalue.report.tables.of_runs import write_run_tables
from indievalue.report.terminal import print_comparisons, print_inequity, print_summary
from indievalue.runs.run import Run
from indievalue.runs.storage import load_run
from rundirs import QUESTIONS, SURVEY, make_run, some_people

MANY = ["Brazil", "Zimbabwe", "Canada", "Singapore", "Germany", "Japan"]


def run_of(folder: Path, **given: Any) -> Run:
    return load_run(make_run(folder, given.pop("survey", "wvs7"), **given))


def terminal(run: Run) -> str:
    console = Console(width=80, record=True, file=StringIO())
    print_summary(run.scores, run.record.form, console, paper=paper_of(run))
    return console.export_text()


def shows_paper(run: Run) -> tuple[bool, bool, bool]:
    """Whether the table, the figure and the terminal have the paper's results."""
    page = report_html([run])
    table = "<th" in page and ">Paper, %</th>" in page
    return table, "printed in the paper" in page, "Paper" in terminal(run)


# --- the paper -------------------------------------------------------------------------------------------


def test_people_of_many_countries_stand_beside_the_paper(tmp_path: Path) -> None:
    run = run_of(tmp_path / "run", people=some_people(60, country=MANY))
    assert paper_of(run) is read_paper()
    assert shows_paper(run) == (True, True, True)


@pytest.mark.parametrize("countries", [MANY[:1], MANY[: COUNTRIES - 1], [MANY[0], None]])
def test_people_of_few_countries_do_not(tmp_path: Path, countries: list[str | None]) -> None:
    run = run_of(tmp_path / "run", people=some_people(60, country=countries))
    assert paper_of(run) is None
    assert shows_paper(run) == (False, False, False)
    assert "is about people of many countries, and these are of fewer than 5" in report_html([run])


def test_another_survey_does_not(tmp_path: Path) -> None:
    folder = tmp_path / "survey"
    folder.mkdir()
    (folder / "survey.yaml").write_text(SURVEY)
    (folder / "questions.yaml").write_text(QUESTIONS)
    run = run_of(tmp_path / "run", survey=str(folder), people=some_people(60, country=MANY))
    assert shows_paper(run) == (False, False, False)
    assert "is about another survey" in report_html([run])


def test_synthetic_people_do_not(tmp_path: Path) -> None:
    data = {"source": "synthetic", "survey": "wvs7", "fingerprint": "", "rows": 40, "people": 40}
    run = run_of(tmp_path / "run", people=some_people(60, country=MANY), data=data)
    assert shows_paper(run) == (False, False, False)


def test_people_and_countries_decide_together(tmp_path: Path) -> None:
    run = run_of(tmp_path / "run", people=some_people(60, country=MANY))
    assert paper_about(run.record.data) is read_paper()
    assert paper_about(run.record.data, run.people["country"]) is read_paper()
    assert paper_about(run.record.data, run.people["country"].head(2)) is None


def test_of_two_runs_the_one_that_is_comparable_has_the_paper_beside_it(tmp_path: Path) -> None:
    runs = [
        run_of(tmp_path / name, form=form, people=some_people(60, country=countries))
        for name, form, countries in (("many", "polar", MANY), ("one", "refined", MANY[:1]))
    ]
    assert report_html(runs).count(">Paper, %</th>") == 1


# --- over N of M rows ------------------------------------------------------------------------------------


@pytest.fixture
def partial(tmp_path: Path) -> Run:
    """A run in which gpt-4o names no option for one of 40 people, 3 of 120 rows, and gives no probabilities there."""
    people = some_people(40, country=MANY)
    return run_of(
        tmp_path / "partial", people=people, skill={"majority": 0.9}, predictors=["majority", "openai/gpt-4o"]
    )


def row(page: str, section: str, predictor: str) -> list[str]:
    """Return the cells of a predictor in the table of a section."""
    part = page[page.index(f'aria-labelledby="{section}"') :]
    found = next(one for one in re.findall(r"<tr.*?</tr>", part, re.S) if f"<span>{predictor}</span>" in one)
    return [" ".join(re.sub(r"<[^>]+>", " ", cell).split()) for cell in re.findall(r"<td.*?</td>", found, re.S)]


def test_the_page_says_over_how_many_rows_beside_each_figure(partial: Run) -> None:
    page = report_html([partial])
    assert row(page, "accuracy", "openai/gpt-4o")[2].endswith(" over 117 of 120 rows")
    assert "over" not in " ".join(row(page, "accuracy", "majority"))
    ece, chance, brier, distance = row(page, "trust", "openai/gpt-4o")
    assert all(cell.endswith(" over 117 of 120 rows") for cell in (ece, chance, brier))
    assert "over" not in distance  # these three questions are ordered, and an invalid output has a distance
    log_loss = row(page, "differences", "openai/gpt-4o")[1]
    assert log_loss.endswith(" over 117 of 120 rows")
    assert "openai/gpt-4o: over 117 of 120 rows." in page[page.index('id="trust"') :].split("</figcaption>")[0]


def test_questions_without_an_order_are_told_beside_the_distance(garden_people: iv.People) -> None:
    """N1 asks of the gardeners what has no order; the distance is over their other 8 probes."""
    benchmark = iv.build_benchmark(garden_people, people_tested=list(garden_people.ids[:20]), demonstrations=2)
    run = iv.evaluate(garden_people, benchmark, "majority")
    asked = run.predictions["question"]
    left = len(run.predictions) - (asked == "N1").sum()
    assert 0 < left < len(run.predictions)
    distance = row(report_html([run]), "trust", "majority")[3]
    assert distance == f"{run.scores['majority'].ordinal_error:.3f} over {left} of {len(run.predictions)} rows"


def test_the_terminal_says_over_how_many_rows(partial: Run) -> None:
    text = " ".join(terminal(partial).split())
    assert "Log loss and Brier score of openai/gpt-4o: over 117 of 120 rows." in text
    assert "ECE of openai/gpt-4o: over 117 of 120 rows." in text
    console = Console(width=80, record=True, file=StringIO())
    print_comparisons([partial.compare("majority", "openai/gpt-4o")], console)
    text = console.export_text()
    assert "over 117 of 120 rows" in text
    assert max(map(len, text.splitlines())) <= 80


def test_the_terminal_says_over_how_many_rows_inequity_is(partial: Run) -> None:
    console = Console(width=80, record=True, file=StringIO())
    print_inequity(partial.inequity(["country"], measure="log_loss", minimum=1), console)
    text = " ".join(console.export_text().split())
    assert "openai/gpt-4o, country: over 117 of 120 rows, 3 rows without probabilities left out." in text
    assert "majority, country: over" not in text


def test_tables_have_a_column_for_it_if_any_row_is_left_out(partial: Run, tmp_path: Path) -> None:
    write_run_tables([partial], tmp_path / "tables")
    with (tmp_path / "tables" / "accuracy-polar.csv").open() as file:
        rows = {line["Predictor"]: line for line in csv.DictReader(file)}
    heading = "Answers with probabilities (log loss, Brier)"
    assert (rows["majority"][heading], rows["openai/gpt-4o"][heading]) == ("120", "117")
    assert rows["openai/gpt-4o"]["Answers with probabilities and a choice (ECE)"] == "117"
    whole = run_of(tmp_path / "whole", predictors=["majority"])
    write_run_tables([whole], tmp_path / "all")
    assert "with probabilities" not in (tmp_path / "all" / "accuracy-polar.csv").read_text()


def test_what_a_server_did_not_answer_has_a_column(tmp_path: Path) -> None:
    folder = make_run(tmp_path / "run", "wvs7", predictors=["majority", "random"])
    summary = json.loads((folder / "summary.json").read_text())
    summary["random"]["unanswered"] = 4
    (folder / "summary.json").write_text(json.dumps(summary))
    write_run_tables([load_run(folder)], tmp_path / "tables")
    with (tmp_path / "tables" / "accuracy-polar.csv").open() as file:
        assert {line["Predictor"]: line["Not answered"] for line in csv.DictReader(file)} == {
            "majority": "0",
            "random": "4",
        }


def test_each_setup_has_its_own_number_of_rows(partial: Run) -> None:
    (setup,) = partial.scores["openai/gpt-4o"].setups.values()
    assert (setup.probability_rows, setup.calibration_rows, setup.probes) == (117, 117, 120)
