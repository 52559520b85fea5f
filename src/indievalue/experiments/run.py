"""From an experiment and people to a directory of results: says what it will do, does it, and writes what came out."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Literal

from indievalue.experiments.engine import Study, check_predictors, plan, run_cells
from indievalue.experiments.estimate import Estimate, Progress, estimate
from indievalue.experiments.folder import Folder
from indievalue.experiments.reasoners import reasoners_of, settings_of, train_reasoners
from indievalue.experiments.results import write_results
from indievalue.experiments.spec import Experiment
from indievalue.experiments.wording import plan_lines
from indievalue.people.people import People


def check_experiment(experiment: Experiment, out: str | Path, training: str | Path | None = None) -> None:
    """Raise IndievalueError for what can be told before people are read: an unknown predictor, a training that cannot
    be, a directory that holds something else or cannot be written.
    """
    check_predictors(experiment.predictors)
    settings_of(experiment, training, Path(out))
    Folder(Path(out)).check(experiment)


def run_experiment(
    experiment: Experiment,
    people: People,
    out: str | Path,
    *,
    tested: int | Sequence[str] | Literal["all"] | None = None,
    seed: int = 0,
    survey: str | None = None,
    training: str | Path | None = None,
    command: str = "",
    force: bool = False,
    say: Callable[[str], None] = lambda message: None,
    start: Callable[[Estimate], bool] = lambda expected: True,
) -> bool:
    """Run every cell of ``experiment`` that ``out`` does not hold yet, and write tables, figure and page.

    ``tested`` is as in :func:`indievalue.benchmark.build.build_benchmark`; predictors learn from all other ``people``,
    and reasoners are trained on them as the YAML file ``training`` says. ``start`` is asked once it is known roughly
    how long that takes; where it says no, nothing is computed and the result is False. ``say`` hears of the plan and of
    every cell. Raises IndievalueError where something asked for is not to be had, ``out`` holds another experiment or
    cannot be written, or a finished cell is of other settings, people or data, unless ``force``.
    """
    check_experiment(experiment, out, training)
    wanted = settings_of(experiment, training, Path(out))
    folder, study = Folder(Path(out)), Study(people, tested, seed, reasoners_of(wanted))
    with folder.opened():
        planned = plan(experiment, study, folder, force=force)
        folder.note(experiment)
        for line in plan_lines(planned):
            say(line)
        if planned.left:
            expected = estimate(planned, study)
            say(f"That takes {expected}.")
            if not start(expected):
                return False
            train_reasoners(wanted, people, study.ids, say)
            progress = Progress(planned)
            run_cells(planned, study, folder, lambda cell, seconds: say(progress.line(cell, seconds)))
        write_results(planned, study, folder, survey=survey, command=command)
    return True
