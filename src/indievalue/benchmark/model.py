"""The benchmark, and the part of it that a predictor sees."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from typing import ClassVar, TypedDict

import numpy as np
import polars as pl
from numpy.typing import NDArray
from pydantic import ConfigDict

from indievalue.benchmark.circumstances import shown_demographics, shown_facts
from indievalue.choices import (
    FORMS,
    PROTOCOLS,
    SHOW_ORDERS,
    SHOWS,
    SOURCES,
    Context,
    DemonstrationsFrom,
    FormName,
    Protocol,
    Show,
    ShowOrder,
)
from indievalue.context import Blocks, parse_context
from indievalue.errors import IndievalueError
from indievalue.people.people import People
from indievalue.strict import NO_OTHER_KEYS, Count
from indievalue.survey.survey import Survey

NOBODY = -1
"""Padding of a person's demonstrations where they answered fewer questions than are to be shown."""


_SHOW = re.compile(r"random|(relevant|similar):0*[1-9][0-9]{0,4}")


class SettingsFields(TypedDict, total=False):
    """The fields of :class:`Settings` as keyword arguments."""

    form: FormName
    protocol: Protocol
    setups: Sequence[int] | None
    demonstrations: int | None
    demonstrations_as: FormName | None
    demonstrations_from: DemonstrationsFrom
    context: Context
    seed: int
    show: str
    show_order: ShowOrder
    unseen_questions: Sequence[str]


@dataclass(frozen=True)
class Settings:
    """Settings that decide what is asked and what is shown of each person.

    ``setups`` None means all of the survey's, ``demonstrations`` None all that a person answered. ``context`` is
    described in :mod:`indievalue.context`; blocks are named in one order, whatever the order given. ``show`` is
    ``random``, or ``relevant:K`` or ``similar:K`` for the K statements of each person that are chosen for each probe;
    ``demonstrations`` is then K. ``show_order`` says where the most relevant of these stands.

    ``unseen_questions`` are the probes if there are any, instead of those of the protocol: nobody's answers to them are
    shown, or learned from. They are named as in :func:`indievalue.benchmark.questions.columns_of`, and a benchmark has
    their ids.
    """

    form: FormName = "polar"
    protocol: Protocol = "strict"
    setups: Sequence[int] | None = None
    demonstrations: int | None = 200
    demonstrations_as: FormName | None = None
    demonstrations_from: DemonstrationsFrom = "others"
    context: Context = "statements"
    seed: int = 0
    show: str = "random"
    show_order: ShowOrder = "last"
    unseen_questions: Sequence[str] = ()

    def __post_init__(self) -> None:
        """Validate the values. Raises IndievalueError, naming the setting, for an invalid one."""
        for name, value, known in (
            ("form", self.form, FORMS),
            ("protocol", self.protocol, PROTOCOLS),
            ("demonstrations_as", self.demonstrations_as, (*FORMS, None)),
            ("demonstrations_from", self.demonstrations_from, SOURCES),
            ("show_order", self.show_order, SHOW_ORDERS),
        ):
            if value not in known:
                raise IndievalueError(f"{name} is one of {', '.join(map(str, known))}, and not {value!r}")
        object.__setattr__(self, "context", parse_context(self.context).name)
        if self.demonstrations is not None and self.demonstrations < 0:
            raise IndievalueError(f"demonstrations is a number from 0 on, and not {self.demonstrations}")
        if (chosen := chosen_number(self.show)) is not None:
            if self.demonstrations not in (chosen, Settings.demonstrations):
                raise IndievalueError(
                    f"show={self.show!r} shows {chosen} statements, and demonstrations is {self.demonstrations}: give "
                    "only one of them"
                )
            object.__setattr__(self, "demonstrations", chosen)
        object.__setattr__(self, "unseen_questions", tuple(self.unseen_questions))
        if self.unseen_questions and self.show_by == "relevant":
            raise IndievalueError(
                f"show={self.show!r} learns what is relevant to a probe from answers to it, and unseen questions have "
                "none: show random or similar statements"
            )
        if self.unseen_questions and self.demonstrations_from == "siblings":
            raise IndievalueError(
                "demonstrations_from='siblings' shows answers to other probes, and no answer to an unseen question is "
                "shown: choose others"
            )
        if self.setups is not None:
            object.__setattr__(self, "setups", tuple(self.setups))  # so that settings are hashable

    @property
    def blocks(self) -> Blocks:
        """The blocks of the context."""
        return parse_context(self.context)

    @property
    def shown_form(self) -> FormName:
        """Form in which demonstrations are shown: by default that of the probes."""
        return self.demonstrations_as or self.form

    @property
    def show_by(self) -> Show:
        """How the statements shown are chosen, without their number."""
        return show_kind(self.show)

    def stored(self) -> dict[str, object]:
        """Return the settings to be stored.

        How statements are chosen and ordered only if it is not at random, unseen questions only if there are any.
        """
        content = asdict(self)
        if not self.unseen_questions:
            del content["unseen_questions"]
        if self.show_by == "random":
            del content["show"], content["show_order"]
        return content


def show_kind(show: str) -> Show:
    """Return how statements are chosen: ``relevant`` for ``relevant:6``. Raises IndievalueError for another value."""
    if not _SHOW.fullmatch(show):
        raise IndievalueError(
            f"show is random, relevant:K or similar:K, such as relevant:6, with K from 1 on, and not {show!r}"
        )
    return next(kind for kind in SHOWS if kind == show.partition(":")[0])


def chosen_number(show: str) -> int | None:
    """Return how many statements are chosen for each probe: 6 for ``relevant:6``, None for ``random``."""
    return None if show_kind(show) == "random" else int(show.partition(":")[2])


