"""Tables for readers: rounded, in Markdown and in LaTeX."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import polars as pl

from indievalue.experiments.grid import described
from indievalue.experiments.printed import Printed

ALL = "all"
"""What stands for all categories together."""

NARROW = 9
"""A table of more columns has no room for intervals."""


@dataclass(frozen=True)
class Shown:
    """A table as it is printed: a heading per column, and the text of every cell. The first columns are names."""

    headings: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    names: int

    def markdown(self) -> str:
        rule = ["---"] * self.names + ["---:"] * (len(self.headings) - self.names)
        lines = [map(_markdown, self.headings), rule, *(map(_markdown, row) for row in self.rows)]
        return "".join(f"| {' | '.join(line)} |\n" for line in lines)

    def latex(self) -> str:
        """A tabular of the booktabs package."""
        columns = "l" * self.names + "r" * (len(self.headings) - self.names)
        lines = [" & ".join(map(_latex, row)) + r" \\" for row in (self.headings, *self.rows)]
        body = [rf"\begin{{tabular}}{{{columns}}}", r"\toprule", lines[0], r"\midrule", *lines[1:]]
        return "\n".join([r"% \usepackage{booktabs}", *body, r"\bottomrule", r"\end{tabular}"]) + "\n"


def pivoted(table: pl.DataFrame, down: Sequence[str], across: str, value: str = "accuracy") -> Shown:
    """A row for every combination of ``down`` and a column for every value of ``across``, in order of occurrence.

    Cells are ``value``, with its interval where there are at most :data:`NARROW` columns; empty where there is none. Of
    more columns those with long names are numbered, and rows of the same names carry the number.
    """
    columns = table[across].unique(maintain_order=True).to_list()
    interval = len(columns) <= NARROW
    rows: dict[tuple[Any, ...], dict[Any, str]] = {}
    for row in table.iter_rows(named=True):
        text = with_interval(row, value) if interval else f"{row[value]:.1f}"
        rows.setdefault(tuple(row[name] for name in down), {})[row[across]] = text
    kept = [place for place in range(len(down)) if len({key[place] for key in rows}) > 1] or list(range(len(down)))[:1]
    number = {} if interval else numbered(columns)
    return Shown(
        (*(down[place].replace("_", " ") for place in kept), *(number.get(c, _words(across, c)) for c in columns)),
        tuple(
            (
                *(" ".join(filter(None, [number.get(key[p]), _words(down[p], key[p])])) for p in kept),
                *(row.get(c, "") for c in columns),
            )
            for key, row in rows.items()
        ),
        len(kept),
    )


def numbered(names: Sequence[Any], longest: int = 14) -> dict[Any, str]:
    """Numbers from 1 on to stand for names, where these are too long to head columns; ``all`` stays."""
    if max(len(str(name)) for name in names) <= longest:
        return {}
    return {name: str(place) for place, name in enumerate((n for n in names if n != ALL), start=1)}


def with_interval(row: dict[str, Any], value: str) -> str:
    """``77.9 (77.4–78.4)``."""
    return f"{row[value]:.1f} ({row[f'{value}_low']:.1f}–{row[f'{value}_high']:.1f})"


def comparison_table(table: pl.DataFrame) -> Shown:
    """:func:`indievalue.experiments.compare.comparisons` for readers."""
    rows = [
        (
            row["where"],
            row["from"],
            row["to"],
            f"{signed(row['difference'])} ({signed(row['difference_low'])} to {signed(row['difference_high'])})",
            "" if row["d_z"] is None else signed(row["d_z"], 2),
            probability(row["p_holm"]),
        )
        for row in table.iter_rows(named=True)
    ]
    headings = ("where", "from", "to", "difference, points", "effect size d_z", "p (Holm)")
    return Shown(headings, tuple(rows), 3)


def paper_table(figures: Iterable[Printed], *, sigma: bool) -> Shown:
    """The paper's figures for readers, without columns that it left empty; σ only where it is wanted."""
    rows = [
        (
            figure.label,
            "nothing" if figure.context == "none" else figure.context,
            str(figure.demonstrations) if figure.context in ("statements", "both") else "",
            *(
                ("≈ " if figure.about and value is not None else "") + number(value, "{:.4g}")
                for value in _values(figure)
            ),
        )
        for figure in figures
    ]
    headings = ("predictor", "shown", "statements", "polar", "refined", "σ")
    wanted = range(6 if sigma else 5)
    kept = [place for place in wanted if place < 3 or any(row[place] for row in rows)]
    return Shown(tuple(headings[p] for p in kept), tuple(tuple(row[p] for p in kept) for row in rows), 2)


def number(value: float | None, pattern: str) -> str:
    return "" if value is None else pattern.format(value)


def signed(value: float, digits: int = 1) -> str:
    """``+1.3``, ``−0.2``, ``0.0``: a zero has no sign."""
    text = f"{value:+.{digits}f}".replace("-", "−")
    return text[1:] if not text[1:].strip("0.") else text


def probability(p: float | None) -> str:
    """A p-value: ``0.032``, ``<0.001``."""
    return "" if p is None else "<0.001" if p < 0.001 else f"{p:.3f}"


def _words(axis: str, value: Any) -> str:
    """A value as a heading or a name: in words where it alone would not say what it is of."""
    return described({axis: value}) if axis in ("context", "form", "demonstrations_as") else str(value)


def _values(figure: Printed) -> tuple[float | None, ...]:
    return figure.polar, figure.refined, figure.sigma


def _markdown(text: str) -> str:
    return text.replace("|", r"\|").replace("<", "&lt;")


def _latex(text: str) -> str:
    text = re.sub(r"([&%$#_{}])", r"\\\1", text).replace("~", r"\textasciitilde{}").replace("^", r"\textasciicircum{}")
    for sign, command in (
        ("σ", r"$\sigma$"),
        ("≈", r"$\approx$"),
        ("×", r"$\times$"),
        ("<", "$<$"),
        ("–", "--"),
        ("−", "$-$"),
    ):
        text = text.replace(sign, command)
    return text
