"""Draws of missing answers: how often each answer is drawn, how answers go together, and what is uncertain."""

from dataclasses import replace

import numpy as np
import pytest
from numpy.typing import NDArray

from conftest import garden_answers
from indievalue.impute.covariance import draw_precision, low_rank
from indievalue.impute.draws import Draws, _fixed, draw_missing
from indievalue.impute.items import Item, items_of, levels_of
from indievalue.impute.margins import Margins
from indievalue.impute.missing import Missing, ToFill, missing_codes, reason_of
from indievalue.impute.rubin import pooled
from indievalue.people.decode import decode
from indievalue.people.people import People
from indievalue.survey.load import load_survey, shipped_surveys
from indievalue.survey.survey import Survey


def without(people: People, hidden: NDArray[np.bool_], code: int = -1) -> People:
    return replace(people, codes=np.where(hidden, np.int16(code), people.codes))


def filled(people: People, drawn: Draws, number: int = 0) -> NDArray[np.int16]:
    codes = people.codes.copy()
    codes[drawn.people, drawn.questions] = drawn.codes[number]
    return codes


@pytest.fixture(scope="module")
def many(garden: Survey) -> People:
    return decode(garden_answers(1500, 1), garden, "garden.csv", "")


# What is missing


def test_reasons_tell_what_is_filled() -> None:
    survey = load_survey("wvs7")
    kinds = missing_codes(survey, survey.questions[0])
    assert kinds == {
        -1: Missing.DO_NOT_KNOW,
        -2: Missing.NO_ANSWER,
        -3: Missing.DOES_NOT_APPLY,
        -4: Missing.NOT_ASKED,
        -5: Missing.NO_ANSWER,
        -99: Missing.NO_ANSWER,
    }
    assert ToFill().kinds == {Missing.NO_ANSWER, Missing.DO_NOT_KNOW}
    assert ToFill(not_asked=True, keep_do_not_know=True).kinds == {Missing.NO_ANSWER, Missing.NOT_ASKED}


def test_an_empty_cell_that_may_be_of_a_question_not_asked_is_taken_for_one() -> None:
    assert reason_of("empty: not asked, don't know or no answer") == Missing.NOT_ASKED


@pytest.mark.parametrize("text", ["has no job", "had no contact", "has not heard of the agency", "not applicable"])
def test_a_code_that_says_something_of_the_person_is_no_gap(text: str) -> None:
    assert reason_of(text) == Missing.DOES_NOT_APPLY


@pytest.mark.parametrize("text", ["refusal", "no answer", "empty cell", "missing", "did not understand the question"])
def test_a_code_that_says_nothing_is_a_gap(text: str) -> None:
    assert reason_of(text) == Missing.NO_ANSWER


@pytest.mark.parametrize("name", shipped_surveys())
def test_every_shipped_survey_has_answers_that_are_filled_and_no_code_is_both(name: str) -> None:
    survey = load_survey(name)
    for question in survey.questions:
        kinds = missing_codes(survey, question)
        assert set(kinds.values()) & {Missing.NO_ANSWER, Missing.DO_NOT_KNOW} or survey.name == "pew_w41"
        assert not set(kinds) & {code for option in question.refined for code in option.codes}


# Answers as latent columns


def test_an_ordered_question_is_one_column() -> None:
    item = Item(0, (10, 20, 30), first=5, stages=0)
    assert (item.columns, item.levels) == (1, [3])
    answers = item.answers(np.array([20, 99, 30], np.int16))
    assert answers.tolist() == [1, -1, 2]
    assert item.encode(answers).tolist() == [[1], [-1], [2]]


def test_an_unordered_question_is_stages() -> None:
    """Of four codes, the first two have a stage each, and the last two share one."""
    item = Item(0, (4, 2, 1, 3), first=0, stages=2)
    assert item.levels == [2, 2, 2]
    levels = item.encode(np.array([0, 1, 2, 3, -1], np.int16))
    assert levels.tolist() == [[1, -1, -1], [0, 1, -1], [0, 0, 0], [0, 0, 1], [-1, -1, -1]]
    assert item.decode(np.where(levels < 0, 1, levels)[:4]).tolist() == [0, 1, 2, 3]


