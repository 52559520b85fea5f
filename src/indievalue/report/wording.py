"""What a report says in sentences."""

import json
import re
from collections.abc import Iterable, Sequence
from pathlib import Path

import polars as pl

from indievalue.report.paper import paper_about, read_paper
from indievalue.runs.run import Run

_NUMBERS = ("no", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")


def evaluated(runs: Sequence[Run]) -> str:
    """What was evaluated, in one plain sentence; where runs differ, it says all of what they were."""
    predictors = list(dict.fromkeys(name for run in runs for name in run.scores))
    return (
        f"{count(len(predictors), 'predictor').capitalize()} tried to predict "
        f"{listed(_amount(_probes_each(run), 'answer') for run in runs)} of each of "
        f"{listed(_people(run) for run in runs)} {listed(_source(run) for run in runs)}, "
        f"in {listed(run.record.form for run in runs)} form, "
        f"{listed(shown(run) for run in runs)}, "
        f"under the {listed(run.record.protocol for run in runs)} protocol."
    )


def shown(run: Run) -> str:
    """What a predictor was shown of a person, to follow 'they were asked'."""
    record = run.record
    number = "all" if record.demonstrations is None else str(record.demonstrations)
    statements = f"{number} of the person’s other statements"
    if record.demonstrations_as != record.form:
        statements += f" in {record.demonstrations_as} form"
    return {
        "none": "with nothing known of the person",
        "demographics": "given the person’s demographics",
        "statements": f"given {statements}",
        "both": f"given the person’s demographics and {statements}",
    }[record.context]


def standing(run: Run) -> str:
    """Who did best, with its interval, and how far it is ahead of the majority vote."""
    best, score = run.best, run.scores[run.best]
    sentence = (
        f"{best} predicted {score.accuracy:.1f}% of the answers "
        f"(95% interval {score.accuracy_low:.1f}–{score.accuracy_high:.1f}%)"
    )
    if "majority" in run.scores and best != "majority":
        ahead = score.accuracy - run.scores["majority"].accuracy
        sentence += f", {ahead:.1f} points more than always giving the most common answer"
    return sentence + "."


def uneven(run: Run) -> str:
    """By which demographic the best predictor's accuracy differs most, and from which group to which."""
    table = run.index.table if run.index else pl.DataFrame(schema={"predictor": pl.String, "corrected": pl.Float64})
    rows = table.filter((pl.col("predictor") == run.best) & pl.col("corrected").is_not_null()).sort(
        "corrected", descending=True, maintain_order=True
    )
    if rows.is_empty():
        return ""
    row = rows.row(0, named=True)
    name = row["demographic"].replace("_", " ")
    if row["corrected"] == 0:
        return f"The accuracy of {run.best} differs between groups no more than chance would have it."
    return (
        f"The accuracy of {run.best} differs most by {name}: from {row['worst_value']:.1f}% ({row['worst']}) "
        f"to {row['best_value']:.1f}% ({row['best']})."
    )


def demographics(runs: Sequence[Run]) -> str:
    """Over which demographics the inequity of these runs is taken, to follow 'over'."""
    named = dict.fromkeys(name.replace("_", " ") for run in runs if run.index for name in run.index.demographics)
    return listed(named) or "demographics, of which there are none here"


def no_groups(run: Run) -> str:
    """Why nothing is said of the groups of this run."""
    if run.index is None:
        return "Nothing is known of these people but their answers, so there are no groups to compare."
    return "No demographic has two groups of at least 30 people, so there is nothing to compare."


def protocol(run: Run) -> str:
    """What the protocol of the run means."""
    if run.record.protocol == "strict":
        return (
            "Strict protocol: no probe is ever among what is shown of anyone, each question counts once, a missing "
            "answer is no vote, and an output that names no option is wrong."
        )
    return (
        "Paper protocol: as in the paper, a question may be asked again in a later set of probes, and a missing answer "
        "can be a vote."
    )


def paper_note(runs: Sequence[Run]) -> str:
    """How far the paper's figures can be compared with these runs."""
    source = read_paper().source
    if all(run.synthetic for run in runs):
        return f"These people are synthetic, so no figure here can be set beside those of {source}."
    if not any(paper_about(run.record.data) for run in runs):
        return f"This is not the survey of {source}, so no figure here can be set beside the paper's."
    note = (
        f"Hollow circles, ticks in the bars and the column ‘paper’ are what {source} printed, with 200 statements of "
        "each person and a sample of people of its own: a difference is no test."
    )
    differing = [shown(run) for run in runs if (run.record.context, run.record.demonstrations) != ("statements", 200)]
    return note + (f" Here predictors were asked {listed(differing)}." if differing else "")


def chosen(run: Run) -> list[str]:
    """How the people were chosen, in sentences."""
    eligibility, sampling = run.record.eligibility, run.survey.sampling
    sentences = [
        f"Of {_amount(eligibility.people, 'person', 'people')} in the data, {eligibility.eligible:,} could be tested."
    ]
    excluded = [f"{people:,} {reason}" for reason, people in eligibility.excluded.items() if people]
    if excluded:
        both = " (some did both)" if len(excluded) > 1 else ""
        sentences.append(f"Of the others, {'; '.join(excluded)}{both}.")
    if eligibility.available < eligibility.eligible:
        sentences.append(
            f"{eligibility.available:,} were left to draw from with at most {sampling.per_religion} people of one "
            f"{sampling.religion} in each {sampling.continent}."
        )
    sentences.append(f"{_people(run).capitalize()} were tested.")
    if run.record.training_people is not None:
        sentences.append(
            f"Predictors learned from {_amount(run.record.training_people, 'other person', 'other people')}, "
            "none of whom was tested."
        )
    return sentences


def reproduction(run: Run) -> list[tuple[str, str]]:
    """What it takes to run the same again: names and values."""
    record = run.record
    arguments = [(name, _plain(value)) for name, value in record.arguments.items()]
    versions = ", ".join(f"{name} {version}" for name, version in record.versions.items())
    seconds = ", ".join(f"{name} {taken:,.1f}" for name, taken in record.seconds.items())
    return [
        *arguments,
        *([] if "seed" in record.arguments else [("seed", str(record.seed))]),
        ("data, SHA-256", record.data.fingerprint),
        ("versions", versions),
        ("seconds", seconds),
    ]


def called(name: Sequence[str]) -> str:
    """A run's name (see :func:`indievalue.runs.names.run_names`) as a heading: ``Polar form, strict protocol``."""
    return ", ".join([f"{name[0].capitalize()} form", *name[1:]])


def slug(name: Sequence[str]) -> str:
    """The same as part of a file's name: ``polar-strict-protocol``."""
    return re.sub(r"[^a-z0-9]+", "-", "-".join(name).lower()).strip("-")


def listed(values: Iterable[str]) -> str:
    """Each distinct value once: ``polar``, ``polar and refined``, ``a, b and c``."""
    distinct = list(dict.fromkeys(values))
    return " and ".join(filter(None, [", ".join(distinct[:-1]), distinct[-1]])) if distinct else ""


def count(number: int, noun: str) -> str:
    """``three predictors``: small numbers in words."""
    return f"{_NUMBERS[number] if number < len(_NUMBERS) else f'{number:,}'} {noun}{'' if number == 1 else 's'}"


def _people(run: Run) -> str:
    kind = "synthetic " if run.synthetic else ""
    return f"{run.record.people:,} {kind}{'person' if run.record.people == 1 else 'people'}"


def _source(run: Run) -> str:
    """Where the people are from, to follow 'people'."""
    article = "" if run.survey.title.lower().startswith(("a ", "an ", "the ")) else "the "
    if run.synthetic:
        return f"made after {article}{run.survey.title}"
    return f"in {article}{run.survey.title}, read from {Path(run.record.data.source).name}"


def _probes_each(run: Run) -> int:
    score = next(iter(run.scores.values()))
    return round(score.probes / score.people)


def _amount(number: int, one: str, many: str | None = None) -> str:
    return f"{number:,} {one if number == 1 else many or one + 's'}"


def _plain(value: object) -> str:
    if isinstance(value, list):
        return ", ".join(map(_plain, value))
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
