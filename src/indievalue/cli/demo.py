"""``indievalue demo``: synthetic people, a benchmark, three predictors, a report."""

from pathlib import Path
from threading import Thread
from typing import Annotated

import typer

from indievalue.cli.options import Failures, Force, SourceFlags, out, seed_of

_PEOPLE = "synthetic:5000"


def demo(
    data: Annotated[
        str,
        typer.Argument(metavar="[TWIN]", help="What `indievalue twin` wrote, to draw the people from: `FOLDER:5000`."),
    ] = _PEOPLE,
    directory: Annotated[Path, typer.Option("--out", help="Directory to write.")] = Path("indievalue-demo"),
    seed: Annotated[int, seed_of("synthetic people, probes, people to test and statements shown")] = 0,
    force: Force = False,
) -> None:
    """Run a demo without any data: synthetic people, a benchmark, three predictors, a report."""
    from indievalue.benchmark.build import build_benchmark
    from indievalue.benchmark.model import Settings
    from indievalue.choices import FORMS
    from indievalue.evaluation import Call, evaluate, import_report
    from indievalue.files import new_directory
    from indievalue.report.terminal import print_summary
    from indievalue.runs.run import Run
    from indievalue.runs.storage import draw_run, drawing_failure, write_run

    people = SourceFlags(seed=seed).people(data)
    runs: dict[Path, Run] = {}
    with new_directory(directory, force=force) as folder:
        Thread(target=import_report, daemon=True).start()
        for form in FORMS:
            benchmark = build_benchmark(people, Settings(form=form, seed=seed), 300)
            arguments = {"command": "demo", "seed": seed} | ({} if data == _PEOPLE else {"data": data})
            predictors = ["random", "majority", "resemble:k=35"]
            run = evaluate(people, benchmark, predictors, call=Call(arguments=arguments))
            write_run(run, folder / form)
            print_summary(run.scores, form, out)
            runs[directory / form] = run
    failures = Failures([failure for saved, run in runs.items() if (failure := draw_run(run, saved))])

    def draw() -> None:
        from indievalue.report.page import write_report

        write_report(list(runs.values()), directory / "report.html")

    if failure := drawing_failure(draw, directory, list(runs)):
        failures.found.append(failure)
    failures.end(directory)
