"""A run: the predictions of one benchmark, the settings that produced them, and their scores and comparisons."""

from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import TypeVar, Unpack, cast

import numpy as np
import polars as pl
from numpy.typing import NDArray

from indievalue.benchmark.model import Benchmark
from indievalue.choices import Weights
from indievalue.display import html_table
from indievalue.errors import IndievalueError
from indievalue.runs.record import Example, Record
from indievalue.scoring.accuracy import PredictorScore, Score, summarise
from indievalue.scoring.breakdown import accuracy_by_category, accuracy_by_person, accuracy_by_question
from indievalue.scoring.calibration import option_scales, reliability
from indievalue.scoring.ceiling import Ceilings, reached, with_ceilings
from indievalue.scoring.distributions import Distributions, distributions
from indievalue.scoring.flattening import Flattening, flattening
from indievalue.scoring.gaps import with_ceilings_of_groups
from indievalue.scoring.groups import GroupFields, GroupOptions
from indievalue.scoring.inequity import Inequity, inequity
from indievalue.scoring.paired import Comparison, compare
from indievalue.scoring.weighting import named_weights, weighted_rows
from indievalue.survey.survey import Survey

Demographics = Sequence[str | tuple[str, ...]]
"""Names of demographics; a tuple of two crosses them."""

T = TypeVar("T")


