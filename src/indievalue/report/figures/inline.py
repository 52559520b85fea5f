"""Convert figures to SVG that can be embedded in an HTML page."""

import re
from collections.abc import Callable, Mapping

from markupsafe import Markup

from indievalue.report.figures.drawing import WIDE, Figure, figure_svg, unchecked
from indievalue.report.figures.styles import PredictorStyle
from indievalue.runs.run import Run

Draw = Callable[[Run, Mapping[str, PredictorStyle], int], Figure]
"""A function that draws a figure of a run, given the width in pixels."""

_OPENING = re.compile(r'<svg[^>]*?\swidth="([\d.]+)"[^>]*?\sviewBox="([^"]*)"[^>]*>')
_BACKGROUND = re.compile(r'<rect width="[\d.]+" height="[\d.]+" fill="white"/>')
_MARK = re.compile(r' aria-label=(?=[^>]* role="graphics-symbol")')
_ROLES = re.compile(r' role="graphics-[a-z]+"| aria-roledescription="[^"]*"')
_GEOMETRY = re.compile(r' (?:d|transform|x|y|x1|x2|y1|y2|width|height)="[^"<>]*"')
_DIGITS = re.compile(r"(\d\.\d\d)\d+")
_REFERENCES = ('id="{}"', "url(#{})", 'href="#{}"')


def run_svg(draw: Draw, run: Run, styles: Mapping[str, PredictorStyle], width: int = WIDE) -> str:
    """Return the SVG of a run's figure, drawn only once for all pages and files that show it."""
    looks = {name: styles[name] for name in run.scores}

    def drawn() -> str:
        with unchecked():
            return figure_svg(draw(run, looks, width))

    return run.remember((draw, tuple(looks.items()), width), drawn)


def inline_svg(svg: str, name: str, label: str) -> Markup:
    """Return a figure as a responsive ``<svg>`` element with a transparent background.

    Marks with a description have the class ``mark`` and an ``aria-label``. ``name`` is a prefix for all ids, which
    keeps them unique within a page; ``label`` is read by screen readers.
    """
    opening = _OPENING.match(svg)
    assert opening is not None, svg[:200]
    width, view = opening.groups()
    body = _BACKGROUND.sub("", svg[opening.end() :], count=1)
    body = _ROLES.sub("", _MARK.sub(' class="mark" role="img" aria-label=', body))
    body = _GEOMETRY.sub(lambda found: _DIGITS.sub(r"\1", found[0]), body)
    for own in set(re.findall(r'\sid="([^"]+)"', body)):
        for reference in _REFERENCES:
            body = body.replace(reference.format(own), reference.format(f"{name}-{own}"))
    # Vega has already escaped the text in the SVG.
    start = Markup(
        '<svg role="group" aria-label="{}" viewBox="{}" style="--own:{}px;max-width:var(--own)" focusable="false">'
    )
    return start.format(label, view, width) + Markup(body)
