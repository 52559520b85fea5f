"""What a specification can say of surveys that are unlike each other, and what it is told where it says it wrongly."""

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import polars as pl
import pytest
import yaml

from conftest import ROOT
from indievalue.errors import IndievalueError
from indievalue.people.card import dataset_card
from indievalue.people.catalog import why_missing
from indievalue.people.decode import decode
from indievalue.people.people import People
from indievalue.survey.load import load_survey
from indievalue.survey.sensitive import Sensitive
from indievalue.survey.spec import BatterySpec, DemographicSpec, SamplingSpec, SurveySpec
from indievalue.survey.survey import Survey

SPECS = {"survey": SurveySpec, "question": BatterySpec, "demographic": DemographicSpec, "sampling": SamplingSpec}

SURVEY = """
name: kites
title: A survey of kites
person: ID
missing: {7: refused, 8: don't know, 9: no answer, -4: not asked, -5: no answer, .d: don't know}
not_asked: -4
blank: -5
categories: [Kites]
sampling: {setups: 1, per_category: 1}
"""

FLYING = """
- question: F1
  category: Kites
  type: mc_2
  asks: Do you fly kites?
  polar: {1: I fly kites., 2: I do not fly kites.}
  refined: same as polar
"""

HEIGHT = """
- battery: height
  category: Kites
  type: scale_11
  asks: How high should {what} fly?
  polar:
    0-5: "I want {what} to fly low."
    6-10: "I want {what} to fly high."
  refined:
    0: "I want {what} to stay on the ground."
    1-5: "I want {what} to fly rather low."
    6-9: "I want {what} to fly rather high."
    10: "I want {what} to touch the clouds."
  missing: {77: refused, 88: don't know, ".a, .n": not applicable}
  questions:
    H1: {what: kites}
    H2: {what: balloons}
"""


def _survey(folder: Path, questions: str = FLYING + HEIGHT, survey: str = SURVEY, demographics: str = "[]") -> Survey:
    for name, text in (("survey", survey), ("questions", questions), ("demographics", demographics)):
        (folder / f"{name}.yaml").write_text(text, encoding="utf-8")
    load_survey.cache_clear()
    return load_survey(str(folder))


def _people(survey: Survey, **columns: Sequence[Any]) -> People:
    return decode(pl.DataFrame(columns), survey, "kites.csv", "fingerprint")


def _options(people: People, question: str) -> list[int]:
    return people.options("refined")[:, people.survey.positions[question]].tolist()


def _reasons(people: People, question: str) -> list[str]:
    at = people.survey.positions[question]
    return [why_missing(people, row, at) if option < 0 else "" for row, option in enumerate(_options(people, question))]


# Missing answers


def test_codes_that_are_missing_elsewhere_are_answers_of_a_question_with_missing_codes_of_its_own(
    tmp_path: Path,
) -> None:
    people = _people(_survey(tmp_path), ID=list("abcd"), F1=[1, 7, 8, 9], H1=[7, 8, 9, 10])
    assert _options(people, "F1") == [0, -1, -1, -1]
    assert _reasons(people, "F1") == ["", "refused", "don't know", "no answer"]
    assert _options(people, "H1") == [2, 2, 2, 3]
    assert people.findings.unknown == ()


def test_each_question_tells_why_an_answer_is_missing(tmp_path: Path) -> None:
    people = _people(_survey(tmp_path), ID=list("abcde"), F1=[1, 1, 77, 1, 1], H1=["77", "88", ".a", ".d", ".x"])
    assert _reasons(people, "H1") == ["refused", "don't know", "not applicable", "don't know", "tagged .x"]
    assert _reasons(people, "F1")[2] == "unknown code 77"
    assert people.findings.tags == ((".a", "not applicable", 1), (".d", "don't know", 1), (".x", "", 1))


def test_a_blank_means_what_the_question_says(tmp_path: Path) -> None:
    survey = _survey(tmp_path, FLYING + HEIGHT.replace("  missing:", "  blank: -4\n  missing:"))
    people = _people(survey, ID=["a"], F1=[None], H1=[None])
    assert (_reasons(people, "F1"), _reasons(people, "H1")) == (["no answer"], ["not asked"])
    assert people.findings.blank == 2


