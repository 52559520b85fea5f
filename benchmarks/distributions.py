"""Simulate the corrected distances, the exaggeration and their intervals on people whose true shares are known.

    python benchmarks/distributions.py [SIMULATIONS]

Six groups answer 60 questions of two options. Each group's true share of a question is that of everybody plus a normal
difference, and people also differ from each other over all questions. A predictor tells of each group its true
difference from everybody times ``times``, and is off by a normal error of its own in each question. Printed are, for
groups of several sizes, the means over simulations and how often the 95% intervals hold the truth.
"""

import argparse

import numpy as np
import polars as pl

from indievalue.predictors.predictions import SCHEMA
from indievalue.scoring.distributions import distributions

GROUPS, QUESTIONS, BETWEEN, OWN = 6, 60, 0.08, 0.1
"""Numbers of groups and questions, standard deviation between groups, and between people."""

Row = tuple[float, float, float, bool, float, bool]


def simulate(people: int, times: float, off: float, random: np.random.Generator) -> Row | None:
    """Return the observed, corrected and true distance of a group, whether the interval holds it, and the same of
    the exaggeration; None if that is undefined."""
    everybody = random.uniform(0.35, 0.65, QUESTIONS)
    difference = random.normal(0, BETWEEN, (GROUPS, QUESTIONS))
    group = np.repeat(np.arange(GROUPS), people)
    own = random.normal(0, OWN, (len(group), 1)) * random.choice([-1, 1], QUESTIONS)
    share = np.clip(everybody + difference[group] + own, 0.02, 0.98)
    answer = (random.random(share.shape) < share).astype(np.int8)
    said = np.clip(everybody + times * difference + random.normal(0, off, QUESTIONS), 0.01, 0.99)
    names = [f"p{at:04d}" for at in range(len(group))]
    table = pl.DataFrame(
        {
            **dict.fromkeys(("predictor", "form", "protocol", "context", "demonstrations_as"), "x"),
            "setup": 0,
            "person": np.repeat(names, QUESTIONS),
            "question": [f"Q{number:02d}" for number in range(QUESTIONS)] * len(group),
            "demonstrations": 0,
            "answer": answer.ravel(),
            "choice": (said[group] > 0.5).astype(np.int8).ravel(),
            "probabilities": np.stack([1 - said[group], said[group]], axis=2).reshape(-1, 2).tolist(),
        },
        schema_overrides=SCHEMA,
    )
    about = pl.DataFrame({"person": names, "group": [f"g{one}" for one in group]})
    scales = {f"Q{number:02d}": (True, 2) for number in range(QUESTIONS)}
    found = distributions(table, about, ["group"], scales, minimum=2, draws=400)
    first = found.groups.filter(reading="probabilities", group="g0").row(0, named=True)
    whole = found.table.filter(reading="probabilities", demographic="group").row(0, named=True)
    if whole["exaggeration"] is None:
        return None
    # The mean share of many people with these differences, by Gauss-Hermite quadrature over how they differ.
    nodes, weights = np.polynomial.hermite_e.hermegauss(31)
    true = np.clip((everybody + difference)[..., None] + OWN * nodes, 0.02, 0.98) @ weights / weights.sum()
    real = float(np.abs(said[0] - true[0]).mean())
    ratio = float(np.sqrt(said.var(axis=0, ddof=1).sum() / true.var(axis=0, ddof=1).sum()))
    ends = whole["exaggeration_low"], np.inf if whole["exaggeration_high"] is None else whole["exaggeration_high"]
    held = 1 - first["Rep_corrected_high"] <= real <= 1 - first["Rep_corrected_low"]
    return first["WD"] - real, 1 - first["Rep_corrected"] - real, real, held, whole["exaggeration"] / ratio, (
        ends[0] <= ratio <= ends[1]
    )  # fmt: skip


def main() -> None:
    """Print a table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("simulations", nargs="?", type=int, default=200, help="simulations of each row [default: 200]")
    simulations = parser.parse_args().simulations
    print(
        "| people a group | predictor | true WD | WD − true | corrected − true | coverage | ratio / true | coverage |"
    )
    print("|---|---|---|---|---|---|---|---|")
    for people in (30, 100):
        for times, off in ((1.0, 0.0), (1.0, 0.05), (2.0, 0.05)):
            random = np.random.default_rng(people)
            rows = [row for _ in range(simulations) if (row := simulate(people, times, off, random)) is not None]
            observed, corrected, real, held, ratio, ratio_held = np.array(rows, np.float64).mean(axis=0)
            name = f"{times:g} times the differences, off by {off:g}"
            print(
                f"| {people} | {name} | {real:.3f} | {observed:+.3f} | {corrected:+.3f} | {100 * held:.0f}% | "
                f"{ratio:.2f} | {100 * ratio_held:.0f}% |",
                flush=True,
            )


if __name__ == "__main__":
    main()
