"""Predictions in shards: the rows are those of one machine, and no finished shard is ever computed again."""

import json
import os
import pickle
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import polars as pl
import pytest
import yaml
from typer.testing import CliRunner, Result

import indievalue as iv
from conftest import GARDEN, garden_answers
from indievalue.benchmark.build import build_benchmark
from indievalue.benchmark.model import Benchmark, Settings, Task
from indievalue.cli import app
from indievalue.errors import IndievalueError
from indievalue.evaluation import Call, evaluate
from indievalue.people.people import People
from indievalue.predictors.majority import Majority
from indievalue.predictors.protocol import Guesses, Predictor
from indievalue.predictors.ranking import rank_statements
from indievalue.predictors.registry import make_predictor
from indievalue.scale import work as work_module
from indievalue.scale.machines import Machines, Serial
from indievalue.scale.placement import Placement
from indievalue.scale.processes import began, descendants, end
from indievalue.scale.sharded import InShards
from indievalue.scale.shards import Shards, content_of, finished_in, path_of, said_of, together
from indievalue.scale.work import Ended, Job, ShardsFailedError, compute, work

ROSES = {"majority": "majority", "resemble": "resemble:k=5", "gaussian": "gaussian", "logistic": "logistic"}


class Noted(Majority):
    """Majority that notes the people it predicts, and fails at some of them a number of times."""

    def __init__(self, failures: dict[str, list[BaseException]] | None = None) -> None:
        self.failures = failures or {}
        self.predicted: list[str] = []
        self.fits = 0

    def __repr__(self) -> str:
        return "Noted()"

    def fit(self, people: People, *forms: object) -> "Noted":
        self.fits += 1
        super().fit(people)
        return self

    def predict(self, task: Task) -> Guesses:
        for person in task.people.tolist():
            if self.failures.get(person):
                raise self.failures[person].pop()
        self.predicted += task.people.tolist()
        return super().predict(task)


@pytest.fixture(scope="module")
def people() -> People:
    from indievalue.people.decode import decode
    from indievalue.survey.load import load_survey

    return decode(garden_answers(90, seed=2), load_survey(str(GARDEN)), "garden.csv", "fingerprint")


@pytest.fixture(scope="module")
def benchmark(people: People) -> Benchmark:
    return build_benchmark(people, Settings(setups=(0,), demonstrations=3), 23)


def rows_of(folder: Path) -> pl.DataFrame:
    return pl.read_parquet(folder / "predictions.parquet")


def same(one: pl.DataFrame, other: pl.DataFrame) -> bool:
    """Whether choices and everything else are equal, and probabilities within 1e-6."""
    if not one.drop("probabilities").equals(other.drop("probabilities")):
        return False
    a, b = (table["probabilities"].explode().to_numpy() for table in (one, other))
    return len(a) == len(b) and bool(np.allclose(a, b, rtol=0, atol=1e-6, equal_nan=True))


def left(folder: Path) -> list[Path]:
    """The files of finished shards beside a run that is not finished."""
    return sorted(folder.glob(".*.unfinished/*.shards/*/shard-*.parquet"))


def times(files: Sequence[Path]) -> dict[str, tuple[int, int]]:
    return {file.name: (file.stat().st_ino, file.stat().st_mtime_ns) for file in files}


# ---- cutting and merging


@pytest.mark.parametrize("number", [1, 2, 7, 22, 23])
def test_everybody_is_in_one_shard_and_shards_are_of_about_the_same_size(benchmark: Benchmark, number: int) -> None:
    shards = Shards(Path("nowhere"), "x", benchmark, number)
    parts = [shards.part(shard).people.ids.tolist() for shard in range(1, number + 1)]
    assert [person for part in parts for person in part] == benchmark.people.ids.tolist()
    assert max(map(len, parts)) - min(map(len, parts)) <= 1


