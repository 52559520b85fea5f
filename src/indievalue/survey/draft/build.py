"""Puts a draft together: questions with their statements, demographics, categories, missing codes and sampling."""

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import groupby

from indievalue.errors import IndievalueError
from indievalue.survey.codes import LARGEST_CODE
from indievalue.survey.draft.demographics import DraftDemographic, demographics_of
from indievalue.survey.draft.metadata import FileMetadata, Language, language_of
from indievalue.survey.draft.roles import Guess, guess_roles
from indievalue.survey.draft.scales import Scale
from indievalue.survey.draft.statements import Wording, word
from indievalue.survey.draft.topics import is_question, topics_of
from indievalue.survey.rules import MOST_OPTIONS, statement_problems

_TITLES = {
    "en": ("Questions with their own answers", "Other questions"),
    "es": ("Preguntas con respuestas propias", "Otras preguntas"),
    "fr": ("Questions à réponses propres", "Autres questions"),
}

SMALLEST_BATTERY = 4
"""Questions of a battery that is a category of its own."""

MOST_CATEGORIES = 13


@dataclass(frozen=True)
class DraftQuestion:
    """One attitude item, with what should be checked in it."""

    id: str
    topic: str
    scale: Scale
    wording: Wording
    category: str = ""
    checks: tuple[str, ...] = ()


@dataclass(frozen=True)
class Draft:
    """A specification that is to be checked by hand.

    Attributes:
        missing: codes that are an answer of no column → what they mean. empty: the code that empty cells are given.
        left_out: columns that are no part of it → why. checks: what to check in survey.yaml, by key.
    """

    name: str
    source: str
    language: Language
    questions: tuple[DraftQuestion, ...]
    demographics: tuple[DraftDemographic, ...]
    person: str | None
    weight: str | None
    country: str | None
    missing: Mapping[int, str]
    empty: int
    tags: Mapping[str, str]
    left_out: Mapping[str, str]
    setups: int = 3
    per_category: int = 3
    checks: Mapping[str, str] = field(default_factory=dict)

    @property
    def categories(self) -> list[str]:
        """Categories in the order of their first question."""
        return list(dict.fromkeys(question.category for question in self.questions))


def build_draft(file: FileMetadata, name: str, language: Language | None = None) -> Draft:
    """Draft a specification of the file's survey.

    Raises IndievalueError where no column is recognised as an attitude item.
    """
    language = language or language_of(file.columns)
    guesses = guess_roles(file.columns, file.rows)
    left_out = {guess.column.name: guess.reason for guess in guesses if guess.role == "left out"}
    questions: list[DraftQuestion] = []
    for run in _runs([guess for guess in guesses if guess.role == "attitude"]):
        made, unworded = _worded(run, language)
        questions += made
        left_out |= unworded
    if not questions:
        labelled = sum(bool(column.answers) for column in file.columns)
        raise IndievalueError(
            f"{file.source}: none of its {len(file.columns)} columns is recognised as an attitude item "
            f"({labelled} have labelled answers); give its wordings and answers with --codebook FILE, a CSV with the "
            "columns name, label, answers (1 = Agree; 2 = Disagree)"
        )
    demographics, unused = demographics_of(guesses, language)
    left_out |= unused
    weight, weight_check = _weight(guesses)
    person = next((guess.column.name for guess in guesses if guess.role == "id"), None)
    country = next((one.name for one in demographics if one.name == "country"), None)
    missing, empty = _missing(questions, demographics)
    checks = {"weight": weight_check} if weight_check else {}
    if person is None:
        checks["person"] = "no column of ids was found: people are numbered by their rows"
    return Draft(
        name=name,
        source=file.source,
        language=language,
        questions=tuple(_categorised(questions, language)),
        demographics=tuple(demographics),
        person=person,
        weight=weight,
        country=country,
        missing=missing,
        empty=empty,
        tags=file.tags,
        left_out=left_out,
        checks=checks,
    )


def _runs(guesses: Sequence[Guess]) -> list[list[Guess]]:
    """Attitude items next to each other with one scale."""

    def key(guess: Guess) -> object:
        assert guess.scale is not None
        return guess.scale.kind, guess.scale.answers

    return [list(run) for _, run in groupby(guesses, key)]


