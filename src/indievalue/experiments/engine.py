"""Runs the cells of an experiment: people are read once, drawn from once, learned from once, and no cell twice."""

import hashlib
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any, Literal

import numpy as np
import polars as pl

from indievalue.benchmark.build import build_benchmark
from indievalue.benchmark.model import Benchmark, Eligibility, Settings
from indievalue.benchmark.narrow import with_demonstrations_about, with_first_demonstrations
from indievalue.choices import FormName
from indievalue.errors import IndievalueError
from indievalue.experiments.folder import FORMAT, Folder
from indievalue.experiments.grid import Cell, cells, compared_pairs
from indievalue.experiments.spec import CATEGORY, EVERYTHING, NOTHING, REASONER, Experiment
from indievalue.people.people import People
from indievalue.predictors.asking import AskingOptions
from indievalue.predictors.predictions import predict
from indievalue.predictors.protocol import Cost, Predictor
from indievalue.predictors.registry import kind_of, make_predictor, make_predictors
from indievalue.report.paper import paper_figures

Fitted = tuple[str, FormName, FormName]
"""Predictor, form of the probes, form of the demonstrations: what a fit depends on."""


@dataclass(frozen=True)
class Plan:
    """What is to be run.

    Attributes:
        finished: cells that need not be computed → what their ``cell.json`` says. left: the others, in running order.
        probes: that each person is asked in each cell left, in that order; wrapped repeats counted once.
    """

    experiment: Experiment
    cells: tuple[Cell, ...]
    finished: Mapping[Cell, Mapping[str, Any]]
    left: tuple[Cell, ...]
    tested: int
    training: int
    probes: Mapping[Cell, int]


@dataclass(frozen=True)
class Reasoner:
    """A reasoner that an experiment trains: where it is, and all that decides what it learns."""

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
    ) -> None:
        """Raises IndievalueError where the people to test are not to be had, or nobody else is left to learn from."""
        drawn = build_benchmark(people, Settings(seed=seed), tested)
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

    def benchmark(self, cell: Cell) -> Benchmark:
        """The benchmark of a cell, out of one draw for all cells that differ only in how much is shown."""
        settings = cell.settings
        # Told apart by what the draw depends on: `same` and the name of that same form draw alike.
        full = replace(settings, demonstrations=None, demonstrations_as=settings.shown_form, context="statements")
        if full not in self._drawn:
            self._drawn[full] = build_benchmark(self.people, full, self.ids)
        drawn = self._drawn[full]
        subject = cell.asked.demonstrations_about
        narrowed = drawn if subject in (EVERYTHING, NOTHING) else with_demonstrations_about(drawn, subject)
        if settings.demonstrations is not None:
            narrowed = with_first_demonstrations(narrowed, settings.demonstrations)
        return replace(narrowed, settings=replace(settings, setups=drawn.settings.setups))

    def fitted(self, cell: Cell) -> Predictor:
        """The cell's predictor, fitted. One fit is kept, so cells that share it had better follow each other."""
        key = fit_of(cell)
        if self._fitted is None or self._fitted[0] != key:
            self._fitted = None  # before the next is made: some take a gigabyte
            self._fitted = key, self.predictor(cell.predictor).fit(self.training, *key[1:])
        return self._fitted[1]

    def _is_asked_otherwise(self, cell: Cell) -> bool:
        """Whether the cell's predictor reads prompts, and these are not written and sent as usual."""
        return kind_of(cell.predictor).reads_prompts and bool(self.asking.decisive())

    def predictor(self, name: str) -> Predictor:
        """Return a new predictor by its name in the experiment, which may be that of a reasoner it trains."""
        trained = self.reasoners.get(name)
        return make_predictor(f"{REASONER}{trained.folder}" if trained else name, self.asking)

    def costs(self, left: Sequence[Cell]) -> dict[str, Cost]:
        """Count what asking the cells ``left`` would take at most, by predictor; a prompt of two cells counts once."""
        costs = {}
        for name in dict.fromkeys(cell.predictor for cell in left if cell.predictor not in self.reasoners):
            of_it = [cell for cell in left if cell.predictor == name]
            cost = self.predictor(name).cost(task for cell in of_it for _, task in self.benchmark(cell).tasks())
            if cost is not None:
                costs[name] = cost
        return costs

    def made_of(self, cell: Cell) -> dict[str, object]:
        """Everything a cell's predictions depend on, as plain values."""
        return {
            "format": FORMAT,
            "predictor": cell.predictor,
            "axes": dict(cell.axes),
            "settings": cell.asked.model_dump(mode="json"),
            "seed": cell.seed,
            "survey": self._survey,
            "data": self.people.findings.fingerprint,
            "people": self._people,
            **({"training": self.reasoners[cell.predictor].made_of} if cell.predictor in self.reasoners else {}),
            **({"asking": self.asking.decisive()} if self._is_asked_otherwise(cell) else {}),
        }


