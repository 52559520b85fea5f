"""What the paper printed, to be set beside what was measured here."""

from collections.abc import Sequence
from fnmatch import fnmatchcase
from functools import cache
from importlib.resources import files

import yaml
from pydantic import BaseModel, ConfigDict

from indievalue.choices import FormName
from indievalue.errors import IndievalueError
from indievalue.people.findings import Findings


class PaperFigure(BaseModel):
    """One line of the paper's tables.

    Attributes:
        key: its name in experiments. label: for readers.
        demonstrations, context: what was shown, as in ``indievalue evaluate``.
        polar, refined: accuracy, 0-100; None where it is not printed. sigma: the Value Inequity Index, in points.
        about: whether the numbers were read from a chart, or given in round numbers.
        matches: patterns of the names of predictors that it compares with.
        landmark: whether it is shown on its own where no such predictor was run.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)
    key: str
    label: str
    demonstrations: int
    context: str
    polar: float | None = None
    refined: float | None = None
    sigma: float | None = None
    about: bool = False
    matches: tuple[str, ...] = ()
    landmark: bool = False

    def accuracy(self, form: FormName) -> float | None:
        """Return the printed accuracy in ``form``, 0-100."""
        return self.polar if form == "polar" else self.refined

    def is_of(self, predictor: str) -> bool:
        """Return whether it may be set beside ``predictor``."""
        return any(fnmatchcase(predictor, pattern) for pattern in self.matches)


class Paper(BaseModel):
    """Where the figures are printed, of which survey, and what they are.

    ``figures`` stand beside runs and experiments, those ``elsewhere`` beside experiments only.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)
    source: str
    survey: str
    figures: tuple[PaperFigure, ...]
    elsewhere: tuple[PaperFigure, ...] = ()

    def accuracy(self, predictor: str, form: FormName) -> float | None:
        """Return the printed accuracy (0-100) of what ``predictor`` is the same kind of; None where there is none."""
        return next((figure.accuracy(form) for figure in self.figures if figure.is_of(predictor)), None)

    def landmarks(self, predictors: list[str]) -> list[PaperFigure]:
        """Return the landmarks that none of ``predictors`` compares with, for rows of their own."""
        return [figure for figure in self.figures if figure.landmark and not any(map(figure.is_of, predictors))]


@cache
def read_paper() -> Paper:
    """Return the content of ``paper.yaml``."""
    return Paper.model_validate(yaml.safe_load((files("indievalue.report") / "paper.yaml").read_text(encoding="utf-8")))


def paper_figures(keys: Sequence[str], experiment: str) -> list[PaperFigure]:
    """Return the paper's figures by key. Raises IndievalueError, listing what there is, for an unknown one."""
    paper = read_paper()
    every = {figure.key: figure for figure in (*paper.figures, *paper.elsewhere)}
    unknown = [key for key in keys if key not in every]
    if unknown:
        raise IndievalueError(
            f"experiment {experiment}: the paper printed nothing called {unknown[0]!r}; there are {', '.join(every)}"
        )
    return [every[key] for key in keys]


def paper_about(people: Findings) -> Paper | None:
    """Return the paper where it is about these people's survey; None for another one, and for synthetic people."""
    paper = read_paper()
    return paper if people.survey == paper.survey and not people.synthetic else None
