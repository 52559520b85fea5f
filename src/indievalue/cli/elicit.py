"""``indievalue elicit``: be interviewed."""

from pathlib import Path
from typing import Annotated

import typer

from indievalue.cli.options import Form, SourceFlags, notes, out


def elicit(
    source: SourceFlags,
    data: Annotated[str, typer.Argument(metavar="[DATA]", help="Whose answers to learn from.")] = "synthetic",
    questions: Annotated[int, typer.Option("--questions", min=1, help="How many answers to ask for.")] = 20,
    form: Form = "polar",
    answers: Annotated[
        Path, typer.Option("--answers", help="File of your answers; an interview that was stopped continues.")
    ] = Path("my-answers.json"),
) -> None:
    """Be interviewed: each question is the one that says most about you; then see what your answers predict."""
    from indievalue.elicitation.interview import Interview
    from indievalue.elicitation.session import load_session
    from indievalue.elicitation.terminal import hold, print_reading
    from indievalue.predictors.gaussian import Gaussian

    people = source.people(data, quiet=True)
    session = load_session(answers, people.survey)
    with notes.status(f"learning from {len(people):,} people"):
        interview = Interview(Gaussian().fit(people, form, "refined"), session)
    if session.turns:
        notes.print(f"Going on from {answers}, where {session.answered} are answered")
    if hold(interview, questions, answers, out):
        print_reading(interview, people, out)
    else:
        notes.print(
            f"Your answers so far ({session.answered}) are kept in {answers}; the same command goes on from there"
        )
