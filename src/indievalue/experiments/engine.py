"""Run the cells of an experiment, sharing people, draws and fitted predictors between them."""

import hashlib
import json
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any, Literal

import numpy as np
import polars as pl

from indievalue.benchmark.build import build_benchmark
from indievalue.benchmark.circumstances import check_blocks
from indievalue.benchmark.model import Benchmark, Eligibility, Settings, Setup
from indievalue.benchmark.narrow import with_demonstrations_about, with_first_demonstrations
from indievalue.benchmark.show import Ranking
from indievalue.benchmark.together import with_probes_together
from indievalue.choices import FormName, Show, Weights
from indievalue.context import UnusableBlockError
from indievalue.errors import IndievalueError
from indievalue.experiments.folder import FORMAT, Folder
from indievalue.experiments.grid import Cell, cells, compared_pairs, without_absent_pairs
from indievalue.experiments.spec import (
    DESIRABILITY,
    EVERYTHING,
    NOTHING,
    OF_PROBES,
    REASONER,
    Experiment,
    SpecificationsFigure,
)
from indievalue.people.catalog import people_table
from indievalue.people.people import People
from indievalue.predictors.asking import AskingOptions
from indievalue.predictors.protocol import Cost, Predictor, refuse_unused
from indievalue.predictors.ranking import rank_statements
from indievalue.predictors.registry import kind_of, make_predictor, make_predictors, reads_prompts
from indievalue.predictors.similarity import check_embedder
from indievalue.redact import without_secrets
from indievalue.report.paper import paper_figures
from indievalue.runs.parts import predicting_here
from indievalue.scale.forecast import Forecast, forecast
from indievalue.scale.machines import Machines
from indievalue.scale.placement import HERE, Placement
from indievalue.scale.sharded import InShards
from indievalue.scoring.weighting import named_weights
from indievalue.survey.sensitive import sensitive_questions

Fitted = tuple[str, FormName, FormName, tuple[object, ...]]
"""Predictor, forms of the probes and of the demonstrations, and how it is asked, which determine a fit."""


@dataclass(frozen=True)
class Plan:
    """The cells of an experiment to run.

    Attributes:
        experiment: without comparisons of cells that are left out. cells: those of the grid that can be computed.
        finished: contents of ``cell.json`` by finished cell. left: the other cells, in running order.
        probes: number of probes per person, by cell; repeated questions are counted once.
        left_out: number of cells that are left out by reason: the data lack a block of the context, or the predictor
            cannot use it.
    """

    experiment: Experiment
    cells: tuple[Cell, ...]
    finished: Mapping[Cell, Mapping[str, Any]]
    left: tuple[Cell, ...]
    tested: int
    training: int
    probes: Mapping[Cell, int]
    left_out: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True)
class Reasoner:
    """A reasoner trained by an experiment: its folder, and everything that determines what it learns."""

    folder: Path
    made_of: Mapping[str, object]


