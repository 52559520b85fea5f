"""Measure how well answers to a few chosen questions predict the others, with and without knowing the country.

    python benchmarks/short_forms.py wvs7_14countries.csv.gz [--form polar] [--people 800] [--adaptive 200]

Strict protocol, seed 0, three setups: lists and questions are chosen to predict the probes of a setup, which are never
asked themselves; refined answers. Prints Markdown: accuracy by the number of questions, and paired differences. Takes
a few minutes, most of it for networks, which are trained for every list.

With --validation, the people tested are others, drawn from the training people: choices are made with it.
"""

import argparse
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
import polars as pl

from indievalue.benchmark.build import build_benchmark
from indievalue.benchmark.model import Benchmark, Settings
from indievalue.benchmark.narrow import with_first_demonstrations, with_people
from indievalue.choices import FORMS, FormName
from indievalue.elicitation.network import ListNetwork
from indievalue.elicitation.strategies import elicited
from indievalue.people.people import People
from indievalue.people.read import read_people
from indievalue.predictors.gaussian import Gaussian
from indievalue.predictors.predictions import predict
from indievalue.predictors.ranking import best_list
from indievalue.scoring.accuracy import score
from indievalue.scoring.paired import compare

NUMBERS = (10, 20, 50)
"""Numbers of questions asked."""

PAIRED = 20
"""Number of questions for which differences are printed, and which an adaptive interview asks at most."""


