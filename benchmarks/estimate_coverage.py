"""How often the intervals of `indievalue estimate` hold the truth, and how much narrower they are, on drawn samples.

    python benchmarks/estimate_coverage.py simulated --repetitions 2000
    python benchmarks/estimate_coverage.py real wvs7.csv --out predictions.parquet
    python benchmarks/estimate_coverage.py saved wvs7.csv --run RUN --predictor local:smollm2 --out predictions.parquet
    python benchmarks/estimate_coverage.py drawn predictions.parquet --asked 300 --repetitions 500
    python benchmarks/estimate_coverage.py curve predictions.parquet --figure curve.svg
    python benchmarks/estimate_coverage.py crossfit wvs7.csv --questions Q182 --repetitions 3 --others 1000

`real` writes, for each person of a file who is not learned from, the value of their answer and its prediction; `saved`
writes the same of the predictions of a saved run, for the first 20 of its questions that have ordered answers; `drawn`
and `curve` draw samples of them with replacement, so that the mean of the file is the truth. `crossfit` has nobody to
learn from but those asked. Prints Markdown.
"""

import argparse
from collections.abc import Callable, Iterator, Sequence
from functools import cache
from pathlib import Path

import numpy as np
import polars as pl
from scipy.stats import norm

from indievalue.benchmark.model import Benchmark, Eligibility, Settings, Setup
from indievalue.estimation.estimate import estimate
from indievalue.estimation.powered import Powered, Sample, powered
from indievalue.estimation.targets import parse_target
from indievalue.people.people import People
from indievalue.people.read import read_people
from indievalue.predictors.predictions import predict
from indievalue.predictors.registry import make_predictor
from indievalue.report.figures.styles import PALETTE
from indievalue.runs.storage import load_run

QUESTIONS = (
    *("Q1", "Q27", "Q46", "Q49", "Q50", "Q57", "Q65", "Q71", "Q106", "Q107", "Q110", "Q142", "Q158", "Q164", "Q171"),
    *("Q182", "Q184", "Q199", "Q240", "Q250"),
)
"""Questions estimated, of many topics, all with ordered answers."""

OTHERS = 5000
"""People who are predicted in a repetition."""

CURVE = (50, 100, 200, 500, 1000, 2000)
"""Numbers of people asked for the figure."""


