"""The people of a survey file, as arrays."""

from collections.abc import Callable, Hashable
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TypeVar, cast

import numpy as np
import polars as pl
from numpy.typing import ArrayLike, NDArray

from indievalue.choices import FormName
from indievalue.display import html_table
from indievalue.people.findings import Findings
from indievalue.survey.survey import Survey

T = TypeVar("T")


@dataclass(frozen=True)
class People:
    """Respondents of a survey.

    Attributes:
        ids: str (people,), unique.
        codes: int16 (people × questions), raw survey codes; missing codes are kept.
        demographics: one column per demographic, the label of each person's group, null where it is missing.
        weights: float64 (people,), the survey weight; 1 where the file has none.
        findings: what was found while reading.
        years: int16 (people,), the year of the interview, 0 where it is missing; None where the survey names no column
            for it or the file lacks it.

    >>> from indievalue.synthetic.generate import synthetic_people
    >>> people = synthetic_people(50)
    >>> people.codes.shape == (50, len(people.survey.questions))
    True
    >>> len(people.take([0, 2]).ids)
    2
    """

    survey: Survey
    ids: NDArray[np.str_]
    codes: NDArray[np.int16]
    demographics: pl.DataFrame
    weights: NDArray[np.float64]
    findings: Findings
    years: NDArray[np.int16] | None = None

    def __len__(self) -> int:
        return len(self.ids)

    def __repr__(self) -> str:
        answered = int((self.options("refined") >= 0).sum())
        return (
            f"People: {len(self):,} of {self.survey.name}, from {self.findings.source}\n"
            f"  {len(self.survey.questions)} questions, {answered:,} answers; "
            f"{len(self.demographics.columns)} demographics"
        )

    def _repr_html_(self) -> str:
        missing = self.options("refined") < 0
        caption = (
            f"{len(self):,} people of {self.survey.title}: {len(self.survey.questions)} questions, "
            f"{_share(missing)} of answers missing"
        )
        rows = [
            (labels.name, labels.drop_nulls().n_unique(), _share(labels.is_null().to_numpy()))
            for labels in self.demographics.get_columns()
        ]
        schema = {"demographic": pl.String, "groups": pl.Int64, "missing": pl.String}
        return html_table(pl.DataFrame(rows, schema, orient="row"), caption)

    def options(self, form: FormName) -> NDArray[np.int8]:
        """Return each answer's option in ``form`` (people × questions, int8, read only); -1 where it is missing."""
        if form not in self._options:
            self._options[form] = self.survey.form(form).encode(self.codes)
            self._options[form].flags.writeable = False
        return self._options[form]

    @cached_property
    def _options(self) -> dict[FormName, NDArray[np.int8]]:
        return {}

    def remember(self, key: Hashable, make: Callable[[], T]) -> T:
        """Return the result of ``make``, computed once for these people and each ``key``."""
        if key not in self._computed:
            self._computed[key] = make()
        return cast(T, self._computed[key])

    @cached_property
    def _computed(self) -> dict[Hashable, object]:
        return {}

    @cached_property
    def asked(self) -> NDArray[np.bool_]:
        """Mask (questions,) of questions that at least one person answered; others are absent or empty in the file."""
        return np.asarray((self.options("refined") >= 0).any(axis=0))

    @cached_property
    def rows(self) -> dict[str, int]:
        """Map each person id to its row."""
        return {person: row for row, person in enumerate(self.ids.tolist())}

    def take(self, rows: ArrayLike) -> "People":
        """Return the people at ``rows`` (positions or a mask), in that order."""
        at = np.asarray(rows)
        if at.dtype == bool:
            at = np.flatnonzero(at)
        return replace(
            self,
            ids=self.ids[at],
            codes=self.codes[at],
            demographics=self.demographics[at] if self.demographics.columns else self.demographics,
            weights=self.weights[at],
            years=None if self.years is None else self.years[at],
        )

    def without_answers(self, questions: ArrayLike) -> "People":
        """Return the same people as if these questions (positions) had not been asked."""
        columns = np.asarray(questions, np.int64)
        if not len(columns):
            return self
        codes = self.codes.copy(order="F")
        codes[:, columns] = self.survey.not_asked
        return replace(self, codes=codes)


def _share(where: NDArray[np.bool_]) -> str:
    """``2.9%``: how much of an array is true."""
    return f"{where.mean() if where.size else 0:.1%}"
