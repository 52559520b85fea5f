"""Two processes with one `--out` at once: the second is told who holds it, the first finishes, and nothing is lost."""

import signal
import subprocess
import time
from pathlib import Path

import pytest

from commands import PROGRAM, run_here

pytest.importorskip("fcntl", reason="locks are of Unix")

EXPERIMENT = """
title: Context
asks: Does it matter what is known of a person?
predictors: [majority, "resemble:k=35"]
grid: {context: [demographics, statements, both], form: [polar, refined]}
figure: {kind: dots, rows: context, colour: form}
"""
COMMANDS = {
    "export": ["export", "benchmark", "--to", "jsonl"],
    "training-set": ["training-set", "synthetic:2000", "--people-per-question", "20"],
    "experiment": ["experiment", "context.yaml", "synthetic:2000", "--people", "300", "--yes"],
}


def _files(folder: Path) -> dict[str, bytes]:
    """What a command has written; of an experiment, which also writes when and where it ran, what it found."""
    files = {path.relative_to(folder).as_posix(): path for path in folder.rglob("*") if path.is_file()}
    found = {name: path for name, path in files.items() if name.endswith((".parquet", "table.md", "experiment.yaml"))}
    chosen = found if "experiment.yaml" in files else files
    return {name: path.read_bytes() for name, path in chosen.items()}


def _has_begun(name: str, folder: Path) -> bool:
    """Whether the command has the lock; an experiment lets go of it once, after checking that it can write."""
    if name == "experiment":
        return (folder / "out").exists()
    lock = folder / ".out.lock"
    return lock.exists() and lock.read_text() != ""


@pytest.mark.parametrize("name", COMMANDS)
def test_the_second_is_told_who_holds_the_directory_and_the_first_finishes(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "context.yaml").write_text(EXPERIMENT)
    command = [*COMMANDS[name], "--out"]
    if name == "export":
        drawn = run_here("benchmark", "synthetic:2000", "--people", "150", "--out", "benchmark")
        assert drawn.returncode == 0, drawn.stderr
    alone = run_here(*command, "alone")
    assert alone.returncode == 0, alone.stderr
    before = sorted(path.name for path in tmp_path.iterdir())

    first = subprocess.Popen([*PROGRAM, *command, "out"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    deadline = time.monotonic() + 120
    while not _has_begun(name, tmp_path) and first.poll() is None and time.monotonic() < deadline:
        time.sleep(0.01)
    first.send_signal(signal.SIGSTOP)
    second = run_here(*command, "out")
    first.send_signal(signal.SIGCONT)

    assert first.wait(timeout=120) == 0
    assert second.returncode == 1
    said = second.stderr.replace("\n", " ")
    assert f"another process is at work in out (process {first.pid} on " in said
    assert "wait for it, or choose another --out" in said
    assert _files(tmp_path / "out") == _files(tmp_path / "alone")
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted([*before, "out"])
