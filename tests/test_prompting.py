"""How far results depend on how a model is asked: the design, its statistics, and the experiment on a tiny model."""

import json
from collections import Counter
from itertools import combinations
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

from indievalue.errors import IndievalueError
from indievalue.experiments.design import fraction
from indievalue.experiments.engine import CellInputs, plan
from indievalue.experiments.folder import Folder
from indievalue.experiments.grid import Cell, cells
from indievalue.experiments.marginals import SCHEMA, known_marginals, marginals_of
from indievalue.experiments.run import run_experiment
from indievalue.experiments.spec import CellSettings, Experiment, load_experiment, with_settings
from indievalue.experiments.specifications import align, flips, main_effects, spread
from indievalue.people.people import People
from indievalue.report.figures.drawing import PHONE, WIDE, figure_svg
from indievalue.report.figures.specifications import specification_curve

GRID: dict[str, tuple[object, ...]] = {"voice": ("first", "third"), "paraphrase": (1, 2, 3)}


@pytest.fixture(autouse=True)
def surroundings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("INDIEVALUE_CACHE", str(tmp_path / "cache"))


# --- the design -------------------------------------------------------------------------------------------


def test_the_shipped_design_is_balanced_and_shows_every_value_alone() -> None:
    experiment = load_experiment("prompting")
    chosen = fraction(experiment.grid, experiment.most_cells)
    assert len(chosen) == len({tuple(cell.values()) for cell in chosen}) == 40
    first = chosen[0]
    assert first == {axis: values[0] for axis, values in experiment.grid.items()}
    for axis, values in experiment.grid.items():
        counts = Counter(cell[axis] for cell in chosen)
        assert set(counts) == set(values)
        assert max(counts.values()) <= 1.7 * min(counts.values())
        for value in values[1:]:
            assert {**first, axis: value} in chosen
    pairs = combinations(experiment.grid.items(), 2)
    assert all(
        any(cell[one] == a and cell[other] == b for cell in chosen)
        for (one, of_one), (other, of_other) in pairs
        for a in of_one
        for b in of_other
        if len(of_one) * len(of_other) <= 10
    )


def test_a_small_grid_is_run_whole_and_too_small_a_fraction_is_refused() -> None:
    assert len(fraction(GRID, 6)) == len(fraction(GRID, None)) == 6
    assert fraction({}, 5) == [{}]
    with pytest.raises(IndievalueError, match=r"most_cells: 3 is too few for this grid: .* in one value are 4"):
        fraction(GRID, 3)


# --- statistics, counted by hand --------------------------------------------------------------------------


def cell_of(**axes: Any) -> Cell:
    return Cell("local:m", {"predictor": "local:m", **axes}, CellSettings(**axes), 0)


def answers(choices: str, truth: str = "0000") -> pl.DataFrame:
    """Two people with two probes each."""
    return pl.DataFrame(
        {
            "setup": [0] * 4,
            "person": ["p", "p", "q", "q"],
            "question": ["Q1", "Q2"] * 2,
            "answer": list(map(int, truth)),
            "choice": [-1 if one == "x" else int(one) for one in choices],
        }
    )


TABLES = [
    (cell_of(voice="first", paraphrase=1), answers("0000")),
    (cell_of(voice="third", paraphrase=1), answers("0001")),
    (cell_of(voice="first", paraphrase=2), answers("0011")),
    (cell_of(voice="first", paraphrase=3), answers("0x01")),
    (cell_of(voice="third", paraphrase=3), answers("0x11")),
]


def test_spread_effects_and_flips_are_those_counted_by_hand() -> None:
    asked = align(TABLES)
    accuracies = [100, 75, 50, 50, 25]
    found = {row["statistic"]: row for row in spread(asked, 0).iter_rows(named=True)}
    assert found["mean"]["value"] == np.mean(accuracies)
    assert (found["lowest"]["value"], found["highest"]["value"], found["range"]["value"]) == (25, 100, 75)
    assert found["standard deviation"]["value"] == pytest.approx(np.std(accuracies))
    assert all(row["low"] <= row["value"] <= row["high"] for row in found.values())
    effects = main_effects(asked, GRID, 0)
    counted = [("voice", "third", 2), ("paraphrase", "2", 1), ("paraphrase", "3", 2)]
    assert effects.select("setting", "value", "cells").rows() == counted
    # voice: 25 lower in each of two pairs that differ in it alone; from first and 1, 50 lower with 2 and with 3
    assert effects["effect"].to_list() == pytest.approx([-25, -50, -50])
    changed = {row["changed"]: row for row in flips(asked, GRID, 0).iter_rows(named=True)}
    assert set(changed) == {"voice", "paraphrase", "any two ways of asking"}
    assert (changed["voice"]["flipped"], changed["voice"]["pairs"]) == (25, 1)
    assert (changed["paraphrase"]["flipped"], changed["paraphrase"]["pairs"]) == (50, 2)
    differing = [sum(a != b for a, b in zip(one, two, strict=True)) for one, two in combinations(CHOICES, 2)]
    assert changed["any two ways of asking"]["flipped"] == pytest.approx(25 * np.mean(differing))


