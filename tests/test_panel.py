"""Reading people who were asked more than once, in every layout, and what is wrong with files that tell them badly."""

from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

from conftest import GARDEN, garden_answers
from indievalue.errors import IndievalueError
from indievalue.people.options import ReadOptions
from indievalue.people.panel import Panel, PanelOptions, read_panel
from indievalue.people.undescribed import Columns
from indievalue.scoring.retest_tables import retest_panel

WAVES = 3


def _asked_again(people: int = 60, waves: int = WAVES) -> list[pl.DataFrame]:
    """Answers of the same gardeners in each wave; in each, one in five answers the question about fences otherwise."""
    first = garden_answers(people)
    random = np.random.default_rng(5)
    tables = []
    for _ in range(waves):
        other = pl.Series(random.random(people) < 0.2)
        tables.append(first.with_columns(N1=pl.when(other).then(4 - pl.col("N1")).otherwise(pl.col("N1"))))
    return tables


def _long(waves: list[pl.DataFrame], years: tuple[object, ...] = (2006, 2008, 2010)) -> pl.DataFrame:
    return pl.concat([table.with_columns(YEAR=pl.lit(year)) for table, year in zip(waves, years, strict=False)])


def _wide(waves: list[pl.DataFrame], once: tuple[str, ...] = ("ID", "REGION", "FAITH")) -> pl.DataFrame:
    parts = [waves[0].select(once)]
    for number, table in enumerate(waves, 1):
        parts.append(table.drop(*once, "WEIGHT").rename(lambda name, number=number: f"{name}_{number}"))
    return pl.concat(parts, how="horizontal")


def _write(table: pl.DataFrame, file: Path) -> Path:
    table.write_csv(file)
    return file


def _garden(**options: Any) -> PanelOptions:
    return PanelOptions(survey=str(GARDEN), **options)


def _bare(*ids: str, columns: Columns | None = None, **options: Any) -> PanelOptions:
    read = ReadOptions(person_columns=ids or ("ID",))
    return PanelOptions(described=False, columns=columns or Columns(), read=read, **options)


def _error(file: Path | list[Path], options: PanelOptions) -> str:
    with pytest.raises(IndievalueError) as raised:
        read_panel(file if isinstance(file, list) else [file], options)
    return str(raised.value)


def _fences(panel: Panel) -> list[list[int]]:
    return panel.options("refined")[:, :, panel.survey.positions["N1"]].tolist()


def test_rows_columns_and_files_are_read_the_same(tmp_path: Path) -> None:
    waves = _asked_again()
    files = [_write(table, tmp_path / f"wave{number}.csv") for number, table in enumerate(waves, 1)]
    long = read_panel([_write(_long(waves), tmp_path / "long.csv")], _garden(wave="YEAR"))
    wide = read_panel([_write(_wide(waves), tmp_path / "wide.csv")], _garden(suffixes=("_1", "_2", "_3")))
    apart = read_panel(files, _garden())
    assert long.waves == ("2006", "2008", "2010")
    assert wide.waves == ("_1", "_2", "_3")
    assert apart.waves == ("wave1.csv", "wave2.csv", "wave3.csv")
    expected = [(table["N1"] - 1).to_list() for table in waves]
    for panel in (long, wide, apart):
        assert panel.described
        assert panel.ids.tolist() == waves[0]["ID"].to_list()
        assert _fences(panel) == expected
        assert panel.demographics["region"].to_list() == apart.demographics["region"].to_list()
    assert apart.people[0].findings.people == 60


def test_files_of_the_same_name_are_told_apart_by_number(tmp_path: Path) -> None:
    for table, folder in zip(_asked_again(waves=2), ("spring", "autumn"), strict=True):
        (tmp_path / folder).mkdir()
        _write(table, tmp_path / folder / "answers.csv")
    files = [tmp_path / folder / "answers.csv" for folder in ("spring", "autumn")]
    assert read_panel(files, _garden()).waves == ("1: answers.csv", "2: answers.csv")


def test_columns_under_another_name_are_found_and_reported(tmp_path: Path) -> None:
    table = _long(_asked_again()).rename({"ID": "id", "N1": "n1: fences"})
    panel = read_panel([_write(table, tmp_path / "long.csv")], _garden(wave="YEAR"))
    assert panel.ids[0] == "g0000"
    assert panel.people[2].findings.renamed == (("id", "ID"), ("n1: fences", "N1"))


