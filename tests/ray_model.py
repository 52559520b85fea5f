"""The command line, with ``local:`` models that note which shards they score: for tests in which workers are killed."""

import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from indievalue.benchmark.model import Task
from indievalue.cli import main as command_line
from indievalue.predictors.local import predictor
from indievalue.predictors.protocol import Guesses


class NotedModel(predictor.Local):
    """A model of transformers that notes the process and the first person of every shard, when it begins and ends.

    The file is that of the variable ``NOTES`` of the command line, whatever machine the model is on.
    """

    def __init__(self, *arguments: Any) -> None:
        super().__init__(*arguments)
        self.notes = Path(os.environ["NOTES"])

    def predict_all(self, tasks: Sequence[Task]) -> Iterator[Guesses]:
        self._note("began", tasks[0].people[0])
        yield from super().predict_all(tasks)
        self._note("ended", tasks[0].people[0])

    def _note(self, what: str, person: str) -> None:
        with self.notes.open("a") as file:
            file.write(f"{what} {os.getpid()} {person}\n")


def main() -> None:
    """Run the command line."""
    predictor.Local = NotedModel  # type: ignore[assignment, misc]
    command_line()
