"""Demographics of a draft: groups from the labels of a column, or of ages."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from indievalue.survey.codes import LARGEST_CODE, format_codes
from indievalue.survey.draft import words
from indievalue.survey.draft.labels import missing_codes, plain, shown
from indievalue.survey.draft.metadata import Column, Language
from indievalue.survey.draft.nouns import AGES, translated
from indievalue.survey.draft.roles import DEMOGRAPHICS, MOST_GROUPS, Guess, Kind
from indievalue.survey.gazetteer import numeric_code
from indievalue.survey.rules import statement_problems

_AGES = ((10, 29), (30, 44), (45, 59), (60, 120))

_YES_NO = ("born_here", "citizen")
"""Demographics whose groups may be called yes and no."""

_ANSWER = re.compile(r"(yes|no|s[íi]|oui|non)\b")

COUNTRY = Kind("country", "", "", "In which country do you live?", "I live in {group}.")


@dataclass(frozen=True)
class DraftGroup:
    """One group: its codes as they are written in a specification, its label and its statement."""

    codes: str
    label: str
    statement: str


@dataclass(frozen=True)
class DraftDemographic:
    """One demographic, with the codes of its groups, and what should be checked in it.

    ``missing`` are the codes of ``left_out`` that stand for a missing answer; ``texts_left_out`` are texts in cells.
    """

    id: str
    name: str
    asks: str
    groups: tuple[DraftGroup, ...]
    codes: frozenset[int]
    left_out: Mapping[int, str]
    missing: frozenset[int] = frozenset()
    template: str | None = None
    otherwise: str | None = None
    check: str = ""
    texts_left_out: Mapping[str, str] = field(default_factory=dict)


def demographics_of(guesses: Sequence[Guess], language: Language) -> tuple[list[DraftDemographic], dict[str, str]]:
    """One demographic of each kind, and the other columns of these kinds → why they are none."""
    made: list[DraftDemographic] = []
    unused: dict[str, str] = {}
    countries = [guess.column for guess in guesses if guess.role == "country"]
    for kind in (COUNTRY, *DEMOGRAPHICS):
        columns = countries if kind is COUNTRY else [guess.column for guess in guesses if guess.kind is kind]
        asks, statement = translated(kind.name, kind.asks, kind.statement, language)
        said = replace(kind, asks=asks, statement=statement)
        named = sorted(columns, key=lambda column: (not _by_name(column, kind), -column.filled))
        found: DraftDemographic | None = None
        for column in named:
            one = None if found else _demographic(column, said, language)
            if one is None:
                unused[column.name] = f"another column for {kind.name}" if found else _unusable(column)
            found = found or one
        if found is not None:
            made.append(found)
    return made, unused


def _by_name(column: Column, kind: Kind) -> bool:
    return bool(kind.column) and re.search(kind.column, column.name.casefold()) is not None


def _unusable(column: Column) -> str:
    return "text instead of codes" if column.holds == "text" else "no groups were found"


def _demographic(column: Column, kind: Kind, language: Language) -> DraftDemographic | None:
    if column.holds == "text":
        return _of_texts(column, kind, language)
    left_out = missing_codes(column)
    missing = frozenset(left_out)
    if column.holds not in ("codes", "numbers"):
        return None
    labels = {code: shown(label) for code, label in column.answers.items() if code not in left_out and shown(label)}
    if kind.name == "age" and (len(labels) < column.distinct / 2 or not labels) and column.highest >= 12:
        return _ages(column, kind, left_out, language)
    if kind.name == "country" and not labels and column.lowest > 0 and column.highest < 1000:
        return DraftDemographic(
            column.name, kind.name, kind.asks, (), frozenset(column.counts), left_out, missing, kind.statement,
            "country", "are the codes those of ISO 3166?",
        )  # fmt: skip
    if kind.name == "children" and len(labels) < column.distinct / 2:
        labels = {code: str(code) for code in column.counts if 0 <= code <= 20 and code not in left_out}
    unlabelled = {code: "no label in the file" for code in column.counts if code not in labels and code not in left_out}
    if len(labels) < 2 or len(labels) > MOST_GROUPS * (4 if kind.name == "country" else 1):
        return None
    if kind.name not in _YES_NO and all(_ANSWER.match(plain(label)) for label in labels.values()):
        return None
    by_statement: dict[str, dict[int, str]] = {}
    for code, label in labels.items():
        statement = kind.statement.replace(
            "{group}", label.lower() if kind.name == "sex" and language == "en" else label
        )
        by_statement.setdefault(statement, {})[code] = label
    groups = []
    for statement, held in by_statement.items():
        if list(statement_problems(statement, language)):
            unlabelled |= held
            continue
        groups.append(DraftGroup(codes_text(list(held)), next(iter(held.values())), statement))
    if len(groups) < 2:
        return None
    kept = frozenset(code for code in labels if code not in unlabelled)
    check = (
        ""
        if _by_name(column, kind) or kind.name == "country"
        else f"is this the person's own {kind.name.replace('_', ' ')}?"
    )
    return DraftDemographic(
        column.name, kind.name, kind.asks, tuple(groups), kept, {**left_out, **unlabelled}, missing, check=check
    )


def _ages(column: Column, kind: Kind, left_out: Mapping[int, str], language: Language) -> DraftDemographic:
    """Age in years, in four groups."""
    groups, kept = [], set()
    missing = {code: why for code, why in left_out.items() if code in column.counts or code in column.answers}
    for (first, last), label in zip(_AGES, AGES[language], strict=True):
        codes = [code for code in range(first, last + 1) if code not in missing]
        kept.update(codes)
        groups.append(
            DraftGroup(
                codes_text(codes),
                label,
                f"I am {label} years old." if language == "en" else kind.statement.replace("{group}", label),
            )
        )
    beyond = {code: "no age" for code in column.counts if code not in kept and code not in missing}
    check = "" if column.lowest >= 10 or missing else "are these ages in years?"
    return DraftDemographic(
        column.name,
        kind.name,
        kind.asks,
        tuple(groups),
        frozenset(kept),
        {**missing, **beyond},
        frozenset(missing),
        check=check,
    )


def _of_texts(column: Column, kind: Kind, language: Language) -> DraftDemographic | None:
    """A demographic whose cells are texts, such as EE for Estonia; None where they are too many."""
    missing = {text: label.lower() for text, label in column.texts.items() if words.MISSING.search(plain(label))}
    missing |= {text: text.lower() for text in column.held if words.MISSING.search(plain(text)) and len(text) > 2}
    digits = [text for text in missing if text.isdecimal()]
    numbers = {int(text): missing[text] for text in digits if text in column.held and int(text) <= LARGEST_CODE}
    missing = {text: why for text, why in missing.items() if text not in digits and text in column.held}
    held = [text for text in column.held if text not in missing and not (text.isdecimal() and int(text) in numbers)]
    countries = kind.name == "country" and all(numeric_code(text) is not None for text in held)
    if not 1 + (kind.name != "country") <= len(held) <= MOST_GROUPS * (4 if kind.name == "country" else 1):
        return None
    if any(not re.search(r"[^\W\d]", text) for text in held):
        return None
    groups: dict[str, DraftGroup] = {}
    unsaid: dict[str, str] = {}
    for text in held:
        if countries and text not in column.texts:
            continue  # the gazetteer knows its name
        label = shown(column.texts.get(text, text))
        said = label.lower() if kind.name == "sex" and language == "en" else label
        statement = kind.statement.replace("{group}", said)
        code = text.replace(",", "")
        if list(statement_problems(statement, language)) or label in groups or (code != text and label != text):
            unsaid[text] = "another group has its label" if label in groups else "its label is no part of a sentence"
        else:
            groups[label] = DraftGroup(code, label, statement)
    if not countries and len(groups) < 2:
        return None
    template, otherwise = (kind.statement, "country") if countries else (None, None)
    check = "" if countries or _by_name(column, kind) else f"is this the person's own {kind.name.replace('_', ' ')}?"
    return DraftDemographic(
        column.name,
        kind.name,
        kind.asks,
        tuple(groups.values()),
        frozenset(),
        numbers,
        frozenset(numbers),
        template,
        otherwise,
        check,
        {**missing, **unsaid},
    )


def codes_text(codes: Sequence[int]) -> str:
    """Codes as a specification has them; negative ones are listed."""
    negative = ", ".join(str(code) for code in sorted(codes) if code < 0)
    rest = format_codes(code for code in codes if code >= 0)
    return ", ".join(part for part in (negative, rest) if part)
