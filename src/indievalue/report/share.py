"""Share the results of a run without its people: scores, tables, figures and settings, and nobody's row or id."""

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, replace
from functools import cached_property
from hashlib import blake2b
from pathlib import Path
from typing import TypeVar

import polars as pl
from pydantic import TypeAdapter, ValidationError

from indievalue.benchmark.model import Eligibility
from indievalue.choices import FORMS, FormName, Weights
from indievalue.errors import IndievalueError, problems_of
from indievalue.files import new_directory
from indievalue.parsing import parse_json
from indievalue.people.findings import SYNTHETIC, Findings
from indievalue.report.figures.files import write_figures
from indievalue.report.page import write_report
from indievalue.report.tables.of_runs import write_run_tables
from indievalue.runs.elsewhere import LearnedFrom
from indievalue.runs.repeat import without_folder
from indievalue.runs.run import Run
from indievalue.runs.storage import write_json
from indievalue.scoring.accuracy import PredictorScore
from indievalue.scoring.paired import NotComparableError, compare
from indievalue.survey.survey import Survey

FORMAT = 1
"""Increased whenever the layout of a shared folder changes."""

LEAST = 30
"""Number of people that a result is about, at least: from results of fewer, an answer could follow."""

FILE = "shared.json"
"""File that marks a shared folder."""

_SETTINGS = ("protocol", "context", "demonstrations", "demonstrations_as", "demonstrations_from", "setups", "seed")

_CHOSEN = ("show", "show_order")
"""Settings that are shared where statements are chosen."""

_ARGUMENTS = {
    *("people", "form", "setup", "demonstrations", "demonstrations_as", "context", "protocol", "demonstrations_from"),
    *("show", "show_order"),
    *("batched", "voice", "option_order", "retries", "skip_failed", "retry_filtered", "seed", "weights", "folds"),
}
"""Arguments that hold neither a path nor an id, nor anything else of one's own."""

_PLAIN = re.compile(r"all|[a-z_]{1,20}|(relevant|similar):\d{1,7}|\d{1,7}(,\d{1,7})*")
"""Values of such arguments."""


@dataclass(frozen=True)
class Paired:
    """A difference in accuracy, that of ``a`` minus that of ``b``, in points, computed person by person.

    ``low`` and ``high`` are its 95% interval, from resampling people.
    """

    a: str
    b: str
    difference: float
    low: float
    high: float


@dataclass(frozen=True)
class Shared:
    """What is known of the results in a shared folder: the content of ``shared.json``.

    Attributes:
        survey, title: name and title of the survey. survey_hash: hash of its questions and options.
        settings: settings of the benchmark. benchmark: hash of everything asked, shown and true.
        data: SHA-256 of the data. rows: rows read. synthetic: whether the people are made up.
        people: number of people tested. training_people: number of people learned from.
        eligibility: how many people could be tested, and why others could not.
        paired: how each predictor differs from the most accurate one; empty in folders of earlier versions.
        learned_from: the other files that predictors learned from; empty if they learned from the data itself.
    """

    format: int
    survey: str
    title: str
    survey_hash: str
    form: FormName
    settings: Mapping[str, object]
    benchmark: str | None
    weights: Weights
    data: str
    rows: int
    synthetic: bool
    people: int
    training_people: int | None
    eligibility: Eligibility
    versions: Mapping[str, str]
    seconds: Mapping[str, float]
    paired: tuple[Paired, ...] = ()
    learned_from: tuple[LearnedFrom, ...] = ()


T = TypeVar("T")

_SHARED = TypeAdapter(Shared)
_SCORES = TypeAdapter(dict[str, PredictorScore])


class _WithoutPeople(Run):
    """A run whose parts are all about at least :data:`LEAST` people."""

    @cached_property
    def by_category(self) -> pl.DataFrame:
        return super().by_category.filter(pl.col("people") >= LEAST)

    @cached_property
    def by_question(self) -> pl.DataFrame:
        return super().by_question.filter(pl.col("people") >= LEAST)

    @cached_property
    def reliability(self) -> pl.DataFrame:
        return super().reliability.filter(pl.col("people") >= LEAST)


def share(run: Run, directory: str | Path, *, force: bool = False) -> None:
    """Write what can be passed on of a run: ``shared.json``, ``summary.json``, ``report.html``, figures and tables.

    No file has a person's row, id, statement or answer, nor a path. Results of fewer than 30 people are left out.
    Raises IndievalueError if fewer were tested, or the directory is not empty (unless ``force``) or cannot be written.
    """
    public = without_people(run)
    with new_directory(Path(directory), force=force) as folder:
        write_json(folder / FILE, asdict(described(public)))
        write_json(folder / "summary.json", {name: one.as_nested_dict() for name, one in public.scores.items()})
        write_report([public], folder / "report.html")
        for name, write in (("figures", write_figures), ("tables", write_run_tables)):
            (folder / name).mkdir()
            write([public], folder / name)


