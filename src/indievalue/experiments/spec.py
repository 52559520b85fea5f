"""What an experiment is: a YAML file, checked key by key (docs/experiments.md)."""

from collections.abc import Mapping
from importlib.resources import files
from pathlib import Path
from typing import Annotated, Literal

import yaml
from pydantic import BeforeValidator, ConfigDict, Field, ValidationError, model_validator

from indievalue.choices import Context, DemonstrationsFrom, FormName, Protocol
from indievalue.errors import IndievalueError, problems_of
from indievalue.strict import StrictModel

EVERYTHING = "everything"
NOTHING = "nothing"
EACH = "each"
"""Values of ``demonstrations_about`` beside the survey's categories; ``each`` stands for all of these in turn."""

CATEGORY = "category"
"""The category of a probe: what ``by`` can break accuracy down into, as it can into a demographic's groups, and figures
can have as columns.
"""

REASONER = "reasoner:"
"""What the names of predictors begin with that the experiment trains."""

PREDICTOR = "predictor"

OPTION = "option"
"""The number in a predictor's name, such as the 35 of ``resemble:k=35``."""


class CellSettings(StrictModel):
    """What is asked and shown in one cell: the options of ``indievalue evaluate``, by the same names.

    ``demonstrations_about`` restricts what is shown to statements of one category.
    """

    form: FormName = "polar"
    protocol: Protocol = "strict"
    setups: tuple[int, ...] | None = None
    demonstrations: Annotated[int, Field(ge=0)] | Literal["all"] = 200
    demonstrations_as: FormName | Literal["same"] = "same"
    demonstrations_from: DemonstrationsFrom = "others"
    demonstrations_about: str = EVERYTHING
    context: Context = "statements"


class HeatMapFigure(StrictModel):
    """Accuracy as coloured squares with figures in them, or what it is above that of the cells ``above`` names."""

    kind: Literal["heat-map"]
    rows: str
    columns: str
    panels: str | None = None
    above: dict[str, object] | None = None


class BoxPlotFigure(StrictModel):
    """How accuracy is spread over people in every cell."""

    kind: Literal["box-plot"]
    x: str
    colour: str
    panels: str | None = None
    rows: str | None = None


class CurveFigure(StrictModel):
    """Accuracy by a number, with intervals."""

    kind: Literal["curve"]
    x: str
    colour: str = PREDICTOR
    panels: str | None = None


class DotsFigure(StrictModel):
    """Accuracy as dots with intervals."""

    kind: Literal["dots"]
    rows: str
    colour: str
    panels: str | None = None


class InequityFigure(StrictModel):
    """σ of every demographic, by predictor, beside what chance alone gives."""

    kind: Literal["inequity"]


class GroupsFigure(StrictModel):
    """Accuracy of every group of every demographic, with intervals."""

    kind: Literal["groups"]


Figure = Annotated[
    HeatMapFigure | BoxPlotFigure | CurveFigure | DotsFigure | InequityFigure | GroupsFigure,
    Field(discriminator="kind"),
]


class TableLayout(StrictModel):
    """How the table is laid out: a column for every value of ``across``, and a row for every other combination."""

    across: str


class CellComparison(StrictModel):
    """Two kinds of cells that are compared person by person, all else being the same in both."""

    model_config = ConfigDict(populate_by_name=True)
    before: dict[str, object] = Field(alias="from")
    after: dict[str, object] = Field(alias="to")

    @model_validator(mode="after")
    def _same_axes(self) -> "CellComparison":
        if set(self.before) != set(self.after):
            raise ValueError("`from` and `to` name the same settings, with other values")
        return self


def _as_list(value: object) -> object:
    return value if isinstance(value, list | tuple) else [value]


Values = Annotated[tuple[object, ...], BeforeValidator(_as_list), Field(min_length=1)]


