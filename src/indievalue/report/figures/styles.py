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
    """The style of a predictor: colours for light and dark mode, both with a contrast of at least 3:1, and a shape."""

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
"""Diverging colours from below to above the mean, with their counterparts in dark mode."""

BASELINES = {
    "random": PredictorStyle("#8a8a8a", "#8f8f8f", "diamond"),
    "majority": PredictorStyle("#4d4d4d", "#dcdcdc", "square"),
}
"""Predictors that use no information about the person are grey."""

PALETTE = (
    ("#0072B2", "#56B4E9"),
    ("#D55E00", "#FF8A47"),
    ("#009E73", "#1FBF8F"),
    ("#CC79A7", "#F2A7D2"),
    ("#4B2E83", "#9C86F0"),
    ("#6B4A00", "#F2D24B"),
)
"""Colour-blind-safe colours after Okabe and Ito, without those too pale on white."""

SHAPES = ("circle", "triangle-up", "square", "diamond", "triangle-down", "cross")


def predictor_styles(predictors: Iterable[str]) -> dict[str, PredictorStyle]:
    """Assign a style to each predictor, in order; after six, colours repeat with other shapes."""
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


def dark_fellows() -> tuple[tuple[str, str], ...]:
    """Return every colour that a predictor can have with its counterpart in dark mode."""
    return tuple((style.colour, style.dark) for style in BASELINES.values()) + PALETTE
