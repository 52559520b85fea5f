"""Compute the shards that are missing, wherever they are computed: each once, and again if it fails."""

import time
from collections import Counter, deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Protocol

from indievalue.benchmark.model import Benchmark
from indievalue.errors import IndievalueError
from indievalue.predictors.predictions import predict
from indievalue.predictors.protocol import Predictor
from indievalue.scale.shards import Shards, content_of, holds, path_of, write_shard

TRIES = 3
"""How often a shard is tried."""

HOPELESS = 5
"""If so many shards have failed and none has succeeded, the others are not tried."""


@dataclass(frozen=True)
class Job:
    """What all workers need to compute any shard; it goes to each of them once.

    Attributes:
        name, predictor: fitted, and what it is called in tables. folder, fingerprint, number: of :class:`Shards`.
        reads_prompts: whether it is a language model. memory: bytes that a worker needs, if known.
        gpus: that a worker needs, if it is a language model and the cluster has GPUs.
        version: of this package, which workers must have, too.
    """

    name: str
    predictor: Predictor
    folder: Path
    fingerprint: str
    number: int
    reads_prompts: bool = False
    memory: int | None = None
    gpus: int = 1
    version: str = version("indievalue")


@dataclass(frozen=True)
class Ended:
    """A shard that a worker is done with.

    Attributes:
        content: of its file, if the worker does not see the folder to write to. failure: why it is not computed.
    """

    shard: int
    content: bytes | None = None
    failure: str | None = None


class Pool(Protocol):
    """Workers that compute shards of one job."""

    def has_room(self) -> bool:
        """Return whether a shard can be started."""
        ...

    def start(self, shard: int, part: Benchmark) -> None:
        """Start computing a shard."""
        ...

    def ended(self) -> Sequence[Ended]:
        """Wait for shards that have ended, some seconds at most, and return them."""
        ...


class ShardsFailedError(IndievalueError):
    """Raised when shards failed; the others are finished, and the same command computes those that are missing."""


def compute(job: Job, shard: int, part: Benchmark) -> Ended:
    """Compute a shard and write its file; what fails is in the result. A shard that is finished is not computed.

    Without a view of the folder, such as on another machine, the content of the file is in the result.
    """
    path = path_of(job.folder, shard, job.number)
    try:
        if path.exists():
            return Ended(shard)
        start = time.perf_counter()
        predictor = job.predictor.for_shard()
        predictions = predict(job.name, predictor, part)
        report = predictor.effort()
        about = {
            "fingerprint": job.fingerprint,
            "seconds": round(time.perf_counter() - start, 3),
            "effort": report.as_dict() if report else {},
        }
        content = content_of(predictions, about)
        if not holds(job.folder, job.fingerprint):
            return Ended(shard, content)
        write_shard(path, content)
    except Exception as error:  # of whatever kind: the shard is tried again, and named if it fails for good
        return Ended(shard, failure=_in_words(error))
    return Ended(shard)


def work(
    job: Job, shards: Shards, missing: Sequence[int], pool: Pool, done: Callable[[int], object] = lambda shard: None
) -> None:
    """Compute the ``missing`` shards; ``done`` is called with each that is finished.

    A shard that fails is tried again, three times in all, after those that wait. Raises ShardsFailedError, with what
    failed and why, once all others are finished.
    """
    waiting, running = deque(missing), 0
    tries, failed = Counter[int](), dict[int, str]()
    finished = 0
    while running or waiting:
        while waiting and pool.has_room():
            shard = waiting.popleft()
            pool.start(shard, shards.part(shard))
            running += 1
        for ended in pool.ended():
            running -= 1
            failure = ended.failure or _not_written(job, ended)
            if failure is None:
                finished += 1
                done(ended.shard)
                continue
            tries[ended.shard] += 1
            if tries[ended.shard] < TRIES:
                waiting.append(ended.shard)
            else:
                failed[ended.shard] = failure
        if not finished and len(failed) >= HOPELESS:
            break
    if failed:
        raise ShardsFailedError(_complaint(job, shards, failed, untried=len(missing) - finished - len(failed)))


def _not_written(job: Job, ended: Ended) -> str | None:
    """Write what a worker could not, and return why a shard has no file all the same; None if it has one."""
    path = path_of(job.folder, ended.shard, job.number)
    try:
        if ended.content is not None:
            write_shard(path, ended.content)
    except IndievalueError as error:
        return str(error)
    return None if path.exists() else f"the worker wrote no {path.name}"


def _complaint(job: Job, shards: Shards, failed: dict[int, str], untried: int) -> str:
    people, number = len(shards.benchmark.people), shards.number
    named = "; ".join(
        f"shard {shard} (people {rows.start + 1:,} to {rows.stop:,} of {people:,}): {failed[shard]}"
        for shard in sorted(failed)
        for rows in [shards.people(shard)]
    )
    rest = (
        f"none succeeded, and the other {untried:,} were not tried to the end"
        if untried
        else f"the other {number - len(failed):,} are finished and kept; the same command computes the rest alone"
    )
    return f"{job.name}: {len(failed):,} of {number:,} shards failed {TRIES} times each; {rest}. {named}"


def _in_words(error: Exception) -> str:
    if isinstance(error, IndievalueError):
        return str(error)
    return f"{type(error).__name__}: {error}".splitlines()[0][:500]
