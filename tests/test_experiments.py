"""Experiments: what a YAML may say, which cells it makes, that they are computed once, and what they come to."""

import json
import signal
import subprocess
import time
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
import yaml
from scipy.stats import ttest_rel

from commands import PROGRAM, run_here
from conftest import GARDEN, ROOT, garden_answers, real_file
from indievalue.benchmark.build import build_benchmark
from indievalue.benchmark.model import NOBODY, Settings
from indievalue.benchmark.narrow import with_demonstrations_about
from indievalue.errors import IndievalueError
from indievalue.experiments.compare import comparisons
from indievalue.experiments.engine import CellInputs, cell_predictions, plan, run_cells
from indievalue.experiments.estimate import CellProgress, Estimate
from indievalue.experiments.folder import Folder
from indievalue.experiments.grid import cells
from indievalue.experiments.measure import accuracy_table, measure
from indievalue.experiments.run import Expected, run_experiment
from indievalue.experiments.spec import (
    Experiment,
    load_experiment,
    parse_experiment,
    shipped_experiments,
    with_settings,
)
from indievalue.people.people import People
from indievalue.predictors.majority import Majority
from indievalue.predictors.predictions import predict
from indievalue.predictors.registry import STATISTICAL
from indievalue.progress import duration
from indievalue.report.described import described
from indievalue.report.numbers import signed
from indievalue.report.paper import paper_figures
from indievalue.report.tables.of_experiments import pivoted
from indievalue.report.tables.table import PrintedTable
from indievalue.scoring.accuracy import score
from indievalue.scoring.ceiling import estimate_ceilings
from indievalue.scoring.families import holm
from indievalue.synthetic.generate import synthetic_people

SMALL = """
title: How much must be known of a gardener?
asks: Do more statements help?
predictors: [majority, "resemble:k=5"]
grid:
  form: [polar, refined]
  demonstrations: [0, 2, all]
compare:
  - {from: {demonstrations: 0}, to: {demonstrations: all}}
figure: {kind: curve, x: demonstrations, panels: form}
table: {across: demonstrations}
"""


@pytest.fixture
def small() -> Experiment:
    return parse_experiment(SMALL, "small", "small.yaml")


@pytest.fixture(scope="session")
def crowd() -> People:
    return synthetic_people(1200, 0)


def changed(text: str, **keys: Any) -> str:
    return yaml.safe_dump({**yaml.safe_load(text), **keys})


def tables(folder: Path) -> dict[str, bytes]:
    """Everything an experiment writes that must come out the same again."""
    kept = ("table.csv", "table.md", "table.tex", "comparisons.csv", "figure.svg", "results.md", "experiment.yaml")
    return {name: (folder / name).read_bytes() for name in kept if (folder / name).exists()}


def computed(said: list[str]) -> list[str]:
    """The cells that were computed, out of what was said."""
    return [line.partition("] ")[2].partition(": ")[0] for line in said if line.startswith("[")]


# --- what a YAML may say ---------------------------------------------------------------------------------


def test_the_experiments_of_the_paper_are_shipped_and_sound(crowd: People) -> None:
    assert shipped_experiments() == [
        "across-surveys",
        "answering-as-one-should",
        "category-transfer",
        "context-blocks",
        "demographics-or-statements",
        "demonstrations-curve",
        "distributions",
        "groups",
        "inequity",
        "models-by-category",
        "polar-or-refined-demonstrations",
        "prompting",
        "reasoner-context",
        "reasoner-continents",
        "reasoner-demonstrations",
        "reasoner-inequity",
        "reasoner-recipes",
        "reasoner-scaling",
        "statistics-baselines",
        "what-to-show",
    ]
    inputs = CellInputs(crowd, 10, 0)
    for name in shipped_experiments():
        experiment = load_experiment(name)
        assert experiment.name == name
        assert experiment.title.endswith("?")
        assert all(
            name.partition(":")[0] in {*(kind.shown for kind in STATISTICAL), "reasoner", "local"}
            for name in experiment.predictors
        )
        if name == "prompting":  # its model is not installed everywhere; see test_prompting.py
            continue
        assert plan(experiment, inputs, Folder(Path("nowhere"))).left


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        (changed(SMALL, figur={}), "unknown key 'figur'"),
        (changed(SMALL, figure={"kind": "curve", "x": "demonstrations", "z": "form"}), "unknown key 'figure.curve.z'"),
        (changed(SMALL, figure={"kind": "pie"}), "pie"),
        (changed(SMALL, grid={"demonstration": [1]}), "`grid` has no 'demonstration'; it has form"),
        (changed(SMALL, settings={"form": "polar"}), "form is in both `settings` and `grid`"),
        (changed(SMALL, figure={"kind": "curve", "x": "context"}), "`figure` names 'context'"),
        (changed(SMALL, table={"across": "context"}), "`table` names 'context'"),
        (changed(SMALL, compare=[{"from": {"form": "polar"}, "to": {"context": "both"}}]), "name the same settings"),
        (changed(SMALL, compare=[{"from": {"colour": 1}, "to": {"colour": 2}}]), "`compare` names 'colour'"),
        (changed(SMALL, minimum=1), "minimum"),
        (changed(SMALL, predictors=[]), "predictors"),
        ("title: only that", "'asks' is missing"),
        ("- a list", "is not an experiment"),
        ("a: [", "is not valid YAML"),
    ],
)
def test_what_a_yaml_cannot_say_is_told_by_key(text: str, complaint: str) -> None:
    with pytest.raises(IndievalueError, match=r"mine\.yaml") as told:
        parse_experiment(text, "mine", "mine.yaml")
    assert complaint in str(told.value)


