"""Pages of tables: what `inequity`, `compare`, `flattening` and `experiment` write beside what they print."""

import io
import re
import sys
from html import unescape
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console
from typer.testing import CliRunner, Result

from conftest import GARDEN, garden_answers
from indievalue.cli import app
from indievalue.cli.options import SafeConsole
from indievalue.errors import IndievalueError
from indievalue.report.tables.table import PrintedTable
from indievalue.report.tables_page import Section, TablesPage
from indievalue.report.terminal import print_table
from indievalue.runs.storage import load_run
from rundirs import make_run, some_people


def called(*arguments: object) -> Result:
    return CliRunner().invoke(app, list(map(str, arguments)))


def words_of(page: Path) -> str:
    text = re.sub(r"<(style|script)>.*?</\1>", "", page.read_text(encoding="utf-8"), flags=re.S)
    return " ".join(unescape(re.sub(r"<[^>]+>", " ", text)).split())


class _Balanced(HTMLParser):
    """Checks that elements are closed in the order in which they were opened."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []

    def handle_starttag(self, tag: str, attrs: object) -> None:
        if tag not in ("meta", "br", "wbr", "link", "hr", "input", "img"):
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return make_run(tmp_path / "first", "wvs7")


@pytest.mark.parametrize(
    ("command", "heading"),
    [
        ("inequity", "Value Inequity Index"),
        ("flattening", "How much people of one group differ"),
        ("distributions", "Whose answers?"),
        ("compare", "Differences"),
    ],
)
def test_a_page_has_the_tables_of_the_command_and_nobody_s_id(
    run: Path, tmp_path: Path, command: str, heading: str
) -> None:
    found = called(command, run, "--minimum", 2, "--draws", 20, "--page", tmp_path / "page.html")
    assert found.exit_code == 0, found.output
    page = tmp_path / "page.html"
    text = words_of(page)
    assert heading in text
    assert "Results of the run first: four predictors tried to predict 3 answers of each of 12 people" in text
    assert "nan" not in text.lower().split()
    parser = _Balanced()
    parser.feed(page.read_text(encoding="utf-8"))
    assert parser.open == []
    loaded = load_run(run)
    for person in loaded.people["person"]:
        assert f">{person}<" not in page.read_text(encoding="utf-8")
    for predictor in loaded.scores:
        assert predictor in text
    assert "http" not in re.sub(r"http://www.w3.org\S+", "", page.read_text(encoding="utf-8"))


def test_the_page_of_inequity_says_what_the_table_says(run: Path, tmp_path: Path) -> None:
    found = called("inequity", run, "--minimum", 2, "--draws", 20, "--page", tmp_path / "page.html")
    assert found.exit_code == 0, found.output
    text = words_of(tmp_path / "page.html")
    for row in load_run(run).inequity(None, minimum=2, draws=20, seed=0).index.to_dicts():
        numbers = f"{row['sigma']:.2f} {row['chance']:.2f} {row['p']:.3f} {row['p_holm']:.3f} {row['corrected']:.2f}"
        assert f"{numbers} {row['sigma_corrected_low']:.2f}–{row['sigma_corrected_high']:.2f}" in text


@pytest.fixture
def strong(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A run of 120 people in two countries in which one predictor is far better than the other."""
    monkeypatch.chdir(tmp_path)
    people = some_people(120, country=["Brazil", "Germany"], sex=["female", "female", "male"])
    return make_run(
        tmp_path / "strong", "wvs7", people=people, predictors=("majority", "mine"), skill={"mine": 0.7}, seed=0
    )


def page_of(tmp_path: Path, *arguments: object) -> str:
    found = called(*arguments, "--draws", 50, "--page", tmp_path / "page.html")
    assert found.exit_code == 0, found.output
    return words_of(tmp_path / "page.html")


def test_the_page_of_inequity_answers_its_question_first(strong: Path, tmp_path: Path) -> None:
    text = page_of(tmp_path, "inequity", strong)
    found = load_run(strong).inequity(None, draws=50)
    row = found.index.filter(predictor="mine").row(0, named=True)
    assert (
        f"The Value Inequity Index of mine, the most accurate predictor, is {row['sigma']:.2f} points; chance alone "
        f"gives {row['chance']:.2f} (p = {row['p']:.3f})." in text
    )
    ends = f"{row['sigma_corrected_low']:.2f}–{row['sigma_corrected_high']:.2f}"
    assert f"Without noise it is {row['corrected']:.2f} (95% interval {ends})." in text
    most = found.table.filter(predictor="mine").sort("corrected", descending=True).row(0, named=True)
    if most["corrected"]:
        worst, best = f"{most['worst_value']:.1f}% ({most['worst']})", f"{most['best_value']:.1f}% ({most['best']})"
        assert f"Its accuracy differs most by {most['demographic']}: from {worst} to {best}." in text


