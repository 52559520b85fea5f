"""Pages of tables: what `inequity`, `compare`, `flattening` and `experiment` write beside what they print."""

import re
from html import unescape
from html.parser import HTMLParser
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from conftest import GARDEN, garden_answers
from indievalue.cli import app
from indievalue.errors import IndievalueError
from indievalue.report.tables.table import PrintedTable
from indievalue.report.tables_page import Section, TablesPage
from indievalue.runs.storage import load_run
from rundirs import make_run


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
    assert "Of the run first." in text
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
    index = load_run(run).inequity(None, minimum=2, draws=20).index
    for sigma in index["sigma"]:
        assert f"{sigma:.3f}" in words_of(tmp_path / "page.html")


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
    assert "Of the runs first, second." in words_of(page)


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
    assert "Of the runs a/run, b/run." in text
    assert "--page=page.html" in text