@pytest.mark.parametrize(
    ("keys", "complaint"),
    [
        ({"grid": {"form": ["rough"], "demonstrations": [0, 2, "all"]}}, "form cannot be 'rough'"),
        ({"grid": {"form": ["polar"], "demonstrations": [-1, 0, "all"]}}, "demonstrations cannot be -1"),
        ({"settings": {"demonstrations_about": "Weather"}}, "Plants; Animals; Neighbors"),
        ({"predictors": ["oracle"]}, "there is no predictor 'oracle'"),
        ({"predictors": ["majority", "majority"]}, "named twice"),
        ({"paper": ["gpt-9"]}, "the paper printed nothing called 'gpt-9'"),
        ({"demographics": ["shoe size"]}, "no demographic 'shoe size'"),
        ({"compare": [{"from": {"demonstrations": 0}, "to": {"demonstrations": 7}}]}, "no two cells"),
    ],
)
def test_what_a_survey_or_a_grid_lacks_is_told_before_anything_is_computed(
    gardeners: People, tmp_path: Path, keys: dict[str, Any], complaint: str
) -> None:
    experiment = parse_experiment(changed(SMALL, **keys), "small", "small.yaml")
    with pytest.raises(IndievalueError) as told:
        run_experiment(experiment, gardeners, tmp_path / "out", tested=10)
    assert complaint in str(told.value)
    assert not (tmp_path / "out" / "cells").exists()


def test_the_example_in_the_docs_runs(crowd: People, tmp_path: Path) -> None:
    page = (ROOT / "docs" / "experiments.md").read_text(encoding="utf-8")
    example = parse_experiment(page.partition("```yaml\n")[2].partition("```")[0], "mine", "docs")
    assert run_experiment(example.model_copy(update={"predictors": ("majority",)}), crowd, tmp_path / "out", tested=12)
    assert all(name in page for name in shipped_experiments())


def test_an_unknown_name_lists_what_there_is() -> None:
    with pytest.raises(IndievalueError, match=r"no experiment 'magic'.*category-transfer"):
        load_experiment("magic")


def test_the_resolved_yaml_is_the_experiment_again(small: Experiment, gardeners: People, tmp_path: Path) -> None:
    run_experiment(small, gardeners, tmp_path / "out", tested=10)
    assert load_experiment(str(tmp_path / "out" / "experiment.yaml")) == small


def test_other_settings_leave_out_comparisons_of_values_that_are_gone(small: Experiment) -> None:
    both = [
        {"from": {"demonstrations": 0}, "to": {"demonstrations": "all"}},
        {"from": {"demonstrations": 0}, "to": {"demonstrations": 2}},
        {"from": {"form": "polar"}, "to": {"form": "refined"}},
    ]
    experiment = parse_experiment(changed(SMALL, compare=both), "small", "small.yaml")
    other = with_settings(experiment, {"demonstrations": [0, 2], "setups": 0, "minimum": 5})
    assert other.grid == {"form": ("polar", "refined"), "demonstrations": (0, 2)}
    assert other.settings == {"setups": 0}
    assert other.minimum == 5
    assert other.compare == experiment.compare[1:]
    assert other.predictors == experiment.predictors
    assert with_settings(experiment, {"form": "polar"}).compare == experiment.compare[:2]
    assert with_settings(experiment, {"form": "polar"}).grid["form"] == ("polar",)
    assert with_settings(experiment, {}) == experiment
    assert with_settings(small, {"context": "both"}).settings == {"context": "both"}


@pytest.mark.parametrize(
    ("changes", "complaint"),
    [
        ({"colour": 1}, "experiment small has no setting 'colour'; it has context, demographics, demonstrations"),
        ({"predictors": ["majority"]}, "has no setting 'predictors'"),
        ({"minimum": 1}, "experiment small: minimum"),
        ({"demonstrations": []}, "experiment small: grid.demonstrations"),
    ],
)
def test_settings_that_an_experiment_cannot_have_are_told(
    small: Experiment, changes: dict[str, object], complaint: str
) -> None:
    with pytest.raises(IndievalueError) as told:
        with_settings(small, changes)
    assert complaint in str(told.value)


# --- cells -----------------------------------------------------------------------------------------------


