"""From the raw columns of a file to people: what every code becomes, and what the report says of it."""

from collections.abc import Sequence
from dataclasses import replace
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
from indievalue.people.columns import recognise, renamed
from indievalue.people.decode import decode
from indievalue.people.findings import CodeCount
from indievalue.people.numbers import integer_codes
from indievalue.people.people import People
from indievalue.survey.codes import missing_code
from indievalue.survey.model import Option
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


def test_decimal_commas_of_whole_codes_are_codes(garden: Survey) -> None:
    assert _answers(_decode(garden, ID=["a", "b"], P1=["1,0", "3,0"]), "P1") == [1, 3]


@pytest.mark.parametrize("codes", [[65537, 1], [65536 + 2, -65535], [2**31 + 1, -(2**31) + 1], [32767, -32768]])
@pytest.mark.parametrize("kind", [pl.Int64, pl.Float64, pl.String])
def test_a_code_beyond_16_bits_never_becomes_another(garden: Survey, codes: list[int], kind: type[pl.DataType]) -> None:
    people = _decode(garden, ID=["a", "b"], P1=pl.Series(codes).cast(kind), REGION=pl.Series(codes).cast(kind))
    assert _options(people, "P1")[1] == [-1 if abs(code) > 9 else code - 1 for code in codes]
    found = {(count.column, count.code) for count in people.findings.unknown}
    assert found >= {(column, code) for column in ("P1", "REGION") for code in codes if abs(code) > 9}


def test_integers_of_more_than_64_bits_are_refused(garden: Survey) -> None:
    cells = pl.Series([1, 10**23], dtype=pl.Int128)
    with pytest.raises(IndievalueError, match="column P1, row 2 holds 100000000000000000000000, which is too large"):
        _decode(garden, ID=["a", "b"], P1=cells)


def test_true_and_false_are_codes_only_where_the_survey_has_no_others(garden: Survey) -> None:
    yes_no = replace(garden.questions[0], polar=(Option((0,), "I do."), Option((1,), "I do not.")))
    survey = replace(garden, questions=(replace(yes_no, refined=yes_no.polar), *garden.questions[1:]))
    for cells in (["TRUE", "false"], [True, False], ["1", "FALSE"], ["1,0", "0"]):
        people = decode(pl.DataFrame({"ID": ["a", "b"], "P1": cells}), survey, "f", "")
        assert people.codes[:, 0].tolist() == [1, 0]


def test_extended_missing_values_of_stata_keep_their_meaning(garden: Survey) -> None:
    survey = replace(garden, missing={**garden.missing, missing_code(".d"): "don't know"})
    people = decode(pl.DataFrame({"ID": list("abcd"), "P1": [".d", ".I", ".d", "1"]}), survey, "f", "")
    assert [why_missing(people, row, 0) for row in range(3)] == ["don't know", "tagged .i", "don't know"]
    assert people.findings.tags == ((".d", "don't know", 2), (".i", "", 1))
    assert "3 cells read as missing, tagged by Stata: .d (2, don't know), .i (1)" in people.findings.lines()
    assert people.findings.unknown == ()


def test_group_labels_are_read_in_place_of_codes(garden: Survey) -> None:
    labels = [group.label for group in garden.demographic("region").groups][:2]
    cells = [labels[0].upper(), f" {labels[1]} ", "1"]
    people = _decode(garden, ID=["a", "b", "c"], P1=[1, 1, 1], REGION=cells)
    first = garden.demographic("region").groups[0]
    assert people.demographics["region"].to_list()[:2] == labels
    assert (people.demographics["region"][2] == labels[0]) == (1 in first.codes["REGION"])
    with pytest.raises(IndievalueError, match="column REGION, row 2 holds 'Atlantis', which is no answer code"):
        _decode(garden, ID=["a", "b"], P1=[1, 1], REGION=[labels[0], "Atlantis"])


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


def test_a_row_that_is_repeated_exactly_is_dropped_and_reported(garden: Survey) -> None:
    people = _decode(garden, ID=["a", "b", "a", "a"], P1=[7, 2, 7, 7])
    assert people.ids.tolist() == ["a", "b"]
    assert _answers(people, "P1") == [7, 2]
    assert people.findings.repeated == (("a", 2),)
    assert (people.findings.rows, people.findings.people) == (4, 2)
    assert "2 rows dropped because the person id occurred before: a" in people.findings.lines()
    assert people.findings.unknown == (CodeCount("P1", 7, 1, "unknown code"),), "of a dropped row nothing is reported"


def test_rows_that_share_an_id_and_differ_are_refused(garden: Survey) -> None:
    with pytest.raises(
        IndievalueError,
        match=r"^garden.csv: 1 id is shared by rows that differ, first 'a' of row 1 and row 3; no other column of the "
        r"survey makes them unique: .* --person-columns A,B$",
    ):
        _decode(garden, ID=["a", "b", "a", "a"], P1=[1, 2, 3, 7])
    with pytest.raises(IndievalueError, match="first 'a' of row 1 and row 2"):
        _decode(garden, ID=["a", "a"], P1=[1, 1], WEIGHT=[0.5, 1])


