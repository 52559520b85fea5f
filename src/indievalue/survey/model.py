"""The parts of a survey: questions, the options of their answers in two forms, and demographics."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Literal, Self

import numpy as np
from numpy.typing import NDArray

from indievalue.choices import FormName
from indievalue.survey.gazetteer import in_a_sentence

MISSING = -1
"""Option index of an answer that is missing: the person has none, or none that the survey's options hold."""


_BLOCK = 1024
"""People one-hot encoded at a time: few enough that the indices stay in the processor's cache."""


@dataclass(frozen=True)
class Option:
    """One possible answer of a question in a form: the raw codes it stands for and its first-person statement."""

    codes: tuple[int, ...]
    statement: str


@dataclass(frozen=True)
class SameAs:
    """The same item in another survey: its name there, and whether its options run the other way."""

    survey: str
    question: str
    reversed: bool = False

    def __str__(self) -> str:
        return f"{self.survey}.{self.question}{' reversed' if self.reversed else ''}"


@dataclass(frozen=True)
class Question:
    """One item of the survey.

    Attributes:
        ordered: whether the options are steps of one scale, from one end to the other in the order they stand in.
        left_out: codes that are in the codebook but are nobody's option → the reason why.
        missing: missing codes of this question → what they mean, besides the survey's; None where it has the survey's
            alone. Where there are some, its options may have codes that are missing elsewhere in the survey.
        blank: the missing code that an empty cell stands for; None for the survey's.
        columns: data columns that hold it; empty where there is one, called as the question.
        one_column: whether ``columns`` are names of one column, of which the first that a file has is read; else each
            person's answer is in the first that holds one.
        codes_in_order: whether the codes rise along a scale; False where its steps are to be read as they stand.
        rounds: round of the survey → the column in a file of that round; None where rounds have the same columns.
        where: columns and their values that tell who was asked; others were not. None where nothing tells it.
        same_as: the same item in other surveys.
        battery: the battery that it is part of; None where it stands alone.
    """

    id: str
    category: str
    type: str
    asks: str
    polar: tuple[Option, ...]
    refined: tuple[Option, ...]
    ordered: bool = True
    left_out: Mapping[int, str] | None = None
    missing: Mapping[int, str] | None = None
    blank: int | None = None
    columns: tuple[str, ...] = ()
    where: Mapping[str, tuple[str, ...]] | None = None
    codes_in_order: bool = True
    one_column: bool = False
    rounds: Mapping[str, str] | None = None
    same_as: tuple[SameAs, ...] = field(default=(), repr=False)
    battery: str | None = field(default=None, repr=False, compare=False)

    @property
    def data_columns(self) -> tuple[str, ...]:
        """Data columns that may hold the answer."""
        return self.columns or (self.id,)

    def options(self, form: FormName) -> tuple[Option, ...]:
        return self.polar if form == "polar" else self.refined


@dataclass(frozen=True)
class Group:
    """One group of people in a demographic: its label, its statement, and its raw codes by data column."""

    label: str
    statement: str
    codes: Mapping[str, tuple[int, ...]]


@dataclass(frozen=True)
class Demographic:
    """A background item. Each person is in the group of the first of ``columns`` that holds a code known to it.

    ``otherwise`` names the gazetteer lookup (``country`` or ``continent``) for ISO 3166 codes that no group lists,
    whose statement is then made from ``template``. ``missing`` is as in :class:`Question`.
    ``texts`` are cells that are no number, in lower case → the codes that stand for them in ``groups``.
    ``rounds`` are rounds of the survey → the column in a file of that round, where rounds have it under other names or
    with other codes; the codes of ``groups`` are then by round, and :meth:`in_round` has them by column.
    ``abroad`` is for a country of birth: the column and its code that say it is another than that of residence.
    """

    id: str
    name: str
    asks: str
    columns: tuple[str, ...]
    groups: tuple[Group, ...]
    template: str | None = None
    otherwise: Literal["country", "continent"] | None = None
    left_out: Mapping[int, str] | None = None
    missing: Mapping[int, str] | None = None
    texts: Mapping[str, int] | None = None
    rounds: Mapping[str, str] | None = None
    abroad: tuple[str, int] | None = None

    def in_round(self, name: str | None) -> Self:
        """The demographic as the files of that round have it; without columns where they do not."""
        if self.rounds is None:
            return self
        column = self.rounds.get(name or "")
        if column is None:
            return replace(self, columns=(), rounds=None)
        groups = tuple(replace(group, codes={column: group.codes.get(str(name), ())}) for group in self.groups)
        return replace(self, columns=(column,), groups=groups, rounds=None)

    def statement(self, label: str) -> str:
        """What a person of the group ``label`` would say of themselves. Raises KeyError for an unknown label."""
        if label in self._statements:
            return self._statements[label]
        if self.otherwise is None or self.template is None:
            raise KeyError(label)
        return self.template.format(group=in_a_sentence(label) if self.otherwise == "country" else label)

    @cached_property
    def _statements(self) -> dict[str, str]:
        return {group.label: group.statement for group in self.groups}


@dataclass(frozen=True)
class Form:
    """A way to group codes into options: a lookup table code → option for every question.

    Attributes:
        name: ``polar`` or ``refined``.
        lowest: the code that column 0 of ``table`` stands for.
        table: int8 (questions × codes), the option of each code, :data:`MISSING` where it is no option.
        counts: int64 (questions,), the number of options of each question.
        starts: int64 (questions + 1,), where each question's options start when all options stand side by side.
    """

    name: FormName
    lowest: int
    table: NDArray[np.int8]
    counts: NDArray[np.int64]
    starts: NDArray[np.int64]

    def encode(self, codes: NDArray[np.int16]) -> NDArray[np.int8]:
        """Options (people × questions, int8) of raw ``codes`` (people × questions, int16); missing is -1."""
        options = np.empty(codes.shape, np.int8, order="F")
        last = self.table.shape[1] - 1
        for question in range(codes.shape[1]):
            at = codes[:, question].astype(np.int32) - self.lowest
            known = (at >= 0) & (at <= last)
            options[:, question] = np.where(known, self.table[question, np.clip(at, 0, last)], MISSING)
        return options

    def one_hot(self, options: NDArray[np.int8]) -> NDArray[np.float32]:
        """Every option of every question as a column of 0 and 1 (people × total options); missing is all 0."""
        width = int(self.starts[-1])
        columns: NDArray[np.float32] = np.zeros((len(options), width), np.float32)
        for start in range(0, len(options), _BLOCK):
            block = np.ascontiguousarray(options[start : start + _BLOCK])
            at = self.starts[:-1] + block + width * np.arange(len(block))[:, None]
            columns[start : start + _BLOCK].reshape(-1)[at[block >= 0]] = 1
        return columns


@dataclass(frozen=True)
class Sampling:
    """How the benchmark of this survey draws people and probes (see :mod:`indievalue.benchmark`).

    ``answered`` of the survey's questions must be answered for a person to be eligible; ``continent`` and ``religion``
    name demographics: people are drawn evenly over the first, at most ``per_religion`` of one of the second in each.
    ``probes`` says whether a person must have answered ``all`` probes of all setups or is tested on those they
    ``answered``, of which there are ``answered_probes`` or more in each setup.
    ``first`` is the group of ``continent`` of which every eligible person is taken before the rest is shared out.
    """

    setups: int = 3
    per_category: int = 3
    answered: int | None = None
    continent: str | None = None
    religion: str | None = None
    first: str | None = None
    per_religion: int | None = None
    probes: Literal["all", "answered"] = "all"
    answered_probes: int = 1
