"""Evaluate all predictors on real people and write the tables and figures of docs/results/predictors.md.

    python benchmarks/predictors.py wvs7_14countries.csv.gz [--quick] [--out docs/results]

Strict protocol, 800 people, seed 0. Takes an hour or two on two cores, most of it for boosting and for training
masked models (which are cached, so that later runs take half of that); --quick leaves out both. The page is written
part by part. A run that was stopped goes on with the part that it was in: finished parts lie in the folder --keep
until the page is complete.
"""

import argparse
import json
import shutil
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import altair as alt
import numpy as np
import polars as pl

from indievalue.benchmark.build import build_benchmark
from indievalue.benchmark.model import Benchmark, Settings, Setup
from indievalue.benchmark.narrow import with_first_demonstrations, with_people
from indievalue.choices import FORMS, FormName
from indievalue.elicitation.strategies import STRATEGIES, elicited
from indievalue.people.read import read_people
from indievalue.predictors.gaussian import Gaussian
from indievalue.predictors.predictions import predict
from indievalue.predictors.protocol import Predictor
from indievalue.predictors.ranking import best_list
from indievalue.predictors.registry import make_predictor
from indievalue.scoring.accuracy import Score, score
from short_forms import ShortForms, measured, paired_differences

NUMBERS = (0, 5, 10, 20, 50, 100, 200)
ASKED = (5, 10, 20, 30, 50)
ADAPTIVE_PEOPLE = 100
ADAPTIVE_BY_COUNTRY = 200
"""Numbers of people whose questions follow their answers: without a country, and with it."""

FOLDS = 3
"""Number of groups of countries to hold out together, for predictors that take minutes to fit."""

ONE_NETWORK = "masked:members=1"
"""A smaller `masked`, for parts that fit it many times."""

BLEND = "blend"

SMALLER = ("masked:hidden=96,members=1", "masked:hidden=384,members=1", ONE_NETWORK)
SLOW = ("boosting", "logistic")
"""Predictors fitted per probe, which are run only on setup 0."""


class Study:
    """The people, the tested people, and a cache of fitted predictors."""

    def __init__(self, data: str) -> None:
        self.people = read_people(data)
        self.tested = build_benchmark(self.people, Settings(), 800).people.ids.tolist()
        self.training = self.people.take(~np.isin(self.people.ids, self.tested))
        self._fitted: dict[tuple[str, FormName, FormName], Predictor] = {}
        self.seconds: dict[str, float] = {}
        """CPU seconds of the first fit of each predictor, to all training people."""

    def benchmark(self, **settings: object) -> Benchmark:
        return build_benchmark(self.people, replace(Settings(), **settings), self.tested)  # type: ignore[arg-type]

    def fitted(self, name: str, form: FormName, shown: FormName) -> Predictor:
        key = name, form, shown
        if key not in self._fitted:
            start = time.process_time()
            self._fitted[key] = make_predictor(name).fit(self.training, form, shown)
            self.seconds.setdefault(name, time.process_time() - start)
        return self._fitted[key]

    def predict(self, name: str, benchmark: Benchmark) -> pl.DataFrame:
        settings = benchmark.settings
        return predict(name, self.fitted(name, settings.form, settings.shown_form), benchmark)

    def score(self, name: str, benchmark: Benchmark) -> Score:
        return score(self.predict(name, benchmark), survey=self.people.survey)