CHOICES = ["0000", "0001", "0011", "0x01", "0x11"]


def test_answers_that_do_not_depend_on_the_asking_have_no_spread() -> None:
    asked = align([(cell, answers("0101")) for cell, _ in TABLES])
    found = {row["statistic"]: row["value"] for row in spread(asked, 0).iter_rows(named=True)}
    assert found["standard deviation"] == found["standard deviation by chance"] == found["range"] == 0
    assert (flips(asked, GRID, 0)["flipped"] == 0).all()
    assert main_effects(asked, GRID, 0)["effect"].abs().max() < 1e-9  # type: ignore[operator]


def test_how_often_a_model_agrees_with_itself_is_counted_over_repeats() -> None:
    again = [cell_of(voice="first", paraphrase=1, repeat=number) for number in (1, 2)]
    asked = align([*TABLES, (again[0], answers("0001")), (again[1], answers("0000"))])
    assert len(asked.cells) == 5
    (row,) = flips(asked, GRID, 0).filter(pl.col("changed") == "asked again").iter_rows(named=True)
    assert (row["flipped"], row["pairs"]) == (pytest.approx(100 * 2 / 12), 3)
    spread_of = {row["statistic"]: row["value"] for row in spread(asked, 0).iter_rows(named=True)}
    assert spread_of["highest"] == 100
    assert spread_of["mean"] == 60, "repeats are no ways of asking"


def test_probes_that_were_not_answered_everywhere_are_left_out() -> None:
    asked = align([TABLES[0], (TABLES[1][0], TABLES[1][1].head(3))])
    assert asked.choice.shape == (2, 3)
    with pytest.raises(IndievalueError, match="no probe was answered in every way"):
        align([TABLES[0], (TABLES[1][0], TABLES[1][1].head(0))])


def test_knowing_a_countrys_answers_is_being_nearer_to_them_than_to_anothers() -> None:
    """Country a answers 0 with 0.9, b with 0.1; the model says 0.8 and 0.2."""
    rows = [
        ("m", country, "Q1", option, model, people, 0.5)
        for country, known, share in (("a", 0.8, 0.9), ("b", 0.2, 0.1))
        for option, model, people in ((0, known, share), (1, 1 - known, 1 - share))
    ]
    found = known_marginals(pl.DataFrame(rows, schema=SCHEMA, orient="row"), 0)
    distance = dict(found.select("from", "distance").iter_rows())
    assert distance["its own country"] == pytest.approx(10)
    assert distance["the other countries"] == pytest.approx(70)
    assert distance["difference"] == pytest.approx(-60)
    assert distance["everybody"] == pytest.approx(40)
    assert found["countries"].to_list() == [2] * 4


# --- the experiment ---------------------------------------------------------------------------------------


def small(model: str, **more: object) -> Experiment:
    changes = {"template": ["single", "role"], "paraphrase": [1, 4], "language": "en", "most_cells": 6, **more}
    experiment = with_settings(load_experiment("prompting"), {"demonstrations": 2, **changes})
    return experiment.model_copy(update={"predictors": (model,)})


