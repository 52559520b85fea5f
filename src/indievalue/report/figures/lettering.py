"""How wide text is, and text that fits: broken into lines, or shortened in its middle.

Widths are those of Helvetica, which Arial and Liberation Sans share; a little is added for other fonts.
"""

import json
import re
import unicodedata
from collections.abc import Iterable

from markupsafe import Markup, escape

_WIDTHS = {
    sign: width
    for width, signs in {
        191: "'",
        222: "ijl",
        278: " !,./:;I[\\]ft·",
        333: "()-`r",
        355: '"',
        389: "*",
        500: "Jckvsxyz",
        556: "#$0123456789?L_abdeghnopqu–",
        584: "+<=>~−×",
        611: "FTZ",
        667: "&ABEKPSVXY",
        722: "CDHNRUw",
        778: "GOQ",
        833: "Mm",
        889: "%",
        944: "W",
        1000: "…—",
        1015: "@",
    }.items()
    for sign in signs
}
"""Thousandths of the size of the text that a sign takes across."""

_OTHER, _WIDE = 620, 1000
_BOLD = 1.08
_ROOM = 1.04

_BREAKS = re.compile(r"(?<=[\s/:,;=_-])(?=\S)")
"""Where a line may end."""

_INTERVAL = re.compile(r"\(?[\d.,]+–[\d.,]+%?\)?[,;.]?")

_LONG = 20
"""Number of signs that a name on a page may have without being broken."""


_CONTROL = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ufffe\uffff]")


def printable(text: str) -> str:
    """Return ``text`` with every control character, which neither XML nor HTML can hold, as ``�``.

    >>> printable("a label\\x01")
    'a label�'
    """
    return _CONTROL.sub("�", text)


def breakable(text: str) -> Markup:
    """Return ``text`` as HTML in which a browser can break a long name after its signs, and an interval nowhere.

    >>> print(breakable("local:HuggingFaceTB/SmolLM2-135M has 49.1% (48–50)"))
    local:<wbr>HuggingFaceTB/<wbr>SmolLM2-<wbr>135M has 49.1% <span class="whole">(48–50)</span>
    """
    return Markup(" ").join(_broken(word) for word in text.split(" "))


def _broken(word: str) -> Markup:
    if _INTERVAL.fullmatch(word):
        return Markup('<span class="whole">{}</span>').format(word)
    return Markup("<wbr>").join(map(escape, _BREAKS.split(word) if len(word) > _LONG else [word]))


def text_width(text: str, size: float = 13, *, bold: bool = False) -> float:
    """Return how many pixels ``text`` takes across at most.

    >>> 70 < text_width("majority vote") < 85
    True
    """
    return sum(map(_sign, text)) * size / 1000 * _ROOM * (_BOLD if bold else 1)


def widest(texts: Iterable[str], size: float = 13) -> float:
    """Return the width of the widest of ``texts``, 0 where there is none."""
    return max((text_width(text, size) for text in texts), default=0.0)


def lines_within(text: str, pixels: float, size: float = 13, *, bold: bool = False) -> list[str]:
    """Return ``text`` in lines of at most ``pixels``: broken after words and the signs in names of models.

    A single word that is wider is shortened in its middle.

    >>> lines_within("local:HuggingFaceTB/SmolLM2-1.7B-Instruct:score=label", 200)
    ['local:HuggingFaceTB/SmolLM2-', '1.7B-Instruct:score=label']
    """
    lines = [""]
    for part in _BREAKS.split(text):
        if lines[-1] and text_width((lines[-1] + part).rstrip(), size, bold=bold) > pixels:
            lines.append("")
        lines[-1] += part
    return [shortened(line.rstrip(), pixels, size, bold=bold) for line in lines]


def shortened(text: str, pixels: float, size: float = 13, *, bold: bool = False) -> str:
    """Return ``text``, without its middle where it takes more than ``pixels``: names often differ in their ends.

    >>> shortened("local:HuggingFaceTB/SmolLM2-1.7B-Instruct:score=label", 200)
    'local:HuggingFa…ct:score=label'
    """
    short = text
    for left in range(len(text) - 1, 1, -1):
        if text_width(short, size, bold=bold) <= pixels:
            break
        short = f"{text[: left - left // 2]}…{text[len(text) - left // 2 :]}"
    return short


def label_expression(names: Iterable[str], pixels: float, size: float = 13) -> str | None:
    """Return what an axis or a legend writes for ``names`` as a Vega expression; None where all of them fit."""
    short = {name: shortened(name, pixels, size) for name in map(printable, names) if text_width(name, size) > pixels}
    return f"{json.dumps(short)}[datum.value] || datum.label" if short else None


def _sign(sign: str) -> int:
    if sign in _WIDTHS:
        return _WIDTHS[sign]
    if unicodedata.combining(sign):
        return 0
    if unicodedata.east_asian_width(sign) in "WF":
        return _WIDE
    base = unicodedata.normalize("NFD", sign)[0]
    return _WIDTHS.get(base, _OTHER)