@dataclass(frozen=True, eq=False, repr=False)
class Run:
    """The predictions of one benchmark, with the settings that produced them.

    Returned by :func:`indievalue.evaluate` and :func:`indievalue.load_run`; saved with :meth:`save`.

    Attributes:
        record: settings and provenance. survey: the survey.
        predictions: one row per predictor, person and probe (see docs: Commands and files).
        people: one row per person tested: ``person``, ``weight``, and the label of their group in every demographic.
        scores: the score of each predictor, in the order they were given.
        examples: people as shown to the predictors, for the report.
        benchmark: the benchmark, or the run directory that holds it; None if neither is available.
        logs: functions that write the predictors' logs into a run directory.
        ceilings: what bounds the accuracy of any predictor; None in runs of earlier versions.
    """

    record: Record
    survey: Survey
    predictions: pl.DataFrame
    people: pl.DataFrame
    scores: Mapping[str, PredictorScore]
    examples: tuple[Example, ...] = ()
    benchmark: Benchmark | Path | None = None
    logs: tuple[Callable[[Path], None], ...] = ()
    ceilings: Ceilings | None = None
    _computed: dict[Hashable, object] = field(default_factory=dict, init=False)

    @property
    def synthetic(self) -> bool:
        """Whether the people are synthetic, in which case no result holds for real people."""
        return self.record.data.synthetic

    @cached_property
    def weights(self) -> NDArray[np.float64] | None:
        """Weight of each row of ``people``, with a mean of 1; None without weights (see :meth:`weighted`).

        Raises IndievalueError if people cannot be weighted: there are no countries, or a weight is missing.
        """
        return named_weights(self.people, self.survey, self.record.weights, self.record.data.unweighted)

    def weighted(self, weights: Weights) -> "Run":
        """Return the run with its scores, and everything computed from it, weighted by survey weight.

        With ``equal``, every country has the same total weight, with ``population``, its population; ``none`` removes
        weights. Accuracy by person and the stored predictions are the same. Raises IndievalueError if
        people cannot be weighted.
        """
        run = replace(self, record=replace(self.record, weights=weights))
        scores = summarise(run.predictions, run.record.seed, run.survey, run._by_person, weights)
        left_out = {name: score.unanswered for name, score in self.scores.items()}
        scores = {name: replace(one, unanswered=left_out[name]) for name, one in scores.items()}
        return replace(run, scores=with_ceilings(scores, run.ceilings, run._rows, run.record.form))

    @property
    def _by_person(self) -> Mapping[str, float] | None:
        """Weights by person, as :func:`indievalue.scoring.accuracy.score` takes them."""
        if self.weights is None:
            return None
        return dict(zip(self.people["person"].to_list(), self.weights.tolist(), strict=True))

    @property
    def _rows(self) -> pl.DataFrame:
        """Predictions, with a column ``weight`` if people are weighted."""
        return self.predictions if self.weights is None else weighted_rows(self.predictions, self._by_person)

    @cached_property
    def summary(self) -> pl.DataFrame:
        """The scores as a table, one row per predictor.

        Columns: ``predictor``; ``accuracy`` with its 95% interval ``low`` and ``high``, in percent; ``log_loss`` in
        nats, ``brier`` (0-2) and ``ece`` (0-1), null if a predictor gives no probabilities; the counts ``invalid``,
        ``people`` and ``probes``; ``way_low`` and ``way_high``, the share of the way from the most common answer to
        ``ceiling_high`` and ``ceiling_low``, the ends of the best possible accuracy, in percent; the others are as in
        :class:`indievalue.scoring.accuracy.PredictorScore`.
        """
        rows = [
            {"predictor": name, **score.as_dict(), **reached(score.ceiling, score.accuracy)}
            for name, score in self.scores.items()
        ]
        table = pl.DataFrame(rows, infer_schema_length=None).rename({"accuracy_low": "low", "accuracy_high": "high"})
        first = ["predictor", "accuracy", "low", "high", "log_loss", "ece", "invalid"]
        return table.select(*first, pl.exclude(first))

    @property
    def best(self) -> str:
        """The predictor with the highest accuracy."""
        return max(self.scores, key=lambda name: self.scores[name].accuracy)

    @cached_property
    def by_category(self) -> pl.DataFrame:
        """Accuracy by predictor and category (see :func:`indievalue.scoring.breakdown.accuracy_by_category`)."""
        return accuracy_by_category(self._rows, self.survey, self.record.seed)

    @cached_property
    def by_question(self) -> pl.DataFrame:
        """Accuracy by predictor and question, in the survey's order (see :mod:`indievalue.scoring.breakdown`)."""
        return accuracy_by_question(self._rows, self.survey)

    @cached_property
    def by_person(self) -> pl.DataFrame:
        """Accuracy by predictor and person (see :func:`indievalue.scoring.breakdown.accuracy_by_person`)."""
        return accuracy_by_person(self.predictions)

    @cached_property
    def reliability(self) -> pl.DataFrame:
        """How often each predictor is right in bins of its probability (see :mod:`indievalue.scoring.calibration`)."""
        return reliability(self._rows, self.record.seed)

    @property
    def index_demographics(self) -> list[str]:
        """The demographics of the survey's Value Inequity Index that are in the run."""
        return [name for name in self.survey.inequity if name in self.people.columns]

    @cached_property
    def index(self) -> Inequity | None:
        """Inequity over the demographics of the survey's Value Inequity Index; None if the run has none of them."""
        return self.inequity(self.index_demographics) if self.index_demographics else None

    def inequity(
        self,
        demographics: Demographics | None = None,
        options: GroupOptions | None = None,
        **fields: Unpack[GroupFields],
    ) -> Inequity:
        """Measure how evenly each predictor performs across groups (see :func:`indievalue.scoring.inequity.inequity`).

        ``demographics`` are names, or tuples of two to cross; by default those of the survey's index. ``fields`` are
        fields of ``options``, such as ``minimum=50``. Inequity of accuracy has the ceilings of the groups, too, if the
        run has them. Raises IndievalueError if the run has no such demographic.
        """
        options = self._options(options, fields)
        found = inequity(self.predictions, self.people, self.demographics(demographics), options)
        if self.ceilings is None or options.measure != "accuracy":
            return found
        return with_ceilings_of_groups(found, self.ceilings, self.predictions, self.people, options)

    def flattening(
        self,
        demographics: Demographics | None = None,
        matched: Sequence[str] | None = None,
        options: GroupOptions | None = None,
        **fields: Unpack[GroupFields],
    ) -> Flattening:
        """Measure whether predictors make people more alike (see :func:`indievalue.scoring.flattening.flattening`)."""
        options = self._options(options, fields)
        wanted = self.demographics(demographics)
        scales = option_scales(self.predictions, self.survey)
        return flattening(self.predictions, self.people, wanted, scales, matched, options)

    def distributions(
        self,
        demographics: Demographics | None = None,
        options: GroupOptions | None = None,
        **fields: Unpack[GroupFields],
    ) -> Distributions:
        """Compare predicted with actual shares (see :func:`indievalue.scoring.distributions.distributions`).

        ``demographics`` and ``fields`` are as in :meth:`inequity`; a run without demographics has everybody alone.
        """
        options = self._options(options, fields)
        wanted = self.demographics(demographics or None, needed=False)
        scales = option_scales(self.predictions, self.survey)
        return distributions(self.predictions, self.people, wanted, scales, options)

    def compare(
        self,
        a: str,
        b: str,
        demographics: Demographics | None = None,
        options: GroupOptions | None = None,
        **fields: Unpack[GroupFields],
    ) -> Comparison:
        """Compare predictor ``a`` with ``b`` by a paired bootstrap (see :func:`indievalue.scoring.paired.compare`).

        Differences are ``a`` − ``b``. σ is compared over ``demographics``, by default those of the survey's index.
        Raises IndievalueError if the run has no such predictor or demographic.
        """
        for name in (a, b):
            if name not in self.scores:
                raise IndievalueError(f"the run has no predictor {name!r}; it has {', '.join(self.scores)}")
        return compare(
            self.predictions.filter(predictor=a),
            self.predictions.filter(predictor=b),
            self.people,
            self.demographics(demographics, needed=False),
            options=self._options(options, fields),
        )

    def demographics(self, names: Demographics | None = None, *, needed: bool = True) -> list[str | tuple[str, ...]]:
        """Return ``names``, or by default the run's demographics that are in the survey's index, or else all of them.

        Raises IndievalueError if the run has no demographics although they are ``needed`` or were given by name.
        """
        return chosen_demographics(self.people, self.survey, names, needed=needed)

    def save(self, directory: str | Path, *, figures: bool = False, force: bool = False) -> None:
        """Write a run directory: predictions, people, scores, benchmark, report; with ``figures`` also figures and
        tables.

        The directory gets its final name only when the run is complete; then the report is written into it. Raises
        IndievalueError if the directory cannot be written, or is not empty and ``force`` is false; or if the report
        fails, in which case the run is saved all the same.
        """
        from indievalue.runs.storage import save_run

        save_run(self, Path(directory), figures=figures, force=force)

    def report(self, file: str | Path, *, example: str | None = None) -> None:
        """Write the report as one self-contained HTML file.

        It shows a real person's statements and answers only if their id is given as ``example``. Raises IndievalueError
        if the run did not test this person, or the file cannot be written.
        """
        from indievalue.report.page import write_report

        write_report([self], file, example=example)

    def remember(self, key: Hashable, make: Callable[[], T]) -> T:
        """Return the result of ``make``, computed once per run for each ``key``."""
        if key not in self._computed:
            self._computed[key] = make()
        return cast(T, self._computed[key])

    def _options(self, options: GroupOptions | None, fields: GroupFields) -> GroupOptions:
        """Return the options updated with ``fields``; seed and weights default to those of the run."""
        return replace(options or GroupOptions(seed=self.record.seed, weights=self.weights), **fields)

    def __repr__(self) -> str:
        record = self.record
        heading = (
            f"Run: {record.people:,} people of {self.survey.name}, {record.form} form, {record.protocol} protocol, "
            f"context {record.context}"
        )
        width = max(map(len, self.scores), default=0)
        return "\n".join([heading, *(f"  {name:<{width}}  {_brief(score)}" for name, score in self.scores.items())])

    def _repr_html_(self) -> str:
        return html_table(self.summary.select("predictor", "accuracy", "low", "high", "log_loss", "ece", "invalid"))


def _brief(score: Score) -> str:
    text = f"{score.accuracy:.1f}% ({score.accuracy_low:.1f}–{score.accuracy_high:.1f})"
    return text if score.log_loss is None else f"{text}, log loss {score.log_loss:.3f}"


def chosen_demographics(
    people: pl.DataFrame, survey: Survey, names: Demographics | None, *, needed: bool
) -> list[str | tuple[str, ...]]:
    """Return ``names`` or, by default, the demographics of ``people`` as :meth:`Run.demographics` does."""
    known = people.columns[2:]
    if not known and (needed or names is not None):
        raise IndievalueError("this run has no demographics, so there are no groups to compare")
    if names is not None:
        return [names] if isinstance(names, str) else list(names)
    return [name for name in survey.inequity if name in people.columns] or list(known)
