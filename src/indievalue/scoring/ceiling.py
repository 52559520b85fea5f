"""How often anybody could be right: bands for the accuracy of the best possible predictor, per question.

People who are asked twice do not always say the same, so not even someone who knew a person's opinion would always be
right. How much of the answers to a question is opinion and how much noise cannot be told from people who were asked
once; it can be bounded:

- At least what a person's *other* answers explain is opinion, since noise explains nothing (Guttman 1945): a regression
  on the answers to all other questions, fitted on half of the people and measured on the other half. It is extrapolated
  to more people, and to more questions by how the share has grown from half of the questions to all of them.
- Published reliabilities of survey items say what is usual (:data:`USUAL`).

:mod:`indievalue.scoring.noise` turns the two ends into accuracies. Assumptions: noise of different questions is
independent (people who agree with everything, or tick at random, break this and raise the lower end); an opinion that
only one question touches counts as usual items do.

Groups may answer with more noise than others. A person's noise is how far their answers are from what their other
answers let expect, relative to what is usual for such answers. Some of it is opinion that is put together differently,
so a group's band spans both: its own noise, and everybody's.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar, Protocol, Self, TypeVar

import numpy as np
import polars as pl
from numpy.typing import NDArray
from pydantic import ConfigDict
from threadpoolctl import threadpool_limits

from indievalue.choices import FORMS, FormName
from indievalue.people.people import People
from indievalue.predictors.base_rates import base_rates
from indievalue.scoring.explained import FEWEST, Scores, explained
from indievalue.scoring.noise import reach
from indievalue.scoring.weighting import weighted_rows
from indievalue.seeded import keys
from indievalue.strict import NO_OTHER_KEYS, Count, Percentage

Floats = NDArray[np.float64]

USUAL = (0.3, 0.92)
"""Reliabilities between which nearly all published ones lie: of 293 items of the General Social Survey, 5% are below
0.40, 45% above 0.70 and 21%, mostly facts, above 0.85 (Hout & Hastings 2016)."""

MOST_PEOPLE = 10_000
"""Reliabilities are estimated from the answers of so many people: all who are tested, and as many others as fit."""

PRIOR = 20
"""Weight of everybody's answers, in people, when a group's shares are taken."""


@dataclass(frozen=True)
class Ceilings:
    """What bounds the accuracy of any predictor on these people.

    Attributes:
        questions: one row per question of the survey: ``question``; ``ordered``; ``explained``, the share of its
            answers' variance that other answers explain, and ``explained_limit``, extrapolated (null where too few
            people answered); ``reliability_low`` and ``reliability_high``, between which the share of opinion in the
            answers is taken to be; ``nearest``, the question whose answers go with it most, and the
            ``nearest_correlation`` of their scores; ``shares_polar`` and ``shares_refined``, how
            often each option is chosen by everybody; ``most_common_polar`` and ``most_common_refined``, the option that
            most of those who are not tested choose.
        people: one row per person tested: ``person``; ``answers``, how many of their answers were compared with what
            their other answers let expect; ``distance`` from it, and the ``usual_distance`` of such answers, both as
            sums of squares.
    """

    questions: pl.DataFrame
    people: pl.DataFrame

    def of(
        self, answers: pl.DataFrame, form: FormName, group: NDArray[np.int64] | None = None, groups: int = 1
    ) -> "list[Ceiling | None]":
        """Return the ceiling of each group of ``answers``.

        ``answers`` has one row per answer: ``person``, ``question``, ``answer`` (option in the ``form``), and with
        ``weight`` each row counts that much. ``group`` (answers,) numbers the rows' ``groups`` from 0, -1 for none; by
        default all rows are of one group. A group without answers has None.
        """
        group = np.zeros(len(answers), np.int64) if group is None else group
        if not (group >= 0).any():
            return [None] * groups
        return _Counted.of(self, answers, form, group, groups).ceilings()


@dataclass(frozen=True)
class Ceiling:
    """The accuracy of the best possible predictor of some answers, in percent.

    Attributes:
        most_common: accuracy of always predicting the most common answer. low, high: of the best possible predictor,
            between which it is taken to be. questions, answers: how many there are.
    """

    __pydantic_config__: ClassVar[ConfigDict] = NO_OTHER_KEYS

    most_common: Percentage
    low: Percentage
    high: Percentage
    questions: Count
    answers: Count

    def way(self, accuracy: float) -> tuple[float | None, float | None]:
        """Return the share of the way from ``most_common`` to the ceiling, in percent: for its high and its low end.

        It is None where the ceiling is no higher than the most common answer.

        >>> Ceiling(most_common=60, low=70, high=85, questions=1, answers=100).way(65)
        (20.0, 50.0)
        """
        ends = [end - self.most_common for end in (self.high, self.low)]
        first, second = (round(100 * (accuracy - self.most_common) / end, 6) if end > 0 else None for end in ends)
        return first, second


def estimate_ceilings(people: People, tested: Sequence[str], seed: int = 0) -> Ceilings:
    """Estimate what bounds the accuracy of any predictor from everybody's answers.

    ``tested`` are the ids of people whose noise is wanted; most common answers are those of the others, or of
    everybody if fewer than 100 are others. ``seed`` draws the halves of people and questions. It is computed once
    for the same ``people``, who may be tested in several forms.

    >>> from indievalue.synthetic.generate import synthetic_people
    >>> people = synthetic_people(300)
    >>> found = estimate_ceilings(people, people.ids[:20].tolist())
    >>> len(found.questions), len(found.people)
    (253, 20)
    """
    return people.remember(("ceilings", frozenset(tested), seed), lambda: _estimated(people, tested, seed))


def _estimated(people: People, tested: Sequence[str], seed: int) -> Ceilings:
    people = people.take(np.argsort(people.ids, kind="stable"))
    is_tested = np.isin(people.ids, np.array([*tested], dtype=np.str_))
    drawn = _drawn(people, is_tested, seed)
    some = people.take(drawn)
    scores = Scores.of(some)
    with threadpool_limits(1, "blas"):  # threads of BLAS would wait for each other: the matrices are small
        found = explained(scores, some, is_tested[drawn], seed)
    least = np.fmax(found.limit, USUAL[0])
    names = [question.id for question in people.survey.questions]
    others = people.take(~is_tested) if (~is_tested).sum() >= FEWEST else people
    correlations = found.correlations.copy()
    np.fill_diagonal(correlations, 0)
    nearest = np.abs(correlations).argmax(axis=1)
    strongest = correlations[np.arange(len(names)), nearest]
    questions = pl.DataFrame(
        {
            "question": names,
            "ordered": scores.ordered,
            "explained": found.share.round(6),
            "explained_limit": found.limit.round(6),
            "reliability_low": least.round(6),
            "reliability_high": np.maximum(USUAL[1], least).round(6),
            "nearest": [names[at] if value else None for at, value in zip(nearest.tolist(), strongest, strict=True)],
            "nearest_correlation": np.where(strongest == 0, np.nan, strongest).round(6),
            **{f"shares_{form}": base_rates(people.options(form), people.survey.form(form)).tolist() for form in FORMS},
            **{
                f"most_common_{form}": base_rates(others.options(form), people.survey.form(form)).argmax(axis=1)
                for form in FORMS
            },
        },
        schema_overrides={"nearest": pl.String},
    ).with_columns(pl.col(pl.Float64).fill_nan(None))
    noise = {"answers": found.answers, "distance": found.distance.round(6), "usual_distance": found.usual.round(6)}
    names_of = {"person": pl.Series(people.ids[is_tested].tolist(), dtype=pl.String)}
    return Ceilings(questions, pl.DataFrame({**names_of, **noise}))


def reached(ceiling: Ceiling | None, accuracy: float) -> dict[str, float | None]:
    """Return columns of a table that says how far an ``accuracy`` (0-100) is from the ceiling; null without one."""
    low, high = (None, None) if ceiling is None else ceiling.way(accuracy)
    return {
        "most_common": None if ceiling is None else ceiling.most_common,
        "ceiling_low": None if ceiling is None else ceiling.low,
        "ceiling_high": None if ceiling is None else ceiling.high,
        "way_low": low,
        "way_high": high,
    }


class _Scored(Protocol):
    """A predictor's score, with room for a ceiling."""

    def beside(self, ceiling: Ceiling) -> Self: ...