def test_a_demographic_has_missing_codes_of_its_own(tmp_path: Path) -> None:
    parties = """
    - id: PARTY
      name: party
      asks: Which party are you close to?
      statement: I am close to the {group}.
      missing: {66: not applicable}
      groups:
        - {codes: 7, label: Tails}
        - {codes: 8, label: Strings}
    """
    people = _people(_survey(tmp_path, demographics=parties), ID=list("abc"), F1=[1, 1, 1], PARTY=[7, 8, 66])
    assert people.demographics["party"].to_list() == ["Tails", "Strings", None]
    assert people.findings.unknown == ()


@pytest.mark.parametrize(
    ("before", "after", "complaint"),
    [
        ("  missing: {77", "  missing: {10", "H1: polar: code 10 is a missing code and an option"),
        ('  missing: {77: refused, 88: don\'t know, ".a, .n": not applicable}\n', "", "a `missing:` of its own"),
        ("  missing: {77", "  missing: {0-: none, 77", "height, missing: '0-' is not a list of codes"),
        ("  missing: {77", "  missing: {.aa: none, 77", "height, missing: '.aa' is not"),
        ("88: don't know", "76-78: don't know", "height, missing: the code 77 occurs twice"),
        ("  missing:", "  left_out: {77: lost}\n  missing:", "H1: code 77 is both missing and left out"),
        ("  missing:", "  blank: -6\n  missing:", "H1: blank: -6 is not among the missing codes; add it to missing"),
        ("    0-5: ", '    "-4, 0-5": ', "H1: code -4 is an option, and the survey's code of a question that was not"),
        ("    0-5: ", '    "-5, 0-5": ', "H1: code -5 is an option, and the survey's code of empty cells; give"),
    ],
)
def test_what_is_wrong_with_missing_codes_is_told(tmp_path: Path, before: str, after: str, complaint: str) -> None:
    assert before in HEIGHT
    with pytest.raises(IndievalueError) as error:
        _survey(tmp_path, FLYING + HEIGHT.replace(before, after))
    assert complaint in str(error.value)


# Columns, and who was asked

STRINGS = """
- battery: strings
  category: Kites
  type: mc_3
  asks: Do you trust {what}?
  column: "{id}_W41"
  polar:
    1: "I trust {what}."
    2-3: "I do not trust {what}."
  refined: same as polar
  questions:
    S1: {what: cotton strings}
    S2: {what: nylon strings, columns: [S2F1, S2F2, S2_OLD]}
"""


def test_a_column_of_another_name_is_read_as_the_battery_says(tmp_path: Path) -> None:
    people = _people(_survey(tmp_path, FLYING + STRINGS), ID=["a", "b"], S1_W41=[1, 3], S1=[2, 2])
    assert _options(people, "S1") == [0, 1]
    assert people.findings.absent_questions == ("F1", "S2")


def test_the_halves_of_a_split_ballot_are_one_question(tmp_path: Path) -> None:
    survey = _survey(tmp_path, FLYING + STRINGS)
    people = _people(survey, ID=list("abcde"), S2F1=[1, None, 8, None, 7], S2F2=[None, 2, 2, None, 8])
    assert _options(people, "S2") == [0, 1, 1, -1, -1]
    assert _reasons(people, "S2")[3:] == ["no answer", "refused"]
    assert people.findings.blank == 1
    assert people.findings.filled == (("S2", "S2F2", 2),)


def test_of_the_names_that_a_column_has_in_several_rounds_the_first_in_the_file_is_read(tmp_path: Path) -> None:
    survey = _survey(tmp_path, FLYING + STRINGS.replace("columns: [S2F1, S2F2, S2_OLD]", "column: [S2_NEW, S2_OLD]"))
    assert _options(_people(survey, ID=["a", "b"], S2_OLD=[1, 2]), "S2") == [0, 1]
    both = _people(survey, ID=["a", "b"], S2_NEW=[8, 2], S2_OLD=[1, 1])  # another question, in the new round
    assert _options(both, "S2") == [-1, 1]
    assert both.findings.filled == ()


