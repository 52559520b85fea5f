"""For whom a predictor fails: on people whose true differences are known."""

import warnings

import numpy as np
import pandas as pd
import polars as pl
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from polars.testing import assert_frame_equal
from scipy.stats import kstest
from threadpoolctl import threadpool_limits

from answers import answered, people_of, predictions_of
from indievalue.errors import IndievalueError
from indievalue.scoring.accuracy import log_loss, score
from indievalue.scoring.calibration import calibration
from indievalue.scoring.exact import fixed
from indievalue.scoring.group_values import measure_groups
from indievalue.scoring.groups import group_people
from indievalue.scoring.inequity import inequity
from indievalue.scoring.measures import person_sums
from indievalue.scoring.spread import between_groups, mean_spread_interval, spread, spread_interval
from indievalue.scoring.weighting import person_weights
from indievalue.survey.survey import Survey


def _groups(sizes: list[int]) -> list[str]:
    return [f"g{group}" for group, size in enumerate(sizes) for _ in range(size)]


def _random_run(
    seed: int, people: int = 120, probes: int = 12, *, sure: bool = True
) -> tuple[pl.DataFrame, pl.DataFrame]:
    random = np.random.default_rng(seed)
    choice = answered(random.beta(6, 3, people), probes, random)
    first = random.uniform(0.3, 0.95, choice.shape)
    probabilities = np.stack([np.where(choice == 0, first, 1 - first), np.where(choice == 0, 1 - first, first)], axis=2)
    labels = random.choice(["x", "y", "z", None], people, p=[0.4, 0.3, 0.2, 0.1])
    half = random.choice(["m", "n"], people)
    table = predictions_of(choice, 0, probabilities if sure else None)
    return table, people_of(region=labels.tolist(), half=half.tolist())


def test_sigma_by_hand() -> None:
    # Group g0 gets 3 of 4 right, g1 1 of 2, g2 all of 2: accuracies 75, 50 and 100.
    choice = np.array([[0, 0], [0, 1], [0, 1], [0, 0]])
    said = inequity(predictions_of(choice), people_of(group=["g0", "g0", "g1", "g2"]), ["group"], minimum=1)
    assert said.groups["value"].to_list() == [75, 50, 100]
    row = said.table.row(0, named=True)
    assert row["sigma"] == pytest.approx(25)
    assert (row["worst"], row["best"], row["gap"]) == ("g1", "g2", 50)
    assert said.index["sigma"].to_list() == [pytest.approx(25)]
    assert said.demographics == ("group",)


def test_the_index_is_the_mean_over_demographics() -> None:
    table, people = _random_run(1)
    said = inequity(table, people, ["region", "half", ("region", "half")], minimum=5)
    assert said.demographics == ("region", "half", "region × half")
    assert said.index["demographics"].to_list() == [3]
    for column in ("sigma", "chance"):
        assert said.index[column][0] == pytest.approx(said.table[column].mean())
    assert said.groups.filter(demographic="region × half")["group"].to_list() == [
        f"{region} × {half}" for region in "xyz" for half in "mn"
    ]


@pytest.mark.parametrize("seed", range(3))
def test_ten_lines_of_pandas_agree(seed: int) -> None:
    table, people = _random_run(seed)
    said = inequity(table, people, ["region", "half"], minimum=1)
    rows = pd.DataFrame(table.select("person", "answer", "choice").to_dict(as_series=False))
    rows["right"] = 100.0 * (rows.answer == rows.choice)
    rows = rows.merge(pd.DataFrame(people.to_dict(as_series=False)), on="person")
    for demographic in ("region", "half"):
        means = rows.dropna(subset=[demographic]).groupby(demographic).right.mean()
        ours = said.groups.filter(demographic=demographic)
        assert ours["group"].to_list() == means.index.to_list()
        assert np.abs(ours["value"].to_numpy() - means.to_numpy()).max() < 1e-9
        assert said.table.filter(demographic=demographic)["sigma"][0] == pytest.approx(means.std(ddof=1), abs=1e-9)


