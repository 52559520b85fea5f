"""``indievalue experiment``: run an experiment."""

import sys
from pathlib import Path
from typing import Annotated

import typer

from indievalue.cli.options import Seed, SurveyOption, escaped, notes, out, people_of, tested_of

ASK_ABOVE = 60
"""Seconds that an experiment may take, by the upper end of the estimate, before somebody in a terminal is asked."""


def experiment(
    name: Annotated[
        str | None, typer.Argument(metavar="NAME", help="An experiment, or a YAML file of your own; none lists them.")
    ] = None,
    data: Annotated[
        str | None,
        typer.Argument(
            metavar="DATA",
            help="A survey file (.csv, .csv.gz, .sav, .dta, .xlsx, .parquet), or `synthetic`, or `synthetic:20000`.",
        ),
    ] = None,
    directory: Annotated[
        Path | None, typer.Option("--out", help="Directory to write; the same one again goes on where it stopped.")
    ] = None,
    predictor: Annotated[
        list[str] | None,
        typer.Option("--predictor", help="Instead of the experiment's own; give it once for each."),
    ] = None,
    training: Annotated[
        Path | None,
        typer.Option(
            "--training", help="How reasoners are trained, where the experiment has some: a YAML for `train`."
        ),
    ] = None,
    people: Annotated[
        str | None,
        typer.Option("--people", help="How many people to test, or all who are eligible [default: up to 800]."),
    ] = None,
    survey: SurveyOption = None,
    seed: Seed = 0,
    listed: Annotated[bool, typer.Option("--list", help="List the experiments, and do nothing else.")] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Start without asking.")] = False,
    force: Annotated[
        bool,
        typer.Option("--force", help="Compute anew the cells in --out that were made with other settings or data."),
    ] = False,
) -> None:
    """Run an experiment: a grid of runs, its table, its figure, and the paper's figures beside them."""
    from indievalue.experiments.spec import load_experiment

    if listed or name is None:
        _print_list()
        return
    chosen = load_experiment(name)
    if data is None or directory is None:
        raise typer.BadParameter("an experiment needs DATA and --out DIR")
    tested = tested_of(people, None)
    if predictor:
        chosen = chosen.model_copy(update={"predictors": tuple(predictor)})
    from indievalue.experiments.run import check_experiment, run_experiment
    from indievalue.experiments.wording import command_line

    check_experiment(chosen, directory, training)  # told before minutes are spent on the data
    asks = sys.stdin.isatty() and not yes
    try:
        ran = run_experiment(
            chosen,
            people_of(data, survey, seed),
            directory,
            tested=tested,
            seed=seed,
            survey=survey,
            training=training,
            command=command_line(name, data, directory, predictor, people, survey, seed, training),
            force=force,
            say=lambda line: notes.print(escaped(line), soft_wrap=True),
            start=lambda expected: not asks or expected.high <= ASK_ABOVE or typer.confirm("Start?", default=True),
        )
    except KeyboardInterrupt:
        notes.print("The cells that are finished are kept; the same command goes on from there")
        raise
    if not ran:
        notes.print("Nothing was started")
        return
    out.print(escaped((directory / "table.md").read_text(encoding="utf-8")), soft_wrap=True, highlight=False)
    notes.print(f"Results: {directory / 'results.md'}")


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
