"""The specification of experiments: YAML files, validated key by key (docs/experiments.md)."""

from collections.abc import Iterable, Mapping, Sequence
from importlib.resources import files
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, ConfigDict, Field, ValidationError, model_validator

from indievalue.choices import (
    PARAPHRASES,
    DemonstrationsFrom,
    FormName,
    Language,
    OptionOrder,
    Protocol,
    ScaleDirection,
    Show,
    ShowOrder,
    Voice,
)
from indievalue.context import ContextName
from indievalue.errors import IndievalueError, did_you_mean, problems_of
from indievalue.parsing import mapping_of, read_mapping
from indievalue.report.described import value_words
from indievalue.strict import StrictModel

EVERYTHING = "everything"
NOTHING = "nothing"
EACH = "each"
"""Values of ``demonstrations_about`` besides the survey's categories; ``each`` stands for each category in turn."""

CATEGORY = "category"
"""The category of a probe, as a value of ``by`` or an axis of figures."""

DESIRABILITY = "desirability"
"""Whether people tend to answer a probe as they should, as a value of ``by`` or an axis of figures."""

OF_PROBES = (CATEGORY, DESIRABILITY)
"""Values of ``by`` that part the probes, and not the people."""

_OF_GROUPS = ("demographics", "minimum", "most_cells")
"""Settings of the figures of groups and of the design, not of cells."""

PROMPT_AXES = ("template", "voice", "option_order", "scale_direction", "paraphrase", "language")
"""Settings of how a language model is asked."""

REPEAT = "repeat"
"""Which time a cell asks the same, from 0; the axis of cells that are repeated."""

_VARIED = ("context", "demonstrations")
"""Settings that differ between the cells of an experiment on several surveys."""

REASONER = "reasoner:"
"""Prefix of the names of predictors that the experiment trains."""

PREDICTOR = "predictor"

OPTION = "option"
"""The number in a predictor's name, such as the 35 of ``resemble:k=35``."""

_KIND = "an experiment", "title, predictors and figure"


def _as_list(value: object) -> object:
    return value if isinstance(value, list | tuple) else [value]


class CellSettings(StrictModel):
    """The settings of a cell: the options of ``indievalue evaluate``, by the same names.

    ``demonstrations_about`` restricts demonstrations to one category. ``show`` has no number here: that is
    ``demonstrations``, so that a grid can cross the two. How language models are asked is, where it is None, as on the
    command line.
    """

    form: FormName = "polar"
    protocol: Protocol = "strict"
    setups: Annotated[tuple[Annotated[int, Field(strict=True)], ...], BeforeValidator(_as_list)] | None = None
    demonstrations: Annotated[int, Field(ge=0, strict=True)] | Literal["all"] = 200
    demonstrations_as: FormName | Literal["same"] = "same"
    demonstrations_from: DemonstrationsFrom = "others"
    demonstrations_about: str = EVERYTHING
    context: ContextName = "statements"
    show: Show = "random"
    show_order: ShowOrder = "last"
    template: str | None = None
    voice: Voice | None = None
    option_order: OptionOrder | None = None
    scale_direction: ScaleDirection | None = None
    paraphrase: Annotated[int, Field(ge=1, le=PARAPHRASES, strict=True)] | None = None
    language: Language | None = None
    repeat: Annotated[int, Field(ge=0, strict=True)] | None = None

    @model_validator(mode="after")
    def _is_chosen_once(self) -> "CellSettings":
        if self.show != "random" and (self.demonstrations == "all" or self.demonstrations_about != EVERYTHING):
            raise ValueError(
                f"show: {self.show} needs a number of demonstrations, and demonstrations_about: {EVERYTHING}"
            )
        return self

    @property
    def asking(self) -> dict[str, Any]:
        """How language models are asked, as far as the cell says it."""
        given = {name: getattr(self, name) for name in PROMPT_AXES}
        return {name: value for name, value in given.items() if value is not None}

    def stored(self) -> dict[str, object]:
        """Return the settings to be stored.

        How statements are chosen is stored if it is not at random, and how models are asked where the cell says it.
        """
        content = self.model_dump(mode="json")
        if self.show == "random":
            del content["show"], content["show_order"]
        for name in (*PROMPT_AXES, REPEAT):
            if content[name] is None:
                del content[name]
        return content


class HeatMapFigure(StrictModel):
    """A heat map of accuracy, or of the gain over the cells named in ``above``."""

    kind: Literal["heat-map"]
    rows: str
    columns: str
    panels: str | None = None
    above: dict[str, object] | None = None


class BoxPlotFigure(StrictModel):
    """The distribution of accuracy over people in each cell."""

    kind: Literal["box-plot"]
    x: str
    colour: str
    panels: str | None = None
    rows: str | None = None


class CurveFigure(StrictModel):
    """Accuracy by a number, as curves with intervals."""

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
    """σ by demographic and predictor, with the σ expected by chance."""

    kind: Literal["inequity"]


class GroupsFigure(StrictModel):
    """Accuracy of each group of each demographic, with intervals."""

    kind: Literal["groups"]