def without_people(run: Run) -> Run:
    """Return ``run`` without what names a person or a path, for results that are passed on.

    Raises IndievalueError if fewer than 30 people were tested.
    """
    if len(run.people) < LEAST:
        raise IndievalueError(
            f"the run tested {len(run.people)} people, and results of fewer than {LEAST} are not shared: answers could "
            "follow from them"
        )
    record, named = run.record, publicly_named(run)
    names = public_names(run.scores)
    arguments = {name: value for name, value in record.arguments.items() if name in _ARGUMENTS and _is_plain(value)}
    command = {"predictor": list(names.values()), "data": "DATA", **arguments} if arguments else {}
    data = record.data
    return _WithoutPeople(
        replace(
            record,
            survey=run.survey.name,
            arguments=command,
            data=Findings(SYNTHETIC if data.synthetic else "", data.survey, data.fingerprint, data.rows, data.people),
            seconds={names[name]: taken for name, taken in record.seconds.items() if name in names},
            effort={},
            placed=None,
        ),
        run.survey,
        named.predictions,
        run.people,
        named.scores,
    )


def publicly_named(run: Run) -> Run:
    """Return the run with the :func:`public_names` of its predictors."""
    names = public_names(run.scores)
    return replace(
        run,
        predictions=run.predictions.with_columns(pl.col("predictor").replace_strict(names, return_dtype=pl.String)),
        scores={names[name]: score for name, score in run.scores.items()},
    )


def public_names(names: Mapping[str, object]) -> dict[str, str]:
    """Return each predictor's name without the folder of a model: what is left stays distinct.

    >>> public_names({"local:/home/me/tiny": 1, "local:/tmp/tiny": 2, "gaussian": 3})
    {'local:/home/me/tiny': 'local:tiny', 'local:/tmp/tiny': 'local:tiny (2)', 'gaussian': 'gaussian'}
    """
    public: dict[str, str] = {}
    for name in names:
        short, number = without_folder(name), 1
        text = short
        while text in public.values():
            number += 1
            text = f"{short} ({number})"
        public[name] = text
    return public


def described(run: Run) -> Shared:
    """Return what ``shared.json`` says of a run."""
    record = run.record
    return Shared(
        FORMAT,
        run.survey.name,
        run.survey.title,
        survey_hash(run.survey),
        record.form,
        {name: getattr(record, name) for name in (*_SETTINGS, *(_CHOSEN if record.show != "random" else ()))},
        record.benchmark,
        record.weights,
        record.data.fingerprint,
        record.data.rows,
        run.synthetic,
        record.people,
        record.training_people,
        record.eligibility,
        record.versions,
        record.seconds,
        tuple(_paired_with_best(run)),
        record.learned_from,
    )


def _paired_with_best(run: Run) -> Iterator[Paired]:
    for name in run.scores:
        if name != run.best and (found := paired(run, name, run, run.best)) is not None:
            yield found


def paired(run: Run, name: str, other: Run, against: str) -> Paired | None:
    """Return how ``name`` in ``run`` differs from ``against`` in ``other``; None if they answered different probes."""
    try:
        table = compare(
            run.predictions.filter(predictor=name),
            other.predictions.filter(predictor=against),
            run.people,
            names=(name, against),
            seed=run.record.seed,
            weights=run.weights,
        ).table
    except NotComparableError:
        return None
    row = table.row(by_predicate=pl.col("measure") == "accuracy", named=True)
    if row["low"] is None:
        return None
    return Paired(name, against, row["difference"], row["low"], row["high"])


def read_shared(directory: Path) -> tuple[Shared, dict[str, PredictorScore]]:
    """Return what a shared folder says of its results, and the scores.

    Raises IndievalueError, naming the file, if one is missing or damaged, or was written by a later version.
    """
    return _read(directory / FILE, _SHARED, FORMAT), _read(directory / "summary.json", _SCORES)


def _read(file: Path, kind: TypeAdapter[T], expected: int | None = None) -> T:
    try:
        content = parse_json(file.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise IndievalueError(f"cannot read {file}: {error}") from None
    if expected is not None and isinstance(content, dict) and content.get("format") != expected:
        raise IndievalueError(f"{file} is in format {content.get('format')}; this version reads {expected}")
    try:
        return kind.validate_python(content)
    except ValidationError as error:
        problem = problems_of(error)[0]
        raise IndievalueError(f"{file} is not as `indievalue report --share` writes it: {problem}") from None


def survey_hash(survey: Survey) -> str:
    """Return a hash of the questions and options of a survey."""
    asked = [
        [question.id, question.asks, *([option.statement for option in question.options(form)] for form in FORMS)]
        for question in survey.questions
    ]
    return blake2b(json.dumps(asked, ensure_ascii=False).encode(), digest_size=16).hexdigest()


def _is_plain(value: object) -> bool:
    return isinstance(value, bool | int) or (isinstance(value, str) and _PLAIN.fullmatch(value) is not None)
