"""The items of a survey that a twin is fitted on, and everybody's codes in them."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl
from numpy.typing import NDArray

from indievalue.choices import FORMS
from indievalue.errors import IndievalueError
from indievalue.people.decode import coded, present_columns
from indievalue.survey.codes import TAGS
from indievalue.survey.gazetteer import look_up
from indievalue.survey.model import Demographic, Question
from indievalue.survey.reasons import does_not_apply, is_no_answer, was_not_put
from indievalue.survey.survey import Survey
from indievalue.synthetic.model import FEWEST

_TAGS = frozenset(TAGS.values())


@dataclass(frozen=True)
class Item:
    """A question or a demographic.

    Attributes:
        name: id of the question, or the demographic's first column. column: the data column.
        codes: of its answers, along the latent scale. nominal: whether that order has still to be found.
        blank: the code of an empty cell. missing: all codes that are no answer.
        unasked: those of them that mean that the person was not asked.
    """

    name: str
    column: str
    codes: tuple[int, ...]
    nominal: bool
    is_question: bool
    blank: int
    missing: frozenset[int]
    unasked: frozenset[int]


@dataclass(frozen=True)
class Answers:
    """People's codes: ``raw`` (people × items), and the place of everybody's country among ``countries``.

    ``cells`` are the data as the file has them, ``table`` the columns that were read as codes, ``listed`` the missing
    codes of the survey.
    """

    items: tuple[Item, ...]
    raw: NDArray[np.int32]
    country: NDArray[np.int64]
    countries: NDArray[np.int64]
    table: pl.DataFrame
    cells: pl.DataFrame
    listed: tuple[int, ...]


def residence_column(survey: Survey) -> str:
    """The data column of the country of residence; empty where the survey has none."""
    return survey.demographic(survey.country).columns[0] if survey.country else ""


def read_answers(table: pl.DataFrame, survey: Survey, source: str, person_columns: Sequence[str] = ()) -> Answers:
    """Everybody's codes in all items that the table has, in countries of enough people.

    Codes that the specification does not explain are as empty cells. Raises IndievalueError where the table has no
    column of the country, or no country of ``FEWEST`` people.
    """
    column = residence_column(survey)
    if column and column not in table.columns:
        raise IndievalueError(f"a twin is fitted by country, and {source} has no column {column}")
    answers, codes, cells = coded(table, survey, source, person_columns)
    residence = _residence(codes, survey, column)
    found, people = np.unique(residence, return_counts=True)
    countries = found[(people >= FEWEST) & (found > 0)]
    if not len(countries):
        raise IndievalueError(f"{source} has no country of at least {FEWEST} people to fit a twin on")
    kept = np.isin(residence, countries)
    answers, codes, cells = answers[kept], codes.filter(pl.Series(kept)), cells.filter(pl.Series(kept))
    country = np.searchsorted(countries, residence[kept])
    tags = _unexplained_tag(answers, survey)
    items: list[tuple[Item, pl.Series]] = []
    for position, question in enumerate(survey.questions):
        if present := present_columns(question, cells, survey):
            one = pl.Series(question.id, answers[:, position]).cast(pl.Int64)
            items.append(_question(question, present[0], one, survey, tags))
    for demographic in survey.demographics:
        taken = {column, *(item.column for item, _ in items)}
        if demographic.columns[0] not in taken and set(demographic.columns) & set(codes.columns):
            items.append(_demographic(demographic, codes, country, survey))
    raw = np.empty((len(codes), len(items)), np.int32, order="F")
    for number, (item, values) in enumerate(items):
        strange = ~values.is_in([*item.codes, *item.missing])
        raw[:, number] = values.set(strange.fill_null(True), item.blank).to_numpy()
    return Answers(tuple(item for item, _ in items), raw, country, countries, codes, cells, tuple(survey.missing))


def _residence(codes: pl.DataFrame, survey: Survey, column: str) -> NDArray[np.int64]:
    """Everybody's country; 0 where it is missing, and 1 for all where the survey has no country."""
    if not column:
        return np.ones(len(codes), np.int64)
    demographic = survey.demographic(survey.country or "")
    missing = [*survey.missing, *(demographic.missing or {}), *(demographic.left_out or {})]
    values = codes[column]
    return np.asarray(values.set(values.is_in(missing).fill_null(True), 0).to_numpy())


def _unexplained_tag(answers: NDArray[np.int16], survey: Survey) -> frozenset[int]:
    """Of Stata's tags without a stated reason the most frequent one, which then stands for what was not asked."""
    counts = {tag: int((answers == tag).sum()) for tag in _TAGS - survey.missing.keys()}
    most = max(counts, key=lambda tag: counts[tag], default=0)
    return frozenset([most]) if counts.get(most) else frozenset()


