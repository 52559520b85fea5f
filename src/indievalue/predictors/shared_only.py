"""A predictor that learned from people who were asked only some of the survey's questions."""

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Self

import numpy as np
from numpy.typing import NDArray

from indievalue.benchmark.model import Benchmark, Task
from indievalue.predictors.protocol import BasePredictor, Cost, Guesses, Predictor, Report, gpus_of
from indievalue.predictors.random import Random


class SharedOnly(BasePredictor):
    """A fitted predictor that guesses at random the answers to questions which nobody it learned from was asked.

    Every option of such a question has the same probability. The others are predicted by ``fitted``.

    Args:
        fitted: a fitted predictor. shared: bool (questions,), the questions that it learned.
    """

    def __init__(self, fitted: Predictor, shared: NDArray[np.bool_]) -> None:
        self.fitted, self.shared = fitted, shared

    def predict(self, task: Task) -> Guesses:
        return next(iter(self.predict_all([task])))

    def predict_all(self, tasks: Sequence[Task]) -> Iterable[Guesses]:
        for task, guesses in zip(tasks, self.fitted.predict_all(tasks), strict=True):
            yield self._guessed(task, guesses)

    def _guessed(self, task: Task, guesses: Guesses) -> Guesses:
        unknown = ~self.shared[task.probes]
        if not unknown.any():
            return guesses
        at_random = Random().predict(task)
        choice = np.where(unknown, at_random.choice, guesses.choice)
        if guesses.probabilities is None or at_random.probabilities is None:
            return Guesses(choice, guesses.probabilities)
        probabilities = np.where(unknown[:, None], at_random.probabilities, guesses.probabilities)
        return Guesses(choice, probabilities)

    def cost(self, tasks: Iterable[Task]) -> Cost | None:
        return self.fitted.cost(tasks)

    def effort(self) -> Report | None:
        return self.fitted.effort()

    def write_log(self, benchmark: Benchmark, folder: Path) -> None:
        self.fitted.write_log(benchmark, folder)

    def memory(self) -> int | None:
        return self.fitted.memory()

    def gpus(self) -> int:
        return gpus_of(self.fitted)

    def for_shard(self) -> Self:
        return type(self)(self.fitted.for_shard(), self.shared)