TWO_ROUNDS = """
- question: TRUST
  category: Kites
  type: mc_2
  column: {"8": Q41, "7": Q43}
  asks: Do you trust the wind?
  polar: {1: I trust the wind., 2: I do not trust the wind.}
  refined: same as polar
- question: FEAR
  category: Kites
  type: mc_2
  column: {"8": Q43}
  asks: Do you fear the wind?
  polar: {1: I fear the wind., 2: I do not fear the wind.}
  refined: same as polar
"""

ROUNDS = SURVEY + "rounds: {'8': [DAY8], '7': [DAY7]}\n"


def test_a_column_that_holds_something_else_in_another_round_is_told_by_the_round(tmp_path: Path) -> None:
    survey = _survey(tmp_path, TWO_ROUNDS, ROUNDS)
    new = _people(survey, ID=["a", "b"], DAY8=[1, 1], Q41=[1, 2], Q43=[2, 2])
    assert (_options(new, "TRUST"), _options(new, "FEAR")) == ([0, 1], [1, 1])
    old = _people(survey, ID=["a", "b"], DAY7=[1, 1], Q41=[1, 1], Q43=[2, 1])
    assert (_options(old, "TRUST"), _options(old, "FEAR")) == ([1, 0], [-1, -1])
    assert old.findings.absent_questions == ("FEAR",)


def test_a_file_of_no_round_and_rounds_that_there_are_not_are_refused(tmp_path: Path) -> None:
    survey = _survey(tmp_path, TWO_ROUNDS, ROUNDS)
    with pytest.raises(IndievalueError, match=r"is of none of the rounds of survey kites, .* \(8: DAY8; 7: DAY7\)"):
        _people(survey, ID=["a"], Q41=[1])
    with pytest.raises(IndievalueError, match=r"TRUST: its column is of the round '7', which is none of .* \(8\)"):
        _survey(tmp_path, TWO_ROUNDS, ROUNDS.replace(", '7': [DAY7]", ""))
    with pytest.raises(IndievalueError, match="TRUST and FEAR both read the column Q43"):
        _survey(tmp_path, TWO_ROUNDS.replace('{"8": Q41', '{"8": Q43'), ROUNDS)


JOBS = """
- id: JOB
  name: job
  column: {"8": Q95, "7": Q94}
  asks: What is your job?
  groups:
    - {codes: 1, label: pilot, statement: I am a pilot.}
    - {codes: {"8": 2, "7": 3}, label: weaver, statement: I am a weaver.}
    - {codes: {"8": 3}, label: clerk, statement: I am a clerk.}
- id: HOME
  name: home
  column: {"8": Q94}
  asks: Where do you live?
  groups:
    - {codes: 1-3, label: in town, statement: I live in town.}
"""


def test_a_demographic_has_its_own_column_and_codes_in_each_round(tmp_path: Path) -> None:
    survey = _survey(tmp_path, TWO_ROUNDS, ROUNDS, JOBS)
    new = _people(survey, ID=["a", "b", "c"], DAY8=[1, 1, 1], Q41=[1, 2, 1], Q95=[1, 2, 3], Q94=[1, 2, 3])
    assert new.demographics["job"].to_list() == ["pilot", "weaver", "clerk"]
    assert new.demographics["home"].to_list() == ["in town"] * 3
    old = _people(survey, ID=["a", "b", "c"], DAY7=[1, 1, 1], Q43=[1, 1, 1], Q94=[1, 2, 3], Q95=[9, 9, 9])
    assert old.demographics["job"].to_list() == ["pilot", None, "weaver"]
    assert [(count.column, count.code) for count in old.findings.unknown] == [("Q94", 2)]
    assert old.findings.absent_demographics == ("home",)