def test_waves_are_in_order_whatever_the_order_of_rows(tmp_path: Path) -> None:
    waves = _asked_again(waves=2)
    table = _long(waves, (10, 9)).sample(fraction=1, shuffle=True, seed=1)
    panel = read_panel([_write(table, tmp_path / "long.csv")], _garden(wave="YEAR"))
    assert panel.waves == ("9", "10")  # as numbers, not as texts
    at = [panel.ids.tolist().index(name) for name in waves[0]["ID"].to_list()]
    assert np.array(_fences(panel))[:, at].tolist() == [(table["N1"] - 1).to_list() for table in reversed(waves)]


def test_a_column_called_wave_is_found(tmp_path: Path) -> None:
    table = _long(_asked_again()).rename({"YEAR": "Wave"})
    assert read_panel([_write(table, tmp_path / "long.csv")], _garden()).waves == ("2006", "2008", "2010")


def test_people_of_one_wave_only_are_kept_without_a_pair(tmp_path: Path) -> None:
    waves = _asked_again(waves=2)
    table = _long([waves[0], waves[1].head(40)])
    panel = read_panel([_write(table, tmp_path / "long.csv")], _garden(wave="YEAR"))
    assert panel.asked.tolist() == [2] * 40 + [1] * 20
    found = retest_panel(panel)
    assert found.people == 40
    assert set(found.questions["pairs"]) == {40}


def test_polar_and_refined_answers_are_those_of_the_survey(tmp_path: Path) -> None:
    """Everybody likes roses one step less in the second wave: from codes 1, 2, 3 to 2, 3, 4 the refined answer always
    changes, and the polar one (1-2 against 3-4) only from 2 to 3.
    """
    first = garden_answers(60).with_columns(P1=pl.Series([1, 2, 3] * 20))
    second = first.with_columns(P1=pl.col("P1") + 1)
    found = retest_panel(read_panel([_write(_long([first, second]), tmp_path / "l.csv")], _garden(wave="YEAR")), ["P1"])
    assert dict(found.questions.select("form", "agreement").iter_rows()) == pytest.approx(
        {"polar": 100 * 2 / 3, "refined": 0}
    )
    assert dict(found.questions.select("form", "options").iter_rows()) == {"polar": 2, "refined": 4}


def test_missing_codes_make_no_pair(tmp_path: Path) -> None:
    waves = _asked_again(waves=2)
    waves[1] = waves[1].with_columns(N1=pl.Series([-1] * 25 + waves[1]["N1"].to_list()[25:]))
    found = retest_panel(read_panel([_write(_long(waves), tmp_path / "long.csv")], _garden(wave="YEAR")), ["N1"])
    assert set(found.questions["pairs"]) == {35}


def test_agreement_by_group_counts_each_group_alone(tmp_path: Path) -> None:
    first = garden_answers(80).with_columns(FAITH=pl.Series([1, 2] * 40), N3=pl.Series([1] * 80))
    second = first.with_columns(N3=pl.Series([1, 1, 1, 2] * 20))
    panel = read_panel([_write(_long([first, second]), tmp_path / "long.csv")], _garden(wave="YEAR"))
    found = retest_panel(panel, ["N3"], ["faith"])
    rows = {row["group"]: row for row in found.groups.filter(form="polar").to_dicts()}
    assert rows["moon"]["agreement"] == 100
    assert (rows["no moon"]["agreement"], rows["no moon"]["people"]) == (50, 40)
    assert rows["no moon"]["kappa"] == pytest.approx(0)  # who always said 1 first agrees by chance


