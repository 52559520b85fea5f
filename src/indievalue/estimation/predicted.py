"""Predictions for everybody, whether or not they were asked: made here by cross-fitting, or taken from a run."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

import numpy as np
import polars as pl
from numpy.typing import NDArray

from indievalue.benchmark.circumstances import check_blocks
from indievalue.benchmark.model import Benchmark, Eligibility, Settings, Setup, Task
from indievalue.benchmark.show import chosen_for_each
from indievalue.errors import IndievalueError, did_you_mean
from indievalue.estimation.asked import Mask
from indievalue.people.people import People
from indievalue.predictors.protocol import Cost, Guesses, Predictor, refuse_unused
from indievalue.predictors.ranking import rank_statements
from indievalue.runs.run import Run
from indievalue.seeded import first_columns, key_table, keys

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Question:
    """One question to predict.

    Attributes:
        people: everybody, without the answers of those who were not asked. at: the question's column.
        asked, others: who was asked, and who else is to be predicted (people,).
        allowed: which questions the predictor may be shown (questions,).
    """

    people: People
    at: int
    asked: Mask
    others: Mask
    allowed: Mask


def predict_question(
    question: Question,
    name: str,
    predictor: Predictor,
    settings: Settings,
    folds: int,
    progress: Callable[[str], None] = lambda line: None,
) -> Floats:
    """Return the probability of each option for each person (people × options), nan where there is no prediction.

    Everybody is in a fold, and is predicted by what was learned from the people outside of it who answered the
    question: so nobody's own answer is in their prediction, and those asked and the others are predicted alike.
    A choice without probabilities counts as certain.
    """
    refuse_unused(name, predictor, settings.blocks)
    check_blocks(question.people, settings.blocks)
    people, at = question.people, question.at
    counts = int(people.survey.form(settings.form).counts[at])
    found = np.full((len(people), counts), np.nan)
    for number, (rows, training) in enumerate(_folds(question, settings, folds), 1):
        task = _task(question, rows, training, settings)
        fitted = predictor.fit(training, settings.form, settings.shown_form)
        found[rows] = _probabilities(next(iter(fitted.predict_all([task]))), counts)
        progress(f"{name}, {people.survey.questions[at].id}: fold {number} of {folds}")
    if np.isnan(found).all():
        raise IndievalueError(f"{name} gives no valid prediction of {people.survey.questions[at].id}")
    return found


def prediction_cost(question: Question, predictor: Predictor, settings: Settings, folds: int) -> Cost | None:
    """Return what predicting the question costs; None if it is free."""
    whole: Cost | None = None
    for rows, training in _folds(question, settings, folds):
        fitted = predictor.fit(training, settings.form, settings.shown_form)
        cost = fitted.cost([_task(question, rows, training, settings)])
        whole = cost if whole is None or cost is None else whole + cost
    return whole


def _folds(question: Question, settings: Settings, folds: int) -> Iterator[tuple[NDArray[np.int64], People]]:
    """Yield the rows of the people of each fold, and the people to learn from.

    The people asked are spread evenly over the folds, and so are the others, each country's as well as can be.
    """
    people = question.people
    answered = people.options("refined")[:, question.at] >= 0
    drawn = keys(settings.seed, "folds", people.ids.tolist())
    country = people.survey.country
    labels = people.demographics[country].fill_null("") if country in people.demographics.columns else None
    number = np.zeros(len(people), np.int64) if labels is None else labels.rank("dense").to_numpy().astype(np.int64)
    fold = np.full(len(people), -1)
    for mask in (question.asked & answered, question.asked & ~answered, question.others):
        rows = np.flatnonzero(mask)
        order = rows[np.lexsort((drawn[rows], number[rows]))]
        fold[order] = np.arange(len(order)) % folds
    for inside in range(folds):
        yield np.flatnonzero(fold == inside), people.take(answered & (fold != inside))


def _task(question: Question, rows: NDArray[np.int64], training: People, settings: Settings) -> Task:
    """Return the task of predicting the question for all people at ``rows``."""
    inside, probe = question.people.take(rows), np.array([question.at])
    if settings.show_by == "random":
        setup = Setup(0, probe, _shown(inside, question, settings))
    else:
        ranking = rank_statements(training, settings)
        (setup,) = chosen_for_each(inside, settings, ranking, 0, probe, question.allowed[None])
    benchmark = Benchmark(settings, inside, (setup,), Eligibility(len(inside), {}, len(inside), len(inside)))
    ((_, task),) = benchmark.tasks()
    return replace(task, asked=np.ones_like(task.asked))


def _shown(inside: People, question: Question, settings: Settings) -> NDArray[np.int16]:
    """Return the demonstrations (people × most), drawn at random from the answers that may be shown."""
    available = (inside.options(settings.shown_form) >= 0) & question.allowed
    names = [each.id for each in inside.survey.questions]
    order = key_table(settings.seed, "demonstrations", inside.ids.tolist(), names)
    most = int(available.sum(axis=1).max(initial=0))
    return first_columns(
        order, available, most if settings.demonstrations is None else min(most, settings.demonstrations)
    )


def _probabilities(guesses: Guesses, counts: int) -> Floats:
    """Return the probabilities of one probe's options (people × options), nan where there is no valid prediction."""
    choice = guesses.choice[:, 0]
    certain = np.where(choice[:, None] >= 0, (choice[:, None] == np.arange(counts)).astype(np.float64), np.nan)
    if guesses.probabilities is None:
        return certain
    given = guesses.probabilities[:, 0, :counts].astype(np.float64)
    return np.where(np.isnan(given[:, :1]), certain, given)


def predictions_of(run: Run, people: People, question: str, model: str | None) -> Floats:
    """Return what a run holds as :func:`predict_question` does; nan for people without a prediction.

    Raises IndievalueError if the run has several predictors and none is named, did not ask the question, tested nobody
    of the data, or has other answers than the data.
    """
    names = list(run.scores)
    if model is None and len(names) > 1:
        raise IndievalueError(f"the run has several predictors: choose one of {', '.join(names)}")
    if model is not None and model not in names:
        raise IndievalueError(
            f"the run has no predictor {model!r}; it has {', '.join(names)}{did_you_mean(model, names)}"
        )
    rows = run.predictions.filter(predictor=model or names[0], question=question).unique("person", keep="first")
    if rows.is_empty():
        asked = run.predictions["question"].unique().sort().to_list()
        raise IndievalueError(f"the run predicts no answers to {question}; it has {', '.join(asked)}")
    rows = rows.filter(pl.col("person").is_in(people.ids.tolist()))
    if rows.is_empty():
        raise IndievalueError(f"nobody tested in the run is in {people.findings.source}")
    at = np.array([people.rows[person] for person in rows["person"]])
    own = people.options(run.record.form)[at, people.survey.positions[question]]
    if ((own >= 0) & (own != rows["answer"].to_numpy())).any():
        raise IndievalueError(f"answers to {question} in the run differ from those in {people.findings.source}")
    counts = int(people.survey.form(run.record.form).counts[people.survey.positions[question]])
    found = np.full((len(people), counts), np.nan)
    choice = rows["choice"].to_numpy()[:, None]
    found[at] = np.where(choice >= 0, (choice == np.arange(counts)).astype(np.float64), 1 / counts)
    given = rows["probabilities"].is_not_null().to_numpy()
    if given.any():
        found[at[given]] = np.array(rows["probabilities"].drop_nulls().to_list(), np.float64)
    return found