def test_ids_that_restart_in_each_region_say_which_columns_make_them_unique(garden: Survey) -> None:
    columns = {"ID": [1, 2, 1, 2], "REGION": [1, 1, 3, 3], "AGEGROUP": [1, 2, 1, 2], "P1": [1, 2, 2, 3]}
    with pytest.raises(
        IndievalueError,
        match=r"2 ids are shared .* together with REGION they are unique: give --person-columns REGION,ID, or "
        r"`person: \[REGION, ID\]` in the survey$",
    ):
        _decode(garden, **columns)
    people = decode(pl.DataFrame(columns), garden, "garden.csv", "", ["REGION", "ID"])
    assert people.ids.tolist() == ["1/1", "1/2", "3/1", "3/2"]
    assert _answers(people, "P1") == [1, 2, 2, 3]


def test_a_survey_may_tolerate_a_few_ids_that_its_published_file_repeats(garden: Survey) -> None:
    survey = replace(garden, repeated_ids=1)
    people = decode(pl.DataFrame({"ID": ["a", "b", "a"], "P1": [1, 2, 3]}), survey, "f", "")
    assert (people.ids.tolist(), _answers(people, "P1")) == (["a", "b"], [1, 2])
    assert people.findings.repeated == (("a", 1),)
    with pytest.raises(IndievalueError, match="2 ids are shared by rows that differ"):
        decode(pl.DataFrame({"ID": ["a", "b", "a", "b"], "P1": [1, 2, 3, 4]}), survey, "f", "")


def test_ids_of_two_columns_are_never_confused(garden: Survey) -> None:
    columns = {"A": ["1", "11"], "B": ["11", "1"], "P1": [1, 2]}
    assert decode(pl.DataFrame(columns), garden, "f", "", ["A", "B"]).ids.tolist() == ["1/11", "11/1"]
    with pytest.raises(IndievalueError, match="column A, row 2 holds '1/1', which is an id with '/' in it"):
        decode(pl.DataFrame(columns | {"A": ["1", "1/1"]}), garden, "f", "", ["A", "B"])
    with pytest.raises(IndievalueError, match="f has no column C, which is to identify a person"):
        decode(pl.DataFrame(columns), garden, "f", "", ["A", "C"])


def test_a_survey_may_identify_people_by_several_columns(garden: Survey) -> None:
    survey = replace(garden, person=("REGION", "ID"))
    table = pl.DataFrame({"REGION": [1, 3, None], "ID": [7, 7, 8], "P1": [1, 2, 3]})
    assert decode(table, survey, "f", "").ids.tolist() == ["1/7", "3/7", "row 3"]
    with pytest.raises(IndievalueError, match="f has no column REGION"):
        decode(table.drop("REGION"), survey, "f", "")
    people = decode(table.drop("ID"), survey, "f", "")  # a region is something else than a part of an absent id
    assert (people.ids.tolist(), people.findings.row_numbers) == (["1", "2", "3"], 3)
    assert decode(table.drop("REGION", "ID"), survey, "f", "").ids.tolist() == ["1", "2", "3"]


@pytest.mark.parametrize(
    ("cells", "said"),
    [
        (["5.54E+08", "1"], "row 1 holds '5.54E\\+08', which is an id that a spreadsheet has shortened"),
        (["1", "1e+18"], "row 2 holds '1e\\+18', which is an id that a spreadsheet has shortened"),
        ([1.0, 1234567890123456789.0], "row 2 holds 1.2345678901234568e\\+18, which is an id of more digits"),
        (["1", "1\0"], "row 2 holds '1\\\\x00', which is an id with a byte that is no text"),
    ],
)
def test_ids_that_have_lost_digits_are_refused(garden: Survey, cells: list[Any], said: str) -> None:
    with pytest.raises(IndievalueError, match=f"^garden.csv: column ID, {said}"):
        _decode(garden, ID=cells, P1=[1, 2])


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
        ([-2.0, 3.0], ["-2", "3"]),
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


def test_a_row_of_nan_and_null_is_empty(garden: Survey) -> None:
    people = _decode(garden, P1=[1.0, float("nan"), None, 2.0], P2=[float("nan"), None, float("nan"), None])
    assert (people.findings.empty_rows, _answers(people, "P1")) == (2, [1, 2])


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


