"""Store each predictor's predictions as soon as it finishes, so that an interrupted run can resume."""

import json
import shutil
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from hashlib import blake2b
from importlib.metadata import version
from pathlib import Path
from types import TracebackType
from typing import Self

import polars as pl
from pydantic import TypeAdapter

from indievalue.benchmark.model import Benchmark
from indievalue.benchmark.storage import benchmark_hash
from indievalue.errors import IndievalueError
from indievalue.files import locked, new_directory
from indievalue.parsing import parse_json_as
from indievalue.people.people import People
from indievalue.predictors.predictions import predict, read_predictions
from indievalue.predictors.protocol import Predictor
from indievalue.runs.folds import Learning

_SHARDS = ".shards"
"""Ending of the folder of a predictor's shards."""

_SLOW = 5
"""Seconds after which every fold is reported."""


@dataclass(frozen=True)
class Part:
    """The contribution of one predictor to a run.

    Attributes:
        predictions: its rows. seconds: time to fit and predict. effort: calls, tokens and the like, by name.
        write_log: writes the predictor's log, if it has one, into a run directory. sample: number of people that it
            learned from, if these are a sample of those there were.
    """

    name: str
    predictions: pl.DataFrame
    seconds: float
    effort: Mapping[str, object] = field(default_factory=dict)
    write_log: Callable[[Path], None] = lambda folder: None
    sample: int | None = None


@dataclass(frozen=True)
class _About:
    """The contents of ``part.json``."""

    name: str
    seconds: float
    effort: Mapping[str, object]


@dataclass(frozen=True)
class Predicted:
    """The predictions of a benchmark by one fitted predictor.

    Attributes:
        predictions: its rows. effort, lines: what it reports, by name and for the terminal.
        write_log: writes its log, if it has one, into a run directory.
    """

    predictions: pl.DataFrame
    effort: Mapping[str, object] = field(default_factory=dict)
    lines: Sequence[str] = ()
    write_log: Callable[[Benchmark, Path], None] = lambda benchmark, folder: None


Predicting = Callable[[Callable[[], Predictor], Benchmark], Predicted]
"""Predicts a benchmark; it gets a function that returns the fitted predictor, which may not be needed."""


def predicting_here(name: str) -> Predicting:
    """Return what predicts a benchmark in this process, all people at once, with the predictor called ``name``."""

    def predicted(fit: Callable[[], Predictor], benchmark: Benchmark) -> Predicted:
        fitted = fit()
        predictions = predict(name, fitted, benchmark)
        report = fitted.effort()
        lines = tuple(report.lines()) if report else ()
        return Predicted(predictions, report.as_dict() if report else {}, lines, fitted.write_log)

    return predicted


def ask_predictor(
    name: str,
    predictor: Predictor,
    learning: Learning,
    progress: Callable[[str], None],
    predicting: Predicting | None = None,
) -> Part:
    """Fit a predictor on the people to learn from and predict the benchmark with it, fold by fold if there are any.

    A predictor that does not learn is asked once. ``predicting`` predicts; by default in this process.
    """
    sample = learning.sample_of(predictor)
    progress(f"{name} …" if sample is None else f"{name}, learning from a sample of {sample:,} people …")
    start = time.perf_counter()
    predicting = predicting or predicting_here(name)
    predictor = learning.expecting(predictor)
    benchmark, tables = learning.benchmark, []
    for training, part in learning.parts() if predictor.learns else [(learning.untested, benchmark)]:

        def fit(training: People = training) -> Predictor:
            return learning.limited(learning.fitted(name, predictor, learning.training(predictor, training)))

        last = predicting(fit, part)
        tables.append(last.predictions)
        if part is not benchmark and time.perf_counter() - start > _SLOW:
            progress(f"{name}: fold {len(tables)} of {learning.number}")
    predictions = tables[0] if len(tables) == 1 else _in_order(pl.concat(tables), benchmark)
    for line in last.lines:
        progress(line)
    return Part(
        name,
        predictions,
        round(time.perf_counter() - start, 3),
        last.effort,
        lambda folder: last.write_log(benchmark, folder),
        sample,
    )


def _in_order(predictions: pl.DataFrame, benchmark: Benchmark) -> pl.DataFrame:
    """Return predictions by setup, and in each by person, as those of one fold are."""
    setups = list(dict.fromkeys(setup.number for setup in benchmark.setups))
    place = pl.col("person").replace_strict(benchmark.people.rows, return_dtype=pl.Int64)
    at = pl.col("setup").replace_strict(setups, list(range(len(setups))), return_dtype=pl.Int64)
    return predictions.sort(at, place, maintain_order=True)


