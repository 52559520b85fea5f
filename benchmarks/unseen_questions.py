"""How accurate predictors are on questions that nobody answered, over several runs of `evaluate --unseen-questions`.

The rows of all runs, which test the same people on other questions, are put together. Intervals are from resampling
people and families of questions.

    python benchmarks/unseen_questions.py RUN [RUN …]
"""

import argparse
from collections.abc import Iterator, Sequence
from pathlib import Path

import polars as pl

from indievalue.runs.storage import load_run
from indievalue.scoring.crossed import Crossed, CrossedAccuracies
from indievalue.survey.families import families

RIVAL, KNOWING = "similar-majority", "gaussian, knowing"


def rows(runs: Sequence[Path]) -> tuple[pl.DataFrame, dict[str, str]]:
    """Return the predictions of all runs, and the family of each question."""
    loaded = [load_run(folder) for folder in runs]
    survey = loaded[0].survey
    of_family = families(survey).tolist()
    cluster = {question.id: survey.questions[at].id for question, at in zip(survey.questions, of_family, strict=True)}
    return pl.concat(run.predictions for run in loaded), cluster


def lines(predictions: pl.DataFrame, cluster: dict[str, str]) -> Iterator[str]:
    """Yield a table in Markdown, and how far the rival is from the predictor that knows the questions."""
    found = CrossedAccuracies(predictions, cluster)
    questions = predictions["question"].unique().to_list()
    families_of = len({cluster[question] for question in questions})
    people = predictions["person"].n_unique()
    yield f"{people} people, {len(questions)} questions in {families_of} families"
    yield ""
    yield f"| predictor | accuracy | log loss | instead of {RIVAL} | way from {RIVAL} to {KNOWING} |"
    yield "| --- | ---: | ---: | ---: | ---: |"
    chances = pl.col("probabilities").list.get(pl.col("answer")).clip(1e-6)
    for name in found.value_:
        loss = predictions.filter(predictor=name).select(-chances.log()).to_series().mean()
        better = _signed(found.difference(name, RIVAL)) if RIVAL in found.value_ and name != RIVAL else ""
        ends = {RIVAL, KNOWING} <= set(found.value_) and name not in (RIVAL, KNOWING)
        way = _plain(found.closed(name, RIVAL, KNOWING), 0) + "%" if ends else ""
        yield f"| {name} | {_plain(found.accuracy(name))} | {loss:.3f} | {better} | {way} |"


def _plain(found: Crossed, digits: int = 1) -> str:
    return f"{found.value:.{digits}f} ({found.low:.{digits}f} to {found.high:.{digits}f})"


def _signed(found: Crossed) -> str:
    return f"{found.value:+.1f} ({found.low:+.1f} to {found.high:+.1f})"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("runs", nargs="+", type=Path, metavar="RUN", help="run directory")
    for line in lines(*rows(parser.parse_args().runs)):
        print(line)


if __name__ == "__main__":
    main()
