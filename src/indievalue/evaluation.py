"""Evaluate predictors on a benchmark."""

import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from itertools import islice
from pathlib import Path
from threading import Thread

import polars as pl
from pydantic import TypeAdapter

from indievalue.benchmark.model import Benchmark, Settings
from indievalue.benchmark.storage import benchmark_hash, task_texts
from indievalue.benchmark.together import with_probes_together
from indievalue.choices import Weights
from indievalue.errors import IndievalueError
from indievalue.files import check_directory, only_writer
from indievalue.memory import return_memory
from indievalue.people.blocks import PeopleBlocks
from indievalue.people.catalog import people_table
from indievalue.people.people import People
from indievalue.predictors.asking import AskingOptions
from indievalue.predictors.protocol import Predictor, refuse_unused
from indievalue.predictors.registry import adopt, make_predictor
from indievalue.runs.elsewhere import elsewhere
from indievalue.runs.folds import Learning
from indievalue.runs.in_blocks import LearningInBlocks
from indievalue.runs.parts import Part, Parts, ask_predictor
from indievalue.runs.record import FORMAT, Example, Placed, Record, installed_versions
from indievalue.runs.run import Run
from indievalue.runs.storage import draw_run, write_run
from indievalue.scale.machines import Machines
from indievalue.scale.placement import HERE, Placement
from indievalue.scale.sharded import InShards, refuse_unplaced
from indievalue.scoring.accuracy import PredictorScore, summarise
from indievalue.scoring.ceiling import Ceilings, estimate_ceilings, with_ceilings
from indievalue.scoring.weighting import named_weights

EXAMPLES = 1
"""Number of people whose statements and probes are written to ``example.json``."""

Predictors = str | Predictor | Sequence[str | Predictor] | Mapping[str, Predictor]
"""One or more predictors: names, objects, or a mapping from the names shown in tables to objects."""


@dataclass(frozen=True)
class Call:
    """The call of an evaluation, as recorded in ``run.json``, and how to report progress.

    Attributes:
        arguments: by name. survey: name or folder of the survey, if given.
        progress: called with a line of text at every step.
        figures: whether to write figures and tables beside the report.
        example: id of a person whose statements and answers the report shows; by default no real person's.
        config: the options as YAML, written to ``evaluate.yaml``; by default no such file is written.
        warn: called with what to do if the run is saved but its report fails; by default a Python warning.
    """

    arguments: Mapping[str, object] = field(default_factory=dict)
    survey: str | None = None
    progress: Callable[[str], None] = lambda line: None
    figures: bool = False
    example: str | None = None
    config: str | None = None
    warn: Callable[[str], None] = lambda text: warnings.warn(text, stacklevel=3)


def evaluate(
    people: People | PeopleBlocks,
    benchmark: Benchmark,
    predictors: Predictors,
    out: str | Path | None = None,
    *,
    asking: AskingOptions | None = None,
    force: bool = False,
    weights: Weights = "none",
    folds: int | None = None,
    learn_from: People | Sequence[People] | None = None,
    placement: Placement = HERE,
    references: Predictors = (),
    call: Call | None = None,
) -> Run:
    """Evaluate predictors on a benchmark.

    Args:
        people: everybody in the data; predictors are fitted on those who are not tested, and with ``folds`` on others.
            Of people in blocks, predictors that cannot learn by block get a sample, which the record names.
        benchmark: the people to test, and their probes and demonstrations.
        predictors: names such as ``"resemble:k=35"``, ``"openai/gpt-4o"`` (a chat model) or ``"local:MODEL"`` (a model
            on this machine), see :func:`indievalue.predictors.registry.make_predictor`; predictor objects; a list of
            these; or a mapping from the names shown in tables to predictors.
        out: directory to write the run to. Predictions are stored as soon as a predictor finishes: after a crash or an
            interrupt, the same call runs only the predictors that had not finished. The directory gets its final name
            only when the run is complete; a report that fails then is a warning. By default nothing is written (see
            :meth:`indievalue.runs.run.Run.save`).
        asking: options for language models given by name. A prompt of theirs that asks all probes of a setup shows all
            statements that were chosen for any of these; so all predictors are shown them.
        force: replace the contents of ``out``. call: arguments to record in ``run.json``, and progress reporting.
        weights: how scores and report weight people (see :meth:`indievalue.runs.run.Run.weighted`).
        folds: number of folds for cross-fitting: each person is predicted by what was learned from everybody outside
            their fold. 1: predictors learn only from people who are not tested. By default 1, or 5 if most people are
            tested (see :class:`indievalue.runs.folds.Learning`).
        learn_from: people of other files to learn from, in place of ``people``, of the same survey or of one that names
            the same items (``same_as``). People with the id of somebody tested are left out. Probes of questions that
            nobody was asked are predicted at random; ``questions`` of :func:`build_benchmark` avoids them.
        placement: where predictions are computed, and in how many shards of people, each of which is stored as soon as
            it is finished, beside ``out`` (see :class:`indievalue.Placement`).
        references: predictors that learn the benchmark's unseen questions, too, so that the others can be compared with
            one that knows these questions; they are called ``NAME, knowing``.

    Raises IndievalueError if a predictor is unknown, named twice or cannot use a block of the context, nobody is left
    to learn from, there are more folds than people tested, ``out`` is not empty (unless ``force``) or cannot be
    written, or another process is writing to it.

    >>> import indievalue as iv
    >>> people = iv.synthetic_people(400)
    >>> benchmark = iv.build_benchmark(people, people_tested=50, setups=[0])
    >>> run = iv.evaluate(people, benchmark, ["majority", iv.Resemble(k=5)])
    >>> run.summary["predictor"].to_list()
    ['majority', 'resemble:k=5']
    """
    call = call or Call()
    if asking is not None and asking.style.together:
        benchmark = with_probes_together(benchmark)
    tested = people_table(benchmark.people)
    named_weights(tested, people.survey, weights, people.findings.unweighted)  # fail fast, before asking predictors
    made = named_predictors(predictors, asking)
    known = _knowing(references, asking, benchmark)
    for name, predictor in {**made, **known}.items():
        refuse_unused(name, predictor, benchmark.settings.blocks)
    others = [learn_from] if isinstance(learn_from, People) else learn_from or []
    if placement.is_sharded:
        _refuse_unplaced({**made, **known}, out)
    learning = _learning(people, benchmark, folds, {**made, **known}, others)
    for predictor in made.values():
        learning.expecting(predictor)  # fail fast
    for sentence in learning.explained():
        call.progress(sentence)
    learned = dict.fromkeys(made, learning) | {name: replace(learning, knowing=True) for name in known}
    made |= known
    if out is None:
        parts = [ask_predictor(name, one, learned[name], call.progress) for name, one in made.items()]
        return _run(learning, parts, call, weights, references=tuple(known))
    return _stored(made, learned, Path(out), force=force, weights=weights, placement=placement, call=call)


