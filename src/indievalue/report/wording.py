"""Sentences of the report."""

import re
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

import polars as pl

from indievalue.benchmark.model import show_kind
from indievalue.choices import Weights
from indievalue.context import parse_context
from indievalue.report.numbers import interval, number, over
from indievalue.report.paper import COUNTRIES, paper_about, paper_of, read_paper
from indievalue.runs.repeat import command_of
from indievalue.runs.run import Run
from indievalue.scoring.accuracy import PredictorScore, Score

_NUMBERS = ("no", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")


def evaluated(runs: Sequence[Run]) -> str:
    """Describe the evaluation in one sentence, listing the values in which runs differ."""
    predictors = list(dict.fromkeys(name for run in runs for name in run.scores))
    return (
        f"{count(len(predictors), 'predictor').capitalize()} tried to predict "
        f"{listed(_amount(_probes_each(run), 'answer') for run in runs)} of each of "
        f"{listed(_people(run) for run in runs)} {listed(_source(run) for run in runs)}, "
        f"in {listed(run.record.form for run in runs)} form, "
        f"{listed(shown(run) for run in runs)}, "
        f"under the {listed(run.record.protocol for run in runs)} protocol.{_weighting(runs)}"
    )


def _weighting(runs: Sequence[Run]) -> str:
    """Describe the weights of people in a sentence; empty if nobody is weighted."""
    if all(run.record.weights == "none" for run in runs):
        return ""
    each = []
    for run in runs:
        score = next(iter(run.scores.values()))
        each.append(weighting(run.record.weights, score.effective_people or 0))
    return f" Results {listed(each)}."


def weighting(weights: Weights, effective_people: float) -> str:
    """Describe the weights of people and their effective number, as what results do."""
    size = f" (as precise as {effective_people:,.0f} people without weights)"
    return {
        "none": "do not weight people",
        "equal": f"weight people by survey weight, with the same total for every country{size}",
        "population": f"weight people by survey weight, with totals by population{size}",
    }[weights]


def shown(run: Run) -> str:
    """Describe the context shown to predictors, as a phrase."""
    record = run.record
    number = "all" if record.demonstrations is None else str(record.demonstrations)
    if (record.demonstrations or 0) > _answers_besides(run):
        number = f"up to {number}"
    statements = f"{number} of the person’s other statements"
    if record.show != "random":
        statements += _CHOSEN[show_kind(record.show)]
    if record.demonstrations_as != record.form:
        statements += f" in {record.demonstrations_as} form"
    blocks = parse_context(record.context)
    own = ["demographics"] if blocks.demographics == () else list(blocks.demographics or ())
    own += ["region"] if blocks.region else []
    shown = [f"the person’s {listed(name.replace('_', ' ') for name in own)}"] if own else []
    shown += ["the year of the interview"] if blocks.year else []
    shown += ["facts about their country"] if blocks.country_facts else []
    shown += [statements] if blocks.statements else []
    return f"given {listed(shown)}" if shown else "knowing nothing about the person"


def _answers_besides(run: Run) -> int:
    """Return how many answers people have besides the probes of a setup; 0 if they were asked different questions."""
    sampling = run.survey.sampling
    if sampling.probes == "answered":
        return 0
    answered = len(run.survey.questions) if sampling.answered is None else sampling.answered
    return answered - _probes_each(run) // len(run.record.setups or range(sampling.setups))


_CHOSEN = {"relevant": " that tell most about each question", "similar": " that are most similar to each question"}


def uneven(run: Run) -> str:
    """Name the demographic by which the best predictor's accuracy differs most, with its worst and best groups."""
    table = run.index.table if run.index else pl.DataFrame(schema={"predictor": pl.String, "corrected": pl.Float64})
    rows = table.filter((pl.col("predictor") == run.best) & pl.col("corrected").is_not_null()).sort(
        "corrected", descending=True, maintain_order=True
    )
    if rows.is_empty():
        return ""
    row = rows.row(0, named=True)
    name = row["demographic"].replace("_", " ")
    if row["corrected"] == 0:
        return f"The accuracy of {run.best} differs between groups no more than expected by chance."
    return (
        f"The accuracy of {run.best} differs most by {name}: from {row['worst_value']:.1f}% ({row['worst']}) "
        f"to {row['best_value']:.1f}% ({row['best']})."
    )


def ceiling(scores: Mapping[str, Score]) -> str:
    """Say how often the best possible predictor is right, and how far the predictors get; empty if it is not known."""
    known = {name: score for name, score in scores.items() if isinstance(score, PredictorScore) and score.ceiling}
    limit = next((score.ceiling for score in known.values()), None)
    if limit is None:
        return ""
    ahead = [(score.accuracy, name) for name, score in known.items() if (score.way_high or 0) > 0.5]
    reached = [
        f"{name} goes {interval(known[name].way_low, known[name].way_high, 0)}%"
        for _, name in sorted(ahead, reverse=True)[:_MOST]
    ]
    text = (
        f"Nobody could be right about all answers, as people do not always repeat their own: the best possible "
        f"predictor is right in about {interval(limit.low, limit.high, 0)}%"
    )
    if not reached:
        return f"{text}."
    return f"{text}. Of the way there from the most common answer ({number(limit.most_common)}%), {listed(reached)}."


_MOST = 6
"""Largest number of predictors that a sentence names."""


def demographics(runs: Sequence[Run]) -> str:
    """List the demographics of the Value Inequity Index in these runs, to follow 'over'."""
    named = dict.fromkeys(name.replace("_", " ") for run in runs if run.index for name in run.index.demographics)
    return listed(named) or "demographics (none in this data)"


def no_groups(run: Run) -> str:
    """Explain why this run has no results by group."""
    if run.index is None:
        return "The data has no demographics, so there are no groups to compare."
    return "No demographic has two groups of at least 30 people, so there is nothing to compare."


def protocol(run: Run) -> str:
    """Describe the protocol of the run."""
    if run.record.protocol == "strict":
        return (
            "Strict protocol: probes are never shown as demonstrations, each question counts once, missing answers "
            "are not votes, and an output that names no option is wrong."
        )
    return (
        "Paper protocol: as in the paper, a question may be asked again in a later setup, and a missing answer can be "
        "a vote."
    )


def paper_note(runs: Sequence[Run]) -> str:
    """Explain whether these runs are comparable with the results of the paper."""
    source = read_paper().source
    if all(run.synthetic for run in runs):
        return f"These people are synthetic, so the results cannot be compared with those of {source}."
    if not any(paper_about(run.record.data) for run in runs):
        return f"{source} is about another survey, so the results cannot be compared."
    if not any(map(paper_of, runs)):
        return (
            f"{source} is about people of many countries, and these are of fewer than {COUNTRIES}, so the results "
            "cannot be compared."
        )
    note = (
        f"Hollow circles, ticks in the bars and the column ‘Paper’ are results printed in {source}, with 200 "
        "statements of each person, on a different sample of people: a difference is not a significance test."
    )
    differing = [shown(run) for run in runs if (run.record.context, run.record.demonstrations) != ("statements", 200)]
    return note + (f" Here, predictors answered {listed(differing)}." if differing else "")


def chosen(run: Run) -> list[str]:
    """Describe how the people tested were selected."""
    eligibility, sampling = run.record.eligibility, run.survey.sampling
    sentences = [
        f"Of {_amount(eligibility.people, 'person', 'people')} in the data, {eligibility.eligible:,} were eligible."
    ]
    if excluded := eligibility.reasons():
        sentences.append(f"Of the others, {excluded}.")
    if eligibility.available < eligibility.eligible:
        sentences.append(
            f"{eligibility.available:,} of these remained after limiting each {sampling.religion} to "
            f"{sampling.per_religion} people per {sampling.continent}."
        )
    sentences.append(f"{_people(run).capitalize()} were tested.")
    if run.record.folds > 1:
        sentences.append(
            f"They were divided into {run.record.folds} folds, and each person was predicted by what was learned from "
            f"at least {_amount(run.record.training_people or 0, 'person', 'people')} outside their fold."
        )
    elif run.record.learned_from:
        sentences += [f"{learned.line(run.survey)}." for learned in run.record.learned_from]
    elif run.record.training_people is not None:
        sentences.append(
            f"Predictors learned from {_amount(run.record.training_people, 'other person', 'other people')}, "
            "who were not tested."
        )
    if unseen := run.record.unseen_questions:
        known = f", except by {' and '.join(run.record.references)}" if run.record.references else ""
        sentences.append(
            f"No answers to the {_amount(len(unseen), 'question', 'questions')} predicted were learned from{known}."
        )
    return sentences


def reproduction(run: Run) -> list[tuple[str, str]]:
    """Return what is needed to reproduce the run beside its command, as names and values.

    A run that was made in Python has no command, and its settings are given instead.
    """
    record = run.record
    settings = ("form", "protocol", "context", "demonstrations", "demonstrations_as", "demonstrations_from")
    chosen = () if record.show == "random" else ("show", "show_order")
    made = {name: getattr(record, name) for name in (*settings, *chosen, "seed", "weights")}
    if record.demonstrations is None:
        made["demonstrations"] = "all"
    facts = {} if command_of(record) else {name.replace("_", " "): str(value) for name, value in made.items()}
    facts["data, SHA-256"] = record.data.fingerprint
    facts["benchmark"] = record.benchmark or ""
    facts["versions"] = ", ".join(f"{name} {version}" for name, version in record.versions.items())
    facts["seconds"] = ", ".join(f"{name} {taken:,.1f}" for name, taken in record.seconds.items())
    return [(name, value) for name, value in facts.items() if value]


def called(name: Sequence[str]) -> str:
    """Return a name from :func:`indievalue.runs.names.run_names` as a heading: ``Polar form, strict protocol``."""
    return ", ".join([f"{name[0].capitalize()} form", *name[1:]])


def slug(name: Sequence[str]) -> str:
    """Return a run's name as part of a file name: ``polar-strict-protocol``."""
    return re.sub(r"[^a-z0-9]+", "-", "-".join(name).lower()).strip("-")


def rows_left_out(scores: Mapping[str, Score]) -> list[str]:
    """Return a sentence for each score of a predictor that leaves rows out: over how many of all it is."""
    sentences = []
    for name, score in scores.items():
        for what, rows in (("Log loss and Brier score", score.probability_rows), ("ECE", score.calibration_rows)):
            if left := over(rows, score.probes):
                sentences.append(f"{what} of {name}: {left}.")
    return sentences


def with_article(title: str) -> str:
    """Return the title of a survey within a sentence: ``the World Values Survey``, ``A small survey``."""
    return title if title.lower().startswith(("a ", "an ", "the ")) else f"the {title}"


def listed(values: Iterable[str]) -> str:
    """Return the distinct values as a list in words: ``polar``, ``polar and refined``, ``a, b and c``."""
    distinct = list(dict.fromkeys(values))
    return " and ".join(filter(None, [", ".join(distinct[:-1]), distinct[-1]])) if distinct else ""


def count(number: int, noun: str) -> str:
    """Return a number with its noun, small numbers in words: ``three predictors``."""
    return f"{_NUMBERS[number] if number < len(_NUMBERS) else f'{number:,}'} {noun}{'' if number == 1 else 's'}"


def _people(run: Run) -> str:
    kind = "synthetic " if run.synthetic else ""
    return f"{run.record.people:,} {kind}{'person' if run.record.people == 1 else 'people'}"


def _source(run: Run) -> str:
    """Describe where the people are from, to follow 'people'."""
    survey = with_article(run.survey.title)
    if run.synthetic:
        return f"modelled on {survey}"
    file = Path(run.record.data.source).name
    return f"in {survey}" + (f", read from {file}" if file else "")


def _probes_each(run: Run) -> int:
    score = next(iter(run.scores.values()))
    return round(score.probes / score.people)


def _amount(number: int, one: str, many: str | None = None) -> str:
    return f"{number:,} {one if number == 1 else many or one + 's'}"
