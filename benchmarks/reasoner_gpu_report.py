"""Score the models of `reasoner_gpu_train.py` beside statistical predictors given the same statements.

python benchmarks/reasoner_gpu_report.py DATA examples.npz trained [--only plain,distilled]
"""

import argparse
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from indievalue.benchmark.model import NOBODY, Benchmark, Setup, Task
from indievalue.evaluation import evaluate
from indievalue.people.people import People
from indievalue.predictors.protocol import BasePredictor, Guesses
from indievalue.predictors.registry import make_predictor
from indievalue.runs.run import Run
from indievalue.scoring.accuracy import summarise
from indievalue.synthetic.source import people_from
from reasoner_gpu_prepare import benchmark_of


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", help="survey file")
    parser.add_argument("examples", type=Path, help="file of `reasoner_gpu_prepare.py`")
    parser.add_argument("trained", type=Path, help="folder of `reasoner_gpu_train.py`")
    parser.add_argument("--only", help="names of trainings, separated by commas [default: all]")
    options = parser.parse_args()
    report(people_from(options.data), options.examples, options.trained, options.only)


class Replayed(BasePredictor):
    """The predictions of a trained model, made elsewhere.

    Args:
        people: everybody in the data. file: with the model's probabilities for rows of people, and questions.
    """

    learns = False

    def __init__(self, people: People, file: Path) -> None:
        stored = np.load(file)
        self.rows = people.rows
        shape = len(people), len(people.survey.questions), stored["probabilities"].shape[1]
        self.probabilities = np.full(shape, np.nan, np.float32)
        self.probabilities[stored["rows"], stored["questions"]] = stored["probabilities"]

    def predict(self, task: Task) -> Guesses:
        rows = np.array([self.rows[person] for person in task.people.tolist()])
        options = int(task.counts.max())
        found = np.nan_to_num(self.probabilities[np.ix_(rows, task.probes)][:, :, :options], nan=1 / options)
        return Guesses.most_probable(found / found.sum(axis=2, keepdims=True))


def report(people: People, examples: Path, trained: Path, only: str | None) -> None:
    """Print tables of the trainings' scores, on all probes, those kept unseen, and the others."""
    file = dict(np.load(examples))
    names = only.split(",") if only else sorted(path.stem for path in trained.glob("*.npz"))
    predictors = {
        "majority": make_predictor("majority"),
        "gaussian": make_predictor("gaussian"),
        **{name: Replayed(people, trained / f"{name}.npz") for name in names},
    }
    run = evaluate(people, relevant(people, file, 6), predictors)
    rows = [run.predictions, *(averaged(run.predictions, "gaussian", name) for name in names)]
    unseen = pl.col("question").is_in([people.survey.questions[column].id for column in file["unseen"].tolist()])
    for title, chosen in (("all", pl.lit(True)), ("unseen in one training", unseen), ("others", ~unseen)):
        predictions = pl.concat(rows).filter(chosen)
        part = replace(run, predictions=predictions, scores=summarise(predictions, 0, people.survey))
        print(f"\n{title}\n\n{scores(part)}\n\n{disagreements(predictions, names)}")
    accuracies = run.by_category.pivot("predictor", index="category", values="accuracy").rows()
    print("\n", "\n".join(" | ".join([row[0], *(f"{cell:.1f}" for cell in row[1:])]) for row in accuracies))


def averaged(predictions: pl.DataFrame, a: str, b: str) -> pl.DataFrame:
    """Return the predictions of the mean of two predictors' probabilities."""
    one, other = (predictions.filter(predictor=name).sort("person", "question") for name in (a, b))
    pairs = zip(one["probabilities"].to_list(), other["probabilities"].to_list(), strict=True)
    means = [[(left + right) / 2 for left, right in zip(*pair, strict=True)] for pair in pairs]
    return one.with_columns(
        pl.lit(f"{a} + {b}").alias("predictor"),
        pl.Series("choice", [int(np.argmax(mean)) for mean in means], one.schema["choice"]),
        pl.Series("probabilities", means, one.schema["probabilities"]),
    )


def disagreements(predictions: pl.DataFrame, names: list[str]) -> str:
    """Return how often each of ``names`` differs from `majority` and `gaussian`, and which of the two is then right."""
    choices = predictions.pivot("predictor", index=["person", "question", "answer"], values="choice")
    lines = []
    for name in names:
        for other in ("majority", "gaussian"):
            apart = choices.filter(pl.col(name) != pl.col(other))
            share, ours, theirs = (
                100 * value
                for value in (
                    len(apart) / len(choices),
                    (apart[name] == apart["answer"]).mean(),
                    (apart[other] == apart["answer"]).mean(),
                )
            )
            lines.append(
                f"{name} differs from {other} in {share:.0f} of 100: right in {ours:.0f} %, it in {theirs:.0f} %"
            )
    return "\n".join(lines)


def relevant(people: People, file: dict[str, NDArray[Any]], number: int) -> Benchmark:
    """Return the benchmark in which each probe is shown with the statements that tell most about it."""
    benchmark = benchmark_of(people, people.ids[file["tested"]].tolist())
    answered = benchmark.people.options("refined") >= 0
    setups = []
    for probe in file["probes"].tolist():
        ranked = file["ranking"][probe]
        known = answered[:, ranked]
        places = np.argsort(~known, axis=1, kind="stable")[:, :number]
        shown = np.where(np.take_along_axis(known, places, axis=1), ranked[places], NOBODY).astype(np.int16)
        setups.append(Setup(0, np.array([probe]), shown))
    return replace(benchmark, settings=replace(benchmark.settings, demonstrations=number), setups=tuple(setups))


def scores(run: Run) -> str:
    """Return a table of accuracy and log loss, and paired differences from the first two predictors."""
    lines = [
        "| predictor | accuracy, % | log loss | − majority | p | − gaussian | p |",
        "|---|---:|---:|---:|---:|---:|---:|",
    ]
    for row in run.summary.iter_rows(named=True):
        name = row["predictor"]
        cells = [name, f"{row['accuracy']:.1f} ({row['low']:.1f}–{row['high']:.1f})", f"{row['log_loss']:.3f}"]
        for other in ("majority", "gaussian"):
            if name in ("majority", "gaussian"):
                cells += ["", ""]
                continue
            (paired,) = run.compare(name, other, []).table.filter(measure="accuracy").to_dicts()
            interval = f"{paired['low']:+.1f} to {paired['high']:+.1f}"
            cells += [f"{paired['difference']:+.1f} ({interval})", f"{paired['p']:.3f}"]
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)


if __name__ == "__main__":
    main()
