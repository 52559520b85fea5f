"""The example person of a run, with the predictions of each predictor."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import polars as pl

from indievalue.errors import IndievalueError
from indievalue.runs.examples import example_of
from indievalue.runs.record import Demonstration, Example
from indievalue.runs.run import Run


@dataclass(frozen=True)
class Guess:
    """A predictor's choice; ``probability`` is that of the chosen option, 0-1, or None without probabilities."""

    predictor: str
    right: bool
    probability: float | None


@dataclass(frozen=True)
class GuessedOption:
    """An option of a probe, whether it is the person's answer, and the predictors that chose it."""

    statement: str
    true: bool
    guesses: tuple[Guess, ...]


@dataclass(frozen=True)
class GuessedProbe:
    """A probe with its options; ``invalid`` lists the predictors without a valid answer."""

    question: str
    asks: str
    options: tuple[GuessedOption, ...]
    invalid: tuple[str, ...]


@dataclass(frozen=True)
class GuessedPerson:
    """An example person. ``right`` is the number of probes each predictor got right."""

    person: str
    demographics: tuple[str, ...]
    demonstrations: tuple[Demonstration, ...]
    probes: tuple[GuessedProbe, ...]
    right: dict[str, int]


def spread(probes: Sequence[GuessedProbe], number: int) -> tuple[list[GuessedProbe], list[GuessedProbe]]:
    """Split ``probes`` into ``number`` evenly spaced ones, so that many categories are covered, and the rest."""
    number = min(number, len(probes))
    chosen = {len(probes) * place // number for place in range(number)}
    first = [probe for position, probe in enumerate(probes) if position in chosen]
    return first, [probe for position, probe in enumerate(probes) if position not in chosen]


def chosen_example(runs: Sequence[Run], person: str | None) -> tuple[int, Example] | None:
    """Return the example that a page on ``runs`` shows, and the place of its run.

    It is that of ``person``, or without one the first of a synthetic run: a real respondent is never shown unasked.
    Raises IndievalueError if no run has this person.
    """
    if person is None:
        made_up = ((at, run.examples[0]) for at, run in enumerate(runs) if run.synthetic and run.examples)
        return next(made_up, None)
    for at, run in enumerate(runs):
        if person in run.people["person"]:
            return at, example_of(run, person)
    raise IndievalueError(
        f"--example: no person {person!r} was tested; people.parquet in the run directory lists who was"
    )


def guessed_person(run: Run, example: Example | None = None) -> GuessedPerson | None:
    """Return ``example``, by default the first of ``run``, with all predictions; None if the run has no example."""
    if example is None:
        if not run.examples:
            return None
        example = run.examples[0]
    probes = tuple(_probes(run, example))
    right = {
        predictor: sum(guess.right for probe in probes for guess in _guesses(probe) if guess.predictor == predictor)
        for predictor in run.scores
    }
    return GuessedPerson(example.person, example.demographics, example.demonstrations, probes, right)


def _probes(run: Run, example: Example) -> Iterator[GuessedProbe]:
    of_person = run.predictions.filter((pl.col("person") == example.person) & (pl.col("setup") == example.setup))
    rows = {(row["question"], row["predictor"]): row for row in of_person.iter_rows(named=True)}
    for probe in example.probes:
        made = {name: rows[probe.question, name] for name in run.scores if (probe.question, name) in rows}
        options = tuple(
            GuessedOption(
                statement,
                index == probe.answer,
                tuple(
                    Guess(name, index == probe.answer, row["probabilities"] and row["probabilities"][index])
                    for name, row in made.items()
                    if row["choice"] == index
                ),
            )
            for index, statement in enumerate(probe.options)
        )
        invalid = tuple(name for name, row in made.items() if row["choice"] < 0)
        yield GuessedProbe(probe.question, probe.asks, options, invalid)


def _guesses(probe: GuessedProbe) -> Iterator[Guess]:
    for option in probe.options:
        yield from option.guesses