def test_every_combination_with_every_predictor_is_a_cell_of_its_own_name(small: Experiment, gardeners: People) -> None:
    made = cells(small, gardeners.survey, 3)
    assert len(made) == 2 * 2 * 3 == len({cell.name for cell in made})
    assert made[0].label == "majority, polar probes, 0 statements"
    assert made[2].settings == Settings(form="polar", demonstrations=None, seed=3)


def test_each_stands_for_nothing_every_category_and_everything(gardeners: People) -> None:
    grid = {"demonstrations_about": ["each"]}
    figure = {"kind": "dots", "rows": "predictor", "colour": "demonstrations_about"}
    experiment = parse_experiment(changed(SMALL, grid=grid, figure=figure, compare=[], table=None), "x", "x")
    values = [cell.axes["demonstrations_about"] for cell in cells(experiment, gardeners.survey, 0)][:5]
    assert values == ["nothing", "Plants", "Animals", "Neighbors", "everything"]


def test_a_cell_is_asked_what_evaluate_would_ask(small: Experiment, gardeners: People) -> None:
    inputs = CellInputs(gardeners, 12, 0)
    for cell in cells(small, gardeners.survey, 0):
        drawn = inputs.benchmark(cell)
        alone = build_benchmark(gardeners, cell.settings, inputs.ids)
        assert drawn.settings == alone.settings
        for one, other in zip(drawn.setups, alone.setups, strict=True):
            np.testing.assert_array_equal(one.probes, other.probes)
            np.testing.assert_array_equal(one.demonstrations, other.demonstrations)


def test_about_shows_one_category_and_never_a_probe(gardeners: People) -> None:
    benchmark = build_benchmark(gardeners, Settings(demonstrations=None), 12)
    for category in gardeners.survey.categories:
        shown = with_demonstrations_about(benchmark, category)
        for setup, full in zip(shown.setups, benchmark.setups, strict=True):
            for mine, all_of_mine in zip(setup.demonstrations.tolist(), full.demonstrations.tolist(), strict=True):
                wanted = [q for q in all_of_mine if q != NOBODY and gardeners.survey.questions[q].category == category]
                assert [question for question in mine if question != NOBODY] == wanted
                assert not set(wanted) & set(setup.probes.tolist())
    with pytest.raises(IndievalueError, match=r"no category 'Weather'"):
        with_demonstrations_about(benchmark, "Weather")


# --- running ---------------------------------------------------------------------------------------------


OF_ONE_SURVEY = [name for name in shipped_experiments() if name not in ("across-surveys", "distributions", "prompting")]
"""The others are run by test_across_surveys, test_distributions and test_prompting."""


MANY_CELLS = "what-to-show"


@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=[pytest.mark.slow] * (name == MANY_CELLS)) for name in OF_ONE_SURVEY]
)
def test_every_experiment_runs_from_end_to_end(name: str, crowd: People, tmp_path: Path) -> None:
    predictors = ("majority", "resemble:k=5") if name == "statistics-baselines" else ("random", "majority")
    experiment = load_experiment(name).model_copy(update={"predictors": predictors, "minimum": 5})
    said: list[str] = []
    tested = 8 if name == MANY_CELLS else 24
    assert run_experiment(experiment, crowd, tmp_path / "out", tested=tested, say=said.append)
    written = {file.name for file in (tmp_path / "out").iterdir() if not file.name.startswith(".")}
    always = {"cells", "experiment.yaml", "figure.pdf", "figure.png", "figure.svg", "results.md", "run.json"}
    assert written - {"comparisons.csv"} == always | {"report.html", "table.csv", "table.md", "table.tex"}
    assert said[0] == f"{name}: {experiment.title}"
    assert f"{tested} people × 108 probes; {1200 - tested:,} others to learn from" in said[1]
    table = pl.read_csv(tmp_path / "out" / "table.csv")
    assert set(table["predictor"]) == set(predictors)
    assert table["ceiling_sigma_low" if "inequity" in name else "ceiling_low"].null_count() < len(table)
    page = (tmp_path / "out" / "results.md").read_text()
    assert page.startswith(f"# {experiment.title}\n")
    assert "GPT-4o" not in page, "figures of the paper say nothing about synthetic people"
    assert (tmp_path / "out" / "figure.png").read_bytes().startswith(b"\x89PNG")
    assert (tmp_path / "out" / "figure.pdf").read_bytes().startswith(b"%PDF")
    assert "NaN" not in (tmp_path / "out" / "figure.svg").read_text()


