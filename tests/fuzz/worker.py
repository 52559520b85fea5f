"""A process that makes and judges cases under limits of memory and time, so that a crash takes no other case along."""

import json
import resource
import sys
import tempfile
import traceback
from pathlib import Path

from fuzz import documents, files
from fuzz.files import FINDING, Outcome

SECONDS = 20
"""Of processor time that a case may take."""

MEMORY = 2 << 30
"""Bytes of address space that cases may take beyond what the process has when it starts."""


def check(part: str, seed: int, number: int, folder: Path) -> Outcome:
    """Make and judge one case; any error but the package's own is a finding."""
    try:
        return {"files": files.check, "boundaries": documents.check}[part](seed, number, folder)
    except KeyboardInterrupt:
        raise
    except BaseException as error:  # panics of the libraries in Rust are no Exception
        where = traceback.extract_tb(error.__traceback__)[-1]
        said = " ".join(str(error).split())[:200]
        place = f"{Path(where.filename).name}:{where.lineno}"
        return Outcome("?", FINDING, f"{type(error).__name__}: {said} ({place})")


def _limit() -> None:
    held = Path("/proc/self/statm")  # of Linux; elsewhere memory is not limited
    if held.exists():
        space = int(held.read_text().split()[0]) * resource.getpagesize() + MEMORY
        resource.setrlimit(resource.RLIMIT_AS, (space, resource.RLIM_INFINITY))


def main() -> None:
    """Judge the cases that standard input names, one a line: part, seed, number, folder."""
    first = True
    for line in sys.stdin:
        part, seed, number, folder = json.loads(line)
        if first:
            with tempfile.TemporaryDirectory() as elsewhere:
                check(part, seed, 0, Path(elsewhere))  # load what is loaded once
            _limit()
            first = False
        spent = resource.getrusage(resource.RUSAGE_SELF)
        seconds = int(spent.ru_utime + spent.ru_stime) + SECONDS
        resource.setrlimit(resource.RLIMIT_CPU, (seconds, resource.RLIM_INFINITY))
        outcome = check(part, seed, number, Path(folder))
        print(json.dumps([outcome.kind, outcome.outcome, outcome.what]), flush=True)


if __name__ == "__main__":
    main()
