"""Base class of predictors that fit one classifier per probe, on people shown in the same way as tested people."""

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Generic, Self, TypeVar

import numpy as np
import polars as pl
from numpy.typing import NDArray

from indievalue.benchmark.circumstances import shown_facts
from indievalue.benchmark.model import Task
from indievalue.choices import FormName
from indievalue.context import Blocks, UnusableBlockError
from indievalue.errors import IndievalueError
from indievalue.people.people import People
from indievalue.predictors.base_rates import base_rates
from indievalue.predictors.fact_columns import FactColumns
from indievalue.predictors.protocol import EVERY_BLOCK, Guesses, StatisticalPredictor
from indievalue.seeded import key_table, keys
from indievalue.survey.model import Form
from indievalue.survey.survey import Survey

VALIDATION = 0.05
"""Share of the training people held out for early stopping."""

Model = TypeVar("Model")
"""A fitted classifier."""


@dataclass(frozen=True)
class Seen:
    """Features of people.

    Attributes:
        options: int8 (people × questions), in ``form``; -1 if not shown.
        groups: int32 (people × demographics), index in the sorted labels of the training people; -1 if unknown. No
            columns if the context withholds demographics.
        group_counts: number of labels of each demographic.
        facts: float32 (people × columns), the year and facts about the country (see
            :class:`indievalue.predictors.fact_columns.FactColumns`), nan where not known. No columns if the context
            withholds them.
    """

    survey: Survey
    form: Form
    options: NDArray[np.int8]
    groups: NDArray[np.int32]
    group_counts: tuple[int, ...]
    facts: NDArray[np.float32]

    def of(self, rows: NDArray[np.bool_]) -> "Seen":
        return Seen(self.survey, self.form, self.options[rows], self.groups[rows], self.group_counts, self.facts[rows])

    @property
    def any(self) -> bool:
        """Whether anything is shown of anybody."""
        return bool(self.groups.shape[1] or self.facts.shape[1] or (self.options >= 0).any())


