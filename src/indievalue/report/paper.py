"""What the paper printed, to be set beside what was measured here."""

from dataclasses import dataclass
from fnmatch import fnmatchcase
from functools import cache
from importlib.resources import files

import yaml

from indievalue.people.findings import Findings
from indievalue.survey.model import FORMS, FormName


@dataclass(frozen=True)
class PaperFigure:
    """One printed accuracy (0-100) by form. ``matches`` are patterns of the names of predictors it compares with.

    A ``landmark`` is shown on its own where no such predictor was run.
    """

    label: str
    matches: tuple[str, ...]
    accuracy: dict[FormName, float]
    landmark: bool

    def is_of(self, predictor: str) -> bool:
        return any(fnmatchcase(predictor, pattern) for pattern in self.matches)


@dataclass(frozen=True)
class Paper:
    """Where the figures are printed, of which survey, and what they are."""

    source: str
    survey: str
    figures: tuple[PaperFigure, ...]

    def accuracy(self, predictor: str, form: FormName) -> float | None:
        """The printed accuracy (0-100) of what ``predictor`` is the same kind of; None where there is none."""
        return next((figure.accuracy[form] for figure in self.figures if figure.is_of(predictor)), None)

    def landmarks(self, predictors: list[str]) -> list[PaperFigure]:
        """Figures that deserve a row of their own beside ``predictors``: landmarks that none of them compares with."""
        return [figure for figure in self.figures if figure.landmark and not any(map(figure.is_of, predictors))]


@cache
def read_paper() -> Paper:
    """The figures in ``paper.yaml``."""
    content = yaml.safe_load((files("indievalue.report") / "paper.yaml").read_text(encoding="utf-8"))
    return Paper(
        source=content["source"],
        survey=content["survey"],
        figures=tuple(
            PaperFigure(
                label=item["label"],
                matches=tuple(item.get("matches", ())),
                accuracy={form: float(item[form]) for form in FORMS},
                landmark=item.get("landmark", False),
            )
            for item in content["figures"]
        ),
    )


def paper_about(people: Findings) -> Paper | None:
    """The paper, where it says something about these people; None for another survey and for people made up."""
    paper = read_paper()
    return paper if people.survey == paper.survey and not people.synthetic else None
