"""Calls the command line as its entry point does, in this process or in one of its own."""

import gc
import io
import os
import signal
import subprocess
import sys
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path
from unittest.mock import patch

from indievalue.cli import main

PROGRAM = [sys.executable, "-c", "from indievalue.cli import main; main()"]
"""The command line in a process of its own."""

WIDTH = {"COLUMNS": "100"}


def run_here(*arguments: str | Path, typed: str = "", **environment: str) -> subprocess.CompletedProcess[str]:
    """Call the command line in this process, which takes a fraction of the time; what escapes it fails the test.

    ``typed`` is what it reads, which is not from a terminal.
    """
    words = ["indievalue", *map(str, arguments)]
    printed, noted = (io.TextIOWrapper(io.BytesIO(), "utf-8", write_through=True) for _ in range(2))
    code: str | int | None = None
    stop, thresholds = signal.getsignal(signal.SIGTERM), gc.get_threshold()
    try:
        with (
            patch.dict(os.environ, {**WIDTH, **environment}),
            patch.object(sys, "argv", words),
            patch.object(sys, "stdin", io.StringIO(typed)),
            redirect_stdout(printed),
            redirect_stderr(noted),
        ):
            main()
    except SystemExit as end:
        code = end.code
    finally:
        signal.signal(signal.SIGTERM, stop)
        gc.set_threshold(*thresholds)
    said, notes = (stream.buffer.getvalue().decode() for stream in (printed, noted))  # type: ignore[attr-defined]
    assert isinstance(code, int), f"the command ended with {code!r} instead of an exit code"
    return subprocess.CompletedProcess(words, code, said, notes)


def run_apart(*arguments: str | Path, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run the command line in a process of its own, for tests of what only a process shows."""
    return subprocess.run(
        [*PROGRAM, *map(str, arguments)],
        capture_output=True,
        text=True,
        timeout=300,
        env={**os.environ, **WIDTH, **environment},
    )
