"""``indievalue experiment``: run an experiment."""

import sys
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from indievalue.choices import Weights
from indievalue.cli.benchmark_options import PromptFlags, tested_people
from indievalue.cli.model_options import AskingFlags
from indievalue.cli.options import DATA_HELP, PeopleCount, SourceFlags, escaped, files_of, notes, out, seed_of
from indievalue.cli.scale_options import ScaleFlags, repeatable

if TYPE_CHECKING:
    from indievalue.experiments.run import ExperimentOptions
    from indievalue.experiments.spec import Experiment
    from indievalue.predictors.asking import AskingOptions
    from indievalue.report.tables.table import PrintedTable

ASK_ABOVE = 60
"""Upper estimate, in seconds, above which users at a terminal are asked to confirm an experiment."""


_DRAWN = "synthetic people, probes, people to test, statements shown, training and bootstrap draws"
"""What `--seed` is of."""

_SURVEYS: Any = typer.Option(
    "--survey",
    help="Name of a survey, or the folder of your own; for across-surveys also several, separated by commas, each for "
    "the files with its columns [default: detected from the columns].",
)


@dataclass(frozen=True)
class ExperimentFlags:
    """Options of an experiment."""

    predictor: Annotated[
        list[str] | None,
        typer.Option(
            "--predictor", "--model", help="Predictor to use instead of the experiment's own; repeat for more."
        ),
    ] = None
    training: Annotated[
        Path | None,
        typer.Option(
            "--training", help="YAML file with the training settings of the experiment's reasoners (see `train`)."
        ),
    ] = None
    changes: Annotated[
        list[str] | None,
        typer.Option(
            "--set",
            metavar="KEY=VALUE",
            help="Override a setting of the experiment: --set setups=0 --set 'demonstrations=[0, 20]'",
        ),
    ] = None
    repeats: Annotated[
        int,
        typer.Option(
            "--repeats",
            min=1,
            help="Of an experiment on how a model is asked: how many times its first setting is run, to see how often "
            "the model agrees with itself (chat models: with --generate temperature=1, say).",
        ),
    ] = 1
    people: PeopleCount = None
    weights: Annotated[
        Weights,
        typer.Option("--weights", help="Survey weights: none, or with countries weighted equally or by population."),
    ] = "none"
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Only print the plan and the number of calls and tokens.")
    ] = False
    yes: Annotated[bool, typer.Option("--yes", help="Start without confirmation.")] = False
    force: Annotated[
        bool, typer.Option("--force", help="Recompute cells in --out that have other settings or data.")
    ] = False


def experiment(
    context_of_call: typer.Context,
    chosen: ExperimentFlags,
    prompt: PromptFlags,
    asking: AskingFlags,
    source: Annotated[SourceFlags, {"seed": seed_of(_DRAWN), "survey": _SURVEYS}],
    scale: ScaleFlags,
    name: Annotated[
        str | None,
        typer.Argument(metavar="NAME", help="Name of an experiment, or a YAML file; omit to list the experiments."),
    ] = None,
    data: Annotated[str | None, typer.Argument(metavar="DATA", help=DATA_HELP)] = None,
    further: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[DATA]...",
            help="Further files: of other surveys for across-surveys, else of the same survey.",
        ),
    ] = None,
    directory: Annotated[
        Path | None, typer.Option("--out", help="Directory to write; an interrupted experiment in it continues.")
    ] = None,
    listed: Annotated[bool, typer.Option("--list", help="Only list the experiments.")] = False,
) -> None:
    """Run an experiment, a grid of runs, and write its table and figure with the paper's results for comparison."""
    from indievalue.experiments.spec import load_experiment, with_predictors, with_settings
    from indievalue.reasoner.settings import parse_changes

    if listed or name is None:
        _print_list()
        return
    loaded = load_experiment(name)
    if data is None or directory is None:
        raise typer.BadParameter("an experiment needs DATA and --out DIR")
    if chosen.predictor:
        loaded = with_predictors(loaded, chosen.predictor)
    if chosen.changes:
        loaded = with_settings(loaded, parse_changes(chosen.changes))
    if chosen.repeats > 1:
        loaded = loaded.model_copy(update={"repeats": chosen.repeats})
    try:
        files = files_of(data, further)
        command = _command(context_of_call, name, files, directory)
        options = _options(source, chosen, asking.asking(prompt.style()), command)
        options = replace(options, placement=scale.placement(), rate=scale.rate)
        with repeatable():
            ran = _run(loaded, files, directory, source, chosen, options)
    except KeyboardInterrupt:
        notes.print("Finished cells are saved; run the same command to continue")
        raise
    if not ran:
        notes.print("Nothing was run")
        return
    notes.print(f"Results: {directory / 'report.html'}")


