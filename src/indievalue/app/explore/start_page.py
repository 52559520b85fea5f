"""The first page of a run: what was asked, the answer, and the predictors in order."""

from collections.abc import Mapping

import polars as pl
from starlette.datastructures import QueryParams

from indievalue.app.explore.source import Source
from indievalue.app.explore.view import RunView
from indievalue.errors import IndievalueError
from indievalue.report.answer import MAJORITY, Lead
from indievalue.report.numbers import interval, number
from indievalue.report.wording import ceiling, evaluated
from indievalue.scoring.paired import compare


def start_page(source: Source, view: RunView | None, query: QueryParams) -> Mapping[str, object]:
    """Return what the first page of a run shows."""
    assert view is not None
    return {
        "title": headline(view),
        "answer": answer(view),
        "asked": evaluated([view.run]),
        "ladder": [(name, view.run.scores[name]) for name in view.predictors],
        "ceiling": ceiling(view.run.scores),
    }


def headline(view: RunView) -> str:
    """Say in a few words how well the best predictor does."""
    best = view.predictors[0]
    return f"{best} predicts {number(view.run.scores[best].accuracy)}% of answers"


def answer(view: RunView) -> str:
    """Say in one line how sure that is, and how far it is ahead."""
    score = view.run.scores[view.predictors[0]]
    text = f"95% interval {interval(score.accuracy_low, score.accuracy_high)}%"
    lead = view.source.once("lead", lambda: _lead(view))
    return f"{text}, {lead}." if lead else f"{text}."


def _lead(view: RunView) -> Lead | None:
    """Return the lead on the most common answer or, without it, on the next best predictor."""
    best, *others = view.predictors
    if not others:
        return None
    other = MAJORITY if MAJORITY in others else others[0]
    a, b = (view.run.predictions.filter(predictor=name) for name in (best, other))
    try:
        found = compare(a, b, view.run.people, intersection=True, seed=view.run.record.seed, weights=view.run.weights)
    except IndievalueError:
        scores = view.run.scores
        return Lead(other, scores[best].accuracy - scores[other].accuracy, None, None)
    row = found.table.row(by_predicate=pl.col("measure") == "accuracy", named=True)
    shared = found.probes if any(found.left_out) else None
    return Lead(other, row["difference"], row["low"], row["high"], shared)
