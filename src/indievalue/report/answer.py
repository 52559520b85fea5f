"""The answer that a report gives first: what the best predictor gets right, and how far it is ahead."""

from collections.abc import Sequence
from dataclasses import dataclass

import polars as pl

from indievalue.errors import IndievalueError
from indievalue.report.differences import with_best
from indievalue.report.numbers import interval, number, signed_interval
from indievalue.report.wording import called
from indievalue.runs.run import Run
from indievalue.scoring.paired import compare

MAJORITY = "majority"
"""Name of the predictor that always chooses the most common answer."""

_LONG = 64
"""Number of signs of a title that fits two lines of a large heading."""

_LINES = 8
"""Number of runs whose answers are listed one by one."""


@dataclass(frozen=True)
class Lead:
    """How far the best predictor of a run is ahead of ``other``, in points of accuracy.

    ``low`` and ``high`` are the ends of the paired 95% interval, None if there is none. ``shared`` is the number of
    answers compared if it is not all of them.
    """

    other: str
    points: float
    low: float | None
    high: float | None
    shared: int | None = None

    def __str__(self) -> str:
        """Return e.g. ``11.2 points (10.6–11.9) above the most common answer``."""
        other = "the most common answer" if self.other == MAJORITY else f"{self.other}, the next best"
        text = f"{number(self.points)} points"
        if self.low is not None and self.high is not None:
            ends = interval(self.low, self.high) if self.low >= 0 else signed_interval(self.low, self.high)
            text += f" ({ends})"
        text += f" above {other}"
        if self.shared is not None:
            text += f" on the {self.shared:,} answers that both predicted"
        return text if self.low is None or self.low > 0 else f"{text}, which may be chance"


@dataclass(frozen=True)
class Answer:
    """The answer of a report: its ``title``, and a sentence for each run under the name of the run."""

    title: str
    lines: tuple[tuple[str, str], ...]
    more: int = 0

    @property
    def long(self) -> bool:
        """Whether the title needs a smaller heading."""
        return len(self.title) > _LONG


def answer(runs: Sequence[Run], names: Sequence[tuple[str, ...]]) -> Answer:
    """Return the answer of a report on ``runs``; ``names`` are from :func:`indievalue.runs.names.run_names`.

    A single run has one sentence, without a name. Lines name the best predictor if it is not the same everywhere.
    """
    if len(runs) == 1:
        return Answer(_title(runs[0]), (("", f"{sentence(runs[0])}."),))
    same = len({run.best for run in runs}) == 1
    lines = tuple(
        (called(name), f"{'' if same else f'{run.best} '}{number(run.scores[run.best].accuracy)}%; {sentence(run)}.")
        for run, name in zip(runs, names, strict=True)
    )
    return Answer(_title_of_several(runs, names), lines[:_LINES], max(0, len(lines) - _LINES))


def standing(run: Run) -> str:
    """Name the best predictor of a run, with its accuracy and its lead, in a sentence."""
    return f"{run.best} predicts {number(run.scores[run.best].accuracy)}% of the answers; {sentence(run)}."


def sentence(run: Run) -> str:
    """Return the interval of the best predictor's accuracy, its lead, and which of its answers it lacks."""
    score = run.scores[run.best]
    parts = [f"95% interval {interval(score.accuracy_low, score.accuracy_high)}%"]
    if found := lead(run):
        parts[0] += f", {found}"
    if score.invalid:
        verb = "names" if score.invalid == 1 else "name"
        parts.append(f"{score.invalid:,} of its {score.probes:,} outputs {verb} no option and count as wrong")
    if score.not_answered:
        parts.append(f"{score.not_answered} and not scored")
    return "; ".join(parts)


def lead(run: Run) -> Lead | None:
    """Return the lead of the best predictor on the most common answer or, without that, on the next best predictor."""
    others = sorted((name for name in run.scores if name != run.best), key=lambda name: -run.scores[name].accuracy)
    if not others:
        return None
    other = MAJORITY if MAJORITY in others else others[0]
    return run.remember(("lead", other), lambda: _lead(run, other))


def _lead(run: Run, other: str) -> Lead:
    _, rows, _ = with_best(run)
    found = next((comparison for name, _, comparison in rows if name == other), None)
    if found is not None:
        row = found.table.row(by_predicate=pl.col("measure") == "accuracy", named=True)
        return Lead(other, -row["difference"], _negative(row["high"]), _negative(row["low"]))
    best, second = (run.predictions.filter(predictor=name) for name in (run.best, other))
    try:  # one of them was not asked, or did not answer, everything
        found = compare(
            best,
            second,
            run.people,
            intersection=True,
            seed=run.record.seed,
            weights=run.weights,
        )
    except IndievalueError:
        points = run.scores[run.best].accuracy - run.scores[other].accuracy
        return Lead(other, points, None, None)
    row = found.table.row(by_predicate=pl.col("measure") == "accuracy", named=True)
    return Lead(other, row["difference"], row["low"], row["high"], found.probes)


def _title(run: Run) -> str:
    accuracy = f"{number(run.scores[run.best].accuracy)}%"
    if run.best == MAJORITY and len(run.scores) > 1:
        return f"The most common answer is right in {accuracy}, and no predictor does better"
    return f"{run.best} predicts {accuracy} of answers"


def _title_of_several(runs: Sequence[Run], names: Sequence[tuple[str, ...]]) -> str:
    bests = list(dict.fromkeys(run.best for run in runs))
    who = bests[0] if len(bests) == 1 else "The best predictor"
    accuracies = [run.scores[run.best].accuracy for run in runs]
    if all(len(name) == 1 for name in names):
        each = [f"{number(accuracy)}% in {name[0]} form" for accuracy, name in zip(accuracies, names, strict=True)]
        return f"{who} predicts {', '.join(each[:-1])} and {each[-1]}"
    low, high = number(min(accuracies)), number(max(accuracies))
    return f"{who} predicts {low}% of answers" if low == high else f"{who} predicts {low}% to {high}% of answers"


def _negative(value: float | None) -> float | None:
    return None if value is None else -value