def plan(experiment: Experiment, inputs: CellInputs, folder: Folder, *, force: bool = False) -> Plan:
    """Which cells there are, which of them are finished, and in which order to run the others.

    Raises IndievalueError where a setting, a predictor, a demographic or a printed figure is unknown, a
    comparison fits no two cells, or a finished cell is of other settings or data.
    """
    check_predictors(experiment, inputs.asking)
    every = cells(experiment, inputs.people.survey, inputs.seed)
    compared_pairs(experiment, every)
    paper_figures(experiment.paper, experiment.name)
    by = [experiment.by] if experiment.by not in (None, CATEGORY) else []
    for name in [*(experiment.demographics or ()), *filter(None, by)]:
        inputs.people.survey.demographic(name)
    finished = {cell.name: folder.finished(cell, inputs.made_of(cell), force=force) for cell in every}
    left = [cell for cell in every if finished[cell.name] is None]
    order = {key: place for place, key in enumerate(dict.fromkeys(map(fit_of, left)))}
    left.sort(key=lambda cell: order[fit_of(cell)])
    return Plan(
        experiment,
        tuple(every),
        {cell: said for cell in every if (said := finished[cell.name]) is not None},
        tuple(left),
        len(inputs.ids),
        len(inputs.training),
        {cell: sum(len(setup.probes) for setup in inputs.benchmark(cell).setups) for cell in every},
    )


def check_predictors(experiment: Experiment, asking: AskingOptions | None = None) -> None:
    """Raise IndievalueError where a predictor is unknown or named twice."""
    names, trained = experiment.predictors, {f"{REASONER}{name}" for name in experiment.trained}
    for name in names:
        kind_of(name)
    make_predictors([name for name in names if name not in trained], asking)


def run_cells(
    planned: Plan,
    inputs: CellInputs,
    folder: Folder,
    done: Callable[[Cell, Mapping[str, float]], None] = lambda cell, seconds: None,
    say: Callable[[str], None] = lambda line: None,
) -> None:
    """Compute and store every cell left.

    ``done`` is called with each cell as soon as it is stored, and its seconds to ``fit`` and to ``predict``; ``say``
    with lines about what asking took.
    """
    for cell in planned.left:
        start = time.perf_counter()
        predictor = inputs.fitted(cell)
        fitted = time.perf_counter()
        benchmark = inputs.benchmark(cell)
        predictions = predict(cell.predictor, predictor, benchmark)
        seconds = {"fit": round(fitted - start, 3), "predict": round(time.perf_counter() - fitted, 3)}
        report = predictor.effort()
        about = {**inputs.made_of(cell), "seconds": seconds, **({"effort": report.as_dict()} if report else {})}
        folder.write(cell, about, predictions, partial(predictor.write_log, benchmark))
        done(cell, seconds)
        for line in report.lines() if report else ():
            say(line)


def cell_predictions(planned: Plan, folder: Folder) -> Iterator[tuple[Cell, pl.DataFrame]]:
    """The predictions of every cell, one after the other, in the order of the grid."""
    for cell in planned.cells:
        yield cell, folder.predictions(cell)


def fit_of(cell: Cell) -> Fitted:
    """What the cell's predictor is fitted for."""
    return cell.predictor, cell.settings.form, cell.settings.shown_form


def people_facts(inputs: CellInputs) -> dict[str, object]:
    """Who was tested and learned from, for ``run.json``."""
    return {
        "survey": inputs.people.survey.name,
        "people": len(inputs.ids),
        "training_people": len(inputs.training),
        "seed": inputs.seed,
        "data": inputs.people.findings.as_dict(),
        "eligibility": asdict(inputs.eligibility),
    }


def _digest(text: str) -> str:
    return hashlib.blake2b(text.encode(), digest_size=8).hexdigest()
