"""Clusters of Ray on loopback for tests, of nodes that can be killed; and a slow predictor that notes what it does."""

import os
import secrets
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

from indievalue.benchmark.model import Task
from indievalue.errors import IndievalueError
from indievalue.people.people import People
from indievalue.predictors.majority import Majority
from indievalue.predictors.protocol import Guesses
from indievalue.scale.processes import descendants, end

TESTS = Path(__file__).resolve().parent
LOOPBACK = "127.0.0.1"


@dataclass
class Cluster:
    """A cluster of nodes with one core each, behind a token."""

    address: str
    folder: Path
    environment: Mapping[str, str]
    nodes: list[subprocess.Popen[bytes]] = field(default_factory=list)

    def add(self, *, cores: int = 1, gpus: int = 0, head: bool = False) -> None:
        """Start a node, and wait until it is there."""
        command = [
            sys.executable,
            "-m",
            "ray.scripts.scripts",
            "start",
            "--block",
            f"--num-cpus={cores}",
            f"--num-gpus={gpus}",
        ]
        command += [f"--node-ip-address={LOOPBACK}", "--disable-usage-stats", "--object-store-memory=100000000"]
        if head:
            port = self.address.rpartition(":")[2]
            command += ["--head", f"--port={port}", "--include-dashboard=false", f"--temp-dir={self.folder}"]
        else:
            command += [f"--address={self.address}"]
        output = (self.folder / f"node-{len(self.nodes)}.log").open("ab")
        with output:
            self.nodes.append(
                subprocess.Popen(
                    command, env=dict(self.environment), stdout=output, stderr=output, start_new_session=True
                )
            )
        log = self.folder / f"node-{len(self.nodes) - 1}.log"
        wait_until(lambda: b"Ray runtime started" in log.read_bytes(), 120, f"no node has started: {log}")

    def kill(self, node: int) -> None:
        """Kill a node with all of its processes, as if its machine had lost its power."""
        every = descendants(self.nodes[node].pid)
        for process in (self.nodes[node].pid, *every):
            with suppress(OSError):
                os.kill(process, signal.SIGKILL)
        self.nodes[node].wait(timeout=30)
        end(every, patience=5)

    def stop(self) -> None:
        for node in range(len(self.nodes)):
            if self.nodes[node].poll() is None:
                self.kill(node)


@contextmanager
def cluster(nodes: int, cores: int = 1, gpus: int = 0) -> Iterator[Cluster]:
    """Start nodes that each say they have so many cores and GPUs, and stop them at the end, also after SIGTERM."""
    before = signal.signal(signal.SIGTERM, signal.default_int_handler)
    with tempfile.TemporaryDirectory(prefix="ray-test-", dir="/tmp", ignore_cleanup_errors=True) as folder:
        with socket.socket() as free:
            free.bind((LOOPBACK, 0))
            port = free.getsockname()[1]
        environment = {
            **os.environ,
            "RAY_AUTH_MODE": "token",
            "RAY_AUTH_TOKEN": secrets.token_hex(32),
            "RAY_USAGE_STATS_ENABLED": "0",
            "OMP_NUM_THREADS": "1",
            "OPENBLAS_NUM_THREADS": "1",
            "HF_HUB_OFFLINE": "1",
            "PYTHONPATH": os.pathsep.join([str(TESTS), str(TESTS.parent / "src"), os.environ.get("PYTHONPATH", "")]),
        }
        made = Cluster(f"{LOOPBACK}:{port}", Path(folder), environment)
        try:
            for node in range(nodes):
                made.add(cores=cores, gpus=gpus, head=node == 0)
            yield made
        finally:
            made.stop()
            signal.signal(signal.SIGTERM, before)


def wait_until(is_so: Callable[[], bool], seconds: float, complaint: str) -> None:
    """Wait until something is so. Raises AssertionError if it takes too long."""
    deadline = time.monotonic() + seconds
    while not is_so():
        assert time.monotonic() < deadline, complaint
        time.sleep(0.05)


class Slow(Majority):
    """Majority that takes a while for every shard, fails at some people, and notes what it does in a file.

    A line is ``began``, ``ended``, ``packed`` or ``unpacked``, the process, and the first person of the shard.
    """

    def __init__(self, notes: Path, seconds: float = 0.5, fails_at: str = "") -> None:
        self.notes, self.seconds, self.fails_at = notes, seconds, fails_at

    def __repr__(self) -> str:
        return "Slow()"

    def fit(self, people: People, *forms: object) -> "Slow":
        super().fit(people)
        return self

    def predict(self, task: Task) -> Guesses:
        self._note("began", task.people[0])
        if self.fails_at in task.people.tolist():
            raise IndievalueError("there is something about this person")
        time.sleep(self.seconds)
        guesses = super().predict(task)
        self._note("ended", task.people[0])
        return guesses

    def __getstate__(self) -> dict[str, object]:
        self._note("packed")
        return dict(self.__dict__)

    def __setstate__(self, state: dict[str, object]) -> None:
        self.__dict__.update(state)
        self._note("unpacked")

    def _note(self, what: str, person: str = "-") -> None:
        with self.notes.open("a") as file:
            file.write(f"{what} {os.getpid()} {person}\n")
