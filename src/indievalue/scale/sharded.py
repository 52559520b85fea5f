"""One predictor's predictions of a benchmark in shards: what is finished is read, and the rest is computed."""

import json
import shutil
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from hashlib import blake2b
from importlib.metadata import version
from pathlib import Path

from indievalue.benchmark.model import Benchmark
from indievalue.benchmark.storage import benchmark_hash
from indievalue.errors import IndievalueError
from indievalue.predictors.protocol import Predictor, gpus_of
from indievalue.predictors.registry import kind_of, reads_prompts
from indievalue.progress import progress
from indievalue.runs.parts import Predicted
from indievalue.scale.machines import Machines
from indievalue.scale.shards import Shards
from indievalue.scale.work import Job, work


@dataclass
class InShards:
    """Predicts benchmarks in shards.

    Attributes:
        machines: who computes them. folder: of the shards of one predictor. name, predictor: it, not fitted yet.
        made_of: what its predictions depend on besides the benchmark, such as the people that it learned from.
        folds: how many benchmarks its people are divided into; each has its share of the shards.
        shards: how many shards there were, of all folds.
    """

    machines: Machines
    folder: Path
    name: str
    predictor: Predictor
    made_of: str
    folds: int = 1
    say: Callable[[str], None] = lambda line: None
    shards: int = 0

    def __call__(self, fit: Callable[[], Predictor], benchmark: Benchmark) -> Predicted:
        """Return the predictions of all shards. ``fit`` returns the fitted predictor; it is called if one is missing.

        Raises IndievalueError if the predictor cannot be used in shards, and ShardsFailedError if some fail.
        """
        shards = self._shards(benchmark)
        self.shards += shards.number
        shards.open({"predictor": self.name, "people": len(benchmark.people)})
        missing = shards.missing()
        finished = shards.number - len(missing)
        if finished:
            self.say(f"{self.name}: {finished:,} of {shards.number:,} shards finished before")
        if missing:
            self._compute(fit(), shards, missing)
        return Predicted(shards.merged(), shards.effort())

    def delete(self) -> None:
        """Delete the shards: their rows are stored elsewhere."""
        shutil.rmtree(self.folder, ignore_errors=True)

    def _compute(self, fitted: Predictor, shards: Shards, missing: list[int]) -> None:
        job = Job(
            self.name,
            fitted,
            shards.folder,
            shards.fingerprint,
            shards.number,
            reads_prompts(self.name) if _is_named(self.name) else False,
            self.predictor.memory(),
            gpus_of(self.predictor),
        )
        with self.machines.pool(job, len(missing)) as pool, progress(self.name, shards.number, "shards") as shown:
            shown.advance(shards.number - len(missing), known=True)
            work(job, shards, missing, pool, lambda shard: shown.advance())

    def _shards(self, benchmark: Benchmark) -> Shards:
        identity = self.predictor.identity()
        if identity is None:
            raise IndievalueError(
                f"{self.name} cannot be used in shards, as nothing says what its predictions depend on: give it a "
                "method identity() that returns that"
            )
        probes = sum(len(setup.probes) for setup in benchmark.setups)
        asked = _is_named(self.name) and reads_prompts(self.name)
        placed = self.machines.placement
        if placed.shards is not None:
            placed = type(placed)(placed.on, -(-placed.shards // self.folds))
        number = placed.number(len(benchmark.people), probes, reads_prompts=asked)
        made_of = [self.name, identity, self.made_of, benchmark_hash(benchmark), version("indievalue"), number]
        fingerprint = blake2b(json.dumps(made_of).encode(), digest_size=16).hexdigest()
        return Shards((self.folder / fingerprint).absolute(), fingerprint, benchmark, number)


def refuse_unplaced(names: Iterable[str]) -> None:
    """Raise IndievalueError if one of the predictors is not computed on the machines, but asked over a network."""
    for name in names:
        if _is_named(name) and kind_of(name).shown == "PROVIDER/MODEL":
            raise IndievalueError(
                f"--on and --shards are for predictors that are computed on the machines, and {name} is asked over the "
                "network: leave them out; --generate max_connections=N asks more at a time"
            )


def _is_named(name: str) -> bool:
    """Return whether a predictor's name is one of the registry, and not one that was given to an object."""
    try:
        kind_of(name)
    except IndievalueError:
        return False
    return True