def test_the_experiment_runs_on_a_local_model_and_goes_on_where_it_stopped(
    garden_people: People, tiny_model: Path, tmp_path: Path
) -> None:
    for needed in ("torch", "transformers"):
        pytest.importorskip(needed, reason=f"{needed} is not installed")
    experiment = small(f"local:{tiny_model}").model_copy(update={"repeats": 2})
    said: list[str] = []
    out = tmp_path / "out"
    assert run_experiment(experiment, garden_people, out, tested=3, say=said.append)
    assert "7 cells" in said[1]
    stored = [json.loads(file.read_text()) for file in out.glob("cells/*/cell.json")]
    assert {one["settings"]["template"] for one in stored} == {"single", "role"}
    assert [one["settings"]["repeat"] for one in stored if "repeat" in one["settings"]] == [1]
    table = pl.read_csv(out / "table.csv")
    assert len(table) == 6
    assert {"template", "voice", "option_order", "scale_direction", "paraphrase", "accuracy"} <= set(table.columns)
    flipped = dict(pl.read_csv(out / "flips.csv").select("changed", "flipped").iter_rows())
    assert flipped["asked again"] == 0, "a local model gives the same probabilities to the same prompt"
    assert max(flipped.values()) > 0
    assert set(pl.read_csv(out / "effects.csv")["setting"]) <= set(experiment.grid)
    known = pl.read_csv(out / "knowledge.csv")
    assert known["countries"].to_list() == [3] * 4
    page = (out / "results.md").read_text()
    for heading in ("Spread", "Main effects", "Answers that change", "What the model knows of countries"):
        assert f"## {heading}\n" in page
    html = (out / "report.html").read_text()
    assert "ways of asking the same model about the same people, accuracy is between" in html
    assert (out / "figure.png").read_bytes().startswith(b"\x89PNG")
    said.clear()
    assert run_experiment(experiment, garden_people, out, tested=3, say=said.append)
    assert "7 finished already, none left" in said[2]


def test_the_model_is_asked_about_countries_without_anything_of_a_person(
    garden_people: People, tiny_model: Path, tmp_path: Path
) -> None:
    for needed in ("torch", "transformers"):
        pytest.importorskip(needed, reason=f"{needed} is not installed")
    inputs = CellInputs(garden_people, 3, 0)
    (cell, *_) = cells(small(f"local:{tiny_model}"), garden_people.survey, 0)
    table = marginals_of(cell, inputs)
    assert table["country"].n_unique() == 3
    sums = table.group_by("country", "question").agg(pl.col("model", "people", "everybody").sum())
    assert all(value == pytest.approx(1, abs=1e-5) for row in sums.iter_rows() for value in row[2:])
    question = str(table["question"][0])
    column = garden_people.survey.positions[question]
    name = str(table["country"][0])
    there = inputs.training.demographics["region"].to_numpy() == name
    given = inputs.training.options("polar")[there, column]
    (share,) = table.filter(country=name, question=question, option=0)["people"]
    assert share == pytest.approx((given == 0).mean())
    few = garden_people.take(np.flatnonzero(garden_people.demographics["region"].to_numpy() == name))
    assert marginals_of(cell, CellInputs(few, 3, 0)).is_empty(), "one country cannot be told from others"


def test_an_experiment_on_asking_is_about_one_language_model(garden_people: People, tmp_path: Path) -> None:
    for wrong in (("majority",), ("openai/a", "openai/b")):
        experiment = load_experiment("prompting").model_copy(update={"predictors": wrong})
        with pytest.raises(IndievalueError, match="is about one language model"):
            plan(experiment, CellInputs(garden_people, 3, 0), Folder(tmp_path / "out"))
    repeated = load_experiment("groups").model_copy(update={"repeats": 2})
    with pytest.raises(IndievalueError, match="--repeats is for experiments on how a model is asked"):
        plan(repeated, CellInputs(garden_people, 3, 0), Folder(tmp_path / "out"))


def test_a_template_that_the_model_cannot_be_asked_with_is_refused_before_anything_runs(
    garden_people: People, tiny_model: Path, tmp_path: Path
) -> None:
    pytest.importorskip("transformers", reason="transformers is not installed")
    experiment = small(f"local:{tiny_model}", template=["single", "paper"])
    with pytest.raises(IndievalueError, match="--template paper is for chat models alone"):
        plan(experiment, CellInputs(garden_people, 3, 0), Folder(tmp_path / "out"))


def test_the_curve_is_in_order_and_has_a_dot_for_every_setting() -> None:
    table = pl.DataFrame(
        [
            {"predictor": "m", **cell, "accuracy": 50.0 + 3 * n % 17, "accuracy_low": 40.0, "accuracy_high": 70.0}
            for n, cell in enumerate(fraction(GRID, None))
        ]
    )
    for width in (WIDE, PHONE):
        chart = specification_curve(table, list(GRID), width=width)
        svg = figure_svg(chart)
        assert all(name in svg for name in ("first person", "third person", "wording 1", "wording 3"))
        assert float(svg.split('width="')[1].split('"')[0]) <= width + 8
        assert "NaN" not in svg