class CellInputs:
    """What cells are computed from: people, benchmarks drawn from them and predictors fitted to them, each once."""

    def __init__(
        self,
        people: People,
        tested: int | Sequence[str] | Literal["all"] | None,
        seed: int,
        reasoners: Mapping[str, Reasoner] | None = None,
        asking: AskingOptions | None = None,
        weighting: Weights = "none",
    ) -> None:
        """Select the people to test.

        Raises IndievalueError if that is impossible, nobody is left to learn from, or people cannot be weighted.
        """
        drawn = build_benchmark(people, Settings(seed=seed), tested)
        self.weighting: Weights = weighting
        self.weights = named_weights(people_table(drawn.people), people.survey, weighting, people.findings.unweighted)
        self.people = people
        self.seed = seed
        self.ids: list[str] = drawn.people.ids.tolist()
        self.tested = drawn.people
        self.eligibility: Eligibility = drawn.eligibility
        self.training = people.take(~np.isin(people.ids, drawn.people.ids))
        if not len(self.training):
            raise IndievalueError(
                "everybody in the data is tested, and nobody is left for the predictors to learn from"
            )
        survey = people.survey
        self._survey = f"{survey.name} {_digest(repr((survey.questions, survey.demographics, survey.sampling)))}"
        self._people = f"{len(self.ids)} {_digest(repr(self.ids))}"
        self.reasoners = reasoners or {}
        self.asking = asking or AskingOptions()
        self._drawn: dict[Settings, Benchmark] = {}
        self._fitted: tuple[Fitted, Predictor] | None = None
        self._rankings: dict[tuple[Show, FormName, FormName], Ranking] = {}

    def benchmark(self, cell: Cell) -> Benchmark:
        """Return the benchmark of a cell; cells that differ only in how much is shown share one draw."""
        settings = cell.settings
        if settings.show_by != "random":
            return self._chosen(cell)
        drawn = self._draw(settings)
        subject = cell.asked.demonstrations_about
        narrowed = drawn if subject in (EVERYTHING, NOTHING) else with_demonstrations_about(drawn, subject)
        if settings.demonstrations is not None:
            narrowed = with_first_demonstrations(narrowed, settings.demonstrations)
        return replace(narrowed, settings=replace(settings, setups=drawn.settings.setups))

    def setups(self, cell: Cell) -> tuple[Setup, ...]:
        """Return the setups of a cell, with statements drawn at random, which is fast, instead of those chosen."""
        return self._draw(replace(cell.settings, show="random")).setups

    def _draw(self, settings: Settings) -> Benchmark:
        """Return a benchmark that shows all statements, or those chosen for each probe.

        The key holds what the draw depends on: `same` and the name of that same form give the same draw.
        """
        number = None if settings.show_by == "random" else settings.demonstrations
        full = replace(settings, demonstrations=number, demonstrations_as=settings.shown_form, context="statements")
        if full not in self._drawn:
            self._drawn[full] = build_benchmark(self.people, full, self.ids, ranking=self._rank)
        return self._drawn[full]

    def _chosen(self, cell: Cell) -> Benchmark:
        """Return a benchmark in which statements are chosen for each probe."""
        settings = cell.settings
        drawn = self._draw(settings)
        if replace(self.asking.style, **cell.asked.asking).together:
            drawn = with_probes_together(drawn)
        return replace(drawn, settings=replace(settings, setups=drawn.settings.setups))

    def _rank(self, people: People, settings: Settings) -> Ranking:
        """Return the ranking of statements, which cells that differ in their number share."""
        key = settings.show_by, settings.form, settings.shown_form
        if key not in self._rankings:
            self._rankings[key] = rank_statements(people, settings)
        return self._rankings[key]

    def fitted(self, cell: Cell) -> Predictor:
        """Return the cell's fitted predictor. Only the last fit is cached, so run cells that share one in a row."""
        key = fit_of(cell)
        if self._fitted is None or self._fitted[0] != key:
            self.release()
            self._fitted = key, self.predictor(cell).fit(self.training, *key[1:3])
        return self._fitted[1]

    def release(self) -> None:
        """Let go of the fitted predictor: some take a gigabyte."""
        self._fitted = None

    def _is_asked_otherwise(self, cell: Cell) -> bool:
        """Return whether the cell's predictor reads prompts, and asking options differ from the defaults."""
        return reads_prompts(cell.predictor) and bool(self.asking.decisive())

    def predictor(self, cell: Cell, **style: Any) -> Predictor:
        """Return a new predictor for a cell, asked as the cell and ``style`` say; it may be a trained reasoner.

        Raises IndievalueError if it cannot be asked in that way.
        """
        trained = self.reasoners.get(cell.predictor)
        changed = replace(self.asking.style, **{**cell.asked.asking, **style})
        asking = replace(self.asking, style=changed, repeat=cell.asked.repeat or 0)
        return make_predictor(f"{REASONER}{trained.folder}" if trained else cell.predictor, asking)

    def costs(self, left: Sequence[Cell]) -> dict[str, Cost]:
        """Return the maximum cost of the cells ``left``, by predictor; a prompt shared by cells counts once."""
        costs: dict[str, Cost] = {}
        asked = {cell: (cell.predictor, fit_of(cell)[3]) for cell in left if cell.predictor not in self.reasoners}
        for name, how in dict.fromkeys(asked.values()):
            alike = [cell for cell in asked if asked[cell] == (name, how)]
            predictor = self.predictor(alike[0])
            if predictor.learns and kind_of(name).reads_prompts:  # the prompts show people that it is given
                predictor.fit(self.training)
            cost = predictor.cost(task for cell in alike for _, task in self.benchmark(cell).tasks())
            if cost is not None:
                costs[name] = costs[name] + cost if name in costs else cost
        return costs

    def forecasts(self, left: Sequence[Cell], placement: Placement) -> dict[str, Forecast]:
        """Return what predicting the cells ``left`` in shards takes, by predictor; reasoners are not trained yet."""
        found: dict[str, Forecast] = {}
        for cell in left:
            name = cell.predictor
            if name not in self.reasoners:
                one = forecast(name, self.predictor(cell), self.benchmark(cell), placement)
                found[name] = found[name] + one if name in found else one
        return found

    def made_of(self, cell: Cell) -> dict[str, object]:
        """Return everything a cell's predictions depend on, as plain values."""
        return {
            "format": FORMAT,
            "predictor": cell.predictor,
            "axes": dict(cell.axes),
            "settings": cell.asked.stored(),
            "seed": cell.seed,
            "survey": self._survey,
            "data": self.people.findings.fingerprint,
            "people": self._people,
            **({"training": self.reasoners[cell.predictor].made_of} if cell.predictor in self.reasoners else {}),
            **({"asking": without_secrets(self.asking.decisive())} if self._is_asked_otherwise(cell) else {}),
        }


