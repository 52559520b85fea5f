"""``indievalue elicit``: be interviewed."""

from pathlib import Path
from typing import Annotated

import typer

from indievalue.cli.options import (
    FormOption,
    Seed,
    SurveyOption,
    notes,
    one_of,
    out,
    people_of,
)


def elicit(
    data: Annotated[str, typer.Argument(metavar="[DATA]", help="Whose answers to learn from.")] = "synthetic",
    questions: Annotated[int, typer.Option("--questions", min=1, help="How many answers to ask for.")] = 20,
    form: FormOption = "polar",
    answers: Annotated[
        Path, typer.Option("--answers", help="Your answers; an interview that stopped there goes on.")
    ] = Path("my-answers.json"),
    survey: SurveyOption = None,
    seed: Seed = 0,
) -> None:
    """Be interviewed: each time the question that says most about you, then what your answers foretell."""
    from indievalue.elicitation.interview import Interview
    from indievalue.elicitation.session import load_session
    from indievalue.elicitation.terminal import hold, print_reading
    from indievalue.predictors.gaussian import Gaussian

    chosen = one_of(form, "polar", "refined")
    people = people_of(data, survey, seed, quiet=True)
    session = load_session(answers, people.survey)
    with notes.status(f"learning from {len(people):,} people"):
        interview = Interview(Gaussian().fit(people, chosen, "refined"), session)
    if session.turns:
        notes.print(f"Going on from {answers}, where {session.answered} are answered")
    if hold(interview, questions, answers, out):
        print_reading(interview, people, out)
    else:
        notes.print(
            f"Your answers so far ({session.answered}) are kept in {answers}; the same command goes on from there"
        )
