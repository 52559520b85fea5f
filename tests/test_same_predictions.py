"""The same seed gives the same predictions on any number of threads."""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import polars as pl
import pytest

PREDICTORS = ("random", "majority", "resemble:k=5", "gaussian", "logistic")

_PREDICT = """
import sys
import indievalue as iv
people = iv.synthetic_people(300)
benchmark = iv.build_benchmark(people, people_tested=30, setups=[0])
run = iv.evaluate(people, benchmark, sys.argv[2:])
run.predictions.sort("person", "question").write_parquet(sys.argv[1])
"""


def _predicted(threads: int, file: Path) -> pl.DataFrame:
    limits = {f"{name}_NUM_THREADS": str(threads) for name in ("OMP", "OPENBLAS", "MKL")}
    environment = {**os.environ, **limits, "POLARS_MAX_THREADS": str(threads)}
    call = [sys.executable, "-c", _PREDICT, str(file), *PREDICTORS]
    done = subprocess.run(call, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return pl.read_parquet(file)


@pytest.fixture(scope="module")
def predicted(tmp_path_factory: pytest.TempPathFactory) -> list[pl.DataFrame]:
    """What all predictors say in a process of one thread, and in one of two."""
    folder = tmp_path_factory.mktemp("predicted")
    return [_predicted(threads, folder / f"{threads}.parquet") for threads in (1, 2)]


@pytest.mark.parametrize("predictor", PREDICTORS)
def test_predictions_are_the_same_on_one_thread_and_on_two(predictor: str, predicted: list[pl.DataFrame]) -> None:
    one, two = (table.filter(predictor=predictor) for table in predicted)
    assert not one.is_empty()
    assert one.drop("probabilities").equals(two.drop("probabilities"))
    given = [table["probabilities"].explode().to_numpy() for table in (one, two)]
    # One inverse of a large matrix is computed by all threads for speed, and its last digits depend on their number.
    assert np.abs(given[0] - given[1]).max(initial=0) <= (1e-6 if predictor == "gaussian" else 0)
