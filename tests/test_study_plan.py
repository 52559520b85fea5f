"""How large a study must be for an interval of a wanted width."""

import numpy as np
import pytest

pytest.importorskip("sqlalchemy")

from indievalue.app.study.plan import PEOPLE, Source, designs, margin, raters_needed

COIN = Source(tuple(np.full(20, 0.5) for _ in range(300)))
"""Everybody guesses about these people: each answer is right with a probability of 1/2, independently."""


def test_of_independent_answers_the_margin_is_that_of_the_binomial_distribution() -> None:
    assert margin(COIN, 20, 5, 2, 5, spread=0.0) == pytest.approx(100 * 1.96 * 0.5 / np.sqrt(200), rel=0.12)


def test_raters_who_differ_make_the_interval_wider() -> None:
    assert margin(COIN, 10, 20, 3, 10, spread=1.0) > 1.5 * margin(COIN, 10, 20, 3, 10, spread=0.0)


def test_people_who_differ_are_not_averaged_away_by_more_raters() -> None:
    source = Source(tuple(np.full(20, 0.99 if person % 2 else 0.01) for person in range(100)))
    assert margin(source, 20, 10, 10, 5, spread=0.0) == pytest.approx(100 * 1.96 * 0.49 / np.sqrt(20), rel=0.12)


def test_the_smallest_study_that_is_enough_is_found() -> None:
    found = list(designs(COIN, 7.0, probes=(10,), per_person=(1, 2), spread=0.0))
    assert [(one.people, one.raters_per_person) for one in found] == [(20, 1), (10, 2)]
    assert all(one.margin <= 7.0 for one in found)
    before = PEOPLE[PEOPLE.index(found[0].people) - 1]
    assert margin(COIN, before, 10, 1, 5, spread=0.0) > 7.0


def test_where_no_study_is_large_enough_there_is_none() -> None:
    assert list(designs(COIN, 0.01, probes=(1,), per_person=(1,))) == []


def test_nobody_predicts_a_person_twice() -> None:
    assert raters_needed(20, 3, 5) == 12
    assert raters_needed(2, 3, 5) == 3