def test_each_round_has_its_own_weight(tmp_path: Path) -> None:
    survey = _survey(tmp_path, TWO_ROUNDS, ROUNDS + "weight: {'8': NEW, '7': OLD}\n")
    new = _people(survey, ID=["a", "b"], DAY8=[1, 1], Q41=[1, 2], NEW=[0.5, 1.5], OLD=[3.0, 3.0])
    assert new.weights.tolist() == [0.5, 1.5]
    old = _people(survey, ID=["a", "b"], DAY7=[1, 1], Q43=[1, 2], OLD=[0.25, 1.75])
    assert (old.weights.tolist(), old.findings.unweighted) == ([0.25, 1.75], 0)
    without = _people(survey, ID=["a"], DAY8=[1], Q41=[1], OLD=[3.0])
    assert (without.weights.tolist(), without.findings.unweighted) == ([1.0], 1)


@pytest.mark.parametrize(
    ("survey", "demographics", "problem"),
    [
        (
            ROUNDS + "weight: {'9': NEW}\n",
            JOBS,
            r"weight: its column is of the round '9', which is none of .* \(8, 7\)",
        ),
        (
            ROUNDS,
            JOBS.replace('"7": Q94', '"9": Q94').replace('"7": 3', '"9": 3'),
            "job: its column is of the round '9'",
        ),
        (ROUNDS, JOBS.replace('"7": 3', "Q94: 3"), "group 'weaver' has codes for Q94, which is not among its rounds"),
        (ROUNDS, JOBS.replace("  asks: Where", "  columns: [Q94]\n  asks: Where"), "has both column and columns"),
        (ROUNDS, JOBS.replace('"7": 3', '"7": 1'), "7: code 1 is in two options"),
    ],
)
def test_a_round_that_there_is_not_is_found(tmp_path: Path, survey: str, demographics: str, problem: str) -> None:
    with pytest.raises(IndievalueError, match=problem):
        _survey(tmp_path, TWO_ROUNDS, survey, demographics)


def test_another_round_has_the_question_under_another_name(tmp_path: Path) -> None:
    people = _people(_survey(tmp_path, FLYING + STRINGS), ID=["a", "b"], S2_OLD=[1, 2])
    assert _options(people, "S2") == [0, 1]
    assert people.findings.filled == ()
    assert "2 questions not in the file: F1, S1" in people.findings.lines()


def test_many_questions_in_two_columns_are_one_line_of_the_report(tmp_path: Path) -> None:
    rows = "".join(
        f"    S{number}: {{what: string {number}, columns: [A{number}, B{number}]}}\n" for number in range(9)
    )
    survey = _survey(tmp_path, STRINGS[: STRINGS.index("    S1:")] + rows)
    columns = {f"{half}{number}": [1, None] if half == "A" else [None, 2] for number in range(9) for half in "AB"}
    people = _people(survey, ID=["a", "b"], **columns)
    expected = "9 columns filled another of the same item: S0 from B0 (1), S1 from B1 (1), S2 from B2 (1) and 6 more"
    assert expected in people.findings.lines()


PILOTS = """
- question: M
  category: Kites
  type: mc_2
  column: PILOT
  where: {BALLOT: 1}
  asks: Should men fly kites?
  polar: {1: I want men to fly kites., 2: I want men to leave kites alone.}
  refined: same as polar
- question: W
  category: Kites
  type: mc_2
  column: PILOT
  where: {BALLOT: "2, C"}
  asks: Should women fly kites?
  polar: {1: I want women to fly kites., 2: I want women to leave kites alone.}
  refined: same as polar
"""


def test_another_column_tells_which_of_two_questions_a_person_was_asked(tmp_path: Path) -> None:
    people = _people(_survey(tmp_path, PILOTS), ID=list("abcd"), PILOT=[1, 1, 2, None], BALLOT=["1", "2.0", "c", "1"])
    assert _options(people, "M") == [0, -1, -1, -1]
    assert _options(people, "W") == [-1, 0, 1, -1]
    assert _reasons(people, "M") == ["", "not asked", "not asked", "no answer"]


