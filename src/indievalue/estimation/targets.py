"""What is to be estimated: a mean, a share, a difference between groups or a regression."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Literal, get_args

import numpy as np
from numpy.typing import NDArray

from indievalue.choices import FormName
from indievalue.errors import IndievalueError
from indievalue.people.people import People
from indievalue.survey.codes import format_codes, parse_codes
from indievalue.survey.model import Question
from indievalue.survey.survey import Survey

Floats = NDArray[np.float64]

Kind = Literal["mean", "share", "difference", "ols"]
KINDS: tuple[Kind, ...] = get_args(Kind)

MINIMUM: Final = 30
"""Fewest answers, and predictions of others, for an interval; a group with fewer answers is left out."""

EVERYBODY = "everybody"
"""Name of the only row of a mean or a share without groups."""

INTERCEPT = "(intercept)"

FEWEST: Final = 10
"""Fewest answers of a group that is a term of a regression; people of smaller groups are left out."""

_FORMS = (
    "a target is mean:QUESTION, share:QUESTION=CODES, difference:QUESTION by DEMOGRAPHIC, or "
    "ols:QUESTION ~ TERM + TERM; means and shares may be by a DEMOGRAPHIC"
)

_TARGET = re.compile(
    r"(?P<kind>[a-z]+)\s*:\s*(?P<question>[^\s=~]+)(?:\s*=\s*(?P<codes>-?\d[-\d,\s]*?))?"
    r"(?:\s+by\s+(?P<by>\S.*)|\s*~\s*(?P<terms>\S.*))?"
)


@dataclass(frozen=True)
class Target:
    """A population figure to estimate.

    Attributes:
        text: as it was given. codes: of a share, in percent; empty for a mean of codes. by: demographic of the groups.
        terms: of a regression, demographics and questions.
    """

    text: str
    kind: Kind
    question: str
    codes: frozenset[int] = frozenset()
    by: str | None = None
    terms: tuple[str, ...] = ()

    @property
    def is_share(self) -> bool:
        """Whether the figure is in percent."""
        return bool(self.codes)

    def answers(self, people: People) -> Floats:
        """Return what each answer counts (people,), nan where there is none: its code, or 0 or 100 for a share."""
        at = people.survey.positions[self.question]
        codes = people.codes[:, at].astype(np.float64)
        counts = np.where(np.isin(codes, sorted(self.codes)), 100.0, 0.0) if self.is_share else codes
        return np.where(people.options("refined")[:, at] >= 0, counts, np.nan)

    def option_values(self, survey: Survey, form: FormName) -> Floats:
        """Return what each option counts (options,): the mean over its codes."""
        return np.array(
            [
                np.mean([100.0 * (code in self.codes) if self.is_share else float(code) for code in option.codes])
                for option in survey.question(self.question).options(form)
            ]
        )


def parse_target(text: str, survey: Survey) -> Target:
    """Parse a target. Raises IndievalueError that says what is wrong with it, and how targets are written."""
    plain = text.replace('"', "").replace("'", "").strip()
    match = _TARGET.fullmatch(plain)
    if match is None or match["kind"] not in KINDS:
        raise IndievalueError(f"{text!r} cannot be estimated: {_FORMS}")
    kind = next(each for each in KINDS if each == match["kind"])
    question = survey.question(match["question"])
    codes = _codes(text, question, match["codes"]) if match["codes"] else frozenset()
    by = match["by"].strip() if match["by"] else None
    terms = tuple(term.strip() for term in match["terms"].split("+")) if match["terms"] else ()
    if (kind == "ols") != bool(terms) or (kind == "difference" and by is None) or (kind == "share" and not codes):
        raise IndievalueError(f"{text!r} is incomplete: {_FORMS}")
    if kind == "mean" and codes:
        raise IndievalueError(f"{text!r}: a mean has no codes; share:{question.id}={match['codes']} is a share")
    if not codes:
        _refuse_unordered(text, question)
    if by is not None:
        survey.demographic(by)
    for term in terms:
        if term in survey.positions:
            _refuse_unordered(text, survey.question(term))
            if term == question.id:
                raise IndievalueError(f"{text!r}: {term} is on both sides")
        else:
            survey.demographic(term)
    if len(set(terms)) < len(terms):
        raise IndievalueError(f"{text!r} has a term twice")
    return Target(plain, kind, question.id, codes, by, terms)


def _codes(text: str, question: Question, written: str) -> frozenset[int]:
    try:
        codes = set(parse_codes(written))
    except ValueError as error:
        raise IndievalueError(f"{text!r}: {error}") from None
    known = {code for option in question.refined for code in option.codes}
    if not codes <= known or codes == known:
        unknown = f"{question.id} has no code {format_codes(codes - known)}; it has {format_codes(known)}"
        raise IndievalueError(f"{text!r}: {f'these are all codes of {question.id}' if codes == known else unknown}")
    return frozenset(codes)


def _refuse_unordered(text: str, question: Question) -> None:
    """Raise IndievalueError if codes of the question are no scale."""
    if not question.ordered or not question.codes_in_order:
        why = "its answers are no scale" if not question.ordered else "its codes do not rise along its scale"
        raise IndievalueError(
            f"{text!r}: {question.id} has no mean, for {why}; estimate a share, such as share:{question.id}="
            f"{question.refined[0].codes[0]}"
        )


@dataclass(frozen=True)
class Design:
    """The columns of a regression.

    Attributes:
        names: of the coefficients. columns: (people × coefficients). kept: people who can be used (people,).
        reported: which coefficients are the figures wanted. notes: who is left out, in sentences.
    """

    names: tuple[str, ...]
    columns: Floats
    kept: NDArray[np.bool_]
    reported: tuple[int, ...]
    notes: tuple[str, ...] = ()


def design_of(target: Target, people: People, answered: NDArray[np.bool_], usable: NDArray[np.bool_]) -> Design:
    """Return the design of a target for people who are ``usable``; groups in which few ``answered`` are left out.

    Raises IndievalueError if nothing is left to compare.
    """
    kept, notes = usable.copy(), list[str]()
    names, columns = [EVERYBODY], [np.ones(len(people))]
    if target.by is not None:
        groups, kept, notes = _groups(people, target.by, answered, kept)
        indicators = [_indicator(people, target.by, group) for group in groups]
        if target.kind == "difference":
            names += [f"{group} − {groups[0]}" for group in groups[1:]]
            columns += indicators[1:]
        else:
            names, columns = list(groups), indicators
    if target.kind == "ols":
        names = [INTERCEPT]
        for term in target.terms:
            if term in people.survey.positions:
                codes = people.codes[:, people.survey.positions[term]].astype(np.float64)
                known = people.options("refined")[:, people.survey.positions[term]] >= 0
                kept, names, columns = kept & known, [*names, term], [*columns, np.where(known, codes, 0.0)]
                continue
            groups, kept, left_out = _groups(people, term, answered, kept, FEWEST)
            notes += left_out
            names += [f"{term} = {group}" for group in groups[1:]]
            columns += [_indicator(people, term, group) for group in groups[1:]]
    if target.kind == "difference" and len(names) < 2:
        raise IndievalueError(f"{target.text!r}: there are not two groups of {target.by} with {MINIMUM} answers each")
    reported = tuple(range(1 if target.kind == "difference" else 0, len(names)))
    return Design(tuple(names), np.column_stack(columns), kept, reported, tuple(notes))


def _groups(
    people: People, name: str, answered: NDArray[np.bool_], usable: NDArray[np.bool_], fewest: int = MINIMUM
) -> tuple[list[str], NDArray[np.bool_], list[str]]:
    """Return the groups with enough answers, in the survey's order; who is in one of them; and who is left out."""
    if name not in people.demographics.columns:
        raise IndievalueError(f"{people.findings.source} has no demographic {name!r}")
    labels = people.demographics[name]
    order = [group.label for group in people.survey.demographic(name).groups]
    present = set(labels.drop_nulls().unique())
    found = [label for label in order if label in present] + sorted(present - set(order))
    counts = {label: int((answered & usable & (labels == label).fill_null(False).to_numpy()).sum()) for label in found}
    large = [label for label in found if counts[label] >= fewest]
    inside = usable & labels.is_in(large).fill_null(False).to_numpy()
    small = [f"{label} ({counts[label]:,})" for label in found if label not in large]
    notes = [f"groups of {name} with fewer than {fewest} answers are left out: {_some(small)}"] if small else []
    if not large:
        raise IndievalueError(f"no group of {name} has {fewest} people who were asked and answered")
    return large, inside, notes


def _indicator(people: People, name: str, group: str) -> Floats:
    return (people.demographics[name] == group).fill_null(False).to_numpy().astype(np.float64)


def _some(names: Sequence[str], show: int = 4) -> str:
    return ", ".join(names[:show]) + (f" and {len(names) - show:,} more" if len(names) > show else "")