def main() -> None:
    """Run and print all parts, and write the page."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", help="survey file")
    parser.add_argument("--quick", action="store_true", help="leave out boosting and masked models")
    parser.add_argument(
        "--out", type=Path, default=Path("docs/results"), help="where to write the page and its figures"
    )
    parser.add_argument(
        "--keep", type=Path, default=Path(".cache/bench-predictors"), help="folder of finished parts, while not all are"
    )
    options = parser.parse_args()
    study = Study(options.data)
    strong = ["resemble:k=35", "gaussian"] if options.quick else ["resemble:k=35", "gaussian", "masked"]
    smaller = strong if options.quick else [*strong[:2], ONE_NETWORK]
    blended = [] if options.quick else [BLEND]
    parts: dict[str, Callable[[], Iterator[str]]] = {
        "200 demonstrations": lambda: headline(study, ["random", "majority", *strong, *blended]),
        "differences": lambda: differences(study, strong[1:] if blended else []),
        "number of demonstrations": lambda: demonstrations(study, strong, options.out),
        "contexts": lambda: contexts(study, [*strong[1:], *blended]),
        "asking": lambda: asking(study, strong[1:], options.out),
        "short forms": lambda: short_forms(study),
        "best twenty": lambda: lists(study),
        "per question": lambda: per_probe(
            study, ["majority", "resemble:k=35", *([] if options.quick else SLOW), *strong[1:]]
        ),
        "new countries": lambda: new_country(study, ["majority", *smaller]),
        "fewer people": lambda: fewer_people(study, smaller),
        "networks": lambda: smaller_networks(study, () if options.quick else SMALLER),
    }
    options.keep.mkdir(parents=True, exist_ok=True)
    page, minutes = [INTRODUCTION], {}
    for number, (name, part) in enumerate(parts.items()):
        lines, minutes[name] = _once(study, part, options.keep / f"{number}{'-quick' * options.quick}.json")
        page += lines
        (options.out / "predictors.md").write_text("\n".join(page) + "\n", encoding="utf-8")
    page += [MORE_PEOPLE, *seconds_to_fit(study), *duration(minutes)]
    (options.out / "predictors.md").write_text("\n".join(page) + "\n", encoding="utf-8")
    shutil.rmtree(options.keep)


def _once(study: Study, part: Callable[[], Iterator[str]], kept: Path) -> tuple[list[str], float]:
    """Return a part's lines and CPU minutes: as an earlier run kept them, or else it is run, printed, and kept."""
    if not kept.exists():
        start, lines = time.process_time(), []
        for line in part():
            print(line, flush=True)
            lines.append(line)
        found = {"lines": lines, "minutes": (time.process_time() - start) / 60, "fitting": study.seconds}
        partial = kept.with_suffix(".partial")
        partial.write_text(json.dumps(found), encoding="utf-8")
        partial.rename(kept)
    found = json.loads(kept.read_text(encoding="utf-8"))
    study.seconds.update(found["fitting"])
    return found["lines"], found["minutes"]


INTRODUCTION = """# Predictors

Strict protocol, 800 people of 14 countries (WVS wave 7), seed 0, three setups; fitted on the other 25,155 people.
Accuracy in %, with the 95% interval from resampling people; log loss in nats; ECE is the expected calibration error
of the chosen option's probability, in points, with its value by chance for a perfectly calibrated predictor.

```sh
make bench-predictors DATA=wvs7_14countries.csv.gz
```

The best possible predictor would be right in about 80–92% of these polar and 66–83% of these refined answers
([why not in all](../ceiling.md)).
"""

MORE_PEOPLE = """
## More people, of other countries

Training `gaussian` also on 71,265 people of 52 other countries, who were asked 101 of the 253 questions, makes it
worse. Measured once, not by the command above: on 800 validation people of the 14 countries, set aside from the
training people (refined demonstrations; paired, with 95% intervals).

| probes | shown | without them | with them | difference |
|---|---|---|---|---|
| polar | statements | 77.6 | 77.0 | −0.56 (−0.73 to −0.38) |
| polar | both | 77.8 | 77.2 | −0.60 (−0.76 to −0.41) |
| refined | statements | 64.4 | 63.5 | −0.93 (−1.14 to −0.71) |
| refined | both | 64.5 | 63.7 | −0.82 (−1.00 to −0.63) |
"""

