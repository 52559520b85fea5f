"""Workers of Ray: actors, each of which holds the fitted predictor and computes one shard at a time.

An actor that dies, with its process or its machine, is replaced where there is room for another, and its shard is given
back, to be tried again. Ray itself repeats nothing: what is done is what has a file.
"""

import time
from collections.abc import Sequence
from importlib.metadata import version
from typing import Any

import ray
from ray.exceptions import RayError

from indievalue.benchmark.model import Benchmark
from indievalue.errors import IndievalueError
from indievalue.scale.work import Ended, Job, compute

PATIENCE = 300.0
"""Seconds without any worker after which a job is given up."""

_WAIT = 2.0
"""Seconds to wait for a shard before looking for new machines."""

_DEATHS = 20
"""Workers in a row that may die before any has computed a shard."""


class Worker:
    """What runs on a machine of the cluster."""

    def __init__(self, job: Job) -> None:
        self._job = job

    def ready(self) -> str:
        """Return the version of the package on this machine."""
        return version("indievalue")

    def compute(self, shard: int, part: Benchmark) -> Ended:
        """Compute a shard."""
        return compute(self._job, shard, part)


class RayWorkers:
    """Workers for one job: one a GPU for a language model if the cluster has GPUs, otherwise one a core.

    A model whose weights are split over several GPUs has a worker for each so many, all of one machine.

    Args:
        job: what they compute. shards: number of shards, than which there are not more workers.

    Attributes:
        most: the most workers that were there at the same time.
    """

    def __init__(self, job: Job, shards: int) -> None:
        self._job, self._shards = job, shards
        self._shipped = ray.put(job)  # once for all workers of a machine
        self._starting: dict[Any, Any] = {}
        self._idle: list[Any] = []
        self._busy: dict[Any, tuple[Any, int]] = {}
        self._since = time.monotonic()
        self._deaths = 0
        self.most = 0
        self._gpus = job.reads_prompts and ray.cluster_resources().get("GPU", 0) >= 1

    def has_room(self) -> bool:
        """Return whether a worker waits for a shard."""
        return bool(self._idle)

    def start(self, shard: int, part: Benchmark) -> None:
        """Give a shard to a worker that waits."""
        worker = self._idle.pop()
        self._busy[worker.compute.remote(shard, part)] = worker, shard

    def ended(self) -> Sequence[Ended]:
        """Wait some seconds for a shard to end, start workers where there is room, and return what has ended."""
        self._start_workers()
        waiting = [*self._busy, *self._starting]
        if waiting:
            ready, _ = ray.wait(waiting, timeout=_WAIT)
        else:
            ready = []
            time.sleep(_WAIT)
        found = [one for reference in ready if (one := self._looked_at(reference)) is not None]
        self._check_patience()
        return found

    def stop(self) -> None:
        """Stop all workers."""
        for worker in (*self._idle, *self._starting.values(), *(worker for worker, _ in self._busy.values())):
            ray.kill(worker)
        self._shipped = None

    def _start_workers(self) -> None:
        """Start as many workers as the machines that are there now have room for."""
        here = len(self._idle) + len(self._busy) + len(self._starting)
        for _ in range(min(self._room(), self._shards) - here):
            # An actor that dies is replaced here and not by Ray, which would wait for a machine to put it on.
            needs: dict[str, Any] = {"num_gpus": self._job.gpus, "num_cpus": 0} if self._gpus else {"num_cpus": 1}
            actor: Any = ray.remote(Worker)
            worker = actor.options(max_restarts=0, max_task_retries=0, **needs).remote(self._shipped)
            self._starting[worker.ready.remote()] = worker

    def _room(self) -> int:
        """Return the number of workers that the cluster has room for."""
        resources = ray.cluster_resources()
        if self._gpus:
            return int(resources.get("GPU", 0)) // self._job.gpus
        cores = int(resources.get("CPU", 0))
        if not self._job.memory:
            return cores
        return min(cores, max(1, int(resources.get("memory", 0) // self._job.memory)))

    def _looked_at(self, reference: Any) -> Ended | None:
        """Return the shard that has ended, if the reference is to one; a worker that has died is let go of."""
        if reference in self._starting:
            self._has_started(reference)
            return None
        worker, shard = self._busy.pop(reference)
        try:
            ended: Ended = ray.get(reference)
        except RayError as error:
            self._lose(worker)
            return Ended(shard, failure=f"its worker died: {_first_line(error)}")
        self._deaths = 0
        self._idle.append(worker)
        return ended

    def _has_started(self, reference: Any) -> None:
        worker = self._starting.pop(reference)
        try:
            there = ray.get(reference)
        except RayError as error:
            self._lose(worker)
            if self._deaths >= _DEATHS:
                raise IndievalueError(
                    f"{self._job.name}: {_DEATHS} workers in a row died: {_first_line(error)}"
                ) from None
            return
        if there != self._job.version:
            raise IndievalueError(
                f"a machine of the cluster has indievalue {there}, and this one {self._job.version}: install the same "
                "version on all"
            )
        self._idle.append(worker)
        self.most = max(self.most, len(self._idle) + len(self._busy))

    def _lose(self, worker: Any) -> None:
        """Let go of a worker that has died. Those that wait have to say that they are still there: its machine may be
        theirs, and a shard that is given to one that is dead would count as a failure of the shard.
        """
        self._deaths += 1
        ray.kill(worker)
        self._starting.update((one.ready.remote(), one) for one in self._idle)
        self._idle = []

    def _check_patience(self) -> None:
        """Raise IndievalueError if there has been no worker for minutes: no machine has room for one."""
        if self._busy or self._idle:
            self._since = time.monotonic()
        elif time.monotonic() - self._since > PATIENCE:
            raise IndievalueError(
                f"{self._job.name}: no worker could start in {PATIENCE:.0f} seconds: the cluster has {self._lacks()}, "
                "or indievalue is not installed on its machines; finished shards are kept, and the same command "
                "continues"
            )

    def _lacks(self) -> str:
        if self._gpus and self._job.gpus > 1:
            return f"no {self._job.gpus} GPUs of one machine that are free"
        return f"no {'GPU' if self._gpus else 'core'} that is free"


def _first_line(error: Exception) -> str:
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return (lines[0] if lines else type(error).__name__)[:300]
