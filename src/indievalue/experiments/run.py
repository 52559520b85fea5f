"""Run an experiment and write its results to a directory."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Literal, TypedDict, Unpack

from indievalue.choices import Weights
from indievalue.errors import IndievalueError
from indievalue.experiments.across import Across
from indievalue.experiments.engine import CellInputs, Plan, check_predictors, plan, run_cells
from indievalue.experiments.estimate import CellProgress, Estimate, estimate
from indievalue.experiments.folder import Folder
from indievalue.experiments.reasoners import reasoners_of, settings_of, train_reasoners
from indievalue.experiments.results import results_of, write_results
from indievalue.experiments.spec import Experiment, SurveysFigure
from indievalue.experiments.wording import group_lines, plan_lines
from indievalue.people.people import People
from indievalue.predictors.asking import AskingOptions
from indievalue.predictors.protocol import Cost
from indievalue.report.tables.of_surveys import surveys_table
from indievalue.report.tables.table import PrintedTable
from indievalue.scale.placement import HERE, Placement
from indievalue.scale.sharded import refuse_unplaced


class ExperimentFields(TypedDict, total=False):
    """The fields of :class:`ExperimentOptions` as keyword arguments."""

    tested: int | Sequence[str] | Literal["all"] | None
    seed: int
    survey: str | None
    training: str | Path | None
    asking: AskingOptions
    command: str
    force: bool
    weights: Weights
    placement: Placement
    rate: float | None


@dataclass(frozen=True)
class ExperimentOptions:
    """Options of an experiment run.

    Attributes:
        tested: as ``people_tested`` of :func:`indievalue.benchmark.build.build_benchmark`. seed: random seed.
        survey: name or folder of the survey, if given.
        training: YAML file with the training settings of the experiment's reasoners.
        asking: options for language models. command: the command to reproduce the results, shown with them.
        force: recompute cells that have other settings or data.
        weights: how results weight people; predictions do not depend on it, so finished cells are reused.
        placement: where predictions are computed, and in how many shards; they do not depend on that either.
        rate: tokens that a worker reads in a second, to estimate the hours of language models in shards.
    """

    tested: int | Sequence[str] | Literal["all"] | None = None
    seed: int = 0
    survey: str | None = None
    training: str | Path | None = None
    asking: AskingOptions = field(default_factory=AskingOptions)
    command: str = ""
    force: bool = False
    weights: Weights = "none"
    placement: Placement = HERE
    rate: float | None = None


@dataclass(frozen=True)
class Expected:
    """Expected cost of the remaining cells: time, for chat models calls and dollars, and what shards take."""

    seconds: Estimate
    costs: Mapping[str, Cost]
    shards: Sequence[str] = ()

    def lines(self) -> list[str]:
        """Return the estimate in sentences."""
        costs = (cost.line(name) for name, cost in self.costs.items())
        return [*self.shards, *costs, f"That takes {self.seconds}."]


def check_experiment(experiment: Experiment, out: str | Path, options: ExperimentOptions | None = None) -> None:
    """Check an experiment and its options before people are read.

    Raises IndievalueError for an unknown predictor, invalid training settings, or a directory that holds something
    else or cannot be written.
    """
    options = options or ExperimentOptions()
    check_predictors(experiment, options.asking)
    if options.placement.is_sharded:
        refuse_unplaced(experiment.predictors)
    settings_of(experiment, options.training, Path(out))
    Folder(Path(out)).check(experiment)


def run_experiment(
    experiment: Experiment,
    people: People | Sequence[People],
    out: str | Path,
    options: ExperimentOptions | None = None,
    *,
    say: Callable[[str], None] = lambda message: None,
    start: Callable[[Expected], bool] = lambda expected: True,
    show: Callable[[PrintedTable], None] = lambda table: None,
    **fields: Unpack[ExperimentFields],
) -> bool:
    """Run the cells of ``experiment`` that are not in ``out`` yet, and write tables, figure and page.

    ``people`` are those of one survey; for an experiment with a figure of ``surveys`` they can be several, one of each
    file. Predictors are fitted, and the experiment's reasoners trained, on all ``people`` who are not tested.
    ``fields`` are fields of ``options``. ``say`` is called with the plan and with a line for each cell. ``start`` is
    called with the expected cost before anything is computed or paid for; if it returns False, nothing is run and the
    result is False. ``show`` is called with the table of results before anything of them is written. Prompts shared by
    cells are sent only once, and answers received before an interrupt are reused.

    Raises IndievalueError if anything named in the experiment is unknown, ``out`` holds another experiment or cannot
    be written, or a finished cell has other settings, people or data (unless ``force``); or if the page fails, in
    which case the cells and tables are saved all the same.
    """
    options = replace(options or ExperimentOptions(), **fields)
    check_experiment(experiment, out, options)
    if isinstance(experiment.figure, SurveysFigure):
        surveys = [people] if isinstance(people, People) else list(people)
        return _run_across(experiment, surveys, Path(out), options, _Spoken(say, start, show))
    if not isinstance(people, People):
        raise IndievalueError(f"experiment {experiment.name} is about one survey: give its people alone")
    wanted = settings_of(experiment, options.training, Path(out))
    folder = Folder(Path(out))
    reasoners = reasoners_of(wanted)
    tested = experiment.people if options.tested is None else options.tested
    inputs = CellInputs(people, tested, options.seed, reasoners, options.asking, options.weights)
    with folder.opened():
        planned = plan(experiment, inputs, folder, force=options.force)
        for line in [*plan_lines(planned), *group_lines(planned, inputs)]:
            say(line)
        if planned.left:
            expected = Expected(
                estimate(planned, inputs), inputs.costs(planned.left), _shards(planned, inputs, options)
            )
            for line in expected.lines():
                say(line)
            if not start(expected):
                return False
        folder.write_spec(experiment)
        if planned.left:
            train_reasoners(wanted, people, inputs.ids, say)
            progress = CellProgress(planned)
            run_cells(
                planned,
                inputs,
                folder,
                lambda cell, seconds: say(progress.line(cell, seconds)),
                say,
                options.placement,
            )
        results = results_of(planned, inputs, folder)
        show(results.outcome.shown)
        write_results(results, planned, inputs, folder, survey=options.survey, command=options.command)
    return True


def _shards(planned: Plan, inputs: CellInputs, options: ExperimentOptions) -> list[str]:
    """Return what predicting in shards takes, in sentences."""
    if not options.placement.is_sharded:
        return []
    found = inputs.forecasts(planned.left, options.placement)
    return [line for name, one in found.items() for line in one.lines(name, options.rate)]


@dataclass(frozen=True)
class _Spoken:
    """The functions that an experiment calls on its way, as in :func:`run_experiment`."""

    say: Callable[[str], None]
    start: Callable[[Expected], bool]
    show: Callable[[PrintedTable], None]


def _run_across(
    experiment: Experiment, surveys: Sequence[People], out: Path, options: ExperimentOptions, spoken: _Spoken
) -> bool:
    """Run an experiment on several surveys, each in a folder of its own in ``out``."""

    def inputs_of(people: People) -> CellInputs:
        return CellInputs(people, options.tested, options.seed, None, options.asking, options.weights)

    folder = Folder(out)
    with folder.opened():
        across = Across.planned(experiment, surveys, inputs_of, out, force=options.force)
        for line in across.lines():
            spoken.say(line)
        if across.left:
            expected = Expected(*across.expected())
            for line in expected.lines():
                spoken.say(line)
            if not spoken.start(expected):
                return False
        folder.write_spec(experiment)
        across.run(spoken.say, options.placement)
        table = across.table()
        shown = surveys_table(table, across.centre)
        spoken.show(shown)
        across.write(table, shown, options.command)
    return True
