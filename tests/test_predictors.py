"""What each predictor says of people whose right answer can be seen."""

import dataclasses

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from conftest import garden_answers
from indievalue.benchmark.build import build_benchmark
from indievalue.benchmark.model import Benchmark, Settings
from indievalue.errors import IndievalueError
from indievalue.people.decode import decode
from indievalue.people.people import People
from indievalue.predictors.majority import Majority
from indievalue.predictors.predictions import SCHEMA, predict, read_predictions
from indievalue.predictors.registry import STATISTICAL, make_predictor
from indievalue.predictors.resemble import Resemble, nearest
from indievalue.survey.survey import Survey

NAMES = ("random", "majority", "resemble", "resemble:k=5")


@pytest.fixture
def benchmark(gardeners: People) -> Benchmark:
    return build_benchmark(gardeners, Settings(demonstrations=5), 12)


def _others(people: People, benchmark: Benchmark) -> People:
    return people.take(~np.isin(people.ids, benchmark.people.ids))


@pytest.mark.parametrize("name", NAMES)
def test_every_prediction_is_a_distribution_over_the_options_of_its_probe(
    gardeners: People, benchmark: Benchmark, name: str
) -> None:
    table = predict(name, make_predictor(name).fit(_others(gardeners, benchmark), "polar", "polar"), benchmark)
    assert list(table.schema.items()) == list(SCHEMA.items())
    assert len(table) == 12 * 9
    counts = {question.id: len(question.polar) for question in gardeners.survey.questions}
    for question, choice, probabilities in table.select("question", "choice", "probabilities").iter_rows():
        assert len(probabilities) == counts[question]
        assert sum(probabilities) == pytest.approx(1, abs=1e-6)
        assert min(probabilities) >= 0
        assert 0 <= choice < counts[question]


@pytest.mark.parametrize("name", NAMES)
def test_the_order_of_people_makes_no_difference(gardeners: People, name: str) -> None:
    shuffled = gardeners.take(np.random.default_rng(3).permutation(len(gardeners)))
    tables = []
    for people in (gardeners, shuffled):
        benchmark = build_benchmark(people, Settings(), 12)
        tables.append(predict(name, make_predictor(name).fit(_others(people, benchmark), "polar", "polar"), benchmark))
    assert tables[0].equals(tables[1])


@pytest.mark.parametrize("name", NAMES)
def test_the_truth_of_a_probe_is_never_seen(gardeners: People, garden: Survey, name: str) -> None:
    benchmark = build_benchmark(gardeners, Settings(setups=(0,)), 12)
    changed = benchmark.people.codes.copy()
    changed[:, benchmark.setups[0].probes] = 1  # a code that every one of the probes has
    other = dataclasses.replace(benchmark, people=dataclasses.replace(benchmark.people, codes=changed))
    fitted = make_predictor(name).fit(_others(gardeners, benchmark), "polar", "polar")
    said = pl.col("choice", "probabilities")
    assert predict(name, fitted, benchmark).select(said).equals(predict(name, fitted, other).select(said))


def test_majority_gives_the_shares_among_those_it_learns_from(garden: Survey) -> None:
    table = garden_answers(10).with_columns(N2=pl.Series([1] * 7 + [0] * 2 + [-1]), N1=pl.Series([3] * 5 + [1] * 5))
    people = decode(table, garden, "garden.csv", "")
    majority = Majority().fit(people, "polar", "polar")
    assert majority.rates_[garden.positions["N2"]].tolist() == pytest.approx([2.5 / 10, 7.5 / 10, 0])
    assert majority.rates_[garden.positions["N1"]].tolist() == pytest.approx([5.5 / 11.5, 0.5 / 11.5, 5.5 / 11.5])


def test_resemble_agrees_with_counting_by_hand(gardeners: People) -> None:
    benchmark = build_benchmark(gardeners, Settings(demonstrations=4, demonstrations_as="refined"), 12)
    others = _others(gardeners, benchmark)
    table = predict("resemble", Resemble(k=3).fit(others, "polar", "refined"), benchmark)
    polar, refined = others.options("polar"), others.options("refined")
    for setup, task in benchmark.tasks():
        for row, person in enumerate(task.people.tolist()):
            equal = ((refined == task.shown[row]) & (task.shown[row] >= 0)).sum(axis=1)
            best = sorted(range(len(others)), key=lambda other: (-equal[other], others.ids[other]))[:3]
            for probe in setup.probes:
                count = len(gardeners.survey.questions[probe].polar)
                votes = np.bincount(polar[best, probe], minlength=count)
                shares = (np.bincount(polar[:, probe], minlength=count) + 0.5) / (len(others) + 0.5 * count)
                said = table.filter(
                    person=person, setup=setup.number, question=gardeners.survey.questions[probe].id
                ).row(0, named=True)
                assert said["probabilities"] == pytest.approx(((votes + shares) / 4).tolist(), abs=1e-6)
                assert said["choice"] == int(np.argmax(votes + shares))