def test_group_means_are_those_of_fairlearn() -> None:
    from fairlearn.metrics import MetricFrame
    from sklearn.metrics import accuracy_score

    table, people = _random_run(5)
    rows = table.join(people.drop_nulls(), on="person")
    frame = MetricFrame(
        metrics=accuracy_score,
        y_true=rows["answer"].to_numpy(),
        y_pred=rows["choice"].to_numpy(),
        sensitive_features=rows["region"].to_numpy(),
    )
    said = inequity(table, people, ["region"], minimum=1)
    ours = dict(said.groups.select("group", "value").iter_rows())
    assert ours == {group: pytest.approx(100 * value, abs=1e-9) for group, value in frame.by_group.items()}
    assert said.table["gap"][0] == pytest.approx(100 * frame.difference(), abs=1e-9)


def test_log_loss_and_calibration_of_groups() -> None:
    table, people = _random_run(2)
    of_x = table.filter(pl.col("person").is_in(people.filter(region="x")["person"].implode()))
    said = inequity(table, people, ["region"], measure="log_loss", minimum=1)
    assert said.groups.filter(group="x")["value"][0] == pytest.approx(log_loss(of_x), abs=1e-9)
    assert said.table["worst_value"][0] == said.groups["value"].max()  # the greatest loss is the worst
    everybody = people_of(all=["one"] * len(people))
    whole = inequity(table, everybody, ["all"], measure="calibration", minimum=1)
    expected = calibration(table)
    assert expected is not None
    assert whole.groups["value"][0] == pytest.approx(expected.error, abs=1e-9)


def test_with_everybody_in_one_group_the_interval_is_that_of_the_score() -> None:
    table, people = _random_run(3)
    said = inequity(table, people_of(all=["one"] * len(people)), ["all"], draws=2000, seed=4)
    expected = score(table, 4)
    assert said.groups["low"][0] == pytest.approx(expected.accuracy_low)
    assert said.groups["high"][0] == pytest.approx(expected.accuracy_high)


def test_of_a_predictor_that_is_the_same_for_everybody_nothing_is_left_but_chance() -> None:
    sizes = [100, 60, 40, 40]
    people = people_of(group=_groups(sizes), half=["m", "n"] * 120)
    p, p_of_index, between, zero = [], [], [], 0
    for seed in range(200):
        random = np.random.default_rng(seed)
        table = predictions_of(answered(random.beta(8, 4, 240), 15, random))
        said = inequity(table, people, ["group", "half"], draws=199, seed=seed)
        p.append(said.table["p"][0])
        p_of_index.append(said.index["p"][0])
        zero += said.table["sigma_corrected_low"][0] == 0
        sums = person_sums(table, "accuracy")
        assert sums is not None
        between.append(measure_groups(sums, [group_people(people, ("group",))], 1, 0)[0].between)
    assert kstest(p, "uniform").pvalue > 0.01
    assert kstest(p_of_index, "uniform").pvalue > 0.01
    assert abs(np.mean(between)) < 3 * np.std(between) / np.sqrt(len(between))  # unbiased: 0 on average
    assert zero >= 185  # the interval holds the truth, which is 0, in 95% or more


@pytest.mark.parametrize("measure", ["log_loss", "calibration"])
def test_p_is_uniform_for_the_other_measures_too(measure: str) -> None:
    people = people_of(group=_groups([90, 45, 35]))
    p, corrected, sigma = [], [], []
    for seed in range(150):
        table, _ = _random_run(seed, people=170)
        said = inequity(table, people, ["group"], measure=measure, draws=99, seed=seed)  # type: ignore[arg-type]
        p.append(said.table["p"][0])
        corrected.append(said.table["corrected"][0])
        sigma.append(said.table["sigma"][0])
    assert kstest(p, "uniform").pvalue > 0.01
    assert np.median(corrected) < np.median(sigma) / 2


def test_a_planted_gap_is_found() -> None:
    planted = np.array([55, 60, 70, 75]) / 100
    sizes = [150, 100, 50, 40]
    truth = float(np.std(100 * planted, ddof=1))
    people = people_of(group=_groups(sizes))
    corrected, held = [], 0
    for seed in range(60):
        random = np.random.default_rng(seed)
        middle = np.repeat(planted, sizes)
        table = predictions_of(answered(random.beta(10 * middle, 10 * (1 - middle)), 20, random))
        row = inequity(table, people, ["group"], draws=300, seed=seed).table.row(0, named=True)
        assert row["p"] < 0.02
        assert row["worst"] in ("g0", "g1")
        corrected.append(row["corrected"])
        held += row["sigma_corrected_low"] <= truth <= row["sigma_corrected_high"]
    assert np.mean(corrected) == pytest.approx(truth, abs=0.4)
    assert held >= 53


