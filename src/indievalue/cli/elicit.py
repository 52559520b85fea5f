"""``indievalue elicit``: answer an interview."""

from pathlib import Path
from typing import Annotated

import typer

from indievalue.cli.options import Form, SourceFlags, notes, out


def elicit(
    source: SourceFlags,
    data: Annotated[str, typer.Argument(metavar="[DATA]", help="Survey data to learn from.")] = "synthetic",
    questions: Annotated[int, typer.Option("--questions", min=1, help="Number of questions to answer.")] = 20,
    form: Form = "polar",
    answers: Annotated[
        Path, typer.Option("--answers", help="File for your answers; an existing interview continues.")
    ] = Path("my-answers.json"),
) -> None:
    """Answer an interview that asks the most informative question next, then see what your answers predict."""
    from indievalue.elicitation.interview import Interview
    from indievalue.elicitation.session import load_session
    from indievalue.elicitation.terminal import hold, print_reading
    from indievalue.predictors.gaussian import Gaussian

    people = source.people(data, quiet=True)
    session = load_session(answers, people.survey)
    with notes.status(f"learning from {len(people):,} people"):
        interview = Interview(Gaussian().fit(people, form, "refined"), session)
    if session.turns:
        notes.print(f"Continuing from {answers}, with {session.answered} answered so far")
    if hold(interview, questions, answers, out):
        print_reading(interview, people, out)
    else:
        notes.print(
            f"Your answers so far ({session.answered}) are saved in {answers}; run the same command to continue"
        )
