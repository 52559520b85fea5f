"""People of one survey as people of another, by the questions that both have (:mod:`indievalue.survey.same_as`)."""

from dataclasses import replace

import numpy as np
import polars as pl
from numpy.typing import NDArray

from indievalue.people.people import People
from indievalue.seeded import keys
from indievalue.survey.model import Demographic, Question
from indievalue.survey.same_as import Match, is_same, options_at, shared_questions
from indievalue.survey.survey import Survey


def as_people_of(people: People, survey: Survey) -> People:
    """Return people with the answers that they would have given in ``survey``, to the questions that both surveys have.

    All others were not asked. An answer becomes the option at its position on the scale (see
    :func:`indievalue.survey.same_as.options_at`), drawn by the person's id where it spans several. Demographics of the
    same name keep those groups that ``survey`` has, too. People of the same survey stay as they are.
    """
    if is_same(people.survey, survey):
        return replace(people, survey=survey)
    codes = np.full((len(people), len(survey.questions)), survey.not_asked, np.int16, order="F")
    options, ids = people.options("refined"), people.ids.tolist()
    for position, match in shared_questions(survey, people.survey).items():
        question, there = survey.questions[position], people.survey.questions[match.position]
        codes[:, position] = _codes(question, there, match, options[:, match.position], ids, survey.not_asked)
    demographics = [_labels(people, demographic) for demographic in survey.demographics]
    return replace(people, survey=survey, codes=codes, demographics=pl.DataFrame(demographics))


def _codes(
    question: Question, there: Question, match: Match, chosen: NDArray[np.int8], ids: list[str], missing: int
) -> NDArray[np.int16]:
    """The codes (people,) of the options of ``question`` at the position of those ``chosen`` ``there``."""
    draws = keys(0, f"same_as {question.id}", ids)
    counts = len(there.refined), len(question.refined)
    at = options_at(np.maximum(chosen, 0), draws, *counts, turned=match.reversed)
    codes = np.array([option.codes[0] for option in question.refined], np.int16)
    return np.where(chosen < 0, np.int16(missing), codes[at]).astype(np.int16)


def _labels(people: People, demographic: Demographic) -> pl.Series:
    """Each person's group of a demographic, null where their survey has no such demographic or group."""
    name = demographic.name
    if name not in people.demographics.columns:
        return pl.Series(name, [None] * len(people), pl.String)
    given = people.demographics[name]
    known = [label for label in given.drop_nulls().unique().to_list() if _is_group(demographic, label)]
    return given.to_frame().select(pl.when(pl.col(name).is_in(known)).then(pl.col(name))).to_series()


def _is_group(demographic: Demographic, label: str) -> bool:
    return demographic.otherwise is not None or any(group.label == label for group in demographic.groups)