class PerQuestion(StatisticalPredictor, ABC, Generic[Model]):
    """One classifier per probe, with what is shown of a person as features.

    Classifiers are fitted when a task needs them, because their features depend on the setup: its probes are excluded,
    and as many answers of each training person, drawn at random, are used as the task shows of tested people. They are
    cached, so that another task of the same setup needs no fitting. Options that nobody in training chose keep their
    base rates.

    Attributes:
        people_: training people, sorted by id. rates_: base rates. labels_: groups of each demographic, sorted.
        models_: fitted classifiers, keyed by the probe, the setup's probes, the number of answers shown, the
            demographics and facts shown, and the seed.
    """

    reads = EVERY_BLOCK
    blind = "it has no answers to fit a classifier to"

    def fit(self, people: People, form: FormName = "polar", shown_form: FormName | None = None) -> Self:
        shown_form = shown_form or form
        self.people_ = people.take(np.argsort(people.ids, kind="stable"))
        self.form_, self.shown_form_ = form, shown_form
        self.rates_ = base_rates(self.people_.options(form), people.survey.form(form))
        names = people.demographics.columns
        self.labels_ = {name: sorted(people.demographics[name].drop_nulls().unique().to_list()) for name in names}
        self.__dict__.pop("_facts", None)  # of people learned from before
        self.models_: dict[tuple[object, ...], tuple[NDArray[np.int64], Model | None]] = {}
        return self

    def predict(self, task: Task) -> Guesses:
        seen = self._seen(task.shown, task.demographics, task.facts)
        counts = task.counts
        probabilities = np.zeros((len(task.people), len(task.probes), int(counts.max(initial=1))))
        known = self._models(task)
        for place, (probe, count) in enumerate(zip(task.probes.tolist(), counts.tolist(), strict=True)):
            probabilities[:, place, :count] = rates = self.rates_[probe, :count]
            classes, model = known[probe]
            if model is not None:
                given = self._probabilities(model, seen)
                probabilities[:, place, classes] = given * rates[classes].sum()
        return Guesses.most_probable(probabilities)

    def _models(self, task: Task) -> dict[int, tuple[NDArray[np.int64], Model | None]]:
        """Return for each probe the options that training people chose, and the classifier; None without features."""
        shown = task.order.shape[1]
        told, facts = _names(task.demographics), _names(task.facts)
        part = tuple(sorted(task.probes.tolist())), shown, told, facts, task.seed
        absent = [probe for probe in task.probes.tolist() if (probe, *part) not in self.models_]
        if absent:
            people = self.people_
            options = _as_shown(people, self.shown_form_, task.probes, shown, task.seed)
            training = self._seen(
                options,
                None if told is None else people.demographics.select(told),
                None if facts is None else self._known(facts),
            )
            order = keys(task.seed, "validation", people.ids.tolist())
            validating = order < np.quantile(order, VALIDATION)
            for probe in absent:
                self.models_[probe, *part] = self._model(training, probe, validating)
        return {probe: self.models_[probe, *part] for probe in task.probes.tolist()}

    def _model(
        self, training: Seen, probe: int, validating: NDArray[np.bool_]
    ) -> tuple[NDArray[np.int64], Model | None]:
        target = self.people_.options(self.form_)[:, probe]
        classes = np.unique(target[target >= 0]).astype(np.int64)
        if len(classes) < 2 or not training.any:
            return classes, None
        labels = np.searchsorted(classes, target).astype(np.int64)
        learned, held = (target >= 0) & ~validating, (target >= 0) & validating
        if len(np.unique(labels[learned])) < len(classes):  # too few people to hold any out
            learned, held = target >= 0, np.zeros(len(target), bool)
        return classes, self._train(
            training.of(learned), labels[learned], training.of(held), labels[held], len(classes)
        )

    @cached_property
    def _facts(self) -> pl.DataFrame:
        """Everything that can be shown of the training people's years and countries."""
        found = [_facts_of(self.people_, block) for block in (Blocks(year=True), Blocks(country_facts=True))]
        return pl.DataFrame([column for table in found if table is not None for column in table.get_columns()])

    def _known(self, names: Sequence[str]) -> pl.DataFrame:
        """Return these facts about the training people. Raises IndievalueError if their data do not have them."""
        if absent := [name for name in names if name not in self._facts.columns]:
            raise IndievalueError(
                f"{self!r} is shown the {absent[0]}, which is not known of the people learned from: leave out its block"
            )
        return self._facts.select(names)

    def _seen(
        self, options: NDArray[np.int8], demographics: pl.DataFrame | None, facts: pl.DataFrame | None = None
    ) -> Seen:
        survey = self.people_.survey
        told = [] if demographics is None else demographics.columns
        labels = {name: known for name, known in self.labels_.items() if name in told}
        groups = np.empty((len(options), len(labels)), np.int32)
        for column, (name, known) in enumerate(labels.items()):
            assert demographics is not None
            groups[:, column] = _places(demographics[name], known)
        counts = tuple(len(known) for known in labels.values())
        columns = np.zeros((len(options), 0), np.float32)
        if facts is not None:
            columns = FactColumns.of(self._known(facts.columns)).apply(facts)
        return Seen(survey, survey.form(self.shown_form_), options, groups, counts, columns)

    @abstractmethod
    def _train(
        self,
        seen: Seen,
        labels: NDArray[np.int64],
        held: Seen,
        held_labels: NDArray[np.int64],
        classes: int,
    ) -> Model:
        """Fit a classifier to ``labels`` (people,), 0 to ``classes`` − 1; ``held`` people are for early stopping."""

    @abstractmethod
    def _probabilities(self, model: Model, seen: Seen) -> NDArray[np.floating]:
        """Return probabilities (people × classes)."""


def _as_shown(people: People, form: FormName, hidden: NDArray[np.int64], most: int, seed: int) -> NDArray[np.int8]:
    """Return options (people × questions) for ``most`` random answers of each person outside ``hidden``, else -1.

    Draws depend only on the seed and on ids, as those of a benchmark do.
    """
    options = people.options(form).copy(order="C")
    options[:, hidden] = -1
    order = key_table(seed, "training demonstrations", people.ids.tolist(), [q.id for q in people.survey.questions])
    order[options < 0] = np.iinfo(np.uint64).max
    if most < options.shape[1]:
        last = np.partition(order, most, axis=1)[:, most]
        options[order >= last[:, None]] = -1
    return options


def _names(shown: pl.DataFrame | None) -> tuple[str, ...] | None:
    return None if shown is None else tuple(shown.columns)


def _facts_of(people: People, blocks: Blocks) -> pl.DataFrame | None:
    """The facts of a block; None where the data do not have it."""
    try:
        return shown_facts(people, blocks)
    except UnusableBlockError:
        return None


def _places(labels: pl.Series, known: list[str]) -> NDArray[np.int32]:
    places: Mapping[str, int] = {label: place for place, label in enumerate(known)}
    if not places:
        return np.full(len(labels), -1, np.int32)
    return labels.replace_strict(places, default=-1, return_dtype=pl.Int32).fill_null(-1).to_numpy()
