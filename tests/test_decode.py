"""From the raw columns of a file to people: what every code becomes, and what the report says of it."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from conftest import garden_answers
from indievalue.choices import FORMS
from indievalue.errors import IndievalueError
from indievalue.people.catalog import why_missing
from indievalue.people.decode import decode, integer_codes, recognise
from indievalue.people.findings import CodeCount
from indievalue.people.people import People
from indievalue.survey.survey import Survey

NOT_ASKED, BLANK = -4, -5


def _decode(garden: Survey, **columns: Sequence[Any] | pl.Series) -> People:
    return decode(pl.DataFrame(columns), garden, "garden.csv", "fingerprint")


def _answers(people: People, question: str) -> list[int]:
    return people.codes[:, people.survey.positions[question]].tolist()


def _options(people: People, question: str) -> list[list[int]]:
    return [people.options(form)[:, people.survey.positions[question]].tolist() for form in FORMS]


# Codes


def test_answers_stay_raw_codes_and_become_options_of_both_forms(garden: Survey) -> None:
    people = _decode(garden, ID=["a", "b", "c", "d"], P1=[1, 2, 3, 4])
    assert _answers(people, "P1") == [1, 2, 3, 4]
    assert _options(people, "P1") == [[0, 0, 1, 1], [0, 1, 2, 3]]


def test_a_question_the_file_has_not_was_not_asked_and_is_reported(garden: Survey) -> None:
    people = _decode(garden, ID=["a", "b"], P1=[1, 2], N3=[1, 1])
    assert (people.codes[:, 1:9] == NOT_ASKED).all()
    assert people.findings.absent_questions == ("P2", "P3", "P4", "A1", "A2", "A3", "N1", "N2")
    assert "8 questions not in the file: P2, P3, P4, A1, A2 and 3 more" in people.findings.lines()
    assert people.findings.absent_demographics == ("region", "faith", "age", "birth_country")


def test_missing_codes_stay_what_they_are_and_are_no_answer(garden: Survey) -> None:
    people = _decode(garden, ID=["a", "b", "c"], P1=[-1, -4, -5])
    assert _answers(people, "P1") == [-1, -4, -5]
    assert _options(people, "P1") == [[-1, -1, -1]] * 2
    assert people.findings.unknown == ()


def test_an_unknown_code_is_missing_in_both_forms_and_reported(garden: Survey) -> None:
    people = _decode(garden, ID=["a", "b", "c", "d"], P1=[1, 5, 5, -99])
    assert _options(people, "P1") == [[0, -1, -1, -1]] * 2
    assert people.findings.unknown == (
        CodeCount("P1", -99, 1, "unknown code"),
        CodeCount("P1", 5, 2, "unknown code"),
    )
    assert any(
        line.startswith("3 answers read as missing, with codes garden does not know: P1 = 5 (2,")
        for line in people.findings.lines()
    )
    assert why_missing(people, 1, 0) == "unknown code 5"


def test_a_code_too_large_for_any_survey_is_reported_as_it_is(garden: Survey) -> None:
    people = _decode(garden, ID=["a", "b"], P1=[40_000, -70_000])
    assert [count.code for count in people.findings.unknown] == [-70_000, 40_000]
    assert _options(people, "P1") == [[-1, -1]] * 2


def test_a_left_out_code_is_missing_for_the_reason_the_spec_gives(garden: Survey) -> None:
    people = _decode(garden, ID=["a", "b"], N1=[7, 1], FAITH=[1, 9])
    assert _options(people, "N1") == [[-1, 0]] * 2
    assert people.findings.left_out == (CodeCount("N1", 7, 1, "another answer"), CodeCount("FAITH", 9, 1, "refused"))
    assert why_missing(people, 0, garden.positions["N1"]) == "another answer"
    assert people.demographics["faith"].to_list() == ["moon", None]


@pytest.mark.parametrize(
    "cells",
    [
        pl.Series([1, None, None]),
        pl.Series([1.0, None, float("nan")]),
        pl.Series(["1", "", "  "]),
        pl.Series(["1", ".", None]),
        pl.Series(["1", None, None], dtype=pl.Categorical),
    ],
    ids=["integer", "float", "text", "dot", "category"],
)
def test_an_empty_cell_is_the_blank_code_and_counted(garden: Survey, cells: pl.Series) -> None:
    people = _decode(garden, ID=["a", "b", "c"], P1=cells)
    assert _answers(people, "P1") == [1, BLANK, BLANK]
    assert people.findings.blank == 2
    assert "2 empty cells read as missing" in people.findings.lines()


def test_a_column_without_any_cell_filled_is_blank(garden: Survey) -> None:
    people = _decode(garden, ID=["a", "b"], P1=[None, None], P2=[1, 2], REGION=[None, None])
    assert _answers(people, "P1") == [BLANK, BLANK]
    assert people.findings.blank == 2
    assert people.demographics["region"].to_list() == [None, None]


@pytest.mark.parametrize(
    ("cells", "said"),
    [
        ([1.0, 2.5], "row 2 holds 2.5, which is a fraction"),
        (["1", "often"], "row 2 holds 'often', which is no answer code; export the file with codes instead of labels"),
        (["1", "y"], "row 2 holds 'y'"),
        (["1", "1,000"], "row 2 holds '1,000'"),
        ([1.0, 1e300], "row 2 holds 1e\\+300, which is too large"),
        ([1.0, float("inf")], "row 2 holds inf, which is too large"),
        (pl.Series([1, 2**64 - 1], dtype=pl.UInt64), "row 2 holds 18446744073709551615, which is too large"),
        ([True, False], "row 1 holds True"),
    ],
)
@pytest.mark.parametrize("column", ["P2", "REGION", "AGE"])
def test_what_is_no_code_is_refused_with_its_place(garden: Survey, column: str, cells: Any, said: str) -> None:
    with pytest.raises(IndievalueError, match=rf"^garden.csv: column {column}, {said}"):
        _decode(garden, ID=["a", "b"], P1=[1, 1], **{column: cells})


def test_rows_are_counted_as_in_the_file_though_some_are_dropped(garden: Survey) -> None:
    with pytest.raises(IndievalueError, match="row 4 holds 'often'"):
        _decode(garden, ID=["a", "a", "a", "b"], P1=["1", "1", "1", "often"])


@settings(deadline=None)
@given(st.lists(st.one_of(st.none(), st.integers(-(2**31), 2**31)), min_size=1))
def test_integers_floats_and_texts_are_the_same_codes(codes: list[int | None]) -> None:
    whole = pl.Series("P1", codes, pl.Int64)
    for column in (whole, whole.cast(pl.Float64), whole.cast(pl.String), whole.cast(pl.Float64).cast(pl.String)):
        assert integer_codes(column, "file").to_list() == codes


# People and their ids


def test_of_a_repeated_id_the_first_row_is_kept_and_reported(garden: Survey) -> None:
    people = _decode(garden, ID=["a", "b", "a", "a"], P1=[1, 2, 3, 7])
    assert people.ids.tolist() == ["a", "b"]
    assert _answers(people, "P1") == [1, 2]
    assert people.findings.repeated == (("a", 2),)
    assert (people.findings.rows, people.findings.people) == (4, 2)
    assert "2 rows dropped because the person id occurred before: a" in people.findings.lines()
    assert people.findings.unknown == (), "what only a dropped row holds is not reported"


def test_without_an_id_column_people_are_called_by_row_number(garden: Survey) -> None:
    people = _decode(garden, P1=[1, 2, 3])
    assert people.ids.tolist() == ["1", "2", "3"]
    assert people.findings.row_numbers == 3
    assert "3 people without an id: named by row number, the first row is 1" in people.findings.lines()


@pytest.mark.parametrize("nothing", [None, "", " "])
def test_a_person_without_an_id_is_called_by_row(garden: Survey, nothing: str | None) -> None:
    people = _decode(garden, ID=["a", nothing, "c"], P1=[1, 2, 3])
    assert people.ids.tolist() == ["a", "row 2", "c"]
    assert people.findings.row_numbers == 1
    assert "1 person without an id: named by row number, the first row is 1" in people.findings.lines()


@pytest.mark.parametrize(
    ("given_ids", "ids"),
    [
        ([1001, 1002], ["1001", "1002"]),
        ([1001.0, 1002.0], ["1001", "1002"]),
        (["1001.0", "1002.00"], ["1001", "1002"]),
        ([858069901.0, 123456789012.0], ["858069901", "123456789012"]),
        ([1.5, 1.25], ["1.5", "1.25"]),
        ([1.0, float("nan")], ["1", "row 2"]),
        (["007", "7"], ["007", "7"]),
        ([" a ", "b"], ["a", "b"]),
    ],
)
def test_ids_are_texts_as_they_were_written(garden: Survey, given_ids: list[Any], ids: list[str]) -> None:
    assert _decode(garden, ID=given_ids, P1=[1, 2]).ids.tolist() == ids


def test_rows_without_any_cell_filled_are_nobody(garden: Survey) -> None:
    people = _decode(garden, ID=["a", None, "b", None], P1=[1, None, None, None], REGION=["", "", "", "1"])
    assert people.ids.tolist() == ["a", "b", "row 4"]
    assert people.findings.empty_rows == 1
    assert "1 empty row dropped" in people.findings.lines()
    assert people.findings.rows == 4


def test_a_file_of_empty_rows_is_refused(garden: Survey) -> None:
    with pytest.raises(IndievalueError, match="2 rows, and all of them are empty"):
        _decode(garden, P1=[None, None])


def test_every_row_is_either_a_person_or_accounted_for(garden: Survey) -> None:
    table = garden_answers(20).vstack(garden_answers(20)[3:9])
    report = decode(table, garden, "garden.csv", "").findings
    assert report.rows == report.people + report.empty_rows + sum(rows for _, rows in report.repeated) == 26


@settings(deadline=None)
@given(st.permutations(range(12)))
def test_permuting_rows_permutes_people(garden: Survey, order: list[int]) -> None:
    table = garden_answers(12)
    people, permuted = (decode(rows, garden, "garden.csv", "") for rows in (table, table[order]))
    assert permuted.ids.tolist() == people.ids[order].tolist()
    assert np.array_equal(permuted.codes, people.codes[order])
    assert permuted.demographics.equals(people.demographics[order])
    assert np.array_equal(permuted.weights, people.weights[order])


# Weights


@pytest.mark.parametrize("nothing", [0.0, -1.0, None, float("nan"), float("inf")])
def test_a_weight_that_is_none_counts_as_one_and_is_told(garden: Survey, nothing: float | None) -> None:
    people = _decode(garden, ID=["a", "b"], P1=[1, 2], WEIGHT=[0.25, nothing])
    assert people.weights.tolist() == [0.25, 1.0]
    assert people.findings.unweighted == 1
    assert "1 person without a weight: counted with weight 1" in people.findings.lines()


def test_without_a_weight_column_everybody_counts_as_one(garden: Survey) -> None:
    people = _decode(garden, ID=["a", "b"], P1=[1, 2])
    assert people.weights.tolist() == [1.0, 1.0]
    assert people.findings.unweighted == 2


@pytest.mark.parametrize("cells", [["0.25", "3"], ["0,25", "3"], pl.Series([0.25, 3.0], dtype=pl.Float32), [0.25, 3]])
def test_weights_may_be_texts_with_a_point_or_a_comma(garden: Survey, cells: Any) -> None:
    assert _decode(garden, ID=["a", "b"], P1=[1, 2], WEIGHT=cells).weights.tolist() == [0.25, 3.0]


def test_a_text_is_no_weight(garden: Survey) -> None:
    with pytest.raises(IndievalueError, match=r"^garden.csv: column WEIGHT, row 2 holds 'heavy', which is no weight$"):
        _decode(garden, ID=["a", "b"], P1=[1, 2], WEIGHT=["1", "heavy"])


# Demographics


def test_a_group_is_taken_from_the_second_column_where_the_first_has_none(garden: Survey) -> None:
    people = _decode(garden, ID=list("abcd"), P1=[1] * 4, AGEGROUP=[1, None, -5, None], AGE=[80, 50, 20, None])
    assert people.demographics["age"].to_list() == ["under 40", "40 or more", "under 40", None]
    assert people.findings.filled == (("age", "AGE", 2),)
    assert "age of 2 people from AGE" in people.findings.lines()


def test_a_group_is_taken_from_the_second_column_where_the_first_is_absent(garden: Survey) -> None:
    people = _decode(garden, ID=["a"], P1=[1], AGE=[39])
    assert people.demographics["age"].to_list() == ["under 40"]
    assert people.findings.filled == (("age", "AGE", 1),)


def test_a_country_the_spec_does_not_list_is_named_by_the_gazetteer(garden: Survey) -> None:
    people = _decode(garden, ID=["a", "b", "c"], P1=[1, 1, 1], HOME=[276, 250, 554])
    assert people.demographics["birth_country"].to_list() == ["Germany", "France", "New Zealand"]
    assert people.findings.unknown == ()


@pytest.mark.parametrize("code", [999, 0, 1000, 123456])
def test_a_code_of_no_country_is_reported(garden: Survey, code: int) -> None:
    people = _decode(garden, ID=["a"], P1=[1], HOME=[code])
    assert people.demographics["birth_country"].to_list() == [None]
    assert people.findings.unknown == (CodeCount("HOME", code, 1, "unknown code"),)


def test_missing_codes_of_demographics_are_no_group_and_no_finding(garden: Survey) -> None:
    people = _decode(garden, ID=["a", "b"], P1=[1, 1], REGION=[-1, 3])
    assert people.demographics["region"].to_list() == [None, "Island"]
    assert people.findings.unknown == people.findings.left_out == ()


# Whole files


def test_a_whole_clean_file_is_one_line(gardeners: People) -> None:
    assert gardeners.findings.lines() == ["60 people of garden in garden.csv"]
    assert (gardeners.findings.source, gardeners.findings.fingerprint) == ("garden.csv", "fingerprint")
    assert gardeners.codes.dtype == np.int16


def test_a_table_with_no_question_of_the_survey_is_refused(garden: Survey) -> None:
    with pytest.raises(IndievalueError, match="none of the 10 questions of survey garden; its first column is 'ID'"):
        _decode(garden, ID=["a"], REGION=[1])


def test_a_table_without_rows_is_refused(garden: Survey) -> None:
    with pytest.raises(IndievalueError, match=r"garden\.csv has a header and no people"):
        _decode(garden, ID=[], P1=[])


def test_a_file_is_recognised_by_its_columns(garden: Survey, wvs7: Survey) -> None:
    surveys = [garden, wvs7]
    assert recognise(["REGION", "P1"], surveys, "file") is garden
    assert recognise(["B_COUNTRY", "Q1", "P1", "Q2"], surveys, "file") is wvs7
    assert recognise(["REGION", "B_COUNTRY", "Q1", "Q2", "P1"], surveys, "file") is wvs7
    for columns in (["REGION", "age"], ["P1", "P2"], []):
        with pytest.raises(IndievalueError, match=r"not a file of a survey indievalue knows, .*give --survey FOLDER"):
            recognise(columns, surveys, "file")
