"""What the paper printed, to stand beside what an experiment measured (report/paper.yaml holds it all)."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any

import yaml

from indievalue.errors import IndievalueError
from indievalue.survey.model import FormName


@dataclass(frozen=True)
class Printed:
    """One line of the paper's tables.

    Attributes:
        polar, refined: accuracy, 0-100. sigma: the Value Inequity Index, in points; None where it is not printed.
        about: the figures were read from a chart, or given in round numbers.
    """

    key: str
    label: str
    demonstrations: int
    context: str
    polar: float | None
    refined: float | None
    sigma: float | None
    about: bool

    def accuracy(self, form: FormName) -> float | None:
        return self.polar if form == "polar" else self.refined


def printed(keys: Sequence[str], experiment: str) -> list[Printed]:
    """The paper's figures by key. Raises IndievalueError, listing what there is, for an unknown one."""
    every = _every()
    unknown = [key for key in keys if key not in every]
    if unknown:
        raise IndievalueError(
            f"experiment {experiment}: the paper printed nothing called {unknown[0]!r}; there are {', '.join(every)}"
        )
    return [every[key] for key in keys]


@cache
def _every() -> dict[str, Printed]:
    content = yaml.safe_load((files("indievalue.report") / "paper.yaml").read_text(encoding="utf-8"))
    return {item["key"]: _read(item) for item in [*content["figures"], *content["elsewhere"]]}


def _read(item: dict[str, Any]) -> Printed:
    return Printed(
        key=item["key"],
        label=item["label"],
        demonstrations=item["demonstrations"],
        context=item["context"],
        polar=item.get("polar"),
        refined=item.get("refined"),
        sigma=item.get("sigma"),
        about=item.get("about", False),
    )
