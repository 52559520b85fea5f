"""Reads run directories, and names each beside the others."""

import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import polars as pl
from pydantic import TypeAdapter, ValidationError

from indievalue.benchmark.model import Context, DemonstrationsFrom, Eligibility, Protocol
from indievalue.errors import IndievalueError, problems_of
from indievalue.people.findings import Findings
from indievalue.predictors.predictions import read_predictions
from indievalue.scoring.accuracy import Score
from indievalue.scoring.breakdown import accuracy_by_category, accuracy_by_person, accuracy_by_question
from indievalue.scoring.calibration import reliability
from indievalue.scoring.inequity import Inequity, inequity
from indievalue.survey.load import load_survey
from indievalue.survey.model import FormName
from indievalue.survey.survey import Survey


@dataclass(frozen=True)
class Record:
    """``run.json``: what was asked of whom, and with what.

    ``demonstrations`` None means all that a person answered; ``people`` were tested, ``training_people`` learned from;
    ``seconds`` is by predictor.
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
    arguments: dict[str, Any]
    versions: dict[str, str]
    seconds: dict[str, float]
    demonstrations_from: DemonstrationsFrom = "others"
    training_people: int | None = None


@dataclass(frozen=True)
class Demonstration:
    """One statement of the example person, and the question that it answers."""

    question: str
    statement: str


@dataclass(frozen=True)
class Probe:
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
    probes: tuple[Probe, ...]


@dataclass(frozen=True, eq=False)
class Run:
    """What one run directory holds. ``summary`` is by predictor, in the order in which they were named.

    ``people`` has one row per person tested: ``person``, ``weight``, and the label of their group in every demographic.
    """

    record: Record
    survey: Survey
    predictions: pl.DataFrame
    people: pl.DataFrame
    summary: dict[str, Score]
    examples: tuple[Example, ...]

    @property
    def synthetic(self) -> bool:
        """Whether the people were made up, so that no figure says anything about real ones."""
        return self.record.data.synthetic

    @cached_property
    def by_category(self) -> pl.DataFrame:
        """Accuracy by predictor and category (see :func:`indievalue.scoring.breakdown.accuracy_by_category`)."""
        return accuracy_by_category(self.predictions, self.survey, self.record.seed)

    @cached_property
    def by_question(self) -> pl.DataFrame:
        """Accuracy by predictor and question, in the survey's order (see :mod:`indievalue.scoring.breakdown`)."""
        return accuracy_by_question(self.predictions, self.survey)

    @cached_property
    def inequity(self) -> Inequity | None:
        """How far accuracy differs between groups, over the survey's demographics for that; None without any."""
        demographics = [name for name in self.survey.inequity if name in self.people.columns]
        if not demographics:
            return None
        return inequity(self.predictions, self.people, demographics, seed=self.record.seed)

    @cached_property
    def by_person(self) -> pl.DataFrame:
        """Accuracy by predictor and person (see :func:`indievalue.scoring.breakdown.accuracy_by_person`)."""
        return accuracy_by_person(self.predictions)

    @cached_property
    def reliability(self) -> pl.DataFrame:
        """How often each predictor is right in bins of its probability (see :mod:`indievalue.scoring.calibration`)."""
        return reliability(self.predictions, self.record.seed)


_FILES = ("run.json", "summary.json", "example.json", "predictions.parquet", "people.parquet")

_RECORD = TypeAdapter(Record)
_SUMMARY = TypeAdapter(dict[str, Score])
_EXAMPLES = TypeAdapter(tuple[Example, ...])


_KEPT = 4
"""Runs that stay in memory, with all that was computed from them, for who loads them again."""

_loaded: dict[tuple[tuple[int, int, int, int], ...], Run] = {}


