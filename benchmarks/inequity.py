"""Measure speed, memory and statistical validity of the inequity analysis.

    python benchmarks/inequity.py

First, seconds and peak memory on 93,600 predictions (800 people × 117 probes, 16 demographics, 1,000 permutations and
bootstrap draws), with each step in a separate process. Then, the coverage of 95% intervals and the share of p below
0.05, on simulated people whose groups differ by a known amount, or not at all.
"""

import argparse
import os
import subprocess
import sys
import time

import numpy as np

PEOPLE, PROBES = 800, 117
GROUPS = (14, 6, 2, 6, 2, 12, 2, 6, 9, 8, 11, 3, 2, 5, 3, 9)
"""Number of groups of each demographic, similar to the paper's sixteen."""

MADE = f"""
import numpy as np, polars as pl
from indievalue.predictors.predictions import SCHEMA
random = np.random.default_rng(0)
people, probes = {PEOPLE}, {PROBES}
skill = random.beta(12, 5, people)[:, None]
answer = random.integers(0, 3, (people, probes))
choice = np.where(random.random((people, probes)) < skill, answer, random.integers(0, 3, (people, probes)))
probabilities = random.dirichlet([1, 1, 1], people * probes).astype(np.float32)
names = [f"p{{row:04d}}" for row in range(people)]
table = pl.DataFrame({{
    "predictor": "p", "form": "polar", "protocol": "strict", "context": "statements", "demonstrations_as": "polar",
    "setup": 0, "person": np.repeat(names, probes).tolist(), "question": [f"Q{{at}}" for at in range(probes)] * people,
    "demonstrations": 200, "answer": answer.ravel(), "choice": choice.ravel(),
    "probabilities": pl.Series(probabilities).arr.to_list(),
}}).select(pl.col(name).cast(kind) for name, kind in SCHEMA.items())
labels = {{f"d{{at}}": random.integers(0, groups, people).astype(str) for at, groups in enumerate({GROUPS})}}
who = pl.DataFrame({{"person": names, "weight": 1.0, **labels}})
"""

STEPS = {
    "only generating them": "",
    **{
        f"inequity, {measure}": f"""
from indievalue.scoring.inequity import inequity
inequity(table, who, list(labels), measure="{measure}")
"""
        for measure in ("accuracy", "log_loss", "calibration")
    },
    "flattening": """
from indievalue.scoring.flattening import flattening
flattening(table, who, list(labels), {f"Q{at}": (True, 3) for at in range(probes)}, matched=["d0", "d2"])
""",
    "compare with another predictor": """
from indievalue.scoring.paired import compare
compare(table, table.with_columns(choice=pl.col("choice").shuffle(0)), who, list(labels))
""",
}

TRIALS, DRAWS = 400, 400


def main() -> None:
    """Print both tables."""
    argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter).parse_args()
    print(f"{PEOPLE * PROBES:,} predictions, {len(GROUPS)} demographics, {os.cpu_count()} cores\n")
    print("| step | seconds | peak GB |\n|---|---|---|")
    idle, _ = measure(MADE)
    for name, code in STEPS.items():
        seconds, memory = measure(MADE + code)
        print(f"| {name} | {seconds - (idle if code else 0):.2f} | {memory:.2f} |", flush=True)
    print(f"\n{TRIALS} simulations of people with 20 probes each, {DRAWS} draws\n")
    print("| groups of | true σ | mean σ | mean corrected | p < 0.05 | coverage | coverage of group intervals |")
    print("|---|---|---|---|---|---|---|")
    for sizes in ((120, 120), (60,) * 6, (150, 100, 60, 40, 30, 30), (30,) * 12):
        for gap in (0, 2, 6):
            print(f"| {' '.join(map(str, sizes))} | {simulate(sizes, gap)} |", flush=True)
    index_table()


def index_table() -> None:
    """Print the bias and the coverage of the corrected index, with σ even or concentrated in a few demographics."""
    print("\n| σ of each demographic | true index | mean index | corrected minus true | coverage |")
    print("|---|---|---|---|---|")
    few = ((0, 0, 0, 0), (3, 3, 3, 3), (6, 0, 0, 0), (6, 3, 1, 0))
    many = ((2,) * 16, (6,) * 2 + (0,) * 14)
    for gaps in (*few, *many):
        print(f"| {' '.join(map(str, gaps))} | {simulate_index(gaps)} |", flush=True)


