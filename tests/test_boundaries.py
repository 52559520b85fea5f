"""Files of the package's own that somebody, or a failing disk, has changed are refused in one line with their name."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import polars as pl
import pytest
import yaml

from conftest import GARDEN
from indievalue.benchmark.build import build_benchmark
from indievalue.benchmark.model import Settings
from indievalue.benchmark.storage import save_benchmark
from indievalue.cli.benchmark_options import BenchmarkFlags
from indievalue.elicitation.session import load_session
from indievalue.errors import IndievalueError
from indievalue.exchange.export import export_benchmark
from indievalue.experiments.run import run_experiment
from indievalue.experiments.spec import load_experiment, parse_experiment
from indievalue.people.people import People
from indievalue.predictors.local.source import find_source
from indievalue.predictors.local.trained_on import check_not_trained_on, write_trained_on
from indievalue.reasoner.draw import TRAIN
from indievalue.reasoner.leakage import people_of_benchmark
from indievalue.reasoner.settings import TrainingSettings, changed_keys
from indievalue.reasoner.training_set import load_training_set
from indievalue.runs.storage import load_run
from indievalue.survey.load import load_survey
from rundirs import make_run, some_people

MISSING = object()
EXPERIMENT = """
name: small
title: How much must be known of a gardener?
asks: Do more statements help?
predictors: [majority]
grid: {demonstrations: [0, 2]}
minimum: 30
figure: {kind: curve, x: demonstrations}
"""


@dataclass(frozen=True)
class Boundary:
    """A file of one kind: what makes it, what loads it, and where it holds which values.

    Attributes:
        make: writes everything into a folder, and returns the file. load: loads it, given the file.
        wrong: path of keys → values that cannot be there.
    """

    make: Callable[[Path, People], Path]
    load: Callable[[Path, People], object]
    wrong: dict[str, tuple[Any, ...]]


def _training_set(folder: Path, people: People) -> Path:
    from indievalue.reasoner.recipe import Recipe
    from indievalue.reasoner.training_set import write_training_set

    recipe = Recipe(people_per_question=8, validation_per_question=3, demonstrations=(2, 4))
    write_training_set(people, recipe, set(people.ids[:20].tolist()), folder / "set")
    return folder / "set" / "manifest.json"


def _examples(folder: Path, people: People) -> Path:
    file = _training_set(folder, people).parent / "train.jsonl"
    file.write_text(file.read_text().splitlines()[0])
    return file


def _run(name: str) -> Callable[[Path, People], Path]:
    def make(folder: Path, people: People) -> Path:
        who = some_people(3, country=["Chile"])
        return make_run(folder / "run", "wvs7", people=who, predictors=["majority"]) / name

    return make


def _written(name: str, content: Any) -> Callable[[Path, People], Path]:
    def make(folder: Path, people: People) -> Path:
        (folder / name).write_text(yaml.safe_dump(content) if name.endswith("yaml") else json.dumps(content))
        return folder / name

    return make


def _saved(folder: Path, people: People) -> Path:
    benchmark = build_benchmark(people, Settings(), 9)
    save_benchmark(benchmark, folder / "saved")
    file = folder / "saved" / "tasks.jsonl"
    file.write_text(file.read_text().splitlines()[0])
    return folder / "saved"


def _exported(file: Path, people: People) -> None:
    export_benchmark(file.parent, "jsonl", file.parent.parent / "exported", force=True)


def _trained_on(folder: Path, people: People) -> Path:
    write_trained_on(folder, people.ids[:3].tolist())
    return folder / "trained-on.json"


def _cell(folder: Path, people: People) -> Path:
    run_experiment(parse_experiment(EXPERIMENT, "small", "small.yaml"), people, folder / "out", tested=14)
    return min((folder / "out" / "cells").glob("*/cell.json"))


def _again(file: Path, people: People) -> None:
    run_experiment(parse_experiment(EXPERIMENT, "small", "small.yaml"), people, file.parents[2], tested=14)


def _continued(file: Path, people: People) -> None:
    run_experiment(parse_experiment(EXPERIMENT, "small", "small.yaml"), people, file.parent, tested=14)


TURN = {"question": "P1", "option": 1, "statement": None, "probability": 0.5}

BOUNDARIES = {
    "manifest.json": Boundary(
        _training_set,
        lambda file, people: load_training_set(file.parent),
        {
            "format": (MISSING, 9, "1", None),
            "tested": ("20", -1, 2.5, None, True),
            "recipe.turns": ("1", 0, [1]),
            "recipe.demonstrations": ([9, 1], [0], "all"),
            "recipe.forms": (["coarse"], [], "polar"),
            "recipe.people": (1,),
            "majority.train": (float("nan"), -0.1, 1.1, "0.5"),
            "majority.x": (0.5,),
            "parts.train": (MISSING, None, []),
            "parts.train.examples": ("80", -1, MISSING, 1.5),
            "parts.train.tokens.p95": ("70", None, MISSING),
            "parts.train.demonstrations.mean": (float("nan"), float("inf"), "1.5", -1),
            "parts.train.blake2b": ("../../etc", 12, ""),
            "parts.../x": ({},),
            "extra": (1,),
        },
    ),
    "train.jsonl": Boundary(
        _examples,
        lambda file, people: list(load_training_set(file.parent).examples(TRAIN)),
        {
            "person": (MISSING, None, 12, "nobody"),
            "messages": ("x", [{"role": "user"}], MISSING),
            "labels": ("AB", [1], MISSING),
            "demonstrations": ("2", 2.5),
        },
    ),
    "run.json": Boundary(
        _run("run.json"),
        lambda file, people: load_run(file.parent),
        {
            "people": ("3", -3, 2.5, None, MISSING),
            "seed": ("7", None, 1.5),
            "format": ("1", None, 0.5),
            "form": ("coarse", 1, MISSING),
            "demonstrations": ("200", -1, 0.5),
            "data": ([], None, MISSING),
            "data.rows": ("40", -40, MISSING),
            "data.extra": (1,),
            "eligibility.excluded": ({"left early": "9"}, {"left early": -9}, []),
            "seconds": ({"random": "0.1"}, {"random": float("nan")}, {"random": -1}),
            "setups": (["0"], "0"),
            "extra": (1,),
        },
    ),
    "summary.json": Boundary(
        _run("summary.json"),
        lambda file, people: load_run(file.parent),
        {
            "majority": ([], None, "x", MISSING),
            "majority.accuracy": ("50", float("nan"), -1, 101, None, MISSING),
            "majority.accuracy_low": ("50", float("inf"), -1),
            "majority.log_loss": ("0.5", float("nan"), -1),
            "majority.probes": ("9", -1, 1.5, MISSING),
            "majority.invalid": ("0", -1, True),
            "majority.setups.0.people": ("3", -3, MISSING),
            "majority.extra": (1,),
        },
    ),
    "example.json": Boundary(
        _run("example.json"),
        lambda file, people: load_run(file.parent),
        {"0.setup": ("0", None, MISSING), "0.person": (1,), "0.probes.0.answer": ("0", MISSING), "0.extra": (1,)},
    ),
    "benchmark.json": Boundary(
        _written("benchmark.json", {"people": ["g1", "g2"]}),
        lambda file, people: people_of_benchmark(file.parent),
        {"people": ("g1", {"g1": 1}, [], [1, 2], [None], 12, MISSING)},
    ),
    "exported/benchmark.json": Boundary(
        lambda folder, people: _saved(folder, people) / "benchmark.json",
        _exported,
        {
            "settings": ([], None, MISSING),
            "settings.seed": ("0", None, 1.5, MISSING),
            "settings.form": ("coarse", 1, MISSING),
        },
    ),
    "tasks.jsonl": Boundary(
        lambda folder, people: _saved(folder, people) / "tasks.jsonl",
        _exported,
        {
            "person": (1, None, MISSING),
            "setup": ("0", float("nan"), MISSING),
            "demonstrations": ("x", [{"question": "P1"}], MISSING),
            "probes": ({}, [1], MISSING),
            "probes.0.answer": ("0", -1, 99, None, MISSING),
            "probes.0.options": ("AB", [], [1, 2], MISSING),
        },
    ),
    "trained-on.json": Boundary(
        _trained_on,
        lambda file, people: check_not_trained_on(file.parent, ["nobody"]),
        {"0": (1, None, "x", ["0123456789abcdef"], "0123456789ABCDEF")},
    ),
    "adapter_config.json": Boundary(
        _written("adapter_config.json", {"base_model_name_or_path": "nowhere/at-all"}),
        lambda file, people: find_source(str(file.parent)),
        {"base_model_name_or_path": (1, [], {}, True)},
    ),
    "session.json": Boundary(
        _written("session.json", {"survey": "garden", "turns": [TURN]}),
        lambda file, people: load_session(file, load_survey(str(GARDEN))),
        {
            "survey": (1, "other", MISSING),
            "turns": (MISSING, {}, [TURN, TURN], "x"),
            "turns.0.option": ("1", -1, 99, 1.5, True),
            "turns.0.probability": ("0.5", float("nan"), -0.5, 2),
            "turns.0.question": ("P99", None, MISSING),
        },
    ),
    "cell.json": Boundary(
        _cell,
        _again,
        {
            "format": ("1", None, MISSING),
            "seed": ("0", None, MISSING),
            "seconds": ([], None, {"fit": "1", "predict": 1}, {"fit": float("nan"), "predict": 1}),
            "seconds.fit": (-1, "1", float("inf")),
            "settings": ([], None, MISSING),
            "predictor": (1, MISSING),
            "effort": ("much", 3),
            "extra": (1,),
        },
    ),
    "experiment.yaml": Boundary(
        _written("experiment.yaml", yaml.safe_load(EXPERIMENT)),
        lambda file, people: load_experiment(str(file)),
        {
            "title": (1, None, MISSING),
            "predictors": ([], "majority", [1], MISSING),
            "minimum": ("30", 1, -1, float("nan"), 2.5),
            "grid": ({"demonstrations": []}, {"people": [1]}, []),
            "figure": ({"kind": "pie"}, {"kind": "curve"}, {"kind": "curve", "x": 1}, MISSING),
            "settings": ({"x": 1}, {"demonstrations": 1}, 3),
            "extra": (1,),
        },
    ),
    "out/experiment.yaml": Boundary(
        lambda folder, people: _cell(folder, people).parents[2] / "experiment.yaml",
        _continued,
        {"name": (1, None, [], MISSING)},
    ),
    "settings.yaml": Boundary(
        _written("settings.yaml", {"data": "a.csv", "out": ["x", "y"]}),
        lambda file, people: changed_keys(file, TrainingSettings(out="x", data="a.csv"), set()),
        {},
    ),
}

BROKEN = {
    "truncated": lambda whole: whole[: len(whole) // 2 + 1],
    "empty": lambda whole: b"",
    "binary": lambda whole: b"\x89PNG\r\n\x1a\n\x00\x00\xff\xfe",
    "zeros": lambda whole: b"\0" * len(whole),
    "utf-16": lambda whole: whole.decode().encode("utf-16"),
    "nested deeply": lambda whole: b"[" * 100_000,
    "a list in a list": lambda whole: b"[[1]]",
    "a number": lambda whole: b"12",
    "null": lambda whole: b"null",
    "a text": lambda whole: b'"text"',
}


def _changed(content: Any, path: str, value: Any) -> Any:
    """A copy of ``content`` with another value at ``path``, or without it."""
    made = json.loads(json.dumps(content))
    *above, last = path.replace("...", ".\0").split(".") if "..." in path else path.split(".")
    inner = made
    for key in above:
        inner = inner[int(key) if isinstance(inner, list) else key]
    at = int(last) if isinstance(inner, list) else last.replace("\0", "../")
    if value is MISSING:
        del inner[at]
    else:
        inner[at] = value
    return made


def _refused(boundary: Boundary, file: Path, people: People) -> None:
    with pytest.raises(IndievalueError) as told:
        boundary.load(file, people)
    said = str(told.value)
    assert file.name in said
    assert str(file.parent) in said
    assert "\n" not in said
    assert len(said) < 700


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory, garden_people: People) -> Callable[[str], Path]:
    """The undamaged file of a boundary, made once."""
    files: dict[str, Path] = {}

    def of(name: str) -> Path:
        if name not in files:
            files[name] = BOUNDARIES[name].make(tmp_path_factory.mktemp("whole"), garden_people)
        return files[name]

    return of


@pytest.fixture
def boundary(request: pytest.FixtureRequest, made: Callable[[str], Path]) -> Any:
    """A boundary and its file, which is whole again afterwards."""
    file = made(request.param)
    whole = file.read_bytes()
    yield BOUNDARIES[request.param], file
    file.write_bytes(whole)


@pytest.mark.parametrize("boundary", BOUNDARIES, indirect=True)
def test_values_that_cannot_be_are_refused_with_the_file(
    boundary: tuple[Boundary, Path], garden_people: People
) -> None:
    kind, file = boundary
    text = file.read_text()
    content = yaml.safe_load(text) if file.suffix == ".yaml" else json.loads(text)
    for path, values in kind.wrong.items():
        for value in values:
            changed = _changed(content, path, value)
            file.write_text(yaml.safe_dump(changed) if file.suffix == ".yaml" else json.dumps(changed))
            try:
                _refused(kind, file, garden_people)
            except BaseException as error:
                error.add_note(f"{path} = {'missing' if value is MISSING else value!r}")
                raise


@pytest.mark.parametrize("boundary", BOUNDARIES, indirect=True)
@pytest.mark.parametrize("damage", BROKEN.values(), ids=BROKEN.keys())
def test_what_is_no_such_file_is_refused_with_its_name(
    boundary: tuple[Boundary, Path], damage: Callable[[bytes], bytes], garden_people: People
) -> None:
    kind, file = boundary
    file.write_bytes(damage(file.read_bytes()))
    _refused(kind, file, garden_people)


@pytest.mark.parametrize("boundary", [name for name in BOUNDARIES if name != "trained-on.json"], indirect=True)
def test_a_key_that_occurs_twice_is_refused(boundary: tuple[Boundary, Path], garden_people: People) -> None:
    kind, file = boundary
    text = file.read_text()
    if file.suffix == ".yaml":
        file.write_text(text + text.splitlines()[0] + "\n")
    else:
        start = text.index("{") + 1
        key = text[start:].lstrip().split('"')[1]
        file.write_text(f'{text[:start]}"{key}": 0, {text[start:]}')
    with pytest.raises(IndievalueError, match=r"occurs twice") as told:
        kind.load(file, garden_people)
    assert file.name in str(told.value)


@pytest.mark.parametrize("name", sorted({*BOUNDARIES} - {"train.jsonl", "adapter_config.json"}))
def test_the_undamaged_file_is_read(name: str, made: Callable[[str], Path], garden_people: People) -> None:
    BOUNDARIES[name].load(made(name), garden_people)


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        (lambda table: table.drop("part"), "part must be a column of text"),
        (lambda table: table.with_columns(person=pl.lit(3)), "person must be a column of text"),
        (lambda table: table.with_columns(part=pl.lit("other")), "row 1: the training set has no part 'other'"),
        (lambda table: table.with_columns(person=pl.lit(None, pl.String)), "row 1: a value is missing"),
        (lambda table: pl.concat([table, table.head(1)]), r"row \d+: 'g\d+' is in train twice"),
    ],
)
def test_the_people_of_a_training_set_are_checked(
    small_set: Path, change: Callable[[pl.DataFrame], pl.DataFrame], complaint: str
) -> None:
    file = small_set / "people.parquet"
    change(pl.read_parquet(file)).write_parquet(file)
    with pytest.raises(IndievalueError, match=rf"people\.parquet.*{complaint}.*; write the training set again"):
        load_training_set(small_set)


@pytest.mark.parametrize(
    ("content", "complaint"),
    [
        (b"", "lists nobody"),
        (b"\n \n\t\n", "lists nobody"),
        (b"g1\ng2\n\n g1 \n", "line 4: 'g1' is on line 1 already"),
        (b"g0001\nnobody\nnowhere\n", "lists 2 of 3 people who are not in the data, first 'nobody'"),
        (b"\xef\xbb\xbfnobody\r\n", "lists 1 of 1 people who are not in the data, first 'nobody'"),
        (b"person,weight\ng1,1\n", "not in the data, first 'person,weight'"),
        (b"PK\x03\x04\x14\0\0\0", "line 1 is no id, but holds control characters"),
        (b"g1\ng2\0\n", "line 2 is no id"),
        (b"\x1b[2Jg1\n", "line 1 is no id"),
        (b"\x89PNG\r\n\x1a\n", "is not text in UTF-8"),
        ("g1\n".encode("utf-16"), "is not text in UTF-8"),
        ("Jos\u00e9\n".encode("cp1252"), "is not text in UTF-8"),
        (b"[" * 100_000, "not in the data"),
    ],
)
def test_a_list_of_people_that_cannot_be_is_refused_with_its_name(
    content: bytes, complaint: str, tmp_path: Path, gardeners: People
) -> None:
    file = tmp_path / "who.txt"
    file.write_bytes(content)
    drawing = BenchmarkFlags(people_file=file)
    with pytest.raises(IndievalueError, match=complaint) as told:
        drawing.check_tested(drawing.tested(), gardeners)
    assert str(file) in str(told.value)
    assert "\n" not in str(told.value)


def test_a_list_of_people_may_have_blank_lines_and_spaces(tmp_path: Path, gardeners: People) -> None:
    first, second = gardeners.ids[:2].tolist()
    (tmp_path / "who.txt").write_bytes(f"\ufeff {first}\r\n\r\n{second}\t\r\n".encode())
    drawing = BenchmarkFlags(people_file=tmp_path / "who.txt")
    assert drawing.tested() == [first, second]
    drawing.check_tested(drawing.tested(), gardeners)
