"""Measure the main job: evaluate three statistical predictors on 800 people, with the report.

    python benchmarks/main_job.py [wvs7_14countries.csv.gz] [--times 5] [--people 800]

Runs `indievalue evaluate` with majority, resemble:k=35 and gaussian in a separate process, several times in each form,
and prints seconds, CPU seconds of all threads, peak memory, and the accuracy of each predictor. Without a file, the
people are synthetic. On a machine that others use too, compare CPU seconds rather than seconds.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

from indievalue.choices import FORMS

PREDICTORS = ("majority", "resemble:k=35", "gaussian")
SYNTHETIC = "synthetic:25000"


@dataclass(frozen=True)
class Cost:
    """Seconds, CPU seconds (user and system, all threads) and peak resident memory (MB) of a process."""

    seconds: float
    cpu: float
    memory: float


def main() -> None:
    """Print both tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", nargs="?", default=SYNTHETIC, help=f"survey file [default: {SYNTHETIC}]")
    parser.add_argument("--times", type=int, default=5, help="number of runs in each form [default: 5]")
    parser.add_argument("--people", type=int, default=800, help="number of people to test [default: 800]")
    options = parser.parse_args()
    print(f"{options.data}, {options.people} people, {options.times} runs in each form, {os.cpu_count()} cores\n")
    print("| form | seconds, median | fastest | CPU seconds, least | peak MB |\n|---|---:|---:|---:|---:|")
    accuracies = {}
    for form in FORMS:
        costs = []
        for _ in range(options.times):
            with tempfile.TemporaryDirectory() as folder:
                run = Path(folder) / "run"
                costs.append(measure(options.data, options.people, form, run))
                summary = json.loads((run / "summary.json").read_text(encoding="utf-8"))
            accuracies[form] = {name: summary[name]["accuracy"] for name in PREDICTORS}
        seconds = [cost.seconds for cost in costs]
        print(
            f"| {form} | {statistics.median(seconds):.2f} | {min(seconds):.2f} | {min(c.cpu for c in costs):.2f} "
            f"| {max(c.memory for c in costs):.0f} |",
            flush=True,
        )
    print(f"\n| accuracy, % | {' | '.join(FORMS)} |\n|---|{'---:|' * len(FORMS)}")
    for name in PREDICTORS:
        print(f"| {name} | {' | '.join(f'{accuracies[form][name]:.2f}' for form in FORMS)} |")


def measure(data: str, people: int, form: str, out: Path) -> Cost:
    """Evaluate the predictors in a separate process, which writes its run to ``out``."""
    chosen = [word for name in PREDICTORS for word in ("--predictor", name)]
    code = "from indievalue.cli import main; main()"
    command = [sys.executable, "-c", code, "evaluate", data, *chosen, "--people", str(people), "--form", form]
    with tempfile.TemporaryFile() as output:
        start = time.perf_counter()
        process = subprocess.Popen([*command, "--out", str(out)], stdout=output, stderr=output)
        _, status, usage = os.wait4(process.pid, 0)
        seconds = time.perf_counter() - start
        if status:
            output.seek(0)
            sys.exit(output.read().decode(errors="replace") or f"the job failed with status {status}")
    return Cost(seconds, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1000)


if __name__ == "__main__":
    main()