@pytest.mark.parametrize(("groups", "true"), [(2, 1.0), (6, 0.0), (6, 0.5), (6, 3.0), (14, 1.0)])
def test_the_interval_of_sigma_holds_the_truth_as_often_as_it_says(groups: int, true: float) -> None:
    random = np.random.default_rng(groups)
    variances = 1 / np.linspace(0.3, 1.7, groups)
    held = naive = 0
    for _ in range(200):
        means = random.normal(size=groups)
        means = true * (means - means.mean()) / means.std(ddof=1)
        values = means + random.normal(size=groups) * np.sqrt(variances)
        noise = random.normal(size=(300, groups)) * np.sqrt(variances)
        low, high = spread_interval(values, noise)
        held += low <= true <= high
        percentiles = np.quantile(spread(values + noise), [0.025, 0.975])
        naive += percentiles[0] <= true <= percentiles[1]
    assert 182 <= held <= 200
    if true == 0:
        assert naive == 0  # a percentile interval never holds 0


@pytest.mark.parametrize("shared_out", [[1.0] * 6, [3.0, 2.0, 0, 0, 0, 0], [0.0] * 6])
def test_the_interval_of_the_index_holds_the_truth_however_it_is_shared_out(shared_out: list[float]) -> None:
    random = np.random.default_rng(7)
    variances = 1 / np.linspace(0.3, 1.7, 5)
    held, middles = 0, []
    for _ in range(120):
        values, noise, between = [], [], []
        for true in shared_out:
            means = random.normal(size=5)
            means = true * (means - means.mean()) / means.std(ddof=1)
            values.append(means + random.normal(size=5) * np.sqrt(variances))
            noise.append(random.normal(size=(200, 5)) * np.sqrt(variances))
            between.append(between_groups(values[-1], variances))
        low, middle, high = mean_spread_interval(values, noise, between)
        held += low <= np.mean(shared_out) <= high
        middles.append(middle)
    assert held >= 108
    assert np.median(middles) == pytest.approx(np.mean(shared_out), abs=0.3)


def test_p_is_corrected_over_the_demographics_of_a_predictor_and_over_the_predictors_of_the_index() -> None:
    table, people = _random_run(1)
    other, _ = _random_run(2)
    both = pl.concat([table, other.with_columns(pl.lit("q").alias("predictor"))])
    demographics = ["region", "half", ("region", "half")]
    said = inequity(both, people, demographics, minimum=5, draws=99)
    assert "p_holm" in said.table.columns
    assert "p_holm" in said.index.columns
    for predictor in ("p", "q"):
        rows = said.table.filter(predictor=predictor).sort("p")
        first, second, third = rows["p"].to_list()
        steps = np.maximum.accumulate([3 * first, 2 * second, third])
        assert rows["p_holm"].to_list() == pytest.approx(np.minimum(steps, 1))
    small, large = sorted(said.index["p"].to_list())
    assert said.index.sort("p")["p_holm"].to_list() == pytest.approx(np.minimum([2 * small, max(2 * small, large)], 1))
    alone = inequity(table, people, demographics, minimum=5, draws=99)
    assert alone.table["p_holm"].to_list() == said.table.filter(predictor="p")["p_holm"].to_list()
    assert alone.index["p_holm"].to_list() == alone.index["p"].to_list()