def test_a_table_holds_what_scoring_says(small: Experiment, gardeners: People, tmp_path: Path) -> None:
    run_experiment(small, gardeners, tmp_path / "out", tested=14, seed=2)
    table = pl.read_csv(tmp_path / "out" / "table.csv", schema_overrides={"demonstrations": pl.String})
    tested = build_benchmark(gardeners, Settings(seed=2), 14).people.ids
    training = gardeners.take(~np.isin(gardeners.ids, tested))
    benchmark = build_benchmark(gardeners, Settings(form="refined", demonstrations=2, seed=2), tested.tolist())
    rows = predict("majority", Majority().fit(training, "refined", "refined"), benchmark)
    said = score(rows, 2)
    row = table.row(
        by_predicate=(pl.concat_str("form", "demonstrations", "predictor", separator=" ") == "refined 2 majority"),
        named=True,
    )
    assert row["accuracy"] == pytest.approx(said.accuracy)
    (limit,) = estimate_ceilings(gardeners, tested.tolist(), 2).of(rows, "refined")
    assert limit is not None
    assert (row["ceiling_low"], row["ceiling_high"]) == pytest.approx((limit.low, limit.high))
    assert row["way_low"] == limit.way(said.accuracy)[0]
    assert (row["accuracy_low"], row["accuracy_high"]) == pytest.approx((said.accuracy_low, said.accuracy_high))
    assert row["log_loss"] == pytest.approx(said.log_loss)
    assert (row["people"], row["probes"], row["shown"]) == (14, said.probes, 2)


def test_the_same_seed_gives_the_same_results_and_another_does_not(
    small: Experiment, gardeners: People, tmp_path: Path
) -> None:
    order = np.random.default_rng(0).permutation(len(gardeners))
    run_experiment(small, gardeners, tmp_path / "one", tested=14, seed=1)
    run_experiment(small, gardeners.take(order), tmp_path / "two", tested=14, seed=1)
    run_experiment(small, gardeners, tmp_path / "three", tested=14, seed=2)
    assert tables(tmp_path / "one") == tables(tmp_path / "two")
    assert tables(tmp_path / "one")["table.csv"] != tables(tmp_path / "three")["table.csv"]


