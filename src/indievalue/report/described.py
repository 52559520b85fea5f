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
}

_PATTERNS = {
    "demonstrations": "{} statements",
    "demonstrations_as": "{} statements shown",
    "form": "{} probes",
    "protocol": "{} protocol",
    "demonstrations_about": "showing {}",
}