def load_run(directory: str | Path) -> Run:
    """The run in ``directory``; the same object as before, if none of its files has changed but perhaps in name.

    Raises IndievalueError, naming the file, where one is absent or broken.
    """
    folder = Path(directory)
    if not folder.is_dir():
        raise IndievalueError(f"{folder} is no run directory; `indievalue evaluate … --out {folder}` makes one")
    stamps = [(folder / name).stat() for name in _FILES if (folder / name).exists()]
    known = tuple((stamp.st_dev, stamp.st_ino, stamp.st_mtime_ns, stamp.st_size) for stamp in stamps)
    run = _loaded.pop(known, None) if len(stamps) == len(_FILES) else None
    _loaded[known] = run or _read_run(folder)
    while len(_loaded) > _KEPT:
        _loaded.pop(next(iter(_loaded)))
    return _loaded[known]


def _read_run(folder: Path) -> Run:
    record: Record = _read(folder / "run.json", _RECORD)
    summary: dict[str, Score] = _read(folder / "summary.json", _SUMMARY)
    examples: tuple[Example, ...] = _read(folder / "example.json", _EXAMPLES)
    predictions = read_predictions(folder / "predictions.parquet")
    people = _read_people(folder / "people.parquet", predictions)
    named = set(predictions["predictor"].unique())
    if named != set(summary) or not named:
        raise IndievalueError(
            f"{folder}: summary.json is of {_listed(summary)} and predictions.parquet of {_listed(named)}; "
            "they are not of one run"
        )
    forms = set(predictions["form"].unique())
    if forms != {record.form}:
        raise IndievalueError(f"{folder}: run.json says {record.form} and predictions.parquet {_listed(forms)}")
    return Run(record, load_survey(record.survey), predictions, people, summary, examples)


def run_names(runs: Sequence[Run]) -> list[tuple[str, ...]]:
    """What tells each run from the others: its form, then the settings in which runs of that form differ.

    ``[("polar",), ("refined",)]``, or ``[("polar", "strict protocol"), ("polar", "paper protocol")]``. Runs that
    differ in none of them are numbered.
    """
    settings = [
        {
            "protocol": f"{run.record.protocol} protocol",
            "context": f"context {run.record.context}",
            "demonstrations": f"{run.record.demonstrations or 'all'} demonstrations",
            "shown": f"shown {run.record.demonstrations_as}",
            "from": f"demonstrations from {run.record.demonstrations_from}",
            "data": Path(run.record.data.source).name,
            "seed": f"seed {run.record.seed}",
        }
        for run in runs
    ]
    names: list[tuple[str, ...]] = []
    for run, own in zip(runs, settings, strict=True):
        rivals = [other for rival, other in zip(runs, settings, strict=True) if rival.record.form == run.record.form]
        differing = (value for key, value in own.items() if any(rival[key] != value for rival in rivals))
        names.append((run.record.form, *differing))
    times = Counter(names)
    seen: Counter[tuple[str, ...]] = Counter()
    for position, name in enumerate(names):
        if times[name] > 1:
            seen[name] += 1
            names[position] = (*name, f"run {seen[name]}")
    return names


def _read(file: Path, kind: TypeAdapter[Any]) -> Any:
    try:
        content = json.loads(file.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise IndievalueError(f"{file.parent} is no complete run directory: it has no {file.name}") from None
    except (OSError, ValueError) as error:
        raise IndievalueError(f"cannot read {file}: {error}") from None
    try:
        return kind.validate_python(content)
    except ValidationError as error:
        raise IndievalueError(f"{file} is not what a run writes: {problems_of(error)[0]}") from None


def _read_people(file: Path, predictions: pl.DataFrame) -> pl.DataFrame:
    try:
        people = pl.read_parquet(file)
    except FileNotFoundError:
        raise IndievalueError(f"{file.parent} is no complete run directory: it has no {file.name}") from None
    except (OSError, pl.exceptions.PolarsError) as error:
        raise IndievalueError(f"cannot read {file}: {error}") from None
    if people.columns[:2] != ["person", "weight"] or people["person"].n_unique() < len(people):
        raise IndievalueError(f"{file} is not what a run writes: it starts with person, each once, and weight")
    absent = set(predictions["person"]) - set(people["person"])
    if absent:
        raise IndievalueError(
            f"{file} lacks {len(absent):,} of the people in predictions.parquet, such as {min(absent)}; "
            "they are not of one run"
        )
    return people


def _listed(names: Any) -> str:
    return ", ".join(sorted(map(str, names))) or "nothing"
