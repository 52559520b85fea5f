"""Who computes shards: this process, or workers of Ray."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from types import TracebackType
from typing import Self

from indievalue.benchmark.model import Benchmark
from indievalue.scale.placement import Placement
from indievalue.scale.work import Ended, Job, Pool, compute


class Serial:
    """Computes one shard after the other in this process."""

    def __init__(self, job: Job) -> None:
        self._job = job
        self._ended: list[Ended] = []

    def has_room(self) -> bool:
        return not self._ended

    def start(self, shard: int, part: Benchmark) -> None:
        self._ended.append(compute(self._job, shard, part))

    def ended(self) -> Sequence[Ended]:
        found, self._ended = self._ended, []
        return found


class Machines:
    """The machines of a placement. A Ray is started, or connected to, when it is first needed, and left at the end.

    Attributes:
        workers: the most workers that computed shards of a job at the same time, by the job's name.
    """

    def __init__(self, placement: Placement, say: Callable[[str], None] = lambda line: None) -> None:
        self.placement = placement
        self.workers: dict[str, int] = {}
        self._say = say
        self._stack = ExitStack()
        self._is_connected = False

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stack.close()

    @contextmanager
    def pool(self, job: Job, shards: int) -> Iterator[Pool]:
        """Yield workers for so many shards of a job, and let go of them at the end."""
        if self.placement.on is None:
            self.workers[job.name] = 1
            yield Serial(job)
            return
        from indievalue.scale.cluster import connected
        from indievalue.scale.ray_workers import RayWorkers

        if not self._is_connected:
            self._stack.enter_context(connected(self.placement.address, self._say))
            self._is_connected = True
        workers = RayWorkers(job, shards)
        try:
            yield workers
        finally:
            self.workers[job.name] = max(self.workers.get(job.name, 0), workers.most)
            workers.stop()
