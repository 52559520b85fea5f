"""Predictions on clusters of Ray: workers, nodes, drivers and clusters are killed, and no finished shard is lost.

Run by ``make test-ray``, which installs Ray, without a network but loopback where the system can do that.
"""

import json
import os
import re
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import numpy as np
import polars as pl
import pytest

pytest.importorskip("ray", reason="Ray is not installed: make test-ray installs and tests it")

from conftest import GARDEN, garden_answers
from indievalue.scale.processes import began, descendants, end
from indievalue.scale.shards import finished_in
from ray_nodes import TESTS, Cluster, Slow, cluster, wait_until

pytestmark = pytest.mark.ray

SHARDS = 16

DRIVER = """
import sys
from pathlib import Path
import indievalue as iv
from indievalue.evaluation import Call, evaluate
from indievalue.scale import ray_workers
from indievalue.scale.placement import Placement
from ray_nodes import Slow

data, survey, notes, out, on, seconds, fails_at, patience = sys.argv[1:]
ray_workers.PATIENCE = float(patience)
people = iv.read_people(data, survey)
benchmark = iv.build_benchmark(people, people_tested=people.ids[:64].tolist(), setups=[0], demonstrations=3)
slow = Slow(Path(notes), float(seconds), fails_at)
evaluate(people, benchmark, {"slow": slow}, out, folds=1, placement=Placement(on, SHARDS),
         call=Call(progress=lambda line: print(line, flush=True)))
""".replace("SHARDS", str(SHARDS))

COMMAND = [sys.executable, "-c", "from indievalue.cli import main; main()"]