S = TypeVar("S", bound=_Scored)


def with_ceilings(scores: Mapping[str, S], found: Ceilings | None, rows: pl.DataFrame, form: FormName) -> dict[str, S]:
    """Return scores by predictor with the ceiling of the answers in their ``rows``; as they are if none was ``found``.

    ``rows`` are predictions, with the column ``weight`` if people are weighted.
    """
    made = dict(scores)
    if found is not None:
        for (predictor,), answers in rows.group_by("predictor", maintain_order=True):
            (ceiling,) = found.of(answers, form)
            if ceiling is not None:
                made[str(predictor)] = made[str(predictor)].beside(ceiling)
    return made


def _drawn(people: People, is_tested: NDArray[np.bool_], seed: int) -> NDArray[np.int64]:
    """Return the rows of everybody tested, and of others up to :data:`MOST_PEOPLE` in all."""
    order = np.where(is_tested, np.uint64(0), np.maximum(keys(seed, "ceiling-people", people.ids.tolist()), 1))
    most = max(MOST_PEOPLE, int(is_tested.sum()))
    return np.sort(np.argsort(order, kind="stable")[:most])


@dataclass(frozen=True)
class _Counted:
    """Answers counted by group.

    Attributes:
        counts: float64 (groups × questions × options), weighted. right: float64 (groups,), answers that are the most
            common one, weighted. rows: int64 (groups,), answers. noise: float64 (groups,), distances of the group's
            people from what their other answers let expect, relative to those of all people.
        everybody: float64 (questions × options), how often everybody chooses each option. reliability: float64
            (questions × 2), its low and high end. ordered: bool (questions,).
    """

    counts: Floats
    right: Floats
    rows: NDArray[np.int64]
    noise: Floats
    everybody: Floats
    reliability: Floats
    ordered: NDArray[np.bool_]

    @classmethod
    def of(
        cls, found: Ceilings, answers: pl.DataFrame, form: FormName, group: NDArray[np.int64], groups: int
    ) -> "_Counted":
        rows = answers if "weight" in answers.columns else weighted_rows(answers, None)
        table = rows.select("person", "question", "answer", "weight", group=pl.Series(group, dtype=pl.Int64))
        table = table.filter(pl.col("group") >= 0)
        asked = found.questions.filter(pl.col("question").is_in(table["question"].unique().implode()))
        place = {question: at for at, question in enumerate(asked["question"])}
        at = table["question"].replace_strict(place, return_dtype=pl.Int64).to_numpy()
        everybody = np.array(asked[f"shares_{form}"].to_list()).reshape(len(asked), -1)
        shape = groups, *everybody.shape
        chosen, of, each = (table[name].to_numpy() for name in ("answer", "group", "weight"))
        cell = np.ravel_multi_index((of, at, chosen.astype(np.int64)), shape)
        counts = np.bincount(cell, each, minlength=int(np.prod(shape))).reshape(shape).astype(np.float64)
        most_common = asked[f"most_common_{form}"].to_numpy()
        return cls(
            counts,
            np.bincount(of, each * (chosen == most_common[at]), minlength=groups).astype(np.float64),
            np.bincount(of, minlength=groups),
            _noise(found, table, groups),
            everybody,
            asked.select("reliability_low", "reliability_high").to_numpy(),
            asked["ordered"].to_numpy(),
        )

    def ceilings(self) -> list[Ceiling | None]:
        ends = self.accuracies()
        size = self.counts.sum(axis=2)  # groups × questions
        found: list[Ceiling | None] = []
        for at, rows in enumerate(self.rows.tolist()):
            total = float(size[at].sum())
            if not total:
                found.append(None)
                continue
            most_common, low, high = (100 * float(part) / total for part in (self.right[at], *(size[at] @ ends[at])))
            low, high = (max(round(end, 6), most_common) for end in (low, high))
            found.append(Ceiling(most_common, low, high, int((size[at] > 0).sum()), rows))
        return found

    def accuracies(self) -> Floats:
        """Return the low and high end of the best accuracy (groups × questions × 2), 0 without answers."""
        size = self.counts.sum(axis=2, keepdims=True)
        group, question = np.nonzero(size[..., 0])
        shares = (self.counts + PRIOR * self.everybody)[group, question]
        shares /= shares.sum(axis=1, keepdims=True)
        known = self.reliability[question]
        own = np.clip(1 - self.noise[group, None] * (1 - known), 0, 1)  # if the group's noise differs
        ends = np.zeros((*size.shape[:2], 2))
        for end, reliability in enumerate((np.minimum(own[:, 0], known[:, 0]), np.maximum(own[:, 1], known[:, 1]))):
            ends[group, question, end] = reach(shares, reliability, self.ordered[question]).accuracy
        return ends


def _noise(found: Ceilings, answers: pl.DataFrame, groups: int) -> Floats:
    """Return the noise of each group's people, relative to that of everybody tested (groups,).

    ``answers`` has columns ``group``, ``person`` and ``weight``.
    """
    once = answers.unique(["group", "person"]).sort("group", "person")
    people = once.join(found.people, on="person", how="left", maintain_order="left").fill_null(0)
    group, weight = people["group"].to_numpy(), people["weight"].to_numpy()
    far, usual = (
        np.bincount(group, people[name].to_numpy() * weight, minlength=groups)
        for name in ("distance", "usual_distance")
    )
    of_all = found.people.select("distance", "usual_distance").to_numpy().sum(axis=0)
    relative = np.divide(far * of_all[1], usual * of_all[0], out=np.ones(groups), where=(usual > 0) & (far > 0))
    return np.asarray(relative)
