"""The table of an experiment on several surveys: a row per measure, a column per survey."""

from collections.abc import Callable, Sequence

import polars as pl

from indievalue.report.numbers import interval, number, probability, share, signed, signed_interval, with_interval
from indievalue.report.tables.table import PrintedTable

Row = tuple[float | None, float | None, float | None]
"""A value and the ends of its interval."""

SHOWN = {
    "context demographics": "demographics alone",
    "context statements": "statements alone",
    "context both": "statements and demographics",
}


def surveys_table(table: pl.DataFrame, centre: str) -> PrintedTable:
    """Return the results of all surveys (see :class:`indievalue.experiments.survey_measures.SurveyResult`).

    ``centre`` is the predictor with which settings were varied.
    """
    surveys = table["survey"].unique(maintain_order=True).to_list()
    cells: dict[tuple[str, str], dict[str, Row]] = {}
    for row in table.iter_rows(named=True):
        ends = row["value"], row["low"], row["high"]
        cells.setdefault((row["measure"], row["of"]), {})[row["survey"]] = ends
    rows: list[tuple[str, ...]] = []
    for measure, heading, shown in _lines(centre):
        for kind, of in cells:
            if kind == measure and _belongs(of, measure, heading) and _is_shown(of, measure, centre):
                found = cells[kind, of]
                texts = [shown(found[name]) if name in found else "" for name in surveys]
                rows.append((heading.format(of=_words(of), centre=centre), *texts))
    return PrintedTable("across-surveys", "", ("", *surveys), tuple(rows), 1)


def _belongs(of: str, measure: str, heading: str) -> bool:
    """Whether a line is about ``of``: settings varied have lines of their own, apart from those of predictors."""
    if measure in ("accuracy", "way"):
        return of.startswith(("context", "demonstrations")) == ("shown" in heading) and of != "context statements"
    if measure.startswith("inequity") and measure != "inequity_of":
        return of.endswith("of its own") == ("its own" in heading)
    return True


def _is_shown(of: str, measure: str, centre: str) -> bool:
    """Whether the table shows a row: the file of all has those, too, that say little of one predictor."""
    predictor = of.partition(",")[0]
    if measure in ("inequity_by_chance", "inequity_p", "calibration_error", "calibration_floor"):
        return predictor == centre
    return predictor not in _BASELINES.get(measure, ())


_BASELINES = {
    "way": ("random", "majority", "demonstrations 0"),
    "inequity": ("random",),
    "overconfidence": ("random",),
}
"""Rows that go without saying."""


def _lines(centre: str) -> Sequence[tuple[str, str, Callable[[Row], str]]]:
    """Return the measures in order, with a heading for each of their rows and what formats a cell."""
    return (
        ("people", "people tested", lambda row: number(row[0], 0)),
        ("learned_from", "learned from others", lambda row: number(row[0], 0)),
        ("questions", "questions", lambda row: number(row[0], 0)),
        ("probes", "questions predicted", lambda row: number(row[0], 0)),
        ("options", "options, mean", lambda row: number(row[0], 1)),
        ("accuracy", "accuracy, %: {of}", _percent),
        ("ceiling", "best possible", lambda row: interval(row[1], row[2], 0)),
        ("way", "of the way there, %: {of}", lambda row: share(row[1], row[2])),
        ("accuracy", "accuracy, %, {centre} shown {of}", _percent),
        ("way", "of the way there, %, shown {of}", lambda row: share(row[1], row[2])),
        ("gain", "gain, points: {of}", _gain),
        ("share_of_gain", "share of the gain of all statements that {of} reach, %", lambda row: _percent(row, 0)),
        ("inequity", "σ over the same demographics, points: {of}", lambda row: _percent(row, 2)),
        ("inequity_by_chance", "σ expected by chance: {of}", lambda row: number(row[0], 2)),
        ("inequity_p", "p of σ: {of}", lambda row: probability(row[0])),
        ("inequity_of", "σ of {of}, points: {centre}", lambda row: _percent(row, 2)),
        ("inequity", "σ over its own demographics, points: {of}", lambda row: _percent(row, 2)),
        ("calibration_error", "calibration error, points: {of}", lambda row: number(row[0], 1)),
        ("calibration_floor", "calibration error expected by chance: {of}", lambda row: number(row[0], 1)),
        ("overconfidence", "overconfidence, points: {of}", _gain),
    )


def _percent(row: Row, digits: int = 1) -> str:
    value, low, high = row
    if value is None:
        return interval(low, high, digits)
    return number(value, digits) if low is None else with_interval(value, low, high, digits)


def _gain(row: Row) -> str:
    return f"{signed(row[0])} ({signed_interval(row[1], row[2])})"


def _words(of: str) -> str:
    """Return what a row is of, in words."""
    if of in SHOWN:
        return SHOWN[of]
    if of.startswith("demonstrations "):
        return f"{of.removeprefix('demonstrations ')} statements"
    plain = of.removesuffix(", all of its own")
    return f"{plain} statements" if plain.isdecimal() else plain.replace("_", " ")
