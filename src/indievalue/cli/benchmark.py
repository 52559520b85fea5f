"""``indievalue benchmark``: draw and save a benchmark."""

from typing import Annotated

from indievalue.cli.benchmark_options import BenchmarkFlags
from indievalue.cli.options import Data, Force, Further, Out, SourceFlags, files_of, notes, seed_of


def benchmark(
    data: Data,
    directory: Out,
    drawing: BenchmarkFlags,
    source: Annotated[SourceFlags, {"seed": seed_of("synthetic people, probes, people to test and statements shown")}],
    further: Further = None,
    force: Force = False,
) -> None:
    """Draw a benchmark and save it as data and text, for other programs or `evaluate --benchmark`."""
    from indievalue.benchmark.build import build_benchmark
    from indievalue.benchmark.storage import save_benchmark
    from indievalue.predictors.ranking import rank_statements

    settings, tested = drawing.settings(source.seed), drawing.tested()
    people = source.people(files_of(data, further))
    drawing.check_tested(tested, people)
    drawn = build_benchmark(people, settings, tested, ranking=rank_statements)
    save_benchmark(drawn, directory, force=force)
    notes.print(f"Benchmark of {len(drawn.people):,} people: {directory}")