def test_a_predictor_is_fitted_once_for_all_cells_that_share_it(
    small: Experiment, gardeners: People, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fits = []
    fit = Majority.fit
    monkeypatch.setattr(
        Majority, "fit", lambda self, people, *forms: fits.append((len(people), forms)) or fit(self, people, *forms)
    )
    inputs, folder = CellInputs(gardeners, 12, 0), Folder(tmp_path)
    run_cells(plan(small, inputs, folder), inputs, folder)
    assert fits == [(48, ("polar", "polar")), (48, ("refined", "refined"))]


def test_one_setup_can_be_given_as_a_number(small: Experiment, gardeners: People) -> None:
    inputs = CellInputs(gardeners, 12, 0)
    for cell in cells(with_settings(small, {"setups": 0}), gardeners.survey, 0):
        assert cell.settings.setups == (0,)
        assert [setup.number for setup in inputs.benchmark(cell).setups] == [0]


@pytest.mark.parametrize("name", ["inequity", "groups"])
def test_too_few_people_to_compare_groups_are_told_before_anything_is_computed(
    name: str, crowd: People, tmp_path: Path
) -> None:
    experiment = load_experiment(name).model_copy(update={"predictors": ("majority",)})
    said: list[str] = []
    assert not run_experiment(experiment, crowd, tmp_path, tested=4, say=said.append, start=lambda expected: False)
    assert said[2].startswith(
        "Warning: no demographic has two groups of at least 30 of the 4 people tested, so there is nothing to compare"
    )
    assert run_experiment(experiment, crowd, tmp_path, tested=4)
    assert "No demographic has two groups" in (tmp_path / "figure.svg").read_text()
    enough: list[str] = []
    other = with_settings(experiment, {"minimum": 2})
    assert run_experiment(other, crowd, tmp_path / "other", tested=4, say=enough.append)
    assert "Warning" not in "\n".join(enough)
    assert "No demographic has two groups" not in (tmp_path / "other" / "figure.svg").read_text()


def test_comparisons_of_an_earlier_run_do_not_stay(small: Experiment, gardeners: People, tmp_path: Path) -> None:
    run_experiment(small, gardeners, tmp_path, tested=6)
    assert (tmp_path / "comparisons.csv").exists()
    run_experiment(with_settings(small, {"demonstrations": [0, 2]}), gardeners, tmp_path, tested=6)
    assert not (tmp_path / "comparisons.csv").exists()


# --- stopping and going on -------------------------------------------------------------------------------


class StoppedError(Exception):
    pass


@pytest.mark.parametrize("after", [0, 5, 11])
def test_a_stopped_experiment_goes_on_and_ends_as_if_it_had_not_been(
    small: Experiment, gardeners: People, tmp_path: Path, after: int
) -> None:
    whole: list[str] = []
    run_experiment(small, gardeners, tmp_path / "whole", tested=14, say=whole.append)
    before: list[str] = []

    def stop(line: str) -> None:
        before.append(line)
        if len(computed(before)) == after:
            raise StoppedError

    def refuse(expected: Expected) -> bool:
        raise StoppedError

    with pytest.raises(StoppedError):
        run_experiment(
            small, gardeners, tmp_path / "out", tested=14, say=stop, start=(lambda _: True) if after else refuse
        )
    assert not (tmp_path / "out" / "table.csv").exists()
    rest: list[str] = []
    run_experiment(small, gardeners, tmp_path / "out", tested=14, say=rest.append)
    assert computed(before) + computed(rest) == computed(whole)
    assert tables(tmp_path / "out") == tables(tmp_path / "whole")
    again: list[str] = []
    run_experiment(small, gardeners, tmp_path / "out", tested=14, say=again.append)
    assert not computed(again)
    assert tables(tmp_path / "out") == tables(tmp_path / "whole")


def test_another_predictor_is_added_without_computing_the_others_again(
    small: Experiment, gardeners: People, tmp_path: Path
) -> None:
    run_experiment(small, gardeners, tmp_path / "out", tested=14)
    said: list[str] = []
    more = small.model_copy(update={"predictors": (*small.predictors, "random")})
    run_experiment(more, gardeners, tmp_path / "out", tested=14, say=said.append)
    assert {cell.partition(",")[0] for cell in computed(said)} == {"random"}


@pytest.mark.parametrize(
    ("keys", "people", "seed", "differs"),
    [
        ({"settings": {"context": "none"}}, 14, 0, "settings"),
        ({}, 13, 0, "people"),
        ({}, 14, 1, "seed"),
    ],
)
def test_a_cell_of_other_settings_or_people_is_refused_unless_forced(
    small: Experiment, gardeners: People, tmp_path: Path, keys: dict[str, Any], people: int, seed: int, differs: str
) -> None:
    run_experiment(small, gardeners, tmp_path / "out", tested=14)
    before = tables(tmp_path / "out")
    other = parse_experiment(changed(SMALL, **keys), "small", "small.yaml")
    with pytest.raises(IndievalueError, match=f"was computed with other .*{differs}.* than requested.*--force"):
        run_experiment(other, gardeners, tmp_path / "out", tested=people, seed=seed)
    assert tables(tmp_path / "out") == before
    run_experiment(other, gardeners, tmp_path / "out", tested=people, seed=seed, force=True)
    run_experiment(other, gardeners, tmp_path / "fresh", tested=people, seed=seed)
    assert tables(tmp_path / "out") == tables(tmp_path / "fresh")


def test_a_cell_of_other_data_is_refused(small: Experiment, gardeners: People, tmp_path: Path) -> None:
    from dataclasses import replace

    run_experiment(small, gardeners, tmp_path / "out", tested=14)
    other = replace(gardeners, findings=replace(gardeners.findings, fingerprint="another file"))
    with pytest.raises(IndievalueError, match="other data than requested"):
        run_experiment(small, other, tmp_path / "out", tested=14)


def test_damaged_cells_say_what_to_delete(small: Experiment, gardeners: People, tmp_path: Path) -> None:
    run_experiment(small, gardeners, tmp_path / "out", tested=14)
    cell = sorted((tmp_path / "out" / "cells").iterdir())[0]
    whole = (cell / "predictions.parquet").read_bytes()
    (cell / "predictions.parquet").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(IndievalueError, match=rf"delete .*{cell.name}"):
        run_experiment(small, gardeners, tmp_path / "out", tested=14)
    (cell / "cell.json").write_text("{")
    with pytest.raises(IndievalueError, match="--force"):
        run_experiment(small, gardeners, tmp_path / "out", tested=14)


def test_a_directory_of_something_else_is_left_alone(small: Experiment, gardeners: People, tmp_path: Path) -> None:
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "diary.txt").write_text("dear diary")
    with pytest.raises(IndievalueError, match="exists already"):
        run_experiment(small, gardeners, tmp_path / "mine", force=True)
    assert [file.name for file in (tmp_path / "mine").iterdir()] == ["diary.txt"]
    run_experiment(small, gardeners, tmp_path / "out", tested=14)
    other = small.model_copy(update={"name": "other"})
    with pytest.raises(IndievalueError, match="holds the experiment small, not other; choose another --out"):
        run_experiment(other, gardeners, tmp_path / "out", tested=14, force=True)
    (tmp_path / "file").write_text("")
    for place in (tmp_path / "file", tmp_path / "file" / "below"):
        with pytest.raises(IndievalueError, match=r"is a file|cannot write"):
            run_experiment(small, gardeners, place, tested=14)


def test_two_processes_do_not_work_in_one_directory(small: Experiment, gardeners: People, tmp_path: Path) -> None:
    pytest.importorskip("fcntl")
    with (
        Folder(tmp_path / "out").opened(),
        pytest.raises(IndievalueError, match="another process is at work"),
        Folder(tmp_path / "out").opened(),
    ):
        pass
    run_experiment(small, gardeners, tmp_path / "out", tested=14)


# --- what the figures come from --------------------------------------------------------------------------