def test_without_the_column_that_tells_who_was_asked_a_question_is_absent(tmp_path: Path) -> None:
    people = _people(_survey(tmp_path, FLYING + PILOTS), ID=["a"], F1=[1], PILOT=[1])
    assert people.findings.absent_questions == ("M", "W")


ROUND_8 = SURVEY + "where: {ROUND: 8}\n"


def test_rows_of_other_rounds_are_left_out_and_counted(tmp_path: Path) -> None:
    people = _people(
        _survey(tmp_path, survey=ROUND_8), ID=["a", "a", "b", "c"], F1=[1, 2, 1, 2], ROUND=[7.0, 8.0, 8.0, None]
    )
    assert people.ids.tolist() == ["a", "b"]
    assert _options(people, "F1") == [1, 0]
    assert "2 rows left out by the survey's `where`" in people.findings.lines()


def test_a_file_without_the_column_or_the_rows_that_are_picked_is_refused(tmp_path: Path) -> None:
    survey = _survey(tmp_path, survey=ROUND_8)
    with pytest.raises(IndievalueError, match=r"kites\.csv has no column ROUND, by which survey kites picks its rows"):
        _people(survey, ID=["a"], F1=[1])
    with pytest.raises(IndievalueError, match=r"none of them has what survey kites picks its rows by \(ROUND: 8\)"):
        _people(survey, ID=["a"], F1=[1], ROUND=[7])


@pytest.mark.parametrize(
    ("before", "after", "complaint"),
    [
        ("columns: [S2F1", "column: S2, columns: [S2F1", "strings: S2 has both column and columns: keep column for"),
        ("columns: [S2F1, S2F2, S2_OLD]", "columns: S2F1", "S2 has one text as its columns: call it column, or write"),
        ("columns: [S2F1, S2F2, S2_OLD]", "columns: []", "S2 has an empty list of columns"),
        (
            "what: nylon strings, ",
            "what: [nylon], ",
            "strings: S2 has a list as its what; only column and columns can be one",
        ),
        (
            "columns: [S2F1",
            "columns: [S1_W41",
            "S1 and S2 both read the column S1_W41: give each its own, or a `where:`",
        ),
        ('"{id}_W41"', '"{wave}_W41"', "no value for the slot 'wave'"),
        ("  type: mc_3", "  type: mc_3\n  where: {FORM: NO}", "YAML reads NO, OFF or FALSE without quotes as false"),
        (
            "  type: mc_3",
            "  type: mc_3\n  where: {FORM: 'A,,B'}",
            "strings, where: 'A,,B' is no list of codes or texts",
        ),
    ],
)
def test_what_is_wrong_with_columns_is_told(tmp_path: Path, before: str, after: str, complaint: str) -> None:
    assert before in STRINGS
    with pytest.raises(IndievalueError) as error:
        _survey(tmp_path, FLYING + STRINGS.replace(before, after))
    assert complaint in str(error.value)


# Scales

WIND = """
- question: WIND
  category: Kites
  type: mc_3
  ordered: as written
  asks: Will the wind be better or worse?
  polar:
    1: I expect better wind.
    3: I expect the same wind as now.
    2: I expect worse wind.
  refined: same as polar
- question: RULE
  category: Kites
  type: mc_5
  ordered: as written
  asks: Should kites be free or registered?
  polar:
    1-2: I want kites to be free.
    5: I agree neither with free kites nor with a register.
    3-4: I want kites to be registered.
  refined:
    1: I strongly want kites to be free.
    2: I want kites to be free.
    5: I agree neither with free kites nor with a register.
    3: I want kites to be registered.
    4: I strongly want kites to be registered.
"""


def test_options_keep_the_order_in_which_they_are_written(tmp_path: Path) -> None:
    survey = _survey(tmp_path, WIND)
    people = _people(survey, ID=list("abcde"), WIND=[1, 2, 3, 3, 2], RULE=[1, 2, 3, 4, 5])
    assert _options(people, "WIND") == [0, 2, 1, 1, 2]
    assert people.options("polar")[:, 1].tolist() == [0, 0, 2, 2, 1]
    assert _options(people, "RULE") == [0, 1, 3, 4, 2]
    assert [question.ordered for question in survey.questions] == [True, True]


