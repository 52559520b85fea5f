"""The General Social Survey 2018: split wordings, middles with the last code, wrong labels; and its real files."""

import json
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

from conftest import real_file
from indievalue.benchmark.protocol import protocol_probes
from indievalue.choices import FORMS, FormName
from indievalue.people.columns import recognise
from indievalue.people.decode import decode
from indievalue.people.people import People
from indievalue.people.read import read_people
from indievalue.survey.codes import TAGS
from indievalue.survey.load import load_survey, shipped_surveys
from indievalue.survey.survey import Survey

STATA = "others/gss2018/gss2018.dta"
CSV = "others/gss2018/gss2018.csv.gz"
CODEBOOK = "others/gss2018/codebook.jsonl"


@pytest.fixture(scope="module")
def gss() -> Survey:
    return load_survey("gss2018")


@pytest.fixture(scope="module")
def real() -> People:
    return read_people(real_file(STATA))


def _people(survey: Survey, **columns: Sequence[Any]) -> People:
    return decode(pl.DataFrame(columns), survey, "gss.csv", "")


def _said(people: People, question: str, form: FormName = "refined") -> list[str | None]:
    """What everybody says on a question; None where they say nothing."""
    options = people.survey.question(question).options(form)
    chosen = people.options(form)[:, people.survey.positions[question]].tolist()
    return [None if option < 0 else options[option].statement for option in chosen]


def _codes(people: People, question: str) -> list[int]:
    return [int(code) for code in people.codes[:, people.survey.positions[question]]]


# ---------------------------------------------------------------------- rows made by hand


def test_a_file_is_recognised_by_its_columns(gss: Survey) -> None:
    surveys = [load_survey(name) for name in shipped_surveys()]
    columns = ["year", "id", "wrkstat", "PARTYID", "polviews", "attend", "natspac", "happy"]
    assert recognise(columns, surveys, "gss.dta") is gss
    assert recognise(["D_INTERVIEW", "B_COUNTRY", "Q1", "Q2", "attend", "partyid"], surveys, "wvs.csv").name == "wvs7"


def test_code_1_of_trust_is_trust_and_code_5_of_attend_is_every_month(gss: Survey) -> None:
    people = _people(gss, id=[1, 2, 3], trust=[1, 2, 3], attend=[4, 5, 6])
    assert _said(people, "trust") == [
        "In general, I think that most people can be trusted.",
        "In general, I think that one needs to be very careful in dealing with people.",
        "In general, I think that it depends whether people can be trusted.",
    ]
    assert _said(people, "attend") == [
        "I go to religious services about once a month.",
        "I go to religious services two or three times a month.",
        "I go to religious services nearly every week.",
    ]


@pytest.mark.parametrize(
    ("question", "codes"),
    [
        ("trust", [1, 3, 2]),
        ("fair", [2, 3, 1]),
        ("helpful", [1, 3, 2]),
        ("courts", [1, 3, 2]),
        ("finalter", [1, 3, 2]),
        ("abfelegl", [1, 3, 2]),
        ("abmoral", [1, 3, 2]),
        ("abstate2", [1, 3, 2]),
        ("genegoo2", [1, 3, 2]),
        ("relgeneq", [3, 2, 4]),
        ("reliten", [1, 3, 2, 4]),
    ],
)
def test_a_middle_with_the_last_code_stands_in_the_middle(gss: Survey, question: str, codes: list[int]) -> None:
    assert gss.question(question).ordered
    assert [code for option in gss.question(question).refined for code in option.codes] == codes


def test_a_communist_is_fired_by_the_code_that_lets_others_teach(gss: Survey) -> None:
    people = _people(gss, id=[1, 2], colcom=[4, 5], colath=[4, 5])
    assert _said(people, "colcom") == [
        "I think that a declared Communist who teaches at a college should be fired.",
        "I think that a declared Communist who teaches at a college should not be fired.",
    ]
    assert _said(people, "colath") == [
        "I think that someone who is against all religion should be allowed to teach at a college or university.",
        "I think that someone who is against all religion should not be allowed to teach at a college or university.",
    ]


def test_two_wordings_of_an_item_are_one_question(gss: Survey) -> None:
    people = _people(
        gss,
        id=[1, 2, 3, 4],
        nataid=["1", ".i", ".d", ".i"],
        nataidy=[".i", "3", ".i", ".n"],
        homosex=[".i", "1", "5", ".i"],
        homosex1=["4", "2", ".i", ".i"],
        abfelegl=["3", ".i", ".i", ".i"],
        abmelegl=[".i", "2", ".d", ".i"],
    )
    assert _said(people, "nataid") == [
        "I think that my country spends too little money on helping other countries.",
        "I think that my country spends too much money on helping other countries.",
        None,
        None,
    ]
    assert _codes(people, "homosex") == [4, 1, 5, TAGS["i"]]
    assert _codes(people, "abfelegl")[:2] == [3, 2]
    assert [(count.column, count.code) for count in people.findings.left_out] == [("homosex", 5)]


