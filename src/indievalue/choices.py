"""Allowed values of settings, each list defined once.

The module imports nothing else of the package, so that ``indievalue --help`` can name them and stay fast.
"""

from dataclasses import dataclass
from typing import Final, Literal, get_args

FormName = Literal["polar", "refined"]
FORMS: tuple[FormName, ...] = get_args(FormName)

Protocol = Literal["strict", "paper"]
PROTOCOLS: tuple[Protocol, ...] = get_args(Protocol)

Context = str
"""What is shown of a person: one of :data:`CONTEXTS`, or blocks joined by ``+`` (see :mod:`indievalue.context`)."""
NamedContext = Literal["none", "demographics", "statements", "both"]
CONTEXTS: tuple[NamedContext, ...] = get_args(NamedContext)

DemonstrationsFrom = Literal["others", "siblings"]
SOURCES: tuple[DemonstrationsFrom, ...] = get_args(DemonstrationsFrom)

Show = Literal["random", "relevant", "similar"]
SHOWS: tuple[Show, ...] = get_args(Show)
"""How the statements shown are chosen: at random, by a ranking learned from other people, or by sentence embeddings."""

ShowOrder = Literal["last", "first", "shuffled"]
SHOW_ORDERS: tuple[ShowOrder, ...] = get_args(ShowOrder)
"""Where the most relevant of the statements chosen for a probe stands; or all of them are shuffled."""

Voice = Literal["first", "third"]
VOICES: tuple[Voice, ...] = get_args(Voice)

OptionOrder = Literal["fixed", "shuffled", "both"]
OPTION_ORDERS: tuple[OptionOrder, ...] = get_args(OptionOrder)

ScaleDirection = Literal["forward", "reversed"]
SCALE_DIRECTIONS: tuple[ScaleDirection, ...] = get_args(ScaleDirection)

Language = Literal["en", "es", "fr"]
LANGUAGES: tuple[Language, ...] = get_args(Language)

PARAPHRASES: Final = 5
"""Wordings of the instruction that ship in each language, counted from 1."""

TeacherShown = Literal["all", "example"]
TEACHERS_SHOWN: tuple[TeacherShown, ...] = get_args(TeacherShown)
"""What the teacher of a reasoner is given: all answers that may be shown, or those that the example shows."""

RecipeTemplate = Literal["single", "brief"]
RECIPE_TEMPLATES: tuple[RecipeTemplate, ...] = get_args(RecipeTemplate)
"""Templates that a training set can be written with."""

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
    show: str = "random"
    show_order: ShowOrder = "last"
    template: str = "single"
    voice: Voice = "first"
    option_order: OptionOrder = "fixed"
    scale_direction: ScaleDirection = "forward"
    paraphrase: int = 1
    language: Language = "en"
    retries: int = 3
    weights: Weights = "none"


USUAL: Final = Usual()
