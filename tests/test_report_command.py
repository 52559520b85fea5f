"""'To do it again' is a command to copy: no absolute path, no null, and the same run when it is given again."""

import inspect
import re
import shlex
from dataclasses import asdict
from pathlib import Path
from typing import Any, Literal, get_args, get_origin

import pytest
import typer
import yaml
from typer.testing import CliRunner

from conftest import GARDEN, garden_answers
from indievalue.choices import USUAL
from indievalue.cli import app
from indievalue.cli.evaluate import evaluate
from indievalue.cli.flags import expanded
from indievalue.report.page import report_html
from indievalue.runs.repeat import command_of, option_name, without_folder
from indievalue.runs.storage import load_run
from rundirs import make_run


def command(tmp_path: Path, arguments: dict[str, Any], **changes: Any) -> str | None:
    return command_of(load_run(make_run(tmp_path / "run", "wvs7", arguments=arguments, **changes)).record)


def words(text: str) -> list[str]:
    return shlex.split(text.replace("\\\n", " "))


def test_a_command_has_what_was_chosen_and_neither_paths_nor_nulls(tmp_path: Path) -> None:
    text = command(
        tmp_path,
        {
            "data": "/home/me/survey data.csv",
            "directory": "/home/me/runs/x",
            "predictor": ["gaussian", "local:/home/me/models/tiny:score=label"],
            "saved": None,
            "people": "400",
            "force": True,
            "dry_run": False,
            "example": "p17",
            "people_file": "/home/me/ids.txt",
            "generate": ["temperature=0"],
            "model_argument": ["api_key=abc123", "device=cpu"],
            "form": "refined",
            "context": "statements",
            "retries": 3,
            "skip_failed": True,
            "seed": 4,
        },
    )
    assert text is not None
    assert words(text) == [
        *("indievalue", "evaluate", "survey data.csv", "--out", "again"),
        *("--predictor", "gaussian", "--predictor", "local:tiny:score=label", "--people", "400"),
        *("--people-file", "ids.txt", "--generate", "temperature=0"),
        *("--model-arg", "api_key=…", "--model-arg", "device=cpu", "--form", "refined", "--skip-failed", "--seed", "4"),
    ]
    assert "/home" not in text
    assert "abc123" not in text


def test_the_demo_an_import_and_a_run_made_in_python(tmp_path: Path) -> None:
    assert command(tmp_path / "a", {"command": "demo", "seed": 7}) == "indievalue demo \\\n  --seed 7 \\\n  --out again"
    imported = {
        "command": "import",
        "file": "/x/answers.jsonl",
        "data": "/x/d.csv",
        "benchmark": "/x/b",
        "missing": "refuse",
    }
    text = command(tmp_path / "b", imported, seconds={"theirs": 1.0})
    assert text is not None
    assert words(text) == [
        *("indievalue", "import", "answers.jsonl", "d.csv", "--benchmark", "b", "--missing", "refuse"),
        *("--out", "again", "--name", "theirs"),
    ]
    assert command(tmp_path / "c", {}) is None


@pytest.mark.parametrize(
    ("given", "left"),
    [
        ("/data/wvs7.csv", "wvs7.csv"),
        ("~/wvs7.csv", "wvs7.csv"),
        ("C:\\data\\wvs7.csv", "wvs7.csv"),
        ("data/wvs7.csv", "data/wvs7.csv"),
        ("synthetic:5000", "synthetic:5000"),
        ("resemble:k=35", "resemble:k=35"),
        ("openai/gpt-4o", "openai/gpt-4o"),
        ("local:/models/a/b:score=label,batch=4", "local:b:score=label,batch=4"),
        ("local:org/model", "local:org/model"),
    ],
)
def test_names_of_files_stay_and_folders_go(given: str, left: str) -> None:
    assert without_folder(given) == left


def test_the_command_on_the_page_makes_the_same_run_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    garden_answers(60).write_csv(tmp_path / "garden.csv")
    first = ["evaluate", str(tmp_path / "garden.csv"), "--survey", str(GARDEN), "--people", "20", "--form", "refined"]
    first += ["--predictor", "majority", "--predictor", "resemble:k=3", "--demonstrations", "3", "--seed", "5"]
    assert CliRunner().invoke(app, [*first, "--out", str(tmp_path / "run")]).exit_code == 0
    page = (tmp_path / "run" / "report.html").read_text()
    (shown,) = re.findall(r"<pre[^>]*><code>(.*?)</code></pre>", page, re.S)
    assert str(tmp_path) not in page
    assert not re.search(r"\bnull\b|\bNone\b", shown)
    (tmp_path / "garden").symlink_to(GARDEN)
    monkeypatch.chdir(tmp_path)
    result = CliRunner().invoke(app, words(shown)[1:])
    assert result.exit_code == 0, result.output
    runs = [load_run(tmp_path / name) for name in ("run", "again")]
    assert runs[0].predictions.equals(runs[1].predictions)
    assert runs[0].record.benchmark == runs[1].record.benchmark


