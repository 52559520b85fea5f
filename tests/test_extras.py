"""What an installation without extras, or with one, can do: no other package is imported than it brings."""

import importlib.metadata
import os
import subprocess
import sys
import tomllib
from collections.abc import Sequence
from functools import cache
from pathlib import Path

import polars as pl
import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from conftest import GARDEN, ROOT, garden_answers
from loopback import Loopback, questions_in, serving
from test_read import WRITERS

PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]

ONLY = """
import importlib.abc, importlib.machinery, sys

class Only(importlib.abc.MetaPathFinder):
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in HIDDEN:
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)

HIDDEN = set(sys.argv.pop(1).split(","))
sys.meta_path.insert(0, Only())
"""
"""The beginning of a program in an environment without the modules in its first argument."""

COMMAND_LINE = "from indievalue.cli import main; main()"
READ = """
import indievalue as iv
survey, *files = sys.argv[1:]
for file in files:
    print(file, iv.read_people(file, survey).ids[3])
"""


def brought_by(requirements: Sequence[str]) -> set[str]:
    """Names of the packages that are installed with these requirements."""
    found: set[str] = set()
    asked: set[tuple[str, frozenset[str]]] = set()
    waiting = [Requirement(one) for one in requirements]
    while waiting:
        one = waiting.pop()
        name = canonicalize_name(one.name)
        if (name, frozenset(one.extras)) in asked:
            continue
        asked.add((name, frozenset(one.extras)))
        try:
            needs = importlib.metadata.requires(name) or []
        except importlib.metadata.PackageNotFoundError:
            pytest.skip(f"{name} is not installed")
        found.add(name)
        extras = one.extras or {""}
        parsed = [Requirement(need) for need in needs]
        waiting += [
            need
            for need in parsed
            if need.marker is None or any(need.marker.evaluate({"extra": extra}) for extra in extras)
        ]
    return found


@cache
def hidden_without(*extras: str) -> str:
    """Modules installed here that an installation of the project with these extras alone would not have."""
    asked = [*PROJECT["dependencies"], *(one for extra in extras for one in PROJECT["optional-dependencies"][extra])]
    brought = brought_by(asked) | {"indievalue"}
    modules = importlib.metadata.packages_distributions()
    return ",".join(
        sorted(name for name, packages in modules.items() if not {canonicalize_name(one) for one in packages} & brought)
    )


def ran(hidden: str, *arguments: object, program: str = COMMAND_LINE, **environment: str) -> str:
    """What a program prints in an environment without the modules ``hidden``."""
    done = subprocess.run(
        [sys.executable, "-c", ONLY + program, hidden, *map(str, arguments)],
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
        env={**os.environ, **environment},
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout + done.stderr


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """A survey file in every format."""
    folder = tmp_path_factory.mktemp("files")
    table = garden_answers(40).with_columns(pl.col(pl.Int64).cast(pl.Int64))
    for name in ("comma.csv", "plain.sav", "zipped.zsav", "portable.por", "new.dta", "book.xlsx", "old-book.xls"):
        WRITERS[name](table, folder / name)
    for name in ("table.parquet", "sav.zip", "frame.rds", "frame.rda"):
        WRITERS[name](table, folder / name)
    return {path.name: path for path in folder.iterdir()}


def test_the_core_brings_neither_torch_nor_what_extras_are_for() -> None:
    hidden = set(hidden_without().split(","))
    assert {"torch", "pandas", "sklearn", "inspect_ai", "openai", "transformers", "pyreadr"} <= hidden
    assert not {"polars", "numpy", "scipy", "pyreadstat", "typer", "altair"} & hidden
    assert "torch" in hidden_without("api").split(",")


def test_the_core_reads_every_format_but_those_of_r(files: dict[str, Path]) -> None:
    read = [file for name, file in files.items() if not name.startswith("frame.")]
    assert len(read) == 9
    said = ran(hidden_without(), GARDEN, *read, program=READ)
    assert said.splitlines() == [f"{file} g0003" for file in read]


def test_the_extra_r_reads_those(files: dict[str, Path]) -> None:
    read = [files["frame.rds"], files["frame.rda"]]
    assert ran(hidden_without("r"), GARDEN, *read, program=READ).splitlines() == [f"{file} g0003" for file in read]


def test_without_the_extra_r_a_file_of_r_says_what_to_install(files: dict[str, Path]) -> None:
    hidden = hidden_without()
    with pytest.raises(AssertionError, match=r"error: reading frame\.rds needs .*extra r, in a clone by pip install"):
        ran(hidden, "show", files["frame.rds"], "--survey", GARDEN, "--person", "g0003")


def test_the_main_job_needs_the_core_alone(files: dict[str, Path], tmp_path: Path) -> None:
    hidden = hidden_without()
    predictors = [word for name in ("majority", "gaussian") for word in ("--predictor", name)]
    run = tmp_path / "run"
    asked = ["--survey", GARDEN, "--people", "12", "--demonstrations", "3", "--setup", "0", "--figures", "--out", run]
    assert "gaussian" in ran(hidden, "evaluate", files["plain.sav"], *predictors, *asked)
    assert (run / "report.html").exists()
    assert list((run / "figures").glob("*.png"))
    measured = ["--minimum", "2", "--draws", "20", "--page", tmp_path / "inequity.html"]
    assert "Page: " in ran(hidden, "inequity", run, *measured)


def test_shards_need_the_core_alone_and_many_machines_the_extra_ray(files: dict[str, Path], tmp_path: Path) -> None:
    hidden = ",".join({*hidden_without().split(","), "ray"})
    asked = ["evaluate", files["plain.sav"], "--survey", GARDEN, "--people", "12", "--demonstrations", "3"]
    asked += ["--predictor", "majority", "--shards", "3"]
    ran(hidden, *asked, "--out", tmp_path / "run")
    with pytest.raises(AssertionError, match=r"error: --on ray needs ray, .*extra ray, in a clone by pip install"):
        ran(hidden, *asked, "--on", "ray", "--out", tmp_path / "other")


def test_a_chat_model_needs_the_extra_api_alone(files: dict[str, Path], tmp_path: Path) -> None:
    def answer(prompt: str) -> str:
        return "{" + ", ".join(f'"{question}": "A"' for question in questions_in(prompt)) + "}"

    with serving(Loopback(answer)) as server:
        about = {"OPENAI_API_KEY": "none", "OPENAI_BASE_URL": server.url, "INDIEVALUE_CACHE": str(tmp_path / "cache")}
        asked = ["--survey", GARDEN, "--people", "4", "--demonstrations", "3", "--template", "batch"]
        chat = ["--predictor", "openai/gpt-4o", "--predictor", "majority", "--out", tmp_path / "run"]
        said = ran(hidden_without("api"), "evaluate", files["comma.csv"], *asked, *chat, **about)
    assert "0 probes invalid" in said
    assert sum(server.answered.values()) > 0
