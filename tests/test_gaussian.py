"""The Gaussian predictor: conditional means that can be computed by hand, and probabilities that hold."""

from pathlib import Path

import numpy as np
import polars as pl
import pytest

from conftest import garden_answers
from indievalue.benchmark.build import build_benchmark
from indievalue.benchmark.model import Settings
from indievalue.choices import FORMS, FormName
from indievalue.errors import IndievalueError
from indievalue.people.decode import decode
from indievalue.people.people import People
from indievalue.predictors.calibrated import LogitCalibration
from indievalue.predictors.columns import coarsening, demographic_columns, frequent_groups
from indievalue.predictors.gaussian import Gaussian
from indievalue.predictors.joint import Joint
from indievalue.predictors.majority import Majority
from indievalue.predictors.predictions import predict
from indievalue.scoring.accuracy import score
from indievalue.survey.survey import Survey


@pytest.fixture(scope="module")
def many(garden: Survey) -> People:
    return decode(garden_answers(1500, seed=5), garden, "garden.csv", "")


@pytest.mark.parametrize("known_columns", [0, 1, 4, 7, 8])
def test_the_conditional_mean_is_the_textbook_s(known_columns: int) -> None:
    rng = np.random.default_rng(known_columns)
    root = rng.normal(size=(8, 8))
    joint = Joint(rng.normal(size=8), root @ root.T, 0.1)
    values = rng.normal(size=(3, 8))
    known = np.zeros((3, 8), bool)
    for row in range(3):
        known[row, rng.permutation(8)[:known_columns]] = True
    given = joint.condition(values, known, ~known)
    weights, explained = given.weights, given.explained
    means = joint.mean + weights @ joint.covariance
    for row in range(3):
        k, u = known[row], ~known[row]
        regression = joint.covariance[np.ix_(u, k)] @ np.linalg.inv(
            joint.covariance[np.ix_(k, k)] + 0.1 * np.eye(k.sum())
        )
        assert means[row, u] == pytest.approx(joint.mean[u] + regression @ (values[row, k] - joint.mean[k]))
        told = np.diag(regression @ joint.covariance[np.ix_(k, u)]) / np.diag(joint.covariance)[u]
        assert explained[row, u] == pytest.approx(told)


def test_people_with_the_same_pattern_share_the_solve_and_get_what_they_get_alone() -> None:
    rng = np.random.default_rng(0)
    root = rng.normal(size=(6, 6))
    joint = Joint(np.zeros(6), root @ root.T, 0.1)
    values, known = rng.normal(size=(4, 6)), np.array([[1, 1, 0, 0, 0, 0], [1, 1, 1, 1, 0, 0]] * 2, bool)
    together = joint.condition(values, known, ~known).weights
    alone = np.concatenate([joint.condition(values[[row]], known[[row]], ~known[[row]]).weights for row in range(4)])
    assert together == pytest.approx(alone)


def test_refined_options_add_up_to_polar_ones(garden: Survey) -> None:
    matrix = coarsening(garden, "polar")
    assert matrix.shape == (35, 21)
    assert (matrix.sum(axis=1) == 1).all()
    refined = np.zeros(35)
    refined[:4] = [0.1, 0.2, 0.3, 0.4]  # P1
    assert (refined @ matrix)[:2] == pytest.approx([0.3, 0.7])
    assert (coarsening(garden, "refined") == np.eye(35)).all()


