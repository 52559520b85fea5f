"""Compute paired differences between predictors on the same answers, within a run and between runs."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from indievalue.errors import IndievalueError
from indievalue.report.wording import called
from indievalue.runs.run import Run
from indievalue.scoring.paired import Comparison, compare, with_holm_over

MEASURES = {"accuracy": 1, "log_loss": 3, "inequity": 2}
"""Measures to compare, and the number of digits shown for their differences."""


@dataclass(frozen=True)
class Differences:
    """Comparisons with one reference predictor. ``refused`` explains why others were not possible."""

    title: str
    against: str
    rows: tuple[tuple[str, str, Comparison], ...]
    refused: tuple[str, ...] = ()

    def cells(self, comparison: Comparison) -> list[dict[str, Any] | None]:
        """Return the row of each measure with its ``digits``, or None if it has no difference with an interval."""
        found = {row["measure"]: row for row in comparison.table.iter_rows(named=True) if row["demographic"] is None}
        rows = [(found.get(measure), digits) for measure, digits in MEASURES.items()]
        return [
            row | {"digits": digits} if row and None not in (row["difference"], row["low"], row["p"]) else None
            for row, digits in rows
        ]


def differences(runs: Sequence[Run], names: Sequence[tuple[str, ...]]) -> list[Differences]:
    """Compare each run's predictors with its best one, and each predictor of later runs with itself in the first run.

    Only runs of the same form can be compared, on the probes they share.
    """
    found = [_within(run, called(name)) for run, name in zip(runs, names, strict=True) if len(run.scores) > 1]
    for form in dict.fromkeys(run.record.form for run in runs):
        alike = [(run, called(name)) for run, name in zip(runs, names, strict=True) if run.record.form == form]
        if len(alike) > 1:
            found.append(_between(alike))
    return found


def _within(run: Run, title: str) -> Differences:
    best, rows, refused = run.remember("with best", lambda: _with_best(run))
    return Differences(title, best, rows, refused)


def _with_best(run: Run) -> tuple[str, tuple[tuple[str, str, Comparison], ...], tuple[str, ...]]:
    """Return the best predictor, and the comparisons of the others with it."""
    best, *others = sorted(run.scores, key=lambda name: -run.scores[name].accuracy)
    return best, *_compared([(run, other, run, best, other, other) for other in others])


def _between(runs: Sequence[tuple[Run, str]]) -> Differences:
    (first, first_name), *others = runs
    asked = [
        (run, predictor, first, predictor, predictor, f"{predictor}, {name}")
        for run, name in others
        for predictor in run.scores
        if predictor in first.scores
    ]
    rows, refused = _compared(asked)
    return Differences("Between runs", f"the same predictor, {first_name}", rows, refused)


def _compared(
    pairs: Sequence[tuple[Run, str, Run, str, str, str]],
) -> tuple[tuple[tuple[str, str, Comparison], ...], tuple[str, ...]]:
    """Return rows (predictor, text, comparison) for each (run, predictor, run, predictor, predictor, text)."""
    rows, refused = [], []
    for run, name, other, against, predictor, text in pairs:
        try:
            comparison = compare(
                run.predictions.filter(predictor=name),
                other.predictions.filter(predictor=against),
                run.people,
                run.index_demographics,
                names=(text, against),
                seed=run.record.seed,
                weights=run.weights,
            )
        except IndievalueError as error:
            refused.append(f"{text} cannot be compared: {error}.")
        else:
            rows.append((predictor, text, comparison))
    corrected = with_holm_over([comparison for _, _, comparison in rows])
    return tuple((*row[:2], one) for row, one in zip(rows, corrected, strict=True)), tuple(refused)
