"""Save and load benchmarks: parquet tables, and a JSONL file of task texts for other programs."""

import json
from collections import Counter
from collections.abc import Iterator
from dataclasses import asdict, fields
from hashlib import blake2b
from pathlib import Path
from typing import NotRequired

import numpy as np
import polars as pl
from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, field_validator
from typing_extensions import TypedDict  # before Python 3.12 pydantic validates no other

from indievalue.benchmark.circumstances import circumstance_statements
from indievalue.benchmark.model import NOBODY, Benchmark, Eligibility, Settings, Setup, Task
from indievalue.errors import IndievalueError
from indievalue.files import new_directory, new_file, refuse_rows
from indievalue.parsing import parse_json, read_as
from indievalue.people.blocks import PeopleBlocks
from indievalue.people.people import People

FORMAT = 1
"""Raised when what is stored changes, so that an older file is refused and not misread."""

_TEXTS = {"person": pl.String(), "question": pl.String()}
"""Columns of text, which they are even where a setup shows or asks nothing."""


class StatementText(TypedDict):
    """A demonstration: the person's statement about a question."""

    question: str
    statement: str


class ProbeText(TypedDict):
    """A question that is asked, with a statement for each option; ``answer`` is the place of the true one."""

    question: str
    asks: str
    options: list[str]
    answer: NotRequired[int]


class TaskText(TypedDict):
    """What a predictor may see of one person in one setup as text, and what it is asked."""

    person: str
    setup: int
    form: str
    demographics: list[str]
    demonstrations: list[StatementText]
    probes: list[ProbeText]


def save_benchmark(benchmark: Benchmark, directory: str | Path, *, text: bool = True, force: bool = False) -> None:
    """Write ``benchmark.json``, ``probes.parquet``, ``demonstrations.parquet`` and, with ``text``, ``tasks.jsonl``.

    The parquet tables name people and questions by id and hold the true answers. Raises IndievalueError where the
    directory is not empty (unless ``force``) or cannot be written.
    """
    with new_directory(Path(directory), force=force) as folder:
        write_tables(benchmark, folder)
        if text:
            with new_file(folder / "tasks.jsonl") as file, file.open("w", encoding="utf-8") as out:
                for task in task_texts(benchmark):
                    out.write(json.dumps(task, ensure_ascii=False) + "\n")


def write_tables(benchmark: Benchmark, folder: Path) -> None:
    """The part of :func:`save_benchmark` that :func:`load_benchmark` reads."""
    folder.mkdir(exist_ok=True)
    about = {
        "format": FORMAT,
        "survey": benchmark.survey.name,
        "data": benchmark.people.findings.fingerprint,
        "settings": benchmark.settings.stored(),
        "eligibility": asdict(benchmark.eligibility),
        "people": benchmark.people.ids.tolist(),
        "setups": [
            {"number": setup.number, "probes": _ids(benchmark, setup.probes.tolist())} for setup in benchmark.setups
        ],
    }
    (folder / "benchmark.json").write_text(json.dumps(about, ensure_ascii=False, indent=1), encoding="utf-8")
    _probes(benchmark).write_parquet(folder / "probes.parquet")
    _demonstrations(benchmark).write_parquet(folder / "demonstrations.parquet")


def benchmark_hash(benchmark: Benchmark) -> str:
    """Return a hash of everything that is asked, shown and true in a benchmark."""
    digest = blake2b(digest_size=16)
    settings = {**benchmark.settings.stored(), "survey": benchmark.survey.name}
    digest.update(json.dumps([settings, benchmark.people.ids.tolist()], sort_keys=True).encode())
    options = benchmark.people.options(benchmark.settings.shown_form)
    for array in (options, *(part for setup in benchmark.setups for part in (setup.probes, setup.demonstrations))):
        digest.update(repr(array.shape).encode() + np.ascontiguousarray(array).tobytes())
    for setup in benchmark.setups:
        digest.update(np.ascontiguousarray(benchmark.answers(setup)).tobytes())
    return digest.hexdigest()