def test_the_poor_are_not_welfare(gss: Survey) -> None:
    spending = [question for question in gss.questions if question.category == "Government Spending"]
    split = {question.id for question in spending if len(question.data_columns) > 1}
    assert split == {
        "natspac",
        "natenvir",
        "natcity",
        "natcrime",
        "natdrug",
        "nateduc",
        "natrace",
        "natarms",
        "nataid",
    }
    assert gss.question("natfare").data_columns == ("natfare",)


def test_stata_tells_why_an_answer_is_missing_and_a_csv_file_does_not(gss: Survey) -> None:
    tagged = _people(gss, id=[1, 2, 3, 4], happy=["1", ".i", ".d", ".n"])
    assert tagged.findings.tags == (
        (".d", "don't know", 1),
        (".i", "not asked", 1),
        (".n", "no answer", 1),
    )
    assert tagged.findings.unknown == ()
    empty = _people(gss, id=[1, 2], happy=[1.0, None])
    assert _codes(empty, "happy") == [1, gss.blank]
    assert empty.findings.blank == 1


def test_people_have_their_weight_and_a_file_without_it_counts_everybody_as_one(gss: Survey) -> None:
    assert _people(gss, id=[1, 2], happy=[1, 2], wtssall=[0.5, 2.25]).weights.tolist() == [0.5, 2.25]
    newer = _people(gss, id=[1, 2], happy=[1, 2], wtssps=[0.5, 2.25])
    assert newer.weights.tolist() == [1.0, 1.0]
    assert newer.findings.unweighted == 2


def test_ids_start_over_in_each_year(gss: Survey) -> None:
    table = pl.DataFrame({"year": [2016, 2018], "id": [1.0, 1.0], "happy": [1, 3]})
    assert decode(table, gss, "gss.dta", "", ["year", "id"]).ids.tolist() == ["2016/1", "2018/1"]
    assert decode(table[1:], gss, "gss2018.dta", "", ["file", "id"]).ids.tolist() == ["gss2018/1"]
    assert decode(table[1:], gss, "gss2018.dta", "").ids.tolist() == ["1"]


def test_another_year_is_read_and_what_it_lacks_is_listed(gss: Survey) -> None:
    people = _people(gss, id=[1], happy=[2], natspacy=[1], income06=[7])
    assert _said(people, "natspac") == ["I think that my country spends too little money on exploring space."]
    assert len(people.findings.absent_questions) == len(gss.questions) - 2
    assert "income" in people.findings.absent_demographics


def test_background_has_the_labels_of_the_world_values_survey(gss: Survey, wvs7: Survey) -> None:
    people = _people(
        gss,
        id=[1, 2, 3],
        happy=[1, 2, 3],
        age=[18, 54, 89],
        marital=[5, 1, 2],
        wrkstat=[7, 3, 5],
        degree=[0, 3, 4],
        relig=[11, 5, 4],
        region=[1, 9, 5],
        born=[1, 2, 1],
        income16=[14, 27, 26],
    )
    assert people.demographics["age"].to_list() == ["16-24", "45-54", "65+"]
    assert people.demographics["country"].to_list() == ["United States"] * 3
    assert people.demographics["employment"].to_list() == ["homemaker", "employed but away from work", "retired"]
    assert people.demographics["education"].to_list() == [
        "less than high school",
        "bachelor's degree",
        "graduate degree",
    ]
    assert people.demographics["religion"].to_list() == [
        "Christian without a denomination",
        "another religion",
        "no religion",
    ]
    assert people.demographics["income"].to_list() == ["under $25,000", None, "$90,000 or more"]
    for name in ("sex", "age", "immigrant"):
        ours, theirs = gss.demographic(name).groups, wvs7.demographic(name).groups
        assert [(group.label, group.statement) for group in ours] == [(g.label, g.statement) for g in theirs]
    for name in ("marital_status", "employment", "religion"):
        known = {group.label: group.statement for group in wvs7.demographic(name).groups}
        shared = [group for group in gss.demographic(name).groups if group.label in known]
        assert len(shared) >= 5
        assert [group.statement for group in shared] == [known[group.label] for group in shared]


def test_missing_ages_of_older_releases_are_nobody_s_age(gss: Survey) -> None:
    people = _people(gss, id=[1, 2, 3], happy=[1, 2, 3], age=[89, 98, 99])
    assert people.demographics["age"].to_list() == ["65+", None, None]
    assert [(count.column, count.code) for count in people.findings.unknown] == [("age", 98), ("age", 99)]


# ------------------------------------------------------------------------- the real files


