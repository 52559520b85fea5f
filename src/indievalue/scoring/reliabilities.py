"""How well people agree with themselves by kind of question, from published studies: a small table with its sources."""

from functools import cache
from importlib.resources import files
from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, model_validator

from indievalue.parsing import read_yaml

Kind = Literal["attitude", "behaviour", "fact", "well_being", "mixed"]
"""What a question asks for; ``mixed`` is a questionnaire of several kinds."""

Consistency = Literal["reliability", "correlation", "kappa", "agreement"]
"""What a figure measures; the kinds are not to be compared with each other."""

_Share = Annotated[float, Field(ge=0, le=1)]


class Published(BaseModel):
    """A figure of one source.

    Attributes:
        kind: what the questions ask for. options: how many they offer; None where that varies.
        measure: ``reliability`` (share of variance that is no error, true change taken out), ``correlation`` of two
            occasions, ``kappa`` or raw ``agreement``; 0-1.
        low, typical, high: what ``note`` says they are; None where the source does not tell.
        apart: time between two occasions. items: number of questions; None where the source does not tell.
        source: who published it, where and when.
    """

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)

    kind: Kind
    measure: Consistency
    typical: _Share
    low: _Share | None = None
    high: _Share | None = None
    options: Annotated[int, Field(ge=2)] | None = None
    apart: Annotated[str, Field(min_length=1)]
    items: Annotated[int, Field(ge=1)] | None = None
    source: Annotated[str, Field(min_length=1)]
    note: str = ""

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        ends = [end for end in (self.low, self.typical, self.high) if end is not None]
        if ends != sorted(ends):
            raise ValueError("low, typical and high must rise")
        return self


@cache
def published_reliabilities() -> tuple[Published, ...]:
    """Return the table of published figures, which ships with the package.

    >>> rows = [row for row in published_reliabilities() if row.kind == "fact" and row.measure == "reliability"]
    >>> rows[0].typical
    0.89
    """
    content = read_yaml(files("indievalue") / "scoring" / "reliabilities.yaml", "a table of reliabilities")
    return tuple(TypeAdapter(list[Published]).validate_python(content))
