"""The interview in a terminal: one question at a time."""

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from indievalue.elicitation.interview import ALIKE, Interview
from indievalue.elicitation.session import AnswersFile
from indievalue.people.people import People

HELP = "s: skip this question · b: back to the one before · q: stop, your answers are kept"


def hold(interview: Interview, questions: int, file: AnswersFile, console: Console) -> bool:
    """Ask until ``questions`` are answered; True when they are, False when the person stops before.

    Every turn is saved to ``file`` before the next question is asked.
    """
    console.print("Type the number of the statement that fits you best.")
    console.print(f"[dim]{HELP}[/]")
    console.print(f"[dim]Your answers stay on this machine, in {escape(str(file.path))}.[/]")
    while interview.session.answered < questions:
        question = interview.next_question()
        if question is None:
            console.print("There is no question left.")
            return True
        about = interview.survey.questions[question]
        place = f"Question {interview.session.answered + 1} of {questions}"
        console.print(f"\n[dim]{place}[/]\n[bold]{escape(about.asks)}[/]", highlight=False)
        options = Table.grid(padding=(0, 2))
        for number, option in enumerate(about.refined, 1):
            options.add_row(f"  [bold]{number}[/]", escape(option.statement))
        console.print(options)
        said = _said(console, len(about.refined))
        if said == "q":
            return False
        if said == "b":
            if not interview.back():
                console.print("This is the first question.")
        else:
            interview.answer(question, None if said == "s" else int(said) - 1)
        file.save(interview.session)
    return True


def print_reading(interview: Interview, people: People, console: Console) -> None:
    """Print what is predicted, who answers alike, and what came as a surprise."""
    answered = interview.session.answered
    if not answered:
        console.print("Nothing was answered, so there is nothing to predict.")
        return
    everybody = "synthetic people" if people.findings.synthetic else "people"
    _headed(
        console,
        "What your answers predict",
        f"Questions you were not asked, on which you probably differ most from the {len(people):,} {everybody} who "
        "were asked all of them.",
    )
    table = Table(box=None, padding=(0, 2, 0, 0))
    table.add_column("You would say")
    table.add_column("Probability", justify="right")
    table.add_column("Everybody", justify="right")
    for one in interview.predicted():
        table.add_row(escape(one.statement), f"{one.probability:.0%}", f"{one.among_all:.0%}")
    console.print(table)
    _headed(
        console,
        "Who answers like you",
        f"Groups that are more frequent among the {ALIKE:.0%} of {everybody} whose answers are most like yours.",
    )
    table = Table(box=None, padding=(0, 2, 0, 0))
    table.add_column("Group")
    table.add_column("Most like you", justify="right")
    table.add_column("Everybody", justify="right")
    for group in interview.alike(people):
        name = f"{group.demographic.replace('_', ' ')}: {group.group}"
        table.add_row(escape(name), f"{group.among_alike:.0%}", f"{group.among_all:.0%}")
    console.print(table)
    _headed(console, "Your most surprising answers", "Given your answers before, these had the lowest probability.")
    table = Table(box=None, padding=(0, 2, 0, 0))
    table.add_column("You said")
    table.add_column("Probability", justify="right")
    for turn in interview.surprises():
        table.add_row(escape(turn.statement or ""), f"{turn.probability or 0:.0%}")
    console.print(table)


def _headed(console: Console, heading: str, explained: str) -> None:
    console.print(f"\n[bold]{heading}[/]\n[dim]{explained}[/]", highlight=False)


def _said(console: Console, options: int) -> str:
    """A number of an option, or s, b or q; asks again until it is one of these. The end of input is q."""
    while True:
        try:
            said = console.input("  > ").strip().lower()
        except EOFError:
            return "q"
        if said in ("s", "b", "q") or (said.isdigit() and 1 <= int(said) <= options):
            return said
        console.print(f"  Type a number from 1 to {options}, s, b or q ({HELP})", style="dim")
