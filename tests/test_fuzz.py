"""A short run of the fuzzer (see tests/fuzz), and what it has found: damage never changes anybody silently."""

from pathlib import Path

import pytest

from fuzz import files, formats
from fuzz.__main__ import outcomes
from fuzz.grid import Grid, undamaged
from fuzz.says import MustRefuseError, difference, said_by, said_of
from indievalue.people.read import read_people


@pytest.mark.parametrize("name", formats.NAMES)
def test_the_undamaged_file_says_the_same_to_every_reader(name: str, tmp_path: Path) -> None:
    whole, survey, truth = files._truth(name.endswith(".por"))
    try:
        formats.write_grid(whole, tmp_path / name)
    except formats.NotInstalledError as missing:
        pytest.skip(str(missing))
    assert difference(said_of(read_people(tmp_path / name, survey)), truth) == ""
    again = formats.plain(tmp_path / name, formats.SEPARATORS.get(formats.ending_of(name), ","), whole.header)
    assert again is None or difference(said_by(again, survey), truth) == ""


def test_the_oracle_tells_a_changed_cell_and_an_unreported_one() -> None:
    whole, survey = undamaged()
    truth = said_by(whole, survey)
    other = whole.copy()
    at = other.header.index("Q1")
    other.rows[0][at] = 1 if other.rows[0][at] != 1 else 2
    assert difference(said_by(other, survey), truth).startswith("codes of '554070000'")
    blank = whole.copy()
    blank.rows[0][at] = None
    hidden = said_by(blank, survey)
    hidden.report = truth.report
    assert difference(hidden, said_by(blank, survey)).startswith("report of blank")
    for odd in ("1.5", "often", "1e400", "1,5,"):
        blank.rows[0][at] = odd
        with pytest.raises(MustRefuseError):
            said_by(blank, survey)
    with pytest.raises(MustRefuseError, match="no people"):
        said_by(Grid(whole.header, []), survey)


def test_damaged_survey_files_are_read_as_they_say_or_refused() -> None:
    found = [(number, one) for number, one in outcomes("files", 3, range(60), 1, None) if one.outcome == files.FINDING]
    assert found == []


def test_damaged_files_of_our_own_are_loaded_as_they_say_or_refused() -> None:
    found = [
        (number, one) for number, one in outcomes("boundaries", 4, range(40), 1, None) if one.outcome == files.FINDING
    ]
    assert found == []


@pytest.mark.parametrize("column", ["B_COUNTRY", "Q260", "X003R", "Q288R", "Q289"])
def test_an_emptied_demographic_is_reported(column: str, tmp_path: Path) -> None:
    whole, _, _ = files._truth(short=False)
    emptied = whole.copy()
    for row in emptied.rows[3:7]:
        row[whole.header.index(column)] = None
    formats.write_grid(emptied, tmp_path / "emptied.csv")
    outcome = files.judge(tmp_path / "emptied.csv", ",", emptied)
    assert outcome.outcome == files.REPORTED, outcome
