"""The American Trends Panel, wave 41: what its file does that others do not, on rows by hand and on the real file."""

from collections.abc import Sequence
from typing import Any

import polars as pl
import pytest

from conftest import real_file
from indievalue.choices import FORMS
from indievalue.people.decode import decode
from indievalue.people.people import People
from indievalue.people.read import read_people
from indievalue.survey.load import load_survey
from indievalue.survey.survey import Survey

FILE = "others/pew_atp_w41/ATP_W41.sav"


@pytest.fixture(scope="module")
def pew() -> Survey:
    return load_survey("pew_w41")


def _people(survey: Survey, **columns: Sequence[Any]) -> People:
    people = len(next(iter(columns.values())))
    return decode(pl.DataFrame({"QKEY": range(people), **columns}), survey, "atp.sav", "")


def _said(people: People, question: str) -> list[str | None]:
    """What everybody says on a question; None where they say nothing."""
    at = people.survey.positions[question]
    options = people.survey.question(question).refined
    return [None if option < 0 else options[option].statement for option in people.options("refined")[:, at].tolist()]


def test_columns_have_the_number_of_the_wave_and_people_a_key_and_a_weight(pew: Survey) -> None:
    people = _people(pew, OPTIMIST_W41=[1, 4, 99], WEIGHT_W41=[0.5, 2.0, 1.0])
    assert people.ids.tolist() == ["0", "1", "2"]
    assert people.weights.tolist() == [0.5, 2.0, 1.0]
    assert _said(people, "OPTIMIST") == [
        "When I think of the United States in 2050, I am very optimistic.",
        "When I think of the United States in 2050, I am very pessimistic.",
        None,
    ]


def test_an_empty_cell_was_not_asked_and_99_is_a_refusal(pew: Survey) -> None:
    people = _people(pew, OPTIMIST_W41=[1, 1], GOVPRIOfF1_W41=[99, None])
    codes = people.codes[:, pew.positions["GOVPRIOfF1"]].tolist()
    assert codes == [99, pew.not_asked]
    assert [pew.missing[code] for code in codes] == ["refused", "not asked"]
    assert people.findings.unknown == ()


def test_a_refusal_is_9_in_two_of_the_demographics_and_an_atheist_in_a_third(pew: Survey) -> None:
    people = _people(pew, OPTIMIST_W41=[1, 1], F_RACETHN=[3, 9], F_PARTYSUM_FINAL=[9, 2], F_RELIG=[9, 99])
    assert people.demographics["ethnic_group"].to_list() == ["Hispanic (United States)", None]
    assert people.demographics["party_lean"].to_list() == [None, "Democratic side"]
    assert people.demographics["religion"].to_list() == ["atheist", None]
    assert people.findings.unknown == ()


@pytest.mark.parametrize(
    ("question", "steps"),
    [
        ("ENVC", ["better state", "about the same", "worse state"]),
        ("FUTRCLASSa", ["grow", "hardly change", "shrink"]),
        ("JOBSECURITY", ["better", "about the same", "worse"]),
        ("AUTOWKPLC", ["mostly helped", "neither", "mostly hurt"]),
        ("ETHNCMAJ3", ["more often", "little effect", "less often"]),
        ("HARASS3", ["find it easier", "neither", "find it harder"]),
        ("FUTR_M", ["more likely", "as likely", "less likely"]),
    ],
)
def test_the_middle_of_a_scale_stands_in_the_middle_though_its_code_is_the_last(
    question: str, steps: list[str], pew: Survey
) -> None:
    options = pew.question(question).refined
    assert [option.codes for option in options] == [(1,), (3,), (2,)]
    assert all(step in option.statement for step, option in zip(steps, options, strict=True))
    assert pew.question(question).ordered


@pytest.mark.parametrize("question", ["ETHNCMAJMOD", "INTRMAR", "AGEMAJ"])
def test_neither_good_nor_bad_lies_between_good_and_bad(question: str, pew: Survey) -> None:
    assert [option.codes for option in pew.question(question).refined] == [(1,), (2,), (5,), (3,), (4,)]
    assert [option.codes for option in pew.question(question).polar] == [(1, 2), (5,), (3, 4)]


def test_one_item_in_two_wordings_is_one_question(pew: Survey) -> None:
    people = _people(
        pew,
        HARASS1F1c_W41=[1, None, 99],
        HARASS1NOWRKF2c_W41=[None, 3, None],
        HARASS3F1_W41=[2, None, None],
        HARASS3NOWRKF2_W41=[None, 1, 99],
    )
    assert _said(people, "HARASS1c") == [
        "I think it is a major problem today that men go unpunished for sexual harassment or assault.",
        "I think it is no problem today that men go unpunished for sexual harassment or assault.",
        None,
    ]
    easier = (
        "I think that men find it {} to know how to behave with women, now that sexual harassment is talked about more."
    )
    assert _said(people, "HARASS3") == [easier.format("harder"), easier.format("easier"), None]


def test_who_will_pay_and_who_should_are_two_questions(pew: Survey) -> None:
    people = _people(pew, ELDFINANCEF1_W41=[2, None], ELDFINANCEF2_W41=[None, 2])
    assert _said(people, "ELDFINANCEF1")[0] == (
        "I think that the government will mostly pay when older Americans need long-term care."
    )
    assert _said(people, "ELDFINANCEF2")[1] == (
        "I think that the government should mostly pay when older Americans need long-term care."
    )


@pytest.fixture(scope="module")
def americans() -> People:
    return read_people(real_file(FILE))


def test_every_code_of_the_file_is_accounted_for(americans: People) -> None:
    report = americans.findings
    assert (report.survey, len(americans)) == ("pew_w41", 2_524)
    assert report.unknown == report.left_out == ()
    assert report.absent_questions == report.absent_demographics == ()
    assert report.row_numbers == report.unweighted == 0
    assert {name for name, _, _ in report.filled} == {"HARASS1a", "HARASS1c", "HARASS1d", "HARASS3"}
    assert int(americans.asked.sum()) == 89


def test_each_half_of_the_people_was_asked_its_own_questions(americans: People) -> None:
    answered = americans.options("refined") >= 0
    at = americans.survey.positions
    for first, second in (("HAPPENhF1", "HAPPENiF2"), ("GOVPRIOfF1", "GOVPRIOkF2"), ("SOLVPROBdF1", "SOLVPROBeF2")):
        assert int((answered[:, at[first]] & answered[:, at[second]]).sum()) == 0
    for form in FORMS:
        assert (americans.options(form) >= 0).sum(axis=1).mean() > 70
