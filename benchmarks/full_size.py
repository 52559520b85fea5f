"""Measure speed and memory on a file of the official size (97,220 people × 613 columns).

    python benchmarks/full_size.py [FILE.csv]

Without a file, one of that size is generated from synthetic people. Each step runs in a separate process, to measure
its time and peak memory. The median of three runs is printed with its limit, and with the time polars needs to read the
same columns.
"""

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import polars as pl

PEOPLE, COLUMNS, RUNS = 97_220, 613, 3

READ_ONLY = """
import sys, polars as pl
from indievalue.survey.load import load_survey
from indievalue.people.decode import needed_columns
needed = needed_columns(load_survey("wvs7"))
columns = [name for name in pl.scan_csv(sys.argv[1]).collect_schema().names() if name in needed]
pl.read_csv(sys.argv[1], columns=columns)
"""
CATALOG = """
import sys
from indievalue.people.catalog import write_catalog
from indievalue.people.read import read_people
write_catalog(read_people(sys.argv[1]), sys.argv[2] + "/catalog", force=True)
"""
RESEMBLE = """
import sys
import numpy as np
from indievalue.benchmark.build import build_benchmark
from indievalue.benchmark.model import Settings
from indievalue.people.read import read_people
from indievalue.predictors.predictions import predict
from indievalue.predictors.resemble import Resemble
people = read_people(sys.argv[1])
for form in ("polar", "refined") if sys.argv[3] == "predict" else ():
    benchmark = build_benchmark(people, Settings(form=form), 800)
    others = people.take(~np.isin(people.ids, benchmark.people.ids))
    predict("resemble:k=35", Resemble(k=35).fit(others, form, form), benchmark)
"""
GAUSSIAN = """
import sys
import numpy as np
from indievalue.benchmark.build import build_benchmark
from indievalue.benchmark.model import Settings
from indievalue.people.read import read_people
from indievalue.predictors.gaussian import Gaussian
from indievalue.predictors.predictions import predict
people = read_people(sys.argv[1])
benchmark = build_benchmark(people, Settings(demonstrations_as="refined"), 800)
others = people.take(~np.isin(people.ids, benchmark.people.ids))
if sys.argv[3] != "draw":
    fitted = Gaussian().fit(others, "polar", "refined")
    fitted.save(sys.argv[2] + "/gaussian.npz")
if sys.argv[3] == "predict":
    predict("gaussian", fitted, benchmark)
"""
HELP = "from indievalue.cli import main; main()"


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", nargs="?", metavar="FILE.csv", help="survey file [default: generated]")
    data = parser.parse_args().data
    with tempfile.TemporaryDirectory() as folder:
        file = data or str(make_file(Path(folder) / "full.csv"))
        print(f"{file}: {Path(file).stat().st_size / 1e6:.0f} MB, {os.cpu_count()} cores, polars {pl.__version__}\n")
        read, read_memory = measure(READ_ONLY, file)
        catalog, catalog_memory = measure(CATALOG, file, folder)
        people, _ = measure(RESEMBLE, file, folder, "read")
        resemble, resemble_memory = measure(RESEMBLE, file, folder, "predict")
        drawn, _ = measure(GAUSSIAN, file, folder, "draw")
        fitted, _ = measure(GAUSSIAN, file, folder, "fit")
        predicted, gaussian_memory = measure(GAUSSIAN, file, folder, "predict")
        size = (Path(folder) / "gaussian.npz").stat().st_size / 1e6
        shown, help_memory = measure(HELP, "--help")
        print("| step | seconds | limit | peak GB | limit |\n|---|---|---|---|---|")
        print(f"| polars reads the columns needed | {read:.2f} | | {read_memory:.2f} | |")
        print(f"| file → catalog, both forms | {catalog:.2f} | 5 | {catalog_memory:.2f} | 1.2 |")
        print(
            f"| resemble, 800 people, 3 setups, 2 forms | {resemble - people:.2f} | 15 | {resemble_memory:.2f} | 1.5 |"
        )
        print(f"| gaussian, fitted to all others and saved ({size:.1f} MB) | {fitted - drawn:.2f} | 5 | | |")
        print(f"| gaussian, 800 people, 3 setups | {predicted - fitted:.2f} | 10 | {gaussian_memory:.2f} | |")
        print(f"| indievalue --help | {shown:.2f} | 0.5 | {help_memory:.2f} | |")
        print(f"\nThe catalog takes {catalog / read:.1f} × as long as reading alone.")


def measure(code: str, *arguments: str) -> tuple[float, float]:
    """Return (median wall-clock seconds, maximum peak resident memory in GB) of ``code`` in separate processes."""
    seconds, memory = [], []
    for _ in range(RUNS):
        start = time.perf_counter()
        process = subprocess.Popen([sys.executable, "-c", code, *arguments], stdout=subprocess.DEVNULL)
        _, status, usage = os.wait4(process.pid, 0)
        seconds.append(time.perf_counter() - start)
        memory.append(usage.ru_maxrss / 1e6)
        if status:
            sys.exit(f"a step failed: {code}")
    return statistics.median(seconds), max(memory)


def make_file(path: Path) -> Path:
    """Write a CSV file of the official size with synthetic people."""
    from indievalue.synthetic.generate import synthetic_people

    people = synthetic_people(PEOPLE)
    questions = {question.id: people.codes[:, at] for at, question in enumerate(people.survey.questions)}
    codes = {"B_COUNTRY": pl.Series([554]).sample(PEOPLE, with_replacement=True)}
    table = pl.DataFrame({"D_INTERVIEW": people.ids.tolist(), "W_WEIGHT": people.weights, **codes, **questions})
    padding = [pl.lit(-4).alias(f"PAD_{number:03d}") for number in range(COLUMNS - table.width)]
    table.with_columns(padding).write_csv(path)
    return path


if __name__ == "__main__":
    main()