def test_small_groups_are_pooled_or_dropped_and_it_says_which() -> None:
    sizes = [40, 35, 20, 15, 4]
    people = people_of(group=[*_groups(sizes), None])
    table = predictions_of(answered(np.full(115, 0.7), 5, np.random.default_rng(0)))
    pooled = inequity(table, people, ["group"])
    assert pooled.groups["group"].to_list() == ["g0", "g1", "other (3 groups)"]
    assert pooled.groups["people"].to_list() == [40, 35, 39]
    assert pooled.groups["probes"].to_list() == [200, 175, 195]
    assert pooled.table["note"][0] == (
        "3 groups of fewer than 30 people pooled as other; 1 person without a known group left out"
    )
    dropped = inequity(table, people, ["group"], small="drop")
    assert dropped.groups["group"].to_list() == ["g0", "g1"]
    assert dropped.table["note"][0].startswith("3 groups of fewer than 30 people left out (39 people in all)")
    too_few = inequity(table, people, ["group"], minimum=40)
    assert too_few.groups["group"].to_list() == ["g0", "other (4 groups)"]
    none_left = inequity(table, people, ["group"], minimum=115)
    assert none_left.groups["group"].to_list() == []
    assert none_left.table["note"][0].endswith("no group: no spread")


def test_one_group_or_one_person_has_no_spread() -> None:
    table, people = _random_run(4)
    said = inequity(table, people, ["region"], minimum=40, small="drop")
    assert said.table.select("groups", "sigma", "p", "corrected", "worst").row(0) == (1, None, None, None, None)
    assert "one group only: no spread" in said.table["note"][0]
    assert said.index.select("demographics", "sigma", "p").row(0) == (0, None, None)
    alone = table.filter(person="a0000")
    for minimum in (1, 30):
        for measure in ("accuracy", "log_loss", "calibration"):
            assert inequity(alone, people, ["half"], measure=measure, minimum=minimum).table["sigma"].to_list() == [
                None
            ]  # type: ignore[arg-type]


def test_all_invalid_is_all_wrong_and_even() -> None:
    table = predictions_of(np.full((80, 3), -1))
    said = inequity(table, people_of(half=["m", "n"] * 40), ["half"])
    row = said.table.row(0, named=True)
    columns = ("sigma", "corrected", "sigma_corrected_low", "sigma_corrected_high", "p")
    assert [row[column] for column in columns] == [0, 0, 0, 0, 1]
    assert said.groups["value"].to_list() == [0, 0]
    assert inequity(table, people_of(half=["m", "n"] * 40), ["half"], measure="calibration").table["sigma"][0] is None


def test_a_predictor_without_probabilities_keeps_its_row() -> None:
    sure, people = _random_run(6)
    silent = sure.with_columns(pl.lit("silent").alias("predictor"), pl.lit(None).alias("probabilities"))
    both = pl.concat([sure, silent.cast(sure.schema)])
    said = inequity(both, people, ["region", "half"], measure="log_loss", minimum=5)
    assert said.table.filter(predictor="silent")["sigma"].to_list() == [None, None]
    assert set(said.table.filter(predictor="silent")["note"]) == {"gives no probabilities"}
    assert said.index.filter(predictor="silent")["demographics"].to_list() == [0]
    assert said.table.filter(predictor="p")["sigma"].null_count() == 0
    half = sure.with_columns(
        pl.when(pl.col("question") == "Q0").then(None).otherwise("probabilities").alias("probabilities")
    )
    assert (
        "120 rows without probabilities left out"
        in inequity(half, people, ["half"], measure="log_loss").table["note"][0]
    )
    some = f"over {len(half) - 120:,} of {len(half):,} rows, 120 rows without"
    for measure, needed in (("log_loss", "probabilities"), ("calibration", "a valid choice with probabilities")):
        found = inequity(half, people, ["half"], measure=measure, weights=np.arange(len(people)) % 2.0)  # type: ignore[arg-type]
        assert found.table["note"][0].endswith(f"{some} {needed} left out")
    assert "rows" not in inequity(half, people, ["half"], measure="accuracy").table["note"][0]


def test_weights_count_a_person_as_often_as_they_say() -> None:
    table, people = _random_run(8)
    times = np.random.default_rng(0).integers(1, 4, len(people)).astype(float)
    said = inequity(table, people, ["region"], weights=times, minimum=5)
    repeated = pl.concat(
        [
            table.filter(person=person).with_columns(pl.lit(f"{person}-{copy}").alias("person"))
            for person, number in zip(people["person"], times.astype(int).tolist(), strict=True)
            for copy in range(number)
        ]
    )
    copies = repeated.select("person").unique().with_columns(pl.col("person").str.head(5).alias("of"))
    many = copies.join(people, left_on="of", right_on="person").drop("of")
    unweighted = inequity(repeated, many, ["region"], minimum=5)
    assert said.groups["value"].to_list() == pytest.approx(unweighted.groups["value"].to_list())
    assert said.groups["people"].to_list() == (
        people.drop_nulls("region").group_by("region").len().sort("region")["len"].to_list()
    )


