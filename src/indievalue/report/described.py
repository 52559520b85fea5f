"""Describe settings of experiments and benchmarks in words, for figures and tables."""

from collections.abc import Mapping


def described(axes: Mapping[str, object]) -> str:
    """Return settings in words.

    >>> described({"demonstrations": 50, "context": "both"})
    '50 statements, with demographics'
    """
    return ", ".join(
        _DESCRIBED.get((axis, value), _PATTERNS.get(axis, "{}").format(value_words(value)))
        for axis, value in axes.items()
    )


def value_words(value: object) -> str:
    """Return a value as text for tables: 50 rather than 50.0."""
    return f"{value:g}" if isinstance(value, float) else str(value)


_DESCRIBED: dict[tuple[str, object], str] = {
    ("demonstrations", "all"): "all statements",
    ("context", "none"): "shown nothing",
    ("context", "statements"): "without demographics",
    ("context", "both"): "with demographics",
    ("context", "demographics"): "demographics alone",
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
