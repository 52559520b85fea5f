"""Measure whether the test and the interval of a difference in σ between two predictors hold.

    python benchmarks/compare_sigma.py [TRIALS]

Both predictors answer the same 20 probes of 300 people in six groups, with skills that are correlated within people.
For each scenario, the share of p below 0.05 (the level of the test if both are equally uneven, its power otherwise),
the coverage and the mean width of the 95% interval, each with its Monte Carlo standard error: for one demographic, and
for the index over four. `before` are the intervals and p of an earlier version: percentiles of differences between
bootstrapped σ, from which twice the sampling variance had been subtracted. Takes about three minutes of one core.
"""

import argparse
from collections.abc import Callable

import numpy as np

from indievalue.scoring.group_values import GroupValues, measure_groups
from indievalue.scoring.groups import Groups
from indievalue.scoring.measures import Sums
from indievalue.scoring.paired import sigma_differences
from indievalue.scoring.spread import spread

PEOPLE, PROBES, GROUPS, DRAWS = 300, 20, 6, 400

SCENARIOS: dict[str, tuple[float, float, float, float, bool]] = {
    # σ of a, σ of b, accuracy of a, accuracy of b, whether the same groups are worst
    "equal, both even": (0, 0, 70, 70, True),
    "equal, same groups": (5, 5, 70, 70, True),
    "equal, other groups": (5, 5, 70, 70, False),
    "equal, other accuracy": (5, 5, 75, 62, True),
    "one even, 3 points": (3, 0, 70, 70, True),
    "2 points apart": (6, 4, 70, 70, True),
    "2 points, other accuracy": (6, 4, 75, 62, True),
}


def main() -> None:
    """Print one table for a single demographic and one for the index."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("trials", nargs="?", type=int, default=400, help="simulations of each scenario")
    trials = parser.parse_args().trials
    for demographics in (1, 4):
        print(f"\n{trials} simulations, {demographics} demographics of {GROUPS} groups, {DRAWS} draws\n")
        print("| scenario | method | p < 0.05 | coverage | width |\n|---|---|---|---|---|")
        for name, scenario in SCENARIOS.items():
            for method, cells in simulate(scenario, demographics, trials).items():
                print(f"| {name} | {method} | {cells} |", flush=True)


def simulate(scenario: tuple[float, float, float, float, bool], demographics: int, trials: int) -> dict[str, str]:
    """Return the cells of each method's row."""
    random = np.random.default_rng(demographics)
    found: dict[str, list[tuple[float, float, float]]] = {method: [] for method in METHODS}
    truth = []
    for trial in range(trials):
        groups = [random.integers(0, GROUPS, PEOPLE) for _ in range(demographics)]
        skills = drawn_skills(scenario, groups, random)
        parts = [Groups(f"d{at}", tuple(map(str, range(GROUPS))), group, "") for at, group in enumerate(groups)]
        sums = answered(skills, random)
        sigmas = [
            np.mean([np.std([skill[group == at].mean() for at in range(GROUPS)], ddof=1) for group in groups])
            for skill in skills
        ]
        truth.append(sigmas[0] - sigmas[1])
        measured = [measure_groups(one, parts, DRAWS, trial) for one in sums]
        for method, differences in METHODS.items():
            found[method].append(differences(sums, measured, trial))
    return {method: cells(np.array(rows), np.array(truth)) for method, rows in found.items()}


def drawn_skills(
    scenario: tuple[float, float, float, float, bool], groups: list[np.ndarray], random: np.random.Generator
) -> list[np.ndarray]:
    """Return both predictors' expected accuracy for every person (people,), in percent."""
    skills = [np.full(PEOPLE, float(level)) for level in scenario[2:4]]
    for group in groups:
        pattern = random.normal(size=GROUPS)
        for at, gap in enumerate(scenario[:2]):
            if at and not scenario[4]:
                pattern = random.normal(size=GROUPS)
            skills[at] += gap * ((pattern - pattern.mean()) / pattern.std(ddof=1))[group]
    return [np.clip(skill, 2, 98) for skill in skills]


def answered(skills: list[np.ndarray], random: np.random.Generator) -> tuple[Sums, Sums]:
    """Return sums for people who are easy or hard to predict; both predictors agree more than by chance."""
    ease = random.normal(size=PEOPLE) * 8
    common = random.random((PEOPLE, PROBES))
    made = []
    for skill in skills:
        own = np.where(random.random(common.shape) < 0.5, common, random.random(common.shape))
        right = (own < np.clip(skill + ease, 1, 99)[:, None] / 100).sum(axis=1).astype(float)
        names = np.array([f"{row:04d}" for row in range(PEOPLE)])
        rows = np.full(PEOPLE, PROBES)
        made.append(Sums("accuracy", names, np.stack([right, rows]), rows, 0))
    return made[0], made[1]


def before(sums: tuple[Sums, Sums], measured: list[list[GroupValues]], seed: int) -> tuple[float, float, float]:
    """Return (low, high, p) of the earlier version."""
    drawn = []
    for one in measured:
        squares = [spread(part.values + part.noise) ** 2 - 2 * part.variances.mean() for part in one]
        drawn.append(np.mean([np.sign(square) * np.sqrt(np.abs(square)) for square in squares], axis=0))
    difference = drawn[0] - drawn[1]
    tail = min(int((difference <= 0).sum()), int((difference >= 0).sum()))
    low, high = np.quantile(difference, [0.025, 0.975])
    return float(low), float(high), min(1.0, 2 * (1 + tail) / (1 + len(difference)))


def now(sums: tuple[Sums, Sums], measured: list[list[GroupValues]], seed: int) -> tuple[float, float, float]:
    """Return (low, high, p) of :func:`indievalue.scoring.paired.compare`."""
    rows = sigma_differences(sums, measured, DRAWS, seed)
    row = rows[0]
    return row["low"], row["high"], row["p"]  # type: ignore[return-value]


METHODS: dict[str, Callable[[tuple[Sums, Sums], list[list[GroupValues]], int], tuple[float, float, float]]] = {
    "before": before,
    "now": now,
}


def cells(rows: np.ndarray, truth: np.ndarray) -> str:
    """Return the share of p below 0.05, the coverage and the width, with their standard errors."""
    low, high, p = rows.T
    shares = (np.mean(p < 0.05), np.mean((low <= truth) & (truth <= high)))
    texts = [f"{100 * share:.1f} ± {100 * np.sqrt(share * (1 - share) / len(rows)):.1f}%" for share in shares]
    width = high - low
    return " | ".join([*texts, f"{width.mean():.2f} ± {width.std() / np.sqrt(len(rows)):.2f}"])


if __name__ == "__main__":
    main()
