"""Run the fuzzer: `python -m fuzz --seed 0 --files 3000 --boundaries 300 --keep FOLDER`."""

import argparse
import json
import os
import selectors
import shutil
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from queue import Queue

from fuzz.files import FINDING, OUTCOMES, Outcome

WAIT = 120
"""Seconds without an answer after which a process is taken to hang; the limit proper is of processor time."""


class Worker:
    """A process for cases one after another, started anew after one that ended it."""

    def __init__(self) -> None:
        self.process: subprocess.Popen[bytes] | None = None

    def check(self, part: str, seed: int, number: int, folder: Path) -> Outcome:
        """Have one case judged."""
        process = self.process or self._start()
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.write(json.dumps([part, seed, number, str(folder)]).encode() + b"\n")
        process.stdin.flush()
        with selectors.DefaultSelector() as waiting:
            waiting.register(process.stdout, selectors.EVENT_READ)
            answer = process.stdout.readline() if waiting.select(WAIT) else b""
        if answer:
            return Outcome(*json.loads(answer))
        process.kill()
        process.wait()
        self.process = None
        return Outcome("?", FINDING, f"the process ended with {process.returncode}, or did not answer in time")

    def stop(self) -> None:
        """End the process, which then removes what it has made."""
        if self.process is not None:
            self.process.communicate()

    def _start(self) -> subprocess.Popen[bytes]:
        path = [str(Path(__file__).parents[1]), *filter(None, [os.environ.get("PYTHONPATH")])]
        limits = {"POLARS_MAX_THREADS": "1", "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", "RUST_BACKTRACE": "0"}
        self.process = subprocess.Popen(
            [sys.executable, "-m", "fuzz.worker"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env={**os.environ, **limits, "PYTHONPATH": os.pathsep.join(path)},
        )
        return self.process


def outcomes(part: str, seed: int, numbers: range, workers: int, keep: Path | None) -> Iterator[tuple[int, Outcome]]:
    """(number, outcome) of every case, in order; the files of findings are kept in ``keep``."""
    free: Queue[Worker] = Queue()
    everybody = [Worker() for _ in range(workers)]
    for worker in everybody:
        free.put(worker)

    def run(number: int) -> Outcome:
        worker = free.get()
        with tempfile.TemporaryDirectory(prefix="fuzz-") as folder:
            try:
                outcome = worker.check(part, seed, number, Path(folder))
            finally:
                free.put(worker)
            if outcome.outcome == FINDING and keep is not None:
                shutil.copytree(folder, keep / f"{part}-{seed}-{number}", dirs_exist_ok=True)
        return outcome

    try:
        with ThreadPoolExecutor(workers) as pool:
            yield from zip(numbers, pool.map(run, numbers), strict=True)
    finally:
        for worker in everybody:
            worker.stop()


def main() -> int:
    """Judge the cases, print what became of them by format, and every finding; 1 where there is one."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--files", type=int, default=3000)
    parser.add_argument("--boundaries", type=int, default=300)
    parser.add_argument("--start", type=int, default=0)
    parser.add_argument("--seconds", type=float, default=600)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--keep", type=Path)
    given = parser.parse_args()
    until = time.monotonic() + given.seconds
    table: dict[str, Counter[str]] = {}
    findings = 0
    for part, count in (("boundaries", given.boundaries), ("files", given.files)):
        numbers = range(given.start, given.start + count)
        for number, outcome in outcomes(part, given.seed, numbers, given.workers, given.keep):
            table.setdefault(outcome.kind, Counter())[outcome.outcome] += 1
            if outcome.outcome == FINDING:
                findings += 1
                print(f"{part} {number} ({outcome.kind}): {outcome.what}", flush=True)
            if time.monotonic() > until:
                print(f"stopped after {given.seconds:.0f} s, at {part} {number}")
                break
    print(f"{'':24}" + "".join(f"{name:>14}" for name in OUTCOMES))
    for kind, counts in [*sorted(table.items()), ("all", sum(table.values(), Counter()))]:
        print(f"{kind:24}" + "".join(f"{counts[name]:>14,}" for name in OUTCOMES))
    return 1 if findings else 0


if __name__ == "__main__":
    sys.exit(main())