def test_the_real_file_is_read_whole(real: People) -> None:
    findings = real.findings
    assert (len(real), len(real.survey.questions)) == (2_348, 290)
    assert (findings.absent_questions, findings.absent_demographics, findings.unknown) == ((), (), ())
    assert (findings.blank, findings.unweighted, findings.row_numbers, findings.repeated) == (0, 0, 0, ())
    assert {(count.column, count.code) for count in findings.left_out} == {
        ("bible", 4),
        ("kidssol", 6),
        ("partyid", 7),
        ("relgeneq", 1),
    }
    assert {(tag, reason) for tag, reason, _ in findings.tags} == {
        (".d", "don't know"),
        (".i", "not asked"),
        (".n", "no answer"),
    }
    assert [column for _, column, _ in findings.filled] == ["nataidy", "homosex1", "abmelegl"]
    assert real.weights.mean() == pytest.approx(1, abs=0.001)


def test_every_code_of_the_real_file_is_accounted_for(real: People) -> None:
    survey, book = real.survey, _codebook()
    told = {(count.column, count.code) for count in real.findings.left_out}
    for question in survey.questions:
        known = {code for option in question.refined for code in option.codes} | set(question.left_out or ())
        for column in (column for column in question.data_columns if column in book):
            occurs = {int(code) for code in book[column]["counts"]}
            assert occurs <= known, column
            assert {(column, code) for code in occurs & set(question.left_out or ())} <= told
        assert set(_codes(real, question.id)) <= known | set(survey.missing), question.id
    for demographic in survey.demographics:
        (column,) = demographic.columns
        known = {code for group in demographic.groups for code in group.codes[column]} | set(demographic.left_out or ())
        assert {int(float(code)) for code in book[column]["counts"]} <= known, column


def test_an_option_holds_as_many_people_as_the_codebook_counts(real: People) -> None:
    book = _codebook()
    for question in real.survey.questions:
        if len(question.data_columns) == 1:
            counts = {int(code): people for code, people in book[question.id]["counts"].items()}
            for form in FORMS:
                options = real.options(form)[:, real.survey.positions[question.id]]
                expected = [sum(counts.get(code, 0) for code in o.codes) for o in question.options(form)]
                assert np.bincount(options[options >= 0], minlength=len(expected)).tolist() == expected, question.id


def test_the_csv_file_holds_the_same_answers(real: People) -> None:
    other = read_people(real_file(CSV))
    assert int((other.ids != real.ids).sum()) == 0
    assert other.demographics.equals(real.demographics)
    assert int((~np.isclose(other.weights, real.weights)).sum()) == 0
    for form in FORMS:
        assert int((other.options(form) != real.options(form)).sum()) == 0


def test_every_attitude_of_the_codebook_is_a_question_or_left_out_with_a_reason(gss: Survey) -> None:
    written = (Path(__file__).parents[1] / "src/indievalue/surveys/gss2018/survey.yaml").read_text(encoding="utf-8")
    reasons = written.split("# Columns that are no question here")[1].split("\nname:")[0]
    ranges = [(first, last) for first, last in re.findall(r"(\w+) to (\w+)", reasons) if first[:3] == last[:3]]
    assert ranges == [("knwbus", "knwnurse"), ("worda", "wordj"), ("whoelse1", "whoelse6")]
    read = {column for question in gss.questions for column in question.data_columns}
    read |= {column for demographic in gss.demographics for column in demographic.columns}
    unexplained = [
        name
        for name, row in _codebook().items()
        if row["attitude"]
        and name not in read
        and not re.search(rf"\b{name}\b", reasons)
        and not any(first <= name <= last for first, last in ranges)
    ]
    assert unexplained == []


def test_answers_to_other_questions_tell_the_right_label_of_trust_and_attend(real: People) -> None:
    trust, usually = np.array(_codes(real, "trust")), np.array(_codes(real, "cantrust"))
    share = [((usually >= 1) & (usually <= 2))[(trust == code) & (usually >= 1)].mean() for code in (1, 3, 2)]
    assert share == sorted(share, reverse=True)
    assert share[0] > 2 * share[2]
    attend, active = np.array(_codes(real, "attend")), np.array(_codes(real, "relactiv"))
    means = [active[(attend == code) & (active >= 1)].mean() for code in range(8)]
    assert means == sorted(means)


def test_people_of_each_ballot_can_be_tested(real: People) -> None:
    answered = real.options("refined") >= 0
    fewest = np.min([answered[:, setup].sum(axis=1) for setup in protocol_probes(real.survey, real.asked)], axis=0)
    ballot = pl.read_csv(real_file(CSV), columns=["ballot"])["ballot"].to_numpy()
    enough = fewest >= real.survey.sampling.answered_probes
    assert min(enough[ballot == number].mean() for number in (1, 2, 3)) > 0.9


def _codebook() -> dict[str, Any]:
    rows = (json.loads(line) for line in real_file(CODEBOOK).read_text(encoding="utf-8").splitlines())
    return {row["name"]: row for row in rows}
