"""Statements in the first or the third person."""

import re
from collections.abc import Sequence
from functools import lru_cache

from indievalue.choices import Voice

_THIRD = {
    "i am": "they are",
    "am i": "are they",
    "i was": "they were",
    "was i": "were they",
    "am": "are",
    "i'm": "they're",
    "i've": "they've",
    "i'd": "they'd",
    "i'll": "they'll",
    "i": "they",
    "me": "them",
    "my": "their",
    "mine": "theirs",
    "myself": "themselves",
}
"""With a singular *they*, verbs other than *be* stay as they are, so that words can be replaced one by one."""

_FIRST_PERSON = re.compile(rf"\b(?:{'|'.join(sorted(map(re.escape, _THIRD), key=len, reverse=True))})\b", re.IGNORECASE)


@lru_cache(maxsize=8192)
def in_third_person(statement: str) -> str:
    """What is said of a person who says ``statement``: ``I trust my family.`` becomes ``They trust their family.``

    A *we* stays: in surveys it means everybody, as in *we rely too much on science*.
    """
    return _FIRST_PERSON.sub(_third, statement.replace("’", "'"))


def all_in_voice(statements: Sequence[str], voice: Voice) -> Sequence[str]:
    """Grammatical person of the statements: first or third."""
    return statements if voice == "first" else [in_third_person(statement) for statement in statements]


def _third(match: re.Match[str]) -> str:
    words = _THIRD[match[0].lower()]
    before = match.string[: match.start()].rstrip()
    return words[0].upper() + words[1:] if not before or before.endswith((".", "!", "?")) else words
