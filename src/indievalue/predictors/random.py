"""Predict at random, with equal probabilities."""

import numpy as np

from indievalue.benchmark.model import Task
from indievalue.predictors.protocol import Guesses, StatisticalPredictor
from indievalue.seeded import key_table


class Random(StatisticalPredictor):
    """Uniformly random choices, seeded by the benchmark's seed, the person, the setup and the probe.

    >>> from indievalue import Settings, build_benchmark
    >>> from indievalue.testing import made_up_people, small_survey
    >>> people = made_up_people(small_survey(), 100)
    >>> tested, training = people.take(range(4)), people.take(range(4, 100))
    >>> benchmark = build_benchmark(tested, Settings(setups=(0,), demonstrations=5), tested.ids.tolist())
    >>> ((_, task),) = benchmark.tasks()
    >>> Random().fit(training).predict(task).choice.shape  # people × probes
    (4, 6)
    """

    learns = False
    reads = frozenset()

    def predict(self, task: Task) -> Guesses:
        questions = [task.survey.questions[probe].id for probe in task.probes]
        draws = key_table(task.seed, f"random {task.setup}", task.people.tolist(), questions)
        unit = (draws >> np.uint64(11)).astype(np.float64) / 2**53
        exists = np.arange(task.counts.max(initial=1))[None, :] < task.counts[:, None]
        uniform = np.broadcast_to(exists / task.counts[:, None], (len(task.people), *exists.shape))
        return Guesses((unit * task.counts).astype(np.int8), uniform.astype(np.float32))