class DistributionsFigure(StrictModel):
    """Predicted over real differences between the groups of each demographic."""

    kind: Literal["distributions"]


class SurveysFigure(StrictModel):
    """Accuracy, inequity and overconfidence in several surveys, side by side."""

    kind: Literal["surveys"]


class SpecificationsFigure(StrictModel):
    """A specification curve: accuracies in order, with intervals, above dots that say what each cell's settings are."""

    kind: Literal["specifications"]


Figure = Annotated[
    HeatMapFigure
    | BoxPlotFigure
    | CurveFigure
    | DotsFigure
    | InequityFigure
    | GroupsFigure
    | DistributionsFigure
    | SurveysFigure
    | SpecificationsFigure,
    Field(discriminator="kind"),
]


class TableLayout(StrictModel):
    """The layout of the table: a column per value of ``across``, and a row per other combination."""

    across: str


class CellComparison(StrictModel):
    """Two sets of values to compare person by person, all else being equal."""

    model_config = ConfigDict(populate_by_name=True)
    before: dict[str, object] = Field(alias="from")
    after: dict[str, object] = Field(alias="to")

    @model_validator(mode="after")
    def _same_axes(self) -> "CellComparison":
        if set(self.before) != set(self.after):
            raise ValueError("`from` and `to` must name the same settings")
        return self


Values = Annotated[tuple[object, ...], BeforeValidator(_as_list), Field(min_length=1)]


class Experiment(StrictModel):
    """An experiment. Each combination of predictor and values in ``grid`` is a cell, with a run of its own.

    Attributes:
        title: one line. asks: the question of the experiment, in sentences.
        predictors: default predictors; others can be given on the command line.
        settings: settings common to all cells. grid: values of the settings in which cells differ.
        around: a predictor and values of the grid; only cells that differ from these in at most one of them are run.
            By default all cells are.
        reasoners: reasoners to train, by name, with their changes to the settings file given as ``--training``;
            their predictors are called ``reasoner:NAME``.
        by: ``category``, ``desirability`` (see :mod:`indievalue.survey.sensitive`) or a demographic, to break accuracy
            down in the table.
        compare: cells to compare person by person.
        answer: what the answer states: the ``highest`` accuracy, or the largest of the ``differences`` compared.
        figure, table: how to present the results.
        demographics: the demographics whose groups a figure compares; by default those of the survey.
        minimum: minimum number of people in a group; smaller groups are pooled.
        paper: keys of results in report/paper.yaml to show for comparison.
        tokens: whether the table has the mean number of tokens of a prompt for each probe.
        most_cells: the most settings of each predictor; of a grid with more, a balanced fraction is run (see
            :mod:`indievalue.experiments.design`).
        people: how many people are tested if nothing else is said.
        repeats: how many times the first setting is run, to see how often a model agrees with itself.
        marginals: whether models are also asked about each country, knowing nothing else of a person.
    """

    name: str
    title: str
    asks: str
    predictors: Annotated[tuple[str, ...], Field(min_length=1)]
    settings: dict[str, object] = Field(default_factory=dict)
    grid: dict[str, Values] = Field(default_factory=dict)
    around: dict[str, object] = Field(default_factory=dict)
    reasoners: dict[str, dict[str, object]] = Field(default_factory=dict)
    by: str | None = None
    compare: tuple[CellComparison, ...] = ()
    answer: Literal["highest", "differences"] = "highest"
    figure: Figure
    table: TableLayout | None = None
    demographics: tuple[str, ...] | None = None
    minimum: Annotated[int, Field(ge=2, strict=True)] = 30
    paper: tuple[str, ...] = ()
    tokens: bool = False
    most_cells: Annotated[int, Field(ge=1, strict=True)] | None = None
    people: Annotated[int, Field(ge=1, strict=True)] | None = None
    repeats: Annotated[int, Field(ge=1, strict=True)] = 1
    marginals: bool = False

    @model_validator(mode="after")
    def _known_axes(self) -> "Experiment":
        known = {*CellSettings.model_fields, PREDICTOR}
        both = sorted(set(self.settings) & set(self.grid))
        if both:
            raise ValueError(f"{', '.join(both)} is in both `settings` and `grid`; give it in only one of them")
        for where, names in (("settings", self.settings), ("grid", self.grid)):
            unknown = sorted(set(names) - set(CellSettings.model_fields))
            if unknown:
                raise ValueError(f"`{where}` has no {unknown[0]!r}; it has {', '.join(CellSettings.model_fields)}")
        absent = sorted({*self.around} - {*self.grid, PREDICTOR})
        if absent:
            raise ValueError(f"`around` names {absent[0]!r}, which is neither in `grid` nor the predictor")
        if self.around and PREDICTOR not in self.around:
            raise ValueError(f"`around` needs a {PREDICTOR}")
        if isinstance(self.figure, SurveysFigure) and {*self.around} != {PREDICTOR, *_VARIED}:
            raise ValueError(f"a figure of surveys needs `around` with {PREDICTOR}, {' and '.join(_VARIED)}")
        compared = {axis for comparison in self.compare for axis in comparison.before}
        unknown = sorted(compared - known)
        if unknown:
            raise ValueError(
                f"`compare` names {unknown[0]!r}, which is not a setting; known are {', '.join(sorted(known))}"
            )
        untrained = sorted(set(self.trained) - set(self.reasoners))
        if untrained:
            raise ValueError(f"`predictors` has {REASONER}{untrained[0]}, but `reasoners` has no {untrained[0]!r}")
        axes = {*self.grid, PREDICTOR, *([self.by] if self.by else [])}
        drawn = [getattr(self.figure, key, None) for key in ("rows", "columns", "x", "colour", "panels")]
        for where, shown in (("figure", drawn), ("table", [self.table.across if self.table else None])):
            unknown = sorted({name for name in shown if name is not None} - axes - {OPTION})
            if unknown:
                raise ValueError(f"`{where}` names {unknown[0]!r}, which is not one of {', '.join(sorted(axes))}")
        return self

    @property
    def trained(self) -> tuple[str, ...]:
        """The names of the reasoners among the predictors."""
        return tuple(name.removeprefix(REASONER) for name in self.predictors if name.startswith(REASONER))


