"""The interview in a terminal: one question at a time."""

from pathlib import Path

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from indievalue.elicitation.interview import Interview
from indievalue.people.people import People

HELP = "a number answers · s skips · b goes back · q stops and keeps your answers"


def hold(interview: Interview, questions: int, file: Path, console: Console) -> bool:
    """Ask until ``questions`` are answered; True when they are, False when the person stops before.

    Every turn is saved to ``file`` before the next question is put.
    """
    console.print(f"[dim]{HELP}[/]\n[dim]Your answers stay on this machine, in {escape(str(file))}.[/]")
    while interview.session.answered < questions:
        question = interview.next_question()
        if question is None:
            console.print("There is no question left.")
            return True
        about = interview.survey.questions[question]
        console.print(f"\n[bold]{interview.session.answered + 1}/{questions}  {escape(about.asks)}[/]", highlight=False)
        for number, option in enumerate(about.refined, 1):
            console.print(f"  [bold]{number}[/]  {escape(option.statement)}", highlight=False)
        said = _said(console, len(about.refined))
        if said == "q":
            return False
        if said == "b":
            if not interview.back():
                console.print("This is the first question.")
        else:
            interview.answer(question, None if said == "s" else int(said) - 1)
        interview.session.save(file)
    return True


def print_reading(interview: Interview, people: People, console: Console) -> None:
    """Print what is predicted, who answers alike, and what came as a surprise."""
    if not interview.session.answered:
        console.print("Nothing was answered, so there is nothing to predict.")
        return
    table = Table(title="What your answers predict", title_justify="left", box=None, padding=(0, 2, 0, 0))
    table.add_column("You would say")
    table.add_column("probability", justify="right")
    table.add_column("all", justify="right")
    for one in interview.predicted():
        table.add_row(escape(one.statement), f"{one.probability:.0%}", f"{one.among_all:.0%}")
    console.print()
    console.print(table)
    source = " (synthetic people)" if people.findings.synthetic else ""
    table = Table(title=f"Who answers like you{source}", title_justify="left", box=None, padding=(0, 2, 0, 0))
    table.add_column("group")
    table.add_column("among the most alike", justify="right")
    table.add_column("among all", justify="right")
    for group in interview.alike(people):
        name = f"{group.demographic.replace('_', ' ')}: {group.group}"
        table.add_row(escape(name), f"{group.among_alike:.0%}", f"{group.among_all:.0%}")
    console.print()
    console.print(table)
    console.print("\n[italic]What surprised it[/]")
    for turn in interview.surprises():
        console.print(f"  {escape(turn.statement or '')} [dim](it had given this {turn.probability:.0%})[/]")


def _said(console: Console, options: int) -> str:
    """A number of an option, or s, b or q; asks again until it is one of these. The end of input is q."""
    while True:
        try:
            said = console.input("  > ").strip().lower()
        except EOFError:
            return "q"
        if said in ("s", "b", "q") or (said.isdigit() and 1 <= int(said) <= options):
            return said
        console.print(f"  1 to {options}, s, b or q: {HELP}", style="dim")
