"""The pages of ``indievalue inequity``, ``compare`` and ``flattening``: an answer, figures and tables."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Generic, TypeVar

import polars as pl

from indievalue.report import wording
from indievalue.report.figures.around import difference_figure, ratio_figure
from indievalue.report.figures.inequity import chance_figure
from indievalue.report.figures.styles import PredictorStyle, predictor_styles
from indievalue.report.measure_answers import compared_answer, flattening_answer, inequity_answer
from indievalue.report.numbers import COMPARED_DIGITS
from indievalue.report.tables.of_measures import (
    differences_table,
    group_notes,
    index_table,
    measure_words,
    noise_table,
    pairs_table,
    ratio_groups_table,
    ratio_table,
    sigma_differences_table,
    sigma_table,
    values_table,
    words,
)
from indievalue.report.tables_page import Picture, Section, TablesPage, picture
from indievalue.runs.run import Run
from indievalue.scoring.flattening import Flattening
from indievalue.scoring.inequity import Inequity
from indievalue.scoring.paired import Comparison

T = TypeVar("T")

_MOST_LINES = 160
"""Largest number of groups times predictors for which a figure shows each."""

_CHANCE = (
    "Chance: mean σ when people are assigned to groups at random; p: how often that gives as large a σ; p (Holm): "
    "corrected for the number of tests. Corrected: σ without sampling noise, with its 95% interval."
)
_VARIANCE = (
    "Variance of answers to ordered questions within groups, with options scaled from 0 to 1, as it is and as "
    "predicted; a ratio below 1 makes people more alike. Alike: probability that two people of a group give the same "
    "answer, as it is and as predicted; more alike: the second minus the first."
)
_PAIRS = (
    "Cases: questions that the two people of a pair answered differently. Told apart: both predicted correctly. Given "
    "the same: both predicted to give the same answer."
)
_COMPARED = (
    "Differences are computed person by person, with 95% intervals from resampling people and a two-sided p; p (Holm): "
    "corrected for the number of pairs."
)
_MEASURES = {
    "accuracy": ("Differences in accuracy", "a − b in accuracy, points", "Higher is better."),
    "log_loss": ("Differences in log loss", "a − b in log loss, nats", "Lower is better."),
    "inequity": (
        "Differences in inequity",
        "a − b in inequity (σ), points",
        "Lower is more even. Inequity is the mean of σ of accuracy over demographics, without noise.",
    ),
}
"""Heading, title of the axis, and note, by what predictors are compared in."""


_NOISE = (
    "Groups whose answers have more noise can be predicted less well by anybody. The ceiling is the accuracy of the "
    "best possible predictor in a group, and noise explains the share of the gap between the worst and the best group "
    "by which their ceilings differ; both are bounds. Reliability is the agreement of two random halves of the people, "
    "from 0 to 1."
)


@dataclass(frozen=True)
class Measured(Generic[T]):
    """A run under the name that its page shows, and what was measured of it."""

    name: str
    run: Run
    found: T


def inequity_page(measured: Sequence[Measured[Inequity]], command: str) -> TablesPage:
    """Return the page of ``indievalue inequity``."""
    parts = [(one.name, one.found) for one in measured]
    styles = _styles(measured)
    measure = measure_words(measured[0].found.measure)
    caption = (
        "Dots: σ without noise, with 95% intervals; ticks: the σ that chance alone gives, without correction. "
        "Mean of all: the Value Inequity Index."
    )
    pictures = []
    for number, one in enumerate(measured, 1):
        best, found = one.run.best, one.found
        label = f"Spread of {measure} over the groups of each demographic, {one.name}. The table has the same numbers."
        pictures.append(
            picture(
                lambda width, found=found, best=best: chance_figure(found, best, styles, width),  # type: ignore[misc]
                f"chance-{number}",
                label,
                caption=caption,
                title=_title(one, measured),
            )
        )
    sigmas = sigma_table(parts)
    left_out = listed_notes([(one.name, group_notes(one.found, words)) for one in measured])
    sections = [
        Section(
            "Value Inequity Index", f"The mean of σ over demographics. {_CHANCE}", index_table(parts), _drawn(pictures)
        ),
        Section(
            "σ of each demographic",
            f"σ: the standard deviation of {measure} over the groups of a demographic. {left_out}".strip(),
            sigmas,
            words=sigmas.headings[-2:],
        ),
        Section(
            "Groups", f"The {measure} in each group, with its 95% interval from resampling people.", values_table(parts)
        ),
    ]
    if noise := noise_table(parts):
        sections.insert(2, Section("How much of it is noise in the answers?", _NOISE, noise))
    answers = [(one.name, inequity_answer(one.run, one.found)) for one in measured]
    return measured_page(
        "Which groups do the predictors fail?", f"Inequity of {measure}", measured, answers, sections, command
    )


def flattening_page(measured: Sequence[Measured[Flattening]], command: str) -> TablesPage:
    """Return the page of ``indievalue flattening``."""
    parts = [(one.name, one.found) for one in measured]
    styles = _styles(measured)
    left_out = listed_notes([(one.name, group_notes(one.found, words)) for one in measured])
    pooled, each = [], []
    for number, one in enumerate(measured, 1):
        rows = one.found.table.to_dicts()
        pooled.append(_ratios(rows, "demographic", styles, f"ratios-{number}", _title(one, measured)))
        shown, groups = _shown_groups(one.found)
        title = f"{_title(one, measured)}, by {shown}".removeprefix(", ").capitalize() if shown else ""
        each.append(_ratios(groups, "group", styles, f"groups-{number}", title))
    sections = [
        Section("How much people of one group differ", _VARIANCE, ratio_table(parts), _drawn(pooled)),
        Section(
            "Groups",
            f"The ratio of variances in each group, with its 95% interval from resampling people. {left_out}".strip(),
            ratio_groups_table(parts),
            _drawn(each),
        ),
        Section("Pairs of people with the same demographics", _PAIRS, pairs_table(parts)),
    ]
    answers = [(one.name, flattening_answer(one.run, one.found)) for one in measured]
    return measured_page(
        "Do predictors make people of a group alike?", "Flattening", measured, answers, sections, command
    )


def compare_page(runs: Sequence[tuple[str, Run]], found: Sequence[Comparison], command: str) -> TablesPage:
    """Return the page of ``indievalue compare``; ``runs`` have only the predictors that were compared."""
    sections = []
    for measure, (heading, title, note) in _MEASURES.items():
        rows = [(one.a, one.b, row) for one in found for row in one.table.filter(measure=measure).to_dicts()]
        if rows:
            drawn = _drawn([_differences(rows, measure, title)])
            sections.append(Section(heading, note, differences_table(found, measure), drawn))
    sections[0] = replace(sections[0], note=" ".join([_COMPARED, sections[0].note, *_left_out(found)]))
    if found[0].demographics:
        by_demographic = []
        if len(found) == 1:
            one = found[0]
            sigmas = one.table.filter(measure="sigma").to_dicts()
            rows = [(row["demographic"].replace("_", " "), "", row) for row in sigmas]
            by_demographic.append(_differences(rows, "sigma", "a − b in σ without noise, points"))
        note = "σ without noise of accuracy over the groups of each demographic; p (Holm): corrected for their number."
        table = sigma_differences_table(found)
        sections.append(Section("Inequity by demographic", note, table, _drawn(by_demographic)))
    measured = [Measured(name, run, found) for name, run in runs]
    answers = [("", compared_answer(found))]
    return measured_page(
        "Which predictor is better?", "Differences between predictors", measured, answers, sections, command
    )


def of_predictors(run: Run, names: Sequence[str] | None) -> Run:
    """Return the run with the scores of ``names`` alone, of those that it has; all of them for None."""
    return run if names is None else replace(run, scores={n: s for n, s in run.scores.items() if n in names})


def measured_page(
    kicker: str,
    title: str,
    measured: Sequence[Measured[Any]],
    answers: Sequence[tuple[str, str]],
    sections: Sequence[Section],
    command: str,
) -> TablesPage:
    """Return a page of what was measured of runs."""
    runs = [one.run for one in measured]
    names = f"Results of the run{'' if len(runs) == 1 else 's'} {', '.join(one.name for one in measured)}"
    evaluated = wording.evaluated(runs)
    facts = f"{names}: {evaluated[0].lower()}{evaluated[1:]}"
    synthetic = all(run.synthetic for run in runs)
    return TablesPage(kicker, title, (facts,), tuple(sections), command, tuple(answers), synthetic)


def _styles(measured: Sequence[Measured[Any]]) -> dict[str, PredictorStyle]:
    return predictor_styles(name for one in measured for name in one.run.scores)


def _title(one: Measured[Any], measured: Sequence[Measured[Any]]) -> str:
    return one.name if len(measured) > 1 else ""


def _drawn(pictures: Sequence[Picture | None]) -> tuple[Picture, ...]:
    return tuple(one for one in pictures if one is not None)


def _ratios(
    rows: Sequence[Mapping[str, Any]], key: str, styles: Mapping[str, PredictorStyle], name: str, title: str
) -> Picture | None:
    caption = (
        "Variance of predictions divided by that of answers, with 95% intervals. At the upright line people differ as "
        "much as they do; to its left they are made more alike."
    )
    label = f"Ratio of variances by {key} and predictor{', ' if title else ''}{title}. The table has the same numbers."
    return picture(lambda width: ratio_figure(rows, key, styles, width), name, label, caption=caption, title=title)


def _shown_groups(found: Flattening) -> tuple[str, list[dict[str, Any]]]:
    """Return the demographic whose groups a figure shows, the country or else the first of a fitting size, and them."""
    for name in sorted(found.demographics, key=lambda name: name != "country"):
        rows = found.groups.filter(pl.col("demographic") == name)
        if rows["group"].n_unique() > 1 and len(rows) <= _MOST_LINES:
            return name.replace("_", " "), rows.to_dicts()
    return "", []


def _differences(rows: Sequence[tuple[str, str, Mapping[str, Any]]], measure: str, title: str) -> Picture | None:
    digits = COMPARED_DIGITS.get(measure, COMPARED_DIGITS["inequity"])
    label = f"Differences with 95% intervals: {title}. The table has the same numbers."
    caption = "Differences with 95% intervals. The upright line is at 0."
    return picture(
        lambda width: difference_figure(rows, title, digits, width), f"differences-{measure}", label, caption=caption
    )


def _left_out(found: Sequence[Comparison]) -> Iterator[str]:
    for one in found:
        if any(one.left_out):
            a, b = one.left_out
            yield f"{one.a} and {one.b}: {a:,} and {b:,} rows that are not shared are left out."


def listed_notes(notes: Sequence[tuple[str, Sequence[str]]]) -> str:
    """Return what is noted of each run, once if it is the same of all."""
    if len({tuple(lines) for _, lines in notes}) == 1:
        return " ".join(notes[0][1])
    return " ".join(f"{name}: {' '.join(lines)}" for name, lines in notes if lines)
