"""Work is shared by threads without changing results, and memory that is no longer needed is given back."""

import sys
import threading
from pathlib import Path

import altair as alt
import numpy as np
import pytest
import vl_convert
from threadpoolctl import threadpool_info

from indievalue import threads
from indievalue.benchmark.build import build_benchmark
from indievalue.benchmark.model import Settings
from indievalue.memory import return_memory
from indievalue.predictors.cholesky import inverse_root
from indievalue.predictors.gaussian import Gaussian
from indievalue.predictors.predictions import predict
from indievalue.predictors.resemble import Resemble
from indievalue.scoring.accuracy import summarise
from indievalue.synthetic.generate import synthetic_people
from indievalue.threads import in_threads


def test_results_are_in_the_order_of_the_parts_and_each_part_has_one_blas_thread(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(threads, "cores", lambda: 3)
    everybody = threading.Barrier(3, timeout=30)

    def compute(part: int) -> tuple[int, set[int]]:
        everybody.wait()  # passes only if three threads run at once
        return part, {one["num_threads"] for one in threadpool_info() if one["user_api"] == "blas"}

    before = threadpool_info()
    assert in_threads(compute, [5, 1, 3]) == [(5, {1}), (1, {1}), (3, {1})]
    assert threadpool_info() == before


def test_an_error_in_a_thread_reaches_the_caller() -> None:
    with pytest.raises(ZeroDivisionError):
        in_threads(lambda part: 1 / part, [1, 0, 2])


@pytest.mark.parametrize("size", [1, 2, 7, 150])
def test_the_inverse_root_is_the_inverse_of_the_cholesky_factor(size: int) -> None:
    columns = np.random.default_rng(size).normal(size=(3 * size, size))
    matrix = columns.T @ columns
    copy = matrix.copy()
    found = inverse_root(matrix)
    assert found == pytest.approx(np.linalg.inv(np.linalg.cholesky(matrix)), rel=1e-9, abs=1e-12)
    assert (np.triu(found, 1) == 0).all()
    assert found.T @ found @ matrix == pytest.approx(np.eye(size), abs=1e-8)
    assert (matrix == copy).all()


def test_a_matrix_that_is_not_positive_definite_has_no_root() -> None:
    with pytest.raises(np.linalg.LinAlgError, match="not positive definite"):
        inverse_root(np.array([[1.0, 2.0], [2.0, 1.0]]))


def test_predictions_and_scores_are_the_same_on_one_core_and_on_three(monkeypatch: pytest.MonkeyPatch) -> None:
    people = synthetic_people(400)
    benchmark = build_benchmark(people, Settings(setups=(0,)), 70)  # resemble compares 64 at once
    training = people.take(~np.isin(people.ids, benchmark.people.ids))
    found = []
    for number in (1, 3):
        monkeypatch.setattr(threads, "cores", lambda number=number: number)
        tables = [
            predict(name, predictor.fit(training, "polar", "polar"), benchmark)
            for name, predictor in (("resemble", Resemble(k=5)), ("gaussian", Gaussian()))
        ]
        found.append([(table, summarise(table, 0, people.survey)) for table in tables])
    for (table, scores), (other, other_scores) in zip(*found, strict=True):
        assert table.equals(other)
        assert scores == other_scores


def test_the_engine_is_started_with_the_version_that_figures_are_written_in() -> None:
    assert alt.SCHEMA_VERSION.startswith(f"v{vl_convert.get_vegalite_versions()[-1]}.")


@pytest.mark.skipif(sys.platform != "linux", reason="other systems return memory by themselves")
def test_freed_memory_is_returned() -> None:
    blocks = [np.ones(8_000) for _ in range(2_000)]  # 64 kB each, too small to be mapped on their own
    last = [np.ones(8_000)]
    full = _resident()
    del blocks
    return_memory()
    assert full - _resident() > 100e6
    assert last[0].sum() == 8_000


def _resident() -> int:
    """Return the resident memory of this process in bytes."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * 4096