def test_the_page_of_flattening_answers_its_question_first(strong: Path, tmp_path: Path) -> None:
    text = page_of(tmp_path, "flattening", strong)
    found = load_run(strong).flattening(draws=50)
    row = found.table.filter(predictor="mine", demographic="country").row(0, named=True)
    pair = found.pairs.filter(predictor="mine", matched="country × sex").row(0, named=True)
    ends = f"{row['ratio_low']:.2f}–{row['ratio_high']:.2f}"
    assert f"its predictions have {row['ratio']:.2f} of the variance of answers (95% interval {ends})." in text
    assert f"it predicts both correctly in {pair['apart']:.1f}% of cases" in text
    assert f"and the same answer for both in {pair['same']:.1f}%." in text


def test_the_page_of_compare_answers_its_question_first(strong: Path, tmp_path: Path) -> None:
    text = page_of(tmp_path, "compare", strong)
    table = load_run(strong).compare("majority", "mine", draws=50).table
    row = table.filter(measure="accuracy").row(0, named=True)
    ends = f"+{-row['high']:.1f} to +{-row['low']:.1f}"
    assert row["high"] < 0
    assert (
        f"mine predicts {-row['difference']:.1f} points more of the answers than majority (95% interval {ends}" in text
    )
    assert f"−{-row['difference']:.1f} −{-row['low']:.1f} to −{-row['high']:.1f}" in text


def test_of_several_pairs_the_page_says_whom_the_best_surpasses(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    predictors, skill = ("majority", "mine", "yours"), {"mine": 0.8, "yours": 0.79}
    run = make_run(tmp_path / "run", "wvs7", people=some_people(90), predictors=predictors, skill=skill)
    text = page_of(tmp_path, "compare", run)
    scores = load_run(run).scores
    assert f"mine is the most accurate of those compared, with {scores['mine'].accuracy:.1f}%." in text
    assert "The 95% interval of its difference from majority excludes 0; that from yours includes 0." in text
    assert "three predictors" in text
    assert "two predictors" in page_of(
        tmp_path, "compare", run, "--predictor", "mine", "--predictor", "yours", "--force"
    )


@pytest.mark.parametrize("command", ["inequity", "flattening", "distributions", "compare"])
def test_the_page_says_how_people_are_weighted(strong: Path, tmp_path: Path, command: str) -> None:
    assert "weight people" not in page_of(tmp_path, command, strong)
    text = page_of(tmp_path, command, strong, "--weights", "equal", "--force")
    assert "Results weight people by survey weight, with the same total for every country (as precise as 120" in text


@pytest.mark.parametrize(
    ("command", "marks"),
    [
        # A mark for each predictor, of the mean and of two demographics.
        ("inequity", {"Spread of accuracy": 2 * 3}),
        # Of two demographics, and of the two countries.
        ("flattening", {"Ratio of variances by demographic": 2 * 2, "Ratio of variances by group": 2 * 2}),
        # Of the one pair, and of its two demographics.
        ("compare", {"a − b in accuracy": 1, "a − b in log loss": 1, "a − b in inequity": 1, "a − b in σ": 2}),
    ],
)
def test_a_page_draws_what_its_tables_hold(strong: Path, tmp_path: Path, command: str, marks: dict[str, int]) -> None:
    page_of(tmp_path, command, strong)
    page = (tmp_path / "page.html").read_text(encoding="utf-8")
    figures = re.findall(r'<svg role="group" aria-label="([^"]+)"(.*?)</svg>', page, flags=re.S)
    for label, number in marks.items():
        found = [body for name, body in figures if label in name]
        assert [body.count('class="mark"') for body in found] == [number, number], "for desktops and for phones"


@pytest.mark.parametrize(
    ("command", "changes", "answer"),
    [
        (("inequity",), {"people": some_people(40, country=["Brazil"])}, "No demographic has two groups with enough"),
        (
            ("inequity", "--measure", "log_loss"),
            {"silent": ("majority",)},
            "No predictor gives probabilities, so",
        ),
        (("flattening",), {"valid": False}, "No two people of one group have predictions of the same ordered question"),
    ],
)
def test_where_there_is_nothing_to_compare_the_page_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, command: tuple[str, ...], changes: dict[str, Any], answer: str
) -> None:
    monkeypatch.chdir(tmp_path)
    people = some_people(80, country=["Brazil", "Germany"])
    run = make_run(tmp_path / "run", "wvs7", **{"people": people, "predictors": ("majority",), **changes})
    assert answer in page_of(tmp_path, command[0], run, *command[1:])
    assert "<svg" not in (tmp_path / "page.html").read_text(encoding="utf-8")


