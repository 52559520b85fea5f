"""How predictors look: the same colour and shape in every table and figure of a report."""

from collections.abc import Iterable
from dataclasses import dataclass

INK = "#1c1c1c"
MUTED = "#595959"
GRID = "#e4e4e4"
PAPER = "#ffffff"
LAND = "#e2dfd8"
BAND = "#eceae4"
FONT = "Helvetica Neue, Helvetica, Arial, sans-serif"


@dataclass(frozen=True)
class PredictorStyle:
    """A colour on white and its fellow on a dark ground, both at 3:1 or more, and a Vega shape that says the same."""

    colour: str
    dark: str
    shape: str


SPREAD = (
    ("#a63603", "#d9591c"),
    ("#e0762f", "#f0965a"),
    ("#f3bd7d", "#f3c492"),
    ("#f6efc4", "#f6efc4"),
    ("#a8cfe0", "#a8cfe0"),
    ("#5699c6", "#6aaede"),
    ("#15568f", "#3d83cc"),
)
"""Colours from far below the mean to far above it, and their fellows on a dark ground."""

BASELINES = {
    "random": PredictorStyle("#8a8a8a", "#8f8f8f", "diamond"),
    "majority": PredictorStyle("#4d4d4d", "#dcdcdc", "square"),
}
"""Predictors that know nothing about the person stay grey."""

PALETTE = (
    ("#0072B2", "#56B4E9"),
    ("#D55E00", "#FF8A47"),
    ("#009E73", "#1FBF8F"),
    ("#CC79A7", "#F2A7D2"),
    ("#4B2E83", "#9C86F0"),
    ("#6B4A00", "#F2D24B"),
)
"""After Okabe and Ito, less their colours that are too pale on white; told apart without red or green cones too."""

SHAPES = ("circle", "triangle-up", "square", "diamond", "triangle-down", "cross")


def predictor_styles(predictors: Iterable[str]) -> dict[str, PredictorStyle]:
    """A style for each predictor, given out in the order named; after six, colours return with other shapes."""
    styles: dict[str, PredictorStyle] = {}
    coloured = 0
    for predictor in predictors:
        if predictor in styles:
            continue
        if predictor in BASELINES:
            styles[predictor] = BASELINES[predictor]
            continue
        again, place = divmod(coloured, len(PALETTE))
        styles[predictor] = PredictorStyle(*PALETTE[place], SHAPES[(place + again) % len(SHAPES)])
        coloured += 1
    return styles