@given(st.lists(st.integers(0, 5), min_size=1, max_size=30), st.integers(1, 40))
@settings(deadline=None)
def test_nearest_are_the_greatest_and_of_equals_the_first(values: list[int], k: int) -> None:
    best = sorted(range(len(values)), key=lambda column: (-values[column], column))[:k]
    assert sorted(nearest(np.array([values], np.float32), k)[0].tolist()) == sorted(best)


def test_missing_is_a_vote_in_the_paper_s_protocol_only(garden: Survey) -> None:
    answers = garden_answers(40)
    silent = pl.when(pl.int_range(40) >= 12).then(-1).otherwise(pl.col("P1"))
    people = decode(answers.with_columns(P1=silent), garden, "garden.csv", "")
    tested = [f"g{number:04d}" for number in range(6)]
    invalid = {}
    for protocol in ("strict", "paper"):
        asked = dataclasses.replace(Settings(setups=(0,)), protocol=protocol)
        benchmark = build_benchmark(people, asked, tested)
        for name in ("majority", "resemble:k=30"):
            fitted = make_predictor(name).fit(_others(people, benchmark), "polar", "polar")
            table = predict(name, fitted, benchmark).filter(pl.col("choice") == -1)
            invalid[protocol, name] = set(table["question"].to_list()), len(table)
    assert invalid["strict", "majority"] == invalid["strict", "resemble:k=30"] == (set(), 0)
    assert invalid["paper", "majority"] == invalid["paper", "resemble:k=30"] == ({"P1"}, 6)


def test_random_is_right_as_often_as_chance(garden: Survey) -> None:
    people = decode(garden_answers(3000), garden, "garden.csv", "")
    benchmark = build_benchmark(people, Settings(), "all")
    table = predict("random", make_predictor("random"), benchmark)
    chance = table.select((1 / pl.col("probabilities").list.len()).mean()).item()
    assert table.select((pl.col("choice") == pl.col("answer")).mean()).item() == pytest.approx(chance, abs=0.01)


@pytest.mark.parametrize(
    ("name", "complaint"),
    [
        ("oracle", "no predictor 'oracle'; there are " + ", ".join(kind.shown for kind in STATISTICAL)),
        ("resemble:n=3", "no option 'n'; it has resemble:k=…"),
        ("majority:k=3", "no option 'k'; it has none"),
        ("resemble:k=many", "'many' is no int"),
        ("resemble:k=0", "at least 1"),
        ("boosting:trees=0", "at least 1"),
        ("boosting:leaves=3", "it has boosting:trees=…"),
        ("logistic:c=0", "more than 0"),
        ("logistic:c=much", "'much' is no float"),
        ("masked:hidden=0", "hidden is at least 1, and not 0"),
        ("masked:epochs=-1", "epochs is at least 0"),
        ("masked:dropout=2", "dropout is a share from 0 to 1"),
        ("masked:width=3", "has no option 'width'"),
        ("masked:hidden=wide", "'wide' is no int"),
        ("masked:device=abacus", "no device 'abacus'"),
    ],
)
def test_a_predictor_or_an_option_that_makes_no_sense_is_refused_with_what_there_is(name: str, complaint: str) -> None:
    with pytest.raises(IndievalueError, match=complaint):
        make_predictor(name)


def test_a_file_that_is_no_table_of_predictions_is_refused(tmp_path: pytest.TempPathFactory) -> None:
    file = tmp_path / "predictions.parquet"  # type: ignore[operator]
    with pytest.raises(IndievalueError, match="cannot read predictions"):
        read_predictions(file)
    pl.DataFrame({"predictor": ["random"]}).write_parquet(file)
    with pytest.raises(IndievalueError, match="has no column form, protocol"):
        read_predictions(file)
