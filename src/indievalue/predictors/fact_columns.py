"""Encode the year of the interview and facts about a country as numeric columns."""

from dataclasses import dataclass
from typing import Self

import numpy as np
import polars as pl
from numpy.typing import NDArray

from indievalue.benchmark.circumstances import YEAR
from indievalue.benchmark.country_facts import GROUPS, NUMBERS

Floats = NDArray[np.float32]


@dataclass(frozen=True)
class FactColumns:
    """How facts are encoded: numbers standardized, the logarithm of those about countries, and groups one-hot.

    Attributes:
        numbers: mean and standard deviation of each number. groups: known groups of each fact that has some.
    """

    numbers: dict[str, tuple[float, float]]
    groups: dict[str, list[str]]

    @classmethod
    def of(cls, facts: pl.DataFrame) -> Self:
        """Take means, standard deviations and groups from the facts of training people."""
        numbers = {}
        for name in (YEAR, *NUMBERS):
            if name in facts.columns and len(values := _number(facts, name).drop_nulls()):
                numbers[name] = float(np.mean(values.to_numpy())), float(np.std(values.to_numpy())) or 1.0
        groups = {name: sorted(facts[name].drop_nulls().unique().to_list()) for name in GROUPS if name in facts.columns}
        return cls(numbers, groups)

    def apply(self, facts: pl.DataFrame) -> Floats:
        """Return the facts as columns (people × columns); nan where a fact is not known."""
        columns = [
            ((_number(facts, name) - mean) / deviation).cast(pl.Float32).fill_null(np.nan).to_numpy()
            for name, (mean, deviation) in self.numbers.items()
        ]
        for name, labels in self.groups.items():
            known = facts[name].is_in(labels).fill_null(False).to_numpy()
            columns += [
                np.where(known, (facts[name] == label).fill_null(False).to_numpy(), np.nan).astype(np.float32)
                for label in labels
            ]
        return np.stack(columns, axis=1) if columns else np.zeros((len(facts), 0), np.float32)


def _number(facts: pl.DataFrame, name: str) -> pl.Series:
    values = facts[name].cast(pl.Float64)
    return values if name == YEAR else values.log()
