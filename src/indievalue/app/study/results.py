"""What a study shows about its raters: how right, how much alike, how fast, and whether they judge by themselves."""

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass

import krippendorff
import numpy as np
import polars as pl

from indievalue.app.study.assignment import PROBE, Progress
from indievalue.app.study.settings import CONFIDENCE, Study
from indievalue.report.numbers import signed
from indievalue.report.tables.table import PrintedTable
from indievalue.report.tables_page import Section, TablesPage
from indievalue.runs.run import Run
from indievalue.scoring.paired import NotComparableError, compare


@dataclass(frozen=True)
class Projection:
    """How far raters answer as they would for themselves, over the probes that they answered for themselves, too.

    Attributes:
        probes: number of such answers. same: share of predictions that are the rater's own answer. expected: share of
            the people's true answers that are; ``same`` above it is projection. right_if_same, right_if_other: share
            of right predictions where the person answered as the rater would, and otherwise; None if there are none.
    """

    probes: int
    same: float
    expected: float
    right_if_same: float | None
    right_if_other: float | None


@dataclass(frozen=True)
class Results:
    """What complete raters did.

    Attributes:
        raters, people, answers: numbers. right: share of right answers, over raters. alpha: Krippendorff's alpha of
            the options chosen (nominal; an option is its place in the question), from at most 1 for agreement to 0 for
            chance and below; None without two raters of a person, or if all chose alike.
        seconds: quartiles of the time that an answer took. by_place: one row per place of a person among those of a
            rater: answers, share right, median seconds. by_confidence: the same by degree of confidence.
        projection: see :class:`Projection`; None if raters answered nothing for themselves.
    """

    raters: int
    people: int
    answers: int
    right: float
    alpha: float | None
    seconds: tuple[float, float, float]
    by_place: list[dict[str, float]]
    by_confidence: list[dict[str, float]]
    projection: Projection | None
    checks: int
    checks_failed: int

    def as_dict(self) -> dict[str, object]:
        """Return plain values, for JSON."""
        return asdict(self)


def measure(answers: pl.DataFrame, excluded: Sequence[str] = ()) -> Results:
    """Measure the complete raters in ``answers`` (see :data:`indievalue.app.study.answers.SCHEMA`)."""
    kept = answers.filter(pl.col("kind") == PROBE, pl.col("complete"), ~pl.col("rater").is_in(excluded))
    raters = kept.unique("rater", maintain_order=True)
    quartiles = np.quantile(kept["seconds"].to_numpy(), [0.25, 0.5, 0.75]).tolist()
    return Results(
        raters=len(raters),
        people=kept["person"].n_unique(),
        answers=len(kept),
        right=float(kept["right"].cast(pl.Float64).to_numpy().mean()),
        alpha=alpha_of(kept),
        seconds=(quartiles[0], quartiles[1], quartiles[2]),
        by_place=_by(kept, "person_place"),
        by_confidence=_by(kept, "confidence"),
        projection=_projection(kept.filter(pl.col("own_choice").is_not_null())),
        checks=int(raters["checks"].sum()),
        checks_failed=int(raters["checks_failed"].sum()),
    )


def alpha_of(answers: pl.DataFrame) -> float | None:
    """Return Krippendorff's alpha of the options chosen; None where it is not defined."""
    units = answers.pivot("rater", index=["person", "setup", "question"], values="choice").drop(
        "person", "setup", "question"
    )
    table = units.to_numpy().astype(np.float64).T
    paired = (~np.isnan(table)).sum(axis=0) > 1
    if not paired.any() or len(np.unique(table[:, paired][~np.isnan(table[:, paired])])) < 2:
        return None
    return float(krippendorff.alpha(reliability_data=table, level_of_measurement="nominal"))


def _by(answers: pl.DataFrame, column: str) -> list[dict[str, float]]:
    table = answers.group_by(column).agg(
        answers=pl.len(), right=pl.col("right").cast(pl.Float64).mean(), seconds=pl.col("seconds").median()
    )
    return table.sort(column).to_dicts()


def _projection(answers: pl.DataFrame) -> Projection | None:
    if answers.is_empty():
        return None
    own, choice, true = (answers[name].to_numpy() for name in ("own_choice", "choice", "answer"))
    right, like = choice == true, own == true
    return Projection(
        len(answers),
        float((choice == own).mean()),
        float(like.mean()),
        float(right[like].mean()) if like.any() else None,
        float(right[~like].mean()) if not like.all() else None,
    )