def test_comparisons_are_paired_tests_of_people(small: Experiment, gardeners: People, tmp_path: Path) -> None:
    inputs, folder = CellInputs(gardeners, 20, 0), Folder(tmp_path)
    planned = plan(small, inputs, folder)
    run_cells(planned, inputs, folder)
    measured = [measure(cell, rows, inputs.ids, gardeners.survey) for cell, rows in cell_predictions(planned, folder)]
    table = comparisons(small, measured, 0)
    assert table["where"].to_list() == [
        "majority, polar probes",
        "majority, refined probes",
        "resemble:k=5, polar probes",
        "resemble:k=5, refined probes",
    ]
    row = table.row(2, named=True)
    frame = {
        cell.axes["demonstrations"]: rows.group_by("person")
        .agg((pl.col("choice") == pl.col("answer")).mean() * 100)
        .sort("person")["choice"]
        .to_numpy()
        for cell, rows in cell_predictions(planned, folder)
        if cell.predictor == "resemble:k=5" and cell.axes["form"] == "polar"
    }
    difference = frame["all"] - frame[0]
    test = ttest_rel(frame["all"], frame[0])
    assert (row["from"], row["to"], row["people"]) == ("0 statements", "all statements", 20)
    assert row["difference"] == pytest.approx(difference.mean())
    assert row["d_z"] == pytest.approx(difference.mean() / difference.std(ddof=1))
    assert (row["t"], row["p"]) == pytest.approx((test.statistic, test.pvalue))
    assert row["difference_low"] < row["difference"] < row["difference_high"]
    same = table.row(0, named=True)  # majority says the same whatever it is shown
    assert (same["difference"], same["d_z"], same["t"], same["p"]) == (0, None, None, 1)


def test_holm_multiplies_the_smallest_by_all_and_never_falls() -> None:
    np.testing.assert_allclose(holm(np.array([0.01, 0.04, 0.03, np.nan])), [0.03, 0.06, 0.06, np.nan])
    np.testing.assert_allclose(holm(np.array([0.9, 0.8])), [1, 1])
    assert holm(np.array([])).shape == (0,)


def test_gain_is_the_difference_of_accuracies_and_nothing_gains_nothing(gardeners: People, tmp_path: Path) -> None:
    text = changed(
        SMALL,
        grid={"demonstrations_about": ["each"]},
        settings={"demonstrations": "all"},
        by="category",
        compare=[],
        table={"across": "category"},
        figure={
            "kind": "heat-map",
            "rows": "demonstrations_about",
            "columns": "category",
            "panels": "predictor",
            "above": {"demonstrations_about": "nothing"},
        },
    )
    experiment = parse_experiment(text, "transfer", "x")
    inputs, folder = CellInputs(gardeners, 20, 0), Folder(tmp_path)
    planned = plan(experiment, inputs, folder)
    run_cells(planned, inputs, folder)
    measured = [measure(cell, rows, inputs.ids, gardeners.survey) for cell, rows in cell_predictions(planned, folder)]
    table = accuracy_table(experiment, measured, 0)
    assert table["category"].unique(maintain_order=True).to_list() == ["all", *gardeners.survey.categories]
    nothing = table.filter(demonstrations_about="nothing")
    assert nothing.select("gain", "gain_low", "gain_high").to_numpy().tolist() == [[0, 0, 0]] * 8
    joined = table.join(nothing, on=["predictor", "category"], suffix="_nothing")
    np.testing.assert_allclose(joined["gain"], joined["accuracy"] - joined["accuracy_nothing"], atol=1e-9)
    assert (joined["gain_low"] <= joined["gain"]).all()
    assert (joined["gain"] <= joined["gain_high"]).all()
    fond = table.filter(predictor="resemble:k=5", demonstrations_about="Plants", category="Animals")
    assert fond["gain"][0] > 5, "who likes roses likes hedgehogs"


def test_no_person_is_in_a_published_figure(crowd: People, tmp_path: Path) -> None:
    experiment = load_experiment("demographics-or-statements").model_copy(update={"predictors": ("majority",)})
    run_experiment(experiment, crowd, tmp_path / "out", tested=24)
    ids = CellInputs(crowd, 24, 0).ids
    for name, content in tables(tmp_path / "out").items():
        assert not [
            person for person in ids if f">{person}<" in content.decode() or f",{person}," in content.decode()
        ], name


def test_paper_figures_are_those_of_the_reference() -> None:
    from conftest import REFERENCE

    if not (REFERENCE / "paper_results.csv").exists():
        pytest.skip("no reference figures: set INDIEVALUE_REFERENCE")
    reference = pl.read_csv(REFERENCE / "paper_results.csv")
    ours = {
        (one.demonstrations, one.polar, one.refined, one.sigma)
        for name in shipped_experiments()
        for one in paper_figures(load_experiment(name).paper, name)
    }
    theirs = set(reference.select("demonstrations", "polar_accuracy", "refined_accuracy", "sigma_inequity").iter_rows())
    assert ours == theirs


