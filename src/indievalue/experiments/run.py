"""From an experiment and people to a directory of results: says what it will do, does it, and writes what came out."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Literal, TypedDict, Unpack

from indievalue.experiments.engine import CellInputs, check_predictors, plan, run_cells
from indievalue.experiments.estimate import CellProgress, Estimate, estimate
from indievalue.experiments.folder import Folder
from indievalue.experiments.reasoners import reasoners_of, settings_of, train_reasoners
from indievalue.experiments.results import write_results
from indievalue.experiments.spec import Experiment
from indievalue.experiments.wording import plan_lines
from indievalue.people.people import People
from indievalue.predictors.asking import AskingOptions
from indievalue.predictors.protocol import Cost


class ExperimentFields(TypedDict, total=False):
    """The fields of :class:`ExperimentOptions` as keyword arguments."""

    tested: int | Sequence[str] | Literal["all"] | None
    seed: int
    survey: str | None
    training: str | Path | None
    asking: AskingOptions
    command: str
    force: bool


@dataclass(frozen=True)
class ExperimentOptions:
    """How an experiment is run.

    Attributes:
        tested: as ``people_tested`` of :func:`indievalue.benchmark.build.build_benchmark`. seed: of all draws.
        survey: name or folder of the survey, where it was given.
        training: YAML file that says how the experiment's reasoners are trained.
        asking: how language models are asked. command: what would run it all again, for the results.
        force: compute cells again that were made with other settings or data.
    """

    tested: int | Sequence[str] | Literal["all"] | None = None
    seed: int = 0
    survey: str | None = None
    training: str | Path | None = None
    asking: AskingOptions = field(default_factory=AskingOptions)
    command: str = ""
    force: bool = False


@dataclass(frozen=True)
class Expected:
    """What running the cells that are left takes: seconds, and for language models behind an API calls and dollars."""

    seconds: Estimate
    costs: Mapping[str, Cost]

    def lines(self) -> list[str]:
        """Return it in sentences."""
        return [*(cost.line(name) for name, cost in self.costs.items()), f"That takes {self.seconds}."]


def check_experiment(experiment: Experiment, out: str | Path, options: ExperimentOptions | None = None) -> None:
    """Fail fast, before people are read.

    Raises IndievalueError for an unknown predictor, a training that cannot be, or a directory that holds something else
    or cannot be written.
    """
    options = options or ExperimentOptions()
    check_predictors(experiment, options.asking)
    settings_of(experiment, options.training, Path(out))
    Folder(Path(out)).check(experiment)


def run_experiment(
    experiment: Experiment,
    people: People,
    out: str | Path,
    options: ExperimentOptions | None = None,
    *,
    say: Callable[[str], None] = lambda message: None,
    start: Callable[[Expected], bool] = lambda expected: True,
    **fields: Unpack[ExperimentFields],
) -> bool:
    """Run every cell of ``experiment`` that ``out`` does not hold yet, and write tables, figure and page.

    Predictors learn from all ``people`` who are not tested, and the experiment's reasoners are trained on them.
    ``fields`` are fields of ``options``. ``say`` is called with the plan, and with a line for every cell. ``start`` is
    called once it is known what the cells left take, before anything is paid for; where it returns False nothing is
    computed, and the result is False. A prompt that two cells share is asked once, and what was answered before a kill
    is not asked again.

    Raises IndievalueError where something asked for is not there, ``out`` holds another experiment or cannot be
    written, or a finished cell has other settings, people or data, unless ``force``.
    """
    options = replace(options or ExperimentOptions(), **fields)
    check_experiment(experiment, out, options)
    wanted = settings_of(experiment, options.training, Path(out))
    folder = Folder(Path(out))
    inputs = CellInputs(people, options.tested, options.seed, reasoners_of(wanted), options.asking)
    with folder.opened():
        planned = plan(experiment, inputs, folder, force=options.force)
        folder.write_spec(experiment)
        for line in plan_lines(planned):
            say(line)
        if planned.left:
            expected = Expected(estimate(planned, inputs), inputs.costs(planned.left))
            for line in expected.lines():
                say(line)
            if not start(expected):
                return False
            train_reasoners(wanted, people, inputs.ids, say)
            progress = CellProgress(planned)
            run_cells(planned, inputs, folder, lambda cell, seconds: say(progress.line(cell, seconds)), say)
        write_results(planned, inputs, folder, survey=options.survey, command=options.command)
    return True
