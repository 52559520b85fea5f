"""What every predictor is, and what it returns."""

from dataclasses import dataclass
from typing import Protocol, Self

import numpy as np
from numpy.typing import NDArray

from indievalue.benchmark.model import Task
from indievalue.people.people import People
from indievalue.survey.model import FormName

INVALID = -1
"""Choice of a predictor whose output named no option."""


@dataclass(frozen=True)
class Guesses:
    """A predictor's answer to one task.

    Attributes:
        choice: int8 (people × probes), the option chosen; -1 for invalid output.
        probabilities: float32 (people × probes × most options), each probe's options first, then zeros; None where the
            predictor gives no probabilities.
    """

    choice: NDArray[np.int8]
    probabilities: NDArray[np.float32] | None

    @classmethod
    def most_probable(cls, probabilities: NDArray[np.floating]) -> "Guesses":
        """Choose the most probable option of every probe, the first of equals."""
        return cls(probabilities.argmax(axis=2).astype(np.int8), probabilities.astype(np.float32))


class Predictor(Protocol):
    """Anything that returns a probability for every option of a probe.

    ``fit`` sees people who are not tested; ``predict`` sees a task and returns its guesses. The order of people must
    make no difference to either. One that learns nothing from people says so by ``learns = False``, and can be asked
    about everybody.
    """

    def fit(self, people: People, form: FormName, shown_form: FormName) -> Self: ...

    def predict(self, task: Task) -> Guesses: ...
