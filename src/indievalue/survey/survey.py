"""Surveys: a questionnaire, its answer codes, and the options they group into."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from indievalue.choices import FORMS, FormName
from indievalue.errors import IndievalueError, did_you_mean
from indievalue.survey import rules
from indievalue.survey.model import MISSING, Demographic, Form, Question, Sampling


@dataclass(frozen=True)
class Survey:
    """A questionnaire with its answer codes.

    Attributes:
        person: data columns that together identify a person.
        weight: data column of the survey weight, or several whose product it is, or one for each round of the survey;
            None where there is none.
        rounds: rounds of the survey whose columns have other names → columns that identify a file of the round.
        language: ISO 639 code of the language of the statements.
        recognised_by: data columns that identify a file of this survey.
        missing: missing codes (e.g. -1) → what they mean. not_asked: the one of a question that was not put.
        blank: the code that an empty cell stands for. inequity: demographics over whose groups a predictor is held to
            be even (see :mod:`indievalue.scoring.inequity`). folder: where its files are; None for a shipped survey.
        where: columns and their values that tell which rows of a file are its people; empty for all.
        region: demographic for the part of the country where a person lives. year: data column, or demographic, of the
            year of the interview. By default, demographics called ``region`` and ``year``, if there are any.
        repeated_ids: how many ids the published file gives to more than one row; of each the first row is kept.

    >>> from indievalue.survey.load import load_survey
    >>> survey = load_survey("wvs7")
    >>> survey.question("Q1").id
    'Q1'
    """

    name: str
    title: str
    licence: str
    person: tuple[str, ...]
    weight: str | tuple[str, ...] | Mapping[str, str] | None
    country: str | None
    recognised_by: tuple[str, ...]
    missing: Mapping[int, str]
    not_asked: int
    blank: int
    categories: tuple[str, ...]
    questions: tuple[Question, ...]
    demographics: tuple[Demographic, ...]
    sampling: Sampling
    inequity: tuple[str, ...] = ()
    folder: str | None = None
    repeated_ids: int = 0
    where: Mapping[str, tuple[str, ...]] | None = None
    language: str = "en"
    rounds: Mapping[str, tuple[str, ...]] | None = None
    region: str | None = None
    year: str | None = None

    def __repr__(self) -> str:
        return (
            f"Survey {self.name}: {self.title}\n"
            f"  {len(self.questions)} questions in {len(self.categories)} categories, "
            f"{len(self.demographics)} demographics"
        )

    @property
    def weight_columns(self) -> tuple[str, ...]:
        """Data columns whose product is the survey weight, or those of all rounds; empty where there is none."""
        if isinstance(self.weight, Mapping):
            return tuple(dict.fromkeys(self.weight.values()))
        return (self.weight,) if isinstance(self.weight, str) else self.weight or ()

    def weight_in(self, name: str | None) -> tuple[str, ...]:
        """Data columns whose product is the survey weight in files of the round ``name``."""
        if isinstance(self.weight, Mapping):
            column = self.weight.get(name or "")
            return () if column is None else (column,)
        return self.weight_columns

    @property
    def demographic_names(self) -> tuple[str, ...]:
        """Names of the demographics, in order."""
        return tuple(demographic.name for demographic in self.demographics)

    @property
    def year_column(self) -> str | None:
        """Data column with the year of the interview; None where there is none, or a demographic has it."""
        return None if self.year in self.demographic_names else self.year

    @cached_property
    def positions(self) -> dict[str, int]:
        """Map each question id to its column in every people × questions array."""
        return {question.id: position for position, question in enumerate(self.questions)}

    def question(self, id: str) -> Question:  # noqa: A002 - the survey's own word
        """Return the question called ``id``. Raises IndievalueError if the survey has no such question."""
        if id not in self.positions:
            raise IndievalueError(f"survey {self.name} has no question {id!r}{did_you_mean(id, self.positions)}")
        return self.questions[self.positions[id]]

    def demographic(self, name: str) -> Demographic:
        """Return the demographic with that name. Raises IndievalueError, listing the known ones, if there is none."""
        for demographic in self.demographics:
            if demographic.name == name:
                return demographic
        known = [demographic.name for demographic in self.demographics]
        close = did_you_mean(name, known)
        raise IndievalueError(
            f"survey {self.name} has no demographic {name!r}; it has {', '.join(known) or 'none'}{close}"
        )

    def form(self, name: FormName) -> Form:
        """Return the lookup table of a form. Raises IndievalueError for a name other than polar and refined."""
        if name not in FORMS:
            raise IndievalueError(f"there is no form {name!r}; choose polar or refined")
        return self._forms[name]

    @cached_property
    def _forms(self) -> dict[FormName, Form]:
        codes = [code for q in self.questions for form in FORMS for o in q.options(form) for code in o.codes]
        lowest, highest = min(codes), max(codes)
        forms: dict[FormName, Form] = {}
        for name in FORMS:
            table = np.full((len(self.questions), highest - lowest + 1), MISSING, np.int8)
            for position, question in enumerate(self.questions):
                for index, option in enumerate(question.options(name)):
                    table[position, np.array(option.codes) - lowest] = index
            counts = np.array([len(question.options(name)) for question in self.questions])
            forms[name] = Form(name, lowest, table, counts, np.concatenate([[0], np.cumsum(counts)]))
        return forms

    def validate(self) -> list[str]:
        """List everything that is wrong with the survey, one line each; empty if it is valid."""
        reserved = (self.not_asked, self.blank)
        found = rules.problems(
            self.missing, self.categories, self.questions, self.demographics, self.inequity, self.sampling, reserved
        )
        found += rules.column_problems(self.questions, self.rounds or ())
        found += rules.round_problems(self.demographics, self.weight, self.rounds or ())
        if self.region not in (None, *self.demographic_names):
            found.append(f"region names {self.region!r}, which is no demographic")
        return found + rules.wording_problems(self.questions, self.demographics, self.language)
