"""Labels of answers as they are compared and as they are said, and the scales that they make."""

import re
from collections.abc import Mapping
from dataclasses import dataclass

from indievalue.survey.draft import words
from indievalue.survey.draft.metadata import Column

_NUMBERED = re.compile(r"^\s*-?\d+\s*([.):=]\s*|\s-\s+)(?=\D)")

_ACRONYMS = frozenset(
    ("EU", "UN", "US", "USA", "UK", "TV", "NATO", "UE", "ONU", "OTAN", "EEUU", "OK", "NGO", "ONG", "HIV")
)


@dataclass(frozen=True)
class Answer:
    """One answer of a scale: its codes, its label, and its side: -1, 0 or 1."""

    codes: tuple[int, ...]
    label: str
    side: int = 0
    strength: float = 0.0


@dataclass(frozen=True)
class Scale:
    """The answers of a question, in the order of the scale.

    Attributes:
        kind: such as ``agreement``; ``ends`` where only the ends are labelled; ``other`` where none is recognised.
        left_out: codes that are no answer → why.
        ordered: whether the answers are steps in the order of their codes.
        doubts: what should be checked, with the reason.
        missing: codes of ``left_out`` that stand for a missing answer.
    """

    kind: str
    answers: tuple[Answer, ...]
    left_out: Mapping[int, str]
    ordered: bool = True
    doubts: tuple[str, ...] = ()
    missing: frozenset[int] = frozenset()

    def side(self, side: int) -> tuple[Answer, ...]:
        """Answers on one side."""
        return tuple(answer for answer in self.answers if answer.side == side)


def plain(label: str) -> str:
    """A label as it is compared: lower case, plain apostrophes, without the number some programs put in front."""
    text = label.replace("’", "'").replace("´", "'").replace("‘", "'")
    text = _NUMBERED.sub("", text, count=1) or text
    return " ".join(text.casefold().split())


def shown(label: str) -> str:
    """A label as it stands in a statement."""
    text = _NUMBERED.sub("", label.strip(), count=1) or label.strip()
    text = without_capitals(text)
    text = re.sub(r"^(?:statement|frase|phrase) [1-9ab]\s*[:.–-]\s+", "", text, flags=re.IGNORECASE)
    text = re.sub(r"\b([A-Z])\.([A-Z])\.", r"\1\2", text)
    text = re.sub(r"([.!?])(?= +[A-ZÀ-Ý])", ";", text)
    text = re.sub(r"\s*\((vol\w*\.?|if volunteered|ne pas lire|no leer)\)", "", text, flags=re.IGNORECASE)
    return " ".join(text.split()).rstrip(".:;,").replace("{", "(").replace("}", ")").replace('"', "'")


def missing_codes(column: Column) -> dict[int, str]:
    """Codes of a column that are no answer → why: declared, labelled so, or without a label among labelled ones."""
    found = dict(column.missing)
    for code, label in column.answers.items():
        if words.MISSING.search(plain(label)):
            found[code] = shown(label).lower()
    return found


def without_capitals(text: str) -> str:
    """A text that is in capitals all over in small letters, but for its first and for acronyms."""
    letters = [letter for letter in text if letter.isalpha()]
    if len(letters) < 5 or sum(letter.isupper() for letter in letters) < 0.9 * len(letters):
        return text
    small = re.sub(r"\w+", lambda word: word[0] if word[0] in _ACRONYMS else word[0].lower(), text)
    return re.sub(r"[^\W\d_]", lambda first: first[0].upper(), small, count=1)
