"""``indievalue elicit``: answer an interview."""

import shlex
import sys
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from indievalue.cli.options import Form, SourceFlags, escaped, notes, out
from indievalue.errors import IndievalueError

if TYPE_CHECKING:
    from indievalue.elicitation.session import AnswersFile, Session


def elicit(
    source: SourceFlags,
    data: Annotated[str, typer.Argument(metavar="[DATA]", help="Survey data to learn from.")] = "synthetic",
    questions: Annotated[int, typer.Option("--questions", min=1, help="Number of questions to answer.")] = 20,
    form: Form = "polar",
    answers: Annotated[Path, typer.Option("--answers", help="File for your answers.")] = Path("my-answers.json"),
    new: Annotated[
        bool, typer.Option("--new", help="Start a new interview; answers in the file are kept under another name.")
    ] = False,
    go_on: Annotated[
        bool, typer.Option("--continue", help="Continue the interview in the file, without being asked.")
    ] = False,
) -> None:
    """Answer an interview that asks the most informative question next, then see what your answers predict."""
    from indievalue.elicitation.session import AnswersFile
    from indievalue.files import only_writer

    if new and go_on:
        raise typer.BadParameter("give --new or --continue, not both")
    with only_writer(answers, "--answers"):
        if answers.exists() and not go_on:
            new = new or _starts_new(answers)
        _interview(source, data, questions, form, AnswersFile(answers, keeping=new))


def _interview(source: SourceFlags, data: str, questions: int, form: Form, file: "AnswersFile") -> None:
    from indievalue.elicitation.interview import Interview
    from indievalue.elicitation.session import Session, load_session
    from indievalue.elicitation.terminal import hold, print_reading
    from indievalue.predictors.gaussian import Gaussian

    people = source.people(data, quiet=True)
    session = Session(people.survey.name) if file.kept else load_session(file.path, people.survey)
    with notes.status(f"learning from {len(people):,} people"):
        interview = Interview(Gaussian().fit(people, form, "refined"), session)
    if file.kept:
        notes.print(escaped(f"A new interview; the answers of the earlier one are kept in {file.kept}"), soft_wrap=True)
    elif session.turns:
        notes.print(escaped(f"Continuing the interview in {file.path}: {_answers(session)} so far"), soft_wrap=True)
    try:
        finished = hold(interview, questions, file, out)
    except KeyboardInterrupt:
        notes.print()
        _print_stopped(session, file)
        raise typer.Exit(1) from None
    if finished:
        print_reading(interview, people, out)
    else:
        _print_stopped(session, file)


def _starts_new(file: Path) -> bool:
    """Ask whether to start a new interview although there is one in ``file``.

    Raises IndievalueError where nobody can be asked.
    """
    written = datetime.fromtimestamp(file.stat().st_mtime).strftime("%d %B %Y, %H:%M")
    if not sys.stdin.isatty():
        raise IndievalueError(
            f"{file} holds the answers of an interview already ({written}): give --continue to go on with it, --new to "
            "start another (the earlier answers are kept under another name), or another file as --answers"
        )
    notes.print(
        escaped(f"{file} holds the answers of an earlier interview, last changed on {written}."), soft_wrap=True
    )
    notes.print("Continue only if they are yours; a new interview keeps them under another name.", soft_wrap=True)
    while True:
        said = typer.prompt("Continue it, or start a new one? [continue/new]", err=True, prompt_suffix=" ")
        for answer in ("continue", "new"):
            if said.strip() and answer.startswith(said.strip().lower()):
                return answer == "new"
        notes.print("Type continue or new (c or n)")


def _print_stopped(session: "Session", file: "AnswersFile") -> None:
    if not session.turns:
        notes.print("No question was answered, and nothing was saved")
        return
    again = [word for word in sys.argv[1:] if word not in ("--new", "--continue")]
    kept = f"Your answers so far ({session.answered}) are kept in {file.path}. To go on where you stopped:"
    notes.print(escaped(kept), soft_wrap=True)
    notes.print(escaped(f"  {shlex.join(['indievalue', *again, '--continue'])}"), soft_wrap=True)


def _answers(session: "Session") -> str:
    return "1 answer" if session.answered == 1 else f"{session.answered} answers"
