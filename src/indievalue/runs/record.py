"""What a run directory says of itself: ``run.json``, and one person as an example."""

import platform
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from importlib.metadata import PackageNotFoundError, version

from indievalue.benchmark.model import Eligibility
from indievalue.choices import Context, DemonstrationsFrom, FormName, Protocol
from indievalue.people.findings import Findings

FORMAT = 1
"""Raised when what ``run.json`` holds changes, so that an older version refuses it and does not misread it."""

_PACKAGES = (
    "indievalue",
    "numpy",
    "polars",
    "scipy",
    "scikit-learn",
    "lightgbm",
    "torch",
    "transformers",
    "peft",
    "trl",
    "inspect-ai",
    "vllm",
    "altair",
)
"""Packages that a result may depend on."""


def installed_versions() -> dict[str, str]:
    """Return the versions of Python and of the packages that a result may depend on, where they are installed."""
    versions = {"python": platform.python_version()}
    for name in _PACKAGES:
        with suppress(PackageNotFoundError):
            versions[name] = version(name)
    return versions


@dataclass(frozen=True)
class Record:
    """What was asked, and with what: the content of ``run.json``.

    Attributes:
        survey: name of a shipped survey, or the folder of another. form, protocol, context, demonstrations,
            demonstrations_as, demonstrations_from, setups, seed: of the benchmark; ``demonstrations`` None means all.
        people: number of people tested. training_people: number of those that predictors learned from.
        data, eligibility: what was found in the file, and who could be tested.
        arguments: how the evaluation was called. versions: of packages. seconds, effort: by predictor.
        format: of ``run.json``; 0 in runs of versions that did not state it. benchmark: a hash of the benchmark.
    """

    survey: str
    form: FormName
    protocol: Protocol
    context: Context
    demonstrations: int | None
    demonstrations_as: FormName
    seed: int
    people: int
    data: Findings
    eligibility: Eligibility
    arguments: Mapping[str, object]
    versions: Mapping[str, str]
    seconds: Mapping[str, float]
    demonstrations_from: DemonstrationsFrom = "others"
    setups: tuple[int, ...] | None = None
    training_people: int | None = None
    effort: Mapping[str, Mapping[str, object]] = field(default_factory=dict)
    format: int = 0
    benchmark: str | None = None


@dataclass(frozen=True)
class Demonstration:
    """One statement of the example person, and the question that it answers."""

    question: str
    statement: str


@dataclass(frozen=True)
class ExampleProbe:
    """One probe of the example person: what it asks, the statement of every option, the index of the true one."""

    question: str
    asks: str
    options: tuple[str, ...]
    answer: int


@dataclass(frozen=True)
class Example:
    """One person as a predictor met them in one setup."""

    person: str
    setup: int
    demographics: tuple[str, ...]
    demonstrations: tuple[Demonstration, ...]
    probes: tuple[ExampleProbe, ...]
    form: FormName | None = None
