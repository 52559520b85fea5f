"""HTML display of tables in notebooks."""

from html import escape

import polars as pl

MOST_ROWS = 30
"""Rows that a notebook shows; the others are counted."""


def html_table(frame: pl.DataFrame, caption: str | None = None) -> str:
    """Return ``frame`` as an HTML table: numbers rounded and to the right, null as a dash, the first 30 rows.

    >>> table = html_table(pl.DataFrame({"predictor": ["majority"], "accuracy": [66.719]}))
    >>> table.count("<td"), "66.7<" in table
    (2, True)
    """
    numeric = [dtype.is_numeric() for dtype in frame.schema.values()]
    sides = ["right" if number else "left" for number in numeric]
    head = _row([name.replace("_", " ") for name in frame.columns], sides, "th")
    body = "".join(_row(map(_text, row), sides, "td") for row in frame.head(MOST_ROWS).iter_rows())
    left = len(frame) - MOST_ROWS
    more = f"<p>and {left:,} more rows</p>" if left > 0 else ""
    title = f"<caption>{escape(caption)}</caption>" if caption else ""
    return f"<table>{title}<thead>{head}</thead><tbody>{body}</tbody></table>{more}"


def _row(cells: "map[str] | list[str]", sides: list[str], tag: str) -> str:
    filled = "".join(
        f'<{tag} style="text-align:{side}">{escape(cell)}</{tag}>' for cell, side in zip(cells, sides, strict=True)
    )
    return f"<tr>{filled}</tr>"


def _text(value: object) -> str:
    if value is None:
        return "–"
    if isinstance(value, float):
        return f"{value:.3f}" if abs(value) < 10 else f"{value:.1f}"
    return f"{value:,}" if isinstance(value, int) and not isinstance(value, bool) else str(value)
