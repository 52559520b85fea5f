"""A table that can be written as Markdown, LaTeX and CSV."""

import csv
import io
from dataclasses import dataclass

from indievalue.safe_text import markdown_text

_LONG = 40
"""Number of rows above which a LaTeX table can break across pages."""

_LATEX = {
    "\\": r"\textbackslash{}",
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    "<": r"\textless{}",
    ">": r"\textgreater{}",
    "|": r"\textbar{}",
    '"': "{''}",  # \textquotedbl is not in LaTeX's own font encoding
    "–": "--",
    "≈": r"$\approx$",
    "≤": r"$\leq$",
    "−": r"$-$",
    "σ": r"$\sigma$",
    "×": r"$\times$",
    "\n": " ",
    **{sign: "\\" + sign for sign in "&%$#_{}"},
}


@dataclass(frozen=True)
class PrintedTable:
    """A formatted table.

    Attributes:
        name: file name, and LaTeX label. caption: may be empty.
        headings: column headings. rows: the text of each cell.
        names: number of leading columns that hold text; the others hold numbers.
    """

    name: str
    caption: str
    headings: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    names: int = 1

    def markdown(self) -> str:
        """Return a pipe table under its caption, with special characters of Markdown and HTML escaped."""
        rule = " | ".join("---" if place < self.names else "---:" for place in range(len(self.headings)))
        escaped = [" | ".join(map(markdown_text, row)) for row in (self.headings, *self.rows)]
        table = "\n".join(f"| {line} |" for line in (escaped[0], rule, *escaped[1:]))
        return f"**{markdown_text(self.caption)}**\n\n{table}\n" if self.caption else f"{table}\n"

    def latex(self) -> str:
        """Return a table for ``\\usepackage{booktabs}``, or a ``longtable`` if it has more than 40 rows.

        Without a caption, return only the ``tabular``.
        """
        columns = "l" * self.names + "r" * (len(self.headings) - self.names)
        head, *body = (" & ".join(map(latex_text, row)) + r" \\" for row in (self.headings, *self.rows))
        rows = "\n".join(body)
        if not self.caption:
            return (
                f"% needs booktabs\n\\begin{{tabular}}{{{columns}}}\n\\toprule\n{head}\n\\midrule\n{rows}\n"
                "\\bottomrule\n\\end{tabular}\n"
            )
        caption = rf"\caption{{{latex_text(self.caption)}}}\label{{tab:{self.name}}}"
        if len(self.rows) > _LONG:
            return (
                f"% needs booktabs and longtable\n\\begin{{longtable}}{{{columns}}}\n{caption} \\\\\n\\toprule\n"
                f"{head}\n"
                f"\\midrule\n\\endfirsthead\n\\toprule\n{head}\n\\midrule\n\\endhead\n{rows}\n\\bottomrule\n"
                "\\end{longtable}\n"
            )
        return (
            f"% needs booktabs\n\\begin{{table}}\n\\centering\n{caption}\n\\begin{{tabular}}{{{columns}}}\n\\toprule\n"
            f"{head}\n\\midrule\n{rows}\n\\bottomrule\n\\end{{tabular}}\n\\end{{table}}\n"
        )

    def csv(self) -> str:
        """Return the table as CSV."""
        text = io.StringIO()
        csv.writer(text, lineterminator="\n").writerows([self.headings, *self.rows])
        return text.getvalue()


def latex_text(text: str) -> str:
    """Escape ``text`` for LaTeX."""
    return "".join(_LATEX.get(sign, sign) for sign in text)
