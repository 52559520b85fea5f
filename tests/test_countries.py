"""Countries in the Gaussian predictor: moments kept small, and a country that is told or guessed."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from scipy.stats import multivariate_normal

from conftest import garden_answers
from indievalue.benchmark.build import build_benchmark
from indievalue.benchmark.model import Settings
from indievalue.choices import Context
from indievalue.people.decode import decode
from indievalue.people.people import People
from indievalue.predictors.columns import frequent_groups
from indievalue.predictors.counted import Counts, items_of
from indievalue.predictors.countries import HALF, OWN, STEP, Countries
from indievalue.predictors.gaussian import Gaussian, _held_out
from indievalue.predictors.joint import RIDGE, Joint
from indievalue.predictors.predictions import predict
from indievalue.predictors.tally import Tally
from indievalue.scoring.accuracy import score
from indievalue.survey.survey import Survey
from indievalue.synthetic.generate import synthetic_people

VALLEY, HILLS, ISLAND = "Valley", "Hills", "Island"


def regional_answers(people: int, seed: int = 0) -> pl.DataFrame:
    """Gardeners whose third answer N3 follows their liking of roses: one way in the valley, the other in the hills.

    N1 tells the region. Nobody on the island was asked N3.
    """
    answers = garden_answers(people, seed)
    fond = pl.col("P1") <= 2
    return answers.with_columns(
        P1=pl.when(fond).then(1).otherwise(4),
        N1=pl.col("REGION"),
        N3=pl.when(REGION=1).then(pl.when(fond).then(1).otherwise(2))
        .when(REGION=2).then(pl.when(fond).then(2).otherwise(1)),
    )  # fmt: skip


@pytest.fixture(scope="module")
def regional(garden: Survey) -> People:
    return decode(regional_answers(1500), garden, "garden.csv", "")


@pytest.fixture(scope="module")
def counts(regional: People) -> list[Counts]:
    region = regional.demographics["region"].to_numpy()
    part = np.select([region == VALLEY, region == HILLS], [0, 1], 2)
    return Counts.by_part(regional, {}, part, 3)


def test_counts_of_parts_add_up_and_are_those_of_their_people(regional: People, counts: list[Counts]) -> None:
    values = regional.survey.form("refined").one_hot(regional.options("refined"))
    whole = Counts.total(counts)
    assert whole.people == 1500
    assert (whole.together == values.T @ values).all()
    hills = values[regional.demographics["region"].to_numpy() == HILLS]
    assert (counts[1].together == hills.T @ hills).all()
    assert (whole.without(counts[1]).together == counts[0].together + counts[2].together).all()
    assert whole.chosen() == pytest.approx(values.sum(axis=0))
    answered = np.repeat((regional.options("refined") >= 0).sum(axis=0), regional.survey.form("refined").counts)
    assert whole.known() == pytest.approx(answered)


def test_a_country_s_covariance_is_a_mixture_of_its_own_and_the_mean_one(
    regional: People, counts: list[Counts]
) -> None:
    mean = Counts.total(counts).mean()
    countries = Countries.of([VALLEY, HILLS], counts[:2], mean)
    values = regional.survey.form("refined").one_hot(regional.options("refined"))
    region = regional.demographics["region"].to_numpy()
    own = [np.cov(values[region == name].T, bias=True) for name in (VALLEY, HILLS)]
    people = np.array([(region == name).sum() for name in (VALLEY, HILLS)])
    within = np.average(own, axis=0, weights=people)
    assert countries.within == pytest.approx(within, abs=1e-3)  # means are drawn a little towards that of everybody
    for number in (0, 1):
        weight = OWN * people[number] / (people[number] + HALF)
        expected = weight * own[number] + (1 - weight) * within
        assert countries.covariance(number) == pytest.approx(expected, abs=OWN * 4 * STEP)


def test_rounding_leaves_covariances_positive_definite() -> None:
    """Many columns, and demographics of many groups, of which the last column's differences are sums."""
    people = synthetic_people(3000)
    country = people.demographics["country"]
    largest = country.value_counts(sort=True)["country"].to_list()[:3]
    part = country.replace_strict(largest, [0, 1, 2], default=3, return_dtype=pl.Int64).to_numpy()
    groups = frequent_groups(people.demographics.drop("country"))
    counts = Counts.by_part(people, groups, part, 4)
    countries = Countries.of(largest, counts[:3], Counts.total(counts).mean())
    for number in range(3):
        covariance = countries.covariance(number)
        covariance[np.diag_indices(len(covariance))] += RIDGE / 4
        np.linalg.cholesky(covariance)  # raises LinAlgError unless all eigenvalues are above −RIDGE / 4


