"""From a figure to SVG that can stand inside an HTML page, beside others."""

import re

from markupsafe import Markup

from indievalue.report.drawing import Figure, figure_svg

_OPENING = re.compile(r'<svg[^>]*?\swidth="([\d.]+)"[^>]*?\sviewBox="([^"]*)"[^>]*>')
_BACKGROUND = re.compile(r'<rect width="[\d.]+" height="[\d.]+" fill="white"/>')
_MARK = re.compile(r' aria-label=(?=[^>]* role="graphics-symbol")')
_ROLES = re.compile(r' role="graphics-[a-z]+"| aria-roledescription="[^"]*"')
_REFERENCES = ('id="{}"', "url(#{})", 'href="#{}"')


def inline_svg(chart: Figure, name: str, label: str) -> Markup:
    """The chart as an ``<svg>`` element that shrinks with the page and has no ground of its own.

    Marks that say something are of the class ``mark`` and say it in ``aria-label``.
    ``name`` is put before every id in it, so that no two figures of a page have one in common; ``label`` is what a
    screen reader says in its place.
    """
    svg = figure_svg(chart)
    opening = _OPENING.match(svg)
    assert opening is not None, svg[:200]
    width, view = opening.groups()
    body = _BACKGROUND.sub("", svg[opening.end() :], count=1)
    body = _ROLES.sub("", _MARK.sub(' class="mark" role="img" aria-label=', body))
    for own in set(re.findall(r'\sid="([^"]+)"', body)):
        for reference in _REFERENCES:
            body = body.replace(reference.format(own), reference.format(f"{name}-{own}"))
    # The text in a figure was escaped by Vega when it wrote the SVG.
    start = Markup('<svg role="group" aria-label="{}" viewBox="{}" style="max-width:{}px" focusable="false">')
    return start.format(label, view, width) + Markup(body)
