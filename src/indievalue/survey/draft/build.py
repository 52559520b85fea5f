"""Puts a draft together: questions with their statements, demographics, categories, missing codes and sampling."""

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from itertools import groupby

import numpy as np
import polars as pl
from numpy.typing import NDArray

from indievalue.errors import IndievalueError
from indievalue.survey.codes import LARGEST_CODE
from indievalue.survey.draft.demographics import DraftDemographic, demographics_of
from indievalue.survey.draft.identity import person_of, weight_of
from indievalue.survey.draft.labels import Scale
from indievalue.survey.draft.metadata import Column, FileMetadata, Language, language_of
from indievalue.survey.draft.model import Draft, DraftQuestion
from indievalue.survey.draft.roles import Guess, guess_roles
from indievalue.survey.draft.shorthand import is_shorthand, spelled_label
from indievalue.survey.draft.splits import with_blanks, with_halves_joined
from indievalue.survey.draft.statements import Wording, word
from indievalue.survey.draft.topics import FEWEST_WORDS, Topic, claim_of, is_question, judged_in, topics_of
from indievalue.survey.rules import MOST_OPTIONS, statement_problems

_TITLES = {
    "en": ("Questions with their own answers", "Other questions"),
    "es": ("Preguntas con respuestas propias", "Otras preguntas"),
    "fr": ("Questions à réponses propres", "Autres questions"),
}

SMALLEST_BATTERY = 4
"""Questions of a battery that is a category of its own."""

MOST_CATEGORIES = 13

_FOLLOWS = re.compile(
    r"\bstrength\b|\bstrng\b|follow-?up|\bhow \w+/\w+ly\b"
    r"|\bhow (much|strongly) .*\b(better|worse|favou?rs?|oppose|approve)\b|con qu[ée] fuerza|avec quelle force",
    re.IGNORECASE,
)
_TERSE = re.compile(
    r"(?!(?:I|my|ever|any|have|has|had)\b)(?![^\W\d_]+(?:ed|en|ing|t)\b)[^\s:]+(?: [^\s:]+){0,6}", re.IGNORECASE
)
_FOR_OR_AGAINST = ("approval", "favor", "agreement", "yes_no")
_CONTRARY = re.compile(r"^(reject|rejet|oppos|against|refus|rechaz\w+|contre|en contra|disapprov)", re.IGNORECASE)
_FILLED_IN = re.compile(
    r"\([^()]*\b[A-Z]{4,}\b[^()]*\)|\b(NAME|INTERVIEWER|IF (YES|NO|NOT)|ASK|CODE)\b|[%^~<>]|\(\w+( \w+){0,4}/\w+"
    r"|\bX\b|_{2,}"
)


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
    weight, weight_check = weight_of(guesses)
    person, person_check = person_of(guesses, file.cells)
    country = next((one.name for one in demographics if one.name == "country"), None)
    missing, not_asked, empty = _missing(questions, demographics)
    checks = {"weight": weight_check, "person": person_check}
    draft = Draft(
        name=name,
        source=file.source,
        language=language,
        questions=tuple(replace(one, answered=_answered(one, file.codes)) for one in questions),
        demographics=tuple(demographics),
        person=person,
        weight=weight,
        country=country,
        missing=missing,
        not_asked=not_asked,
        empty=empty,
        tags=file.tags,
        left_out=left_out,
        checks={key: check for key, check in checks.items() if check},
    )
    columns = {column.name: column for column in file.columns}
    draft = with_blanks(with_halves_joined(draft, columns), file.cells)
    return replace(draft, questions=tuple(_categorised(draft.questions, language)))


def _answered(question: DraftQuestion, codes: pl.DataFrame) -> NDArray[np.bool_]:
    options = [code for answer in question.scale.answers for code in answer.codes]
    return codes[question.id].is_in(options).fill_null(False).to_numpy()


def _runs(guesses: Sequence[Guess]) -> list[list[Guess]]:
    """Attitude items next to each other with one scale."""

    def key(guess: Guess) -> object:
        assert guess.scale is not None
        return guess.scale.kind, guess.scale.answers

    return [list(run) for _, run in groupby(guesses, key)]


