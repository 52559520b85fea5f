"""Whatever a run holds — one person, one group, labels that no file format likes — it can be shown."""

import json
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from indievalue.errors import IndievalueError
from indievalue.report.figures.files import write_figures
from indievalue.report.page import report_html
from indievalue.report.tables.of_runs import write_run_tables
from indievalue.runs.comparing import compare_runs
from indievalue.runs.run import Run
from indievalue.runs.storage import load_run
from indievalue.scoring.accuracy import summarise
from rundirs import make_run, some_people

TWO = ("random", "majority")
AWKWARD = ["a < b", "a | b", "a \\ b", "a\x01b\x1b[31m\x7f", "z" * 200]

RUNS: dict[str, dict[str, Any]] = {
    "one person": {"people": some_people(1, country=["New Zealand"])},
    "one question": {"keep": pl.col("question") == "Q1"},
    "one predictor": {"predictors": ["random"]},
    "one country": {"people": some_people(50, country=["New Zealand"])},
    "no demographics": {"people": some_people(12)},
    "demographics unknown": {"people": some_people(12, country=[None])},
    "all answers equal": {"equal": True},
    "nothing valid": {"valid": False},
    "30 groups": {"people": some_people(900, country=[f"group {number}" for number in range(30)])},
    "awkward labels": {"people": some_people(200, country=AWKWARD)},
}


def _run(folder: Path, *, equal: bool = False, keep: pl.Expr | None = None, **given: Any) -> Run:
    made = make_run(folder / "run", "wvs7", **{"predictors": TWO, **given})
    predictions = pl.read_parquet(made / "predictions.parquet")
    if equal:
        predictions = predictions.with_columns(answer=pl.lit(0, pl.Int8), choice=pl.lit(0, pl.Int8))
    if keep is not None:
        predictions = predictions.filter(keep)
    predictions.write_parquet(made / "predictions.parquet")
    scores = {name: score.as_nested_dict() for name, score in summarise(predictions).items()}
    (made / "summary.json").write_text(json.dumps(scores))
    return load_run(made)


@pytest.mark.parametrize("given", RUNS.values(), ids=RUNS.keys())
def test_every_run_has_a_page_and_measures(given: dict[str, Any], tmp_path: Path) -> None:
    run = _run(tmp_path, **given)
    page = report_html([run])
    assert page.rstrip().endswith("</html>")
    for name, score in run.scores.items():
        assert name in page
        assert f"{score.accuracy:.1f}" in page
    assert not set(map(chr, [*range(9), *range(14, 32), 127])) & set(page)
    assert write_run_tables([run], tmp_path / "tables")
    if len(run.scores) == 2:
        assert compare_runs([(tmp_path / "run", run)])
    else:
        with pytest.raises(IndievalueError, match="nothing to compare"):
            compare_runs([(tmp_path / "run", run)])
    if run.people.columns[2:]:
        (demographic,) = run.people.columns[2:]
        assert run.inequity().demographics == (demographic,)
        assert run.flattening().demographics == (demographic,)
        assert run.distributions().demographics == (demographic,)
    else:
        assert run.distributions().demographics == ()
        for measure in (run.inequity, run.flattening):
            with pytest.raises(IndievalueError, match="no demographics"):
                measure()


@pytest.mark.parametrize("name", ["one person", "one country", "awkward labels"])
def test_every_run_has_figures(name: str, tmp_path: Path) -> None:
    run = _run(tmp_path, **RUNS[name])
    files = write_figures([run], tmp_path / "figures")
    assert {file.suffix for file in files} == {".svg", ".png", ".pdf", ".csv"}
    assert all(file.stat().st_size for file in files)
