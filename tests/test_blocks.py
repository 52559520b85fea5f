"""People read in blocks: the same as those read at once, whatever the files, and what blocks need."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from conftest import GARDEN, garden_answers
from indievalue.errors import IndievalueError
from indievalue.people.blocks import PeopleBlocks, in_blocks, sampled
from indievalue.people.join import stacked
from indievalue.people.options import ReadOptions
from indievalue.people.people import People
from indievalue.people.read import read_people

FORMATS = ("csv", "parquet", "folder", "hive")


def written(kind: str, folder: Path, people: int = 300) -> Path:
    """A file or folder of made-up gardeners."""
    table = garden_answers(people)
    path = folder / f"garden.{kind}"
    if kind == "csv":
        table.write_csv(path)
    elif kind == "parquet":
        table.write_parquet(path)
    elif kind == "folder":
        path.mkdir()
        for number in range(3):
            table[number::3].write_parquet(path / f"part-{number}.parquet")
    else:
        for region, rows in table.partition_by("REGION", as_dict=True, include_key=False).items():
            part = path / f"REGION={region[0]}"
            part.mkdir(parents=True)
            rows.write_parquet(part / "0.parquet")
    return path


def _alike(found: People, wanted: People) -> None:
    found, wanted = (people.take(np.argsort(people.ids)) for people in (found, wanted))
    assert found.ids.tolist() == wanted.ids.tolist()
    assert (found.codes == wanted.codes).all()
    assert found.demographics.equals(wanted.demographics)
    assert (found.weights == wanted.weights).all()


@pytest.mark.parametrize("kind", FORMATS)
def test_people_in_blocks_are_those_read_at_once(kind: str, tmp_path: Path) -> None:
    file = written(kind, tmp_path)
    at_once = read_people(file, str(GARDEN))
    blocks = PeopleBlocks([file], str(GARDEN), rows=40)
    _alike(at_once, read_people(written("csv", tmp_path / ".."), str(GARDEN)))
    parts = list(blocks)
    assert len(parts) > 2
    _alike(stacked(parts), at_once)
    assert len(blocks) == len(at_once) == 300
    assert (blocks.asked == at_once.asked).all()
    assert sorted(blocks.findings.lines()) == sorted(at_once.findings.lines())
    assert blocks.findings.fingerprint == at_once.findings.fingerprint


def test_a_text_cell_in_a_later_block_changes_no_earlier_one(tmp_path: Path) -> None:
    table = garden_answers(120).with_columns(pl.col("REGION").cast(pl.String))
    regions = table["REGION"].to_list()
    regions[100] = "3.0"
    table.with_columns(pl.Series("REGION", regions)).write_csv(tmp_path / "garden.csv")
    at_once = read_people(tmp_path / "garden.csv", str(GARDEN))
    _alike(stacked(list(PeopleBlocks([tmp_path / "garden.csv"], str(GARDEN), rows=30))), at_once)


def test_conditions_may_leave_blocks_without_anybody(tmp_path: Path) -> None:
    table = garden_answers(120).sort("REGION")
    table.write_csv(tmp_path / "garden.csv")
    options = ReadOptions(rows=(("REGION", "1"),))
    blocks = PeopleBlocks([tmp_path / "garden.csv"], str(GARDEN), options, rows=10)
    _alike(stacked(list(blocks)), read_people(tmp_path / "garden.csv", str(GARDEN), options))
    nobody = PeopleBlocks([tmp_path / "garden.csv"], str(GARDEN), ReadOptions(rows=(("REGION", "77"),)), rows=10)
    with pytest.raises(IndievalueError, match="holds nobody"):
        len(nobody)


def test_two_people_with_one_id_are_refused_even_in_different_blocks(tmp_path: Path) -> None:
    table = garden_answers(90)
    first = table["ID"][0]
    ids = [*table["ID"].to_list()[:-1], first]
    table.with_columns(pl.Series("ID", ids)).write_parquet(tmp_path / "garden.parquet")
    with pytest.raises(IndievalueError, match=f"1 id is shared by several people, first '{first}'.*--person-columns"):
        len(PeopleBlocks([tmp_path / "garden.parquet"], str(GARDEN), rows=20))


def test_people_without_ids_are_refused(tmp_path: Path) -> None:
    garden_answers(60).drop("ID").write_csv(tmp_path / "garden.csv")
    with pytest.raises(IndievalueError, match=r"people without an id.*--person-columns"):
        list(PeopleBlocks([tmp_path / "garden.csv"], str(GARDEN), rows=20))


def test_a_sample_depends_on_the_seed_and_the_ids_alone(tmp_path: Path) -> None:
    file = written("parquet", tmp_path)
    drawn = [sampled(PeopleBlocks([file], str(GARDEN), rows=rows), 50, 3).ids.tolist() for rows in (17, 1000)]
    assert drawn[0] == drawn[1]
    assert len(set(drawn[0])) == 50
    assert sampled(PeopleBlocks([file], str(GARDEN)), 50, 4).ids.tolist() != drawn[0]
    assert len(sampled(PeopleBlocks([file], str(GARDEN)), 1000, 3)) == 300


def test_others_are_all_but_those_named(tmp_path: Path) -> None:
    blocks = PeopleBlocks([written("parquet", tmp_path)], str(GARDEN), rows=40)
    named = next(iter(blocks)).ids[:7]
    others = blocks.without(named)
    assert len(others) == 293 == sum(map(len, others))
    assert not np.isin(stacked(list(others)).ids, named).any()


@pytest.mark.parametrize("kind", FORMATS)
def test_blocks_begin_beyond_the_most_people_held_at_once(kind: str, tmp_path: Path) -> None:
    file = written(kind, tmp_path)
    assert in_blocks([file], str(GARDEN), most=400) is None
    assert in_blocks([file], str(GARDEN), most=200) is not None


def test_a_file_that_is_compressed_is_one_block(tmp_path: Path) -> None:
    import gzip

    file = written("csv", tmp_path)
    packed = tmp_path / "garden.csv.gz"
    packed.write_bytes(gzip.compress(file.read_bytes()))
    (people,) = PeopleBlocks([packed], str(GARDEN), rows=10)
    _alike(people, replace(read_people(file, str(GARDEN))))
    assert in_blocks([packed], str(GARDEN), most=10) is None
