"""Run all experiments on real people and write the pages and figures of docs/results/experiments.

    python benchmarks/experiments.py wvs7_14countries.csv.gz [--only NAME …] [--runs DIR] [--out DIR]

800 people, seed 0. The first run trains `masked`, which takes half an hour on two cores; after that, everything takes
about a quarter of an hour. Runs are stored in --runs, and an interrupted command continues. Text between the markers of
a page is kept, and everything else is rewritten.
"""

import argparse
import shutil
import subprocess
import sys
import time
from importlib.util import find_spec
from pathlib import Path

from indievalue.experiments.spec import SurveysFigure, load_experiment, shipped_experiments

MASKED = {
    "models-by-category",
    "demographics-or-statements",
    "polar-or-refined-demonstrations",
    "category-transfer",
    "inequity",
    "groups",
    "demonstrations-curve",
    "distributions",
}
"""Experiments that are also run with `masked`."""

START, END = "<!-- findings -->", "<!-- end of findings -->"


def main() -> None:
    """Run all experiments and write a page for each."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", help="survey file")
    one_survey = [name for name in shipped_experiments() if not isinstance(load_experiment(name).figure, SurveysFigure)]
    parser.add_argument(
        "--only", nargs="+", default=one_survey, help="names of experiments [default: all of one survey]"
    )
    parser.add_argument("--runs", type=Path, default=Path("runs/experiments"), help="where to store the runs")
    parser.add_argument("--out", type=Path, default=Path("docs/results/experiments"), help="where to write the pages")
    parser.add_argument("--without-masked", action="store_true", help="do not run `masked`")
    options = parser.parse_args()
    for name in options.only:
        start = time.perf_counter()
        folder = options.runs / name
        predictors = list(load_experiment(name).predictors)
        if name in MASKED and find_spec("torch") and not options.without_masked:
            predictors.append("masked")
        chosen = [word for predictor in predictors for word in ("--predictor", predictor)]
        command = [sys.executable, "-c", "from indievalue.cli import main; main()", "experiment", name, options.data]
        subprocess.run([*command, "--people", "800", "--out", str(folder), "--yes", *chosen], check=True)
        publish(name, folder, options.out)
        print(f"{name}: {time.perf_counter() - start:.0f} s", flush=True)


def publish(name: str, folder: Path, out: Path) -> None:
    """Write the page of an experiment, keeping the text between the markers, and its figure."""
    out.mkdir(parents=True, exist_ok=True)
    page = out / f"{name}.md"
    earlier = page.read_text(encoding="utf-8") if page.exists() else ""
    findings = earlier[earlier.index(START) : earlier.index(END) + len(END)] if START in earlier else f"{START}\n{END}"
    parts = (folder / "results.md").read_text(encoding="utf-8").replace("(figure.svg)", f"({name}.svg)").split("\n\n")
    page.write_text("\n\n".join([*parts[:4], findings, *parts[4:]]), encoding="utf-8")
    shutil.copyfile(folder / "figure.svg", out / f"{name}.svg")


if __name__ == "__main__":
    main()