def test_countries_count_equal_or_by_population(wvs7: Survey) -> None:
    people = people_of(country=["Germany", "Germany", "Brazil", "Taiwan ROC"]).with_columns(
        weight=pl.Series([1.0, 3.0, 2.0, 0.5])
    )
    equal = person_weights(people, wvs7, "equal")
    assert equal.tolist() == pytest.approx([1 / 3, 1, 4 / 3, 4 / 3])
    by_population = person_weights(people, wvs7, "population")
    assert by_population.mean() == pytest.approx(1)
    assert by_population[2] > by_population[:2].sum() > by_population[3]
    missing = people.with_columns(weight=pl.Series([1.0, None, float("nan"), 1.0]))
    with pytest.raises(IndievalueError, match="2 of 4 people have no usable weight, such as a0001"):
        person_weights(missing, wvs7, "equal")
    with pytest.raises(IndievalueError, match="population of Atlantis is not known"):
        person_weights(people.with_columns(country=pl.lit("Atlantis")), wvs7, "population")
    with pytest.raises(IndievalueError, match="has no countries, so its people cannot be weighted by country"):
        person_weights(people.drop("country"), wvs7, "equal")


def test_what_is_asked_wrongly_is_told() -> None:
    table, people = _random_run(9)
    with pytest.raises(IndievalueError, match="have no demographics"):
        inequity(table, people.select("person", "weight"), ["region"])
    with pytest.raises(IndievalueError, match="name at least one demographic; these people have region, half"):
        inequity(table, people, [])
    with pytest.raises(IndievalueError, match="no demographic 'shoe size'; they have region, half"):
        inequity(table, people, [("region", "shoe size")])
    with pytest.raises(IndievalueError, match="no measure 'luck'"):
        inequity(table, people, ["half"], measure="luck")  # type: ignore[arg-type]
    with pytest.raises(IndievalueError, match="at least 1 person"):
        inequity(table, people, ["half"], minimum=0)
    with pytest.raises(IndievalueError, match="1 people with predictions are not in people"):
        inequity(table, people.tail(-1), ["half"])
    with pytest.raises(IndievalueError, match="3 weights for 120 people"):
        inequity(table, people, ["half"], weights=np.ones(3))
    with pytest.raises(IndievalueError, match="1 of 120 people have no usable weight, such as a0002"):
        inequity(table, people, ["half"], weights=np.where(np.arange(120) == 2, np.nan, 1.0))


@given(st.integers(0, 2**32 - 1), st.sampled_from(["accuracy", "log_loss", "calibration"]))
@settings(deadline=None, max_examples=15)
def test_the_order_of_rows_and_people_changes_nothing(seed: int, measure: str) -> None:
    table, people = _random_run(seed, people=30, probes=4)
    shuffled = table.sample(fraction=1, shuffle=True, seed=seed), people.sample(fraction=1, shuffle=True, seed=seed)
    one = inequity(table, people, ["region", "half"], measure=measure, minimum=4, draws=20)  # type: ignore[arg-type]
    two = inequity(*shuffled, ["region", "half"], measure=measure, minimum=4, draws=20)  # type: ignore[arg-type]
    for name in ("table", "groups", "index"):
        assert_frame_equal(getattr(one, name), getattr(two, name), check_exact=True)


@given(st.integers(0, 2**32 - 1), st.permutations(["x", "y", "z"]))
@example(2**32 - 2, ["y", "x", "z"])
@settings(deadline=None, max_examples=15)
def test_what_groups_are_called_changes_nothing(seed: int, names: list[str]) -> None:
    table, people = _random_run(seed, people=60, probes=4)
    renamed = people.with_columns(pl.col("region").replace(dict(zip("xyz", names, strict=True))))
    one, two = (inequity(table, who, ["region", "half"], minimum=4, draws=30) for who in (people, renamed))
    assert_frame_equal(one.index, two.index)
    for demographic in ("region", "half"):
        groups, ours, theirs = (found.filter(demographic=demographic) for found in (one.groups, one.table, two.table))
        named = ["worst", "best"]
        if (groups["value"] == groups["value"].min()).sum() > 1:  # of those equally wrong, the first by name is shown
            named += ["worst_low", "worst_high"]
        assert_frame_equal(ours.drop(named), theirs.drop(named))