def drawn_world(name: str, number: int, random: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Return answers on a scale from 1 to 10 and predictions, of a predictor with this name."""
    known, unknown = random.normal(size=(2, number))
    answers = np.clip(np.round(5.5 + 2.2 * (0.8 * known + 0.6 * unknown)), 1, 10)
    if name == "useless":
        return answers, random.normal(5.5, 2, number)
    if name == "biased":
        return answers, 8 + 0.5 * known + 0.2 * (known > 1)
    if name == "noisy":
        return answers, 5.5 + 1.8 * known + random.normal(0, 6, number)
    if name == "perfect":
        return answers, answers.copy()
    return answers, 5.5 + 1.8 * known


def simulated(repetitions: int) -> Iterator[str]:
    """Yield a table of coverage and widths for known populations."""
    yield "| target | predictor | asked | holds, % | asked alone, % | width | λ = 1 | n effective |"
    yield "|---|---|---:|---:|---:|---:|---:|---:|"
    for kind in ("mean", "share", "difference", "regression", "weighted", "declined"):
        for name in ("good", "useless", "biased", "noisy"):
            for asked in (50, 300) if kind in ("mean", "share") else (300,):
                found = [_simulated(kind, name, asked, seed) for seed in range(repetitions)]
                yield _line(f"{kind} | {name} | {asked}", asked, found)
    for crossed in (True, False):
        yield learned(repetitions, crossed=crossed)


def _simulated(kind: str, name: str, asked: int, seed: int) -> tuple[Powered, float, int]:
    """Return what was found in one sample, the truth and which coefficient it is of."""
    random = np.random.default_rng(seed)
    number = asked + 2000
    answers, predictions = drawn_world(name, number, random)
    x = random.normal(size=number)
    group = (random.random(number) < 0.3).astype(float)
    weights = np.ones(number)
    at, truth, columns = 0, 5.5, [np.ones(number)]
    inside = np.arange(number) < asked
    if kind == "share":
        answers, predictions, truth = 100.0 * (answers >= 8), 100.0 * (predictions >= 8), _moments()[0]
    if kind == "difference":
        columns, at, truth = [np.ones(number), group], 1, 0.4
        answers, predictions = answers + 0.4 * group, predictions + 0.1 * group
    if kind == "regression":
        columns, at, truth = [np.ones(number), x], 1, 0.3
        answers = answers + 0.3 * x * (1 + random.normal(size=number))
    if kind == "weighted":  # people with a high answer are asked half as often, which weights make good
        chosen = random.random(number) < np.where(answers > 5, 0.5, 1)
        weights = np.where(answers > 5, 2.0, 1.0)
        keep = np.flatnonzero(chosen)
        answers, predictions, weights, inside = answers[keep], predictions[keep], weights[keep], inside[keep]
        columns = [np.ones(len(keep))]
    if kind == "declined":  # a fifth of people give no answer, more often those with a high one: the rest is the target
        says = random.random(number) < np.where(answers > 7, 0.5, 0.9)
        answers, truth = np.where(says, answers, np.nan), _moments()[1]
    sample = Sample(np.column_stack(columns), np.where(inside, answers, np.nan), predictions, inside, weights)
    return powered(sample), float(truth), at


def _line(name: str, asked: int, found: list[tuple[Powered, float, int]]) -> str:
    """Return a row of the table: coverage, widths and effective numbers over repetitions."""
    held = np.mean([one.low[at] <= truth <= one.high[at] for one, truth, at in found])
    alone = np.mean([one.classical_low[at] <= truth <= one.classical_high[at] for one, truth, at in found])
    width = np.mean([(one.high - one.low)[at] for one, _, at in found])
    classical = np.mean([(one.classical_high - one.classical_low)[at] for one, _, at in found])
    untuned = np.mean([one.untuned_error[at] / one.classical_error[at] for one, _, at in found])
    effective = asked * np.mean([one.effective[at] for one, _, at in found])
    shares = f"{100 * held:.1f} | {100 * alone:.1f}"
    return f"| {name} | {shares} | {width / classical:.2f} | {untuned:.2f} | {effective:,.0f} |"


@cache
def _moments() -> tuple[float, float]:
    """Return the percentage of answers of 8 or more in :func:`drawn_world`, and the mean of those who say theirs."""
    codes = np.arange(1, 11)
    ends = norm.cdf((np.concatenate([[-np.inf], codes[:-1] + 0.5, [np.inf]]) - 5.5) / 2.2)
    shares, says = np.diff(ends), np.where(codes > 7, 0.5, 0.9)
    return 100 * float(shares[codes >= 8].sum()), float((shares * says * codes).sum() / (shares * says).sum())


def learned(repetitions: int, *, crossed: bool) -> str:
    """Return a row for a regression on 40 columns that learns from nobody but the 100 asked, ``crossed`` or not."""
    found = []
    for seed in range(repetitions):
        random = np.random.default_rng(seed)
        columns, asked = random.normal(size=(2100, 40)), np.arange(2100) < 100
        answers = columns @ np.full(40, 0.12) + random.normal(size=2100)
        fold = np.arange(2100) % 5
        predictions = np.empty(2100)
        for number in range(5):
            inside = fold == number
            training = asked & ~inside if crossed else asked
            around, level = columns - columns[training].mean(axis=0), answers[training].mean()
            square = around[training].T @ around[training] + 5 * np.eye(40)
            slopes = np.linalg.solve(square, around[training].T @ (answers[training] - level))
            predictions[inside] = level + around[inside] @ slopes
        known = np.where(asked, answers, np.nan)
        found.append((powered(Sample(np.ones((2100, 1)), known, predictions, asked, np.ones(2100))), 0.0, 0))
    return _line(f"mean | learned from those asked, {'' if crossed else 'not '}cross-fitted | 100", 100, found)


def predicted_file(people: People, predictor: str, learned: int, tested: int, out: Path) -> None:
    """Learn from some people, predict others, and write the value of each answer and of its prediction."""
    survey = people.survey
    order = np.random.default_rng(0).permutation(len(people))
    training, rest = people.take(order[:learned]), people.take(order[learned : learned + tested])
    at = np.array([survey.positions[name] for name in QUESTIONS])
    answered = rest.options("refined") >= 0
    answered[:, at] = False
    shown = np.where(answered, np.arange(answered.shape[1]), -1).astype(np.int16)
    shown = np.take_along_axis(shown, np.argsort(~answered, axis=1, kind="stable"), axis=1)
    settings = Settings(form="refined", setups=(0,), demonstrations=None, context="both")
    setup = Setup(0, at, shown[:, : int(answered.sum(axis=1).max())])
    benchmark = Benchmark(settings, rest, (setup,), Eligibility(len(rest), {}, len(rest), len(rest)))
    fitted = make_predictor(predictor).fit(training, "refined", "refined")
    values_of(predict(predictor, fitted, benchmark), rest).write_parquet(out)


def saved_file(people: People, run: Path, predictor: str, out: Path) -> None:
    """Write the values of the answers and of one predictor's predictions of a saved run."""
    survey = people.survey
    rows = load_run(run).predictions.filter(predictor=predictor)
    ordered = [name for name in rows["question"].unique(maintain_order=True) if survey.question(name).ordered]
    values_of(rows.filter(pl.col("question").is_in(ordered[: len(QUESTIONS)])), people).write_parquet(out)


def values_of(rows: pl.DataFrame, people: People) -> pl.DataFrame:
    """Return ``question``, ``answer`` and ``prediction`` of each row of a run's predictions, both as codes."""
    survey, parts = people.survey, []
    for (name,), some in rows.group_by(["question"], maintain_order=True):
        target = parse_target(f"mean:{name}", survey)
        values = target.option_values(survey, some["form"][0])
        answers = target.answers(people)[[people.rows[person] for person in some["person"]]]
        given = np.array(some["probabilities"].to_list(), np.float64) @ values
        parts.append(pl.DataFrame({"question": [str(name)] * len(some), "answer": answers, "prediction": given}))
    return pl.concat(parts)


def draw(answers: np.ndarray, predictions: np.ndarray, asked: int, others: int, seed: int) -> Powered:
    """Return what is found in a sample drawn with replacement."""
    rows = np.random.default_rng(seed).integers(0, len(answers), asked + others)
    inside = np.arange(asked + others) < asked
    known = np.where(inside, answers[rows], np.nan)
    return powered(Sample(np.ones((len(rows), 1)), known, predictions[rows], inside, np.ones(len(rows))))


def drawn(table: pl.DataFrame, asked: int, others: int, repetitions: int) -> Iterator[str]:
    """Yield a row for each question, and one for all."""
    yield "| question | asked | holds, % | asked alone, % | width | λ = 1 | n effective |"
    yield "|---|---:|---:|---:|---:|---:|---:|"
    every: list[tuple[Powered, float, int]] = []
    for (name,), some in table.group_by(["question"], maintain_order=True):
        answers, predictions = some["answer"].to_numpy(), some["prediction"].to_numpy()
        found = [draw(answers, predictions, asked, others, seed) for seed in range(repetitions)]
        every += [(one, float(answers.mean()), 0) for one in found]
        yield _line(f"{name} | {asked}", asked, every[-repetitions:])
    yield _line(f"all | {asked}", asked, every)


def curve(table: pl.DataFrame, others: int, repetitions: int, figure: Path | None) -> Iterator[str]:
    """Yield half the width of intervals, in standard deviations, by the number of people asked; draw them."""
    yield "| asked | asked alone | with predictions | ratio | n effective | best question | its ratio |"
    yield "|---:|---:|---:|---:|---:|---|---:|"
    points: list[dict[str, object]] = []
    for asked in CURVE:
        halves = {
            str(name): _halves(some, asked, others, repetitions)
            for (name,), some in table.group_by(["question"], maintain_order=True)
        }
        alone, both, effective = np.mean(list(halves.values()), axis=0)
        best = min(halves, key=lambda name: halves[name][1] / halves[name][0])
        cells = f"{asked:,} | {alone:.3f} | {both:.3f} | {both / alone:.2f} | {asked * effective:,.0f}"
        yield f"| {cells} | {best} | {halves[best][1] / halves[best][0]:.2f} |"
        series = ("asked alone", alone), ("with predictions, mean", both), ("with predictions, best", halves[best][1])
        points += [{"asked": asked, "half": float(half), "how": how} for how, half in series]
    if figure is not None:
        draw_curve(points, figure)


def _halves(some: pl.DataFrame, asked: int, others: int, repetitions: int) -> np.ndarray:
    """Return half the widths without and with predictions in standard deviations, and the effective number for each."""
    answers, predictions = some["answer"].to_numpy(), some["prediction"].to_numpy()
    found = []
    for seed in range(repetitions):
        one = draw(answers, predictions, asked, others, seed)
        widths = (one.classical_high - one.classical_low)[0], (one.high - one.low)[0]
        found.append((*(width / 2 / answers.std() for width in widths), float(one.effective[0])))
    return np.mean(found, axis=0)


def draw_curve(points: list[dict[str, object]], file: Path) -> None:
    """Draw the widths on logarithmic axes, readable on light and dark pages."""
    import altair as alt

    names = list(dict.fromkeys(str(point["how"]) for point in points))
    colours = ["#808080", PALETTE[0][0], PALETTE[1][0]]
    base = alt.Chart(alt.Data(values=points)).encode(
        x=alt.X(
            "asked:Q",
            scale=alt.Scale(type="log", domain=[45, 2200]),
            axis=alt.Axis(values=list(CURVE), title="People asked", grid=False),
        ),
        y=alt.Y(
            "half:Q",
            scale=alt.Scale(type="log", domain=[0.02, 0.32], nice=False),
            axis=alt.Axis(values=[0.02, 0.05, 0.1, 0.2, 0.3], title="Half the width of the interval, in SD"),
        ),
        color=alt.Color(
            "how:N",
            scale=alt.Scale(domain=names, range=colours),
            legend=alt.Legend(title=None, orient="top", columns=1, labelLimit=0),
        ),
        shape=alt.Shape("how:N", scale=alt.Scale(domain=names, range=["square", "circle", "triangle-up"]), legend=None),
    )
    chart = alt.layer(base.mark_line(strokeWidth=2), base.mark_point(filled=True, size=70, opacity=1))
    chart.properties(width=340, height=290, background="white").configure(
        font="Helvetica Neue, Helvetica, Arial, sans-serif"
    ).configure_axis(labelFontSize=13, titleFontSize=13, titleFontWeight="normal").configure_legend(
        labelFontSize=13
    ).save(str(file))


def crossfit(
    people: People, predictor: str, questions: Sequence[str], asked: int, others: int, repetitions: int
) -> Iterator[str]:
    """Yield what :func:`estimate` finds if the predictor learns from nobody but those asked, question by question."""
    yield "| question | repetitions | holds, % | width | n effective |\n|---|---:|---:|---:|---:|"
    every: list[tuple[bool, float, float]] = []
    for name in questions:
        found = []
        known = people.take(people.options("refined")[:, people.survey.positions[name]] >= 0)
        truth = float(parse_target(f"mean:{name}", people.survey).answers(known).mean())
        for seed in range(repetitions):
            row = estimate(known, f"mean:{name}", predictor, asked, others=others, seed=seed).table.row(0, named=True)
            width = (row["high"] - row["low"]) / (row["classical_high"] - row["classical_low"])
            found.append((row["low"] <= truth <= row["high"], width, row["effective"]))
        every += found
        yield _averages(name, found)
    yield _averages("all", every)


def _averages(name: str, found: list[tuple[bool, float, float]]) -> str:
    held, width, effective = np.mean(np.array(found, float), axis=0)
    return f"| {name} | {len(found)} | {100 * held:.0f} | {width:.2f} | {effective:,.0f} |"


def main() -> None:
    """Read the arguments, measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        "what", choices=["simulated", "real", "saved", "drawn", "curve", "crossfit"], help="what is measured"
    )
    parser.add_argument("file", nargs="?", help="survey file, or what `real` or `saved` wrote")
    parser.add_argument("--predictor", default="gaussian", help="predictor of `real`, `saved`, `crossfit`")
    parser.add_argument("--run", type=Path, help="saved run whose predictions `saved` takes")
    parser.add_argument("--learned", type=int, default=2000, help="people that the predictor of `real` learns from")
    parser.add_argument("--tested", type=int, default=8000, help="people that it predicts")
    parser.add_argument("--questions", nargs="+", default=QUESTIONS, help="questions of `crossfit`")
    parser.add_argument("--asked", type=int, default=300, help="people asked")
    parser.add_argument("--others", type=int, default=OTHERS, help="people predicted in each repetition")
    parser.add_argument("--repetitions", type=int, default=500, help="samples drawn")
    parser.add_argument("--out", type=Path, default=Path("predictions.parquet"), help="file that is written")
    parser.add_argument("--figure", type=Path, help="file that `curve` draws, .svg or .png")
    given = parser.parse_args()
    if given.what == "real":
        predicted_file(read_people(given.file), given.predictor, given.learned, given.tested, given.out)
        return
    if given.what == "saved":
        saved_file(read_people(given.file), given.run, given.predictor, given.out)
        return
    lines: dict[str, Callable[[], Iterator[str]]] = {
        "simulated": lambda: simulated(given.repetitions),
        "drawn": lambda: drawn(pl.read_parquet(given.file), given.asked, given.others, given.repetitions),
        "curve": lambda: curve(pl.read_parquet(given.file), given.others, given.repetitions, given.figure),
        "crossfit": lambda: crossfit(
            read_people(given.file), given.predictor, given.questions, given.asked, given.others, given.repetitions
        ),
    }
    for line in lines[given.what]():
        print(line, flush=True)


if __name__ == "__main__":
    main()
