"""``indievalue export``: write prompts for another program."""

from pathlib import Path
from typing import Annotated

import typer

from indievalue.choices import ExportFormat
from indievalue.cli.benchmark_options import PromptFlags
from indievalue.cli.options import Force, Out, escaped, notes, out


def export(
    benchmark: Annotated[
        Path, typer.Argument(metavar="BENCHMARK", help="Directory written by `indievalue benchmark`.")
    ],
    to: Annotated[ExportFormat, typer.Option("--to", help="Format to write.")],
    directory: Out,
    prompt: PromptFlags,
    force: Force = False,
) -> None:
    """Write a benchmark's prompts for another program: JSONL, Inspect, lm-evaluation-harness or Hugging Face."""
    from indievalue.exchange.export import export_benchmark, next_step
    from indievalue.files import reserved

    with reserved(directory, force=force):
        number = export_benchmark(benchmark, to, directory, prompt.style(), force=force)
    notes.print(f"{number:,} prompts: {directory}")
    if step := next_step(to, directory):
        out.print(escaped(step), soft_wrap=True, highlight=False)
