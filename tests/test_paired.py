"""Two predictors on the same people and probes."""

import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import polars as pl
import pytest

from answers import answered, people_of, predictions_of
from commands import run_here
from conftest import GARDEN, garden_answers
from indievalue.errors import IndievalueError
from indievalue.scoring.accuracy import log_loss
from indievalue.scoring.bootstrap import times_drawn
from indievalue.scoring.group_values import measure_groups
from indievalue.scoring.groups import group_people
from indievalue.scoring.inequity import inequity
from indievalue.scoring.measures import person_sums
from indievalue.scoring.paired import Comparison, compare, shared_rows, with_holm_over
from indievalue.scoring.swapping import standard_error, swapped_differences, two_sided


def _row(said: Comparison, measure: str, demographic: str | None = None) -> dict[str, float]:
    of = pl.col("demographic").is_null() if demographic is None else pl.col("demographic") == demographic
    return said.table.filter(of & (pl.col("measure") == measure)).row(0, named=True)


def _two(seed: int, skill_a: np.ndarray, skill_b: np.ndarray, probes: int = 15) -> tuple[pl.DataFrame, pl.DataFrame]:
    random = np.random.default_rng(seed)
    a, b = (predictions_of(answered(skill, probes, random), predictor=name) for name, skill in
            (("a", skill_a), ("b", skill_b)))  # fmt: skip
    return a, b


def test_differences_by_hand() -> None:
    probabilities = np.array([[[0.9, 0.1], [0.6, 0.4]], [[0.2, 0.8], [0.5, 0.5]]])
    a = predictions_of(np.array([[0, 0], [1, 0]]), 0, probabilities, "a")
    b = predictions_of(np.array([[0, 1], [1, 1]]), 0, probabilities[:, ::-1], "b")
    said = compare(a, b)
    assert (said.a, said.b, said.people, said.probes, said.left_out) == ("a", "b", 2, 4, (0, 0))
    assert _row(said, "accuracy")["difference"] == 50
    assert (_row(said, "accuracy")["a"], _row(said, "accuracy")["b"]) == (75, 25)
    losses = log_loss(a), log_loss(b)
    assert _row(said, "log_loss")["a"] == pytest.approx(losses[0])
    assert _row(said, "log_loss")["difference"] == pytest.approx(losses[0] - losses[1])
    assert said.table["measure"].to_list() == ["accuracy", "log_loss"]


def test_a_predictor_does_not_differ_from_itself() -> None:
    a, _ = _two(0, np.full(90, 0.7), np.full(90, 0.7))
    said = compare(a, a.with_columns(pl.lit("b").alias("predictor")), people_of(half=["m", "n"] * 45), ["half"])
    for measure in ("accuracy", "inequity"):
        row = _row(said, measure)
        assert (row["difference"], row["low"], row["high"], row["p"]) == (0, 0, 0, 1)


def test_the_other_way_round_it_is_the_negative() -> None:
    people = people_of(half=["m", "n"] * 60, third=["x", "y", "z"] * 40)
    a, b = _two(1, np.tile([0.8, 0.6], 60), np.full(120, 0.65))
    one, two = (compare(*pair, people, ["half", "third"]).table for pair in ((a, b), (b, a)))
    for left, right in (("difference", "difference"), ("low", "high"), ("high", "low")):
        assert one[left].drop_nulls().to_list() == pytest.approx((-two[right].drop_nulls()).to_list())
    assert one["p"].drop_nulls().to_list() == pytest.approx(two["p"].drop_nulls().to_list())


def test_sigma_is_that_of_inequity() -> None:
    people = people_of(third=["x", "y", "z"] * 50, half=["m", "n"] * 75)
    a, b = _two(2, np.tile([0.9, 0.7, 0.5], 50), np.full(150, 0.7))
    with pytest.raises(IndievalueError, match="compared in accuracy or log_loss, not in calibration"):
        compare(a, b, people, ["third"], measure="calibration")
    said = compare(a, b, people, ["third", "half"])
    assert said.demographics == ("third", "half")
    for name, rows in (("a", a), ("b", b)):
        found = inequity(rows, people, ["third", "half"])
        assert _row(said, "inequity")[name] == pytest.approx(found.index["corrected"][0])
        assert _row(said, "inequity")[f"sigma_{name}"] == pytest.approx(found.index["sigma"][0])
        assert _row(said, "sigma", "third")[name] == pytest.approx(found.table["corrected"][0])


