"""Check that a predictor has the properties that scores rely on; for authors of predictors.

    from indievalue.testing import check_predictor

    def test_my_predictor():
        check_predictor(MyPredictor)

No test framework, data file or network is needed.
"""

import pickle
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace

import numpy as np
import polars as pl
from numpy.typing import NDArray

from indievalue.benchmark.build import build_benchmark
from indievalue.benchmark.model import NOBODY, Benchmark, Settings, Task
from indievalue.choices import CONTEXTS, FORMS, FormName
from indievalue.errors import IndievalueError
from indievalue.people.findings import Findings
from indievalue.people.people import People
from indievalue.predictors.protocol import INVALID, Guesses, Predictor
from indievalue.survey.model import Demographic, Group, Option, Question, Sampling
from indievalue.survey.survey import Survey

TRAINING = 120
TESTED = 8
"""Numbers of made-up people for training and for testing."""

SHOWN = 5
"""Number of demonstrations of each person."""

TOLERANCE = 1e-3
"""Tolerance for probabilities that should be equal, since float32 sums depend on the number of terms."""


def check_predictor(make: Callable[[], Predictor], *, survey: Survey | None = None) -> None:
    """Check a predictor on made-up people: valid results, reproducibility, independence of order, and no leakage.

    Args:
        make: class or function that returns a new, unfitted predictor; it is called before every fit.
        survey: survey that the made-up people answer; by default :func:`small_survey`. A larger one takes longer.

    Raises:
        AssertionError: if a check fails; the message names the check and the reason.
        IndievalueError: if ``make`` cannot be called.

    >>> from indievalue import Resemble
    >>> check_predictor(lambda: Resemble(k=5))  # returns nothing if all checks pass
    """
    if not callable(make):
        raise IndievalueError(
            f"check_predictor takes a class or a function that returns an unfitted predictor, not {make!r:.80}"
        )
    people = made_up_people(survey or small_survey(), TRAINING + TESTED)
    tested, training = people.take(np.arange(TESTED)), people.take(np.arange(TESTED, len(people)))
    for form in FORMS:
        for shown_form in FORMS:
            fitted = _fit(make, training, form, shown_form)
            settings = Settings(form=form, demonstrations_as=shown_form, setups=(0,), demonstrations=SHOWN)
            with _law(f"{form} probes and {shown_form} demonstrations give valid guesses"):
                _guess(fitted, _benchmark(tested, settings))
    settings = Settings(setups=(0,), demonstrations=SHOWN, context="both")
    asked = _benchmark(tested, settings)
    fitted = _fit(make, training, "polar", "polar")
    with _law("the order of tested people makes no difference, nor does who else is tested"):
        said = _guess(fitted, asked)
        for rows in (np.arange(TESTED)[::-1], np.array([TESTED // 2])):
            _assert_same(_guess(fitted, _only(asked, rows)), said.of(rows))
    with _law("the order of training people makes no difference, nor does it to make the predictor again"):
        shuffled = training.take(np.random.default_rng(1).permutation(len(training)))
        _assert_same(_guess(_fit(make, shuffled, "polar", "polar"), asked), said)
    with _law("what is not shown of tested people makes no difference"):
        _assert_same(_guess(fitted, _other_answers(asked)), said)
    with _law("a predictor that was pickled says the same"):
        _assert_same(_guess(pickle.loads(pickle.dumps(fitted)), asked), said)
    for context in CONTEXTS:
        with _law(f"context {context} gives valid guesses"):
            _guess(fitted, _benchmark(tested, replace(settings, context=context)))
    with _law("no demonstrations at all give valid guesses"):
        _guess(fitted, _benchmark(tested, replace(settings, demonstrations=0, context="statements")))
    with _law("the paper's protocol gives valid guesses"):
        _guess(fitted, _benchmark(tested, replace(settings, protocol="paper")))
    with _law("groups that nobody in training is of give valid guesses"):
        strangers = replace(tested, demographics=tested.demographics.select(pl.all().fill_null("") + " elsewhere"))
        _guess(fitted, _benchmark(strangers, settings))
    with _law("options that nobody in training chose give valid guesses"):
        _guess(_fit(make, _without_last_options(training), "polar", "polar"), asked)


@dataclass(frozen=True)
class _Said:
    """Predictions that passed the validity checks."""

    choice: NDArray[np.int8]
    probabilities: NDArray[np.float32] | None

    def of(self, rows: NDArray[np.integer]) -> "_Said":
        return _Said(self.choice[rows], None if self.probabilities is None else self.probabilities[rows])


@contextmanager
def _law(law: str) -> Iterator[None]:
    """Turn any error in the block into an AssertionError that names ``law``."""
    try:
        yield
    except AssertionError as broken:
        raise AssertionError(f"broken: {law}: {broken}") from None
    except Exception as error:
        raise AssertionError(f"broken: {law}: it raised {type(error).__name__}: {error}") from error


def _fit(make: Callable[[], Predictor], training: People, form: FormName, shown_form: FormName) -> Predictor:
    predictor = make()
    before = training.codes.copy(), training.demographics.clone(), training.ids.copy(), training.weights.copy()
    with _law(f"fit takes people in {form} form, shown in {shown_form} form"):
        fitted = predictor.fit(training, form, shown_form)
    with _law("fit returns the predictor itself"):
        assert fitted is predictor, f"it returned {fitted!r:.80}"
    with _law("fit leaves the people as they are"):
        codes, demographics, ids, weights = before
        assert np.array_equal(codes, training.codes), "codes were changed"
        assert demographics.equals(training.demographics), "demographics were changed"
        assert np.array_equal(ids, training.ids), "ids were changed"
        assert np.array_equal(weights, training.weights), "weights were changed"
    return predictor


def _guess(fitted: Predictor, benchmark: Benchmark) -> _Said:
    """Return the predictions for the only setup of ``benchmark``; raises AssertionError if they are invalid."""
    (_, task) = next(benchmark.tasks())
    shown, order, probes = task.shown.copy(), task.order.copy(), task.probes.copy()
    guesses = fitted.predict(task)
    assert np.array_equal(shown, task.shown), "predict changed the task's shown"
    assert np.array_equal(order, task.order), "predict changed the task's order"
    assert np.array_equal(probes, task.probes), "predict changed the task's probes"
    _assert_valid(guesses, task)
    return _Said(guesses.choice, guesses.probabilities)


def _assert_valid(guesses: Guesses, task: Task) -> None:
    shape, counts = (len(task.people), len(task.probes)), task.counts
    choice, probabilities = np.asarray(guesses.choice), guesses.probabilities
    assert choice.shape == shape, f"choice is {choice.shape}, and not people × probes, {shape}"
    assert np.issubdtype(choice.dtype, np.integer), f"choice holds {choice.dtype}, and not whole numbers"
    named = (choice >= INVALID) & (choice < counts)
    assert named.all(), f"choice {choice[~named][0]} is no option and not {INVALID}"
    if probabilities is None:
        return
    whole = (*shape, int(counts.max()))
    assert probabilities.shape == whole, (
        f"probabilities are {probabilities.shape}, and not people × probes × options, {whole}"
    )
    none = np.asarray(np.isnan(probabilities).all(axis=2))
    assert np.isfinite(probabilities[~none]).all(), "a probability is not a number"
    probabilities = np.where(none[..., None], np.eye(1, whole[2], dtype=np.float32), probabilities)
    assert (probabilities >= 0).all(), f"a probability is {probabilities.min():.3g}, less than 0"
    past = np.arange(whole[2]) >= counts[:, None]
    assert not probabilities[:, past].any(), "a probability after the last option of its probe is not 0"
    sums = probabilities.sum(axis=2)
    off = np.abs(sums - 1) > TOLERANCE
    assert not off.any(), f"the probabilities of a probe's options sum to {sums[off][0]:.4g}" if off.any() else ""


def _assert_same(one: _Said, two: _Said) -> None:
    differing = one.choice != two.choice
    if one.probabilities is None or two.probabilities is None:
        assert (one.probabilities is None) == (two.probabilities is None), "probabilities are given only once"
    else:
        given = [np.nan_to_num(likely, nan=-1) for likely in (one.probabilities, two.probabilities)]
        most = float(np.abs(given[0] - given[1]).max())
        assert most <= TOLERANCE, f"a probability differs by {most:.3g}"
        # If two options are almost equally probable, either may be chosen.
        chosen = [np.take_along_axis(given[0], s.choice[..., None].clip(0), 2)[..., 0] for s in (one, two)]
        differing &= (np.abs(chosen[0] - chosen[1]) > 2 * TOLERANCE) | (one.choice < 0) | (two.choice < 0)
    assert not differing.any(), f"{int(differing.sum())} of {differing.size} choices differ"


def _benchmark(tested: People, settings: Settings) -> Benchmark:
    return build_benchmark(tested, settings, tested.ids.tolist())


def _only(benchmark: Benchmark, rows: NDArray[np.integer]) -> Benchmark:
    setups = tuple(replace(setup, demonstrations=setup.demonstrations[rows]) for setup in benchmark.setups)
    return replace(benchmark, people=benchmark.people.take(rows), setups=setups)


def _other_answers(benchmark: Benchmark) -> Benchmark:
    """Return the benchmark with all answers changed that are not shown."""
    people, order = benchmark.people, benchmark.setups[0].demonstrations
    codes, answered = people.codes.copy(), people.options("refined") >= 0
    for column, question in enumerate(people.survey.questions):
        hidden = ~((order == column) & (order != NOBODY)).any(axis=1) & answered[:, column]
        first, last = question.refined[0].codes[0], question.refined[-1].codes[-1]
        codes[hidden, column] = np.where(codes[hidden, column] == first, last, first)
    return replace(benchmark, people=replace(people, codes=codes))


def _without_last_options(people: People) -> People:
    """Return the people with every last polar option of a question replaced by the first."""
    codes = people.codes.copy()
    for column, question in enumerate(people.survey.questions):
        codes[np.isin(codes[:, column], question.polar[-1].codes), column] = question.polar[0].codes[0]
    return replace(people, codes=codes)


def made_up_people(survey: Survey, number: int, seed: int = 0) -> People:
    """Return ``number`` made-up people whose answers depend on one latent trait and noise; a tenth are missing."""
    random = np.random.default_rng(seed)
    trait = random.normal(size=number)
    codes = np.empty((number, len(survey.questions)), np.int16, order="F")
    for column, question in enumerate(survey.questions):
        known = [code for option in question.refined for code in option.codes]
        latent = trait * random.choice([-1.0, 1.0]) + random.normal(size=number)
        rank = latent.argsort().argsort()
        codes[:, column] = np.array(known)[rank * len(known) // number]
    codes[random.random(codes.shape) < 0.1] = survey.not_asked
    demographics = {
        demographic.name: pl.Series(
            [None if random.random() < 0.1 else group for group in _groups(demographic, random, trait)], dtype=pl.String
        )
        for demographic in survey.demographics
    }
    ids = np.array([f"made-up-{place:05d}" for place in random.permutation(number)])
    findings = Findings(source="made up", survey=survey.name, fingerprint="", rows=number, people=number)
    return People(survey, ids, codes, pl.DataFrame(demographics), np.ones(number), findings)


def _groups(
    demographic: Demographic, random: np.random.Generator, trait: NDArray[np.float64]
) -> list[str] | list[None]:
    labels = [group.label for group in demographic.groups]
    if not labels:
        return [None] * len(trait)
    place = (trait + random.normal(size=len(trait))).argsort().argsort() * len(labels) // len(trait)
    return [labels[at] for at in place]


def small_survey() -> Survey:
    """Return a survey of twelve questions in three categories, with 2 to 8 options, one of them unordered."""
    refined = (2, 4, 8, 4, 3, 2, 5, 4, 8, 4, 2, 6)
    questions = tuple(_question(number, options) for number, options in enumerate(refined))
    groups = {"region": ("north", "south", "west"), "age": ("young", "old")}
    demographics = tuple(
        Demographic(name, name, f"Your {name}?", (name,), tuple(_group(name, label, at) for at, label in enumerate(of)))
        for name, of in groups.items()
    )
    return Survey(
        name="small",
        title="A made-up survey",
        licence="",
        person=(),
        weight=None,
        country="region",
        recognised_by=(),
        missing={-1: "don't know", -4: "not asked"},
        not_asked=-4,
        blank=-4,
        categories=("one", "two", "three"),
        questions=questions,
        demographics=demographics,
        sampling=Sampling(setups=2, per_category=2),
    )


def _question(number: int, options: int) -> Question:
    def of(steps: int) -> tuple[Option, ...]:
        codes = np.array_split(np.arange(1, options + 1), steps)
        return tuple(
            Option(tuple(part.tolist()), f"Of thing {number} I think {step} of {steps}.")
            for step, part in enumerate(codes, 1)
        )

    polar = 3 if options in (3, 6) else 2
    category = ("one", "two", "three")[number % 3]
    return Question(
        f"T{number}", category, f"mc_{options}", f"And thing {number}?", of(polar), of(options), ordered=options != 3
    )


def _group(name: str, label: str, at: int) -> Group:
    return Group(label, f"My {name} is {label}.", {name: (at,)})