OTHER_SECONDS = """
Measured once, not by the command above, on two cores: `gaussian` takes 13 s for 97,000 people of 14 countries and
253 questions, 19 for as many of 66 countries and 101 questions, and 9 MB where it is saved (14 countries). `masked`
takes about 7 minutes for 25,155 people in float32, and half of that with `members=1` or in bfloat16. A polar
question takes `logistic` 0.8 s and `boosting` 3.4 s, a refined one 3.3 and 10 s. A list of questions takes 0.12 s
to choose, and a network for it 14 s (polar) or 18 s (refined) to train."""


def headline(study: Study, names: list[str]) -> Iterator[str]:
    yield "\n## 200 demonstrations\n"
    yield "| probes | demonstrations | predictor | accuracy | log loss | Brier | ECE (chance) | ordinal error |"
    yield "|---|---|---|---|---|---|---|---|"
    for form in FORMS:
        for shown in sorted(FORMS, reverse=True):
            benchmark = study.benchmark(form=form, demonstrations_as=shown)
            for name in names:
                if shown == "refined" or name not in ("random", "majority"):
                    got = study.score(name, benchmark)
                    ordinal = "" if got.ordinal_error is None else f"{got.ordinal_error:.3f}"
                    yield (
                        f"| {form} | {shown} | {name} | {_accuracy(got)} | {got.log_loss:.3f} | {got.brier:.3f} | "
                        f"{100 * (got.ece or 0):.1f} ({100 * (got.ece_floor or 0):.1f}) | {ordinal} |"
                    )
    yield "| polar | polar | *paper: GPT-4o* | 63.5 | | | | |"
    yield "| polar | polar | *paper: best fine-tuned Llama-3.1-8B* | 74.7 | | | | |"
    yield "| refined | refined | *paper: GPT-4o* | 35.6 | | | | |"
    yield "| refined | refined | *paper: best fine-tuned Llama-3.1-8B* | 60.6 | | | | |"


def differences(study: Study, names: list[str]) -> Iterator[str]:
    if names:
        yield f"\nPaired over people, with 95% intervals, `{BLEND}` differs with refined demonstrations from:\n"
        yield "| probes | predictor | accuracy | log loss |\n|---|---|---|---|"
    for form in FORMS:
        benchmark = study.benchmark(form=form, demonstrations_as="refined")
        for name in names:
            found = paired_differences(study.predict(BLEND, benchmark), study.predict(name, benchmark))
            yield f"| {form} | {name} | {' | '.join(found)} |"


def per_probe(study: Study, names: list[str]) -> Iterator[str]:
    yield "\n## One model per question\n"
    yield "The 39 probes of setup 0; refined demonstrations. `boosting` and `logistic` fit a model for each of these.\n"
    yield "| predictor | polar | log loss | refined | log loss |\n|---|---|---|---|---|"
    for name in names:
        cells = []
        for form in FORMS:
            got = study.score(name, study.benchmark(form=form, demonstrations_as="refined", setups=(0,)))
            cells.append(f"{_accuracy(got)} | {got.log_loss:.3f}")
        yield f"| {name} | {' | '.join(cells)} |"
    yield "\nBy number of demonstrations without demographics, then demographics alone, and both (200):"
    yield "one polar probe of each category, the first of setup 0.\n"
    yield f"| predictor | {' | '.join(map(str, NUMBERS))} | demographics | both |\n|---|{'---|' * len(NUMBERS)}---|---|"
    shown = {"demonstrations_as": "refined", "setups": (0,)}
    benchmark = _one_a_category(study.benchmark(**shown))
    others = [_one_a_category(study.benchmark(**shown, context=kind)) for kind in ("demographics", "both")]
    for name in names:
        scores = [
            study.score(name, one)
            for one in [*(with_first_demonstrations(benchmark, number) for number in NUMBERS), *others]
        ]
        yield f"| {name} | {' | '.join(map(_accuracy, scores))} |"


