"""Contexts: what is shown of a person, as blocks joined by ``+``.

The blocks are ``statements``, ``demographics`` (all of them, or some by name), ``region``, ``year`` and
``country-facts``; ``both`` is short for ``statements+demographics``, and ``none`` stands alone. Words are separated by
``+``. After ``demographics:``, each word is the name of a demographic, up to the next word that is a block. The name of
a demographic that is also that of a block has to follow ``demographics:`` directly, which can be repeated.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Annotated

from pydantic import AfterValidator

from indievalue.choices import CONTEXTS
from indievalue.errors import IndievalueError, did_you_mean

BLOCKS = ("statements", "demographics", "region", "year", "country-facts")
"""The blocks, in the order in which a context names them."""

_NAMES = "demographics:"
_WORDS = (*BLOCKS, "both", "none")


class UnusableBlockError(IndievalueError):
    """Raised for a block that the data do not have or a predictor cannot use; an experiment leaves out such cells."""


@dataclass(frozen=True)
class Blocks:
    """The blocks of a context.

    Attributes:
        demographics: names of those shown, in alphabetical order; empty for all, None for none.
    """

    statements: bool = False
    demographics: tuple[str, ...] | None = None
    region: bool = False
    year: bool = False
    country_facts: bool = False

    @property
    def name(self) -> str:
        """The context in words: one name for blocks in any order, ``both`` for ``statements+demographics``."""
        parts = list(self._parts())
        return {"": "none", "statements+demographics": "both"}.get(name := "+".join(parts), name)

    @property
    def selects(self) -> bool:
        """Whether some demographics are shown, but not all."""
        return bool(self.demographics) or (self.demographics is None and self.region)

    def _parts(self) -> Iterator[str]:
        if self.statements:
            yield "statements"
        if self.demographics is not None:
            first, *others = self.demographics or ("",)
            yield f"{_NAMES}{first}" if first else "demographics"
            yield from (f"{_NAMES}{name}" if name in _WORDS else name for name in others)
        shown = {"region": self.region, "year": self.year, "country-facts": self.country_facts}
        yield from (name for name, is_shown in shown.items() if is_shown)


def parse_context(text: str) -> Blocks:
    """Return the blocks of a context. Raises IndievalueError, with the known ones, if ``text`` is not a context.

    >>> parse_context("statements+demographics:income+age+country-facts").demographics
    ('age', 'income')
    >>> parse_context("demographics+statements").name
    'both'
    """
    blocks, seen, names = Blocks(), set[str](), list[str]()
    listing = False
    for word in [] if text == "none" else text.split("+"):
        before, _, name = word.partition(":")
        if listing and before not in _WORDS:
            names.append(word)
            continue
        listing = word.startswith(_NAMES)
        if listing:
            names.append(name)
            seen.add(_NAMES)
        elif word in _WORDS and word != "none" and word not in seen:
            seen.add(word)
            blocks = _with(blocks, word)
        else:
            raise IndievalueError(_complaint(text, word, seen))
    if "" in names or len(set(names)) < len(names):
        twice = next((name for name in names if names.count(name) > 1), "")
        reason = f"it names the demographic {twice!r} twice" if twice else f"a name is missing after `{_NAMES}` or a +"
        raise IndievalueError(_said(text, reason))
    if "both" in seen and seen & {"statements", "demographics"}:
        raise IndievalueError(_said(text, "`both` is short for statements+demographics, and has them already"))
    if names and blocks.demographics is not None:
        raise IndievalueError(_said(text, "it shows all demographics; leave out their names, or the block"))
    return replace(blocks, demographics=tuple(sorted(names))) if names else blocks


def _with(blocks: Blocks, word: str) -> Blocks:
    if word == "both":
        return replace(blocks, statements=True, demographics=())
    if word == "demographics":
        return replace(blocks, demographics=())
    return replace(
        blocks,
        statements=blocks.statements or word == "statements",
        region=blocks.region or word == "region",
        year=blocks.year or word == "year",
        country_facts=blocks.country_facts or word == "country-facts",
    )


def _complaint(text: str, word: str, seen: set[str]) -> str:
    if word in seen:
        return _said(text, f"it has the block {word!r} twice")
    if word == "none":
        return _said(text, "`none` shows nothing, and stands alone")
    if "+" not in text and ":" not in text:
        return _said(text, f"others join blocks by +: {', '.join(BLOCKS)}{did_you_mean(word, _WORDS)}")
    return _said(
        text,
        f"there is no block {word!r}, but {', '.join(BLOCKS)}; names of demographics follow "
        f"`{_NAMES}`{did_you_mean(word, _WORDS)}",
    )


def _said(text: str, reason: str) -> str:
    return f"context is one of {', '.join(CONTEXTS)}, and not {text!r}; {reason}"


def _context_name(text: str) -> str:
    try:
        return parse_context(text).name
    except IndievalueError as error:
        raise ValueError(str(error)) from None


ContextName = Annotated[str, AfterValidator(_context_name)]
"""A context that is read from a file."""
