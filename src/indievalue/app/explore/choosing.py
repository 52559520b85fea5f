"""The people that an address chooses: filters, search and order."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from urllib.parse import urlencode

import numpy as np
from numpy.typing import NDArray
from starlette.datastructures import QueryParams

from indievalue.app.explore.search import Found, Said, search, statement, who_said
from indievalue.app.explore.source import Rows, Source
from indievalue.app.explore.view import RunView

ORDERS = {
    "": "as in the data",
    "hardest": "least accurate first",
    "easiest": "most accurate first",
    "surprising": "most surprising first",
    "expected": "least surprising first",
}
"""Orders of people; all but the first need predictions."""


@dataclass(frozen=True)
class Choice:
    """Who is chosen by the parameters of an address. What cannot be understood chooses everybody.

    Attributes:
        country, group: a country; another group, as ``demographic:label``. text: words to search for.
        said: a statement. by: the predictor that accuracy and surprise are of.
        low, high: accuracy, 0-100. least, most: surprise, in nats. order: one of :data:`ORDERS`.
    """

    source: Source
    view: RunView | None
    country: str
    group: tuple[str, ...]
    text: str
    said: Said | None
    by: str
    low: float | None
    high: float | None
    least: float | None
    most: float | None
    order: str

    @cached_property
    def found(self) -> Found:
        """What the search found."""
        return search(self.source.survey, [known.form for known in self.source.known], self.text)

    @cached_property
    def rows(self) -> Rows:
        """Places of the people chosen, in order."""
        mask = np.ones(len(self.source), bool)
        if self.country and self.source.country:
            mask &= self.source.group_rows(self.source.country, self.country)
        for one in self.group:
            mask &= self.source.group_rows(*one.split(":", 1))
        if self.text:
            mask &= who_said(self.source, self.found)
        if self.said:
            for known in self.source.known:
                if known.form == self.said.form:
                    mask &= known.options[:, self.said.at] == self.said.option
        if self.view is None:
            return np.flatnonzero(mask)
        accuracy, surprise = self.view.accuracy[self.by], self.view.surprise[self.by]
        mask &= _within(accuracy, self.low, self.high) & _within(surprise, self.least, self.most)
        chosen = np.flatnonzero(mask)
        keys = {"hardest": accuracy, "easiest": -accuracy, "surprising": -surprise, "expected": surprise}
        if self.order in keys:
            key = keys[self.order][chosen]
            chosen = chosen[np.lexsort((chosen, np.where(np.isnan(key), np.inf, key)))]
        return chosen

    @cached_property
    def parameters(self) -> dict[str, str | list[str]]:
        """The parameters of an address that chooses the same people."""
        usual = self.view.predictors[0] if self.view else ""
        given: Mapping[str, object] = {
            "country": self.country,
            "q": self.text,
            "said": self.said.key if self.said else "",
            "by": "" if self.by == usual else self.by,
            "order": self.order,
            **{name: getattr(self, name) for name in ("low", "high", "least", "most")},
        }
        plain: dict[str, str | list[str]] = {
            name: f"{value:g}" if isinstance(value, float) else str(value)
            for name, value in given.items()
            if value not in ("", None)
        }
        return {**plain, "group": list(self.group)} if self.group else plain

    def query(self, **more: object) -> str:
        """Return the query of an address that chooses the same people, with ``more``; None removes one."""
        merged = {**self.parameters, **more}
        return urlencode({name: value for name, value in merged.items() if value is not None}, doseq=True)

    @property
    def everybody(self) -> bool:
        """Whether nobody is left out."""
        return not (set(self.parameters) - {"order", "by"})


def choice_of(query: QueryParams, source: Source, view: RunView | None) -> Choice:
    """Return who is chosen by the parameters of an address."""
    groups = [one for one in query.getlist("group") if ":" in one]
    by = query.get("by", "")
    country = query.get("country", "")
    order = query.get("order", "")
    return Choice(
        source=source,
        view=view,
        country=country if source.country and country in source.groups[source.country] else "",
        group=tuple(one for one in groups if one.split(":", 1)[1] in source.groups.get(one.split(":", 1)[0], {})),
        text=query.get("q", "")[:200].strip(),
        said=statement(source.survey, query["said"]) if query.get("said") else None,
        by=(by if by in view.predictors else view.predictors[0]) if view else "",
        low=number_in(query.get("low")),
        high=number_in(query.get("high")),
        least=number_in(query.get("least")),
        most=number_in(query.get("most")),
        order=order if view and order in ORDERS else "",
    )


def number_in(text: str | None) -> float | None:
    """Return the number that a parameter holds, or None."""
    try:
        value = float(text or "")
    except ValueError:
        return None
    return value if np.isfinite(value) else None


def _within(values: NDArray[np.float64], low: float | None, high: float | None) -> NDArray[np.bool_]:
    mask = np.ones(len(values), bool)
    if low is not None:
        mask &= values >= low
    if high is not None:
        mask &= values <= high
    return mask
