"""Evaluation of people who do not fit memory: the same benchmark and predictions as at once, samples where not."""

import json
from pathlib import Path

import polars as pl
import pytest
from typer.testing import CliRunner

import indievalue as iv
from conftest import GARDEN, garden_answers
from indievalue.benchmark.model import Settings
from indievalue.benchmark.storage import benchmark_hash
from indievalue.cli import app
from indievalue.errors import IndievalueError
from indievalue.people.blocks import PeopleBlocks
from indievalue.people.catalog import write_catalog, write_catalog_in_blocks
from indievalue.people.people import People
from indievalue.runs import in_blocks
from indievalue.survey.load import load_survey
from indievalue.synthetic.generate import draw, load_twin

PEOPLE = 1200


def _in_parts(table: pl.DataFrame, folder: Path) -> Path:
    """A folder of the people in three parts, in another order than their ids."""
    folder.mkdir()
    for part in range(3):
        table[2 - part :: 3].write_parquet(folder / f"part-{part}.parquet")
    return folder


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Synthetic people of the World Values Survey."""
    table = draw(load_twin("wvs7")[0], load_survey("wvs7"), PEOPLE, 0)
    return _in_parts(table, tmp_path_factory.mktemp("blocks") / "people")


@pytest.fixture(scope="module")
def blocks(folder: Path) -> PeopleBlocks:
    return PeopleBlocks([folder], rows=250)


@pytest.fixture(scope="module")
def at_once(folder: Path) -> People:
    return iv.read_people(folder)


@pytest.fixture(scope="module")
def gardens(tmp_path_factory: pytest.TempPathFactory) -> PeopleBlocks:
    """Gardeners, who answer few questions: predictors learn from them in no time."""
    made = _in_parts(garden_answers(PEOPLE), tmp_path_factory.mktemp("gardens") / "people")
    return PeopleBlocks([made], str(GARDEN), rows=250)


@pytest.fixture(scope="module")
def gardens_at_once(gardens: PeopleBlocks) -> People:
    return iv.read_people(gardens.files[0], str(GARDEN))


@pytest.mark.parametrize("tested", [None, 1, 60, 300])
def test_the_benchmark_is_that_of_people_in_memory(blocks: PeopleBlocks, at_once: People, tested: int | None) -> None:
    settings = Settings(setups=(0, 1), demonstrations=10, seed=5)
    one, other = (iv.build_benchmark(people, settings, tested) for people in (blocks, at_once))
    assert benchmark_hash(one) == benchmark_hash(other)
    assert one.eligibility == other.eligibility


def test_people_are_taken_by_id(gardens: PeopleBlocks, gardens_at_once: People) -> None:
    ids = gardens_at_once.ids[[700, 3, 401]].tolist()
    one, other = (iv.build_benchmark(people, setups=[0], people_tested=ids) for people in (gardens, gardens_at_once))
    assert benchmark_hash(one) == benchmark_hash(other)
    with pytest.raises(IndievalueError, match="1 of the people to test are not in the data, first 'nobody'"):
        iv.build_benchmark(gardens, setups=[0], people_tested=["nobody"])


def test_not_everybody_is_tested(blocks: PeopleBlocks) -> None:
    with pytest.raises(IndievalueError, match=r"not all tested: give a number \(--people\).*--in-memory"):
        iv.build_benchmark(blocks, people_tested="all")


def test_a_saved_benchmark_is_found_in_blocks(gardens: PeopleBlocks, gardens_at_once: People, tmp_path: Path) -> None:
    drawn = iv.build_benchmark(gardens_at_once, people_tested=20, setups=[0])
    iv.save_benchmark(drawn, tmp_path / "benchmark", text=False)
    assert benchmark_hash(iv.load_benchmark(tmp_path / "benchmark", gardens)) == benchmark_hash(drawn)


def test_predictions_are_those_of_people_in_memory(gardens: PeopleBlocks, gardens_at_once: People) -> None:
    drawn = iv.build_benchmark(gardens_at_once, people_tested=20, setups=[0], demonstrations=4)
    predictors = ["majority", "gaussian", "resemble:k=5"]
    one, other = (iv.evaluate(people, drawn, predictors) for people in (gardens, gardens_at_once))
    key = ["predictor", "person", "question"]
    found, wanted = (run.predictions.sort(key) for run in (one, other))
    assert found.drop("probabilities").equals(wanted.drop("probabilities"))
    apart = (found["probabilities"].explode() - wanted["probabilities"].explode()).abs().max()
    assert isinstance(apart, float)
    assert apart < 1e-9
    assert one.record.training_people == other.record.training_people == PEOPLE - 20
    assert not one.record.sampled
    assert one.record.data.people == PEOPLE


def test_a_sample_is_learned_from_where_a_predictor_needs_all_in_memory_and_is_recorded(
    gardens: PeopleBlocks, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(in_blocks, "SAMPLE", 300)
    drawn = iv.build_benchmark(gardens, people_tested=20, setups=[0], demonstrations=4)
    lines: list[str] = []
    call = iv.evaluation.Call(progress=lines.append)
    run = iv.evaluate(gardens, drawn, ["majority", "resemble:k=5"], tmp_path / "run", call=call)
    assert "resemble:k=5, learning from a sample of 300 people …" in lines
    assert "majority …" in lines
    assert any("The ceiling is estimated from a sample of 300" in line for line in lines)
    assert run.record.sampled == {"resemble:k=5": 300}
    stored = json.loads((tmp_path / "run" / "run.json").read_text())
    assert stored["sampled"] == {"resemble:k=5": 300}
    assert stored["training_people"] == PEOPLE - 20
    assert iv.load_run(tmp_path / "run").record.sampled == run.record.sampled
    again = iv.evaluate(PeopleBlocks(gardens.files, str(GARDEN), rows=77), drawn, ["majority", "resemble:k=5"])
    assert again.predictions.equals(run.predictions)


def test_a_run_of_people_in_memory_records_no_sample(gardens_at_once: People, tmp_path: Path) -> None:
    drawn = iv.build_benchmark(gardens_at_once, people_tested=10, setups=[0])
    iv.evaluate(gardens_at_once, drawn, "majority", tmp_path / "run")
    assert "sampled" not in json.loads((tmp_path / "run" / "run.json").read_text())


def test_folds_are_refused(gardens: PeopleBlocks) -> None:
    drawn = iv.build_benchmark(gardens, people_tested=10, setups=[0])
    with pytest.raises(IndievalueError, match="not divided into 3 folds"):
        iv.evaluate(gardens, drawn, "majority", folds=3)


# Commands


def _run(*words: str | Path) -> str:
    found = CliRunner().invoke(app, [str(word) for word in words])
    assert found.exit_code == 0, f"{found.output}\n{found.exception!r}"
    return found.output


def test_evaluate_reads_a_folder_in_blocks(gardens: PeopleBlocks, tmp_path: Path) -> None:
    (folder,) = gardens.files
    options = ("--survey", GARDEN, "--people", "20", "--setup", "0", "--predictor", "majority", "--seed", "2")
    said = _run("evaluate", folder, "--in-memory", "500", *options, "--out", tmp_path / "blocks")
    assert "More people than are held in memory (--in-memory): read in blocks of 50,000" in said
    _run("evaluate", folder, *options, "--out", tmp_path / "at_once")
    one, other = (pl.read_parquet(tmp_path / name / "predictions.parquet") for name in ("blocks", "at_once"))
    assert one.equals(other)


def test_a_list_of_people_is_checked_in_blocks(gardens: PeopleBlocks, tmp_path: Path) -> None:
    (tmp_path / "ids.txt").write_text("g0007\nnobody\n")
    command = [
        "evaluate",
        gardens.files[0],
        "--survey",
        GARDEN,
        "--in-memory",
        "500",
        "--people-file",
        tmp_path / "ids.txt",
        "--predictor",
        "majority",
    ]
    found = CliRunner().invoke(app, [str(word) for word in [*command, "--out", tmp_path / "run"]])
    assert "lists 1 of 2 people who are not in the data" in str(found.exception)


def test_the_catalog_is_written_in_parts(gardens: PeopleBlocks, gardens_at_once: People, tmp_path: Path) -> None:
    write_catalog(gardens_at_once, tmp_path / "at_once", text=True)
    write_catalog_in_blocks(gardens, tmp_path / "blocks", text=True)
    options = ("--survey", GARDEN, "--in-memory", "500")
    said = _run("catalog", gardens.files[0], *options, "--out", tmp_path / "command")
    assert f"Catalog of {PEOPLE:,} people, in parts" in said
    for name in ("people", "answers_polar", "answers_refined"):
        parts = sorted((tmp_path / "blocks" / name).iterdir())
        assert [part.name for part in parts][:2] == ["part-00000.parquet", "part-00001.parquet"]
        wanted = pl.read_parquet(tmp_path / "at_once" / f"{name}.parquet").sort("person")
        for made in ("blocks", "command"):
            assert pl.read_parquet(tmp_path / made / name / "*.parquet").sort("person").equals(wanted)
    lines = [sorted((tmp_path / made / "statements.jsonl").read_text().splitlines()) for made in ("blocks", "at_once")]
    assert lines[0] == lines[1]
    card = (tmp_path / "blocks" / "README.md").read_text()
    assert "path: people/*.parquet" in card
    assert 'pl.read_parquet("people/*.parquet")' in card
    assert "path: statements.parquet" in card