def test_a_planted_difference_is_found_and_chance_is_not() -> None:
    sizes = [60, 60, 40]
    people = people_of(group=[f"g{group}" for group, size in enumerate(sizes) for _ in range(size)])
    even, uneven = np.full(160, 0.7), np.repeat([0.8, 0.7, 0.55], sizes)
    found = chance = held = 0
    for seed in range(60):
        a, b = _two(seed, even, uneven)
        row = _row(compare(a, b, people, ["group"], draws=200, seed=seed), "sigma", "group")
        found += row["p"] < 0.05
        held += row["low"] <= -float(np.std([80, 70, 55], ddof=1)) <= row["high"]
        a, b = _two(1000 + seed, uneven, uneven)
        chance += _row(compare(a, b, people, ["group"], draws=200, seed=seed), "sigma", "group")["p"] < 0.05
    assert found >= 57
    assert held >= 54
    assert chance <= 8


def test_the_observed_difference_is_that_of_noise_free_sigma() -> None:
    people = people_of(third=["x", "y", "z"] * 40)
    a, b = _two(3, np.tile([0.9, 0.7, 0.5], 40), np.full(120, 0.7))
    sums, groups = [person_sums(table, "accuracy") for table in (a, b)], group_people(people, ("third",))
    assert sums[0] is not None
    assert sums[1] is not None
    between = [measure_groups(one, [groups], 1, 0)[0].between for one in sums if one is not None]
    observed = swapped_differences(sums[0], sums[1], [groups], 0, 0)
    assert 100**2 * observed.squares[0, 0] == pytest.approx(between[0] - between[1], abs=1e-9)


@pytest.mark.parametrize("same", [True, False], ids=["same groups worst", "other groups worst"])
def test_the_standard_error_of_a_difference_in_sigma_is_its_spread_over_samples(same: bool) -> None:
    random, first = np.random.default_rng(0), np.array([0.0, 2, 4, 9])
    second = first if same else first[::-1]
    variances = np.array([[1.0, 0.5, 2, 1], [0.7, 1, 1.5, 2]])
    covariances = 0.4 * np.sqrt(variances.prod(axis=0))
    noise = random.normal(size=(2, 100_000, 4))
    shared = covariances / np.sqrt(variances[0])
    a = first + noise[0] * np.sqrt(variances[0])
    b = second + noise[0] * shared + noise[1] * np.sqrt(variances[1] - shared**2)
    errors = standard_error(
        [a, b], [np.broadcast_to(one, a.shape) for one in variances], covariances + np.zeros(a.shape)
    )
    difference = a.var(axis=1, ddof=1) - b.var(axis=1, ddof=1)
    assert np.mean(errors**2) == pytest.approx(difference.var(), rel=0.02)


def test_a_predictor_is_not_less_even_than_itself() -> None:
    people = people_of(third=["x", "y", "z"] * 40)
    a, _ = _two(3, np.tile([0.9, 0.7, 0.5], 40), np.full(120, 0.7))
    said = compare(a, a.with_columns(predictor=pl.lit("again")), people, ["third"], draws=50)
    assert _row(said, "sigma", "third")["p"] == 1
    assert _row(said, "inequity")["p"] == 1


def test_the_index_of_one_demographic_is_tested_as_its_sigma_is() -> None:
    people = people_of(third=["x", "y", "z"] * 40)
    a, b = _two(3, np.tile([0.9, 0.7, 0.5], 40), np.full(120, 0.7))
    said = compare(a, b, people, ["third"], draws=200)
    assert _row(said, "inequity")["p"] == _row(said, "sigma", "third")["p"] < 0.05


def test_p_counts_the_observed_difference_among_the_swapped_ones() -> None:
    assert two_sided(np.array([3.0, 1, -2, 2])) == 1 / 4
    assert two_sided(np.array([2.0, 1, -3, 2])) == 3 / 4
    assert two_sided(np.zeros(5)) == 1


def test_equally_uneven_predictors_of_other_accuracy_are_rejected_in_5_percent() -> None:
    people = people_of(group=[f"g{row % 4}" for row in range(160)])
    rejected = held = 0
    for seed in range(200):
        level = np.tile([0.75, 0.7, 0.65, 0.6], 40)
        a, b = _two(seed, level + 0.1, level)
        row = _row(compare(a, b, people, ["group"], draws=99, seed=seed), "sigma", "group")
        rejected += row["p"] <= 0.05
        held += row["low"] <= 0 <= row["high"]
    assert 3 <= rejected <= 19  # 10 are expected; the standard deviation is 3
    assert held >= 182