def test_tables_for_readers() -> None:
    table = pl.DataFrame(
        {
            "predictor": ["a&b", "a&b", "c"],
            "x": ["0", "5", "0"],
            "accuracy": [50.0, 60.04, 70.0],
            "accuracy_low": [49.0, 59.0, 69.0],
            "accuracy_high": [51.0, 61.0, 71.0],
        }
    )
    shown = pivoted(table, ["predictor"], "x")
    assert shown.rows == (("a&b", "50.0 (49.0–51.0)", "60.0 (59.0–61.0)"), ("c", "70.0 (69.0–71.0)", ""))
    assert shown.markdown().splitlines()[1] == "| --- | ---: | ---: |"
    assert r"a\&b & 50.0 (49.0--51.0) & 60.0 (59.0--61.0) \\" in shown.latex()
    assert PrintedTable("", "", ("p",), (("<0.001",),), 0).latex().count(r"\textless{}0.001") == 1


def test_many_long_columns_of_a_table_have_numbers_only_if_rows_tell_what_they_mean() -> None:
    names = [f"a topic with a long name {place}" for place in range(10)]
    cells = [{"shown": row, "asked": column, "accuracy": 50.0} for row in ("nothing", *names) for column in names]
    table = pl.DataFrame(cells).with_columns(accuracy_low=pl.lit(40.0), accuracy_high=pl.lit(60.0))
    told = pivoted(table, ["shown"], "asked")
    assert told.headings[1:] == tuple(str(place) for place in range(1, 11))
    assert told.rows[1][0] == "1 a topic with a long name 0"
    untold = pivoted(table.filter(pl.col("shown").is_in(["nothing", names[0]])), ["shown"], "asked")
    assert untold.headings[1:] == tuple(names)
    assert untold.rows[1][0] == names[0]


def test_words() -> None:
    assert [signed(value) for value in (1.26, -0.24, -0.04, 0.04)] == ["+1.3", "−0.2", "0.0", "0.0"]
    assert described({"demonstrations": 50, "context": "both"}) == "50 statements, with demographics"
    assert [duration(seconds) for seconds in (0.2, 89, 200, 8000)] == ["1 s", "89 s", "3 min", "2 h 13 min"]
    assert str(Estimate(70, 200, ("masked",))).startswith(
        "roughly 70 s to 3 min, and masked (no estimate before the first cell)"
    )
    assert str(Estimate(0.1, 0.3, ())) == "a moment"


def test_progress_says_what_is_left_once_something_is_known(
    small: Experiment, gardeners: People, tmp_path: Path
) -> None:
    planned = plan(small, CellInputs(gardeners, 12, 0), Folder(tmp_path))
    progress = CellProgress(planned)
    lines = [progress.line(cell, {"fit": 10.0, "predict": 1.0}) for cell in planned.left]
    assert lines[0] == "[1/12] majority, polar probes, 0 statements: 11.0 s"
    assert lines[6].endswith("; about 15 s left")  # five more to be asked, and one fit
    assert lines[-1].endswith(": 11.0 s")


# --- the command -----------------------------------------------------------------------------------------


