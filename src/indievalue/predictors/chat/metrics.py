"""Scores in Inspect's logs: accuracy, its standard error clustered by person, and accuracy by category and group.

The metadata of every score has ``person``, ``groups`` (demographic → label) and ``probes``, a list of ``question``,
``category``, ``right`` and ``valid``.
"""

from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from math import sqrt
from typing import Any

from inspect_ai.scorer import Metric, SampleScore, Score, Scorer, Target, Value, metric, scorer
from inspect_ai.solver import TaskState

GROUPED = ("continent", "sex", "age", "education", "religion")
"""Demographics for which the log reports accuracy by group, if the survey has them."""


def metrics_of(grouped: Sequence[str]) -> list[Metric | dict[str, list[Metric]]]:
    """Return the metrics of a log, with accuracy by group for each demographic in ``grouped``."""
    return [accuracy(), stderr(), invalid(), by_category(), *map(by_group, grouped)]


@metric
def accuracy() -> Metric:
    """Share of probes predicted correctly; an invalid answer is wrong."""

    def measure(scores: list[SampleScore]) -> Value:
        right = [probe["right"] for probe, _ in _probes(scores)]
        return sum(right) / len(right) if right else 0.0

    return measure


@metric
def stderr() -> Metric:
    """Standard error of the accuracy, clustered by person (arXiv 2411.00640), with a small-sample correction."""

    def measure(scores: list[SampleScore]) -> Value:
        right: dict[str, list[bool]] = defaultdict(list)
        for probe, about in _probes(scores):
            right[about["person"]].append(probe["right"])
        probes, people = sum(map(len, right.values())), len(right)
        if people < 2:
            return 0.0
        mean = sum(map(sum, right.values())) / probes
        squares = sum((sum(one) - mean * len(one)) ** 2 for one in right.values())
        return sqrt(squares * people / (people - 1)) / probes

    return measure


@metric
def invalid() -> Metric:
    """Share of probes whose answer names no option."""

    def measure(scores: list[SampleScore]) -> Value:
        valid = [probe["valid"] for probe, _ in _probes(scores)]
        return 1 - sum(valid) / len(valid) if valid else 0.0

    return measure


@metric
def by_category() -> Metric:
    """Accuracy in each category of question."""
    return _parts(lambda probe, about: probe["category"])


@metric
def by_group(demographic: str) -> Metric:
    """Accuracy in each group of a demographic, for people whose group is known."""
    return _parts(
        lambda probe, about: (
            f"{demographic}: {about['groups'][demographic]}" if about["groups"].get(demographic) else None
        )
    )


def _parts(part_of: Callable[[dict[str, Any], dict[str, Any]], str | None]) -> Metric:
    def measure(scores: list[SampleScore]) -> Value:
        parts: dict[str, list[bool]] = defaultdict(list)
        for probe, about in _probes(scores):
            part = part_of(probe, about)
            if part is not None:
                parts[part].append(probe["right"])
        return {part: sum(right) / len(right) for part, right in sorted(parts.items())}

    return measure


def _probes(scores: list[SampleScore]) -> Iterator[tuple[dict[str, Any], dict[str, Any]]]:
    for one in scores:
        about = one.score.metadata or {}
        for probe in about.get("probes", ()):
            yield probe, about


@scorer(metrics=[accuracy(), stderr(), invalid(), by_category()])
def prediction_scorer() -> Scorer:
    """Score whether each probe was answered as the person answered it; a prompt that was not answered has no score."""

    async def scored(state: TaskState, target: Target) -> Score | None:
        about, answered = state.metadata, state.metadata["answered"]
        if not answered:
            return None
        probes = []
        for probe in about["probes"]:
            choice = answered[probe["question"]]["choice"]
            probes.append(
                {
                    "question": probe["question"],
                    "category": probe["category"],
                    "right": choice == probe["answer"],
                    "valid": choice is not None,
                }
            )
        return Score(
            value=sum(probe["right"] for probe in probes) / len(probes),
            answer=state.output.completion,
            metadata={"person": about["person"], "groups": about["groups"], "probes": probes},
        )

    return scored
