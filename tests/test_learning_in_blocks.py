"""Predictors that learn from people in blocks, or from sums of counts of parts, learn what they do at once."""

import pickle
from collections.abc import Iterator
from dataclasses import replace
from functools import reduce
from itertools import pairwise
from operator import add
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from numpy.typing import NDArray

from conftest import garden_answers
from indievalue.benchmark.build import build_benchmark
from indievalue.benchmark.model import Benchmark, Settings
from indievalue.choices import FormName
from indievalue.people.blocks import PeopleBlocks
from indievalue.people.decode import decode
from indievalue.people.people import People
from indievalue.predictors import counted
from indievalue.predictors.counted import Counts, items_of
from indievalue.predictors.gaussian import Gaussian
from indievalue.predictors.majority import Majority
from indievalue.predictors.protocol import LearnsInBlocks
from indievalue.predictors.resemble import Resemble
from indievalue.predictors.tally import Tally
from indievalue.survey.survey import Survey
from indievalue.synthetic.generate import draw, load_twin


def _near(one: NDArray[np.generic] | None, other: NDArray[np.generic] | None) -> None:
    assert one is not None
    assert other is not None
    assert one.shape == other.shape
    assert np.abs(one.astype(np.float64) - other.astype(np.float64)).max(initial=0) < 1e-9


@pytest.fixture(scope="module")
def crowd(garden: Survey) -> People:
    """Gardeners of three regions, enough of them to hold a tenth out at once."""
    return decode(garden_answers(1500), garden, "garden.csv", "fingerprint")


@pytest.fixture(scope="module")
def benchmark(crowd: People) -> Benchmark:
    return build_benchmark(crowd, Settings(setups=(0,), demonstrations=4), 20)


@pytest.fixture(scope="module")
def at_once(crowd: People) -> Gaussian:
    return Gaussian().fit(crowd)


def _parts(people: People, number: int) -> list[People]:
    """The people in parts of different sizes, in another order."""
    shuffled = people.take(np.random.default_rng(0).permutation(len(people)))
    ends = np.linspace(0, len(people) ** 0.5, number + 1) ** 2
    return [shuffled.take(range(round(a), round(b))) for a, b in pairwise(ends)]


def _assert_equal(one: Gaussian, other: Gaussian, benchmark: Benchmark) -> None:
    for name in ("mean", "covariance"):
        _near(getattr(one.mixture_, name), getattr(other.mixture_, name))
    for name in ("people", "means", "within", "differences"):
        _near(getattr(one.mixture_.countries, name), getattr(other.mixture_.countries, name))
    assert one.groups_ == other.groups_
    _near(one.rates_, other.rates_)
    _near(one.calibration_.weights, other.calibration_.weights)
    _near(one.clues_.shares, other.clues_.shares)
    for _, task in benchmark.tasks():
        _near(one.predict(task).probabilities, other.predict(task).probabilities)


def test_gaussian_learns_from_blocks_what_it_learns_at_once(
    crowd: People, at_once: Gaussian, benchmark: Benchmark
) -> None:
    assert len(at_once.mixture_.countries.labels) == 3
    _assert_equal(Gaussian().fit_blocks(_parts(crowd, 7)), at_once, benchmark)


def test_gaussian_learns_from_files(wvs7: Survey, tmp_path: Path) -> None:
    """All questions of the World Values Survey, but two of its countries: each is one more model to solve."""
    table = draw(load_twin("wvs7")[0], wvs7, 5000, 1).filter(pl.col("B_COUNTRY").is_in([124, 826]))[:1000]
    citizens = decode(table, wvs7, "wvs7.csv", "fingerprint")
    for part in range(3):
        table[part::3].write_parquet(tmp_path / f"part-{part}.parquet")
    fitted = Gaussian().fit_blocks(PeopleBlocks([tmp_path], rows=300))
    assert len(fitted.mixture_.countries.labels) == 2
    benchmark = build_benchmark(citizens, Settings(setups=(0,), demonstrations=20), 20)
    _assert_equal(fitted, Gaussian().fit(citizens), benchmark)


def test_sums_of_parts_that_were_counted_elsewhere_are_learned_from(
    crowd: People, at_once: Gaussian, benchmark: Benchmark
) -> None:
    parts = _parts(crowd, 4)
    tally = reduce(add, [pickle.loads(pickle.dumps(Tally.of(part, "polar"))) for part in parts])
    pairs = [pickle.loads(pickle.dumps(Gaussian.pair_counts([part], tally))) for part in parts]
    _assert_equal(Gaussian().fit_counts(tally, reduce(add, pairs)), at_once, benchmark)


def test_few_people_in_blocks_are_held_out_in_turn_as_they_are_at_once(crowd: People, benchmark: Benchmark) -> None:
    few = crowd.take(range(400))
    _assert_equal(Gaussian().fit_blocks(_parts(few, 3)), Gaussian().fit(few), benchmark)


def test_years_are_counted_by_block(crowd: People) -> None:
    years = np.where(np.arange(len(crowd)) % 3, 2018, 0).astype(np.int16)
    dated = replace(crowd, years=years)
    fitted = [Gaussian().fit(dated), Gaussian().fit_blocks(_parts(dated, 3))]
    assert fitted[0].clues_.years.tolist() == fitted[1].clues_.years.tolist() == [2018]
    _near(fitted[0].clues_.shares, fitted[1].clues_.shares)


@pytest.mark.parametrize("form", ["polar", "refined"])
def test_majority_learns_from_blocks_what_it_learns_at_once(crowd: People, form: FormName) -> None:
    one, other = Majority().fit_blocks(_parts(crowd, 5), form), Majority().fit(crowd, form)
    assert (one.rates_ == other.rates_).all()
    assert (one.mostly_missing_ == other.mostly_missing_).all()


def test_counts_beyond_what_float32_holds_are_kept_exactly(crowd: People, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(counted, "_EXACT", 1000)
    parts = _parts(crowd, 5)
    total = [Counts.none(items_of(crowd.survey, {}))]
    for part in parts:
        total = Counts.with_people(total, part, {}, np.zeros(len(part), np.int64))
    assert total[0].together.dtype == np.float64
    (at_once,) = Counts.by_part(crowd, {}, np.zeros(len(crowd), np.int64), 1)
    assert (total[0].together == at_once.together).all()


def test_a_block_is_read_twice_and_let_go(crowd: People) -> None:
    class Watched:
        times = 0

        def __iter__(self) -> Iterator[People]:
            Watched.times += 1
            yield from _parts(crowd, 3)

    Gaussian().fit_blocks(Watched())
    assert Watched.times == 2


def test_it_is_told_who_learns_in_blocks() -> None:
    assert isinstance(Gaussian(), LearnsInBlocks)
    assert isinstance(Majority(), LearnsInBlocks)
    assert not isinstance(Resemble(), LearnsInBlocks)