def test_every_option_of_evaluate_is_written_as_the_command_line_reads_it(tmp_path: Path) -> None:
    """Whatever the record holds of a call with every option, its command can be parsed again, to the same values."""
    parser = typer.main.get_command(app).commands["evaluate"]
    given = ["/x/d.csv", "--out", "run", "--predictor", "gaussian"]
    for option in parser.params:
        if option.param_type_name != "option" or option.name in ("directory", "predictor", "help", "config"):
            continue
        if option.name == "demonstrations":  # --show has their number
            continue
        flag = option.opts[0]
        if option.is_flag:
            given.append(flag)
        else:
            given += [flag, _value(option.name)]
    called = parser.make_context("evaluate", list(given))
    arguments = {name: str(value) if isinstance(value, Path) else value for name, value in called.params.items()}
    text = command(tmp_path, arguments)
    assert text is not None
    again = parser.make_context("evaluate", words(text)[2:]).params
    changed = {"data": "d.csv", "directory": Path("again")}
    unchanging = {"force", "dry_run", "rate", "figures", "example", "config"}
    assert {"on", "shards"} < set(called.params) - unchanging
    assert {name: value for name, value in again.items() if name not in unchanging} == {
        **{name: value for name, value in called.params.items() if name not in unchanging},
        **changed,
    }


def test_what_is_left_out_of_command_and_file_is_what_the_command_line_does_by_default() -> None:
    parameters = {one.name: one for one in typer.main.get_command(app).commands["evaluate"].params}
    by_default = {
        name: one.default
        for name, one in parameters.items()
        if one.default not in (None, False) and one.name not in ("seed", "help") and not one.required
    }
    assert by_default == asdict(USUAL)
    assert {name for name in parameters if f"--{option_name(name)}" not in parameters[name].opts} == {"data", "further"}


def test_command_and_file_repeat_a_run_by_the_same_options(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    garden_answers(60).write_csv(tmp_path / "garden.csv")
    (tmp_path / "garden").symlink_to(GARDEN)
    monkeypatch.chdir(tmp_path)
    given = ["evaluate", "garden.csv", "--survey", "garden", "--predictor", "resemble:k=3", "--predictor", "majority"]
    given += ["--people", "12", "--voice", "third", "--retries", "0", "--setup", "0,1", "--figures", "--folds", "2"]
    assert CliRunner().invoke(app, [*given, "--out", "run"]).exit_code == 0
    in_file = yaml.safe_load((tmp_path / "run" / "evaluate.yaml").read_text())
    text = command_of(load_run(tmp_path / "run").record)
    assert text is not None
    options = [word.removeprefix("--") for word in words(text) if word.startswith("--")]
    assert {"data", *options} == set(in_file)
    assert {"retries", "voice", "setup", "folds"} < set(options)
    assert not {"figures", "form", "force", "template"} & set(in_file)


_WORDS = {
    "context": "statements+year",
    "show": "relevant:2",
    "rows": "WAVE=2",
    "learn_rows": "WAVE=2",
    "on": "ray:10.0.0.1:6379",
}
"""Values of options that check them as they are read, and have no list of choices."""


def _value(name: str) -> str:
    """Return a value that an option of `evaluate` takes: the last of its choices, or 2."""
    if name in _WORDS:
        return _WORDS[name]
    annotation = get_args(inspect.signature(expanded(evaluate)).parameters[name].annotation)[0]
    kinds = [annotation, *get_args(annotation)]
    choices = [get_args(kind) for kind in kinds if get_origin(kind) is Literal]
    return str(choices[0][-1]) if choices else "2"


def test_a_run_made_in_python_has_its_settings_on_the_page(tmp_path: Path) -> None:
    page = report_html([load_run(make_run(tmp_path / "run", "wvs7", arguments={}))])
    part = page[page.index('id="reproduce"') :]
    assert "This run was made in Python" in part
    assert "<dt>protocol</dt><dd>strict</dd>" in part
    assert "<pre" not in part.split("</section>")[0]
