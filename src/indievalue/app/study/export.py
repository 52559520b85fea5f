"""Export a study as a run: each rater is a predictor, and so is their majority."""

import json
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Self

import numpy as np
import polars as pl

from indievalue.app.study.assignment import PROBE
from indievalue.app.study.settings import Content, Study, probability
from indievalue.benchmark.model import Benchmark, Task
from indievalue.choices import FormName
from indievalue.errors import IndievalueError
from indievalue.exchange.answers import Answered
from indievalue.people.people import People
from indievalue.predictors.protocol import EVERY_BLOCK, READS, UNANSWERED, BasePredictor, Guesses, Predictor
from indievalue.runs.run import Run

HUMAN = "human"

Row = tuple[int, str, str]
"""Setup, person and question."""


@dataclass
class Likely:
    """A prediction: the option chosen, and the probability of each; None without."""

    choice: int
    probabilities: list[float] | None


@dataclass(frozen=True)
class Humans:
    """What complete raters predicted, by name of the predictor: the majority first, then each rater."""

    majority: str
    predictions: Mapping[str, Mapping[Row, Likely]]
    excluded: tuple[str, ...] = ()

    @property
    def rows(self) -> frozenset[Row]:
        """The rows that at least one rater predicted."""
        return frozenset(self.predictions[self.majority])

    def write(self, folder: Path) -> dict[str, Path]:
        """Write one file per predictor, in the format that ``indievalue import`` reads, and return their paths."""
        folder.mkdir(parents=True, exist_ok=True)
        paths = {}
        for name, predicted in self.predictions.items():
            lines = [
                {"person": person, "setup": setup, "question": question, **vars(likely)}
                for (setup, person, question), likely in predicted.items()
            ]
            paths[name] = folder / (name.partition(":")[2].replace("/", "--") + ".jsonl")
            text = "".join(json.dumps(line, ensure_ascii=False) + "\n" for line in lines)
            paths[name].write_text(text, encoding="utf-8")
        return paths


def humans_of(study: Study, content: Content, answers: pl.DataFrame, most_failed: int | None = None) -> Humans:
    """Return the predictions of raters who answered everything about a person.

    ``most_failed`` leaves out raters who failed more attention checks than that. Raises IndievalueError if nobody is
    left.
    """
    failed = [] if most_failed is None else answers.filter(pl.col("checks_failed") > most_failed)["rater"].to_list()
    excluded = tuple(sorted(set(failed)))
    kept = answers.filter(pl.col("kind") == PROBE, pl.col("complete"), ~pl.col("rater").is_in(excluded))
    if kept.is_empty():
        raise IndievalueError(f"no rater of {study.name} has answered everything about a person yet")
    ids = {f"p{person.number + 1:03d}": person.id for person in content.people}
    by_rater: dict[str, dict[Row, Likely]] = defaultdict(dict)
    votes: dict[Row, list[Likely]] = defaultdict(list)
    for one in kept.iter_rows(named=True):
        row = (int(one["setup"]), ids[one["person"]], str(one["question"]))
        likely = Likely(one["choice"], probability(one["choice"], one["confidence"], one["options"]))
        by_rater[one["rater"]][row] = likely
        votes[row].append(likely)
    majority = f"{HUMAN}:{study.name}"
    named = {f"{majority}/{rater}": predicted for rater, predicted in sorted(by_rater.items())}
    return Humans(majority, {majority: {row: _majority(given) for row, given in votes.items()}} | named, excluded)


def _majority(given: Sequence[Likely]) -> Likely:
    """Return the option with most votes, ties by probability, with the mean of the raters' probabilities."""
    mean = np.mean([one.probabilities or () for one in given], axis=0)
    counts = np.bincount([one.choice for one in given], minlength=len(mean))
    best = np.flatnonzero(counts == counts.max())
    return Likely(int(best[np.argmax(mean[best])]), (mean / mean.sum()).tolist())


