"""``indievalue retest`` as a person meets it."""

import json
import re
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from typer.testing import CliRunner, Result

from conftest import GARDEN, garden_answers
from indievalue.cli import app


@pytest.fixture
def panel(tmp_path: Path) -> Path:
    """A file of 90 gardeners in three waves, a fifth of whose answers to N3 turn over each time."""
    first = garden_answers(90)
    random = np.random.default_rng(1)
    waves = [
        first.with_columns(
            wave=wave, N3=pl.when(pl.Series(random.random(90) < 0.2)).then(3 - pl.col("N3")).otherwise("N3")
        )
        for wave in (1, 2, 3)
    ]
    pl.concat(waves).write_csv(tmp_path / "panel.csv")
    return tmp_path / "panel.csv"


def _retest(*arguments: str | Path) -> Result:
    return CliRunner().invoke(app, ["retest", *map(str, arguments)], env={"COLUMNS": "100"})


def test_it_prints_both_forms_and_what_a_perfect_predictor_could_reach(panel: Path) -> None:
    said = _retest(panel, "--survey", GARDEN, "--by", "faith")
    assert said.exit_code == 0, said.output
    assert "90 people of garden in panel.csv, wave 1" in said.stderr
    for text in (
        "Polar form",
        "Refined form",
        "N3",
        "By group",
        "no moon",
        "over 3 waves: 1, 2, 3",
        "would be right in",
    ):
        assert text in said.stdout
    assert max(map(len, said.stdout.partition("Agreement:")[0].splitlines())) <= 80


def test_tables_and_summary_are_written(panel: Path, tmp_path: Path) -> None:
    said = _retest(panel, "--survey", GARDEN, "--by", "faith", "--out", tmp_path / "out")
    assert said.exit_code == 0, said.output
    files = sorted(file.name for file in (tmp_path / "out").iterdir())
    assert files == ["groups.csv", "groups.parquet", "questions.csv", "questions.parquet", "summary.json"]
    questions = pl.read_parquet(tmp_path / "out" / "questions.parquet")
    assert questions.columns == [
        *("question", "category", "form", "options", "ordered", "people", "pairs", "agreement", "low", "high"),
        *("chance", "kappa", "weighted_kappa", "correlation", "correlation_low", "correlation_high", "triples"),
        *("reliability", "reliability_low", "reliability_high", "reliability_wiley", "stability"),
        *("unchanged", "ceiling_low", "ceiling_high"),
    ]
    assert len(questions) == 20
    summary = json.loads((tmp_path / "out" / "summary.json").read_text())
    assert (summary["waves"], summary["people"]) == (["1", "2", "3"], 90)
    assert summary["polar"]["questions"] == 10
    assert summary["polar"]["median_agreement"] == pytest.approx(
        questions.filter(form="polar")["agreement"].median(), abs=1e-9
    )
    reliabilities = questions.filter(form="polar")["reliability"].drop_nulls().to_numpy()
    assert summary["polar"]["questions_with_reliability"] == len(reliabilities) > 1
    assert summary["polar"]["reliability_below_070"] == pytest.approx(100 * (reliabilities < 0.7).mean())
    again = _retest(panel, "--survey", GARDEN, "--out", tmp_path / "out")
    assert "--force" in str(again.exception)


def test_a_file_of_no_known_survey_is_taken_as_it_stands(panel: Path) -> None:
    said = _retest(panel, "--person-columns", "ID", "--questions", "N3,P1")
    assert said.exit_code == 0, said.output
    assert "No survey specification: columns are taken as they stand; people: 90 in 1, 90 in 2, 90 in 3" in said.stderr
    assert "Answers as they stand" in said.stdout
    assert "Polar form" not in said.stdout


def test_of_many_questions_those_at_both_ends_are_printed(tmp_path: Path) -> None:
    random = np.random.default_rng(2)
    columns = {f"q{number:02d}": random.integers(0, 2, 80) for number in range(50)}
    who = {"who": [*range(40), *range(40)], "wave": [1] * 40 + [2] * 40}
    pl.DataFrame({**who, **columns}).write_csv(tmp_path / "many.csv")
    said = _retest(tmp_path / "many.csv", "--person-columns", "who")
    assert said.exit_code == 0, said.output
    assert "the 10 questions of least and the 10 of most agreement, of 50" in " ".join(said.stdout.split())
    rows = [line for line in said.stdout.splitlines() if re.match(r"\s*q\d\d\b", line)]
    assert len(rows) == 20, said.stdout


@pytest.mark.parametrize(
    ("more", "complaint"),
    [
        (["--survey", "wvs7", "--no-survey"], "--survey or --no-survey, not both"),
        (["--wave", "wave", "--suffixes", "_1,_2"], "not both"),
        (["--suffixes", "_1"], "each of two waves or more"),
    ],
)
def test_flags_that_exclude_each_other(panel: Path, more: list[str], complaint: str) -> None:
    said = _retest(panel, *more)
    assert said.exit_code == 2
    assert complaint in " ".join(said.output.replace("│", " ").split())


def test_of_several_files_each_is_a_wave(panel: Path, tmp_path: Path) -> None:
    table = pl.read_csv(panel)
    files = [tmp_path / "spring.csv", tmp_path / "autumn.csv"]
    for wave, file in enumerate(files, 1):
        table.filter(wave=wave).drop("wave").write_csv(file)
    said = _retest(*files, "--survey", GARDEN)
    assert said.exit_code == 0, said.output
    assert "over 2 waves: spring.csv, autumn.csv" in said.stdout
    wrong = _retest(*files, "--wave", "wave")
    assert wrong.exit_code == 2
