"""Shared fixtures: the garden survey and its people, made by hand; and the real data, where it is there."""

import json
import os
import shutil
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
import vl_convert
import yaml

from indievalue.people.decode import decode
from indievalue.people.people import People
from indievalue.survey.load import load_survey
from indievalue.survey.survey import Survey

ROOT = Path(__file__).resolve().parents[1]
GARDEN = Path(__file__).parent / "surveys" / "garden"
DATA = Path(os.environ.get("INDIEVALUE_DATA", ROOT.parent / "shared" / "data"))
REFERENCE = Path(os.environ.get("INDIEVALUE_REFERENCE", ROOT.parent / "shared" / "reference"))
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")


@pytest.fixture(scope="session", autouse=True)
def _each_figure_is_drawn_once() -> Iterator[None]:
    """Keep figures as they were drawn: many tests write the pages of the same few people."""
    draw = vl_convert.vegalite_to_svg

    @lru_cache(maxsize=400)
    def drawn(figure: str, options: str) -> str:
        return draw(json.loads(figure), **json.loads(options))

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(
            vl_convert, "vegalite_to_svg", lambda figure, **options: drawn(json.dumps(figure), json.dumps(options))
        )
        yield


@pytest.fixture(scope="session")
def garden() -> Survey:
    return load_survey(str(GARDEN))


@pytest.fixture(scope="session")
def wvs7() -> Survey:
    return load_survey("wvs7")


@pytest.fixture(scope="session")
def garden_table() -> pl.DataFrame:
    return garden_answers(60)


@pytest.fixture(scope="session")
def gardeners(garden: Survey, garden_table: pl.DataFrame) -> People:
    return decode(garden_table, garden, "garden.csv", "fingerprint")


@pytest.fixture(scope="session")
def real_people() -> People:
    from indievalue.people.read import read_people

    return read_people(real_file("wvs7_14countries.csv.gz"))


@pytest.fixture(scope="session")
def garden_people(tmp_path_factory: pytest.TempPathFactory) -> People:
    """120 made-up gardeners, read from a file."""
    from indievalue.people.read import read_people

    file = tmp_path_factory.mktemp("garden") / "garden.csv"
    garden_answers(120).write_csv(file)
    return read_people(str(file), str(GARDEN))


@pytest.fixture(scope="session")
def tiny_model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a random language model of a few thousand weights."""
    from tinymodel import save_tiny

    return save_tiny(tmp_path_factory.mktemp("models") / "tiny")


@pytest.fixture
def small_set(garden_people: People, tmp_path: Path) -> Path:
    """A folder with a training set of gardeners."""
    from indievalue.reasoner.recipe import Recipe
    from indievalue.reasoner.training_set import write_training_set

    recipe = Recipe(people_per_question=8, validation_per_question=3, demonstrations=(2, 4))
    write_training_set(garden_people, recipe, set(garden_people.ids[:20].tolist()), tmp_path / "set")
    return tmp_path / "set"


def write_yaml(folder: Path, name: str = "run.yaml", **keys: Any) -> Path:
    """Write keys to a YAML file, and return its path."""
    (folder / name).write_text(yaml.safe_dump(keys))
    return folder / name


def real_file(name: str) -> Path:
    """A file of real survey answers; skips the test where it is not there."""
    if not (DATA / name).exists():
        pytest.skip(f"no real survey data: set INDIEVALUE_DATA to a folder with {name}")
    return DATA / name


def garden_answers(people: int, seed: int = 0) -> pl.DataFrame:
    """Raw codes of made-up gardeners in three regions, all questions answered: those who like roses like hedgehogs."""
    rng = np.random.default_rng(seed)
    fond = rng.random(people) < 0.5
    columns: dict[str, np.ndarray] = {
        "ID": np.array([f"g{number:04d}" for number in range(people)]),
        "WEIGHT": rng.uniform(0.5, 1.5, people).round(3),
        "REGION": rng.integers(1, 4, people),
        "FAITH": rng.integers(1, 3, people),
        "AGEGROUP": rng.integers(1, 3, people),
        "AGE": rng.integers(18, 90, people),
        "HOME": rng.choice([276, 250], people),
    }
    for question in ("P1", "P2", "P3", "P4"):
        columns[question] = np.where(fond, rng.integers(1, 3, people), rng.integers(2, 5, people))
    for question in ("A1", "A2", "A3"):
        columns[question] = np.where(fond, rng.integers(5, 11, people), rng.integers(1, 7, people))
    columns["N1"] = rng.integers(1, 4, people)
    columns["N2"] = np.where(fond, 1, rng.integers(0, 2, people))
    columns["N3"] = rng.integers(1, 3, people)
    return pl.DataFrame(columns)


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    """A browser without a window, for tests that are skipped where there is no :data:`CHROMIUM`."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        opened = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield opened
        opened.close()
