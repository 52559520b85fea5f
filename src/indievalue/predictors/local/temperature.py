"""Temperatures that make a reasoner as sure as it is often right, kept beside its weights."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, TypeAdapter
from scipy.optimize import minimize_scalar
from scipy.special import logsumexp

from indievalue.predictors.local.beside import read_beside

TEMPERATURE = "temperature.json"
"""File beside a reasoner with the temperature of each form of probes."""

Temperatures = Mapping[str, float]
"""Form → what the logits of options are divided by: below 1 makes a model surer, above 1 less sure."""

_LARGEST = 20.0
"""The largest temperature that is tried; its inverse is the smallest."""

_TEMPERATURES = TypeAdapter(dict[str, Annotated[float, Field(gt=0, allow_inf_nan=False)]])


def best_temperature(logits: Sequence[NDArray[np.float64]], right: Sequence[int]) -> float:
    """Return the temperature with the least log loss, drawn towards 1 where answers are few.

    Its logarithm has a normal prior with mean 0 and standard deviation 1, which matters for a few dozen answers.

    Args:
        logits: of each answer's options, up to a constant.
        right: index of the option that was chosen.

    Examples:
        A model that gives 0.6 to what is right in eight of ten answers should be surer:

        >>> import numpy as np
        >>> logits = [np.log([0.6, 0.4])] * 1000
        >>> round(best_temperature(logits, [0] * 800 + [1] * 200), 2)  # log(.6/.4) / log(.8/.2)
        0.29
    """
    table = np.full((len(logits), max(map(len, logits))), -np.inf)
    for row, one in zip(table, logits, strict=True):
        row[: len(one)] = one
    table -= table.max(axis=1, keepdims=True)
    chosen = table[np.arange(len(right)), right]

    def cost(log_temperature: float) -> float:
        inverse = np.exp(-log_temperature)
        return float((logsumexp(inverse * table, axis=1) - inverse * chosen).sum() + log_temperature**2 / 2)

    bound = np.log(_LARGEST)
    return float(np.exp(minimize_scalar(cost, bounds=(-bound, bound), method="bounded").x))


def write_temperatures(folder: Path, temperatures: Temperatures) -> None:
    """Write the file beside a reasoner."""
    (folder / TEMPERATURE).write_text(json.dumps(dict(temperatures)), encoding="utf-8")


def read_temperatures(folder: Path) -> Temperatures:
    """Return what is beside a reasoner; nothing for other models. Raises IndievalueError if it cannot be read."""
    return read_beside(folder / TEMPERATURE, _TEMPERATURES, "does not hold the temperatures of a reasoner") or {}


def at_temperature(temperatures: Temperatures, form: str, logits: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return logits divided by the temperature of a form; as they are if it has none."""
    return logits / temperatures.get(form, 1.0)
