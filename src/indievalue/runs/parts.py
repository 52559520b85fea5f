"""Store each predictor's predictions as soon as it finishes, so that an interrupted run can resume."""

import json
import shutil
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from hashlib import blake2b
from importlib.metadata import version
from pathlib import Path
from types import TracebackType
from typing import Self

import numpy as np
import polars as pl
from pydantic import TypeAdapter

from indievalue.benchmark.model import Benchmark
from indievalue.benchmark.storage import benchmark_hash
from indievalue.errors import IndievalueError
from indievalue.files import locked, new_directory
from indievalue.parsing import parse_json_as
from indievalue.predictors.predictions import predict, read_predictions
from indievalue.predictors.protocol import Predictor
from indievalue.runs.folds import Learning

_SLOW = 5
"""Seconds after which every fold is reported."""


@dataclass(frozen=True)
class Part:
    """The contribution of one predictor to a run.

    Attributes:
        predictions: its rows. seconds: time to fit and predict. effort: calls, tokens and the like, by name.
        write_log: writes the predictor's log, if it has one, into a run directory.
    """

    name: str
    predictions: pl.DataFrame
    seconds: float
    effort: Mapping[str, object] = field(default_factory=dict)
    write_log: Callable[[Path], None] = lambda folder: None


@dataclass(frozen=True)
class _About:
    """The contents of ``part.json``."""

    name: str
    seconds: float
    effort: Mapping[str, object]


def ask_predictor(name: str, predictor: Predictor, learning: Learning, progress: Callable[[str], None]) -> Part:
    """Fit a predictor on the people to learn from and predict the benchmark with it, fold by fold if there are any.

    A predictor that does not learn is asked once.
    """
    progress(f"{name} …")
    start = time.perf_counter()
    predictor = learning.expecting(predictor)
    benchmark, tables = learning.benchmark, []
    for training, part in learning.parts() if predictor.learns else [(learning.untested, benchmark)]:
        training = learning.training(predictor, training)
        fitted = predictor.fit(training, benchmark.settings.form, benchmark.settings.shown_form)
        tables.append(predict(name, learning.limited(fitted), part))
        if part is not benchmark and time.perf_counter() - start > _SLOW:
            progress(f"{name}: fold {len(tables)} of {learning.number}")
    predictions = tables[0] if len(tables) == 1 else _in_order(pl.concat(tables), benchmark)
    report = fitted.effort()
    for line in report.lines() if report else ():
        progress(line)
    return Part(
        name,
        predictions,
        round(time.perf_counter() - start, 3),
        report.as_dict() if report else {},
        lambda folder: fitted.write_log(benchmark, folder),
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
    one process at a time can use it. It is deleted when the run is complete, or if it stops before any predictor has
    finished; otherwise ``progress`` is told that it is left.
    """

    def __init__(self, out: Path, learning: Learning, progress: Callable[[str], None] = lambda line: None) -> None:
        self._progress, self._out = progress, out
        people, benchmark = learning.people, learning.benchmark
        learned_from = blake2b(np.ascontiguousarray(people.codes.T).data, digest_size=8)  # stored by column
        learned_from.update("\0".join(people.ids.tolist()).encode())
        learned_from.update(people.findings.fingerprint.encode())
        if learning.elsewhere is not None:
            learned_from.update(learning.elsewhere.digest())
        folds = "" if learning.number == 1 else f" {learning.number} folds"
        identity = f"{benchmark_hash(benchmark)} {learned_from.hexdigest()} {version('indievalue')}{folds}"
        self.folder = out.parent / f".{out.name}.{_digest(identity)}.unfinished"
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
        if self._finished or not finished:
            shutil.rmtree(self.folder, ignore_errors=True)
        else:
            which = "1 finished predictor" if finished == 1 else f"{finished} finished predictors"
            self._progress(f"the predictions of {which} are kept in {self.folder}; the same command continues there")
        self._stack.close()

    def get(self, name: str, predictor: Predictor, learning: Learning, progress: Callable[[str], None]) -> Part:
        """Return the predictions of ``predictor``, computed now or before the run was interrupted."""
        identity = predictor.identity()
        knowing = " knowing" if learning.knowing else ""
        folder = self.folder / _digest(f"{name}\0{identity}{knowing}")
        if identity is not None and (found := self._read(folder, name)):
            progress(f"{name}: finished before")
            return found
        part = ask_predictor(name, predictor, learning, progress)
        with self._named_as_out(folder), new_directory(folder, force=True) as beside:
            part.predictions.write_parquet(beside / "predictions.parquet")
            part.write_log(beside / "logs")
            about = {"name": name, "seconds": part.seconds, "effort": part.effort}
            (beside / "part.json").write_text(json.dumps(about, ensure_ascii=False), encoding="utf-8")
        return Part(name, part.predictions, part.seconds, part.effort, _copier(folder / "logs"))

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
