"""How many people, probes and raters a study needs for an interval of a wanted width, by simulation from a run.

Raters are simulated: to each probe, one draws an option from the probabilities that a predictor of the run gave. They
differ in how good they are: the logit of the probability that they are right is moved by a normal number of each
rater's own. As raters of one person see the same statements, and a rater is the same person throughout, the simulated
accuracies vary by person and by rater, as those of a study do.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl
from numpy.typing import NDArray

from indievalue.errors import IndievalueError
from indievalue.runs.run import Run

DRAWS = 400
"""Studies that are simulated for each design."""

PEOPLE = (10, 15, 20, 30, 40, 60, 80, 120, 160, 240)
"""Numbers of people that are tried, in this order."""

_Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Design:
    """A study of this size: the raters it needs, and half the width of the 95% interval of accuracy, in points."""

    people: int
    probes: int
    raters_per_person: int
    raters: int
    margin: float


@dataclass(frozen=True)
class Source:
    """What raters are simulated from: the probability of the right option, of each probe of each person."""

    right: tuple[_Floats, ...]

    @classmethod
    def of(cls, run: Run, predictor: str) -> "Source":
        """Take the predictions of a run. Raises IndievalueError if it has no such predictor, or no probabilities."""
        if predictor not in run.scores:
            raise IndievalueError(f"the run has no predictor {predictor!r}; it has {', '.join(run.scores)}")
        table = run.predictions.filter(pl.col("predictor") == predictor, pl.col("probabilities").is_not_null())
        if table.is_empty():
            raise IndievalueError(f"{predictor} gives no probabilities, from which raters could be simulated")
        table = table.with_columns(right=pl.col("probabilities").list.get(pl.col("answer")).cast(pl.Float64))
        by_person = table.group_by("person", maintain_order=True).agg("right")["right"]
        return cls(tuple(np.array(one, np.float64) for one in by_person.to_list()))


def margin(
    source: Source, people: int, probes: int, per_person: int, per_rater: int, spread: float, seed: int = 0
) -> float:
    """Return half the width of the 95% interval of accuracy, in points, of a study of this size.

    ``spread`` is the standard deviation of raters' logits. The margin is 1.96 standard deviations of the accuracies of
    :data:`DRAWS` simulated studies, each with its own people, probes and raters.
    """
    random = np.random.Generator(np.random.PCG64(seed))
    raters = raters_needed(people, per_person, per_rater)
    accuracies = np.empty(DRAWS)
    for draw in range(DRAWS):
        skill = random.normal(0, spread, raters)
        shifts = skill[np.arange(people * per_person) % raters].reshape(people, per_person)
        chosen = random.integers(len(source.right), size=people)
        places = [random.permutation(len(source.right[one]))[:probes] for one in chosen]
        logits = [_logit(source.right[one][at]) for one, at in zip(chosen, places, strict=True)]
        likely = np.concatenate(
            [_inverse(own[:, None] + mine[None, :]).ravel() for own, mine in zip(logits, shifts, strict=True)]
        )
        accuracies[draw] = (random.random(len(likely)) < likely).mean()
    return float(100 * 1.96 * accuracies.std(ddof=1))


def designs(
    source: Source,
    wanted: float,
    probes: Sequence[int] = (5, 10, 20),
    per_person: Sequence[int] = (1, 3, 5),
    *,
    per_rater: int = 5,
    spread: float = 0.3,
    seed: int = 0,
) -> Iterator[Design]:
    """Yield, for each number of probes and of raters per person, the smallest study whose margin is ``wanted`` points.

    Numbers of people are those of :data:`PEOPLE`; where none is enough, there is no design.
    """
    most = max(map(len, source.right))
    for asked in dict.fromkeys(min(number, most) for number in probes):
        for each in per_person:
            for people in PEOPLE:
                found = margin(source, people, asked, each, per_rater, spread, seed)
                if found <= wanted:
                    yield Design(people, asked, each, raters_needed(people, each, per_rater), found)
                    break


def raters_needed(people: int, per_person: int, per_rater: int) -> int:
    """Return how many raters a study needs; nobody predicts the same person twice."""
    return max(per_person, -(-people * per_person // min(per_rater, people)))


def _logit(probability: _Floats) -> _Floats:
    clipped = np.clip(probability, 0.01, 0.99)
    return np.asarray(np.log(clipped / (1 - clipped)))


def _inverse(logit: _Floats) -> _Floats:
    return np.asarray(1 / (1 + np.exp(-logit)))