def test_without_a_survey_numbers_are_steps_and_labels_are_not(tmp_path: Path) -> None:
    table = pl.DataFrame(
        {
            "who": ["a", "b", "c"] * 2,
            "wave": [1, 1, 1, 2, 2, 2],
            "warm": [10, 2, 9, 9, 2, 10],
            "colour": ["red", "Blue", "red", "red", "red", ""],
            "age": [41.5, 20, 30, 43, 22, 32],
            "same": [1] * 6,
        }
    )
    panel = read_panel([_write(table, tmp_path / "long.csv")], _bare("who"))
    warm, colour = panel.survey.questions
    assert not panel.described
    assert (warm.id, warm.ordered, [option.statement for option in warm.refined]) == ("warm", True, ["2", "9", "10"])
    assert (colour.id, colour.ordered) == ("colour", False)
    assert panel.options("refined")[:, :, 1].tolist() == [[1, 0, 1], [1, 1, -1]]
    assert panel.skipped == {
        "age": "holds 41.5, which is no whole number",
        "same": "holds no two distinct answers",
    }


def test_what_a_user_says_of_columns(tmp_path: Path) -> None:
    waves = _asked_again(waves=2)
    file = _write(_wide(waves, ("ID", "REGION")), tmp_path / "wide.csv")
    columns = Columns(questions=("N1", "P1"), nominal=("P1",), missing=("2",), by=("REGION",))
    panel = read_panel([file], _bare(columns=columns, suffixes=("_1", "_2")))
    assert [(q.id, q.ordered, len(q.refined)) for q in panel.survey.questions] == [("N1", True, 2), ("P1", False, 3)]
    assert panel.demographics["REGION"].to_list() == [str(code) if code != 2 else None for code in waves[0]["REGION"]]


def test_the_order_of_a_factor_is_the_order_of_the_scale(tmp_path: Path) -> None:
    pandas = pytest.importorskip("pandas")
    pyreadr = pytest.importorskip("pyreadr", reason="R files need pyreadr (extra r)")
    levels = ["very happy", "pretty happy", "not too happy"]
    frame = pandas.DataFrame(
        {"who": ["a", "b", "c"] * 2, "wave": [1.0] * 3 + [2.0] * 3, "happy": [*levels, levels[0], levels[0], None]}
    )
    frame["happy"] = pandas.Categorical(frame["happy"], levels)
    pyreadr.write_rds(str(tmp_path / "panel.rds"), frame)
    written = pyreadr.read_r(str(tmp_path / "panel.rds"))[None]
    if written["happy"].dtype.name != "category":
        file = tmp_path / "panel.parquet"  # pyreadr writes factors as texts: Parquet keeps them
        pl.DataFrame(frame.drop(columns="happy").to_dict("list")).with_columns(
            happy=pl.Series([*levels, levels[0], levels[0], None], dtype=pl.Enum(levels))
        ).write_parquet(file)
    else:
        file = tmp_path / "panel.rds"
    (happy,) = read_panel([file], _bare("who")).survey.questions
    assert happy.ordered
    assert [option.statement for option in happy.refined] == levels


@pytest.mark.parametrize("file", ["panel.dta", "panel.sav"])
def test_codes_that_a_file_declares_missing_are_no_answers(tmp_path: Path, file: str) -> None:
    pyreadstat = pytest.importorskip("pyreadstat")
    pandas = pytest.importorskip("pandas")
    frame = pandas.DataFrame({"who": [1, 2, 3] * 2, "wave": [1] * 3 + [2] * 3})
    if file.endswith("dta"):
        frame["q"] = [1, 2, "d", 1, "r", 2]
        pyreadstat.write_dta(frame, str(tmp_path / file), missing_user_values={"q": ["d", "r"]})
    else:
        frame["q"] = [1, 2, 8, 1, 9, 2]
        pyreadstat.write_sav(frame, str(tmp_path / file), missing_ranges={"q": [{"lo": 8, "hi": 9}]})
    panel = read_panel([tmp_path / file], _bare("who"))
    assert panel.options("refined")[:, :, 0].tolist() == [[0, 1, -1], [0, -1, 1]]


def test_errors_name_what_is_wrong_where_and_what_to_do(tmp_path: Path) -> None:
    waves = _asked_again(waves=2)
    long = _long(waves)
    file = _write(long, tmp_path / "long.csv")
    assert "give --wave COLUMN" in _error(file, _garden())
    assert "long.csv has no column 'YEARS'; did you mean 'YEAR'?" in _error(file, _garden(wave="YEARS"))
    assert "name the column of ids with --person-columns" in _error(file, PanelOptions(described=False, wave="YEAR"))
    assert "has no column ended" in _error(file, _garden(suffixes=("_1", "_2"))).replace("that ends in", "ended")
    wrong = _error(file, _bare(columns=Columns(questions=("REGIONS",)), wave="YEAR"))
    assert "long.csv has no column 'REGIONS'; did you mean 'REGION'?" in wrong
    stated = _error(file, _garden(columns=Columns(missing=("9",)), wave="YEAR"))
    assert "is of garden, whose specification says which answers are missing" in stated
    assert "holds no two distinct answers" in _error(
        _write(long.with_columns(S=1), tmp_path / "s.csv"), _bare(columns=Columns(questions=("S",)), wave="YEAR")
    )


