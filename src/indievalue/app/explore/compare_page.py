"""The page that compares two predictors, of one run or of two, person by person."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl
from starlette.datastructures import QueryParams

from indievalue.app.explore.source import SMALLEST_GROUP
from indievalue.app.explore.view import RunView
from indievalue.errors import IndievalueError
from indievalue.scoring.groups import GroupOptions
from indievalue.scoring.paired import Comparison, NotComparableError, compare

_PAGE = 50
"""People on one page."""

_QUESTIONS = 10
"""Questions in the list of those where predictors differ most."""

WHO = {"": "all, largest difference first", "a": "the first is better", "b": "the second is better"}
"""People that can be chosen."""


@dataclass(frozen=True)
class PersonDifference:
    """A person: the place in the first run, and how many of the shared answers each predicted."""

    person: str
    shared: int
    a: int
    b: int

    @property
    def points(self) -> float:
        """Difference in accuracy, in points."""
        return 100 * (self.a - self.b) / self.shared


@dataclass(frozen=True)
class Bin:
    """How many people have a difference in accuracy of about ``middle`` points."""

    middle: int
    people: int


@dataclass(frozen=True)
class Compared:
    """Two predictors on the same answers: overall, by person and by question."""

    comparison: Comparison
    people: tuple[PersonDifference, ...]
    questions: tuple[dict[str, object], ...]
    bins: tuple[Bin, ...]


def predictors_of(views: Sequence[RunView]) -> dict[str, tuple[RunView, str]]:
    """Return the predictors of all runs by the name that an address gives them."""
    return {
        name if len(views) == 1 else f"{at}:{name}": (view, name)
        for at, view in enumerate(views, 1)
        for name in view.predictors
    }


def compare_page(views: Sequence[RunView]) -> Callable[[QueryParams], Mapping[str, object]]:
    """Return the function that makes what the page shows, from the parameters of an address."""
    known = predictors_of(views)
    texts = {key: name if len(views) == 1 else f"{view.name}: {name}" for key, (view, name) in known.items()}
    first = next(iter(known))
    rest = [key for key in known if key != first] or [first]
    # Of two runs the same predictor is of more interest than another one.
    same = [key for key in rest if known[key][1] == known[first][1] and known[key][0] is not known[first][0]]
    usual = first, (same or rest)[0]

    def page(query: QueryParams) -> Mapping[str, object]:
        a, b = (query.get(name, "") if query.get(name) in known else use for name, use in zip("ab", usual, strict=True))
        shown: dict[str, object] = {"names": texts, "a": a, "b": b, "who": query.get("who", ""), "whos": WHO}
        try:
            found = known[a][0].source.once(("compare", a, b), lambda: _compared(known[a], known[b]))
        except NotComparableError as error:
            return {**shown, "refused": error.reason}
        except IndievalueError as error:
            return {**shown, "refused": str(error)}
        rows = _chosen(found.people, query.get("who", ""))
        pages = max(1, -(-len(rows) // _PAGE))
        number = query.get("page", "")
        page = min(max(1, int(number) if number.isascii() and number.isdigit() and len(number) < 9 else 1), pages)
        return {
            **shown,
            "found": found,
            "accuracy": found.comparison.table.row(by_predicate=pl.col("measure") == "accuracy", named=True),
            "loss": found.comparison.table.row(by_predicate=pl.col("measure") == "log_loss", named=True),
            "view_of_a": known[a][0],
            "rows": rows[(page - 1) * _PAGE : page * _PAGE],
            "page": page,
            "pages": pages,
            "most": max((one.people for one in found.bins), default=1),
        }

    return page


def _chosen(people: Sequence[PersonDifference], who: str) -> list[PersonDifference]:
    if who == "a":
        return [one for one in people if one.points > 0]
    if who == "b":
        return [one for one in people if one.points < 0]
    return list(people)


def _compared(a: tuple[RunView, str], b: tuple[RunView, str]) -> Compared:
    (view, name), (other, other_name) = a, b
    run = view.run
    ours, theirs = (of.run.predictions.filter(pl.col("predictor") == predictor) for of, predictor in (a, b))
    names = (name, other_name) if view is other else (f"{view.name}: {name}", f"{other.name}: {other_name}")
    options = GroupOptions(seed=run.record.seed, weights=run.weights)
    comparison = compare(ours, theirs, run.people, names=names, intersection=True, options=options)
    key = ["setup", "person", "question"]
    right = [
        table.select(*key, (pl.col("choice") == pl.col("answer")).alias(side))
        for table, side in ((ours, "a"), (theirs, "b"))
    ]
    both = right[0].join(right[1], on=key)
    counts = pl.len().alias("shared"), pl.col("a").sum(), pl.col("b").sum()
    by_person = (
        both.group_by("person")
        .agg(*counts)
        .sort(
            ((pl.col("a").cast(pl.Int64) - pl.col("b").cast(pl.Int64)) / pl.col("shared")).abs(),
            "person",
            descending=[True, False],
        )
    )
    people = tuple(PersonDifference(**row) for row in by_person.iter_rows(named=True))
    return Compared(comparison, people, tuple(_questions(both, view)), _bins(people))


def _questions(both: pl.DataFrame, view: RunView) -> list[dict[str, object]]:
    """Return the questions, asked of 30 people or more, on which the accuracy of two predictors differs most."""
    table = (
        both.group_by("question")
        .agg(people=pl.col("person").n_unique(), a=100 * pl.col("a").mean(), b=100 * pl.col("b").mean())
        .filter(pl.col("people") >= SMALLEST_GROUP)
        .with_columns(points=pl.col("a") - pl.col("b"))
        .sort(pl.col("points").abs(), "question", descending=[True, False])
        .head(_QUESTIONS)
    )
    return [{**row, "asks": view.run.survey.question(row["question"]).asks} for row in table.iter_rows(named=True)]


def _bins(people: Sequence[PersonDifference]) -> tuple[Bin, ...]:
    """Return how many people there are by difference; nothing about fewer than 30."""
    if len(people) < SMALLEST_GROUP:
        return ()
    points = np.array([one.points for one in people])
    reach = max(10, int(np.ceil(np.abs(points).max() / 10)) * 10)
    width = 5 if reach <= 40 else 10
    edges = np.arange(-reach - width / 2, reach + width, width)
    counts, _ = np.histogram(points, edges)
    some = np.flatnonzero(counts)
    bins = [Bin(round(low + width / 2), int(count)) for low, count in zip(edges[:-1], counts, strict=True)]
    return tuple(bins[some[0] : some[-1] + 1])
