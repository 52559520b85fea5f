"""``indievalue import``: score the answers of another program."""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer

from indievalue.choices import Missing
from indievalue.cli.options import Data, Failures, Force, Further, Out, SourceFlags, files_of, out


@dataclass(frozen=True)
class AnswerFlags:
    """Options for reading a file of answers."""

    name: Annotated[str, typer.Option("--name", help="Name of the program that answered.")] = "imported"
    prompts: Annotated[
        Path | None, typer.Option("--prompts", help="The exported prompts.jsonl, needed for answers with id and text.")
    ] = None
    missing: Annotated[
        Missing,
        typer.Option(
            "--missing", help="If probes have no answer: refuse the file, count them as invalid, or omit them."
        ),
    ] = "refuse"


def import_answers(
    file: Annotated[Path, typer.Argument(metavar="FILE.jsonl", help="Answers, one JSON object per line.")],
    data: Data,
    benchmark: Annotated[Path, typer.Option("--benchmark", help="The saved benchmark that was answered.")],
    directory: Out,
    answers: AnswerFlags,
    source: SourceFlags,
    further: Further = None,
    force: Force = False,
) -> None:
    """Score the answers of another program and write a run directory, like `evaluate`."""
    from indievalue.benchmark.storage import load_benchmark
    from indievalue.evaluation import Call, evaluate
    from indievalue.exchange.answers import Answered
    from indievalue.files import check_directory
    from indievalue.report.paper import paper_of
    from indievalue.report.terminal import print_summary

    check_directory(directory, force=force)
    people = source.people(files_of(data, further))
    asked = load_benchmark(benchmark, people)
    answered = Answered(file, asked, answers.prompts, answers.missing)
    arguments = {
        "command": "import",
        "file": str(file),
        "data": data,
        "further": further or [],
        "benchmark": str(benchmark),
        "missing": answers.missing,
    }
    call = Call(arguments=arguments, survey=source.survey, warn=(failures := Failures()).found.append)
    run = evaluate(people, asked, {answers.name: answered}, directory, force=force, call=call)
    print_summary(run.scores, asked.settings.form, out, paper=paper_of(run))
    failures.end(directory)