@pytest.mark.parametrize("measure", ["accuracy", "log_loss", "calibration"])
def test_the_number_of_threads_changes_nothing(measure: str) -> None:
    table, people = _random_run(11, people=400, probes=20)
    with threadpool_limits(1):
        one = inequity(table, people, ["region", "half"], measure=measure)  # type: ignore[arg-type]
    many = inequity(table, people, ["region", "half"], measure=measure)  # type: ignore[arg-type]
    for name in ("table", "groups", "index"):
        assert_frame_equal(getattr(one, name), getattr(many, name), check_exact=True)


@given(st.lists(st.floats(-1e3, 1e3), min_size=1, max_size=50), st.randoms(use_true_random=False))
@settings(deadline=None)
def test_sums_of_fixed_numbers_are_exact_in_any_order(values: list[float], random: object) -> None:
    rounded = fixed(np.array(values), len(values))
    shuffled = rounded.copy()
    random.shuffle(shuffled)  # type: ignore[attr-defined]
    assert np.cumsum(rounded)[-1] == np.cumsum(shuffled)[-1]
    assert rounded == pytest.approx(np.array(values), abs=1e-9)


@pytest.mark.parametrize("measure", ["accuracy", "log_loss", "calibration"])
def test_where_every_permutation_is_as_uneven_nothing_is_left_but_chance(measure: str) -> None:
    # Two people, one of whom is right: permuted, they are exactly as uneven, though σ differs in its last digit.
    table = predictions_of(np.array([[0], [0]]), np.array([[0], [1]]), np.array([[[0.9, 0.1]], [[0.9, 0.1]]]))
    found = inequity(table, people_of(half=["m", "n"]), ["half"], measure=measure, minimum=1, draws=50)  # type: ignore[arg-type]
    values = {"accuracy": (100, 0), "log_loss": (-np.log(0.9), -np.log(0.1)), "calibration": (0.1, 0.9)}[measure]
    row = found.table.row(0, named=True)
    assert found.groups["value"].to_list() == pytest.approx(values, abs=1e-7)
    assert row["sigma"] == pytest.approx(np.std(values, ddof=1), abs=1e-7)
    assert (row["chance"], row["chance_high"], row["p"]) == (*[pytest.approx(row["sigma"])] * 2, 1)
    # A group of one has no sampling variance; of a calibration error all is what permutations give.
    assert row["corrected"] == (pytest.approx(0, abs=1e-7) if measure == "calibration" else None)
    assert (row["worst"], row["best"]) == ("n", "m")
    assert row["gap"] == pytest.approx(abs(values[0] - values[1]), abs=1e-7)


def test_by_default_groups_have_30_people_and_1000_permutations_are_drawn() -> None:
    # 30 who are always right and 30 who never are: of 1000 permutations none is as uneven, so p is 1 of 1001.
    table = predictions_of(np.repeat([[0], [1]], 30, axis=0))
    found = inequity(table, people_of(half=["m"] * 30 + ["n"] * 30), ["half"])
    assert found.table.select("groups", "p").row(0) == (2, 1 / 1001)
    fewer = inequity(table.head(59), people_of(half=["m"] * 30 + ["n"] * 29), ["half"])
    assert fewer.table["groups"].item() == 1
    assert "1 group of fewer than 30 people left out (29 people in all)" in fewer.table["note"].item()


def test_numbers_are_rounded_no_coarser_than_their_exact_sum_needs() -> None:
    # Below 2⁻⁴¹ a number keeps the bits down to 2⁻⁽⁵²⁺⁴¹⁾; eight times as many numbers cost three of them.
    third = np.array([2.0**-40 / 3])
    for most, bits in ((1, 93), (8, 90)):
        error = abs(fixed(third, most) - third).item()
        assert 0 <= error <= 2.0 ** -(bits + 1)
        assert (fixed(third, most) * 2.0**bits).item() == round((third * 2.0**bits).item())
    assert fixed(third, 2**30).item() != third.item()
    assert fixed(np.zeros(2), 5).tolist() == [0, 0]


