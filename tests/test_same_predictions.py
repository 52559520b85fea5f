"""The same seed gives the same predictions on any number of threads."""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import polars as pl
import pytest

_PREDICT = """
import sys
import indievalue as iv
people = iv.synthetic_people(400)
benchmark = iv.build_benchmark(people, people_tested=30, setups=[0])
run = iv.evaluate(people, benchmark, sys.argv[1])
run.predictions.sort("person", "question").write_parquet(sys.argv[2])
"""


def _predicted(predictor: str, threads: int, file: Path) -> pl.DataFrame:
    limits = {f"{name}_NUM_THREADS": str(threads) for name in ("OMP", "OPENBLAS", "MKL")}
    environment = {**os.environ, **limits, "POLARS_MAX_THREADS": str(threads)}
    call = [sys.executable, "-c", _PREDICT, predictor, str(file)]
    done = subprocess.run(call, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return pl.read_parquet(file)


@pytest.mark.parametrize("predictor", ["random", "majority", "resemble:k=5", "gaussian", "logistic"])
def test_predictions_are_the_same_on_one_thread_and_on_two(predictor: str, tmp_path: Path) -> None:
    one, two = (_predicted(predictor, threads, tmp_path / f"{threads}.parquet") for threads in (1, 2))
    assert one.drop("probabilities").equals(two.drop("probabilities"))
    given = [table["probabilities"].explode().to_numpy() for table in (one, two)]
    # One inverse of a large matrix is computed by all threads for speed, and its last digits depend on their number.
    assert np.abs(given[0] - given[1]).max(initial=0) <= (1e-6 if predictor == "gaussian" else 0)
