"""Directories of experiments, which store finished cells and check that they match the settings and data."""

import json
import os
import shutil
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import polars as pl
import yaml
from pydantic import BaseModel, TypeAdapter, ValidationError

from indievalue.errors import IndievalueError, problems_of
from indievalue.experiments.grid import Cell
from indievalue.experiments.spec import Experiment
from indievalue.files import check_directory, new_directory, new_file, only_writer
from indievalue.parsing import parse_json_as, read_yaml
from indievalue.predictors.predictions import read_predictions
from indievalue.strict import Amount, StrictModel

FORMAT = 1
"""Increased whenever cells of earlier versions can no longer be used."""

SPEC = "experiment.yaml"


class _Seconds(StrictModel):
    fit: Amount = 0.0
    predict: Amount = 0.0


class _Stored(StrictModel):
    """The contents of ``cell.json``: what a cell was made of, how long it took, and what it cost."""

    format: int
    predictor: str
    axes: dict[str, Any]
    settings: dict[str, Any]
    seed: int
    survey: str
    data: str
    people: str
    training: dict[str, Any] | None = None
    asking: dict[str, Any] | None = None
    seconds: _Seconds = _Seconds()
    effort: dict[str, Any] | None = None


_STORED = TypeAdapter(_Stored)


class _Named(BaseModel):
    """What decides whose directory it is; the rest of ``experiment.yaml`` may change between runs."""

    name: str


class Folder:
    """The directory of an experiment: ``experiment.yaml``, and ``cells/`` with finished cells only."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def check(self, experiment: Experiment) -> None:
        """Raise IndievalueError if the directory holds anything but this experiment, or cannot be written."""
        spec = self.path / SPEC
        if not spec.exists():
            held = self.path.is_dir() and any(self._own_files())
            check_directory(self.path, force=not held)
        else:
            held_name = _name_in(spec)
            if held_name != experiment.name:
                raise IndievalueError(
                    f"{self.path} holds the experiment {held_name}, not {experiment.name}; choose another --out"
                )
        with only_writer(self.path):  # nobody else is at work in it, and its parent can be written
            if self.path.is_dir():
                self._try_to_write()

    @contextmanager
    def opened(self) -> Iterator[None]:
        """Lock the directory until the block ends. Raises IndievalueError if another process is using it.

        It is made where it is not there, and removed if nothing has been written to it.
        """
        with only_writer(self.path), self._made():
            for left in (self.path / "cells").glob(".*.partial"):  # left behind by a killed process
                shutil.rmtree(left, ignore_errors=True)
            yield

    @contextmanager
    def _made(self) -> Iterator[None]:
        new = not self.path.exists()
        try:
            self.path.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise IndievalueError(f"cannot write {self.path}: {error.strerror or error}") from None
        try:
            yield
        finally:
            if new:
                with suppress(OSError):  # it holds something
                    self.path.rmdir()

    def _try_to_write(self) -> None:
        probe = self.path / f".writable-{os.getpid()}"
        try:
            probe.touch()
            probe.unlink()
        except OSError as error:
            raise IndievalueError(f"cannot write {self.path}: {error.strerror or error}") from None

    def write_spec(self, experiment: Experiment) -> None:
        """Write ``experiment.yaml``."""
        write_text(self.path / SPEC, spec_text(experiment))

    def finished(self, cell: Cell, about: Mapping[str, object], *, force: bool) -> dict[str, Any] | None:
        """Return the contents of ``cell.json`` for a finished cell, or None if it has to be computed.

        Raises IndievalueError if a finished cell of that name has other settings, people or data than ``about``,
        unless ``force``.
        """
        file = self._cell_folder(cell) / "cell.json"
        try:
            stored = parse_json_as(_STORED, file.read_text(encoding="utf-8"))
        except FileNotFoundError:
            return None
        except (OSError, ValueError) as error:
            if force:
                return None
            said = error.strerror if isinstance(error, OSError) else error
            raise IndievalueError(f"cannot read {file}: {said}; give --force to compute the cell again") from None
        made = dict(json.loads(json.dumps(about)))
        held = stored.model_dump(exclude_unset=True)
        differing = [key for key in made if held.get(key) != made[key]]
        if not differing and (self._cell_folder(cell) / "predictions.parquet").exists():
            return held
        if force:
            return None
        raise IndievalueError(
            f"{self._cell_folder(cell)} was computed with other {', '.join(differing) or 'content'} than requested; "
            "choose another --out, or give --force to compute it again"
        )

    def write(
        self,
        cell: Cell,
        about: Mapping[str, object],
        predictions: pl.DataFrame,
        write_log: Callable[[Path], None] = lambda folder: None,
    ) -> None:
        """Store a finished cell atomically, with its predictor's log."""
        with new_directory(self._cell_folder(cell), force=True) as folder:
            predictions.write_parquet(folder / "predictions.parquet")
            write_log(folder)
            write_json(folder / "cell.json", about)

    def shards(self, cell: Cell) -> Path:
        """Return the folder for the shards of a cell that is not finished."""
        return self.path / "cells" / f".{cell.name}.shards"

    def delete_shards(self, cell: Cell) -> None:
        """Delete the shards of a cell: it is finished."""
        shutil.rmtree(self.shards(cell), ignore_errors=True)

    def predictions(self, cell: Cell) -> pl.DataFrame:
        """Return the predictions of a finished cell. Raises IndievalueError if the file is damaged."""
        try:
            return read_predictions(self._cell_folder(cell) / "predictions.parquet")
        except IndievalueError as error:
            raise IndievalueError(f"{error}; delete {self._cell_folder(cell)} to have it computed again") from None

    def _cell_folder(self, cell: Cell) -> Path:
        return self.path / "cells" / cell.name

    def _own_files(self) -> Iterator[Path]:
        return (file for file in self.path.iterdir() if not file.name.startswith((".lock", f".{SPEC}.")))


def spec_text(experiment: Experiment) -> str:
    """Return the experiment as YAML, which can be run again."""
    content = experiment.model_dump(mode="json", by_alias=True, exclude_defaults=True)
    return yaml.safe_dump(content, sort_keys=False, allow_unicode=True, width=110)


def write_text(path: Path, text: str) -> None:
    with new_file(path) as beside:
        beside.write_text(text, encoding="utf-8")


def write_json(path: Path, content: object) -> None:
    write_text(path, json.dumps(content, ensure_ascii=False, indent=1) + "\n")


def _name_in(spec: Path) -> str:
    try:
        return _Named.model_validate(read_yaml(spec, "an experiment"), strict=True).name
    except ValidationError as error:
        said = f"{spec} is not an experiment: {problems_of(error)[0]}"
    except IndievalueError as error:
        said = str(error)
    raise IndievalueError(f"{said}; choose another --out")