def test_people_without_a_group_are_counted_by_demographic(garden: Survey) -> None:
    whole = {"ID": ["a", "b", "c"], "P1": [1, 2, 1], "REGION": [1, 2, 3], "AGEGROUP": [1, 2, 1], "AGE": [20, 50, 30]}
    assert not any("group" in line for line in _decode(garden, **whole).findings.lines())
    emptied = {**whole, "REGION": [1, None, 9], "AGEGROUP": [1, None, None], "AGE": [20, 50, None]}
    findings = _decode(garden, **emptied).findings
    assert findings.ungrouped == (("region", 2), ("age", 1))
    assert "people without a group: region (2), age (1)" in findings.lines()
    many = replace(findings, ungrouped=tuple((f"d{number}", number) for number in range(1, 9)))
    assert "people without a group: d8 (8), d7 (7), d6 (6), d5 (5), d4 (4) and 3 more" in many.lines()


def test_a_weight_of_0_stays_0(garden: Survey) -> None:
    people = _decode(garden, ID=["a", "b"], P1=[1, 2], WEIGHT=[0.25, 0])
    assert people.weights.tolist() == [0.25, 0.0]
    assert people.findings.unweighted == 0


@pytest.mark.parametrize(
    ("cells", "said"),
    [
        ([1.0, -0.5], "row 2 holds -0.5, which is less than 0"),
        ([float("inf"), 1.0], "row 1 holds inf, which is no weight"),
        (["0.5", "1,234"], "row 1 holds '0.5', which is written with a point, while other cells .* have commas"),
        (["1", "1,234"], "row 2 holds '1,234', which is either 1.234 or 1234: write it with a decimal point"),
        (["12,345,678", "1,234"], "row 1 holds '12,345,678', which is either 12.345,678 or 12345678"),
        (["0,5", "1,234,5"], "row 2 holds '1,234,5', which is no weight"),
    ],
)
def test_what_is_no_weight_is_refused_with_its_place(garden: Survey, cells: list[Any], said: str) -> None:
    with pytest.raises(IndievalueError, match=f"^garden.csv: column WEIGHT, {said}"):
        _decode(garden, ID=["a", "b"], P1=[1, 2], WEIGHT=cells)


@pytest.mark.parametrize("cells", [["0,25", "1,234"], ["0,250", "1,234"], ["0.25", "1.234"]])
def test_a_column_of_weights_has_one_decimal_sign(garden: Survey, cells: list[str]) -> None:
    assert _decode(garden, ID=["a", "b"], P1=[1, 2], WEIGHT=cells).weights.tolist() == [0.25, 1.234]


@pytest.mark.parametrize("nothing", [None, float("nan")])
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
    assert recognise(["b_country", "q1 ", "Q2: Family"], surveys, "file") is wvs7
    for columns in (["REGION", "age"], ["P1", "P2"], []):
        with pytest.raises(IndievalueError, match=r"not a file of a survey indievalue knows, .*give --survey FOLDER"):
            recognise(columns, surveys, "file")


@pytest.mark.parametrize(
    ("columns", "said"),
    [
        (["B_COUNTRY", "Q1P", "Q2P"], "it looks like the WVS-7 file with inverted scales: download the one without"),
        (["V1", "V2", "V4", "V10"], "it looks like wave 6 or an earlier one of the WVS"),
        (["S003", "S020", "A001"], "it looks like the time series of WVS or EVS"),
        (["id_cocas", "v1", "v2", "v7"], "it looks like the European Values Study"),
    ],
)
def test_a_file_that_is_often_taken_for_another_is_named(columns: list[str], said: str, wvs7: Survey) -> None:
    with pytest.raises(IndievalueError, match=said):
        recognise(columns, [wvs7], "file")


def test_columns_are_found_under_other_names() -> None:
    columns = ["Q1", "q2", " Q3 ", "Q4: Work", "Q5 - Rest", "q6 (label)", "Q7 at home", "Q80", "\ufeffid"]
    assert renamed(columns, ["Q1", "Q2", "Q3", "Q4", "Q5", "Q6", "Q7", "Q8", "ID"], "f") == {
        "Q1": "Q1",
        "q2": "Q2",
        " Q3 ": "Q3",
        "\ufeffid": "ID",
        "Q4: Work": "Q4",
        "Q5 - Rest": "Q5",
        "q6 (label)": "Q6",
    }
    assert renamed(["Q1", "q1"], ["Q1"], "f") == {"Q1": "Q1"}
    assert renamed(["q1", "Q1: Work"], ["Q1"], "f") == {"q1": "Q1"}
    for both in (["q1", "Q1 "], ["Q1: Work", "Q1 - Work"]):
        with pytest.raises(IndievalueError, match=r"f has no column Q1, and .* may both be it"):
            renamed(both, ["Q1"], "f")


@pytest.mark.parametrize("code", [32_001, 65_537, -32_001, 10**12])
def test_a_code_that_16_bits_cannot_hold_stands_for_no_option_and_is_reported(garden: Survey, code: int) -> None:
    people = _decode(garden, ID=["a", "b"], P1=[code, 32_000])
    assert people.codes[:, 0].tolist() == [32_001, 32_000]
    assert people.findings.unknown == tuple(
        CodeCount("P1", found, 1, "unknown code") for found in sorted([code, 32_000])
    )