def load_benchmark(directory: str | Path, people: People | PeopleBlocks) -> Benchmark:
    """Load the benchmark saved in ``directory``, for the same people in ``people``.

    Raises IndievalueError if the directory holds no benchmark, or one drawn from people or answers that ``people``
    does not hold.
    """
    folder = Path(directory)
    about = _about(folder)
    try:
        probes = pl.read_parquet(folder / "probes.parquet")
        demonstrations = pl.read_parquet(folder / "demonstrations.parquet")
    except (OSError, ValueError, pl.exceptions.PolarsError) as error:
        raise IndievalueError(f"{folder} holds no benchmark: {error}") from None
    if about.survey not in (None, people.survey.name):
        raise IndievalueError(f"{folder} is a benchmark of survey {about.survey}, and the data of {people.survey.name}")
    if isinstance(people, PeopleBlocks):
        people = people.only(about.people)
    absent = [person for person in about.people if person not in people.rows]
    if absent:
        raise IndievalueError(
            f"{folder} is of other data: {len(absent):,} of its people are not in this one, first {absent[0]!r}"
        )
    chosen = people.take(np.array([people.rows[person] for person in about.people], np.int64))
    at = people.survey.positions
    for question in (question for setup in about.setups for question in setup.probes):
        if question not in at:
            raise IndievalueError(f"{folder / 'benchmark.json'}: the survey has no question {question!r}")
    # Earlier versions gave columns of text no type where nothing is shown.
    demonstrations = demonstrations.with_columns(pl.col(pl.Null).cast(pl.String))
    _check_demonstrations(folder / "demonstrations.parquet", demonstrations, chosen, len(about.setups))
    setups = tuple(
        Setup(
            number=setup.number,
            probes=np.array([at[question] for question in setup.probes], np.int64),
            demonstrations=_matrix(demonstrations.filter(pl.col("part") == part), chosen),
        )
        for part, setup in enumerate(about.setups)
    )
    benchmark = Benchmark(about.settings, chosen, setups, about.eligibility)
    if not _probes(benchmark).equals(probes):
        raise IndievalueError(f"{folder}: the data gives other answers to the probes than when the benchmark was drawn")
    return benchmark


class _StoredSetup(BaseModel):
    """A setup in ``benchmark.json``."""

    model_config = ConfigDict(strict=True)

    number: int = Field(ge=0, le=127)
    probes: list[str]

    @field_validator("probes")
    @classmethod
    def _are_distinct(cls, probes: list[str]) -> list[str]:
        return _distinct(probes, "asks")


class _Stored(BaseModel):
    """The content of ``benchmark.json``."""

    format: int
    survey: str | None = None
    settings: Settings
    eligibility: Eligibility
    people: list[str] = Field(min_length=1)
    setups: list[_StoredSetup]

    @field_validator("format", mode="before")
    @classmethod
    def _is_read(cls, number: object) -> object:
        if number != FORMAT:
            raise ValueError(f"it was written in format {number}; this version reads {FORMAT}")
        return number

    @field_validator("settings", mode="before")
    @classmethod
    def _are_known(cls, settings: object) -> object:
        unknown = set(settings) - {one.name for one in fields(Settings)} if isinstance(settings, dict) else set()
        if unknown:
            raise ValueError(f"unknown key {min(unknown)!r}")
        return settings

    @field_validator("people")
    @classmethod
    def _are_distinct(cls, people: list[str]) -> list[str]:
        return _distinct(people, "names")


def _distinct(values: list[str], verb: str) -> list[str]:
    twice = [value for value, times in Counter(values).items() if times > 1]
    if twice:
        raise ValueError(f"it {verb} {twice[0]!r} twice")
    return values


def _about(folder: Path) -> _Stored:
    file = folder / "benchmark.json"
    try:
        text = file.read_text(encoding="utf-8")
        parse_json(text)
    except (OSError, ValueError) as error:
        raise IndievalueError(f"{folder} holds no benchmark: {error}") from None
    try:
        return read_as(TypeAdapter(_Stored), text)
    except (ValueError, IndievalueError) as error:
        raise IndievalueError(f"{file} is no benchmark that can be read: {error}") from None


def _check_demonstrations(file: Path, table: pl.DataFrame, people: People, setups: int) -> None:
    """Raise IndievalueError, with the row, unless ``table`` says what is shown of ``people`` in that many setups."""
    for column, is_text in (("part", False), ("person", True), ("place", False), ("question", True)):
        kind = table.schema.get(column)
        if kind is None or not (kind == pl.String if is_text else kind.is_integer()):
            raise IndievalueError(f"{file}: {column} must be a column of {'text' if is_text else 'whole numbers'}")
    positions = people.survey.positions
    for wrong, complaint in (
        (pl.any_horizontal(pl.col("part", "person", "place", "question").is_null()), "a value is missing"),
        (~pl.col("part").is_between(0, setups - 1), "there is no setup at place {part}"),
        (~pl.col("person").is_in(people.ids.tolist()), "{person!r} is not tested"),
        (~pl.col("question").is_in(list(positions)), "the survey has no question {question!r}"),
        (~pl.col("place").is_between(0, len(positions) - 1), "place {place} is beyond the survey's questions"),
        (~pl.struct("part", "person", "place").is_first_distinct(), "place {place} of {person!r} is given twice"),
        (~pl.struct("part", "person", "question").is_first_distinct(), "{question} of {person!r} is shown twice"),
    ):
        refuse_rows(file, table, wrong, complaint)