def measure(code: str) -> tuple[float, float]:
    """Return (wall-clock seconds, peak resident memory in GB) of ``code`` in a separate process."""
    start = time.perf_counter()
    process = subprocess.Popen([sys.executable, "-c", code])
    _, status, usage = os.wait4(process.pid, 0)
    if status:
        sys.exit(f"a step failed: {code}")
    return time.perf_counter() - start, usage.ru_maxrss / 1e6


def simulate(sizes: tuple[int, ...], gap: float) -> str:
    """Return the cells of a row, for groups of ``sizes`` with a mean accuracy of 70% and a σ of ``gap`` points."""
    from indievalue.scoring.bootstrap import shuffled_sums
    from indievalue.scoring.group_values import measure_groups

    random = np.random.default_rng(len(sizes))
    group = np.repeat(np.arange(len(sizes)), sizes)
    sigma, corrected, small, held, single = [], [], 0, 0, 0
    for trial in range(TRIALS):
        means = spread_means(len(sizes), gap, random)
        sums, groups = made(means[group] / 100, group, random), labelled(group)
        part = measure_groups(sums, [groups], DRAWS, trial)[0]
        row = part.row()
        chance = sums.value(shuffled_sums(sums.parts, [group], trial, DRAWS)[0]).std(axis=1, ddof=1)
        sigma.append(part.sigma)
        corrected.append(np.sqrt(max(part.between, 0)))
        small += (1 + (chance >= part.sigma).sum()) / (1 + DRAWS) < 0.05
        held += row["sigma_corrected_low"] <= gap <= row["sigma_corrected_high"]
        low, high = part.intervals()
        single += np.mean((low <= means) & (means <= high))
    shares = (f"{100 * count / TRIALS:.1f}%" for count in (small, held, single))
    return " | ".join([str(gap), f"{np.mean(sigma):.2f}", f"{np.mean(corrected):.2f}", *shares])


def simulate_index(gaps: tuple[float, ...]) -> str:
    """Return the cells of a row, for demographics of six groups each with σ of ``gaps`` (see :func:`simulate`)."""
    from indievalue.scoring.group_values import measure_groups
    from indievalue.scoring.spread import mean_spread_interval

    random = np.random.default_rng(1)
    index, middle, truth, held = [], [], [], 0
    for trial in range(TRIALS // 2):
        groups = [random.integers(0, 6, 400) for _ in gaps]
        skill = 70 + sum(spread_means(6, gap, random)[group] - 70 for gap, group in zip(gaps, groups, strict=True))
        sums = made(skill / 100, groups[0], random)
        parts = measure_groups(sums, [labelled(group) for group in groups], DRAWS, trial)
        low, estimate, high = mean_spread_interval(
            [part.values for part in parts], [part.noise for part in parts], [part.between for part in parts]
        )
        # The contribution of other demographics to a group's mean is part of the true value.
        true = np.mean([np.std([skill[group == at].mean() for at in range(6)], ddof=1) for group in groups])
        index.append(np.mean([part.sigma for part in parts]))
        middle.append(estimate - true)
        truth.append(true)
        held += low <= true <= high
    return f"{np.mean(truth):.2f} | {np.mean(index):.2f} | {np.mean(middle):+.2f} | {100 * held / (TRIALS // 2):.1f}%"


def spread_means(groups: int, gap: float, random: np.random.Generator) -> np.ndarray:
    """Return group means around 70 with a standard deviation of exactly ``gap``."""
    means = random.normal(size=groups)
    return 70 + gap * (means - means.mean()) / means.std(ddof=1)


def made(skill: np.ndarray, group: np.ndarray, random: np.random.Generator):  # type: ignore[no-untyped-def]
    """Return sums for people with 20 probes and individual accuracies that average to ``skill`` (people,)."""
    from indievalue.scoring.measures import Sums

    own = random.beta(12 * skill, 12 * (1 - skill))
    right = random.binomial(20, own).astype(float)
    people = np.array([f"{row:04d}" for row in range(len(group))])
    rows = np.full(len(group), 20)
    return Sums("accuracy", people, np.stack([right, rows]), rows, 0)


def labelled(group: np.ndarray):  # type: ignore[no-untyped-def]
    """Return the groups of the demographic ``d``, labelled by number."""
    from indievalue.scoring.groups import Groups

    return Groups("d", tuple(map(str, range(group.max() + 1))), group, "")


if __name__ == "__main__":
    main()