class Driver:
    """A program that predicts 64 gardeners in 16 shards with :class:`ray_nodes.Slow`."""

    def __init__(self, folder: Path, seconds: float = 2.0, fails_at: str = "", patience: float = 120) -> None:
        self.folder, self.notes = folder, folder / "notes.txt"
        self._more = [str(seconds), fails_at, str(patience)]
        self.notes.touch()
        garden_answers(90).write_csv(folder / "garden.csv")

    def start(self, on: Cluster) -> subprocess.Popen[str]:
        words = [self.folder / "garden.csv", GARDEN, self.notes, self.folder / "run", f"ray:{on.address}", *self._more]
        return subprocess.Popen(
            [sys.executable, "-c", DRIVER, *map(str, words)],
            env=dict(on.environment),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    def noted(self, what: str) -> list[tuple[int, str]]:
        """The process and the first person of every note of a kind."""
        lines = [line.split() for line in self.notes.read_text().splitlines()]
        return [(int(line[1]), line[2]) for line in lines if len(line) == 3 and line[0] == what]

    def began(self) -> Counter[str]:
        """How often each shard was begun, by its first person."""
        return Counter(person for _, person in self.noted("began"))

    def finished(self) -> dict[str, tuple[int, int]]:
        """The finished shards by their first person, with what tells whether the file was ever written again."""
        found = {}
        for file in self.folder.rglob("shard-*.parquet"):
            status = file.stat()
            found[str(pl.read_parquet(file)["person"][0])] = status.st_ino, status.st_mtime_ns
        return found

    def wait_for(self, shards: int, process: subprocess.Popen[str]) -> None:
        """Wait until so many shards are finished."""

        def enough() -> bool:
            assert process.poll() is None, process.stdout and process.stdout.read()
            return finished_in(self.folder) >= shards

        wait_until(enough, 180, "no shards are finished")

    def busy(self) -> int:
        """A worker that is computing a shard right now, which has not long been at it."""
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline:
            before = len(self.noted("began"))
            wait_until(lambda before=before: len(self.noted("began")) > before, 60, "no shard begins")  # type: ignore[misc]
            process, person = self.noted("began")[-1]
            if person not in {one for _, one in self.noted("ended")}:
                return process
        raise AssertionError("no worker is busy")

    def rows_are_those_of_one_machine(self) -> bool:
        import indievalue as iv

        people = iv.read_people(self.folder / "garden.csv", str(GARDEN))
        tested = people.ids[:64].tolist()
        benchmark = iv.build_benchmark(people, people_tested=tested, setups=[0], demonstrations=3)
        slow = Slow(self.folder / "other-notes.txt", 0)
        alone = iv.evaluate(people, benchmark, {"slow": slow}, folds=1).predictions
        return same(pl.read_parquet(self.folder / "run/predictions.parquet"), alone)


def same(one: pl.DataFrame, other: pl.DataFrame) -> bool:
    """Whether choices and everything else are equal, and probabilities within 1e-6."""
    if not one.drop("probabilities").equals(other.drop("probabilities")):
        return False
    a, b = (table["probabilities"].explode().to_numpy() for table in (one, other))
    return len(a) == len(b) and bool(np.allclose(a, b, rtol=0, atol=1e-6, equal_nan=True))


def output_of(process: subprocess.Popen[str], code: int = 0) -> str:
    said, _ = process.communicate(timeout=300)
    assert process.returncode == code, said
    return said


@pytest.fixture(scope="module")
def two_nodes() -> Iterator[Cluster]:
    """Two nodes of one core each, for tests that leave both alive."""
    with cluster(2) as made:
        yield made


def test_the_predictor_travels_once_and_shards_are_computed_once_each(two_nodes: Cluster, tmp_path: Path) -> None:
    driver = Driver(tmp_path, seconds=0.2)
    said = output_of(driver.start(two_nodes))
    assert "2 machines, 2 cores, 0 GPUs" in said
    assert driver.rows_are_those_of_one_machine()
    assert len(driver.began()) == SHARDS
    assert set(driver.began().values()) == {1}
    assert len(driver.noted("packed")) == 1
    assert 1 <= len(driver.noted("unpacked")) <= 2  # by each worker once, one of which may come too late
    placed = json.loads((tmp_path / "run/run.json").read_text())["placed"]
    assert placed["on"] == f"ray:{two_nodes.address}"
    assert placed["shards"] == {"slow": SHARDS}
    assert 1 <= placed["workers"]["slow"] <= 2


def test_a_killed_worker_costs_the_shard_that_it_had(two_nodes: Cluster, tmp_path: Path) -> None:
    driver = Driver(tmp_path)
    process = driver.start(two_nodes)
    driver.wait_for(2, process)
    killed = driver.busy()
    os.kill(killed, signal.SIGKILL)
    before = driver.finished()
    assert 2 <= len(before) < SHARDS - 2  # it was killed in the middle
    output_of(process)
    assert driver.rows_are_those_of_one_machine()
    again = {person for person, times in driver.began().items() if times > 1}
    assert again == {person for one, person in driver.noted("began") if one == killed} - {
        person for one, person in driver.noted("ended") if one == killed
    }
    assert len(again) == 1
    assert not again & set(before)


def test_a_killed_node_costs_the_shard_that_it_had(tmp_path: Path) -> None:
    with cluster(2) as nodes:
        driver = Driver(tmp_path, seconds=5)
        process = driver.start(nodes)
        driver.wait_for(3, process)
        wait_until(lambda: len({one for one, _ in driver.noted("began")}) == 2, 60, "one worker alone is at work")
        nodes.kill(1)
        before = driver.finished()
        assert 3 <= len(before) < SHARDS - 2
        output_of(process)
        assert driver.rows_are_those_of_one_machine()
        assert sum(times > 1 for times in driver.began().values()) <= 1
        assert all(driver.began()[person] == 1 for person in before)


def test_after_the_driver_is_killed_the_same_command_computes_the_rest(two_nodes: Cluster, tmp_path: Path) -> None:
    driver = Driver(tmp_path)
    process = driver.start(two_nodes)
    driver.wait_for(3, process)
    process.kill()
    process.wait(timeout=30)
    before = driver.finished()
    assert 3 <= len(before) < SHARDS - 2
    again = driver.start(two_nodes)
    seen: dict[str, tuple[int, int]] = {}
    while again.poll() is None:  # the files of the first are not touched for as long as they are there
        seen = _looked_at(driver, seen)
        time.sleep(0.2)
    said = output_of(again)
    assert (finished := re.search(r"slow: (\d+) of 16 shards finished before", said)), said
    assert len(before) <= int(finished[1]) < SHARDS  # a worker may have finished the one that it had
    assert {person: seen[person] for person in before} == before
    assert all(driver.began()[person] == 1 for person in before)
    assert driver.rows_are_those_of_one_machine()


def _looked_at(driver: Driver, seen: dict[str, tuple[int, int]]) -> dict[str, tuple[int, int]]:
    try:
        return {**seen, **driver.finished()}
    except (OSError, pl.exceptions.PolarsError):  # the folder is being deleted, as the run is complete
        return seen


def test_after_driver_and_cluster_are_killed_another_cluster_computes_the_rest(tmp_path: Path) -> None:
    driver = Driver(tmp_path)
    with cluster(2) as first:
        process = driver.start(first)
        driver.wait_for(3, process)
        first.stop()
        process.kill()
        process.wait(timeout=30)
    before = driver.finished()
    assert 3 <= len(before) < SHARDS - 2
    with cluster(1) as other:
        said = output_of(driver.start(other))
    assert f"slow: {len(before)} of 16 shards finished before" in said
    assert all(driver.began()[person] == 1 for person in before)
    assert driver.rows_are_those_of_one_machine()


def test_a_shard_that_fails_three_times_is_named_and_the_rest_is_finished(two_nodes: Cluster, tmp_path: Path) -> None:
    driver = Driver(tmp_path, seconds=0.1, fails_at="g0018")
    said = output_of(driver.start(two_nodes), code=1)
    assert "slow: 1 of 16 shards failed 3 times each; the other 15 are finished and kept" in said
    assert "shard 5 (people 17 to 20 of 64): there is something about this person" in said
    assert finished_in(tmp_path) == 15
    assert sorted(driver.began().values()) == [1] * 15 + [3]


def test_a_cluster_without_room_is_given_up_and_not_waited_for_forever(tmp_path: Path) -> None:
    with cluster(1, cores=0) as empty:
        driver = Driver(tmp_path, patience=5)
        said = output_of(driver.start(empty), code=1)
    assert "slow: no worker could start in 5 seconds: the cluster has no core that is free" in said


WORKERS = """
import sys
from pathlib import Path
from indievalue.errors import IndievalueError
from indievalue.predictors.majority import Majority
from indievalue.scale import ray_workers
from indievalue.scale.cluster import connected
from indievalue.scale.work import Job

def workers(gpus):
    return ray_workers.RayWorkers(Job("model", Majority(), Path(), "", 9, reads_prompts=True, gpus=gpus), shards=9)

with connected(sys.argv[1]):
    of_two = workers(2)
    while of_two.most < 2:
        of_two.ended()
    of_two.ended()
    print("workers of 2 GPUs:", of_two.most)
    of_two.stop()
    ray_workers.PATIENCE = 3
    of_five = workers(5)
    try:
        while True:
            of_five.ended()
    except IndievalueError as error:
        print(error)
"""


def test_a_model_that_is_split_over_two_gpus_has_a_worker_for_every_two() -> None:
    with cluster(1, gpus=4) as nodes:
        done = subprocess.run(
            [sys.executable, "-c", WORKERS, nodes.address], env=nodes.environment, capture_output=True, text=True
        )
    assert done.returncode == 0, done.stderr
    assert "workers of 2 GPUs: 2\n" in done.stdout
    assert "the cluster has no 5 GPUs of one machine that are free" in done.stdout


def test_an_address_where_no_cluster_is_says_so(two_nodes: Cluster, tmp_path: Path) -> None:
    driver = Driver(tmp_path)
    nobody = Cluster("127.0.0.1:1", tmp_path, two_nodes.environment)
    assert "--on ray:127.0.0.1:1: no cluster can be reached there" in output_of(driver.start(nobody), code=1)


# ---- a Ray of our own


@contextmanager
def own_ray(tmp_path: Path, *words: str) -> Iterator[subprocess.Popen[str]]:
    """`evaluate --on ray` with synthetic people, in a process group of its own, with another token in its variables."""
    environment = {
        **os.environ,
        "INDIEVALUE_CACHE": str(tmp_path / "cache"),
        "RAY_AUTH_TOKEN": "somebody-else's",
        "PYTHONPATH": str(TESTS.parent / "src"),
    }
    command = [*COMMAND, "evaluate", "synthetic:400", "--people", "60", "--on", "ray", *words]
    process = subprocess.Popen(
        command, cwd=tmp_path, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )
    try:
        yield process
    finally:
        every = descendants(process.pid)
        process.kill()
        process.wait(timeout=30)
        end(every, patience=0)


def listening(processes: dict[int, int]) -> set[str]:
    """The addresses, in hexadecimal, at which processes listen."""
    sockets = set()
    for process in processes:
        for handle in Path(f"/proc/{process}/fd").glob("*"):
            try:
                sockets.add(str(handle.readlink()).removeprefix("socket:[").removesuffix("]"))
            except OSError:
                continue
    found = set()
    for table in ("tcp", "tcp6"):
        for line in Path(f"/proc/net/{table}").read_text().splitlines()[1:]:
            words = line.split()
            if words[3] == "0A" and words[9] in sockets:
                found.add(words[1].partition(":")[0])
    return found


IPV4, MAPPED, IPV6 = "0100007F", "0000000000000000FFFF00000100007F", "00000000000000000000000001000000"
"""127.0.0.1, the same as an address of IPv6, and ::1."""

SLOW = ["--predictor", "logistic", "--predictor", "boosting", "--shards", "30", "--out", "run"]
"""What takes longer than the tests look at it."""


def started(process: subprocess.Popen[str], tmp_path: Path) -> dict[int, int]:
    """Wait until shards are computed, and return the processes of Ray, with when each began."""
    wait_until(lambda: finished_in(tmp_path) >= 1 or process.poll() is not None, 300, "no shard is finished")
    assert process.poll() is None, process.stdout and process.stdout.read()
    found = descendants(process.pid)
    assert len(found) >= 4  # gcs_server, raylet, and workers at least
    return found


def alive(processes: dict[int, int]) -> list[int]:
    return [process for process, when in processes.items() if began(process) == when]


def test_a_ray_of_our_own_listens_on_loopback_alone_behind_a_token_of_its_own(tmp_path: Path) -> None:
    with own_ray(tmp_path, *SLOW) as process:
        found = started(process, tmp_path)
        assert listening({**found, process.pid: 0}) <= {IPV4, MAPPED, IPV6}
        assert listening(found)
        (record,) = (tmp_path / "cache/ray").glob("*.json")
        said = json.loads(record.read_text())
        assert record.stat().st_mode & 0o777 == 0o600
        assert {one for one, _ in said["processes"]} <= set(found)
        assert Path(said["folder"]).stat().st_mode & 0o777 == 0o700
        variables = [Path(f"/proc/{one}/environ").read_bytes().split(b"\0") for one in alive(found)]
        tokens = {one for words in variables for one in words if one.startswith(b"RAY_AUTH_TOKEN=")}
        assert len(tokens) == 1
        assert len(tokens.pop()) == len("RAY_AUTH_TOKEN=") + 64
        assert all(b"RAY_AUTH_MODE=token" in words and b"RAY_USAGE_STATS_ENABLED=0" in words for words in variables)
        commands = [Path(f"/proc/{one}/cmdline").read_bytes() for one in alive(found)]
        (address,) = {match[1].decode() for one in commands if (match := re.search(rb"gcs-address=(\S+?:\d+)", one))}
        stranger = (
            "import ray, sys\n"
            "try: ray.init(address=sys.argv[1], log_to_driver=False)\n"
            "except Exception as error: sys.exit(7)\n"
        )
        without = {"RAY_AUTH_MODE": "token", "RAY_AUTH_TOKEN": "guessed"}
        tried = subprocess.run(
            [sys.executable, "-c", stranger, address], env={**os.environ, **without}, capture_output=True, timeout=120
        )
        assert tried.returncode == 7


def test_nothing_of_it_is_left_after_the_end(tmp_path: Path) -> None:
    with own_ray(tmp_path, "--predictor", "majority", "--shards", "3", "--setup", "0", "--out", "run") as process:
        output_of(process)
    assert not list((tmp_path / "cache/ray").iterdir())
    assert json.loads((tmp_path / "run/run.json").read_text())["placed"]["on"] == "ray"


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM])
def test_nor_after_an_interrupt(tmp_path: Path, how: signal.Signals) -> None:
    with own_ray(tmp_path, *SLOW) as process:
        found = started(process, tmp_path)
        folder = Path(json.loads(next((tmp_path / "cache/ray").glob("*.json")).read_text())["folder"])
        process.send_signal(how)
        said = output_of(process, code=1)
        assert re.search(r"finished (shard|predictor)s? (and \d+ finished shards? )?are kept in", said), said
        assert not alive(found)
        assert not folder.exists()
        assert not list((tmp_path / "cache/ray").iterdir())