def test_groups_of_few_people_have_no_column() -> None:
    demographics = pl.DataFrame({"region": ["a"] * 60 + ["b"] * 50 + ["c"] * 9 + [None]})
    groups = frequent_groups(demographics)
    assert groups == {"region": ["a", "b"]}
    values, known = demographic_columns(demographics, groups)
    assert values.sum(axis=0).tolist() == [60, 50]
    assert known.all(axis=1).sum() == known.any(axis=1).sum() == 110


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("shown", FORMS)
def test_it_learns_what_goes_together(many: People, form: FormName, shown: FormName) -> None:
    benchmark = build_benchmark(
        many, Settings(form=form, demonstrations_as=shown, demonstrations=None), many.ids[:300].tolist()
    )
    others = many.take(~np.isin(many.ids, benchmark.people.ids))
    gaussian = score(predict("gaussian", Gaussian().fit(others, form, shown), benchmark), survey=many.survey)
    majority = score(predict("majority", Majority().fit(others, form, shown), benchmark))
    assert gaussian.accuracy > majority.accuracy_high
    assert gaussian.log_loss is not None
    assert majority.log_loss is not None
    assert gaussian.log_loss < majority.log_loss
    assert gaussian.ece is not None
    assert gaussian.ece < 0.05


def test_with_nothing_shown_it_gives_the_base_rates(many: People) -> None:
    benchmark = build_benchmark(many, Settings(context="none"), many.ids[:20].tolist())
    table = predict("gaussian", Gaussian().fit(many, "polar", "polar"), benchmark)
    rates = predict("majority", Majority().fit(many, "polar", "polar"), benchmark)
    said, expected = (np.concatenate(one["probabilities"].to_list()) for one in (table, rates))
    assert said == pytest.approx(expected, abs=1e-3)  # but for smoothing


def test_demographics_alone_tell_something(garden: Survey) -> None:
    answers = garden_answers(1200, seed=6)
    people = decode(answers.with_columns(N2=(pl.col("REGION") == 1).cast(pl.Int64)), garden, "garden.csv", "")
    benchmark = build_benchmark(people, Settings(context="demographics"), people.ids[:200].tolist())
    others = people.take(~np.isin(people.ids, benchmark.people.ids))
    table = predict("gaussian", Gaussian().fit(others, "polar", "polar"), benchmark).filter(question="N2")
    assert score(table).accuracy > 97


def test_calibration_finds_the_least_log_loss_and_leaves_nothing_known_at_the_base_rates() -> None:
    rng = np.random.default_rng(0)
    rates = np.tile([0.7, 0.3], (6000, 1))
    told = rng.uniform(0, 0.5, 6000)
    lean = rng.normal(size=6000) * np.sqrt(told) * 0.4
    means = rates + np.stack([lean, -lean], axis=1)
    truth = (rng.random(6000) > np.clip(means[:, 0], 0, 1)).astype(int)
    fitted = LogitCalibration.fit(means, rates, told, truth)
    probabilities = fitted.apply(means, rates, told)
    chosen = probabilities[np.arange(6000), truth]
    assert -np.log(chosen).mean() < -np.log(np.clip(means[np.arange(6000), truth], 1e-3, 1)).mean()
    assert probabilities.sum(axis=1) == pytest.approx(np.ones(6000))
    assert fitted.apply(rates[:1], rates[:1], np.zeros(1))[0] == pytest.approx([0.7, 0.3])


def test_a_saved_predictor_says_the_same_and_is_small(
    many: People, garden: Survey, wvs7: Survey, tmp_path: Path
) -> None:
    benchmark = build_benchmark(many, Settings(context="both"), many.ids[:20].tolist())
    fitted = Gaussian().fit(many, "polar", "polar")
    fitted.save(tmp_path / "fitted.npz")
    loaded = Gaussian.load(tmp_path / "fitted.npz", garden)
    one, other = (predict("gaussian", predictor, benchmark) for predictor in (fitted, loaded))
    assert one["choice"].to_list() == other["choice"].to_list()
    said, again = (np.concatenate(table["probabilities"].to_list()) for table in (one, other))
    assert again == pytest.approx(said, abs=1e-4)
    with pytest.raises(IndievalueError, match="fitted on survey 'garden', not 'wvs7'"):
        Gaussian.load(tmp_path / "fitted.npz", wvs7)
    (tmp_path / "broken.npz").write_bytes(b"PK nonsense")
    with pytest.raises(IndievalueError, match="no saved gaussian predictor"):
        Gaussian.load(tmp_path / "broken.npz", garden)