class Parts:
    """A folder beside the run directory that holds finished predictions until the run is complete.

    It belongs to one benchmark, set of people and number of folds; predictions made with others are never reused. Only
    one process at a time can use it. It is deleted when the run is complete, or if it stops before any predictor or
    shard of one has finished; otherwise ``progress`` is told that it is left.
    """

    def __init__(self, out: Path, learning: Learning, progress: Callable[[str], None] = lambda line: None) -> None:
        self.progress, self._out = progress, out
        folds = "" if learning.number == 1 else f" {learning.number} folds"
        self.identity = f"{benchmark_hash(learning.benchmark)} {learning.digest()} {version('indievalue')}{folds}"
        self.folder = out.parent / f".{out.name}.{_digest(self.identity)}.unfinished"
        self._stack = ExitStack()
        self._finished = False

    def __enter__(self) -> Self:
        new = not self.folder.exists()
        try:
            with self._named_as_out(self.folder):
                self._stack.enter_context(locked(self.folder))
        except KeyboardInterrupt:
            if new:
                shutil.rmtree(self.folder, ignore_errors=True)
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        finished = len(list(self.folder.glob("[!.]*/part.json")))
        shards = len(list(self.folder.glob(f"[!.]*{_SHARDS}/*/shard-*.parquet")))
        if self._finished or not (finished or shards):
            shutil.rmtree(self.folder, ignore_errors=True)
        else:
            kept = [(finished, "predictor"), (shards, "shard")]
            which = " and ".join(f"{n} finished {what}{'s' if n > 1 else ''}" for n, what in kept if n)
            self.progress(f"the predictions of {which} are kept in {self.folder}; the same command continues there")
        self._stack.close()

    def get(
        self,
        name: str,
        predictor: Predictor,
        learning: Learning,
        progress: Callable[[str], None],
        predicting: Predicting | None = None,
    ) -> Part:
        """Return the predictions of ``predictor``, computed now (see :func:`ask_predictor`) or before an interrupt."""
        identity = predictor.identity()
        folder = self._of(name, identity)
        if identity is not None and (found := self._read(folder, name)):
            progress(f"{name}: finished before")
            return replace(found, sample=learning.sample_of(predictor))
        part = ask_predictor(name, predictor, learning, progress, predicting)
        with self._named_as_out(folder), new_directory(folder, force=True) as beside:
            part.predictions.write_parquet(beside / "predictions.parquet")
            part.write_log(beside / "logs")
            about = {"name": name, "seconds": part.seconds, "effort": part.effort}
            (beside / "part.json").write_text(json.dumps(about, ensure_ascii=False), encoding="utf-8")
        return Part(name, part.predictions, part.seconds, part.effort, _copier(folder / "logs"), part.sample)

    def shards(self, name: str, predictor: Predictor) -> Path:
        """Return the folder for the shards of a predictor that is not finished."""
        return self._of(name, predictor.identity()).with_suffix(_SHARDS)

    def _of(self, name: str, identity: str | None) -> Path:
        return self.folder / _digest(f"{name}\0{identity}")

    @contextmanager
    def _named_as_out(self, folder: Path) -> Iterator[None]:
        """Errors that name ``folder``, which is hidden, name the run directory that the user gave instead."""
        try:
            yield
        except IndievalueError as error:
            if str(folder) not in str(error):
                raise
            raise IndievalueError(str(error).replace(str(folder), str(self._out))) from None

    def finish(self) -> None:
        """Mark the run as complete, so that the folder is deleted."""
        self._finished = True

    def _read(self, folder: Path, name: str) -> Part | None:
        try:
            about = parse_json_as(TypeAdapter(_About), (folder / "part.json").read_text(encoding="utf-8"))
            predictions = read_predictions(folder / "predictions.parquet")
        except (OSError, ValueError, IndievalueError):
            return None  # missing or damaged: predict again
        if about.name != name:
            return None
        return Part(name, predictions, about.seconds, about.effort, _copier(folder / "logs"))


def _copier(logs: Path) -> Callable[[Path], None]:
    def copy(folder: Path) -> None:
        if logs.is_dir():
            shutil.copytree(logs, folder, dirs_exist_ok=True)

    return copy


def _digest(text: str) -> str:
    return blake2b(text.encode(), digest_size=8).hexdigest()