def call(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    return run_here("experiment", *arguments)


@pytest.fixture
def garden_csv(tmp_path: Path) -> Path:
    garden_answers(60).write_csv(tmp_path / "garden.csv")
    return tmp_path / "garden.csv"


@pytest.fixture
def small_yaml(tmp_path: Path) -> Path:
    (tmp_path / "small.yaml").write_text(SMALL)
    return tmp_path / "small.yaml"


def test_without_a_name_the_experiments_are_listed() -> None:
    for arguments in ((), ("--list",), ("inequity", "--list")):
        said = call(*arguments)
        assert said.returncode == 0, said.stderr
        assert all(name in said.stdout for name in shipped_experiments())


def test_the_command_runs_a_yaml_of_ones_own(small_yaml: Path, garden_csv: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    options = ("--survey", GARDEN, "--people", "14", "--predictor", "majority", "--out", out)
    said = call(small_yaml, garden_csv, *options)
    assert said.returncode == 0, said.stderr
    assert "6 cells: majority, 6 settings each; 14 people × 9 probes; 46 others to learn from" in said.stderr
    assert "[6/6] majority, refined probes, all statements" in said.stderr
    cells = [
        cell.strip() for line in (out / "table.md").read_text().splitlines() for cell in line.strip("|").split("|")
    ]
    printed = " ".join(said.stdout.split())
    assert all(cell in printed for cell in cells if not set(cell) <= set("-: "))
    assert str(tmp_path) not in (out / "report.html").read_text()
    page = (out / "results.md").read_text()
    command = "indievalue experiment small.yaml garden.csv --predictor majority --people 14 --survey garden --out out"
    assert command in page
    assert str(tmp_path) not in page
    record = json.loads((out / "run.json").read_text())
    assert (record["people"], record["training_people"], record["command"]) == (14, 46, command)
    again = call(small_yaml, garden_csv, *options)
    assert "6 finished already, none left" in again.stderr
    assert again.stdout == said.stdout


def test_the_command_takes_other_settings(small_yaml: Path, garden_csv: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    settings = ("--set", "form=refined", "--set", "demonstrations=[0, 2]", "--set", "setups=0")
    options = ("--survey", GARDEN, "--people", "14", "--predictor", "majority", *settings, "--out", out)
    said = call(small_yaml, garden_csv, *options)
    assert said.returncode == 0, said.stderr
    assert "2 cells: majority, 2 settings each; 14 people × 3 probes" in said.stderr
    assert "--set form=refined --set 'demonstrations=[0, 2]' --set setups=0 " in (out / "results.md").read_text()
    again = load_experiment(str(out / "experiment.yaml"))
    assert again.settings == {"setups": 0}
    assert again.grid == {"form": ("refined",), "demonstrations": (0, 2)}


@pytest.mark.parametrize(
    ("arguments", "code", "complaint"),
    [
        (("inequity", "synthetic:50", "--out", "OUT", "--set", "size=2"), 1, "inequity has no setting 'size'"),
        (("inequity", "synthetic:50", "--out", "OUT", "--set", "form"), 1, "--set takes KEY=VALUE, not 'form'"),
        (("inequity",), 2, "needs DATA and --out DIR"),
        (("magic", "synthetic:50", "--out", "OUT"), 1, "there is no experiment 'magic'"),
        (("groups", "synthetic:50", "--out", "OUT", "--predictor", "oracle"), 1, "there is no predictor 'oracle'"),
        (("groups", "synthetic:50", "--out", "OUT", "--people", "many"), 2, "--people takes a whole number"),
        (("groups", "nowhere.csv", "--out", "OUT"), 1, "nowhere.csv"),
    ],
)
def test_a_wrong_call_is_told_in_one_line(
    arguments: tuple[str, ...], code: int, complaint: str, tmp_path: Path
) -> None:
    said = call(*(str(tmp_path / "out") if word == "OUT" else word for word in arguments))
    assert (said.returncode, "Traceback" in said.stderr) == (code, False)
    assert complaint in said.stderr
    assert not (tmp_path / "out" / "table.md").exists()


@pytest.mark.parametrize("how", [pytest.param(signal.SIGINT, marks=pytest.mark.slow), signal.SIGKILL])
def test_a_killed_experiment_goes_on(small_yaml: Path, tmp_path: Path, how: signal.Signals) -> None:
    options = ("synthetic:1500", "--people", "40", "--predictor", "resemble:k=5", "--predictor", "majority")
    whole, out = tmp_path / "whole", tmp_path / "out"
    assert call(small_yaml, *options, "--out", whole).returncode == 0
    process = subprocess.Popen(
        [*PROGRAM, "experiment", *map(str, (small_yaml, *options, "--out", out))], stderr=subprocess.PIPE, text=True
    )
    deadline = time.monotonic() + 120
    while len(list(out.glob("cells/[a-z]*"))) < 2 and process.poll() is None and time.monotonic() < deadline:
        time.sleep(0.002)
    process.send_signal(how)
    _, said = process.communicate(timeout=60)
    assert process.returncode == (-signal.SIGKILL if how == signal.SIGKILL else 1)
    if how == signal.SIGINT:
        assert "run the same command to continue" in said.replace("\n", " ")
    assert not (out / "table.csv").exists()
    finished = {path.name: (path / "cell.json").stat().st_mtime_ns for path in out.glob("cells/[a-z]*")}
    assert 2 <= len(finished) < 12
    rest = call(small_yaml, *options, "--out", out)
    assert rest.returncode == 0, rest.stderr
    assert f"{len(finished)} finished already, {12 - len(finished)} left" in rest.stderr
    assert all((out / "cells" / name / "cell.json").stat().st_mtime_ns == when for name, when in finished.items())
    assert not list(out.glob("cells/.*"))
    theirs, ours = tables(whole), tables(out)
    del theirs["results.md"], ours["results.md"]  # it names --out
    assert ours == theirs


# --- real people -----------------------------------------------------------------------------------------


def test_real_people_are_compared_with_the_paper(real_people: People, tmp_path: Path) -> None:
    experiment = load_experiment("statistics-baselines").model_copy(update={"predictors": ("random", "resemble:k=35")})
    run_experiment(experiment, real_people, tmp_path / "out", tested=100)
    page = (tmp_path / "out" / "results.md").read_text()
    assert "Results printed in arXiv 2410.03868, on a different sample" in page
    assert "| resemble (top cluster) | statements | 200 | 73.73 | 59.47 |" in page
    table = pl.read_csv(tmp_path / "out" / "table.csv").filter(predictor="resemble:k=35", form="polar")
    assert 70 < table["accuracy"][0] < 85
    assert real_file("wvs7_14countries.csv.gz").name not in (tmp_path / "out" / "figure.svg").read_text()
