"""The European Social Survey, round 9: what its files do that others do not, on rows made by hand and on real files."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

from conftest import real_file
from indievalue.errors import IndievalueError
from indievalue.people.decode import decode
from indievalue.people.people import People
from indievalue.people.read import read_people
from indievalue.survey.load import load_survey
from indievalue.survey.survey import Survey

ESTONIA = "others/ess9/ESS9EE.sav"
COUNTRIES = "others/ess9/ess9_29countries_20items.csv.gz"


@pytest.fixture(scope="module")
def ess9() -> Survey:
    return load_survey("ess9")


def _people(survey: Survey, **columns: Sequence[Any]) -> People:
    return decode(pl.DataFrame(columns), survey, "ess.csv", "")


def _said(people: People, question: str, form: str = "refined") -> list[str | None]:
    """What everybody says on a question; None where they say nothing."""
    at = people.survey.positions[question]
    options = people.survey.question(question).options(form)  # type: ignore[arg-type]
    return [
        None if option < 0 else options[option].statement
        for option in people.options(form)[:, at].tolist()  # type: ignore[arg-type]
    ]


def test_people_of_two_countries_may_have_the_same_number(ess9: Survey) -> None:
    people = _people(ess9, cntry=["EE", "NO"], idno=[7, 7], polintr=[1, 4])
    assert people.ids.tolist() == ["EE/7", "NO/7"]
    assert people.demographics["country"].to_list() == ["Estonia", "Norway"]


def test_a_file_of_countries_without_ids_is_read_and_numbered(ess9: Survey) -> None:
    people = _people(ess9, cntry=["EE", "FI"], polintr=[1, 4])
    assert people.ids.tolist() == ["1", "2"]
    assert people.findings.row_numbers == 2


def test_the_weight_is_the_product_of_two(ess9: Survey) -> None:
    people = _people(ess9, cntry=["EE"], idno=[1], polintr=[1], pspwght=[1.5], pweight=[0.2], dweight=[9.0])
    assert people.weights.tolist() == pytest.approx([0.3])


def test_7_to_9_are_missing_on_short_scales_and_answers_from_0_to_10(ess9: Survey) -> None:
    codes = [4, 7, 8, 9, 10, 77, 88, 99]
    people = _people(ess9, cntry=["EE"] * 8, idno=range(8), polintr=codes, trstprl=codes, rlgatnd=codes)
    trust = "I have a great deal of trust in my country's parliament."
    assert _said(people, "trstprl")[2:] == [trust, trust, trust, None, None, None]
    assert [said is None for said in _said(people, "polintr")] == [False, *[True] * 7]
    assert _said(people, "rlgatnd")[1] == "I never go to religious services, apart from weddings and funerals."
    assert {(count.column, count.code) for count in people.findings.unknown} == {
        *(("polintr", code) for code in (10, 77, 88, 99)),
        ("rlgatnd", 10),
    }


def test_a_missing_answer_on_incomes_is_6_to_9_and_below_0_is_too_low(ess9: Survey) -> None:
    people = _people(ess9, cntry=["EE"] * 5, idno=range(5), netifr=[-4, 0, 4, 6, 9], wltdffr=[-1, 0, 1, 7, 8])
    too = "I think that my net income from work, a pension, or benefits is too {}, which is unfair."
    assert _said(people, "netifr", "polar") == [
        too.format("low"),
        "I think that my net income from work, a pension, or benefits is fair.",
        too.format("high"),
        None,
        None,
    ]
    assert _said(people, "wltdffr")[0] == (
        "I think that the gap in wealth between people in my country is too small, which is slightly unfair."
    )
    assert people.findings.unknown == ()


def test_one_column_asks_about_women_or_about_men(ess9: Survey) -> None:
    people = _people(ess9, cntry=["EE"] * 3, idno=range(3), admge=[1, 2, 9], aftjbyc=[1, 5, 5])
    assert _said(people, "aftjbyc_women") == [
        "I strongly disapprove if a woman works full time while she has children younger than three.",
        None,
        None,
    ]
    assert _said(people, "aftjbyc_men") == [
        None,
        "I strongly approve if a man works full time while he has children younger than three.",
        None,
    ]


def test_ages_are_grouped_and_never_has_its_place_at_the_end_of_the_scale(ess9: Survey) -> None:
    ages = {"tygmr": [0, 18, 111], "tolvpnt": [25, 30, 0], "iagpnt": [0, 23, 777]}
    people = _people(ess9, cntry=["EE"] * 3, idno=range(3), admge=[2, 2, 2], **ages)
    assert _said(people, "tygmr_men") == [
        "I think that a man is never too young to marry.",
        "I think that the age below which a man is too young to marry is 18.",
        "I think that a man should never marry.",
    ]
    assert people.options("refined")[:, ess9.positions["tygmr_men"]].tolist() == [0, 3, 6]
    assert people.options("refined")[:, ess9.positions["tolvpnt_men"]].tolist() == [2, 4, 5]
    assert _said(people, "iagpnt_men") == [
        "I think that there is no best age for a man to become a father.",
        "I think that the best age for a man to become a father is 23 or 24.",
        None,
    ]
    assert not ess9.question("iagpnt_men").ordered
    assert people.findings.unknown == ()


def test_scales_run_in_the_direction_of_the_codebook(ess9: Survey) -> None:
    ends = {
        "euftf": ("far too much already", "unite much more"),
        "imbgeco": ("harms", "helps"),
        "plnftr": ("plan ahead", "from one day to the next"),
        "lrscale": ("on the left", "on the right"),
        "rlgdgr": ("not at all religious", "very religious"),
        "psppsgva": ("no say", "a great deal of say"),
        "sclmeet": ("never get together", "every day"),
        "pray": ("every day", "never pray"),
        "freehms": ("strongly agree", "strongly disagree"),
        "anvcld_men": ("strongly disapprove", "strongly approve"),
        "ipcrtiv": ("very much like", "not at all like"),
        "hincfel": ("in comfort", "very hard"),
        "recskil": ("not at all", "a great deal"),
    }
    for question, (low, high) in ends.items():
        options = ess9.question(question).refined
        assert low in options[0].statement, question
        assert high in options[-1].statement, question


def test_what_was_not_asked_of_some_is_known_from_the_question_before(ess9: Survey) -> None:
    people = _people(
        ess9,
        cntry=["EE"] * 4,
        idno=range(4),
        polintr=[1] * 4,
        rlgblg=[2, 1, 1, 7],
        rlgdnm=[66, 3, 77, 66],
        bthcld=[2, 1, 1, 8],
        nbthcld=[66, 2, 88, 66],
        rshpsts=[66, 3, 1, 66],
        maritalb=[4, 6, 1, 77],
        pdjobev=[2, 6, 1, 9],
        isco08=[66666, 2310, 88888, 77777],
    )
    shown = people.demographics
    assert shown["religion"].to_list() == ["no religion", "Orthodox Christian", "unknown religion", None]
    assert shown["children"].to_list() == ["no children", "two children", "children of unknown number", None]
    assert shown["marital_status"].to_list() == ["divorced", "living with a partner", "married", None]
    assert shown["occupation"].to_list() == [
        "never had a job",
        "professional or technical",
        "unknown occupation",
        None,
    ]
    assert people.findings.unknown == ()


def test_a_party_has_its_country_and_a_code_of_7_or_8_may_be_one(ess9: Survey) -> None:
    people = _people(
        ess9,
        cntry=["AT", "CY", "DE", "EE", "EE", "NL"],
        idno=range(6),
        polintr=[1] * 6,
        clsprty=[1, 1, 1, 2, 1, 8],
        prtcldat=[7, None, None, None, None, None],
        prtclbcy=[None, 8, None, None, None, None],
        prtclede=[None, None, 9, None, None, None],
        prtclgee=[None, None, None, 66, 77, None],
        prtclfnl=[None, None, None, None, None, 66],
    )
    assert people.demographics["party"].to_list() == [
        "NEOS (Austria)",
        "EDEK (Cyprus)",
        "another party",
        "no party",
        "unknown party",
        None,
    ]
    assert people.findings.unknown == ()
    assert "clsprty" not in ess9.positions  # the group would answer it


def test_education_has_the_levels_of_isced_or_where_they_are_absent_those_of_es_isced(ess9: Survey) -> None:
    both = _people(ess9, cntry=["EE"] * 2, idno=[1, 2], polintr=[1, 1], edulvlb=[113, 5555], eisced=[1, 55])
    one = _people(ess9, cntry=["EE"] * 2, polintr=[1, 1], eisced=[1, 6])
    assert both.demographics["education"].to_list() == ["primary education", None]
    assert one.demographics["education"].to_list() == ["primary education or none", "bachelor's degree"]


def test_a_language_is_told_by_its_letters_whatever_their_case(ess9: Survey) -> None:
    languages = ["EST", "rus", "NOB", "XHO", "777", None]
    people = _people(ess9, cntry=["EE"] * 6, idno=range(6), polintr=[1] * 6, lnghom1=languages)
    assert people.demographics["home_language"].to_list() == [
        "Estonian",
        "Russian",
        "Norwegian",
        "another language",
        None,
        None,
    ]


def test_a_file_of_another_round_is_not_taken_for_it_but_can_be_read_as_it(tmp_path: Path) -> None:
    file = tmp_path / "round8.csv"
    pl.DataFrame({"cntry": ["EE"], "idno": [1], "essround": [8], "polintr": [2], "clmchng": [1]}).write_csv(file)
    with pytest.raises(IndievalueError, match="is not a file of a survey indievalue knows"):
        read_people(file)
    assert len(read_people(file, "ess9")) == 1


@pytest.fixture(scope="module")
def estonians() -> People:
    return read_people(real_file(ESTONIA))


def test_every_code_of_the_estonian_file_is_accounted_for(estonians: People) -> None:
    report = estonians.findings
    assert (report.survey, len(estonians)) == ("ess9", 1_904)
    assert report.unknown == ()
    assert report.absent_questions == report.absent_demographics == ()
    assert report.blank == report.row_numbers == report.unweighted == 0
    assert {(count.column, count.code) for count in report.left_out} == {
        ("ifredu", 55),
        ("iagrtr", 222),
        ("tygrtr", 222),
        ("towkht", 111),
        ("eisced", 55),
        *((column, 5555) for column in ("edulvlb", "edulvlfb", "edulvlmb")),
    }


def test_estonians_were_asked_about_women_or_about_men(estonians: People) -> None:
    answered = estonians.options("refined") >= 0
    at = estonians.survey.positions
    assert int((answered[:, at["anvcld_women"]] & answered[:, at["anvcld_men"]]).sum()) == 0
    assert int((answered[:, at["anvcld_women"]] | answered[:, at["anvcld_men"]]).sum()) == 1_904
    ages = {who: estonians.codes[answered[:, at[f"tochld_{who}"]], at[f"tochld_{who}"]] for who in ("women", "men")}
    # People set an earlier end to having children for women: group 1 is the one that was asked about them.
    assert np.median(ages["women"]) < np.median(ages["men"])


def test_the_file_of_29_countries_has_the_same_estonians(estonians: People) -> None:
    everybody = read_people(real_file(COUNTRIES))
    report = everybody.findings
    assert (report.survey, len(everybody)) == ("ess9", 49_519)
    assert report.unknown == ()
    assert {(count.column, count.code) for count in report.left_out} == {("eisced", 55)}
    assert len(everybody.survey.questions) - len(report.absent_questions) == 20
    assert everybody.demographics["country"].n_unique() == 29
    here = (everybody.demographics["country"] == "Estonia").to_numpy()
    trust = estonians.survey.positions["trstprl"]
    counts = [
        np.bincount(one[:, trust] + 1, minlength=6).tolist()
        for one in (estonians.options("refined"), everybody.options("refined")[here])
    ]
    assert counts[0] == counts[1]
