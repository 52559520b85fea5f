"""Every survey that ships is sound: its codes, its statements, its categories and its demographics."""

import re
import warnings

import pytest

from indievalue.choices import FORMS
from indievalue.survey.load import load_survey, shipped_surveys
from indievalue.survey.model import Demographic, Question
from indievalue.survey.survey import Survey

SHIPPED = shipped_surveys()

FIRST_PERSON = re.compile(r"\b(I|[Mm]e|[Mm]y|[Mm]ine|[Mm]yself|[Ww]e|[Uu]s|[Oo]ur)\b")


@pytest.fixture(params=SHIPPED)
def survey(request: pytest.FixtureRequest) -> Survey:
    return load_survey(request.param)


def _statements(item: Question | Demographic) -> list[str]:
    if isinstance(item, Demographic):
        return [group.statement for group in item.groups]
    return [option.statement for form in FORMS for option in item.options(form)]


@pytest.mark.parametrize("name", SHIPPED)
def test_it_loads_without_a_warning_and_no_rule_is_broken(name: str) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert load_survey.__wrapped__(name).validate() == []


def test_it_says_how_files_are_recognised_and_under_what_licence(survey: Survey) -> None:
    assert survey.recognised_by
    assert len(survey.licence) > 20
    assert survey.folder is None


def test_options_follow_the_codes(survey: Survey) -> None:
    for question in survey.questions:
        for form in FORMS:
            codes = [code for option in question.options(form) for code in option.codes]
            assert len(codes) == len(set(codes)), question.id
            if question.ordered and question.codes_in_order:
                assert codes == sorted(codes), question.id


def test_both_forms_have_the_same_codes_and_polar_options_are_sides_of_two_or_more(survey: Survey) -> None:
    for question in survey.questions:
        sides = [set(option.codes) for option in question.polar]
        assert len(sides) >= 2, question.id
        for option in question.refined:
            assert [set(option.codes) <= side for side in sides].count(True) == 1, question.id
        assert set().union(*sides) == {code for option in question.refined for code in option.codes}, question.id


def test_each_statement_is_one_sentence_in_the_first_person(survey: Survey) -> None:
    for item in [*survey.questions, *survey.demographics]:
        assert item.asks.endswith("?"), item.asks
        for statement in _statements(item):
            assert FIRST_PERSON.search(statement), statement
            assert re.fullmatch(r"[A-Z][^{}]*[^ .]\.", statement), statement
            assert not re.search(r"[.!?] [A-Z]|  |\b(an? an?|the the|of of|is is|to to|that that)\b", statement), (
                statement
            )
            assert len(statement.split()) <= 60, statement


def test_no_two_options_of_a_question_are_said_alike(survey: Survey) -> None:
    for question in survey.questions:
        for form in FORMS:
            said = [option.statement for option in question.options(form)]
            assert len(said) == len(set(said)), question.id


def test_every_category_is_there_and_used(survey: Survey) -> None:
    assert {question.category for question in survey.questions} == set(survey.categories)
    assert len(survey.categories) == len(set(survey.categories))


def test_labels_and_statements_of_a_demographic_are_unique(survey: Survey) -> None:
    for demographic in survey.demographics:
        for texts in ([group.label for group in demographic.groups], _statements(demographic)):
            assert len(texts) == len(set(texts)), demographic.name


def test_the_inequity_is_over_demographics_that_there_are(survey: Survey) -> None:
    assert set(survey.inequity) <= {demographic.name for demographic in survey.demographics}
    assert survey.country in {None, *(demographic.name for demographic in survey.demographics)}
