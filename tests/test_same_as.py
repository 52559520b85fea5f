"""Questions that are the same item in two surveys: what a specification may say, and how answers are carried over."""

from pathlib import Path

import numpy as np
import polars as pl
import pytest

from conftest import GARDEN
from indievalue.errors import IndievalueError
from indievalue.people.decode import decode
from indievalue.people.shared import as_people_of
from indievalue.survey.load import load_survey, shipped_surveys, surveys_named
from indievalue.survey.model import SameAs
from indievalue.survey.same_as import Match, options_at, parse_same_as, same_as_problems, shared_questions
from orchards import orchard_survey


def test_a_question_or_its_battery_names_the_item_in_another_survey(tmp_path: Path) -> None:
    orchard = load_survey(str(orchard_survey(tmp_path)))
    assert [question.same_as for question in orchard.questions] == [
        (SameAs("garden", "P1"),),
        (SameAs("garden", "P2"),),
        (SameAs("garden", "A1", reversed=True),),
        (),
    ]


def test_several_items_are_a_list(tmp_path: Path) -> None:
    several = orchard_survey(tmp_path, ("same_as: garden.A1 reversed", "same_as: [garden.A1 reversed, wvs7.Q46]"))
    assert load_survey(str(several)).question("HOGS").same_as == (SameAs("garden", "A1", True), SameAs("wvs7", "Q46"))


@pytest.mark.parametrize(
    ("written", "complaint"),
    [
        ("garden.A9", r"HOGS: same_as names garden\.A9, and survey garden has no question 'A9'"),
        ("gardn.A1", r"HOGS: same_as names gardn\.A1, and there is no survey 'gardn': name one that ships, or"),
        ("orchard.ROSES", r"HOGS: same_as names orchard\.ROSES, which is a question of this survey"),
        ("garden.N1", r"HOGS: same_as names garden\.N1, but one of the two is no scale .* 2 and 3 options"),
        ("A1", r"orchard/questions\.yaml, HOGS: same_as is SURVEY\.QUESTION, such as wvs7\.Q46 .*, not 'A1'"),
        ("garden.A1 turned", r"same_as is SURVEY\.QUESTION, .* not 'garden\.A1 turned'"),
    ],
)
def test_what_no_survey_has_is_an_error_that_names_it(tmp_path: Path, written: str, complaint: str) -> None:
    folder = orchard_survey(tmp_path, ("garden.A1 reversed", written))
    with pytest.raises(IndievalueError, match=complaint):
        load_survey(str(folder))


def test_a_copy_of_a_survey_loads_without_those_it_names(tmp_path: Path) -> None:
    folder = orchard_survey(tmp_path)
    (tmp_path / "garden").unlink()
    with pytest.raises(IndievalueError, match="there is no survey 'garden'"):
        load_survey(str(folder))
    assert load_survey(str(folder), linked=False).question("HOGS").same_as


@pytest.mark.parametrize("name", shipped_surveys())
def test_the_surveys_that_ship_name_items_that_exist(name: str) -> None:
    survey = load_survey(name)
    assert same_as_problems(survey, surveys_named(survey)) == []


def test_questions_are_shared_in_both_directions(tmp_path: Path) -> None:
    orchard, garden = load_survey(str(orchard_survey(tmp_path))), load_survey(str(GARDEN))
    p1, p2, a1 = (garden.positions[name] for name in ("P1", "P2", "A1"))
    assert shared_questions(garden, orchard) == {p1: Match(0, False), p2: Match(1, False), a1: Match(2, True)}
    assert shared_questions(orchard, garden) == {0: Match(p1, False), 1: Match(p2, False), 2: Match(a1, True)}


def test_two_surveys_that_name_the_same_item_of_a_third_share_it(tmp_path: Path) -> None:
    one = load_survey(str(orchard_survey(tmp_path / "one")))
    turned = orchard_survey(tmp_path / "other", ("same_as: garden.A1 reversed", "same_as: garden.A1"))
    (turned / "survey.yaml").write_text((turned / "survey.yaml").read_text().replace("name: orchard", "name: vineyard"))
    shared = shared_questions(one, load_survey(str(turned)))
    assert shared == {0: Match(0, False), 1: Match(1, False), 2: Match(2, True)}, "one of the two is reversed"