def _worded(run: Sequence[Guess], language: Language) -> tuple[list[DraftQuestion], dict[str, str]]:
    """The questions of a run with their statements, and the columns for which none was found → why."""
    made, unworded = [], {}
    topics = topics_of([(guess.column.name, guess.column.label) for guess in run])
    for guess, about in zip(run, topics, strict=True):
        assert guess.scale is not None
        column, scale = guess.column, guess.scale
        checks = list(scale.doubts)
        topic = about.text
        if about.cut:
            checks.append("does it tell what was asked? the wording was shortened")
        if not column.label:
            checks.append("the file has no wording of this question")
        elif len(column.label) in (40, 79, 80, 120, 255, 256):
            checks.append("the wording may be cut off in the file")
        if re.search(r"\bstrength\b|follow-?up", column.label, re.IGNORECASE):
            checks.append("it follows another question, on whose answer it depends")
        codes = [code for answer in scale.answers for code in answer.codes]
        if max(map(abs, codes)) > LARGEST_CODE or len(scale.answers) > MOST_OPTIONS:
            unworded[column.name] = "no scale of 2 to 12 labelled answers"
            continue
        wording = next(
            (one for softer in (False, True) if _sound(one := word(scale, topic, language, softer=softer), topic)), None
        )
        if wording is None:
            unworded[column.name] = "no sound statement was found"
            continue
        if about.stem:
            wording = replace(wording, asks=f"{about.stem}: {{topic}}?")
        made.append(DraftQuestion(column.name, topic, scale, wording, checks=tuple(checks)))
    return made, unworded


def _sound(wording: Wording, topic: str) -> bool:
    for options in (wording.polar, wording.refined or wording.polar):
        said = [statement.replace("{topic}", topic) for _, statement in options]
        said = [text[:1].upper() + text[1:] for text in said]
        if len(said) < 2 or len(set(said)) < len(said) or any(list(statement_problems(text)) for text in said):
            return False
    return True


def asked(asks: str, topic: str) -> str:
    """What a question asks: the topic itself where it is a question."""
    return (topic if is_question(topic) else f"{topic}?") if asks == "{topic}" else asks


def _weight(guesses: Sequence[Guess]) -> tuple[str | None, str]:
    """The weight column and what to check of it."""
    weights = [guess.column for guess in guesses if guess.role == "weight" and guess.column.distinct > 1]
    if not weights:
        return None, ""

    def rank(name: str) -> int:
        preferred = ("anweight", "pspwght", "withinwt_hh", "final", "weight", "wtss")
        return next((place for place, start in enumerate(preferred) if start in name.casefold()), len(preferred))

    best = min(weights, key=lambda column: rank(column.name))
    others = [column.name for column in weights if column is not best]
    return best.name, f"the file also has {', '.join(others)}" if others else ""


def _missing(
    questions: Sequence[DraftQuestion], demographics: Sequence[DraftDemographic]
) -> tuple[dict[int, str], int]:
    """Codes that are missing wherever they occur → what they mean, and a code for empty cells that none has."""
    options = {code for question in questions for answer in question.scale.answers for code in answer.codes}
    options |= {code for demographic in demographics for code in demographic.codes}
    reasons: dict[int, Counter[str]] = {}
    for left_out in (
        *(question.scale.left_out for question in questions),
        *(demographic.left_out for demographic in demographics),
    ):
        for code, reason in left_out.items():
            reasons.setdefault(code, Counter())[reason] += 1
    missing = {
        code: said.most_common(1)[0][0]
        for code, said in sorted(reasons.items())
        if code not in options and abs(code) <= LARGEST_CODE
    }
    empty = next(code for code in (-9999, -9998, -9997, -9996) if code not in options and code not in missing)
    return missing, empty


def _categorised(questions: Sequence[DraftQuestion], language: Language) -> list[DraftQuestion]:
    """Give each battery a category of its own, and what is between them one for all."""
    own, other = _TITLES[language]
    runs = [list(run) for _, run in groupby(questions, lambda one: (one.scale.kind, one.scale.answers))]
    large = sorted((run for run in runs if len(run) >= SMALLEST_BATTERY), key=len, reverse=True)[: MOST_CATEGORIES - 1]
    names = {id(run): _category(run) for run in large}
    named = [replace(one, category=names.get(id(run), other)) for run in runs for one in run]
    if len({one.category for one in named}) == 1 and named[0].category == other:
        return [replace(one, category=own) for one in named]
    return named


def _category(run: Sequence[DraftQuestion]) -> str:
    kind = run[0].scale.kind.replace("_", " ")
    return f"{kind.capitalize()}: {run[0].id} to {run[-1].id}"