def results_page(study: Study, results: Results, run: Run, majority: str, progress: Progress) -> TablesPage:
    """Return the page of a study's results."""
    alpha = "not defined" if results.alpha is None else f"{results.alpha:.2f}"
    lead = (
        f"{_counted(results.raters, 'rater', 'raters')} predicted {results.answers:,} answers of "
        f"{_counted(results.people, 'person', 'people')}; "
        f"{100 * results.right:.1f}% were right, and Krippendorff’s alpha is {alpha}.",
        *progress.lines(),
        f"Context {study.context}, at most {study.plan.statements} statements of a person, {study.form} form."
        + (f" Real people’s answers were shown as permitted by: {study.real_people}" if study.real_people else ""),
    )
    sections = [
        _predictors(run, majority),
        _section("Does it get easier?", "person", results.by_place, "person_place", str),
        _section(
            "Do raters know when they are right?",
            "how sure",
            results.by_confidence,
            "confidence",
            lambda at: CONFIDENCE[int(at)],
        ),
        _habits(results),
    ]
    return TablesPage(
        kicker="How well do people predict a stranger’s answers?",
        title=f"Study {study.name}",
        lead=lead,
        sections=tuple(sections),
        synthetic=run.synthetic,
    )


def _predictors(run: Run, majority: str) -> Section:
    """Return accuracies on the rows that raters predicted, with differences of each predictor from the majority."""
    rows = []
    table = run.predictions
    for name, score in run.scores.items():
        if name.startswith(f"{majority}/"):
            continue
        accuracy = f"{score.accuracy:.1f} ({score.accuracy_low:.1f}–{score.accuracy_high:.1f})"
        rows.append((name, f"{score.probes:,}", accuracy, *_difference(table, name, majority)))
    headings = ("predictor", "probes", "accuracy, %", "majority of raters − it, points", "p")
    return Section(
        "Humans and other predictors",
        "All on the rows that raters predicted. Intervals of 95% from resampling people; differences person by person.",
        PrintedTable("humans", "", headings, tuple(rows)),
    )


def _difference(table: pl.DataFrame, name: str, majority: str) -> tuple[str, str]:
    if name == majority:
        return "", ""
    try:
        found = compare(table.filter(predictor=majority), table.filter(predictor=name), intersection=True).table
    except NotComparableError:
        return "not comparable", ""
    row = found.filter(measure="accuracy").row(0, named=True)
    if row["low"] is None:
        return signed(row["difference"]), ""
    return f"{signed(row['difference'])} ({signed(row['low'])} to {signed(row['high'])})", f"{row['p']:.3f}"


def _counted(number: int, one: str, many: str) -> str:
    return f"{number:,} {one if number == 1 else many}"


def _section(
    heading: str, first: str, rows: list[dict[str, float]], key: str, words: Callable[[float], str]
) -> Section:
    cells = tuple(
        (words(row[key]), f"{row['answers']:,}", f"{100 * row['right']:.1f}", f"{row['seconds']:.1f}") for row in rows
    )
    return Section(heading, "", PrintedTable(key, "", (first, "answers", "right, %", "median seconds"), cells))


def _habits(results: Results) -> Section:
    low, median, high = results.seconds
    rows = [
        ("seconds an answer took, median (middle half)", f"{median:.1f} ({low:.1f}–{high:.1f})"),
        ("attention checks failed", f"{results.checks_failed:,} of {results.checks:,}"),
    ]
    if (found := results.projection) is not None:
        rows += [
            ("predictions that are the rater’s own answer, %", f"{100 * found.same:.1f} of {found.probes:,}"),
            ("true answers that are the rater’s own answer, %", f"{100 * found.expected:.1f}"),
        ]
        for words, share in (("as", found.right_if_same), ("other than", found.right_if_other)):
            if share is not None:
                rows.append((f"right where the person answered {words} the rater, %", f"{100 * share:.1f}"))
    note = "Raters judge by themselves as far as the first share of own answers is above the second."
    return Section(
        "How raters answered",
        note if results.projection else "",
        PrintedTable("habits", "", ("what", "how much"), tuple(rows)),
    )