def test_nor_after_a_kill_once_another_has_run(tmp_path: Path) -> None:
    with own_ray(tmp_path, *SLOW) as process:
        found = started(process, tmp_path)
        record = next((tmp_path / "cache/ray").glob("*.json"))
        folder = Path(json.loads(record.read_text())["folder"])
        process.kill()
        process.wait(timeout=30)
        with own_ray(tmp_path, "--predictor", "majority", "--shards", "2", "--setup", "0", "--out", "other") as after:
            output_of(after)
        assert not alive(found)
        assert not folder.exists()
        assert not record.exists()


# ---- the whole of it


PROMPTS = ["--people", "52", "--setup", "0", "--demonstrations", "1", "--template", "brief"]
"""52 people and 39 probes after one statement, in as few words as can be, so that two cores score them in minutes."""

NOTED = [sys.executable, "-c", "import ray_model; ray_model.main()"]


class Scored:
    """A command that scores 2,000 prompts in 20 shards with :class:`ray_model.NotedModel`; it can be started again."""

    shards = 20
    process: subprocess.Popen[bytes] | None = None
    alone: subprocess.Popen[bytes] | None = None

    def __init__(self, folder: Path, on: Cluster) -> None:
        self.folder, self.notes, self.output = folder, folder / "notes.txt", folder / "output.txt"
        self.notes.touch()
        self.asked = ["evaluate", "synthetic:600", "--predictor", "local:smollm2", *PROMPTS]
        self._words = [*NOTED, *self.asked, f"--shards={self.shards}", "--out", "run", "--on", f"ray:{on.address}"]
        cache = str(folder / "cache")
        self.environment = {**on.environment, "NOTES": str(self.notes), "INDIEVALUE_CACHE": cache}

    def start(self) -> None:
        with self.output.open("ab") as output:
            self.process = subprocess.Popen(
                self._words, cwd=self.folder, env=self.environment, stdout=output, stderr=subprocess.STDOUT
            )

    def start_alone(self) -> None:
        """Start the same without Ray and shards, on the core of the node that was killed."""
        words = [*COMMAND, *self.asked, "--out", "alone"]
        with (self.folder / "alone.txt").open("ab") as output:
            self.alone = subprocess.Popen(
                words, cwd=self.folder, env=self.environment, stdout=output, stderr=subprocess.STDOUT
            )

    def kill_driver(self) -> None:
        assert self.process is not None
        self.process.kill()
        self.process.wait(timeout=30)

    def stop(self) -> None:
        for process in (self.process, self.alone):
            if process is not None:
                process.kill()
                process.wait(timeout=30)

    def finished(self) -> dict[str, tuple[int, int]]:
        """The finished shards, with what tells whether the file was ever written again."""
        files = self.folder.glob(".run.*/*.shards/*/shard-*.parquet")
        return {file.name: (file.stat().st_ino, file.stat().st_mtime_ns) for file in files}

    def wait_for(self, shards: int) -> int:
        """Wait until so many shards are finished, and return how many are."""

        def enough() -> bool:
            assert self.process is not None
            assert self.process.poll() is None, self.output.read_text()
            return len(self.finished()) >= shards

        wait_until(enough, 1200, f"{shards} shards are not finished")
        return len(self.finished())

    def wait_for_a_busy_worker(self) -> int:
        """Wait until a shard begins, and return the worker that computes it."""
        begun = len(self.noted("began"))
        wait_until(lambda: len(self.noted("began")) > begun, 300, "no shard begins")
        return self.noted("began")[-1][0]

    def noted(self, what: str) -> list[tuple[int, str]]:
        """The process and the first person of every note of a kind."""
        lines = [line.split() for line in self.notes.read_text().splitlines()]
        return [(int(line[1]), line[2]) for line in lines if len(line) == 3 and line[0] == what]

    def wait_for_the_end(self) -> dict[str, tuple[int, int]]:
        """Wait until the command ends, and return the files that shards had on the way."""
        assert self.process is not None
        seen: dict[str, tuple[int, int]] = {}
        while self.process.poll() is None:
            with suppress(OSError):  # they are being deleted, as the run is complete
                seen.update(self.finished())
            time.sleep(0.1)
        assert self.process.returncode == 0, self.output.read_text()
        return seen

    def rows(self) -> list[pl.DataFrame]:
        """Wait for the same without Ray, and return the predictions of both."""
        assert self.alone is not None
        assert self.alone.wait(timeout=1200) == 0, (self.folder / "alone.txt").read_text()
        return [pl.read_parquet(self.folder / name / "predictions.parquet") for name in ("run", "alone")]


