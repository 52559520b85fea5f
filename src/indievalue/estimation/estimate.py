"""Estimate population figures from the people who were asked and predictions for everybody else."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TypedDict, Unpack

import numpy as np
import polars as pl
from numpy.typing import NDArray

from indievalue.benchmark.model import Settings
from indievalue.choices import Context, FormName, Weights
from indievalue.errors import IndievalueError
from indievalue.estimation.asked import Ask, Asked, Mask, asked_of, hidden, may_be_shown, some_others
from indievalue.estimation.powered import Sample, powered
from indievalue.estimation.predicted import Question, predict_question, prediction_cost, predictions_of
from indievalue.estimation.results import SCHEMA, Estimates, rows_of
from indievalue.estimation.targets import MINIMUM, Design, Target, design_of, parse_target
from indievalue.people.catalog import people_table
from indievalue.people.people import People
from indievalue.predictors.protocol import Cost, Predictor
from indievalue.predictors.registry import adopt, make_predictor
from indievalue.runs.folds import FOLDS
from indievalue.runs.run import Run
from indievalue.scoring.weighting import named_weights

Floats = NDArray[np.float64]


class EstimateFields(TypedDict, total=False):
    """The fields of :class:`EstimateOptions` as keyword arguments."""

    weights: Weights
    form: FormName
    context: Context
    show: str
    demonstrations: int | None
    folds: int
    others: int | None
    model: str | None
    seed: int


@dataclass(frozen=True)
class EstimateOptions:
    """How predictions are made, and people weighted.

    Attributes:
        weights: survey weights: ``none``, or with countries weighted ``equal`` or by ``population``.
        form: form of the answers predicted. context, show, demonstrations: what the predictor is shown, as in
            :class:`indievalue.Settings`; by default everything that those asked and the others have alike.
        folds: number of folds of cross-fitting. others: of how many people, drawn at random, who were not asked
            predictions are made; by default all.
        model: which predictor of a run. seed: of all that is drawn.
    """

    weights: Weights = "none"
    form: FormName = "refined"
    context: Context = "both"
    show: str = "random"
    demonstrations: int | None = None
    folds: int = FOLDS
    others: int | None = None
    model: str | None = None
    seed: int = 0

    def __post_init__(self) -> None:
        """Check the values. Raises IndievalueError that names the option."""
        if self.folds < 2:
            raise IndievalueError(f"folds (--folds) is a number from 2 on, not {self.folds}")
        if self.others is not None and self.others < MINIMUM:
            raise IndievalueError(f"others (--others) is a number from {MINIMUM} on, not {self.others}")

    @property
    def settings(self) -> Settings:
        """Settings of what is shown."""
        return Settings(
            form=self.form,
            setups=(0,),
            demonstrations=self.demonstrations if self.show == "random" else Settings.demonstrations,
            context=self.context,
            seed=self.seed,
            show=self.show,
        )


def estimate(
    people: People,
    targets: str | Sequence[str],
    predictor: str | Predictor | Mapping[str, Predictor] | Run = "gaussian",
    ask: Ask = None,
    progress: Callable[[str], None] = lambda line: None,
    options: EstimateOptions | None = None,
    **fields: Unpack[EstimateFields],
) -> Estimates:
    """Estimate means, shares, differences and regressions by prediction-powered inference.

    People who answered a question are the sample; everybody else is predicted. The estimate corrects the bias that the
    predictor shows in the sample, and its 95% interval holds whatever the predictor is worth. The sample must be a
    random one of all people of the data, or of those of a group or a country with weights.

    Args:
        people: everybody, with an answer or without.
        targets: what to estimate, such as ``"mean:Q182"``, ``"share:Q182=1-3 by country"``, ``"difference:Q182 by
            sex"`` or ``"ols:Q182 ~ age + education"``. Shares are in percent.
        predictor: a name, a predictor, or a mapping from the name shown to a predictor, which makes predictions by
            cross-fitting; or a run, whose predictions are taken.
        ask: use the answers of so many people only, drawn at random, or of those with these ids, as if the others had
            not been asked: to see what a smaller survey would have given.
        progress: called with a line of text at every step.
        options: how; ``fields`` are fields of it, such as ``weights="equal"``.

    Raises IndievalueError if a target cannot be read or estimated, or fewer than 30 people answered or are predicted.

    >>> import indievalue as iv
    >>> found = iv.estimate(iv.synthetic_people(600), "share:Q46=1-2", "resemble:k=35", ask=100)
    >>> found.table.select("target", "asked", "others").rows()  # one of the 100 gives no answer
    [('share:Q46=1-2', 99, 497)]
    """
    chosen = replace(options or EstimateOptions(), **fields)
    wanted = [parse_target(text, people.survey) for text in ([targets] if isinstance(targets, str) else targets)]
    made = predictor if isinstance(predictor, Run) else _named(predictor)
    names = list(dict.fromkeys(target.question for target in wanted))
    if isinstance(made, Run):
        known = {name: _of_run(people, name, made, ask, chosen) for name in names}
    else:
        known = {}
        for question, asked in _questions(people, names, ask, chosen):
            progress(f"{made[0]} …")
            found = predict_question(question, *made, chosen.settings, chosen.folds, progress)
            known[people.survey.questions[question.at].id] = _Predicted(asked, found, chosen.form)
    rows, notes = list[dict[str, object]](), [note for one in known.values() for note in one.asked.notes]
    for target in wanted:
        made_rows, said = _estimated(people, target, known[target.question], chosen)
        rows += made_rows
        notes += said
    name = chosen.model or next(iter(made.scores)) if isinstance(made, Run) else made[0]
    return Estimates(name, pl.DataFrame(rows, SCHEMA), tuple(dict.fromkeys(notes)))


def estimation_cost(
    people: People, targets: Sequence[str], predictor: Predictor, ask: Ask, options: EstimateOptions
) -> Cost | None:
    """Return what the predictions for some targets cost; None if they are free."""
    whole: Cost | None = None
    names = list(dict.fromkeys(parse_target(text, people.survey).question for text in targets))
    for question, _ in _questions(people, names, ask, options):
        cost = prediction_cost(question, predictor, options.settings, options.folds)
        whole = cost if whole is None or cost is None else whole + cost
    return whole


@dataclass(frozen=True)
class _Predicted:
    """Who was asked a question, and the probability of each option for everybody (people × options)."""

    asked: Asked
    probabilities: Floats
    form: FormName


def _named(predictor: str | Predictor | Mapping[str, Predictor]) -> tuple[str, Predictor]:
    if isinstance(predictor, str):
        return predictor, make_predictor(predictor)
    if isinstance(predictor, Mapping):
        ((name, one),) = predictor.items()
        return name, adopt(one)
    return repr(predictor), adopt(predictor)


def _questions(
    people: People, names: Sequence[str], ask: Ask, options: EstimateOptions
) -> Iterator[tuple[Question, Asked]]:
    """Yield what is needed to predict each question. Raises IndievalueError if too few were asked one, or were not.

    Answers that are set aside are so for all questions: one is not predicted from another that few were asked, either.
    """
    weighted = options.weights != "none"
    masks = {name: asked_of(people, name, ask, options.seed, weighted=weighted) for name in names}
    seen = people if ask is None else hidden(people, masks)
    for name, found in masks.items():
        at = people.survey.positions[name]
        answered = int((found.asked & (people.options("refined")[:, at] >= 0)).sum())
        _refuse_few(name, answered, int(found.others.sum()))
        allowed, unlike = may_be_shown(seen, name, found)
        notes = found.notes
        if unlike:
            shown = ", ".join(unlike[:4]) + (f" and {len(unlike) - 4:,} more" if len(unlike) > 4 else "")
            notes += (
                f"not shown to the predictor of {name}, as those who were asked it and the others answered them "
                f"unequally often: {shown}",
            )
        some = some_others(people, replace(found, notes=notes), options.others, options.seed)
        yield Question(seen, at, some.asked, some.others, allowed), some


def _refuse_few(name: str, answered: int, others: int) -> None:
    if answered < MINIMUM:
        raise IndievalueError(
            f"{answered:,} people were asked {name} and answered; below {MINIMUM} intervals are not valid"
        )
    if others < MINIMUM:
        hint = "" if others else f": give --ask N to see what the answers of N people would tell, {answered:,} answered"
        raise IndievalueError(f"{others:,} people were not asked {name}, so there is nothing to gain{hint}")


def _of_run(people: People, name: str, run: Run, ask: Ask, options: EstimateOptions) -> _Predicted:
    """Return what a run predicts of a question, for those of its people who are in the data."""
    found = predictions_of(run, people, name, options.model)
    has = np.isfinite(found[:, 0])
    part = asked_of(people.take(has), name, ask, options.seed, weighted=options.weights != "none")
    asked, others, known = (_spread(mask, has) for mask in (part.asked, part.others, part.known))
    learned = run.record.training_people
    notes = part.notes
    if learned:
        notes += (
            f"predictors of the run that learn did so from the answers of {learned:,} people, and not only from those "
            "asked",
        )
    whole = some_others(people, Asked(asked, others, known, notes), options.others, options.seed)
    answered = whole.asked & (people.options("refined")[:, people.survey.positions[name]] >= 0)
    _refuse_few(name, int(answered.sum()), int(whole.others.sum()))
    return _Predicted(whole, found, run.record.form)


def _spread(mask: Mask, has: Mask) -> Mask:
    whole = np.zeros(len(has), bool)
    whole[has] = mask
    return whole


def _estimated(
    people: People, target: Target, predicted: _Predicted, options: EstimateOptions
) -> tuple[list[dict[str, object]], list[str]]:
    """Return the rows of one target, and notes on them."""
    who = predicted.asked
    answers = target.answers(people)
    values = predicted.probabilities @ target.option_values(people.survey, predicted.form)
    values = np.where(np.isfinite(values), values, np.nanmean(values[who.asked | who.others]))
    answered = who.asked & np.isfinite(answers)
    design = design_of(target, people, answered, who.asked | who.others)
    asked, others = who.asked & design.kept, who.others & design.kept
    used = np.flatnonzero(asked | others)
    weights = np.zeros(len(people))
    for mask in (asked, others):
        weights[mask] = _weights(people, mask, options.weights)
    sample = Sample(
        design.columns[used], np.where(asked, answers, np.nan)[used], values[used], asked[used], weights[used]
    )
    if min(np.linalg.matrix_rank(sample.design[part]) for part in (sample.answered, ~sample.asked)) < len(design.names):
        raise IndievalueError(f"{target.text!r}: its terms determine each other, so their coefficients are undefined")
    found = powered(sample)
    truth = _everybody(design, answers, who, weights) if who.known.any() else None
    return rows_of(target, design, sample, found, truth), list(design.notes)


def _weights(people: People, mask: Mask, weights: Weights) -> Floats:
    some = people.take(mask)
    given = named_weights(people_table(some), people.survey, weights, people.findings.unweighted)
    return np.ones(len(some)) if given is None else given


def _everybody(design: Design, answers: Floats, who: Asked, weights: Floats) -> Floats:
    """Return what the answers of all give, those that are hidden included (coefficients,)."""
    rows = np.flatnonzero((who.asked | who.known) & design.kept & np.isfinite(answers))
    weighted = design.columns[rows] * weights[rows][:, None]
    return np.asarray(np.linalg.lstsq(design.columns[rows].T @ weighted, weighted.T @ answers[rows], rcond=None)[0])