def task_texts(benchmark: Benchmark) -> Iterator[TaskText]:
    """Everything as text, one dict per person and setup: :func:`texts_of` with, for each probe that the person answered
    and no others, the ``answer``: index of the true option.
    """
    for setup, task in benchmark.tasks():
        for text, answers in zip(texts_of(task), benchmark.answers(setup), strict=True):
            probes: list[ProbeText] = [
                {**probe, "answer": int(answer)}
                for probe, answer in zip(text["probes"], answers, strict=True)
                if answer >= 0
            ]
            yield {**text, "probes": probes}


def asked_texts(task: Task) -> Iterator[TaskText]:
    """Yield :func:`texts_of` ``task`` with those probes only that the person answered; nobody without any."""
    for text, asked in zip(texts_of(task), task.asked.tolist(), strict=True):
        probes = [probe for probe, wanted in zip(text["probes"], asked, strict=True) if wanted]
        if probes:
            yield {**text, "probes": probes}


def texts_of(task: Task) -> Iterator[TaskText]:
    """What a predictor may see of each person as text.

    Keys: person, setup, form, demographics (statements, followed by those about the year and the country),
    demonstrations (question, statement), probes (question, asks, options). A group that the survey has no statement for
    is left out.
    """
    probes: list[ProbeText] = [
        {
            "question": question.id,
            "asks": question.asks,
            "options": [option.statement for option in question.options(task.form)],
        }
        for question in (task.survey.questions[probe] for probe in task.probes)
    ]
    for row, person in enumerate(task.people.tolist()):
        shown = [(task.survey.questions[at], int(task.shown[row, at])) for at in task.order[row] if at != NOBODY]
        labels = {} if task.demographics is None else task.demographics.row(row, named=True)
        facts = {} if task.facts is None else task.facts.row(row, named=True)
        yield {
            "person": person,
            "setup": task.setup,
            "form": task.form,
            "demographics": list(circumstance_statements(task.survey, labels, facts)),
            "demonstrations": [
                {"question": question.id, "statement": question.options(task.shown_form)[option].statement}
                for question, option in shown
            ],
            "probes": probes,
        }


def _probes(benchmark: Benchmark) -> pl.DataFrame:
    parts = []
    for part, setup in enumerate(benchmark.setups):
        answers = benchmark.answers(setup)
        parts.append(
            pl.DataFrame(
                {
                    "part": np.full(answers.size, part, np.int16),
                    "setup": np.full(answers.size, setup.number, np.int8),
                    "person": np.repeat(benchmark.people.ids, len(setup.probes)).tolist(),
                    "question": _ids(benchmark, setup.probes.tolist()) * len(benchmark.people),
                    "answer": answers.ravel(),
                },
                schema_overrides=_TEXTS,
            )
        )
    return pl.concat(parts)


def _demonstrations(benchmark: Benchmark) -> pl.DataFrame:
    options = benchmark.people.options(benchmark.settings.shown_form)
    names = np.array([question.id for question in benchmark.survey.questions])
    parts = []
    for part, setup in enumerate(benchmark.setups):
        person, place = np.nonzero(setup.demonstrations != NOBODY)
        question = setup.demonstrations[person, place]
        parts.append(
            pl.DataFrame(
                {
                    "part": np.full(len(person), part, np.int16),
                    "setup": np.full(len(person), setup.number, np.int8),
                    "person": benchmark.people.ids[person].tolist(),
                    "place": place.astype(np.int16),
                    "question": names[question].tolist(),
                    "option": options[person, question],
                },
                schema_overrides=_TEXTS,
            )
        )
    return pl.concat(parts)


def _matrix(table: pl.DataFrame, people: People) -> np.ndarray[tuple[int, int], np.dtype[np.int16]]:
    """The ``demonstrations`` array of one setup from its stored rows."""
    most = 0 if table.is_empty() else int(table["place"].to_numpy().max()) + 1
    matrix = np.full((len(people), most), NOBODY, np.int16)
    rows = np.array([people.rows[person] for person in table["person"].to_list()], np.int64)
    columns = np.array([people.survey.positions[question] for question in table["question"].to_list()], np.int16)
    matrix[rows, table["place"].to_numpy()] = columns
    return matrix


def _ids(benchmark: Benchmark, columns: list[int]) -> list[str]:
    return [benchmark.survey.questions[column].id for column in columns]
