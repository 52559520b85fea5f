"""Estimates as a table, and what they mean in sentences."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import polars as pl
from numpy.typing import NDArray

from indievalue.display import html_table
from indievalue.errors import IndievalueError
from indievalue.estimation.powered import Powered, Sample
from indievalue.estimation.targets import MINIMUM, Design, Target
from indievalue.intervals import Z
from indievalue.scoring.weighting import effective_size

HARM = 1.01
"""An interval that is wider by more than this factor is said to be."""

_DRIFT = 3.3
"""Standard errors by which predictions of others may differ from those of the people asked (1 in 1,000 by chance)."""

_RARE = 15
"""Fewest answers on each side of a share for its interval."""

_NOTHING = 1e-12
"""A standard error, relative to the figure, that is rounding."""

_ALIKE = "all answers that it rests on are the same, so that they tell nothing of its error"

_NUMBERS = (
    *("estimate", "low", "high", "classical", "classical_low", "classical_high", "predicted", "lambda"),
    *("asked", "others", "effective", "effective_low", "effective_high", "error", "classical_error", "correlation"),
    *("untuned", "drift", "everybody"),
)

SCHEMA: dict[str, type[pl.DataType]] = {
    **dict.fromkeys(("target", "group"), pl.String),
    **{name: pl.Int64 if name in ("asked", "others") else pl.Float64 for name in _NUMBERS},
    **dict.fromkeys(("unit", "warning"), pl.String),
}
"""Columns of the table of estimates."""


def rows_of(
    target: Target, design: Design, sample: Sample, found: Powered, truth: NDArray[np.float64] | None
) -> list[dict[str, object]]:
    """Return the rows of one target: a row for each coefficient that is wanted (see :class:`Estimates`)."""
    answered, others = sample.answered, ~sample.asked
    ratio = float(answered.sum() / others.sum())
    size = np.minimum(found.behind, effective_size(sample.weights[answered]))
    least, most = found.effective_interval(size, ratio)
    rows: list[dict[str, object]] = []
    for at in design.reported:
        inside = sample.design[:, at] != 0 if target.kind in ("mean", "share") else np.ones(len(answered), bool)
        asked = int((answered & inside).sum())
        enough = min(found.behind[at], found.others_behind[at]) >= MINIMUM - 0.5
        alike = not found.classical_error[at] > _NOTHING * max(abs(float(found.classical[at])), 1)
        valid = bool(enough and not alike)
        row: dict[str, object] = {"target": target.text, "group": design.names[at]}
        for name in ("estimate", "low", "high", "classical", "classical_low", "classical_high", "predicted"):
            is_end = name.endswith(("low", "high"))
            row[name] = float(getattr(found, name)[at]) if valid or not is_end else None
        row |= {
            "lambda": float(found.tuning[at]),
            "asked": asked,
            "others": int((others & inside).sum()),
            "effective": asked * float(found.effective[at]) if valid else None,
            "effective_low": asked * float(least[at]) if valid else None,
            "effective_high": asked * float(most[at]) if valid else None,
            "error": float(found.error[at]) if valid else None,
            "classical_error": float(found.classical_error[at]) if valid else None,
            "correlation": float(found.correlation[at]),
            "untuned": None if alike else float(found.untuned_error[at] / found.classical_error[at]),
            "drift": float(found.drift[at]),
            "everybody": None if truth is None else float(truth[at]),
            "unit": "percent" if target.is_share else "code",
            "warning": _ALIKE if alike else _warning(target, sample, found, at, inside, valid=valid),
        }
        rows.append(row)
    return rows


def _warning(
    target: Target, sample: Sample, found: Powered, at: int, inside: NDArray[np.bool_], *, valid: bool
) -> str | None:
    """Return why a row is not to be trusted, if it is not."""
    if not valid:
        return f"rests on the answers of fewer than {MINIMUM} people, too few for an interval"
    if abs(found.drift[at]) > _DRIFT:
        return (
            f"the predictions of those asked and of the others differ by {abs(found.drift[at]):.1f} standard errors: "
            "those asked may be no random sample, and then the estimate is biased"
        )
    if target.is_share and target.kind == "share":
        yes = int((sample.answers[sample.answered & inside] > 0).sum())
        rare = min(yes, int((sample.answered & inside).sum()) - yes)
        if rare < _RARE:
            return f"only {rare} of those asked are on one side: the interval is too narrow"
    return None


def _needed(row: Mapping[str, float], variance: float) -> tuple[int | None, int]:
    """Return how many answers give an estimate of this variance, with predictions (None if all cannot) and without.

    With n answers, predictions of the other T − n people and a correlation ρ it is σ² (1 − ρ²) / n + σ² ρ² / T.
    """
    whole, rho = row["asked"] + row["others"], max(row["correlation"], 0.0)
    spread = row["classical_error"] ** 2 * row["asked"]
    alone, left = spread / variance, variance - spread * rho**2 / whole
    both = spread * (1 - rho**2) / left if left > 0 else np.inf
    return max(MINIMUM, int(np.ceil(both))) if both <= whole else None, max(MINIMUM, int(np.ceil(alone)))


@dataclass(frozen=True)
class Estimates:
    """Population figures from the people who were asked and predictions for everybody else.

    Attributes:
        predictor: name of the predictor. notes: who is left out, and what was not shown to the predictor.
        table: a row for each figure. Columns: ``target``, ``group``; ``estimate`` with the ends of its 95% interval,
            ``low`` and ``high``; ``classical``, the same from the people asked alone, with its ends; ``predicted``,
            what the predictions alone would give; ``lambda``, the weight of the predictions, 0 if they are of no use;
            ``asked``, people who answered, and ``others``, people predicted; ``effective``, how many answers alone
            would be as precise, with an interval; ``error`` and ``classical_error``, standard errors; ``correlation``,
            of answers and predictions, as far as they count for the figure; ``untuned``, the width with a weight of 1
            over that of ``classical``: above 1 such predictions would harm; ``drift``, the difference between
            predictions of the others and of those asked in standard errors; ``everybody``, the figure from all
            answers, if some were set aside; ``unit``, ``percent`` or ``code``; ``warning``, why a row is not to be
            trusted.
    """

    predictor: str
    table: pl.DataFrame
    notes: tuple[str, ...] = ()

    def __repr__(self) -> str:
        return "\n".join(self.sentences())

    def _repr_html_(self) -> str:
        columns = ["target", "group", "estimate", "low", "high", "classical", "classical_low", "classical_high"]
        return html_table(self.table.select(*columns, "predicted", "asked", "effective"), "; ".join(self.notes) or None)

    def as_dict(self) -> dict[str, object]:
        """Return plain values, for JSON."""
        return {"predictor": self.predictor, "estimates": self.table.to_dicts(), "notes": list(self.notes)}

    def plan(self, half: float) -> pl.DataFrame:
        """Return how many people would have to answer for a 95% interval of ``half`` to either side of each figure.

        Columns: ``target``, ``group``; ``answers``, with predictions as good as these for all others of the people in
        the data, null where the answers of all of these would not be enough; ``answers_alone``, without. Both are null
        for rows without an interval. Raises IndievalueError if ``half`` is not above 0.
        """
        if not half > 0:
            raise IndievalueError(f"half the width of an interval (--plan) is a number above 0, not {half:g}")
        rows = []
        for row in self.table.iter_rows(named=True):
            both, alone = (None, None) if row["classical_error"] is None else _needed(row, (half / Z) ** 2)
            rows.append({"target": row["target"], "group": row["group"], "answers": both, "answers_alone": alone})
        return pl.DataFrame(
            rows, {"target": pl.String, "group": pl.String, "answers": pl.Int64, "answers_alone": pl.Int64}
        )

    def sentences(self) -> list[str]:
        """Return for each figure what the predictor is worth, and for each row what is wrong with it, if anything."""
        found: list[str] = []
        for row in self.table.iter_rows(named=True):
            name = row["target"] if row["group"] in ("everybody", None) else f"{row['target']}, {row['group']}"
            found += [f"{name}: {self._worth(row)}"] if row["effective"] is not None else []
            found += [f"{name}: {row['warning']}"] if row["warning"] else []
        return found

    def _worth(self, row: Mapping[str, float]) -> str:
        more, least, most = (row[key] - row["asked"] for key in ("effective", "effective_low", "effective_high"))
        if least < 1:
            text = (
                f"no clear gain; the {row['asked']:,.0f} answers are as precise as {row['effective']:,.0f} "
                f"(95% interval {row['effective_low']:,.0f} to {row['effective_high']:,.0f})"
            )
        else:
            text = (
                f"{self.predictor} is worth {more:,.0f} further respondents (95% interval {least:,.0f} to {most:,.0f}) "
                f"to the {row['asked']:,.0f} who answered"
            )
        if row["untuned"] > HARM:
            text += (
                f"; with its full weight it would make the interval {100 * (row['untuned'] - 1):.0f}% wider, so "
                f"its weight is {row['lambda']:.2f}"
            )
        return text
