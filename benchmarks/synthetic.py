"""Measure how similar synthetic people are to real ones.

    python benchmarks/synthetic.py DATA [--people 20000] [--seed 0] [--predictors] [--speed]

prints a table of the differences in option shares, correlations between questions and eligibility for the benchmark;
with ``--predictors`` also the accuracy of majority and resemble, with ``--speed`` the cost of 100,000 people.
"""

import argparse
import subprocess
import sys

import numpy as np
from numpy.typing import NDArray
from rich.console import Console
from rich.table import Table

from indievalue.benchmark.build import build_benchmark
from indievalue.benchmark.model import Settings
from indievalue.benchmark.protocol import protocol_probes
from indievalue.choices import FORMS, FormName
from indievalue.people.people import People
from indievalue.people.read import read_people
from indievalue.predictors.predictions import predict
from indievalue.predictors.registry import make_predictor
from indievalue.synthetic.generate import synthetic_people

SPEED = """
import resource, time
start = time.perf_counter()
from indievalue.synthetic.generate import synthetic_people
people = synthetic_people(100_000)
print(time.perf_counter() - start, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)
"""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", help="survey file of real people")
    parser.add_argument("--people", type=int, default=20_000, help="synthetic people [default: 20000]")
    parser.add_argument("--seed", type=int, default=0, help="seed of the synthetic people [default: 0]")
    parser.add_argument("--predictors", action="store_true", help="also measure accuracy")
    parser.add_argument("--speed", action="store_true", help="also measure the cost of 100,000 people")
    arguments = parser.parse_args()
    real = read_people(arguments.data, "wvs7")
    synthetic = synthetic_people(arguments.people, arguments.seed)

    table = Table("what", "where", "real", "synthetic", "apart")
    compare_marginals(table, real, synthetic)
    compare_correlations(table, real, synthetic)
    compare_eligibility(table, real, synthetic)
    if arguments.predictors:
        compare_predictors(table, real, synthetic)
    if arguments.speed:
        done = subprocess.run([sys.executable, "-c", SPEED], capture_output=True, text=True, check=True)
        seconds, megabytes = map(float, done.stdout.split())
        table.add_row("100,000 people", "", "", f"{seconds:.1f} s, {megabytes:,.0f} MB", "")
    Console(width=110).print(table)


def places(people: People) -> dict[str, NDArray[np.bool_]]:
    """Return the rows of all people, and of each continent."""
    labels = people.demographics["continent"].to_numpy()
    return {"world": np.ones(len(people), bool)} | {str(name): labels == name for name in np.unique(labels)}


def option_shares(options: NDArray[np.int8], counts: NDArray[np.int64]) -> list[NDArray[np.float64]]:
    """Return the share of each option among the answers to its question; nan without answers."""
    shares = []
    for question, count in enumerate(counts):
        answers = np.bincount(options[:, question] + 1, minlength=count + 1)[1:]
        shares.append(answers / answers.sum() if answers.sum() else np.full(count, np.nan))
    return shares


def compare_marginals(table: Table, real: People, synthetic: People) -> None:
    counts = real.survey.form("refined").counts
    of_real, of_synthetic = real.options("refined"), synthetic.options("refined")
    where_synthetic = places(synthetic)
    for where, rows in places(real).items():
        one = np.concatenate(option_shares(of_real[rows], counts))
        other = np.concatenate(option_shares(of_synthetic[where_synthetic[where]], counts))
        apart = 100 * np.abs(one - other)
        met = f"{np.sum(one > 0):,} options met", f"{np.sum(other > 0):,} options met"
        table.add_row("option shares", where, *met, f"mean {np.nanmean(apart):.2f} most {np.nanmax(apart):.1f} points")
        unanswered = 100 * (of_real[rows] < 0).mean(), 100 * (of_synthetic[where_synthetic[where]] < 0).mean()
        by_question = np.abs((of_real[rows] < 0).mean(axis=0) - (of_synthetic[where_synthetic[where]] < 0).mean(axis=0))
        far = f"mean {100 * by_question.mean():.2f} most {100 * by_question.max():.1f} points"
        table.add_row("missing", where, *(f"{share:.2f} %" for share in unanswered), far)


def correlations(options: NDArray[np.int8], fewest: int = 1000) -> NDArray[np.float64]:
    """Return Pearson correlations of option numbers (questions × questions), or nan for too few common answers."""
    answered = (options >= 0).astype(np.float64)
    values = np.where(options >= 0, options, 0).astype(np.float64)
    people = answered.T @ answered
    with np.errstate(divide="ignore", invalid="ignore"):
        mean = values.T @ answered / people  # of the row's question, among those who answered both
        variance = (values**2).T @ answered / people - mean**2
        covariance = values.T @ values / people - mean * mean.T
        found = covariance / np.sqrt(variance * variance.T)
    return np.asarray(np.where(people >= fewest, found, np.nan))


def compare_correlations(table: Table, real: People, synthetic: People) -> None:
    where_synthetic = places(synthetic)
    of_real, of_synthetic = real.options("refined"), synthetic.options("refined")
    pairs = np.triu_indices(of_real.shape[1], 1)
    for where, rows in places(real).items():
        fewest = 1000 if where == "world" else 300
        one = correlations(of_real[rows], fewest)[pairs]
        other = correlations(of_synthetic[where_synthetic[where]], fewest)[pairs]
        both = ~np.isnan(one + other)
        one, other = one[both], other[both]
        apart = np.abs(one - other)
        alike = np.corrcoef(one, other)[0, 1]
        table.add_row(
            f"correlations, {both.sum():,} pairs",
            where,
            f"mean |r| {np.abs(one).mean():.3f}",
            f"mean |r| {np.abs(other).mean():.3f}",
            f"mean {apart.mean():.3f} p99 {np.quantile(apart, 0.99):.3f} most {apart.max():.2f} agree r={alike:.2f}",
        )


def eligible(people: People, asked: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Return a mask of people who answered at least 239 of the 253 questions, and every probe."""
    answered = people.options("refined") >= 0
    probes = np.unique(np.concatenate(protocol_probes(people.survey, asked)))
    return np.asarray((answered.sum(axis=1) >= 239) & answered[:, probes].all(axis=1))


def compare_eligibility(table: Table, real: People, synthetic: People) -> None:
    one, other = eligible(real, real.asked), eligible(synthetic, real.asked)
    where_synthetic = places(synthetic)
    for where, rows in places(real).items():
        shares = 100 * one[rows].mean(), 100 * other[where_synthetic[where]].mean()
        table.add_row("eligible", where, *(f"{s:.1f} %" for s in shares), f"{shares[1] - shares[0]:+.1f} points")


def compare_predictors(table: Table, real: People, synthetic: People) -> None:
    for form in FORMS:
        for name in ("majority", "resemble:k=35"):
            found = [100 * accuracy(people, form, name) for people in (real, synthetic)]
            apart = f"{found[1] - found[0]:+.1f} points"
            table.add_row(f"accuracy of {name}", form, *(f"{share:.1f} %" for share in found), apart)


def accuracy(people: People, form: FormName, name: str) -> float:
    """Return the accuracy on setup 0 for 400 people, of a predictor fitted on all others."""
    benchmark = build_benchmark(people, Settings(form=form, setups=(0,)), people_tested=400)
    others = people.take(~np.isin(people.ids, benchmark.people.ids))
    predictor = make_predictor(name).fit(others, form, benchmark.settings.shown_form)
    predictions = predict(name, predictor, benchmark)
    return float((predictions["answer"] == predictions["choice"]).to_numpy().mean())


if __name__ == "__main__":
    main()
