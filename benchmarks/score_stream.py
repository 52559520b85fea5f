"""Measure the memory and time of scoring 100 million predictions in a stream.

The predictions are made up, and written in parts: every person has an ability, every predictor probabilities that tell
how often it is right, and people of four groups differ a little. The run directory is deleted afterwards.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import polars as pl
from numpy.typing import NDArray

PART = 2_000_000
"""Rows in a part, about."""

PREDICTORS = ("one", "two", "three", "four")
"""They stand for four contexts of a model."""


@dataclass(frozen=True)
class World:
    """The people of the run, by name and group, and the questions with their numbers of options."""

    names: pl.Series
    group: NDArray[np.int64]
    questions: pl.Series
    options: NDArray[np.int64]


def write_run(folder: Path, people: int, seed: int) -> int:
    """Write a run of all questions of the survey and all predictors, and return its number of rows."""
    import indievalue as iv
    from indievalue.choices import FORMS
    from indievalue.runs.storage import write_run as write_small

    drawn = iv.synthetic_people(400)
    small = iv.evaluate(drawn, iv.build_benchmark(drawn, people_tested=40, setups=[0]), "random", folds=1)
    write_small(small, folder)
    (folder / "predictions.parquet").unlink()
    (folder / "predictions").mkdir()
    random = np.random.default_rng(seed)
    names = pl.Series([f"person-{number:07d}" for number in range(people)])
    group = random.integers(0, 4, people)
    about = {name: [f"group {number}" for number in group] for name in small.people.columns[2:5]}
    pl.DataFrame({"person": names, "weight": np.ones(people), **about}).write_parquet(folder / "people.parquet")
    questions = pl.Series([question.id for question in small.survey.questions])
    world = World(names, group, questions, small.survey.form(FORMS[0]).counts)
    each = max(1, PART // len(questions))
    rows = 0
    for number, predictor in enumerate(PREDICTORS):
        for start in range(0, people, each):
            at = np.arange(start, min(people, start + each))
            table = _rows(world, predictor, number, at, random)
            table.write_parquet(folder / "predictions" / f"{predictor}-{start:08d}.parquet")
            rows += len(table)
    (folder / "run.json").write_text(json.dumps({**asdict(small.record), "people": people}), encoding="utf-8")
    return rows


def _rows(
    world: World, predictor: str, number: int, at: NDArray[np.int64], random: np.random.Generator
) -> pl.DataFrame:
    """Return the predictions of one predictor, by its number, about the people ``at`` some places."""
    person = np.repeat(at, len(world.questions))
    count = np.tile(world.options, len(at))
    sure = np.clip(random.beta(4, 2, len(person)), 1 / count, 1)
    right = random.random(len(person)) < np.clip(sure - 0.03 * number - 0.01 * world.group[person], 0, 1)
    choice = random.integers(0, count)
    answer = np.where(right, choice, (choice + random.integers(1, count)) % count)
    ends = np.cumsum(count)
    flat = np.repeat((1 - sure) / (count - 1), count)
    flat[ends - count + choice] = sure
    lists = pl.DataFrame({"row": np.repeat(np.arange(len(person)), count), "p": flat.astype(np.float32)})
    probabilities = lists.group_by("row", maintain_order=True).agg("p")["p"]
    rows = {
        "predictor": predictor,
        "form": "polar",
        "protocol": "strict",
        "context": "statements",
        "demonstrations_as": "polar",
        "setup": pl.Series(np.zeros(len(person), np.int8)),
        "person": world.names.gather(person),
        "question": world.questions.gather(np.tile(np.arange(len(world.questions)), len(at))),
        "demonstrations": pl.Series(np.full(len(person), 10, np.int16)),
        "answer": answer.astype(np.int8),
        "choice": choice.astype(np.int8),
        "probabilities": probabilities,
    }
    return pl.DataFrame(rows)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--people", type=int, default=100_000, help="people, with about 1,012 predictions each")
    parser.add_argument("--folder", type=Path, help="folder for the run, about 1 GB")
    parser.add_argument("--seed", type=int, default=0, help="seed of the predictions")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory(dir=given.folder) as folder:
        run = Path(folder) / "run"
        rows = write_run(run, given.people, given.seed)
        size = sum(file.stat().st_size for file in (run / "predictions").iterdir())
        print(f"{rows:,} rows of {given.people:,} people, {size / 1e9:.2f} GB", flush=True)
        start = time.perf_counter()
        words = [sys.executable, "-m", "indievalue", "score", str(run), "--demographic", "all"]
        child = subprocess.Popen(words)
        _, status, used = os.wait4(child.pid, 0)
        cpu, seconds = used.ru_utime + used.ru_stime, time.perf_counter() - start
        print(f"exit {status}: peak {used.ru_maxrss / 1e6:.2f} GB, {cpu:,.0f} CPU seconds, {seconds:,.0f} seconds")


if __name__ == "__main__":
    main()