@dataclass(frozen=True)
class Setup:
    """Probes that are asked together, and what is shown of each person beside them.

    Attributes:
        number: which setup of the protocol. If statements are drawn (``siblings``) or chosen for each probe, one number
            has a Setup per probe.
        probes: int64 (probes,), columns of the questions asked.
        demonstrations: int16 (people × most), columns of the questions shown, in the order shown; -1 pads.
    """

    number: int
    probes: NDArray[np.int64]
    demonstrations: NDArray[np.int16]


@dataclass(frozen=True)
class Eligibility:
    """Who can be tested: people read, why some cannot be (reason → people), how many are eligible and available.

    A person who cannot be tested for two reasons is counted in both.
    """

    __pydantic_config__: ClassVar[ConfigDict] = NO_OTHER_KEYS

    people: Count
    excluded: dict[str, Count]
    eligible: Count
    available: Count

    def reasons(self) -> str:
        """Return why people cannot be tested, and for how many of them two reasons hold; empty if there is none."""
        told = [f"{count:,} {reason}" for reason, count in self.excluded.items() if count]
        both = sum(self.excluded.values()) - (self.people - self.eligible)
        overlap = f" ({both:,} of them are counted twice)" if len(told) > 1 and both > 0 else ""
        return "; ".join(told) + overlap


@dataclass(frozen=True)
class Task:
    """Everything a predictor may see of one setup. The true answers to the probes are not in it.

    Attributes:
        people: str (people,), ids.
        probes: int64 (probes,), columns of the questions asked.
        shown: int8 (people × questions), option of each demonstration in ``shown_form``; -1 where not shown.
        order: int16 (people × most), columns of the demonstrations in the order shown; -1 pads.
        demographics: group labels, one row a person, of the demographics that the context shows; None if it shows none.
        asked: bool (people × probes), whether the person answered the probe, so that nobody pays for a prediction that
            cannot be scored.
        facts: the year of the interview (``year``) and facts about the country (see
            :data:`indievalue.benchmark.country_facts.FACTS`), one row a person; None if the context shows neither.
        show: how the demonstrations were chosen; None if that is not known.
    """

    survey: Survey
    form: FormName
    shown_form: FormName
    missing_votes: bool
    setup: int
    seed: int
    people: NDArray[np.str_]
    probes: NDArray[np.int64]
    shown: NDArray[np.int8]
    order: NDArray[np.int16]
    demographics: pl.DataFrame | None
    asked: NDArray[np.bool_]
    facts: pl.DataFrame | None = None
    show: Show | None = None

    def __repr__(self) -> str:
        return (
            f"Task: {len(self.people):,} people × {len(self.probes)} probes of {self.survey.name}, setup {self.setup}, "
            f"{self.order.shape[1]} demonstrations"
        )

    @property
    def counts(self) -> NDArray[np.int64]:
        """Number of options of each probe (probes,)."""
        return self.survey.form(self.form).counts[self.probes]


@dataclass(frozen=True)
class Benchmark:
    """People to be tested, their setups, and the settings that made them.

    >>> from indievalue.benchmark.build import build_benchmark
    >>> from indievalue.synthetic.generate import synthetic_people
    >>> benchmark = build_benchmark(synthetic_people(300), people_tested=20, setups=[0])
    >>> setup, task = next(benchmark.tasks())
    >>> task.people.shape
    (20,)
    """

    settings: Settings
    people: People
    setups: tuple[Setup, ...]
    eligibility: Eligibility

    def __repr__(self) -> str:
        probes = sum(len(setup.probes) for setup in self.setups)
        settings = self.settings
        shown = "all" if settings.demonstrations is None else f"{settings.demonstrations}"
        if settings.show_by != "random":
            shown = f"{shown} {settings.show_by}"
        return (
            f"Benchmark: {len(self.people):,} people of {self.survey.name}, {probes} probes each, "
            f"{shown} demonstrations\n"
            f"  {settings.form} form, {settings.protocol} protocol, context {settings.context}, seed {settings.seed}"
        )

    @property
    def survey(self) -> Survey:
        return self.people.survey

    def tasks(self) -> Iterator[tuple[Setup, Task]]:
        """Iterate over setups, each with what a predictor may see of it."""
        settings, blocks = self.settings, self.settings.blocks
        demographics, facts = shown_demographics(self.people, blocks), shown_facts(self.people, blocks)
        options = self.people.options(settings.shown_form)
        for setup in self.setups:
            order = setup.demonstrations if blocks.statements else setup.demonstrations[:, :0]
            yield (
                setup,
                Task(
                    survey=self.survey,
                    form=settings.form,
                    shown_form=settings.shown_form,
                    missing_votes=settings.protocol == "paper",
                    setup=setup.number,
                    seed=settings.seed,
                    people=self.people.ids,
                    probes=setup.probes,
                    shown=_only(options, order),
                    order=order,
                    demographics=demographics,
                    asked=self.answers(setup) >= 0,
                    facts=facts,
                    show=settings.show_by,
                ),
            )

    def answers(self, setup: Setup) -> NDArray[np.int8]:
        """True option of every probe (people × probes, int8); -1 where the person did not answer it."""
        return self.people.options(self.settings.form)[:, setup.probes]


def _only(options: NDArray[np.int8], order: NDArray[np.int16]) -> NDArray[np.int8]:
    """``options`` where ``order`` names the question, and -1 elsewhere."""
    shown = np.full(options.shape, -1, np.int8)
    person, place = np.nonzero(order != NOBODY)
    question = order[person, place]
    shown[person, question] = options[person, question]
    return shown
