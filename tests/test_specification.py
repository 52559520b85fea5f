"""What a specification can say of surveys that are unlike each other, and what it is told where it says it wrongly."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from indievalue.errors import IndievalueError
from indievalue.people.catalog import why_missing
from indievalue.people.decode import decode
from indievalue.people.people import People
from indievalue.survey.load import load_survey
from indievalue.survey.survey import Survey

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
