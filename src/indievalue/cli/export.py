"""``indievalue export``: write prompts for another program."""

from pathlib import Path
from typing import Annotated

import typer

from indievalue.cli.model_options import BatchedOption, OrderOption, TemplateOption, VoiceOption
from indievalue.cli.options import Force, Out, notes


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