def test_the_interval_of_two_groups_is_that_of_their_difference_without_its_noise() -> None:
    # The spread of two groups is their difference divided by √2. With noise of −2 or 2 in it, a difference of 10 is
    # seen for a true one of 12 or 8, whose quantiles 0.025 and 0.975 are 8.1 and 11.9.
    low, high = spread_interval(np.array([70.0, 80.0]), np.array([[1.0, -1.0], [0.0, 2.0]]))
    assert (low, high) == pytest.approx((8.1 / 2**0.5, 11.9 / 2**0.5))
    # With noise of 2 or 4, so a bias of 3, a difference of 1 is one of −2 without it. It is seen for a true one of −3
    # or −5, whose sizes are 3 and 5; the noise alone is larger than 1, so the interval begins at 0.
    low, high = spread_interval(np.array([0.0, 1.0]), np.array([[0.0, 2.0], [0.0, 4.0]]))
    assert (low, high) == pytest.approx((0, 4.95 / 2**0.5))


def test_the_interval_ignores_draws_in_which_a_group_is_empty() -> None:
    values, noise = np.array([70.0, 80.0]), np.array([[1.0, -1.0], [np.nan, 7.0], [0.0, 2.0]])
    assert spread_interval(values, noise) == pytest.approx((8.1 / 2**0.5, 11.9 / 2**0.5))
    assert np.isnan(spread_interval(values, noise[1:2])).all()


def test_the_estimate_of_one_demographic_is_the_root_of_its_variance_between_groups() -> None:
    values, noise = np.array([70.0, 80.0]), np.array([[1.0, -1.0], [0.0, 2.0]])
    low, estimate, high = mean_spread_interval([values], [noise], [0.25])
    assert (low, estimate, high) == (*spread_interval(values, noise)[:1], 0.5, spread_interval(values, noise)[1])
    assert mean_spread_interval([values], [noise], [-1.0])[1] == 0


def test_the_interval_of_two_demographics_that_are_alike_is_that_of_each() -> None:
    values, noise = np.array([70.0, 80.0]), np.array([[1.0, -1.0], [0.0, 2.0]])
    found = mean_spread_interval([values] * 2, [noise] * 2, [50.0] * 2)
    assert found == pytest.approx([end / 2**0.5 for end in (8.1, 10, 11.9)])  # see the interval of two groups


def test_the_sampling_variance_of_a_log_loss_is_in_nats_squared() -> None:
    # Three people with one row each, and losses of 1, 1 and 4 nats: the mean is 2, squared residuals add up to 6, and
    # the variance of the mean is 3/2 × 6 / 3² = 1.
    true = np.exp([[-1.0], [-1.0], [-4.0]])
    table = predictions_of(np.zeros((3, 1), int), 0, np.stack([true, 1 - true], axis=2))
    sums = person_sums(table, "log_loss")
    assert sums is not None
    (found,) = measure_groups(sums, [group_people(people_of(all=["one"] * 3), ("all",), 1)], 1, 0)
    assert found.values.tolist() == pytest.approx([2], abs=1e-6)
    assert found.variances.tolist() == pytest.approx([1], abs=1e-6)


def test_the_sampling_variance_of_a_calibration_error_is_that_of_the_draws() -> None:
    table, _ = _random_run(6)
    sums = person_sums(table, "calibration")
    assert sums is not None
    groups = group_people(people_of(all=["one"] * 120), ("all",))
    (found,) = measure_groups(sums, [groups], 2, 0)
    first, second = found.noise[:, 0]
    assert first != second
    assert found.variances.tolist() == pytest.approx([(first - second) ** 2 / 2])  # of two numbers, with n − 1 = 1
    assert np.isnan(measure_groups(sums, [groups], 1, 0)[0].variances).all()  # of one draw


def test_one_draw_of_a_calibration_error_has_no_variance_and_no_warning() -> None:
    sums = person_sums(_random_run(6)[0], "calibration")
    assert sums is not None
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        (found,) = measure_groups(sums, [group_people(people_of(all=["one"] * 120), ("all",))], 1, 0)
    assert np.isnan(found.variances).all()
