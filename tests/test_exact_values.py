"""Constants and borders at which a small change would pass unnoticed: the values are worked out by hand."""

import dataclasses

import numpy as np
import polars as pl
import pytest

from answers import people_of, predictions_of
from conftest import garden_answers
from indievalue.benchmark.build import build_benchmark
from indievalue.benchmark.eligible import answered_threshold
from indievalue.benchmark.model import Settings
from indievalue.people.decode import decode
from indievalue.predictors.joint import RIDGE, Joint
from indievalue.scoring.group_values import measure_groups
from indievalue.scoring.groups import group_people
from indievalue.scoring.inequity import inequity
from indievalue.scoring.measures import person_sums
from indievalue.scoring.paired import compare
from indievalue.survey.survey import Survey


def test_exactly_as_many_answers_as_the_threshold_are_enough(garden: Survey) -> None:
    survey = dataclasses.replace(garden, sampling=dataclasses.replace(garden.sampling, answered=9, setups=1))
    # All answer ten questions; the second person leaves one out, the third two, none of which is a probe.
    table = garden_answers(3).with_columns(P4=pl.Series([1, -1, -1]), N3=pl.Series([1, 1, -1]))
    people = decode(table, survey, "garden.csv", "")
    answered = (people.options("refined") >= 0).sum(axis=1)
    threshold = answered_threshold(survey, people.asked)
    assert (answered >= threshold).tolist() == [True, True, False]
    assert answered[1] == threshold
    benchmark = build_benchmark(people, Settings(setups=(0,)), "all")
    assert benchmark.people.ids.tolist() == people.ids[:2].tolist()


def test_codes_below_and_above_the_table_are_missing_and_not_the_nearest(garden: Survey) -> None:
    form = garden.form("refined")
    lowest, highest = int(np.min(form.lowest)), int(np.max(form.lowest)) + form.table.shape[1] - 1
    for code in (lowest - 1, highest + 1, -32768, 32767):
        codes = np.full((1, len(garden.questions)), code, np.int16)
        assert form.encode(codes).tolist() == [[-1] * len(garden.questions)]


def test_p_is_never_below_one_in_draws_plus_one() -> None:
    # One group is always right and the other always wrong: no permutation of 80 people reaches that.
    table = predictions_of(np.repeat([[0], [1]], 40, axis=0))
    people = people_of(half=["m"] * 40 + ["n"] * 40)
    assert inequity(table, people, ["half"], draws=19).table["p"].to_list() == [1 / 20]
    other = predictions_of(np.ones((80, 1), int), predictor="q")
    compared = compare(table, other, people, ["half"], draws=19).table
    assert compared.filter(measure="accuracy")["p"].to_list() == [2 / 20]  # two-sided: 2 × (1 + 0) / (1 + 19)


def test_the_sampling_variance_has_the_factor_n_over_n_minus_1() -> None:
    # Three people with 1, 1 and 0 of 1 right: the mean is 2/3, squared residuals add up to 2/3,
    # and the variance of the mean is 3/2 × (2/3) / 3² = 1/9, in points squared 10,000/9.
    table = predictions_of(np.array([[0], [0], [1]]))
    sums = person_sums(table, "accuracy")
    assert sums is not None
    groups = group_people(people_of(all=["one"] * 3), ("all",), 1)
    assert measure_groups(sums, [groups], 1, 0)[0].variances.tolist() == pytest.approx([10_000 / 9])


def test_the_ridge_of_the_gaussian_is_two_percent_of_a_variance() -> None:
    # A column of variance 1 that equals the target predicts 1 / (1 + ridge) of its deviation.
    joint = Joint(np.zeros(1), np.ones((1, 1)), RIDGE)
    given = joint.condition(np.ones((1, 1)), np.ones((1, 1), bool), np.zeros((1, 1), bool))
    assert given.weights[0, 0] == pytest.approx(1 / 1.02)


def test_the_first_continent_gives_all_its_people_and_the_rest_is_shared_evenly(garden: Survey) -> None:
    # 5 islanders, 9 in the valley and 9 in the hills; of 13 places the island takes 5, and the others 4 each.
    survey = dataclasses.replace(garden, sampling=dataclasses.replace(garden.sampling, per_religion=None))
    table = garden_answers(23).with_columns(REGION=pl.Series([3] * 5 + [1] * 9 + [2] * 9))
    people = decode(table, survey, "garden.csv", "")
    regions = build_benchmark(people, Settings(), 13).people.demographics["region"]
    assert dict(regions.value_counts().iter_rows()) == {"Island": 5, "Valley": 4, "Hills": 4}


def test_a_probability_that_rounding_put_above_1_has_no_loss() -> None:
    above = np.nextafter(np.float32(1), np.float32(2))
    sums = person_sums(predictions_of(np.zeros((1, 1), int), 0, np.array([[[above, 0.0]]])), "log_loss")
    assert sums is not None
    assert sums.parts[0].tolist() == [0]
