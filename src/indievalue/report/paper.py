"""Results printed in the paper, for comparison with runs."""

from collections.abc import Sequence
from fnmatch import fnmatchcase
from functools import cache
from importlib.resources import files

import polars as pl
import yaml
from pydantic import BaseModel, ConfigDict

from indievalue.choices import FormName
from indievalue.errors import IndievalueError
from indievalue.people.findings import Findings
from indievalue.runs.run import Run

COUNTRIES = 5
"""Number of countries that people must come from, at least, for results to stand beside those of the paper."""


class PaperFigure(BaseModel):
    """One result of the paper.

    Attributes:
        key: its name in experiments. label: for readers.
        demonstrations, context: what was shown, as in ``indievalue evaluate``.
        polar, refined: accuracy, 0-100; None if not printed. sigma: the Value Inequity Index, in points.
        about: whether the numbers are approximate (read from a chart or rounded).
        matches: patterns of predictor names it is compared with.
        landmark: whether it gets a row of its own if no such predictor was run.
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
        """Return whether it is comparable with ``predictor``."""
        return any(fnmatchcase(predictor, pattern) for pattern in self.matches)


class Paper(BaseModel):
    """All results of the paper, with their source and survey.

    ``figures`` are shown with runs and experiments, those in ``elsewhere`` with experiments only.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)
    source: str
    survey: str
    figures: tuple[PaperFigure, ...]
    elsewhere: tuple[PaperFigure, ...] = ()

    def accuracy(self, predictor: str, form: FormName) -> float | None:
        """Return the printed accuracy (0-100) comparable with ``predictor``, or None."""
        return next((figure.accuracy(form) for figure in self.figures if figure.is_of(predictor)), None)

    def landmarks(self, predictors: list[str]) -> list[PaperFigure]:
        """Return the landmarks that are not comparable with any of ``predictors``."""
        return [figure for figure in self.figures if figure.landmark and not any(map(figure.is_of, predictors))]


@cache
def read_paper() -> Paper:
    """Return the contents of ``paper.yaml``."""
    return Paper.model_validate(yaml.safe_load((files("indievalue.report") / "paper.yaml").read_text(encoding="utf-8")))


def paper_figures(keys: Sequence[str], experiment: str) -> list[PaperFigure]:
    """Return the paper's results by key. Raises IndievalueError, listing the known keys, for an unknown one."""
    paper = read_paper()
    every = {figure.key: figure for figure in (*paper.figures, *paper.elsewhere)}
    unknown = [key for key in keys if key not in every]
    if unknown:
        raise IndievalueError(
            f"experiment {experiment}: the paper printed nothing called {unknown[0]!r}; there are {', '.join(every)}"
        )
    return [every[key] for key in keys]


def paper_about(people: Findings, countries: pl.Series | None = None) -> Paper | None:
    """Return the paper's results if these people are real respondents of its survey, otherwise None.

    The paper is about people of many countries: if the ``countries`` of those tested are given and are fewer than
    :data:`COUNTRIES`, its results are of another population, and None is returned.
    """
    paper = read_paper()
    if people.survey != paper.survey or people.synthetic:
        return None
    known = 0 if countries is None else countries.drop_nulls().n_unique()
    return None if 0 < known < COUNTRIES else paper


def paper_of(run: Run) -> Paper | None:
    """Return the paper's results if they can stand beside those of ``run``, otherwise None."""
    return paper_about(run.record.data, run.people.get_column(str(run.survey.country), default=None))
