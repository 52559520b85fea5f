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
    """Try it without any data: synthetic people, a benchmark, three predictors, a report."""
    from indievalue.benchmark.build import build_benchmark
    from indievalue.benchmark.model import Settings
    from indievalue.evaluation import evaluate as run_evaluation
    from indievalue.files import new_directory
    from indievalue.report.page import write_report
    from indievalue.report.terminal import print_summary
    from indievalue.runs.run import load_run
    from indievalue.survey.model import FORMS

    people = SourceFlags(seed=seed).people("synthetic:5000")
    with new_directory(directory, force=force) as folder:
        for form in FORMS:
            benchmark = build_benchmark(people, Settings(form=form, seed=seed), 300)
            arguments = {"command": "demo", "seed": seed}
            predictors = ["random", "majority", "resemble:k=35"]
            summary = run_evaluation(people, benchmark, predictors, folder / form, arguments=arguments)
            print_summary(summary, form, out)
        write_report([load_run(folder / form) for form in FORMS], folder / "report.html")
    notes.print(f"Report: {directory / 'report.html'}")