def test_items_follow_the_specification(many: People) -> None:
    items = {many.survey.questions[item.question].id: item for item in items_of(many, ToFill())}
    assert items["P1"].codes == (1, 2, 3, 4)
    assert items["A1"].codes == tuple(range(1, 11)) or items["A1"].codes == tuple(range(10, 0, -1))
    unordered = [
        question.id for question in many.survey.questions if not question.ordered and len(question.refined) > 2
    ]
    assert all(items[name].stages == len(items[name].codes) - 2 for name in unordered)
    assert [item.first for item in items.values()] == np.cumsum([0, *(i.columns for i in items.values())])[:-1].tolist()
    assert levels_of(list(items.values()), many.codes).min() >= -1


# Parameters


def test_a_drawn_precision_is_that_of_the_correlations() -> None:
    random = np.random.default_rng(0)
    true = np.array([[1, 0.6, 0], [0.6, 1, -0.3], [0, -0.3, 1]])
    people = 40_000
    values = random.multivariate_normal(np.zeros(3), true, people) * [1, 5, 0.1]
    drawn = np.mean([np.linalg.inv(draw_precision(values.T @ values, people - 3, random)) for _ in range(20)], axis=0)
    assert np.abs(drawn - true).max() < 0.02
    assert np.diag(drawn) == pytest.approx([1, 1, 1])


def test_drawn_correlations_vary_as_much_as_so_few_people_allow() -> None:
    """The standard error of a correlation of 0 among 400 people is 1/20."""
    random = np.random.default_rng(0)
    drawn = [np.linalg.inv(draw_precision(400 * np.eye(2), 400, random))[0, 1] for _ in range(400)]
    assert np.std(drawn) == pytest.approx(0.05, rel=0.15)


def test_common_factors_keep_what_many_columns_share() -> None:
    loadings = np.array([0.8, 0.7, 0.6, 0.5, 0.0])
    shared = np.outer(loadings, loadings)
    np.fill_diagonal(shared, 1)
    found = low_rank(shared, 5000)
    off = ~np.eye(5, dtype=bool)
    assert np.abs(found - shared)[off].max() < 0.12
    assert np.diag(found) == pytest.approx(np.ones(5))
    assert np.linalg.eigvalsh(found).min() > 0


def test_a_group_that_was_not_asked_has_the_shares_of_one_like_it() -> None:
    """Groups 0 and 1 answer the first question alike; group 2 does not, and is not asked for its shares."""
    items = [Item(0, (1, 2), 0, 0), Item(1, (1, 2), 1, 0)]
    group = np.repeat([0, 1, 2, 3, 4], 200)
    first = np.select([group <= 1, group == 2], [np.arange(1000) % 10 == 0, np.arange(1000) % 10 < 9], group == 3)
    second = np.select([group == 0, group == 2], [-1, 0], 1)
    known = np.stack([first, second], axis=1).astype(np.int16)
    margins = Margins(items, known, group, 5)
    random = np.random.default_rng(0)
    lent = []
    for _ in range(60):
        margins.draw(margins.counts(known), random)
        lent.append(margins.edges(1)[0, 1])
    assert np.mean(np.array(lent) < 0) > 0.5  # most who lend theirs are groups in which everybody answers 2


def test_the_three_most_like_in_what_both_were_asked_lend_their_shares() -> None:
    """Group 0 answers the first question as 1 to 3, who were not asked the second, which it answers as 4 and 5."""
    items = [Item(at, (1, 2), at, 0) for at in range(3)]
    group = np.repeat(np.arange(6), 200)
    first = np.where(group <= 3, np.arange(1200) % 10 == 0, np.arange(1200) % 10 > 0)
    second = np.where((group >= 1) & (group <= 3), -1, np.arange(1200) % 2)
    third = np.select([group == 0, group <= 3], [-1, 0], 1)
    known = np.stack([first, second, third], axis=1).astype(np.int16)
    margins, random = Margins(items, known, group, 6), np.random.default_rng(0)
    lent = []
    for _ in range(60):
        margins.draw(margins.counts(known), random)
        lent.append(margins.edges(2)[0, 1])
    assert np.array(lent).min() > 0  # whoever lends, most of them answer the first of the two


