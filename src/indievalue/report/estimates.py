"""Print population estimates to an 80-column terminal."""

from collections.abc import Iterable, Mapping
from typing import Any

import polars as pl
from rich import box
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from indievalue.report.numbers import number, signed

_ABOUT = (
    "With 95% intervals; shares in %. Estimate: from the answers of those asked and predictions for the others. Asked "
    "alone: from the answers. Predicted: from predictions alone, with their bias. Worth: how many more people would "
    "have to be asked to know as much without predictions. λ: weight of the predictions, 0 if they are of no use."
)


def print_estimates(table: pl.DataFrame, console: Console) -> None:
    """Print the figures of each target, as :class:`indievalue.estimation.results.Estimates` has them in its table."""
    for (target,), rows in table.group_by(["target"], maintain_order=True):
        console.print(f"\n[bold]{escape(str(target))}[/]", highlight=False)
        console.print(_rows(rows.iter_rows(named=True), known=rows["everybody"].is_not_null().any()))
    console.print(_ABOUT, style="dim", highlight=False, markup=False)
    console.print()


def print_plan(plan: pl.DataFrame, half: float, console: Console) -> None:
    """Print what :meth:`indievalue.estimation.results.Estimates.plan` returns, a sentence for each figure."""
    console.print(f"\n[bold]For an interval of ± {half:g}[/]", highlight=False)
    for target, group, answers, alone in plan.iter_rows():
        name = target if group == "everybody" else f"{target}, {group}"
        if alone is None:
            continue
        both = "more people than are in the data" if answers is None else f"{answers:,}"
        text = f"{name}: {both} must answer with predictions as good as these, {alone:,} without"
        console.print(text, highlight=False, markup=False, soft_wrap=True)


def _rows(rows: Iterable[Mapping[str, Any]], *, known: bool) -> Table:
    shown = Table(box=box.SIMPLE, pad_edge=False, padding=(0, 0))
    shown.add_column("", min_width=9, overflow="fold")
    for heading in ("Estimate", "Asked alone", "Predicted", *(["All"] if known else []), "Asked", "Worth", "λ"):
        shown.add_column(heading, justify="right", no_wrap=True)
    for row in rows:
        shown.add_row(*_cells(row, known=known))
    return shown


def _cells(row: Mapping[str, Any], *, known: bool) -> list[str]:
    digits = 1 if row["unit"] == "percent" else 2
    more = None if row["effective"] is None else row["effective"] - row["asked"]
    return [
        escape(row["group"]),
        f"[bold]{_number(row['estimate'], digits)}[/]{_interval(row['low'], row['high'], digits)}",
        f"{_number(row['classical'], digits)}{_interval(row['classical_low'], row['classical_high'], digits)}",
        _number(row["predicted"], digits),
        *([_number(row["everybody"], digits)] if known else []),
        f"{row['asked']:,}",
        signed(more, 0),
        number(row["lambda"], 2),
    ]


def _interval(low: float | None, high: float | None, digits: int) -> str:
    """Return a line with the ends of an interval, with a comma between them if one is negative."""
    if low is None or high is None:
        return ""
    return f"\n({_number(low, digits)}{'–' if low >= 0 else ', '}{_number(high, digits)})"


def _number(value: float | None, digits: int) -> str:
    return number(value, digits).replace("-", "−")
