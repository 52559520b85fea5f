"""No command prints the temporary path of what it writes (`.NAME.xxxxxxxx.partial`), whether it succeeds or fails."""

import re
import resource
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from conftest import GARDEN, garden_answers, write_yaml
from indievalue.cli import app
from indievalue.errors import IndievalueError

EXPERIMENT = """
title: Forms
asks: Does the form matter?
predictors: [majority]
grid: {form: [polar, refined]}
figure: {kind: dots, rows: form, colour: predictor}
"""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The working directory, with what the commands below read."""
    monkeypatch.chdir(tmp_path)
    garden_answers(60).write_csv("garden.csv")
    (tmp_path / "forms.yaml").write_text(EXPERIMENT)
    said = CliRunner().invoke(app, ["benchmark", "garden.csv", "--survey", str(GARDEN), "--people", "8", "--out", "b"])
    assert said.exit_code == 0, said.output
    return tmp_path


@pytest.fixture
def training(folder: Path, tiny_model: Path) -> None:
    """The settings of a training in the working directory."""
    pytest.importorskip("trl", reason="training needs trl (extra train)")
    recipe = {"people_per_question": 8, "validation_per_question": 3, "demonstrations": [2, 4]}
    about = {"data": "garden.csv", "survey": str(GARDEN), "recipe": recipe, "tested": 20, "model": str(tiny_model)}
    steps = {"length": 1024, "steps": 2, "batch": 4, "lora": {"rank": 4}, "validate_every": 2, "save_every": 2}
    write_yaml(folder, "train.yaml", **about, **steps, out="out")


OF_GARDEN = ["garden.csv", "--survey", str(GARDEN)]
COMMANDS = {
    "evaluate": ["evaluate", *OF_GARDEN, "--predictor", "majority", "--people", "8", "--figures", "--out", "out"],
    "experiment": ["experiment", "forms.yaml", *OF_GARDEN, "--people", "8", "--yes", "--out", "out"],
    "training-set": ["training-set", *OF_GARDEN, "--tested", "8", "--people-per-question", "8", "--out", "out"],
    "benchmark": ["benchmark", *OF_GARDEN, "--people", "8", "--out", "out"],
    "catalog": ["catalog", *OF_GARDEN, "--text", "--out", "out"],
    "demo": ["demo", "synthetic:1200", "--out", "out"],
    **{f"export {to}": ["export", "b", "--to", to, "--out", "out"] for to in ("jsonl", "inspect", "lm-eval", "hf")},
}

HIDDEN = re.compile(r"(?<![\w.])\.\w")
"""The beginning of a hidden name in an error."""

FAILING = {
    "evaluate": [*COMMANDS["evaluate"], "--predictor", "local:garden.csv"],
    "experiment": [*COMMANDS["experiment"], "--predictor", "majority", "--predictor", "local:garden.csv"],
    "export": [*COMMANDS["export jsonl"], "--template", "broken.jinja"],
}
"""A predictor and a template that fail when they are used."""


def ran(arguments: list[str]) -> tuple[Result, str]:
    """Run a command; return its result and all it has said, with the error."""
    result = CliRunner().invoke(app, arguments)
    return result, f"{result.output}\n{result.exception}"


@contextmanager
def full_disk(room: int) -> Iterator[None]:
    """A disk on which no file can be larger than ``room`` bytes."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (room, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


@pytest.mark.parametrize("name", [pytest.param(name, marks=[pytest.mark.slow] * (name == "demo")) for name in COMMANDS])
def test_on_success(folder: Path, name: str) -> None:
    result, said = ran(COMMANDS[name])
    assert result.exit_code == 0, said
    assert ".partial" not in said


@pytest.mark.parametrize("name", FAILING)
def test_if_what_is_run_fails(folder: Path, name: str) -> None:
    (folder / "broken.jinja").write_text("{{ probe.nothing.here }}")
    result, said = ran(FAILING[name])
    assert result.exit_code == 1, said
    assert ".partial" not in said


@pytest.mark.parametrize("room", [0, 300, 3_000, 30_000, 300_000])
@pytest.mark.parametrize("name", COMMANDS)
def test_if_the_disk_is_full(folder: Path, name: str, room: int) -> None:
    with full_disk(room):
        result, said = ran(COMMANDS[name])
    assert result.exit_code == 0 or isinstance(result.exception, IndievalueError | SystemExit), said
    assert ".partial" not in said
    if isinstance(result.exception, IndievalueError):  # what the user gave is named, and nothing hidden beside it
        assert re.search(r"cannot write out\b", str(result.exception)), said
        assert HIDDEN.search(str(result.exception)) is None, said


@pytest.mark.parametrize("name", COMMANDS)
def test_if_the_directory_cannot_be_made(folder: Path, name: str) -> None:
    (folder / "file").touch()
    result, said = ran(["file/out" if word == "out" else word for word in COMMANDS[name]])
    assert result.exit_code == 1
    assert isinstance(result.exception, IndievalueError)
    assert ".partial" not in said


@pytest.mark.usefixtures("training")
def test_of_a_training(folder: Path) -> None:
    for room in (0, 300, 3_000, 30_000):
        with full_disk(room):
            result, said = ran(["train", "train.yaml"])
        assert isinstance(result.exception, IndievalueError), said
        assert ".partial" not in said
        assert HIDDEN.search(str(result.exception)) is None, said
    (folder / "file").touch()
    for changes, code in ((["--set", "length=5"], 1), (["--set", "out=file/out"], 1), ([], 0)):
        result, said = ran(["train", "train.yaml", *changes, "--force"])
        assert result.exit_code == code, said
        assert ".partial" not in said
