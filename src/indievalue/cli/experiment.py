"""``indievalue experiment``: run an experiment."""

import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from indievalue.cli.options import DATA_HELP, PeopleCount, SourceFlags, escaped, notes, out, tested_people

if TYPE_CHECKING:
    from indievalue.experiments.spec import Experiment

ASK_ABOVE = 60
"""Seconds of the estimate's upper end above which somebody at a terminal is asked before an experiment starts."""


@dataclass(frozen=True)
class ExperimentFlags:
    """What of an experiment is chosen on the command line."""

    predictor: Annotated[
        list[str] | None, typer.Option("--predictor", help="Instead of the experiment's own; repeat for more.")
    ] = None
    training: Annotated[
        Path | None,
        typer.Option("--training", help="How the experiment's reasoners are trained: a YAML file for `train`."),
    ] = None
    people: PeopleCount = None
    yes: Annotated[bool, typer.Option("--yes", help="Start without asking.")] = False
    force: Annotated[
        bool, typer.Option("--force", help="Recompute cells in --out that were made with other settings or data.")
    ] = False


def experiment(
    source: SourceFlags,
    chosen: ExperimentFlags,
    name: Annotated[
        str | None, typer.Argument(metavar="NAME", help="An experiment, or a YAML file of your own; none lists them.")
    ] = None,
    data: Annotated[str | None, typer.Argument(metavar="DATA", help=DATA_HELP)] = None,
    directory: Annotated[
        Path | None, typer.Option("--out", help="Directory to write; with the same one it continues where it stopped.")
    ] = None,
    listed: Annotated[bool, typer.Option("--list", help="List the experiments, and do nothing else.")] = False,
) -> None:
    """Run an experiment: a grid of runs, its table, its figure, and the paper's figures beside them."""
    from indievalue.experiments.spec import load_experiment

    if listed or name is None:
        _print_list()
        return
    loaded = load_experiment(name)
    if data is None or directory is None:
        raise typer.BadParameter("an experiment needs DATA and --out DIR")
    if chosen.predictor:
        loaded = loaded.model_copy(update={"predictors": tuple(chosen.predictor)})
    try:
        ran = _run(loaded, name, data, directory, source, chosen)
    except KeyboardInterrupt:
        notes.print("The cells that are finished are kept; the same command goes on from there")
        raise
    if not ran:
        notes.print("Nothing was started")
        return
    out.print(escaped((directory / "table.md").read_text(encoding="utf-8")), soft_wrap=True, highlight=False)
    notes.print(f"Results: {directory / 'results.md'}")


def _run(
    experiment: "Experiment", name: str, data: str, directory: Path, source: SourceFlags, chosen: ExperimentFlags
) -> bool:
    from indievalue.experiments.run import check_experiment, run_experiment
    from indievalue.experiments.wording import command_line

    tested = tested_people(chosen.people)
    check_experiment(experiment, directory, chosen.training)  # fail fast, before minutes are spent on the data
    asks = sys.stdin.isatty() and not chosen.yes
    return run_experiment(
        experiment,
        source.people(data),
        directory,
        tested=tested,
        seed=source.seed,
        survey=source.survey,
        training=chosen.training,
        command=command_line(
            name, data, directory, chosen.predictor, chosen.people, source.survey, source.seed, chosen.training
        ),
        force=chosen.force,
        say=lambda line: notes.print(escaped(line), soft_wrap=True),
        start=lambda expected: not asks or expected.high <= ASK_ABOVE or typer.confirm("Start?", default=True),
    )


def _print_list() -> None:
    from rich import box
    from rich.table import Table

    from indievalue.experiments.spec import load_experiment, shipped_experiments

    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    for heading in ("Experiment", "What it asks", "Predictors"):
        table.add_column(heading, overflow="fold", no_wrap=heading == "Experiment")
    for name in shipped_experiments():
        shipped = load_experiment(name)
        kinds = dict.fromkeys(predictor.partition(":")[0] for predictor in shipped.predictors)
        table.add_row(name, shipped.title, ", ".join(kinds))
    out.print(table)
    notes.print(
        "indievalue experiment NAME DATA --out DIR; NAME may be a YAML file of your own (docs: Experiments)",
        style="dim",
    )