def test_two_nodes_score_2000_prompts_with_smollm2_though_worker_node_and_driver_are_killed(tmp_path: Path) -> None:
    pytest.importorskip("transformers", reason="transformers is not installed: the extra lm brings it")
    with cluster(2) as nodes:
        scored = Scored(tmp_path, nodes)
        scored.start()
        try:
            counts = [scored.wait_for(2)]
            os.kill(scored.wait_for_a_busy_worker(), signal.SIGKILL)
            counts.append(scored.wait_for(5))
            nodes.kill(1)
            scored.start_alone()
            counts.append(scored.wait_for(9))
            scored.kill_driver()
            before = scored.finished()
            scored.start()
            seen = scored.wait_for_the_end()
            rows, alone = scored.rows()
        finally:
            scored.stop()
    print(f"finished before worker, node and driver were killed: {counts}")
    assert counts[-1] < scored.shards - 2  # they were killed in the middle
    assert {name: seen[name] for name in before} == before, "a finished shard was written again"
    assert len(seen) >= scored.shards - 1  # the last is deleted with the others as soon as it is finished
    assert (known := re.search(r"local:smollm2: (\d+) of 20 shards finished before", scored.output.read_text()))
    assert len(before) <= int(known[1]) <= len(before) + 1  # a worker may have finished the one that it had
    computed = Counter(person for _, person in scored.noted("ended"))
    assert len(computed) == scored.shards
    assert set(computed.values()) == {1}, "a shard was computed twice"
    assert len(scored.noted("began")) <= scored.shards + 4  # what workers had as one, a node, or all were killed
    assert len(rows) >= 2000
    print(f"largest difference of probabilities: {_difference(rows, alone)}")
    assert same(rows, alone)


def _difference(one: pl.DataFrame, other: pl.DataFrame) -> float:
    a, b = (table["probabilities"].explode().to_numpy() for table in (one, other))
    return float(np.nanmax(np.abs(a - b)))