def test_the_interval_of_a_difference_in_accuracy_holds_the_truth() -> None:
    held = 0
    for seed in range(150):
        skill = np.random.default_rng(10_000 + seed).beta(8, 4, 80)
        a, b = _two(seed, skill, np.maximum(skill - 0.05, 0))
        row = _row(compare(a, b, draws=300, seed=seed), "accuracy")
        held += row["low"] <= 5 <= row["high"]
    assert 136 <= held <= 149


def test_without_probabilities_there_is_no_difference_in_log_loss() -> None:
    a, b = _two(3, np.full(20, 0.7), np.full(20, 0.7))
    row = _row(compare(a, b), "log_loss")
    assert (row["a"], row["difference"], row["p"]) == (None, None, None)


def test_other_rows_are_refused_unless_the_intersection_is_asked_for() -> None:
    a, b = _two(4, np.full(20, 0.7), np.full(20, 0.6))
    fewer = b.filter((pl.col("person") != "a0003") & (pl.col("question") != "Q2"))
    with pytest.raises(IndievalueError) as refused:
        compare(a, fewer)
    assert "34 rows of a, such as person a0000, question Q2 in setup 0, are not in b" in str(refused.value)
    assert "266 they share" in str(refused.value)
    said = compare(a, fewer, intersection=True)
    assert (said.people, said.probes, said.left_out) == (19, 266, (34, 0))
    assert _row(said, "accuracy")["b"] == pytest.approx(100 * (fewer["choice"] == 0).mean())


def test_different_data_are_refused_even_with_intersection() -> None:
    a, b = _two(5, np.full(20, 0.7), np.full(20, 0.6))
    other = b.with_columns(
        pl.when(pl.col("person") == "a0001").then(1).otherwise("answer").cast(pl.Int8).alias("answer")
    )
    for intersection in (False, True):
        with pytest.raises(IndievalueError, match=r"of different data: in 15 of 300 shared rows .* person a0001"):
            compare(a, other, intersection=intersection)
    strangers = b.with_columns(pl.concat_str(pl.lit("b"), "person").alias("person"))
    with pytest.raises(IndievalueError, match="nothing in common: 300 and 300 rows"):
        compare(a, strangers, intersection=True)
    refined = b.with_columns(pl.lit("refined").alias("form"))
    with pytest.raises(IndievalueError, match="polar form, b in refined form"):
        compare(a, refined)
    with pytest.raises(IndievalueError, match="b has 600 rows that occur more than once"):
        compare(a, pl.concat([b, b]))
    with pytest.raises(IndievalueError, match="each table must be of one predictor, not of a, b"):
        compare(pl.concat([a, b]), b)


def test_a_demographic_of_one_group_is_null_and_so_is_p_of_one_person() -> None:
    a, b = _two(6, np.full(40, 0.7), np.full(40, 0.6))
    alone = compare(a.filter(person="a0000"), b.filter(person="a0000"))
    assert _row(alone, "accuracy")["difference"] is not None
    assert (_row(alone, "accuracy")["low"], _row(alone, "accuracy")["p"]) == (None, None)
    said = compare(a, b, people_of(all=["one"] * 40), ["all"])
    assert _row(said, "inequity")["difference"] is None
    assert _row(said, "sigma", "all")["difference"] is None


def test_p_is_corrected_over_pairs_and_within_a_pair_over_demographics() -> None:
    people = people_of(half=["m", "n"] * 60, third=["x", "y", "z"] * 40)
    a, b = _two(1, np.tile([0.8, 0.6], 60), np.full(120, 0.65))
    c, _ = _two(2, np.full(120, 0.68), np.full(120, 0.65))
    first, second = (compare(x, b, people, ["half", "third"], draws=99, seed=1) for x in (a, c))
    for said in (first, second):
        assert said.table.columns[-1] == "p_holm"
        whole = said.table.filter(pl.col("demographic").is_null())
        assert whole["p_holm"].to_list() == whole["p"].to_list()  # one pair is one test
        small, large = said.table.filter(measure="sigma").sort("p").select("p", "p_holm").rows()
        assert (small[1], large[1]) == pytest.approx((min(1, 2 * small[0]), min(1, max(2 * small[0], large[0]))))
    both = with_holm_over([first, second])
    assert with_holm_over([]) == []
    for measure in ("accuracy", "inequity"):
        small, large = sorted((_row(one, measure)["p"], _row(one, measure)["p_holm"]) for one in both)
        assert (small[1], large[1]) == pytest.approx((min(1, 2 * small[0]), min(1, max(2 * small[0], large[0]))))
    for one, before in zip(both, (first, second), strict=True):
        assert one.table.filter(measure="sigma").equals(before.table.filter(measure="sigma"))


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """Two runs of the garden: the same people and probes."""
    tmp_path = tmp_path_factory.mktemp("runs")
    garden_answers(60).write_csv(tmp_path / "garden.csv")
    made = []
    for name, predictors in (("one", ["majority", "resemble:k=5"]), ("two", ["random"])):
        chosen = [word for predictor in predictors for word in ("--predictor", predictor)]
        said = run_here("evaluate", tmp_path / "garden.csv", "--survey", GARDEN, *chosen, "--people", "20", "--out",
                    tmp_path / name)  # fmt: skip
        assert said.returncode == 0, said.stderr
        made.append(tmp_path / name)
    return made[0], made[1]


