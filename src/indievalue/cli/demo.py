"""``indievalue demo``: synthetic people, a benchmark, three predictors, a report."""

from pathlib import Path
from typing import Annotated

import typer

from indievalue.cli.options import Force, Seed, SourceFlags, notes, out


def demo(
    directory: Annotated[Path, typer.Option("--out", help="Directory to write.")] = Path("indievalue-demo"),
    seed: Seed = 0,
    force: Force = False,
) -> None:
    """Run a demo without any data: synthetic people, a benchmark, three predictors, a report."""
    from indievalue.benchmark.build import build_benchmark
    from indievalue.benchmark.model import Settings
    from indievalue.choices import FORMS
    from indievalue.evaluation import Call, evaluate
    from indievalue.files import new_directory
    from indievalue.report.page import write_report
    from indievalue.report.terminal import print_summary
    from indievalue.runs.run import Run

    people = SourceFlags(seed=seed).people("synthetic:5000")
    runs: list[Run] = []
    with new_directory(directory, force=force) as folder:
        for form in FORMS:
            benchmark = build_benchmark(people, Settings(form=form, seed=seed), 300)
            arguments = {"command": "demo", "seed": seed}
            predictors = ["random", "majority", "resemble:k=35"]
            runs.append(evaluate(people, benchmark, predictors, folder / form, call=Call(arguments=arguments)))
            print_summary(runs[-1].scores, form, out)
        write_report(runs, folder / "report.html")
    notes.print(f"Report: {directory / 'report.html'}")
