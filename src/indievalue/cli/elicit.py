"""``indievalue elicit``: answer an interview."""

import shlex
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from indievalue.cli.options import Form, Further, SourceFlags, escaped, files_of, notes, out
from indievalue.errors import IndievalueError

if TYPE_CHECKING:
    from indievalue.elicitation.interview import Interview
    from indievalue.elicitation.session import AnswersFile, Session
    from indievalue.people.people import People

USUAL = 20
"""Number of questions to answer, unless another is given."""


@dataclass(frozen=True)
class AskedFlags:
    """What is asked, and the country that is known before."""

    questions: Annotated[
        int | None,
        typer.Option("--questions", min=1, help=f"Number of questions to answer [default: {USUAL}, or all of --list]."),
    ] = None
    country: Annotated[
        str | None,
        typer.Option(
            "--country",
            help="Country you live in, to start from what people there answer [default: guessed from your answers].",
        ),
    ] = None
    listed: Annotated[
        Path | None,
        typer.Option(
            "--list", help="Ask the questions in this file, which `short-form` writes [default: the most informative]."
        ),
    ] = None


def elicit(
    source: SourceFlags,
    asked: AskedFlags,
    data: Annotated[str, typer.Argument(metavar="[DATA]", help="Survey data to learn from.")] = "synthetic",
    further: Further = None,
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
    if asked.questions and asked.listed:
        raise typer.BadParameter("give --questions or --list, not both: all questions of a list are asked")
    with only_writer(answers, "--answers"):
        if answers.exists() and not go_on:
            new = new or _starts_new(answers)
        _interview(source, files_of(data, further), asked, form, AnswersFile(answers, keeping=new))


def _interview(source: SourceFlags, data: Sequence[str], asked: AskedFlags, form: Form, file: "AnswersFile") -> None:
    from indievalue.elicitation.interview import Interview
    from indievalue.elicitation.session import Session, load_session
    from indievalue.elicitation.terminal import hold, print_reading
    from indievalue.predictors.gaussian import Gaussian

    people = source.people(data, quiet=True)
    session = Session(people.survey.name) if file.kept else load_session(file.path, people.survey)
    session.country = _country(asked.country, session, people, file)
    listed = _listed(asked.listed, session, people, file)
    with notes.status(f"learning from {len(people):,} people"):
        interview = Interview(Gaussian().fit(people, form, "refined"), session, listed)
    if file.kept:
        notes.print(escaped(f"A new interview; the answers of the earlier one are kept in {file.kept}"), soft_wrap=True)
    elif session.turns:
        notes.print(escaped(f"Continuing the interview in {file.path}: {_answers(session)} so far"), soft_wrap=True)
    if session.country and not asked.country:
        notes.print(escaped(f"Country: {session.country}, as in {file.path}"), soft_wrap=True)
    try:
        finished = hold(interview, len(listed) if listed else asked.questions or USUAL, file, out)
    except KeyboardInterrupt:
        notes.print()
        _print_stopped(session, file)
        raise typer.Exit(1) from None
    if finished:
        if listed and session.answered and not session.country:
            _learn_list(interview, people, form)
        print_reading(interview, people, out)
    else:
        _print_stopped(session, file)


def _country(given: str | None, session: "Session", people: "People", file: "AnswersFile") -> str | None:
    """Return the person's country, as given or as in the file.

    Raises IndievalueError if the two differ, or if the data has too few people from there.
    """
    from indievalue.elicitation.countries import country_named

    named = None if given is None else country_named(people, given)
    if session.country is None:
        return named
    before = country_named(people, session.country)
    if named not in (None, before):
        raise IndievalueError(
            f"{file.path} is an interview with somebody from {before}, and --country says {named}; leave --country "
            "out, or give --new, which keeps it under another name"
        )
    return before


def _listed(path: Path | None, session: "Session", people: "People", file: "AnswersFile") -> list[str] | None:
    """Return the questions of a list; None without one.

    Raises IndievalueError if there is none for the person's country, or questions that are not on it were asked before.
    """
    from indievalue.elicitation.lists import list_for, read_lists

    if path is None:
        return None
    lists = read_lists(path, people.survey)
    listed = list_for(session.country, lists, path)
    if session.country and session.country not in lists:
        note = f"{path} has no list for {session.country}: the one for everybody is asked"
        notes.print(escaped(note), soft_wrap=True)
    others = [turn.question for turn in session.turns if turn.question not in listed]
    if others:
        raise IndievalueError(
            f"{file.path} is an interview that has asked {others[0]}, which is not on the list in {path}; leave --list "
            "out, or give --new, which keeps it under another name"
        )
    return listed


def _learn_list(interview: "Interview", people: "People", form: Form) -> None:
    """Let a network predict that is trained on the answers to exactly the questions answered."""
    from indievalue.elicitation.network import ListNetwork

    answered = [turn.question for turn in interview.session.turns if turn.option is not None]
    number = "this question" if len(answered) == 1 else f"these {len(answered)} questions"
    learned = f"on what {len(people):,} people answered to {number}"
    with notes.status(f"training a network {learned}"):
        interview.predictor = ListNetwork(answered).fit(people, form, "refined")
    notes.print(f"Predicted by a network trained {learned}", soft_wrap=True)


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