def _options(
    source: SourceFlags, chosen: ExperimentFlags, asking: "AskingOptions", command: str
) -> "ExperimentOptions":
    from indievalue.experiments.run import ExperimentOptions

    return ExperimentOptions(
        tested=tested_people(chosen.people),
        seed=source.seed,
        survey=source.survey,
        training=chosen.training,
        asking=asking,
        command=command,
        force=chosen.force,
        weights=chosen.weights,
    )


def _command(context: typer.Context, name: str, data: Sequence[str], directory: Path) -> str:
    """Return the command to reproduce the experiment, with all options that affect the result and are not defaults."""
    from indievalue.experiments.wording import command_line

    flags = {
        str(parameter.name): (parameter.opts[0], context.params[str(parameter.name)])
        for parameter in context.command.params
        if parameter.opts[0].startswith("--") and context.params.get(str(parameter.name)) != parameter.default
    }
    left_out = {"directory", "listed", "yes", "force", "dry_run", "limit_cost", "price", "on", "shards", "rate"}
    return command_line(
        name, data, directory, {flag: value for key, (flag, value) in flags.items() if key not in left_out}
    )


def _run(
    experiment: "Experiment",
    data: Sequence[str],
    directory: Path,
    source: SourceFlags,
    chosen: ExperimentFlags,
    options: "ExperimentOptions",
) -> bool:
    from indievalue.experiments.run import Expected, check_experiment, run_experiment
    from indievalue.experiments.spec import SurveysFigure

    check_experiment(experiment, directory, options)  # fail fast, before reading the data
    asks = sys.stdin.isatty() and not chosen.yes

    def start(expected: Expected) -> bool:
        if chosen.dry_run:
            return False
        short = expected.seconds.high <= ASK_ABOVE and not expected.costs
        return not asks or short or typer.confirm("Start?", default=True)

    return run_experiment(
        experiment,
        source.surveys(data) if isinstance(experiment.figure, SurveysFigure) else source.people(data),
        directory,
        options,
        say=lambda line: notes.print(escaped(line), soft_wrap=True),
        start=start,
        show=_print_table,
    )


def _print_table(table: "PrintedTable") -> None:
    """Print a table: formatted, or as Markdown where it is too wide for output that no one reads on a terminal."""
    from indievalue.report.terminal import fits, print_table

    if out.is_terminal or fits(table, out.width):
        print_table(table, out)
    else:
        out.print(escaped(table.markdown()), soft_wrap=True, highlight=False)


def _print_list() -> None:
    from rich import box
    from rich.table import Table

    from indievalue.experiments.spec import load_experiment, shipped_experiments

    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    for heading in ("Experiment", "Question", "Predictors"):
        table.add_column(heading, overflow="fold", no_wrap=heading == "Experiment")
    for name in shipped_experiments():
        shipped = load_experiment(name)
        kinds = dict.fromkeys(predictor.partition(":")[0] for predictor in shipped.predictors)
        table.add_row(name, shipped.title, ", ".join(kinds))
    out.print(table)
    notes.print(
        "indievalue experiment NAME DATA --out DIR; NAME can also be a YAML file (docs: Experiments)",
        style="dim",
    )
