"""Real survey files, as published: they are read whole, all tell of the same answers, and what is lost is known.

Skipped where the files are absent. No assertion compares anything of a single person in a way that would print it.
"""

from collections.abc import Callable

import numpy as np
import pytest

from conftest import real_file
from indievalue.choices import FORMS
from indievalue.people.people import People
from indievalue.people.read import read_people

NEW_ZEALAND = "native/WVS_Wave_7_New_Zealand_Spss_v1.4.sav"
RUSSIA = "native/WVS_Wave_7_Russian_Federation_Stata_v2.0.dta"
TURKEY = "native/WVS_Wave_7_Turkey_Csv_v5.0.csv"
SUBSET = "native/WVS_random_subset2000.csv"
EVERYBODY = "wvs7_66countries_101questions.csv.gz"

Read = Callable[[str], People]


@pytest.fixture(scope="module")
def read() -> Read:
    """Reads each file once."""
    known: dict[str, People] = {}

    def read_once(name: str) -> People:
        if name not in known:
            known[name] = read_people(real_file(name))
        return known[name]

    return read_once


def _findings(people: People) -> dict[str, object]:
    """The kinds of findings in a report that are not empty, with the codes and columns they are about."""
    report = people.findings
    found: dict[str, object] = {
        "absent_questions": report.absent_questions,
        "absent_demographics": report.absent_demographics,
        "filled": {(name, column) for name, column, _ in report.filled},
        "left_out": {(count.column, count.code) for count in report.left_out},
        "unknown": {(count.column, count.code) for count in report.unknown},
        "blank": report.blank,
        "empty_rows": report.empty_rows,
        "repeated": len(report.repeated),
        "row_numbers": report.row_numbers,
        "unweighted": report.unweighted,
    }
    return {kind: finding for kind, finding in found.items() if finding}


@pytest.mark.parametrize(("name", "people"), [(NEW_ZEALAND, 1_057), (RUSSIA, 1_810), (TURKEY, 2_415)])
def test_a_file_of_one_country_holds_the_answers_of_the_joint_file(
    name: str, people: int, read: Read, real_people: People
) -> None:
    native = read(name)
    assert len(native) == people
    rows = [real_people.rows.get(person, -1) for person in native.ids.tolist()]
    assert rows.count(-1) == 0
    joint = real_people.take(rows)
    for form in FORMS:
        assert int((native.options(form) != joint.options(form)).sum()) == 0
    assert int((~np.isclose(native.weights, joint.weights)).sum()) == 0


@pytest.mark.parametrize(
    ("name", "findings"),
    [
        (
            NEW_ZEALAND,
            {
                "absent_questions": ("Q86",),
                "absent_demographics": ("ethnic_group",),
                "filled": {("age", "Q262")},
                "left_out": {("Q254", 5)},
            },
        ),
        (RUSSIA, {"left_out": {("Q111", 3)}}),
        (
            TURKEY,
            {
                "absent_questions": ("Q245",),
                "absent_demographics": ("home_language",),
                "left_out": {("Q111", 3), ("Q254", 5)},
            },
        ),
    ],
)
def test_the_report_of_a_country_holds_what_is_lost_and_nothing_else(
    name: str, findings: dict[str, object], read: Read
) -> None:
    assert _findings(read(name)) == findings


def test_of_new_zealand_all_but_a_few_ages_come_from_a_second_column(read: Read) -> None:
    people = read(NEW_ZEALAND)
    assert people.findings.filled == (("age", "Q262", 1_028),)
    assert people.demographics["age"].null_count() == 1_057 - 1_028


def test_the_joint_file_has_everybody_and_no_unknown_code(real_people: People) -> None:
    assert len(real_people) == 25_955
    assert _findings(real_people) == {
        "filled": {("age", "Q262")},
        "left_out": {("Q111", 3), ("Q254", 5), ("Q272", 1940), ("Q272", 3750), ("Q272", 4530)},
    }
    assert real_people.demographics["country"].n_unique() == 14


def test_what_is_missing_of_a_left_out_code_is_counted_to_the_person(real_people: People) -> None:
    at = real_people.survey.positions["Q111"]
    (count,) = [count for count in real_people.findings.left_out if count.column == "Q111"]
    gave_it = real_people.codes[:, at] == 3
    assert int(gave_it.sum()) == count.people
    assert int((real_people.options("refined")[gave_it, at] >= 0).sum()) == 0


def test_everybody_of_66_countries_is_read_without_ids_and_weights(read: Read) -> None:
    people = read(EVERYBODY)
    assert len(people) == 97_220
    assert bool((people.ids == np.arange(1, 97_221).astype(str)).all())
    assert people.demographics["country"].n_unique() == 66
    findings = _findings(people)
    assert findings.keys() == {
        "absent_questions",
        "absent_demographics",
        "filled",
        "left_out",
        "blank",
        "row_numbers",
        "unweighted",
    }
    assert findings["row_numbers"] == findings["unweighted"] == 97_220
    assert len(people.findings.absent_questions) == 168
    assert int(people.asked.sum()) == 253 - 168


def test_of_the_random_subset_the_repeated_id_is_reported(read: Read) -> None:
    report = read(SUBSET).findings
    assert (report.rows, report.people) == (2_007, 1_987)
    assert [rows for _, rows in report.repeated] == [20]
    assert {count.column for count in report.unknown} == {"Q290"}
    assert len(report.absent_questions) == 165


@pytest.mark.parametrize("name", [NEW_ZEALAND, RUSSIA, TURKEY, SUBSET])
def test_every_row_of_a_file_is_a_person_or_reported(name: str, read: Read) -> None:
    report = read(name).findings
    assert report.rows == report.people + report.empty_rows + sum(rows for _, rows in report.repeated)
