"""A self-contained HTML page of tables and figures, such as those of ``indievalue inequity`` and of experiments."""

from dataclasses import dataclass
from pathlib import Path

from markupsafe import Markup

from indievalue.errors import IndievalueError
from indievalue.files import new_file
from indievalue.report.environment import page_environment
from indievalue.report.figures.lettering import printable
from indievalue.report.tables.table import PrintedTable


@dataclass(frozen=True)
class Section:
    """A part of the page: a figure (see :func:`indievalue.report.figures.inline.inline_svg`), a table, and a note.

    ``words`` are columns of text that come after those of numbers.
    """

    heading: str
    note: str = ""
    table: PrintedTable | None = None
    figure: Markup | None = None
    words: tuple[str, ...] = ()


@dataclass(frozen=True)
class TablesPage:
    """A page.

    Attributes:
        kicker: the question, above the title. lead: paragraphs below the title, the first in larger type.
        command: the command that repeats what is on the page; empty for none.
    """

    kicker: str
    title: str
    lead: tuple[str, ...]
    sections: tuple[Section, ...]
    command: str = ""

    def html(self) -> str:
        """Return the page as HTML."""
        html = page_environment().get_template("tables.html.jinja").render(vars(self))
        return printable(html)

    def write(self, path: Path, *, force: bool = False) -> None:
        """Write the page. Raises IndievalueError if ``path`` exists, unless ``force``, or cannot be written."""
        check_page(path, force=force)
        html = self.html()
        with new_file(path) as beside:
            beside.write_text(html, encoding="utf-8")


def check_page(path: Path | None, *, force: bool) -> None:
    """Raise IndievalueError if a page at ``path`` exists already, unless ``force``; nothing is checked for None."""
    if path is not None and path.exists() and not force:
        raise IndievalueError(f"{path} exists already; choose another --page, or give --force to replace it")