def plan(experiment: Experiment, inputs: CellInputs, folder: Folder, *, force: bool = False) -> Plan:
    """Plan an experiment: list its cells, find the finished ones, and order the others.

    Raises IndievalueError if a setting, predictor, demographic or result of the paper is unknown, a comparison
    matches no pair of cells, or a finished cell has other settings or data.
    """
    check_predictors(experiment, inputs.asking)
    every, left_out = _usable(cells(experiment, inputs.people.survey, inputs.seed), experiment, inputs)
    if left_out:
        experiment = without_absent_pairs(experiment, every)
    for cell in {fit_of(cell): cell for cell in every if cell.asked.asking}.values():
        inputs.predictor(cell)
    paper_figures(experiment.paper, experiment.name)
    by = [experiment.by] if experiment.by not in (None, *OF_PROBES) else []
    if experiment.by == DESIRABILITY:
        sensitive_questions(inputs.people.survey)  # fail fast
    for name in [*(experiment.demographics or ()), *filter(None, by)]:
        inputs.people.survey.demographic(name)
    for name in filter(None, by):
        if not inputs.tested.demographics[name].count():
            raise IndievalueError(
                f"experiment {experiment.name} breaks accuracy down by {name}, which is known of nobody who is tested"
            )
    finished = {cell.name: folder.finished(cell, inputs.made_of(cell), force=force) for cell in every}
    left = [cell for cell in every if finished[cell.name] is None]
    if any(cell.settings.show_by == "similar" for cell in left):
        check_embedder()
    order = {key: place for place, key in enumerate(dict.fromkeys(map(fit_of, left)))}
    left.sort(key=lambda cell: order[fit_of(cell)])
    return Plan(
        experiment,
        tuple(every),
        {cell: said for cell in every if (said := finished[cell.name]) is not None},
        tuple(left),
        len(inputs.ids),
        len(inputs.training),
        {cell: sum(len(setup.probes) for setup in inputs.setups(cell)) for cell in every},
        left_out,
    )


def _usable(every: Sequence[Cell], experiment: Experiment, inputs: CellInputs) -> tuple[list[Cell], dict[str, int]]:
    """Return the cells that can be computed, and how many others there are by the reason why not.

    Raises UnusableBlockError, with a reason, if none can be, and IndievalueError if a comparison matches no pair of
    all cells.
    """
    compared_pairs(experiment, every)
    names = [name for name in experiment.predictors if not name.startswith(REASONER)]
    predictors = {name: make_predictor(name, inputs.asking) for name in names}
    usable, left_out = [], Counter[str]()
    for cell in every:
        blocks = cell.settings.blocks
        try:
            check_blocks(inputs.people, blocks)
            if cell.predictor in predictors:
                refuse_unused(cell.predictor, predictors[cell.predictor], blocks)
            usable.append(cell)
        except UnusableBlockError as error:
            left_out[str(error)] += 1
    if not usable:
        raise UnusableBlockError(next(iter(left_out)))
    return usable, dict(left_out)


