"""NA and the like are answers where a specification says so; the card of a catalog names the licence."""

from dataclasses import replace
from pathlib import Path

import polars as pl
import pyreadstat
import pytest
import yaml

from indievalue.people.card import dataset_card
from indievalue.people.people import People
from indievalue.people.read import read_people
from indievalue.survey.load import load_survey
from indievalue.survey.survey import Survey

SURVEY = """
name: rivers
title: A survey of rivers
person: [cntry, idno]
missing: {-1: no answer}
not_asked: -1
blank: -1
country: country
categories: [Rivers]
sampling: {setups: 1, per_category: 1}
"""

SWIM = """
- question: swim
  category: Rivers
  type: mc_2
  asks: Do you swim?
  polar: {1: I swim., 2: I do not swim.}
  refined: same as polar
"""

LISTED = """
- id: cntry
  name: country
  asks: In which country do you live?
  statement: I live in {group}.
  groups:
    - {codes: "NA", label: Namibia}
    - {codes: ZM, label: Zambia}
"""

LOOKED_UP = LISTED + "  otherwise: country\n"

NOT_LISTED = LISTED.replace('    - {codes: "NA", label: Namibia}\n', "")


def _survey(folder: Path, demographics: str, survey: str = SURVEY) -> Survey:
    (folder / "survey.yaml").write_text(survey)
    (folder / "questions.yaml").write_text(SWIM)
    (folder / "demographics.yaml").write_text(demographics)
    return load_survey(str(folder))


def _people(folder: Path, survey: Survey, suffix: str = ".csv") -> People:
    table = pl.DataFrame({"cntry": ["NA", "ZM", "NA", ""], "idno": [1, 1, 2, 3], "swim": ["1", "2", "NA", "1"]})
    file = folder / f"rivers{suffix}"
    table.write_csv(file) if suffix == ".csv" else table.write_excel(file)
    return read_people(file, survey)


@pytest.mark.parametrize("demographics", [LISTED, LOOKED_UP])
@pytest.mark.parametrize("suffix", [".csv", ".xlsx"])
def test_na_is_namibia_where_a_group_says_so(tmp_path: Path, demographics: str, suffix: str) -> None:
    people = _people(tmp_path, _survey(tmp_path, demographics), suffix)
    assert people.demographics["country"].to_list() == ["Namibia", "Zambia", "Namibia", None]
    assert people.ids.tolist()[:3] == ["NA/1", "ZM/1", "NA/2"]
    assert people.options("polar")[:, 0].tolist() == [0, 1, -1, 0], "in another column it is an empty cell"


def test_na_is_an_empty_cell_where_nothing_says_otherwise(tmp_path: Path) -> None:
    people = _people(tmp_path, _survey(tmp_path, NOT_LISTED))
    assert people.demographics["country"].to_list() == [None, "Zambia", None, None]


def test_na_is_an_answer_where_rows_are_picked_by_it(tmp_path: Path) -> None:
    survey = _survey(tmp_path, NOT_LISTED + "  otherwise: country\n", SURVEY + 'where: {cntry: "NA, NAM"}\n')
    people = _people(tmp_path, survey)
    assert people.ids.tolist() == ["NA/1", "NA/2"]
    assert people.demographics["country"].to_list() == ["Namibia", "Namibia"]


@pytest.mark.parametrize("suffix", [".parquet", ".sav", ".dta"])
def test_na_is_an_empty_cell_among_numbers_in_every_format(tmp_path: Path, suffix: str) -> None:
    survey = _survey(tmp_path, NOT_LISTED + "  otherwise: country\n", SURVEY.replace("[cntry, idno]", "idno"))
    file = tmp_path / f"rivers{suffix}"
    write = {
        ".parquet": pl.DataFrame.write_parquet,
        ".sav": pyreadstat.write_sav,
        ".dta": pyreadstat.write_dta,
    }[suffix]

    def countries(*cells: str) -> list[str | None]:
        number = len(cells)
        write(
            pl.DataFrame({"cntry": cells, "idno": range(number), "swim": ["1", "NA", *"12"[: number - 2]]}), str(file)
        )
        people = read_people(file, survey)
        assert people.options("polar")[:2, 0].tolist() == [0, -1]
        return people.demographics["country"].to_list()

    assert countries("516", "NA", "894") == ["Namibia", None, "Zambia"]
    assert countries("NA", "NA", "ZM") == ["Namibia", "Namibia", "Zambia"]
    assert countries("NA", "NA") == ["Namibia", "Namibia"]


@pytest.mark.parametrize(
    ("licence", "front"),
    [
        ("CC BY 4.0, the kite club", {"license": "cc-by-4.0"}),
        ("ESS ERIC data terms; cite it", {"license": "other", "license_name": "ess-eric-data-terms"}),
        (
            "Free for research in this house and nowhere else",
            {"license": "other", "license_name": "rivers-derived-do-not-redistribute"},
        ),
        ("", {"license": "other", "license_name": "rivers-derived-do-not-redistribute"}),
    ],
)
def test_the_card_names_the_licence_of_the_survey(tmp_path: Path, licence: str, front: dict[str, str]) -> None:
    survey = _survey(tmp_path, LISTED)
    people = replace(_people(tmp_path, survey), survey=replace(survey, licence=licence))
    written = yaml.safe_load(dataset_card(people, text=None).split("---\n")[1])
    assert {key: value for key, value in written.items() if key.startswith("license")} == front
