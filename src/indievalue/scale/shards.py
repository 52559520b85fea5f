"""The shards of a predictor's predictions: people cut into shards, one parquet file each, and merged again.

A file that has its final name is a finished shard: nothing else records what is done. Files are in a folder whose name
is a fingerprint of everything that the predictions depend on, and every file has it in its metadata, too.
"""

import io
import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import polars as pl
from numpy.typing import NDArray

from indievalue.benchmark.model import Benchmark
from indievalue.benchmark.narrow import with_people
from indievalue.errors import IndievalueError
from indievalue.files import new_file
from indievalue.predictors.predictions import read_predictions

ABOUT = "shards.json"
"""Name of the file that says what a folder of shards is of."""

_KEY = "indievalue"
"""Key of what a shard says of itself in the metadata of its file."""

_NAME = re.compile(r"shard-(\d+)-of-(\d+)\.parquet")


@dataclass(frozen=True)
class Shards:
    """The shards of one predictor's predictions of one benchmark.

    Attributes:
        folder: where their files are, named by ``fingerprint``. benchmark: all people. number: how many shards.
    """

    folder: Path
    fingerprint: str
    benchmark: Benchmark
    number: int

    def people(self, shard: int) -> range:
        """Return the rows of the people in a shard, counted from 1: as many as in any other, or one more or less."""
        people = len(self.benchmark.people)
        return range((shard - 1) * people // self.number, shard * people // self.number)

    def part(self, shard: int) -> Benchmark:
        """Return the benchmark of the people in a shard."""
        rows = self.people(shard)
        inside: NDArray[np.bool_] = np.zeros(len(self.benchmark.people), bool)
        inside[rows.start : rows.stop] = True
        return with_people(self.benchmark, inside)

    def open(self, about: Mapping[str, object]) -> None:
        """Make the folder, with a file that says what it is of."""
        self.folder.mkdir(parents=True, exist_ok=True)
        if not holds(self.folder, self.fingerprint):
            with new_file(self.folder / ABOUT) as beside:
                text = json.dumps({"fingerprint": self.fingerprint, "shards": self.number, **about}, ensure_ascii=False)
                beside.write_text(text + "\n", encoding="utf-8")

    def missing(self) -> list[int]:
        """Return the shards that are not finished; files that are damaged are deleted."""
        found = []
        for shard in range(1, self.number + 1):
            path = path_of(self.folder, shard, self.number)
            if path.exists():
                if said_of(path).get("fingerprint") == self.fingerprint:
                    continue
                path.unlink()
            found.append(shard)
        return found

    def merged(self) -> pl.DataFrame:
        """Return the rows of all shards, in the order in which one machine that predicts everybody gives them."""
        tables = []
        for shard in range(1, self.number + 1):
            file = path_of(self.folder, shard, self.number)
            try:
                tables.append(read_predictions(file).with_columns(pl.lit(shard).alias("shard")))
            except IndievalueError as error:
                raise IndievalueError(f"{error}; delete this file, and the same command computes it again") from None
        survey = self.benchmark.survey
        places = [
            (setup.number, survey.questions[probe].id, place)
            for place, setup in enumerate(self.benchmark.setups)
            for probe in setup.probes.tolist()
        ]
        schema = {"setup": pl.Int8(), "question": pl.String(), "place": pl.Int64()}
        order = pl.DataFrame(places, schema=schema, orient="row")
        placed = pl.concat(tables).join(order, on=["setup", "question"], how="left", maintain_order="left")
        return placed.sort("place", "shard", maintain_order=True).drop("place", "shard")

    def effort(self) -> dict[str, object]:
        """Return what predictors reported about their shards, taken together (see :func:`together`)."""
        said = [said_of(path_of(self.folder, shard, self.number)) for shard in range(1, self.number + 1)]
        return together([found for one in said if isinstance(found := one.get("effort"), Mapping) and found])

    def seconds(self) -> float:
        """Return the seconds of all workers that computed the shards."""
        said = [said_of(path_of(self.folder, shard, self.number)) for shard in range(1, self.number + 1)]
        return sum(float(str(one.get("seconds", 0))) for one in said)


def path_of(folder: Path, shard: int, number: int) -> Path:
    """Return the file of a shard."""
    return folder / f"shard-{shard:05d}-of-{number:05d}.parquet"


def finished_in(folder: Path) -> int:
    """Return how many finished shards there are in the folders within ``folder``."""
    return sum(_NAME.fullmatch(path.name) is not None for path in folder.rglob("shard-*.parquet"))


def holds(folder: Path, fingerprint: str) -> bool:
    """Return whether a folder is there, as seen from this machine, and is that of the shards with a fingerprint."""
    try:
        return bool(json.loads((folder / ABOUT).read_text(encoding="utf-8"))["fingerprint"] == fingerprint)
    except (OSError, ValueError, KeyError, TypeError):
        return False


def content_of(predictions: pl.DataFrame, about: Mapping[str, object]) -> bytes:
    """Return the content of a shard's file: its rows, with what it says of itself as metadata."""
    content = io.BytesIO()
    predictions.write_parquet(content, metadata={_KEY: json.dumps(about)})
    return content.getvalue()


def write_shard(path: Path, content: bytes) -> None:
    """Write a shard's file, whole or not at all; one that is there already stays."""
    if not path.exists():
        with new_file(path) as beside:
            beside.write_bytes(content)


def said_of(path: Path) -> dict[str, object]:
    """Return what a shard's file says of itself; empty if it is not there, or is damaged."""
    try:
        said = json.loads(pl.read_parquet_metadata(path)[_KEY])
    except (OSError, ValueError, KeyError, pl.exceptions.PolarsError):
        return {}
    return said if isinstance(said, dict) else {}


def together(efforts: Sequence[Mapping[str, object]]) -> dict[str, object]:
    """Return the efforts of shards as one: whole numbers are added, and others averaged, weighted by ``prompts``.

    So quantiles are averages of those of the shards. Of anything else, the first is taken.

    >>> together([{"mass": {"prompts": 30, "mean": 0.5}}, {"mass": {"prompts": 10, "mean": 0.9}}])
    {'mass': {'prompts': 40, 'mean': 0.6}}
    """
    if not efforts:
        return {}
    weights = [_weight(effort) for effort in efforts]
    return {name: _joined([effort.get(name) for effort in efforts], weights) for name in efforts[0]}


def _weight(effort: Mapping[str, object]) -> float:
    prompts = effort.get("prompts", 1)
    return float(prompts) if isinstance(prompts, int | float) else 1.0


def _joined(values: Sequence[object], weights: Iterable[float]) -> object:
    first = values[0]
    if isinstance(first, Mapping):
        return together([value for value in values if isinstance(value, Mapping)])
    if isinstance(first, bool) or not isinstance(first, int | float):
        return first
    numbers = [
        (float(value), weight) for value, weight in zip(values, weights, strict=True) if isinstance(value, int | float)
    ]
    if all(isinstance(value, int) for value in values):
        return int(sum(number for number, _ in numbers))
    total = sum(weight for _, weight in numbers)
    return sum(number * weight for number, weight in numbers) / total if total else first