def predictors_of(
    humans: Humans, benchmark: Benchmark, folder: Path, others: Mapping[str, Predictor], runs: Sequence[Run] = ()
) -> dict[str, Predictor]:
    """Return humans as predictors, and beside them others on the rows that humans predicted.

    ``others`` are asked; of ``runs``, which tested the same people, the stored predictions are taken. Raises
    IndievalueError if a run lacks one of the rows, or a name is taken.
    """
    files = humans.write(folder)
    made: dict[str, Predictor] = {name: Answered(file, benchmark, missing="omit") for name, file in files.items()}
    named: list[tuple[str, Predictor]] = [
        (name, SameRows(predictor, humans.rows)) for name, predictor in others.items()
    ]
    named += [(name, Stored(_stored(run, name, humans.rows))) for run in runs for name in run.scores]
    for name, predictor in named:
        if name in made:
            raise IndievalueError(f"{name} is there twice: leave out one of the predictors or runs")
        made[name] = predictor
    return made


def _stored(run: Run, name: str, rows: frozenset[Row]) -> dict[Row, Likely]:
    table = run.predictions.filter(predictor=name)
    stored = {
        (setup, person, question): Likely(choice, probabilities)
        for setup, person, question, choice, probabilities in table.select(
            "setup", "person", "question", "choice", "probabilities"
        ).iter_rows()
        if (setup, person, question) in rows
    }
    if absent := rows - stored.keys():
        setup, person, question = min(absent)
        raise IndievalueError(
            f"{name} of the run did not predict {len(absent):,} of the {len(rows):,} probes that raters did, such as "
            f"{question} of {person!r} in setup {setup}: give a run of the same benchmark"
        )
    return stored


class SameRows(BasePredictor):
    """A predictor whose predictions count on some rows only."""

    def __init__(self, predictor: Predictor, rows: frozenset[Row]) -> None:
        self._predictor, self._rows = predictor, rows
        self.learns, self.reads = predictor.learns, getattr(predictor, "reads", READS)

    def fit(self, people: People, form: FormName = "polar", shown_form: FormName | None = None) -> Self:
        """Fit the predictor."""
        self._predictor.fit(people, form, shown_form)
        return self

    def predict_all(self, tasks: Sequence[Task]) -> Iterable[Guesses]:
        """Return the predictions for each task; others than those of the rows are left out."""
        for task, guesses in zip(tasks, self._predictor.predict_all(tasks), strict=True):
            choice = np.where(_asked(task, self._rows), guesses.choice, np.int8(UNANSWERED))
            yield Guesses(choice, guesses.probabilities)


class Stored(BasePredictor):
    """A predictor that repeats the predictions of a run."""

    learns = False
    reads = EVERY_BLOCK

    def __init__(self, stored: Mapping[Row, Likely]) -> None:
        self._stored = stored

    def predict(self, task: Task) -> Guesses:
        """Return what the run has."""
        questions = [task.survey.questions[probe].id for probe in task.probes]
        choice = np.full((len(task.people), len(questions)), UNANSWERED, np.int8)
        probabilities = np.full((*choice.shape, int(task.counts.max(initial=1))), np.nan, np.float32)
        for at, person in enumerate(task.people.tolist()):
            for place, question in enumerate(questions):
                likely = self._stored.get((task.setup, person, question))
                if likely is not None:
                    choice[at, place] = likely.choice
                    if likely.probabilities is not None:
                        probabilities[at, place] = 0
                        probabilities[at, place, : len(likely.probabilities)] = likely.probabilities
        return Guesses(choice, None if np.isnan(probabilities).any(axis=2).all() else probabilities)


def _asked(task: Task, rows: frozenset[Row]) -> np.ndarray[tuple[int, int], np.dtype[np.bool_]]:
    """Whether each person and probe of a task is one of ``rows``."""
    questions = [task.survey.questions[probe].id for probe in task.probes]
    return np.array(
        [[(task.setup, person, question) in rows for question in questions] for person in task.people.tolist()],
        np.bool_,
    ).reshape(len(task.people), len(questions))
