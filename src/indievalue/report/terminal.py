"""The summary of a run in the terminal, in 80 columns."""

from collections.abc import Mapping
from typing import Any

from rich import box
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from indievalue.report.paper import read_paper
from indievalue.survey.model import FormName


def print_summary(
    summary: Mapping[str, Mapping[str, Any]], form: FormName, console: Console, *, paper: bool = True
) -> None:
    """Print what ``summary.json`` holds, the best predictor first.

    ``paper`` False leaves out the paper's figures, which say nothing about synthetic people or another survey.
    """
    printed = {name: read_paper().accuracy(name, form) if paper else None for name in summary}
    beside = any(accuracy is not None for accuracy in printed.values())
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, padding=(0, 1, 0, 0))
    table.add_column("Predictor", overflow="fold")
    for heading in ["Accuracy, %", "95% interval", "Log loss", "ECE", "Invalid", *(["Paper"] if beside else [])]:
        table.add_column(heading, justify="right", no_wrap=True)
    for name, score in sorted(summary.items(), key=lambda item: -item[1]["accuracy"]):
        accuracy = printed[name]
        cells = [
            escape(name),
            f"[bold]{score['accuracy']:.1f}[/]",
            f"{score['accuracy_low']:.1f}–{score['accuracy_high']:.1f}",
            *("–" if score.get(key) is None else f"{score[key]:.3f}" for key in ("log_loss", "ece")),
            f"{score['invalid']:,}",
        ]
        table.add_row(*cells, *(["–" if accuracy is None else f"{accuracy:.2f}"] if beside else []))
    console.print(table)
    asked = {(score["people"], round(score["probes"] / score["people"])) for score in summary.values()}
    sizes = ", ".join(f"{people:,} people × {probes:,} probes" for people, probes in sorted(asked))
    note = f"; paper: {read_paper().source}, its own people" if beside else ""
    console.print(f"{form.capitalize()} form, {sizes}{note}", style="dim", highlight=False)
