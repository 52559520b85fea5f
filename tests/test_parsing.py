"""YAML and JSON that somebody else wrote: what cannot be read is refused in a line, at once, whatever it holds."""

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from typer.testing import CliRunner

from conftest import GARDEN
from indievalue.cli import app
from indievalue.errors import IndievalueError
from indievalue.experiments.spec import load_experiment
from indievalue.parsing import parse_json, parse_yaml
from indievalue.reasoner.settings import load_settings
from indievalue.survey.load import load_survey


@pytest.mark.parametrize(
    ("text", "content"),
    [
        ("a: 1\nb: [1, {c: d}]", {"a": 1, "b": [1, {"c": "d"}]}),
        ("{a: 1, 'b': 2}", {"a": 1, "b": 2}),
        (
            "one: &one {a: 1}\ntwo: *one\nthree: {<<: *one, b: 2}",
            {"one": {"a": 1}, "two": {"a": 1}, "three": {"a": 1, "b": 2}},
        ),
        ("text: 'a * b [[[[ {'", {"text": "a * b [[[[ {"}),
        ("1: a\n'1': b", {1: "a", "1": "b"}),
        ("", None),
        ("[" * 4 + "]" * 4, [[[[]]]]),
    ],
)
def test_a_sound_document_is_read(text: str, content: object) -> None:
    assert parse_yaml(text) == content


def test_a_document_may_be_a_hundred_levels_deep() -> None:
    assert parse_yaml("[" * 100 + "]" * 100) == json.loads("[" * 100 + "]" * 100)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("a: 1\na: 2", "is not valid YAML: the key 'a' occurs twice"),
        ("x: {a: 1, b: {c: 1, c: 1}}", "the key 'c' occurs twice"),
        ("a: [1", "is not valid YAML"),
        ("a: !!python/object/apply:os.getcwd []", "is not valid YAML: could not determine a constructor"),
        ("[" * 100_000, "is nested more than 100 levels deep"),
        ("{a: " * 100_000, "is nested more than 100 levels deep"),
        ("- " * 100_000 + "1", "is nested more than 100 levels deep"),
        ("\n".join(" " * depth + "a:" for depth in range(300)), "is nested more than 100 levels deep"),
        ("a: &a [*a]", "has aliases that expand to more than"),
        (
            "a: &a [x, x, x, x, x, x, x, x, x, x]\n"
            + "\n".join(
                f"{after}: &{after} [{', '.join([f'*{before}'] * 10)}]"
                for before, after in zip("abcdefgh", "bcdefghi", strict=True)
            ),
            "has aliases that expand to more than 10,000,000 values",
        ),
    ],
)
def test_a_document_that_would_crash_or_mislead_is_refused(text: str, said: str) -> None:
    with pytest.raises(ValueError, match=said) as told:
        parse_yaml(text)
    assert "\n" not in str(told.value)


def test_json_that_is_nested_too_deeply_is_refused() -> None:
    assert parse_json('{"a": [1, 2]}') == {"a": [1, 2]}
    with pytest.raises(ValueError, match="nested too deeply"):
        parse_json("[" * 200_000 + "]" * 200_000)


@pytest.mark.parametrize("file", ["survey.yaml", "questions.yaml", "demographics.yaml"])
def test_a_survey_that_is_nested_too_deeply_does_not_end_the_process(file: str, tmp_path: Path) -> None:
    for name in ("survey.yaml", "questions.yaml", "demographics.yaml"):
        (tmp_path / name).write_text((GARDEN / name).read_text() if name != file else "[" * 100_000)
    script = f"from indievalue.survey.load import load_survey; load_survey({str(tmp_path)!r})"
    ended = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
    assert ended.returncode == 1
    assert f"{file} is nested more than 100 levels deep" in ended.stderr.splitlines()[-1]


def test_a_key_that_occurs_twice_in_a_survey_is_refused(tmp_path: Path) -> None:
    for name in ("survey.yaml", "questions.yaml", "demographics.yaml"):
        (tmp_path / name).write_text((GARDEN / name).read_text())
    (tmp_path / "survey.yaml").write_text((GARDEN / "survey.yaml").read_text() + "\ntitle: another\n")
    with pytest.raises(IndievalueError, match=r"survey\.yaml is not valid YAML: the key 'title' occurs twice"):
        load_survey(str(tmp_path))


def test_a_range_of_codes_is_bounded(tmp_path: Path) -> None:
    for name in ("survey.yaml", "questions.yaml", "demographics.yaml"):
        (tmp_path / name).write_text((GARDEN / name).read_text())
    questions = (GARDEN / "questions.yaml").read_text()
    for codes, said in {
        "1-9999999999": "the range '1-9999999999' has more than 32,000 codes",
        "40000": "40000 is no answer code",
    }.items():
        (tmp_path / "questions.yaml").write_text(
            questions.replace("  polar:\n", f'  polar:\n    "{codes}": I do.\n', 1)
        )
        load_survey.cache_clear()
        with pytest.raises(IndievalueError, match=said):
            load_survey(str(tmp_path))


def _configuration(file: Path) -> None:
    found = CliRunner().invoke(app, ["evaluate", "--config", str(file)])
    assert found.exception is not None
    raise found.exception


@pytest.mark.parametrize(
    ("read", "kind", "keys"),
    [
        (_configuration, "a configuration", "data, predictor and people"),
        (load_settings, "training settings", "model, data and out"),
        (lambda file: load_experiment(str(file)), "an experiment", "title, predictors and figure"),
    ],
)
def test_whatever_reads_keys_from_a_file_refuses_it_in_the_same_words(
    tmp_path: Path, read: Callable[[Path], object], kind: str, keys: str
) -> None:
    file = tmp_path / "mine.yaml"
    noun = kind.removeprefix("an ").removeprefix("a ")
    for content, said in (
        (b"\xff\xfe\x00", f"cannot read the {noun} {file}: it is not UTF-8 text"),
        (b"a: [1", f"{file} is not valid YAML: "),
        (b"a: 1\na: 2", f"{file} is not valid YAML: the key 'a' occurs twice"),
        (b"[" * 200, f"{file} is nested more than 100 levels deep"),
        (b"- a", f"{file} is not {kind}: it needs keys such as {keys}"),
        (b"", f"{file} is not {kind}: it needs keys such as {keys}"),
    ):
        file.write_bytes(content)
        with pytest.raises(IndievalueError) as told:
            read(file)
        assert str(told.value).startswith(said)
