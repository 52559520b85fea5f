"""``indievalue import``: score the answers of another program."""

from pathlib import Path
from typing import Annotated

import typer

from indievalue.cli.options import Data, Force, Out, Seed, SurveyOption, notes, one_of, out, people_of


def import_answers(
    file: Annotated[Path, typer.Argument(metavar="FILE.jsonl", help="Answers, one JSON object a line.")],
    data: Data,
    benchmark: Annotated[Path, typer.Option("--benchmark", help="The saved benchmark that was asked.")],
    directory: Out,
    name: Annotated[str, typer.Option("--name", help="What to call the program that answered.")] = "imported",
    prompts: Annotated[
        Path | None, typer.Option("--prompts", help="The exported prompts.jsonl, for answers with id and text.")
    ] = None,
    missing: Annotated[
        str, typer.Option("--missing", help="Probes without an answer: refuse the file, or count them as invalid.")
    ] = "refuse",
    survey: SurveyOption = None,
    seed: Seed = 0,
    force: Force = False,
) -> None:
    """Score the answers of any other program: a run directory, as `evaluate` writes one."""
    from indievalue.benchmark.storage import load_benchmark
    from indievalue.evaluation import evaluate
    from indievalue.exchange.answers import Answered
    from indievalue.files import check_directory
    from indievalue.report.paper import paper_about
    from indievalue.report.terminal import print_summary

    check_directory(directory, force=force)
    wanted = one_of(missing, "refuse", "invalid")
    people = people_of(data, survey, seed)
    asked = load_benchmark(benchmark, people)
    answered = Answered(file, asked, prompts, wanted)
    arguments = {"command": "import", "file": str(file), "data": data, "benchmark": str(benchmark), "missing": missing}
    summary = evaluate(people, asked, {name: answered}, directory, arguments=arguments, survey=survey, force=force)
    print_summary(summary, asked.settings.form, out, paper=paper_about(people.findings))
    notes.print(f"Report: {directory / 'report.html'}")