def test_both_forms_of_a_scale_run_the_same_way(tmp_path: Path) -> None:
    strongly = "    1: I strongly want kites to be free.\n"
    moved = WIND.replace(strongly, "") + strongly
    with pytest.raises(IndievalueError, match="RULE: the refined options run in another order than the polar ones"):
        _survey(tmp_path, moved)


@pytest.mark.parametrize("ordered", ["true", ""])
def test_codes_out_of_order_are_a_slip_unless_the_specification_says_that_they_are_none(
    tmp_path: Path, ordered: str
) -> None:
    text = WIND.replace("  ordered: as written\n", f"  ordered: {ordered}\n" if ordered else "")
    with pytest.raises(IndievalueError, match=r"WIND: polar: .* or ordered: as written if they are one in this order"):
        _survey(tmp_path, text)


WARMTH = """
- question: WARMTH
  category: Kites
  type: thermometer
  asks: How warmly do you feel about kites, from 0 to 100?
  polar:
    0-49: I feel cold about kites.
    50: I feel neither warm nor cold about kites.
    51-100: I feel warm about kites.
  refined:
    0-15: I feel very cold about kites.
    16-49: I feel rather cold about kites.
    50: I feel neither warm nor cold about kites.
    51-84: I feel rather warm about kites.
    85-100: I feel very warm about kites.
  missing: {997-999: no answer}
"""


def test_a_thermometer_of_a_hundred_degrees_has_options_for_ranges(tmp_path: Path) -> None:
    people = _people(_survey(tmp_path, WARMTH), ID=list("abcdefg"), WARMTH=[0, 7, 15, 50, 84, 100, 998])
    assert _options(people, "WARMTH") == [0, 0, 0, 2, 3, 4, -1]
    assert _reasons(people, "WARMTH")[-1] == "no answer"
    assert people.findings.unknown == ()


def test_the_ends_of_a_scale_from_0_to_10_are_options_of_their_own(tmp_path: Path) -> None:
    people = _people(_survey(tmp_path), ID=list("abcd"), H1=[0, 1, 9, 10])
    assert people.options("polar")[:, 1].tolist() == [0, 0, 1, 1]
    assert _options(people, "H1") == [0, 1, 2, 3]


# Groups

PLACES = """
- id: cntry
  name: country
  asks: Where do you fly kites?
  statement: I fly kites in {group}.
  groups:
    - {codes: EE, label: Estonia}
    - {codes: "LT, LV", label: Latvia or Lithuania}
    - {codes: GB-NIR, label: Northern Ireland}
  left_out: {XK: not in the sample}
"""


def test_groups_have_texts_in_place_of_codes(tmp_path: Path) -> None:
    survey = _survey(tmp_path, demographics=PLACES)
    cells = ["EE", " lv ", "LT", "GB-NIR", "XK", "", None]
    people = _people(survey, ID=list("abcdefg"), F1=[1] * 7, cntry=cells)
    expected = ["Estonia", "Latvia or Lithuania", "Latvia or Lithuania", "Northern Ireland", None, None, None]
    assert people.demographics["country"].to_list() == expected
    assert [(count.column, count.people, count.reason) for count in people.findings.left_out] == [
        ("cntry", 1, "not in the sample")
    ]


def test_a_text_that_no_group_has_is_refused_with_its_row(tmp_path: Path) -> None:
    survey = _survey(tmp_path, demographics=PLACES)
    with pytest.raises(IndievalueError, match="column cntry, row 2 holds 'SE', which is in no group of country: add"):
        _people(survey, ID=["a", "b"], F1=[1, 1], cntry=["EE", "SE"])


BORN = """
- id: brncntr
  name: birth_country
  asks: Where were you born?
  statement: I was born in {group}.
  groups:
    - {codes: CZ, label: Bohemia}
    - {codes: 40, label: Austria}
    - {codes: Kosovo, label: Kosovo}
  otherwise: country
  missing: {8: don't know}
"""


