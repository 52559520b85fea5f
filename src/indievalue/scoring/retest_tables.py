"""Tables of how well a panel agrees with itself: by question, by group, and in one summary."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass

import numpy as np
import polars as pl
from numpy.typing import NDArray

from indievalue.choices import FORMS, FormName
from indievalue.errors import IndievalueError
from indievalue.people.panel import Panel
from indievalue.scoring.groups import MINIMUM, group_people
from indievalue.scoring.retest import Retest, chance_agreement, pairs_of, retest, share_interval

LOW_RELIABILITY = 0.7
"""Reliability below which an item is commonly called unreliable."""

_SHARES = ("agreement", "low", "high", "chance", "unchanged", "ceiling_low", "ceiling_high")
"""What is a share of a :class:`Retest`, and a percentage in the tables."""

_COUNTS = ("options", "people", "pairs", "triples")


@dataclass(frozen=True)
class PanelRetest:
    """How well a panel agrees with itself.

    Attributes:
        waves: what the waves are called. people: number of people who answered a question at least twice.
        minimum: people that a question or a group needs.
        questions: a row for each question and form: ``question``, ``category``, ``form``, ``options``, ``ordered``,
            and the fields of :class:`indievalue.scoring.retest.Retest` and its reliability. Agreement, chance and
            ceilings are in percent; kappas, correlations and reliabilities are coefficients up to 1.
        groups: ``demographic``, ``group``, ``form``, ``people``, ``pairs``, ``agreement``, ``low``, ``high`` (percent,
            over all questions) and ``kappa`` (agreement beyond what the group's own answers make by chance).
        few: questions that fewer than ``minimum`` people answered twice, and that are left out.
    """

    waves: tuple[str, ...]
    people: int
    minimum: int
    questions: pl.DataFrame
    groups: pl.DataFrame
    few: tuple[str, ...]

    @property
    def forms(self) -> list[FormName]:
        """Forms in which answers were compared."""
        held = set(self.questions["form"])
        return [form for form in FORMS if form in held]

    def summary(self) -> dict[str, object]:
        """Return the summary as plain values for JSON: medians over questions and mean ceilings, by form."""
        return {
            "waves": list(self.waves),
            "people": self.people,
            "minimum": self.minimum,
            "questions_left_out": list(self.few),
            **{form: self._of_form(form) for form in self.forms},
        }

    def _of_form(self, form: FormName) -> dict[str, float | int | None]:
        rows = self.questions.filter(form=form)
        reliabilities = rows["reliability"].drop_nulls()
        found: dict[str, float | int | None] = {"questions": len(rows), "pairs": int(rows["pairs"].sum())}
        for name in ("agreement", "chance", "kappa", "weighted_kappa", "correlation", "reliability", "stability"):
            middle = rows[name].median()
            found[f"median_{name}"] = None if middle is None else float(str(middle))
        found["questions_with_reliability"] = len(reliabilities)
        below = float((reliabilities < LOW_RELIABILITY).sum())
        found["reliability_below_070"] = 100 * below / len(reliabilities) if len(reliabilities) else None
        for name in ("agreement", "ceiling_low", "ceiling_high"):
            found[f"mean_{name}"] = float(rows[name].to_numpy().mean())
        return found


def retest_panel(
    panel: Panel, questions: Sequence[str] = (), by: Sequence[str] = (), minimum: int = MINIMUM
) -> PanelRetest:
    """Return how well people agree with themselves on ``questions`` (all if empty), and by demographics ``by``.

    Questions that fewer than ``minimum`` people answered twice are left out, and groups of fewer are pooled. Raises
    IndievalueError for a question or demographic the survey does not have, or if no question is left.
    """
    survey = panel.survey
    chosen = [survey.positions[survey.question(name).id] for name in questions] or range(len(survey.questions))
    for name in by:
        survey.demographic(name)
    forms: tuple[FormName, ...] = FORMS if panel.described else ("refined",)
    answers = {form: panel.options(form) for form in forms}
    twice = ((answers["refined"] >= 0).sum(axis=0) > 1).sum(axis=0)
    kept = [at for at in chosen if twice[at] >= minimum]
    if not kept:
        raise IndievalueError(
            f"no question was answered twice by {minimum} people or more; the most are "
            f"{int(twice[list(chosen)].max())}: lower --minimum, or check the ids and waves"
        )
    rows = [
        _row(panel, at, form, retest(answers[form][:, :, at], len(question.options(form)), ordered=question.ordered))
        for at in kept
        for question in (survey.questions[at],)
        for form in forms
    ]
    return PanelRetest(
        waves=panel.waves,
        people=int(((answers["refined"][:, :, kept] >= 0).sum(axis=0) > 1).any(axis=1).sum()),
        minimum=minimum,
        questions=_typed(pl.DataFrame(rows, infer_schema_length=None)),
        groups=_by_group({form: answers[form][:, :, kept] for form in forms}, panel.demographics, by, minimum),
        few=tuple(survey.questions[at].id for at in chosen if twice[at] < minimum),
    )


def _row(panel: Panel, at: int, form: FormName, found: Retest) -> dict[str, object]:
    question = panel.survey.questions[at]
    values = asdict(found)
    scale = values.pop("reliability")
    for name in _SHARES:
        values[name] = None if values[name] is None else 100 * values[name]
    ends = {name: values.pop(name) for name in ("unchanged", "ceiling_low", "ceiling_high")}
    return {
        "question": question.id,
        "category": question.category,
        "form": form,
        "options": len(question.options(form)),
        "ordered": question.ordered,
        **values,
        "triples": scale["triples"],
        "reliability": scale["heise"],
        "reliability_low": scale["low"],
        "reliability_high": scale["high"],
        "reliability_wiley": scale["wiley"],
        "stability": scale["stability"],
        **ends,
    }


def _typed(table: pl.DataFrame) -> pl.DataFrame:
    """Return the table of questions with numbers where a column holds nothing."""
    words = ("question", "category", "form", "ordered")
    numbers = [name for name in table.columns if name not in words]
    return table.with_columns(pl.col(name).cast(pl.Int64 if name in _COUNTS else pl.Float64) for name in numbers)


_GROUPS = {
    "demographic": pl.String(),
    "group": pl.String(),
    "form": pl.String(),
    "people": pl.Int64(),
    "pairs": pl.Int64(),
    "agreement": pl.Float64(),
    "low": pl.Float64(),
    "high": pl.Float64(),
    "kappa": pl.Float64(),
}


def _by_group(
    answers: dict[FormName, NDArray[np.int8]], people: pl.DataFrame, by: Sequence[str], minimum: int
) -> pl.DataFrame:
    rows: list[tuple[object, ...]] = []
    for name in by:
        for form, options in answers.items():
            twice = ((options >= 0).sum(axis=0) > 1).any(axis=1)
            groups = group_people(people.filter(twice), (name,), minimum)
            for at, label in enumerate(groups.labels):
                rows.append((name, label, form, *_of_group(options[:, np.flatnonzero(twice)[groups.group == at]])))
    return pl.DataFrame(rows, _GROUPS, orient="row")


def _of_group(options: NDArray[np.int8]) -> tuple[object, ...]:
    """Return people, pairs, agreement with its interval (0-100), and kappa over all questions."""
    people = options.shape[1]
    same, asked, chance = np.zeros(people), np.zeros(people), 0.0
    for at in range(options.shape[2]):
        pairs = pairs_of(options[:, :, at])
        if len(pairs):
            same += np.bincount(pairs.person, weights=pairs.same, minlength=people)
            asked += np.bincount(pairs.person, minlength=people)
            chance += len(pairs) * chance_agreement(pairs.table(int(options.max()) + 1))
    share, (low, high) = share_interval(same, asked)
    total = float(asked.sum())
    kappa = (share * total - chance) / (total - chance) if total > chance else None
    return int((asked > 0).sum()), int(total), 100 * share, 100 * low, 100 * high, kappa
