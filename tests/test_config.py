"""`evaluate --config`: options in a YAML file, and the file in every run directory that repeats the run."""

import json
import os
from pathlib import Path

import polars as pl
import pytest
import yaml
from typer.testing import CliRunner, Result

from conftest import GARDEN, garden_answers
from indievalue.cli import app
from indievalue.errors import IndievalueError
from indievalue.survey.load import shipped_surveys


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The working directory, with data and people to test in it."""
    monkeypatch.chdir(tmp_path)
    garden_answers(60).write_csv(tmp_path / "garden.csv")
    (tmp_path / "some.txt").write_text("\n".join(f"g{number:04d}" for number in range(12)))
    return tmp_path


def evaluated(*arguments: str) -> Result:
    return CliRunner().invoke(app, ["evaluate", *arguments])


def written(folder: Path, **keys: object) -> Path:
    file = folder / "mine.yaml"
    file.write_text(yaml.safe_dump({"data": "garden.csv", "survey": str(GARDEN), "predictor": "majority", **keys}))
    return file


def plain(found: Result) -> str:
    """What a command that failed has said, without the frame around wrong usage."""
    if isinstance(found.exception, IndievalueError):
        return str(found.exception)
    return " ".join(found.output.replace("│", " ").split())


def test_a_run_is_repeated_by_the_file_in_its_directory_from_anywhere(folder: Path) -> None:
    options = ["--survey", os.path.relpath(GARDEN, folder), "--predictor", "resemble:k=3", "--predictor", "majority"]
    shown = ["--people-file", "some.txt", "--demonstrations", "4", "--form", "refined", "--weights", "equal"]
    first = evaluated("garden.csv", *options, *shown, "--setup", "0,1", "--seed", "7", "--out", "runs/x")
    assert first.exit_code == 0, first.output
    content = yaml.safe_load((folder / "runs/x/evaluate.yaml").read_text())
    assert content == {
        "data": "../../garden.csv",
        "predictor": ["resemble:k=3", "majority"],
        "form": "refined",
        "setup": "0,1",
        "demonstrations": "4",
        "people-file": "../../some.txt",
        "survey": Path(os.path.relpath(GARDEN, folder / "runs/x")).as_posix(),
        "seed": 7,
        "weights": "equal",
        "out": "../x-again",
    }
    (folder / "elsewhere").mkdir()
    os.chdir(folder / "elsewhere")
    again = evaluated("--config", "../runs/x/evaluate.yaml")
    assert again.exit_code == 0, again.output
    one, other = (folder / "runs" / name for name in ("x", "x-again"))
    assert pl.read_parquet(one / "predictions.parquet").equals(pl.read_parquet(other / "predictions.parquet"))
    assert (one / "summary.json").read_text() == (other / "summary.json").read_text()
    third = evaluated("--config", str(other / "evaluate.yaml"), "--out", "third")
    assert third.exit_code == 0, third.output
    assert (folder / "elsewhere/third/summary.json").read_text() == (one / "summary.json").read_text()


def test_the_command_line_takes_precedence(folder: Path) -> None:
    file = written(folder, people=10, form="refined", out="run")
    found = evaluated("--config", str(file), "--form", "polar", "--people", "8")
    assert found.exit_code == 0, found.output
    record = json.loads((folder / "run/run.json").read_text())
    assert (record["form"], record["people"]) == ("polar", 8)


def test_values_may_be_written_as_yaml_has_them(folder: Path) -> None:
    file = written(folder, people=10, setup=[0, 1], demonstrations=4, out="run", figures=False)
    file.write_text(file.read_text() + "generate: {temperature: 0}\nmodel_arg: []\n".replace("model_arg: []\n", ""))
    found = evaluated("--config", str(file))
    assert found.exit_code == 0, found.output
    record = json.loads((folder / "run/run.json").read_text())
    assert (record["setups"], record["demonstrations"]) == ([0, 1], 4)
    assert record["arguments"]["generate"] == ["temperature=0"]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("peple: 3", "no option 'peple'; did you mean 'people'?"),
        ("config: other.yaml", "no option 'config'"),
        ("people:", "people needs a value"),
        ("people: []", "people needs a value"),
        ("predictor: [[majority]]", "predictor needs a value"),
        ("people: {a: 1}", "people needs a value"),
        ("- people", "not a configuration"),
        ("", "not a configuration"),
        ("people: 3\npeople: 4", "people"),
        ("a: [", "mine.yaml"),
        ("a: " + "[" * 100_000, "mine.yaml"),
    ],
)
def test_a_file_that_is_no_configuration_is_refused_with_its_name(folder: Path, text: str, message: str) -> None:
    (folder / "mine.yaml").write_text(text)
    found = evaluated("garden.csv", "--config", "mine.yaml", "--out", "run", "--predictor", "majority")
    assert isinstance(found.exception, IndievalueError)
    said = str(found.exception)
    assert "mine.yaml" in said
    assert message in said
    assert "\n" not in said
    assert not (folder / "run").exists()


def test_values_are_checked_like_options(folder: Path) -> None:
    for keys, message in (
        ({"form": "round"}, "--form"),
        ({"seed": "x"}, "--seed"),
        ({"folds": 0}, "--folds"),
        ({"people": -1}, "--people"),
    ):
        found = evaluated("--config", str(written(folder, out="run", **keys)))
        assert found.exit_code == 2, found.output
        assert message in found.output


def unbroken(text: str) -> str:
    """Return text without blanks and the frame of an error, in which a long path is broken anywhere."""
    return "".join(text.replace("│", "").split())


@pytest.mark.parametrize(
    ("keys", "key", "remedy"),
    [
        ({"people": -3}, "people", "takes a number from 0 on, not -3"),
        ({"folds": 0}, "folds", "greater than or equal to 1"),
        ({"form": "round"}, "form", "'polar', 'refined'"),
        ({"setup": "x"}, "setup", "takes a whole number, not 'x'"),
        ({"setup": 99}, "setup", "the protocol has 0 to 2"),
        ({"people": 1000}, "people", "--people all"),
        ({"price": "a"}, "price", "two numbers such as 2.50,10"),
        ({"template": "nonsense"}, "template", "give single or batch, or the path of a file"),
        ({"predictor": "gausian"}, "predictor", "did you mean 'gaussian'?"),
        ({"data": "none.csv"}, "data", "there is no file none.csv"),
        ({"survey": "nonsense"}, "survey", f"give one of {', '.join(shipped_surveys())}, or a folder"),
        ({"encoding": "nope"}, "encoding", "common ones are utf-8"),
        ({"people-file": "none.txt"}, "people-file", "cannot read the list of people none.txt"),
        ({"benchmark": "none"}, "benchmark", "none holds no benchmark"),
        ({"example": "nobody"}, "example", "'nobody' is not among"),
    ],
)
def test_an_error_in_a_value_names_the_file_and_the_key(
    folder: Path, keys: dict[str, object], key: str, remedy: str
) -> None:
    found = evaluated("--config", str(written(folder, out="run", **keys)))
    said = unbroken(plain(found))
    assert unbroken(f"mine.yaml, {key}: ") in said
    assert unbroken(remedy) in said
    assert not (folder / "run").exists()


def test_an_error_in_a_value_of_the_command_line_does_not_blame_the_file(folder: Path) -> None:
    file = str(written(folder, out="run", people=3, template="single"))
    for given in (("--people", "-3"), ("--template", "nonsense"), ("--folds", "0"), ("--example", "nobody")):
        found = evaluated("--config", file, *given)
        assert found.exit_code != 0
        assert "mine.yaml" not in plain(found)


def test_files_that_cannot_be_read(folder: Path) -> None:
    (folder / "binary.yaml").write_bytes(b"\xff\xfe\x00\x81")
    for name in ("absent.yaml", "binary.yaml", "."):
        found = evaluated("--config", name)
        assert isinstance(found.exception, IndievalueError)
        assert str(found.exception).startswith(f"cannot read the configuration {name}: ")


@pytest.mark.parametrize(
    "secret",
    [
        ("--model-arg", "api_key=hush"),
        ("--generate", "extra_headers={Authorization: hush}"),
        ("--base-url", "http://me:hush@127.0.0.1:1/v1"),
        ("--base-url", "http://127.0.0.1:1/v1?api_key=hush"),
        ("--model-arg", "endpoint=https://me:hush@host/"),
    ],
)
@pytest.mark.parametrize("beside", [(), ("--model-arg", "region=eu", "--generate", "max_tokens=5")])
def test_no_secret_is_in_any_file_of_a_run(folder: Path, secret: tuple[str, ...], beside: tuple[str, ...]) -> None:
    given = ("garden.csv", "--survey", str(GARDEN), "--predictor", "majority", "--people", "8", "--out", "run")
    found = evaluated(*given, *secret, *beside, "--limit-cost", "3", "--price", "1,2")
    assert found.exit_code == 0, found.output
    for file in (folder / "run").rglob("*"):
        assert file.is_dir() or b"hush" not in file.read_bytes(), file.name
    content = yaml.safe_load((folder / "run/evaluate.yaml").read_text())
    assert "limit-cost" not in content
    assert [] not in content.values()
    if beside:
        assert "region=eu" in content["model-arg"]
        assert "max_tokens=5" in content["generate"]
    again = evaluated("--config", "run/evaluate.yaml")
    assert again.exit_code == 0, again.output
