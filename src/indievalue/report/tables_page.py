"""A self-contained HTML page of tables and figures, such as those of ``indievalue inequity`` and of experiments."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from markupsafe import Markup

from indievalue.errors import IndievalueError
from indievalue.files import new_file
from indievalue.report.environment import page_template
from indievalue.report.figures.drawing import PHONE, WIDE, Figure, figure_svg, unchecked
from indievalue.report.figures.inline import inline_svg
from indievalue.report.figures.lettering import printable
from indievalue.report.figures.styles import dark_fellows
from indievalue.report.tables.table import PrintedTable


@dataclass(frozen=True)
class Picture:
    """A figure (see :func:`indievalue.report.figures.inline.inline_svg`), and the same for phones.

    One without a version for phones keeps its size there and scrolls sideways. ``title`` is above it, if not empty.
    """

    wide: Markup
    narrow: Markup | None = None
    caption: str = ""
    label: str = ""
    title: str = ""


@dataclass(frozen=True)
class Section:
    """A part of the page: figures, a table, and a note on both.

    ``words`` are headings of columns of text that come after those of numbers.
    """

    heading: str
    note: str = ""
    table: PrintedTable | None = None
    pictures: tuple[Picture, ...] = ()
    words: tuple[str, ...] = ()


@dataclass(frozen=True)
class TablesPage:
    """A page.

    Attributes:
        kicker: the question, above the title. lead: paragraphs below the title, the first in larger type.
        command: the command that repeats what is on the page; empty for none.
        answers: answers to the question, in larger type, each with the name of its run; they replace the first
            paragraph of ``lead``, and come before the others.
        synthetic: whether the people are synthetic, which the page says.
    """

    kicker: str
    title: str
    lead: tuple[str, ...]
    sections: tuple[Section, ...]
    command: str = ""
    answers: tuple[tuple[str, str], ...] = ()
    synthetic: bool = False

    def html(self) -> str:
        """Return the page as HTML."""
        template = page_template("tables.html.jinja")
        return printable(template.render(vars(self), dark_fellows=dark_fellows()))

    def write(self, path: Path, *, force: bool = False) -> None:
        """Write the page. Raises IndievalueError if ``path`` exists, unless ``force``, or cannot be written."""
        check_page(path, force=force)
        html = self.html()
        with new_file(path) as beside:
            beside.write_text(html, encoding="utf-8")


def picture(
    draw: Callable[[int], Figure | None], name: str, label: str, *, caption: str = "", title: str = ""
) -> Picture | None:
    """Return what ``draw`` draws, given a width in pixels, for desktops and for phones; None if it draws nothing.

    ``name`` is unique on the page; ``label`` is read by screen readers.
    """
    with unchecked():
        wide = draw(WIDE)
        narrow = None if wide is None else draw(PHONE)
    if wide is None or narrow is None:
        return None
    drawn = [inline_svg(figure_svg(chart), f"{name}-{size}", label) for chart, size in ((wide, "w"), (narrow, "n"))]
    return Picture(drawn[0], drawn[1], caption, label, title)


def check_page(path: Path | None, *, force: bool) -> None:
    """Raise IndievalueError if a page at ``path`` exists already, unless ``force``; nothing is checked for None."""
    if path is not None and path.exists() and not force:
        raise IndievalueError(f"{path} exists already; choose another --page, or give --force to replace it")
