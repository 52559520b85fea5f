"""The settings of a training: one YAML file, every key of it checked."""

import dataclasses
from pathlib import Path
from typing import Any

import pytest
import yaml
from typer.testing import CliRunner

from conftest import ROOT, write_yaml
from indievalue.cli import app
from indievalue.errors import IndievalueError
from indievalue.reasoner.recipe import Recipe
from indievalue.reasoner.settings import LoraSettings, TrainingSettings, changed_keys, load_settings, parse_changes
from indievalue.reasoner.shipped import FOLDER, settings_file, shipped_settings


@pytest.mark.parametrize(
    ("keys", "message"),
    [
        ({"data": "a.csv", "out": "x", "learning_rate": 1}, "unknown key 'learning_rate'; there are out, model"),
        ({"data": "a.csv", "out": "x", "recipe": {"people": 1}}, "unknown key 'recipe.people'; there are people_per"),
        ({"data": "a.csv", "out": "x", "lora": {"r": 1}}, "unknown key 'lora.r'; there are rank, alpha"),
        ({"data": "a.csv"}, "'out' is missing"),
        ({"out": "x"}, "give `training_set`, or `data`"),
        ({"data": "a.csv", "training_set": "s", "out": "x"}, "one of the two"),
        ({"data": "a.csv", "out": "x", "packing": True}, "no other keeps examples"),
        ({"data": "a.csv", "out": "x", "patience": 2, "validate_every": 0}, "makes none"),
        ({"data": "a.csv", "out": "x", "patience": 2, "save_every": 150}, "multiple"),
        ({"data": "a.csv", "out": "x", "batch": 0}, "batch: Input should be greater"),
        ({"data": "a.csv", "out": "x", "recipe": {"demonstrations": [9, 1]}}, "from 9 to 1"),
    ],
)
def test_a_key_that_is_wrong_is_named(keys: dict[str, Any], message: str, tmp_path: Path) -> None:
    file = write_yaml(tmp_path, **keys)
    with pytest.raises(IndievalueError, match=message) as caught:
        load_settings(file)
    assert str(caught.value).startswith(f"{file}: ")


def test_a_file_may_build_on_another(tmp_path: Path) -> None:
    write_yaml(tmp_path, "base.yaml", data="a.csv", out="x", rate=0.5, recipe={"turns": 2, "people_per_question": 3})
    file = write_yaml(tmp_path, base="base.yaml", recipe={"turns": 4}, out="y")
    settings = load_settings(file, parse_changes(["recipe.people_per_question=9", "lora.rank=2", "dtype=float32"]))
    assert (settings.out, settings.rate, settings.recipe.turns) == ("y", 0.5, 4)
    assert (settings.recipe.people_per_question, settings.lora.rank, settings.lora.alpha) == (9, 2, 32)
    with pytest.raises(IndievalueError, match="KEY=VALUE"):
        parse_changes(["rate"])
    write_yaml(tmp_path, "base.yaml", base="run.yaml")
    with pytest.raises(IndievalueError, match="its own base"):
        load_settings(file)
    with pytest.raises(IndievalueError, match="cannot read the training settings"):
        load_settings(tmp_path / "absent.yaml")


@pytest.mark.parametrize("file", sorted(FOLDER.glob("*/*.yaml")), ids=lambda path: path.stem)
def test_configurations_that_ship_can_be_read(file: Path) -> None:
    if file.parent.name == "accelerate":
        assert yaml.safe_load(file.read_text())["mixed_precision"]
    else:
        load_settings(file, {"data": "wvs7.csv", "out": "x"})


@pytest.mark.parametrize("name", ["smollm2/laptop", "laptop"])
def test_shipped_settings_are_loaded_by_name(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "laptop").mkdir()  # what a training of them may have written
    settings = load_settings(name, {"data": "a.csv", "out": "x"})
    assert (settings.model, settings.chat, settings.last_layers) == ("smollm2", "no", 15)
    assert settings.recipe.show == "relevant:3"


def test_a_file_may_build_on_shipped_settings(tmp_path: Path) -> None:
    settings = load_settings(write_yaml(tmp_path, base="laptop", data="a.csv", out="x", recipe={"turns": 2}))
    assert (settings.recipe.turns, settings.recipe.teacher, settings.batch) == (2, "gaussian", 16)


def test_a_file_is_found_by_its_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    write_yaml(tmp_path, "polar-from-polar", data="a.csv", out="mine")  # two shipped ones end in this
    assert load_settings("polar-from-polar").out == "mine"


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("labtop", "did you mean 'smollm2/laptop'"),
        ("smollm/laptop", "did you mean 'smollm2/laptop'"),
        ("configs/smollm2/laptop.yaml", "did you mean 'smollm2/laptop'"),
        ("polar-from-polar", "could be llama-3.1-8b/polar-from-polar or smollm2/polar-from-polar"),
    ],
)
def test_settings_that_are_not_there_or_could_be_several(name: str, message: str, tmp_path: Path) -> None:
    with pytest.raises(IndievalueError, match=message):
        settings_file(name)


def test_shipped_settings_say_what_they_are_for() -> None:
    for name, purpose in shipped_settings().items():
        assert settings_file(name) == FOLDER / f"{name}.yaml"
        assert purpose.endswith((":", ".")) is False
        assert len(purpose) > 20, name
    assert shipped_settings()["smollm2/people-of-asia"].endswith("people of Asia")


def test_train_alone_lists_the_shipped_settings() -> None:
    listed = CliRunner().invoke(app, ["train"])
    assert listed.exit_code == 0
    assert "polar-from-refined" in listed.output
    assert str(FOLDER) in listed.output


def test_every_key_is_documented() -> None:
    page = (ROOT / "docs" / "train.md").read_text()
    keys = [
        *TrainingSettings.model_fields,
        *LoraSettings.model_fields,
        *(one.name for one in dataclasses.fields(Recipe)),
    ]
    assert TrainingSettings.model_fields["recipe"].annotation is Recipe
    assert TrainingSettings.model_fields["lora"].annotation is LoraSettings
    for key in keys:
        assert f"`{key}`" in page, key


def test_settings_of_an_earlier_version_are_the_same_where_nothing_is_new(tmp_path: Path) -> None:
    """A training that an earlier version began goes on, and cells that it finished are known again."""
    plain = load_settings("smollm2/polar-from-polar", {"data": "a.csv", "out": "x"})
    stored = plain.model_dump(mode="json")
    new = {"teacher", "teacher_weight", "teacher_shown", "prior_offset", "show", "show_order", "template"}
    assert not new & set(stored["recipe"])
    assert stored["recipe"]["demonstrations"] == [200, 200]
    taught = plain.model_copy(update={"recipe": dataclasses.replace(plain.recipe, teacher="gaussian")})
    file = write_yaml(tmp_path, **stored)
    assert changed_keys(file, plain, set()) == []
    assert changed_keys(file, taught, set()) == ["recipe"]
    assert load_settings(write_yaml(tmp_path, **taught.model_dump(mode="json"))) == taught