def with_predictors(experiment: Experiment, predictors: Sequence[str]) -> Experiment:
    """Return the experiment with other predictors; settings are varied with the last if that of ``around`` is gone."""
    around = dict(experiment.around)
    if around and around[PREDICTOR] not in predictors:
        around[PREDICTOR] = predictors[-1]
    return experiment.model_copy(update={"predictors": tuple(predictors), "around": around})


def with_settings(experiment: Experiment, changes: Mapping[str, object]) -> Experiment:
    """Return the experiment with other settings, by their names in the YAML file.

    ``changes`` maps settings of cells, ``demographics``, ``minimum`` and ``most_cells`` to values. A setting of the
    grid can have several; comparisons that name a value which is no longer in the grid are left out. Raises
    IndievalueError if a setting is unknown or a value is invalid.

    >>> curve = load_experiment("demonstrations-curve")
    >>> with_settings(curve, {"demonstrations": [0, 20], "setups": 0}).grid["demonstrations"]
    (0, 20)
    """
    known = (*CellSettings.model_fields, *_OF_GROUPS)
    unknown = [name for name in changes if name not in known]
    if unknown:
        raise IndievalueError(
            f"experiment {experiment.name} has no setting {unknown[0]!r}; it has {', '.join(sorted(known))}"
        )
    grid = {axis: changes.get(axis, values) for axis, values in experiment.grid.items()}
    settings = {name: value for name, value in changes.items() if name not in grid and name not in _OF_GROUPS}
    content = {
        **experiment.model_dump(by_alias=True),
        **{name: value for name, value in changes.items() if name in _OF_GROUPS},
        "settings": {**experiment.settings, **settings},
        "grid": grid,
    }
    try:
        changed = Experiment.model_validate(content)
    except ValidationError as error:
        raise IndievalueError(f"experiment {experiment.name}: {problems_of(error)[0]}") from None
    kept = [comparison for comparison in changed.compare if _is_in(comparison, changed.grid, changes)]
    return changed.model_copy(update={"compare": tuple(kept)})


def _is_in(comparison: CellComparison, grid: Mapping[str, Sequence[object]], axes: Iterable[str]) -> bool:
    """Return whether the grid has all values of the comparison on the given axes."""
    return all(
        value_words(side[axis]) in map(value_words, grid[axis])
        for side in (comparison.before, comparison.after)
        for axis in axes
        if axis in side and axis in grid
    )


def shipped_experiments() -> list[str]:
    """Return the names of the experiments shipped with the package, in alphabetical order."""
    return sorted(
        file.name.removesuffix(".yaml") for file in files(__package__).iterdir() if file.name.endswith(".yaml")
    )


def load_experiment(name: str) -> Experiment:
    """Load an experiment by name, or from the path of a YAML file.

    Raises IndievalueError if there is no such experiment or file, or the file is invalid.
    """
    if name in shipped_experiments():
        return _validated(read_mapping(files(__package__) / f"{name}.yaml", *_KIND), name, name)
    path = Path(name)
    if not path.is_file():
        known, close = ", ".join(shipped_experiments()), did_you_mean(name, shipped_experiments())
        raise IndievalueError(
            f"there is no experiment {name!r}, and no such file; the shipped experiments are {known}{close}"
        )
    return _validated(read_mapping(path, *_KIND), path.stem, str(path))


def parse_experiment(text: str, name: str, where: str) -> Experiment:
    """Parse an experiment in YAML; ``name`` is its default name."""
    return _validated(mapping_of(text, where, *_KIND), name, where)


def _validated(content: Mapping[str, object], name: str, where: str) -> Experiment:
    try:
        return Experiment.model_validate({"name": name, **content})
    except ValidationError as error:
        raise IndievalueError(f"{where}: {problems_of(error)[0]}") from None