def _stored(
    made: dict[str, Predictor],
    learned: dict[str, Learning],
    out: Path,
    *,
    force: bool,
    weights: Weights,
    placement: Placement,
    call: Call,
) -> Run:
    """Evaluate predictors and write the run to ``out``, storing what is finished on the way.

    ``learned`` are the people that each predictor learns from.
    """
    check_directory(out, force=force)
    Thread(target=import_report, daemon=True).start()
    learning, references = next(iter(learned.values())), tuple(name for name, one in learned.items() if one.knowing)
    with only_writer(out), Parts(out, learning, call.progress) as stored:
        check_directory(out, force=force)  # again: another process may have finished it meanwhile
        parts, shards = [], {}
        with Machines(placement, call.progress) as machines:
            while made:  # release each predictor once it has answered: some hold a gigabyte
                name = next(iter(made))
                part, shards[name] = _part(name, made.pop(name), learned[name], stored, machines)
                parts.append(part)
                return_memory()
        placed = Placed(placement.on, shards, machines.workers) if placement.is_sharded else None
        run = _run(learning, parts, call, weights, placed, references)
        learned.clear()
        del learning
        return_memory()
        write_run(run, out, force=force, config=call.config)
        stored.finish()
        call.progress("report …")
        if failure := draw_run(run, out, figures=call.figures, example=call.example):
            call.warn(failure)
    return run


def _part(name: str, predictor: Predictor, learning: Learning, stored: Parts, machines: Machines) -> tuple[Part, int]:
    """Return the part of a predictor, and in how many shards it was predicted; 0 if it was finished before."""
    if not machines.placement.is_sharded:
        return stored.get(name, predictor, learning, stored.progress), 0
    in_shards = InShards(
        machines,
        stored.shards(name, predictor),
        name,
        predictor,
        made_of=stored.identity,
        folds=learning.number if predictor.learns else 1,
        say=stored.progress,
    )
    part = stored.get(name, predictor, learning, stored.progress, in_shards)
    in_shards.delete()
    return part, in_shards.shards


def _refuse_unplaced(made: Mapping[str, Predictor], out: str | Path | None) -> None:
    """Raise IndievalueError if predictions cannot be computed in shards."""
    if out is None:
        raise IndievalueError("shards are files: give the directory of the run (out) to predict in shards")
    refuse_unplaced(made)


def _scores(
    predictions: pl.DataFrame, settings: Settings, people: People, parts: Sequence[Part], ceilings: Ceilings
) -> dict[str, PredictorScore]:
    """Return the score of each predictor, with how many probes a server did not take, and the ceiling."""
    left_out = {part.name: part.effort.get("unanswered", 0) for part in parts}
    scores = summarise(predictions, settings.seed, people.survey)
    scores = {name: replace(score, unanswered=int(str(left_out[name]))) for name, score in scores.items()}
    return with_ceilings(scores, ceilings, predictions, settings.form)