@dataclass(frozen=True)
class ShortForms:
    """People to learn from, those to test, and a predictor fitted on the former."""

    training: People
    benchmark: Benchmark
    gaussian: Gaussian
    adaptive_people: int

    @classmethod
    def of(cls, training: People, benchmark: Benchmark, adaptive_people: int) -> "ShortForms":
        form: FormName = benchmark.settings.form
        return cls(training, benchmark, Gaussian().fit(training, form, "refined"), adaptive_people)

    @cached_property
    def some(self) -> np.ndarray:
        """The people who are asked adaptively (people,)."""
        number = len(self.benchmark.people)
        some = np.zeros(number, bool)
        if self.adaptive_people:
            some[:: max(1, number // self.adaptive_people)] = True
        return some

    def table(self, asked: Benchmark, number: int) -> pl.DataFrame:
        """Return the predictions of the Gaussian model."""
        return predict("gaussian", self.gaussian, with_first_demonstrations(asked, number))

    def network(self, number: int) -> pl.DataFrame:
        """Return the predictions of a network for each setup, trained on the answers to its list."""
        tables, survey = [], self.benchmark.survey
        for setup in self.benchmark.setups:
            worth = np.isin(np.arange(len(survey.questions)), setup.probes).astype(float)
            listed = best_list(self.gaussian, worth, worth == 0, number)
            network = ListNetwork([survey.questions[at].id for at in listed])
            network.fit(self.training, self.benchmark.settings.form, "refined")
            shown = np.tile(np.array(listed, np.int16), (len(self.benchmark.people), 1))
            shown[self.benchmark.people.options("refined")[:, listed] < 0] = -1
            asked = replace(self.benchmark, setups=(replace(setup, demonstrations=shown),))
            tables.append(predict("network", network, asked))
        return pl.concat(tables)

    def rows(self) -> "Iterator[tuple[str, str, str, Callable[[int], pl.DataFrame]]]":
        """Yield what is known, how questions are chosen, the predictor, and its predictions for a number of them."""
        known = with_country_alone(self.benchmark)
        most = max(NUMBERS)
        fixed = self._elicited(self.benchmark, "fixed", most)
        of_countries = self._elicited(known, "fixed", most)
        yield "nothing", "one list", "gaussian", lambda number: self.table(fixed, number)
        yield "nothing", "one list", "network", self.network
        yield "country", "one list", "gaussian", lambda number: self.table(with_country_alone(fixed), number)
        yield "country", "a list per country", "gaussian", lambda number: self.table(of_countries, number)
        if not self.some.any():
            return
        adaptive = self._elicited(with_people(known, self.some), "adaptive", PAIRED)
        few = f"adaptive, {int(self.some.sum())} people"
        yield "country", few, "gaussian", lambda number: self.table(adaptive, number)

    def _elicited(self, benchmark: Benchmark, strategy: str, number: int) -> Benchmark:
        known = benchmark.settings.context == "both"
        return elicited(benchmark, self.gaussian, strategy, number, say=lambda _: None, by_country=known)  # type: ignore[arg-type]


def with_country_alone(benchmark: Benchmark) -> Benchmark:
    """Return the benchmark that also shows everybody's country, and no other demographic."""
    people = benchmark.people
    others = [name for name in people.demographics.columns if name != people.survey.country]
    demographics = people.demographics.with_columns(pl.lit(None, pl.String).alias(name) for name in others)
    settings = replace(benchmark.settings, context="both")
    return replace(benchmark, people=replace(people, demographics=demographics), settings=settings)


def measured(forms: ShortForms) -> Iterator[str]:
    """Yield the lines of both tables."""
    form = forms.benchmark.settings.form
    yield f"| known | questions | predictor | {' | '.join(map(str, NUMBERS))} |\n|---|---|---|{'---|' * len(NUMBERS)}"
    paired = {}
    for known, chosen, name, table in forms.rows():
        cells = []
        for number in NUMBERS:
            if chosen.startswith("adaptive") and number > PAIRED:
                cells.append("")
                continue
            predictions = table(number)
            if number == PAIRED:
                paired[known, chosen.partition(",")[0], name] = predictions
            got = score(predictions)
            cells.append(f"{got.accuracy:.2f} ({got.accuracy_low:.1f}-{got.accuracy_high:.1f})")
        yield f"| {known} | {chosen} | {name} | {' | '.join(cells)} |"
    yield f"\nPaired differences after {PAIRED} questions, with 95% intervals from resampling people ({form} probes):\n"
    yield "| | instead of | accuracy | log loss |\n|---|---|---|---|"
    nothing, network = ("nothing", "one list", "gaussian"), ("nothing", "one list", "network")
    known, by_country = ("country", "one list", "gaussian"), ("country", "a list per country", "gaussian")
    pairs = [(network, nothing), (known, nothing), (by_country, known), (by_country, network)]
    for a, b in [*pairs, (("country", "adaptive", "gaussian"), by_country)]:
        if a in paired:
            yield f"| {_words(a)} | {_words(b)} | {' | '.join(paired_differences(paired[a], paired[b]))} |"


def _words(row: tuple[str, str, str]) -> str:
    known, chosen, name = row
    return f"{name}, {chosen}, {known} known"


def paired_differences(a: pl.DataFrame, b: pl.DataFrame) -> Iterator[str]:
    """Yield by how much a predictor's accuracy and log loss exceed another's, with 95% intervals."""
    names = (
        a.with_columns(predictor=pl.lit("a"), context=pl.lit("")),
        b.with_columns(predictor=pl.lit("b"), context=pl.lit("")),
    )
    found = compare(*(one.with_columns(demonstrations=pl.lit(0, pl.Int16)) for one in names), intersection=True).table
    for measure, digits in (("accuracy", 2), ("log_loss", 3)):
        row = found.row(by_predicate=pl.col("measure") == measure, named=True)
        yield f"{row['difference']:+.{digits}f} ({row['low']:+.{digits}f} to {row['high']:+.{digits}f})"


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", help="survey file")
    parser.add_argument("--form", choices=FORMS, default="polar", help="form of the probes")
    parser.add_argument("--people", type=int, default=800, help="number of people to test")
    parser.add_argument("--adaptive", type=int, default=200, help="about how many are asked adaptively, or 0")
    parser.add_argument("--validation", action="store_true", help="test people drawn from the training people")
    options = parser.parse_args()
    people = read_people(options.data)
    settings = Settings(form=options.form, demonstrations_as="refined")
    benchmark = build_benchmark(people, settings, options.people)
    training = people.take(~np.isin(people.ids, benchmark.people.ids))
    if options.validation:
        benchmark = build_benchmark(training, settings, options.people)
        training = training.take(~np.isin(training.ids, benchmark.people.ids))
    for line in measured(ShortForms.of(training, benchmark, options.adaptive)):
        print(line, flush=True)


if __name__ == "__main__":
    main()
