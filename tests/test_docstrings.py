"""The examples in docstrings run, and give what they show."""

import doctest
from importlib import import_module
from pathlib import Path

import pytest

import indievalue

ROOT = Path(indievalue.__file__).parent
MODULES = sorted(
    ".".join(["indievalue", *file.relative_to(ROOT).with_suffix("").parts])
    for file in ROOT.rglob("*.py")
    if "\n    >>> " in file.read_text(encoding="utf-8") or "\n        >>> " in file.read_text(encoding="utf-8")
)


def test_there_are_examples() -> None:
    assert {"indievalue.evaluation", "indievalue.intervals", "indievalue.report.numbers"} <= set(MODULES)


@pytest.mark.parametrize("name", MODULES)
def test_the_examples_of(name: str) -> None:
    found = doctest.testmod(import_module(name))
    assert found.attempted
    assert not found.failed