def seconds_to_fit(study: Study) -> Iterator[str]:
    yield "\n## Seconds to fit\n"
    yield "CPU seconds to 25,155 people, refined demonstrations; on two cores the clock shows down to half of it. What"
    yield "`masked` learned is kept: where it was kept before, this is the time to read it. `logistic` and `boosting`"
    yield "fit a model for each question asked.\n"
    yield "| predictor | CPU seconds |\n|---|---|"
    for name, seconds in study.seconds.items():
        if name not in SLOW:
            yield f"| {name} | {seconds:.1f} |"
    yield OTHER_SECONDS


def duration(minutes: dict[str, float]) -> Iterator[str]:
    yield "\n## What this page takes\n"
    yield f"{sum(minutes.values()):.0f} CPU minutes in all, besides what `masked` and `blend` had kept of earlier runs:"
    yield "; ".join(f"{name} {spent:.1f}" for name, spent in minutes.items() if spent >= 0.05) + "."


def demonstrations(study: Study, names: list[str], out: Path) -> Iterator[str]:
    yield "\n## How many demonstrations\n"
    yield "Refined demonstrations.\n\n![Accuracy by number of demonstrations](demonstrations.svg)\n"
    yield f"| probes | predictor | {' | '.join(map(str, NUMBERS))} |"
    yield f"|---|---|{'---|' * len(NUMBERS)}"
    rows = []
    for form in FORMS:
        benchmark = study.benchmark(form=form, demonstrations_as="refined")
        for name in names:
            scores = [study.score(name, with_first_demonstrations(benchmark, number)) for number in NUMBERS]
            rows += [(form, name, n, s.accuracy) for n, s in zip(NUMBERS, scores, strict=True)]
            yield f"| {form} | {name} | {' | '.join(_accuracy(got) for got in scores)} |"
    _curve(rows, "demonstrations", out / "demonstrations.svg")


def contexts(study: Study, names: list[str]) -> Iterator[str]:
    yield "\n## Demographics, statements, or both\n"
    yield "Refined demonstrations.\n\n| probes | predictor | demographics | statements | both |\n|---|---|---|---|---|"
    for form in FORMS:
        for name in names:
            kinds = ("demographics", "statements", "both")
            got = [study.score(name, study.benchmark(form=form, demonstrations_as="refined", context=k)) for k in kinds]
            yield f"| {form} | {name} | {' | '.join(map(_accuracy, got))} |"


def new_country(study: Study, names: list[str]) -> Iterator[str]:
    yield "\n## Countries not in the training data\n"
    yield "Accuracy on the tested people of all countries, by predictors fitted without their country. Countries are"
    yield f"held out one by one, or a third of them together ({FOLDS} fits instead of one per country).\n"
    yield "| probes | predictor | country known | country new | with a third of all |\n|---|---|---|---|---|"
    countries = np.unique(study.benchmark().people.demographics["country"].to_numpy())
    alone = [np.array([country]) for country in countries]
    together = [countries[fold::FOLDS] for fold in range(FOLDS)]
    for form in FORMS:
        benchmark = study.benchmark(form=form, demonstrations_as="refined")
        for name in names:
            one_by_one = "" if name == ONE_NETWORK else _accuracy(_elsewhere(study, name, benchmark, alone))
            in_thirds = _accuracy(_elsewhere(study, name, benchmark, together))
            yield f"| {form} | {name} | {_accuracy(study.score(name, benchmark))} | {one_by_one} | {in_thirds} |"


def _elsewhere(study: Study, name: str, benchmark: Benchmark, left_out: list[np.ndarray]) -> Score:
    """Score a predictor by cross-validation over groups of countries."""
    country = study.training.demographics["country"].to_numpy()
    residence = benchmark.people.demographics["country"].to_numpy()
    tables = []
    for countries in left_out:
        fitted = make_predictor(name).fit(study.training.take(~np.isin(country, countries)), *_forms(benchmark))
        tables.append(predict(name, fitted, with_people(benchmark, np.isin(residence, countries))))
    return score(pl.concat(tables))