def test_covariances_stay_positive_definite_where_a_question_was_not_asked(
    regional: People, counts: list[Counts]
) -> None:
    countries = Countries.of([VALLEY, HILLS, ISLAND], counts, Counts.total(counts).mean())
    for number in range(3):
        covariance = countries.covariance(number)
        assert covariance == pytest.approx(covariance.T, abs=1e-12)
        assert np.linalg.eigvalsh(covariance).min() > -RIDGE / 2
        starts = countries.items[:-1]
        assert np.add.reduceat(covariance, starts, axis=0) == pytest.approx(0, abs=1e-3)  # options exclude one another


@pytest.mark.parametrize("known_columns", [0, 2, 5, 6])
def test_the_log_density_is_that_of_a_normal_distribution(known_columns: int) -> None:
    rng = np.random.default_rng(known_columns)
    root = rng.normal(size=(6, 6))
    covariance, means = root @ root.T, rng.normal(size=(3, 6))
    values = np.tile(rng.normal(size=(1, 6)), (40, 1))
    known = np.zeros(values.shape, bool)
    known[:, rng.permutation(6)[:known_columns]] = True
    given = Joint(means[0], covariance, 0.1).condition(values, known, ~known, means)
    at = known[0]
    for number, mean in enumerate(means):
        expected = 0.0
        if known_columns:
            noisy = covariance[np.ix_(at, at)] + 0.1 * np.eye(known_columns)
            expected = multivariate_normal.logpdf(values[0, at], mean[at], noisy)
        assert given.density[:, number] + known_columns * np.log(2 * np.pi) / -2 == pytest.approx(expected)


@pytest.mark.parametrize("context", ["both", "statements"])
def test_what_goes_together_differs_between_countries(regional: People, context: Context) -> None:
    tested = regional.demographics["region"].to_numpy() != ISLAND
    ids = regional.ids[np.flatnonzero(tested)[:300]].tolist()
    benchmark = build_benchmark(
        regional, Settings(context=context, demonstrations=None, demonstrations_as="refined"), ids
    )
    fitted = Gaussian().fit(regional.take(~np.isin(regional.ids, ids)), "polar", "refined")
    table = predict("gaussian", fitted, benchmark).filter(question="N3")
    assert len(table) > 200
    assert score(table).accuracy > 75
    one_country = replace(regional, demographics=regional.demographics.drop("region"))
    everybody = Gaussian().fit(one_country.take(~np.isin(regional.ids, ids)), "polar", "refined")
    assert everybody.mixture_.countries.labels == ()
    alike = predict(
        "gaussian",
        everybody,
        build_benchmark(one_country, Settings(demonstrations=None, demonstrations_as="refined"), ids),
    )
    assert score(alike.filter(question="N3")).accuracy < 65


def test_the_country_of_somebody_from_elsewhere_is_none(regional: People) -> None:
    fitted = Gaussian().fit(regional, "polar", "polar")
    told = regional.take(range(3)).demographics.with_columns(region=pl.Series(["Valley", "Moon", None]))
    assert fitted._country(told, 3).tolist() == [2, -1, -1]


def test_countries_are_saved(regional: People, garden: Survey, tmp_path: Path) -> None:
    benchmark = build_benchmark(regional, Settings(context="statements"), regional.ids[:50].tolist())
    fitted = Gaussian().fit(regional, "polar", "refined")
    fitted.save(tmp_path / "fitted.npz")
    loaded = Gaussian.load(tmp_path / "fitted.npz", garden)
    assert loaded.mixture_.countries.labels == (HILLS, ISLAND, VALLEY)
    assert loaded.mixture_.countries.items.tolist() == fitted.mixture_.countries.items.tolist()
    one, other = (predict("gaussian", predictor, benchmark) for predictor in (fitted, loaded))
    said, again = (np.concatenate(table["probabilities"].to_list()) for table in (one, other))
    assert again == pytest.approx(said, abs=1e-4)


def test_a_demographic_starts_its_columns_after_the_questions(garden: Survey) -> None:
    assert items_of(garden, {"faith": ["moon", "no moon"], "age": []})[-3:].tolist() == [33, 35, 37]


@pytest.mark.parametrize(
    ("people", "turns", "each"), [(15, 0, 0), (60, 5, 12), (900, 5, 50), (1200, 1, 120), (1500, 1, 150)]
)
def test_few_people_are_held_out_in_turn(regional: People, people: int, turns: int, each: int) -> None:
    held_out = [chosen.ids.tolist() for chosen in _held_out(Tally.of(regional.take(range(people)), "polar"))]
    assert [len(chosen) for chosen in held_out] == [each] * turns
    assert len(set().union(*held_out)) == each * turns
    assert all(chosen == sorted(chosen) for chosen in held_out)
