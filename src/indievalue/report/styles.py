"""How predictors look: the same colour and shape in every table and figure of a report."""

from collections.abc import Iterable
from dataclasses import dataclass

INK = "#1c1c1c"
MUTED = "#595959"
GRID = "#e4e4e4"
FONT = "Helvetica Neue, Helvetica, Arial, sans-serif"


@dataclass(frozen=True)
class Style:
    """A colour of the Okabe-Ito palette, which the colour-blind can tell apart, and a Vega shape that says the same."""

    colour: str
    shape: str


BASELINES = {"random": Style("#8a8a8a", "diamond"), "majority": Style("#4d4d4d", "square")}
"""Predictors that know nothing about the person stay grey."""

_COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9")
_SHAPES = ("circle", "triangle-up", "square", "diamond", "triangle-down", "cross")


def predictor_styles(predictors: Iterable[str]) -> dict[str, Style]:
    """A style for each predictor, given out in the order named; after six, colours return with other shapes."""
    styles: dict[str, Style] = {}
    coloured = 0
    for predictor in predictors:
        if predictor in styles:
            continue
        if predictor in BASELINES:
            styles[predictor] = BASELINES[predictor]
            continue
        again, place = divmod(coloured, len(_COLOURS))
        styles[predictor] = Style(_COLOURS[place], _SHAPES[(place + again) % len(_SHAPES)])
        coloured += 1
    return styles
