"""Print how well people agree with themselves to an 80-column terminal."""

from collections.abc import Mapping, Sequence
from typing import Any

import polars as pl
from rich import box
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from indievalue.choices import FormName
from indievalue.report.numbers import interval, number
from indievalue.scoring.retest_tables import PanelRetest

_ALL = 40
"""Questions that are all printed; of more, only those at both ends."""

_ENDS = 10

_NOTES = (
    "Agreement: the same answer on the next occasion, in %, with its 95% interval (people with several pairs count as "
    "one). κ: agreement beyond chance. wκ: κ with quadratic weights, and r: test-retest correlation, both for ordered "
    "answers. Rel.: reliability from three waves (Heise), which leaves true change out; above 1 by chance.",
    "Ceiling: accuracy, in %, that one who knew everybody's mind could reach, if the noise of two occasions is "
    "independent. Its floor holds even if people changed; its top takes change out where three waves tell it, and is "
    "too low for other questions if people changed. People who remember their first answer make both too high.",
)


def print_retest(found: PanelRetest, console: Console) -> None:
    """Print a table of the questions in each form, then groups, and a summary with its assumptions."""
    for form in found.forms:
        rows = found.questions.filter(form=form)
        console.print(f"\n[bold]{_title(found, form)}[/]: {_which(len(rows))}", highlight=False)
        console.print(_questions(_shown(rows)))
    if len(found.groups):
        console.print("\n[bold]By group[/], over all questions", highlight=False)
        console.print(_groups(found))
    for sentence in _NOTES:
        console.print(sentence, style="dim", highlight=False, markup=False)
    if found.few:
        count = f"{len(found.few):,} question{' was' if len(found.few) == 1 else 's were'}"
        console.print(
            f"{count} left out: fewer than {found.minimum} people answered twice.", style="dim", highlight=False
        )
    console.print()
    for sentence in summary_sentences(found):
        console.print(sentence, highlight=False, markup=False, soft_wrap=True)


def summary_sentences(found: PanelRetest) -> list[str]:
    """Return the summary in sentences: one on who was asked, and two for each form."""
    sentences = [f"{found.people:,} people answered again, over {len(found.waves)} waves: {', '.join(found.waves)}."]
    summary = found.summary()
    for form in found.forms:
        of: Mapping[str, Any] = dict(summary[form])  # type: ignore[call-overload]
        parts = [
            f"{_title(found, form)}, medians over {of['questions']:,} questions: people agree with themselves in "
            f"{number(of['median_agreement'])}% of answers ({number(of['median_chance'])}% by chance)",
            f"κ {number(of['median_kappa'], 2)}",
        ]
        if of["median_correlation"] is not None:
            parts.append(f"test-retest correlation {number(of['median_correlation'], 2)}")
        if of["questions_with_reliability"]:
            parts.append(
                f"reliability {number(of['median_reliability'], 2)} ({of['questions_with_reliability']:,} questions, "
                f"{number(of['reliability_below_070'], 0)}% of them below .70)"
            )
        sentences.append("; ".join(parts) + ".")
        sentences.append(
            "One who knew everybody's mind, but not the moment's noise, would be right in "
            f"{interval(of['mean_ceiling_low'], of['mean_ceiling_high'])}% of answers (mean over questions)."
        )
    return sentences


def _title(found: PanelRetest, form: FormName) -> str:
    return f"{form.capitalize()} form" if len(found.forms) > 1 else "Answers as they stand"


def _which(questions: int) -> str:
    if questions <= _ALL:
        return f"{questions} question{'' if questions == 1 else 's'}, from the least agreement to the most"
    return f"the {_ENDS} questions of least and the {_ENDS} of most agreement, of {questions:,} (--out writes all)"


def _shown(rows: pl.DataFrame) -> list[Sequence[Mapping[str, Any]]]:
    ordered = rows.sort("agreement", "question").to_dicts()
    return [ordered] if len(ordered) <= _ALL else [ordered[:_ENDS], ordered[-_ENDS:]]


def _table(names: Sequence[str], numbers: Sequence[str]) -> Table:
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, padding=(0, 1, 0, 0))
    for heading in names:
        table.add_column(heading, overflow="fold")
    for heading in numbers:
        table.add_column(heading, justify="right", no_wrap=True)
    return table


def _questions(parts: Sequence[Sequence[Mapping[str, Any]]]) -> Table:
    headings = ("Pairs", "Agree", "95%", "Chance", "κ", "wκ", "r", "Rel.", "Ceiling")
    table = _table(("Question",), headings)
    for rows in parts:
        for row in rows:
            table.add_row(
                escape(row["question"]),
                f"{row['pairs']:,}",
                f"[bold]{number(row['agreement'])}[/]",
                interval(row["low"], row["high"], 0),
                number(row["chance"], 0),
                *(number(row[name], 2) for name in ("kappa", "weighted_kappa", "correlation", "reliability")),
                interval(row["ceiling_low"], row["ceiling_high"], 0),
            )
        table.add_section()
    return table


def _groups(found: PanelRetest) -> Table:
    several = len(found.forms) > 1
    table = _table(("Demographic", "Group", *(["Form"] if several else [])), ("People", "Pairs", "Agree", "95%", "κ"))
    for row in found.groups.iter_rows(named=True):
        table.add_row(
            escape(row["demographic"]),
            escape(row["group"]),
            *([row["form"]] if several else []),
            f"{row['people']:,}",
            f"{row['pairs']:,}",
            f"[bold]{number(row['agreement'])}[/]",
            interval(row["low"], row["high"]),
            number(row["kappa"], 2),
        )
    return table