def test_a_shard_shows_and_asks_of_its_people_what_the_benchmark_does(benchmark: Benchmark) -> None:
    shards = Shards(Path("nowhere"), "x", benchmark, 4)
    ((_, whole),) = benchmark.tasks()
    ((_, part),) = shards.part(3).tasks()
    rows = shards.people(3)
    assert part.people.tolist() == whole.people[rows.start : rows.stop].tolist()
    assert np.array_equal(part.shown, whole.shown[rows.start : rows.stop])
    assert np.array_equal(part.asked, whole.asked[rows.start : rows.stop])


def test_the_number_of_shards_depends_on_what_is_asked_and_not_on_machines() -> None:
    assert Placement("ray").number(94_000, 253, reads_prompts=True) == 10_000  # at most
    assert Placement("ray").number(800, 20, reads_prompts=True) == 16  # of 1,000 prompts
    assert Placement("ray").number(94_000, 253, reads_prompts=False) == 119  # of 200,000 predictions
    assert Placement("ray", 5).number(800, 20, reads_prompts=True) == 5
    assert Placement(None, 5).number(3, 20, reads_prompts=True) == 3  # nobody is cut
    assert not Placement().is_sharded


@pytest.mark.parametrize("on", ["spark", "ray:", "ray:host", "ray:host:port", "ray:ray://host:1", "Ray"])
def test_a_place_that_cannot_be_is_refused(on: str) -> None:
    with pytest.raises(IndievalueError, match="--on is ray, or ray:ADDRESS"):
        Placement(on)


@pytest.mark.parametrize("name", ROSES)
def test_rows_in_shards_are_those_of_one_machine(
    people: People, benchmark: Benchmark, tmp_path: Path, name: str
) -> None:
    run = evaluate(people, benchmark, ROSES[name], tmp_path / "run", placement=Placement(shards=7))
    assert same(run.predictions, evaluate(people, benchmark, ROSES[name]).predictions)
    assert same(rows_of(tmp_path / "run"), run.predictions)
    assert run.record.placed is not None
    assert run.record.placed.shards == {ROSES[name]: 7}
    assert iv.load_run(tmp_path / "run").record.placed == run.record.placed
    assert [path.name for path in tmp_path.iterdir()] == ["run"]  # the shards are deleted with the rest


@pytest.mark.parametrize(
    "settings",
    [
        Settings(setups=(0, 1), demonstrations=3),
        Settings(show="relevant:2"),
        Settings(setups=(1,), demonstrations=4, demonstrations_from="siblings", form="refined"),
    ],
)
def test_so_are_they_in_several_setups_and_with_statements_chosen_for_each_probe(
    people: People, tmp_path: Path, settings: Settings
) -> None:
    drawn = build_benchmark(people, settings, 17, ranking=rank_statements)
    run = evaluate(people, drawn, ["resemble:k=3", "random"], tmp_path / "run", placement=Placement(shards=5))
    assert same(run.predictions, evaluate(people, drawn, ["resemble:k=3", "random"]).predictions)


@pytest.mark.parametrize("show", ["random", "relevant:2"])
def test_so_are_they_with_folds_which_share_the_shards(people: People, tmp_path: Path, show: str) -> None:
    drawn = build_benchmark(
        people, Settings(show=show, setups=(0, 1)), people.ids[:40].tolist(), ranking=rank_statements
    )
    run = evaluate(people, drawn, "majority", tmp_path / "run", folds=3, placement=Placement(shards=6))
    assert same(run.predictions, evaluate(people, drawn, "majority", folds=3).predictions)
    assert run.record.placed is not None
    assert run.record.placed.shards == {"majority": 6}


def test_so_are_they_when_learned_from_another_file(people: People, benchmark: Benchmark, tmp_path: Path) -> None:
    other = people.take(~np.isin(people.ids, benchmark.people.ids))
    run = evaluate(people, benchmark, "gaussian", tmp_path / "run", learn_from=other, placement=Placement(shards=3))
    assert same(run.predictions, evaluate(people, benchmark, "gaussian", learn_from=other).predictions)


# ---- resuming


