"""What is in a release: its files, its metadata, and a long description that reads well outside the repository."""

import importlib.util
import re
import subprocess
import sys
import tarfile
import tomllib
import zipfile
from email import message_from_bytes
from email.message import Message
from pathlib import Path
from types import ModuleType

import pytest
import yaml

from conftest import ROOT

if importlib.util.find_spec("hatchling") is None:
    pytest.skip("hatchling is not installed", allow_module_level=True)

PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
RELEASE = f"indievalue-{PROJECT['project']['version']}"
ANSWERS = (".csv", ".gz", ".sav", ".zsav", ".por", ".dta", ".xlsx", ".xls", ".ods", ".rds", ".rda", ".parquet", ".zip")
"""Endings of files in which survey answers could be; none is in a release."""


@pytest.fixture(scope="module")
def dist(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The sdist, built from the tree, and the wheel, built from the sdist as installers do."""
    folder = tmp_path_factory.mktemp("dist")
    build(ROOT, folder, "sdist")
    with tarfile.open(folder / f"{RELEASE}.tar.gz") as sdist:
        sdist.extractall(folder, filter="data")
    build(folder / RELEASE, folder, "wheel")
    return folder


def build(source: Path, folder: Path, target: str) -> None:
    command = [sys.executable, "-m", "hatchling", "build", "--directory", str(folder), "--target", target]
    subprocess.run(command, cwd=source, check=True, capture_output=True)


def wheel(dist: Path) -> zipfile.ZipFile:
    return zipfile.ZipFile(next(dist.glob("*.whl")))


@pytest.fixture(scope="module")
def metadata(dist: Path) -> Message:
    (file,) = (name for name in wheel(dist).namelist() if name.endswith(".dist-info/METADATA"))
    return message_from_bytes(wheel(dist).read(file))


@pytest.fixture(scope="module")
def hook() -> ModuleType:
    spec = importlib.util.spec_from_file_location("release_metadata", ROOT / "tools" / "release_metadata.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_wheel_has_the_files_of_the_package_and_no_others(dist: Path) -> None:
    shipped = {name for name in wheel(dist).namelist() if ".dist-info/" not in name}
    package = ROOT / "src" / "indievalue"
    there = {f"indievalue/{file.relative_to(package).as_posix()}" for file in package.rglob("*") if file.is_file()}
    assert shipped == {name for name in there if "__pycache__" not in name}
    for needed in ("py.typed", "surveys/wvs7/twin.npz", "reasoner/configs/smollm2/laptop.yaml"):
        assert f"indievalue/{needed}" in shipped


def test_the_sdist_has_what_building_and_testing_need(dist: Path) -> None:
    with tarfile.open(dist / f"{RELEASE}.tar.gz") as sdist:
        names = {name.removeprefix(f"{RELEASE}/") for name in sdist.getnames()}
    for needed in ("LICENSE", "CITATION.cff", "constraints.txt", "tests/conftest.py", "docs/index.md", "mkdocs.yml"):
        assert needed in names
    top = {name.partition("/")[0] for name in names}
    assert top <= {*PROJECT_FILES, "PKG-INFO", "pyproject.toml", "LICENSE", ".gitignore"}


PROJECT_FILES = {
    entry.removeprefix("/").partition("/")[0]
    for entry in PROJECT["tool"]["hatch"]["build"]["targets"]["sdist"]["include"]
}


LISTS = f"{RELEASE}/docs/results/short-forms.csv"


def test_no_survey_answers_are_in_a_release(dist: Path) -> None:
    with tarfile.open(dist / f"{RELEASE}.tar.gz") as sdist:
        names = [*sdist.getnames(), *wheel(dist).namelist()]
        lists = sdist.extractfile(LISTS)
        assert lists is not None
        assert lists.readline() == b"country,place,question,asks\n"  # which questions to ask, and nobody's answers
    assert [name for name in names if name.endswith(ANSWERS)] == [LISTS]
    assert sum(file.stat().st_size for file in dist.iterdir() if file.is_file()) < 5_000_000


def test_the_long_description_has_no_link_that_leads_nowhere(metadata: Message) -> None:
    text = str(metadata.get_payload())
    prose = re.sub(r"^```.*?^```$", "", text, flags=re.MULTILINE | re.DOTALL)
    targets = re.findall(r"\]\(([^)]*)\)", prose)
    assert targets
    assert [target for target in targets if not target.startswith("https://")] == []
    assert metadata["Description-Content-Type"] == "text/markdown"


def test_the_address_is_named_in_one_place_only(metadata: Message) -> None:
    address = PROJECT["tool"]["hatch"]["metadata"]["hooks"]["custom"]["repository"]
    urls = metadata.get_all("Project-URL") or []
    assert all(address in url for url in urls)
    assert bool(urls) == bool(address)


def test_with_an_address_links_lead_to_the_files_of_the_release(hook: ModuleType) -> None:
    readme = "![A page](docs/a.png)\n\n[how](docs/data.md#ids), [it](https://example.org)\n\n```\nx[0](y)\n```\n"
    text = hook.long_description(readme, "https://example.org/us/it", "1.2.0")
    assert text == (
        "![A page](https://example.org/us/it/raw/v1.2.0/docs/a.png)\n\n"
        "[how](https://example.org/us/it/blob/v1.2.0/docs/data.md#ids), [it](https://example.org)\n\n"
        "```\nx[0](y)\n```\n"
    )
    assert hook.project_urls("https://example.org/us/it", "1.2.0")["Changelog"].endswith("/v1.2.0/CHANGELOG.md")


def test_without_an_address_links_are_words_and_there_are_no_pictures(hook: ModuleType) -> None:
    readme = "One.\n\n![A page](docs/a.png)\n\n[How](docs/data.md), [it](https://example.org).\n"
    assert hook.long_description(readme, "", "1.2.0") == "One.\n\nHow, [it](https://example.org).\n"
    assert hook.project_urls("", "1.2.0") == {}


def test_every_file_names_the_same_version() -> None:
    version = PROJECT["project"]["version"]
    citation = yaml.safe_load((ROOT / "CITATION.cff").read_text(encoding="utf-8"))
    assert str(citation["version"]) == version
    newest = re.search(r"^## (\S+)", (ROOT / "CHANGELOG.md").read_text(encoding="utf-8"), re.MULTILINE)
    assert newest is not None
    assert newest[1] == version


def test_the_image_copies_files_that_exist_and_runs_as_no_administrator() -> None:
    lines = (ROOT / "Dockerfile").read_text(encoding="utf-8").splitlines()
    copied = [word for line in lines if line.startswith("COPY") for word in line.split()[1:-1]]
    assert copied
    assert [name for name in copied if not (ROOT / name).exists()] == []
    allowed = (ROOT / ".dockerignore").read_text(encoding="utf-8").splitlines()
    assert {f"!{name}" for name in copied} <= set(allowed)
    (user,) = (line.split()[1] for line in lines if line.startswith("USER"))
    assert int(user) > 0
