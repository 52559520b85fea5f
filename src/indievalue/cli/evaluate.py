"""``indievalue evaluate``: evaluate predictors on a benchmark."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache, partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from indievalue.choices import USUAL, Weights
from indievalue.cli.benchmark_options import BenchmarkFlags, PromptFlags
from indievalue.cli.config import Config, configuration, values_of
from indievalue.cli.model_options import AskingFlags, print_cost
from indievalue.cli.options import (
    Data,
    ExamplePerson,
    Failures,
    Force,
    Further,
    InMemory,
    Out,
    SourceFlags,
    conditions,
    escaped,
    files_of,
    notes,
    out,
    seed_of,
)
from indievalue.cli.scale_options import ScaleFlags, repeatable
from indievalue.errors import IndievalueError
from indievalue.redact import without_secrets

if TYPE_CHECKING:
    from indievalue.benchmark.model import Benchmark
    from indievalue.evaluation import Call
    from indievalue.people.blocks import PeopleBlocks
    from indievalue.people.people import People
    from indievalue.predictors.protocol import Predictor
    from indievalue.scale.placement import Placement


_DRAWN = "synthetic people, probes, people to test, statements shown, folds, training and bootstrap draws"
"""What `--seed` is of."""


@dataclass(frozen=True)
class EvaluationFlags:
    """The predictors to evaluate, and the benchmark."""

    predictor: Annotated[
        list[str],
        typer.Option(
            "--predictor",
            "--model",
            help="random, majority, resemble:k=35, gaussian, masked, blend, boosting, logistic, embedding, "
            "similar-majority, local:MODEL or vllm:MODEL for a language model on this machine, or PROVIDER/MODEL for a "
            "chat model; repeat for more.",
        ),
    ]
    saved: Annotated[
        Path | None, typer.Option("--benchmark", help="Saved benchmark to use instead of drawing one.")
    ] = None
    figures: Annotated[bool, typer.Option("--figures", help="Also write all figures and tables as files.")] = False
    example: ExamplePerson = None
    folds: Annotated[
        int | None,
        typer.Option(
            "--folds",
            min=1,
            help="Folds of cross-fitting: each person is predicted by what was learned from all others outside their "
            "fold. 1: learn only from people who are not tested [default: 1, or 5 if most people are tested].",
        ),
    ] = None
    reference: Annotated[
        list[str] | None,
        typer.Option(
            "--reference",
            metavar="PREDICTOR",
            help="Predictor that learns the --unseen-questions all the same, to compare others with; repeat for more.",
        ),
    ] = None
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only print the number of calls, tokens and shards.")] = (
        False
    )


@dataclass(frozen=True)
class LearningFlags:
    """Files whose people predictors learn from, in place of those of the data."""

    learn_from: Annotated[
        list[str] | None,
        typer.Option(
            "--learn-from",
            metavar="FILE",
            help="File whose people predictors learn from, instead of the untested people of DATA: of the same survey, "
            "or of one that names the same items (docs: A survey as YAML); repeat for more.",
        ),
    ] = None
    learn_survey: Annotated[
        list[str] | None,
        typer.Option(
            "--learn-survey",
            metavar="SURVEY",
            help="Folder of a survey of your own that a --learn-from file may be of; repeat for more.",
        ),
    ] = None
    learn_rows: Annotated[
        list[str] | None,
        typer.Option(
            "--learn-rows", metavar="COLUMN=VALUES", help="Learn only from rows with these values, as for --rows."
        ),
    ] = None

    def others(self, source: SourceFlags) -> "list[People]":
        """Read the people to learn from, each file on its own, and print findings.

        Files are read like the data, and are of its survey, of one of ``learn_survey``, or of one that ships.
        """
        from indievalue.people.people import People
        from indievalue.people.read import read_people

        if not self.learn_from and (self.learn_survey or self.learn_rows):
            raise typer.BadParameter("--learn-survey and --learn-rows are of use with --learn-from FILE")
        surveys = (*([source.survey] if source.survey else []), *(self.learn_survey or ()))
        rows = conditions(self.learn_rows, "--learn-rows")
        options = replace(source.read_options(), rows=rows, surveys=surveys)
        found: list[People] = []
        for file in self.learn_from or ():
            found.append(read_people(file, options=options))
            for line in found[-1].findings.lines():
                notes.print(escaped(line), soft_wrap=True)
        return found


def evaluate(
    context_of_call: typer.Context,
    data: Data,
    directory: Out,
    asked: EvaluationFlags,
    drawing: BenchmarkFlags,
    prompt: PromptFlags,
    asking: AskingFlags,
    source: Annotated[SourceFlags, {"seed": seed_of(_DRAWN)}],
    learning: LearningFlags,
    scale: ScaleFlags,
    weights: Annotated[
        Weights,
        typer.Option("--weights", help="Survey weights: none, or with countries weighted equally or by population."),
    ] = USUAL.weights,
    further: Further = None,
    in_memory: InMemory = None,
    force: Force = False,
    config: Config = None,
) -> None:
    """Evaluate predictors on a benchmark; write predictions, scores and a report."""
    from indievalue.evaluation import evaluate as run_evaluation
    from indievalue.files import check_directory
    from indievalue.predictors.registry import make_predictors
    from indievalue.report.figures.vega import start_vega
    from indievalue.report.paper import paper_of
    from indievalue.report.terminal import print_summary
    from indievalue.scale.sharded import refuse_unplaced

    with values_of(context_of_call, "template", "generate", "model-arg", "price", "limit-cost"):
        how = asking.asking(prompt.style())
    with values_of(context_of_call, "on"):
        placement = scale.placement()
    with values_of(context_of_call, "predictor"):
        made = make_predictors(asked.predictor, how)  # fail fast, before reading the data
        if placement.is_sharded:
            refuse_unplaced(made)
    with values_of(context_of_call, "reference"):
        make_predictors(asked.reference or (), how)
    if not asked.dry_run:
        check_directory(directory, force=force)
        start_vega()
    with values_of(context_of_call, "learn-from", "learn-survey", "learn-rows"):
        others = learning.others(source)
    people, drawn = _drawn(context_of_call, files_of(data, further), asked, drawing, source, others, in_memory)
    with values_of(context_of_call, "example"):
        _check_example(asked.example, drawn)
    with values_of(context_of_call, "predictor"):
        untested = cache(partial(_untested, people, drawn))
        _print_costs(made, untested, drawn)
        if asked.dry_run and placement.is_sharded:
            _print_forecast(made, untested, drawn, placement, scale.rate)
    del made, untested  # so that each can be released once it has answered
    if asked.dry_run:
        return
    failures = Failures()
    with repeatable():
        run = run_evaluation(
            people,
            drawn,
            asked.predictor,
            directory,
            asking=how,
            force=force,
            weights=weights,
            folds=asked.folds,
            learn_from=others,
            placement=placement,
            references=asked.reference or (),
            call=_call(context_of_call, source.survey, asked, directory, failures),
        )
    print_summary(run.scores, drawn.settings.form, out, paper=paper_of(run))
    failures.end(directory)


def _call(
    context: typer.Context, survey: str | None, asked: EvaluationFlags, directory: Path, failures: Failures
) -> "Call":
    """Return what is recorded of the call, and where its progress is told and what fails is noted."""
    from indievalue.evaluation import Call

    return Call(
        arguments={name: without_secrets(_plain(value), name) for name, value in context.params.items()},
        survey=survey,
        progress=lambda line: notes.print(escaped(line), style="dim", soft_wrap=True),
        figures=asked.figures,
        example=asked.example,
        config=configuration(context, directory),
        warn=failures.found.append,
    )


def _print_costs(made: "Mapping[str, Predictor]", untested: "Callable[[], People]", drawn: "Benchmark") -> None:
    """Print the calls and tokens of predictors that cost something. ``untested`` returns the people to learn from."""
    from indievalue.predictors.registry import kind_of

    for name, predictor in made.items():
        if predictor.learns and kind_of(name).reads_prompts:  # the prompts show people that it is given
            predictor.fit(untested(), drawn.settings.form)
        if cost := predictor.cost(task for _, task in drawn.tasks()):
            print_cost(name, cost)


def _print_forecast(
    made: "Mapping[str, Predictor]",
    untested: "Callable[[], People]",
    drawn: "Benchmark",
    placement: "Placement",
    rate: float | None,
) -> None:
    """Print what predicting in shards takes."""
    from indievalue.scale.forecast import forecast

    others = untested()
    for name, predictor in made.items():
        fit = partial(predictor.fit, others, drawn.settings.form, drawn.settings.shown_form)
        expected = forecast(name, predictor, drawn, placement, fit if len(others) else None)
        for line in expected.lines(name, rate):
            notes.print(escaped(line), soft_wrap=True)


def _check_example(person: str | None, drawn: "Benchmark") -> None:
    if person is not None and person not in drawn.people.rows:
        raise IndievalueError(f"--example: {person!r} is not among the {len(drawn.people):,} people tested")


def _untested(people: "People | PeopleBlocks", drawn: "Benchmark") -> "People":
    """Return the people who are not tested, or a sample of them if they do not fit memory."""
    from indievalue.people.blocks import PeopleBlocks
    from indievalue.runs.folds import Learning
    from indievalue.runs.in_blocks import LearningInBlocks

    if isinstance(people, PeopleBlocks):
        return LearningInBlocks.of(people, drawn, 1).untested
    return Learning(people, drawn, 1).untested


def _drawn(
    context: typer.Context,
    data: Sequence[str],
    asked: EvaluationFlags,
    drawing: BenchmarkFlags,
    source: SourceFlags,
    others: "Sequence[People]",
    in_memory: int | None,
) -> "tuple[People | PeopleBlocks, Benchmark]":
    """Read the people, and draw or load the benchmark; probes are drawn among questions that the ``others`` share."""
    from indievalue.benchmark.build import build_benchmark
    from indievalue.benchmark.storage import load_benchmark
    from indievalue.predictors.ranking import rank_statements
    from indievalue.runs.elsewhere import shared_ids

    drawn_by = ("setup", "demonstrations", "show", "people", "people-file", "unseen-questions")
    with values_of(context, *drawn_by):
        settings, tested = drawing.settings(source.seed), drawing.tested()
    reading = ("data", "further", "survey", "sheet", "header-row", "encoding", "person-columns", "rows", "in-memory")
    with values_of(context, *reading):
        people = source.blocks(data, in_memory) or source.people(data)
    with values_of(context, "learn-from"):
        among = shared_ids(others, people.survey)
    if asked.saved:
        if drawing.unseen_questions:
            raise typer.BadParameter(
                "--unseen-questions are chosen when a benchmark is drawn, and --benchmark has its own: give one of "
                "the two"
            )
        with values_of(context, "benchmark"):
            return people, load_benchmark(asked.saved, people)
    with values_of(context, *drawn_by):
        drawing.check_tested(tested, people)
        drawn = build_benchmark(people, settings, tested, ranking=rank_statements, questions=among)
    if tested is None:
        eligible = drawn.eligibility.eligible
        notes.print(f"Testing {len(drawn.people):,} of {eligible:,} eligible people")
    return people, drawn


def _plain(value: object) -> object:
    if isinstance(value, list | tuple):
        return [_plain(one) for one in value]
    return str(value) if isinstance(value, Path) else value