def test_demographics_of_two_groups_count(many: People) -> None:
    country = np.zeros(len(many), np.int64)
    faith = many.demographics.select("faith")
    assert faith["faith"].drop_nulls().n_unique() == 2
    assert _fixed(replace(many, demographics=faith), country).shape == (len(many), 1)


# Draws


def test_drawn_shares_are_those_of_the_answers_that_were_hidden(many: People) -> None:
    hidden = np.random.default_rng(2).random(many.codes.shape) < 0.3
    drawn = draw_missing(without(many, hidden), 2)
    codes = filled(many, drawn)
    apart = []
    for at in range(many.codes.shape[1]):
        one, other = many.codes[hidden[:, at], at], codes[hidden[:, at], at]
        shares = [abs(np.mean(one == code) - np.mean(other == code)) for code in np.union1d(one, other)]
        apart.append(sum(shares) / 2)
    assert np.mean(apart) < 0.075  # chance alone makes it about 0.03 of two answers, and 0.08 of the ten of a scale
    assert max(apart) < 0.16


def test_answers_that_go_together_are_drawn_together(many: People) -> None:
    """Of half of the people two answers are hidden: the draws correlate as their answers did."""
    names = [many.survey.positions[name] for name in ("P1", "A1")]
    hidden = np.zeros(many.codes.shape, bool)
    hidden[::2, names] = True
    drawn = draw_missing(without(many, hidden))
    codes = filled(many, drawn)
    rows = np.arange(len(many)) % 2 == 0
    true, found = (np.corrcoef(one[rows][:, names].T)[0, 1] for one in (many.codes, codes))
    assert abs(true) > 0.3
    assert found == pytest.approx(true, abs=0.12)


def test_probabilities_are_those_of_the_draws_and_of_the_truth(many: People) -> None:
    hidden = np.random.default_rng(2).random(many.codes.shape) < 0.2
    drawn = draw_missing(without(many, hidden), 1)
    right = drawn.codes[0] == many.codes[drawn.people, drawn.questions]
    assert drawn.probabilities[0].mean() == pytest.approx(right.mean(), abs=0.03)
    sure = drawn.probabilities[0] > 0.6
    assert right[sure].mean() > right[~sure].mean() + 0.2


def test_missing_by_an_answer_that_is_known_does_no_harm(many: People) -> None:
    """P2 is hidden of most who like P1: those who answer are no fair sample, and the draws make it one."""
    first, second = many.survey.positions["P1"], many.survey.positions["P2"]
    hidden = np.zeros(many.codes.shape, bool)
    hidden[:, second] = np.random.default_rng(5).random(len(many)) < np.where(many.codes[:, first] <= 2, 0.7, 0.05)
    drawn = draw_missing(without(many, hidden), 5)
    true, naive = many.codes[:, second].mean(), many.codes[~hidden[:, second], second].mean()
    found = np.mean([filled(many, drawn, number)[:, second].mean() for number in range(5)])
    assert abs(naive - true) > 0.12
    assert abs(found - true) < abs(naive - true) / 2


def test_draws_differ_as_much_as_what_is_not_known(many: People) -> None:
    """The mean of a question of which half is hidden: about half of the information is missing."""
    at = many.survey.positions["A1"]
    hidden = np.zeros(many.codes.shape, bool)
    hidden[::2, at] = True
    drawn = draw_missing(without(many, hidden), 10)
    answers = [filled(many, drawn, number)[:, at].astype(float) for number in range(10)]
    found = pooled([one.mean() for one in answers], [one.var(ddof=1) / len(many) for one in answers], len(many) - 1)
    assert 0.15 < found.missing_information < 0.75
    assert found.low <= many.codes[:, at].mean() <= found.high


def test_people_alone_in_a_country_and_demographics_that_are_missing(garden: Survey) -> None:
    table = garden_answers(60).with_columns(REGION=np.array([1] * 59 + [2]), FAITH=np.array([-1] * 60))
    people = decode(table, garden, "garden.csv", "")
    hidden = np.zeros(people.codes.shape, bool)
    hidden[::3, 0] = True
    drawn = draw_missing(without(people, hidden))
    assert len(drawn.people) == hidden.sum()
    assert set(drawn.codes[0].tolist()) <= {1, 2, 3, 4}
