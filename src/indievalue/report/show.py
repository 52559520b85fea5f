"""Print a person or a survey to the terminal."""

from collections import Counter, defaultdict

from rich.console import Console
from rich.markup import escape
from rich.padding import Padding
from rich.table import Table

from indievalue.choices import FORMS, FormName
from indievalue.people.catalog import demographic_statements, why_missing
from indievalue.people.people import People
from indievalue.survey.survey import Survey


def print_person(people: People, row: int, form: FormName, console: Console) -> None:
    """Print a person's demographics, their statements by category, and the reasons for missing answers."""
    survey = people.survey
    options = people.options(form)[row]
    console.print(f"[bold]Person {escape(str(people.ids[row]))}[/] of {escape(survey.title)}")
    console.print("\n[bold]Demographics[/]")
    for statement in demographic_statements(people, row):
        _item(console, statement)
    by_category: dict[str, list[str]] = defaultdict(list)
    missing: dict[str, list[str]] = defaultdict(list)
    for at, question in enumerate(survey.questions):
        if options[at] >= 0:
            by_category[question.category].append(
                f"[dim]{question.id:>5}[/]  {escape(question.options(form)[options[at]].statement)}"
            )
        else:
            missing[why_missing(people, row, at)].append(question.id)
    for category in survey.categories:
        console.print(f"\n[bold]{escape(category)}[/]")
        for line in by_category[category] or ["[dim]no answer[/]"]:
            _item(console, line, markup=True)
    console.print(f"\n[bold]Missing[/]: {sum(map(len, missing.values()))} of {len(survey.questions)} questions")
    for reason, questions in missing.items():
        _item(console, f"{reason}: {', '.join(questions)}")


def print_survey(survey: Survey, console: Console) -> None:
    """Print the numbers of questions, options and demographics of a survey, by category."""
    console.print(
        f"[bold]{escape(survey.title)}[/]: {len(survey.questions)} questions, "
        f"{len(survey.demographics)} demographics, no problem found",
        highlight=False,
    )
    questions = Counter(question.category for question in survey.questions)
    table = Table()
    table.add_column("category")
    for column in ("questions", *(f"{form} options" for form in FORMS)):
        table.add_column(column, justify="right")
    for category in survey.categories:
        members = [question for question in survey.questions if question.category == category]
        options = [str(sum(len(question.options(form)) for question in members)) for form in FORMS]
        table.add_row(escape(category), str(questions[category]), *options)
    totals = [str(int(survey.form(form).starts[-1])) for form in FORMS]
    table.add_section()
    table.add_row("all", str(len(survey.questions)), *totals)
    console.print(table)


def _item(console: Console, line: str, *, markup: bool = False) -> None:
    console.print(Padding(line if markup else escape(line), (0, 0, 0, 2), expand=False), highlight=False)