def test_runs_are_compared_on_the_command_line(runs: tuple[Path, Path], tmp_path: Path) -> None:
    one, two = runs
    said = run_here("compare", one, "--minimum", "5", "--draws", "100", "--out", tmp_path / "c.csv", COLUMNS="80")
    assert said.returncode == 0, said.stderr
    assert "majority −" in said.stdout
    assert "σ without noise" in said.stdout  # of a single pair
    assert all(len(line) <= 80 for line in said.stdout.splitlines())
    table = pl.read_csv(tmp_path / "c.csv")
    assert set(table["predictor_a"]) == {"majority"}
    assert set(table["measure"]) == {"accuracy", "log_loss", "inequity", "sigma"}
    assert table.columns[-1] == "p_holm"
    across = run_here("compare", one, two, "--minimum", "5", "--draws", "50", "--out", tmp_path / "c.md")
    assert across.returncode == 0, across.stderr
    assert "resemble:k=5 in one −" in across.stdout
    assert "random in two" in across.stdout
    assert "resemble" in (tmp_path / "c.md").read_text()
    for arguments, reason in (
        ((two,), "nothing to compare"),
        ((one, "--predictor", "gpt"), "no run has a predictor 'gpt'"),
        ((one, "--out", tmp_path / "c.csv"), "exists already"),
        ((one, tmp_path / "absent"), "is not a run directory"),
    ):
        refused = run_here("compare", *arguments)
        assert refused.returncode == 1
        assert reason in refused.stderr
    assert run_here("compare", one, "--out", tmp_path / "c.pdf").returncode == 2


def test_inequity_and_flattening_on_the_command_line(runs: tuple[Path, Path], tmp_path: Path) -> None:
    one, two = runs
    columns = [*pl.read_parquet(one / "people.parquet").columns]
    assert columns[:2] == ["person", "weight"]
    tables = tmp_path / "tables"
    said = run_here("inequity", one, two, "--minimum", "5", "--draws", "50", "--out", tables, COLUMNS="80")
    assert said.returncode == 0, said.stderr
    assert "Value Inequity Index" in said.stdout
    assert f"Over {', '.join(columns[2:])[:20]}" in said.stdout
    assert all(len(line) <= 80 for line in said.stdout.splitlines())
    assert sorted(file.name for file in tables.iterdir()) == sorted(
        f"{name}.{kind}" for name in ("index", "table", "groups") for kind in ("csv", "md", "tex")
    )
    index = pl.read_csv(tables / "index.csv")
    assert index["run"].to_list() == [str(one), str(one), str(two)]
    assert index["predictor"].to_list() == ["majority", "resemble:k=5", "random"]
    ours = pd.read_csv(tables / "table.csv").query("run == @name and sigma == sigma", local_dict={"name": str(one)})
    rows = pd.read_parquet(one / "predictions.parquet").merge(pd.read_parquet(one / "people.parquet"), on="person")
    rows["right"] = 100.0 * (rows.choice == rows.answer)
    checked = 0
    for row in ours.itertuples():
        groups = rows[rows.predictor == row.predictor].groupby(row.demographic)
        means = groups.right.mean()[groups.person.nunique() >= 5]
        if "pooled" not in str(row.note):
            checked += 1
            assert row.sigma == pytest.approx(means.std(ddof=1), abs=1e-9)
            assert (row.worst_value, row.best_value) == pytest.approx((means.min(), means.max()), abs=1e-9)
    assert checked > 3
    crossed = run_here("inequity", one, "--demographic", "*".join(columns[2:4]), "--minimum", "3", "--draws", "20")
    assert " × ".join(columns[2:4]) in crossed.stdout
    alike = run_here("flattening", one, "--minimum", "5", "--match", columns[2], "--draws", "20", COLUMNS="80")
    assert alike.returncode == 0, alike.stderr
    assert f"of the same {columns[2]}" in alike.stdout
    assert all(len(line) <= 80 for line in alike.stdout.splitlines())
    for arguments, reason, code in (
        ((one, "--demographic", "luck"), "no demographic 'luck'", 1),
        ((one, "--measure", "luck"), "'luck' is not one of 'accuracy'", 2),
        ((one, "--out", tables), "exists already", 1),
        ((one, "--minimum", "0"), "see --help", 2),
    ):
        refused = run_here("inequity", *arguments)
        assert (refused.returncode, reason in refused.stderr) == (code, True), refused.stderr


