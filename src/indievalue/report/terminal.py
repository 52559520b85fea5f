"""Print scores, inequity, flattening and comparisons to an 80-column terminal."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Literal

from rich import box
from rich.cells import cell_len
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from indievalue.choices import FormName
from indievalue.report.numbers import SIGMA_DIGITS, interval, number, over, share, signed, signed_interval
from indievalue.report.paper import Paper
from indievalue.report.tables.of_measures import group_notes, matching
from indievalue.report.tables.table import PrintedTable
from indievalue.report.wording import ceiling, rows_left_out
from indievalue.scoring.accuracy import Score
from indievalue.scoring.flattening import Flattening
from indievalue.scoring.inequity import Inequity
from indievalue.scoring.paired import Comparison


def print_summary(scores: Mapping[str, Score], form: FormName, console: Console, *, paper: Paper | None = None) -> None:
    """Print the scores of a run, best predictor first.

    ``paper`` adds the results printed there (see :func:`indievalue.report.paper.paper_of`).
    """
    printed = {name: paper.accuracy(name, form) if paper else None for name in scores}
    beside = any(accuracy is not None for accuracy in printed.values())
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, padding=(0, 1, 0, 0))
    table.add_column("Predictor", overflow="fold")
    for heading in ["Accuracy, %", "95% interval", "Log loss", "ECE", "Invalid", *(["Paper"] if beside else [])]:
        table.add_column(heading, justify="right", no_wrap=True)
    for name, score in sorted(scores.items(), key=lambda item: -item[1].accuracy):
        accuracy = printed[name]
        cells = [
            escape(name),
            f"[bold]{score.accuracy:.1f}[/]",
            f"{score.accuracy_low:.1f}–{score.accuracy_high:.1f}",
            *("–" if value is None else f"{value:.3f}" for value in (score.log_loss, score.ece)),
            f"{score.invalid:,}",
        ]
        table.add_row(*cells, *(["–" if accuracy is None else f"{accuracy:.2f}"] if beside else []))
    console.print(table)
    for name, score in scores.items():
        if left_out := getattr(score, "not_answered", None):
            console.print(f"{escape(name)}: {left_out}, and not scored", highlight=False)
    for sentence in rows_left_out(scores):
        console.print(sentence, style="dim", highlight=False, markup=False)
    if limits := ceiling(scores):
        console.print(limits, style="dim", highlight=False, markup=False)
    asked = {(score.people, round(score.probes / score.people)) for score in scores.values()}
    sizes = ", ".join(f"{people:,} people × {probes:,} probes" for people, probes in sorted(asked))
    note = f"; paper: {paper.source}, its own people" if paper and beside else ""
    console.print(f"{form.capitalize()} form, {sizes}{weighted_note(scores)}{note}", style="dim", highlight=False)


def weighted_note(scores: Mapping[str, Score]) -> str:
    """Return the weighting of scores and the effective number of people, to follow a sentence; empty if unweighted."""
    score = next(iter(scores.values()))
    if score.weights == "none":
        return ""
    return f"; weights: {score.weights}, as precise as {score.effective_people or 0:,.0f} people without weights"


_UNITS = {
    "accuracy": "accuracy, in points",
    "log_loss": "log loss, in nats",
    "calibration": "expected calibration error, 0-1",
}


def print_inequity(found: Inequity, console: Console) -> None:
    """Print the index of each predictor, then σ by demographic, and the groups that were pooled or left out."""
    digits = SIGMA_DIGITS[found.measure]
    table = _table("Predictor", ("σ", "Chance", "p", "Holm", "Corr.", "95% interval", "Demographics"))
    for row in found.index.iter_rows(named=True):
        table.add_row(
            escape(row["predictor"]), *_sigma(row, digits), f"{row['demographics']} of {len(found.demographics)}"
        )
    console.print(f"[bold]Value Inequity Index[/]: mean σ of {_UNITS[found.measure]}")
    console.print(table)
    console.print(f"Over {', '.join(found.demographics)}.", style="dim", highlight=False, markup=False)
    for (predictor,), rows in found.table.group_by("predictor", maintain_order=True):
        if rows["groups"].is_null().all():
            continue
        table = _table("Demographic", ("", "σ", "Chance", "p", "Holm", "Corr.", "95% interval"))
        table.add_column("Worst group", overflow="fold")
        for row in rows.iter_rows(named=True):
            table.add_row(escape(row["demographic"]), str(row["groups"]), *_sigma(row, digits), _worst(row, digits))
        console.print(f"\n[bold]{escape(str(predictor))}[/]: σ over the groups of each demographic")
        console.print(table)
    for sentence in [*reliability_notes(found), *group_notes(found)]:
        console.print(sentence, style="dim", highlight=False, markup=False)
    console.print(
        "Chance: mean σ when people are assigned to groups at random; p: how often that gives as large a σ. "
        "Holm: p corrected for the number of tests, which are the predictors above and the demographics of each "
        "predictor below. Corrected: σ without sampling noise, with its 95% interval.",
        style="dim",
        highlight=False,
    )


def reliability_notes(found: Inequity) -> Iterator[str]:
    """Yield how reliably demographics are ordered by σ, and how much of the gaps noise in the answers explains."""
    index = found.index.drop_nulls("split_half")
    if len(index):
        each = [f"{row['predictor']} {number(row['split_half'], 2)}" for row in index.iter_rows(named=True)]
        agreement = index["agreement"][0]
        more = f"; agreement of the predictors (Kendall's W): {number(agreement, 2)}" if agreement is not None else ""
        yield f"Demographics in the order of σ, rank correlation of random halves of people: {', '.join(each)}{more}."
    if "noise_low" not in found.table.columns:
        return
    for (predictor,), rows in found.table.drop_nulls("noise_low").group_by("predictor", maintain_order=True):
        row = rows.sort("corrected", descending=True, nulls_last=True).row(0, named=True)
        yield (
            f"Noise in people's answers explains {share(row['noise_low'], row['noise_high'])}% of the gap of "
            f"{number(row['gap'])} points between {row['worst']} and {row['best']} for {predictor}; --page and --out "
            "have all demographics."
        )


def print_flattening(found: Flattening, console: Console) -> None:
    """Print how similar each predictor makes people of one group, and pairs of people with the same demographics."""
    for (predictor,), rows in found.table.group_by("predictor", maintain_order=True):
        table = _table("Demographic", ("", "Variance", "Predicted", "Ratio", "95% interval", "Alike", "Predicted"))
        for row in rows.iter_rows(named=True):
            table.add_row(
                escape(row["demographic"]),
                str(row["groups"]),
                *(number(row[name], 3) for name in ("variance_true", "variance")),
                f"[bold]{number(row['ratio'], 2)}[/]",
                interval(row["ratio_low"], row["ratio_high"], 2),
                *(number(row[name], 2) for name in ("alike_true", "alike")),
            )
        console.print(f"\n[bold]{escape(str(predictor))}[/]: how much people of one group differ")
        console.print(table)
    for (matched,), rows in found.pairs.group_by("matched", maintain_order=True):
        table = _table("Predictor", ("Told apart, %", "95% interval", "Given the same, %", "95% interval"))
        for row in rows.iter_rows(named=True):
            cells = [
                cell
                for name in ("apart", "same")
                for cell in (number(row[name], 1), interval(row[f"{name}_low"], row[f"{name}_high"], 1))
            ]
            table.add_row(escape(row["predictor"]), *cells)
        of, pairs = escape(matching(str(matched))), int(rows["pairs"][0])
        console.print(f"\n[bold]{pairs:,} pairs of people[/], {of}: where they differ", highlight=False)
        console.print(table)
    console.print(
        "Variance: of answers to ordered questions within groups, with options scaled from 0 to 1; a ratio below 1 "
        "makes people more alike. Alike: probability that two people of a group give the same answer. Told apart: "
        "both predicted correctly, when two people answer a question differently.",
        style="dim",
        highlight=False,
    )


def print_comparisons(found: Sequence[Comparison], console: Console) -> None:
    """Print the differences of each pair of predictors, and for a single pair also σ by demographic."""
    table = _table("", ("Accuracy, points", "Log loss", "Inequity, points"))
    for one in found:
        rows = {row["measure"]: row for row in one.table.iter_rows(named=True) if row["demographic"] is None}
        table.add_row(
            f"{escape(one.a)} −\n{escape(one.b)}",
            *(
                _difference(rows.get(name), digits, len(found), _over(one) if name == "log_loss" else "")
                for name, digits in _COMPARED.items()
            ),
        )
        table.add_section()
    holm = f"; Holm: p corrected for {len(found)} pairs" if len(found) > 1 else ""
    console.print(f"Differences, each with its 95% interval and p{holm}", highlight=False)
    console.print(table)
    for one in found:
        left_out = "" if not any(one.left_out) else f"; {one.left_out[0]:,} and {one.left_out[1]:,} rows not shared"
        if left_out or one is found[0]:
            of = f"{one.a} and {one.b}: " if left_out else ""
            asked = f"{of}{one.people:,} people, {one.probes:,} predictions each{left_out}"
            console.print(asked, style="dim", highlight=False, markup=False)
    if len(found) == 1 and found[0].demographics:
        _print_by_demographic(found[0], console)
    names = found[0].demographics
    if names:
        console.print(
            f"Inequity: mean σ of accuracy without noise, over {', '.join(names)}.",
            style="dim",
            highlight=False,
            markup=False,
        )


def print_table(table: PrintedTable, console: Console) -> None:
    """Print a table as wide as the console at most: columns that do not fit go on below, with the names repeated.

    Headings are wrapped between words, and long names wherever necessary; numbers never.
    """
    for names, columns in _blocks(table, console.width):
        block = Table(box=box.SIMPLE_HEAD, pad_edge=False, padding=(0, 1, 0, 0))
        for place, width in [*names, *columns]:
            side: Literal["left", "right"] = "left" if place < table.names else "right"
            block.add_column(escape(table.headings[place]), justify=side, width=width, overflow="fold")
        for row in table.rows:
            block.add_row(*(escape(row[place]) for place, _ in [*names, *columns]))
        console.print(block, highlight=False)


def fits(table: PrintedTable, width: int) -> bool:
    """Return whether a table can be printed in a single block of ``width`` characters, with headings in one line."""
    return sum(_widest(table, place) + _GAP for place in range(len(table.headings))) <= width


_GAP = 2
"""Characters between two columns."""

_NAMES = 0.5
"""Share of the width that the columns of names take at most in a table that is too wide."""

_Columns = list[tuple[int, int]]
"""Places of columns, and their widths."""


def _blocks(table: PrintedTable, width: int) -> Iterator[tuple[_Columns, _Columns]]:
    """Yield the columns of names and those of numbers in each block, with their widths."""
    places = range(len(table.headings))
    if fits(table, width):
        yield [(place, _widest(table, place)) for place in places], []
        return
    names = _name_widths([_widest(table, place) for place in places[: table.names]], width)
    room = width - sum(names) - _GAP * len(names)
    block: _Columns = []
    for place in places[table.names :]:
        words = max(map(cell_len, table.headings[place].split()), default=0)
        needed = min(max([words, *(cell_len(row[place]) for row in table.rows)]), room - _GAP)
        if block and sum(taken + _GAP for _, taken in block) + needed + _GAP > room:
            yield list(enumerate(names)), block
            block = []
        block.append((place, needed))
    yield list(enumerate(names)), block


def _name_widths(widths: Sequence[int], width: int) -> list[int]:
    """Return widths of columns that share a part of ``width``: the widest ones are made narrower."""
    room = int(_NAMES * width) - _GAP * len(widths)
    most = max(widths)
    while most > 1 and sum(min(most, one) for one in widths) > room:
        most -= 1
    return [min(most, one) for one in widths]


def _widest(table: PrintedTable, place: int) -> int:
    return max(cell_len(row[place]) for row in [table.headings, *table.rows])


_COMPARED = {"accuracy": 2, "log_loss": 3, "inequity": 2}


def _print_by_demographic(one: Comparison, console: Console) -> None:
    table = _table("σ without noise", ("a", "b", "Difference", "95% interval", "p", "Holm"))
    for row in one.table.filter(measure="sigma").iter_rows(named=True):
        table.add_row(
            escape(row["demographic"]),
            *(number(row[name], 2) for name in ("a", "b")),
            f"[bold]{signed(row['difference'], 2)}[/]",
            signed_interval(row["low"], row["high"], 2),
            number(row["p"], 3),
            number(row["p_holm"], 3),
        )
    console.print(table)
    said = f"a: {one.a}; b: {one.b}. Holm: p corrected for the number of demographics."
    console.print(said, style="dim", highlight=False, markup=False)


def _over(one: Comparison) -> str:
    left = over(one.probability_rows, one.probes)
    return f"\n[dim]{left}[/]" if left else ""


def _difference(row: Mapping[str, Any] | None, digits: int, pairs: int, over: str = "") -> str:
    if row is None or row["difference"] is None:
        return "–"
    ends = signed_interval(row["low"], row["high"], digits)
    holm = f"\n[dim]Holm {number(row['p_holm'], 3)}[/]" if pairs > 1 else ""
    return f"[bold]{signed(row['difference'], digits)}[/]  p {number(row['p'], 3)}\n[dim]{ends}[/]{holm}{over}"


def _sigma(row: Mapping[str, Any], digits: int) -> list[str]:
    return [
        number(row["sigma"], digits),
        number(row["chance"], digits),
        number(row["p"], 3),
        number(row["p_holm"], 3),
        f"[bold]{number(row['corrected'], digits)}[/]",
        interval(row["sigma_corrected_low"], row["sigma_corrected_high"], digits),
    ]


def _worst(row: Mapping[str, Any], digits: int) -> str:
    if row["worst"] is None:
        return "–"
    digits -= 1 if digits == 2 else 0
    ends = interval(row["worst_low"], row["worst_high"], digits)
    return f"{escape(row['worst'])} {number(row['worst_value'], digits)} [dim]({ends})[/]"


def _table(first: str, numbers: Sequence[str]) -> Table:
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, padding=(0, 1, 0, 0))
    table.add_column(first, overflow="fold")
    for heading in numbers:
        table.add_column(heading, justify="right", no_wrap=True)
    return table
