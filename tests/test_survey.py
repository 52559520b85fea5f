"""A survey is data: what a spec says is what the survey holds, and what is wrong in a spec is told with its place."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from conftest import GARDEN
from indievalue.errors import IndievalueError
from indievalue.survey.codes import format_codes, parse_codes
from indievalue.survey.load import load_survey, shipped_surveys
from indievalue.survey.rules import statement_problems
from indievalue.survey.survey import Survey


@pytest.mark.parametrize(
    ("text", "codes"), [(3, (3,)), ("1-3", (1, 2, 3)), ("0, 3-4", (0, 3, 4)), ("-2", (-2,)), ("-3, 1", (-3, 1))]
)
def test_codes_are_written_as_people_write_them(text: int | str, codes: tuple[int, ...]) -> None:
    assert parse_codes(text) == codes


@pytest.mark.parametrize("text", ["", "a", "3-1", "1,,2", "1.5"])
def test_what_is_no_list_of_codes_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"codes|backwards"):
        parse_codes(text)


@given(st.sets(st.integers(0, 99), min_size=1))
def test_written_codes_are_read_back(codes: set[int]) -> None:
    assert set(parse_codes(format_codes(codes))) == codes


def test_a_survey_of_ten_questions_is_yaml_alone(garden: Survey) -> None:
    assert [question.id for question in garden.questions] == [
        "P1",
        "P2",
        "P3",
        "P4",
        "A1",
        "A2",
        "A3",
        "N1",
        "N2",
        "N3",
    ]
    assert garden.question("P2").refined[3].statement == "I do not like nettles at all."
    assert garden.question("A1").polar[1].codes == (6, 7, 8, 9, 10)
    assert garden.question("N1").polar == garden.question("N1").refined
    assert [group.statement for group in garden.demographic("region").groups] == [
        "My garden is in the Valley.",
        "My garden is in the Hills.",
        "My garden is on the Island.",
    ]
    assert garden.demographic("age").groups[1].codes == {"AGEGROUP": (2,), "AGE": tuple(range(40, 121))}


def test_a_form_is_one_lookup_from_code_to_option(garden: Survey) -> None:
    codes = np.array([[1, 2, 3, 4, 1, 5, 10, 3, 0, 2], [9, -1, -4, 4, 6, 11, 0, 7, 1, -5]], np.int16)
    assert garden.form("polar").encode(codes).tolist() == [
        [0, 0, 1, 1, 0, 0, 1, 2, 0, 1],
        [-1, -1, -1, 1, 1, -1, -1, -1, 1, -1],
    ]
    assert garden.form("refined").encode(codes)[0].tolist() == [0, 1, 2, 3, 0, 1, 3, 2, 0, 1]


def test_one_hot_has_a_one_for_every_answer_and_nothing_for_missing(garden: Survey) -> None:
    form = garden.form("polar")
    options = form.encode(np.array([[1, -1, 4, 4, 10, 1, 1, 3, 0, 2]], np.int16))
    columns = form.one_hot(options)
    assert columns.shape == (1, 21)
    assert np.flatnonzero(columns[0]).tolist() == [0, 5, 7, 9, 10, 12, 16, 17, 20]


@pytest.mark.parametrize(
    ("file", "before", "after", "complaint"),
    [
        ("questions.yaml", "1-2: ", "1-3: ", "P1: polar: code 3 is in two options"),
        (
            "questions.yaml",
            '1: "I like {plant} very much."',
            '5: "I like {plant} very much."',
            "is in an option of one",
        ),
        ("questions.yaml", "I like {plant} somewhat.", "I like {plant} very much.", "occurs 2 times"),
        ("questions.yaml", "I share my harvest with my neighbors.", "Sharing is good.", "not said in the first person"),
        ("questions.yaml", "I mow my lawn on Sundays.", "I mow my lawn on Sundays", "ends in a period"),
        ("questions.yaml", "I do not mow my lawn", "I do not never mow my lawn", "double negative"),
        ("questions.yaml", "left_out: {7:", "left_out: {3:", "left out and in an option"),
        ("questions.yaml", "category: Plants", "category: Fungi", "'Fungi' is not one of the survey's"),
        ("questions.yaml", "Do you mow on Sundays?", "Mowing.", "is no question"),
        ("questions.yaml", "- question: N3", "- question: N2", "question id 'N2' occurs 2 times"),
        ("questions.yaml", "{plant: roses}", "{flower: roses}", "no value for the slot 'plant'"),
        ("questions.yaml", "type: mc_2", "typ: mc_2", "unknown key 'typ'"),
        ("questions.yaml", "1-2: ", "x-2: ", "'x-2' is not a list of codes"),
        ("survey.yaml", "not_asked: -4", "not_asked: soon", "not_asked: Input should be a valid integer"),
        ("survey.yaml", "-5: missing}", "1: missing}", "is a missing code and an option"),
        ("demographics.yaml", "label: Hills", "label: Valley", "label 'Valley' occurs 2 times"),
        ("demographics.yaml", "AGE: 0-39", "AGES: 0-39", "not among its columns"),
        ("demographics.yaml", "- id: REGION", "- id: [", "is not valid YAML"),
        ("questions.yaml", '"I like {plant}."', '"I like {plant[x]}."', "has a slot that is not a plain {name}"),
        ("questions.yaml", '"I like {plant}."', '"I like {plant.real}."', "has a slot that is not a plain {name}"),
        ("questions.yaml", '"I like {plant}."', '"I like {plant!r}."', "has a slot that is not a plain {name}"),
        ("questions.yaml", '"I like {plant}."', '"I like {0}."', "has a slot that is not a plain {name}"),
        ("questions.yaml", '"I like {plant}."', '"I like {}."', "has a slot that is not a plain {name}"),
        ("questions.yaml", '"I like {plant}."', '"I like {plant."', "is no template"),
        (
            "survey.yaml",
            "continent: region",
            "continent: nowhere",
            "names 'nowhere' as its continent, which is no demog",
        ),
        ("survey.yaml", "religion: faith", "religion: none", "names 'none' as its religion, which is no demographic"),
        (
            "survey.yaml",
            "per_category: 1",
            "per_category: 0",
            "per_category: Input should be greater than or equal to 1",
        ),
        ("survey.yaml", "setups: 3", "setups: -3", "setups: Input should be greater than or equal to 1"),
        ("survey.yaml", "answered: 8", "answered: -8", "answered: Input should be greater than or equal to 1"),
        ("survey.yaml", "per_religion: 4", "per_religion: 0", "per_religion: Input should be greater than or equal"),
        ("survey.yaml", "blank: -5", "blank: 40000", "blank: Input should be less than or equal to 32000"),
        ("survey.yaml", "-5: missing}", "-5: missing, -40000: lost}", "-40000 is no code; they go up to 32,000"),
        ("demographics.yaml", "AGE: 0-39", "AGE: young", "'young' is not a list of codes"),
    ],
)
def test_what_is_wrong_in_a_spec_is_told(tmp_path: Path, file: str, before: str, after: str, complaint: str) -> None:
    folder = tmp_path / "garden"
    folder.mkdir()
    for source in GARDEN.iterdir():
        text = source.read_text()
        if source.name == file:
            assert before in text
            text = text.replace(before, after)
        (folder / source.name).write_text(text)
    with pytest.raises(IndievalueError) as error:
        load_survey(str(folder))
    assert complaint in str(error.value)
    assert str(folder) in str(error.value) or file in str(error.value)


def test_options_of_a_scale_follow_its_codes(tmp_path: Path) -> None:
    folder = tmp_path / "garden"
    folder.mkdir()
    for source in GARDEN.iterdir():
        (folder / source.name).write_text(source.read_text())
    text = (folder / "questions.yaml").read_text()
    first, second = "    1: I mow my lawn on Sundays.\n", "    2: I do not mow my lawn on Sundays.\n"
    (folder / "questions.yaml").write_text(text.replace(first + second, second + first))
    with pytest.raises(IndievalueError, match="N3: polar: the options do not follow the order of the codes"):
        load_survey(str(folder))


def test_an_unknown_survey_is_refused_with_those_there_are() -> None:
    with pytest.raises(IndievalueError, match=f"no survey 'wvs8': give one of {', '.join(shipped_surveys())}"):
        load_survey("wvs8")


@pytest.mark.parametrize(
    "statement",
    [
        "I like it. Really I do.",
        "i like it.",
        "I like {it}.",
        "I  like it.",
        "Gardens are green.",
        "I do not like nobody.",
        " ".join(["I", *["really"] * 60, "do."]),
    ],
)
def test_a_statement_is_one_clear_first_person_sentence(statement: str) -> None:
    assert list(statement_problems(statement))


@pytest.mark.parametrize(
    "statement",
    [
        "I like it.",
        "My garden is green.",
        "I neither like nor dislike it.",
        "On the U.S. coast I never or almost never mow.",
    ],
)
def test_a_good_statement_has_no_problem(statement: str) -> None:
    assert list(statement_problems(statement)) == []


def test_a_question_has_as_many_options_as_there_are_letters(tmp_path: Path) -> None:
    folder = tmp_path / "garden"
    folder.mkdir()
    for source in GARDEN.iterdir():
        (folder / source.name).write_text(source.read_text())
    options = "".join(f'    {code}: "I water my garden {code} times."\n' for code in range(1, 28))
    (folder / "questions.yaml").write_text(
        (folder / "questions.yaml").read_text()
        + "\n- question: W1\n  category: Plants\n  type: scale\n  asks: How often do you water?\n  polar:\n"
        + '    1-13: "I seldom water."\n    14-27: "I often water."\n  refined:\n'
        + options
    )
    with pytest.raises(IndievalueError, match="W1: refined has 27 options; there are letters for 26"):
        load_survey(str(folder))
