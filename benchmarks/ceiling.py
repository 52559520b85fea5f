"""How often the bands of the best possible accuracy hold the truth, on synthetic people with known noise.

python benchmarks/ceiling.py --people 400 1500 --seeds 5
"""

import argparse

import numpy as np
import polars as pl

from indievalue.scoring.ceiling import estimate_ceilings
from indievalue.synthetic.known_noise import people_with_noise


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--people", type=int, nargs="+", default=[400, 1500], help="how many answer")
    parser.add_argument("--mixed", type=float, nargs="+", default=[0.0, 0.4], help="how unlike people's noise is")
    parser.add_argument("--seeds", type=int, default=5, help="number of seeds")
    asked = parser.parse_args()
    print(
        "| people | noise of people | held, % | below, % | above, % | width, points |\n|---:|---|---:|---:|---:|---:|"
    )
    for people in asked.people:
        for mixed in asked.mixed:
            found = np.concatenate([bands(people, seed, mixed) for seed in range(asked.seeds)])
            low, high, best = found.T
            shares = [100 * float(np.mean(part)) for part in ((low <= best) & (best <= high), best < low, best > high)]
            kind = f"differs by exp({mixed:g} z)" if mixed else "the same"
            cells = [f"{people:,}", kind, *(f"{each:.1f}" for each in (*shares, float((high - low).mean())))]
            print(f"| {' | '.join(cells)} |", flush=True)


def bands(people: int, seed: int, mixed: float) -> np.ndarray:
    """Return the low end, the high end and the truth for every question whose options are a scale (questions × 3)."""
    made = people_with_noise(people, seed, mixed)
    found = estimate_ceilings(made.people, made.people.ids.tolist())
    names = [question.id for question in made.people.survey.questions]
    rows = pl.DataFrame(
        {
            "person": np.repeat(made.people.ids, len(names)).tolist(),
            "question": names * people,
            "answer": made.people.options("refined").ravel(),
        }
    )
    ceilings = found.of(rows, "refined", np.tile(np.arange(len(names)), people), len(names))
    ends = [(0.0, 0.0) if one is None else (one.low, one.high) for one in ceilings]
    return np.column_stack([ends, made.best])[found.questions["ordered"].to_numpy()]


if __name__ == "__main__":
    main()