@pytest.mark.parametrize(
    "cells", [["CZ", "AT", "gb", "NO"], ["CZE", "AUT", "GBR", "nor"], [203, 40, 826, 578], ["203", "AT", "GBR", "578"]]
)
def test_countries_are_numbers_or_codes_of_two_or_three_letters(tmp_path: Path, cells: list[Any]) -> None:
    people = _people(_survey(tmp_path, demographics=BORN), ID=list("abcd"), F1=[1] * 4, brncntr=cells)
    assert people.demographics["birth_country"].to_list() == ["Bohemia", "Austria", "United Kingdom", "Norway"]


def test_a_missing_code_is_no_country(tmp_path: Path) -> None:
    people = _people(_survey(tmp_path, demographics=BORN), ID=["a", "b"], F1=[1, 1], brncntr=["8", "Kosovo"])
    assert people.demographics["birth_country"].to_list() == [None, "Kosovo"]


def test_each_country_has_a_column_of_its_own_for_one_demographic(tmp_path: Path) -> None:
    faiths = """
    - id: faith
      name: faith
      asks: What is your faith?
      columns: [rlgdnee, rlgdnde]
      statement: I am {group}.
      groups:
        - {codes: {rlgdnee: 1, rlgdnde: 2-3}, label: Protestant}
        - {codes: {rlgdnee: 2, rlgdnde: 1}, label: Catholic}
      missing: {66: not applicable}
    """
    people = _people(
        _survey(tmp_path, demographics=faiths),
        ID=list("abcde"),
        F1=[1] * 5,
        rlgdnee=[1, 2, 66, None, 66],
        rlgdnde=[66, None, 1, 3, 66],
    )
    assert people.demographics["faith"].to_list() == ["Protestant", "Catholic", "Catholic", "Protestant", None]
    assert people.findings.unknown == ()


@pytest.mark.parametrize(
    ("before", "after", "complaint"),
    [
        ("codes: EE,", "codes: NO,", "groups.0.codes"),
        ("codes: EE,", "codes: NO,", "YAML reads NO, OFF or FALSE without quotes as false: put it in quotes"),
        ("codes: EE,", "codes: 'EE, lv',", "the text 'lv' is in the groups 'Estonia' and 'Latvia or Lithuania'"),
        ("codes: EE,", "codes: 'EE,',", "group 'Estonia': 'EE,' has nothing between two commas"),
        ("codes: EE,", "codes: 233,", "group 'Latvia or Lithuania': 'LT, LV' is not a list of codes"),
        ("{XK:", "{EE:", "country, left_out: the text 'EE' is in a group as well"),
    ],
)
def test_what_is_wrong_with_groups_is_told(tmp_path: Path, before: str, after: str, complaint: str) -> None:
    assert before in PLACES
    with pytest.raises(IndievalueError) as error:
        _survey(tmp_path, demographics=PLACES.replace(before, after))
    assert complaint in str(error.value)


# Weights, licence and language


def test_a_weight_is_a_product_of_columns(tmp_path: Path) -> None:
    survey = _survey(tmp_path, survey=SURVEY + "weight: [PSPWGHT, PWEIGHT]\n")
    people = _people(survey, ID=list("abc"), F1=[1] * 3, PSPWGHT=[2.0, 0.5, None], PWEIGHT=[3.0, 3.0, 3.0])
    assert people.weights.tolist() == [6.0, 1.5, 1.0]
    assert people.findings.unweighted == 1


def test_a_weight_without_one_of_its_factors_is_no_weight(tmp_path: Path) -> None:
    survey = _survey(tmp_path, survey=SURVEY + "weight: [PSPWGHT, PWEIGHT]\n")
    assert _people(survey, ID=["a"], F1=[1]).weights.tolist() == [1.0]
    with pytest.raises(
        IndievalueError, match=r"kites\.csv has PWEIGHT and no column PSPWGHT, and the weight of survey"
    ):
        _people(survey, ID=["a"], F1=[1], PWEIGHT=[3.0])