@pytest.mark.parametrize("stop", [KeyboardInterrupt(), SystemExit(1)])
def test_after_an_interrupt_the_same_command_computes_the_other_shards(
    people: People, benchmark: Benchmark, tmp_path: Path, stop: BaseException
) -> None:
    ids = benchmark.people.ids.tolist()
    predictor, said = Noted({ids[13]: [stop]}), list[str]()
    with pytest.raises(type(stop)):
        evaluate(
            people,
            benchmark,
            {"noted": predictor},
            tmp_path / "run",
            placement=Placement(shards=8),
            call=Call(progress=said.append),
        )
    before = left(tmp_path)
    assert [said_of(file)["fingerprint"] for file in before] == [before[0].parent.name] * 4
    assert "the predictions of 4 finished shards are kept in" in said[-1]
    again = Noted()
    run = evaluate(
        people,
        benchmark,
        {"noted": again},
        tmp_path / "run",
        placement=Placement(shards=8),
        call=Call(progress=said.append),
    )
    assert "noted: 4 of 8 shards finished before" in said
    assert predictor.predicted + again.predicted == ids  # each of them once
    assert same(run.predictions, evaluate(people, benchmark, {"noted": Noted()}).predictions)
    assert not left(tmp_path)


def test_nothing_is_fitted_where_all_shards_are_finished(people: People, benchmark: Benchmark, tmp_path: Path) -> None:
    with Machines(Placement(shards=4)) as machines:
        first = in_shards(machines, tmp_path)
        rows = first(lambda: first.predictor.fit(people), benchmark).predictions
        before = times(list(tmp_path.rglob("shard-*.parquet")))
        again = in_shards(machines, tmp_path)
        assert again(lambda: pytest.fail("fitted"), benchmark).predictions.equals(rows)
        assert times(list(tmp_path.rglob("shard-*.parquet"))) == before
        assert len(before) == 4


