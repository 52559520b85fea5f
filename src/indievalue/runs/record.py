"""The contents of ``run.json``, and of the example person shown in reports."""

import platform
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from importlib.metadata import PackageNotFoundError, version
from typing import Annotated, ClassVar

from pydantic import ConfigDict, Field

from indievalue.benchmark.model import Eligibility
from indievalue.choices import DemonstrationsFrom, FormName, Protocol, ShowOrder, Weights
from indievalue.context import ContextName
from indievalue.people.findings import Findings
from indievalue.runs.elsewhere import LearnedFrom
from indievalue.strict import NO_OTHER_KEYS, Amount, Count

FORMAT = 1
"""Increased whenever the layout of ``run.json`` changes, so that older versions refuse it instead of misreading it."""

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
    "ray",
    "altair",
)
"""Packages that a result may depend on."""


def installed_versions() -> dict[str, str]:
    """Return the versions of Python and of the installed packages that a result may depend on."""
    versions = {"python": platform.python_version()}
    for name in _PACKAGES:
        with suppress(PackageNotFoundError):
            versions[name] = version(name)
    return versions


@dataclass(frozen=True)
class Placed:
    """Where predictions were computed, if it was in shards.

    Attributes:
        on: ``ray``, or ``ray:ADDRESS`` of a cluster; None in one process. shards: their number, by predictor; 0 if its
            predictions were finished before. workers: the most that computed at the same time, by predictor; one whose
            shards were all finished before has none.
    """

    __pydantic_config__: ClassVar[ConfigDict] = NO_OTHER_KEYS

    on: str | None
    shards: Mapping[str, Count]
    workers: Mapping[str, Count]


@dataclass(frozen=True)
class Record:
    """The settings and provenance of a run: the contents of ``run.json``.

    Attributes:
        survey: name of a shipped survey, or the folder of another one. form, protocol, context, demonstrations,
            demonstrations_as, demonstrations_from, setups, seed, show, show_order: benchmark settings;
            ``demonstrations=None`` means all.
        people: number of people tested. training_people: number of people the predictors were fitted on. folds: number
            of folds of cross-fitting, or 1; with folds, ``training_people`` is the least number outside a fold.
        data, eligibility: findings in the data file, and who could be tested.
        arguments: arguments of the evaluation. versions: package versions. seconds, effort: by predictor.
        format: version of the ``run.json`` layout; 0 if not recorded. benchmark: a hash of the benchmark.
        weights: how people are weighted in the scores.
        learned_from: the other files that predictors learned from; empty if they learned from the data itself.
        sampled: predictor → number of people that it learned from, if these are a sample of ``training_people``, who
            do not fit memory.
        placed: where predictions were computed, if it was in shards.
        unseen_questions: ids of the questions about which nothing was learned from anybody, which are the probes; empty
            for the protocol's probes. references: names of predictors that learned them all the same, for comparison.
    """

    __pydantic_config__: ClassVar[ConfigDict] = NO_OTHER_KEYS

    survey: str
    form: FormName
    protocol: Protocol
    context: ContextName
    demonstrations: Count | None
    demonstrations_as: FormName
    seed: int
    people: Count
    data: Findings
    eligibility: Eligibility
    arguments: Mapping[str, object]
    versions: Mapping[str, str]
    seconds: Mapping[str, Amount]
    demonstrations_from: DemonstrationsFrom = "others"
    setups: tuple[int, ...] | None = None
    training_people: Count | None = None
    folds: Annotated[int, Field(ge=1)] = 1
    effort: Mapping[str, Mapping[str, object]] = field(default_factory=dict)
    format: int = 0
    benchmark: str | None = None
    weights: Weights = "none"
    show: str = "random"
    show_order: ShowOrder = "last"
    learned_from: tuple[LearnedFrom, ...] = ()
    sampled: Mapping[str, Count] = field(default_factory=dict)
    placed: Placed | None = None
    unseen_questions: tuple[str, ...] = ()
    references: tuple[str, ...] = ()

    def as_dict(self) -> dict[str, object]:
        """Return plain values, for JSON."""
        plain = {**asdict(self), "format": FORMAT}
        if not self.sampled:
            del plain["sampled"]
        return plain


@dataclass(frozen=True)
class Demonstration:
    """One statement of the example person, and the question it answers."""

    __pydantic_config__: ClassVar[ConfigDict] = NO_OTHER_KEYS

    question: str
    statement: str


@dataclass(frozen=True)
class ExampleProbe:
    """One probe of the example person: its text, the statement of each option, and the index of the true one."""

    __pydantic_config__: ClassVar[ConfigDict] = NO_OTHER_KEYS

    question: str
    asks: str
    options: tuple[str, ...]
    answer: int


@dataclass(frozen=True)
class Example:
    """One person as shown to a predictor in one setup."""

    __pydantic_config__: ClassVar[ConfigDict] = NO_OTHER_KEYS

    person: str
    setup: int
    demographics: tuple[str, ...]
    demonstrations: tuple[Demonstration, ...]
    probes: tuple[ExampleProbe, ...]
    form: FormName | None = None
