"""Every figure of an experiment can be made of the smallest and oddest people, or is refused before anything is run."""

import shutil
from collections.abc import Callable
from pathlib import Path

import polars as pl
import pytest
import yaml

from conftest import GARDEN, garden_answers
from indievalue.errors import IndievalueError
from indievalue.experiments.run import run_experiment
from indievalue.experiments.spec import parse_experiment
from indievalue.people.decode import decode
from indievalue.people.people import People
from indievalue.survey.load import load_survey
from indievalue.survey.survey import Survey

FIGURES = {
    "curve": """
        grid: {demonstrations: [0, all]}
        compare: [{from: {demonstrations: 0}, to: {demonstrations: all}}]
        figure: {kind: curve, x: demonstrations}""",
    "curve of one point": """
        grid: {demonstrations: 2}
        figure: {kind: curve, x: demonstrations}""",
    "dots": """
        grid: {form: [polar, refined]}
        figure: {kind: dots, rows: form, colour: predictor}""",
    "dots by region": """
        by: region
        figure: {kind: dots, rows: region, colour: predictor}""",
    "heat map": """
        by: category
        figure: {kind: heat-map, rows: category, columns: predictor}""",
    "heat map of gains": """
        grid: {form: [polar], demonstrations: [0, 2]}
        figure: {kind: heat-map, rows: form, columns: demonstrations, above: {demonstrations: 0}}""",
    "box plot": """
        grid: {form: [polar, refined]}
        figure: {kind: box-plot, x: form, colour: predictor}""",
    "inequity": """
        minimum: 2
        figure: {kind: inequity}""",
    "groups": """
        minimum: 2
        figure: {kind: groups}""",
    "distributions": """
        minimum: 2
        figure: {kind: distributions}""",
}
LABELS = ("a <b> | c & $e% _f_ ~ #", "x\\y\x01\x1b[31m\x7f", "z" * 200)
ANSWERS = garden_answers(60)
QUESTIONS = [name for name in ANSWERS.columns if name[0] in "PAN" and name[1:].isdigit()]


def _survey(folder: Path, change: Callable[[list[dict[str, object]]], list[dict[str, object]]]) -> Survey:
    """The garden survey with other demographics."""
    shutil.copytree(GARDEN, folder)
    demographics = change(yaml.safe_load((folder / "demographics.yaml").read_text()))
    (folder / "demographics.yaml").write_text(yaml.safe_dump(demographics))
    if not demographics:
        (folder / "demographics.yaml").unlink()
        about = yaml.safe_load((folder / "survey.yaml").read_text())
        about["sampling"] = {key: about["sampling"][key] for key in ("setups", "per_category", "answered")}
        (folder / "survey.yaml").write_text(yaml.safe_dump(about))
    return load_survey(str(folder))


def _with_regions(*labels: str) -> Callable[[list[dict[str, object]]], list[dict[str, object]]]:
    groups = [{"codes": code, "label": label} for code, label in enumerate(labels, 1)]
    return lambda given: [{**given[0], "groups": groups}, *given[1:]]


def _people(name: str, folder: Path, garden: Survey) -> tuple[People, int]:
    """The people of a case, and how many of them to test."""
    table, survey, tested = ANSWERS, garden, 14
    if name == "one person":
        tested = 1
    elif name == "two people":
        table, tested = ANSWERS.head(2), 1
    elif name == "one question":
        table = ANSWERS.drop(QUESTIONS[1:])
    elif name == "one region":
        table = ANSWERS.with_columns(REGION=1)
    elif name == "no demographics":
        survey = _survey(folder / "spec", lambda given: [])
    elif name == "demographics unknown":
        table = ANSWERS.drop("REGION", "FAITH", "AGEGROUP", "AGE", "HOME", strict=False)
    elif name == "all answers equal":
        table = ANSWERS.with_columns(pl.lit(1).alias(question) for question in QUESTIONS)
    elif name == "30 groups":
        survey = _survey(folder / "spec", _with_regions(*(f"group {number}" for number in range(1, 31))))
        table, tested = garden_answers(400).with_columns(REGION=pl.int_range(400) % 30 + 1), 100
    elif name == "odd labels":
        survey, tested = _survey(folder / "spec", _with_regions(*LABELS)), 20
    return decode(table, survey, "garden.csv", "fingerprint"), tested


CASES = (
    *("one person", "two people", "one question", "one predictor", "one region", "no demographics"),
    *("demographics unknown", "all answers equal", "30 groups", "odd labels"),
)
REFUSED = {
    ("no demographics", "dots by region"): "survey garden has no demographic 'region'; it has none",
    ("no demographics", "inequity"): "these people have no demographics, so there are no groups to compare",
    ("no demographics", "groups"): "these people have no demographics, so there are no groups to compare",
    ("no demographics", "distributions"): "these people have no demographics, so there are no groups to compare",
    ("demographics unknown", "dots by region"): "down by region, which is known of nobody who is tested",
}


@pytest.mark.parametrize("case", CASES)
def test_an_experiment_of_the_smallest_people_has_results_or_is_refused_at_once(
    case: str, tmp_path: Path, garden: Survey
) -> None:
    people, tested = _people(case, tmp_path, garden)
    predictors = "[majority]" if case == "one predictor" else "[majority, random]"
    for kind, text in FIGURES.items():
        about = f"title: 'Odd: <b> | x'\nasks: Does it?\npredictors: {predictors}\n"
        spec = parse_experiment(about + "\n".join(map(str.strip, text.splitlines())), "smallest", "smallest.yaml")
        out = tmp_path / kind
        if (case, kind) in REFUSED:
            with pytest.raises(IndievalueError, match=REFUSED[case, kind]):
                run_experiment(spec, people, out, tested=tested)
            assert not list(out.glob("cells/*"))
            continue
        run_experiment(spec, people, out, tested=tested)
        for name in ("table.csv", "table.md", "table.tex", "figure.svg", "figure.png", "figure.pdf", "results.md"):
            assert (out / name).stat().st_size, (kind, name)
        assert not set(map(chr, [*range(9), *range(14, 32), 127])) & set((out / "figure.svg").read_text()), kind
