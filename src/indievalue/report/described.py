"""Describe settings of experiments and benchmarks in words, for figures and tables."""

from collections.abc import Iterator, Mapping, Sequence

from indievalue.context import Blocks, parse_context


def described(axes: Mapping[str, object]) -> str:
    """Return settings in words.

    >>> described({"demonstrations": 50, "context": "both"})
    '50 statements, with demographics'
    >>> described({"context": "statements+demographics:age+marital_status+country-facts"})
    'with age, marital status and country facts'
    """
    return ", ".join(_described(axis, value) for axis, value in axes.items())


def _described(axis: str, value: object) -> str:
    known = _DESCRIBED.get((axis, value))
    if known is None and axis == "context":
        blocks = parse_context(str(value))
        words = _listed(list(_words(blocks)))
        return f"with {words}" if blocks.statements else f"{words} alone"
    return known or _PATTERNS.get(axis, "{}").format(value_words(value))


def _words(blocks: Blocks) -> Iterator[str]:
    """Yield in words what a context shows besides statements."""
    if blocks.demographics is not None:
        yield from (name.replace("_", " ") for name in blocks.demographics or ("demographics",))
    shown = {"region": blocks.region, "year": blocks.year, "country facts": blocks.country_facts}
    yield from (words for words, is_shown in shown.items() if is_shown)


def _listed(names: Sequence[str]) -> str:
    """Return names as a list in a sentence: ``a, b and c``."""
    return " and ".join(filter(None, [", ".join(names[:-1]), *names[-1:]]))


def value_words(value: object) -> str:
    """Return a value as text for tables: 50 rather than 50.0."""
    return f"{value:g}" if isinstance(value, float) else str(value)


_DESCRIBED: dict[tuple[str, object], str] = {
    ("demonstrations", "all"): "all statements",
    ("demonstrations", 1): "1 statement",
    ("context", "none"): "shown nothing",
    ("context", "statements"): "without demographics",
    ("context", "both"): "with demographics",
    ("context", "demographics"): "demographics alone",
    ("show", "random"): "drawn at random",
    ("show", "relevant"): "the most relevant",
    ("show", "similar"): "the most similar",
    ("show_order", "last"): "most relevant last",
    ("show_order", "first"): "most relevant first",
    ("show_order", "shuffled"): "in random order",
    ("voice", "first"): "first person",
    ("voice", "third"): "third person",
    ("option_order", "fixed"): "options in order",
    ("option_order", "shuffled"): "options shuffled",
    ("option_order", "both"): "options in both orders",
    ("scale_direction", "forward"): "scale forward",
    ("scale_direction", "reversed"): "scale reversed",
    ("language", "en"): "English",
    ("language", "es"): "Spanish",
    ("language", "fr"): "French",
}

_PATTERNS = {
    "demonstrations": "{} statements",
    "demonstrations_as": "{} statements shown",
    "form": "{} probes",
    "protocol": "{} protocol",
    "demonstrations_about": "showing {}",
    "template": "template {}",
    "paraphrase": "wording {}",
    "repeat": "repeat {}",
}