def _question(
    question: Question, column: str, values: pl.Series, survey: Survey, tags: frozenset[int]
) -> tuple[Item, pl.Series]:
    left_out = question.left_out or {}
    no_answer = {code: reason for code, reason in left_out.items() if is_no_answer(reason)}
    codes = _question_codes(question, left_out.keys() - no_answer.keys())
    values = _merged(values, [option.codes for option in question.refined])
    values = _without_rare_ends(values, codes) if question.ordered else values
    reasons = {**survey.missing, **no_answer, **(question.missing or {})}
    blank = survey.blank if question.blank is None else question.blank
    unasked = {code for code, reason in reasons.items() if was_not_put(reason)} | {survey.not_asked, blank} | tags
    missing = (reasons.keys() | _TAGS) - set(codes)
    item = Item(
        name=question.id,
        column=column,
        codes=codes,
        nominal=not question.ordered,
        is_question=True,
        blank=blank,
        missing=frozenset(missing),
        unasked=frozenset(unasked & missing),
    )
    return item, values


def _question_codes(question: Question, others: Iterable[int]) -> tuple[int, ...]:
    place = {code: number for number, option in enumerate(question.refined) for code in option.codes}
    known = {code for form in FORMS for option in question.options(form) for code in option.codes}
    return tuple(sorted(known | set(others), key=lambda code: (place.get(code, len(place)), code)))


def _merged(values: pl.Series, groups: Sequence[Sequence[int]]) -> pl.Series:
    """``values`` where a code of fewer than ``FEWEST`` people becomes the most frequent one of its group."""
    people = Counter(values.to_list())
    new: dict[int, int] = {}
    for group in groups:
        rare = [code for code in group if 0 < people[code] < FEWEST]
        if len(group) > 1 and rare:
            new |= dict.fromkeys(rare, max(group, key=lambda code: people[code]))
    return values.replace(new) if new else values


def _without_rare_ends(values: pl.Series, codes: Sequence[int]) -> pl.Series:
    """``values`` of a scale where a code of fewer than ``FEWEST`` people becomes the nearest that more have."""
    people = Counter(values.to_list())
    common = [place for place, code in enumerate(codes) if people[code] >= FEWEST]
    if not common:
        return values
    new = {
        code: codes[min(common, key=lambda other: (abs(other - place), other))]
        for place, code in enumerate(codes)
        if 0 < people[code] < FEWEST
    }
    return values.replace(new) if new else values


def _demographic(
    demographic: Demographic, table: pl.DataFrame, country: NDArray[np.int64], survey: Survey
) -> tuple[Item, pl.Series]:
    first = demographic.columns[0]
    values = _demographic_codes(table, demographic)
    groups = [group.codes.get(first, ()) for group in demographic.groups]
    values = _with_whole_groups(values, groups, country)
    people = Counter(values.to_list())
    known = {code for group in groups for code in group}
    left_out = {code: reason for code, reason in (demographic.left_out or {}).items() if is_no_answer(reason)}
    reasons = {**survey.missing, **left_out, **(demographic.missing or {})}
    if demographic.otherwise is not None:
        known |= {code for code in people if code and code not in reasons and look_up(code, demographic.otherwise)}
    # What does not apply is an answer of its own: who has no partner has no partner's job.
    answers = known | {code for code, reason in reasons.items() if does_not_apply(reason)}
    met = tuple(sorted(code for code in answers if people[code] >= FEWEST))
    if demographic.abroad is not None and demographic.abroad[0] in table.columns:
        # Whether it was answered is an item like others; which country it is, is drawn from a list of its own.
        values, met = values.set(values.is_in(list(known)).fill_null(False), 0), (0,)
    missing = (reasons.keys() | _TAGS) - known
    item = Item(first, first, met, True, False, survey.blank, frozenset(missing), frozenset())
    return item, values


def _demographic_codes(table: pl.DataFrame, demographic: Demographic) -> pl.Series:
    """Codes in the demographic's first column; where it is missing, the code there of the group that another tells."""
    first = demographic.columns[0]
    codes = table[first] if first in table.columns else pl.Series(first, [None] * len(table), pl.Int64)
    known = {code for group in demographic.groups for code in group.codes.get(first, ())}
    for column in demographic.columns[1:]:
        if column in table.columns and column != first:
            same = {
                code: group.codes[first][0]
                for group in demographic.groups
                for code in group.codes.get(column, ())
                if group.codes.get(first)
            }
            told = table[column].replace_strict(same, default=None, return_dtype=pl.Int64)
            fill = (codes.is_null() | ~codes.is_in(list(known))) & told.is_not_null()
            codes = pl.select(pl.when(fill).then(told).otherwise(codes)).to_series()
    return codes


def _with_whole_groups(values: pl.Series, groups: Sequence[Sequence[int]], country: NDArray[np.int64]) -> pl.Series:
    """``values`` where the codes of a group are one, if too few people of some country have one of them."""
    counts = pl.DataFrame({"code": values, "at": country}).group_by("code", "at").len()
    most = dict(counts.group_by("code").agg(pl.col("len").sum()).iter_rows())
    rare = set(counts.filter(pl.col("len") < FEWEST)["code"].to_list())
    new: dict[int, int] = {}
    for group in groups:
        if len(group) > 1 and rare & set(group):
            new |= dict.fromkeys(group, max(group, key=lambda code: most.get(code, 0)))
    return values.replace(new) if new else values