class Experiment(StrictModel):
    """One experiment. Every combination of the values in ``grid`` with every predictor is a cell, a run of its own.

    Attributes:
        title: a line. asks: what it is to find out, in sentences.
        predictors: names, unless others are given on the command line.
        settings: what all cells have in common. grid: values of settings in which they differ.
        reasoners: those that the experiment trains before anything is asked, and whose predictors are called
            ``reasoner:NAME``: for each, what differs in its training from the file given as ``--training``.
        by: ``category``, or a demographic, where the table gives the accuracy of each.
        compare: cells to compare person by person.
        figure, table: how the result is shown.
        demographics: whose groups ``inequity`` and ``groups`` look at; by default those of the survey.
        minimum: people that a group has at least; smaller ones are pooled.
        paper: keys of figures in report/paper.yaml to set beside ours.
    """

    name: str
    title: str
    asks: str
    predictors: Annotated[tuple[str, ...], Field(min_length=1)]
    settings: dict[str, object] = Field(default_factory=dict)
    grid: dict[str, Values] = Field(default_factory=dict)
    reasoners: dict[str, dict[str, object]] = Field(default_factory=dict)
    by: str | None = None
    compare: tuple[CellComparison, ...] = ()
    figure: Figure
    table: TableLayout | None = None
    demographics: tuple[str, ...] | None = None
    minimum: Annotated[int, Field(ge=2)] = 30
    paper: tuple[str, ...] = ()

    @model_validator(mode="after")
    def _known_axes(self) -> "Experiment":
        known = {*CellSettings.model_fields, PREDICTOR}
        both = sorted(set(self.settings) & set(self.grid))
        if both:
            raise ValueError(f"{', '.join(both)} is in `settings` and in `grid`; it can be in one of them")
        for where, names in (("settings", self.settings), ("grid", self.grid)):
            unknown = sorted(set(names) - set(CellSettings.model_fields))
            if unknown:
                raise ValueError(f"`{where}` has no {unknown[0]!r}; it has {', '.join(CellSettings.model_fields)}")
        compared = {axis for comparison in self.compare for axis in comparison.before}
        unknown = sorted(compared - known)
        if unknown:
            raise ValueError(
                f"`compare` names {unknown[0]!r}, which is no setting; there are {', '.join(sorted(known))}"
            )
        untrained = sorted(set(self.trained) - set(self.reasoners))
        if untrained:
            raise ValueError(f"`predictors` has {REASONER}{untrained[0]}, and `reasoners` has no {untrained[0]!r}")
        axes = {*self.grid, PREDICTOR, *([self.by] if self.by else [])}
        drawn = [getattr(self.figure, key, None) for key in ("rows", "columns", "x", "colour", "panels")]
        for where, shown in (("figure", drawn), ("table", [self.table.across if self.table else None])):
            unknown = sorted({name for name in shown if name is not None} - axes - {OPTION})
            if unknown:
                raise ValueError(f"`{where}` names {unknown[0]!r}, which is none of {', '.join(sorted(axes))}")
        return self

    @property
    def trained(self) -> tuple[str, ...]:
        """Names of the reasoners among the predictors."""
        return tuple(name.removeprefix(REASONER) for name in self.predictors if name.startswith(REASONER))


def shipped_experiments() -> list[str]:
    """Names of the experiments that come with the package, in alphabetical order."""
    return sorted(
        file.name.removesuffix(".yaml") for file in files(__package__).iterdir() if file.name.endswith(".yaml")
    )


def load_experiment(name: str) -> Experiment:
    """The experiment called ``name``, or in the YAML file of that path.

    Raises IndievalueError where there is none, or the file says something that no experiment can have.
    """
    if name in shipped_experiments():
        return parse_experiment((files(__package__) / f"{name}.yaml").read_text(encoding="utf-8"), name, name)
    path = Path(name)
    if not path.is_file():
        known = ", ".join(shipped_experiments())
        raise IndievalueError(f"there is no experiment {name!r}, nor a file of that name; there are {known}")
    try:
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise IndievalueError(f"cannot read the experiment {path}: {error}") from None
    return parse_experiment(text, path.stem, str(path))


def parse_experiment(text: str, name: str, where: str) -> Experiment:
    """The experiment that ``text`` describes in YAML; ``name`` is what it is called unless it says so itself."""
    try:
        content = yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise IndievalueError(f"{where} is no YAML: {' '.join(str(error).split())}") from None
    if not isinstance(content, Mapping):
        raise IndievalueError(f"{where} describes no experiment: it has no keys such as title, predictors and figure")
    try:
        return Experiment.model_validate({"name": name, **content})
    except ValidationError as error:
        raise IndievalueError(f"{where}: {problems_of(error)[0]}") from None