@pytest.mark.parametrize(
    ("options", "of", "turned", "shares"),
    [
        (4, 4, False, [[1, 0, 0, 0], [0, 1, 0, 0], [0, 0, 1, 0], [0, 0, 0, 1]]),
        (3, 3, True, [[0, 0, 1], [0, 1, 0], [1, 0, 0]]),
        (2, 4, False, [[1, 0], [1, 0], [0, 1], [0, 1]]),
        (4, 2, False, [[0.5, 0.5, 0, 0], [0, 0, 0.5, 0.5]]),
        (2, 3, True, [[0, 1], [0.5, 0.5], [1, 0]]),
        (5, 4, False, [[0.8, 0.2, 0, 0, 0], [0, 0.6, 0.4, 0, 0], [0, 0, 0.4, 0.6, 0], [0, 0, 0, 0.2, 0.8]]),
    ],
)
def test_options_are_matched_by_the_stretch_of_the_scale_they_stand_for(
    options: int, of: int, turned: bool, shares: list[list[float]]
) -> None:
    draws = (np.arange(1000, dtype=np.uint64) * np.uint64(2**64 // 1000)) + np.uint64(2**63 // 1000)  # spread evenly
    for chosen, expected in enumerate(shares):
        found = options_at(np.full(1000, chosen), draws, of, options, turned=turned)
        assert (np.bincount(found, minlength=options) / 1000).tolist() == pytest.approx(expected, abs=1e-3)


def test_the_same_scale_matches_at_the_ends_of_each_stretch() -> None:
    ends = np.array([0, 2**64 - 1], np.uint64)
    for of in (2, 3, 7, 11):
        for chosen in range(of):
            assert options_at(np.full(2, chosen), ends, of, of).tolist() == [chosen] * 2
            assert options_at(np.full(2, chosen), ends, of, of, turned=True).tolist() == [of - 1 - chosen] * 2


def test_a_reference_reads_as_it_is_written() -> None:
    for text in ("wvs7.Q46", "wvs7.Q46 reversed"):
        assert str(parse_same_as(text)) == text


def test_people_of_one_survey_answer_the_questions_that_another_shares(tmp_path: Path) -> None:
    orchard, garden = load_survey(str(orchard_survey(tmp_path))), load_survey(str(GARDEN))
    table = pl.DataFrame(
        {
            "NR": [f"o{number}" for number in range(400)],
            "ORCHARD": [1, 2] * 200,
            "ROSES": [1, 3, -1, 2] * 100,
            "NETTLES": [2] * 400,
            "HOGS": [1, 2] * 200,
            "CIDER": [0] * 400,
        }
    )
    people = as_people_of(decode(table, orchard, "orchard.csv", ""), garden)
    answers = {question.id: people.options("refined")[:, at] for at, question in enumerate(garden.questions)}
    roses = answers["P1"].reshape(100, 4)
    assert set(roses[:, 0]) == {0, 1}, "the first third of the scale is in the first half of four options"
    assert set(roses[:, 1]) == {2, 3}
    assert set(roses[:, 2]) == {-1}
    assert set(answers["A1"][::2]) == {2, 3}, "who feeds hedgehogs is among those who love them"
    middle = np.bincount(answers["P2"], minlength=4)
    assert middle[[0, 3]].tolist() == [0, 0], "the middle of three is the second or the third of four"
    assert 150 <= middle[1] <= 250, "half of the people have one, and half the other"
    assert set(answers) - {"P1", "P2", "A1"} == {q for q, given in answers.items() if (given < 0).all()}
    again = as_people_of(decode(table.reverse(), orchard, "orchard.csv", ""), garden).options("refined")
    assert (again[::-1] == people.options("refined")).all(), "whatever the order of the file"
    assert people.demographics["region"].to_list()[:2] == ["Hills", None], "the garden survey knows no coast"
    assert people.demographics.columns == ["region", "faith", "age", "birth_country"]


def test_people_of_the_same_survey_stay_as_they_are(tmp_path: Path) -> None:
    orchard = load_survey(str(orchard_survey(tmp_path)))
    columns = {"ROSES": [1], "NETTLES": [2], "HOGS": [1], "CIDER": [0]}
    people = decode(pl.DataFrame({"NR": ["a"], "ORCHARD": [1], **columns}), orchard, "orchard.csv", "")
    again = load_survey.__wrapped__(str(tmp_path / "orchard"))
    assert (as_people_of(people, again).codes == people.codes).all()


@pytest.mark.parametrize(
    ("survey", "question", "same"),
    [
        ("ess9", "trstplc", "wvs7.Q69 reversed"),  # no trust at all … a great deal, against a great deal … none at all
        ("ess9", "polintr", "wvs7.Q199"),
        ("gss2018", "happy", "wvs7.Q46"),
        ("gss2018", "abany", "wvs7.Q184 reversed"),  # yes, no, against never … always justified
        ("gss2018", "goveqinc", "ess9.gincdif"),
        ("afrobarometer8", "Q41B", "wvs7.Q73 reversed"),
        ("afrobarometer8", "Q86C", "wvs7.Q22"),  # from those who dislike such neighbors on
    ],
)
def test_items_of_the_surveys_that_ship(survey: str, question: str, same: str) -> None:
    assert [str(one) for one in load_survey(survey).question(question).same_as] == [same]
