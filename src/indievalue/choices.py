"""Allowed values of settings, each list defined once.

The module imports nothing else of the package, so that ``indievalue --help`` can name them and stay fast.
"""

from dataclasses import dataclass
from typing import Final, Literal, get_args

FormName = Literal["polar", "refined"]
FORMS: tuple[FormName, ...] = get_args(FormName)

Protocol = Literal["strict", "paper"]
PROTOCOLS: tuple[Protocol, ...] = get_args(Protocol)

Context = Literal["none", "demographics", "statements", "both"]
CONTEXTS: tuple[Context, ...] = get_args(Context)

DemonstrationsFrom = Literal["others", "siblings"]
SOURCES: tuple[DemonstrationsFrom, ...] = get_args(DemonstrationsFrom)

Voice = Literal["first", "third"]
VOICES: tuple[Voice, ...] = get_args(Voice)

OptionOrder = Literal["fixed", "shuffled", "both"]
OPTION_ORDERS: tuple[OptionOrder, ...] = get_args(OptionOrder)

Measure = Literal["accuracy", "log_loss", "calibration"]
MEASURES: tuple[Measure, ...] = get_args(Measure)

Small = Literal["pool", "drop"]
SMALL: tuple[Small, ...] = get_args(Small)
"""What happens to groups with too few people: pooled into one, or dropped."""

Weighting = Literal["equal", "population"]
WEIGHTINGS: tuple[Weighting, ...] = get_args(Weighting)
"""How much each country counts where people are weighted by their survey weight."""

Weights = Literal["none", "equal", "population"]
"""Weights of people in a score: none, or one of :data:`Weighting`."""

Missing = Literal["refuse", "invalid", "omit"]
"""What happens to probes that an answers file lacks: the file is refused, they count as invalid, or are left out."""

ExportFormat = Literal["jsonl", "inspect", "lm-eval", "hf"]


@dataclass(frozen=True)
class Usual:
    """The values of the options of ``indievalue evaluate`` where none is given, under the names of its arguments.

    Options that are not here have no value then; ``--seed`` has one, but is always written down.
    """

    form: FormName = "polar"
    setup: str = "all"
    demonstrations: str = "200"
    demonstrations_as: Literal["same", "polar", "refined"] = "same"
    context: Context = "statements"
    protocol: Protocol = "strict"
    demonstrations_from: DemonstrationsFrom = "others"
    template: str = "single"
    voice: Voice = "first"
    option_order: OptionOrder = "fixed"
    retries: int = 3
    weights: Weights = "none"


USUAL: Final = Usual()
