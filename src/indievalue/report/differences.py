"""Compute paired differences between predictors on the same answers, within a run and between runs."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from indievalue.errors import IndievalueError
from indievalue.report.numbers import COMPARED_DIGITS, over
from indievalue.report.wording import called
from indievalue.runs.run import Run
from indievalue.scoring.paired import Comparison, NotComparableError, compare, with_holm_over


@dataclass(frozen=True)
class Differences:
    """Comparisons with one reference predictor. ``refused`` explains why others were not possible."""

    title: str
    against: str
    rows: tuple[tuple[str, str, Comparison], ...]
    refused: tuple[str, ...] = ()

    def cells(self, comparison: Comparison) -> list[dict[str, Any] | None]:
        """Return the row of each measure, or None if it has no difference with an interval.

        Each row has its ``digits``, and says ``over`` how many rows it is if that is not all of them.
        """
        found = {row["measure"]: row for row in comparison.table.iter_rows(named=True) if row["demographic"] is None}
        rows = [(found.get(measure), digits) for measure, digits in COMPARED_DIGITS.items()]
        left = over(comparison.probability_rows, comparison.probes)
        return [
            row | {"digits": digits, "over": left if row["measure"] == "log_loss" else ""}
            if row and None not in (row["difference"], row["low"], row["p"])
            else None
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
    best, rows, refused = with_best(run)
    return Differences(title, best, rows, refused)


def with_best(run: Run) -> tuple[str, tuple[tuple[str, str, Comparison], ...], tuple[str, ...]]:
    """Return the best predictor, the comparisons of the others with it, and why others were not possible."""
    return run.remember("with best", lambda: _with_best(run))


def _with_best(run: Run) -> tuple[str, tuple[tuple[str, str, Comparison], ...], tuple[str, ...]]:
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
            refused.append(f"{text} cannot be compared: {_reason(error)}.")
        else:
            rows.append((predictor, text, comparison))
    corrected = with_holm_over([comparison for _, _, comparison in rows])
    return tuple((*row[:2], one) for row, one in zip(rows, corrected, strict=True)), tuple(refused)


def _reason(error: IndievalueError) -> str:
    """Return the message without its examples, which name people: pages are passed on."""
    return error.reason if isinstance(error, NotComparableError) else str(error).partition(", such as ")[0]
