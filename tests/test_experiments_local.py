"""Experiments on a local language model: the paper's five, made small enough for a slow one with other settings."""

import json
from pathlib import Path

import polars as pl
import pytest

from indievalue.experiments.run import run_experiment
from indievalue.experiments.spec import load_experiment, with_settings
from indievalue.people.people import People

for needed in ("torch", "transformers", "gguf"):
    pytest.importorskip(needed, reason=f"{needed} is not installed")

SMALL: dict[str, dict[str, object]] = {
    "demographics-or-statements": {"demonstrations": [0, 2], "form": "polar"},
    "models-by-category": {"demonstrations": 2},
    "demonstrations-curve": {"demonstrations": [0, 2], "form": "polar"},
    "inequity": {"demonstrations": 2, "minimum": 2},
    "category-transfer": {"demonstrations": 2, "demonstrations_about": ["nothing", "Plants", "everything"]},
}


@pytest.fixture(autouse=True)
def surroundings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("INDIEVALUE_CACHE", str(tmp_path / "cache"))


@pytest.mark.parametrize("name", SMALL)
def test_the_papers_experiments_run_on_a_local_model(
    name: str, gardeners: People, tiny_model: Path, tmp_path: Path
) -> None:
    """Every answer of a local model is valid and has a probability, and what it was asked for is in the table."""
    model = f"local:{tiny_model}"
    experiment = with_settings(load_experiment(name), {**SMALL[name], "setups": 0})
    experiment = experiment.model_copy(update={"predictors": (model, "majority")})
    out = tmp_path / "out"
    assert run_experiment(experiment, gardeners, out, tested=4)
    for file in ("table.csv", "table.md", "table.tex", "figure.svg", "figure.png", "figure.pdf", "results.md"):
        assert (out / file).stat().st_size
    table = pl.read_csv(out / "table.csv")
    assert set(table["predictor"]) == {model, "majority"}
    assert ("sigma" if name == "inequity" else "accuracy") in table.columns
    cells = [path for path in (out / "cells").iterdir() if model in (path / "cell.json").read_text()]
    assert len(cells) == {"demographics-or-statements": 4, "inequity": 1, "category-transfer": 3}.get(name, 2)
    for cell in cells:
        predictions = pl.read_parquet(cell / "predictions.parquet")
        assert set(predictions["setup"]) == {0}
        assert predictions["choice"].min() >= 0  # type: ignore[operator]
        assert predictions["probabilities"].null_count() == 0
        assert "mass" in json.loads((cell / "cell.json").read_text())["effort"]
