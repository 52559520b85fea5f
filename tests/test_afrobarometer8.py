"""Afrobarometer: two rounds with other columns and codes, countries told by their regions; and the files of Tunisia."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

from conftest import real_file
from indievalue.choices import FormName
from indievalue.errors import IndievalueError
from indievalue.people.catalog import why_missing
from indievalue.people.columns import recognise
from indievalue.people.decode import decode
from indievalue.people.people import People
from indievalue.people.read import read_people
from indievalue.survey.load import load_survey, shipped_surveys
from indievalue.survey.survey import Survey

FOLDER = "others/afrobarometer_tun"
ROUND_8 = f"{FOLDER}/tun_r8_data.sav"
ROUND_7 = f"{FOLDER}/tun_r7_data.sav"

TELLTALE = {"r8": ["Q98A", "Q83"], "r7": ["Q98", "Q55PT1"]}


@pytest.fixture(scope="module")
def afrobarometer() -> Survey:
    return load_survey("afrobarometer8")


@pytest.fixture(scope="module")
def real() -> Mapping[str, People]:
    return {"r8": read_people(real_file(ROUND_8)), "r7": read_people(real_file(ROUND_7))}


def _table(name: str, columns: Mapping[str, Sequence[Any]]) -> pl.DataFrame:
    """Columns of a file of the round, with those that tell the round."""
    rows = len(next(iter(columns.values())))
    telltale = {column: [-1] * rows for column in TELLTALE[name]}
    return pl.DataFrame({"RESPNO": [f"TUN{row:04}" for row in range(rows)]} | telltale | dict(columns))


def _people(survey: Survey, name: str, **columns: Sequence[Any]) -> People:
    return decode(_table(name, columns), survey, f"{name}.csv", "")


def _said(people: People, question: str, form: FormName = "refined") -> list[str | None]:
    """What everybody says on a question; None where they say nothing."""
    options = people.survey.question(question).options(form)
    chosen = people.options(form)[:, people.survey.positions[question]].tolist()
    return [None if option < 0 else options[option].statement for option in chosen]


def _reasons(people: People, question: str) -> list[str]:
    position = people.survey.positions[question]
    return [why_missing(people, row, position) for row in range(len(people))]


# ---------------------------------------------------------------------- rows made by hand


def test_files_of_both_rounds_are_recognised_and_those_before_and_after_are_not() -> None:
    surveys = [load_survey(name) for name in shipped_surveys()]
    shared = ["RESPNO", "URBRUR", "REGION", "Q1", "Q3", "Q4A", "Q42F", "Q44J", "Q57E"]
    for name in ("r8", "r7"):
        assert recognise([*shared, *TELLTALE[name]], surveys, f"{name}.sav").name == "afrobarometer8"
    ninth = ["RESPNO", "URBRUR", "REGION", "Q1", "Q3", "Q4A", "Q98A", "Q41A", "withinwt_hh"]
    with pytest.raises(IndievalueError, match="not a file of a survey indievalue knows"):
        recognise(ninth, surveys, "r9.sav")
    assert recognise(["B_COUNTRY", "Q1", "Q2", "Q3", "Q9"], surveys, "wvs.csv").name == "wvs7"


def test_the_same_column_asks_something_else_in_the_other_round(afrobarometer: Survey) -> None:
    columns = {"Q41A": [3, 0], "Q43A": [0, 2], "Q19A": [1, 4], "Q15": [4, 1]}
    new = _people(afrobarometer, "r8", **columns)
    assert _said(new, "Q41A") == [
        "I trust the president of my country a lot.",
        "I do not trust the president of my country at all.",
    ]
    assert _said(new, "Q43A")[1] == "I think that corruption in my country has increased somewhat in the past year."
    assert str(_said(new, "Q19A")[0]).startswith(
        "I very strongly agree that the government should have the power to ban"
    )
    old = _people(afrobarometer, "r7", **columns)
    assert _said(old, "Q41A") == [
        "I do not trust the president of my country at all.",
        "I trust the president of my country somewhat.",
    ]
    assert _said(old, "Q43A") == [None, None]
    assert (
        _said(old, "Q19A", "polar")[0]
        == "I think that people should be free to join organizations that the government dislikes."
    )
    assert "Q43A" in old.findings.absent_questions


def test_what_round_7_asks_otherwise_is_read_of_round_8_alone(afrobarometer: Survey) -> None:
    only = {question.id for question in afrobarometer.questions if "r7" not in (question.rounds or {})}
    assert {"Q5", "Q13", "Q17D", "Q19B", "Q42C", "Q50M", "Q54B", "Q84B"} <= only
    assert all("r8" in (question.rounds or {}) for question in afrobarometer.questions)


def test_agreeing_with_neither_is_in_the_middle(afrobarometer: Survey) -> None:
    neither = [
        question for question in afrobarometer.questions if not question.codes_in_order and question.id != "Q49A"
    ]
    assert len(neither) == 30
    for question in neither:
        assert question.ordered
        assert [option.codes for option in question.refined] == [(1,), (2,), (5,), (3,), (4,)], question.id
        assert [option.codes for option in question.polar] == [(1, 2), (5,), (3, 4)], question.id
        assert "neither" in question.refined[2].statement, question.id
    people = _people(afrobarometer, "r8", Q22=[1, 2, 5, 3, 4], Q49A=[2, 3, 6, 4, 5])
    position = people.survey.positions
    assert people.options("refined")[:, position["Q22"]].tolist() == [0, 1, 2, 3, 4]
    assert people.options("refined")[:, position["Q49A"]].tolist() == [1, 2, 2, 3, 4]


@pytest.mark.parametrize(
    ("question", "codes", "statements"),
    [
        (
            "Q53A",
            [0, 3],
            [
                "I think that elections in my country do not work at all well for making members of parliament reflect "
                "what voters think.",
                "I think that elections in my country work very well for making members of parliament reflect what "
                "voters think.",
            ],
        ),
        (
            "Q21",
            [3, 2, 1],
            [
                "I think that democracy is better than any other kind of government.",
                "I think that a government that is not democratic can be better in some situations.",
                "I think that it makes no difference to people like me what kind of government we have.",
            ],
        ),
        (
            "Q72B",
            [1, 5],
            [
                "I think that climate change is making life in my country much better.",
                "I think that climate change is making life in my country much worse.",
            ],
        ),
        (
            "Q62",
            [1, 4],
            [
                "I think that it is very difficult for people in my part of Africa to cross borders for work or trade.",
                "I think that it is very easy for people in my part of Africa to cross borders for work or trade.",
            ],
        ),
        (
            "Q88",
            [3, 1],
            [
                "I think that traditional leaders act mostly in the interest of the people in their communities.",
                "I think that traditional leaders act mostly in their own interest.",
            ],
        ),
    ],
)
def test_scales_run_as_the_codebook_says(
    afrobarometer: Survey, question: str, codes: list[int], statements: list[str]
) -> None:
    assert _said(_people(afrobarometer, "r8", **{question: codes}), question) == statements


def test_the_lowest_code_of_a_fear_is_the_most_of_it(afrobarometer: Survey) -> None:
    most, least = _said(_people(afrobarometer, "r8", Q17D=[0, 3]), "Q17D")
    assert str(most).startswith("I was very much afraid of political intimidation")
    assert str(least).startswith("I was not at all afraid of political intimidation")


def test_a_code_is_missing_in_one_question_and_an_answer_in_another(afrobarometer: Survey) -> None:
    people = _people(afrobarometer, "r8", Q14=[8, 9, 98], Q44B=[7, 8, -1], Q69A=[7, 1580, 9999], Q12D=[94, 9, 0])
    assert _reasons(people, "Q14") == ["did not understand the question", "don't know", "refused"]
    assert _reasons(people, "Q44B") == ["had no contact", "refused", "missing"]
    assert _said(people, "Q69A") == [
        "I think that my country should follow a model of its own in its development.",
        "I think that a country that the survey does not list would be the best model for the development of mine.",
        None,
    ]
    assert _reasons(people, "Q12D")[:2] == ["not asked in this country", "don't know"]
    assert people.findings.unknown == ()


def test_the_first_problem_named_is_an_answer_and_the_others_are_not(afrobarometer: Survey) -> None:
    people = _people(afrobarometer, "r8", Q48PT1=[9999, 1580, 8], Q48PT2=[3, 3, 3])
    assert _said(people, "Q48PT1") == [
        None,
        "The first problem that I think the government should deal with is health.",
        "The first problem that I think the government should deal with is poverty and hunger.",
    ]


def test_each_round_has_its_own_background_columns(afrobarometer: Survey) -> None:
    new = _people(afrobarometer, "r8", Q95A=[3, 0], Q94=[1, 1], Q95C=[8, 9995], Q95D=[4, 7], Q96B=[1, 99], Q97=[8, 98])
    expected = {
        "employment": ["employed full time", "not in paid work"],
        "occupation": ["clerical", "other occupation"],
        "sector": ["government or public institution", None],
        "household_head": ["head of the household", None],
        "education": ["bachelor's degree", None],
        "round": [None, None],
    }
    assert {name: new.demographics[name].to_list() for name in expected} == expected
    old = _people(afrobarometer, "r7", Q94=[3, 0], Q95A=[8, 95], Q95B=[4, 7], Q96A=[1, 99], Q97=[8, 98], URBRUR=[1, 2])
    assert {name: old.demographics[name].to_list() for name in expected} == expected | {
        "round": ["round 7 (2016-2018)"] * 2
    }
    assert old.findings.unknown == new.findings.unknown == ()


@pytest.mark.parametrize("name", ["r8", "r7"])
def test_the_region_tells_the_country(afrobarometer: Survey, name: str) -> None:
    people = _people(afrobarometer, name, REGION=[1580, 1586, 346, 350, 1797], COUNTRY=[10, 10, 10, 10, 10], Q3=[1] * 5)
    assert people.demographics["country"].to_list() == ["Tunisia", "Tunisia", "Kenya", "Lesotho", "Angola"]


def test_round_8_is_weighted_by_households_with_their_adults(afrobarometer: Survey) -> None:
    weights = {"withinwt_ea": [1.0, 1.0], "withinwt_hh": [0.5, 1.5], "withinwt": [0.25, 1.75]}
    assert _people(afrobarometer, "r8", Q3=[1, 2], **weights).weights.tolist() == [0.5, 1.5]
    assert _people(afrobarometer, "r7", Q3=[1, 2], **weights).weights.tolist() == [0.25, 1.75]


def test_two_rounds_that_number_their_people_alike_are_read_as_one_people(
    afrobarometer: Survey, tmp_path: Path
) -> None:
    files = []
    for name, telling in (("r7", {"Q43A": [0, 3]}), ("r8", {"Q41A": [1, 2]})):
        shared = {"URBRUR": [1, 2], "REGION": [1580, 1581], "Q42F": [1, 1], "Q44J": [1, 1], "Q57E": [1, 1]}
        files.append(tmp_path / f"tun_{name}.csv")
        _table(name, shared | telling).write_csv(files[-1])
    people = read_people(files)
    assert people.survey is afrobarometer
    assert people.ids.tolist() == ["tun_r7/TUN0000", "tun_r7/TUN0001", "tun_r8/TUN0000", "tun_r8/TUN0001"]
    assert people.options("refined")[:, afrobarometer.positions["Q41A"]].tolist() == [0, 3, 1, 2]
    assert people.demographics["round"].to_list() == ["round 7 (2016-2018)"] * 2 + ["round 8 (2019-2021)"] * 2


# ---------------------------------------------------------------------- the files of Tunisia


def _codebook(name: str) -> dict[str, dict[str, Any]]:
    file = real_file(f"{FOLDER}/{'codebook' if name == 'r8' else 'codebook_r7'}.jsonl")
    items = [json.loads(line) for line in file.read_text(encoding="utf-8").splitlines()]
    return {item["name"]: item for item in items}


def test_the_files_are_recognised_and_whole(real: Mapping[str, People]) -> None:
    for name, people, absent in (("r8", 1_200, 0), ("r7", 1_199, 118)):
        assert real[name].survey.name == "afrobarometer8"
        assert len(real[name]) == people
        assert len(real[name].findings.absent_questions) == absent
        assert real[name].findings.absent_demographics == ()
        assert real[name].findings.unweighted == 0
        assert set(real[name].demographics["country"]) == {"Tunisia"}


@pytest.mark.parametrize("name", ["r8", "r7"])
def test_every_code_in_the_file_is_accounted_for(real: Mapping[str, People], name: str) -> None:
    assert real[name].findings.unknown == ()
    assert real[name].findings.left_out == ()
    assert real[name].findings.tags == ()


@pytest.mark.parametrize("name", ["r8", "r7"])
def test_as_many_people_have_each_code_as_the_codebook_says(real: Mapping[str, People], name: str) -> None:
    people, codebook = real[name], _codebook(name)
    for question in people.survey.questions:
        column = (question.rounds or {}).get(name)
        if column is None:
            continue
        codes, times = np.unique(people.codes[:, people.survey.positions[question.id]], return_counts=True)
        counted = {str(code): int(count) for code, count in zip(codes, times, strict=True)}
        assert counted == {code: count for code, count in codebook[column]["counts"].items() if count}, question.id


@pytest.mark.parametrize("name", ["r8", "r7"])
def test_every_code_that_the_codebook_names_is_an_option_or_has_a_reason(afrobarometer: Survey, name: str) -> None:
    codebook = _codebook(name)
    for question in afrobarometer.questions:
        column = (question.rounds or {}).get(name)
        if column is None:
            continue
        options = {code for option in question.refined for code in option.codes}
        reasons = {**afrobarometer.missing, **(question.missing or {}), **(question.left_out or {})}
        named = {int(code) for code in [*codebook[column]["answers"], *codebook[column]["missing"]]}
        assert named <= options | set(reasons), question.id


def test_both_rounds_together_are_one_people(real: Mapping[str, People]) -> None:
    both = read_people([real_file(ROUND_7), real_file(ROUND_8)])
    assert len(set(both.ids.tolist())) == len(both) == 2_399
    assert both.findings.absent_questions == ()
    rounds = dict(both.demographics["round"].value_counts().iter_rows())
    assert rounds == {"round 7 (2016-2018)": 1_199, "round 8 (2019-2021)": 1_200}
    assert np.array_equal(both.codes[1_199:], real["r8"].codes)