def _worded(run: Sequence[Guess], language: Language) -> tuple[list[DraftQuestion], dict[str, str]]:
    """The questions of a run with their statements, and the columns for which none was found → why."""
    made, unworded = [], {}
    topics = topics_of([(guess.column.name, guess.column.label) for guess in run], language)
    for guess, about in zip(run, topics, strict=True):
        assert guess.scale is not None
        column, scale = guess.column, _spelled(guess.scale, language)
        if scale.kind == "agreement":
            about = claim_of(about)
        elif scale.kind in ("approval", "favor"):
            about = judged_in(about)
        codes = [code for answer in scale.answers for code in answer.codes]
        if max(map(abs, codes)) > LARGEST_CODE or len(scale.answers) > MOST_OPTIONS:
            unworded[column.name] = "no scale of 2 to 12 labelled answers"
            continue
        wording = _wording(scale, about, language)
        if wording is None:
            unworded[column.name] = "no sound statement was found"
            continue
        checks = (*scale.doubts, *_checks(column, scale, about, wording, language))
        made.append(DraftQuestion(column.name, about.text, scale, wording, checks=checks))
    return made, unworded


def _spelled(scale: Scale, language: Language) -> Scale:
    """The scale with labels free of shorthand."""
    answers = tuple(replace(one, label=spelled_label(one.label, language)) for one in scale.answers)
    return replace(scale, answers=answers)


def _checks(column: Column, scale: Scale, about: Topic, wording: Wording, language: Language) -> list[str]:
    """What is to be looked at in a question, besides its scale."""
    checks = []
    whole = about.stem and about.stem in wording.polar[0][1] and len(about.text.split()) < FEWEST_WORDS
    if about.cut and not whole:
        checks.append("does it tell what was asked? the wording was shortened")
    if not column.label:
        checks.append("the file has no wording of this question")
    elif len(column.label) in (40, 79, 80, 120, 255, 256):
        checks.append("the wording may be cut off in the file")
    if _FOLLOWS.search(column.label):
        checks.append("it follows another question, on whose answer it depends")
    if scale.kind in _FOR_OR_AGAINST and _CONTRARY.search(about.text):
        checks.append("does the answer refer to this, or to its contrary?")
    if _FILLED_IN.search(f"{about.stem} {about.text}"):
        checks.append("words are filled in for each person, or are instructions")
    terse = language == "en" and scale.kind == "yes_no" and not is_question(about.text) and not about.stem
    if terse and _TERSE.fullmatch(about.text):
        checks.append("yes or no to what? the file has few words for this question")
    if is_shorthand(about.text):
        checks.append("the file has shorthand for this question")
    return checks


def _wording(scale: Scale, about: Topic, language: Language) -> Wording | None:
    """The first sound wording, with the question of the battery and without; None where none is."""
    for stem in dict.fromkeys((about.stem, "")):
        for softer in (False, True):
            wording = word(scale, about.text, language, stem=stem, softer=softer)
            if _sound(wording, about.text, language):
                asks = f"{about.stem}: {{topic}}?" if about.stem else wording.asks
                return replace(wording, asks=asks)
    return None


def _sound(wording: Wording, topic: str, language: Language) -> bool:
    for options in (wording.polar, wording.refined or wording.polar):
        said = [statement.replace("{topic}", topic) for _, statement in options]
        said = [text[:1].upper() + text[1:] for text in said]
        if (
            len(said) < 2
            or len(set(said)) < len(said)
            or any(list(statement_problems(text, language)) for text in said)
        ):
            return False
    return True


def asked(asks: str, topic: str) -> str:
    """What a question asks: the topic itself where it is a question."""
    return (topic if is_question(topic) else f"{topic}?") if asks == "{topic}" else asks


def _missing(
    questions: Sequence[DraftQuestion], demographics: Sequence[DraftDemographic]
) -> tuple[dict[int, str], int, int]:
    """Codes that are missing wherever they occur → what they mean, and two codes for empty cells that none has."""
    options = {code for question in questions for answer in question.scale.answers for code in answer.codes}
    options |= {code for demographic in demographics for code in demographic.codes}
    reasons: dict[int, Counter[str]] = {}
    sources = [(question.scale.left_out, question.scale.missing) for question in questions]
    sources += [(demographic.left_out, demographic.missing) for demographic in demographics]
    for left_out, codes in sources:
        for code in codes:
            reasons.setdefault(code, Counter())[left_out[code]] += 1
    missing = {
        code: said.most_common(1)[0][0]
        for code, said in sorted(reasons.items())
        if code not in options and abs(code) <= LARGEST_CODE
    }
    free = [code for code in range(-9999, -9990) if code not in options and code not in missing]
    return missing, free[0], free[1]


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
