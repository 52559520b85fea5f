"""Individualistic value reasoning: from survey answers to value-expressing statements to scored predictors."""

from importlib import import_module
from importlib.metadata import version
from typing import Any

__version__ = version("indievalue")

_PUBLIC = {
    "load_survey": "indievalue.survey.load",
    "read_people": "indievalue.people.read",
    "synthetic_people": "indievalue.synthetic.generate",
    "build_benchmark": "indievalue.benchmark.build",
    "load_benchmark": "indievalue.benchmark.storage",
    "save_benchmark": "indievalue.benchmark.storage",
    "evaluate": "indievalue.evaluation",
}

__all__ = ["__version__", *_PUBLIC]


def __getattr__(name: str) -> Any:
    """Public functions, imported when they are first asked for, so that ``indievalue --help`` stays fast."""
    if name in _PUBLIC:
        return getattr(import_module(_PUBLIC[name]), name)
    raise AttributeError(f"module 'indievalue' has no attribute {name!r}")