def fewer_people(study: Study, names: list[str]) -> Iterator[str]:
    sizes = (500, 2000, 8000, len(study.training))
    yield "\n## How many people to learn from\n"
    yield f"Refined demonstrations.\n\n| probes | predictor | {' | '.join(f'{size:,}' for size in sizes)} |"
    yield f"|---|---|{'---|' * len(sizes)}"
    order = np.random.default_rng(0).permutation(len(study.training))
    for form in FORMS:
        benchmark = study.benchmark(form=form, demonstrations_as="refined")
        for name in names:
            cells = []
            for size in sizes:
                some = study.training.take(np.sort(order[:size]))
                fitted = make_predictor(name).fit(some, *_forms(benchmark))
                cells.append(_accuracy(score(predict(name, fitted, benchmark))))
            yield f"| {form} | {name} | {' | '.join(cells)} |"


def smaller_networks(study: Study, names: Sequence[str]) -> Iterator[str]:
    if names:
        yield "\n## How large a network\n"
        yield "Refined demonstrations. `masked` is two networks of width 768.\n"
        yield "| predictor | polar | log loss | refined | log loss |\n|---|---|---|---|---|"
    for name in names:
        scores = [study.score(name, study.benchmark(form=form, demonstrations_as="refined")) for form in FORMS]
        yield f"| {name} | {' | '.join(f'{_accuracy(got)} | {got.log_loss:.3f}' for got in scores)} |"


