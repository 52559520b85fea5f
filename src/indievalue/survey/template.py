"""Templates of sentences and of names: texts with slots."""

from collections.abc import Mapping
from string import Formatter


def filled(template: str, slots: Mapping[str, str]) -> str:
    """Fill the slots of a template, each a ``{name}`` and nothing else. Raises KeyError for one without a value."""
    try:
        parts = list(Formatter().parse(template))
    except ValueError as error:
        raise ValueError(f"{template!r} is no template: {error}") from None
    for _, name, format_of_it, conversion in parts:
        if name is not None and (not name.isidentifier() or format_of_it or conversion):
            raise ValueError(f"{template!r} has a slot that is not a plain {{name}}")
    return template.format_map(slots)
