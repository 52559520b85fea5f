"""Ask a model about each country, knowing nothing else of a person: does it know the country's answers?

A model that has read about a survey's countries can do well on people without using what they say. Its probabilities
for a person with nothing known but the country are compared with how people of that country answered, with how people
of the other countries did, and with everybody's answers.
"""

from collections.abc import Iterator, Sequence
from dataclasses import replace

import numpy as np
import polars as pl
from numpy.typing import NDArray

from indievalue.benchmark.model import Task
from indievalue.experiments.engine import CellInputs
from indievalue.experiments.grid import Cell
from indievalue.intervals import percentile_ends
from indievalue.predictors.protocol import Guesses
from indievalue.scoring.bootstrap import DRAWS, times_drawn

FEWEST = 30
"""Fewest people of a country, who are not tested, that its answers are counted of."""

LOCAL = ("local", "reasoner", "vllm")
"""Kinds of predictor that give probabilities with any template; others are asked for them."""

SCHEMA = {
    "predictor": pl.String(),
    "country": pl.String(),
    "question": pl.String(),
    "option": pl.Int64(),
    "model": pl.Float64(),
    "people": pl.Float64(),
    "everybody": pl.Float64(),
}


def marginals_of(cell: Cell, inputs: CellInputs) -> pl.DataFrame:
    """Return, for each country, question and option, the model's probability and the share of people.

    Columns: ``predictor``, ``country``, ``question``, ``option``, ``model``, ``people`` (of the country, who are not
    tested) and ``everybody`` (of all countries, which count the same). A question that the model gave no valid answer
    about is left out. Empty if there are not two countries of at least 30 people.
    """
    country, training = inputs.people.survey.country, inputs.training
    if country is None or country not in training.demographics.columns:
        return pl.DataFrame(schema=SCHEMA)
    labels = np.array(training.demographics[country].fill_null("").to_list(), np.str_)
    names = [name for name in np.unique(labels).tolist() if name and (labels == name).sum() >= FEWEST]
    if len(names) < 2:
        return pl.DataFrame(schema=SCHEMA)
    template = "single" if cell.predictor.partition(":")[0] in LOCAL else "predict-distribution"
    predictor = inputs.predictor(cell, template=template, option_order="both")  # a liking for A is no knowledge
    tasks = [_about(task, country, names) for _, task in inputs.benchmark(cell).tasks()]
    options = training.options(cell.settings.form)
    rows = [
        row
        for task, guesses in zip(tasks, predictor.predict_all(tasks), strict=True)
        for row in _rows(task, guesses, [options[labels == name] for name in names], names)
    ]
    return pl.DataFrame([(cell.predictor, *row) for row in rows], schema=SCHEMA, orient="row")


def known_marginals(table: pl.DataFrame, seed: int) -> pl.DataFrame:
    """Return how far the model's probabilities are from people's answers, one row per predictor and kind of answers.

    ``distance`` is half the sum of absolute differences over options (total variation, 0-100), a mean over countries
    and questions, with a 95% interval from resampling questions. Rows: of the model from ``its own country``, from
    ``the other countries`` (the mean over them), and the ``difference`` of the two, which is below 0 if it knows what
    is particular to a country; and ``everybody``: from the country to all countries together, what a model that only
    knows the world would reach.
    """
    rows = []
    for (predictor,), part in table.group_by("predictor", maintain_order=True):
        own, other, world = _distances(part)
        times = times_drawn(own.shape[1], seed, DRAWS).astype(np.float64)
        for name, distance in (
            ("its own country", own),
            ("the other countries", other),
            ("difference", own - other),
            ("everybody", world),
        ):
            of_question = 100 * distance.mean(axis=0)
            low, high = percentile_ends(times @ of_question / len(of_question)).tolist()
            rows.append((predictor, name, float(of_question.mean()), low, high, *own.shape))
    schema = ("predictor", "from", "distance", "distance_low", "distance_high", "countries", "questions")
    return pl.DataFrame(rows, schema=schema, orient="row")


def _about(task: Task, country: str, names: Sequence[str]) -> Task:
    """Return the task of a person in each country, with nothing else known."""
    return replace(
        task,
        people=np.array([f"somebody in {name}" for name in names]),
        shown=np.full((len(names), task.shown.shape[1]), -1, np.int8),
        order=np.full((len(names), 0), -1, np.int16),
        demographics=pl.DataFrame({country: list(names)}),
        asked=np.ones((len(names), len(task.probes)), bool),
    )


def _rows(
    task: Task, guesses: Guesses, of_country: Sequence[NDArray[np.int8]], names: Sequence[str]
) -> Iterator[tuple[object, ...]]:
    for place, probe in enumerate(task.probes.tolist()):
        count = int(task.counts[place])
        shares = [_shares(options[:, probe], count) for options in of_country]
        known = [_likely(guesses, row, place, count) for row in range(len(names))]
        if any(share is None for share in shares) or any(one is None for one in known):
            continue
        world = np.mean([share for share in shares if share is not None], axis=0)
        question = task.survey.questions[probe].id
        for name, share, likely in zip(names, shares, known, strict=True):
            assert share is not None
            assert likely is not None
            for option in range(count):
                yield name, question, option, float(likely[option]), float(share[option]), float(world[option])


def _shares(options: NDArray[np.int8], count: int) -> NDArray[np.float64] | None:
    given = options[options >= 0]
    return np.asarray(np.bincount(given, minlength=count) / len(given)) if len(given) >= FEWEST else None


def _likely(guesses: Guesses, row: int, place: int, count: int) -> NDArray[np.float64] | None:
    if guesses.choice[row, place] < 0:
        return None
    if guesses.probabilities is None or np.isnan(guesses.probabilities[row, place, 0]):
        return np.asarray(np.eye(count)[int(guesses.choice[row, place])])
    return np.asarray(guesses.probabilities[row, place, :count], np.float64)


def _distances(table: pl.DataFrame) -> tuple[NDArray[np.float64], ...]:
    """Return distances (countries × questions): from the own country, from others, and of the country from all."""
    countries = table["country"].unique(maintain_order=True).to_list()
    questions = table["question"].unique(maintain_order=True).to_list()
    own, other, world = (np.empty((len(countries), len(questions))) for _ in range(3))
    for column, question in enumerate(questions):
        part = table.filter(pl.col("question") == question)
        model, people, everybody = (
            part[name].to_numpy().reshape(len(countries), -1) for name in ("model", "people", "everybody")
        )
        apart = np.abs(model[:, None, :] - people[None, :, :]).sum(axis=2) / 2
        own[:, column] = np.diag(apart)
        other[:, column] = (apart.sum(axis=1) - np.diag(apart)) / (len(countries) - 1)
        world[:, column] = np.abs(people - everybody).sum(axis=1) / 2
    return own, other, world