def asking(study: Study, names: list[str], out: Path) -> Iterator[str]:
    yield "\n## Choosing what to ask\n"
    yield (
        "Questions are chosen to predict the probes of a setup, which are never asked themselves; polar probes,\n"
        f"refined answers. `adaptive` is measured on {ADAPTIVE_PEOPLE} of the 800 people, the others on all.\n\n"
        "![Accuracy by number of questions asked](asking.svg)\n"
    )
    yield f"| predictor | chosen by | {' | '.join(map(str, ASKED))} |\n|---|---|{'---|' * len(ASKED)}"
    gaussian = study.fitted("gaussian", "polar", "refined")
    assert isinstance(gaussian, Gaussian)
    benchmark = study.benchmark(form="polar", demonstrations_as="refined")
    some = np.zeros(len(benchmark.people), bool)
    some[:: len(some) // ADAPTIVE_PEOPLE] = True
    rows = []
    chosen = {}
    for strategy in STRATEGIES:
        whose = with_people(benchmark, some) if strategy == "adaptive" else benchmark
        chosen[strategy] = elicited(whose, gaussian, strategy, max(ASKED), say=lambda _: None)
    chosen[f"fixed, the same {ADAPTIVE_PEOPLE}"] = with_people(chosen["fixed"], some)
    for name in names:
        for strategy, asked in chosen.items():
            scores = [study.score(name, with_first_demonstrations(asked, number)) for number in ASKED]
            rows += [(name, strategy, n, s.accuracy) for n, s in zip(ASKED, scores, strict=True)]
            yield f"| {name} | {strategy} | {' | '.join(map(_accuracy, scores))} |"
    _curve(rows, "questions asked", out / "asking.svg")


def short_forms(study: Study) -> Iterator[str]:
    yield "\n## Asking with the country known, and a network for a list\n"
    yield (
        "Polar probes and refined answers, as above. `network` is trained on the answers to exactly the questions of\n"
        "a list (`ListNetwork`); `gaussian` guesses the country from the answers where it is not known. The section\n"
        "alone: `python benchmarks/short_forms.py DATA`. The size of the network and how it is trained were chosen on\n"
        "800 validation people drawn from the training people (`--validation`).\n"
    )
    gaussian = study.fitted("gaussian", "polar", "refined")
    assert isinstance(gaussian, Gaussian)
    benchmark = study.benchmark(form="polar", demonstrations_as="refined")
    yield from measured(ShortForms(study.training, benchmark, gaussian, ADAPTIVE_BY_COUNTRY))
    yield "\nThe same for refined probes, with `python benchmarks/short_forms.py DATA --form refined --adaptive 0`:\n"
    gaussian = study.fitted("gaussian", "refined", "refined")
    assert isinstance(gaussian, Gaussian)
    benchmark = study.benchmark(form="refined", demonstrations_as="refined")
    yield from measured(ShortForms(study.training, benchmark, gaussian, 0))


def lists(study: Study) -> Iterator[str]:
    yield "\n## The best twenty questions\n"
    yield "A fixed list of questions for everybody, each chosen for its contribution to predicting all others; and"
    yield "the accuracy of `gaussian` on the 233 questions not on the list once each is answered."
    yield "Lists for each country are in [short-forms.csv](short-forms.csv).\n"
    yield "| | to predict polar answers | accuracy | to predict refined answers | accuracy |\n|---|---|---|---|---|"
    questions = study.people.survey.questions
    columns = []
    for form in FORMS:
        gaussian = study.fitted("gaussian", form, "refined")
        assert isinstance(gaussian, Gaussian)
        everything = np.ones(len(questions))
        chosen = best_list(gaussian, everything, everything > 0, 20)
        benchmark = study.benchmark(form=form, demonstrations_as="refined", setups=(0,))
        shown = np.tile(np.array(chosen, np.int16), (len(benchmark.people), 1))
        shown[benchmark.people.options("refined")[:, chosen] < 0] = -1
        rest = np.setdiff1d(np.arange(len(questions)), chosen)
        asked = replace(benchmark, setups=(Setup(0, rest, shown),))
        bought = [study.score("gaussian", with_first_demonstrations(asked, number)).accuracy for number in range(21)]
        names = ["nothing", *(f"`{questions[at].id}` {questions[at].asks}" for at in chosen)]
        columns.append([f"{name} | {accuracy:.1f}" for name, accuracy in zip(names, bought, strict=True)])
    for place, pair in enumerate(zip(*columns, strict=True)):
        yield f"| {place} | {' | '.join(pair)} |"


def _forms(benchmark: Benchmark) -> tuple[FormName, FormName]:
    return benchmark.settings.form, benchmark.settings.shown_form


def _one_a_category(benchmark: Benchmark) -> Benchmark:
    """Return the benchmark restricted to the first probe of each category in the first setup."""
    setup, questions = benchmark.setups[0], benchmark.survey.questions
    seen: set[str] = set()
    probes = [at for at in setup.probes if not (questions[at].category in seen or seen.add(questions[at].category))]
    return replace(benchmark, setups=(replace(setup, probes=np.array(probes)),))


def _accuracy(got: Score) -> str:
    return f"{got.accuracy:.1f} ({got.accuracy_low:.1f}-{got.accuracy_high:.1f})"


def _curve(rows: list[tuple[str, str, int, float]], title: str, path: Path) -> None:
    table = pl.DataFrame(rows, schema=["panel", "line", "number", "accuracy"], orient="row")
    lines = table["line"].unique(maintain_order=True).to_list()
    palette = ["#0072B2", "#D55E00", "#009E73", "#CC79A7", "#56B4E9", "#E69F00"]
    base = alt.Chart(table).encode(
        x=alt.X("number:Q", title=title).scale(type="symlog", constant=4).axis(values=list(NUMBERS), grid=False),
        y=alt.Y("accuracy:Q", title="accuracy, %").scale(zero=False),
        color=alt.Color("line:N", title=None, sort=lines).scale(domain=lines, range=palette[: len(lines)]),
        shape=alt.Shape("line:N", title=None, sort=lines).scale(domain=lines),
    )
    chart = alt.layer(base.mark_line(strokeWidth=2), base.mark_point(filled=True, size=60)).properties(
        width=280, height=220
    )
    page = chart.facet(alt.Facet("panel:N", title=None, sort=None), columns=2).resolve_scale(y="independent")
    page.configure_view(stroke=None).configure(background="white").save(path)


if __name__ == "__main__":
    main()