def check_predictors(experiment: Experiment, asking: AskingOptions | None = None) -> None:
    """Raise IndievalueError if a predictor is unknown or named twice, or the experiment is about one language model."""
    _check_one_model(experiment)
    names, trained = experiment.predictors, {f"{REASONER}{name}" for name in experiment.trained}
    for name in names:
        kind_of(name)
    make_predictors([name for name in names if name not in trained], asking)


def _check_one_model(experiment: Experiment) -> None:
    one = isinstance(experiment.figure, SpecificationsFigure)
    if one and (len(experiment.predictors) > 1 or not kind_of(experiment.predictors[0]).reads_prompts):
        raise IndievalueError(
            f"experiment {experiment.name} is about one language model: give one --predictor, such as local:smollm2 or "
            f"openai/gpt-4o, not {', '.join(experiment.predictors)}"
        )
    if experiment.repeats > 1 and not one:
        raise IndievalueError(f"--repeats is for experiments on how a model is asked, not for {experiment.name}")


def run_cells(
    planned: Plan,
    inputs: CellInputs,
    folder: Folder,
    done: Callable[[Cell, Mapping[str, float]], None] = lambda cell, seconds: None,
    say: Callable[[str], None] = lambda line: None,
    placement: Placement = HERE,
) -> None:
    """Compute and store all remaining cells.

    ``done`` is called with each stored cell and its seconds to ``fit`` and to ``predict``; ``say`` with lines about
    calls, tokens and shards.
    """
    with Machines(placement, say) as machines:
        for cell in planned.left:
            made_of = inputs.made_of(cell)
            start = time.perf_counter()
            fitting = _Fitting(inputs, cell)
            benchmark = inputs.benchmark(cell)
            predicting = predicting_here(cell.predictor)
            if placement.is_sharded:
                predicting = InShards(
                    machines, folder.shards(cell), cell.predictor, fitting.unfitted(), json.dumps(made_of), say=say
                )
            predicted = predicting(fitting, benchmark)
            taken = time.perf_counter() - start
            seconds = {"fit": round(fitting.seconds, 3), "predict": round(taken - fitting.seconds, 3)}
            effort = {"effort": predicted.effort} if predicted.effort else {}
            about = {**made_of, "seconds": seconds, **effort}
            folder.write(cell, about, predicted.predictions, partial(predicted.write_log, benchmark))
            folder.delete_shards(cell)
            done(cell, seconds)
            for line in predicted.lines:
                say(line)


@dataclass
class _Fitting:
    """Fits a cell's predictor when it is called, and counts the seconds that this takes."""

    inputs: CellInputs
    cell: Cell
    seconds: float = 0.0

    def __call__(self) -> Predictor:
        start = time.perf_counter()
        predictor = self.inputs.fitted(self.cell)
        self.seconds = time.perf_counter() - start
        return predictor

    def unfitted(self) -> Predictor:
        """Return a new predictor of the cell's name."""
        return self.inputs.predictor(self.cell)


def cell_predictions(planned: Plan, folder: Folder) -> Iterator[tuple[Cell, pl.DataFrame]]:
    """Yield each cell with its predictions, in the order of the grid."""
    for cell in planned.cells:
        yield cell, folder.predictions(cell)


def fit_of(cell: Cell) -> Fitted:
    """Return the key of the fit that the cell uses."""
    asked = (*cell.asked.asking.items(), cell.asked.repeat) if kind_of(cell.predictor).reads_prompts else ()
    return cell.predictor, cell.settings.form, cell.settings.shown_form, asked


def compared_demographics(experiment: Experiment, inputs: CellInputs) -> tuple[str, ...]:
    """Return the demographics whose groups are compared: the experiment's, or else the survey's."""
    return experiment.demographics or inputs.people.survey.inequity or tuple(inputs.tested.demographics.columns)


def people_facts(inputs: CellInputs) -> dict[str, object]:
    """Return the people tested and learned from, for ``run.json``."""
    return {
        "survey": inputs.people.survey.name,
        "people": len(inputs.ids),
        "training_people": len(inputs.training),
        "seed": inputs.seed,
        "weights": inputs.weighting,
        "data": inputs.people.findings.as_dict(),
        "eligibility": asdict(inputs.eligibility),
    }


def _digest(text: str) -> str:
    return hashlib.blake2b(text.encode(), digest_size=8).hexdigest()
