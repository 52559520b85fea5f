"""Measure the explorer on made-up people: start, memory, and every page, the first time and again.

    python benchmarks/explore.py [--run RUN] [--data FILE]

Without arguments, it makes a run of 5 predictors with 93,636 predictions each, and a file of 94,000 people. The server
runs in a process of its own and is asked over HTTP. Limits: a page 200 ms, the start 3 s, memory 1 GB. Beside the wall
clock it prints the seconds of processor time of the server, which other programs on the machine hardly change.
"""

import argparse
import os
import re
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from html import unescape
from pathlib import Path
from urllib.request import urlopen

import polars as pl

TESTED, PEOPLE = 867, 94_000
PREDICTORS = ("random", "majority", "resemble:k=10", "resemble:k=35", "resemble:k=100")
AGAIN = 5
"""Times that each page is asked for after the first."""

OF_RUN = (
    "/",
    "/people",
    "/people?q=god&order=surprising",
    "/people?country=Brazil&group=sex:female&low=60",
    "/random",
    "/questions",
    "/questions?order=hardest&q=trust",
    "/question?id=Q57",
    "/question?id=Q6&demographic=education&by=majority",
    "/groups",
    "/groups?demographic=education&by=resemble:k=10",
    "/compare",
    "/compare?a=majority&b=random&who=a",
    "/outputs",
)
OF_DATA = (
    "/",
    "/people",
    "/people?q=god",
    "/people?country=Canada&group=sex:female&page=9",
    "/random",
    "/questions",
    "/question?id=Q57",
    "/question?id=Q6&form=polar&demographic=education",
)


@dataclass(frozen=True)
class Server:
    """A running explorer: its process, address, and the seconds it took to start."""

    process: int
    address: str
    seconds: float

    def used(self) -> float:
        """Seconds of processor time that all threads have used, those that ended included."""
        fields = Path(f"/proc/{self.process}/stat").read_text().rpartition(")")[2].split()
        ended = (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
        exact = sum(
            int((task / "schedstat").read_text().split()[0]) / 1e9
            for task in Path(f"/proc/{self.process}/task").iterdir()
        )
        return max(exact, ended)

    def memory(self) -> float:
        """Peak memory in GB."""
        status = Path(f"/proc/{self.process}/status").read_text()
        return int(re.search(r"VmHWM:\s+(\d+)", status)[1]) / 1e6  # type: ignore[index]


@contextmanager
def started(source: str) -> Iterator[Server]:
    """Start the explorer of ``source`` on a free port, and stop it."""
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        port = one.getsockname()[1]
    begin = time.perf_counter()
    command = [sys.executable, "-m", "indievalue", "explore", source, "--port", str(port)]
    process = subprocess.Popen(command, stderr=subprocess.DEVNULL)
    address = f"http://127.0.0.1:{port}"
    try:
        while True:
            try:
                with socket.create_connection(("127.0.0.1", port), 1):
                    break
            except OSError:
                if process.poll() is not None:
                    sys.exit(f"{' '.join(command)} failed")
                time.sleep(0.02)
        yield Server(process.pid, address, time.perf_counter() - begin)
    finally:
        process.terminate()
        process.wait()


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--run", help="run directory [default: made]")
    parser.add_argument("--data", help="survey file [default: made]")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        run = given.run or make_run(Path(folder) / "run")
        rows = pl.scan_parquet(f"{run}/predictions.parquet").select(pl.len()).collect().item()
        print(f"A run with {rows:,} predictions\n")
        show(str(run), OF_RUN)
        data = given.data or make_file(Path(folder) / "people.parquet")
        print(f"\nA data file of {Path(data).stat().st_size / 1e6:.0f} MB\n")
        show(str(data), OF_DATA)


def show(source: str, pages: tuple[str, ...]) -> None:
    """Print how long the start and each page take."""
    with started(source) as server:
        print(f"start: {server.seconds:.2f} s, {server.used():.2f} s of processor time (limit 3 s)\n")
        print("| page | first, ms | CPU, ms | again, ms | CPU, ms | kB |\n|---|---|---|---|---|---|")
        person = ""
        for page in [*pages, "person"]:
            path = person if page == "person" else page
            timed = [fetch(server, path) for _ in range(1 + AGAIN)]
            person = person or next(iter(re.findall(r'href="(/person\?[^"]+)"', timed[0][2])), "")
            person = unescape(person)
            first, *rest = timed
            again = [statistics.median(column) for column in zip(*((one[0], one[1]) for one in rest), strict=True)]
            shown = page if page != "person" else "/person?id=…"
            times = " | ".join(f"{1000 * one:.0f}" for one in (first[0], first[1], *again))
            print(f"| `{shown}` | {times} | {len(first[2]) / 1000:.0f} |")
        print(f"\npeak memory: {server.memory():.2f} GB (limit 1 GB)")


def fetch(server: Server, path: str) -> tuple[float, float, str]:
    """Return the seconds that a page takes, those of processor time in the server, and the page."""
    used, begin = server.used(), time.perf_counter()
    with urlopen(server.address + path) as answer:
        page = answer.read().decode()
    return time.perf_counter() - begin, server.used() - used, page


def make_run(folder: Path) -> Path:
    """Write a run of synthetic people."""
    from indievalue.benchmark.build import build_benchmark
    from indievalue.evaluation import evaluate
    from indievalue.runs.storage import write_run
    from indievalue.synthetic.generate import synthetic_people

    people = synthetic_people(9000)
    run = evaluate(people, build_benchmark(people, people_tested=TESTED), list(PREDICTORS))
    write_run(run, folder)
    return folder


def make_file(path: Path) -> Path:
    """Write a survey file of synthetic people."""
    from indievalue.synthetic.generate import synthetic_people

    people = synthetic_people(PEOPLE)
    questions = {question.id: people.codes[:, at] for at, question in enumerate(people.survey.questions)}
    country = pl.Series([76, 124, 276, 554, 643]).sample(PEOPLE, with_replacement=True, seed=0)
    sex = pl.Series([1, 2]).sample(PEOPLE, with_replacement=True, seed=1)
    known = {"D_INTERVIEW": people.ids.tolist(), "W_WEIGHT": people.weights, "B_COUNTRY": country, "Q260": sex}
    education = {"Q275": pl.Series(range(9)).sample(PEOPLE, with_replacement=True, seed=2)}
    pl.DataFrame({**known, **education, **questions}).write_parquet(path)
    return path


if __name__ == "__main__":
    main()