@pytest.mark.parametrize("damage", [b"", b"PAR1", None])
def test_a_damaged_shard_alone_is_computed_again(
    people: People, benchmark: Benchmark, tmp_path: Path, damage: bytes | None
) -> None:
    with Machines(Placement(shards=4)) as machines:
        first = in_shards(machines, tmp_path)
        rows = first(lambda: first.predictor.fit(people), benchmark).predictions
        files = sorted(tmp_path.rglob("shard-*.parquet"))
        before = times(files)
        content = files[2].read_bytes()
        files[2].write_bytes(content[: len(content) // 2] if damage is None else damage)
        again = in_shards(machines, tmp_path)
        assert again(lambda: again.predictor.fit(people), benchmark).predictions.equals(rows)
    predictor = again.predictor
    assert isinstance(predictor, Noted)
    shards = Shards(tmp_path, "", benchmark, 4)
    assert predictor.predicted == [benchmark.people.ids[row] for row in shards.people(3)]
    after = times(files)
    assert {name for name in before if after[name] != before[name]} == {files[2].name}


def in_shards(machines: Machines, folder: Path, made_of: str = "data") -> InShards:
    return InShards(machines, folder, "noted", Noted(), made_of)


def test_shards_of_other_settings_are_never_used(people: People, benchmark: Benchmark, tmp_path: Path) -> None:
    other = build_benchmark(people, Settings(setups=(0,), demonstrations=2), benchmark.people.ids.tolist())
    for placement, made_of, drawn in (
        (Placement(shards=4), "data", benchmark),
        (Placement(shards=5), "data", benchmark),
        (Placement(shards=4), "other data", benchmark),
        (Placement(shards=4), "data", other),
    ):
        with Machines(placement) as machines:
            predicted = in_shards(machines, tmp_path, made_of)
            predicted(lambda predicted=predicted: predicted.predictor.fit(people), drawn)  # type: ignore[misc]
            assert isinstance(predicted.predictor, Noted)
            assert predicted.predictor.predicted == benchmark.people.ids.tolist()
    folders = [path for path in tmp_path.iterdir() if path.is_dir()]
    assert len(folders) == 4
    assert {json.loads((path / "shards.json").read_text())["fingerprint"] for path in folders} == {
        path.name for path in folders
    }


def test_a_file_of_other_settings_under_the_right_name_is_not_taken(
    people: People, benchmark: Benchmark, tmp_path: Path
) -> None:
    with Machines(Placement(shards=4)) as machines:
        for made_of in ("data", "other data"):
            predicted = in_shards(machines, tmp_path, made_of)
            predicted(lambda predicted=predicted: predicted.predictor.fit(people), benchmark)  # type: ignore[misc]
        one, other = sorted(path for path in tmp_path.iterdir() if path.is_dir())
        shutil.copy(other / "shard-00002-of-00004.parquet", one)
        assert Shards(one, one.name, benchmark, 4).missing() == [2]


def test_a_predictor_that_does_not_say_what_it_is_cannot_be_used_in_shards(
    people: People, benchmark: Benchmark, tmp_path: Path
) -> None:
    class Own(Majority):
        def identity(self) -> None:
            return None

    with pytest.raises(IndievalueError, match=r"own cannot be used in shards, .* method identity\(\)"):
        evaluate(people, benchmark, {"own": Own()}, tmp_path / "run", placement=Placement(shards=2))


def test_shards_need_a_directory_and_predictors_of_the_machines(
    people: People, benchmark: Benchmark, tmp_path: Path
) -> None:
    with pytest.raises(IndievalueError, match="shards are files"):
        evaluate(people, benchmark, "majority", placement=Placement(shards=2))
    with pytest.raises(IndievalueError, match="openai/gpt-4o is asked over the network"):
        evaluate(people, benchmark, "openai/gpt-4o", tmp_path / "run", placement=Placement(shards=2))


# ---- failures


def test_a_shard_that_fails_twice_is_tried_again_after_the_others(
    people: People, benchmark: Benchmark, tmp_path: Path
) -> None:
    ids = benchmark.people.ids.tolist()
    predictor = Noted({ids[0]: [ValueError("no"), MemoryError()]})
    run = evaluate(people, benchmark, {"noted": predictor}, tmp_path / "run", placement=Placement(shards=23))
    assert predictor.predicted == [*ids[1:], ids[0]]
    assert same(run.predictions, evaluate(people, benchmark, {"noted": Noted()}).predictions)


def test_a_shard_that_fails_three_times_is_named_and_the_rest_is_finished(
    people: People, benchmark: Benchmark, tmp_path: Path
) -> None:
    ids = benchmark.people.ids.tolist()
    predictor = Noted({ids[5]: [ValueError("no answer\nat all")] * 3})
    with pytest.raises(ShardsFailedError) as failed:
        evaluate(people, benchmark, {"noted": predictor}, tmp_path / "run", placement=Placement(shards=6))
    said = str(failed.value)
    assert said.startswith("noted: 1 of 6 shards failed 3 times each; the other 5 are finished and kept; ")
    assert "shard 2 (people 4 to 7 of 23): ValueError: no answer" in said
    assert len(left(tmp_path)) == 5
    assert not (tmp_path / "run").exists()
    again = Noted()
    evaluate(people, benchmark, {"noted": again}, tmp_path / "run", placement=Placement(shards=6))
    assert again.predicted == ids[3:7]


def test_where_nothing_succeeds_the_rest_is_not_tried(people: People, benchmark: Benchmark, tmp_path: Path) -> None:
    ids = benchmark.people.ids.tolist()
    predictor = Noted({person: [IndievalueError("there is no such model")] * 9 for person in ids})
    with pytest.raises(ShardsFailedError, match=r"5 of 23 shards failed .*none succeeded.*there is no such model"):
        evaluate(people, benchmark, {"noted": predictor}, tmp_path / "run", placement=Placement(shards=23))
    assert [len(predictor.failures[person]) for person in ids].count(9) == 0  # each was tried once or more
    assert sum(len(predictor.failures[person]) == 6 for person in ids) == 5


# ---- workers


class Disorderly:
    """Four workers that end in any order; some die with the shard that they have, and one writes to another disk."""

    def __init__(self, job: Job, elsewhere: Path, seed: int = 0) -> None:
        self._job, self._elsewhere = job, elsewhere
        self._drawn = np.random.default_rng(seed)
        self._running: list[tuple[int, Benchmark]] = []
        self.started: list[int] = []
        self.most = 0

    def has_room(self) -> bool:
        return len(self._running) < 4

    def start(self, shard: int, part: Benchmark) -> None:
        self.started.append(shard)
        self._running.append((shard, pickle.loads(pickle.dumps(part))))
        self.most = max(self.most, len(self._running))

    def ended(self) -> Iterator[Ended]:
        if self._drawn.random() < 0.2:
            return  # nobody has ended yet
        shard, part = self._running.pop(int(self._drawn.integers(len(self._running))))
        if self.started.count(shard) == 1 and shard % 3 == 0:
            yield Ended(shard, failure="its worker died")
            return
        job = replace(self._job, predictor=pickle.loads(pickle.dumps(self._job.predictor)))
        yield compute(replace(job, folder=self._elsewhere) if shard % 2 else job, shard, part)


@pytest.mark.parametrize("seed", range(5))
def test_workers_that_end_in_any_order_and_die_give_the_same_rows(
    people: People, benchmark: Benchmark, tmp_path: Path, seed: int
) -> None:
    fitted = make_predictor("resemble:k=3").fit(people.take(~np.isin(people.ids, benchmark.people.ids)))
    shards = Shards(tmp_path / "abc", "abc", benchmark, 11)
    shards.open({})
    job = Job("resemble:k=3", fitted, shards.folder, "abc", 11)
    pool, done = Disorderly(job, tmp_path / "not-mounted", seed), list[int]()
    work(job, shards, shards.missing(), pool, done.append)
    assert sorted(done) == list(range(1, 12))
    assert sorted(pool.started) == sorted([*range(1, 12), 3, 6, 9])
    assert pool.most == 4
    assert not (tmp_path / "not-mounted").exists()
    assert same(shards.merged(), evaluate(people, benchmark, "resemble:k=3").predictions)
    assert finished_in(tmp_path) == 11


def test_a_finished_shard_is_neither_computed_nor_written_again_by_a_worker_that_was_left_behind(
    people: People, benchmark: Benchmark, tmp_path: Path
) -> None:
    predictor = Noted()
    predictor.fit(people)
    shards = Shards(tmp_path / "abc", "abc", benchmark, 3)
    shards.open({})
    job = Job("noted", predictor, shards.folder, "abc", 3)
    assert compute(job, 2, shards.part(2)) == Ended(2)
    before = times(list(shards.folder.glob("shard-*")))
    assert compute(job, 2, shards.part(2)) == Ended(2)
    assert times(list(shards.folder.glob("shard-*"))) == before
    assert len(predictor.predicted) == len(shards.people(2))


def test_a_worker_that_says_it_is_done_and_wrote_nothing_is_not_believed(
    people: People, benchmark: Benchmark, tmp_path: Path
) -> None:
    class Liar(Serial):
        def start(self, shard: int, part: Benchmark) -> None:
            self._ended.append(Ended(shard))

    shards = Shards(tmp_path / "abc", "abc", benchmark, 2)
    shards.open({})
    job = Job("noted", Noted(), shards.folder, "abc", 2)
    with pytest.raises(ShardsFailedError, match=r"2 of 2 .* wrote no shard-00001-of-00002\.parquet"):
        work(job, shards, [1, 2], Liar(job))


def test_a_shards_file_says_what_it_is_of_and_has_the_columns_of_predictions(
    people: People, benchmark: Benchmark, tmp_path: Path
) -> None:
    rows = evaluate(people, benchmark, "majority").predictions
    path = path_of(tmp_path, 3, 12)
    path.write_bytes(content_of(rows, {"fingerprint": "abc", "seconds": 1.5}))
    assert path.name == "shard-00003-of-00012.parquet"
    assert said_of(path) == {"fingerprint": "abc", "seconds": 1.5}
    assert pl.read_parquet(path).equals(rows)


def test_what_predictors_report_about_shards_is_taken_together() -> None:
    efforts = [
        {"mass": {"prompts": 30, "mean": 0.5, "low": 0.1}, "cached": 7, "model": "a", "examples": ["x"]},
        {"mass": {"prompts": 10, "mean": 0.9, "low": 0.5}, "cached": 3, "model": "a", "examples": []},
    ]
    found = together(efforts)
    assert found == {
        "mass": {"prompts": 40, "mean": pytest.approx(0.6), "low": pytest.approx(0.2)},
        "cached": 10,
        "model": "a",
        "examples": ["x"],
    }
    assert together([]) == {}


# ---- local models


def test_a_local_model_gives_the_same_rows_in_shards_without_its_cache(
    people: People, tiny_model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("INDIEVALUE_CACHE", str(tmp_path / "cache"))
    name = f"local:{tiny_model}"
    drawn = build_benchmark(people, Settings(setups=(0,), demonstrations=3), 9)
    run = evaluate(people, drawn, name, tmp_path / "run", placement=Placement(shards=4))
    assert not (tmp_path / "cache").exists()
    alone = evaluate(people, drawn, name)
    assert same(run.predictions, alone.predictions)
    one, other = (found.record.effort[name]["mass"] for found in (run, alone))
    assert isinstance(one, dict)
    assert isinstance(other, dict)
    assert one["prompts"] == other["prompts"] == run.predictions.height
    assert one["mean"] == pytest.approx(other["mean"])


def test_the_memory_of_a_local_model_is_that_of_its_weights_and_of_the_libraries(tiny_model: Path) -> None:
    from indievalue.predictors.local.load import LIBRARIES

    weights = sum(file.stat().st_size for file in tiny_model.glob("*.safetensors"))
    memory = make_predictor(f"local:{tiny_model}").memory()
    assert memory is not None
    assert memory - LIBRARIES == pytest.approx(weights, rel=0.1)  # float32, and the file has a header


@pytest.mark.parametrize(("gigabytes", "cache"), [(None, 1 << 30), ("3", 3 << 30)])
def test_vllm_takes_as_much_and_on_a_cpu_its_cache(
    tiny_model: Path, monkeypatch: pytest.MonkeyPatch, gigabytes: str | None, cache: int
) -> None:
    from indievalue.predictors.vllm.predictor import Vllm

    monkeypatch.delenv("VLLM_CPU_KVCACHE_SPACE", raising=False)
    if gigabytes is not None:
        monkeypatch.setenv("VLLM_CPU_KVCACHE_SPACE", gigabytes)
    memory = make_predictor(f"local:{tiny_model}").memory()
    assert memory is not None
    assert Vllm(str(tiny_model)).memory() == memory + cache


# ---- the command line


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    garden_answers(60).write_csv(tmp_path / "garden.csv")
    return tmp_path


def commanded(*words: str) -> Result:
    return CliRunner().invoke(app, list(words))


def evaluated(*words: str) -> Result:
    asked = ["garden.csv", "--survey", str(GARDEN), "--people", "12", "--setup", "0", "--demonstrations", "3"]
    return commanded("evaluate", *asked, *words)


def test_the_command_predicts_in_shards_and_its_run_is_repeated_in_as_many(folder: Path) -> None:
    found = evaluated("--predictor", "majority", "--shards", "5", "--out", "run")
    assert found.exit_code == 0, found.output
    about = json.loads((folder / "run/run.json").read_text())
    assert about["placed"] == {"on": None, "shards": {"majority": 5}, "workers": {"majority": 1}}
    config = yaml.safe_load((folder / "run/evaluate.yaml").read_text())
    assert config["shards"] == 5
    assert not {"on", "rate"} & set(config)
    assert evaluated("--predictor", "majority", "--out", "whole").exit_code == 0
    assert json.loads((folder / "whole/run.json").read_text())["placed"] is None
    assert rows_of(folder / "run").equals(rows_of(folder / "whole"))


def test_a_failed_shard_names_the_command_that_repeats_it(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(self: Majority, task: Task) -> Guesses:
        raise ValueError("broken")

    monkeypatch.setattr(Majority, "predict", broken)
    monkeypatch.setattr(sys, "argv", ["indievalue", "evaluate", "garden.csv", "--shards", "2", "--out", "my run"])
    found = evaluated("--predictor", "majority", "--shards", "2", "--out", "my run")
    assert isinstance(found.exception, IndievalueError)  # exit code 1
    assert "majority: 2 of 2 shards failed 3 times each" in str(found.exception)
    assert str(found.exception).endswith(": indievalue evaluate garden.csv --shards 2 --out 'my run'")


@pytest.mark.parametrize("words", [["--on", "spark"], ["--shards", "0"], ["--on", "ray:nowhere"]])
def test_a_wrong_place_is_wrong_usage(folder: Path, words: list[str]) -> None:
    assert evaluated("--predictor", "majority", *words, "--out", "run").exit_code == 2


def test_a_chat_model_is_not_computed_on_the_machines(folder: Path) -> None:
    found = evaluated("--predictor", "openai/gpt-4o", "--shards", "2", "--out", "run")
    assert "openai/gpt-4o is asked over the network" in str(found.exception)


def test_a_dry_run_prints_shards_tokens_memory_and_hours(folder: Path, tiny_model: Path) -> None:
    name = f"local:{tiny_model}"
    asked = ["--predictor", name, "--predictor", "majority", "--shards", "4", "--dry-run", "--out", "run"]
    found = evaluated(*asked, "--rate", "1000")
    assert found.exit_code == 0, found.output
    said = " ".join(found.output.split())
    assert f"{name}: 4 shards, about 3 people and 9 predictions each; memory of a worker: about 1.0 GB" in said
    assert f"{name}: 36 prompts, about " in said
    assert "hours of one worker at 1,000 tokens a second; divide by their number for more" in said
    assert "majority: 4 shards, about 3 people and 9 predictions each; memory of a worker: about 0.3 GB" in said
    assert "give --rate" in " ".join(evaluated(*asked).output.split())
    assert not (folder / "run").exists()


def test_tokens_are_those_of_the_prompts(people: People) -> None:
    from indievalue.benchmark.storage import texts_of
    from indievalue.prompts.pool import Pool
    from indievalue.prompts.prompt import PromptStyle, prompts_of
    from indievalue.scale.forecast import Tokens

    style = PromptStyle()
    drawn = build_benchmark(people, Settings(setups=(0,), demonstrations=3), 9)
    ((_, task),) = drawn.tasks()
    texts = [[one.text for one in prompts_of(text, style, task.seed)] for text in texts_of(task)]
    found = Tokens.of(drawn, style, Pool(style))
    assert found.prompts == sum(map(len, texts))
    assert found.all == round(sum(len(text) for mine in texts for text in mine) / 4)
    shared = sum((len(mine) - 1) * len(os.path.commonprefix(mine)) for mine in texts)  # noqa: RUF071
    assert abs(found.read - found.all + shared / 4) <= 1
    assert shared > 0
    assert found.repeated == 0
    twice = found + found
    assert (twice.prompts, twice.all, twice.read) == (2 * found.prompts, 2 * found.all, 2 * found.read)


def test_prompts_that_people_share_are_counted_once(people: People) -> None:
    from indievalue.benchmark.storage import texts_of
    from indievalue.prompts.pool import Pool
    from indievalue.prompts.prompt import PromptStyle, prompts_of
    from indievalue.scale.forecast import Forecast, Tokens

    style = PromptStyle()
    drawn = build_benchmark(people, Settings(setups=(0,), demonstrations=0), 9)  # nothing is shown of anybody
    ((_, task),) = drawn.tasks()
    texts = [[one.text for one in prompts_of(text, style, task.seed)] for text in texts_of(task)]
    assert texts[0] == texts[-1]
    found = Tokens.of(drawn, style, Pool(style))
    assert found.prompts == 9 * len(texts[0])
    assert found.repeated == 8 * len(texts[0])
    begins = len(os.path.commonprefix(texts[0]))  # noqa: RUF071
    once = sum(map(len, texts[0])) - (len(texts[0]) - 1) * begins
    assert found.read == round(once / 4)
    assert "prompts that several people share (here about 89%)" in " ".join(Forecast(1, 9, 27, tokens=found).lines("m"))


GROWN = ["--survey", str(GARDEN), "--people", "12", "--set", "setups=0", "--yes"]

EXPERIMENT = """
title: Shown
asks: How many statements are needed?
predictors: [majority, "resemble:k=3"]
grid: {demonstrations: [0, 3]}
figure: {kind: dots, rows: demonstrations, colour: predictor}
"""


def test_an_experiment_predicts_its_cells_in_shards(folder: Path) -> None:
    (folder / "shown.yaml").write_text(EXPERIMENT)
    asked = ["experiment", "shown.yaml", "garden.csv", *GROWN]
    planned = commanded(*asked, "--shards", "5", "--dry-run", "--out", "dry")
    assert "majority: 10 shards, about 2 people" in " ".join(planned.output.split()), planned.output
    for words in (["--out", "whole"], ["--shards", "5", "--out", "cut"]):
        found = commanded(*asked, *words)
        assert found.exit_code == 0, (found.output, found.exception)
    cells = sorted(path.name for path in (folder / "whole/cells").iterdir())
    assert len(cells) == 4
    assert sorted(path.name for path in (folder / "cut/cells").iterdir()) == cells  # and no shards are left
    for cell in cells:
        assert rows_of(folder / "cut/cells" / cell).equals(rows_of(folder / "whole/cells" / cell))
    assert "--shards" not in json.loads((folder / "cut/run.json").read_text())["command"]


def test_a_stopped_experiment_continues_within_a_cell(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (folder / "shown.yaml").write_text(EXPERIMENT)
    asked = ["experiment", "shown.yaml", "garden.csv", *GROWN]
    asked += ["--predictor", "majority", "--shards", "6", "--out", "cut"]
    predict, tried = work_module.predict, list[list[str]]()

    def stopped(name: str, predictor: Predictor, part: Benchmark) -> pl.DataFrame:
        tried.append(part.people.ids.tolist())
        if len(tried) == 4:
            raise KeyboardInterrupt
        return predict(name, predictor, part)

    monkeypatch.setattr(work_module, "predict", stopped)
    assert commanded(*asked).exit_code != 0
    assert finished_in(folder / "cut/cells") == 3
    found = commanded(*asked)
    assert found.exit_code == 0, (found.output, found.exception)
    assert tried[4] == tried[3]  # the shard that was not finished, and none before it
    assert len(tried) == 4 + 3 + 6
    assert finished_in(folder / "cut/cells") == 0


# ---- without Ray


@pytest.mark.skipif("ray" in sys.modules, reason="Ray is imported already")
def test_without_ray_the_command_says_what_to_install(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "ray", None)
    found = evaluated("--predictor", "majority", "--on", "ray", "--out", "run")
    assert isinstance(found.exception, IndievalueError)
    assert str(found.exception).startswith("--on ray needs ray, which is not installed: install indievalue with its ")


def test_ray_is_imported_only_where_it_is_used() -> None:
    code = (
        "import sys, indievalue.evaluation, indievalue.cli, indievalue.experiments.run, indievalue.scale.forecast, "
        "indievalue.scale.sharded; sys.exit('ray' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


# ---- processes that a killed Ray leaves behind


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="processes are found in /proc")
def test_processes_are_found_and_ended_by_their_ids_and_no_others() -> None:
    code = "import subprocess, sys; subprocess.run([sys.executable, '-c', 'import time; time.sleep(600)'])"
    parent = subprocess.Popen([sys.executable, "-c", code])
    try:
        deadline = time.monotonic() + 60
        while len(found := descendants(os.getpid())) < 2 and time.monotonic() < deadline:
            time.sleep(0.05)
        assert len(found) == 2
        assert began(parent.pid) == found[parent.pid]
        end({process: when + 1 for process, when in found.items()}, patience=0)  # others, with the same ids
        assert parent.poll() is None
        end(found, patience=0)
        parent.wait(timeout=60)
        end(found)
        assert not descendants(os.getpid())
    finally:
        parent.kill()
