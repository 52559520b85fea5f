"""The command line. Commands import what they need when they run, so that --help is instant."""

import gc
import signal
import sys
from types import FrameType
from typing import Annotated

import typer

from indievalue.cli.benchmark import benchmark
from indievalue.cli.catalog import catalog
from indievalue.cli.compare import compare
from indievalue.cli.demo import demo
from indievalue.cli.distributions import distributions
from indievalue.cli.elicit import elicit
from indievalue.cli.estimate import estimate
from indievalue.cli.evaluate import evaluate
from indievalue.cli.experiment import experiment
from indievalue.cli.explore import explore
from indievalue.cli.export import export
from indievalue.cli.flags import expanded
from indievalue.cli.flattening import flattening
from indievalue.cli.import_answers import import_answers
from indievalue.cli.impute import impute
from indievalue.cli.inequity import inequity
from indievalue.cli.options import escaped, notes, out
from indievalue.cli.people import people
from indievalue.cli.prompts import prompts
from indievalue.cli.report import report
from indievalue.cli.retest import retest
from indievalue.cli.score import score
from indievalue.cli.short_form import short_form
from indievalue.cli.show import show
from indievalue.cli.study import study
from indievalue.cli.survey import survey
from indievalue.cli.train import train
from indievalue.cli.training_set import training_set
from indievalue.cli.twin import twin
from indievalue.errors import IndievalueError

app = typer.Typer(
    context_settings={"help_option_names": ["-h", "--help"]},
    pretty_exceptions_enable=False,
    rich_markup_mode="markdown",
    help="Turn survey answers into value-expressing statements, and evaluate predictors on them.",
)
for command in (
    demo,
    catalog,
    show,
    benchmark,
    prompts,
    evaluate,
    experiment,
    elicit,
    short_form,
    report,
    score,
    compare,
    inequity,
    flattening,
    distributions,
    estimate,
    retest,
    impute,
    explore,
    export,
    training_set,
    train,
    twin,
    people,
):
    app.command()(expanded(command))
app.add_typer(survey, name="survey")
app.add_typer(study, name="study")
app.command("import")(expanded(import_answers))


@app.callback(invoke_without_command=True)
def _version(
    context: typer.Context,
    version: Annotated[bool, typer.Option("--version", help="Print the version.")] = False,
) -> None:
    if version:
        from indievalue import __version__

        out.print(f"indievalue {__version__}", highlight=False)
        raise typer.Exit
    if context.invoked_subcommand is None:
        out.print(context.get_help(), highlight=False)


_INTERRUPTED = 130
"""Exit code of Typer after Ctrl-C."""


def main() -> None:
    """Run the command line, with exit code 0 for success, 1 for an error and 2 for wrong usage."""
    signal.signal(signal.SIGTERM, _stop)
    # Imports make many objects that stay; looking for cycles among them again and again takes half a second.
    gc.set_threshold(20_000, 10, 10)
    try:
        code = app(standalone_mode=False)
    except IndievalueError as error:
        notes.print(f"[bold red]error:[/] {escaped(str(error))}", soft_wrap=True)
        code = 1
    except typer.TyperException as error:
        said = error.format_message().replace("Value error, ", "").rstrip(".")
        notes.print(f"[bold red]error:[/] {escaped(said)}; see --help", soft_wrap=True)
        code = 2
    except BrokenPipeError:
        code = 0  # the reader of the output has closed the pipe
    if code == _INTERRUPTED:
        notes.print("interrupted; no partial files were left behind")
        code = 1
    sys.exit(code or 0)


def _stop(signal_number: int, frame: FrameType | None) -> None:
    raise KeyboardInterrupt