def test_a_run_without_demographics_is_told(runs: tuple[Path, Path], tmp_path: Path) -> None:
    one = shutil.copytree(runs[0], tmp_path / "one")
    people = pl.read_parquet(one / "people.parquet").select("person", "weight")
    people.write_parquet(one / "people.parquet")
    for command in ("inequity", "flattening"):
        said = run_here(command, one)
        assert (said.returncode, "no demographics" in said.stderr) == (1, True)
        assert said.stderr.count("\n") == 1
    compared = run_here("compare", one, "--draws", "20")
    assert compared.returncode == 0, compared.stderr
    assert "–" in compared.stdout


def test_runs_of_other_rows_or_other_data_are_refused_on_the_command_line(
    runs: tuple[Path, Path], tmp_path: Path
) -> None:
    one, two = runs[0], shutil.copytree(runs[1], tmp_path / "two")
    rows = pl.read_parquet(two / "predictions.parquet")
    first = rows["person"].min()
    rows.filter(pl.col("person") != first).write_parquet(two / "predictions.parquet")
    call = ("compare", one, two, "--predictor", "majority", "--predictor", "random", "--draws", "20")
    refused = run_here(*call)
    assert refused.returncode == 1
    assert f"rows of majority in one, such as person {first}" in refused.stderr
    assert "not in random in two" in refused.stderr
    assert "--intersection" in refused.stderr
    shared = run_here(*call, "--intersection")
    assert shared.returncode == 0, shared.stderr
    assert "19 people" in shared.stdout
    assert "rows not shared" in " ".join(shared.stdout.split())
    rows.with_columns((1 - pl.col("answer")).clip(0).alias("answer")).write_parquet(two / "predictions.parquet")
    other = run_here(*call, "--intersection")
    assert (other.returncode, "of different data" in other.stderr) == (1, True), other.stderr


def test_shared_rows_are_in_one_order_and_those_left_out_are_counted() -> None:
    a = predictions_of(np.array([[0, 1], [1, 0]]), predictor="a")
    b = a.with_columns(predictor=pl.lit("b")).reverse()
    one, other, left_out = shared_rows(a, b, ("a", "b"))
    assert one.drop("predictor").equals(other.drop("predictor"))
    assert left_out == (0, 0)
    with pytest.raises(
        IndievalueError, match="1 rows of a, such as person a0001, question Q1 in setup 0, are not in b"
    ):
        shared_rows(a, b.tail(3), ("a", "b"))
    one, other, left_out = shared_rows(a, b.tail(3), ("a", "b"), intersection=True)
    assert (len(one), len(other), left_out) == (3, 3, (1, 0))


def test_log_loss_is_compared_on_the_rows_for_which_both_give_probabilities() -> None:
    a = predictions_of(np.array([[0, 0]]), 0, np.array([[[0.8, 0.2], [0.5, 0.5]]]), "a")
    b = predictions_of(np.array([[0, 0]]), 0, np.array([[[0.9, 0.1], [0.4, 0.6]]]), "b")
    b = b.with_columns(probabilities=pl.when(question="Q1").then("probabilities"))
    found = _row(compare(a, b), "log_loss")
    assert (found["a"], found["b"]) == pytest.approx((-np.log(0.5), -np.log(0.4)), abs=1e-6)


def test_without_a_draw_that_has_all_groups_there_is_a_difference_and_no_interval() -> None:
    people = people_of(half=["m", "m", "n", "n"])
    a = predictions_of(np.array([[0, 0], [0, 1], [1, 1], [1, 1]]), predictor="a")
    b = predictions_of(np.zeros((4, 2), int), predictor="b")
    seed = next(seed for seed in range(99) if not times_drawn(4, seed, 1)[0, :2].any())
    row = _row(compare(a, b, people, ["half"], minimum=2, draws=1, seed=seed), "sigma", "half")
    # σ of 75 and 0 is 75 / √2; one group varies by 2/1 × (2 × 25²) / 2² = 625, of which the mean is 312.5.
    assert row["difference"] == pytest.approx(np.sqrt(75**2 / 2 - 312.5))
    assert (row["low"], row["high"]) == (None, None)