FRENCH = """
- question: F1
  category: Kites
  type: mc_2
  asks: Jouez-vous au cerf-volant ?
  polar: {1: J'aime le cerf-volant., 2: "Je n'aime ni le cerf-volant, ni rien qui vole."}
  refined: same as polar
"""

SPANISH = FRENCH.replace("J'aime le cerf-volant.", "Vuelo cometas.").replace("Je n'aime", "No me gusta")


def test_statements_are_in_the_language_of_the_survey(tmp_path: Path) -> None:
    survey = _survey(tmp_path, FRENCH, SURVEY + "language: fr\nlicence: CC BY 4.0, the kite club\n")
    card = dataset_card(_people(survey, ID=["a"], F1=[1]), text=None)
    assert "language:\n- fr\n" in card
    assert "**Licence.** CC BY 4.0, the kite club" in card
    assert _survey(tmp_path, SPANISH, SURVEY + "language: es\n").language == "es"


@pytest.mark.parametrize(
    ("language", "before", "after", "complaint"),
    [
        ("en", "", "", 'F1: "J\'aime le cerf-volant." is not said in the first person'),
        ("fr", "J'aime le", "Vive le", "F1: 'Vive le cerf-volant.' is not said in the first person"),
        ("fr", "J'aime le cerf-volant.", "J'aime le cerf-volant", "is not one sentence that ends in a period"),
        ("fr", "cerf-volant ?", "cerf-volant", "F1: what it asks is no question"),
        ("no", "", "", "language: YAML reads NO, OFF or FALSE without quotes as false: put it in quotes"),
        ("French", "", "", "language: String should match pattern"),
    ],
)
def test_what_is_wrong_with_the_language_is_told(
    tmp_path: Path, language: str, before: str, after: str, complaint: str
) -> None:
    with pytest.raises(IndievalueError) as error:
        _survey(tmp_path, FRENCH.replace(before, after) if before else FRENCH, SURVEY + f"language: {language}\n")
    assert complaint in str(error.value)


# Sampling


@pytest.mark.parametrize(
    ("sampling", "complaint"),
    [
        ("answered_probes: 1", "sampling: answered_probes is only of use with probes: answered; give both or neither"),
        ("probes: answered, answered_probes: 0", "answered_probes: Input should be greater than or equal to 1"),
        ("probes: answered, answered_probes: 2", "answered_probes is 2, and a setup has 1 probe (1 of each category)"),
        ("probes: some", "sampling.probes: Input should be 'all' or 'answered'"),
    ],
)
def test_what_is_wrong_with_the_sampling_is_told(tmp_path: Path, sampling: str, complaint: str) -> None:
    with pytest.raises(IndievalueError) as error:
        _survey(tmp_path, survey=SURVEY.replace("per_category: 1", f"per_category: 1, {sampling}"))
    assert complaint in str(error.value)


# The documentation


def test_the_documentation_names_every_key_and_no_other() -> None:
    text = (ROOT / "docs" / "specification.md").read_text(encoding="utf-8")
    named: dict[str, set[str]] = {"survey": set(), "question": set(), "demographic": set(), "sampling": set()}
    for block in re.findall(r"```yaml\n(.*?)```", text, re.DOTALL):
        content = yaml.safe_load(block)
        if isinstance(content, dict):
            named["survey"] |= content.keys()
            named["sampling"] |= content["sampling"].keys()
        elif "reason" in content[0]:  # sensitive.yaml
            assert all(item.keys() == set(Sensitive.model_fields) for item in content)
        else:
            for item in content:
                named["demographic" if "groups" in item else "question"] |= item.keys()
    told = {key: set(spec.model_fields) for key, spec in SPECS.items()}
    assert told["survey"] - named["survey"] == {"repeated_ids"}  # of the published WVS files alone
    assert named == told | {"survey": told["survey"] - {"repeated_ids"}, "question": told["question"] - {"columns"}}
