"""Every benchmark and tool with a command line explains itself."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
SCRIPTS = [
    path
    for folder in ("benchmarks", "tools")
    for path in sorted((ROOT / folder).glob("*.py"))
    if "__main__" in path.read_text(encoding="utf-8")
]


WITH_TORCH = [path for path in SCRIPTS if path.stem.startswith(("reasoner", "training"))]
"""It takes these seconds to import what they need."""


@pytest.mark.parametrize(
    "script",
    [pytest.param(path, marks=[pytest.mark.slow] * (path in WITH_TORCH)) for path in SCRIPTS],
    ids=[path.stem for path in SCRIPTS],
)
def test_help_tells_what_it_does_and_what_each_argument_means(script: Path) -> None:
    code = script.read_text(encoding="utf-8")
    if "import torch" in code or "indievalue.reasoner" in code:
        pytest.importorskip("torch")
    done = subprocess.run([sys.executable, str(script), "--help"], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert code.removeprefix('"""').splitlines()[0] in done.stdout
    of_arguments = done.stdout.split("options:")[-1] + done.stdout.partition("positional arguments:")[2]
    for name in re.findall(r'add_argument\("(--[\w-]+)"', code):
        assert re.search(rf"^ +{name}(?: [^\n]*)?(?:  +|\n {{10,}})\w", of_arguments, re.MULTILINE), (
            f"{name} is not explained"
        )


@pytest.mark.slow
def test_the_main_job_is_measured_in_both_forms() -> None:
    command = [
        sys.executable,
        str(ROOT / "benchmarks" / "main_job.py"),
        "synthetic:300",
        "--people",
        "20",
        "--times",
        "1",
    ]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    rows = {row.split(" | ")[0].strip("| "): row for row in done.stdout.splitlines() if row.startswith("| ")}
    assert {"polar", "refined", "majority", "resemble:k=35", "gaussian"} <= rows.keys()
    for form in ("polar", "refined"):
        median, fastest, cpu, memory = (float(cell) for cell in rows[form].strip("| ").split(" | ")[1:])
        assert median == fastest > 0
        assert cpu > 0
        assert 50 < memory < 2000
    for predictor in ("majority", "resemble:k=35", "gaussian"):
        accuracies = [float(cell) for cell in rows[predictor].strip("| ").split(" | ")[1:]]
        assert len(accuracies) == 2
        assert all(0 < accuracy < 100 for accuracy in accuracies)
