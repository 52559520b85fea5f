"""Commands that hand the benchmark to other programs, and take back their answers."""

from pathlib import Path
from typing import Annotated

import typer

from indievalue.cli.language import BatchedOption, OrderOption, TemplateOption, VoiceOption
from indievalue.cli.options import Data, Force, Out, Seed, SurveyOption, notes, one_of, out, people_of


def export(
    benchmark: Annotated[Path, typer.Argument(metavar="BENCHMARK", help="What `indievalue benchmark` wrote.")],
    to: Annotated[str, typer.Option("--to", help="jsonl, inspect, lm-eval or hf.")],
    directory: Out,
    template: TemplateOption = "single",
    batched: BatchedOption = False,
    voice: VoiceOption = "first",
    option_order: OrderOption = "fixed",
    force: Force = False,
) -> None:
    """Write a benchmark's prompts for another program: plain JSONL, Inspect, lm-evaluation-harness, Hugging Face."""
    from indievalue.exchange.export import export_benchmark
    from indievalue.prompts.prompt import Style

    style = Style(template, batched, voice, option_order)  # type: ignore[arg-type]
    number = export_benchmark(benchmark, to, directory, style, force=force)
    notes.print(f"{number:,} prompts: {directory}")


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
    from indievalue.exchange.answers import Answered
    from indievalue.files import check_directory
    from indievalue.report.paper import paper_about
    from indievalue.report.terminal import print_summary
    from indievalue.run import evaluate

    check_directory(directory, force=force)
    wanted = one_of(missing, "refuse", "invalid")
    people = people_of(data, survey, seed)
    asked = load_benchmark(benchmark, people)
    answered = Answered(file, asked, prompts, wanted)
    arguments = {"command": "import", "file": str(file), "data": data, "benchmark": str(benchmark), "missing": missing}
    summary = evaluate(people, asked, {name: answered}, directory, arguments=arguments, survey=survey, force=force)
    print_summary(summary, asked.settings.form, out, paper=paper_about(people.report))
    notes.print(f"Report: {directory / 'report.html'}")