def import_report() -> None:
    """Import the drawing code and start its engine while the predictors are running."""
    from indievalue.report.figures.vega import start_vega

    start_vega()
    from indievalue.report import page  # noqa: F401


def named_predictors(predictors: Predictors, asking: AskingOptions | None = None) -> dict[str, Predictor]:
    """Return predictors by the name shown in tables. Raises IndievalueError if two have the same name."""
    if isinstance(predictors, Mapping):
        return {name: adopt(predictor) for name, predictor in predictors.items()}
    items = predictors if isinstance(predictors, Sequence) and not isinstance(predictors, str) else [predictors]
    made: dict[str, Predictor] = {}
    for item in items:
        name, predictor = (item, make_predictor(item, asking)) if isinstance(item, str) else (_name_of(item), item)
        if name in made:
            raise IndievalueError(
                "a predictor is named twice"
                if isinstance(item, str)
                else f"two predictors are called {name!r}: give a mapping from the names you choose to predictors"
            )
        made[name] = adopt(predictor)
    if not made:
        raise IndievalueError("no predictor was given to ask")
    return made


def _knowing(references: Predictors, asking: AskingOptions | None, benchmark: Benchmark) -> dict[str, Predictor]:
    """Return the references by the names shown in tables. Raises IndievalueError if there are no unseen questions."""
    if not references:
        return {}
    if not benchmark.settings.unseen_questions:
        raise IndievalueError("references (--reference) are of use with unseen questions (--unseen-questions)")
    return {f"{name}, knowing": predictor for name, predictor in named_predictors(references, asking).items()}


def _name_of(predictor: object) -> str:
    """Return ``resemble:k=5`` for ``Resemble(k=5)``, as on the command line, or the class name for any other repr."""
    kind, text = type(predictor).__name__, repr(predictor)
    if not text.startswith(f"{kind}(") or not text.endswith(")"):
        return kind
    options = text[len(kind) + 1 : -1].replace(", ", ",")
    return f"{kind.lower()}:{options}" if options else kind.lower()


def _learning(
    people: People | PeopleBlocks,
    benchmark: Benchmark,
    folds: int | None,
    made: Mapping[str, Predictor],
    others: Sequence[People],
) -> Learning:
    """Return the people to learn from. Raises IndievalueError if there are none, but a predictor learns."""
    if isinstance(people, PeopleBlocks):
        tested = benchmark.people.ids.tolist()
        return LearningInBlocks.of(
            people, benchmark, folds, elsewhere(others, people.survey, tested) if others else None
        )
    if not any(predictor.learns for predictor in made.values()):
        return Learning(people, benchmark, 1)
    if others:
        return Learning(people, benchmark, folds, elsewhere(others, people.survey, benchmark.people.ids.tolist()))
    learning = Learning(people, benchmark, folds)
    if not learning.fewest:
        raise IndievalueError(
            "everybody in the data is tested, and nobody is left for the predictors to learn from"
            + ("; leave out --folds 1 to learn from other people tested" if len(people) > 1 else "")
        )
    return learning


def _run(
    learning: Learning,
    parts: Sequence[Part],
    call: Call,
    weights: Weights,
    placed: Placed | None = None,
    references: tuple[str, ...] = (),
) -> Run:
    people, benchmark, settings = learning.people, learning.benchmark, learning.benchmark.settings
    predictions = pl.concat(part.predictions for part in parts)
    record = Record(
        survey=call.survey or people.survey.name,
        **{**asdict(settings), "demonstrations_as": settings.shown_form, "setups": tuple(settings.setups or ())},
        references=references,
        people=len(benchmark.people),
        training_people=learning.fewest,
        folds=learning.number,
        data=learning.findings,
        eligibility=benchmark.eligibility,
        arguments=call.arguments,
        versions=installed_versions(),
        seconds={part.name: part.seconds for part in parts},
        effort={part.name: part.effort for part in parts if part.effort},
        format=FORMAT,
        benchmark=benchmark_hash(benchmark),
        learned_from=() if learning.elsewhere is None else learning.elsewhere.sources,
        sampled={part.name: part.sample for part in parts if part.sample is not None},
        placed=placed,
    )
    ceilings = estimate_ceilings(people, benchmark.people.ids.tolist(), settings.seed)
    examples = TypeAdapter(tuple[Example, ...]).validate_python(list(islice(task_texts(benchmark), EXAMPLES)))
    run = Run(
        record,
        people.survey,
        predictions,
        people_table(benchmark.people),
        _scores(predictions, settings, people, parts, ceilings),
        examples,
        benchmark,
        tuple(part.write_log for part in parts),
        ceilings,
    )
    return run if weights == "none" else run.weighted(weights)