def test_a_group_that_differs_in_size_by_predictor_has_one_row(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    people = some_people(80, country=["Brazil", "Germany"])
    # Of the first person, one predictor has no valid answer, and so no probability.
    run = make_run(tmp_path / "run", "wvs7", people=people, predictors=("majority", "openai/gpt-4o"))
    text = page_of(tmp_path, "inequity", run, "--measure", "log_loss")
    assert "country Brazil 39–40 " in text
    assert "country Germany 40 " in text


def test_people_pooled_or_left_out_are_noted_below_the_table(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    birth = ["Brazil"] * 8 + ["Germany"] * 8 + ["Chile", "Peru"]
    run = make_run(tmp_path / "run", "wvs7", people=some_people(90, birth_country=birth), predictors=("majority",))
    for command, tables in (("inequity", 1), ("flattening", 1)):
        text = page_of(tmp_path, command, run, "--demographic", "birth_country", "--force")
        assert text.count("birth country: ") == tables, text


def test_no_name_of_a_column_of_the_data_is_on_a_page(strong: Path, tmp_path: Path) -> None:
    for command in ("inequity", "flattening", "compare"):
        text = page_of(tmp_path, command, strong, "--force")
        for raw in ("corrected low", "ratio low", "variance true", "alike true", "apart low", "p holm", "predictor a"):
            assert raw not in text, (command, raw)
        assert "95% interval" in text


def test_a_page_is_kept_unless_forced_and_of_several_runs_names_each(run: Path, tmp_path: Path) -> None:
    make_run(tmp_path / "second", "wvs7")
    page = tmp_path / "page.html"
    page.write_text("dear diary")
    given = ["inequity", run, tmp_path / "second", "--minimum", 2, "--draws", 20, "--page", page]
    refused = called(*given)
    assert isinstance(refused.exception, IndievalueError)
    assert "choose another --page" in str(refused.exception)
    assert page.read_text() == "dear diary"
    assert called(*given, "--force").exit_code == 0
    assert "Results of the runs first, second: four predictors" in words_of(page)


def test_labels_are_shown_as_they_are_and_nothing_else(tmp_path: Path) -> None:
    odd = ("<b>|\\", "a\x01b\x1b[31m", "x" * 200, "&amp;")
    table = PrintedTable("", "", ("group", "value"), tuple((label, "1.0") for label in odd), 1)
    TablesPage("Why?", "<script>alert(1)</script>", ("One & two",), (Section("<i>", "note", table),), "a <b>").write(
        tmp_path / "page.html"
    )
    text = (tmp_path / "page.html").read_text(encoding="utf-8")
    assert "<script>alert" not in text
    assert "\x01" not in text
    assert "\x1b" not in text
    assert "&lt;b&gt;|\\" in text
    assert "&amp;amp;" in text
    parser = _Balanced()
    parser.feed(text)
    assert parser.open == []


@pytest.mark.parametrize("figure", ["{kind: curve, x: demonstrations}", "{kind: inequity}"])
def test_an_experiment_leaves_a_page_with_its_figure(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, figure: str
) -> None:
    monkeypatch.chdir(tmp_path)
    garden_answers(60).write_csv(tmp_path / "garden.csv")
    grid = "grid: {demonstrations: [0, 4]}\n" if "curve" in figure else ""
    compared = "compare: [{from: {demonstrations: 0}, to: {demonstrations: 4}}]\n" if grid else ""
    (tmp_path / "mine.yaml").write_text(
        f"title: Roses & hedgehogs\nasks: Do they go together?\npredictors: [majority, 'resemble:k=5']\nminimum: 3\n"
        f"{grid}{compared}figure: {figure}\n"
    )
    found = called("experiment", "mine.yaml", "garden.csv", "--survey", GARDEN, "--people", 20, "--out", "out")
    assert found.exit_code == 0, found.output
    assert ("| --- |" in found.stdout) is ("inequity" in figure), "formatted where that fits into 80 columns"
    assert "resemble:k=5" in found.stdout
    text = words_of(tmp_path / "out" / "report.html")
    for words in ("Do they go together?", "Roses & hedgehogs", "20 people were tested", "resemble:k=5", "--people 20"):
        assert words in text
    assert ("Paired differences" in text) is bool(grid)
    assert "<svg" in (tmp_path / "out" / "report.html").read_text(encoding="utf-8")
    for number in re.findall(r"\d\d\.\d", (tmp_path / "out" / "table.md").read_text()):
        assert number in text


def test_no_folder_above_a_run_is_on_a_page(run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    one, other = (make_run(tmp_path / folder / "run", "wvs7") for folder in ("a", "b"))
    page = tmp_path / "page.html"
    given = ["inequity", one, other, "--minimum", 2, "--draws", 20, f"--page={page}"]
    monkeypatch.setattr("sys.argv", ["indievalue", *map(str, given)])
    found = called(*given)
    assert found.exit_code == 0, found.output
    assert str(tmp_path) not in page.read_text(encoding="utf-8")
    text = words_of(page)
    assert "Results of the runs a/run, b/run: four predictors" in text
    assert "--page=page.html" in text


def test_what_an_experiment_has_found_is_printed_even_if_its_page_cannot_be_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    garden_answers(60).write_csv(tmp_path / "garden.csv")
    (tmp_path / "mine.yaml").write_text(
        "title: Roses\nasks: Do they?\npredictors: [majority]\ngrid: {demonstrations: [0, 4]}\n"
        "figure: {kind: curve, x: demonstrations}\n"
    )
    given = ["experiment", "mine.yaml", "garden.csv", "--survey", GARDEN, "--people", 20, "--out", "out"]
    (tmp_path / "out" / "report.html").mkdir(parents=True)
    (tmp_path / "out" / "experiment.yaml").write_text("name: mine\n")
    refused = called(*given)
    assert isinstance(refused.exception, IndievalueError)
    assert "the tables are in out, but" in str(refused.exception)
    assert "run the same command again" in str(refused.exception)
    accuracy = re.findall(r"\d\d\.\d \(\d\d\.\d–\d\d\.\d\)", (tmp_path / "out" / "table.md").read_text())
    assert accuracy
    for cell in accuracy:
        assert cell in refused.stdout
    (tmp_path / "out" / "report.html").rmdir()
    again = called(*given)
    assert again.exit_code == 0, again.output
    assert (tmp_path / "out" / "report.html").is_file()
    monkeypatch.setattr("indievalue.experiments.results.curve", lambda *given, **options: 1 / 0)
    failed = called(*given)
    assert "ZeroDivisionError" in str(failed.exception)
    assert failed.stdout == again.stdout


def test_on_a_terminal_a_wide_table_of_an_experiment_is_formatted_in_blocks(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    garden_answers(60).write_csv(tmp_path / "garden.csv")
    (tmp_path / "mine.yaml").write_text(
        "title: Roses\nasks: Do they?\npredictors: [majority]\nminimum: 3\nfigure: {kind: inequity}\n"
    )
    terminal = SafeConsole(width=80, file=io.StringIO(), force_terminal=True, color_system=None)
    monkeypatch.setattr(sys.modules["indievalue.cli.experiment"], "out", terminal)  # where the name is a function, too
    found = called("experiment", "mine.yaml", "garden.csv", "--survey", GARDEN, "--people", 20, "--out", "out")
    assert found.exit_code == 0, found.output
    text = terminal.file.getvalue()  # type: ignore[attr-defined]
    assert "---" not in text
    assert max(map(len, text.splitlines())) <= 80
    lines = (tmp_path / "out" / "table.md").read_text().splitlines()
    for cell in (cell.strip() for line in lines[2:] for cell in line.strip("|").split("|")):
        assert cell in text


def printed_table(table: PrintedTable, width: int = 80) -> str:
    console = Console(width=width, file=io.StringIO(), force_terminal=True, color_system=None)
    print_table(table, console)
    return console.file.getvalue()  # type: ignore[attr-defined]


def test_a_table_that_is_too_wide_for_the_terminal_goes_on_below_with_its_names() -> None:
    headings = ("predictor", "probes", *(f"{number} statements" for number in (0, 5, 10, 20, 50, 100, 200)))
    rows = tuple((name, "polar", *(f"6{n}.{n} (60.{n}–70.{n})" for n in range(7))) for name in ("majority", "mine"))
    text = printed_table(PrintedTable("", "", headings, rows, 2))
    assert max(map(len, text.splitlines())) <= 80
    assert "|" not in text
    blocks = re.split(r"\n\s*\n", text.strip())
    assert len(blocks) == 3
    for block in blocks:
        assert block.count("majority") == block.count("mine") == 1
    for cell in (cell for row in rows for cell in row[2:]):
        assert text.count(cell) == 2, "whole, once for each predictor"
    words = text.split()
    assert words.count("statements") == 7
    assert printed_table(PrintedTable("", "", headings[:4], tuple(row[:4] for row in rows), 2)).count("majority") == 1


def test_names_that_are_too_long_for_the_terminal_are_wrapped_and_numbers_are_not() -> None:
    name = "local:HuggingFaceTB/SmolLM2-1.7B-Instruct:score=label,calibrate=contextual"
    rows = ((name, "[b]all[/]", "66.1 (65.0–67.2)", "70.1 (69.0–71.2)"),)
    text = printed_table(PrintedTable("", "", ("predictor", "by", "accuracy of all", "of some"), rows, 2))
    assert max(map(len, text.splitlines())) <= 80
    assert "66.1 (65.0–67.2)" in text
    assert "70.1 (69.0–71.2)" in text
    assert "[b]all[/]" in text
    assert "".join(line[:34].strip() for line in text.splitlines()[3:]).replace("[b]all[/]", "").startswith(name[:20])
