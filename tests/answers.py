"""Predictions made by hand, for tests of what reads them."""

from collections.abc import Sequence

import numpy as np
import polars as pl

from indievalue.predictors.predictions import SCHEMA


def predictions_of(
    choice: np.ndarray,
    answer: np.ndarray | int = 0,
    probabilities: np.ndarray | None = None,
    predictor: str = "p",
    people: Sequence[str] | None = None,
) -> pl.DataFrame:
    """Rows of ``choice`` (people × probes), in setup 0; ``probabilities`` are people × probes × options."""
    number, probes = choice.shape
    names = people or [f"a{row:04d}" for row in range(number)]
    given = None if probabilities is None else probabilities.reshape(number * probes, -1).tolist()
    return pl.DataFrame(
        {
            "predictor": predictor,
            "form": "polar",
            "protocol": "strict",
            "context": "statements",
            "demonstrations_as": "polar",
            "setup": 0,
            "person": np.repeat(names, probes).tolist(),
            "question": [f"Q{probe}" for probe in range(probes)] * number,
            "demonstrations": 0,
            "answer": np.broadcast_to(answer, choice.shape).ravel(),
            "choice": choice.ravel(),
            "probabilities": given if given is not None else [None] * (number * probes),
        },
        schema_overrides=SCHEMA,
    ).select(*SCHEMA)


def people_of(**demographics: Sequence[object]) -> pl.DataFrame:
    """People a0000, a0001, … of those groups, None where it is missing."""
    number = len(next(iter(demographics.values())))
    names = [f"a{row:04d}" for row in range(number)]
    labels = {name: pl.Series(list(values), dtype=pl.String) for name, values in demographics.items()}
    return pl.DataFrame({"person": names, "weight": 1.0, **labels})


def answered(skill: np.ndarray, probes: int, random: np.random.Generator) -> np.ndarray:
    """Choices (people × probes): 0, which is right, with probability ``skill`` (people,), else 1."""
    return (random.random((len(skill), probes)) >= skill[:, None]).astype(int)
