"""What a data file says of itself: names, labels, answers and how often each occurs."""

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

import polars as pl

Language = Literal["en", "es", "fr"]

Holds = Literal["codes", "nothing", "text", "fractions", "numbers"]
"""What the cells of a column are: whole answer codes, none at all, text, fractions, or too many numbers for codes."""


@dataclass(frozen=True)
class Column:
    """One column of a data file.

    Attributes:
        name: as in the header. label: its wording, "" where the file has none.
        answers: labelled codes in the order of the codes. missing: codes that the file or a codebook declares missing.
        texts: labels of cells that are texts, such as EE for Estonia. held: texts in its cells → people, where it holds
            only a few.
        counts: code → people, in the order of the codes; empty where the column does not hold codes.
        holds: what its cells are. distinct: number of distinct cells. filled: people with a cell that is not empty.
        lowest, highest: the range of its numbers.
    """

    name: str
    label: str = ""
    answers: Mapping[int, str] = field(default_factory=dict)
    missing: Mapping[int, str] = field(default_factory=dict)
    texts: Mapping[str, str] = field(default_factory=dict)
    held: Mapping[str, int] = field(default_factory=dict)
    counts: Mapping[int, int] = field(default_factory=dict)
    holds: Holds = "nothing"
    distinct: int = 0
    filled: int = 0
    lowest: float = 0.0
    highest: float = 0.0


@dataclass(frozen=True)
class FileMetadata:
    """The columns of a file, and the number of its rows.

    Attributes:
        tags: Stata's tags of missing values (``.a``) → what they mean. codes: the cells of columns that hold codes.
        cells: all cells as the file has them.
    """

    source: str
    rows: int
    columns: tuple[Column, ...]
    tags: Mapping[str, str] = field(default_factory=dict)
    codes: pl.DataFrame = field(default_factory=pl.DataFrame)
    cells: pl.DataFrame = field(default_factory=pl.DataFrame)


_USUAL: dict[Language, frozenset[str]] = {
    "en": frozenset(
        ["the", "of", "to", "in", "and", "is", "not", "for", "how", "do", "you", "your", "have", "with", "are", "at"]
    ),
    "es": frozenset(
        [
            "el",
            "la",
            "de",
            "los",
            "las",
            "en",
            "y",
            "que",
            "no",
            "del",
            "con",
            "por",
            "para",
            "su",
            "muy",
            "usted",
            "se",
            "una",
            "un",
        ]
    ),
    "fr": frozenset(
        [
            "le",
            "la",
            "de",
            "les",
            "des",
            "et",
            "en",
            "du",
            "que",
            "pas",
            "une",
            "un",
            "est",
            "pour",
            "vous",
            "dans",
            "votre",
            "avec",
            "très",
            "au",
        ]
    ),
}


def language_of(columns: Sequence[Column]) -> Language:
    """The language that most words of the labels are of; English where there are none."""
    words = Counter(
        word
        for column in columns
        for text in (column.label, *column.answers.values())
        for word in re.findall(r"[^\W\d_]+", text.casefold())
    )
    scores = {language: sum(words[word] for word in usual) for language, usual in _USUAL.items()}
    return max(scores, key=lambda language: scores[language])