def test_a_wave_column_must_tell_waves_apart(tmp_path: Path) -> None:
    long = _long(_asked_again(waves=2))
    one = _write(long.with_columns(YEAR=2006), tmp_path / "one.csv")
    assert "the wave column YEAR is '2006' in every row" in _error(one, _garden(wave="YEAR"))
    gaps = _write(long.with_columns(YEAR=pl.Series([2006] * 60 + [None] + [2008] * 59)), tmp_path / "gaps.csv")
    assert "is empty in 1 rows, first in row 61" in _error(gaps, _garden(wave="YEAR"))
    dates = _write(long.with_columns(YEAR=pl.Series(range(120))), tmp_path / "dates.csv")
    assert "120 distinct values, more than there can be waves" in _error(dates, _garden(wave="YEAR"))


def test_ids_must_tell_people_apart_and_stay_the_same(tmp_path: Path) -> None:
    waves = _asked_again(waves=2)
    long = _long(waves)
    lost = _write(long.with_columns(ID=pl.Series([*long["ID"].to_list()[:-1], None])), tmp_path / "lost.csv")
    assert "1 rows have no id in ID, first row 120" in _error(lost, _garden(wave="YEAR"))
    other = _write(_long([waves[0], waves[1].with_columns(ID="x" + pl.col("ID"))]), tmp_path / "other.csv")
    assert "none of the 120 people was asked twice" in _error(other, _garden(wave="YEAR"))
    double = pl.concat([long, long.head(1).with_columns(N2=1 - pl.col("N2"))])
    message = _error(_write(double, tmp_path / "double.csv"), _garden(wave="YEAR"))
    assert "1 people stand more than once in a wave" in message
    assert "first 'g0000' with YEAR 2006 in row 1 and row 121" in message


def test_a_row_that_occurs_twice_is_dropped_and_reported(tmp_path: Path) -> None:
    long = _long(_asked_again(waves=2))
    panel = read_panel([_write(pl.concat([long, long.head(1)]), tmp_path / "long.csv")], _garden(wave="YEAR"))
    assert [len(wave) for wave in panel.people] == [60, 60]
    assert panel.people[0].findings.repeated == (("g0000", 1),)


def test_a_cell_that_is_no_code_is_named_by_its_row_in_the_file(tmp_path: Path) -> None:
    long = _long(_asked_again(waves=2)).with_columns(N1=pl.Series(["1"] * 99 + ["high"] + ["2"] * 20))
    message = _error(_write(long, tmp_path / "long.csv"), _garden(wave="YEAR"))
    assert "long.csv: column N1, row 100 holds 'high'" in message


def test_files_of_other_surveys_and_questions_are_not_compared(tmp_path: Path) -> None:
    garden = garden_answers(60)
    first = _write(garden.select("ID", "REGION", "N1"), tmp_path / "first.csv")
    second = _write(garden.select("ID", "REGION", "N2"), tmp_path / "second.csv")
    assert "no question was answered in two waves" in _error([first, second], _garden())


def test_too_few_people_are_too_few(tmp_path: Path) -> None:
    panel = read_panel([_write(_long(_asked_again(20)), tmp_path / "long.csv")], _garden(wave="YEAR"))
    with pytest.raises(IndievalueError, match="answered twice by 30 people or more; the most are 20: lower --minimum"):
        retest_panel(panel)
    assert len(retest_panel(panel, minimum=20).questions) == 20
    with pytest.raises(IndievalueError, match="has no question 'N4'"):
        retest_panel(panel, ["N4"])
    with pytest.raises(IndievalueError, match="has no demographic 'sex'"):
        retest_panel(panel, by=["sex"], minimum=20)
